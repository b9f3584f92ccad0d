"""When a series comes back: the days that follow from its rule, at the same time of day in Europe/Stockholm.

A time of day that does not exist on one of the days, or exists twice, is named; nothing is moved in silence.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice, pairwise
from typing import Any

from dateutil.rrule import DAILY, MONTHLY, WEEKLY, rrule, weekday

from registry.bookings.codes import Frequency, MonthlyBy
from registry.bookings.intervals import Interval
from registry.bookings.openings import STOCKHOLM
from registry.errors import N_, FieldError, InvalidInput, Message, invalid, message

MOST_OCCURRENCES = 100
MOST_EVERY = 99
_WEEK = 7
_END_AFTER_START = message(N_("The end must come after the start."))


@dataclass(frozen=True)
class SeriesRule:
    """How a series comes back, from its first day on until `until` (included) or `count` times.

    `every` counts days, weeks or months. `weekdays` are 1 (Monday) to 7, for daily and weekly series only; none means
    every day, or that of the first day. `exceptions` are days left out; they are counted in `count`.
    """

    frequency: Frequency
    every: int = 1
    weekdays: frozenset[int] = frozenset()
    monthly_by: MonthlyBy = MonthlyBy.DATE
    until: date | None = None
    count: int | None = None
    exceptions: frozenset[date] = frozenset()


@dataclass(frozen=True)
class Occurrence:
    """One time of a series; `number` counts from 1, `day` is Swedish, `times` are in UTC.

    `times` is None where `problem` says that there is no such time; `near` is then where to look for another one.
    `note` says what is to be known of a time.
    """

    number: int
    day: date
    times: Interval | None
    problem: Message | None = None
    note: Message | None = None
    near: Interval | None = None


@dataclass(frozen=True)
class Expansion:
    """The occurrences of a series in order, and the first days of the months in which it has none."""

    occurrences: list[Occurrence]
    skipped_months: list[date]


def expand(rule: SeriesRule, starts_at: datetime, ends_at: datetime) -> Expansion:
    """All occurrences of a series whose first is the half-open interval `[starts_at, ends_at)`, aware datetimes.

    Raises:
        InvalidInput: the rule contradicts itself, has no occurrence or more than 100.
    """
    first, last = (moment.astimezone(STOCKHOLM) for moment in (starts_at, ends_at))
    if last.replace(tzinfo=None) <= first.replace(tzinfo=None) or ends_at <= starts_at:
        raise InvalidInput([FieldError("ends_at", _END_AFTER_START)])
    days = _days(rule, first.date())
    if unknown := sorted(rule.exceptions - set(days)):
        raise invalid(
            "series.exceptions", N_("The series has no time on %(days)s, so it cannot be left out."), days=unknown
        )
    kept = [day for day in days if day not in rule.exceptions]
    if not kept:
        raise invalid("series.exceptions", N_("No time is left in the series. Leave out fewer days."))
    nights = last.date() - first.date()
    occurrences = [
        # The given moments say which of two times is meant where the first one exists twice.
        _given(number, first, last)
        if day == first.date()
        else _at(number, day, first.time(), day + nights, last.time())
        for number, day in enumerate(kept, start=1)
    ]
    return Expansion(occurrences, _skipped_months(rule, days, first.date()))


def require_apart(occurrences: Sequence[Occurrence], around: timedelta) -> None:
    """Raises InvalidInput where two occurrences of a series come closer than the time that is needed `around` them."""
    times = sorted(one.times for one in occurrences if one.times)
    for (_, ends), (starts, _) in pairwise(times):
        if ends > starts:
            raise invalid(
                "series",
                N_("The series overlaps itself: one time lasts until %(ends)s, the next begins %(starts)s already."),
                ends=ends,
                starts=starts,
            )
        if ends + around > starts:
            raise invalid(
                "series",
                N_(
                    "The times of the series come too close: one lasts until %(ends)s, the next begins %(starts)s, and"
                    " %(minutes)s minutes are needed between them."
                ),
                ends=ends,
                starts=starts,
                minutes=int(around.total_seconds() // 60),
            )


def _days(rule: SeriesRule, first: date) -> list[date]:
    """The days of a series, exceptions among them; at most 100."""
    _require_sense(rule, first)
    by: dict[str, Any] = {}
    if rule.frequency is Frequency.MONTHLY:
        by = _day_of_month(rule.monthly_by, first)
    elif rule.weekdays or rule.frequency is Frequency.WEEKLY:
        by = {"byweekday": [day - 1 for day in sorted(rule.weekdays or {first.isoweekday()})]}
    found = rrule(
        {Frequency.DAILY: DAILY, Frequency.WEEKLY: WEEKLY, Frequency.MONTHLY: MONTHLY}[rule.frequency],
        dtstart=datetime.combine(first, time(0)),
        interval=rule.every,
        until=datetime.combine(rule.until, time(0)) if rule.until else None,
        **by,
    )
    days = [moment.date() for moment in islice(found, rule.count or MOST_OCCURRENCES + 1)]
    if len(days) > MOST_OCCURRENCES:
        raise _too_many("series.until")
    return days


def _require_sense(rule: SeriesRule, first: date) -> None:
    """Raises InvalidInput for what contradicts itself or is over a limit, before anything is counted out."""
    if (rule.until is None) == (rule.count is None):
        raise invalid("series.count", N_("Say how the series ends: on a day, or after a number of times."))
    if rule.count is not None and rule.count < 1:
        raise invalid("series.count", N_("The series has no time at all. Ask for at least one."))
    if rule.count is not None and rule.count > MOST_OCCURRENCES:
        raise _too_many("series.count")
    if rule.until is not None and rule.until < first:
        raise invalid("series.until", N_("The series ends before it begins. Choose a later last day."))
    if not 1 <= rule.every <= MOST_EVERY:
        raise invalid("series.interval", N_("Choose a number from 1 to %(most)s."), most=MOST_EVERY)
    if not rule.weekdays <= set(range(1, _WEEK + 1)):
        raise invalid("series.weekdays", N_("Weekdays are the numbers 1 (Monday) to 7 (Sunday)."))
    if rule.weekdays and rule.frequency is Frequency.MONTHLY:
        raise invalid("series.weekdays", N_("Weekdays can be chosen for daily and weekly series only."))
    if rule.weekdays and first.isoweekday() not in rule.weekdays:
        raise invalid(
            "series.weekdays",
            N_("The first day, %(day)s, is not one of the days of the series. Choose another first day or weekday."),
            day=first,
        )
    is_last = (first + timedelta(days=_WEEK)).month != first.month
    if rule.frequency is Frequency.MONTHLY and rule.monthly_by is MonthlyBy.LAST_WEEKDAY and not is_last:
        raise invalid(
            "series.monthly_by", N_("The first day, %(day)s, is not the last such weekday of its month."), day=first
        )


def _too_many(field: str) -> InvalidInput:
    return invalid(
        field, N_("A series has at most %(most)s times. Ask for fewer, or send several series."), most=MOST_OCCURRENCES
    )


def _day_of_month(kept: MonthlyBy, first: date) -> dict[str, Any]:
    if kept is MonthlyBy.DATE:
        return {"bymonthday": first.day}
    nth = -1 if kept is MonthlyBy.LAST_WEEKDAY else (first.day - 1) // _WEEK + 1
    return {"byweekday": weekday(first.weekday(), nth)}


def _skipped_months(rule: SeriesRule, days: Sequence[date], first: date) -> list[date]:
    """The months in which a monthly series has no day, like the 31st in November, up to its last day."""
    if rule.frequency is not Frequency.MONTHLY:
        return []
    last = rule.until or days[-1]
    had = {(day.year, day.month) for day in days}
    skipped = []
    at = first.year * 12 + first.month - 1
    while _month(at + 1) - timedelta(days=1) <= last:
        month = _month(at)
        if (month.year, month.month) not in had:
            skipped.append(month)
        at += rule.every
    return skipped


def _month(number: int) -> date:
    """The first day of a month, counted from the year 0."""
    return date(number // 12, number % 12 + 1, 1)


def _given(number: int, first: datetime, last: datetime) -> Occurrence:
    return Occurrence(number, first.date(), (first.astimezone(UTC), last.astimezone(UTC)), note=_note(first, last))


def _at(number: int, day: date, starts: time, last_day: date, ends: time) -> Occurrence:
    first = datetime.combine(day, starts.replace(fold=0), tzinfo=STOCKHOLM)
    last = datetime.combine(last_day, ends.replace(fold=0), tzinfo=STOCKHOLM)
    for moment in (first, last):
        if not _exists(moment):
            problem = message(
                N_("There is no %(time)s on %(day)s, because the clocks go forward."),
                time=moment.time(),
                day=moment.date(),
            )
            length = last.replace(tzinfo=None) - first.replace(tzinfo=None)
            near = first.astimezone(UTC), first.astimezone(UTC) + length
            return Occurrence(number, day, None, problem=problem, near=near)
    return Occurrence(number, day, (first.astimezone(UTC), last.astimezone(UTC)), note=_note(first, last))


def _note(*moments: datetime) -> Message | None:
    """Says of a time that exists twice which of the two is meant."""
    twice = next((moment for moment in moments if _exists_twice(moment)), None)
    if twice is None:
        return None
    first = N_("%(time)s exists twice on %(day)s, because the clocks go back. The first, in summer time, is meant.")
    second = N_("%(time)s exists twice on %(day)s, because the clocks go back. The second, in winter time, is meant.")
    return message(second if twice.fold else first, time=twice.time(), day=twice.date())


def _exists(moment: datetime) -> bool:
    return moment.astimezone(UTC).astimezone(STOCKHOLM).replace(tzinfo=None, fold=0) == moment.replace(tzinfo=None)


def _exists_twice(moment: datetime) -> bool:
    return moment.replace(fold=0).utcoffset() != moment.replace(fold=1).utcoffset()
