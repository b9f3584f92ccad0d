"""Reading bookings and free times. What an actor may not see is not found."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from registry import database
from registry.access import Actor, Permission, require, require_signed_in
from registry.agreements.queries import MissingAgreement, missing_agreements
from registry.audit.queries import LoggedEvent, events_of
from registry.audit.service import EventType, record
from registry.bookings import rules
from registry.bookings.blackouts import Blackout, blackouts_of
from registry.bookings.free_times import (
    SEARCH_DAYS,
    Availability,
    alternatives,
    availability,
    first_free,
    is_held,
    next_free,
    why_held,
)
from registry.bookings.rules import BookingFacts
from registry.bookings.states import TRANSITIONS, BookingState
from registry.bookings.timetables import DayTimes, Part, Status, timetables
from registry.bookings.weeks import WEEKS_AHEAD, free_weeks
from registry.entries import queries as entries
from registry.errors import Message, NotFound
from registry.transitions import actions_from

# What others find here, though other files hold some of it.
__all__ = [
    "SEARCH_DAYS",
    "WEEKS_AHEAD",
    "Availability",
    "Blackout",
    "BookedEnvironment",
    "BookingRow",
    "BookingView",
    "DayTimes",
    "Part",
    "Status",
    "alternatives",
    "availability",
    "blackouts_of",
    "bookings_by_id",
    "bookings_in_the_way",
    "bookings_of_series",
    "facts_of",
    "facts_of_all",
    "first_free",
    "free_weeks",
    "get_booking",
    "is_held",
    "list_bookings",
    "missing_for",
    "next_free",
    "readable",
    "timetables",
    "waiting_for_agreement",
    "why_held",
]


# Who has read it, and that hosts have noted something, is for the log, not for the parties.
_FOR_THE_LOG = frozenset({EventType.BOOKING_READ, EventType.BOOKING_NOTED})


@dataclass(frozen=True)
class BookedEnvironment:
    """An environment of a booking, as lists show it."""

    id: int
    slug: str
    title_sv: str
    title_en: str


@dataclass(frozen=True)
class BookingRow:
    """A booking as lists show it; `row` has its columns and the organisation's and requester's names."""

    row: dict[str, Any]
    environments: list[BookedEnvironment]

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  # a column may hold any type
        try:
            return self.row[name]
        except KeyError:
            raise AttributeError(name) from None


@dataclass(frozen=True)
class BookingView:
    """A whole booking for one actor: what it lacks, what happened to it, and what the actor may do next.

    `is_own`: the actor is the requester or a colleague, and so sees the agreements too.
    """

    booking: BookingRow
    is_own: bool
    missing: list[MissingAgreement]
    events: list[LoggedEvent]
    actions: list[str]
    refusals: dict[str, Message]


_ROW = """
SELECT b.*, o.name_sv AS organisation_name_sv, o.name_en AS organisation_name_en, p.name AS requester_name,
       array_agg(be.environment ORDER BY be.environment) FILTER (WHERE be.environment IS NOT NULL) AS environment_ids
FROM booking b
JOIN organisation o ON o.id = b.organisation
JOIN person p ON p.id = b.requester
LEFT JOIN booking_environment be ON be.booking = b.id
WHERE {condition}
GROUP BY b.id, o.id, p.id
"""


# Who is responsible for each environment, and who has written, changed, sent or moved the request, asked to move it,
# or accepted an offer for it. Only the requester's side moves what has been sent; a host who moves what is approved
# has no hand in the request.
_FACTS = """
SELECT b.id,
       ARRAY(SELECT e.accountable_body FROM booking_environment be JOIN entry e ON e.id = be.environment
             WHERE be.booking = b.id ORDER BY e.id) AS bodies,
       ARRAY(SELECT e.unit FROM booking_environment be JOIN entry e ON e.id = be.environment
             WHERE be.booking = b.id ORDER BY e.id) AS units,
       ARRAY(SELECT v.actor_id FROM audit_event v WHERE v.subject_kind = 'booking' AND v.subject_id = b.id::text
             AND v.actor_id IS NOT NULL AND (v.type IN ('booking.created', 'booking.changed', 'booking.move_asked')
             OR v.data->>'action' IN ('submit', 'accept_offer')
             OR (v.type = 'booking.moved' AND v.data->>'from' = 'submitted')
             OR (v.data->>'action' = 'waitlist' AND v.data->>'from' <> 'submitted'))) AS involved
FROM booking b WHERE b.id {condition}
"""


async def facts_of(row: Any, now: datetime | None = None) -> BookingFacts:  # noqa: ANN401  # a row of any query
    """The facts for the rules, from a row with the booking's columns."""
    # For one booking the database keeps its plan, which for a list it makes anew each time.
    known = await database.fetch_one(_FACTS.format(condition="= $1"), row["id"])
    if known is None:
        raise LookupError(row["id"])
    return _facts(row, known, now)


async def facts_of_all(rows: Sequence[Any], now: datetime | None = None) -> dict[UUID, BookingFacts]:
    """As `facts_of` for several bookings at once, by their ids."""
    found = await database.fetch(_FACTS.format(condition="= ANY ($1)"), [row["id"] for row in rows])
    known = {one["id"]: one for one in found}
    return {row["id"]: _facts(row, known[row["id"]], now) for row in rows}


def _facts(row: Any, known: database.Row, now: datetime | None) -> BookingFacts:  # noqa: ANN401  # see facts_of
    return BookingFacts(
        state=BookingState(row["state"]),
        requester=row["requester"],
        organisation=row["organisation"],
        responsible=tuple(
            frozenset(x for x in pair if x is not None) for pair in zip(known["bodies"], known["units"], strict=True)
        ),
        starts_at=row["starts_at"],
        ends_at=row["ends_at"],
        now=now or datetime.now(UTC),
        involved=frozenset(known["involved"]),
        hold_until=row["hold_until"],
    )


async def get_booking(actor: Actor, booking_id: UUID) -> BookingView:
    """One booking. Reading it by way of a role that reads all bookings is logged.

    Raises:
        NotSignedIn: for a visitor.
        NotFound: there is none, or the actor may not see it.
    """
    require_signed_in(actor)
    row = await database.fetch_one(_ROW.format(condition="b.id = $1"), booking_id)
    if row is None:
        raise NotFound
    facts = await facts_of(row)
    if not rules.can_read.allows(actor, facts):
        raise NotFound
    if not (rules.is_requester | rules.hosts_one).allows(actor, facts):
        async with database.transaction():
            await record(actor, EventType.BOOKING_READ, booking_id)
    booking = (await _with_environments([row]))[0]
    possible = actions_from(TRANSITIONS, facts.state)
    refusals = {action: reason for action in possible if (reason := rules.can_take[action](actor, facts))}
    return BookingView(
        booking=booking,
        is_own=rules.is_requester.allows(actor, facts),
        missing=await missing_for(row),
        events=[event for event in await events_of("booking", booking_id) if event.type not in _FOR_THE_LOG],
        actions=[action for action in possible if action not in refusals],
        refusals=refusals,
    )


async def bookings_by_id(ids: Sequence[UUID]) -> dict[UUID, BookingRow]:
    """Bookings as lists show them, by id. The caller has checked who may know of them."""
    rows = await database.fetch(_ROW.format(condition="b.id = ANY ($1)"), list(ids))
    return {booking.id: booking for booking in await _with_environments(rows)}


async def bookings_of_series(series_id: UUID) -> list[BookingRow]:
    """The occurrences of a series as lists show them, in order. The caller checks who may know of them."""
    rows = await database.fetch(_ROW.format(condition="b.series = $1") + " ORDER BY b.occurrence", series_id)
    return await _with_environments(rows)


async def readable(actor: Actor, ids: Sequence[UUID]) -> set[UUID]:
    """Which of these bookings the actor may read."""
    condition, values = _readable_by(actor, 2)
    rows = await database.fetch(f"SELECT b.id FROM booking b WHERE b.id = ANY ($1) AND {condition}", list(ids), *values)
    return {row["id"] for row in rows}


async def missing_for(row: Any) -> list[MissingAgreement]:  # noqa: ANN401  # a row of any query
    """The agreements that a booking lacks, also when it is confirmed or runs; none once it is over or has no times."""
    waits = {BookingState.DRAFT, BookingState.SUBMITTED, BookingState.CHANGES_REQUESTED, BookingState.WAITLISTED}
    if BookingState(row["state"]) not in waits | {
        BookingState.APPROVED,
        BookingState.CONFIRMED,
        BookingState.IN_PROGRESS,
    }:
        return []
    if row["starts_at"] is None:
        return []
    ids = await database.fetch("SELECT environment FROM booking_environment WHERE booking = $1", row["id"])
    return await missing_agreements(
        row["organisation"], row["audience"], [r["environment"] for r in ids], row["starts_at"], row["ends_at"]
    )


async def list_bookings(
    actor: Actor, *, states: Sequence[BookingState] | None = None, page: int = 1, page_size: int = 20
) -> tuple[list[BookingRow], int]:
    """The actor's own bookings, those of their organisation, and those they may decide or read; latest first.

    Raises:
        NotSignedIn: for a visitor.
    """
    require_signed_in(actor)
    readable, who = _readable_by(actor, 2)
    condition = f"($1::text[] IS NULL OR b.state = ANY ($1)) AND {readable}"
    values = (None if states is None else [state.value for state in states], *who)
    # The page is cut before anything is joined to it: an organisation may have thousands of bookings.
    cut = (
        f"SELECT b.id FROM booking b WHERE {condition} ORDER BY b.created_at DESC, b.id"
        f" LIMIT ${len(values) + 1} OFFSET ${len(values) + 2}"
    )
    rows = await database.fetch(
        _ROW.format(condition=f"b.id IN ({cut})") + " ORDER BY b.created_at DESC, b.id",
        *values,
        page_size,
        (page - 1) * page_size,
    )
    total = await database.fetch_one(f"SELECT count(*) AS n FROM booking b WHERE {condition}", *values)
    return await _with_environments(rows), total["n"] if total else 0


def _readable_by(actor: Actor, first: int) -> tuple[str, list[Any]]:
    """Which bookings `b` the actor may read, and its parameters, which are numbered from `first` on.

    It says no more than what applies to the actor, so that an index serves what is left of it.
    """
    parts = [f"b.requester = ${first}", f"b.organisation = ANY (${first + 1}::int[])"]
    values: list[Any] = [actor.person_id, list(actor.limited_to(Permission.BOOKING_CREATE))]
    # Drafts are for their requester's organisation only.
    if actor.has_unlimited(Permission.BOOKING_READ_ALL) or actor.has_unlimited(Permission.BOOKING_DECIDE):
        parts.append("b.state <> 'draft'")
    elif limited := list(actor.limited_to(Permission.BOOKING_DECIDE)):
        parts.append(
            "(b.state <> 'draft' AND EXISTS (SELECT FROM booking_environment h JOIN entry e ON e.id = h.environment"
            f" WHERE h.booking = b.id AND (e.accountable_body = ANY (${first + 2}::int[])"
            f" OR e.unit = ANY (${first + 2}::int[]))))"
        )
        values.append(limited)
    return f"({' OR '.join(parts)})", values


async def waiting_for_agreement(actor: Actor, agreement_id: UUID) -> list[BookingRow]:
    """Bookings of an agreement's parties for what it covers, soonest first: those that wait and those that lost it.

    Raises:
        NotPermitted: the actor does not read all bookings.
    """
    require(actor, Permission.BOOKING_READ_ALL)
    rows = await database.fetch(
        _ROW.format(
            condition="(b.state IN ('submitted', 'approved') OR b.agreement_lost_at IS NOT NULL) AND b.ends_at > now()"
            " AND EXISTS ("
            " SELECT FROM agreement_party p WHERE p.agreement = $1 AND p.organisation = b.organisation)"
            " AND EXISTS (SELECT FROM booking_environment c WHERE c.booking = b.id AND ("
            " EXISTS (SELECT FROM agreement_entry a WHERE a.entry = c.environment AND a.agreement = $1)"
            # A framework agreement covers everything that its public party answers for.
            " OR EXISTS (SELECT FROM agreement f JOIN agreement_party p ON p.agreement = f.id AND p.role = 'region'"
            " JOIN entry e ON e.id = c.environment JOIN organisation o ON o.id = e.accountable_body"
            " WHERE f.id = $1 AND f.framework AND p.organisation IN (o.id, o.parent))))"
        )
        + " ORDER BY b.starts_at, b.id LIMIT 50",
        agreement_id,
    )
    return await _with_environments(rows)


async def bookings_in_the_way(actor: Actor, ids: Sequence[UUID]) -> list[dict[str, Any]]:
    """Bookings that stand in the way of a change, soonest first: when, where, and who with how to reach them.

    Who it is and the address of the booking are left out (None) where the actor may not read the booking.
    """
    condition, values = _readable_by(actor, 2)
    rows = await database.fetch(
        f"SELECT * FROM ({_ROW.format(condition='b.id = ANY ($1)')}) AS found JOIN LATERAL ("
        f" SELECT p.email, {condition} AS is_readable FROM booking b JOIN person p ON p.id = b.requester"
        " WHERE b.id = found.id) AS more ON true ORDER BY starts_at, id",
        list(ids),
        *values,
    )
    return [
        {
            "id": str(one.id),
            "state": one.state,
            "starts_at": one.starts_at,
            "ends_at": one.ends_at,
            "environments": [
                {"slug": place.slug, "title": {"sv": place.title_sv, "en": place.title_en}}
                for place in one.environments
            ],
            "organisation": {"sv": one.organisation_name_sv, "en": one.organisation_name_en}
            if one.is_readable
            else None,
            "contact": {"name": one.requester_name, "email": one.email} if one.is_readable else None,
            "href": f"/bookings/{one.id}" if one.is_readable else None,
        }
        for one in await _with_environments(rows)
    ]


async def _with_environments(rows: Sequence[database.Row]) -> list[BookingRow]:
    ids = {entry_id for row in rows for entry_id in row["environment_ids"] or []}
    links = await entries.links_by_id(ids)
    return [
        BookingRow(
            dict(row),
            [
                BookedEnvironment(link.id, link.slug, link.title_sv, link.title_en)
                for link in (links[entry_id] for entry_id in row["environment_ids"] or [])
            ],
        )
        for row in rows
    ]
