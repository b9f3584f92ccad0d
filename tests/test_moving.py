"""Moving a booking: who may, what is asked of the host, and that the old time is kept until the new one is had."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from registry import database
from registry.access import SYSTEM, Actor, Role
from registry.agreements import service as agreements
from registry.audit.queries import events_of
from registry.audit.service import EventType, record
from registry.bookings import desk, hosting, move_requests, moving, queries, service
from registry.bookings.codes import Waits
from registry.bookings.moving import Wanted
from registry.bookings.states import BookingState
from registry.entries import queries as entries
from registry.errors import (
    Bilingual,
    DomainError,
    EditedMeanwhile,
    InvalidInput,
    NotFound,
    NotPermitted,
    RuleBroken,
    TimeTaken,
    TransitionNotAllowed,
)
from tests import factories, factories_agreements
from tests.booking_invariants import held_by, most_at_once
from tests.factories_bookings import Scene, booking_in, request_for, scene

S = BookingState
WEEK = timedelta(days=7)
SEES_NOTHING = {"other_firm", "employee", "other_host", "procurement", "coordinator"}
REQUESTERS = {"requester", "colleague"}


async def row_of(booking_id: UUID) -> database.Row:
    row = await database.fetch_one("SELECT * FROM booking WHERE id = $1", booking_id)
    assert row is not None
    return row


async def to(booking_id: UUID, by: timedelta = WEEK, *, reason: str = "", **more: object) -> Wanted:
    """A time that lies so much later than the present one."""
    row = await row_of(booking_id)
    return Wanted(row["starts_at"] + by, row["ends_at"] + by, reason=reason, **more)  # type: ignore[arg-type]


async def times(booking_id: UUID) -> tuple[datetime, datetime]:
    row = await row_of(booking_id)
    return row["starts_at"], row["ends_at"]


async def told(booking_id: UUID) -> list[tuple[str, int]]:
    # Without the hosts of everything, whom other tests may have left.
    rows = await database.fetch(
        "SELECT event, person FROM notice n WHERE booking = $1 AND NOT EXISTS (SELECT FROM role_assignment r"
        " WHERE r.person = n.person AND r.role = 'host' AND r.organisation IS NULL) ORDER BY id",
        booking_id,
    )
    return [(row["event"], row["person"]) for row in rows]


async def free(booking_id: UUID) -> None:
    async with database.transaction():
        await record(SYSTEM, EventType.BOOKING_MOVED, booking_id)
        await database.fetch("UPDATE booking SET state = 'withdrawn' WHERE id = $1", booking_id)


@pytest.mark.parametrize("state", [S.SUBMITTED, S.APPROVED, S.CONFIRMED])
async def test_each_role_moving_a_booking(state: S) -> None:
    place = await scene()
    for name, actor in place.people.items():
        booking_id = await booking_in(place, state)
        before = await times(booking_id)
        step = moving.move(actor, booking_id, await to(booking_id, reason="The room is painted"))
        if name in REQUESTERS:
            # Before the decision it is moved; after it the host is asked, and the old time stays.
            assert await step == (state is S.SUBMITTED)
        elif name == "host" and state is not S.SUBMITTED:
            assert await step
        else:
            with pytest.raises(NotFound if name in SEES_NOTHING else NotPermitted):
                await step
        is_moved = (name in REQUESTERS and state is S.SUBMITTED) or (name == "host" and state is not S.SUBMITTED)
        assert (await times(booking_id) != before) == is_moved
        await free(booking_id)


ANSWERS = {"agree": {"host"}, "refuse": {"host"}, "take_back": REQUESTERS}


@pytest.mark.parametrize("action", list(ANSWERS))
async def test_each_role_answering_a_wish_to_move(action: str) -> None:
    place = await scene()
    for name, actor in place.people.items():
        booking_id = await booking_in(place, S.CONFIRMED)
        await moving.move(place.people["requester"], booking_id, await to(booking_id))
        reason = ("No staff then",) if action == "refuse" else ()
        step = getattr(moving, action)(actor, booking_id, *reason)
        if name in ANSWERS[action]:
            await step
            assert await move_requests.open_wish(booking_id) is None
        else:
            with pytest.raises(NotFound if name in SEES_NOTHING else NotPermitted):
                await step
            assert await move_requests.open_wish(booking_id) is not None
        await free(booking_id)


@pytest.mark.parametrize("state", [one for one in S if one not in {S.SUBMITTED, S.APPROVED, S.CONFIRMED}])
async def test_booking_in_another_state_is_not_moved(state: S) -> None:
    place = await scene()
    booking_id = await booking_in(place, state)
    with pytest.raises(TransitionNotAllowed):
        await moving.move(place.people["requester"], booking_id, await to(booking_id))


async def test_wish_keeps_the_old_time_until_the_host_agrees() -> None:
    place = await scene()
    booking_id = await booking_in(place, S.CONFIRMED)
    old = await times(booking_id)
    wanted = await to(booking_id, reason="The nurse is ill")
    await moving.move(place.people["requester"], booking_id, wanted)
    assert await times(booking_id) == old
    assert await held_by(place.environment_id) == {booking_id}
    sequence = (await row_of(booking_id))["sequence"]
    await moving.agree(place.people["host"], booking_id)
    assert await times(booking_id) == (wanted.starts_at, wanted.ends_at)
    row = await row_of(booking_id)
    assert row["state"] == "confirmed"
    assert row["sequence"] > sequence
    requester, host = place.people["requester"].person_id, place.people["host"].person_id
    assert await told(booking_id) == [("move_asked", host), ("moved", requester)]
    events = [event.type for event in await events_of("booking", booking_id)]
    assert [one for one in events if "move" in one] == ["booking.move_asked", "booking.moved"]


async def queue_of(host: Actor) -> list[desk.WaitingBooking]:
    return await desk.waiting(host, desk.Wanted(), datetime.now(UTC), without_promise=5)


async def test_wish_waits_in_the_hosts_queue_until_it_is_answered() -> None:
    place = await scene()
    booking_id = await booking_in(place, S.CONFIRMED)
    host = place.people["host"]
    assert await queue_of(host) == []
    await moving.move(place.people["requester"], booking_id, await to(booking_id))
    (row,) = await queue_of(host)
    assert (row.id, row.waits, row.since) == (booking_id, Waits.MOVE, await _asked_at(booking_id))
    await moving.refuse(host, booking_id, "No staff then")
    assert await queue_of(host) == []


async def _asked_at(booking_id: UUID) -> datetime:
    wish = await move_requests.open_wish(booking_id)
    assert wish is not None
    return wish.asked_at


async def test_refused_wish_leaves_the_booking_and_tells_why() -> None:
    place = await scene()
    booking_id = await booking_in(place, S.CONFIRMED)
    old = await times(booking_id)
    await moving.move(place.people["requester"], booking_id, await to(booking_id))
    with pytest.raises(InvalidInput):
        await moving.refuse(place.people["host"], booking_id, "")
    await moving.refuse(place.people["host"], booking_id, "No staff then")
    assert await times(booking_id) == old
    row = await database.fetch_one(
        "SELECT event, reason FROM notice WHERE event = 'move_refused' AND booking = $1", booking_id
    )
    assert row is not None
    assert row["reason"] == "No staff then"
    with pytest.raises(RuleBroken, match="Nobody asks"):
        await moving.agree(place.people["host"], booking_id)


async def test_second_wish_waits_for_the_first() -> None:
    place = await scene()
    booking_id = await booking_in(place, S.CONFIRMED)
    await moving.move(place.people["requester"], booking_id, await to(booking_id))
    with pytest.raises(RuleBroken, match="already asked"):
        await moving.move(place.people["colleague"], booking_id, await to(booking_id, 2 * WEEK))
    await moving.take_back(place.people["colleague"], booking_id)
    await moving.move(place.people["colleague"], booking_id, await to(booking_id, 2 * WEEK))


async def test_wish_is_void_once_the_booking_is_cancelled() -> None:
    place = await scene()
    booking_id = await booking_in(place, S.CONFIRMED)
    await moving.move(place.people["requester"], booking_id, await to(booking_id))
    await service.move_booking(place.people["requester"], booking_id, "cancel", reason="Ill")
    assert await move_requests.open_wish(booking_id) is None


async def test_nobody_agrees_to_their_own_wish() -> None:
    place = await scene()
    body = (await entries.get_entry(SYSTEM, place.slug)).accountable_body
    both = await factories.person(Role.EMPLOYEE, organisation_id=body)
    booking_id = await service.create_booking(both, request_for(place.slug), submit=True)
    await service.move_booking(place.people["host"], booking_id, "approve")
    colleague = await factories.person(Role.EMPLOYEE, Role.HOST, organisation_id=body)
    await moving.move(both, booking_id, await to(booking_id))
    await moving.take_back(both, booking_id)
    # A colleague who hosts too moves it as a host; one who has asked before may not.
    with pytest.raises(InvalidInput):
        await moving.move(colleague, booking_id, await to(booking_id))
    async with database.transaction():
        await record(colleague, EventType.BOOKING_MOVE_ASKED, booking_id)
    await moving.move(colleague, booking_id, await to(booking_id))
    with pytest.raises(NotPermitted, match="your own request"):
        await moving.agree(colleague, booking_id)


async def test_host_gives_a_reason_and_the_requester_may_cancel_afterwards() -> None:
    place = await scene()
    booking_id = await booking_in(place, S.CONFIRMED)
    with pytest.raises(InvalidInput):
        await moving.move(place.people["host"], booking_id, await to(booking_id))
    await moving.move(place.people["host"], booking_id, await to(booking_id, reason="The room is painted"))
    assert ("moved", place.people["requester"].person_id) in await told(booking_id)
    await service.move_booking(place.people["requester"], booking_id, "cancel", reason="That does not suit us")


async def test_person_is_told_each_time_also_when_it_is_moved_away_from_the_same_time_twice() -> None:
    place = await scene()
    booking_id = await booking_in(place, S.CONFIRMED)
    for by in (WEEK, -WEEK, WEEK):
        await moving.move(place.people["host"], booking_id, await to(booking_id, by, reason="Again"))
    assert [event for event, _ in await told(booking_id)].count("moved") == 3


async def test_refused_new_time_leaves_the_old_one_held() -> None:
    place = await scene()
    booking_id = await booking_in(place, S.CONFIRMED)
    other = await booking_in(place, S.CONFIRMED, hours_ahead=48 + 168)
    old = await times(booking_id)
    for name in ("host", "requester"):
        with pytest.raises(TimeTaken) as refused:
            await moving.move(place.people[name], booking_id, await to(booking_id, reason="Painted"))
        assert refused.value.extra["alternatives"]
        assert await times(booking_id) == old
        assert await held_by(place.environment_id) == {booking_id, other}
    submitted = await booking_in(place, S.SUBMITTED, hours_ahead=60)
    with pytest.raises(TimeTaken):
        await moving.move(place.people["requester"], submitted, await to(submitted, timedelta(hours=-12)))
    assert (await row_of(submitted))["state"] == "submitted"


async def test_time_taken_while_the_wish_waits_leaves_the_old_one_held() -> None:
    place = await scene()
    booking_id = await booking_in(place, S.CONFIRMED)
    await moving.move(place.people["requester"], booking_id, await to(booking_id))
    other = await booking_in(place, S.CONFIRMED, hours_ahead=48 + 168)
    with pytest.raises(TimeTaken):
        await moving.agree(place.people["host"], booking_id)
    assert await held_by(place.environment_id) == {booking_id, other}
    assert await move_requests.open_wish(booking_id) is not None


async def test_booking_may_overlap_its_own_old_time() -> None:
    place = await scene()
    booking_id = await booking_in(place, S.CONFIRMED)
    await moving.move(place.people["host"], booking_id, await to(booking_id, timedelta(hours=1), reason="Painted"))
    assert await held_by(place.environment_id) == {booking_id}


async def test_move_into_a_blackout_is_refused() -> None:
    place = await scene()
    booking_id = await booking_in(place, S.CONFIRMED)
    wanted = await to(booking_id, reason="Painted")
    await hosting.set_blackout(SYSTEM, place.environment_id, wanted.starts_at, wanted.ends_at, Bilingual("Målning", ""))
    with pytest.raises(TimeTaken, match="Målning"):
        await moving.move(place.people["host"], booking_id, wanted)


async def test_requester_moves_within_what_could_be_asked_for_anew() -> None:
    place = await scene()
    booking_id = await booking_in(place, S.SUBMITTED)
    with pytest.raises(RuleBroken, match="already begun"):
        await moving.move(place.people["requester"], booking_id, await to(booking_id, -WEEK))
    with pytest.raises(RuleBroken, match="days ahead"):
        await moving.move(place.people["requester"], booking_id, await to(booking_id, 100 * WEEK))
    with pytest.raises(InvalidInput):
        await moving.move(place.people["requester"], booking_id, await to(booking_id, timedelta(0)))


async def test_booking_that_has_begun_is_not_moved() -> None:
    place = await scene()
    booking_id = await booking_in(place, S.CONFIRMED, hours_ahead=-1)
    with pytest.raises(RuleBroken, match="End it early"):
        await moving.move(place.people["host"], booking_id, await to(booking_id, reason="Painted"))


# --- To another environment


async def test_move_to_another_environment_of_the_same_host() -> None:
    place = await scene()
    body = (await entries.get_entry(SYSTEM, place.slug)).accountable_body
    other_id, other_slug = await factories.environment(body=body)
    booking_id = await booking_in(place, S.CONFIRMED)
    wanted = await to(booking_id, timedelta(0), reason="A better room", environments=(other_slug,))
    await moving.move(place.people["host"], booking_id, wanted)
    assert await held_by(place.environment_id) == set()
    assert await held_by(other_id) == {booking_id}


async def test_refused_move_to_another_environment_changes_nothing() -> None:
    place, foreign = await scene(), await scene()
    body = (await entries.get_entry(SYSTEM, place.slug)).accountable_body
    other_id, other_slug = await factories.environment(body=body)
    booking_id = await booking_in(place, S.CONFIRMED)
    blocking = await service.create_booking(place.people["employee"], request_for(other_slug), submit=True)
    await service.move_booking(place.people["host"], blocking, "approve")
    wanted = await to(booking_id, timedelta(0), reason="A better room", environments=(other_slug,))
    with pytest.raises(TimeTaken):
        await moving.move(place.people["host"], booking_id, wanted)
    assert await held_by(place.environment_id) == {booking_id}
    assert await held_by(other_id) == {blocking}
    elsewhere = await to(booking_id, reason="A better room", environments=(foreign.slug,))
    with pytest.raises(RuleBroken, match="another host"):
        await moving.move(place.people["host"], booking_id, elsewhere)


# --- Agreements


async def test_agreements_are_asked_for_anew_at_the_new_time() -> None:
    place = await scene()
    booking_id = await booking_in(place, S.CONFIRMED)
    code = await factories_agreements.template()
    await agreements.offer_terms(SYSTEM, place.environment_id, code, required=True)
    await moving.move(place.people["host"], booking_id, await to(booking_id, reason="Painted"))
    row = await row_of(booking_id)
    assert row["state"] == "approved"
    assert row["hold_until"] > datetime.now(UTC)
    assert await held_by(place.environment_id) == {booking_id}


# --- At once


async def outcome(step: object) -> object:
    try:
        return await step  # type: ignore[misc]
    except DomainError as error:
        return error


async def test_of_two_moves_at_once_the_second_is_told() -> None:
    place = await scene()
    for _ in range(5):
        booking_id = await booking_in(place, S.CONFIRMED)
        one, two = await to(booking_id, reason="Painted"), await to(booking_id, 2 * WEEK, reason="Cleaned")
        other_host = await factories.person(Role.HOST, organisation_id=_limit(place))
        results = await asyncio.gather(
            outcome(moving.move(place.people["host"], booking_id, one)),
            outcome(moving.move(other_host, booking_id, two)),
        )
        assert sorted(type(result).__name__ for result in results) == ["EditedMeanwhile", "bool"]
        assert await most_at_once(place.environment_id) == 1
        await free(booking_id)


def _limit(place: Scene) -> int:
    found = next(grant.organisation_id for grant in place.people["host"].grants)
    assert found is not None
    return found


async def test_move_of_a_version_that_is_no_longer_the_latest_is_refused() -> None:
    place = await scene()
    booking_id = await booking_in(place, S.SUBMITTED)
    read = (await row_of(booking_id))["sequence"]
    await moving.move(place.people["requester"], booking_id, await to(booking_id, read_sequence=read))
    with pytest.raises(EditedMeanwhile):
        await moving.move(place.people["colleague"], booking_id, await to(booking_id, read_sequence=read))


@pytest.mark.parametrize("round_number", range(4))
async def test_two_bookings_moved_into_one_slot_end_in_two_slots(round_number: int) -> None:
    del round_number
    place = await scene()
    first = await booking_in(place, S.CONFIRMED)
    second = await booking_in(place, S.CONFIRMED, hours_ahead=72)
    host = place.people["host"]
    results = await asyncio.gather(
        outcome(moving.move(host, first, await to(first, reason="Painted"))),
        outcome(moving.move(host, second, await to(second, WEEK - timedelta(days=1), reason="Painted"))),
    )
    assert sorted(type(one).__name__ for one in results) == ["TimeTaken", "bool"]
    assert await held_by(place.environment_id) == {first, second}
    assert await most_at_once(place.environment_id) == 1


@pytest.mark.parametrize("round_number", range(4))
async def test_move_against_approval_for_the_same_time_gives_it_to_one(round_number: int) -> None:
    del round_number
    place = await scene()
    moved = await booking_in(place, S.CONFIRMED)
    rival = await booking_in(place, S.SUBMITTED, hours_ahead=48 + 168)
    host = place.people["host"]
    results = await asyncio.gather(
        outcome(moving.move(host, moved, await to(moved, reason="Painted"))),
        outcome(service.move_booking(host, rival, "approve")),
    )
    assert sum(isinstance(one, TimeTaken) for one in results) == 1
    assert await most_at_once(place.environment_id) == 1
    assert moved in await held_by(place.environment_id)


async def test_two_bookings_that_swap_places_at_once_do_not_wait_for_ever() -> None:
    place = await scene()
    body = (await entries.get_entry(SYSTEM, place.slug)).accountable_body
    other_id, other_slug = await factories.environment(body=body)
    for _ in range(4):
        here = await booking_in(place, S.CONFIRMED)
        there = await service.create_booking(
            place.people["requester"], request_for(other_slug, hours_ahead=60), submit=True
        )
        await service.move_booking(place.people["host"], there, "approve")
        host = place.people["host"]
        async with asyncio.timeout(20):
            results = await asyncio.gather(
                outcome(moving.move(host, here, await to(here, timedelta(0), reason="x", environments=(other_slug,)))),
                outcome(
                    moving.move(host, there, await to(there, timedelta(0), reason="x", environments=(place.slug,)))
                ),
            )
        assert results == [True, True]
        assert await held_by(place.environment_id) == {there}
        assert await held_by(other_id) == {here}
        for one in (here, there):
            await free(one)


async def test_whoever_moves_a_request_has_a_hand_in_it() -> None:
    place = await scene()
    booking_id = await booking_in(place, S.SUBMITTED)
    colleague = place.people["colleague"]
    assert colleague.person_id not in await _involved(booking_id)
    await moving.move(colleague, booking_id, await to(booking_id))
    assert colleague.person_id in await _involved(booking_id)
    # A host who moves what has been approved does not thereby ask for it.
    other = await booking_in(await scene(), S.CONFIRMED)
    assert place.people["host"].person_id not in await _involved(other)


async def _involved(booking_id: UUID) -> frozenset[int]:
    row = await database.fetch_one("SELECT * FROM booking WHERE id = $1", booking_id)
    return (await queries.facts_of(row)).involved


@pytest.mark.parametrize(
    ("length", "away"), [(timedelta(minutes=1), 1), (timedelta(days=60), 1), (timedelta(hours=3), 9000)]
)
async def test_host_moves_no_booking_to_a_time_that_is_a_slip(length: timedelta, away: int) -> None:
    place = await scene()
    booking_id = await booking_in(place, S.CONFIRMED)
    before = await times(booking_id)
    start = before[0] + timedelta(days=away)
    wanted = Wanted(start, start + length, reason="The room is painted")
    with pytest.raises(RuleBroken):
        await moving.move(place.people["host"], booking_id, wanted)
    assert await times(booking_id) == before


async def test_times_are_whole_minutes() -> None:
    place = await scene()
    booking_id = await booking_in(place, S.SUBMITTED)
    start, end = await times(booking_id)
    with pytest.raises(InvalidInput):
        await moving.move(place.people["requester"], booking_id, Wanted(start + timedelta(seconds=7), end))
