"""Many people at once who book over HTTP, and a real server with two processes that can be killed and started again."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from registry.access import SYSTEM, Actor, Permission
from registry.accounts.service import create_token
from registry.entries.codes import Audience
from registry.entries.service import EnvironmentText
from tests import factories
from tests.conftest import ROOT, free_port
from tests.factories_bookings import Scene

API = "/api/v1"
# How often each race is run. A few times in the suite, because it has to stay fast; 200 for a proof:
# REGISTRY_TEST_ROUNDS=200 pytest tests/test_booking_races.py --timeout 3600
ROUNDS = int(os.environ.get("REGISTRY_TEST_ROUNDS", "2"))


class RunningRegistry:
    """`registry serve` with two processes and `registry worker`, on the test database."""

    def __init__(self, database_url: str) -> None:
        port = free_port()
        self.address = f"http://127.0.0.1:{port}"
        self._environment = os.environ | {
            "REGISTRY_DATABASE_URL": database_url,
            "REGISTRY_PORT": str(port),
            "REGISTRY_BASE_URL": self.address,
            "REGISTRY_LOG_LEVEL": "error",
            "REGISTRY_PROCESSES": "2",
            "REGISTRY_DATABASE_CONNECTIONS": "10",
        }
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, command: str) -> None:
        """Start `serve` or `worker`, in a process group of its own."""
        self._processes[command] = subprocess.Popen(
            [sys.executable, "-m", "cli", command], cwd=ROOT, env=self._environment, start_new_session=True
        )

    def kill(self, command: str) -> None:
        """End a command and all its processes at once, wherever they are in their work."""
        process = self._processes[command]
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)

    def stop(self) -> None:
        """End everything."""
        for command in self._processes:
            self.kill(command)

    async def wait(self) -> None:
        """Wait until the server answers."""
        deadline = time.monotonic() + 30
        async with httpx.AsyncClient(timeout=2) as client:
            while time.monotonic() < deadline:
                with suppress(httpx.TransportError):
                    if (await client.get(f"{self.address}/readyz")).status_code == 200:
                        return
                await asyncio.sleep(0.05)
        raise TimeoutError(self.address)


class Crowd:
    """A client with 64 connections that acts for anybody."""

    def __init__(self, address: str) -> None:
        self.client = httpx.AsyncClient(
            base_url=address, limits=httpx.Limits(max_connections=64), timeout=60, headers={"Accept-Language": "en"}
        )
        self._tokens: dict[str, str] = {}

    async def post(
        self, actor: Actor, path: str, body: dict[str, Any] | None = None, *, key: str | None = None
    ) -> httpx.Response:
        """Post as somebody, with an idempotency key if one is given."""
        headers = await self._headers(actor)
        if key is not None:
            headers["Idempotency-Key"] = key
        return await self.client.post(f"{API}{path}", json=body, headers=headers)

    async def get(self, actor: Actor, path: str) -> httpx.Response:
        """Read as somebody."""
        return await self.client.get(f"{API}{path}", headers=await self._headers(actor))

    async def _headers(self, actor: Actor) -> dict[str, str]:
        if actor.email not in self._tokens:
            self._tokens[actor.email] = await create_token(SYSTEM, actor.email)
        return {"Authorization": f"Bearer {self._tokens[actor.email]}"}

    async def request(self, actor: Actor, slug: str | Sequence[str], starts_at: datetime, **more: Any) -> str:
        """A request that has been sent; its id."""
        answer = await self.post(actor, "/bookings", request_body(slug, starts_at, **more))
        assert answer.status_code == 201, answer.text
        booking_id: str = answer.json()["id"]
        return booking_id

    async def step(self, actor: Actor, booking_id: str, step: str, **body: Any) -> httpx.Response:
        """Take a step with a booking."""
        return await self.post(actor, f"/bookings/{booking_id}/{step}", body or None)


@asynccontextmanager
async def crowd_at_a_real_server(database_url: str) -> AsyncIterator[Crowd]:
    """A crowd before a server that runs as long."""
    registry = RunningRegistry(database_url)
    try:
        registry.start("serve")
        registry.start("worker")
        await registry.wait()
        crowd = Crowd(registry.address)
        yield crowd
        await crowd.client.aclose()
    finally:
        registry.stop()


def request_body(
    slug: str | Sequence[str], starts_at: datetime, *, minutes: int = 60, submit: bool = True, **more: Any
) -> dict[str, Any]:
    """What a whole request says."""
    return {
        "environments": [slug] if isinstance(slug, str) else list(slug),
        "starts_at": starts_at.isoformat(),
        "ends_at": (starts_at + timedelta(minutes=minutes)).isoformat(),
        "purpose": "Try a new alarm",
        "operational_benefit": "Fewer interruptions",
        "user_benefit": "Quieter nights",
        "submit": submit,
        **more,
    }


def slot(number: int) -> datetime:
    """A time of its own for each number, from the day after tomorrow on."""
    tomorrow = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=2)
    return tomorrow + timedelta(hours=6 * number)


async def place(the_scene: Scene, **values: object) -> tuple[int, str]:
    """A further environment of the scene's host, open at all times; its id and slug."""
    (body,) = the_scene.people["host"].limited_to(Permission.BOOKING_DECIDE)
    usual: dict[str, object] = {
        "bookable_by": (Audience.EXTERNAL, Audience.EMPLOYEE),
        "lead_time_hours": 0,
        "shortest": 5,
        "longest": 60 * 24 * 14,
        "opening_hours": factories.ALL_DAY_EVERY_DAY,
    }
    return await factories.environment(body=body, text=EnvironmentText(**{**usual, **values}))  # type: ignore[arg-type]


async def at_once(calls: Iterable[Awaitable[httpx.Response]]) -> list[int]:
    """The statuses of calls that are made at the same time, in their order. A fault of the server is no answer."""
    answers = await asyncio.gather(*calls)
    for answer in answers:
        assert answer.status_code < 500, answer.text
    return [answer.status_code for answer in answers]
