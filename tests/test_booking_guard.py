"""The guard in the database: held times never exceed capacity, by whatever path and however many at once.

The invariant is checked by counting bookings at moments; it shares no code with the guard's lanes.
"""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from registry.accounts.codes import OrganisationKind
from registry.entries.codes import Audience
from registry.entries.service import EnvironmentText
from tests import factories

START = datetime(2031, 3, 3, 8, tzinfo=UTC)
BOOKABLE = (Audience.EXTERNAL, Audience.EMPLOYEE)


@dataclass(frozen=True)
class Booker:
    person: int
    organisation: int


@pytest.fixture(scope="session")
async def booker(database: str) -> Booker:
    del database
    organisation = await factories.organisation(OrganisationKind.FIRM)
    person = await factories.person(organisation_id=organisation)
    assert person.person_id is not None
    return Booker(person.person_id, organisation)


async def environment(**values: object) -> int:
    values.setdefault("bookable_by", BOOKABLE)
    entry_id, _ = await factories.environment(text=EnvironmentText(**values), publish=False)  # type: ignore[arg-type]
    return entry_id


async def hold(
    connection: asyncpg.Connection,
    booker: Booker,
    environments: Sequence[int],
    starts: int,
    ends: int,
    *,
    state: str = "approved",
) -> UUID | None:
    """Insert a booking over minutes from START; its id, or None when the database refuses."""
    booking = uuid4()
    try:
        async with connection.transaction():
            await connection.execute(
                "INSERT INTO audit_event (type, subject_kind, subject_id) VALUES ('test', 'booking', $1)", str(booking)
            )
            await connection.execute(
                "INSERT INTO booking (id, state, requester, organisation, audience, starts_at, ends_at, purpose)"
                " VALUES ($1, 'draft', $2, $3, 'external', $4, $5, 'test')",
                booking,
                booker.person,
                booker.organisation,
                START + timedelta(minutes=starts),
                START + timedelta(minutes=ends),
            )
            await connection.executemany(
                "INSERT INTO booking_environment (booking, environment) VALUES ($1, $2)",
                [(booking, one) for one in environments],
            )
            await connection.execute("UPDATE booking SET state = $2 WHERE id = $1", booking, state)
    except asyncpg.ExclusionViolationError:
        return None
    return booking


_MOST_AT_ONCE = """
SELECT coalesce(max(n), 0) FROM (
    SELECT (
        SELECT count(*) FROM booking b JOIN booking_environment be ON be.booking = b.id
        JOIN environment e ON e.id = be.environment
        WHERE be.environment = ANY ($1) AND b.state IN ('approved', 'confirmed', 'in_progress')
          AND b.starts_at - make_interval(mins => e.buffer_before) <= moment.at
          AND b.ends_at + make_interval(mins => e.buffer_after) > moment.at
    ) AS n
    FROM (
        SELECT b.starts_at - make_interval(mins => e.buffer_before) AS at
        FROM booking b JOIN booking_environment be ON be.booking = b.id JOIN environment e ON e.id = be.environment
        WHERE be.environment = ANY ($1) AND b.state IN ('approved', 'confirmed', 'in_progress')
    ) AS moment
) AS counts
"""


async def most_at_once(connection: asyncpg.Connection, *environments: int) -> int:
    """How many bookings of these environments overlap at the busiest moment, buffers included."""
    found: int = await connection.fetchval(_MOST_AT_ONCE, list(environments))
    return found


@pytest.fixture
async def connection(database: str) -> asyncpg.Connection:
    found = await asyncpg.connect(database)
    yield found
    await found.close()


async def test_touching_bookings_both_fit(connection: asyncpg.Connection, booker: Booker) -> None:
    place = await environment()
    assert await hold(connection, booker, [place], 0, 60)
    assert await hold(connection, booker, [place], 60, 120)
    assert await hold(connection, booker, [place], 59, 61) is None


async def test_buffers_belong_to_the_held_time(connection: asyncpg.Connection, booker: Booker) -> None:
    place = await environment(buffer_before=10, buffer_after=20)
    assert await hold(connection, booker, [place], 0, 60)
    assert await hold(connection, booker, [place], 89, 120) is None
    assert await hold(connection, booker, [place], 90, 120)


async def test_leaving_a_holding_state_frees_the_time(connection: asyncpg.Connection, booker: Booker) -> None:
    place = await environment()
    first = await hold(connection, booker, [place], 0, 60)
    assert await hold(connection, booker, [place], 0, 60) is None
    async with connection.transaction():
        await connection.execute("INSERT INTO audit_event (type, subject_kind, subject_id) VALUES ('t', 'booking', '')")
        await connection.execute("UPDATE booking SET state = 'withdrawn' WHERE id = $1", first)
    assert await hold(connection, booker, [place], 0, 60)


async def test_moving_a_booking_is_guarded_too(connection: asyncpg.Connection, booker: Booker) -> None:
    place = await environment()
    assert await hold(connection, booker, [place], 0, 60)
    second = await hold(connection, booker, [place], 60, 120)
    with pytest.raises(asyncpg.ExclusionViolationError):
        await connection.execute(
            "UPDATE booking SET starts_at = $2 WHERE id = $1", second, START + timedelta(minutes=30)
        )


async def test_whole_blocks_parts_and_parts_block_the_whole(connection: asyncpg.Connection, booker: Booker) -> None:
    whole = await environment()
    room = await environment(parent=whole)
    hall = await environment(parent=whole, capacity=3)
    assert await hold(connection, booker, [room], 0, 60)
    assert await hold(connection, booker, [whole], 30, 90) is None
    assert await hold(connection, booker, [whole], 60, 120)
    assert await hold(connection, booker, [hall], 90, 100) is None
    for _ in range(3):
        assert await hold(connection, booker, [hall], 120, 180)
    assert await hold(connection, booker, [hall], 120, 180) is None


async def test_several_environments_are_all_or_nothing(connection: asyncpg.Connection, booker: Booker) -> None:
    first, second = await environment(), await environment()
    assert await hold(connection, booker, [second], 0, 60)
    assert await hold(connection, booker, [first, second], 0, 60) is None
    assert await most_at_once(connection, first) == 0


async def test_whole_and_its_part_in_one_booking_are_refused(connection: asyncpg.Connection, booker: Booker) -> None:
    whole = await environment()
    part = await environment(parent=whole)
    assert await hold(connection, booker, [whole, part], 0, 60) is None


async def test_lower_capacity_is_refused_while_bookings_need_it(connection: asyncpg.Connection, booker: Booker) -> None:
    place = await environment(capacity=2)
    assert await hold(connection, booker, [place], 0, 60)
    assert await hold(connection, booker, [place], 30, 90)
    with pytest.raises(asyncpg.ExclusionViolationError):
        await connection.execute("UPDATE environment SET capacity = 1 WHERE id = $1", place)
    assert await connection.fetchval("SELECT capacity FROM environment WHERE id = $1", place) == 2


async def test_wider_buffer_is_refused_while_bookings_touch(connection: asyncpg.Connection, booker: Booker) -> None:
    place = await environment()
    assert await hold(connection, booker, [place], 0, 60)
    assert await hold(connection, booker, [place], 60, 120)
    with pytest.raises(asyncpg.ExclusionViolationError):
        await connection.execute("UPDATE environment SET buffer_after = 5 WHERE id = $1", place)


async def test_new_part_and_new_parent_keep_the_holds(connection: asyncpg.Connection, booker: Booker) -> None:
    whole = await environment()
    assert await hold(connection, booker, [whole], 0, 60)
    part = await environment(parent=whole)
    assert await hold(connection, booker, [part], 0, 60) is None
    other = await environment()
    assert await hold(connection, booker, [other], 0, 60)
    with pytest.raises(asyncpg.ExclusionViolationError):
        await connection.execute("UPDATE environment SET parent = $2 WHERE id = $1", other, whole)


async def test_environments_cannot_form_a_ring(connection: asyncpg.Connection) -> None:
    whole = await environment()
    part = await environment(parent=whole)
    with pytest.raises(asyncpg.CheckViolationError):
        await connection.execute("UPDATE environment SET parent = $2 WHERE id = $1", whole, part)


async def test_hold_cannot_be_taken_away_from_its_booking(connection: asyncpg.Connection, booker: Booker) -> None:
    place = await environment()
    booking = await hold(connection, booker, [place], 0, 60)
    with pytest.raises(asyncpg.RestrictViolationError):
        await connection.execute("DELETE FROM booking_hold WHERE booking = $1", booking)


INTERVALS = st.lists(
    st.tuples(st.integers(0, 60), st.integers(1, 25)).map(lambda pair: (pair[0], pair[0] + pair[1])),
    min_size=1,
    max_size=14,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(intervals=INTERVALS, capacity=st.integers(1, 3), buffer=st.sampled_from([0, 3]))
async def test_request_is_held_exactly_when_capacity_is_left(
    intervals: list[tuple[int, int]], capacity: int, buffer: int, booker: Booker, connection: asyncpg.Connection
) -> None:
    """Against an independent model that counts, minute by minute."""
    place = await environment(capacity=capacity, buffer_after=buffer)
    load = [0] * 200
    for start, end in intervals:
        minutes = range(start, end + buffer)
        expected = all(load[minute] < capacity for minute in minutes)
        held = await hold(connection, booker, [place], start, end)
        assert (held is not None) == expected
        if held:
            for minute in minutes:
                load[minute] += 1
    assert max(load) <= capacity


@pytest.mark.parametrize("round_number", range(5))
async def test_64_writers_on_a_site_never_exceed_it(database: str, booker: Booker, round_number: int) -> None:
    """Writers on the whole, on a part of capacity 3 and on a part of capacity 1, each with its own connection."""
    del round_number
    whole = await environment()
    hall = await environment(parent=whole, capacity=3)
    room = await environment(parent=whole)
    connections = await asyncio.gather(*(asyncpg.connect(database) for _ in range(64)))
    targets = [whole] * 14 + [hall] * 30 + [room] * 20
    random.shuffle(targets)
    try:
        held = await asyncio.gather(
            *(hold(one, booker, [target], 0, 60) for one, target in zip(connections, targets, strict=True))
        )
        winners = [target for target, booking in zip(targets, held, strict=True) if booking]
        assert sorted(winners) in ([whole], sorted([hall, hall, hall, room]))
        assert await most_at_once(connections[0], hall) <= 3
        assert await most_at_once(connections[0], room) <= 1
        assert await most_at_once(connections[0], whole) <= 1
    finally:
        await asyncio.gather(*(one.close() for one in connections))


async def test_multi_environment_writers_do_not_deadlock(database: str, booker: Booker) -> None:
    first, second = await environment(), await environment()
    connections = await asyncio.gather(*(asyncpg.connect(database) for _ in range(16)))
    try:
        held = await asyncio.gather(
            *(
                hold(one, booker, [first, second] if number % 2 else [second, first], 0, 60)
                for number, one in enumerate(connections)
            )
        )
        assert sum(1 for booking in held if booking) == 1
    finally:
        await asyncio.gather(*(one.close() for one in connections))
