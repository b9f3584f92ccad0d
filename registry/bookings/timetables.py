"""What the hours of days are in environments, in a form that can be said in words: free, taken, closed and why."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

from registry.bookings.blackouts import Blackout, blackouts_of
from registry.bookings.free_times import available, first_start, held_times
from registry.bookings.intervals import Interval, common, joined, without
from registry.bookings.openings import STOCKHOLM, Closed, closed_on, midnight, openings, usual_openings
from registry.entries.queries import EntryView
from registry.errors import Bilingual

_DAY = timedelta(days=1)


class Status(StrEnum):
    """What a part of a day is for somebody who wants to book."""

    FREE = "free"
    SHORT = "short"
    TAKEN = "taken"
    BUFFER = "buffer"
    BLACKOUT = "blackout"
    CLOSED = "closed"
    TOO_SOON = "too_soon"
    TOO_FAR = "too_far"
    OVER = "over"


@dataclass(frozen=True)
class Part:
    """A part of a day, in UTC. `reason` is the host's; A shortest booking can begin at `begins_at`."""

    starts_at: datetime
    ends_at: datetime
    status: Status
    reason: Bilingual | None = None
    begins_at: datetime | None = None


@dataclass(frozen=True)
class DayTimes:
    """A day in Europe/Stockholm, its parts in order, and why it is closed where it is."""

    day: date
    parts: list[Part]
    closed: Closed | None

    @property
    def free(self) -> list[Part]:
        """The parts in which a booking can begin."""
        return [part for part in self.parts if part.status is Status.FREE]


async def timetables(
    environments: Sequence[EntryView], first_day: date, days: int, *, now: datetime | None = None
) -> dict[int, list[DayTimes]]:
    """The days from `first_day` on, for each environment by its id."""
    now = now or datetime.now(UTC)
    first, last = midnight(first_day), midnight(first_day + days * _DAY)
    blackouts = await blackouts_of([one.id for one in environments], first, last)
    found = {}
    for environment in environments:
        # A booking that begins on the last day may end after it.
        held = await held_times(environment, first, last + timedelta(minutes=environment.shortest))
        parts = _parts(environment, held, blackouts[environment.id], (first, last), now)
        found[environment.id] = [
            DayTimes(day, list(_within(parts, day, environment)), closed_on(environment.calendar, day))
            for day in (first_day + offset * _DAY for offset in range(days))
        ]
    return found


@dataclass(frozen=True)
class _Layer:
    status: Status
    intervals: list[Interval]
    reason: Bilingual | None = None


@dataclass(frozen=True)
class _Parts:
    """All layers of a stretch of days; what is free; and what is busy for a further booking."""

    layers: list[_Layer]
    free: list[Interval]
    busy: list[Interval]


def _parts(
    environment: EntryView, held: Sequence[Interval], blackouts: Sequence[Blackout], window: Interval, now: datetime
) -> _Parts:
    first, last = window
    days = first.astimezone(STOCKHOLM).date(), last.astimezone(STOCKHOLM).date() - _DAY
    opened = openings(environment.calendar, *days)
    longer = last + timedelta(minutes=environment.shortest)
    times = available(environment, held, first, longer, now)
    before, after = timedelta(minutes=environment.buffer_before), timedelta(minutes=environment.buffer_after)
    # The buffers of bookings are no bookings; at the edges of what is held they are told apart.
    cores = [(start + before, end - after) for start, end in held if start + before < end - after]
    earliest, latest = (
        now + timedelta(hours=environment.lead_time_hours),
        now + timedelta(days=environment.horizon_days),
    )
    layers = [_Layer(Status.OVER, [(first, min(now, last))] if now > first else [])]
    layers += [_Layer(Status.BLACKOUT, [(one.starts_at, one.ends_at)], one.reason) for one in blackouts]
    layers += [
        _Layer(Status.TAKEN, cores),
        _Layer(Status.BUFFER, times.busy),
        _Layer(Status.TOO_SOON, [(first, earliest)] if earliest > first else []),
        _Layer(Status.TOO_FAR, [(latest, last)] if latest < last else []),
        _Layer(Status.FREE, times.free),
    ]
    shown = list(_each_once(layers, opened))
    usual = joined(usual_openings(environment.calendar, *days))
    closures = [
        _Layer(Status.CLOSED, [(one.starts_at, one.ends_at)], Bilingual(one.reason_sv, one.reason_en))
        for one in environment.calendar.closures
        if one.starts_at < last and one.ends_at > max(first, now)
    ]
    return _Parts([*shown, *_each_once(closures, usual)], times.free, times.busy)


def _each_once(layers: Iterable[_Layer], ground: Sequence[Interval]) -> Iterator[_Layer]:
    """Each layer as far as it lies on the ground and under none before it."""
    left = list(ground)
    for layer in layers:
        own = common(left, layer.intervals)
        if own:
            left = without(left, own)
            yield _Layer(layer.status, own, layer.reason)


def _within(parts: _Parts, day: date, environment: EntryView) -> Iterator[Part]:
    begins, ends = midnight(day), midnight(day + _DAY)
    found = [
        (max(start, begins), min(end, ends), layer)
        for layer in parts.layers
        for start, end in layer.intervals
        if start < ends and end > begins
    ]
    for start, end, layer in sorted(found, key=lambda one: one[:2]):
        if layer.status is Status.FREE:
            begins_at = _begins_at(parts, (start, end), environment)
            yield Part(start, end, Status.FREE if begins_at else Status.SHORT, None, begins_at)
        else:
            yield Part(start, end, layer.status, layer.reason)


def _begins_at(parts: _Parts, part: Interval, environment: EntryView) -> datetime | None:
    # A free interval may go on after midnight, where the part of this day ends.
    whole_end = next(end for start, end in parts.free if start <= part[0] < end)
    length = timedelta(minutes=environment.shortest)
    return first_start(environment, parts.busy, (part[0], whole_end), length, before=part[1])
