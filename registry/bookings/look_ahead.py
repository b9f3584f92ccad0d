"""What would become of a request for one time or a whole series: each time fits or not, why, and what is free instead.

It reads and promises nothing: who sends a request hears from the database whether it holds (docs/decisions/0004).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from registry.access import Actor
from registry.bookings import rules
from registry.bookings.blackouts import Blackout, blackouts_of
from registry.bookings.codes import Forecast
from registry.bookings.free_times import (
    Availability,
    alternative,
    available,
    held_times,
    nearest,
    similar_environments,
)
from registry.bookings.holds import TAKEN
from registry.bookings.intervals import Interval, common, without
from registry.bookings.openings import STOCKHOLM, begins_on_grid, is_open
from registry.bookings.recurrence import Occurrence
from registry.entries.queries import EntryView
from registry.entries.states import EntryStatus
from registry.errors import N_, Bilingual, DomainError, Message, RuleBroken, TimeTaken, message

# How far around a time that cannot be had others are looked for.
_NEAR = timedelta(days=7)
# So many times are named in a sentence; all of them are beside it.
_NAMED = 5
_NEAREST_HERE = message(N_("the nearest free time here"))
_NOT_PUBLISHED = message(N_("The environment is no longer published, so nothing can be booked in it."))


@dataclass(frozen=True)
class Verdict:
    """What is to be expected of one time, with the reason where it does not fit. `alternatives` are the nearest."""

    occurrence: Occurrence
    forecast: Forecast
    reason: Message | None
    alternatives: list[dict[str, Any]]

    @property
    def fits(self) -> bool:
        return self.forecast is Forecast.FITS


class SeriesTaken(TimeTaken):
    """Some times of a series are taken; `occurrences` says which, why, and what is free instead."""

    def __init__(self, verdicts: Sequence[Verdict]) -> None:
        super().__init__(_sentence(verdicts), [one for verdict in verdicts for one in verdict.alternatives])
        self.extra["occurrences"] = [said(verdict) for verdict in verdicts if not verdict.fits]


class SeriesRefused(RuleBroken):
    """Some times of a series cannot be booked, whoever else has them; `occurrences` says which and why."""

    def __init__(self, verdicts: Sequence[Verdict]) -> None:
        super().__init__(_sentence(verdicts), occurrences=[said(verdict) for verdict in verdicts if not verdict.fits])


def refusal_of(verdicts: Sequence[Verdict]) -> DomainError:
    """The error that names those of a series which do not fit."""
    is_taken = any(verdict.forecast is Forecast.TAKEN for verdict in verdicts)
    return SeriesTaken(verdicts) if is_taken else SeriesRefused(verdicts)


def said(verdict: Verdict) -> dict[str, Any]:
    """A verdict as errors and the API give it; times in ISO 8601 with their offset."""
    times = verdict.occurrence.times
    return {
        "number": verdict.occurrence.number,
        "day": verdict.occurrence.day.isoformat(),
        "starts_at": times[0].astimezone(STOCKHOLM).isoformat() if times else None,
        "ends_at": times[1].astimezone(STOCKHOLM).isoformat() if times else None,
        "forecast": verdict.forecast.value,
        "reason": verdict.reason,
        "note": verdict.occurrence.note,
        "alternatives": verdict.alternatives,
    }


def _sentence(verdicts: Sequence[Verdict]) -> Message:
    refused = [verdict.occurrence.day for verdict in verdicts if not verdict.fits]
    text = (
        N_("%(n)s of %(total)s times cannot be booked: %(days)s and more. Nothing has been stored.")
        if len(refused) > _NAMED
        else N_("%(n)s of %(total)s times cannot be booked: %(days)s. Nothing has been stored.")
    )
    return message(text, n=len(refused), total=len(verdicts), days=refused[:_NAMED])


async def look_ahead(
    actor: Actor,
    environments: Sequence[EntryView],
    audience: str,
    occurrences: Sequence[Occurrence],
    *,
    participants: int | None = None,
    now: datetime | None = None,
) -> list[Verdict]:
    """What is to be expected of each occurrence in all of these environments, in a constant number of queries."""
    times = [one.times for one in occurrences if one.times]
    if not times:
        return [Verdict(one, Forecast.NO_SUCH_TIME, one.problem, []) for one in occurrences]
    window = min(start for start, _ in times) - _NEAR, max(end for _, end in times) + _NEAR
    moment = now or datetime.now(UTC)
    ground = _Ground(
        environments=environments,
        audience=audience,
        participants=participants,
        now=moment,
        times={one.id: available(one, await held_times(one, *window), *window, moment) for one in environments},
        blackouts=await blackouts_of([one.id for one in environments], *window),
    )
    found = [ground.verdict(one) for one in occurrences]
    if all(verdict.fits for verdict in found):
        return found
    elsewhere = await _elsewhere(actor, environments, audience, window, moment)
    free = without(ground.free(), [ground.with_buffers(times) for times in _fitting(found)])
    return [verdict if verdict.fits else ground.with_alternatives(verdict, free, elsewhere) for verdict in found]


def _fitting(verdicts: Sequence[Verdict]) -> list[Interval]:
    return [verdict.occurrence.times for verdict in verdicts if verdict.fits and verdict.occurrence.times]


def buffers_of(environments: Sequence[EntryView]) -> timedelta:
    """What two bookings of all these environments need between them."""
    return timedelta(minutes=max(one.buffer_before + one.buffer_after for one in environments))


@dataclass(frozen=True)
class _Elsewhere:
    """A similar environment, what it has in common with the one asked for, and when it is busy."""

    environment: EntryView
    why: Message
    times: Availability


async def _elsewhere(
    actor: Actor, environments: Sequence[EntryView], audience: str, window: Interval, now: datetime
) -> list[_Elsewhere]:
    if len(environments) != 1:
        return []
    return [
        _Elsewhere(similar, why, available(similar, await held_times(similar, *window), *window, now))
        for similar, why in await similar_environments(actor, environments[0], audience)
    ]


@dataclass(frozen=True)
class _Ground:
    """All that verdicts rest on, read once for the whole series."""

    environments: Sequence[EntryView]
    audience: str
    participants: int | None
    now: datetime
    times: Mapping[int, Availability]
    blackouts: Mapping[int, Sequence[Blackout]]

    def verdict(self, occurrence: Occurrence) -> Verdict:
        if occurrence.times is None:
            return Verdict(occurrence, Forecast.NO_SUCH_TIME, occurrence.problem, [])
        for environment in self.environments:
            forecast, reason = self._judge(environment, *occurrence.times)
            if forecast is not Forecast.FITS:
                if reason is not None and len(self.environments) > 1:
                    title = Bilingual(environment.title_sv, environment.title_en)
                    reason = message(N_("%(environment)s: %(reason)s"), environment=title, reason=reason)
                return Verdict(occurrence, forecast, reason, [])
        return Verdict(occurrence, Forecast.FITS, None, [])

    def _judge(self, environment: EntryView, starts_at: datetime, ends_at: datetime) -> tuple[Forecast, Message | None]:
        if environment.status != EntryStatus.PUBLISHED:
            return Forecast.NOT_BOOKABLE, _NOT_PUBLISHED
        if reason := rules.times_fit(environment, self.audience, starts_at, ends_at, self.now):
            return self._kind(environment, starts_at, ends_at), reason
        if reason := rules.has_room(environment, self.participants):
            return Forecast.NOT_BOOKABLE, reason
        if any(start < ends_at and end > starts_at for start, end in self.times[environment.id].busy):
            return Forecast.TAKEN, self._blackout(environment, starts_at, ends_at) or TAKEN
        return Forecast.FITS, None

    def _kind(self, environment: EntryView, starts_at: datetime, ends_at: datetime) -> Forecast:
        """In a word, which of the rules of `rules.times_fit` says no."""
        if starts_at < self.now + timedelta(hours=environment.lead_time_hours):
            return Forecast.TOO_SOON
        if ends_at > self.now + timedelta(days=environment.horizon_days):
            return Forecast.TOO_FAR
        calendar = environment.calendar
        is_closed = is_open(calendar, starts_at, ends_at) or begins_on_grid(calendar, environment.step, starts_at)
        return Forecast.CLOSED if is_closed else Forecast.NOT_BOOKABLE

    def _blackout(self, environment: EntryView, starts_at: datetime, ends_at: datetime) -> Message | None:
        before, after = timedelta(minutes=environment.buffer_before), timedelta(minutes=environment.buffer_after)
        for blackout in self.blackouts[environment.id]:
            if blackout.starts_at < ends_at + after and blackout.ends_at > starts_at - before:
                return message(
                    N_("Nothing can be booked from %(start)s to %(end)s: %(reason)s. Choose another time."),
                    start=blackout.starts_at,
                    end=blackout.ends_at,
                    reason=blackout.reason,
                )
        return None

    def free(self) -> list[Interval]:
        """When all environments are free."""
        first, *others = (self.times[one.id].free for one in self.environments)
        for other in others:
            first = common(first, other)
        return first

    def with_buffers(self, times: Interval) -> Interval:
        around = buffers_of(self.environments)
        return times[0] - around, times[1] + around

    def with_alternatives(self, verdict: Verdict, free: Sequence[Interval], elsewhere: Sequence[_Elsewhere]) -> Verdict:
        wanted = verdict.occurrence.times or verdict.occurrence.near
        if wanted is None or verdict.forecast in {Forecast.TOO_SOON, Forecast.TOO_FAR, Forecast.NOT_BOOKABLE}:
            return verdict
        starts_at, ends_at = wanted
        near = common(free, [(starts_at - _NEAR, ends_at + _NEAR)])
        length = ends_at - starts_at
        found = [
            alternative(environment, begins, begins + length, _NEAREST_HERE)
            for begins in nearest(self.environments, near, starts_at, length)
            for environment in self.environments
        ]
        found += [
            alternative(one.environment, starts_at, ends_at, one.why)
            for one in elsewhere
            if rules.times_fit(one.environment, self.audience, starts_at, ends_at, self.now) is None
            and not any(start < ends_at and end > starts_at for start, end in one.times.busy)
        ]
        return Verdict(verdict.occurrence, verdict.forecast, verdict.reason, found)
