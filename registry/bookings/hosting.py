"""Commands of hosts on what can be booked in their environments, where bookings may stand in the way."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

from registry.access import Actor
from registry.bookings import queries, waitlist
from registry.bookings.tables import Blackout
from registry.entries.calendar_service import editing, require_interval
from registry.entries.queries import site_of
from registry.errors import Bilingual, BookingsInTheWay, NotFound


async def set_blackout(
    actor: Actor, environment_id: int, starts_at: datetime, ends_at: datetime, reason: Bilingual
) -> int:
    """Let nothing new be booked in a half-open interval, in the environment, its parts and its whole; returns its id.

    Bookings that hold time in it stay: see `blackouts.bookings_touched`. From the commit on the database refuses any
    other, on every path.

    Raises:
        NotFound, NotPermitted; InvalidInput: it has no length or no reason.
    """
    require_interval(starts_at < ends_at, reason)
    site = await site_of(environment_id)
    async with editing(actor, environment_id, "blackout", also_index=site, starts_at=starts_at, ends_at=ends_at):
        rows = await Blackout.insert(
            Blackout(
                environment=environment_id,
                starts_at=starts_at,
                ends_at=ends_at,
                reason_sv=reason.sv,
                reason_en=reason.en,
            )
        ).returning(Blackout.id)
    found: int = rows[0]["id"]
    return found


async def remove_blackout(actor: Actor, environment_id: int, blackout_id: int) -> None:
    """Let the time be booked again, those who wait for it first. Raises NotFound, NotPermitted."""
    site = await site_of(environment_id)
    async with editing(actor, environment_id, "blackout_removed", also_index=site, blackout=blackout_id):
        gone = (
            await Blackout.delete()
            .where((Blackout.id == blackout_id) & (Blackout.environment == environment_id))
            .returning(Blackout.starts_at, Blackout.ends_at)
        )
        if not gone:
            raise NotFound
        await waitlist.offer_free_time([environment_id], gone[0]["starts_at"], gone[0]["ends_at"])


@asynccontextmanager
async def naming_bookings_in_the_way(actor: Actor) -> AsyncIterator[None]:
    """Around a change of an environment, outside its transaction: a refusal tells which bookings stand in the way.

    Raises:
        BookingsInTheWay: with who, when and where, as far as the actor may know.
    """
    try:
        yield
    except BookingsInTheWay as error:
        raise BookingsInTheWay(error.ids, await queries.bookings_in_the_way(actor, error.ids)) from error
