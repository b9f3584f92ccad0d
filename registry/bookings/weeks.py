"""In which weeks an environment has a free time; for lists and searches over many environments."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from functools import lru_cache
from itertools import islice

from registry import database
from registry.bookings.intervals import Interval, common, joined, without
from registry.bookings.openings import STOCKHOLM, midnight, openings, starts_within
from registry.entries.calendars import Calendar, calendars_of

# How many weeks ahead, this one included.
WEEKS_AHEAD = 26
_WEEK = timedelta(days=7)

_NUMBERS = ("buffer_before", "buffer_after", "shortest", "longest", "lead_time_hours", "horizon_days", "step")
_ENVIRONMENTS = """
SELECT v.id, e.ended, v.bookable_by, v.buffer_before, v.buffer_after, v.shortest, v.longest, v.lead_time_hours,
       v.horizon_days, v.step,
       ARRAY(
           SELECT t FROM busy_times(v.id, tstzrange($2, $3)) AS t
           WHERE EXISTS (
               SELECT FROM environment_lanes l JOIN booking_hold b ON b.site = l.site WHERE l.environment = v.id
           ) OR EXISTS (
               SELECT FROM environment_lanes l JOIN environment_lanes other ON other.site = l.site
               JOIN blackout b ON b.environment = other.environment WHERE l.environment = v.id
           )
       ) AS busy
FROM environment v JOIN entry e ON e.id = v.id WHERE v.id = ANY ($1::bigint[])
"""


async def free_weeks(environment_ids: Sequence[int], now: datetime) -> dict[int, list[str]]:
    """The ISO 8601 weeks (`2026-W49`, in Europe/Stockholm) in which each environment has time for a booking.

    A booking of the shortest length has to fit, within opening hours, lead time and horizon, buffers included.
    """
    if not environment_ids:
        return {}
    today = now.astimezone(STOCKHOLM).date()
    monday = today - timedelta(days=today.weekday())
    first = midnight(monday)
    last = midnight(monday + WEEKS_AHEAD * _WEEK)
    rows = await database.fetch(_ENVIRONMENTS, list(environment_ids), first - _WEEK, last + _WEEK)
    calendars = await calendars_of(row["id"] for row in rows)
    # Most environments of a long list have nothing booked and share their calendar with others.
    known: dict[tuple[object, ...], list[str]] = {}
    found: dict[int, list[str]] = {}
    for row in rows:
        if row["ended"] or not row["bookable_by"]:
            found[row["id"]] = []
            continue
        calendar = calendars[row["id"]]
        alike = (tuple(row["busy"]), calendar, *(row[name] for name in _NUMBERS))
        if alike not in known:
            known[alike] = _weeks_of(row, calendar, monday, now)
        found[row["id"]] = known[alike]
    return found


def _weeks_of(row: database.Row, calendar: Calendar, monday: date, now: datetime) -> list[str]:
    before, after = timedelta(minutes=row["buffer_before"]), timedelta(minutes=row["buffer_after"])
    # A further booking brings its own buffers, so what is busy for it is wider by them.
    busy = joined((taken.lower - after, taken.upper + before) for taken in row["busy"])
    earliest = now + timedelta(hours=row["lead_time_hours"])
    latest = now + timedelta(days=row["horizon_days"])
    shortest, longest = timedelta(minutes=row["shortest"]), timedelta(minutes=row["longest"])
    found = []
    for number in range(WEEKS_AHEAD):
        start = monday + number * _WEEK
        opens = _open_times(calendar, start)
        free = without(common(opens, [_window(start, earliest, latest)]), busy)
        begins = _begins(calendar, row["step"], free)
        if _has_time(opens, begins, busy, shortest, longest):
            year, week, _ = start.isocalendar()
            found.append(f"{year}-W{week:02}")
    return found


def _window(monday: date, earliest: datetime, latest: datetime) -> Interval:
    return max(midnight(monday), earliest), min(midnight(monday + _WEEK), latest)


@lru_cache(maxsize=10_000)
def _open_times(calendar: Calendar, monday: date) -> tuple[Interval, ...]:
    """When it is open from a week's Monday on, two weeks long, because a booking may end in the next one."""
    return tuple(openings(calendar, monday, monday + 2 * _WEEK))


def _begins(calendar: Calendar, step: int, free: Sequence[Interval]) -> Iterator[datetime]:
    """The first time in each free interval at which a booking may begin, which says it all."""
    for interval in free:
        if step:
            yield from islice(starts_within(calendar, step, interval, timedelta(microseconds=1)), 1)
        else:
            yield interval[0]


def _has_time(
    opens: Sequence[Interval],
    starts: Iterable[datetime],
    busy: Sequence[Interval],
    shortest: timedelta,
    longest: timedelta,
) -> bool:
    """Whether a booking can begin at one of these times: it ends while it is open, and nothing is in between."""
    for start in starts:
        taken = next((begins for begins, ends in busy if ends > start), None)
        until = min(start + longest, taken) if taken is not None else start + longest
        if any(max(begins, start + shortest) <= min(ends, until) for begins, ends in opens):
            return True
    return False
