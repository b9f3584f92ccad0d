"""The waiting list: who is offered time that becomes free, what holds it meanwhile, and races for it."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from registry import database
from registry.access import SYSTEM, Actor, Permission, Role
from registry.accounts import service as accounts
from registry.accounts.queries import actor_of_email
from registry.audit.queries import events_of
from registry.audit.service import EventType, record
from registry.bookings import hosting, moving, notices, queries, service, waitlist
from registry.bookings.codes import NoticeEvent, NoticePace
from registry.bookings.moving import Wanted
from registry.bookings.states import BookingState
from registry.entries import calendar_service
from registry.entries import queries as entries
from registry.entries import service as entry_service
from registry.entries.calendars import Closure
from registry.errors import (
    Bilingual,
    DomainError,
    NotFound,
    NotPermitted,
    RuleBroken,
    TimeTaken,
    TransitionNotAllowed,
)
from registry.jobs.service import TryAgainLater
from tests import factories
from tests.booking_invariants import held_by, most_at_once
from tests.factories_bookings import Scene, booking_in, request_for, scene

S = BookingState


async def firm() -> Actor:
    return await factories.person(Role.FIRM, organisation_id=await factories.organisation())


async def waiting(place: Scene, actor: Actor | None = None, *, hours_ahead: float = 48, hours: float = 2) -> UUID:
    """A request of a firm of its own that waits for a time that is taken."""
    text = request_for(place.slug, hours_ahead=hours_ahead, hours=hours)
    booking_id = await service.create_booking(actor or await firm(), text, submit=True, wait=True)
    assert await state_of(booking_id) == "waitlisted"
    return booking_id


async def row_of(booking_id: UUID) -> database.Row:
    row = await database.fetch_one("SELECT * FROM booking WHERE id = $1", booking_id)
    assert row is not None
    return row


async def state_of(booking_id: UUID) -> str:
    return str((await row_of(booking_id))["state"])


async def is_offered(booking_id: UUID) -> bool:
    row = await row_of(booking_id)
    return row["state"] == "waitlisted" and row["hold_until"] is not None


async def change(booking_id: UUID, sql: str, *values: object) -> None:
    async with database.transaction():
        await record(SYSTEM, EventType.BOOKING_OFFERED, booking_id)
        await database.fetch(f"UPDATE booking SET {sql} WHERE id = $1", booking_id, *values)


async def cancel(place: Scene, booking_id: UUID) -> None:
    await service.move_booking(place.people["host"], booking_id, "cancel", reason="The lift is broken")


async def owner_of(booking_id: UUID) -> Actor:
    from registry.accounts.queries import actor_of_person  # noqa: PLC0415

    actor = await actor_of_person((await row_of(booking_id))["requester"])
    assert actor is not None
    return actor


# --- Getting into the line


async def test_request_for_a_taken_time_waits_when_its_requester_chooses_so() -> None:
    place = await scene()
    await booking_in(place, S.CONFIRMED)
    with pytest.raises(TimeTaken):
        await service.create_booking(place.people["other_firm"], request_for(place.slug), submit=True)
    first = await waiting(place, place.people["other_firm"])
    second = await waiting(place)
    assert [await waitlist.place_in_line(one) for one in (first, second)] == [1, 2]
    assert [one.id for one in await waitlist.line_for(second)] == [first, second]
    assert (await row_of(first))["submitted_at"] is not None
    assert (await row_of(first))["decided_by"] is None


async def test_nobody_waits_for_a_time_that_is_free() -> None:
    place = await scene()
    requester = place.people["requester"]
    draft = await service.create_booking(requester, request_for(place.slug))
    with pytest.raises(RuleBroken, match="Send the request instead"):
        await service.move_booking(requester, draft, "waitlist")
    assert await state_of(draft) == "draft"
    sent = await service.create_booking(requester, request_for(place.slug), submit=True, wait=True)
    assert await state_of(sent) == "submitted"


async def test_nobody_waits_for_a_time_that_could_not_be_booked() -> None:
    place = await scene()
    await booking_in(place, S.CONFIRMED, hours_ahead=-1)
    draft = await service.create_booking(place.people["other_firm"], request_for(place.slug, hours_ahead=-1))
    with pytest.raises(RuleBroken, match="already begun"):
        await service.move_booking(place.people["other_firm"], draft, "waitlist")


WAIT_MAY = {S.DRAFT: {"requester", "colleague"}, S.SUBMITTED: {"requester", "colleague", "host"}}
SEES_NOTHING = {"other_firm", "employee", "other_host", "procurement", "coordinator"}


@pytest.mark.parametrize("source", list(WAIT_MAY))
async def test_each_role_putting_a_request_on_the_list(source: S) -> None:
    place = await scene()
    for name, actor in place.people.items():
        booking_id = await booking_in(place, source)
        blocker = await booking_in(place, S.CONFIRMED)
        (other,) = place.people["other_firm"].organisations(Role.FIRM)
        await change(blocker, "organisation = $2", other)
        await _expect(service.move_booking(actor, booking_id, "waitlist"), name, WAIT_MAY[source], source)
        assert await state_of(booking_id) == ("waitlisted" if name in WAIT_MAY[source] else source.value)
        await change(blocker, "state = 'withdrawn'")
        await change(booking_id, "state = 'withdrawn'")


@pytest.mark.parametrize("action", ["accept_offer", "decline_offer", "leave_line"])
async def test_each_role_answering_an_offer(action: str) -> None:
    place = await scene()
    may = set() if action == "leave_line" else {"requester", "colleague"}
    for name, actor in place.people.items():
        booking_id = await booking_in(place, S.WAITLISTED)
        until = datetime.now(UTC) + timedelta(hours=1)
        await change(booking_id, "hold_until = $2", until)
        await _expect(service.move_booking(actor, booking_id, action), name, may, S.WAITLISTED)
        expected = {"accept_offer": "submitted", "decline_offer": "withdrawn"}.get(action)
        assert await state_of(booking_id) == (expected if name in may else "waitlisted")
        await change(booking_id, "state = 'withdrawn'")


async def _expect(step: object, name: str, may: set[str], source: S) -> None:
    if name in may:
        await step  # type: ignore[misc]
        return
    hidden = name in SEES_NOTHING or (source is S.DRAFT and name not in {"requester", "colleague"})
    with pytest.raises(NotFound if hidden else NotPermitted):
        await step  # type: ignore[misc]


# --- What frees time


async def _cancel(place: Scene, booking_id: UUID) -> None:
    await cancel(place, booking_id)


async def _withdraw(place: Scene, booking_id: UUID) -> None:
    await change(booking_id, "state = 'approved', hold_until = now() + interval '9 days'")
    await service.move_booking(place.people["requester"], booking_id, "withdraw")


async def _lapse(place: Scene, booking_id: UUID) -> None:
    del place
    await change(booking_id, "state = 'approved', hold_until = now() - interval '1 minute'")
    await service.lapse_approvals(datetime.now(UTC))


async def _decline_after_offer(place: Scene, booking_id: UUID) -> None:
    await change(booking_id, "state = 'submitted', hold_until = starts_at")
    await service.move_booking(place.people["host"], booking_id, "decline", reason="No staff")


async def _send_back_after_offer(place: Scene, booking_id: UUID) -> None:
    await change(booking_id, "state = 'submitted', hold_until = starts_at")
    await service.move_booking(place.people["host"], booking_id, "request_changes", reason="How many?")


async def _move_away(place: Scene, booking_id: UUID) -> None:
    row = await row_of(booking_id)
    week = timedelta(days=7)
    wanted = Wanted(row["starts_at"] + week, row["ends_at"] + week, reason="The room is painted")
    await moving.move(place.people["host"], booking_id, wanted)


async def _raise_capacity(place: Scene, booking_id: UUID) -> None:
    del booking_id
    view = await entries.get_entry(SYSTEM, place.slug)
    text = entry_service.environment_text_of({**view.row, "capacity": 2}, view.opening_hours)
    await entry_service.change_environment(SYSTEM, place.environment_id, text)
    await waitlist.handle_offer_job({"environment_id": place.environment_id})


WAYS = [_cancel, _withdraw, _lapse, _decline_after_offer, _send_back_after_offer, _move_away, _raise_capacity]


@pytest.mark.parametrize("free_it", WAYS, ids=lambda one: one.__name__.strip("_"))
async def test_time_that_becomes_free_is_offered_to_the_first_in_line(free_it: object) -> None:
    place = await scene()
    holder = await booking_in(place, S.CONFIRMED)
    first, second = await waiting(place), await waiting(place)
    await free_it(place, holder)  # type: ignore[operator]
    assert await is_offered(first)
    assert not await is_offered(second)
    row = await row_of(first)
    expected = waitlist.reply_by(datetime.now(UTC), row["starts_at"], 24)
    assert row["hold_until"] == pytest.approx(expected, abs=timedelta(minutes=1))
    assert first in {one["booking"] for one in await database.fetch("SELECT booking FROM booking_hold")}
    assert [event.type for event in await events_of("booking", first)][-1] == "booking.offered"


async def test_time_of_a_blackout_that_is_removed_is_offered() -> None:
    place = await scene()
    text = request_for(place.slug)
    assert text.starts_at is not None
    assert text.ends_at is not None
    await hosting.set_blackout(SYSTEM, place.environment_id, text.starts_at, text.ends_at, Bilingual("Tomt", ""))
    first = await waiting(place)
    rows = await database.fetch("SELECT id FROM blackout WHERE environment = $1", place.environment_id)
    await hosting.remove_blackout(SYSTEM, place.environment_id, rows[0]["id"])
    assert await is_offered(first)


@pytest.mark.parametrize(("state", "action"), [(S.CONFIRMED, "no_show"), (S.IN_PROGRESS, "end_early")])
async def test_no_show_and_early_end_give_the_rest_of_the_time_back(state: S, action: str) -> None:
    place = await scene()
    starts_at = datetime.now(UTC) - timedelta(minutes=10)
    holder = await booking_in(place, S.DRAFT, hours_ahead=1)
    ends_at = starts_at + timedelta(hours=6)
    await change(holder, "state = $2, starts_at = $3, ends_at = $4", state.value, starts_at, ends_at)
    late = await waiting(place, hours_ahead=3, hours=1)
    assert await held_by(place.environment_id) == {holder}
    await service.move_booking(place.people["host"], holder, action)
    assert await held_by(place.environment_id) == {late}
    row = await row_of(holder)
    assert (row["starts_at"], row["ends_at"]) == (starts_at, ends_at)
    assert (row["ended_at"] is not None) == (action == "end_early")


async def test_booking_that_is_over_cannot_be_ended_early() -> None:
    place = await scene()
    holder = await booking_in(place, S.IN_PROGRESS, hours_ahead=-5)
    with pytest.raises(RuleBroken, match="Complete the booking instead"):
        await service.move_booking(place.people["host"], holder, "end_early")


# --- Who is next


async def test_line_goes_by_when_requests_were_sent_then_by_id_and_passes_over_who_does_not_fit() -> None:
    place = await scene()
    holder = await booking_in(place, S.CONFIRMED)
    await booking_in(place, S.CONFIRMED, hours_ahead=50)
    too_long = await waiting(place, hours=3)
    one, other = await waiting(place), await waiting(place)
    same = datetime.now(UTC)
    await change(one, "submitted_at = $2", same)
    await change(other, "submitted_at = $2", same)
    await cancel(place, holder)
    assert not await is_offered(too_long)
    assert await is_offered(min(one, other))
    assert not await is_offered(max(one, other))


async def test_several_are_offered_time_at_once_where_there_is_room() -> None:
    place = await scene()
    text = request_for(place.slug, hours=4)
    holder = await service.create_booking(place.people["requester"], text, submit=True)
    await service.move_booking(place.people["host"], holder, "approve")
    early, late, between = (
        await waiting(place),
        await waiting(place, hours_ahead=50),
        await waiting(place, hours_ahead=49),
    )
    await cancel(place, holder)
    assert [await is_offered(one) for one in (early, late, between)] == [True, True, False]


async def test_deadline_is_the_environments_and_nearer_the_start_half_of_what_is_left() -> None:
    now = datetime(2031, 3, 3, 8, tzinfo=UTC)
    assert waitlist.reply_by(now, now + timedelta(days=9), 24) == now + timedelta(hours=24)
    assert waitlist.reply_by(now, now + timedelta(hours=3), 24) == now + timedelta(minutes=90)
    place = await scene()
    view = await entries.get_entry(SYSTEM, place.slug)
    text = entry_service.environment_text_of({**view.row, "offer_hours": 2}, view.opening_hours)
    await entry_service.change_environment(SYSTEM, place.environment_id, text)
    holder = await booking_in(place, S.CONFIRMED)
    first = await waiting(place)
    await cancel(place, holder)
    left = (await row_of(first))["hold_until"] - datetime.now(UTC)
    assert left == pytest.approx(timedelta(hours=2), abs=timedelta(minutes=1))


async def test_nothing_is_offered_right_before_the_start_or_where_the_place_has_closed() -> None:
    place = await scene()
    soon = datetime.now(UTC) + timedelta(minutes=20)
    holder = await booking_in(place, S.CONFIRMED)
    first = await waiting(place)
    for one in (holder, first):
        await change(one, "starts_at = $2", soon)
    await cancel(place, holder)
    assert not await is_offered(first)
    other = await scene()
    holder = await booking_in(other, S.CONFIRMED)
    first = await waiting(other)
    await entry_service.move_entry(SYSTEM, other.environment_id, "archive")
    await cancel(other, holder)
    assert not await is_offered(first)


# --- The offer and the answer


async def test_offer_holds_the_time_against_everybody_else() -> None:
    place = await scene()
    holder = await booking_in(place, S.CONFIRMED)
    first = await waiting(place)
    await cancel(place, holder)
    with pytest.raises(TimeTaken):
        await service.create_booking(place.people["requester"], request_for(place.slug), submit=True)
    other = await booking_in(place, S.SUBMITTED)
    with pytest.raises(TimeTaken):
        await service.move_booking(place.people["host"], other, "approve")
    assert await held_by(place.environment_id) == {first}


async def test_accepted_offer_goes_to_the_host_and_keeps_the_time_until_the_decision() -> None:
    place = await scene()
    holder = await booking_in(place, S.CONFIRMED)
    first, second = await waiting(place), await waiting(place)
    sent = (await row_of(first))["submitted_at"]
    await cancel(place, holder)
    assert await service.move_booking(await owner_of(first), first, "accept_offer") is S.SUBMITTED
    row = await row_of(first)
    assert (row["submitted_at"], row["hold_until"]) == (sent, row["starts_at"])
    assert await held_by(place.environment_id) == {first}
    assert await service.move_booking(place.people["host"], first, "approve") is S.CONFIRMED
    assert await held_by(place.environment_id) == {first}
    assert not await is_offered(second)


async def test_sending_an_offered_request_again_is_to_accept() -> None:
    place = await scene()
    holder = await booking_in(place, S.CONFIRMED)
    first = await waiting(place)
    await cancel(place, holder)
    await service.move_booking(await owner_of(first), first, "submit")
    assert await held_by(place.environment_id) == {first}


@pytest.mark.parametrize("action", ["decline_offer", "withdraw"])
async def test_declined_offer_goes_to_the_next_in_line(action: str) -> None:
    place = await scene()
    holder = await booking_in(place, S.CONFIRMED)
    first, second = await waiting(place), await waiting(place)
    await cancel(place, holder)
    await service.move_booking(await owner_of(first), first, action)
    assert await state_of(first) == "withdrawn"
    assert await is_offered(second)
    assert await held_by(place.environment_id) == {second}


async def test_unanswered_offer_lapses_and_goes_to_the_next_in_line() -> None:
    place = await scene()
    holder = await booking_in(place, S.CONFIRMED)
    first, second = await waiting(place), await waiting(place)
    await cancel(place, holder)
    deadline = (await row_of(first))["hold_until"]
    await service.lapse_waits(deadline - timedelta(seconds=1))
    assert await is_offered(first)
    # The next in line is offered at the real clock, so the deadline is brought to it.
    await change(first, "hold_until = now() - interval '1 second'")
    with pytest.raises(RuleBroken, match="goes to the next in line"):
        await service.move_booking(await owner_of(first), first, "accept_offer")
    await service.lapse_waits(datetime.now(UTC))
    assert await state_of(first) == "withdrawn"
    assert await is_offered(second)
    with pytest.raises(TransitionNotAllowed):
        await service.move_booking(await owner_of(first), first, "accept_offer")


async def test_who_waits_for_a_time_that_has_begun_is_taken_off_the_list() -> None:
    place = await scene()
    await booking_in(place, S.CONFIRMED)
    first = await waiting(place)
    await service.lapse_waits((await row_of(first))["starts_at"])
    assert await state_of(first) == "withdrawn"


async def test_answer_without_an_offer_is_refused_with_what_to_expect() -> None:
    place = await scene()
    await booking_in(place, S.CONFIRMED)
    first = await waiting(place)
    with pytest.raises(RuleBroken, match="No time has been offered yet"):
        await service.move_booking(await owner_of(first), first, "accept_offer")


async def test_host_who_puts_an_accepted_request_back_offers_the_time_to_the_others() -> None:
    place = await scene()
    holder = await booking_in(place, S.CONFIRMED)
    first, second = await waiting(place), await waiting(place)
    await cancel(place, holder)
    await service.move_booking(await owner_of(first), first, "accept_offer")
    await service.move_booking(place.people["host"], first, "waitlist")
    assert (await state_of(first), await is_offered(first)) == ("waitlisted", False)
    assert await is_offered(second)


async def told(booking_id: UUID) -> set[tuple[str, int]]:
    rows = await database.fetch("SELECT event, person FROM notice WHERE booking = $1", booking_id)
    return {(row["event"], row["person"]) for row in rows}


async def test_mails_tell_of_offer_lapse_and_acceptance() -> None:
    place = await scene()
    holder = await booking_in(place, S.CONFIRMED)
    first, second, third = await waiting(place), await waiting(place), await waiting(place)
    await cancel(place, holder)
    owners = [(await row_of(one))["requester"] for one in (first, second, third)]
    assert ("offered", owners[0]) in await told(first)
    await change(first, "hold_until = now()")
    await service.lapse_waits(datetime.now(UTC))
    assert ("offer_lapsed", owners[0]) in await told(first)
    assert ("offered", owners[1]) in await told(second)
    await service.move_booking(await owner_of(second), second, "accept_offer")
    host = place.people["host"].person_id
    assert {("offer_accepted", owners[1]), ("offer_accepted", host)} <= await told(second)
    await service.lapse_waits((await row_of(third))["starts_at"])
    assert ("wait_ended", owners[2]) in await told(third)


# --- Races, over connections of their own


async def outcome(step: object) -> object:
    try:
        return await step  # type: ignore[misc]
    except DomainError as error:
        return error


@pytest.mark.parametrize("round_number", range(6))
async def test_promotion_against_a_new_request_never_books_twice(round_number: int) -> None:
    del round_number
    place = await scene()
    holder = await booking_in(place, S.CONFIRMED)
    lines = [await waiting(place) for _ in range(3)]
    rivals = [await booking_in(place, S.SUBMITTED) for _ in range(2)]
    firms = [await firm() for _ in range(3)]
    results = await asyncio.gather(
        cancel(place, holder),
        *(outcome(service.move_booking(place.people["host"], one, "approve")) for one in rivals),
        *(outcome(service.create_booking(one, request_for(place.slug), submit=True)) for one in firms),
    )
    assert await most_at_once(place.environment_id) == 1
    assert await is_offered(lines[0])
    assert await held_by(place.environment_id) == {lines[0]}
    assert all(isinstance(one, TimeTaken) for one in results[1:3])


async def test_two_who_cancel_at_once_offer_to_two_in_line() -> None:
    place = await scene()
    view = await entries.get_entry(SYSTEM, place.slug)
    text = entry_service.environment_text_of({**view.row, "capacity": 2}, view.opening_hours)
    await entry_service.change_environment(SYSTEM, place.environment_id, text)
    holders = [await booking_in(place, S.CONFIRMED) for _ in range(2)]
    lines = [await waiting(place) for _ in range(3)]
    await asyncio.gather(*(cancel(place, one) for one in holders))
    # Whoever was looked at by both at once is left to the job.
    while True:
        try:
            await waitlist.handle_offer_job({"environment_id": place.environment_id})
        except TryAgainLater:
            continue
        break
    assert [await is_offered(one) for one in lines] == [True, True, False]
    assert await most_at_once(place.environment_id) == 2


@pytest.mark.parametrize("round_number", range(8))
async def test_acceptance_at_the_deadline_is_had_or_lost_but_never_both(round_number: int) -> None:
    place = await scene()
    holder = await booking_in(place, S.CONFIRMED)
    first, second = await waiting(place), await waiting(place)
    await cancel(place, holder)
    owner = await owner_of(first)
    deadline = datetime.now(UTC) + timedelta(milliseconds=120)
    await change(first, "hold_until = $2", deadline)
    await asyncio.sleep(max(0, (deadline - datetime.now(UTC)).total_seconds() - 0.002 * (round_number - 4)))
    accepted, _ = await asyncio.gather(
        outcome(service.move_booking(owner, first, "accept_offer")), service.lapse_waits(deadline)
    )
    assert await most_at_once(place.environment_id) == 1
    if accepted is S.SUBMITTED:
        assert await held_by(place.environment_id) == {first}
        assert not await is_offered(second)
    else:
        assert isinstance(accepted, DomainError)
        await service.lapse_waits(deadline)
        assert await state_of(first) == "withdrawn"
        assert await held_by(place.environment_id) == {second}


async def test_line_over_two_sites_is_left_to_the_job_while_somebody_else_has_the_other_site() -> None:
    place = await scene()
    body = (await entries.get_entry(SYSTEM, place.slug)).accountable_body
    other_id, other_slug = await factories.environment(body=body)
    holder = await booking_in(place, S.CONFIRMED)
    text = request_for(place.slug)
    both = type(text)(**{**text.__dict__, "environments": (place.slug, other_slug)})
    first = await service.create_booking(await firm(), both, submit=True, wait=True)
    row = await database.fetch_one("SELECT site FROM environment_lanes WHERE environment = $1", other_id)
    assert row is not None
    async with asyncio.timeout(10), database.transaction():
        await database.fetch("SELECT lock_site($1)", row["site"])
        await asyncio.get_running_loop().create_task(cancel(place, holder), context=_no_transaction())
        assert not await is_offered(first)
    await waitlist.handle_offer_job({"environment_id": place.environment_id})
    assert await is_offered(first)
    assert await held_by(other_id) == {first}


def _no_transaction() -> object:
    """A context in which no transaction runs, so that the task gets a connection of its own."""
    import contextvars  # noqa: PLC0415

    return contextvars.Context()


async def test_waiting_line_is_shown_in_free_times_as_held() -> None:
    place = await scene()
    holder = await booking_in(place, S.CONFIRMED)
    first = await waiting(place)
    await cancel(place, holder)
    row = await row_of(first)
    view = (await entries.environments_by_id([place.environment_id]))[place.environment_id]
    assert await queries.is_held(view, row["starts_at"], row["ends_at"])


async def test_host_who_is_a_colleague_of_the_requester_waits_for_taken_time_only() -> None:
    """Found by the state machine: as a host they would have got past the check, which is for those who ask."""
    place = await scene()
    requester = place.people["requester"]
    draft = await service.create_booking(requester, request_for(place.slug))
    (body,) = place.people["host"].limited_to(Permission.BOOKING_DECIDE)
    email = f"both-{place.environment_id}@registry.test"
    roles: list[tuple[Role, int | None]] = [(Role.FIRM, place.firm_id), (Role.HOST, body)]
    await accounts.create_person(SYSTEM, email=email, name="both", roles=roles, organisation_id=place.firm_id)
    both = await actor_of_email(email)
    assert both is not None
    with pytest.raises(RuleBroken, match="Send the request instead"):
        await service.move_booking(both, draft, "waitlist")
    assert await state_of(draft) == "draft"


async def test_firm_stands_in_line_once_and_not_for_what_it_has() -> None:
    place = await scene()
    (other,) = place.people["other_firm"].organisations(Role.FIRM)
    blocker = await booking_in(place, S.CONFIRMED)
    await change(blocker, "organisation = $2", other)
    first, second = await booking_in(place, S.DRAFT), await booking_in(place, S.DRAFT)
    requester = place.people["requester"]
    await service.move_booking(requester, first, "waitlist")
    with pytest.raises(RuleBroken):
        await service.move_booking(requester, second, "waitlist")
    await change(first, "state = 'withdrawn'")
    await change(blocker, "organisation = $2", place.firm_id)
    with pytest.raises(RuleBroken):
        await service.move_booking(requester, second, "waitlist")


async def test_day_that_has_closed_is_neither_offered_nor_approved() -> None:
    place = await scene()
    (other,) = place.people["other_firm"].organisations(Role.FIRM)
    blocker = await booking_in(place, S.CONFIRMED)
    await change(blocker, "organisation = $2", other)
    waits, asks = await booking_in(place, S.WAITLISTED), await booking_in(place, S.SUBMITTED)
    row = await database.fetch_one("SELECT starts_at, ends_at FROM booking WHERE id = $1", waits)
    assert row is not None
    closure = Closure(row["starts_at"], row["ends_at"], "Stängt")
    await calendar_service.add_closure(place.people["host"], place.environment_id, closure)
    await service.move_booking(place.people["host"], blocker, "cancel", reason="Closed that day")
    assert await state_of(waits) == "waitlisted"
    held = await database.fetch_one("SELECT hold_until FROM booking WHERE id = $1", waits)
    assert held is not None
    assert held["hold_until"] is None
    with pytest.raises(RuleBroken):
        await service.move_booking(place.people["host"], asks, "approve")


async def test_offer_is_mailed_at_once_also_to_who_has_mail_daily() -> None:
    place = await scene()
    (other,) = place.people["other_firm"].organisations(Role.FIRM)
    requester = place.people["requester"]
    assert requester.person_id is not None
    await notices.choose_pace(requester, NoticePace.DAILY)
    blocker = await booking_in(place, S.CONFIRMED)
    await change(blocker, "organisation = $2, requester = $3", other, place.people["other_firm"].person_id)
    await booking_in(place, S.WAITLISTED)
    await service.move_booking(place.people["host"], blocker, "cancel", reason="The room is painted")
    async with database.transaction():
        told = await notices.take_waiting(requester.person_id, datetime.now(UTC))
    assert [one.event for one in told] == [NoticeEvent.OFFERED]
