"""Building a fresh index beside the one in use, and swapping it in."""

import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from functools import partial
from typing import Any

import meilisearch

from registry import database
from registry.settings import load_settings
from search import compare, index_settings, index_tasks, push
from search.engine import EngineAway

log = logging.getLogger(__name__)
# Documents that are handed over at once when an index is built: a twentieth of all between these bounds. The fewer,
# the longer it takes to build; the more, the longer a change waits that comes meanwhile.
_FEWEST, _MOST = 2000, 5000
_STEPS = 20
# Meilisearch takes what it is given in order: with no more than this under way, a change waits for moments only.
_UNDER_WAY = 2
# What is added to an index's name for the one that is built beside it.
_FRESH = "_fresh"


async def rebuild(progress: Callable[[int], object]) -> None:
    """Build a fresh index beside the one in use, swap them, and remove the old one.

    Search goes on in the old index until the swap, and what changes meanwhile is pushed to it as ever. Just before
    the swap, with every push waiting for that moment, the fresh one gets what has changed since it was filled.
    `progress` is told how many documents have been handed over. One rebuild at a time (search/alone.py).

    Raises:
        EngineAway: Meilisearch does not answer or refuses; the old index stays in use.
    """
    live = load_settings().meilisearch_index
    fresh = f"{live}{_FRESH}"
    await remove_left_over()
    await _create(fresh)
    try:
        filled = await _fill(fresh, progress)
        await _catch_up(fresh, filled)
        async with database.transaction():
            await database.fetch("SELECT pg_advisory_xact_lock($1)", index_tasks.GATE)
            # What is true now will be in the fresh one. What is noted again meanwhile has another time, and stays.
            noted = await database.fetch("SELECT entry, asked_at AS at FROM search_push")
            hidden = await database.fetch(f"SELECT h.entry, h.hidden_at AS at FROM search_hidden h WHERE {push.AGREES}")
            await _catch_up(fresh, filled)
            await _swap(live, fresh)
            await _remove("search_push", "asked_at", noted)
            await _remove("search_hidden", "hidden_at", hidden)
    finally:
        await remove_left_over()


async def _remove(table: str, column: str, rows: Sequence[database.Row]) -> None:
    """Remove what was read of a table, unless it has been written again."""
    await database.fetch(
        f"DELETE FROM {table} t USING unnest($1::bigint[], $2::timestamptz[]) AS read (entry, at)"
        f" WHERE t.entry = read.entry AND t.{column} = read.at",
        [row["entry"] for row in rows],
        [row["at"] for row in rows],
    )


async def batches() -> AsyncIterator[tuple[dict[int, str], bytes]]:
    """All documents as Meilisearch gets them, in batches: their checksums by id, and a JSON line for each."""
    counted = await database.fetch_one("SELECT count(*) AS n FROM search_document")
    size = min(max(_FEWEST, counted["n"] // _STEPS if counted else 0), _MOST)
    last = 0
    while True:
        rows = await database.fetch(
            f"SELECT d.id, d.checksum, {index_tasks.DOCUMENT} AS document FROM search_document d"
            " WHERE d.id > $1 ORDER BY d.id LIMIT $2",
            last,
            size,
        )
        if not rows:
            return
        last = rows[-1]["id"]
        yield {row["id"]: row["checksum"] for row in rows}, "\n".join(row["document"] for row in rows).encode()


async def _fill(index: str, progress: Callable[[int], object]) -> dict[int, str]:
    """Hand over every document; returns the checksums of what was handed over, by id."""
    filled: dict[int, str] = {}
    tasks: list[int] = []
    async for checksums, lines in batches():
        if len(tasks) >= _UNDER_WAY:
            await index_tasks.wait(tasks.pop(0), index_tasks.LONGEST_REBUILD)
        tasks.append(await index_tasks.do(partial(index_tasks.add, index=index, lines=lines)))
        filled |= checksums
        progress(len(filled))
    for task in tasks:
        await index_tasks.wait(task, index_tasks.LONGEST_REBUILD)
    return filled


async def _catch_up(index: str, filled: dict[int, str]) -> None:
    """Hand over what has changed or gone since an index was filled; `filled` then says what it holds."""
    wanted = await compare.checksums()
    changed = [id for id, checksum in wanted.items() if filled.get(id) != checksum]
    late = [*changed, *(filled.keys() - wanted.keys())]
    for start in range(0, len(late), index_tasks.BATCH):
        await index_tasks.hand_over(index, late[start : start + index_tasks.BATCH])
    filled.clear()
    filled.update(wanted)


async def _create(index: str) -> None:
    task = await index_tasks.do(lambda engine: engine.create_index(index, {"primaryKey": "id"}).task_uid)
    await index_tasks.wait(task, index_tasks.LONGEST_TASK)
    task = await index_tasks.do(
        lambda engine: engine.index(index).update_settings(dict(index_settings.SETTINGS)).task_uid
    )
    await index_tasks.wait(task, index_tasks.LONGEST_TASK)


async def _swap(live: str, fresh: str) -> None:
    """Put the fresh index in the place of the one in use; where there is none, the fresh one gets its name."""
    is_first = not await index_tasks.exists()
    swap: list[Mapping[str, Any]] = [{"indexes": [fresh, live], "rename": is_first}]
    try:
        await index_tasks.wait(
            await index_tasks.do(lambda engine: engine.swap_indexes(swap).task_uid), index_tasks.LONGEST_TASK
        )
    finally:
        await index_tasks.tell_change()


async def remove_left_over() -> None:
    """Have Meilisearch remove what a rebuild has left beside the index in use; it does so in its own time."""
    left = f"{load_settings().meilisearch_index}{_FRESH}"

    def remove(engine: meilisearch.Client) -> None:
        engine.cancel_tasks({"indexUids": left, "statuses": "enqueued,processing"})
        engine.delete_index(left)

    try:
        if await index_tasks.is_there(left):
            await index_tasks.do(remove)
    except EngineAway as error:
        log.warning("What a rebuild has left in Meilisearch is still there: %s", error)
