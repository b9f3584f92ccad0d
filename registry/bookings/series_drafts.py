"""Changing a series that has not been sent: what the request says, or other times in the place of those chosen."""

from dataclasses import replace
from uuid import UUID

from registry import database
from registry.access import Actor
from registry.audit.service import EventType, record
from registry.bookings import queries, rules, series, service
from registry.bookings.recurrence import SeriesRule
from registry.bookings.requests import BookingText
from registry.bookings.states import BookingState
from registry.errors import N_, NotFound, RuleBroken, message

_EDITABLE = frozenset({BookingState.DRAFT, BookingState.CHANGES_REQUESTED})


async def change_series(actor: Actor, series_id: UUID, text: BookingText) -> None:
    """Change what the request says for every occurrence that has not been sent or was sent back; times stay.

    Raises:
        NotFound, NotPermitted, InvalidInput; RuleBroken: all of them have been sent.
    """
    async with database.transaction():
        rows = await series.chosen(actor, series_id, "submit", None, None)
        for row in rows:
            if BookingState(row["state"]) in _EDITABLE:
                own = replace(text, starts_at=row["starts_at"], ends_at=row["ends_at"])
                await service.change_booking(actor, row["id"], own)
        await record(actor, EventType.SERIES_CHANGED, series_id)


async def change_request(actor: Actor, booking_id: UUID, series_id: UUID | None, text: BookingText) -> None:
    """Change a request; where it is one of a series, what it says is changed for all of them, and times stay."""
    if series_id is None:
        await service.change_booking(actor, booking_id, text)
    else:
        await change_series(actor, series_id, text)


async def replace_draft(
    actor: Actor, booking_id: UUID, text: BookingText, rule: SeriesRule | None, *, partial: bool = False
) -> UUID:
    """Put other times in the place of a draft, or of a series of drafts; returns the id of the first new booking.

    Raises:
        NotFound; RuleBroken: one of them has been sent. Otherwise as `series.create_series` and
            `service.create_booking`.
    """
    async with database.transaction():
        old = await database.fetch_one("SELECT series, organisation FROM booking WHERE id = $1", booking_id)
        if old is None:
            raise NotFound
        rows = await database.fetch(
            "SELECT * FROM booking WHERE id = $1 OR series = $2 ORDER BY starts_at, id FOR UPDATE",
            booking_id,
            old["series"],
        )
        facts = await queries.facts_of_all(rows)
        if not all(rules.is_requester.allows(actor, one) for one in facts.values()):
            raise NotFound
        if any(one.state is not BookingState.DRAFT for one in facts.values()):
            raise RuleBroken(
                message(N_("The request has been sent, so it cannot be changed. Withdraw it and make a new one."))
            )
        for row in rows:
            await record(actor, EventType.BOOKING_CHANGED, row["id"], {"replaced": True})
        await database.fetch("DELETE FROM booking WHERE id = ANY ($1)", [row["id"] for row in rows])
        await database.fetch("DELETE FROM booking_series WHERE id = $1", old["series"])
        if rule is None:
            return await service.create_booking(actor, text, organisation_id=old["organisation"])
        made = await series.create_series(actor, text, rule, organisation_id=old["organisation"], partial=partial)
    return made.changed[0]
