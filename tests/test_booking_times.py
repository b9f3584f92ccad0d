"""Opening hours and intervals: pure functions, also across both changes of summer time."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.bookings import rules
from registry.entries.calendars import Calendar, Opening
from registry.errors import InvalidInput
from registry.web.calendar import stockholm

START = datetime(2027, 3, 1, tzinfo=UTC)
OFFICE_HOURS = Calendar(tuple(Opening(day, time(8), time(17)) for day in range(1, 6)))
INTERVALS = st.lists(
    st.tuples(st.integers(0, 200), st.integers(1, 40)).map(
        lambda pair: (START + timedelta(minutes=pair[0]), START + timedelta(minutes=pair[0] + pair[1]))
    ),
    max_size=12,
)


def minutes(intervals: list[rules.Interval]) -> set[int]:
    return {
        minute
        for start, end in intervals
        for minute in range(int((start - START).total_seconds() // 60), int((end - START).total_seconds() // 60))
    }


@given(INTERVALS)
def test_joined_intervals_cover_the_same_and_do_not_touch(intervals: list[rules.Interval]) -> None:
    found = rules.joined(intervals)
    assert minutes(found) == minutes(intervals)
    assert all(first[1] < second[0] for first, second in pairwise(found))


@given(INTERVALS, INTERVALS)
def test_without_and_common_divide_what_there_is(first: list[rules.Interval], second: list[rules.Interval]) -> None:
    left, shared = rules.without(first, second), rules.common(first, second)
    assert minutes(left) == minutes(first) - minutes(second)
    assert minutes(shared) == minutes(first) & minutes(second)


@given(INTERVALS, st.integers(0, 240), st.integers(1, 60))
def test_nearest_starts_lie_in_free_time(free: list[rules.Interval], wanted: int, length: int) -> None:
    span = timedelta(minutes=length)
    for start in rules.nearest_starts(free, START + timedelta(minutes=wanted), span, 3):
        assert any(begin <= start and start + span <= end for begin, end in free)


@pytest.mark.parametrize(
    ("starts", "ends", "is_open"),
    [
        ((2027, 3, 1, 8, 0), (2027, 3, 1, 17, 0), True),
        ((2027, 3, 1, 7, 59), (2027, 3, 1, 9, 0), False),
        ((2027, 3, 1, 16, 0), (2027, 3, 1, 17, 1), False),
        ((2027, 3, 1, 9, 0), (2027, 3, 3, 12, 0), True),
        ((2027, 3, 5, 9, 0), (2027, 3, 6, 12, 0), False),
        ((2027, 3, 6, 9, 0), (2027, 3, 6, 12, 0), False),
    ],
)
def test_opening_hours(starts: tuple[int, ...], ends: tuple[int, ...], *, is_open: bool) -> None:
    first = datetime(*starts, tzinfo=rules.STOCKHOLM)  # type: ignore[misc,arg-type]
    last = datetime(*ends, tzinfo=rules.STOCKHOLM)  # type: ignore[misc,arg-type]
    assert (rules.is_open(OFFICE_HOURS, first, last) is None) == is_open


@pytest.mark.parametrize(("day", "hours"), [(date(2027, 3, 28), 23), (date(2027, 10, 31), 25), (date(2027, 6, 1), 24)])
def test_a_day_open_around_the_clock_is_as_long_as_the_clock_makes_it(day: date, hours: int) -> None:
    around_the_clock = Calendar((Opening(day.isoweekday(), time(0), time(0)),))
    ((start, end),) = rules.openings(around_the_clock, day, day)
    assert end - start == timedelta(hours=hours)


def test_opening_hours_keep_local_time_across_the_change() -> None:
    sundays = Calendar((Opening(7, time(9), time(12)),))
    before, after = rules.openings(sundays, date(2027, 3, 21), date(2027, 3, 28))
    assert before[0].hour == 8
    assert after[0].hour == 7


def test_time_that_does_not_exist_is_refused() -> None:
    with pytest.raises(InvalidInput):
        stockholm("starts", date(2027, 3, 28), time(2, 30))


def test_time_that_exists_twice_means_the_first() -> None:
    moment = stockholm("starts", date(2027, 10, 31), time(2, 30))
    assert moment == datetime(2027, 10, 31, 0, 30, tzinfo=UTC)
