"""Commands on bookings: each one locks, checks, writes, logs and enqueues.

The time of a booking is held by the database (see the guards migration and docs/decisions): these commands
change a booking's state and times, and translate the database's refusal.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from registry import database, transitions
from registry.access import SYSTEM, Actor, Permission, require
from registry.accounts.queries import actor_of_email
from registry.agreements import service as agreements
from registry.audit.service import EventType, record
from registry.bookings import (
    assessments,
    holds,
    meanwhile,
    move_requests,
    notices,
    queries,
    rechecks,
    requests,
    rules,
    thread,
    waitlist,
)
from registry.bookings.codes import NoticeEvent, OutcomeDecision
from registry.bookings.requests import BookingText
from registry.bookings.states import TRANSITIONS, BookingState
from registry.bookings.tables import Booking, BookingEnvironment
from registry.entries.codes import Audience
from registry.errors import (
    N_,
    NotFound,
    NotPermitted,
    RuleBroken,
    TimeTaken,
    invalid,
    message,
)
from registry.jobs.service import Job, enqueue


async def create_booking(
    actor: Actor,
    text: BookingText,
    *,
    organisation_id: int | None = None,
    submit: bool = False,
    wait: bool = False,
) -> UUID:
    """Create a booking as a draft, and send it if `submit`; all or nothing. Returns its id.

    With `wait` too, a request for a time that is taken goes on the waiting list instead of being refused.

    Raises:
        NotPermitted: the actor books for no organisation.
        NotFound: an environment is unknown or may not be seen.
        InvalidInput: something is missing or malformed.
        TimeTaken: the time is held; with alternatives.
        RuleBroken: the environment cannot be booked then or by this organisation.
    """
    require(actor, Permission.BOOKING_CREATE)
    organisation, audience = requests.booker(actor, organisation_id)
    async with database.transaction():
        environments = await requests.environments_asked(actor, text.environments)
        columns = requests.columns_of(text, audience)
        rows = await Booking.insert(
            Booking(**columns, requester=actor.person_id, organisation=organisation, audience=audience.value)
        ).returning(Booking.id)
        booking_id: UUID = rows[0]["id"]
        await BookingEnvironment.insert(
            *[BookingEnvironment(booking=booking_id, environment=one.id) for one in environments]
        )
        await record(actor, EventType.BOOKING_CREATED, booking_id, {"environments": [one.slug for one in environments]})
        if submit:
            try:
                await move_booking(actor, booking_id, "submit")
            except TimeTaken:
                if not wait:
                    raise
                await move_booking(actor, booking_id, "waitlist")
    return booking_id


async def change_booking(actor: Actor, booking_id: UUID, text: BookingText) -> None:
    """Change a request that has not been sent, or that was sent back.

    Raises:
        NotFound, NotPermitted, InvalidInput; RuleBroken: it has been sent.
    """
    async with database.transaction():
        row = await locked(actor, booking_id)
        facts = await queries.facts_of(row)
        if reason := rules.is_requester(actor, facts):
            raise NotPermitted(reason)
        if facts.state not in {BookingState.DRAFT, BookingState.CHANGES_REQUESTED}:
            raise RuleBroken(
                message(N_("The request has been sent, so it cannot be changed. Withdraw it and make a new one."))
            )
        environments = await requests.environments_asked(actor, text.environments)
        await holds.update(booking_id, requests.columns_of(text, Audience(row["audience"])))
        await BookingEnvironment.delete().where(BookingEnvironment.booking == booking_id)
        await BookingEnvironment.insert(
            *[BookingEnvironment(booking=booking_id, environment=one.id) for one in environments]
        )
        await record(actor, EventType.BOOKING_CHANGED, booking_id)


async def move_booking(
    actor: Actor,
    booking_id: UUID,
    action: str,
    *,
    reason: str = "",
    decision: OutcomeDecision | None = None,
    seen: int | None = None,
) -> BookingState:
    """Take a step of the state table with everything that follows from it; returns the new state.

    An approved booking whose agreements are all in force is confirmed at once. A reason is kept in the thread.
    With `seen`, the booking's `sequence` as the actor's page had it, what has changed since is not decided on.

    Raises:
        NotFound, NotPermitted, TransitionNotAllowed, InvalidInput (a reason or decision is missing).
        EditedMeanwhile: the booking is no longer what was `seen`; tells who did what.
        TimeTaken: the database refused to hold the time; with alternatives.
        RuleBroken: the environment cannot be booked then.
    """
    if action in rules.OWN_COMMANDS:
        raise NotFound
    async with database.transaction():
        row = await locked(actor, booking_id)
        await meanwhile.require_unchanged(row, seen)
        state = await take_step(actor, row, action, reason=reason, decision=decision)
        await tell_of_step(actor, row, action, state, reason)
    return state


async def take_step(
    actor: Actor,
    row: Mapping[str, Any],
    action: str,
    *,
    reason: str = "",
    decision: OutcomeDecision | None = None,
) -> BookingState:
    """As `move_booking`, for a booking that the caller has locked; nobody is told by mail."""
    state = await _take(actor, row, action, reason=reason, decision=decision)
    if reason and action != "outcome":
        await thread.add_reason(actor, row, state, reason)
    if state is BookingState.APPROVED:
        state = await settle({**row, "state": state.value})
    return state


async def settle(row: Mapping[str, Any]) -> BookingState:
    """Confirm a booking that has just been approved, or moved, if its agreements are all in force; the state it is in.

    `row` has its columns as they are now. An agreement may come into force while this commits: a job looks again.
    """
    if not await queries.missing_for(row):
        return await _take(SYSTEM, row, "confirm")
    await enqueue(Job.CONFIRM_COVERED_BOOKINGS, booking_id=row["id"])
    return BookingState.APPROVED


async def _take(
    actor: Actor,
    row: Mapping[str, Any],
    action: str,
    *,
    reason: str = "",
    decision: OutcomeDecision | None = None,
) -> BookingState:
    facts = await queries.facts_of(row)
    state = transitions.apply(TRANSITIONS, action, facts.state)
    if refusal := rules.can_take[action](actor, facts):
        raise (NotPermitted if _is_about_who(actor, facts, action) else RuleBroken)(refusal)
    if action in rules.NEEDS_REASON and not reason:
        raise invalid("reason", N_("Write the reason, so that the other side understands."))
    if action == "outcome" and decision is None:
        raise invalid("decision", N_("Choose what was decided after the test."))
    is_decision = (
        facts.state is BookingState.SUBMITTED and action in _DECISIONS and rules.can_decide.allows(actor, facts)
    )
    if action == "submit":
        await requests.require_sendable(actor, row)
    if action == "waitlist" and not is_decision:
        await requests.require_waitable(actor, row)
    if action in {"approve", "confirm", "start", "accept_offer"}:
        await _check_may_go_on(row, action)
    after = await _write(actor, row, action, state, is_decision=is_decision, reason=reason, decision=decision)
    await record(
        actor,
        EventType.BOOKING_STATE_CHANGED,
        row["id"],
        {"action": action, "from": facts.state.value, "to": state.value},
    )
    if action in {"submit", "accept_offer"}:
        await open_missing(actor, row)
        await assessments.open_for(actor, row)
    await _follow_up(row, after)
    return state


async def _follow_up(before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    """What follows from the states and the held times before and after a step."""
    if before["state"] in _MOVED_BY_REQUEST and after["state"] not in _MOVED_BY_REQUEST:
        await move_requests.close(before["id"])
    held, holds_now = (rules.holds_time(one["state"], one["hold_until"]) for one in (before, after))
    if held != holds_now:
        await holds.index_sites(before["id"])
    if held and not holds_now:
        await waitlist.offer_freed(before)


async def tell_of_step(actor: Actor, row: Mapping[str, Any], action: str, state: BookingState, reason: str) -> None:
    """People are told of the state that a command ends in, not of those on the way. A draft is nobody else's."""
    if action == "accept_offer":
        await notices.tell(actor, row["id"], NoticeEvent.OFFER_ACCEPTED)
    elif row["state"] != BookingState.DRAFT or state is BookingState.SUBMITTED:
        event = NoticeEvent(state.value) if state.value in set(NoticeEvent) else None
        if event is not None:
            await notices.tell(actor, row["id"], event, reason=reason)


def _is_about_who(actor: Actor, facts: rules.BookingFacts, action: str) -> bool:
    """Whether the refusal is about the person (403) rather than about the time (409)."""
    anyone = rules.WHO_MAY.get(action)
    return anyone is None or not anyone.allows(actor, facts)


_DECISIONS = frozenset({"approve", "decline", "request_changes", "waitlist"})
# In these the requester asks for a new time, and the host decides; in all others the wish is void.
_MOVED_BY_REQUEST = frozenset({BookingState.APPROVED, BookingState.CONFIRMED})


async def _write(
    actor: Actor,
    row: Mapping[str, Any],
    action: str,
    state: BookingState,
    *,
    is_decision: bool,
    reason: str,
    decision: OutcomeDecision | None,
) -> dict[str, Any]:
    """Writes what a step changes; returns the columns as they are then."""
    now = datetime.now(UTC)
    changes: dict[str, Any] = {"state": state.value, "hold_until": None, **_moments(row, action, now)}
    if is_decision:
        changes |= {"decided_at": now, "decided_by": actor.person_id, "reason": reason}
    if action == "approve":
        changes["hold_until"] = now + timedelta(days=await holds.approval_days(row["id"]))
    if action in {"cancel", "withdraw", "no_show", "decline_offer"}:
        changes["reason"] = reason
    if action == "outcome" and decision is not None:
        changes |= {"outcome_decision": decision.value, "outcome_text": reason}
    if action == "approve":
        async with holds.time_is_held(actor, row):
            await holds.update(row["id"], changes)
    else:
        await holds.update(row["id"], changes)
    return {**row, **changes}


def _moments(row: Mapping[str, Any], action: str, now: datetime) -> dict[str, Any]:
    """What a step changes of when things happened, and until when the time is held."""
    sent = {"submitted_at": now, "reason": ""}
    if action in {"submit", "accept_offer"} and row["hold_until"]:
        # The offered time stays held until the host decides, or it begins. The place in line was the first sending's.
        return {"hold_until": row["starts_at"]}
    if action == "waitlist":
        return {} if row["state"] == BookingState.SUBMITTED else sent
    ended = {"ended_at": min(now, row["ends_at"])} if row["ends_at"] else {}
    moments: dict[str, dict[str, Any]] = {
        "submit": sent,
        "lapse": {"decided_at": None, "decided_by": None},
        "confirm": {"confirmed_at": now},
        "complete": ended,
        "end_early": ended,
    }
    return moments.get(action, {})


async def hand_over(actor: Actor, booking_id: UUID, email: str) -> None:
    """Give a booking to a colleague who may book for the same organisation.

    Raises:
        NotFound, NotPermitted; InvalidInput: the address is not that of such a colleague.
    """
    async with database.transaction():
        row = await locked(actor, booking_id)
        if refusal := rules.is_requester(actor, await queries.facts_of(row)):
            raise NotPermitted(refusal)
        colleague = await actor_of_email(email)
        if colleague is None or row["organisation"] not in colleague.limited_to(Permission.BOOKING_CREATE):
            raise invalid("email", N_("There is no colleague in your organisation with this address who may book."))
        if row["decided_by"] == colleague.person_id:
            raise RuleBroken(message(N_("This person has decided on the booking and so cannot take it over.")))
        await database.fetch("UPDATE booking SET requester = $2 WHERE id = $1", booking_id, colleague.person_id)
        await record(actor, EventType.BOOKING_CHANGED, booking_id, {"handed_over_to": colleague.person_id})
        await notices.tell(actor, booking_id, NoticeEvent.HANDED_OVER, former=row["requester"])


async def confirm_covered(*, agreement_id: UUID | None = None, booking_id: UUID | None = None) -> int:
    """Confirm approved bookings whose agreements are now all in force; returns how many. Safe to run again.

    Looks at one booking, or at all of the organisations that are parties to an agreement.
    """
    rows = await database.fetch(
        "SELECT array_agg(b.id ORDER BY b.starts_at, b.id) AS ids FROM booking b WHERE b.state = 'approved'"
        " AND (b.id = $1 OR b.organisation IN (SELECT organisation FROM agreement_party WHERE agreement = $2))"
        " GROUP BY coalesce(b.series, b.id) ORDER BY min(b.starts_at)",
        booking_id,
        agreement_id,
    )
    confirmed = 0
    for row in rows:
        # A series is confirmed in one transaction, so that one mail tells of it.
        async with database.transaction():
            confirmed += sum([await _confirm_if_covered(one) for one in row["ids"]])
    return confirmed


async def _confirm_if_covered(booking_id: UUID) -> bool:
    row = await locked(SYSTEM, booking_id)
    is_covered = row["state"] == BookingState.APPROVED and not await queries.missing_for(row)
    if not is_covered or await assessments.is_blocked(row["id"]):
        return False
    await _take(SYSTEM, row, "confirm")
    await notices.tell(SYSTEM, row["id"], NoticeEvent.CONFIRMED)
    return True


async def lapse_approvals(now: datetime) -> int:
    """Let approvals whose hold period is over lapse: the time is free again, the request waits for the host anew."""
    rows = await database.fetch(
        "SELECT array_agg(id ORDER BY starts_at, id) AS ids FROM booking WHERE state = 'approved' AND hold_until < $1"
        " GROUP BY coalesce(series, id) ORDER BY min(starts_at)",
        now,
    )
    for late in rows:
        async with database.transaction():
            for booking_id in late["ids"]:
                row = await locked(SYSTEM, booking_id)
                if row["state"] == BookingState.APPROVED and row["hold_until"] < now:
                    await _take(SYSTEM, row, "lapse")
                    await notices.tell(SYSTEM, row["id"], NoticeEvent.LAPSED)
    return sum(len(late["ids"]) for late in rows)


async def lapse_waits(now: datetime) -> int:
    """Take off the waiting list who has not answered an offer in time, and who waits for a time that has begun.

    Time that was offered goes to the next in line. Returns how many; `now` is in UTC. Safe to run again.
    """
    rows = await database.fetch(
        "SELECT id FROM booking WHERE state = 'waitlisted' AND coalesce(hold_until, starts_at) <= $1 ORDER BY id", now
    )
    for late in rows:
        async with database.transaction():
            row = await locked(SYSTEM, late["id"])
            ends = row["hold_until"] or row["starts_at"]
            if row["state"] == BookingState.WAITLISTED and ends <= now:
                await _take(SYSTEM, row, "leave_line")
                event = NoticeEvent.OFFER_LAPSED if row["hold_until"] else NoticeEvent.WAIT_ENDED
                await notices.tell(SYSTEM, row["id"], event)
    return len(rows)


async def locked(actor: Actor, booking_id: UUID) -> Mapping[str, Any]:
    """A booking's row, locked until the transaction ends. Raises NotFound where there is none for the actor."""
    # Not FOR UPDATE: whoever deals out the holds of a site anew may refer to this booking meanwhile.
    row = await database.fetch_one("SELECT * FROM booking WHERE id = $1 FOR NO KEY UPDATE", booking_id)
    if row is None:
        raise NotFound
    if not actor.is_system and not rules.can_read.allows(actor, await queries.facts_of(row)):
        raise NotFound
    return dict(row)


async def _check_may_go_on(row: Mapping[str, Any], action: str) -> None:
    """Raises RuleBroken when legal has stopped the booking, or it lacks by now what the step needs."""
    await assessments.require_no_block(row["id"])
    if action in {"approve", "accept_offer"}:
        await holds.require_still_bookable(row)
    if action == "start" and await queries.missing_for(row):
        raise RuleBroken(
            message(
                N_("A required agreement is no longer in force. Legal has to put one in force before the test begins.")
            )
        )


async def open_agreements(actor: Actor, booking_id: UUID) -> None:
    """Have the agreements that a booking lacks prepared and sent to legal, as when the request was sent.

    Raises:
        NotFound; NotPermitted: the actor is neither the requester nor a colleague.
    """
    async with database.transaction():
        row = await locked(actor, booking_id)
        if refusal := rules.is_requester(actor, await queries.facts_of(row)):
            raise NotPermitted(refusal)
        if await queries.missing_for(row):
            await open_missing(actor, row)


async def open_missing(actor: Actor, row: Mapping[str, Any]) -> None:
    """Have the agreements that a booking lacks prepared and sent to legal; `row` has its columns as they are now."""
    await agreements.open_missing(
        actor,
        organisation_id=row["organisation"],
        audience=row["audience"],
        entry_ids=await holds.environment_ids(row["id"]),
        starts_at=row["starts_at"],
        ends_at=row["ends_at"],
    )


async def handle_confirm_job(payload: Mapping[str, Any]) -> None:
    """Does Job.CONFIRM_COVERED_BOOKINGS; its payload has an `agreement_id` or a `booking_id`."""
    await confirm_covered(
        agreement_id=UUID(payload["agreement_id"]) if "agreement_id" in payload else None,
        booking_id=UUID(payload["booking_id"]) if "booking_id" in payload else None,
    )
    if "agreement_id" in payload:
        await rechecks.handle_recheck_job(payload)
