"""The program is killed while people book, again and again; afterwards nothing is half stored and nothing is over-full.

`registry serve` with its two processes and `registry worker` get SIGKILL at random moments, with all requests and jobs
that are under way, and are started again.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from random import SystemRandom

import httpx
import pytest

from registry import database
from registry.jobs.service import pending
from tests.booking_crowd import ROUNDS, Crowd, RunningRegistry, place, request_body, slot
from tests.booking_invariants import faults
from tests.factories_bookings import Scene, scene
from tests.postbox import Postbox

PEOPLE = 16
chance = SystemRandom()
_STEPS = ("approve", "approve", "approve", "cancel", "withdraw", "decline", "request-changes", "waitlist")
_REASON = {"reason": "The place is needed"}


# After this time a job of a worker that gives no sign of life is another's: pgqueuer's own.
SIGN_OF_LIFE = 30
# Waiting for that is for the long run only.
HAS_TIME = ROUNDS >= 10


@pytest.fixture
async def registry(database: str, postbox: Postbox) -> AsyncIterator[RunningRegistry]:
    del postbox  # takes the mails, so that no job waits for it
    found = RunningRegistry(database)
    try:
        found.start("serve")
        found.start("worker")
        await found.wait()
        yield found
    finally:
        found.stop()


class _Load:
    """People who book, decide and give back in random order until told to stop, and what they were answered."""

    def __init__(self, crowd: Crowd, the_scene: Scene, slugs: list[str]) -> None:
        self._crowd, self._scene, self._slugs = crowd, the_scene, slugs
        self.known: list[str] = []
        self.answered: dict[int, int] = {}
        self.cut_off = 0
        self.is_over = False

    async def person(self) -> None:
        """One of them. An answer that never comes tells nothing: the step may have been taken or not."""
        while not self.is_over:
            try:
                answer = await self._ask()
            except httpx.TransportError:
                self.cut_off += 1
                await asyncio.sleep(0.1)
                continue
            self.answered[answer.status_code] = self.answered.get(answer.status_code, 0) + 1
            assert answer.status_code in {200, 201, 409}, answer.text
            if answer.status_code == 201:
                self.known.append(answer.json()["id"])

    async def _ask(self) -> httpx.Response:
        people = self._scene.people
        if not self.known or chance.random() < 0.4:
            start = slot(chance.randrange(3))
            return await self._crowd.post(
                people["requester"], "/bookings", request_body(chance.choice(self._slugs), start)
            )
        step = chance.choice(_STEPS)
        who = people["requester" if step == "withdraw" else "host"]
        return await self._crowd.post(who, f"/bookings/{chance.choice(self.known[-40:])}/{step}", _REASON)


async def test_killing_the_program_while_people_book_leaves_nothing_half_stored(registry: RunningRegistry) -> None:
    the_scene = await scene()
    _, hall = await place(the_scene, parent=the_scene.environment_id, capacity=3, buffer_after=15)
    _, room = await place(the_scene, parent=the_scene.environment_id)
    crowd = Crowd(registry.address)
    load = _Load(crowd, the_scene, [the_scene.slug, hall, room])
    people = [asyncio.create_task(load.person()) for _ in range(PEOPLE)]
    for number in range(ROUNDS):
        await asyncio.sleep(chance.uniform(0.3, 1.5))
        killed = "worker" if number % 2 else "serve"
        registry.kill(killed)
        registry.start(killed)
        await registry.wait()
    await asyncio.sleep(0.5)
    load.is_over = True
    await asyncio.gather(*people)
    await crowd.client.aclose()
    assert load.cut_off > 0
    assert load.answered.get(201, 0) > 0
    assert await faults([the_scene.environment_id]) == []
    # What was answered is stored: nobody was told of a booking that does not exist.
    stored = await database.fetch("SELECT id::text FROM booking WHERE id = ANY ($1::uuid[])", load.known)
    assert {row["id"] for row in stored} == set(load.known)
    if HAS_TIME:
        await _jobs_are_done()


async def _jobs_are_done() -> None:
    """What a killed worker had begun is done by the next one."""
    deadline = time.monotonic() + SIGN_OF_LIFE + 60
    while await pending():
        assert time.monotonic() < deadline, "jobs are left undone"
        await asyncio.sleep(0.2)
