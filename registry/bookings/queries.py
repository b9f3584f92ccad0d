"""Reading bookings and free times. What an actor may not see is not found."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from registry import database
from registry.access import Actor, Permission, require, require_signed_in
from registry.agreements.queries import MissingAgreement, missing_agreements
from registry.audit.queries import LoggedEvent, events_of
from registry.audit.service import EventType, record
from registry.bookings import rules
from registry.bookings.rules import BookingFacts, Interval
from registry.bookings.states import TRANSITIONS, BookingState
from registry.bookings.weeks import free_weeks
from registry.entries import queries as entries
from registry.entries.queries import EntryView
from registry.errors import Message, NotFound
from registry.transitions import actions_from

# What others find here, though weeks.py holds some of it.
__all__ = [
    "SEARCH_DAYS",
    "Availability",
    "BookedEnvironment",
    "BookingRow",
    "BookingView",
    "DayAvailability",
    "Segment",
    "alternatives",
    "availability",
    "bookings_by_id",
    "competing",
    "facts_of",
    "free_weeks",
    "get_booking",
    "is_held",
    "list_bookings",
    "missing_for",
    "next_free",
    "waiting_for_agreement",
    "waiting_for_host",
    "week_availability",
]

# How far ahead alternatives and next free times are looked for.
SEARCH_DAYS = 60


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


async def facts_of(row: Any, now: datetime | None = None) -> BookingFacts:  # noqa: ANN401  # a row of any query
    """The facts for the rules, from a row with the booking's columns."""
    responsible = await database.fetch(
        "SELECT e.accountable_body, e.unit FROM booking_environment be JOIN entry e ON e.id = be.environment"
        " WHERE be.booking = $1 ORDER BY e.id",
        row["id"],
    )
    involved = await database.fetch(
        "SELECT DISTINCT actor_id FROM audit_event WHERE subject_kind = 'booking' AND subject_id = $1"
        " AND actor_id IS NOT NULL AND (type IN ('booking.created', 'booking.changed') OR data->>'action' = 'submit')",
        str(row["id"]),
    )
    return BookingFacts(
        state=BookingState(row["state"]),
        requester=row["requester"],
        organisation=row["organisation"],
        responsible=tuple(
            frozenset(x for x in (r["accountable_body"], r["unit"]) if x is not None) for r in responsible
        ),
        starts_at=row["starts_at"],
        ends_at=row["ends_at"],
        now=now or datetime.now(UTC),
        involved=frozenset(r["actor_id"] for r in involved),
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
        # Who has read it is for the log, not for the parties.
        events=[event for event in await events_of("booking", booking_id) if event.type != EventType.BOOKING_READ],
        actions=[action for action in possible if action not in refusals],
        refusals=refusals,
    )


async def bookings_by_id(ids: Sequence[UUID]) -> dict[UUID, BookingRow]:
    """Bookings as lists show them, by id. The caller has checked who may know of them."""
    rows = await database.fetch(_ROW.format(condition="b.id = ANY ($1)"), list(ids))
    return {booking.id: booking for booking in await _with_environments(rows)}


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
    condition = f"""
        ($1::text[] IS NULL OR b.state = ANY ($1)) AND (
            b.requester = $2 OR b.organisation = ANY ($3) OR ($4 AND b.state <> 'draft')
            OR {_HOSTED.format(unlimited="$5", limited="$6")}
        )
    """
    values = (
        None if states is None else [state.value for state in states],
        actor.person_id,
        list(actor.limited_to(Permission.BOOKING_CREATE)),
        actor.has_unlimited(Permission.BOOKING_READ_ALL),
        actor.has_unlimited(Permission.BOOKING_DECIDE),
        list(actor.limited_to(Permission.BOOKING_DECIDE)),
    )
    rows = await database.fetch(
        _ROW.format(condition=condition) + " ORDER BY b.created_at DESC, b.id LIMIT $7 OFFSET $8",
        *values,
        page_size,
        (page - 1) * page_size,
    )
    total = await database.fetch_one(f"SELECT count(*) AS n FROM booking b WHERE {condition}", *values)
    return await _with_environments(rows), total["n"] if total else 0


# Drafts are for their requester's organisation only.
_HOSTED = """
    (b.state <> 'draft' AND EXISTS (
        SELECT FROM booking_environment h JOIN entry e ON e.id = h.environment
        WHERE h.booking = b.id AND ({unlimited} OR e.accountable_body = ANY ({limited}) OR e.unit = ANY ({limited}))
    ))
"""


async def waiting_for_host(actor: Actor) -> list[BookingRow]:
    """What waits for the actor's decision as a host, oldest first; their own requests are left out."""
    require_signed_in(actor)
    rows = await database.fetch(
        _ROW.format(
            condition="b.state IN ('submitted', 'approved', 'confirmed', 'in_progress', 'completed', 'waitlisted')"
            " AND b.requester <> $1 AND " + _HOSTED.format(unlimited="$2", limited="$3")
        )
        + " ORDER BY b.state = 'submitted' DESC, coalesce(b.submitted_at, b.created_at), b.id LIMIT 200",
        actor.person_id,
        actor.has_unlimited(Permission.BOOKING_DECIDE),
        list(actor.limited_to(Permission.BOOKING_DECIDE)),
    )
    return await _with_environments(rows)


async def competing(booking_id: UUID) -> list[BookingRow]:
    """Other requests that wait for a decision on an overlapping time in one of the same environments."""
    rows = await database.fetch(
        _ROW.format(
            condition="b.id <> $1 AND b.state IN ('submitted', 'waitlisted') AND EXISTS ("
            " SELECT FROM booking mine JOIN booking_environment m ON m.booking = mine.id"
            " JOIN booking_environment o ON o.environment = m.environment AND o.booking = b.id"
            " WHERE mine.id = $1 AND tstzrange(mine.starts_at, mine.ends_at) && tstzrange(b.starts_at, b.ends_at))"
        )
        + " ORDER BY b.submitted_at LIMIT 50",
        booking_id,
    )
    return await _with_environments(rows)


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
            " AND EXISTS (SELECT FROM booking_environment c JOIN agreement_entry a ON a.entry = c.environment"
            " WHERE c.booking = b.id AND a.agreement = $1)"
        )
        + " ORDER BY b.starts_at, b.id LIMIT 50",
        agreement_id,
    )
    return await _with_environments(rows)


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


@dataclass(frozen=True)
class Availability:
    """When an environment can begin and end a further booking (`free`) and when it cannot (`busy`), in UTC."""

    busy: list[Interval]
    free: list[Interval]


async def availability(
    environment: EntryView, first: datetime, last: datetime, *, now: datetime | None = None
) -> Availability:
    """Busy and free intervals between two moments. Free lies within opening hours, lead time and horizon.

    Buffers are included: a booking may use the whole of a free interval.
    """
    before, after = timedelta(minutes=environment.buffer_before), timedelta(minutes=environment.buffer_after)
    rows = await database.fetch(
        "SELECT lower(t) AS starts, upper(t) AS ends FROM busy_times($1, tstzrange($2, $3)) AS t",
        environment.id,
        first - after,
        last + before,
    )
    # A further booking brings its own buffers, so what is busy for it is wider by them.
    busy = rules.joined((max(row["starts"] - after, first), min(row["ends"] + before, last)) for row in rows)
    now = now or datetime.now(UTC)
    earliest = max(first, now + timedelta(hours=environment.lead_time_hours))
    latest = min(last, now + timedelta(days=environment.horizon_days))
    if environment.ended or not environment.bookable_by or earliest >= latest:
        return Availability(busy, [])
    day_before = earliest.astimezone(rules.STOCKHOLM).date() - timedelta(days=1)
    open_times = rules.openings(environment.opening_hours, day_before, latest.astimezone(rules.STOCKHOLM).date())
    return Availability(busy, rules.without(rules.common(open_times, [(earliest, latest)]), busy))


async def is_held(environment: EntryView, starts_at: datetime, ends_at: datetime) -> bool:
    """Whether bookings already hold so much of this time that one more does not fit."""
    return bool((await availability(environment, starts_at, ends_at)).busy)


async def next_free(environment: EntryView, minutes: int, count: int) -> list[Interval]:
    """The next free times of so many minutes, at most one a day."""
    length = timedelta(minutes=minutes)
    now = datetime.now(UTC)
    found: dict[date, Interval] = {}
    free = (await availability(environment, now, now + timedelta(days=SEARCH_DAYS))).free
    for start, end in free:
        for begins in rules.nearest_starts([(start, end)], start, length, 1):
            found.setdefault(begins.astimezone(rules.STOCKHOLM).date(), (begins, begins + length))
        if len(found) >= count:
            break
    return list(found.values())[:count]


async def alternatives(
    actor: Actor, environments: Sequence[EntryView], audience: str, starts_at: datetime, ends_at: datetime
) -> list[dict[str, Any]]:
    """What is free instead: the nearest times in the same environments, then similar environments at the same time.

    Each is `{"environment": slug, "title": {sv, en}, "starts_at": …, "ends_at": …}` with times in ISO 8601 and
    their offset.
    """
    length = ends_at - starts_at
    first, last = starts_at - timedelta(days=14), ends_at + timedelta(days=SEARCH_DAYS)
    free: list[Interval] = [(first, last)]
    for environment in environments:
        free = rules.common(free, (await availability(environment, first, last)).free)
    found = [
        _alternative(environment, begins, begins + length)
        for begins in rules.nearest_starts(free, starts_at, length, 3)
        for environment in environments
    ]
    for similar in await _similar(actor, environments, audience):
        free_then = (await availability(similar, starts_at, ends_at)).free
        fits = rules.times_fit(similar, audience, starts_at, ends_at, datetime.now(UTC)) is None
        if (starts_at, ends_at) in free_then and fits:
            found.append(_alternative(similar, starts_at, ends_at))
    return found


def _alternative(environment: EntryView, starts_at: datetime, ends_at: datetime) -> dict[str, Any]:
    return {
        "environment": environment.slug,
        "title": {"sv": environment.title_sv, "en": environment.title_en},
        "starts_at": starts_at.astimezone(rules.STOCKHOLM).isoformat(),
        "ends_at": ends_at.astimezone(rules.STOCKHOLM).isoformat(),
    }


async def _similar(actor: Actor, environments: Sequence[EntryView], audience: str) -> list[EntryView]:
    """A few other environments of the same sector and kind that this kind of booker may book."""
    if len(environments) != 1:
        return []
    one = environments[0]
    rows = await database.fetch(
        "SELECT e.slug FROM entry e JOIN environment v ON v.id = e.id"
        " WHERE e.status = 'published' AND e.primary_sector = $1 AND $2 = ANY (v.bookable_by) AND NOT e.ended"
        " AND e.id <> $3 AND v.parent IS DISTINCT FROM $3 ORDER BY e.kind = $4 DESC, e.municipality = $5 DESC, e.id"
        " LIMIT 5",
        one.primary_sector,
        audience,
        one.id,
        one.kind,
        one.municipality,
    )
    found = await entries.environments_by_slug(actor, [row["slug"] for row in rows])
    return list(found.values())[:3]


@dataclass(frozen=True)
class Segment:
    """A part of a day within opening hours, in UTC."""

    starts_at: datetime
    ends_at: datetime
    is_free: bool


@dataclass(frozen=True)
class DayAvailability:
    """A day in Europe/Stockholm and its parts; a day without parts is closed or over."""

    day: date
    segments: list[Segment]


async def week_availability(environment: EntryView, first_day: date) -> list[DayAvailability]:
    """Seven days from `first_day`, each with its free and busy parts."""
    days = [first_day + timedelta(days=offset) for offset in range(7)]
    starts = [datetime.combine(day, datetime.min.time(), tzinfo=rules.STOCKHOLM).astimezone(UTC) for day in days]
    end = datetime.combine(days[-1] + timedelta(days=1), datetime.min.time(), tzinfo=rules.STOCKHOLM).astimezone(UTC)
    found = await availability(environment, starts[0], end)
    opened = rules.openings(environment.opening_hours, days[0], days[-1])
    result = []
    for day, (begins, ends) in zip(days, zip(starts, [*starts[1:], end], strict=True), strict=True):
        within = [(begins, ends)]
        free = rules.common(found.free, within)
        busy = rules.common(rules.common(found.busy, opened), within)
        segments = [Segment(a, b, is_free=True) for a, b in free] + [Segment(a, b, is_free=False) for a, b in busy]
        result.append(DayAvailability(day, sorted(segments, key=lambda segment: segment.starts_at)))
    return result
