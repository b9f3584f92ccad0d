"""Keeping the search in order is done by one process at a time."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from registry import database

_LOCK = 5273


@asynccontextmanager
async def alone(*, wait: bool) -> AsyncIterator[bool]:
    """Whether nobody else keeps the search in order until the block ends; with `wait`, when nobody does any more.

    The lock belongs to a connection of its own: it ends with the process, however that ends.
    """
    connection = await database.engine().get_new_connection()
    try:
        if wait:
            await connection.fetch("SELECT pg_advisory_lock($1)", _LOCK)
            yield True
        else:
            yield bool(await connection.fetchval("SELECT pg_try_advisory_lock($1)", _LOCK))
    finally:
        await connection.close()
