"""When a series comes back: a model that walks day by day, both changes of summer time, and what is refused."""

from calendar import monthrange
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.bookings.codes import Frequency, MonthlyBy
from registry.bookings.recurrence import MOST_OCCURRENCES, Expansion, SeriesRule, expand, require_apart
from registry.errors import InvalidInput

STOCKHOLM = ZoneInfo("Europe/Stockholm")
SPRING, AUTUMN = date(2027, 3, 28), date(2027, 10, 31)


def series(rule: SeriesRule, day: date, starts: str = "09:00", ends: str = "11:00") -> Expansion:
    first, last = (datetime.combine(day, time.fromisoformat(at), tzinfo=STOCKHOLM) for at in (starts, ends))
    return expand(rule, first, last)


def days(expansion: Expansion) -> list[date]:
    return [one.day for one in expansion.occurrences]


# --- The model: every day by itself, with no calendar library


def is_wanted(rule: SeriesRule, first: date, day: date) -> bool:
    since = (day - first).days
    if rule.frequency is Frequency.DAILY:
        return since % rule.every == 0 and (not rule.weekdays or day.isoweekday() in rule.weekdays)
    if rule.frequency is Frequency.WEEKLY:
        monday, first_monday = day - timedelta(days=day.weekday()), first - timedelta(days=first.weekday())
        return (monday - first_monday).days // 7 % rule.every == 0 and day.isoweekday() in (
            rule.weekdays or {first.isoweekday()}
        )
    months = (day.year - first.year) * 12 + day.month - first.month
    if months % rule.every:
        return False
    if rule.monthly_by is MonthlyBy.DATE:
        return day.day == first.day
    same_weekday = day.weekday() == first.weekday()
    if rule.monthly_by is MonthlyBy.WEEKDAY:
        return same_weekday and (day.day + 6) // 7 == (first.day + 6) // 7
    return same_weekday and day.day + 7 > monthrange(day.year, day.month)[1]


def model_days(rule: SeriesRule, first: date) -> list[date]:
    found: list[date] = []
    day = first
    while len(found) < (rule.count or MOST_OCCURRENCES + 1) and (rule.until is None or day <= rule.until):
        if is_wanted(rule, first, day):
            found.append(day)
        day += timedelta(days=1)
    return found


def instants_of(wall: datetime) -> list[datetime]:
    """The moments at which clocks in Stockholm show a time: none, one or two, found by trying both offsets."""
    tried = [(wall - timedelta(hours=hours)).replace(tzinfo=UTC) for hours in (2, 1)]
    return [moment for moment in tried if moment.astimezone(STOCKHOLM).replace(tzinfo=None) == wall]


@st.composite
def rules_and_times(draw: st.DrawFn) -> tuple[SeriesRule, datetime, datetime]:
    # Around both changes of summer time in 2027, on every time of day in steps of 15 minutes.
    day = draw(st.dates(date(2027, 1, 15), date(2027, 11, 5)))
    frequency = draw(st.sampled_from(Frequency))
    weekdays = draw(st.frozensets(st.integers(1, 7)))
    chosen = frozenset() if frequency is Frequency.MONTHLY or not weekdays else weekdays | {day.isoweekday()}
    monthly_by = draw(st.sampled_from(MonthlyBy))
    if monthly_by is MonthlyBy.LAST_WEEKDAY and day.day + 7 <= monthrange(day.year, day.month)[1]:
        monthly_by = MonthlyBy.WEEKDAY
    ends = draw(st.booleans())
    rule = SeriesRule(
        frequency=frequency,
        every=draw(st.integers(1, 4)) if not (frequency is Frequency.DAILY and chosen) else 1,
        weekdays=chosen,
        monthly_by=monthly_by,
        count=draw(st.integers(1, 40)) if ends else None,
        until=None if ends else day + timedelta(days=draw(st.integers(0, 90))),
    )
    minutes = draw(st.integers(0, 95)) * 15
    wall = datetime.combine(day, time(0)) + timedelta(minutes=minutes)
    length = timedelta(minutes=draw(st.integers(1, 200)) * 15)
    first, last = instants_of(wall), instants_of(wall + length)
    if not first or not last:
        wall += timedelta(hours=4)
        first, last = instants_of(wall), instants_of(wall + length)
    if not first or not last:
        wall += timedelta(days=7)
        first, last = instants_of(wall), instants_of(wall + length)
        rule = SeriesRule(Frequency.WEEKLY, count=5)
    return rule, first[0], last[0]


@settings(max_examples=400, deadline=None)
@given(rules_and_times())
def test_every_series_agrees_with_a_model_that_walks_day_by_day(asked: tuple[SeriesRule, datetime, datetime]) -> None:
    rule, starts_at, ends_at = asked
    first, last = (moment.astimezone(STOCKHOLM).replace(tzinfo=None) for moment in (starts_at, ends_at))
    expected = model_days(rule, first.date())
    if len(expected) > MOST_OCCURRENCES:
        with pytest.raises(InvalidInput):
            expand(rule, starts_at, ends_at)
        return
    found = expand(rule, starts_at, ends_at)
    assert days(found) == expected
    assert [one.number for one in found.occurrences] == list(range(1, len(expected) + 1))
    for one in found.occurrences:
        walls = [datetime.combine(one.day, first.time()), datetime.combine(one.day, first.time()) + (last - first)]
        moments = [instants_of(wall) for wall in walls]
        if not all(moments):
            # Never moved in silence: there is no such time, and it says so.
            assert one.times is None
            assert one.problem is not None
            continue
        assert one.times == (moments[0][0], moments[1][0])
        assert one.problem is None
        # A time that exists twice is named.
        assert (one.note is not None) == any(len(instants) > 1 for instants in moments)


@settings(max_examples=100, deadline=None)
@given(rules_and_times(), st.data())
def test_exceptions_leave_out_their_days_and_no_others(
    asked: tuple[SeriesRule, datetime, datetime], data: st.DataObject
) -> None:
    rule, starts_at, ends_at = asked
    expected = model_days(rule, starts_at.astimezone(STOCKHOLM).date())
    if not 2 <= len(expected) <= MOST_OCCURRENCES:
        return
    gone = data.draw(st.frozensets(st.sampled_from(expected), max_size=len(expected) - 1))
    kept = expand(SeriesRule(**{**vars(rule), "exceptions": gone}), starts_at, ends_at)
    assert days(kept) == [day for day in expected if day not in gone]


# --- Both changes of summer time


def test_nine_o_clock_stays_nine_o_clock_across_both_changes() -> None:
    found = series(SeriesRule(Frequency.WEEKLY, count=40), date(2027, 2, 1))
    times = [one.times for one in found.occurrences if one.times]
    assert len(times) == 40
    assert {starts.astimezone(STOCKHOLM).time() for starts, _ in times} == {time(9)}
    assert {ends - starts for starts, ends in times} == {timedelta(hours=2)}
    # In UTC it is 8 in winter and 7 in summer.
    assert {starts.time() for starts, _ in times} == {time(7), time(8)}


def test_time_that_the_clocks_skip_is_named() -> None:
    found = series(SeriesRule(Frequency.DAILY, count=3), SPRING - timedelta(days=1), "02:30", "03:30")
    before, skipped, after = found.occurrences
    assert before.times is not None
    assert after.times is not None
    assert skipped.times is None
    assert str(skipped.problem) == "There is no 02:30:00 on 2027-03-28, because the clocks go forward."


def test_end_that_the_clocks_skip_is_named() -> None:
    found = series(SeriesRule(Frequency.DAILY, count=2), SPRING - timedelta(days=1), "00:30", "02:15")
    assert found.occurrences[1].times is None


def test_time_that_exists_twice_says_which_is_meant() -> None:
    found = series(SeriesRule(Frequency.DAILY, count=3), AUTUMN - timedelta(days=1), "02:30", "03:30")
    notes = [one.note for one in found.occurrences]
    assert notes[0] is None
    assert "exists twice" in str(notes[1])
    assert "summer time" in str(notes[1])
    assert notes[2] is None
    assert found.occurrences[1].times == (
        datetime(2027, 10, 31, 0, 30, tzinfo=UTC),
        datetime(2027, 10, 31, 2, 30, tzinfo=UTC),
    )


def test_first_time_keeps_the_offset_that_was_given() -> None:
    winter = datetime(2027, 10, 31, 1, 30, tzinfo=UTC)  # 02:30 for the second time
    found = expand(SeriesRule(Frequency.DAILY, count=2), winter, winter + timedelta(hours=1))
    assert found.occurrences[0].times == (winter, winter + timedelta(hours=1))
    assert "winter time" in str(found.occurrences[0].note)
    assert found.occurrences[1].note is None


def test_series_over_midnight_ends_on_the_day_after() -> None:
    starts_at = datetime(2027, 3, 26, 22, tzinfo=STOCKHOLM)
    found = expand(SeriesRule(Frequency.DAILY, count=3), starts_at, datetime(2027, 3, 27, 6, tzinfo=STOCKHOLM))
    lengths = [one.times[1] - one.times[0] for one in found.occurrences if one.times]
    # The night in which the clocks go forward is an hour shorter; the clock on the wall says 22 to 6 all the same.
    assert lengths == [timedelta(hours=8), timedelta(hours=7), timedelta(hours=8)]


# --- Months


def test_months_without_the_day_are_named() -> None:
    found = series(SeriesRule(Frequency.MONTHLY, count=4), date(2027, 1, 31))
    assert days(found) == [date(2027, 1, 31), date(2027, 3, 31), date(2027, 5, 31), date(2027, 7, 31)]
    assert found.skipped_months == [date(2027, 2, 1), date(2027, 4, 1), date(2027, 6, 1)]


def test_month_whose_day_is_still_to_come_is_not_skipped() -> None:
    found = series(SeriesRule(Frequency.MONTHLY, until=date(2027, 3, 20)), date(2027, 1, 31))
    assert days(found) == [date(2027, 1, 31)]
    assert found.skipped_months == [date(2027, 2, 1)]


def test_last_weekday_of_the_month_is_in_every_month() -> None:
    rule = SeriesRule(Frequency.MONTHLY, count=12, monthly_by=MonthlyBy.LAST_WEEKDAY)
    found = series(rule, date(2027, 1, 29))
    assert len({(day.year, day.month) for day in days(found)}) == 12
    assert {day.isoweekday() for day in days(found)} == {5}
    assert found.skipped_months == []


# --- What is refused, each with its field

FIRST = date(2027, 3, 1)  # a Monday
W, D, M = Frequency.WEEKLY, Frequency.DAILY, Frequency.MONTHLY
REFUSED = [
    (SeriesRule(W), "series.count", "Say how the series ends"),
    (SeriesRule(W, count=3, until=date(2027, 6, 1)), "series.count", "Say how the series ends"),
    (SeriesRule(W, count=0), "series.count", "no time at all"),
    (SeriesRule(W, count=-5), "series.count", "no time at all"),
    (SeriesRule(W, count=10_000), "series.count", "at most 100 times"),
    (SeriesRule(D, until=date(2027, 12, 31)), "series.until", "at most 100 times"),
    (SeriesRule(W, until=date(2027, 2, 28)), "series.until", "ends before it begins"),
    (SeriesRule(W, every=0, count=3), "series.interval", "from 1 to 99"),
    (SeriesRule(W, every=10**9, count=3), "series.interval", "from 1 to 99"),
    (SeriesRule(W, weekdays=frozenset({8}), count=3), "series.weekdays", "1 (Monday) to 7"),
    (SeriesRule(W, weekdays=frozenset({2}), count=3), "series.weekdays", "is not one of the days"),
    (SeriesRule(M, weekdays=frozenset({1}), count=3), "series.weekdays", "daily and weekly"),
    (SeriesRule(M, monthly_by=MonthlyBy.LAST_WEEKDAY, count=3), "series.monthly_by", "not the last such weekday"),
    (SeriesRule(W, count=3, exceptions=frozenset({date(2027, 3, 2)})), "series.exceptions", "cannot be left out"),
    (SeriesRule(W, count=1, exceptions=frozenset({FIRST})), "series.exceptions", "No time is left"),
]


@pytest.mark.parametrize(("rule", "field", "words"), REFUSED, ids=lambda value: str(value)[:60])
def test_series_without_sense_is_refused_with_its_reason(rule: SeriesRule, field: str, words: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        series(rule, FIRST)
    fault = refusal.value.errors[0]
    assert fault.field == field
    assert words in str(fault.message)


def test_end_before_start_is_refused() -> None:
    with pytest.raises(InvalidInput) as refusal:
        series(SeriesRule(W, count=3), FIRST, "11:00", "09:00")
    assert refusal.value.errors[0].field == "ends_at"


@pytest.mark.parametrize(
    ("rule", "hours", "around", "words"),
    [
        (SeriesRule(D, count=3), 25, 0, "overlaps itself"),
        (SeriesRule(W, count=3), 24 * 7, 15, "come too close"),
        (SeriesRule(D, count=3), 23, 90, "come too close"),
    ],
)
def test_series_that_overlaps_itself_is_refused_buffers_included(
    rule: SeriesRule, hours: int, around: int, words: str
) -> None:
    starts_at = datetime(2027, 3, 1, 9, tzinfo=STOCKHOLM)
    found = expand(rule, starts_at, starts_at + timedelta(hours=hours))
    with pytest.raises(InvalidInput, match="Correct") as refusal:
        require_apart(found.occurrences, timedelta(minutes=around))
    assert words in str(refusal.value.errors[0].message)


def test_series_that_touches_itself_without_buffers_fits() -> None:
    starts_at = datetime(2027, 3, 1, 9, tzinfo=STOCKHOLM)
    found = expand(SeriesRule(D, count=3), starts_at, starts_at + timedelta(hours=24))
    require_apart(found.occurrences, timedelta(0))
