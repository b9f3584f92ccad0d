"""The one database engine: transactions, and SQL text where a read spans several tables."""

import asyncio
import time
from collections.abc import Sequence
from enum import StrEnum
from functools import lru_cache
from types import TracebackType
from typing import Any, Protocol, cast

import asyncpg
from piccolo.constraints import Check
from piccolo.engine.finder import engine_finder
from piccolo.engine.postgres import PostgresEngine, PostgresTransaction

_NOT_YET = (OSError, asyncpg.CannotConnectNowError)


async def wait_until_it_answers(url: str, longest: float) -> None:
    """Wait for a database that is still starting, at most so many seconds.

    Raises:
        OSError, asyncpg.PostgresError: it does not answer, or refuses.
    """
    deadline = time.monotonic() + longest
    while True:
        try:
            probe = await asyncpg.connect(url, timeout=5)
        except _NOT_YET:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.05)
        else:
            await probe.close()
            return


class Row(Protocol):
    """A row of a result: values by column name."""

    def __getitem__(self, key: str) -> Any: ...  # noqa: ANN401  # a column may hold any type

    def keys(self) -> Sequence[str]: ...


@lru_cache(maxsize=1)
def engine() -> PostgresEngine:
    """The engine named in piccolo_conf.py."""
    return cast("PostgresEngine", engine_finder())


class _Transaction(PostgresTransaction):
    """A transaction that gives its connection back also when the commit fails.

    Deferred constraints fail at the commit; Piccolo's own class (1.38) then keeps the connection for good.
    """

    async def __aexit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        try:
            return await super().__aexit__(exception_type, exception, traceback)
        except BaseException:
            if self._parent is None and self.engine.current_transaction.get() is self:
                self.engine.current_transaction.reset(self.context)
                if self.engine.pool:
                    await self.engine.pool.release(self.connection)
                else:
                    await self.connection.close()
            raise


class _Whole(_Transaction):
    """A transaction around a whole request: each one that is opened inside fails or holds by itself."""

    def __init__(self) -> None:
        super().__init__(engine=engine(), allow_nested=False)
        self.is_inside = False


class _Part:
    """A transaction inside a _Whole, which its own code cannot tell from one that commits.

    Where it fails, what it did is undone and the whole goes on. At its end the database checks what it would check
    at a commit.
    """

    def __init__(self, whole: _Whole) -> None:
        self._whole = whole

    async def __aenter__(self) -> PostgresTransaction:
        self._savepoint = await self._whole.savepoint()
        self._whole.is_inside = True
        return self._whole

    async def __aexit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._whole.is_inside = False
        try:
            if exception is None:
                await self._whole.connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
                await self._whole.connection.execute("SET CONSTRAINTS ALL DEFERRED")
        except BaseException:
            await self._savepoint.rollback_to()  # type: ignore[no-untyped-call]  # Piccolo leaves it untyped
            raise
        if exception is not None:
            await self._savepoint.rollback_to()  # type: ignore[no-untyped-call]  # Piccolo leaves it untyped
        await self._savepoint.release()  # type: ignore[no-untyped-call]  # Piccolo leaves it untyped


async def leave_as_it_is(connection: object) -> None:
    """What a pool does with a connection that comes back: nothing more than ending a transaction that is still open.

    Nobody sets, listens or locks for a whole session on a connection of the pool, so asking the database to undo
    that after every query would only cost a second way there and back.
    """
    del connection


def transaction() -> PostgresTransaction | _Part:
    """A transaction; inside another one it joins that one."""
    running = engine().current_transaction.get()
    if isinstance(running, _Whole) and not running.is_inside:
        return _Part(running)
    return _Transaction(engine=engine(), allow_nested=True)


def whole_request() -> PostgresTransaction:
    """A transaction around a whole request, in which those of its commands commit or fail as they do without it.

    Raises:
        TransactionError: inside another transaction.
    """
    return _Whole()


def in_transaction() -> bool:
    """Whether the current task is inside a transaction."""
    return engine().current_transaction.get() is not None


def current_transaction() -> PostgresTransaction:
    """The running transaction, for savepoints.

    Raises:
        RuntimeError: outside a transaction.
    """
    current = engine().current_transaction.get()
    if current is None:
        msg = "This has to run inside a transaction."
        raise RuntimeError(msg)
    return current


def connection() -> Any:  # noqa: ANN401  # asyncpg has no type for "a connection, pooled or not"
    """The asyncpg connection of the running transaction; raises RuntimeError as `current_transaction` does."""
    return current_transaction().connection


async def fetch(sql: str, *values: object) -> list[Row]:
    """Run SQL text with `$1` parameters, in the running transaction if there is one."""
    current = engine().current_transaction.get()
    if current is not None:
        return cast("list[Row]", await current.connection.fetch(sql, *values))
    pool = engine().pool
    if pool is None:
        single = await engine().get_new_connection()
        try:
            return cast("list[Row]", await single.fetch(sql, *values))
        finally:
            await single.close()
    return cast("list[Row]", await pool.fetch(sql, *values))


async def fetch_one(sql: str, *values: object) -> Row | None:
    """The first row, or nothing."""
    rows = await fetch(sql, *values)
    return rows[0] if rows else None


def one_of(column: str, codes: type[StrEnum]) -> Check:
    """A constraint: the column holds one of the codes (or null)."""
    listed = ", ".join(f"'{code.value}'" for code in codes)
    return Check(f"{column} IN ({listed})")


def some_of(column: str, codes: type[StrEnum]) -> Check:
    """A constraint: the array column holds codes of this list only."""
    listed = ", ".join(f"'{code.value}'" for code in codes)
    return Check(f"{column} <@ ARRAY[{listed}]::varchar[]")


async def run_script(sql: str) -> None:
    """Run several SQL statements without parameters in the running transaction; for migrations."""
    await connection().execute(sql)
