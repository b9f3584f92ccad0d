"""In which weeks an environment has a free time, told for many at once, agrees with what its calendar says."""

from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from registry import database
from registry.access import SYSTEM, Actor, Role
from registry.audit.service import EventType, record
from registry.bookings import service as bookings
from registry.bookings.queries import availability, free_weeks
from registry.bookings.requests import BookingText
from registry.bookings.rules import STOCKHOLM
from registry.bookings.weeks import WEEKS_AHEAD
from registry.entries.calendars import Opening
from registry.entries.codes import Audience
from registry.entries.queries import environments_by_id
from registry.entries.service import EnvironmentText
from tests import factories

OFFICE_HOURS = tuple(Opening(day, time(9), time(17)) for day in range(1, 6))
# A Wednesday in the week before the one in which summer time ends.
NOW = datetime(2030, 10, 16, 10, tzinfo=UTC)
DURING = ("2030-W42", "2030-W43", "2030-W44")


async def environment(**text: Any) -> tuple[int, str]:
    given: dict[str, Any] = {
        "bookable_by": (Audience.EXTERNAL,),
        "lead_time_hours": 0,
        "shortest": 60,
        "longest": 60 * 24 * 14,
        "opening_hours": OFFICE_HOURS,
        **text,
    }
    return await factories.environment(text=EnvironmentText(**given))


async def booked(actor: Actor, slug: str, starts_at: datetime, ends_at: datetime) -> UUID:
    """A booking that holds its time, put there directly."""
    text = BookingText(environments=(slug,), starts_at=starts_at, ends_at=ends_at, purpose="x")
    booking_id = await bookings.create_booking(actor, text)
    async with database.transaction():
        await record(SYSTEM, EventType.BOOKING_CHANGED, booking_id)
        await database.fetch("UPDATE booking SET state = 'approved' WHERE id = $1", booking_id)
    return booking_id


def at(day: int, hour: int) -> datetime:
    """A time in October 2030, in Stockholm."""
    return datetime(2030, 10, day, hour, tzinfo=STOCKHOLM)


@pytest.fixture
async def firm() -> Actor:
    return await factories.person(Role.FIRM, organisation_id=await factories.organisation())


async def test_every_week_is_free_where_nothing_is_booked() -> None:
    environment_id, _ = await environment()
    weeks = (await free_weeks([environment_id], NOW))[environment_id]
    assert len(weeks) == WEEKS_AHEAD
    assert weeks[:3] == list(DURING)
    assert weeks[-1] == "2031-W15"


async def test_lead_time_and_horizon_bound_the_weeks() -> None:
    environment_id, _ = await environment(lead_time_hours=24 * 7, horizon_days=20)
    assert (await free_weeks([environment_id], NOW))[environment_id] == ["2030-W43", "2030-W44", "2030-W45"]


async def test_a_week_that_is_full_is_not_free_and_is_again_when_the_time_is_given_back(firm: Actor) -> None:
    environment_id, slug = await environment()
    booking_id = await booked(firm, slug, at(21, 9), at(25, 17))
    assert (await free_weeks([environment_id], NOW))[environment_id][:2] == ["2030-W42", "2030-W44"]
    async with database.transaction():
        await record(SYSTEM, EventType.BOOKING_CHANGED, booking_id)
        await database.fetch("UPDATE booking SET state = 'cancelled', reason = 'x' WHERE id = $1", booking_id)
    assert (await free_weeks([environment_id], NOW))[environment_id][:2] == ["2030-W42", "2030-W43"]


async def test_one_booking_of_several_leaves_the_week_free(firm: Actor) -> None:
    environment_id, slug = await environment(capacity=2)
    await booked(firm, slug, at(21, 9), at(25, 17))
    assert "2030-W43" in (await free_weeks([environment_id], NOW))[environment_id]


async def test_a_booking_of_the_whole_fills_its_parts_and_the_other_way_round(firm: Actor) -> None:
    whole, whole_slug = await environment()
    part, _ = await environment(parent=whole)
    other, other_slug = await environment(parent=whole)
    await booked(firm, whole_slug, at(21, 9), at(25, 17))
    await booked(firm, other_slug, at(28, 9), datetime(2030, 11, 1, 17, tzinfo=STOCKHOLM))
    weeks = await free_weeks([whole, part, other], NOW)
    assert [week in weeks[whole] for week in DURING] == [True, False, False]
    assert [week in weeks[part] for week in DURING] == [True, False, True]
    assert [week in weeks[other] for week in DURING] == [True, False, False]


async def test_a_booking_longer_than_a_day_fits_where_nights_are_free(firm: Actor) -> None:
    environment_id, slug = await environment(shortest=60 * 24)
    assert "2030-W43" in (await free_weeks([environment_id], NOW))[environment_id]
    for day in range(21, 28):
        await booked(firm, slug, at(day, 20), at(day, 21))
    assert "2030-W43" not in (await free_weeks([environment_id], NOW))[environment_id]


async def test_buffers_belong_to_the_time_that_has_to_be_free(firm: Actor) -> None:
    environment_id, slug = await environment(shortest=180, longest=240, buffer_before=60, buffer_after=60)
    for day in range(21, 26):
        # 9 to 11 and 15 to 17 are left, less the buffers of both bookings.
        await booked(firm, slug, at(day, 12), at(day, 14))
    assert "2030-W43" not in (await free_weeks([environment_id], NOW))[environment_id]


async def test_what_nobody_may_book_has_no_free_week() -> None:
    environment_id, _ = await environment(bookable_by=())
    closed, _ = await environment(opening_hours=())
    assert await free_weeks([environment_id, closed], NOW) == {environment_id: [], closed: []}


async def test_many_are_told_at_once() -> None:
    ids = [(await environment())[0] for _ in range(5)]
    assert set(await free_weeks(ids, NOW)) == set(ids)
    assert await free_weeks([], NOW) == {}


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@example(taken=[(2, 7, 26), (4, 7, 2)], shortest=480, buffer=45)
@given(
    taken=st.lists(st.tuples(st.integers(0, 20), st.integers(7, 16), st.integers(1, 30)), max_size=5),
    shortest=st.sampled_from([30, 120, 480]),
    buffer=st.sampled_from([0, 45]),
)
async def test_free_weeks_agree_with_the_calendar(
    taken: list[tuple[int, int, int]], shortest: int, buffer: int
) -> None:
    firm = await factories.person(Role.FIRM, organisation_id=await factories.organisation())
    # No booking is long enough to reach from one day into the next, which the calendar's free intervals do not show.
    environment_id, slug = await environment(shortest=shortest, longest=600, buffer_before=buffer)
    for day, hour, length in taken:
        start = datetime(2030, 10, 14, hour, tzinfo=STOCKHOLM) + timedelta(days=day)
        try:
            await booked(firm, slug, start, start + timedelta(hours=length))
        except Exception as error:  # noqa: BLE001  # two of the made-up bookings clash
            assert "time_is_held_once" in str(error)  # noqa: PT017
    entry = (await environments_by_id([environment_id]))[environment_id]
    told = (await free_weeks([environment_id], NOW))[environment_id]
    for number, week in enumerate(DURING):
        monday = datetime(2030, 10, 14, tzinfo=STOCKHOLM) + timedelta(days=7 * number)
        calendar = await availability(entry, monday, monday + timedelta(days=7), now=NOW)
        fits = any(end - start >= timedelta(minutes=shortest) for start, end in calendar.free)
        assert (week in told) == fits, week
