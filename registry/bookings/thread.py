"""What the two sides of a booking write to each other, and what its hosts note for themselves. Both are append-only."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from registry import database
from registry.access import Actor, Role, require_signed_in
from registry.audit.service import EventType, record
from registry.bookings import notices, queries, rules
from registry.bookings.codes import NoticeEvent, Part, Side
from registry.bookings.rules import BookingFacts
from registry.bookings.states import BookingState
from registry.bookings.tables import BookingMessage, BookingNote
from registry.errors import N_, NotFound, NotPermitted, RuleBroken, invalid

LONGEST_TEXT = 5000
# What a page shows at most; the API gives all, page by page.
SHOWN = 200
_OTHER_PART = {Side.REQUESTER: Part.HOST, Side.HOST: Part.REQUESTER}


@dataclass(frozen=True)
class ThreadMessage:
    """A message; `created_at` is in UTC. `state` is what the booking became where the text was given as a reason."""

    id: int
    author: str
    side: Side
    state: BookingState | None
    text: str
    created_at: datetime


@dataclass(frozen=True)
class Note:
    """A note of a host; `created_at` is in UTC, `role` the author's."""

    id: int
    author: str
    role: Role
    text: str
    created_at: datetime


async def send_message(actor: Actor, booking_id: UUID, text: str) -> int:
    """Write to the other side, which is told by mail; returns the message's id.

    Raises:
        NotSignedIn; NotFound: the actor may not see the booking.
        NotPermitted: the actor reads it, but is on neither side. RuleBroken: the request has not been sent.
        InvalidInput: the text is blank or longer than 5,000 characters.
    """
    text = _checked(text)
    async with database.transaction():
        facts = await _facts(actor, booking_id)
        if refusal := rules.can_write(actor, facts):
            raise NotPermitted(refusal)
        if refusal := rules.is_sent(actor, facts):
            raise RuleBroken(refusal)
        side = rules.side_of(actor, facts) or Side.REQUESTER
        message_id = await _insert(actor, booking_id, side, None, text)
        await record(actor, EventType.BOOKING_MESSAGE_SENT, booking_id, {"message": message_id, "side": side.value})
        other = _OTHER_PART[side]
        await notices.tell(actor, booking_id, NoticeEvent.MESSAGE, reason=text, only=frozenset({other}))
    return message_id


async def add_reason(actor: Actor, row: Mapping[str, Any], state: BookingState, reason: str) -> None:
    """Keep the reason of a step in the thread. The command that took the step logs it and tells people."""
    side = rules.side_of(actor, await queries.facts_of(row))
    if side is not None:
        await _insert(actor, row["id"], side, state, reason[:LONGEST_TEXT])


async def list_messages(
    actor: Actor, booking_id: UUID, *, page: int = 1, page_size: int = 50
) -> tuple[list[ThreadMessage], int]:
    """A page of a booking's messages, oldest first, and how many there are.

    Raises:
        NotSignedIn; NotFound: the actor may not see the booking.
    """
    await _facts(actor, booking_id)
    rows = await database.fetch(
        f"{_MESSAGES} ORDER BY m.id LIMIT $2 OFFSET $3", booking_id, page_size, (page - 1) * page_size
    )
    total = await database.fetch_one("SELECT count(*) AS n FROM booking_message WHERE booking = $1", booking_id)
    return [_message(row) for row in rows], total["n"] if total else 0


async def get_message(message_id: int) -> ThreadMessage:
    """A message by its id, for whoever has just sent it.

    Raises:
        NotFound: there is none.
    """
    row = await database.fetch_one(_ONE, message_id)
    if row is None:
        raise NotFound
    return _message(row)


async def latest_messages(booking_id: UUID) -> list[ThreadMessage]:
    """The latest messages of a booking, oldest first. The caller has checked that the actor may see it."""
    rows = await database.fetch(f"{_MESSAGES} ORDER BY m.id DESC LIMIT $2", booking_id, SHOWN)
    return [_message(row) for row in reversed(rows)]


async def add_note(actor: Actor, booking_id: UUID, text: str) -> int:
    """Note something for the hosts of the booking's environments; returns the note's id. Nobody is told by mail.

    Raises:
        NotSignedIn; NotFound: the actor may not see the booking.
        NotPermitted: the actor hosts none of its environments, or has asked for it.
        InvalidInput: the text is blank or longer than 5,000 characters.
    """
    text = _checked(text)
    async with database.transaction():
        facts = await _facts(actor, booking_id)
        if refusal := rules.can_note(actor, facts):
            raise NotPermitted(refusal)
        rows = await BookingNote.insert(
            BookingNote(booking=booking_id, author=actor.person_id, role=Role.HOST.value, text=text)
        ).returning(BookingNote.id)
        note_id: int = rows[0]["id"]
        await record(actor, EventType.BOOKING_NOTED, booking_id, {"note": note_id})
    return note_id


async def notes_for(actor: Actor, booking_id: UUID) -> list[Note] | None:
    """The hosts' notes on a booking, oldest first; None where they are not for the actor.

    Raises:
        NotSignedIn; NotFound: the actor may not see the booking.
    """
    if not rules.can_read_notes.allows(actor, await _facts(actor, booking_id)):
        return None
    rows = await database.fetch(
        "SELECT n.id, p.name AS author, n.role, n.text, n.created_at FROM booking_note n"
        " JOIN person p ON p.id = n.author WHERE n.booking = $1 ORDER BY n.id DESC LIMIT $2",
        booking_id,
        SHOWN,
    )
    return [Note(row["id"], row["author"], Role(row["role"]), row["text"], row["created_at"]) for row in reversed(rows)]


_SELECT = """
SELECT m.id, p.name AS author, m.side, m.state, m.text, m.created_at
FROM booking_message m JOIN person p ON p.id = m.author WHERE
"""
_MESSAGES = f"{_SELECT} m.booking = $1"
_ONE = f"{_SELECT} m.id = $1"


def _message(row: database.Row) -> ThreadMessage:
    return ThreadMessage(
        id=row["id"],
        author=row["author"],
        side=Side(row["side"]),
        state=BookingState(row["state"]) if row["state"] else None,
        text=row["text"],
        created_at=row["created_at"],
    )


async def _facts(actor: Actor, booking_id: UUID) -> BookingFacts:
    """The facts of a booking that the actor may see."""
    require_signed_in(actor)
    row = await database.fetch_one("SELECT * FROM booking WHERE id = $1", booking_id)
    if row is None:
        raise NotFound
    facts = await queries.facts_of(row)
    if not rules.can_read.allows(actor, facts):
        raise NotFound
    return facts


def _checked(text: str) -> str:
    text = text.strip()
    if not text:
        raise invalid("text", N_("Write something first."))
    if len(text) > LONGEST_TEXT:
        raise invalid("text", N_("The text is too long: at most %(most)s characters."), most=LONGEST_TEXT)
    return text


async def _insert(actor: Actor, booking_id: UUID, side: Side, state: BookingState | None, text: str) -> int:
    rows = await BookingMessage.insert(
        BookingMessage(
            booking=booking_id,
            author=actor.person_id,
            side=side.value,
            state=state.value if state else None,
            text=text,
        )
    ).returning(BookingMessage.id)
    message_id: int = rows[0]["id"]
    return message_id
