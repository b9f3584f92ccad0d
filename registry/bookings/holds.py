"""The times that bookings hold: taking one, and telling why it cannot be taken.

The database holds the time of a booking and refuses any other that clashes (docs/decisions/0004).
"""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from asyncpg import ExclusionViolationError

from registry import database
from registry.access import Actor
from registry.bookings import queries, rules
from registry.bookings.states import BookingState
from registry.entries import queries as entries
from registry.entries.queries import EntryView
from registry.errors import N_, RuleBroken, TimeTaken, message
from registry.jobs.service import Job, enqueue_many

TAKEN = message(N_("Somebody else has the time. Choose another time or another environment."))


async def environments_of(booking_id: UUID) -> list[EntryView]:
    """The environments that a booking asks for, whoever may see them."""
    return list((await entries.environments_by_id(await environment_ids(booking_id))).values())


async def environment_ids(booking_id: UUID) -> list[int]:
    """The ids of the environments that a booking asks for, in order."""
    rows = await database.fetch(
        "SELECT environment FROM booking_environment WHERE booking = $1 ORDER BY environment", booking_id
    )
    return [row["environment"] for row in rows]


async def approval_days(booking_id: UUID) -> int:
    """How many days an approval waits for its agreements: the shortest of the environments' periods."""
    days: list[int] = [environment.approval_days for environment in await environments_of(booking_id)]
    return min(days)


async def require_still_bookable(row: Mapping[str, Any]) -> None:
    """Raises RuleBroken when the place has closed for this request since it was sent."""
    for environment in await environments_of(row["id"]):
        if reason := rules.still_bookable(environment, row["audience"], row["starts_at"], datetime.now(UTC)):
            raise RuleBroken(reason, environment=environment.slug)


async def try_to_hold(actor: Actor, row: Mapping[str, Any]) -> None:
    """Let the database hold the time and give it back: a time that is taken is refused by the guard itself."""
    before = await database.current_transaction().savepoint("before_holding")
    async with time_is_held(actor, row):
        await update(row["id"], {"state": BookingState.APPROVED.value})
    await before.rollback_to()  # type: ignore[no-untyped-call]  # Piccolo leaves it untyped


@asynccontextmanager
async def time_is_held(
    actor: Actor, row: Mapping[str, Any], environments: Sequence[EntryView] | None = None
) -> AsyncIterator[None]:
    """Around a change that makes the database hold a time; translates its refusal into TimeTaken.

    `row` has the time that is to be held, in `environments` or, where none are given, in those that the booking has.
    """
    savepoint = await database.current_transaction().savepoint("holding")
    try:
        yield
    except ExclusionViolationError as error:
        await savepoint.rollback_to()  # type: ignore[no-untyped-call]  # Piccolo leaves it untyped
        raise await _time_taken(actor, environments or await environments_of(row["id"]), row) from error


async def _time_taken(actor: Actor, environments: Sequence[EntryView], row: Mapping[str, Any]) -> TimeTaken:
    found = await queries.alternatives(actor, environments, row["audience"], row["starts_at"], row["ends_at"])
    reason = await queries.why_held(environments, row["starts_at"], row["ends_at"])
    return TimeTaken(reason or TAKEN, found)


async def lock_sites(environment_ids: Iterable[int]) -> list[int]:
    """Lock the sites of environments until the transaction ends, in the order in which everybody does; returns them."""
    rows = await database.fetch(
        "SELECT DISTINCT site FROM environment_lanes WHERE environment = ANY ($1) ORDER BY site",
        list(environment_ids),
    )
    for row in rows:
        await database.fetch("SELECT lock_site($1)", row["site"])
    return [row["site"] for row in rows]


async def index_sites(booking_id: UUID) -> None:
    """What the booking holds or gives back also changes in which weeks the other parts of its sites are free."""
    rows = await database.fetch(
        "SELECT DISTINCT other.environment FROM booking_environment be"
        " JOIN environment_lanes mine ON mine.environment = be.environment"
        " JOIN environment_lanes other ON other.site = mine.site WHERE be.booking = $1",
        booking_id,
    )
    await enqueue_many(Job.INDEX_ENTRY, ({"entry_id": row["environment"]} for row in rows))


async def update(booking_id: UUID, changes: Mapping[str, Any]) -> None:
    """Write columns of a booking; the caller has locked it, and logs what it does."""
    assignments = ", ".join(f"{name} = ${number}" for number, name in enumerate(changes, start=2))
    await database.fetch(f"UPDATE booking SET {assignments} WHERE id = $1", booking_id, *changes.values())
