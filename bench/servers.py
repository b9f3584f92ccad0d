"""Starts what is measured: PostgreSQL, Meilisearch, `registry serve`; all on loopback, on ports that nobody uses.

Each is ended by the one who started it, also when the measurement fails.
"""

import asyncio
import os
import secrets
import socket
import subprocess
import sys
import urllib.request
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from registry import PROJECT_ROOT
from registry.demo.embedded import start_postgres

ENGINE = PROJECT_ROOT / "node_modules" / "@gaubee" / "meilisearch-linux-amd64" / "meilisearch"
LONGEST_START = 60.0
_INDEX = "entries"


class NotReady(Exception):
    """A server does not start; the text says which."""


@dataclass(frozen=True)
class Site:
    """A database with what the program has to know of it: the variables of its environment."""

    variables: Mapping[str, str]

    def without_engine(self) -> "Site":
        """The same, searched in PostgreSQL."""
        return self.with_engine("")

    def with_engine(self, url: str) -> "Site":
        """The same with another address of Meilisearch."""
        return Site({**self.variables, "REGISTRY_MEILISEARCH_URL": url})

    def without_kept_answers(self) -> "Site":
        """The same, where every search is worked out anew."""
        return Site({**self.variables, "REGISTRY_SEARCH_ANSWERS": "0"})

    def run(self, *command: str) -> str:
        """Run a Python module with its arguments and return what it writes; raises CalledProcessError."""
        done = subprocess.run(  # noqa: S603  # the programs are ours
            [sys.executable, "-m", *command],
            cwd=PROJECT_ROOT,
            env=os.environ | self.variables,
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
        return done.stdout


def free_port() -> int:
    """A port on loopback that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def databases(folder: Path, names: Sequence[str], engine_port: int) -> dict[str, Site]:
    """Start the PostgreSQL of a folder (it ends with this process) and name a database and an index by each name."""
    postgres = start_postgres(folder)
    return {
        name: Site(
            {
                "REGISTRY_DATABASE_URL": postgres.replace("/postgres?", f"/{name}?"),
                "REGISTRY_SECRET_KEY": secrets.token_urlsafe(48),
                "REGISTRY_LOG_LEVEL": "warning",
                # As docs/running.md recommends.
                "REGISTRY_PROCESSES": str(os.cpu_count() or 1),
                # Several sites share one PostgreSQL.
                "REGISTRY_DATABASE_CONNECTIONS": "5",
                "REGISTRY_MEILISEARCH_URL": f"http://127.0.0.1:{engine_port}",
                "REGISTRY_MEILISEARCH_INDEX": f"{_INDEX}_{name}",
            }
        )
        for name in names
    }


async def create_database(site: Site, name: str) -> bool:
    """Create the database of a site, where there is none; whether it is new, and so empty."""
    server = await asyncpg.connect(site.variables["REGISTRY_DATABASE_URL"].replace(f"/{name}?", "/postgres?"))
    try:
        if await server.fetchval("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", name):
            return False
        await server.execute(f'CREATE DATABASE "{name}"')
    finally:
        await server.close()
    return True


@asynccontextmanager
async def meilisearch(folder: Path, port: int) -> AsyncIterator[None]:
    """A Meilisearch with its data in a folder."""
    await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
    await asyncio.to_thread(ENGINE.chmod, 0o755)
    process = await asyncio.create_subprocess_exec(
        *(str(ENGINE), "--http-addr", f"127.0.0.1:{port}", "--db-path", "data"),
        # As docs/running.md says; its greeting is nothing to read here.
        *("--no-analytics", "--env", "development", "--log-level", "WARN", "--max-indexing-memory", "1GiB"),
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    async with _until_ended(process, f"http://127.0.0.1:{port}/health", "Meilisearch"):
        yield


@asynccontextmanager
async def serve(site: Site) -> AsyncIterator[int]:
    """`registry serve`, as in production; its port."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    variables = {**site.variables, "REGISTRY_PORT": str(port), "REGISTRY_BASE_URL": address}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "cli", "serve", cwd=PROJECT_ROOT, env=os.environ | variables
    )
    async with _until_ended(process, f"{address}/readyz", "The web server"):
        yield port


@asynccontextmanager
async def _until_ended(process: asyncio.subprocess.Process, address: str, name: str) -> AsyncIterator[None]:
    try:
        await _until_ready(process, address, name)
        yield
    finally:
        with suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


async def _until_ready(process: asyncio.subprocess.Process, address: str, name: str) -> None:
    deadline = asyncio.get_running_loop().time() + LONGEST_START
    while asyncio.get_running_loop().time() < deadline and process.returncode is None:
        with suppress(OSError):
            await asyncio.to_thread(urllib.request.urlopen, address, timeout=2)
            return
        await asyncio.sleep(0.05)
    raise NotReady(f"{name} has not answered at {address}.")
