"""Reading the log."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from registry import database
from registry.access import Actor, Permission, require


@dataclass(frozen=True)
class LoggedEvent:
    """One line of the log. `at` is in UTC."""

    at: datetime
    actor: str
    type: str
    subject_kind: str
    subject_id: str
    data: dict[str, Any]


_COLUMNS = """
    e.at, coalesce(p.name, e.actor_name) AS actor, e.type, e.subject_kind, e.subject_id, e.data
    FROM audit_event e LEFT JOIN person p ON p.id = e.actor_id
"""


async def events_of(subject_kind: str, subject_id: object) -> list[LoggedEvent]:
    """What happened to one thing, oldest first. The caller has checked that the actor may see the thing."""
    rows = await database.fetch(
        f"SELECT {_COLUMNS} WHERE e.subject_kind = $1 AND e.subject_id = $2 ORDER BY e.id LIMIT 500",
        subject_kind,
        str(subject_id),
    )
    return [_event(row) for row in rows]


async def search_log(
    actor: Actor, *, subject_kind: str | None = None, page: int = 1, page_size: int = 50
) -> tuple[list[LoggedEvent], int]:
    """A page of the whole log, newest first, and how many events there are.

    Raises:
        NotPermitted: the actor may not read the log.
    """
    require(actor, Permission.AUDIT_READ)
    rows = await database.fetch(
        f"SELECT {_COLUMNS} WHERE $1::text IS NULL OR e.subject_kind = $1 ORDER BY e.id DESC LIMIT $2 OFFSET $3",
        subject_kind,
        page_size,
        (page - 1) * page_size,
    )
    total = await database.fetch_one(
        "SELECT count(*) AS n FROM audit_event WHERE $1::text IS NULL OR subject_kind = $1", subject_kind
    )
    return [_event(row) for row in rows], total["n"] if total else 0


def _event(row: database.Row) -> LoggedEvent:
    return LoggedEvent(
        at=row["at"],
        actor=row["actor"],
        type=row["type"],
        subject_kind=row["subject_kind"],
        subject_id=row["subject_id"],
        data=json.loads(row["data"]),
    )
