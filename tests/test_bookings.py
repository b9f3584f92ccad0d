"""The commands on bookings: the state table for every role, what follows from each step, and refusals."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from registry import database
from registry.access import SYSTEM, VISITOR, Role
from registry.audit.queries import events_of
from registry.bookings import queries, service
from registry.bookings.codes import OutcomeDecision
from registry.bookings.rules import OWN_COMMANDS, holds_time
from registry.bookings.states import TRANSITIONS, BookingState
from registry.entries import service as entry_service
from registry.entries.codes import Audience
from registry.entries.service import EnvironmentText
from registry.errors import (
    DomainError,
    InvalidInput,
    NotFound,
    NotPermitted,
    NotSignedIn,
    RuleBroken,
    TimeTaken,
    TransitionNotAllowed,
)
from tests import factories
from tests.factories_bookings import booking_in, request_for, scene

# Who may take which step, when the state allows it. Everybody else is refused or does not even see the booking.
_REQUESTERS = {"requester", "colleague"}
MAY = {
    "submit": _REQUESTERS,
    "approve": {"host"},
    "decline": {"host"},
    "request_changes": {"host"},
    "withdraw": _REQUESTERS,
    "confirm": set(),
    "lapse": set(),
    "cancel": _REQUESTERS | {"host"},
    "start": _REQUESTERS | {"host"},
    "no_show": {"host"},
    "end_early": _REQUESTERS | {"host"},
    "complete": _REQUESTERS | {"host"},
    "outcome": _REQUESTERS | {"host"},
}
SEES_NOTHING = {"other_firm", "employee", "other_host", "procurement", "coordinator"}
# Waiting, offers and moving need more than a state: test_waitlist.py and test_moving.py go through the roles there.
ELSEWHERE = {"waitlist", "accept_offer", "decline_offer", "leave_line", "move"}
STEPS = [(action, source) for action, steps in TRANSITIONS.items() if action not in ELSEWHERE for source in steps]


@pytest.mark.parametrize(("action", "source"), STEPS)
async def test_each_role_in_each_allowed_step(action: str, source: BookingState) -> None:
    the_scene = await scene()
    # Checking in, no-show and early end have to do with the time: the booking has begun a minute ago.
    hours_ahead = -0.02 if action in {"start", "no_show", "end_early"} else 48
    for name, actor in the_scene.people.items():
        booking_id = await booking_in(the_scene, source, hours_ahead=hours_ahead)
        take = service.move_booking(
            actor,
            booking_id,
            action,
            reason="because",
            decision=OutcomeDecision.ITERATE if action == "outcome" else None,
        )
        if name in MAY[action]:
            state = await take
            expected = TRANSITIONS[action][source]
            # Without required agreements an approval is confirmed at once.
            assert state is (BookingState.CONFIRMED if expected is BookingState.APPROVED else expected)
        else:
            hidden = name in SEES_NOTHING or (source is BookingState.DRAFT and name not in _REQUESTERS)
            with pytest.raises(NotFound if hidden else NotPermitted):
                await take
            state = source
        row = await database.fetch_one("SELECT state FROM booking WHERE id = $1", booking_id)
        assert row is not None
        assert row["state"] == state.value
        async with database.transaction():
            await database.fetch(
                "INSERT INTO audit_event (type, subject_kind, subject_id) VALUES ('test', 'booking', '')"
            )
            await database.fetch(
                "UPDATE booking SET state = 'withdrawn', outcome_decision = NULL WHERE id = $1", booking_id
            )


@pytest.mark.parametrize("source", list(BookingState))
async def test_steps_outside_the_table_are_refused(source: BookingState) -> None:
    the_scene = await scene()
    booking_id = await booking_in(the_scene, source)
    for action, steps in TRANSITIONS.items():
        if source in steps or action in OWN_COMMANDS:
            continue
        actor = SYSTEM if action in {"confirm", "lapse", "leave_line"} else the_scene.people["requester"]
        with pytest.raises(TransitionNotAllowed) as refused:
            await service.move_booking(actor, booking_id, action, reason="because")
        assert refused.value.extra["state"] == source.value


async def test_holding_states_are_those_of_the_database() -> None:
    for state in BookingState:
        for hold_until in (None, datetime.now(UTC)):
            row = await database.fetch_one("SELECT booking_holds($1, $2) AS holds", state.value, hold_until)
            assert row is not None
            assert row["holds"] == holds_time(state, hold_until)


async def test_request_is_logged_and_has_the_hosts_answer_in_its_history() -> None:
    the_scene = await scene()
    booking_id = await service.create_booking(the_scene.people["requester"], request_for(the_scene.slug), submit=True)
    await service.move_booking(the_scene.people["host"], booking_id, "approve")
    events = await events_of("booking", booking_id)
    assert [(event.type, event.data.get("to")) for event in events] == [
        ("booking.created", None),
        ("booking.state_changed", "submitted"),
        ("booking.state_changed", "approved"),
        ("booking.state_changed", "confirmed"),
    ]


async def test_second_request_for_a_held_time_is_refused_with_alternatives() -> None:
    the_scene = await scene()
    text = request_for(the_scene.slug)
    first = await service.create_booking(the_scene.people["requester"], text, submit=True)
    await service.move_booking(the_scene.people["host"], first, "approve")
    with pytest.raises(TimeTaken) as refused:
        await service.create_booking(the_scene.people["other_firm"], text, submit=True)
    alternatives = refused.value.extra["alternatives"]
    assert isinstance(alternatives, list)
    assert {"environment", "starts_at", "ends_at"} <= set(alternatives[0])
    assert alternatives[0]["environment"] == the_scene.slug
    starts_at = datetime.fromisoformat(alternatives[0]["starts_at"])
    assert text.starts_at is not None
    assert text.ends_at is not None
    assert starts_at >= text.ends_at or starts_at + timedelta(hours=2) <= text.starts_at
    rows = await database.fetch("SELECT id FROM booking WHERE requester = $1", the_scene.people["other_firm"].person_id)
    assert rows == []


async def test_second_approval_for_the_same_time_is_refused() -> None:
    the_scene = await scene()
    text = request_for(the_scene.slug)
    ids = [
        await service.create_booking(the_scene.people[name], text, submit=True) for name in ("requester", "other_firm")
    ]
    await service.move_booking(the_scene.people["host"], ids[0], "approve")
    with pytest.raises(TimeTaken):
        await service.move_booking(the_scene.people["host"], ids[1], "approve")
    view = await queries.get_booking(the_scene.people["host"], ids[1])
    assert view.booking.state == "submitted"


async def test_64_simultaneous_approvals_end_in_one_holder() -> None:
    the_scene = await scene()
    text = request_for(the_scene.slug)
    ids = [await service.create_booking(the_scene.people["requester"], text, submit=True) for _ in range(64)]

    async def approve(booking_id: object) -> bool:
        try:
            await service.move_booking(the_scene.people["host"], booking_id, "approve")  # type: ignore[arg-type]
        except TimeTaken:
            return False
        return True

    outcomes = await asyncio.gather(*(approve(booking_id) for booking_id in ids))
    assert sum(outcomes) == 1
    row = await database.fetch_one(
        "SELECT count(*) AS n FROM booking b JOIN booking_environment be ON be.booking = b.id"
        " WHERE be.environment = $1 AND b.state IN ('approved', 'confirmed', 'in_progress')",
        the_scene.environment_id,
    )
    assert row is not None
    assert row["n"] == 1


@pytest.mark.parametrize("action", ["decline", "request_changes", "cancel"])
async def test_step_that_needs_a_reason_is_refused_without_one(action: str) -> None:
    the_scene = await scene()
    source = next(iter(TRANSITIONS[action]))
    booking_id = await booking_in(the_scene, source)
    with pytest.raises(InvalidInput) as refused:
        await service.move_booking(the_scene.people["host"], booking_id, action)
    assert [fault.field for fault in refused.value.errors] == ["reason"]


async def test_nobody_decides_on_their_own_request() -> None:
    the_scene = await scene()
    row = await database.fetch_one("SELECT accountable_body FROM entry WHERE id = $1", the_scene.environment_id)
    assert row is not None
    both = await factories.person(Role.HOST, Role.EMPLOYEE, organisation_id=row["accountable_body"])
    booking_id = await service.create_booking(both, request_for(the_scene.slug), submit=True)
    with pytest.raises(NotPermitted):
        await service.move_booking(both, booking_id, "approve")
    assert await service.move_booking(the_scene.people["host"], booking_id, "approve") is BookingState.CONFIRMED


async def test_check_in_is_refused_before_its_time() -> None:
    the_scene = await scene()
    booking_id = await booking_in(the_scene, BookingState.CONFIRMED)
    with pytest.raises(RuleBroken):
        await service.move_booking(the_scene.people["host"], booking_id, "start")


_OFFICE = EnvironmentText(
    bookable_by=(Audience.EXTERNAL,), lead_time_hours=24, horizon_days=30, shortest=60, longest=240, most_participants=5
)


@pytest.mark.parametrize(("hours_ahead", "hours"), [(-2, 1), (2, 1), (24 * 40, 1), (48, 0.5), (48, 5)], ids=str)
async def test_time_outside_the_environments_rules_is_refused(hours_ahead: float, hours: float) -> None:
    text = replace(_OFFICE, opening_hours=factories.ALL_DAY_EVERY_DAY)
    _, slug = await factories.environment(text=text)
    the_scene = await scene()
    with pytest.raises(RuleBroken):
        await service.create_booking(
            the_scene.people["requester"], request_for(slug, hours_ahead=hours_ahead, hours=hours), submit=True
        )


async def test_closed_place_wrong_audience_and_too_many_participants_are_refused() -> None:
    the_scene = await scene()
    _, closed = await factories.environment(text=_OFFICE)
    opened = replace(_OFFICE, opening_hours=factories.ALL_DAY_EVERY_DAY)
    _, open_slug = await factories.environment(text=opened)
    for actor, text in (
        (the_scene.people["requester"], request_for(closed)),
        (the_scene.people["employee"], request_for(open_slug)),
        (the_scene.people["requester"], replace(request_for(open_slug), participants=6)),
    ):
        with pytest.raises(RuleBroken):
            await service.create_booking(actor, text, submit=True)


async def test_visitor_and_staff_without_an_organisation_cannot_book() -> None:
    the_scene = await scene()
    with pytest.raises(NotSignedIn):
        await service.create_booking(VISITOR, request_for(the_scene.slug))
    with pytest.raises(NotPermitted):
        await service.create_booking(the_scene.people["host"], request_for(the_scene.slug))


async def test_unknown_booking_is_not_found() -> None:
    the_scene = await scene()
    with pytest.raises(NotFound):
        await queries.get_booking(the_scene.people["auditor"], uuid4())


async def test_reading_by_the_auditor_is_logged_and_by_the_requester_is_not() -> None:
    the_scene = await scene()
    booking_id = await booking_in(the_scene, BookingState.SUBMITTED)
    for name in ("requester", "host", "auditor"):
        await queries.get_booking(the_scene.people[name], booking_id)
    reads = [event for event in await events_of("booking", booking_id) if event.type == "booking.read"]
    assert [event.actor for event in reads] == [the_scene.people["auditor"].name]


async def test_late_approval_lapses_and_frees_the_time() -> None:
    the_scene = await scene()
    booking_id = await booking_in(the_scene, BookingState.APPROVED)
    async with database.transaction():
        await database.fetch("INSERT INTO audit_event (type, subject_kind, subject_id) VALUES ('t', 'booking', '')")
        await database.fetch("UPDATE booking SET hold_until = now() WHERE id = $1", booking_id)
    await service.lapse_approvals(datetime.now(UTC) + timedelta(minutes=1))
    view = await queries.get_booking(the_scene.people["requester"], booking_id)
    assert view.booking.state == "submitted"
    holds = await database.fetch("SELECT FROM booking_hold WHERE booking = $1", booking_id)
    assert holds == []


async def test_hand_over_to_a_colleague_only() -> None:
    the_scene = await scene()
    booking_id = await booking_in(the_scene, BookingState.SUBMITTED)
    with pytest.raises(InvalidInput):
        await service.hand_over(the_scene.people["requester"], booking_id, the_scene.people["other_firm"].email)
    await service.hand_over(the_scene.people["requester"], booking_id, the_scene.people["colleague"].email)
    view = await queries.get_booking(the_scene.people["requester"], booking_id)
    assert view.booking.requester == the_scene.people["colleague"].person_id


async def test_own_and_hosted_bookings_are_listed_and_no_others() -> None:
    the_scene = await scene()
    sent = await booking_in(the_scene, BookingState.SUBMITTED)
    draft = await booking_in(the_scene, BookingState.DRAFT)
    seen = {}
    for name, actor in the_scene.people.items():
        rows, total = await queries.list_bookings(actor, page_size=100)
        assert total >= len(rows)
        seen[name] = {row.id for row in rows} & {sent, draft}
    both, one = {sent, draft}, {sent}
    assert seen == {
        "requester": both,
        "colleague": both,
        "host": one,
        "legal": one,
        "auditor": one,
        **{name: set() for name in SEES_NOTHING},
    }


async def test_availability_shows_held_time_with_buffers_as_busy() -> None:
    from registry.entries.queries import environments_by_slug  # noqa: PLC0415

    the_scene = await scene()
    text = request_for(the_scene.slug)
    booking_id = await service.create_booking(the_scene.people["requester"], text, submit=True)
    await service.move_booking(the_scene.people["host"], booking_id, "approve")
    environment = (await environments_by_slug(VISITOR, [the_scene.slug]))[the_scene.slug]
    assert text.starts_at is not None
    assert text.ends_at is not None
    found = await queries.availability(
        environment, text.starts_at - timedelta(hours=1), text.ends_at + timedelta(hours=1)
    )
    assert found.busy == [(text.starts_at, text.ends_at)]
    assert found.free == [
        (text.starts_at - timedelta(hours=1), text.starts_at),
        (text.ends_at, text.ends_at + timedelta(hours=1)),
    ]


def test_every_error_has_a_status() -> None:
    statuses = {kind.__name__: kind.status for kind in DomainError.__subclasses__()}
    assert statuses["TimeTaken"] == 409
    assert statuses["NotFound"] == 404


async def test_handing_over_does_not_let_anybody_decide_on_their_own_request() -> None:
    the_scene = await scene()
    row = await database.fetch_one("SELECT accountable_body FROM entry WHERE id = $1", the_scene.environment_id)
    assert row is not None
    body = row["accountable_body"]
    both = await factories.person(Role.HOST, Role.EMPLOYEE, organisation_id=body)
    colleague = await factories.person(Role.EMPLOYEE, organisation_id=body)
    written = await service.create_booking(both, request_for(the_scene.slug), submit=True)
    await service.hand_over(both, written, colleague.email)
    sent = await service.create_booking(colleague, request_for(the_scene.slug))
    await service.move_booking(both, sent, "submit")
    for booking_id in (written, sent):
        with pytest.raises(NotPermitted):
            await service.move_booking(both, booking_id, "approve")


async def test_request_for_a_place_that_was_archived_meanwhile_is_neither_sent_nor_approved() -> None:
    the_scene = await scene()
    requester, host = the_scene.people["requester"], the_scene.people["host"]
    draft = await service.create_booking(requester, request_for(the_scene.slug))
    sent = await service.create_booking(requester, request_for(the_scene.slug, hours_ahead=72), submit=True)
    await entry_service.move_entry(SYSTEM, the_scene.environment_id, "archive")
    with pytest.raises(NotFound):
        await service.move_booking(requester, draft, "submit")
    with pytest.raises(RuleBroken):
        await service.move_booking(host, sent, "approve")


async def test_request_whose_time_has_begun_is_not_approved() -> None:
    the_scene = await scene()
    booking_id = await booking_in(the_scene, BookingState.SUBMITTED, hours_ahead=-0.5)
    with pytest.raises(RuleBroken):
        await service.move_booking(the_scene.people["host"], booking_id, "approve")


async def test_whole_and_its_part_in_one_request_are_named_as_such() -> None:
    the_scene = await scene()
    row = await database.fetch_one("SELECT accountable_body FROM entry WHERE id = $1", the_scene.environment_id)
    assert row is not None
    _, part = await factories.environment(
        body=row["accountable_body"], text=EnvironmentText(parent=the_scene.environment_id)
    )
    text = request_for(the_scene.slug)
    with pytest.raises(InvalidInput) as refused:
        await service.create_booking(
            the_scene.people["requester"], replace(text, environments=(the_scene.slug, part)), submit=True
        )
    assert [fault.field for fault in refused.value.errors] == ["environments"]
