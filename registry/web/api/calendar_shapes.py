"""The calendar of an environment as the API answers it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any
from uuid import UUID

from registry.access import Actor
from registry.bookings import blackouts, queries
from registry.entries import rules
from registry.entries.calendars import Opening
from registry.entries.queries import EntryView
from registry.errors import Bilingual
from registry.web import language
from registry.web.api.calendars import rules_of
from registry.web.api.entries import OpeningOnWeekday, Texts

# What an interval touches is told as problems tell it: id, state, times, environments, and who as far as one may know.
Bookings = list[dict[str, Any]]


@dataclass(frozen=True)
class SeasonShape:
    """A part of the year with a week of its own, both days included; with `every_year` only month and day count."""

    id: int
    name: Texts
    first_day: date
    last_day: date
    every_year: bool
    opening_hours: list[OpeningOnWeekday]


@dataclass(frozen=True)
class OpenDayShape:
    """A day that is open in spite of a holiday; without hours of its own it has those of its weekday."""

    id: int
    day: date
    opens: str | None
    closes: str | None


@dataclass(frozen=True)
class IntervalShape:
    """A closure or a blackout, half-open, with Swedish offsets.

    `id` is null for a blackout that was set on the whole or on a part, and is removed there. `bookings` are those that
    hold time in it, for whoever keeps the calendar; null for others.
    """

    id: int | None
    starts_at: str
    ends_at: str
    reason: Texts
    bookings: Bookings | None


@dataclass(frozen=True)
class CalendarShape:
    """When an environment is open and can be booked; what is over is left out.

    `opening_hours` is the ordinary week. `rules` are those of `PATCH /environments/{slug}`, in minutes, hours and days.
    """

    version: int
    opening_hours: list[OpeningOnWeekday]
    seasons: list[SeasonShape]
    closed_on_holidays: bool
    closed_on_eves: bool
    open_days: list[OpenDayShape]
    closures: list[IntervalShape]
    blackouts: list[IntervalShape]
    rules: dict[str, int]


@dataclass(frozen=True)
class Added:
    """What was added, by its id, with the bookings that hold time in it; and the calendar as it is now."""

    id: int
    bookings: Bookings
    calendar: CalendarShape


async def whole_calendar(actor: Actor, environment: EntryView) -> CalendarShape:
    """The calendar of an environment that the actor sees."""
    now = datetime.now(UTC)
    today = language.local(now).date()
    calendar = environment.calendar
    closures = [one for one in calendar.closures if one.ends_at > now]
    spans = (await blackouts.blackouts_of([environment.id], now))[environment.id]
    intervals = [(one.starts_at, one.ends_at) for one in closures] + [(one.starts_at, one.ends_at) for one in spans]
    touched = await _touched(actor, environment, intervals)
    return CalendarShape(
        version=environment.version,
        opening_hours=_hours(calendar.week),
        seasons=[
            SeasonShape(
                one.id or 0,
                Texts(one.name_sv, one.name_en),
                one.first_day,
                one.last_day,
                one.every_year,
                _hours(one.openings),
            )
            for one in calendar.seasons
        ],
        closed_on_holidays=calendar.closed_on_holidays,
        closed_on_eves=calendar.closed_on_eves,
        open_days=[
            OpenDayShape(one.id or 0, one.day, _clock(one.opens), _clock(one.closes))
            for one in calendar.open_days
            if one.day >= today
        ],
        closures=[
            _interval(one.id, span, Bilingual(one.reason_sv, one.reason_en), bookings)
            for one, span, bookings in zip(closures, intervals, touched, strict=False)
        ],
        blackouts=[
            _interval(one.id if one.environment == environment.id else None, span, one.reason, bookings)
            for one, span, bookings in zip(spans, intervals[len(closures) :], touched[len(closures) :], strict=True)
        ],
        rules=rules_of(environment),
    )


async def bookings_in(actor: Actor, environment: EntryView, starts_at: datetime, ends_at: datetime) -> Bookings:
    """The bookings that hold time in an interval, as far as the actor may know of them."""
    return (await _touched(actor, environment, [(starts_at, ends_at)]))[0] or []


async def _touched(
    actor: Actor, environment: EntryView, intervals: Sequence[tuple[datetime, datetime]]
) -> list[Bookings | None]:
    if not intervals or not rules.can_edit.allows(actor, environment.facts):
        return [None for _ in intervals]
    ids = await blackouts.bookings_touched_by_each(environment.id, intervals)
    every: set[UUID] = {one for each in ids for one in each}
    # The language of the answer does not matter to them, so only the moments are put into words.
    known = [_worded(one) for one in await queries.bookings_in_the_way(actor, list(every))]
    return [[one for one in known if UUID(one["id"]) in each] for each in ids]


def _worded(booking: dict[str, Any]) -> dict[str, Any]:
    times = {name: _moment(booking[name]) for name in ("starts_at", "ends_at")}
    return {**booking, **times}


def _interval(
    id: int | None, span: tuple[datetime, datetime], reason: Bilingual, bookings: Bookings | None
) -> IntervalShape:
    return IntervalShape(id, _moment(span[0]), _moment(span[1]), Texts(reason.sv, reason.en), bookings)


def _hours(openings: Iterable[Opening]) -> list[OpeningOnWeekday]:
    return [OpeningOnWeekday(one.weekday, f"{one.opens:%H:%M}", f"{one.closes:%H:%M}") for one in openings]


def _clock(at: time | None) -> str | None:
    return None if at is None else f"{at:%H:%M}"


def _moment(moment: datetime) -> str:
    return language.local(moment).isoformat()
