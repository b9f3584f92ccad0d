"""The demo's bookings. They are written directly, because most of them lie in the past."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import UUID, uuid4

from registry import database
from registry.access import SYSTEM, Actor
from registry.agreements import service as agreements
from registry.bookings import outcomes, replies, series
from registry.bookings.codes import Frequency, ReplyKind
from registry.bookings.recurrence import SeriesRule
from registry.bookings.replies import ReplyText
from registry.bookings.requests import BookingText
from registry.bookings.rules import STOCKHOLM
from registry.demo.files import day
from registry.entries.codes import Perspective

_BOOKING = """
INSERT INTO booking (
    id, state, requester, organisation, audience, starts_at, ends_at, purpose, operational_benefit, user_benefit,
    perspectives, trl, participants, personal_data, ethics_reference, accessibility_needs, example, created_at,
    submitted_at, decided_at, decided_by, hold_until, confirmed_at, reason, outcome_decision, outcome_text
) VALUES ($1, 'draft', $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, true, $16, $17, $18, $19, $20, $21,
          $22, NULL, $23)
"""
_EVENT = """
INSERT INTO audit_event (at, actor_id, actor_name, type, subject_kind, subject_id, data)
VALUES ($1, $2, $3, $4, 'booking', $5, $6::jsonb)
"""
_MESSAGE = """
INSERT INTO booking_message (booking, author, side, state, text, created_at) VALUES ($1, $2, $3, $4, $5, $6)
"""
_NOTE = "INSERT INTO booking_note (booking, author, role, text, created_at) VALUES ($1, $2, 'host', $3, $4)"
_EFFECT = "INSERT INTO outcome_effect (booking, perspective, level, text) VALUES ($1, $2, $3, $4)"
# What a booking went through to get to a state: the action, the state, who did it, and the key of its day.
_WAY = {
    "submitted": (("submit", "submitted", "requester", "submitted_days"),),
    "approved": (("approve", "approved", "host", "decided_days"),),
    "confirmed": (("confirm", "confirmed", "registry", "confirmed_days"),),
    "completed": (("start", "in_progress", "host", ""), ("complete", "completed", "host", "")),
    "outcome_recorded": (("outcome", "outcome_recorded", "host", ""),),
    "changes_requested": (("request_changes", "changes_requested", "host", "decided_days"),),
    "declined": (("decline", "declined", "host", "decided_days"),),
    "waitlisted": (("waitlist", "waitlisted", "host", ""),),
    "withdrawn": (("withdraw", "withdrawn", "requester", ""),),
}
_BEFORE = {
    "draft": (),
    "submitted": ("submitted",),
    "approved": ("submitted", "approved"),
    "confirmed": ("submitted", "approved", "confirmed"),
    "completed": ("submitted", "approved", "confirmed", "completed"),
    "outcome_recorded": ("submitted", "approved", "confirmed", "completed", "outcome_recorded"),
    "changes_requested": ("submitted", "changes_requested"),
    "declined": ("submitted", "declined"),
    "waitlisted": ("submitted", "waitlisted"),
    "withdrawn": ("submitted", "withdrawn"),
}


async def seed_bookings(
    data: list[dict[str, Any]],
    organisations: Mapping[str, int],
    slugs: Mapping[str, int],
    people: Mapping[str, Actor],
) -> None:
    """Insert the example bookings; the database takes the times of those that hold one, as for any booking."""
    for one in data:
        await _insert(one, organisations, slugs, people)


async def _insert(
    one: Mapping[str, Any], organisations: Mapping[str, int], slugs: Mapping[str, int], people: Mapping[str, Actor]
) -> None:
    booking_id = uuid4()
    starts_at, ends_at = _times(one)
    host, requester = people["host"], people[one["requester"]]
    created = _noon_of(one["submitted_days"] - 1) if one["submitted_days"] is not None else datetime.now(UTC)
    decided = _noon(one["decided_days"])
    await database.fetch(
        _BOOKING,
        booking_id,
        requester.person_id,
        organisations[one["organisation"]],
        one["audience"],
        starts_at,
        ends_at,
        one["purpose"],
        one["operational_benefit"],
        one["user_benefit"],
        one["perspectives"],
        one["trl"],
        one["participants"],
        one["personal_data"],
        one["ethics_reference"],
        one["accessibility_needs"],
        created,
        _noon(one["submitted_days"]),
        decided,
        host.person_id if decided else None,
        decided + timedelta(days=30) if decided and one["state"] == "approved" else None,
        _noon(one["confirmed_days"]),
        one["reason"],
        one["outcome_text"],
    )
    for slug in one["environments"]:
        await database.fetch(
            "INSERT INTO booking_environment (booking, environment) VALUES ($1, $2)", booking_id, slugs[slug]
        )
    await _log(booking_id, created, requester, "booking.created", {"environments": one["environments"]})
    before = "draft"
    for stage in _BEFORE[one["state"]]:
        for action, state, who, key in _WAY[stage]:
            at = _noon(one[key]) if key else None
            actor = {"requester": requester, "host": host}.get(who)
            data = {"action": action, "from": before, "to": state, "reason": ""}
            await _log(booking_id, at or min(ends_at, datetime.now(UTC)), actor, "booking.state_changed", data)
            before = state
    if one["state"] in {"submitted", "approved", "changes_requested", "waitlisted"}:
        await agreements.open_missing(
            requester,
            organisation_id=organisations[one["organisation"]],
            audience=one["audience"],
            entry_ids=[slugs[slug] for slug in one["environments"]],
            starts_at=starts_at,
            ends_at=ends_at,
        )
    # Only now, so that the database takes the time of all environments at once.
    await database.fetch(
        "UPDATE booking SET state = $2, outcome_decision = $3 WHERE id = $1",
        booking_id,
        one["state"],
        one["outcome_decision"],
    )
    await _write(booking_id, one, host, requester, decided)
    await _publish(booking_id, one, host, requester)


async def _publish(booking_id: UUID, one: Mapping[str, Any], host: Actor, requester: Actor) -> None:
    """What a test showed in each perspective, and what both sides want everybody to read of it."""
    for effect in one.get("effects", ()):
        await database.fetch(_EFFECT, booking_id, effect["perspective"], effect["level"], effect["text"])
    if published := one.get("published"):
        await outcomes.write_text(host, booking_id, text_sv=published["sv"], text_en=published["en"])
        await outcomes.agree(requester, booking_id)
        await outcomes.publish(host, booking_id)


async def seed_series(slug: str, requester: Actor) -> None:
    """Ask for a series as its requester would: four Wednesdays, or those of them that can be had."""
    soon = day(21)
    wednesday = soon + timedelta(days=(2 - soon.weekday()) % 7)
    first = datetime.combine(wednesday, time(13), STOCKHOLM)
    text = BookingText(
        environments=(slug,),
        starts_at=first,
        ends_at=first + timedelta(hours=2),
        purpose="Vi vill låta samma grupp pröva vår påminnelseklocka fyra veckor i rad och se hur vanan växer fram.",
        operational_benefit="Visar om färre glömda doser håller i sig.",
        user_benefit="Deltagarna lär sig klockan i egen takt.",
        perspectives=(Perspective.EVERYDAY_SERVICES,),
        trl=4,
        participants=8,
        example=True,
    )
    await series.create_series(requester, text, SeriesRule(Frequency.WEEKLY, count=4), submit=True, partial=True)


async def _write(
    booking_id: object, one: Mapping[str, Any], host: Actor, requester: Actor, decided: datetime | None
) -> None:
    """What both sides have written, and what the host has noted."""
    if one["reason"]:
        await database.fetch(
            _MESSAGE, booking_id, host.person_id, "host", one["state"], one["reason"], decided or datetime.now(UTC)
        )
    for message in one.get("messages", ()):
        author = host if message["side"] == "host" else requester
        at = min(_noon_of(message["days"]), datetime.now(UTC))
        await database.fetch(_MESSAGE, booking_id, author.person_id, message["side"], None, message["text"], at)
        await _log(booking_id, at, author, "booking.message_sent", {"side": message["side"]})
    for note in one.get("notes", ()):
        await database.fetch(_NOTE, booking_id, host.person_id, note["text"], _noon_of(note["days"]))
        await _log(booking_id, _noon_of(note["days"]), host, "booking.noted", {})


async def seed_replies(data: list[dict[str, Any]], slugs: Mapping[str, int]) -> None:
    """Keep the example replies for the bodies that answer for the environments named."""
    for one in data:
        row = await database.fetch_one("SELECT accountable_body FROM entry WHERE id = $1", slugs[one["entry"]])
        if row is None:
            raise LookupError(one["entry"])
        await replies.create_reply(
            SYSTEM,
            ReplyText(row["accountable_body"], ReplyKind(one["kind"]), one["title"], one["text_sv"], one["text_en"]),
        )


async def _log(booking_id: object, at: datetime, actor: Actor | None, kind: str, data: Mapping[str, object]) -> None:
    await database.fetch(
        _EVENT,
        at,
        actor.person_id if actor else None,
        "" if actor else "registry",
        kind,
        str(booking_id),
        json.dumps(data),
    )


def _times(one: Mapping[str, Any]) -> tuple[datetime, datetime]:
    """The first such weekday on or after the day named, at the local times named."""
    first = day(one["days"])
    chosen = first + timedelta(days=(one["weekday"] - first.isoweekday()) % 7)
    starts, ends = time.fromisoformat(one["starts"]), time.fromisoformat(one["ends"])
    return tuple(datetime.combine(chosen, at, tzinfo=STOCKHOLM).astimezone(UTC) for at in (starts, ends))  # type: ignore[return-value]  # two of them


def _noon(offset: int | None) -> datetime | None:
    return None if offset is None else _noon_of(offset)


def _noon_of(offset: int) -> datetime:
    return datetime.combine(day(offset), time(12), tzinfo=UTC)
