"""Calendar addresses: making, listing and revoking them, and what one gives when a calendar program reads it."""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import ClassVar

from registry import database
from registry.access import Actor, Permission, require, require_signed_in
from registry.accounts.queries import actor_of_person, hash_token, organisations_by_id
from registry.audit.service import EventType, record
from registry.bookings import queries
from registry.bookings.codes import FeedKind
from registry.bookings.queries import BookingRow
from registry.bookings.rules import Interval
from registry.bookings.tables import CalendarFeed
from registry.entries import queries as entries
from registry.entries.queries import EntryView
from registry.errors import N_, DomainError, NotFound, NotPermitted, RuleBroken, message

MOST_FEEDS = 20
MOST_EVENTS = 2000
# A calendar program asks once an hour or so; this leaves room for several that share an address.
MOST_READS = 30
READS_WITHIN = timedelta(minutes=10)
PAST_KEPT = timedelta(days=90)
CANCELLED_KEPT = timedelta(days=30)
BUSY_AHEAD = timedelta(days=366)


class ReadTooOften(DomainError):
    """A calendar address is read more often than any calendar program needs."""

    status: ClassVar[int] = 429
    type: ClassVar[str] = "too-many-reads"
    title: ClassVar[str] = N_("The calendar is read too often")


@dataclass(frozen=True)
class FeedView:
    """A calendar address as its owner's list shows it; times are in UTC."""

    id: int
    kind: FeedKind
    with_details: bool
    created_at: datetime
    last_used_at: datetime | None
    name_sv: str
    name_en: str


@dataclass(frozen=True)
class FeedContent:
    """What an address gives: `bookings` with their environments by id, or only when the environment is `busy`."""

    feed: FeedView
    language: str
    bookings: list[BookingRow]
    environments: dict[int, EntryView]
    busy: list[Interval] | None


_COLUMNS = """
f.id, f.person, f.kind, f.organisation, f.environment, f.with_details, f.created_at, f.last_used_at,
coalesce(e.title_sv, o.name_sv, '') AS name_sv, coalesce(e.title_en, o.name_en, '') AS name_en
"""
_JOINS = "LEFT JOIN entry e ON e.id = f.environment LEFT JOIN organisation o ON o.id = f.organisation"


async def make_feed(actor: Actor, kind: FeedKind, *, organisation_id: int | None = None, slug: str = "") -> str:
    """Make a calendar address and return its token, which cannot be read again.

    An address for an environment shows its bookings to a host, and to others only when it is busy.

    Raises:
        NotSignedIn; NotPermitted: the actor books for no (such) organisation.
        NotFound: there is no such environment for the actor. RuleBroken: the actor has too many addresses.
    """
    require_signed_in(actor)
    environment, with_details = None, True
    if kind is FeedKind.OWN:
        require(actor, Permission.BOOKING_CREATE)
    elif kind is FeedKind.ORGANISATION:
        if organisation_id not in actor.limited_to(Permission.BOOKING_CREATE):
            raise NotPermitted(message(N_("You can only have the calendar of an organisation that you book for.")))
    else:
        environment = await _environment(actor, slug)
        with_details = actor.may(Permission.BOOKING_DECIDE, environment.facts.responsible)
    token = secrets.token_urlsafe(32)
    async with database.transaction():
        await _require_room(actor)
        await _insert(
            actor,
            token,
            CalendarFeed(
                person=actor.person_id,
                kind=kind.value,
                organisation=organisation_id if kind is FeedKind.ORGANISATION else None,
                environment=environment.id if environment else None,
                with_details=with_details,
            ),
        )
    return token


async def _environment(actor: Actor, slug: str) -> EntryView:
    found = await entries.environments_by_slug(actor, [slug])
    if slug not in found:
        raise NotFound
    return found[slug]


async def _require_room(actor: Actor) -> None:
    # The lock keeps the count right when somebody makes two at the same moment.
    await database.fetch("SELECT 1 FROM person WHERE id = $1 FOR NO KEY UPDATE", actor.person_id)
    row = await database.fetch_one(
        "SELECT count(*) AS n FROM calendar_feed WHERE person = $1 AND revoked_at IS NULL", actor.person_id
    )
    if row and row["n"] >= MOST_FEEDS:
        raise RuleBroken(
            message(
                N_("You have %(n)s calendar addresses, which is the most there can be. Revoke one first."), n=MOST_FEEDS
            )
        )


async def _insert(actor: Actor, token: str, feed: CalendarFeed) -> None:
    feed.token_hash = hash_token(token)
    rows = await CalendarFeed.insert(feed).returning(CalendarFeed.id)
    await record(actor, EventType.CALENDAR_MADE, rows[0]["id"], {"kind": feed.kind})


async def list_feeds(actor: Actor) -> list[FeedView]:
    """The actor's addresses that work, the newest first.

    Raises:
        NotSignedIn: a visitor has none.
    """
    require_signed_in(actor)
    rows = await database.fetch(
        f"SELECT {_COLUMNS} FROM calendar_feed f {_JOINS} WHERE f.person = $1 AND f.revoked_at IS NULL"
        " ORDER BY f.created_at DESC, f.id DESC",
        actor.person_id,
    )
    return [_view(row) for row in rows]


async def revoke_feed(actor: Actor, feed_id: int) -> None:
    """Make one of the actor's addresses stop working for good.

    Raises:
        NotSignedIn; NotFound: there is none, it is somebody else's, or it is revoked already.
    """
    async with database.transaction():
        await _revoke(actor, feed_id)


async def renew_feed(actor: Actor, feed_id: int) -> str:
    """Revoke an address and make a new one for the same; returns its token. Raises as `revoke_feed` does."""
    token = secrets.token_urlsafe(32)
    async with database.transaction():
        row = await _revoke(actor, feed_id)
        await _insert(
            actor,
            token,
            CalendarFeed(
                person=actor.person_id,
                kind=row["kind"],
                organisation=row["organisation"],
                environment=row["environment"],
                with_details=row["with_details"],
            ),
        )
    return token


async def _revoke(actor: Actor, feed_id: int) -> database.Row:
    require_signed_in(actor)
    row = await database.fetch_one(
        "UPDATE calendar_feed SET revoked_at = now() WHERE id = $1 AND person = $2 AND revoked_at IS NULL RETURNING *",
        feed_id,
        actor.person_id,
    )
    if row is None:
        raise NotFound
    await record(actor, EventType.CALENDAR_REVOKED, feed_id)
    return row


# --- Reading one


async def read_feed(token: str, now: datetime | None = None) -> FeedContent:
    """What an address gives now, by the rights that its person has now. `now` is in UTC.

    Raises:
        NotFound: the token is unknown or revoked, or the person may no longer see this.
        ReadTooOften: more than 30 times in ten minutes.
    """
    moment = now or datetime.now(UTC)
    row = await database.fetch_one(
        "UPDATE calendar_feed f SET last_used_at = $2,"
        " reads = CASE WHEN f.window_at > $3 THEN f.reads + 1 ELSE 1 END,"
        " window_at = CASE WHEN f.window_at > $3 THEN f.window_at ELSE $2 END"
        " WHERE f.token_hash = $1 AND f.revoked_at IS NULL RETURNING f.id, f.reads",
        hash_token(token),
        moment,
        moment - READS_WITHIN,
    )
    if row is None:
        raise NotFound
    if row["reads"] > MOST_READS:
        raise ReadTooOften(message(N_("Wait ten minutes, and let the program ask less often.")))
    found = await database.fetch_one(f"SELECT {_COLUMNS} FROM calendar_feed f {_JOINS} WHERE f.id = $1", row["id"])
    actor = await actor_of_person(found["person"]) if found else None
    if found is None or actor is None:
        raise NotFound
    return await _content(actor, found, moment)


async def _content(actor: Actor, row: database.Row, now: datetime) -> FeedContent:
    feed, own = _view(row), list(actor.limited_to(Permission.BOOKING_CREATE))
    if feed.kind is FeedKind.OWN and own:
        bookings = await _bookings("b.requester = $1 AND b.organisation = ANY ($5)", actor.person_id, now, own)
    elif feed.kind is FeedKind.ORGANISATION and row["organisation"] in own:
        bookings = await _bookings("b.organisation = $1 AND $5::int[] IS NOT NULL", row["organisation"], now, own)
    elif feed.kind is FeedKind.ENVIRONMENT:
        return await _of_environment(actor, row, now)
    else:
        raise NotFound
    return await _whole(actor, feed, bookings)


async def _of_environment(actor: Actor, row: database.Row, now: datetime) -> FeedContent:
    feed = _view(row)
    known = (await entries.environments_by_id([row["environment"]])).get(row["environment"])
    environment = await _environment(actor, known.slug if known else "")
    if not feed.with_details:
        times = await database.fetch(
            "SELECT lower(t) AS starts, upper(t) AS ends FROM busy_times($1, tstzrange($2, $3)) AS t ORDER BY 1",
            environment.id,
            now - CANCELLED_KEPT,
            now + BUSY_AHEAD,
        )
        return FeedContent(feed, actor.language, [], {}, [(one["starts"], one["ends"]) for one in times])
    if not actor.may(Permission.BOOKING_DECIDE, environment.facts.responsible):
        raise NotFound
    condition = (
        "$5::int[] IS NOT NULL AND EXISTS (SELECT FROM booking_environment x WHERE x.booking = b.id"
        " AND x.environment = $1)"
    )
    return await _whole(actor, feed, await _bookings(condition, environment.id, now, []))


async def _bookings(condition: str, of: int | None, now: datetime, own: list[int]) -> list[BookingRow]:
    """Bookings that hold or held a time; what no longer does stays for 30 days, so that calendars notice."""
    rows = await database.fetch(
        f"SELECT b.id FROM booking b WHERE {condition} AND b.ends_at > $2 AND ("
        " b.state IN ('approved', 'confirmed', 'in_progress', 'completed', 'outcome_recorded')"
        " OR b.changed_at > $3 AND (b.state IN ('cancelled', 'no_show')"
        " OR b.state = 'withdrawn' AND b.hold_until IS NOT NULL)) ORDER BY b.starts_at DESC, b.id LIMIT $4",
        of,
        now - PAST_KEPT,
        now - CANCELLED_KEPT,
        MOST_EVENTS,
        own,
    )
    found = await queries.bookings_by_id([row["id"] for row in rows])
    return sorted(found.values(), key=lambda booking: (booking.starts_at, booking.id))


async def _whole(actor: Actor, feed: FeedView, bookings: list[BookingRow]) -> FeedContent:
    ids = {one.id for booking in bookings for one in booking.environments}
    return FeedContent(feed, actor.language, bookings, await entries.environments_by_id(ids), None)


async def choices(actor: Actor) -> tuple[list[tuple[int, str, str]], list[tuple[str, str, str]]]:
    """What the actor can make addresses for: organisations (id, names), and hosted environments (slug, titles)."""
    own = set(actor.limited_to(Permission.BOOKING_CREATE))
    organisations = await organisations_by_id(own)
    rows = await database.fetch(
        "SELECT e.slug, e.title_sv, e.title_en FROM entry e JOIN environment v ON v.id = e.id"
        " WHERE e.status = 'published' AND ($1 OR e.accountable_body = ANY ($2) OR e.unit = ANY ($2))"
        " ORDER BY e.title_sv, e.id",
        actor.has_unlimited(Permission.BOOKING_DECIDE),
        list(actor.limited_to(Permission.BOOKING_DECIDE)),
    )
    return (
        [(one.id, one.name_sv, one.name_en) for one in organisations.values()],
        [(row["slug"], row["title_sv"], row["title_en"]) for row in rows],
    )


def _view(row: database.Row) -> FeedView:
    return FeedView(
        id=row["id"],
        kind=FeedKind(row["kind"]),
        with_details=row["with_details"],
        created_at=row["created_at"],
        last_used_at=row["last_used_at"],
        name_sv=row["name_sv"],
        name_en=row["name_en"],
    )
