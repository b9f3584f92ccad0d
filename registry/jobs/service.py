"""Enqueueing jobs in the running transaction, and the worker that does them.

Jobs are delivered at least once: a handler must be able to run twice without harm.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import asyncpg
import structlog
from pgqueuer import PgQueuer
from pgqueuer.executors import DatabaseRetryEntrypointExecutor
from pgqueuer.models import Job as QueuedJob
from pgqueuer.models import Schedule as QueuedSchedule
from pgqueuer.queries import Queries

from registry import database

Handler = Callable[[Mapping[str, Any]], Awaitable[None]]
log = structlog.get_logger(__name__)


class Job(StrEnum):
    """What can be enqueued."""

    INDEX_ENTRY = "index_entry"
    CONFIRM_COVERED_BOOKINGS = "confirm_covered_bookings"


@dataclass(frozen=True)
class Schedule:
    """A handler that runs by the clock; `cron` is in UTC, with minutes as its finest step."""

    name: str
    cron: str
    handler: Callable[[], Awaitable[None]]


async def enqueue(job: Job, **payload: object) -> None:
    """Enqueue a job in the running transaction: it exists if and only if the change commits.

    Raises:
        RuntimeError: outside a transaction.
    """
    queries = Queries.from_asyncpg_connection(database.connection())
    await queries.enqueue(job.value, json.dumps(payload, default=str).encode())


async def run_worker(
    database_url: str, handlers: Mapping[Job, Handler], schedules: list[Schedule], stop: asyncio.Event
) -> None:
    """Do jobs until `stop` is set. A job that fails is tried again, later each time, five times."""
    connection = await asyncpg.connect(database_url)
    try:
        worker = PgQueuer.from_asyncpg_connection(connection)
        for job, handler in handlers.items():
            _register(worker, job, handler)
        for schedule in schedules:
            _register_schedule(worker, schedule)
        running = asyncio.create_task(worker.run(shutdown_on_listener_failure=True))
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
        worker.shutdown.set()
        stopping.cancel()
        await running
    finally:
        await connection.close()


def _register(worker: PgQueuer, job: Job, handler: Handler) -> None:
    @worker.entrypoint(job.value, executor_factory=DatabaseRetryEntrypointExecutor, on_failure="hold")
    async def run(queued: QueuedJob) -> None:
        payload = json.loads(queued.payload or b"{}")
        log.info("job", job=job.value, attempt=queued.attempts)
        await handler(payload)


def _register_schedule(worker: PgQueuer, schedule: Schedule) -> None:
    @worker.schedule(schedule.name, schedule.cron)
    async def run(_: QueuedSchedule) -> None:
        await schedule.handler()


async def pending() -> int:
    """How many jobs wait or run; for readiness and tests."""
    row = await database.fetch_one("SELECT count(*) AS n FROM pgqueuer WHERE status IN ('queued', 'picked')")
    return row["n"] if row else 0
