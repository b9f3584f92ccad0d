"""Keeping Meilisearch in step with the documents in PostgreSQL.

What has changed is noted in `search_push` by the transaction that changed it, and taken out once Meilisearch has
confirmed it: whatever dies in between, it is pushed again. Pushing twice does no harm.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import meilisearch

from registry import database
from registry.settings import load_settings
from search.engine import FACETS, EngineAway, Trouble
from search.meilisearch import in_thread

log = logging.getLogger(__name__)
T = TypeVar("T")
_BATCH = 1000
# Documents that are handed over at once when an index is built: a twentieth of all between these bounds. The fewer,
# the longer it takes to build; the more, the longer a change waits that comes meanwhile.
_FEWEST, _MOST = 2000, 5000
_STEPS = 20
# Meilisearch takes what it is given in order: with no more than this under way, a change waits for moments only.
_UNDER_WAY = 2
_LONGEST_ANSWER = 60  # seconds until Meilisearch has taken what is handed over; a search waits for less
_LONGEST_TASK = 60.0  # seconds for a few documents
_LONGEST_REBUILD = 3600.0
_POLLS = (0.005, 0.01, 0.02, 0.05, 0.1)  # seconds; the last one again and again
_MOST_ROUNDS = 10_000
# What is added to an index's name for the one that is built beside it.
_FRESH = "_fresh"
# Pushes share it; a swap has it alone, so that no push meets the old index after the new one was compared.
_GATE = 5272
# The document as Meilisearch gets it, made by PostgreSQL so that no value passes through Python.
_DOCUMENT = """
    (d.shown || jsonb_build_object(
        'id', d.id, 'facets', d.facets, 'free_weeks', d.free_weeks, 'checksum', d.checksum,
        'title_words', d.title_words, 'summary_words', d.summary_words, 'names_words', d.names_words,
        'near_words', d.near_words, 'body_words', d.body_words, 'order_sv', d.order_sv, 'order_en', d.order_en,
        '_geo', CASE WHEN jsonb_typeof(d.shown->'place') = 'array'
            THEN jsonb_build_object('lat', d.shown->'place'->0, 'lng', d.shown->'place'->1) END
    ))::text
"""
SETTINGS: Mapping[str, Any] = {
    # Where a word stands decides first: title, summary, names, what is near, the rest.
    "searchableAttributes": ["title_words", "summary_words", "names_words", "near_words", "body_words"],
    "filterableAttributes": [
        *(f"facets.{name}" for name in FACETS),
        "staff",
        "bookable",
        "free_weeks",
        "id",
        "_geo",
    ],
    "sortableAttributes": [
        "order_sv",
        "order_en",
        "published_at",
        "id",
        "bookable",
        "is_environment",
        "_geo",
    ],
    "rankingRules": ["sort", "words", "attribute", "proximity", "exactness", "bookable:desc", "confirmed_at:desc"],
    # Misspelt words are put right before (search/question.py), with the words that the reader may see.
    "typoTolerance": {"enabled": False},
    "faceting": {"maxValuesPerFacet": 500, "sortFacetValuesBy": {"*": "count"}},
    "pagination": {"maxTotalHits": 200_000},
    "stopWords": [],
}


def is_configured() -> bool:
    """Whether there is a Meilisearch to push to."""
    return bool(load_settings().meilisearch_url)


async def note(entry_ids: Sequence[int]) -> None:
    """Note in the running transaction that Meilisearch has yet to hear of some entries.

    Also where none is configured: a program beside this one may have one.
    """
    if not entry_ids:
        return
    await database.fetch(
        "INSERT INTO search_push (entry, asked_at)"
        " SELECT id, clock_timestamp() FROM unnest($1::bigint[]) AS id ORDER BY id"
        " ON CONFLICT (entry) DO UPDATE SET asked_at = excluded.asked_at",
        list(entry_ids),
    )


async def push_pending(entry_ids: Sequence[int] | None = None) -> int:
    """Push what is noted, of some entries or of all, and return how many entries that was.

    Nothing where Meilisearch does not answer or has no index yet: what is noted stays noted. An entry that is being
    pushed by somebody else is left to them.
    """
    if not is_configured():
        return 0
    pushed = 0
    try:
        for _ in range(_MOST_ROUNDS):
            count = await _push_some(entry_ids)
            pushed += count
            if count < _BATCH:
                break
    except EngineAway as error:
        # The worker tries again every minute, and meanwhile search goes on in PostgreSQL.
        level = logging.INFO if error.trouble is Trouble.INDEX_MISSING else logging.WARNING
        log.log(level, "Meilisearch has not taken the changes: %s", error)
    return pushed


async def _push_some(entry_ids: Sequence[int] | None) -> int:
    index = load_settings().meilisearch_index
    async with database.transaction():
        await database.fetch("SELECT pg_advisory_xact_lock_shared($1)", _GATE)
        rows = await database.fetch(
            "SELECT entry FROM search_push WHERE $2::bigint[] IS NULL OR entry = ANY ($2)"
            " ORDER BY asked_at LIMIT $1 FOR UPDATE SKIP LOCKED",
            _BATCH,
            None if entry_ids is None else list(entry_ids),
        )
        ids = [row["entry"] for row in rows]
        if not ids:
            return 0
        # Meilisearch would make an index of its own accord, without our settings.
        if not await exists():
            raise EngineAway(f"there is no index “{index}”", Trouble.INDEX_MISSING)
        await _hand_over(index, ids)
        await database.fetch("DELETE FROM search_push WHERE entry = ANY ($1::bigint[])", ids)
        await _show(ids)
    return len(ids)


# The document says of a hidden entry `h` what the entry itself says of who may see it.
_AGREES = """
NOT EXISTS (
    SELECT FROM search_document d JOIN entry e ON e.id = d.id
    WHERE d.id = h.entry
      AND (e.status <> 'published' OR (e.visibility <> 'public') IS DISTINCT FROM (d.shown->>'staff')::boolean)
)
"""


async def _show(entry_ids: Sequence[int]) -> None:
    """Hide entries no longer by hand, where the document that has been pushed says who may see them now."""
    await database.fetch(
        f"DELETE FROM search_hidden h WHERE h.entry = ANY ($1::bigint[]) AND {_AGREES}", list(entry_ids)
    )


async def _hand_over(index: str, ids: Sequence[int]) -> None:
    """Make the index say of some entries what their documents say now, and wait until it does."""
    documents = await database.fetch(
        f"SELECT d.id, {_DOCUMENT} AS document FROM search_document d WHERE d.id = ANY ($1::bigint[])", list(ids)
    )
    there = {row["id"] for row in documents}
    lines = "\n".join(row["document"] for row in documents).encode()
    tasks = []
    if lines:
        tasks.append(await _in_thread(partial(_add, index=index, lines=lines)))
    if gone := [id for id in ids if id not in there]:
        tasks.append(await _in_thread(partial(_delete, index=index, ids=gone)))
    try:
        for task in tasks:
            await _wait(task, _LONGEST_TASK)
    finally:
        await _tell_change()


async def _tell_change() -> None:
    """Say that the index has changed: answers that were kept from before are no longer given (search/answers.py).

    Others see it at once, also before the running transaction ends.
    """
    await database.fetch("SELECT nextval('search_index_version')")


async def _in_thread(work: Callable[[meilisearch.Client], T]) -> T:
    return await in_thread(work, _LONGEST_ANSWER)


def _add(engine: meilisearch.Client, index: str, lines: bytes) -> int:
    return engine.index(index).add_documents_ndjson(lines, "id").task_uid


def _delete(engine: meilisearch.Client, index: str, ids: Iterable[object]) -> int:
    return engine.index(index).delete_documents(ids=[str(id) for id in ids]).task_uid


async def _wait(task: int, longest: float) -> None:
    """Wait until Meilisearch has done a task.

    Raises:
        EngineAway: it could not, or has not after so many seconds.
    """
    deadline = time.monotonic() + longest
    for number in range(1_000_000_000):
        done = await _in_thread(lambda engine: engine.get_task(task))
        if done.status == "succeeded":
            return
        if done.status in {"failed", "canceled"}:
            raise EngineAway(f"Meilisearch could not do its task {task}: {(done.error or {}).get('message', '')}")
        if time.monotonic() > deadline:
            raise EngineAway(f"Meilisearch has not done its task {task} within {longest:.0f} seconds")
        await asyncio.sleep(_POLLS[min(number, len(_POLLS) - 1)])


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
            await database.fetch("SELECT pg_advisory_xact_lock($1)", _GATE)
            # What is true now will be in the fresh one. What is noted again meanwhile has another time, and stays.
            noted = await database.fetch("SELECT entry, asked_at AS at FROM search_push")
            hidden = await database.fetch(f"SELECT h.entry, h.hidden_at AS at FROM search_hidden h WHERE {_AGREES}")
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
            f"SELECT d.id, d.checksum, {_DOCUMENT} AS document FROM search_document d"
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
            await _wait(tasks.pop(0), _LONGEST_REBUILD)
        tasks.append(await _in_thread(partial(_add, index=index, lines=lines)))
        filled |= checksums
        progress(len(filled))
    for task in tasks:
        await _wait(task, _LONGEST_REBUILD)
    return filled


async def _catch_up(index: str, filled: dict[int, str]) -> None:
    """Hand over what has changed or gone since an index was filled; `filled` then says what it holds."""
    wanted = await _wanted()
    changed = [id for id, checksum in wanted.items() if filled.get(id) != checksum]
    late = [*changed, *(filled.keys() - wanted.keys())]
    for start in range(0, len(late), _BATCH):
        await _hand_over(index, late[start : start + _BATCH])
    filled.clear()
    filled.update(wanted)


async def _wanted() -> dict[int, str]:
    return {row["id"]: row["checksum"] for row in await database.fetch("SELECT id, checksum FROM search_document")}


async def _create(index: str) -> None:
    task = await _in_thread(lambda engine: engine.create_index(index, {"primaryKey": "id"}).task_uid)
    await _wait(task, _LONGEST_TASK)
    task = await _in_thread(lambda engine: engine.index(index).update_settings(dict(SETTINGS)).task_uid)
    await _wait(task, _LONGEST_TASK)


async def _swap(live: str, fresh: str) -> None:
    """Put the fresh index in the place of the one in use; where there is none, the fresh one gets its name."""
    is_first = not await exists()
    swap: list[Mapping[str, Any]] = [{"indexes": [fresh, live], "rename": is_first}]
    try:
        await _wait(await _in_thread(lambda engine: engine.swap_indexes(swap).task_uid), _LONGEST_TASK)
    finally:
        await _tell_change()


async def remove_left_over() -> None:
    """Have Meilisearch remove what a rebuild has left beside the index in use; it does so in its own time."""
    left = f"{load_settings().meilisearch_index}{_FRESH}"

    def remove(engine: meilisearch.Client) -> None:
        engine.cancel_tasks({"indexUids": left, "statuses": "enqueued,processing"})
        engine.delete_index(left)

    try:
        if await _is_there(left):
            await _in_thread(remove)
    except EngineAway as error:
        log.warning("What a rebuild has left in Meilisearch is still there: %s", error)


async def apply_settings() -> bool:
    """Give the index the settings that the code asks for; tells whether they were others.

    Where there is no index yet, nothing is done: building it applies them.

    Raises:
        EngineAway: Meilisearch does not answer or refuses.
    """
    if not is_configured() or not await differing_settings():
        return False
    index = load_settings().meilisearch_index
    task = await _in_thread(lambda engine: engine.index(index).update_settings(dict(SETTINGS)).task_uid)
    try:
        await _wait(task, _LONGEST_REBUILD)
    finally:
        await _tell_change()
    return True


async def differing_settings() -> list[str]:
    """The names of the settings that the index has otherwise; none where there is no index.

    Raises:
        EngineAway: Meilisearch does not answer or refuses.
    """
    index = load_settings().meilisearch_index
    try:
        found = await _in_thread(lambda engine: dict(engine.index(index).get_settings()))
    except EngineAway as error:
        if error.trouble is Trouble.INDEX_MISSING:
            return []
        raise
    return [name for name, value in SETTINGS.items() if not _has(found.get(name), value)]


_IN_ORDER = (SETTINGS["searchableAttributes"], SETTINGS["rankingRules"])


def _has(found: Any, wanted: Any) -> bool:  # noqa: ANN401  # JSON
    """Whether what was found says what is wanted; Meilisearch fills in what was not said, and sorts what is a set."""
    if isinstance(wanted, Mapping):
        return isinstance(found, Mapping) and all(_has(found.get(name), value) for name, value in wanted.items())
    if isinstance(wanted, list) and wanted not in _IN_ORDER:
        return isinstance(found, list) and sorted(map(str, found)) == sorted(map(str, wanted))
    return bool(found == wanted)


@dataclass(frozen=True)
class Comparison:
    """How an index differs from the documents, as ids: missing in it, other than they should be, and too many.

    What is too many may not be ours, so its ids may be texts.
    """

    documents: int
    indexed: int
    missing: list[int]
    outdated: list[int]
    surplus: list[int | str]

    @property
    def differs(self) -> bool:
        return bool(self.missing or self.outdated or self.surplus)


async def compare(index: str) -> Comparison:
    """Compare an index with the documents, by their checksums.

    Raises:
        EngineAway: Meilisearch does not answer, or there is no such index.
    """
    wanted = await _wanted()
    found: dict[int | str, str] = {}
    for _ in range(_MOST_ROUNDS):
        page = await _in_thread(partial(_checksums, index=index, offset=len(found)))
        found |= page
        if len(page) < _BATCH:
            break
    return Comparison(
        documents=len(wanted),
        indexed=len(found),
        missing=sorted(wanted.keys() - found.keys()),
        outdated=sorted(id for id, checksum in wanted.items() if id in found and found[id] != checksum),
        surplus=sorted(found.keys() - wanted.keys(), key=str),
    )


def _checksums(engine: meilisearch.Client, index: str, offset: int) -> dict[int | str, str]:
    page = engine.index(index).get_documents({"fields": ["id", "checksum"], "limit": _BATCH, "offset": offset})
    return {document.id: getattr(document, "checksum", "") for document in page.results}


async def repair(index: str) -> int:
    """Put right what differs between an index and the documents, and return in how many entries it did.

    Raises:
        EngineAway: Meilisearch does not answer, or there is no such index.
    """
    found = await compare(index)
    wrong = [*found.missing, *found.outdated, *(id for id in found.surplus if isinstance(id, int))]
    for start in range(0, len(wrong), _BATCH):
        # A push beside it might be overtaken by what was read before.
        async with database.transaction():
            await database.fetch("SELECT pg_advisory_xact_lock($1)", _GATE)
            await _hand_over(index, wrong[start : start + _BATCH])
    if foreign := [id for id in found.surplus if not isinstance(id, int)]:
        try:
            await _wait(await _in_thread(partial(_delete, index=index, ids=foreign)), _LONGEST_TASK)
        finally:
            await _tell_change()
    return len(wrong) + len(foreign)


async def exists() -> bool:
    """Whether the index is there; raises EngineAway."""
    return await _is_there(load_settings().meilisearch_index)


async def _is_there(index: str) -> bool:
    try:
        await _in_thread(lambda engine: engine.index(index).get_stats())
    except EngineAway as error:
        if error.trouble is Trouble.INDEX_MISSING:
            return False
        raise
    return True


async def indexed_documents() -> int:
    """How many documents the index holds; raises EngineAway, also where there is no index."""
    index = load_settings().meilisearch_index
    stats = await _in_thread(lambda engine: engine.index(index).get_stats())
    return int(stats.number_of_documents)
