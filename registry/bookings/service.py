"""Commands on bookings: each one locks, checks, writes, logs and enqueues.

The time of a booking is held by the database (see the guards migration and docs/decisions): these commands
change a booking's state and times, and translate the database's refusal.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from asyncpg import ExclusionViolationError

from registry import database, transitions
from registry.access import SYSTEM, Actor, Permission, Role, require
from registry.accounts.queries import actor_of_email
from registry.agreements import service as agreements
from registry.audit.service import EventType, record
from registry.bookings import assessments, notices, queries, rechecks, rules
from registry.bookings.codes import EmployerRole, NoticeEvent, OutcomeDecision, PersonalData
from registry.bookings.states import HOLDING, TRANSITIONS, BookingState
from registry.bookings.tables import Booking, BookingEnvironment
from registry.entries import queries as entries
from registry.entries.codes import Audience, Perspective
from registry.entries.queries import EntryView
from registry.entries.states import EntryStatus
from registry.errors import (
    N_,
    FieldError,
    InvalidInput,
    NotFound,
    NotPermitted,
    RuleBroken,
    TimeTaken,
    invalid,
    message,
)
from registry.jobs.service import Job, enqueue, enqueue_many

MISSING = message(N_("This is missing. Fill it in."))
TAKEN = message(N_("Somebody else has the time. Choose another time or another environment."))
END_AFTER_START = message(N_("The end must come after the start."))


@dataclass(frozen=True)
class OwnInnovation:
    """What an employee says of an innovation of their own, for legal's IP assessment."""

    employer_role: EmployerRole
    project: str = ""
    contribution: str = ""
    funding: str = ""


@dataclass(frozen=True)
class BookingText:
    """What a request says. `environments` are slugs; times are aware and half-open `[starts_at, ends_at)`."""

    environments: tuple[str, ...] = ()
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    purpose: str = ""
    operational_benefit: str = ""
    user_benefit: str = ""
    perspectives: tuple[Perspective, ...] = ()
    trl: int | None = None
    participants: int | None = None
    personal_data: PersonalData = PersonalData.NONE
    ethics_reference: str = ""
    accessibility_needs: str = ""
    own_innovation: OwnInnovation | None = None
    example: bool = False


async def create_booking(
    actor: Actor, text: BookingText, *, organisation_id: int | None = None, submit: bool = False
) -> UUID:
    """Create a booking as a draft, and send it if `submit`; all or nothing. Returns its id.

    Raises:
        NotPermitted: the actor books for no organisation.
        NotFound: an environment is unknown or may not be seen.
        InvalidInput: something is missing or malformed.
        TimeTaken: the time is held; with alternatives.
        RuleBroken: the environment cannot be booked then or by this organisation.
    """
    require(actor, Permission.BOOKING_CREATE)
    organisation, audience = _booker(actor, organisation_id)
    async with database.transaction():
        environments = await _environments(actor, text.environments)
        columns = _columns(text, audience)
        rows = await Booking.insert(
            Booking(**columns, requester=actor.person_id, organisation=organisation, audience=audience.value)
        ).returning(Booking.id)
        booking_id: UUID = rows[0]["id"]
        await BookingEnvironment.insert(
            *[BookingEnvironment(booking=booking_id, environment=one.id) for one in environments]
        )
        await record(actor, EventType.BOOKING_CREATED, booking_id, {"environments": [one.slug for one in environments]})
        if submit:
            await move_booking(actor, booking_id, "submit")
    return booking_id


async def change_booking(actor: Actor, booking_id: UUID, text: BookingText) -> None:
    """Change a request that has not been sent, or that was sent back.

    Raises:
        NotFound, NotPermitted, InvalidInput; RuleBroken: it has been sent.
    """
    async with database.transaction():
        row = await _locked(actor, booking_id)
        facts = await queries.facts_of(row)
        if reason := rules.is_requester(actor, facts):
            raise NotPermitted(reason)
        if facts.state not in {BookingState.DRAFT, BookingState.CHANGES_REQUESTED}:
            raise RuleBroken(
                message(N_("The request has been sent, so it cannot be changed. Withdraw it and make a new one."))
            )
        environments = await _environments(actor, text.environments)
        await _update(booking_id, _columns(text, Audience(row["audience"])))
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
) -> BookingState:
    """Take a step of the state table with everything that follows from it; returns the new state.

    An approved booking whose agreements are all in force is confirmed at once.

    Raises:
        NotFound, NotPermitted, TransitionNotAllowed, InvalidInput (a reason or decision is missing).
        TimeTaken: the database refused to hold the time; with alternatives.
        RuleBroken: the environment cannot be booked then.
    """
    async with database.transaction():
        row = await _locked(actor, booking_id)
        state = await _take(actor, row, action, reason=reason, decision=decision)
        if state is BookingState.APPROVED:
            approved = {**row, "state": state.value}
            if not await queries.missing_for(approved):
                state = await _take(SYSTEM, approved, "confirm")
        await _tell(actor, row, state, reason)
    return state


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
    if action == "submit":
        await _check_request(actor, row)
    if action in {"approve", "confirm", "start"}:
        await _check_may_go_on(row, action)
    await _write(actor, row, action, state, reason=reason, decision=decision)
    await record(
        actor,
        EventType.BOOKING_STATE_CHANGED,
        row["id"],
        {"action": action, "from": facts.state.value, "to": state.value},
    )
    if action == "submit":
        await _open_agreements(actor, row)
        await assessments.open_for(actor, row)
    if (facts.state in HOLDING) != (state in HOLDING):
        await _index_sites(row["id"])
    if state is BookingState.APPROVED:
        # An agreement may come into force while this commits; the job looks again afterwards.
        await enqueue(Job.CONFIRM_COVERED_BOOKINGS, booking_id=row["id"])
    return state


async def _tell(actor: Actor, row: Mapping[str, Any], state: BookingState, reason: str) -> None:
    """People are told of the state that a command ends in, not of those on the way. A draft is nobody else's."""
    if row["state"] != BookingState.DRAFT or state is BookingState.SUBMITTED:
        event = NoticeEvent(state.value) if state.value in set(NoticeEvent) else None
        if event is not None:
            await notices.tell(actor, row["id"], event, reason=reason)


async def _index_sites(booking_id: UUID) -> None:
    """What the booking holds or gives back also changes in which weeks the other parts of its sites are free."""
    rows = await database.fetch(
        "SELECT DISTINCT other.environment FROM booking_environment be"
        " JOIN environment_lanes mine ON mine.environment = be.environment"
        " JOIN environment_lanes other ON other.site = mine.site WHERE be.booking = $1",
        booking_id,
    )
    await enqueue_many(Job.INDEX_ENTRY, ({"entry_id": row["environment"]} for row in rows))


def _is_about_who(actor: Actor, facts: rules.BookingFacts, action: str) -> bool:
    """Whether the refusal is about the person (403) rather than about the time (409)."""
    anyone = {"start": rules.is_host | rules.is_requester, "no_show": rules.is_host}.get(action)
    return anyone is None or not anyone.allows(actor, facts)


_DECISIONS = frozenset({"approve", "decline", "request_changes", "waitlist"})


async def _write(
    actor: Actor,
    row: Mapping[str, Any],
    action: str,
    state: BookingState,
    *,
    reason: str,
    decision: OutcomeDecision | None,
) -> None:
    now = datetime.now(UTC)
    changes: dict[str, Any] = {"state": state.value}
    if action == "submit":
        changes |= {"submitted_at": now, "reason": ""}
    if action in _DECISIONS:
        changes |= {"decided_at": now, "decided_by": actor.person_id, "reason": reason}
    if action == "approve":
        changes["hold_until"] = now + timedelta(days=await _approval_days(row["id"]))
    if action == "lapse":
        changes |= {"hold_until": None, "decided_at": None, "decided_by": None}
    if action == "confirm":
        changes |= {"confirmed_at": now, "hold_until": None}
    if action in {"cancel", "withdraw", "no_show"}:
        changes["reason"] = reason
    if action == "outcome" and decision is not None:
        changes |= {"outcome_decision": decision.value, "outcome_text": reason}
    if action == "approve":
        async with _time_is_held(actor, row):
            await _update(row["id"], changes)
    else:
        await _update(row["id"], changes)


async def _update(booking_id: UUID, changes: Mapping[str, Any]) -> None:
    assignments = ", ".join(f"{name} = ${number}" for number, name in enumerate(changes, start=2))
    await database.fetch(f"UPDATE booking SET {assignments} WHERE id = $1", booking_id, *changes.values())


async def hand_over(actor: Actor, booking_id: UUID, email: str) -> None:
    """Give a booking to a colleague who may book for the same organisation.

    Raises:
        NotFound, NotPermitted; InvalidInput: the address is not that of such a colleague.
    """
    async with database.transaction():
        row = await _locked(actor, booking_id)
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
        "SELECT b.id FROM booking b WHERE b.state = 'approved' AND (b.id = $1 OR b.organisation IN"
        " (SELECT organisation FROM agreement_party WHERE agreement = $2)) ORDER BY b.id",
        booking_id,
        agreement_id,
    )
    confirmed = 0
    for candidate in rows:
        async with database.transaction():
            row = await _locked(SYSTEM, candidate["id"])
            is_covered = row["state"] == BookingState.APPROVED and not await queries.missing_for(row)
            if is_covered and not await assessments.is_blocked(row["id"]):
                await _take(SYSTEM, row, "confirm")
                await notices.tell(SYSTEM, row["id"], NoticeEvent.CONFIRMED)
                confirmed += 1
    return confirmed


async def lapse_approvals(now: datetime) -> int:
    """Let approvals whose hold period is over lapse: the time is free again, the request waits for the host anew."""
    rows = await database.fetch("SELECT id FROM booking WHERE state = 'approved' AND hold_until < $1", now)
    for late in rows:
        async with database.transaction():
            row = await _locked(SYSTEM, late["id"])
            if row["state"] == BookingState.APPROVED and row["hold_until"] < now:
                await _take(SYSTEM, row, "lapse")
                await notices.tell(SYSTEM, row["id"], NoticeEvent.LAPSED)
    return len(rows)


async def _locked(actor: Actor, booking_id: UUID) -> Mapping[str, Any]:
    row = await database.fetch_one("SELECT * FROM booking WHERE id = $1 FOR UPDATE", booking_id)
    if row is None:
        raise NotFound
    if not actor.is_system and not rules.can_read.allows(actor, await queries.facts_of(row)):
        raise NotFound
    return dict(row)


def _booker(actor: Actor, wanted: int | None) -> tuple[int, Audience]:
    """The organisation that the actor books for, and as what kind of booker."""
    firms, employers = actor.organisations(Role.FIRM), actor.organisations(Role.EMPLOYEE)
    choices = [(one, Audience.EXTERNAL) for one in sorted(firms)]
    choices += [(one, Audience.EMPLOYEE) for one in sorted(employers)]
    if wanted is not None:
        choices = [choice for choice in choices if choice[0] == wanted]
    if not choices:
        raise NotPermitted(message(N_("Your account is not tied to an organisation that you may book for.")))
    if len(choices) > 1:
        raise invalid("organisation", N_("You can book for several organisations. Say which one."))
    return choices[0]


async def _environments(actor: Actor, slugs: Sequence[str]) -> list[EntryView]:
    if not slugs:
        raise invalid("environments", N_("Choose at least one environment."))
    if len(set(slugs)) != len(slugs):
        raise invalid("environments", N_("The same environment is given twice."))
    found = await entries.environments_by_slug(actor, slugs)
    if unknown := [slug for slug in slugs if slug not in found]:
        raise NotFound(message(N_("There is no environment “%(slug)s” that you can book."), slug=unknown[0]))
    ids = {environment.id for environment in found.values()}
    for environment in found.values():
        if environment.parent in ids:
            raise invalid(
                "environments",
                N_("“%(part)s” is a part of another environment in the request. Book the whole or the part."),
                part=environment.slug,
            )
    return [found[slug] for slug in slugs]


def _columns(text: BookingText, audience: Audience) -> dict[str, Any]:
    if text.starts_at is not None and text.ends_at is not None and text.ends_at <= text.starts_at:
        raise InvalidInput([FieldError("ends_at", END_AFTER_START)])
    mine = text.own_innovation
    if mine is not None and audience is not Audience.EMPLOYEE:
        raise invalid("own_innovation", N_("Only employees book for an innovation of their own."))
    return {
        "employer_role": mine.employer_role.value if mine else None,
        "innovation_project": mine.project if mine else "",
        "innovation_contribution": mine.contribution if mine else "",
        "innovation_funding": mine.funding if mine else "",
        "starts_at": text.starts_at.astimezone(UTC) if text.starts_at else None,
        "ends_at": text.ends_at.astimezone(UTC) if text.ends_at else None,
        "purpose": text.purpose,
        "operational_benefit": text.operational_benefit,
        "user_benefit": text.user_benefit,
        "perspectives": [perspective.value for perspective in text.perspectives],
        "trl": text.trl,
        "participants": text.participants,
        "personal_data": text.personal_data.value,
        "ethics_reference": text.ethics_reference,
        "accessibility_needs": text.accessibility_needs,
        "example": text.example,
    }


async def _check_request(actor: Actor, row: Mapping[str, Any]) -> None:
    """Raises unless the request is whole, its time can be booked and the database would hold it now."""
    required = ["starts_at", "ends_at", "purpose", "operational_benefit", "user_benefit"]
    if row["employer_role"]:
        required.append("innovation_contribution")
    blank = [FieldError(name, MISSING) for name in required if not row[name]]
    if blank:
        raise InvalidInput(blank)
    now = datetime.now(UTC)
    slugs = [environment.slug for environment in await _environments_of(row["id"])]
    for environment in await _environments(actor, slugs):
        if environment.status != EntryStatus.PUBLISHED:
            raise RuleBroken(message(N_("The environment is no longer published, so nothing can be booked in it.")))
        if reason := rules.times_fit(environment, row["audience"], row["starts_at"], row["ends_at"], now):
            raise RuleBroken(reason, environment=environment.slug)
        most = environment.most_participants
        if most is not None and (row["participants"] or 0) > most:
            raise RuleBroken(message(N_("There is room for at most %(most)s participants."), most=most))
        if environment.needs_ethics_approval and row["personal_data"] == "patient" and not row["ethics_reference"]:
            raise InvalidInput(
                [
                    FieldError(
                        "ethics_reference",
                        message(N_("Tests with patient data here need an ethics approval. Give its reference.")),
                    )
                ]
            )
    await _try_to_hold(actor, row)


async def _check_may_go_on(row: Mapping[str, Any], action: str) -> None:
    """Raises RuleBroken when legal has stopped the booking, or it lacks by now what the step needs."""
    await assessments.require_no_block(row["id"])
    if action == "approve":
        await _check_still_bookable(row)
    if action == "start" and await queries.missing_for(row):
        raise RuleBroken(
            message(
                N_("A required agreement is no longer in force. Legal has to put one in force before the test begins.")
            )
        )


async def _check_still_bookable(row: Mapping[str, Any]) -> None:
    """Raises RuleBroken when the place has closed for this request since it was sent."""
    for environment in await _environments_of(row["id"]):
        if reason := rules.still_bookable(environment, row["audience"], row["starts_at"], datetime.now(UTC)):
            raise RuleBroken(reason, environment=environment.slug)


async def _try_to_hold(actor: Actor, row: Mapping[str, Any]) -> None:
    """Let the database hold the time and give it back: a time that is taken is refused by the guard itself."""
    before = await database.current_transaction().savepoint("before_holding")
    async with _time_is_held(actor, row):
        await _update(row["id"], {"state": BookingState.APPROVED.value})
    await before.rollback_to()  # type: ignore[no-untyped-call]  # Piccolo leaves it untyped


@asynccontextmanager
async def _time_is_held(actor: Actor, row: Mapping[str, Any]) -> AsyncIterator[None]:
    """Around a change that makes the database hold a time; translates its refusal into TimeTaken."""
    savepoint = await database.current_transaction().savepoint("holding")
    try:
        yield
    except ExclusionViolationError as error:
        await savepoint.rollback_to()  # type: ignore[no-untyped-call]  # Piccolo leaves it untyped
        raise await _time_taken(actor, row["id"], row) from error


async def _time_taken(actor: Actor, booking_id: UUID, row: Mapping[str, Any]) -> TimeTaken:
    environments = await _environments_of(booking_id)
    found = await queries.alternatives(actor, environments, row["audience"], row["starts_at"], row["ends_at"])
    reason = await queries.why_held(environments, row["starts_at"], row["ends_at"])
    return TimeTaken(reason or TAKEN, found)


async def _environments_of(booking_id: UUID) -> list[EntryView]:
    rows = await database.fetch(
        "SELECT environment FROM booking_environment WHERE booking = $1 ORDER BY environment", booking_id
    )
    return list((await entries.environments_by_id([row["environment"] for row in rows])).values())


async def _approval_days(booking_id: UUID) -> int:
    days: list[int] = [environment.approval_days for environment in await _environments_of(booking_id)]
    return min(days)


async def open_agreements(actor: Actor, booking_id: UUID) -> None:
    """Have the agreements that a booking lacks prepared and sent to legal, as when the request was sent.

    Raises:
        NotFound; NotPermitted: the actor is neither the requester nor a colleague.
    """
    async with database.transaction():
        row = await _locked(actor, booking_id)
        if refusal := rules.is_requester(actor, await queries.facts_of(row)):
            raise NotPermitted(refusal)
        if await queries.missing_for(row):
            await _open_agreements(actor, row)


async def _open_agreements(actor: Actor, row: Mapping[str, Any]) -> None:
    environments = await _environments_of(row["id"])
    await agreements.open_missing(
        actor,
        organisation_id=row["organisation"],
        audience=row["audience"],
        entry_ids=[environment.id for environment in environments],
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
