"""What must never happen to held time, asked in a way that shares no code with the guard or with the services."""

from itertools import pairwise
from uuid import UUID

from registry import database

_HELD = """
SELECT b.id, b.starts_at - make_interval(mins => e.buffer_before) AS starts,
       b.ends_at + make_interval(mins => e.buffer_after) AS ends
FROM booking b, booking_environment be, environment e
WHERE be.booking = b.id AND e.id = be.environment AND e.id = $1
  AND (b.state = 'approved' OR b.state = 'confirmed' OR b.state = 'in_progress'
       OR (b.hold_until IS NOT NULL AND (b.state = 'waitlisted' OR b.state = 'submitted')))
"""


async def most_at_once(environment_id: int) -> int:
    """How many bookings have the same time in an environment at its busiest moment, offers and buffers included."""
    changes = []
    for row in await database.fetch(_HELD, environment_id):
        changes += [(row["starts"], 1), (row["ends"], -1)]
    load = most = 0
    for _, change in sorted(changes):
        load += change
        most = max(most, load)
    return most


async def held_by(environment_id: int) -> set[UUID]:
    """The bookings that hold time in an environment, as the table of held times has it."""
    rows = await database.fetch("SELECT booking, during FROM booking_hold WHERE environment = $1", environment_id)
    in_order = sorted(rows, key=lambda row: row["during"].lower)
    assert all(one["during"].upper <= other["during"].lower for one, other in pairwise(in_order))
    return {row["booking"] for row in rows}
