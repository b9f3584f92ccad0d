"""Keys of requests: done once and answered again, at once from many sides, and never without what they stand for."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest
from litestar import Litestar

from registry import database
from registry.bookings.states import BookingState
from registry.idempotency.service import remove_old_keys
from tests.clients import api
from tests.conftest import Server, free_port, start_registry
from tests.factories_bookings import Scene, booking_in
from tests.test_booking_api import API, bearer, body_for


@pytest.fixture
async def firm(application: Litestar, place: Scene) -> AsyncIterator[httpx.AsyncClient]:
    async with await api(application, place.people["requester"]) as client:
        yield client


def key() -> dict[str, str]:
    return {"Idempotency-Key": str(uuid4())}


async def bookings_in(place: Scene) -> int:
    row = await database.fetch_one(
        "SELECT count(*) AS n FROM booking_environment WHERE environment = $1", place.environment_id
    )
    assert row is not None
    count: int = row["n"]
    return count


async def keys_of(place: Scene) -> int:
    row = await database.fetch_one(
        "SELECT count(*) AS n FROM idempotency_key WHERE person = $1", place.people["requester"].person_id
    )
    assert row is not None
    count: int = row["n"]
    return count


async def test_same_request_twice_is_done_once_and_answered_alike(firm: httpx.AsyncClient, place: Scene) -> None:
    headers = key()
    first = await firm.post(f"{API}/bookings", json=body_for(place.slug), headers=headers)
    again = await firm.post(f"{API}/bookings", json=body_for(place.slug), headers=headers)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert again.headers["content-type"] == first.headers["content-type"]
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert again.headers["x-content-type-options"] == first.headers["x-content-type-options"]
    assert await bookings_in(place) == 1


async def test_key_in_quotation_marks_is_the_same_key(firm: httpx.AsyncClient, place: Scene) -> None:
    first = await firm.post(f"{API}/bookings", json=body_for(place.slug), headers={"Idempotency-Key": "a-key"})
    again = await firm.post(f"{API}/bookings", json=body_for(place.slug), headers={"Idempotency-Key": '"a-key"'})
    assert again.json()["id"] == first.json()["id"]


async def test_without_a_key_or_with_another_one_it_is_done_again(firm: httpx.AsyncClient, place: Scene) -> None:
    for headers in (key(), key(), {}, {}):
        assert (await firm.post(f"{API}/bookings", json=body_for(place.slug), headers=headers)).status_code == 201
    assert await bookings_in(place) == 4


async def test_same_key_with_another_body_or_address_is_422(firm: httpx.AsyncClient, place: Scene) -> None:
    headers = key()
    first = await firm.post(f"{API}/bookings", json=body_for(place.slug), headers=headers)
    for path, body in (
        (f"{API}/bookings", body_for(place.slug, trl=6)),
        (f"{API}/bookings/check", body_for(place.slug)),
        (f"{API}/bookings/{first.json()['id']}/withdraw", {}),
    ):
        answer = await firm.post(path, json=body, headers=headers)
        assert answer.status_code == 422
        assert answer.headers["content-type"].startswith("application/problem+json")
        assert answer.json()["type"] == "/problems/idempotency-key-reused"
        assert "new key" in answer.json()["detail"]
    assert await bookings_in(place) == 1


@pytest.mark.parametrize("bad", ["", " ", '""', "x" * 201, "åäö", "a\tb"])
async def test_malformed_key_is_422_and_nothing_is_done(firm: httpx.AsyncClient, place: Scene, bad: str) -> None:
    headers: Any = {"Idempotency-Key": bad.encode("latin-1")}
    answer = await firm.post(f"{API}/bookings", json=body_for(place.slug), headers=headers)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "Idempotency-Key"
    assert await bookings_in(place) == 0


async def test_key_is_a_persons_own(application: Litestar, firm: httpx.AsyncClient, place: Scene) -> None:
    headers = key()
    first = await firm.post(f"{API}/bookings", json=body_for(place.slug), headers=headers)
    async with await api(application, place.people["colleague"]) as colleague:
        other = await colleague.post(f"{API}/bookings", json=body_for(place.slug), headers=headers)
    assert other.status_code == 201
    assert other.json()["id"] != first.json()["id"]


async def test_visitor_is_answered_as_without_a_key(visitor: httpx.AsyncClient, place: Scene) -> None:
    answer = await visitor.post(f"{API}/bookings", json=body_for(place.slug), headers=key())
    assert answer.status_code == 401


async def test_step_taken_twice_is_answered_with_the_state_it_led_to(application: Litestar, place: Scene) -> None:
    booking_id = await booking_in(place, BookingState.SUBMITTED)
    headers = key()
    async with await api(application, place.people["host"]) as host:
        first = await host.post(f"{API}/bookings/{booking_id}/approve", headers=headers)
        again = await host.post(f"{API}/bookings/{booking_id}/approve", headers=headers)
        without = await host.post(f"{API}/bookings/{booking_id}/approve")
    assert first.json()["state"] == "confirmed"
    assert again.content == first.content
    assert without.status_code == 409


async def test_refusal_is_answered_again_and_leaves_nothing_else(firm: httpx.AsyncClient, place: Scene) -> None:
    headers = key()
    for changes in ({"trl": 10}, {"purpose": ""}):
        headers = key()
        first = await firm.post(f"{API}/bookings", json=body_for(place.slug, **changes), headers=headers)
        again = await firm.post(f"{API}/bookings", json=body_for(place.slug, **changes), headers=headers)
        assert (first.status_code, again.status_code) == (422, 422)
        assert again.content == first.content
        assert again.headers["idempotency-replayed"] == "true"
    assert await bookings_in(place) == 0
    assert await keys_of(place) == 2


async def test_clash_inside_a_request_with_a_key_is_the_same_problem_as_without(
    application: Litestar, firm: httpx.AsyncClient, place: Scene
) -> None:
    one = (await firm.post(f"{API}/bookings", json=body_for(place.slug))).json()["id"]
    async with await api(application, place.people["host"]) as host:
        assert (await host.post(f"{API}/bookings/{one}/approve")).status_code == 200
    without = await firm.post(f"{API}/bookings", json=body_for(place.slug))
    with_key = await firm.post(f"{API}/bookings", json=body_for(place.slug), headers=key())
    assert without.status_code == with_key.status_code == 409
    assert with_key.json() == without.json()


async def test_change_that_logs_nothing_is_still_refused_inside_a_request_with_a_key(place: Scene) -> None:
    """What the database checks at a commit it checks at the end of a command inside the whole request as well."""
    booking_id = await booking_in(place, BookingState.SUBMITTED)
    async with database.whole_request():
        with pytest.raises(asyncpg.RestrictViolationError):
            async with database.transaction():
                # Neither is there an event of this transaction, nor would an earlier one be of it.
                await database.fetch("UPDATE booking SET reason = 'x' WHERE id = $1", booking_id)
        row = await database.fetch_one("SELECT reason FROM booking WHERE id = $1", booking_id)
        assert row is not None
        assert row["reason"] == "a reason"


async def test_key_is_forgotten_after_a_day(firm: httpx.AsyncClient, place: Scene) -> None:
    headers = key()
    await firm.post(f"{API}/bookings", json=body_for(place.slug), headers=headers)
    await remove_old_keys(datetime.now(UTC) + timedelta(hours=23))
    assert await keys_of(place) == 1
    # Also before the clock has come round to remove it.
    await database.fetch(
        "UPDATE idempotency_key SET created_at = now() - interval '25 hours' WHERE person = $1",
        place.people["requester"].person_id,
    )
    assert (await firm.post(f"{API}/bookings", json=body_for(place.slug), headers=headers)).status_code == 201
    assert await bookings_in(place) == 2
    await remove_old_keys(datetime.now(UTC) + timedelta(hours=25))
    assert await keys_of(place) == 0


async def test_same_key_from_16_connections_at_once_makes_one_booking(server: Server, place: Scene) -> None:
    headers = {**await bearer(place.people["requester"]), **key()}
    body = body_for(place.slug)
    limits = httpx.Limits(max_connections=16)
    async with httpx.AsyncClient(base_url=server.address, limits=limits, timeout=60) as client:
        answers = await asyncio.gather(*(client.post(f"{API}/bookings", json=body, headers=headers) for _ in range(16)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert sum("idempotency-replayed" not in answer.headers for answer in answers) == 1
    assert await bookings_in(place) == 1


async def test_second_request_gets_409_when_the_first_takes_long(
    firm: httpx.AsyncClient, place: Scene, database: str
) -> None:
    headers = key()
    other = await asyncpg.connect(database)
    try:
        async with other.transaction():
            await other.execute("SELECT lock_site($1)", place.environment_id)
            first = asyncio.create_task(firm.post(f"{API}/bookings", json=body_for(place.slug), headers=headers))
            await _until_somebody_waits(other, place)
            second = await firm.post(f"{API}/bookings", json=body_for(place.slug), headers=headers)
        assert second.status_code == 409
        assert second.json()["type"] == "/problems/idempotency-key-in-use"
        assert (await first).status_code == 201
    finally:
        await other.close()


async def _until_somebody_waits(connection: asyncpg.Connection, place: Scene) -> None:
    for _ in range(400):
        waits = await connection.fetchval(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
            " AND classid = 5270 AND objid = $1",
            place.environment_id,
        )
        if waits:
            return
        await asyncio.sleep(0.05)
    pytest.fail("the request does not wait for the site")


async def test_fault_while_the_key_is_stored_leaves_neither_key_nor_booking(
    firm: httpx.AsyncClient, place: Scene
) -> None:
    headers = key()
    await database.fetch(
        "CREATE FUNCTION fail_here() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'a fault'; END $$"
    )
    await database.fetch(
        "CREATE TRIGGER fails BEFORE UPDATE ON idempotency_key FOR EACH ROW EXECUTE FUNCTION fail_here()"
    )
    try:
        answer = await firm.post(f"{API}/bookings", json=body_for(place.slug), headers=headers)
        assert answer.status_code == 500
        assert await bookings_in(place) == 0
        assert await keys_of(place) == 0
    finally:
        await database.fetch("DROP FUNCTION fail_here() CASCADE")
    assert (await firm.post(f"{API}/bookings", json=body_for(place.slug), headers=headers)).status_code == 201
    assert await bookings_in(place) == 1


async def test_program_killed_in_the_middle_leaves_neither_key_nor_booking(place: Scene, database: str) -> None:
    headers = {**await bearer(place.people["requester"]), **key()}
    body = body_for(place.slug)
    other = await asyncpg.connect(database)
    port = free_port()
    web = start_registry("serve", REGISTRY_DATABASE_URL=database, REGISTRY_PORT=str(port), REGISTRY_LOG_LEVEL="error")
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
            await _until_it_answers(client)
            async with other.transaction():
                # The booking has been written by then, and waits for its place in the middle of the request.
                await other.execute("SELECT lock_site($1)", place.environment_id)
                asked = asyncio.create_task(client.post(f"{API}/bookings", json=body, headers=headers))
                await _until_somebody_waits(other, place)
                _kill(web.pid)
                web.wait(15)
                with pytest.raises(httpx.TransportError):
                    await asked
    finally:
        if web.poll() is None:
            _kill(web.pid)
            web.wait(15)
        await other.close()
    assert await bookings_in(place) == 0
    assert await keys_of(place) == 0


def _kill(process: int) -> None:
    """End a process and those that it has started, at once and without a chance to tidy up."""
    for child in Path(f"/proc/{process}/task/{process}/children").read_text().split():
        _kill(int(child))
    os.kill(process, signal.SIGKILL)


async def _until_it_answers(client: httpx.AsyncClient) -> None:
    for _ in range(300):
        try:
            if (await client.get("/healthz")).status_code == 200:
                return
        except httpx.TransportError:
            await asyncio.sleep(0.1)
    pytest.fail("the web server does not answer")
