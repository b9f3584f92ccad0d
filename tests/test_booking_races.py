"""People who book the same time at the same moment, over HTTP against a real server with two processes.

After each race the bookings are checked by a sweep that shares no code with the guard (booking_invariants.py).
Each race is run a few times; see ROUNDS in booking_crowd.py.
"""

import asyncio
import random
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from tests.booking_crowd import ROUNDS, Crowd, at_once, crowd_at_a_real_server, place, request_body, slot
from tests.booking_invariants import faults
from tests.factories_bookings import Scene, scene

WRITERS = 64


@pytest.fixture(scope="module")
async def crowd(database: str) -> AsyncIterator[Crowd]:
    async with crowd_at_a_real_server(database) as found:
        yield found


async def race(crowd: Crowd, the_scene: Scene, slugs: list[str]) -> AsyncIterator[list[str]]:
    """Requests for one slot, one for each slug, that are all approved at the same moment; the slugs of who got it.

    Each round begins with as many requests: those that lost wait again, and those that won are cancelled.
    """
    host, firm = the_scene.people["host"], the_scene.people["requester"]
    waiting: dict[str, str] = {}
    wanted = list(slugs)
    for _ in range(ROUNDS):
        made = await asyncio.gather(*(crowd.request(firm, slug, slot(0)) for slug in wanted))
        waiting |= dict(zip(made, wanted, strict=True))
        in_turn = random.sample(list(waiting), len(waiting))
        statuses = await at_once(crowd.step(host, one, "approve") for one in in_turn)
        assert set(statuses) <= {200, 409}
        won = [one for one, status in zip(in_turn, statuses, strict=True) if status == 200]
        yield [waiting[one] for one in won]
        wanted = [waiting.pop(one) for one in won]
        assert set(await at_once(crowd.step(host, one, "cancel", reason="The next round") for one in won)) == {200}


async def test_64_writers_of_one_slot_end_in_one_holder(crowd: Crowd) -> None:
    the_scene = await scene()
    async for won in race(crowd, the_scene, [the_scene.slug] * WRITERS):
        assert won == [the_scene.slug]
        assert await faults([the_scene.environment_id]) == []
        late = await crowd.post(the_scene.people["requester"], "/bookings", request_body(the_scene.slug, slot(0)))
        assert late.status_code == 409
        assert late.json()["type"].endswith("/time-taken")


async def test_64_writers_of_a_place_for_three_end_in_three(crowd: Crowd) -> None:
    the_scene = await scene()
    hall_id, hall = await place(the_scene, capacity=3)
    async for won in race(crowd, the_scene, [hall] * WRITERS):
        assert won == [hall] * 3
        assert await faults([hall_id]) == []


async def test_64_writers_of_a_whole_and_its_parts_end_in_the_whole_or_its_parts(crowd: Crowd) -> None:
    the_scene = await scene()
    whole = the_scene.slug
    _, hall = await place(the_scene, parent=the_scene.environment_id, capacity=3)
    _, room = await place(the_scene, parent=the_scene.environment_id)
    async for won in race(crowd, the_scene, [whole] * 14 + [hall] * 30 + [room] * 20):
        assert sorted(won) in ([whole], sorted([hall, hall, hall, room]))
        assert await faults([the_scene.environment_id]) == []


async def test_two_hosts_who_approve_one_request_approve_it_once(crowd: Crowd) -> None:
    the_scene = await scene()
    host, firm = the_scene.people["host"], the_scene.people["requester"]
    for number in range(ROUNDS):
        booking = await crowd.request(firm, the_scene.slug, slot(number))
        statuses = await at_once(crowd.step(host, booking, "approve") for _ in range(4))
        assert sorted(statuses) == [200, 409, 409, 409]
    assert await faults([the_scene.environment_id]) == []


async def test_withdrawing_against_approving_leaves_one_of_the_two(crowd: Crowd) -> None:
    """Whoever comes second sees what the first one did; a withdrawn request holds nothing."""
    the_scene = await scene()
    host, firm = the_scene.people["host"], the_scene.people["requester"]
    for number in range(ROUNDS):
        booking = await crowd.request(firm, the_scene.slug, slot(number))
        approved, withdrawn = await at_once(
            [crowd.step(host, booking, "approve"), crowd.step(firm, booking, "withdraw")]
        )
        # Nothing is required here, so approval confirms at once, and a confirmed booking cannot be withdrawn.
        assert sorted([approved, withdrawn]) == [200, 409]
    assert await faults([the_scene.environment_id]) == []


async def test_times_whose_buffers_touch_both_fit_and_whose_buffers_overlap_do_not(crowd: Crowd) -> None:
    """Requests around the edges of each other's buffers: who loses overlaps with somebody who won."""
    the_scene = await scene()
    host, firm = the_scene.people["host"], the_scene.people["requester"]
    place_id, slug = await place(the_scene, buffer_before=10, buffer_after=20)
    for number in range(ROUNDS):
        start = slot(number * 2)
        # 90 minutes from start to start is exactly an hour with both buffers.
        offsets = [0, 89, 90, 91, 179, 180, 181, 270, 45, 135]
        requests = [crowd.request(firm, slug, start + timedelta(minutes=offset)) for offset in offsets]
        bookings = list(zip(await asyncio.gather(*requests), offsets, strict=True))
        random.shuffle(bookings)
        statuses = await at_once(crowd.step(host, one, "approve") for one, _ in bookings)
        won = [offset for (_, offset), status in zip(bookings, statuses, strict=True) if status == 200]
        lost = set(offsets) - set(won)
        assert all(abs(one - other) >= 90 for one in won for other in won if one != other)
        assert all(any(abs(one - other) < 90 for other in won) for one in lost)
    assert await faults([place_id]) == []
