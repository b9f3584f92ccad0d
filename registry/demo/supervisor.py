"""Runs the demo: PostgreSQL, migrations, example data, then web server and worker until told to stop."""

import asyncio
import hashlib
import multiprocessing
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread

from rich.console import Console

from registry import PROJECT_ROOT
from registry.demo.embedded import (
    DemoError,
    claim,
    port_is_taken,
    postgres_address,
    start_postgres,
    use_index,
    use_secret,
)

LONGEST_START = 60.0
LONGEST_STOP = 10.0
# The tables, and the five parts of the example data.
PREPARING_STEPS = 6
# What brings the search up to date: what a step is called, and the step.
SearchSteps = Sequence[tuple[str, Callable[[], Awaitable[object]]]]
console = Console(highlight=False, soft_wrap=True)


def run_demo(
    *, host: str, port: int, data_dir: Path, search_steps: SearchSteps, serve: Callable[[str, int], None]
) -> None:
    """Run the demo until SIGINT or SIGTERM, then end everything that it started.

    `search_steps` prepare the search once the example data is there; later the worker keeps it up to date. `serve`
    runs the web server in this process until a signal ends it.

    Raises:
        DemoError: the port is taken, or a part of the demo does not start.
    """
    if port_is_taken(host, port):
        raise DemoError(f"Port {port} is taken. Stop the program that uses it, or choose another with --port.")
    address = f"http://{'[::1]' if ':' in host else host}:{port}"
    claim(data_dir)  # until the process ends: the database ends last
    use_secret(data_dir)
    use_index(data_dir)
    os.environ |= {
        "REGISTRY_DEMO": "true",
        "REGISTRY_HOST": host,
        "REGISTRY_PORT": str(port),
        "REGISTRY_BASE_URL": address,
    }
    os.environ.setdefault("REGISTRY_LOG_LEVEL", "warning")
    known = _address_when_prepared(data_dir)
    if known is None:
        os.environ["REGISTRY_DATABASE_URL"] = start_postgres(data_dir)
        asyncio.run(_prepare(search_steps))
        _marker(data_dir).write_text(_fingerprint())
    else:
        os.environ["REGISTRY_DATABASE_URL"] = known
    companion = _Companion(address, data_dir)
    companion.start()
    try:
        serve(host, port)
    finally:
        companion.end()
    if companion.fault:
        raise DemoError(companion.fault)


def _marker(data_dir: Path) -> Path:
    return data_dir / "prepared"


def _fingerprint() -> str:
    patterns = ("*/**/piccolo_migrations/*.py", "search/starting_vocabulary/*.json")
    names = sorted(path.name for pattern in patterns for path in PROJECT_ROOT.glob(pattern))
    return hashlib.sha256("\n".join(names).encode()).hexdigest()


def _address_when_prepared(data_dir: Path) -> str | None:
    """The database's address, if exactly these files have prepared it: then it may start beside the web server."""
    marker = _marker(data_dir)
    if marker.exists() and marker.read_text() == _fingerprint():
        return postgres_address(data_dir)
    return None


async def _prepare(search_steps: SearchSteps) -> None:
    """Migrations and, once, the example data; what the search finds in it."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn  # noqa: PLC0415  # the first time only

    from registry.demo.seed import seed_once  # noqa: PLC0415  # needs the address of the database
    from registry.migrations import migrate  # noqa: PLC0415

    with Progress(TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), console=console) as progress:
        steps = PREPARING_STEPS + len(search_steps)
        task = progress.add_task("Setting up the database", total=steps)

        def begin(what: str) -> None:
            progress.update(task, description=what, advance=1)

        await migrate()
        await seed_once(begin)
        for name, step in search_steps:
            begin(name)
            await step()
        progress.update(task, description="The database is set up", completed=steps)


class _Companion(Thread):
    """Beside the web server: starts the database, says when all is ready, runs the worker, ends all if that dies."""

    def __init__(self, address: str, data_dir: Path) -> None:
        super().__init__(name="companion", daemon=True)
        self.address = address
        self.data_dir = data_dir
        self.stopping = Event()
        self.worker: subprocess.Popen[bytes] | None = None
        self.fault = ""

    def run(self) -> None:
        """Everything that goes on beside the web server."""
        self._wait_until_forked()
        try:
            start_postgres(self.data_dir)
        except Exception as error:  # noqa: BLE001  # whatever it is, the person has to be told
            self._give_up(f"PostgreSQL does not start: {error}. Its log is {self.data_dir / 'postgres' / 'log'}.")
            return
        if not self._wait_until_ready():
            return
        _say_how_to_sign_in(self.address)
        # A session of its own: a Ctrl-C reaches this process only, which then ends the worker in order.
        self.worker = subprocess.Popen([sys.executable, "-m", "cli", "worker"], start_new_session=True)
        while not self.stopping.wait(0.5):
            if self.worker.poll() is not None:
                self._give_up(f"The worker ended by itself (status {self.worker.returncode}); see its message above.")
                return

    def _wait_until_forked(self) -> None:
        """Do nothing while the web server forks its processes: a lock that is held here would stay held in them."""
        deadline = time.monotonic() + LONGEST_START
        while not multiprocessing.active_children() and time.monotonic() < deadline and not self.stopping.is_set():
            time.sleep(0.01)

    def _wait_until_ready(self) -> bool:
        deadline = time.monotonic() + LONGEST_START
        while time.monotonic() < deadline and not self.stopping.is_set():
            with (
                suppress(urllib.error.URLError, ConnectionError, TimeoutError),
                urllib.request.urlopen(f"{self.address}/readyz", timeout=2),  # noqa: S310  # our own address
            ):
                return True
            time.sleep(0.05)
        if not self.stopping.is_set():
            self._give_up(f"The web server did not answer within {LONGEST_START:.0f} seconds; see its message above.")
        return False

    def _give_up(self, fault: str) -> None:
        self.fault = fault
        os.kill(os.getpid(), signal.SIGTERM)

    def end(self) -> None:
        """End the worker."""
        self.stopping.set()
        self.join(LONGEST_STOP)
        if self.worker is None or self.worker.poll() is not None:
            return
        self.worker.terminate()
        try:
            self.worker.wait(LONGEST_STOP)
        except subprocess.TimeoutExpired:
            self.worker.kill()
            self.worker.wait()


def _say_how_to_sign_in(address: str) -> None:
    print(f"Ready on {address}", flush=True)  # noqa: T201  # the line that others wait for
    console.print(
        f"Sign in at {address}/sign-in with one button for each role: firm, firm2, employee, host,\n"
        "procurement, legal, coordinator or auditor. By hand: host@demo.test and so on, password demo-password-1.\n"
        "Stop with Ctrl-C; the data stays."
    )
