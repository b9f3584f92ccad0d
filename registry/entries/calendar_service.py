"""Commands on the calendar of an environment. Each locks, checks, counts the version, writes, logs and enqueues."""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import time

from asyncpg import ExclusionViolationError, UniqueViolationError

from registry import database
from registry.access import Actor
from registry.audit.service import EventType, record
from registry.entries import rules
from registry.entries.calendars import Closure, OpenDay, Opening, Season, calendars_of
from registry.entries.queries import facts_of
from registry.entries.service import count_version, locked
from registry.entries.tables import OpeningHours
from registry.errors import (
    N_,
    Bilingual,
    FieldError,
    InvalidInput,
    NotFound,
    NotPermitted,
    invalid,
    message,
)
from registry.jobs.service import Job, enqueue_many


@asynccontextmanager
async def editing(
    actor: Actor,
    entry_id: int,
    what: str,
    *,
    read_version: int | None = None,
    also_index: Iterable[int] = (),
    **data: object,
) -> AsyncIterator[None]:
    """Around one change of an environment's calendar, in a transaction of its own.

    `read_version` is the version of the entry that the actor has read; what only adds something needs none.
    `what` and `data` go into the log; `also_index` are other entries whose free weeks change.

    Raises:
        EditedMeanwhile: somebody changed the entry or its calendar after the actor read it.
        NotFound, NotPermitted.
    """
    async with database.transaction():
        row = await locked(actor, entry_id)
        if reason := rules.can_edit(actor, facts_of(row)):
            raise NotPermitted(reason)
        await count_version(entry_id, row["version"], read_version)
        yield
        await record(actor, EventType.ENVIRONMENT_CHANGED, entry_id, {"calendar": what, **data}, entry_id=entry_id)
        await enqueue_many(Job.INDEX_ENTRY, ({"entry_id": one} for one in sorted({entry_id, *also_index})))


async def set_week(actor: Actor, entry_id: int, openings: Sequence[Opening], *, read_version: int) -> None:
    """Replace the ordinary week.

    Raises:
        EditedMeanwhile, NotFound, NotPermitted; InvalidInput: openings of a day overlap.
    """
    require_apart(openings)
    async with editing(actor, entry_id, "week", read_version=read_version):
        await OpeningHours.delete().where((OpeningHours.environment == entry_id) & OpeningHours.season.is_null())
        await _insert_hours(entry_id, None, openings)


async def save_season(actor: Actor, entry_id: int, season: Season, *, read_version: int) -> int:
    """Add a season, or change the one with its id, with its week; returns its id.

    Raises:
        EditedMeanwhile, NotFound, NotPermitted; InvalidInput: it has no name, its days are in the wrong order or
            another season has some of them, or openings of a day overlap.
    """
    require_apart(season.openings)
    _require_sane(season)
    try:
        async with editing(actor, entry_id, "season", read_version=read_version, first_day=season.first_day):
            await _require_alone(entry_id, season)
            values = season.name_sv, season.name_en, season.first_day, season.last_day, season.every_year
            if season.id is None:
                rows = await database.fetch(
                    "INSERT INTO season (environment, name_sv, name_en, first_day, last_day, every_year)"
                    " VALUES ($1, $2, $3, $4, $5, $6) RETURNING id",
                    entry_id,
                    *values,
                )
            else:
                rows = await database.fetch(
                    "UPDATE season SET name_sv = $3, name_en = $4, first_day = $5, last_day = $6, every_year = $7"
                    " WHERE environment = $1 AND id = $2 RETURNING id",
                    entry_id,
                    season.id,
                    *values,
                )
                await OpeningHours.delete().where(OpeningHours.season == season.id)
            if not rows:
                raise NotFound
            await _insert_hours(entry_id, _id(rows), season.openings)
    except ExclusionViolationError as error:
        raise invalid("first_day", N_("Another season has some of these days. Change one of them.")) from error
    return _id(rows)


async def remove_season(actor: Actor, entry_id: int, season_id: int, *, read_version: int) -> None:
    """Remove a season; its days have the ordinary week again. Raises as `set_week` does, and NotFound."""
    async with editing(actor, entry_id, "season_removed", read_version=read_version, season=season_id):
        await _remove("season", entry_id, season_id)


async def set_holidays(
    actor: Actor, entry_id: int, *, closed_on_holidays: bool, closed_on_eves: bool, read_version: int
) -> None:
    """Say whether it is closed on Swedish public holidays, and on Christmas, New Year's and Midsummer Eve.

    Raises:
        EditedMeanwhile, NotFound, NotPermitted.
    """
    async with editing(
        actor, entry_id, "holidays", read_version=read_version, on_holidays=closed_on_holidays, on_eves=closed_on_eves
    ):
        await database.fetch(
            "UPDATE environment SET closed_on_holidays = $2, closed_on_eves = $3 WHERE id = $1",
            entry_id,
            closed_on_holidays,
            closed_on_eves,
        )


async def add_open_day(actor: Actor, entry_id: int, open_day: OpenDay) -> int:
    """Open a single day in spite of a holiday, with its weekday's hours or with its own; returns its id.

    Raises:
        NotFound, NotPermitted; InvalidInput: the day is there already, or its hours are not in order.
    """
    if (open_day.opens is None) != (open_day.closes is None):
        raise invalid("opens", N_("Give both when it opens and when it closes, or leave both blank."))
    if open_day.opens and open_day.closes and open_day.closes != time(0) and open_day.closes <= open_day.opens:
        raise invalid("closes", N_("It must close after it opens."))
    try:
        async with editing(actor, entry_id, "open_day", day=open_day.day):
            rows = await database.fetch(
                "INSERT INTO open_day (environment, day, opens, closes) VALUES ($1, $2, $3, $4) RETURNING id",
                entry_id,
                open_day.day,
                open_day.opens,
                open_day.closes,
            )
    except UniqueViolationError as error:
        raise invalid("day", N_("This day is opened already. Remove it first if its hours change.")) from error
    return _id(rows)


async def remove_open_day(actor: Actor, entry_id: int, open_day_id: int) -> None:
    """Let a day be a holiday like others again. Raises NotFound, NotPermitted."""
    async with editing(actor, entry_id, "open_day_removed", open_day=open_day_id):
        await _remove("open_day", entry_id, open_day_id)


async def add_closure(actor: Actor, entry_id: int, closure: Closure) -> int:
    """Close for an interval; returns its id. What is booked then stays, and so does a booking that spans it.

    Raises:
        NotFound, NotPermitted; InvalidInput: it has no length or no reason.
    """
    require_interval(closure.starts_at < closure.ends_at, Bilingual(closure.reason_sv, closure.reason_en))
    async with editing(actor, entry_id, "closure", starts_at=closure.starts_at, ends_at=closure.ends_at):
        rows = await database.fetch(
            "INSERT INTO closure (environment, starts_at, ends_at, reason_sv, reason_en) VALUES ($1, $2, $3, $4, $5)"
            " RETURNING id",
            entry_id,
            closure.starts_at,
            closure.ends_at,
            closure.reason_sv,
            closure.reason_en,
        )
    return _id(rows)


async def remove_closure(actor: Actor, entry_id: int, closure_id: int) -> None:
    """Be open again as usual. Raises NotFound, NotPermitted."""
    async with editing(actor, entry_id, "closure_removed", closure=closure_id):
        await _remove("closure", entry_id, closure_id)


def require_interval(has_length: bool, reason: Bilingual) -> None:  # noqa: FBT001  # it is what is to be checked
    """Raises InvalidInput unless an interval has a length and a reason that people can read."""
    faults = []
    if not has_length:
        faults.append(FieldError("last_day", message(N_("The end must come after the start."))))
    if not reason.sv and not reason.en:
        faults.append(FieldError("reason_sv", message(N_("Write the reason, in Swedish or English."))))
    if faults:
        raise InvalidInput(faults)


def require_apart(openings: Sequence[Opening]) -> None:
    """Raises InvalidInput where openings of a weekday overlap, at `opens_1` for Monday and so on."""
    faults = {
        one.weekday
        for number, one in enumerate(openings)
        for other in openings[number + 1 :]
        if one.weekday == other.weekday and one.opens < _end(other) and other.opens < _end(one)
    }
    if faults:
        sentence = message(N_("The hours of this day overlap. Give each opening once."))
        raise InvalidInput([FieldError(f"opens_{day}", sentence) for day in sorted(faults)])


def _end(opening: Opening) -> time:
    return time.max if opening.closes == time(0) else opening.closes


def _require_sane(season: Season) -> None:
    if not season.name_sv and not season.name_en:
        raise invalid("name_sv", N_("Give the season a name, in Swedish or English."))
    if season.last_day < season.first_day:
        raise invalid("last_day", N_("The last day must not come before the first."))
    if (season.last_day - season.first_day).days >= 365:  # noqa: PLR2004  # the days of a year
        raise invalid("last_day", N_("A season is shorter than a year."))


async def _require_alone(entry_id: int, season: Season) -> None:
    for other in (await calendars_of([entry_id]))[entry_id].seasons:
        if other.id != season.id and other.every_year == season.every_year and season.overlaps(other):
            raise invalid(
                "first_day",
                N_("The season “%(name)s” has some of these days. Change one of them."),
                name=Bilingual(other.name_sv, other.name_en),
            )


async def _insert_hours(entry_id: int, season_id: int | None, openings: Sequence[Opening]) -> None:
    rows = [
        OpeningHours(environment=entry_id, season=season_id, weekday=one.weekday, opens=one.opens, closes=one.closes)
        for one in openings
    ]
    if rows:
        await OpeningHours.insert(*rows)


def _id(rows: Sequence[database.Row]) -> int:
    found: int = rows[0]["id"]
    return found


async def _remove(table: str, entry_id: int, row_id: int) -> None:
    gone = await database.fetch(
        f"DELETE FROM {table} WHERE environment = $1 AND id = $2 RETURNING id", entry_id, row_id
    )
    if not gone:
        raise NotFound
