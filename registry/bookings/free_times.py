"""When environments are free: intervals, the first free times of a length, and what is free instead of a time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import chain
from math import asin, cos, radians, sin, sqrt
from typing import Any

from registry import database
from registry.access import Actor
from registry.bookings import rules
from registry.bookings.blackouts import blackouts_of
from registry.bookings.intervals import Interval, common, joined, without
from registry.bookings.openings import STOCKHOLM, begins_on_grid, is_open, midnight, openings, starts_within, utc
from registry.entries import queries as entries
from registry.entries.queries import EntryView
from registry.errors import N_, Message, message

# How far ahead alternatives and next free times are looked for, at a time and at most.
SEARCH_DAYS = 60
FARTHEST_DAYS = 366
_EARTH_KM = 6371
_DAY = timedelta(days=1)
# Between the starts that are tried for a booking that spans nights.
_COARSE = 30


@dataclass(frozen=True)
class Availability:
    """When an environment can begin and end a further booking (`free`) and when it cannot (`busy`), in UTC."""

    busy: list[Interval]
    free: list[Interval]


async def availability(
    environment: EntryView, first: datetime, last: datetime, *, now: datetime | None = None
) -> Availability:
    """Busy and free intervals between two moments. Free lies within opening hours, lead time and horizon.

    Buffers and blackouts are included: a booking may use the whole of a free interval.
    """
    return available(environment, await held_times(environment, first, last), first, last, now or datetime.now(UTC))


async def held_times(environment: EntryView, first: datetime, last: datetime) -> list[Interval]:
    """When bookings and blackouts leave no room for one more, with the buffers of what is held."""
    before, after = _buffers(environment)
    rows = await database.fetch(
        "SELECT lower(t) AS starts, upper(t) AS ends FROM busy_times($1, tstzrange($2, $3)) AS t",
        environment.id,
        first - before,
        last + after,
    )
    return [(row["starts"], row["ends"]) for row in rows]


def available(
    environment: EntryView, held: Sequence[Interval], first: datetime, last: datetime, now: datetime
) -> Availability:
    """As `availability`, from what `held_times` found."""
    before, after = _buffers(environment)
    # A further booking brings its own buffers, so what is busy for it is wider by them.
    wide = ((max(starts - after, first), min(ends + before, last)) for starts, ends in held)
    busy = joined(interval for interval in wide if interval[0] < interval[1])
    earliest = max(first, now + timedelta(hours=environment.lead_time_hours))
    latest = min(last, now + timedelta(days=environment.horizon_days))
    if environment.ended or not environment.bookable_by or earliest >= latest:
        return Availability(busy, [])
    day_before = earliest.astimezone(STOCKHOLM).date() - _DAY
    open_times = openings(environment.calendar, day_before, latest.astimezone(STOCKHOLM).date())
    return Availability(busy, without(common(open_times, [(earliest, latest)]), busy))


def _buffers(environment: EntryView) -> tuple[timedelta, timedelta]:
    return timedelta(minutes=environment.buffer_before), timedelta(minutes=environment.buffer_after)


async def is_held(environment: EntryView, starts_at: datetime, ends_at: datetime) -> bool:
    """Whether bookings or blackouts already hold so much of this time that one more does not fit."""
    return bool((await availability(environment, starts_at, ends_at)).busy)


async def why_held(environments: Sequence[EntryView], starts_at: datetime, ends_at: datetime) -> Message | None:
    """The reason of a blackout that lies in this time or in the buffers around it; None where there is no blackout."""
    before = max((timedelta(minutes=one.buffer_before) for one in environments), default=timedelta(0))
    after = max((timedelta(minutes=one.buffer_after) for one in environments), default=timedelta(0))
    found = await blackouts_of([one.id for one in environments], starts_at - before, ends_at + after)
    for blackout in chain.from_iterable(found.values()):
        return message(
            N_("Nothing can be booked from %(start)s to %(end)s: %(reason)s. Choose another time."),
            start=blackout.starts_at,
            end=blackout.ends_at,
            reason=blackout.reason,
        )
    return None


@dataclass(frozen=True)
class FreeTime:
    """A time that can be booked in an environment, in UTC."""

    environment: EntryView
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True)
class Wish:
    """When a free time is looked for: from a moment on, on these weekdays, between these times of day.

    Weekday 1 is Monday, none means all. Times of day are in Europe/Stockholm; `closes` 00:00 is midnight.
    """

    start: datetime
    weekdays: frozenset[int] = frozenset()
    opens: time = time(0)
    closes: time = time(0)


async def first_free(
    environments: Sequence[EntryView], minutes: int, wish: Wish, *, count: int = 5, days: int = FARTHEST_DAYS
) -> list[FreeTime]:
    """The first free times of so many minutes across environments, soonest first, one a day for each at most."""
    length = timedelta(minutes=minutes)
    now = datetime.now(UTC)
    at = max(wish.start, now)
    latest = at + timedelta(days=days)
    found: list[FreeTime] = []
    while at < latest and len(found) < count:
        until = midnight(min(at + timedelta(days=SEARCH_DAYS), latest).astimezone(STOCKHOLM).date() + _DAY)
        for environment in environments:
            if not environment.shortest <= minutes <= environment.longest:
                continue
            times = await availability(environment, at, until + length, now=now)
            starts = _starts_by_day(environment, times, (at, until), length, wish)
            # A booking that spans nights ends after the free interval that it begins in.
            latest_end = now + timedelta(days=environment.horizon_days)
            found += [FreeTime(environment, start, start + length) for start in starts if start + length <= latest_end]
        at = until
    return sorted(found, key=lambda one: one.starts_at)[:count]


def _starts_by_day(
    environment: EntryView, times: Availability, window: Interval, length: timedelta, wish: Wish
) -> Iterator[datetime]:
    """The first start of each day that the wish allows."""
    day, last = window[0].astimezone(STOCKHOLM).date(), window[1].astimezone(STOCKHOLM).date()
    while day < last:
        if not wish.weekdays or day.isoweekday() in wish.weekdays:
            start = _start_on(environment, times, day, length, wish)
            if start is not None:
                yield start
        day += _DAY


def _start_on(environment: EntryView, times: Availability, day: date, length: timedelta, wish: Wish) -> datetime | None:
    opens = utc(day, wish.opens)
    closes = utc(day + _DAY, time(0)) if wish.closes == time(0) else utc(day, wish.closes)
    for free in times.free:
        part = max(free[0], opens), min(free[1], closes)
        if part[0] >= part[1]:
            continue
        # A time of day that was asked for bounds the end as well; midnight does not.
        limit = free[1] if wish.closes == time(0) else part[1]
        start = first_start(environment, times.busy, (part[0], limit), length, before=part[1])
        if start is not None:
            return start
    return None


def first_start(
    environment: EntryView, busy: Sequence[Interval], free: Interval, length: timedelta, *, before: datetime
) -> datetime | None:
    """The first time in a free interval and before a moment at which a booking of this length can begin.

    It lies within the interval; or, where it is longer than the place is open, spans nights with nothing in between.
    """
    inside = next(iter(_starts(environment, free, length)), None)
    if inside is not None and inside < before:
        return inside
    for start in _starts(environment, free, timedelta(0)):
        if start >= min(before, free[1]):
            return None
        end = start + length
        is_clear = not any(taken < end and ends > start for taken, ends in busy)
        if end > free[1] and is_clear and is_open(environment.calendar, start, end) is None:
            return start
    return None


def _starts(environment: EntryView, free: Interval, length: timedelta) -> Iterator[datetime]:
    """Starts in order: on the grid of the place; without a grid the first good one and then every half hour."""
    if environment.step:
        yield from starts_within(environment.calendar, environment.step, free, length)
        return
    for start in rules.nearest_starts([free], free[0], length, 1):
        at = start
        while at + length <= free[1]:
            yield at
            at += timedelta(minutes=_COARSE)


async def next_free(environment: EntryView, minutes: int, count: int) -> list[Interval]:
    """The next free times of so many minutes, at most one a day."""
    found = await first_free([environment], minutes, Wish(datetime.now(UTC)), count=count, days=SEARCH_DAYS)
    return [(one.starts_at, one.ends_at) for one in found]


async def alternatives(
    actor: Actor, environments: Sequence[EntryView], audience: str, starts_at: datetime, ends_at: datetime
) -> list[dict[str, Any]]:
    """What is free instead: the nearest times in the same environments, then similar environments at the same time.

    Each is `{"environment": slug, "title": {sv, en}, "starts_at": …, "ends_at": …, "why": Message}` with times in
    ISO 8601 and their offset.
    """
    length = ends_at - starts_at
    first, last = starts_at - timedelta(days=14), ends_at + timedelta(days=SEARCH_DAYS)
    free: list[Interval] = [(first, last)]
    for environment in environments:
        free = common(free, (await availability(environment, first, last)).free)
    found = [
        alternative(environment, begins, begins + length, message(N_("the nearest free time here")))
        for begins in nearest(environments, free, starts_at, length)
        for environment in environments
    ]
    if len(environments) == 1:
        for similar, why in await similar_environments(actor, environments[0], audience):
            if rules.times_fit(similar, audience, starts_at, ends_at, datetime.now(UTC)) is None and not await is_held(
                similar, starts_at, ends_at
            ):
                found.append(alternative(similar, starts_at, ends_at, why))
    return found[: 3 * max(1, len(environments)) + 3]


def nearest(
    environments: Sequence[EntryView], free: Sequence[Interval], wanted: datetime, length: timedelta
) -> list[datetime]:
    """Up to three starts that are nearest to the wanted one, at most one in each free interval without a grid."""
    coarsest = max(environments, key=lambda one: int(one.step))
    if not coarsest.step:
        return rules.nearest_starts(free, wanted, length, 3)
    starts = chain.from_iterable(starts_within(coarsest.calendar, coarsest.step, one, length) for one in free)
    by_distance = sorted(starts, key=lambda start: abs(start - wanted))
    good = (
        start for start in by_distance if not any(begins_on_grid(one.calendar, one.step, start) for one in environments)
    )
    return [start for start, _ in zip(good, range(3), strict=False)]


def alternative(environment: EntryView, starts_at: datetime, ends_at: datetime, why: Message) -> dict[str, Any]:
    """A free time as `alternatives` gives it."""
    return {
        "environment": environment.slug,
        "title": {"sv": environment.title_sv, "en": environment.title_en},
        "starts_at": starts_at.astimezone(STOCKHOLM).isoformat(),
        "ends_at": ends_at.astimezone(STOCKHOLM).isoformat(),
        "why": why,
    }


async def similar_environments(actor: Actor, one: EntryView, audience: str) -> list[tuple[EntryView, Message]]:
    """Other environments that share a sector and that this kind of booker may book, with what they have in common.

    Those of the same kind come first, then the nearest; a whole and its parts are no alternatives to each other.
    """
    rows = await database.fetch(
        "SELECT e.slug FROM entry e JOIN environment v ON v.id = e.id"
        " WHERE e.status = 'published' AND e.sectors && $1::varchar[] AND $2 = ANY (v.bookable_by) AND NOT e.ended"
        " AND e.id <> $3 AND v.parent IS DISTINCT FROM $3 AND e.id IS DISTINCT FROM $4::bigint"
        # Near enough for an order: degrees of longitude are half as long as those of latitude at 60° north.
        " ORDER BY e.kind = $5 DESC, power(e.latitude - $6, 2) + power((e.longitude - $7) / 2, 2) NULLS LAST,"
        " e.municipality = $8 DESC, e.id LIMIT 10",
        list(one.sectors),
        audience,
        one.id,
        one.parent,
        one.kind,
        one.latitude,
        one.longitude,
        one.municipality,
    )
    slugs = [row["slug"] for row in rows]
    found = await entries.environments_by_slug(actor, slugs)
    return [(found[slug], _likeness(one, found[slug])) for slug in slugs if slug in found][:5]


def _likeness(one: EntryView, other: EntryView) -> Message:
    likeness = message(N_("same area and kind")) if other.kind == one.kind else message(N_("same area"))
    distance = _distance_km(one, other)
    if distance is None:
        return likeness
    if distance < 1:
        return message(N_("%(likeness)s, less than 1 km away"), likeness=likeness)
    return message(N_("%(likeness)s, %(km)s km away"), likeness=likeness, km=round(distance))


def _distance_km(one: EntryView, other: EntryView) -> float | None:
    """The way as the crow flies (haversine), or None where a place is not known."""
    if one.latitude is None or other.latitude is None:
        return None
    here, there = radians(one.latitude), radians(other.latitude)
    chord = (
        sin((there - here) / 2) ** 2 + cos(here) * cos(there) * sin(radians(other.longitude - one.longitude) / 2) ** 2
    )
    return 2 * _EARTH_KM * asin(sqrt(chord))
