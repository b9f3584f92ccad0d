"""Requesters' wishes to move an approved or confirmed booking: reading, storing and closing them."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from asyncpg import UniqueViolationError

from registry import database
from registry.access import Actor
from registry.bookings.states import MoveState
from registry.entries import queries as entries
from registry.entries.queries import EntryLink
from registry.errors import N_, RuleBroken, message


@dataclass(frozen=True)
class NewTime:
    """Where and when a booking is to be instead: environments, and times in UTC."""

    environments: tuple[int, ...]
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True)
class MoveWish:
    """A wish that waits for the host: to which environments and time (UTC), why, who asked and when."""

    id: int
    environments: list[EntryLink]
    starts_at: datetime
    ends_at: datetime
    reason: str
    asked_by: int
    asked_by_name: str
    asked_at: datetime


async def open_wish(booking_id: UUID) -> MoveWish | None:
    """The wish that waits for the host's answer, or None."""
    row = await database.fetch_one(
        "SELECT m.*, p.name FROM move_request m JOIN person p ON p.id = m.asked_by"
        " WHERE m.booking = $1 AND m.state = 'asked'",
        booking_id,
    )
    if row is None:
        return None
    links = await entries.links_by_id(row["environments"])
    return MoveWish(
        id=row["id"],
        environments=[links[one] for one in row["environments"]],
        starts_at=row["starts_at"],
        ends_at=row["ends_at"],
        reason=row["reason"],
        asked_by=row["asked_by"],
        asked_by_name=row["name"],
        asked_at=row["asked_at"],
    )


async def store(actor: Actor, booking_id: UUID, wanted: NewTime, reason: str) -> None:
    """Store a wish.

    Raises:
        RuleBroken: another one waits already.
    """
    try:
        await database.fetch(
            "INSERT INTO move_request (booking, environments, starts_at, ends_at, reason, asked_by)"
            " VALUES ($1, $2, $3, $4, $5, $6)",
            booking_id,
            list(wanted.environments),
            wanted.starts_at,
            wanted.ends_at,
            reason,
            actor.person_id,
        )
    except UniqueViolationError as error:
        raise RuleBroken(
            message(
                N_("You or a colleague have already asked to move this booking. Wait for the host, or take that back.")
            )
        ) from error


async def answer(actor: Actor, wish_id: int, state: MoveState, text: str) -> None:
    """Store what became of a wish; the caller has locked the booking and checked the step."""
    await database.fetch(
        "UPDATE move_request SET state = $2, answer = $3, decided_by = $4, decided_at = now() WHERE id = $1",
        wish_id,
        state.value,
        text,
        actor.person_id,
    )


async def close(booking_id: UUID) -> None:
    """Take back an open wish because the booking has gone on; the caller logs what it does."""
    await database.fetch(
        "UPDATE move_request SET state = 'withdrawn', decided_at = now() WHERE booking = $1 AND state = 'asked'",
        booking_id,
    )
