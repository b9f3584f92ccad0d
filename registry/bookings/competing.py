"""Requests that want the same time: who they are, and which of them can be approved beside each other.

What goes together is asked of the guard itself, which takes the holds and gives them back (docs/decisions/0004): no
code here counts capacity, buffers or parts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from asyncpg import LockNotAvailableError

from registry import database
from registry.access import Actor
from registry.agreements.queries import Asked, MissingAgreement, missing_agreements_of_many
from registry.bookings import queries, rules
from registry.bookings.queries import BookingRow
from registry.entries import queries as entries
from registry.errors import Message

# So many are compared; a place with more is rare, and the page says that there are more.
MOST = 50


@dataclass(frozen=True)
class Competitor:
    """A request that wants some of the same time as another.

    `fits_now`: the guard would take it as things are. `fits_after`: also once the other is approved. Both are None
    where somebody was deciding on one of them at that moment. `closed`: why it cannot be approved at all, whoever has
    the time. `is_readable`: the actor may open it; otherwise its texts are not shown.
    """

    booking: BookingRow
    missing: list[MissingAgreement]
    fits_now: bool | None
    fits_after: bool | None
    closed: Message | None
    is_readable: bool


@dataclass(frozen=True)
class Competition:
    """A booking among those that want some of the same time, oldest first; `total` may be more than are listed.

    `fits`: the guard would take the booking itself now (or has); None as for a competitor.
    """

    others: list[Competitor]
    total: int
    fits: bool | None


async def competition(actor: Actor, booking_id: UUID, now: datetime) -> Competition:
    """What waits for some of the same time as a booking, and what becomes of it if this one is approved.

    `now` is in UTC. The caller has checked that the actor may see the booking.
    """
    rows = await database.fetch(
        "SELECT o.id, count(*) OVER () AS total FROM competing_bookings($1) AS c (id) JOIN booking o ON o.id = c.id"
        " ORDER BY coalesce(o.submitted_at, o.created_at), o.id LIMIT $2",
        booking_id,
        MOST,
    )
    ids = [row["id"] for row in rows]
    now_fit = await preview([], [booking_id, *ids])
    after_fit = await preview([booking_id], ids) if ids else now_fit
    found = await _compared(actor, ids, now)
    return Competition(
        others=[
            Competitor(
                booking=booking,
                missing=missing,
                fits_now=now_fit.get(booking.id),
                fits_after=after_fit.get(booking.id),
                closed=closed,
                is_readable=is_readable,
            )
            for booking, missing, closed, is_readable in found
        ],
        total=rows[0]["total"] if rows else 0,
        fits=now_fit.get(booking_id),
    )


async def preview(kept: Sequence[UUID], tried: Sequence[UUID]) -> dict[UUID, bool]:
    """What the guard says: of those kept, approved one after the other; and of each tried, alone beside them.

    Nothing is changed. Empty while somebody is deciding on one of them.
    """
    try:
        rows = await database.fetch("SELECT booking, fits FROM approval_preview($1, $2)", list(kept), list(tried))
    except LockNotAvailableError:
        return {}
    return {row["booking"]: row["fits"] for row in rows}


async def _compared(
    actor: Actor, ids: Sequence[UUID], now: datetime
) -> list[tuple[BookingRow, list[MissingAgreement], Message | None, bool]]:
    if not ids:
        return []
    by_id = await queries.bookings_by_id(ids)
    bookings = [by_id[one] for one in ids if one in by_id]
    readable = await queries.readable(actor, ids)
    environments = await entries.environments_by_id({one.id for booking in bookings for one in booking.environments})
    missing = await missing_agreements_of_many(
        [
            Asked(
                booking.organisation,
                booking.audience,
                [one.id for one in booking.environments],
                booking.starts_at,
                booking.ends_at,
            )
            for booking in bookings
        ]
    )
    return [
        (booking, lacking, _closed(booking, environments, now), booking.id in readable)
        for booking, lacking in zip(bookings, missing, strict=True)
    ]


def _closed(booking: BookingRow, environments: dict[int, entries.EntryView], now: datetime) -> Message | None:
    for one in booking.environments:
        if reason := rules.may_be_held(environments[one.id], booking.audience, booking.starts_at, booking.ends_at, now):
            return reason
    return None
