"""What a test showed: its effects in each of the strategy's perspectives, and what the public may read of it.

An outcome is for the parties only, until the requester's organisation has agreed to a text and a host publishes it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from registry import database
from registry.access import Actor
from registry.audit.service import EventType, record
from registry.bookings import notices, queries, rules, service
from registry.bookings.codes import EffectLevel, NoticeEvent, OutcomeDecision
from registry.bookings.rules import BookingFacts
from registry.bookings.states import BookingState
from registry.bookings.tables import OutcomeEffect
from registry.entries.codes import Perspective
from registry.errors import N_, FieldError, InvalidInput, NotPermitted, RuleBroken, invalid, message

MOST_HOURS = 10_000
MOST_SHOWN = 50


@dataclass(frozen=True)
class Effect:
    """What a test showed in one perspective, and a sentence about it."""

    perspective: Perspective
    level: EffectLevel
    text: str = ""


@dataclass(frozen=True)
class Outcome:
    """What a test showed as a whole; `hours` is how long the environment was really used."""

    decision: OutcomeDecision | None
    text: str = ""
    effects: tuple[Effect, ...] = ()
    hours: Decimal | None = None


@dataclass(frozen=True)
class Publication:
    """The public text about an outcome, who agreed to it and who published it; times are in UTC."""

    text_sv: str
    text_en: str
    written_by: str
    written_at: datetime
    agreed_by: str
    agreed_at: datetime | None
    published_by: str
    published_at: datetime | None


@dataclass(frozen=True)
class PublishedOutcome:
    """An outcome as everybody may read it. Who tested is not told. `ended_at` is in UTC.

    `example` says that the demo has made it up.
    """

    decision: OutcomeDecision
    ended_at: datetime
    text_sv: str
    text_en: str
    effects: list[Effect]
    example: bool


async def record_outcome(actor: Actor, booking_id: UUID, outcome: Outcome) -> BookingState:
    """Record what a completed booking showed and what was decided; the state it is in then.

    Raises:
        NotFound, NotPermitted, TransitionNotAllowed.
        InvalidInput: the decision or a sentence is missing, a perspective comes twice, or the hours are impossible.
    """
    _require_sane(outcome)
    async with database.transaction():
        state = await service.move_booking(actor, booking_id, "outcome", reason=outcome.text, decision=outcome.decision)
        if outcome.hours is not None:
            await database.fetch("UPDATE booking SET outcome_hours = $2 WHERE id = $1", booking_id, outcome.hours)
        if outcome.effects:
            await OutcomeEffect.insert(
                *[
                    OutcomeEffect(booking=booking_id, perspective=one.perspective, level=one.level, text=one.text)
                    for one in outcome.effects
                ]
            )
        levels = {one.perspective.value: one.level.value for one in outcome.effects}
        await record(actor, EventType.OUTCOME_RECORDED, booking_id, {"effects": levels})
    return state


def _require_sane(outcome: Outcome) -> None:
    errors = [
        FieldError(f"effect_{one.perspective.value}", message(N_("Write a sentence about what the test showed here.")))
        for one in outcome.effects
        if one.level is not EffectLevel.NOT_MEASURED and not one.text
    ]
    if len({one.perspective for one in outcome.effects}) < len(outcome.effects):
        errors.append(FieldError("effects", message(N_("The same perspective is given twice."))))
    if outcome.hours is not None and not 0 <= outcome.hours <= MOST_HOURS:
        errors.append(
            FieldError("hours", message(N_("Give the hours as a number from 0 to %(most)s."), most=MOST_HOURS))
        )
    if errors:
        raise InvalidInput(errors)


async def effects_of(booking_ids: Sequence[UUID]) -> dict[UUID, list[Effect]]:
    """The recorded effects of bookings, in the order of the strategy's perspectives."""
    rows = await database.fetch("SELECT * FROM outcome_effect WHERE booking = ANY ($1)", list(booking_ids))
    order = list(Perspective)
    found: dict[UUID, list[Effect]] = {one: [] for one in booking_ids}
    for row in sorted(rows, key=lambda row: order.index(Perspective(row["perspective"]))):
        found[row["booking"]].append(Effect(Perspective(row["perspective"]), EffectLevel(row["level"]), row["text"]))
    return found


async def publication_of(booking_id: UUID) -> Publication | None:
    """The text about a booking's outcome that is to be, or has been, published; for its parties."""
    row = await database.fetch_one(
        "SELECT o.*, w.name AS writer, coalesce(a.name, '') AS agreer, coalesce(p.name, '') AS publisher"
        " FROM outcome_publication o JOIN person w ON w.id = o.written_by LEFT JOIN person a ON a.id = o.agreed_by"
        " LEFT JOIN person p ON p.id = o.published_by WHERE o.booking = $1",
        booking_id,
    )
    if row is None:
        return None
    return Publication(
        text_sv=row["text_sv"],
        text_en=row["text_en"],
        written_by=row["writer"],
        written_at=row["written_at"],
        agreed_by=row["agreer"],
        agreed_at=row["agreed_at"],
        published_by=row["publisher"],
        published_at=row["published_at"],
    )


async def published_on(entry_id: int) -> list[PublishedOutcome]:
    """The outcomes that have been published on an entry, latest first."""
    rows = await database.fetch(
        "SELECT b.id, b.outcome_decision, coalesce(b.ended_at, b.ends_at) AS ended_at, o.text_sv, o.text_en,"
        " b.example FROM outcome_publication o JOIN booking b ON b.id = o.booking"
        " JOIN booking_environment be ON be.booking = b.id"
        " WHERE be.environment = $1 AND o.published_at IS NOT NULL ORDER BY ended_at DESC, b.id LIMIT $2",
        entry_id,
        MOST_SHOWN,
    )
    effects = await effects_of([row["id"] for row in rows])
    return [
        PublishedOutcome(
            OutcomeDecision(row["outcome_decision"]),
            row["ended_at"],
            row["text_sv"],
            row["text_en"],
            effects[row["id"]],
            row["example"],
        )
        for row in rows
    ]


async def write_text(actor: Actor, booking_id: UUID, *, text_sv: str, text_en: str) -> None:
    """Write what the public may read. By the requester's side it is agreed to; by a host it waits for their consent.

    A text that has been published is taken down by this, until the new one is published.

    Raises:
        NotFound, NotPermitted; InvalidInput: there is no text. RuleBroken: no outcome is recorded.
    """
    if not text_sv and not text_en:
        raise invalid("text_sv", N_("Write what everybody may read, in Swedish or English."))
    async with database.transaction():
        facts = await _parties(actor, booking_id)
        is_requesters = rules.is_requester.allows(actor, facts)
        await database.fetch(
            "INSERT INTO outcome_publication (booking, text_sv, text_en, written_by, agreed_by, agreed_at)"
            " VALUES ($1, $2, $3, $4, $5, CASE WHEN $5::int IS NOT NULL THEN now() END)"
            " ON CONFLICT (booking) DO UPDATE SET text_sv = excluded.text_sv, text_en = excluded.text_en,"
            " written_by = excluded.written_by, written_at = now(), agreed_by = excluded.agreed_by,"
            " agreed_at = excluded.agreed_at, published_by = NULL, published_at = NULL",
            booking_id,
            text_sv,
            text_en,
            actor.person_id,
            actor.person_id if is_requesters else None,
        )
        await record(actor, EventType.OUTCOME_TEXT_WRITTEN, booking_id, {"agreed": is_requesters})
        event = NoticeEvent.OUTCOME_AGREED if is_requesters else NoticeEvent.OUTCOME_PROPOSED
        await notices.tell(actor, booking_id, event)


async def agree(actor: Actor, booking_id: UUID) -> None:
    """Agree for the requester's organisation to the text as it is now.

    Raises:
        NotFound, NotPermitted; RuleBroken: there is no text, or it has been agreed to.
    """
    async with database.transaction():
        facts = await _parties(actor, booking_id)
        if refusal := rules.is_requester(actor, facts):
            raise NotPermitted(refusal)
        await _change(
            "agreed_by = $2, agreed_at = now()",
            "agreed_at IS NULL",
            booking_id,
            actor,
            N_("There is no text that waits for your consent. Write one, or ask the host to."),
        )
        await record(actor, EventType.OUTCOME_TEXT_AGREED, booking_id)
        await notices.tell(actor, booking_id, NoticeEvent.OUTCOME_AGREED)


async def publish(actor: Actor, booking_id: UUID) -> None:
    """Show the agreed text on the pages of the booking's environments.

    Raises:
        NotFound, NotPermitted; RuleBroken: the requester's side has not agreed to the text, or it is published.
    """
    async with database.transaction():
        facts = await _parties(actor, booking_id)
        if refusal := rules.can_decide(actor, facts):
            raise NotPermitted(refusal)
        await _change(
            "published_by = $2, published_at = now()",
            "agreed_at IS NOT NULL AND agreed_by <> $2 AND published_at IS NULL",
            booking_id,
            actor,
            N_("There is no text that the requester has agreed to and that waits. Write one, and ask for consent."),
        )
        await record(actor, EventType.OUTCOME_PUBLISHED, booking_id)
        await notices.tell(actor, booking_id, NoticeEvent.OUTCOME_PUBLISHED)


async def remove(actor: Actor, booking_id: UUID) -> None:
    """Take the text down at once. The requester's side takes its consent back by this too, also before it is shown.

    Raises:
        NotFound, NotPermitted; RuleBroken: there is nothing to take down.
    """
    async with database.transaction():
        facts = await _parties(actor, booking_id)
        nothing = N_("Nothing is published about this outcome, so there is nothing to take down.")
        if rules.is_requester.allows(actor, facts):
            gone = "agreed_by = NULL, agreed_at = NULL, published_by = NULL, published_at = NULL"
            await _change(gone, "agreed_at IS NOT NULL AND $2::int IS NOT NULL", booking_id, actor, nothing)
        else:
            gone = "published_by = NULL, published_at = NULL"
            await _change(gone, "published_at IS NOT NULL AND $2::int IS NOT NULL", booking_id, actor, nothing)
        await record(actor, EventType.OUTCOME_REMOVED, booking_id)
        await notices.tell(actor, booking_id, NoticeEvent.OUTCOME_REMOVED)


async def _parties(actor: Actor, booking_id: UUID) -> BookingFacts:
    """The facts of a locked booking with a recorded outcome, for its requester's side or a host."""
    row: Any = await service.locked(actor, booking_id)
    facts = await queries.facts_of(row)
    if refusal := (rules.is_requester | rules.is_host)(actor, facts):
        raise NotPermitted(refusal)
    if facts.state is not BookingState.OUTCOME_RECORDED:
        raise RuleBroken(message(N_("No outcome is recorded yet. Record it first, then write what may be published.")))
    return facts


async def _change(assignments: str, condition: str, booking_id: UUID, actor: Actor, refusal: str) -> None:
    rows = await database.fetch(
        f"UPDATE outcome_publication SET {assignments} WHERE booking = $1 AND {condition} RETURNING id",
        booking_id,
        actor.person_id,
    )
    if not rows:
        raise RuleBroken(message(refusal))
