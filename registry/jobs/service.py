"""Enqueueing jobs in the running transaction.

Jobs are delivered at least once: a handler must be able to run twice without harm.
"""

import json
from collections.abc import Iterable, Mapping
from datetime import timedelta
from enum import StrEnum

from registry import database


class Job(StrEnum):
    """What can be enqueued."""

    INDEX_ENTRY = "index_entry"
    CONFIRM_COVERED_BOOKINGS = "confirm_covered_bookings"
    VOCABULARY_CHANGED = "vocabulary_changed"
    SEND_MAIL = "send_mail"
    MATCH_SAVED_SEARCHES = "match_saved_searches"
    EXTRACT_DOCUMENT = "extract_document"
    TELL_SAVED_SEARCH = "tell_saved_search"
    SEND_NOTICES = "send_notices"
    RECHECK_AGREEMENTS = "recheck_agreements"
    OFFER_FREE_TIME = "offer_free_time"


class TryAgainLater(Exception):
    """A handler raises this to be called again after a pause, as often as it asks for it."""

    def __init__(self, pause: timedelta) -> None:
        super().__init__(f"again in {pause}")
        self.pause = pause


async def enqueue(job: Job, **payload: object) -> None:
    """Enqueue a job in the running transaction: it exists if and only if the change commits.

    Raises:
        RuntimeError: outside a transaction.
    """
    from pgqueuer.queries import Queries  # noqa: PLC0415  # loads slowly, and reading pages does not need it

    queries = Queries.from_asyncpg_connection(database.connection())
    await queries.enqueue(job.value, json.dumps(payload, default=str).encode())


async def enqueue_many(job: Job, payloads: Iterable[Mapping[str, object]]) -> None:
    """Enqueue a job for each payload at once; the same one twice in a transaction is enqueued once.

    Raises:
        RuntimeError: outside a transaction.
    """
    from pgqueuer.queries import Queries  # noqa: PLC0415  # see enqueue

    texts = list(dict.fromkeys(json.dumps(payload, default=str) for payload in payloads))
    if not texts:
        return
    connection = database.connection()
    running = await connection.fetchval("SELECT pg_current_xact_id()::text")
    await Queries.from_asyncpg_connection(connection).enqueue(
        [job.value] * len(texts),
        [text.encode() for text in texts],
        [0] * len(texts),
        dedupe_key=[f"{running}:{job.value}:{text}" for text in texts],
        on_conflict="skip",
    )


async def pending() -> int:
    """How many jobs wait or run; for readiness and tests."""
    row = await database.fetch_one("SELECT count(*) AS n FROM pgqueuer WHERE status IN ('queued', 'picked')")
    return row["n"] if row else 0
