"""Calendars that hosts keep: one reading of seasons, holidays and closures; blackouts that the database enforces."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from registry import database
from registry.access import SYSTEM, VISITOR
from registry.audit.service import EventType, record
from registry.bookings import hosting, openings, queries, rules, service
from registry.bookings.free_times import Wish, first_free
from registry.bookings.openings import Why, closed_on, midnight, utc
from registry.bookings.states import BookingState
from registry.bookings.timetables import Status, timetables
from registry.entries import calendar_service
from registry.entries import service as entries
from registry.entries.calendars import Calendar, Closure, OpenDay, Opening, Season
from registry.entries.codes import Audience
from registry.entries.queries import EntryView, environments_by_id, get_entry_by_id
from registry.entries.service import EnvironmentText, environment_text_of
from registry.errors import (
    Bilingual,
    BookingsInTheWay,
    EditedMeanwhile,
    InvalidInput,
    NotFound,
    NotPermitted,
    NotSignedIn,
    TimeTaken,
)
from tests import factories
from tests.factories_bookings import Scene, booking_in, request_for, scene

OFFICE = tuple(Opening(day, time(8), time(17)) for day in range(1, 6))
SHORT_DAYS = tuple(Opening(day, time(10), time(14)) for day in range(1, 6))
AROUND_THE_CLOCK = Calendar(factories.ALL_DAY_EVERY_DAY)
REASON = Bilingual("Underhåll", "Maintenance")
CONNECTIONS = 20


def at(day: date, hour: int, minute: int = 0) -> datetime:
    return utc(day, time(hour, minute))


@pytest.fixture
async def connection(database: str) -> AsyncIterator[asyncpg.Connection]:
    found = await asyncpg.connect(database)
    yield found
    await found.close()


# ---- What a calendar means ------------------------------------------------------------------


def test_season_has_a_week_of_its_own() -> None:
    summer = Season(date(2027, 6, 14), date(2027, 8, 13), every_year=False, openings=SHORT_DAYS)
    calendar = Calendar(OFFICE, (summer,))
    assert openings.openings(calendar, date(2027, 6, 14), date(2027, 6, 14)) == [
        (at(date(2027, 6, 14), 10), at(date(2027, 6, 14), 14))
    ]
    assert openings.openings(calendar, date(2027, 6, 11), date(2027, 6, 11)) == [
        (at(date(2027, 6, 11), 8), at(date(2027, 6, 11), 17))
    ]
    assert openings.openings(calendar, date(2028, 6, 14), date(2028, 6, 14))[0][0] == at(date(2028, 6, 14), 8)


@pytest.mark.parametrize(
    ("day", "is_closed"),
    [
        (date(2026, 12, 19), False),
        (date(2026, 12, 21), True),
        (date(2027, 1, 8), True),
        (date(2027, 1, 11), False),
        (date(2031, 12, 31), True),
    ],
)
def test_season_of_every_year_may_reach_over_the_new_year(day: date, *, is_closed: bool) -> None:
    every_day = tuple(Opening(number, time(8), time(17)) for number in range(1, 8))
    calendar = Calendar(every_day, (Season(date(2026, 12, 20), date(2027, 1, 10), every_year=True, name_sv="Jul"),))
    closed = closed_on(calendar, day)
    assert (closed is not None) == is_closed
    if closed is not None:
        assert (closed.why, closed.name.sv) == (Why.SEASON, "Jul")


def test_season_of_a_certain_year_goes_before_one_of_every_year() -> None:
    each = Season(date(2026, 7, 1), date(2026, 7, 31), every_year=True)
    once = Season(date(2027, 7, 1), date(2027, 7, 31), every_year=False, openings=SHORT_DAYS)
    calendar = Calendar(OFFICE, (each, once))
    assert openings.openings(calendar, date(2027, 7, 5), date(2027, 7, 5))
    assert not openings.openings(calendar, date(2028, 7, 5), date(2028, 7, 5))


def test_leap_day_as_the_end_of_a_season_is_the_28th_in_other_years() -> None:
    season = Season(date(2028, 2, 1), date(2028, 2, 29), every_year=True)
    assert season.includes(date(2028, 2, 29))
    assert season.includes(date(2027, 2, 28))
    assert not season.includes(date(2027, 3, 1))


@pytest.mark.parametrize(
    ("day", "on_holidays", "on_eves"),
    [
        (date(2027, 1, 6), True, False),  # Epiphany
        (date(2027, 3, 26), True, False),  # Good Friday
        (date(2027, 5, 6), True, False),  # Ascension Day
        (date(2027, 6, 25), False, True),  # Midsummer Eve
        (date(2026, 12, 24), False, True),
        (date(2026, 12, 31), False, True),
        (date(2026, 12, 30), False, False),
    ],
)
def test_holidays_and_eves_have_a_switch_each(day: date, *, on_holidays: bool, on_eves: bool) -> None:
    assert closed_on(Calendar(OFFICE), day) is None
    assert (closed_on(Calendar(OFFICE, closed_on_holidays=True), day) is not None) == on_holidays
    assert (closed_on(Calendar(OFFICE, closed_on_eves=True), day) is not None) == on_eves


def test_ordinary_sunday_is_no_holiday() -> None:
    assert openings.holiday(date(2027, 2, 7)) is None
    assert openings.holiday(date(2026, 12, 25)) == Bilingual("Juldagen", "Christmas Day")


def test_single_day_is_open_in_spite_of_a_holiday_but_not_of_a_closure() -> None:
    epiphany = date(2027, 1, 6)
    calendar = Calendar(OFFICE, open_days=(OpenDay(epiphany),), closed_on_holidays=True)
    assert openings.openings(calendar, epiphany, epiphany) == [(at(epiphany, 8), at(epiphany, 17))]
    own_hours = replace(calendar, open_days=(OpenDay(epiphany, time(10), time(12)),))
    assert openings.openings(own_hours, epiphany, epiphany) == [(at(epiphany, 10), at(epiphany, 12))]
    closed = replace(own_hours, closures=(Closure(midnight(epiphany), at(epiphany, 11), "Stämning"),))
    assert openings.openings(closed, epiphany, epiphany) == [(at(epiphany, 11), at(epiphany, 12))]


def test_reason_why_it_is_closed_is_told() -> None:
    day = date(2027, 3, 3)
    calendar = Calendar(
        OFFICE, closures=(Closure(at(day, 12), at(day, 13), "Brandövning", "Fire drill"),), closed_on_holidays=True
    )
    assert rules.is_open(calendar, at(day, 9), at(day, 12)) is None
    drill = rules.is_open(calendar, at(day, 11), at(day, 13))
    assert drill is not None
    assert "Fire drill" in str(drill)
    friday = date(2027, 3, 26)
    assert "Good Friday" in str(rules.is_open(calendar, at(friday, 9), at(friday, 10)))
    evening = rules.is_open(calendar, at(day, 18), at(day, 19))
    assert evening is not None
    assert not evening.values


def test_longer_booking_may_span_a_closure() -> None:
    monday = date(2027, 3, 1)
    calendar = Calendar(OFFICE, closures=(Closure(midnight(date(2027, 3, 2)), midnight(date(2027, 3, 3)), "x"),))
    assert rules.is_open(calendar, at(monday, 9), at(date(2027, 3, 3), 12)) is None
    assert rules.is_open(calendar, at(monday, 9), at(date(2027, 3, 2), 12)) is not None


@pytest.mark.parametrize(("minute", "is_good"), [(0, True), (30, True), (20, False), (45, False)])
def test_bookings_begin_on_the_grid_from_opening(minute: int, *, is_good: bool) -> None:
    day = date(2027, 3, 3)
    assert (openings.begins_on_grid(Calendar(OFFICE), 30, at(day, 9, minute)) is None) == is_good
    assert openings.begins_on_grid(Calendar(OFFICE), 0, at(day, 9, 7)) is None


# Days around both changes of summer time, and ordinary ones.
DAYS = st.sampled_from([date(2027, 3, 27), date(2027, 3, 28), date(2027, 10, 30), date(2027, 10, 31), date(2027, 6, 9)])
TIMES = st.builds(time, st.integers(0, 23), st.sampled_from([0, 15, 30, 45]))
HOURS = st.lists(
    st.tuples(st.integers(1, 7), TIMES, TIMES)
    .filter(lambda one: one[2] == time(0) or one[1] < one[2])
    .map(lambda one: Opening(*one)),
    max_size=12,
)
SPANS = st.lists(
    st.tuples(DAYS, TIMES, st.integers(0, 60 * 30)).map(
        lambda one: (utc(one[0], one[1]), utc(one[0], one[1]) + timedelta(minutes=one[2]))
    ),
    max_size=5,
)


@given(HOURS, SPANS, DAYS)
def test_opening_times_are_apart_and_what_the_clock_on_the_wall_says(
    hours: list[Opening], spans: list[tuple[datetime, datetime]], day: date
) -> None:
    calendar = Calendar(tuple(hours), closures=tuple(Closure(*span, "x") for span in spans))
    found = openings.openings(calendar, day, day)
    assert all(start < end for start, end in found)
    assert all(first[1] < second[0] for first, second in pairwise(found))
    # Minute by minute, on the wall: each moment of the day, whichever offset it has.
    moment, end = midnight(day), midnight(day + timedelta(days=1))
    while moment < end:
        wall = moment.astimezone(openings.STOCKHOLM).replace(tzinfo=None)
        by_hours = any(
            # Hours that begin or end at a time that exists twice mean the first of the two.
            utc(day, one.opens) <= moment and (one.closes == time(0) or moment < utc(day, one.closes))
            for one in hours
            if one.weekday == day.isoweekday()
        )
        is_closed = any(start <= moment < end for start, end in spans)
        assert any(a <= moment < b for a, b in found) == (by_hours and not is_closed), wall
        moment += timedelta(minutes=15)


@given(HOURS, st.sampled_from([15, 20, 30, 60]), st.integers(0, 180), DAYS)
def test_every_start_on_the_grid_is_one_that_the_rules_allow(
    hours: list[Opening], step: int, length: int, day: date
) -> None:
    calendar = Calendar(tuple(hours))
    for free in openings.openings(calendar, day, day + timedelta(days=1)):
        starts = list(openings.starts_within(calendar, step, free, timedelta(minutes=length)))
        assert starts == sorted(starts)
        for start in starts:
            assert free[0] <= start
            assert start + timedelta(minutes=length) <= free[1]
            assert openings.begins_on_grid(calendar, step, start) is None


# ---- Keeping it -----------------------------------------------------------------------------


async def view(entry_id: int) -> EntryView:
    return (await environments_by_id([entry_id]))[entry_id]


async def test_everything_that_is_stored_comes_back() -> None:
    the_scene = await scene()
    host, entry_id = the_scene.people["host"], the_scene.environment_id
    await calendar_service.set_week(host, entry_id, OFFICE, read_version=(await view(entry_id)).version)
    season = Season(date(2027, 6, 1), date(2027, 8, 31), True, "Sommar", "Summer", SHORT_DAYS)  # noqa: FBT003
    await calendar_service.save_season(host, entry_id, season, read_version=(await view(entry_id)).version)
    await calendar_service.set_holidays(
        host, entry_id, closed_on_holidays=True, closed_on_eves=True, read_version=(await view(entry_id)).version
    )
    closure = Closure(midnight(date(2027, 3, 28)), midnight(date(2027, 3, 29)), "Omställning", "Change of clocks")
    await calendar_service.add_closure(host, entry_id, closure)
    await calendar_service.add_open_day(host, entry_id, OpenDay(date(2027, 1, 6), time(10), time(0)))
    calendar = (await view(entry_id)).calendar
    assert calendar.week == OFFICE
    assert [replace(one, id=None) for one in calendar.seasons] == [season]
    assert [replace(one, id=None) for one in calendar.closures] == [closure]
    assert [replace(one, id=None) for one in calendar.open_days] == [OpenDay(date(2027, 1, 6), time(10), time(0))]
    assert (calendar.closed_on_holidays, calendar.closed_on_eves) == (True, True)
    events = await database.fetch(
        "SELECT data->>'calendar' AS what FROM audit_event WHERE subject_id = $1 AND type = 'environment.changed'"
        " ORDER BY id",
        str(entry_id),
    )
    assert [row["what"] for row in events] == ["week", "season", "holidays", "closure", "open_day"]


async def test_second_of_two_hosts_is_told_and_nothing_is_overwritten() -> None:
    the_scene = await scene()
    host, entry_id = the_scene.people["host"], the_scene.environment_id
    version = (await view(entry_id)).version
    await calendar_service.set_week(host, entry_id, OFFICE, read_version=version)
    with pytest.raises(EditedMeanwhile):
        await calendar_service.set_week(host, entry_id, SHORT_DAYS, read_version=version)
    with pytest.raises(EditedMeanwhile):
        await calendar_service.set_holidays(
            host, entry_id, closed_on_holidays=True, closed_on_eves=False, read_version=version
        )
    assert (await view(entry_id)).calendar == Calendar(OFFICE)


async def test_twenty_hosts_at_once_and_one_wins() -> None:
    the_scene = await scene()
    host, entry_id = the_scene.people["host"], the_scene.environment_id
    version = (await view(entry_id)).version
    weeks = [(Opening(1, time(number % 12), time(13 + number % 7)),) for number in range(CONNECTIONS)]
    results = await asyncio.gather(
        *(calendar_service.set_week(host, entry_id, week, read_version=version) for week in weeks),
        return_exceptions=True,
    )
    won = [week for week, result in zip(weeks, results, strict=True) if result is None]
    assert len(won) == 1
    assert all(isinstance(result, EditedMeanwhile) for result in results if result is not None)
    assert (await view(entry_id)).calendar.week == won[0]


@pytest.mark.parametrize(
    ("role", "error"),
    [
        ("requester", NotPermitted),
        ("other_host", NotPermitted),
        ("auditor", NotPermitted),
        ("host", None),
        ("coordinator", None),
        (None, NotPermitted),
    ],
)
async def test_only_who_may_edit_the_entry_keeps_its_calendar(role: str | None, error: type[Exception] | None) -> None:
    the_scene = await scene()
    actor = the_scene.people[role] if role else VISITOR
    closure = Closure(at(date(2027, 3, 1), 8), at(date(2027, 3, 1), 9), "x")
    for command in (
        calendar_service.add_closure(actor, the_scene.environment_id, closure),
        hosting.set_blackout(actor, the_scene.environment_id, closure.starts_at, closure.ends_at, REASON),
    ):
        if error is None:
            await command
        else:
            with pytest.raises((error, NotSignedIn)):
                await command


async def test_bad_calendars_are_refused_with_the_field_and_nothing_is_stored() -> None:
    the_scene = await scene()
    host, entry_id = the_scene.people["host"], the_scene.environment_id
    before = await view(entry_id)
    first, later = date(2027, 6, 1), date(2027, 6, 30)
    overlapping = (Opening(1, time(8), time(12)), Opening(1, time(11), time(0)))
    moment = at(first, 8)
    commands: list[tuple[str, Any]] = [
        ("opens_1", calendar_service.set_week(host, entry_id, overlapping, read_version=before.version)),
        ("name_sv", _save(host, entry_id, Season(first, later, every_year=False), before.version)),
        ("last_day", _save(host, entry_id, Season(later, first, every_year=False, name_sv="x"), before.version)),
        (
            "last_day",
            _save(host, entry_id, Season(first, date(2028, 6, 1), every_year=True, name_sv="x"), before.version),
        ),
        ("last_day", calendar_service.add_closure(host, entry_id, Closure(moment, moment, "x"))),
        ("reason_sv", calendar_service.add_closure(host, entry_id, Closure(moment, at(first, 9)))),
        ("last_day", hosting.set_blackout(host, entry_id, moment, moment, REASON)),
        ("reason_sv", hosting.set_blackout(host, entry_id, moment, at(first, 9), Bilingual("", ""))),
        ("opens", calendar_service.add_open_day(host, entry_id, OpenDay(first, time(8), None))),
        ("closes", calendar_service.add_open_day(host, entry_id, OpenDay(first, time(8), time(7)))),
    ]
    for field, command in commands:
        with pytest.raises(InvalidInput) as refused:
            await command
        assert [error.field for error in refused.value.errors] == [field]
    after = await view(entry_id)
    assert (after.calendar, after.version) == (before.calendar, before.version)


async def _save(actor: Any, entry_id: int, season: Season, version: int) -> None:
    await calendar_service.save_season(actor, entry_id, season, read_version=version)


async def test_seasons_of_one_sort_do_not_overlap() -> None:
    the_scene = await scene()
    host, entry_id = the_scene.people["host"], the_scene.environment_id
    winter = Season(date(2026, 12, 15), date(2027, 1, 15), every_year=True, name_sv="Vinter")
    await _save(host, entry_id, winter, (await view(entry_id)).version)
    january = Season(date(2030, 1, 10), date(2030, 1, 20), every_year=True, name_sv="Januari")
    with pytest.raises(InvalidInput):
        await _save(host, entry_id, january, (await view(entry_id)).version)
    await _save(host, entry_id, replace(january, every_year=False), (await view(entry_id)).version)
    stored = (await view(entry_id)).calendar.seasons
    moved = replace(next(one for one in stored if one.every_year), last_day=date(2027, 1, 9))
    await _save(host, entry_id, moved, (await view(entry_id)).version)
    assert {one.last_day for one in (await view(entry_id)).calendar.seasons} == {date(2027, 1, 9), date(2030, 1, 20)}
    with pytest.raises(NotFound):
        await _save(
            host,
            entry_id,
            replace(moved, id=2**40, first_day=date(2026, 5, 1), last_day=date(2026, 5, 2)),
            (await view(entry_id)).version,
        )


async def test_database_itself_refuses_two_seasons_at_a_time(connection: asyncpg.Connection) -> None:
    entry_id, _ = await factories.environment()
    with pytest.raises(asyncpg.ExclusionViolationError):
        await connection.execute(
            "INSERT INTO season (environment, name_sv, name_en, first_day, last_day, every_year) VALUES"
            " ($1, 'a', '', '2027-06-01', '2027-06-30', false), ($1, 'b', '', '2027-06-30', '2027-07-01', false)",
            entry_id,
        )


async def test_entry_form_leaves_the_hours_of_seasons_alone() -> None:
    the_scene = await scene()
    host, entry_id = the_scene.people["host"], the_scene.environment_id
    season = Season(date(2027, 6, 1), date(2027, 8, 31), every_year=True, name_sv="Sommar", openings=SHORT_DAYS)
    await _save(host, entry_id, season, (await view(entry_id)).version)
    before = await view(entry_id)
    text = environment_text_of(before.row, before.opening_hours)
    await entries.change_environment(host, entry_id, replace(text, opening_hours=OFFICE))
    after = (await view(entry_id)).calendar
    assert (after.week, after.seasons[0].openings) == (OFFICE, SHORT_DAYS)
    version = (await view(entry_id)).version
    assert after.seasons[0].id is not None
    await calendar_service.remove_season(host, entry_id, after.seasons[0].id, read_version=version)
    assert (await view(entry_id)).calendar == Calendar(OFFICE)


# ---- What follows for free times ------------------------------------------------------------


async def test_free_times_weeks_and_timetable_follow_the_calendar() -> None:
    entry_id, _ = await factories.environment(
        text=EnvironmentText(bookable_by=(Audience.EXTERNAL,), lead_time_hours=0, opening_hours=OFFICE)
    )
    now = datetime(2027, 3, 1, 7, tzinfo=UTC)
    week = date(2027, 3, 8)
    await calendar_service.add_closure(
        SYSTEM, entry_id, Closure(midnight(week), midnight(week + timedelta(days=7)), "Sportlov", "Winter break")
    )
    environment = await view(entry_id)
    found = await queries.availability(environment, midnight(week), midnight(week + timedelta(days=8)), now=now)
    assert found.free == [(at(date(2027, 3, 15), 8), at(date(2027, 3, 15), 17))]
    weeks = (await queries.free_weeks([entry_id], now))[entry_id]
    assert weeks[:2] == ["2027-W09", "2027-W11"]
    days = (await timetables([environment], week, 1, now=now))[entry_id]
    assert days[0].closed is not None
    assert (days[0].closed.why, days[0].closed.name.en) == (Why.CLOSURE, "Winter break")
    assert not days[0].free


async def test_grid_holds_for_suggestions_and_requests() -> None:
    the_scene = await scene()
    text = EnvironmentText(
        bookable_by=(Audience.EXTERNAL,),
        lead_time_hours=0,
        shortest=30,
        step=60,
        opening_hours=tuple(Opening(day, time(8, 30), time(17)) for day in range(1, 8)),
    )
    entry_id, slug = await factories.environment(text=text)
    environment = await view(entry_id)
    found = await first_free([environment], 90, Wish(datetime.now(UTC)), count=5)
    assert [one.starts_at.astimezone(openings.STOCKHOLM).minute for one in found] == [30] * 5
    good = replace(request_for(slug), starts_at=found[1].starts_at, ends_at=found[1].ends_at)
    await service.create_booking(the_scene.people["requester"], good, submit=True)
    off = timedelta(minutes=15)
    assert rules.times_fit(environment, "external", good.starts_at, good.ends_at, datetime.now(UTC)) is None  # type: ignore[arg-type]
    assert rules.times_fit(environment, "external", good.starts_at + off, good.ends_at + off, datetime.now(UTC))  # type: ignore[operator]


# ---- Blackouts ------------------------------------------------------------------------------


async def times_of(booking_id: UUID) -> tuple[datetime, datetime]:
    row = await database.fetch_one("SELECT starts_at, ends_at FROM booking WHERE id = $1", booking_id)
    assert row is not None
    return row["starts_at"], row["ends_at"]


async def blacked_out(the_scene: Scene, starts_at: datetime, ends_at: datetime) -> int:
    await hosting.set_blackout(the_scene.people["host"], the_scene.environment_id, starts_at, ends_at, REASON)
    row = await database.fetch_one(
        "SELECT max(id) AS id FROM blackout WHERE environment = $1", the_scene.environment_id
    )
    assert row is not None
    return int(row["id"])


async def test_blackout_refuses_requests_and_approvals_and_says_why() -> None:
    the_scene = await scene()
    waiting = await booking_in(the_scene, BookingState.SUBMITTED)
    await blacked_out(the_scene, *await times_of(waiting))
    with pytest.raises(TimeTaken) as refused:
        await service.move_booking(the_scene.people["host"], waiting, "approve")
    assert "Maintenance" in str(refused.value.detail)
    assert refused.value.extra["alternatives"]
    with pytest.raises(TimeTaken):
        await service.create_booking(the_scene.people["requester"], request_for(the_scene.slug), submit=True)


async def test_touching_times_fit_and_buffers_count() -> None:
    the_scene = await scene()
    waiting = await booking_in(the_scene, BookingState.SUBMITTED)
    starts_at, ends_at = await times_of(waiting)
    await blacked_out(the_scene, ends_at, ends_at + timedelta(hours=1))
    await blacked_out(the_scene, starts_at - timedelta(hours=1), starts_at)
    environment = await view(the_scene.environment_id)
    assert not await queries.is_held(environment, starts_at, ends_at)
    buffered = replace(environment_text_of(environment.row, environment.opening_hours), buffer_after=15)
    await entries.change_environment(SYSTEM, the_scene.environment_id, buffered)
    assert await queries.is_held(await view(the_scene.environment_id), starts_at, ends_at)
    with pytest.raises(TimeTaken):
        await service.move_booking(the_scene.people["host"], waiting, "approve")


async def test_bookings_that_were_there_first_stay_are_listed_and_may_go_on() -> None:
    the_scene = await scene()
    booking_id = await booking_in(the_scene, BookingState.APPROVED)
    starts_at, ends_at = await times_of(booking_id)
    touched = await queries.bookings_in_the_way(
        the_scene.people["host"],
        await _touched(the_scene, starts_at, ends_at),
    )
    assert [(one["id"], one["href"]) for one in touched] == [(str(booking_id), f"/bookings/{booking_id}")]
    assert touched[0]["contact"]["email"] == the_scene.people["requester"].email
    await blacked_out(the_scene, starts_at, ends_at)
    assert await _touched(the_scene, starts_at, ends_at) == [booking_id]
    # It is confirmed, and a change of the site numbers its holds anew.
    await service.confirm_covered(booking_id=booking_id)
    await entries.change_environment(
        SYSTEM,
        the_scene.environment_id,
        replace(environment_text_of((e := await view(the_scene.environment_id)).row, e.opening_hours), capacity=3),
    )
    assert await _touched(the_scene, starts_at, ends_at) == [booking_id]
    await service.move_booking(the_scene.people["requester"], booking_id, "cancel", reason="Maintenance")
    assert await _touched(the_scene, starts_at, ends_at) == []


async def _touched(the_scene: Scene, starts_at: datetime, ends_at: datetime) -> list[UUID]:
    from registry.bookings.blackouts import bookings_touched  # noqa: PLC0415  # only here

    return await bookings_touched(the_scene.environment_id, starts_at, ends_at)


async def _by_hand(booking_id: UUID, change: str, *values: object) -> None:
    async with database.transaction():
        await record(SYSTEM, EventType.BOOKING_CHANGED, booking_id)
        await database.fetch(f"UPDATE booking SET {change} WHERE id = $1", booking_id, *values)


async def test_booking_that_was_there_first_may_move_out_but_not_within_and_not_back() -> None:
    the_scene = await scene()
    booking_id = await booking_in(the_scene, BookingState.CONFIRMED)
    starts_at, ends_at = await times_of(booking_id)
    await blacked_out(the_scene, starts_at - timedelta(hours=4), ends_at + timedelta(hours=4))
    hour, far = timedelta(hours=1), timedelta(hours=12)
    with pytest.raises(asyncpg.ExclusionViolationError):
        await _by_hand(booking_id, "starts_at = $2, ends_at = $3", starts_at + hour, ends_at + hour)
    await _by_hand(booking_id, "starts_at = $2, ends_at = $3", starts_at + far, ends_at + far)
    with pytest.raises(asyncpg.ExclusionViolationError):
        await _by_hand(booking_id, "starts_at = $2, ends_at = $3", starts_at, ends_at)


async def test_booking_that_let_go_of_its_time_does_not_get_it_back_in_a_blackout() -> None:
    the_scene = await scene()
    booking_id = await booking_in(the_scene, BookingState.APPROVED)
    await blacked_out(the_scene, *await times_of(booking_id))
    await _by_hand(booking_id, "state = 'submitted'")
    with pytest.raises(asyncpg.ExclusionViolationError):
        await _by_hand(booking_id, "state = 'approved'")


async def test_blackout_of_a_whole_closes_its_parts_and_of_a_part_the_whole() -> None:
    whole, _ = await factories.environment()
    text = EnvironmentText(
        bookable_by=(Audience.EXTERNAL,), lead_time_hours=0, parent=whole, opening_hours=factories.ALL_DAY_EVERY_DAY
    )
    part, _ = await factories.environment(text=text)
    hall, _ = await factories.environment(text=replace(text, capacity=3))
    start = datetime.now(UTC) + timedelta(days=3)
    end = start + timedelta(hours=2)
    await hosting.set_blackout(SYSTEM, hall, start, end, REASON)
    held = {one: await queries.is_held(await view(one), start, end) for one in (whole, part, hall)}
    assert held == {whole: True, part: False, hall: True}
    later = end + timedelta(days=1)
    await hosting.set_blackout(SYSTEM, whole, later, later + timedelta(hours=1), REASON)
    for one in (whole, part, hall):
        assert await queries.is_held(await view(one), later, later + timedelta(hours=1))
    assert {len(found) for found in (await queries.blackouts_of([part, hall], start)).values()} == {1, 2}


async def test_removed_blackout_gives_the_time_back() -> None:
    the_scene = await scene()
    waiting = await booking_in(the_scene, BookingState.SUBMITTED)
    blackout = await blacked_out(the_scene, *await times_of(waiting))
    with pytest.raises(NotFound):
        await hosting.remove_blackout(SYSTEM, (await scene()).environment_id, blackout)
    await hosting.remove_blackout(the_scene.people["host"], the_scene.environment_id, blackout)
    await service.move_booking(the_scene.people["host"], waiting, "approve")


# Bookings that hold time in a blackout although it was there before them; shares nothing with lanes and holds.
_WRONG = """
SELECT count(*) FROM blackout x JOIN booking_environment be ON be.environment = x.environment
JOIN booking b ON b.id = be.booking
WHERE x.environment = $1 AND b.state IN ('approved', 'confirmed', 'in_progress')
  AND b.starts_at < x.ends_at AND b.ends_at > x.starts_at AND NOT b.id = ANY ($2::uuid[])
"""


@pytest.mark.parametrize("isolation", ["read_committed", "repeatable_read", "serializable"])
async def test_blackout_against_approvals_at_the_same_time(
    database: str, connection: asyncpg.Connection, isolation: str
) -> None:
    """Twenty connections: some approve, some set a blackout. Whoever holds when all is done was there first."""
    connections = [await asyncpg.connect(database) for _ in range(CONNECTIONS)]
    try:
        for _ in range(6):
            await _round(connections, connection, isolation)
    finally:
        for one in connections:
            await one.close()


async def _round(connections: list[asyncpg.Connection], reader: asyncpg.Connection, isolation: str) -> None:
    the_scene = await scene()
    await entries.change_environment(
        SYSTEM,
        the_scene.environment_id,
        replace(environment_text_of((e := await view(the_scene.environment_id)).row, e.opening_hours), capacity=30),
    )
    waiting = [await booking_in(the_scene, BookingState.SUBMITTED) for _ in range(CONNECTIONS - 4)]
    starts_at, ends_at = await times_of(waiting[0])
    done: list[tuple[str, UUID | int]] = []

    async def approve(one: asyncpg.Connection, booking_id: UUID) -> None:
        try:
            async with one.transaction(isolation=isolation):
                await one.execute(
                    "INSERT INTO audit_event (type, subject_kind, subject_id) VALUES ('t', 'booking', '')"
                )
                await one.execute("UPDATE booking SET state = 'approved' WHERE id = $1", booking_id)
            done.append(("approved", booking_id))
        except (asyncpg.ExclusionViolationError, asyncpg.SerializationError):
            pass

    async def black_out(one: asyncpg.Connection) -> None:
        async with one.transaction():
            await one.execute(
                "INSERT INTO audit_event (type, subject_kind, subject_id) VALUES ('t', 'environment', '')"
            )
            blackout = await one.fetchval(
                "INSERT INTO blackout (environment, starts_at, ends_at, reason_sv)"
                " VALUES ($1, $2, $3, 'x') RETURNING id",
                the_scene.environment_id,
                starts_at,
                ends_at,
            )
        done.append(("blackout", blackout))

    tasks = [approve(one, id) for one, id in zip(connections, waiting, strict=False)]
    tasks[8:8] = [black_out(one) for one in connections[-4:]]
    await asyncio.gather(*tasks)
    blackouts = [id for kind, id in done if kind == "blackout"]
    assert len(blackouts) == 4
    # A booking was there first for a blackout if the blackout has noted it; the first blackout has noted fewest.
    noted = await reader.fetch(
        "SELECT booking FROM blackout_booking WHERE blackout = ANY ($1::bigint[]) GROUP BY booking"
        " HAVING count(*) = $2",
        blackouts,
        len(blackouts),
    )
    approved = {id for kind, id in done if kind == "approved"}
    assert await reader.fetchval(_WRONG, the_scene.environment_id, [row["booking"] for row in noted]) == 0
    assert approved == {row["booking"] for row in noted}
    # And from now on nobody gets in.
    late = await booking_in(the_scene, BookingState.SUBMITTED)
    with pytest.raises(asyncpg.ExclusionViolationError):
        await _by_hand(late, "state = 'approved'")


async def test_blackout_is_not_set_with_an_older_snapshot(connection: asyncpg.Connection) -> None:
    entry_id, _ = await factories.environment()
    async with connection.transaction(isolation="repeatable_read"):
        with pytest.raises(asyncpg.InvalidTransactionStateError):
            await connection.execute(
                "INSERT INTO blackout (environment, starts_at, ends_at, reason_sv)"
                " VALUES ($1, now(), now() + interval '1 hour', 'x')",
                entry_id,
            )


# ---- Changes that bookings stand in the way of ----------------------------------------------


async def test_refused_change_names_the_bookings_that_stand_in_the_way() -> None:
    the_scene = await scene()
    entry_id, host = the_scene.environment_id, the_scene.people["host"]
    environment = await view(entry_id)
    text = replace(environment_text_of(environment.row, environment.opening_hours), capacity=2)
    await entries.change_environment(SYSTEM, entry_id, text)
    both = [await booking_in(the_scene, BookingState.APPROVED) for _ in range(2)]
    await booking_in(the_scene, BookingState.APPROVED, hours_ahead=72)
    with pytest.raises(BookingsInTheWay) as refused:
        async with hosting.naming_bookings_in_the_way(host):
            await entries.change_environment(host, entry_id, replace(text, capacity=1))
    named: Any = refused.value.extra["bookings"]
    assert {one["id"] for one in named} == {str(id) for id in both}
    assert all(one["organisation"] and one["contact"] and one["href"] for one in named)
    with pytest.raises(BookingsInTheWay) as refused:
        async with hosting.naming_bookings_in_the_way(the_scene.people["coordinator"]):
            await entries.change_environment(the_scene.people["coordinator"], entry_id, replace(text, capacity=1))
    hidden: Any = refused.value.extra["bookings"]
    assert [(one["organisation"], one["contact"], one["href"]) for one in hidden] == [(None, None, None)] * 2
    assert (await get_entry_by_id(SYSTEM, entry_id)).capacity == 2


# ---- Summer time, midnight, no length, touching ---------------------------------------------

MOMENTS = st.tuples(DAYS, st.integers(0, 4 * 26), st.integers(1, 4 * 30)).map(
    lambda one: (midnight(one[0]) + one[1] * timedelta(minutes=15), one[2] * timedelta(minutes=15))
)


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(blackouts=st.lists(MOMENTS, max_size=4), buffer=st.sampled_from([0, 15]), day=DAYS)
async def test_availability_around_blackouts_agrees_with_counting_moments(
    blackouts: list[tuple[datetime, timedelta]], buffer: int, day: date
) -> None:
    text = EnvironmentText(
        bookable_by=(Audience.EXTERNAL,),
        lead_time_hours=0,
        shortest=15,
        buffer_before=buffer,
        opening_hours=factories.ALL_DAY_EVERY_DAY,
    )
    entry_id, _ = await factories.environment(text=text)
    spans = [(start, start + length) for start, length in blackouts]
    for start, end in spans:
        await hosting.set_blackout(SYSTEM, entry_id, start, end, REASON)
    first, last = midnight(day), midnight(day + timedelta(days=1))
    environment = await view(entry_id)
    now = datetime(2027, 1, 1, tzinfo=UTC)
    found = await queries.availability(environment, first, last, now=now)
    before = timedelta(minutes=buffer)
    for step in range(int((last - first) / timedelta(minutes=15))):
        moment = first + step * timedelta(minutes=15)
        # A booking that covers this quarter needs it, and the buffer before it, clear.
        is_blocked = any(start <= moment < end + before for start, end in spans)
        assert any(start <= moment < end for start, end in found.busy) == is_blocked
        assert any(start <= moment < end for start, end in found.free) != is_blocked
    parts = (await timetables([environment], day, 1, now=now))[entry_id][0].parts
    assert parts[0].starts_at == first
    assert parts[-1].ends_at == last
    assert all(one.ends_at == two.starts_at for one, two in pairwise(parts))
    free = sum(((p.ends_at - p.starts_at for p in parts if p.status in {Status.FREE, Status.SHORT})), timedelta(0))
    assert free == sum((end - start for start, end in found.free), timedelta(0))
