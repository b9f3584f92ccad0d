"""Series, waiting, moving and idempotency keys, when several people do it at the same moment over HTTP.

As in test_booking_races.py: a real server with two processes, and a sweep over the bookings after each race.
"""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.booking_crowd import ROUNDS, Crowd, at_once, crowd_at_a_real_server, place, request_body, slot
from tests.booking_invariants import faults
from tests.factories_bookings import Scene, scene


@pytest.fixture(scope="module")
async def crowd(database: str) -> AsyncIterator[Crowd]:
    async with crowd_at_a_real_server(database) as found:
        yield found


async def confirmed(crowd: Crowd, the_scene: Scene, slug: str, start: datetime) -> str:
    booking = await crowd.request(the_scene.people["requester"], slug, start)
    answer = await crowd.step(the_scene.people["host"], booking, "approve")
    assert answer.json()["state"] == "confirmed", answer.text
    return booking


async def read(crowd: Crowd, the_scene: Scene, booking: str) -> dict[str, Any]:
    found: dict[str, Any] = (await crowd.get(the_scene.people["host"], f"/bookings/{booking}")).json()
    return found


# --- Series


async def series_of(crowd: Crowd, the_scene: Scene, start: datetime) -> tuple[str, list[str]]:
    """A series of four days that has been sent; its id and its bookings'."""
    rule = {"frequency": "daily", "count": 4}
    body = request_body(the_scene.slug, start, series=rule)
    answer = await crowd.post(the_scene.people["requester"], "/bookings", body)
    assert answer.status_code == 201, answer.text
    found = answer.json()
    return found["id"], [item["id"] for item in found["items"]]


async def test_series_against_a_single_booking_ends_in_one_of_them(crowd: Crowd) -> None:
    """The series holds all its times or none; the single request is for the third of them."""
    for _ in range(ROUNDS):
        the_scene = await scene()
        host, start = the_scene.people["host"], slot(0)
        series, items = await series_of(crowd, the_scene, start)
        single = await crowd.request(the_scene.people["other_firm"], the_scene.slug, start + timedelta(days=2))
        statuses = await at_once(
            [crowd.post(host, f"/bookings/series/{series}/approve"), crowd.step(host, single, "approve")]
        )
        assert sorted(statuses) == [200, 409]
        states = {(await read(crowd, the_scene, item))["state"] for item in items}
        assert states == ({"confirmed"} if statuses[0] == 200 else {"submitted"})
        assert await faults([the_scene.environment_id]) == []


async def test_two_series_that_meet_end_in_one_of_them(crowd: Crowd) -> None:
    """Their common time is the first one's last and the second one's first: no order of locking saves them."""
    for _ in range(ROUNDS):
        the_scene = await scene()
        host, start = the_scene.people["host"], slot(0)
        ids = [(await series_of(crowd, the_scene, start + timedelta(days=later)))[0] for later in (0, 3)]
        statuses = await at_once(crowd.post(host, f"/bookings/series/{one}/approve") for one in ids)
        assert sorted(statuses) == [200, 409]
        assert await faults([the_scene.environment_id]) == []


# --- Waiting


async def test_freed_time_goes_to_the_line_and_not_to_whoever_asks_at_that_moment(crowd: Crowd) -> None:
    the_scene = await scene()
    host, waiting, rival = (the_scene.people[name] for name in ("host", "other_firm", "requester"))
    for number in range(ROUNDS):
        start = slot(number)
        held = await confirmed(crowd, the_scene, the_scene.slug, start)
        in_line = await crowd.request(waiting, the_scene.slug, start, waitlist=True)
        body = request_body(the_scene.slug, start)
        answers = await at_once(
            [
                crowd.step(host, held, "cancel", reason="Repairs"),
                *(crowd.post(rival, "/bookings", body) for _ in range(8)),
            ]
        )
        assert answers == [200] + [409] * 8
        assert await faults([the_scene.environment_id]) == []
        assert await at_once([crowd.step(waiting, in_line, "accept-offer")]) == [200]
        assert await at_once([crowd.step(host, in_line, "approve")]) == [200]


async def test_approving_a_request_against_offering_its_time_ends_in_one_holder(crowd: Crowd) -> None:
    """One request was sent before the time was taken, and is approved at the moment when the line is offered it."""
    the_scene = await scene()
    host, waiting, rival = (the_scene.people[name] for name in ("host", "other_firm", "colleague"))
    for number in range(ROUNDS):
        start = slot(number)
        early = await crowd.request(rival, the_scene.slug, start)
        held = await confirmed(crowd, the_scene, the_scene.slug, start)
        in_line = await crowd.request(waiting, the_scene.slug, start, waitlist=True)
        cancelled, approved = await at_once(
            [crowd.step(host, held, "cancel", reason="Repairs"), crowd.step(host, early, "approve")]
        )
        assert cancelled == 200
        assert await faults([the_scene.environment_id]) == []
        # Whichever came first, the time is held once: by who was in line, or by the request.
        accepted = (await at_once([crowd.step(waiting, in_line, "accept-offer")]))[0]
        assert sorted([approved, accepted]) == [200, 409]


# --- Moving


async def test_two_moves_into_one_slot_end_in_one_and_the_other_keeps_its_time(crowd: Crowd) -> None:
    the_scene = await scene()
    host = the_scene.people["host"]
    for number in range(ROUNDS):
        start, wanted = slot(number * 2), slot(number * 2 + 1)
        bookings = [
            await confirmed(crowd, the_scene, the_scene.slug, start + timedelta(hours=later)) for later in (0, 2)
        ]
        to = {"starts_at": wanted.isoformat(), "ends_at": (wanted + timedelta(hours=1)).isoformat()}
        statuses = await at_once(crowd.step(host, one, "move", reason="Repairs", **to) for one in bookings)
        assert sorted(statuses) == [200, 409]
        assert await faults([the_scene.environment_id]) == []


async def test_two_bookings_that_move_into_each_others_places_do_not_wait_for_ever(crowd: Crowd) -> None:
    """Each wants what the other still holds, in two sites: both are refused, or one is, and nothing hangs."""
    the_scene = await scene()
    host = the_scene.people["host"]
    other_id, other = await place(the_scene)
    for number in range(ROUNDS):
        start = slot(number)
        here = await confirmed(crowd, the_scene, the_scene.slug, start)
        there = await confirmed(crowd, the_scene, other, start)
        times = {"starts_at": start.isoformat(), "ends_at": (start + timedelta(hours=1)).isoformat()}
        statuses = await at_once(
            crowd.step(host, booking, "move", reason="Repairs", environments=[to], **times)
            for booking, to in ((here, other), (there, the_scene.slug))
        )
        assert set(statuses) == {409}
        assert await faults([the_scene.environment_id, other_id]) == []


# --- Idempotency keys


async def test_one_key_sent_16_times_at_once_makes_one_booking(crowd: Crowd) -> None:
    the_scene = await scene()
    firm = the_scene.people["requester"]
    for number in range(ROUNDS):
        key, body = str(uuid4()), request_body(the_scene.slug, slot(number))
        answers: list[httpx.Response] = await asyncio.gather(
            *(crowd.post(firm, "/bookings", body, key=key) for _ in range(16))
        )
        assert {answer.status_code for answer in answers} == {201}
        assert len({answer.json()["id"] for answer in answers}) == 1
    assert await faults([the_scene.environment_id]) == []
