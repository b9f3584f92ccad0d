"""What the commands of the command line share: their faults, and running with the database."""

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

T = TypeVar("T")
DATA_DIR_HELP = "Folder of the built-in PostgreSQL. Without it REGISTRY_DATABASE_URL names the database."
DataDir = Annotated[Path | None, typer.Option(help=DATA_DIR_HELP, file_okay=False)]


class CommandError(Exception):
    """A command cannot go on; the text is one line that says what happened and what to do."""


async def check_database(*, migrated: bool = True) -> None:
    """Raises CommandError with one line when the database does not answer or lacks its tables."""
    import asyncpg  # noqa: PLC0415  # loading everything takes a second

    from registry.settings import load_settings  # noqa: PLC0415

    url = load_settings().database_url
    try:
        connection = await asyncpg.connect(url, timeout=10)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, ValueError, TimeoutError) as error:
        raise CommandError(
            f"The database does not answer: {error or type(error).__name__}. Check REGISTRY_DATABASE_URL and that "
            "PostgreSQL runs."
        ) from error
    try:
        if migrated and await connection.fetchval("SELECT to_regclass('search_document')") is None:
            raise CommandError("The database has no tables yet. Run `registry migrate` first.")
    finally:
        await connection.close()


async def with_pool(work: Coroutine[Any, Any, T]) -> T:
    """Do something with a pool of database connections."""
    from registry import database  # noqa: PLC0415  # needs the address of the database
    from registry.settings import load_settings  # noqa: PLC0415

    await database.engine().start_connection_pool(min_size=1, max_size=load_settings().database_connections)
    try:
        return await work
    finally:
        await database.engine().close_connection_pool()


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run something asynchronous to its end."""
    return asyncio.run(work)
