"""The program is killed while people book, again and again; afterwards nothing is half stored and nothing is over-full.

`registry serve` with its two processes and `registry worker` get SIGKILL at random moments, with all requests and jobs
that are under way, and are started again.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from random import SystemRandom
from uuid import uuid4

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
        # What each idempotency key was answered: the booking, or nothing where it was refused.
        self.answered: dict[str, str | None] = {}
        self.steps = 0
        self.cut_off = 0
        self.is_over = False

    @property
    def made(self) -> list[str]:
        """The bookings that people were told of."""
        return [one for one in self.answered.values() if one is not None]

    async def person(self) -> None:
        """One of them."""
        while not self.is_over:
            if self.made and chance.random() < 0.6:
                await self._take_a_step()
            else:
                await self._book()

    async def _take_a_step(self) -> None:
        step = chance.choice(_STEPS)
        who = self._scene.people["requester" if step == "withdraw" else "host"]
        try:
            answer = await self._crowd.post(who, f"/bookings/{chance.choice(self.made[-40:])}/{step}", _REASON)
        except httpx.TransportError:
            # An answer that never comes tells nothing: the step may have been taken or not.
            self.cut_off += 1
            await asyncio.sleep(0.1)
            return
        # A host may put a request on the list, but not one that was sent back: that is refused as not theirs (403).
        assert answer.status_code in {200, 403, 409}, answer.text
        self.steps += answer.status_code == 200

    async def _book(self) -> None:
        """A request with a key of its own, which is sent again until it is answered."""
        key = str(uuid4())
        body = request_body(chance.choice(self._slugs), slot(chance.randrange(3)))
        while key not in self.answered:
            try:
                answer = await self._crowd.post(self._scene.people["requester"], "/bookings", body, key=key)
            except httpx.TransportError:
                self.cut_off += 1
                await asyncio.sleep(0.1)
                continue
            assert answer.status_code in {201, 409}, answer.text
            found = answer.json()
            if not found.get("type", "").endswith("/idempotency-key-in-use"):
                self.answered[key] = found["id"] if answer.status_code == 201 else None


async def test_killing_the_program_while_people_book_leaves_nothing_half_stored(registry: RunningRegistry) -> None:
    the_scene = await scene()
    hall_id, hall = await place(the_scene, parent=the_scene.environment_id, capacity=3, buffer_after=15)
    room_id, room = await place(the_scene, parent=the_scene.environment_id)
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
    assert min(load.cut_off, load.steps, len(load.made)) > 0
    assert await faults([the_scene.environment_id]) == []
    await _keys_match(load, [the_scene.environment_id, hall_id, room_id])
    if HAS_TIME:
        await _jobs_are_done()


async def _keys_match(load: _Load, environment_ids: list[int]) -> None:
    """Each key made the booking that it was answered with, or none, and no booking was made but by a key."""
    rows = await database.fetch("SELECT key, body FROM idempotency_key WHERE key = ANY ($1)", list(load.answered))
    stored = {row["key"]: json.loads(row["body"]).get("id") for row in rows}
    assert stored == load.answered
    bookings = await database.fetch(
        "SELECT booking::text AS id FROM booking_environment WHERE environment = ANY ($1)", environment_ids
    )
    assert sorted(row["id"] for row in bookings) == sorted(load.made)


async def _jobs_are_done() -> None:
    """What a killed worker had begun is done by the next one."""
    deadline = time.monotonic() + SIGN_OF_LIFE + 60
    while await pending():
        assert time.monotonic() < deadline, "jobs are left undone"
        await asyncio.sleep(0.2)
