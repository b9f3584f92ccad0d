"""Runs the demo: PostgreSQL, migrations, example data, then worker and web server until told to stop."""

import asyncio
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from threading import Event
from types import FrameType

from rich.console import Console

from registry.demo.embedded import DemoError, port_is_taken, start_postgres, use_secret

LONGEST_START = 60.0
LONGEST_STOP = 10.0
console = Console(highlight=False, soft_wrap=True)


def run_demo(*, host: str, port: int, data_dir: Path, index: Callable[[], Awaitable[object]]) -> None:
    """Run the demo until SIGINT or SIGTERM, then end everything that it started.

    `index` builds the search index, once the example data is there.

    Raises:
        DemoError: the port is taken, or a part of the demo does not start.
    """
    if port_is_taken(host, port):
        raise DemoError(f"Port {port} is taken. Stop the program that uses it, or choose another with --port.")
    stop = Event()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGINT, on_signal)
    signal.signal(signal.SIGTERM, on_signal)
    address = f"http://{'[::1]' if ':' in host else host}:{port}"
    data_dir.mkdir(parents=True, exist_ok=True)
    use_secret(data_dir)
    os.environ |= {
        "REGISTRY_DATABASE_URL": start_postgres(data_dir),
        "REGISTRY_DEMO": "true",
        "REGISTRY_HOST": host,
        "REGISTRY_PORT": str(port),
        "REGISTRY_BASE_URL": address,
    }
    prepared = data_dir / "prepared"
    children: list[subprocess.Popen[bytes]] = []
    try:
        # The first time the tables have to be there before anything starts; later the check runs beside the start.
        if not prepared.exists():
            _prepare(index)
            prepared.touch()
            children = _start_children()
        else:
            children = _start_children()
            _prepare(index)
        _wait_until_ready(address, children, stop)
        if not stop.is_set():
            _say_how_to_sign_in(address)
        while not stop.wait(0.2):
            _check_alive(children)
    finally:
        _end(children)


def _prepare(index: Callable[[], Awaitable[object]]) -> None:
    """Migrations and, once, the example data."""
    from registry.demo.seed import seed_once  # noqa: PLC0415  # needs the address of the database
    from registry.migrations import migrate  # noqa: PLC0415

    async def run() -> None:
        await migrate()
        if await seed_once(lambda what: console.print(f"Example data: {what}")):
            await index()

    asyncio.run(run())


def _start_children() -> list[subprocess.Popen[bytes]]:
    # Sessions of their own: a Ctrl-C reaches this process only, which then ends them in order.
    return [
        subprocess.Popen([sys.executable, "-m", "cli", command], start_new_session=True)  # noqa: S603  # our own program
        for command in ("serve", "worker")
    ]


def _check_alive(children: list[subprocess.Popen[bytes]]) -> None:
    for child in children:
        if child.poll() is not None:
            raise DemoError(f"A part of the demo ended by itself (status {child.returncode}); see its message above.")


def _wait_until_ready(address: str, children: list[subprocess.Popen[bytes]], stop: Event) -> None:
    deadline = time.monotonic() + LONGEST_START
    while time.monotonic() < deadline and not stop.is_set():
        _check_alive(children)
        with (
            suppress(urllib.error.URLError, ConnectionError, TimeoutError),
            urllib.request.urlopen(f"{address}/readyz", timeout=2),  # noqa: S310  # our own loopback address
        ):
            return
        time.sleep(0.05)
    if not stop.is_set():
        raise DemoError(f"The web server did not answer within {LONGEST_START:.0f} seconds.")


def _say_how_to_sign_in(address: str) -> None:
    print(f"Ready on {address}", flush=True)  # noqa: T201  # the line that others wait for
    console.print(
        f"Sign in at {address}/sign-in with one button for each role: firm, firm2, employee, host, procurement,\n"
        "legal, coordinator or auditor (for example host@demo.test, password demo-password-1; they work in the demo only).\n"
        "Stop with Ctrl-C; the data stays."
    )


def _end(children: list[subprocess.Popen[bytes]]) -> None:
    for child in children:
        with suppress(ProcessLookupError):
            child.terminate()
    deadline = time.monotonic() + LONGEST_STOP
    for child in children:
        try:
            child.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
