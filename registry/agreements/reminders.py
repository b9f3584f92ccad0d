"""Which agreements end in 90, 30 or 7 days, and who is to be told; each of these is told once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from registry import database
from registry.access import SYSTEM
from registry.agreements import rules
from registry.agreements.rows import ROW, AgreementRow, row_of
from registry.audit.service import EventType, record

DAYS = (90, 30, 7)


@dataclass(frozen=True)
class Reader:
    """Somebody to remind; `language` is `sv` or `en`, `is_legal` says that they review it."""

    email: str
    language: str
    is_legal: bool


@dataclass(frozen=True)
class Ending:
    """An agreement that ends in so many days (0 is today), and whom to tell."""

    agreement: AgreementRow
    days_left: int
    readers: tuple[Reader, ...]


# The nearest of the marks that has been passed: after a standstill one mail is sent, not three.
_DUE = """
SELECT a.id, a.valid_until, (SELECT min(d) FROM unnest($2::integer[]) AS d WHERE a.valid_until - $1 <= d) AS days
FROM agreement a WHERE a.state = 'in_force' AND a.valid_until BETWEEN $1 AND $1 + $3::integer
AND NOT EXISTS (
    SELECT FROM agreement_reminder r WHERE r.agreement = a.id AND r.last_day = a.valid_until
    AND r.days <= (SELECT min(d) FROM unnest($2::integer[]) AS d WHERE a.valid_until - $1 <= d)
)
ORDER BY a.valid_until, a.id
"""
_TAKE = """
INSERT INTO agreement_reminder (agreement, days, last_day, at) VALUES ($1, $2, $3, $4)
ON CONFLICT DO NOTHING RETURNING id
"""
# Legal: who reviews it, or all who can. The parties: who acts for those that sign up to it, and the author.
_READERS = """
SELECT p.email, p.language, bool_or(x.is_legal) AS is_legal FROM person p JOIN (
    SELECT r.person, true AS is_legal FROM role_assignment r
    WHERE r.role = 'legal' AND (r.organisation IS NULL OR r.organisation = ANY ($2))
      AND ($3::integer IS NULL OR r.person = $3)
    UNION ALL SELECT r.person, false FROM role_assignment r
    WHERE r.role IN ('firm', 'procurement', 'employee') AND r.organisation = ANY ($4)
    UNION ALL SELECT $1::integer, false
) x ON x.person = p.id WHERE p.active GROUP BY p.id ORDER BY p.id
"""


async def due(now: datetime) -> list[UUID]:
    """The agreements in force of whose end somebody is to be reminded now, the nearest end first."""
    rows = await database.fetch(_DUE, *_marks(rules.today(now)))
    return [row["id"] for row in rows]


async def take(agreement_id: UUID, now: datetime) -> Ending | None:
    """Mark in the running transaction that an agreement's reminder is sent, and say to whom; None if it was already.

    `now` is in UTC.
    """
    await database.fetch("SELECT FROM agreement WHERE id = $1 FOR UPDATE", agreement_id)
    day = rules.today(now)
    rows = await database.fetch(
        _DUE.replace("WHERE a.state", "WHERE a.id = $4 AND a.state"), *_marks(day), agreement_id
    )
    if not rows or not await database.fetch(_TAKE, agreement_id, rows[0]["days"], rows[0]["valid_until"], now):
        return None
    data = {"days": rows[0]["days"], "last_day": rows[0]["valid_until"]}
    await record(SYSTEM, EventType.AGREEMENT_REMINDED, agreement_id, data)
    (row,) = await database.fetch(ROW.format(more="", where="WHERE a.id = $1"), agreement_id)
    agreement = row_of(row)
    return Ending(agreement, (rows[0]["valid_until"] - day).days, tuple(await _readers(agreement)))


def _marks(day: date) -> tuple[date, list[int], int]:
    return day, list(DAYS), max(DAYS)


async def _readers(agreement: AgreementRow) -> Sequence[Reader]:
    facts = agreement.facts()
    rows = await database.fetch(
        _READERS, agreement.author_id, list(facts.region), agreement.assigned_to, list(facts.signers)
    )
    return [Reader(row["email"], row["language"], row["is_legal"]) for row in rows]
