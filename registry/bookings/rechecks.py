"""The agreement gate, looked at again after a booking was confirmed: an agreement may end before the booking does.

A booking that lacks an agreement is marked and everybody told; it keeps its time, about which the hosts decide.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from registry import database
from registry.access import SYSTEM
from registry.agreements.queries import MissingAgreement
from registry.audit.service import EventType, record
from registry.bookings import notices, queries
from registry.bookings.codes import NoticeEvent
from registry.bookings.rules import STOCKHOLM

LOOKED_AHEAD = timedelta(days=30)

_RELYING = """
SELECT b.id FROM booking b WHERE b.state IN ('confirmed', 'in_progress') AND b.ends_at > $1
  AND ($2::uuid IS NULL OR b.organisation IN (SELECT organisation FROM agreement_party WHERE agreement = $2))
ORDER BY b.starts_at, b.id
"""
# Bookings that go on longer than an agreement of the organisation that ends soon; the gate says whether they need it.
_ENDING = """
SELECT b.id FROM booking b WHERE b.state IN ('submitted', 'approved', 'confirmed', 'in_progress') AND b.ends_at > $1
  AND EXISTS (
      SELECT FROM agreement a JOIN agreement_party p ON p.agreement = a.id AND p.organisation = b.organisation
      WHERE a.state = 'in_force' AND a.valid_until <= $2
        AND a.valid_until < (b.ends_at AT TIME ZONE 'Europe/Stockholm')::date
  )
ORDER BY b.starts_at, b.id
"""


async def handle_recheck_job(payload: Mapping[str, Any]) -> None:
    """The job RECHECK_AGREEMENTS: `{"agreement_id": …}`, after an agreement has ended or entered into force."""
    await recheck_agreements(datetime.now(UTC), agreement_id=UUID(str(payload["agreement_id"])))


async def recheck_agreements(now: datetime, *, agreement_id: UUID | None = None) -> tuple[int, int]:
    """Mark bookings that lack an agreement, and take the mark from those that do no longer; how many of each.

    Looks at all confirmed bookings that are not over, or at those of an agreement's parties. `now` is in UTC.
    Safe to run again.
    """
    marked = cleared = 0
    for candidate in await database.fetch(_RELYING, now, agreement_id):
        # One transaction for each, so that a fault in one holds no other back.
        async with database.transaction():
            row = await _locked(candidate["id"])
            missing = await queries.missing_for(row)
            if missing and row["agreement_lost_at"] is None:
                await _mark(row, missing, now)
                marked += 1
            elif not missing and row["agreement_lost_at"] is not None:
                await _clear(row)
                cleared += 1
    return marked, cleared


async def _locked(booking_id: UUID) -> database.Row:
    row = await database.fetch_one("SELECT * FROM booking WHERE id = $1 FOR UPDATE", booking_id)
    if row is None:
        raise LookupError(booking_id)
    return row


async def _mark(row: database.Row, missing: Sequence[MissingAgreement], now: datetime) -> None:
    await database.fetch("UPDATE booking SET agreement_lost_at = $2 WHERE id = $1", row["id"], now)
    codes = [one.template_code for one in missing]
    await record(SYSTEM, EventType.BOOKING_CHANGED, row["id"], {"agreements_lost": codes})
    if all(one.ends_too_early for one in missing):
        await _tell_of_the_end(row, missing)
    else:
        await notices.tell(SYSTEM, row["id"], NoticeEvent.AGREEMENT_LOST)


async def _clear(row: database.Row) -> None:
    await database.fetch("UPDATE booking SET agreement_lost_at = NULL WHERE id = $1", row["id"])
    await record(SYSTEM, EventType.BOOKING_CHANGED, row["id"], {"agreements_lost": []})
    await notices.tell(SYSTEM, row["id"], NoticeEvent.AGREEMENT_BACK)


async def look_ahead(now: datetime) -> int:
    """Tell everybody of agreements that end within 30 days and before a booking that needs them; how many bookings.

    `now` is in UTC. Safe to run again: each person is told of each end once.
    """
    last = (now + LOOKED_AHEAD).astimezone(STOCKHOLM).date()
    found = 0
    for candidate in await database.fetch(_ENDING, now, last):
        async with database.transaction():
            row = await _locked(candidate["id"])
            ending = [
                one
                for one in await queries.missing_for(row)
                if one.ends_too_early and one.valid_until is not None and one.valid_until <= last
            ]
            if ending:
                await _tell_of_the_end(row, ending)
                found += 1
    return found


async def _tell_of_the_end(row: database.Row, ending: Sequence[MissingAgreement]) -> None:
    first = min(one.valid_until for one in ending if one.valid_until is not None)
    await notices.tell(SYSTEM, row["id"], NoticeEvent.AGREEMENT_ENDS, about=_noon(first))


def _noon(day: date) -> datetime:
    """A moment that stands for a day in Europe/Stockholm, in UTC."""
    return datetime.combine(day, time(12), tzinfo=STOCKHOLM).astimezone(UTC)
