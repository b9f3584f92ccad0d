"""In which weeks an environment has a free time; for lists and searches over many environments."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache

from registry import database
from registry.bookings import rules
from registry.bookings.rules import STOCKHOLM, Interval
from registry.entries.queries import Opening

# How many weeks ahead, this one included.
WEEKS_AHEAD = 26
_WEEK = timedelta(days=7)

_NUMBERS = ("buffer_before", "buffer_after", "shortest", "longest", "lead_time_hours", "horizon_days")
_ENVIRONMENTS = """
SELECT v.id, e.ended, v.bookable_by, v.buffer_before, v.buffer_after, v.shortest, v.longest, v.lead_time_hours,
       v.horizon_days,
       ARRAY(
           SELECT concat_ws(' ', h.weekday, h.opens, h.closes) FROM opening_hours h
           WHERE h.environment = v.id ORDER BY 1
       ) AS hours,
       ARRAY(
           SELECT t FROM busy_times(v.id, tstzrange($2, $3)) AS t
           WHERE EXISTS (
               SELECT FROM environment_lanes l JOIN booking_hold b ON b.site = l.site WHERE l.environment = v.id
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
    first = _midnight(monday)
    last = _midnight(monday + WEEKS_AHEAD * _WEEK)
    rows = await database.fetch(_ENVIRONMENTS, list(environment_ids), first - _WEEK, last + _WEEK)
    # Most environments of a long list have nothing booked and share their hours with others.
    known: dict[tuple[object, ...], list[str]] = {}
    found: dict[int, list[str]] = {}
    for row in rows:
        if row["ended"] or not row["bookable_by"]:
            found[row["id"]] = []
            continue
        alike = (tuple(row["busy"]), tuple(row["hours"]), *(row[name] for name in _NUMBERS))
        if alike not in known:
            known[alike] = _weeks_of(row, monday, now)
        found[row["id"]] = known[alike]
    return found


def _weeks_of(row: database.Row, monday: date, now: datetime) -> list[str]:
    before, after = timedelta(minutes=row["buffer_before"]), timedelta(minutes=row["buffer_after"])
    # A further booking brings its own buffers, so what is busy for it is wider by them.
    busy = rules.joined((taken.lower - after, taken.upper + before) for taken in row["busy"])
    earliest = now + timedelta(hours=row["lead_time_hours"])
    latest = now + timedelta(days=row["horizon_days"])
    shortest, longest = timedelta(minutes=row["shortest"]), timedelta(minutes=row["longest"])
    found = []
    for number in range(WEEKS_AHEAD):
        start = monday + number * _WEEK
        opens = _open_times(tuple(row["hours"]), start)
        if _has_time(opens, _window(start, earliest, latest), busy, shortest, longest):
            year, week, _ = start.isocalendar()
            found.append(f"{year}-W{week:02}")
    return found


def _window(monday: date, earliest: datetime, latest: datetime) -> Interval:
    return max(_midnight(monday), earliest), min(_midnight(monday + _WEEK), latest)


@lru_cache(maxsize=10_000)
def _open_times(hours: tuple[str, ...], monday: date) -> tuple[Interval, ...]:
    """The opening hours from a week's Monday on, two weeks long, because a booking may end in the next one."""
    return tuple(rules.openings([_opening(text) for text in hours], monday, monday + 2 * _WEEK))


def _opening(text: str) -> Opening:
    weekday, opens, closes = text.split()
    return Opening(int(weekday), time.fromisoformat(opens), time.fromisoformat(closes))


def _has_time(
    opens: Sequence[Interval], window: Interval, busy: Sequence[Interval], shortest: timedelta, longest: timedelta
) -> bool:
    """Whether a booking can begin in the window: it begins and ends while it is open, and nothing is in between."""
    for opening in rules.without(rules.common(opens, [window]), busy):
        start = opening[0]
        taken = next((begins for begins, ends in busy if ends > start), None)
        until = min(start + longest, taken) if taken is not None else start + longest
        if any(max(begins, start + shortest) <= min(ends, until) for begins, ends in opens):
            return True
    return False


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(0), tzinfo=STOCKHOLM).astimezone(UTC)
