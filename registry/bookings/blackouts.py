"""Reading blackouts: intervals in which nothing new can be booked, and the bookings that they touch."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from registry import database
from registry.errors import Bilingual


@dataclass(frozen=True)
class Blackout:
    """A half-open interval in UTC, with the reason. `environment` is where it was set."""

    id: int
    environment: int
    starts_at: datetime
    ends_at: datetime
    reason_sv: str
    reason_en: str

    @property
    def reason(self) -> Bilingual:
        return Bilingual(self.reason_sv, self.reason_en)


_BLACKOUTS = """
SELECT mine.environment AS of_environment, b.id, b.environment, b.starts_at, b.ends_at, b.reason_sv, b.reason_en
FROM environment_lanes mine
JOIN environment_lanes l ON l.site = mine.site AND l.lanes && mine.lanes
JOIN blackout b ON b.environment = l.environment
WHERE mine.environment = ANY ($1::bigint[]) AND b.ends_at > $2 AND ($3::timestamptz IS NULL OR b.starts_at < $3)
ORDER BY b.starts_at, b.id
"""


async def blackouts_of(
    environment_ids: Iterable[int], first: datetime, last: datetime | None = None
) -> dict[int, list[Blackout]]:
    """The blackouts between two moments that hold for each environment: its own, its whole's and its parts'."""
    ids = list(environment_ids)
    found: dict[int, list[Blackout]] = {id: [] for id in ids}
    for row in await database.fetch(_BLACKOUTS, ids, first, last):
        found[row["of_environment"]].append(
            Blackout(
                row["id"],
                row["environment"],
                row["starts_at"],
                row["ends_at"],
                row["reason_sv"],
                row["reason_en"],
            )
        )
    return found


async def bookings_touched(environment_id: int, starts_at: datetime, ends_at: datetime) -> list[UUID]:
    """The bookings that hold time in this interval in an environment, its whole or its parts, buffers included."""
    return (await bookings_touched_by_each(environment_id, [(starts_at, ends_at)]))[0]


async def bookings_touched_by_each(
    environment_id: int, intervals: Sequence[tuple[datetime, datetime]]
) -> list[list[UUID]]:
    """The same for several intervals, in their order."""
    found: list[list[UUID]] = [[] for _ in intervals]
    for row in await database.fetch(
        "SELECT DISTINCT span.number, h.booking FROM environment_lanes l"
        " CROSS JOIN unnest($2::timestamptz[], $3::timestamptz[]) WITH ORDINALITY AS span (starts_at, ends_at, number)"
        " JOIN booking_hold h ON int8range(h.site, h.site, '[]') && int8range(l.site, l.site, '[]')"
        " AND h.lanes && l.lanes AND h.during && tstzrange(span.starts_at, span.ends_at)"
        " WHERE l.environment = $1",
        environment_id,
        [start for start, _ in intervals],
        [end for _, end in intervals],
    ):
        found[row["number"] - 1].append(row["booking"])
    return found
