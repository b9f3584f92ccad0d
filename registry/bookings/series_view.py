"""Reading a series of bookings: its rule, its occurrences, and what somebody may do with all of them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from registry import database
from registry.access import Actor, require_signed_in
from registry.agreements.queries import MissingAgreement
from registry.audit.service import EventType, record
from registry.bookings import queries, rules
from registry.bookings.codes import Forecast, Frequency, MonthlyBy
from registry.bookings.queries import BookingRow
from registry.bookings.recurrence import SeriesRule
from registry.bookings.rules import BookingFacts
from registry.bookings.states import TRANSITIONS
from registry.errors import NotFound
from registry.transitions import actions_from

# What can be done with several occurrences at once; what concerns one day only (checking in) is not among it.
SERIES_ACTIONS = ("submit", "approve", "request_changes", "decline", "withdraw", "cancel")
# What is over need not be ended.
_NOT_AFTERWARDS = frozenset({"withdraw", "cancel"})


@dataclass(frozen=True)
class LeftOut:
    """A time of a series that could not be had; moments are in UTC, None where there is no such time."""

    day: date
    starts_at: datetime | None
    ends_at: datetime | None
    forecast: Forecast


@dataclass(frozen=True)
class SeriesView:
    """A series for one actor. `missing` is what its bookings lack, `actions` which ones each action can be taken on.

    `is_own`: the actor is the requester of one of them or a colleague.
    """

    id: UUID
    rule: SeriesRule
    starts_at: datetime
    ends_at: datetime
    bookings: list[BookingRow]
    left_out: list[LeftOut]
    missing: Mapping[UUID, list[MissingAgreement]]
    actions: Mapping[str, list[UUID]]
    is_own: bool


async def get_series(actor: Actor, series_id: UUID) -> SeriesView:
    """A series with those of its occurrences that the actor may see.

    Raises:
        NotSignedIn: for a visitor.
        NotFound: there is none, or the actor may see none of its bookings.
    """
    require_signed_in(actor)
    row = await database.fetch_one("SELECT * FROM booking_series WHERE id = $1", series_id)
    bookings = await queries.bookings_of_series(series_id) if row else []
    facts = await queries.facts_of_all([booking.row for booking in bookings])
    bookings = [booking for booking in bookings if rules.can_read.allows(actor, facts[booking.id])]
    if row is None or not bookings:
        raise NotFound
    if not any((rules.is_requester | rules.hosts_one).allows(actor, facts[booking.id]) for booking in bookings):
        async with database.transaction():
            await record(actor, EventType.SERIES_READ, series_id)
    return SeriesView(
        id=series_id,
        rule=rule_of(row),
        starts_at=row["starts_at"],
        ends_at=row["ends_at"],
        bookings=bookings,
        left_out=[_left_out(one) for one in json.loads(row["left_out"])],
        missing=await _missing(bookings),
        actions=_actions(actor, facts),
        is_own=any(rules.is_requester.allows(actor, one) for one in facts.values()),
    )


def rule_of(row: database.Row) -> SeriesRule:
    """The rule of a series, from its row."""
    return SeriesRule(
        frequency=Frequency(row["frequency"]),
        every=row["every"],
        weekdays=frozenset(row["weekdays"]),
        monthly_by=MonthlyBy(row["monthly_by"] or MonthlyBy.DATE),
        until=row["until"],
        count=row["times"],
        exceptions=frozenset(row["exceptions"]),
    )


def possible(actor: Actor, action: str, facts: BookingFacts) -> bool:
    """Whether somebody can take this action on an occurrence, and has a reason to."""
    if action not in actions_from(TRANSITIONS, facts.state) or not rules.can_take[action].allows(actor, facts):
        return False
    has_begun = facts.starts_at is not None and facts.starts_at <= datetime.now(UTC)
    return not (has_begun and action in _NOT_AFTERWARDS)


def _actions(actor: Actor, facts: Mapping[UUID, BookingFacts]) -> dict[str, list[UUID]]:
    found = {action: [id for id, one in facts.items() if possible(actor, action, one)] for action in SERIES_ACTIONS}
    return {action: ids for action, ids in found.items() if ids}


async def _missing(bookings: Sequence[BookingRow]) -> dict[UUID, list[MissingAgreement]]:
    """What each booking lacks. Where nothing is missing for the whole span of the series, no single one is asked."""
    found: dict[UUID, list[MissingAgreement]] = {booking.id: [] for booking in bookings}
    alike: dict[tuple[Any, ...], list[BookingRow]] = {}
    for booking in bookings:
        if booking.starts_at is not None:
            places = tuple(one.id for one in booking.environments)
            alike.setdefault((booking.state, booking.organisation, places), []).append(booking)
    for group in alike.values():
        span = {"starts_at": min(one.starts_at for one in group), "ends_at": max(one.ends_at for one in group)}
        if await queries.missing_for({**group[0].row, **span}):
            for booking in group:
                found[booking.id] = await queries.missing_for(booking.row)
    return found


def _left_out(one: Mapping[str, Any]) -> LeftOut:
    return LeftOut(
        day=date.fromisoformat(one["day"]),
        starts_at=datetime.fromisoformat(one["starts_at"]) if one["starts_at"] else None,
        ends_at=datetime.fromisoformat(one["ends_at"]) if one["ends_at"] else None,
        forecast=Forecast(one["forecast"]),
    )
