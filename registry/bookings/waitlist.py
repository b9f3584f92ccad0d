"""The waiting list: when held time becomes free, those who wait and now fit are offered it, in the order of the line.

An offer is a `hold_until` on the waiting booking: the database holds the time for it (docs/decisions/0012). Offers are
made in the transaction that frees the time, so that nobody else can come in between.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from asyncpg import ExclusionViolationError

from registry import database
from registry.access import SYSTEM
from registry.audit.service import EventType, record
from registry.bookings import assessments, holds, notices, queries, rules
from registry.bookings.codes import NoticeEvent
from registry.bookings.queries import BookingRow
from registry.bookings.states import BookingState
from registry.errors import N_, RuleBroken, message
from registry.jobs.service import Job, TryAgainLater, enqueue_many

# Later than this before the start nothing is offered: there would be no time to answer and to decide.
LATEST_OFFER = timedelta(minutes=30)
_PAUSE = timedelta(seconds=5)

# Those who wait at these sites, for a time that touches the interval (buffers included) where one is given.
_LINE = """
FROM booking b WHERE b.state = 'waitlisted' AND b.hold_until IS NULL AND b.starts_at > $2 AND b.id IS DISTINCT FROM $5
  AND EXISTS (
      SELECT FROM booking_environment be JOIN environment e ON e.id = be.environment
      JOIN environment_lanes l ON l.environment = e.id
      WHERE be.booking = b.id AND l.site = ANY ($1)
        AND tstzrange(b.starts_at - make_interval(mins => e.buffer_before),
                      b.ends_at + make_interval(mins => e.buffer_after)) && tstzrange($3, $4)
  )
"""
# Whoever waits for a time that overlaps in the same places, in the order of the line.
_SAME_TIME = """
SELECT DISTINCT o.submitted_at, o.id FROM booking mine
JOIN booking_environment me ON me.booking = mine.id
JOIN environment_lanes ml ON ml.environment = me.environment
JOIN environment_lanes ol ON ol.site = ml.site AND ol.lanes && ml.lanes
JOIN booking_environment oe ON oe.environment = ol.environment
JOIN booking o ON o.id = oe.booking AND o.state = 'waitlisted'
    AND tstzrange(o.starts_at, o.ends_at) && tstzrange(mine.starts_at, mine.ends_at)
WHERE mine.id = $1 ORDER BY o.submitted_at, o.id
"""


async def require_not_in_line(row: Mapping[str, Any]) -> None:
    """Raises RuleBroken when the same firm, or the same employee, waits for some of this time already, or has it."""
    known = await database.fetch_one(
        "SELECT o.state FROM booking o JOIN booking_environment oe ON oe.booking = o.id"
        " WHERE o.organisation = $1 AND o.id <> $2 AND (o.audience = 'external' OR o.requester = $5)"
        " AND o.state IN ('waitlisted', 'approved', 'confirmed', 'in_progress')"
        " AND tstzrange(o.starts_at, o.ends_at) && tstzrange($3, $4)"
        " AND oe.environment IN (SELECT environment FROM booking_environment WHERE booking = $2) LIMIT 1",
        row["organisation"],
        row["id"],
        row["starts_at"],
        row["ends_at"],
        row["requester"],
    )
    if known is not None and known["state"] == BookingState.WAITLISTED:
        raise RuleBroken(message(N_("You or a colleague wait for this time already. One place in line is enough.")))
    if known is not None:
        raise RuleBroken(message(N_("You or a colleague have this time already. Look among your bookings.")))


async def line_for(booking_id: UUID) -> list[BookingRow]:
    """Everybody who waits for the time of a booking, first in line first; itself too, where it waits.

    For hosts: it tells who they are. The requester is told only `place_in_line`.
    """
    ids = [row["id"] for row in await database.fetch(_SAME_TIME, booking_id)]
    found = await queries.bookings_by_id(ids)
    return [found[one] for one in ids]


async def place_in_line(booking_id: UUID) -> int | None:
    """Where a booking is in the line of those who wait for the same time, 1 being next; None if it does not wait."""
    ids = [row["id"] for row in await database.fetch(_SAME_TIME, booking_id)]
    return ids.index(booking_id) + 1 if booking_id in ids else None


def reply_by(now: datetime, starts_at: datetime, hours: int) -> datetime:
    """Until when an offer stands: so many hours, but no longer than half of what is left until the booked time begins.

    The other half is the host's, who decides next. All times are in UTC.
    """
    return now + min(timedelta(hours=hours), (starts_at - now) / 2)


async def offer_freed(row: Mapping[str, Any], environment_ids: Sequence[int] | None = None) -> None:
    """Offer what a booking has just given back to those who wait for it, in the transaction that frees it.

    `row` has the booking's columns as they were; `environment_ids` are its environments then, if they have changed.
    """
    if environment_ids is None:
        environment_ids = [environment.id for environment in await holds.environments_of(row["id"])]
    buffers = await database.fetch_one(
        "SELECT max(buffer_before) AS before, max(buffer_after) AS after FROM environment WHERE id = ANY ($1)",
        list(environment_ids),
    )
    assert buffers is not None  # noqa: S101  # an aggregate always answers with a row
    await offer_free_time(
        environment_ids,
        row["starts_at"] - timedelta(minutes=buffers["before"] or 0),
        row["ends_at"] + timedelta(minutes=buffers["after"] or 0),
        but_not=row["id"],
    )


async def offer_free_time(
    environment_ids: Sequence[int],
    starts_at: datetime | None = None,
    ends_at: datetime | None = None,
    *,
    but_not: UUID | None = None,
) -> None:
    """Offer free time at the sites of some environments, within an interval in UTC or at any time, in line order.

    Whoever is being handled by somebody else at this moment is looked at again by a job.

    Raises:
        RuntimeError: outside a transaction.
    """
    if await _offer_in_order(environment_ids, starts_at, ends_at, but_not):
        await enqueue_many(Job.OFFER_FREE_TIME, ({"environment_id": one} for one in environment_ids))


async def handle_offer_job(payload: Mapping[str, Any]) -> None:
    """Does Job.OFFER_FREE_TIME: `{"environment_id": …}`, when there may be room at its site for who waits.

    Raises:
        TryAgainLater: somebody in line is being handled by somebody else.
    """
    async with database.transaction():
        is_whole = not await _offer_in_order([int(payload["environment_id"])], None, None, None)
    if not is_whole:
        raise TryAgainLater(_PAUSE)


async def _offer_in_order(
    environment_ids: Sequence[int], starts_at: datetime | None, ends_at: datetime | None, but_not: UUID | None
) -> bool:
    """Whether somebody had to be passed over who may fit."""
    sites = await holds.lock_sites(environment_ids)
    now = datetime.now(UTC)
    values = (sites, now + LATEST_OFFER, starts_at, ends_at, but_not)
    waiting = await database.fetch(f"SELECT b.id {_LINE}", *values)
    # The sites are locked, so waiting for a row here could be for somebody who waits for a site.
    rows = await database.fetch(
        f"SELECT b.* {_LINE} ORDER BY b.submitted_at, b.id FOR NO KEY UPDATE OF b SKIP LOCKED", *values
    )
    passed_over = len(rows) < len(waiting)
    for row in rows:
        if await _try_other_sites(row["id"], sites):
            await _offer(row, now)
        else:
            passed_over = True
    return passed_over


async def _try_other_sites(booking_id: UUID, locked: Sequence[int]) -> bool:
    """Whether the other sites of a booking could be locked without waiting, which might be for ever."""
    rows = await database.fetch(
        "SELECT pg_try_advisory_xact_lock(5270, (other.site % 2147483647)::int) AS is_mine FROM ("
        " SELECT DISTINCT l.site FROM booking_environment be JOIN environment_lanes l ON l.environment = be.environment"
        " WHERE be.booking = $1 AND l.site <> ALL ($2)) AS other",
        booking_id,
        list(locked),
    )
    return all(row["is_mine"] for row in rows)


async def _offer(row: database.Row, now: datetime) -> None:
    """Let the database hold the time for a waiting booking until a deadline, if it fits."""
    environments = await holds.environments_of(row["id"])
    if any(rules.may_be_held(one, row["audience"], row["starts_at"], row["ends_at"], now) for one in environments):
        return
    if await assessments.is_blocked(row["id"]):
        return
    until = reply_by(now, row["starts_at"], min(one.offer_hours for one in environments))
    before = await database.current_transaction().savepoint("before_offer")
    try:
        await holds.update(row["id"], {"hold_until": until})
    except ExclusionViolationError:
        await before.rollback_to()  # type: ignore[no-untyped-call]  # Piccolo leaves it untyped
        return
    await record(SYSTEM, EventType.BOOKING_OFFERED, row["id"], {"until": until.isoformat()})
    await notices.tell(SYSTEM, row["id"], NoticeEvent.OFFERED, about=until)
    await holds.index_sites(row["id"])
