"""The calendars of some of the demo's environments, kept with the commands that hosts use."""

from collections.abc import Mapping, Sequence
from datetime import date, time, timedelta
from typing import Any

from registry.access import SYSTEM
from registry.bookings import hosting
from registry.bookings.openings import midnight
from registry.demo.files import day
from registry.entries import calendar_service
from registry.entries.calendars import Closure, OpenDay, Opening, Season
from registry.entries.queries import environments_by_id
from registry.errors import Bilingual


async def seed_calendars(data: Sequence[Mapping[str, Any]], slugs: Mapping[str, int]) -> None:
    """Set seasons, holidays, closures, open days and blackouts; after the bookings, which a blackout leaves alone."""
    for one in data:
        environment_id = slugs[one["slug"]]
        for season in one["seasons"]:
            await _season(environment_id, season)
        await calendar_service.set_holidays(
            SYSTEM,
            environment_id,
            closed_on_holidays=one["closed_on_holidays"],
            closed_on_eves=one["closed_on_eves"],
            read_version=await _version(environment_id),
        )
        for closure in one["closures"]:
            first, last = coming(closure["first_day"], closure["last_day"], day(0))
            interval = midnight(first), midnight(last + timedelta(days=1))
            await calendar_service.add_closure(
                SYSTEM, environment_id, Closure(*interval, closure["reason_sv"], closure["reason_en"])
            )
        for open_day in one["open_days"]:
            _, opened = coming(open_day["day"], open_day["day"], day(0))
            hours = time.fromisoformat(open_day["opens"]), time.fromisoformat(open_day["closes"])
            await calendar_service.add_open_day(SYSTEM, environment_id, OpenDay(opened, *hours))
        for blackout in one["blackouts"]:
            earliest = day(blackout["days"])
            first = earliest + timedelta(days=(blackout["weekday"] - earliest.isoweekday()) % 7)
            interval = midnight(first), midnight(first + timedelta(days=blackout["length_days"]))
            reason = Bilingual(blackout["reason_sv"], blackout["reason_en"])
            await hosting.set_blackout(SYSTEM, environment_id, *interval, reason)


async def _season(environment_id: int, one: Mapping[str, Any]) -> None:
    first, last = coming(one["first_day"], one["last_day"], day(0))
    openings = tuple(opening_from(hours) for hours in one["opening_hours"])
    season = Season(first, last, every_year=True, name_sv=one["name_sv"], name_en=one["name_en"], openings=openings)
    await calendar_service.save_season(SYSTEM, environment_id, season, read_version=await _version(environment_id))


def opening_from(hours: Mapping[str, Any]) -> Opening:
    """Opening hours from an object of the data files."""
    return Opening(hours["weekday"], time.fromisoformat(hours["opens"]), time.fromisoformat(hours["closes"]))


async def _version(environment_id: int) -> int:
    version: int = (await environments_by_id([environment_id]))[environment_id].version
    return version


def coming(first_day: str, last_day: str, today: date) -> tuple[date, date]:
    """Days of the year, as MM-DD, where they are next or now; they may reach over the new year."""
    last = date.fromisoformat(f"{today.year}-{last_day}")
    if last < today:
        last = last.replace(year=last.year + 1)
    first = date.fromisoformat(f"{last.year}-{first_day}")
    return (first if first <= last else first.replace(year=first.year - 1)), last
