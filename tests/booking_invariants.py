"""What must be true of all bookings at all times, worked out in plain Python from raw rows.

It shares no code with the guard, the services or their SQL: no lanes, no exclusion constraint, no `booking_holds`.
`held_by` alone reads the table of held times, to tell what the database has made of them.
"""

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

from registry import database

HOLDING = ("approved", "confirmed", "in_progress")
# These hold their time while they have an offer, which is a `hold_until`.
BY_OFFER = ("waitlisted", "submitted")


_HELD_IN_ONE = """
SELECT b.id, b.starts_at - make_interval(mins => e.buffer_before) AS starts,
       b.ends_at + make_interval(mins => e.buffer_after) AS ends
FROM booking b, booking_environment be, environment e
WHERE be.booking = b.id AND e.id = be.environment AND e.id = $1
  AND (b.state = 'approved' OR b.state = 'confirmed' OR b.state = 'in_progress'
       OR (b.hold_until IS NOT NULL AND (b.state = 'waitlisted' OR b.state = 'submitted')))
"""


@dataclass(frozen=True)
class _Held:
    """The time that a booking holds in an environment, buffers included."""

    booking: str
    environment: int
    starts: datetime
    ends: datetime


async def faults(environment_ids: Iterable[int]) -> list[str]:
    """What is wrong with the bookings of the sites of these environments, in words; nothing if all is well."""
    places = await _sites_of(set(environment_ids))
    bookings = await _bookings_in(places)
    held = [one for booking in bookings for one in _held_by(booking, places)]
    return [
        *_too_much_at_once(held, places),
        *await _holds_that_differ(held, bookings, places),
        *await _logs_that_differ(bookings),
    ]


async def _sites_of(ids: set[int]) -> dict[int, database.Row]:
    """All environments that are above or below these, by id."""
    rows = {row["id"]: row for row in await database.fetch("SELECT * FROM environment")}
    tops = {_path(one, rows)[-1] for one in ids}
    return {id: row for id, row in rows.items() if _path(id, rows)[-1] in tops}


def _path(environment: int, rows: dict[int, database.Row]) -> list[int]:
    """An environment, what it is a part of, and so on to the whole site."""
    path = [environment]
    while (above := rows[path[-1]]["parent"]) is not None:
        path.append(above)
    return path


def _are_related(one: int, other: int, places: dict[int, database.Row]) -> bool:
    return one in _path(other, places) or other in _path(one, places)


async def _bookings_in(places: dict[int, database.Row]) -> list[dict[str, Any]]:
    rows = await database.fetch(
        "SELECT b.id, b.state, b.starts_at, b.ends_at, b.hold_until, be.environment FROM booking b"
        " JOIN booking_environment be ON be.booking = b.id"
        " WHERE b.id IN (SELECT booking FROM booking_environment WHERE environment = ANY ($1)) ORDER BY b.id",
        list(places),
    )
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        booking = found.setdefault(str(row["id"]), {**dict(row), "id": str(row["id"]), "environments": []})
        booking["environments"].append(row["environment"])
    return list(found.values())


def _held_by(booking: dict[str, Any], places: dict[int, database.Row]) -> list[_Held]:
    offered = booking["state"] in BY_OFFER and booking["hold_until"] is not None
    if booking["state"] not in HOLDING and not offered:
        return []
    return [
        _Held(
            booking["id"],
            one,
            booking["starts_at"] - timedelta(minutes=places[one]["buffer_before"]),
            booking["ends_at"] + timedelta(minutes=places[one]["buffer_after"]),
        )
        for one in booking["environments"]
    ]


def _too_much_at_once(held: list[_Held], places: dict[int, database.Row]) -> list[str]:
    """A sweep over starts and ends: at no moment is anything over its capacity, or a whole booked beside its part."""
    found = []
    # Ends before starts at the same moment: intervals are half-open.
    events = sorted(
        [(one.starts, 1, n) for n, one in enumerate(held)] + [(one.ends, 0, n) for n, one in enumerate(held)]
    )
    wholes = {row["parent"] for row in places.values()}
    now: dict[int, set[str]] = defaultdict(set)
    for moment, is_start, number in events:
        one = held[number]
        if not is_start:
            now[one.environment].discard(one.booking)
            continue
        now[one.environment].add(one.booking)
        most = 1 if one.environment in wholes else places[one.environment]["capacity"]
        if len(now[one.environment]) > most:
            found.append(f"{len(now[one.environment])} bookings at {moment} in {one.environment}, where {most} fit")
        found += [
            f"a whole and its part are booked at {moment}: {one.environment} and {other}"
            for other, bookings in now.items()
            if bookings and other != one.environment and _are_related(one.environment, other, places)
        ]
    return found


async def _holds_that_differ(
    held: list[_Held], bookings: list[dict[str, Any]], places: dict[int, database.Row]
) -> list[str]:
    """What holds has its row in the table of held times, with its buffers; nothing else has one."""
    rows = await database.fetch(
        "SELECT booking::text, environment, lower(during) AS starts, upper(during) AS ends FROM booking_hold"
        " WHERE environment = ANY ($1) OR booking = ANY ($2::uuid[])",
        list(places),
        [booking["id"] for booking in bookings],
    )
    stored = {_Held(row["booking"], row["environment"], row["starts"], row["ends"]) for row in rows}
    return [f"holds nothing, but should: {one}" for one in set(held) - stored] + [
        f"holds time, but should not: {one}" for one in stored - set(held)
    ]


async def _logs_that_differ(bookings: list[dict[str, Any]]) -> list[str]:
    """The log tells of each booking how it was made and of every step, up to the state that it is in."""
    rows = await database.fetch(
        "SELECT subject_id, type, data FROM audit_event WHERE subject_kind = 'booking' AND subject_id = ANY ($1)"
        " ORDER BY id",
        [booking["id"] for booking in bookings],
    )
    events = defaultdict(list)
    for row in rows:
        events[row["subject_id"]].append((row["type"], json.loads(row["data"])))
    found = []
    for booking in bookings:
        own = events[booking["id"]]
        made = [event for event, _ in own].count("booking.created")
        if made != 1:
            found.append(f"booking {booking['id']} was made {made} times, says the log")
        state = "draft"
        for event, data in own:
            if event in {"booking.state_changed", "booking.moved"}:
                if data["from"] != state:
                    found.append(f"booking {booking['id']} went from {data['from']}, but it was {state}, says the log")
                state = data["to"]
        if state != booking["state"]:
            found.append(f"booking {booking['id']} is {booking['state']}, but {state}, says the log")
    return found


# --- Of one environment


async def most_at_once(environment_id: int) -> int:
    """How many bookings have the same time in an environment at its busiest moment, offers and buffers included."""
    changes = []
    for row in await database.fetch(_HELD_IN_ONE, environment_id):
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
