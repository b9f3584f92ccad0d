"""The worker that does jobs, and what runs by the clock."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import asyncpg
from pgqueuer import PgQueuer
from pgqueuer.errors import RetryRequested
from pgqueuer.executors import DatabaseRetryEntrypointExecutor
from pgqueuer.models import Job as QueuedJob
from pgqueuer.models import Schedule as QueuedSchedule

from registry.jobs.service import Job, TryAgainLater

# New jobs wake the worker; those that are to be tried again wait for it to look by itself.
LONGEST_REST = timedelta(seconds=5)
# Seconds that jobs have to end by themselves when the worker is told to stop; what starts and stops it waits for more.
LONGEST_STOP = 8.0
Handler = Callable[[Mapping[str, Any]], Awaitable[None]]
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Schedule:
    """A handler that runs by the clock; `cron` is in UTC, with minutes as its finest step."""

    name: str
    cron: str
    handler: Callable[[], Awaitable[None]]


async def run_worker(
    database_url: str,
    handlers: Mapping[Job, Handler],
    schedules: list[Schedule],
    stop: asyncio.Event,
    beside: Sequence[Callable[[], Awaitable[None]]] = (),
) -> None:
    """Do jobs until `stop` is set. A job that fails is tried again, later each time, five times.

    A handler that knows better when to try again raises TryAgainLater. What runs `beside` the jobs goes on until it
    is cancelled at the end; a fault of it ends the worker.
    """
    connection = await asyncpg.connect(database_url)
    try:
        worker = PgQueuer.from_asyncpg_connection(connection)
        for job, handler in handlers.items():
            _register(worker, job, handler)
        for schedule in schedules:
            _register_schedule(worker, schedule)
        running = asyncio.create_task(worker.run(dequeue_timeout=LONGEST_REST, shutdown_on_listener_failure=True))
        stopping = asyncio.create_task(stop.wait())
        others = [asyncio.ensure_future(work()) for work in beside]
        await asyncio.wait({running, stopping, *others}, return_when=asyncio.FIRST_COMPLETED)
        worker.shutdown.set()
        stopping.cancel()
        for other in others:
            other.cancel()
        _, late = await asyncio.wait({running}, timeout=LONGEST_STOP)
        for one in late:
            # What it did is rolled back, and the next worker does it.
            one.cancel()
        ended = await asyncio.gather(running, *others, return_exceptions=True)
        for fault in ended:
            if isinstance(fault, Exception):
                raise fault
    finally:
        await connection.close()


def _register(worker: PgQueuer, job: Job, handler: Handler) -> None:
    @worker.entrypoint(job.value, executor_factory=DatabaseRetryEntrypointExecutor, on_failure="hold")
    async def run(queued: QueuedJob) -> None:
        payload = json.loads(queued.payload or b"{}")
        log.info("Job %s, attempt %s", job.value, queued.attempts + 1)
        try:
            await handler(payload)
        except TryAgainLater as later:
            raise RetryRequested(later.pause, str(later)) from later


def _register_schedule(worker: PgQueuer, schedule: Schedule) -> None:
    @worker.schedule(schedule.name, schedule.cron)
    async def run(_: QueuedSchedule) -> None:
        await schedule.handler()
