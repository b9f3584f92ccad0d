"""What Meilisearch is told to do with an index, and waiting until it has done it."""

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import partial
from typing import TypeVar

import meilisearch

from registry import database
from registry.settings import load_settings
from search.engine import EngineAway, Trouble
from search.meilisearch import in_thread

T = TypeVar("T")
_LONGEST_ANSWER = 60  # seconds until Meilisearch has taken what is handed over; a search waits for less
LONGEST_TASK = 60.0  # seconds for a few documents
LONGEST_REBUILD = 3600.0
# How many documents are told of, read or removed in one go.
BATCH = 1000
_POLLS = (0.005, 0.01, 0.02, 0.05, 0.1)  # seconds; the last one again and again
# Pushes share it; a swap has it alone, so that no push meets the old index after the new one was compared.
GATE = 5272
# The document as Meilisearch gets it, made by PostgreSQL so that no value passes through Python.
DOCUMENT = """
    (d.shown || jsonb_build_object(
        'id', d.id, 'facets', d.facets, 'free_weeks', d.free_weeks, 'checksum', d.checksum,
        'title_words', d.title_words, 'summary_words', d.summary_words, 'names_words', d.names_words,
        'near_words', d.near_words, 'body_words', d.body_words, 'order_sv', d.order_sv, 'order_en', d.order_en,
        '_geo', CASE WHEN jsonb_typeof(d.shown->'place') = 'array'
            THEN jsonb_build_object('lat', d.shown->'place'->0, 'lng', d.shown->'place'->1) END
    ))::text
"""


def is_configured() -> bool:
    """Whether there is a Meilisearch to push to."""
    return bool(load_settings().meilisearch_url)


async def hand_over(index: str, ids: Sequence[int]) -> None:
    """Make the index say of some entries what their documents say now, and wait until it does."""
    documents = await database.fetch(
        f"SELECT d.id, {DOCUMENT} AS document FROM search_document d WHERE d.id = ANY ($1::bigint[])", list(ids)
    )
    there = {row["id"] for row in documents}
    lines = "\n".join(row["document"] for row in documents).encode()
    tasks = []
    if lines:
        tasks.append(await do(partial(add, index=index, lines=lines)))
    if gone := [id for id in ids if id not in there]:
        tasks.append(await do(partial(delete, index=index, ids=gone)))
    try:
        for task in tasks:
            await wait(task, LONGEST_TASK)
    finally:
        await tell_change()


async def tell_change() -> None:
    """Say that the index has changed: answers that were kept from before are no longer given (search/answers.py).

    Others see it at once, also before the running transaction ends.
    """
    await database.fetch("SELECT nextval('search_index_version')")


async def do(work: Callable[[meilisearch.Client], T]) -> T:
    """Do something with a client beside the event loop, that may take longer than a search; raises EngineAway."""
    return await in_thread(work, _LONGEST_ANSWER)


def add(engine: meilisearch.Client, index: str, lines: bytes) -> int:
    """Hand over documents, a JSON line each; returns the number of the task."""
    return engine.index(index).add_documents_ndjson(lines, "id").task_uid


def delete(engine: meilisearch.Client, index: str, ids: Iterable[object]) -> int:
    """Have documents removed; returns the number of the task."""
    return engine.index(index).delete_documents(ids=[str(id) for id in ids]).task_uid


async def wait(task: int, longest: float) -> None:
    """Wait until Meilisearch has done a task.

    Raises:
        EngineAway: it could not, or has not after so many seconds.
    """
    deadline = time.monotonic() + longest
    for number in range(1_000_000_000):
        done = await do(lambda engine: engine.get_task(task))
        if done.status == "succeeded":
            return
        if done.status in {"failed", "canceled"}:
            raise EngineAway(f"Meilisearch could not do its task {task}: {(done.error or {}).get('message', '')}")
        if time.monotonic() > deadline:
            raise EngineAway(f"Meilisearch has not done its task {task} within {longest:.0f} seconds")
        await asyncio.sleep(_POLLS[min(number, len(_POLLS) - 1)])


async def exists() -> bool:
    """Whether the index is there; raises EngineAway."""
    return await is_there(load_settings().meilisearch_index)


async def is_there(index: str) -> bool:
    """Whether there is an index of this name; raises EngineAway."""
    try:
        await do(lambda engine: engine.index(index).get_stats())
    except EngineAway as error:
        if error.trouble is Trouble.INDEX_MISSING:
            return False
        raise
    return True


async def indexed_documents() -> int:
    """How many documents the index holds; raises EngineAway, also where there is no index."""
    index = load_settings().meilisearch_index
    stats = await do(lambda engine: engine.index(index).get_stats())
    return int(stats.number_of_documents)


async def changed_at() -> datetime:
    """When Meilisearch last changed the index, in UTC; raises EngineAway, also where there is no index."""
    index = load_settings().meilisearch_index
    found = await do(lambda engine: engine.get_index(index).updated_at)
    if not isinstance(found, datetime):
        raise EngineAway(f"Meilisearch does not say when the index “{index}” was changed", Trouble.BROKEN)
    return found
