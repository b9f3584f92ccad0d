"""Keeping Meilisearch in step with the documents in PostgreSQL.

What has changed is noted in `search_push` by the transaction that changed it, and taken out once Meilisearch has
confirmed it: whatever dies in between, it is pushed again. Pushing twice does no harm.
"""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

import meilisearch
from meilisearch.errors import MeilisearchApiError

from registry import database
from registry.settings import load_settings
from search.engine import FACETS, EngineAway
from search.meilisearch import in_thread

log = logging.getLogger(__name__)
_BATCH = 1000
_HAND_OVER = 2000
_LONGEST_TASK = 60_000  # milliseconds for a few documents
_LONGEST_REBUILD = 3_600_000
_POLL = 20  # milliseconds
_MOST_ROUNDS = 10_000
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


async def note(entry_ids: Iterable[int]) -> None:
    """Note in the running transaction that Meilisearch has yet to hear of some entries.

    Also where none is configured: a program beside this one may have one.
    """
    await database.fetch(
        "INSERT INTO search_push (entry, asked_at)"
        " SELECT id, clock_timestamp() FROM unnest($1::bigint[]) AS id ORDER BY id"
        " ON CONFLICT (entry) DO UPDATE SET asked_at = excluded.asked_at",
        list(entry_ids),
    )


async def push_pending() -> int:
    """Push what is noted, and return how many entries that was; nothing where Meilisearch does not answer.

    An entry that is being pushed by somebody else is left to them.
    """
    if not is_configured():
        return 0
    pushed = 0
    try:
        for _ in range(_MOST_ROUNDS):
            count = await _push_some()
            pushed += count
            if count < _BATCH:
                break
    except EngineAway as error:
        # What is noted stays noted; the schedule tries again, and meanwhile search goes on in PostgreSQL.
        log.warning("Meilisearch has not taken the changes: %s", error)
    return pushed


async def _push_some() -> int:
    index = load_settings().meilisearch_index
    async with database.transaction():
        rows = await database.fetch(
            "SELECT entry FROM search_push ORDER BY asked_at LIMIT $1 FOR UPDATE SKIP LOCKED", _BATCH
        )
        ids = [row["entry"] for row in rows]
        if not ids:
            return 0
        documents = await database.fetch(
            f"SELECT d.id, {_DOCUMENT} AS document FROM search_document d WHERE d.id = ANY ($1::bigint[])", ids
        )
        there = {row["id"] for row in documents}
        gone = [id for id in ids if id not in there]
        lines = "\n".join(row["document"] for row in documents).encode()
        await in_thread(lambda engine: _hand_over(engine, index, lines, gone))
        await database.fetch("DELETE FROM search_push WHERE entry = ANY ($1::bigint[])", ids)
        await _show(ids)
    return len(ids)


async def _show(entry_ids: Sequence[int]) -> None:
    """Hide entries no longer by hand, where the document that has been pushed says who may see them now."""
    await database.fetch(
        "DELETE FROM search_hidden h WHERE h.entry = ANY ($1::bigint[]) AND NOT EXISTS ("
        " SELECT FROM search_document d JOIN entry e ON e.id = d.id WHERE d.id = h.entry"
        " AND (e.status <> 'published' OR (e.visibility <> 'public') IS DISTINCT FROM (d.shown->>'staff')::boolean))",
        list(entry_ids),
    )


def _hand_over(engine: meilisearch.Client, index: str, lines: bytes, gone: Sequence[int]) -> None:
    tasks = []
    if lines:
        tasks.append(_add(engine, index, lines))
    if gone:
        tasks.append(engine.index(index).delete_documents(filter=f"id IN {list(gone)}").task_uid)
    for task in tasks:
        _wait(engine, task, _LONGEST_TASK)


def _add(engine: meilisearch.Client, index: str, lines: bytes) -> int:
    return engine.index(index).add_documents_ndjson(lines, "id").task_uid


def _wait(engine: meilisearch.Client, task: int, longest: int) -> None:
    done = engine.wait_for_task(task, timeout_in_ms=longest, interval_in_ms=_POLL)
    if done.status != "succeeded":
        raise EngineAway(f"Meilisearch could not do task {task}: {done.error}")


async def rebuild(progress: Callable[[int], object]) -> None:
    """Build a fresh index beside the one in use, swap them, and remove the old one.

    Search goes on in the old index until the swap. What changes meanwhile is pushed to the old one as ever; before
    and after the swap the new one is compared with the documents and put right. `progress` is told how many
    documents have been handed over.

    Raises:
        EngineAway: Meilisearch does not answer or refuses; the old index stays in use.
    """
    live = load_settings().meilisearch_index
    fresh = f"{live}_{datetime.now(UTC):%Y%m%d%H%M%S%f}"
    await in_thread(lambda engine: _create(engine, fresh))
    try:
        await _fill(fresh, progress)
        await repair(fresh)
        await in_thread(lambda engine: _swap(engine, live, fresh))
    finally:
        await in_thread(lambda engine: _remove(engine, fresh))
    await repair(live)
    await database.fetch(
        "DELETE FROM search_push p WHERE NOT EXISTS (SELECT FROM search_document d WHERE d.id = p.entry)"
    )


async def _fill(index: str, progress: Callable[[int], object]) -> None:
    last, done = 0, 0
    tasks: list[int] = []
    while True:
        rows = await database.fetch(
            f"SELECT d.id, {_DOCUMENT} AS document FROM search_document d WHERE d.id > $1 ORDER BY d.id LIMIT $2",
            last,
            _HAND_OVER,
        )
        if not rows:
            break
        lines = "\n".join(row["document"] for row in rows).encode()
        tasks.append(await in_thread(partial(_add, index=index, lines=lines)))
        last, done = rows[-1]["id"], done + len(rows)
        progress(done)
    for task in tasks:
        await in_thread(partial(_wait, task=task, longest=_LONGEST_REBUILD))


def _create(engine: meilisearch.Client, index: str) -> None:
    _wait(engine, engine.create_index(index, {"primaryKey": "id"}).task_uid, _LONGEST_TASK)
    _wait(engine, engine.index(index).update_settings(dict(SETTINGS)).task_uid, _LONGEST_TASK)


def _swap(engine: meilisearch.Client, live: str, fresh: str) -> None:
    if _settings_of(engine, live) is None:
        _create(engine, live)
    _wait(engine, engine.swap_indexes([{"indexes": [live, fresh]}]).task_uid, _LONGEST_TASK)


def _remove(engine: meilisearch.Client, index: str) -> None:
    _wait(engine, engine.delete_index(index).task_uid, _LONGEST_TASK)


def _settings_of(engine: meilisearch.Client, index: str) -> dict[str, Any] | None:
    """The settings of an index; None if there is no such index."""
    try:
        return dict(engine.index(index).get_settings())
    except MeilisearchApiError as error:
        if error.code == "index_not_found":
            return None
        raise


async def apply_settings() -> bool:
    """Give the index the settings that the code asks for; tells whether they were others.

    Where there is no index yet, nothing is done: building it applies them.
    """
    if not is_configured():
        return False
    index = load_settings().meilisearch_index

    def apply(engine: meilisearch.Client) -> bool:
        found = _settings_of(engine, index)
        if found is None or not _differ(found, SETTINGS):
            return False
        _wait(engine, engine.index(index).update_settings(dict(SETTINGS)).task_uid, _LONGEST_REBUILD)
        return True

    try:
        return await in_thread(apply)
    except EngineAway as error:
        log.warning("Meilisearch has not taken its settings: %s", error)
        return False


def _differ(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    return any(not _has(found.get(name), value) for name, value in wanted.items())


def _has(found: Any, wanted: Any) -> bool:  # noqa: ANN401  # JSON
    """Whether what was found says what is wanted; Meilisearch fills in what was not said, and sorts what is a set."""
    if isinstance(wanted, Mapping):
        return isinstance(found, Mapping) and all(_has(found.get(name), value) for name, value in wanted.items())
    if isinstance(wanted, list) and wanted != SETTINGS["searchableAttributes"] and wanted != SETTINGS["rankingRules"]:
        return isinstance(found, list) and sorted(map(str, found)) == sorted(map(str, wanted))
    return bool(found == wanted)


@dataclass(frozen=True)
class Comparison:
    """How an index differs from the documents, as ids: missing in it, other than they should be, and too many."""

    documents: int
    indexed: int
    missing: list[int]
    outdated: list[int]
    surplus: list[int]

    @property
    def differs(self) -> bool:
        return bool(self.missing or self.outdated or self.surplus)


async def compare(index: str) -> Comparison:
    """Compare an index with the documents, by their checksums.

    Raises:
        EngineAway: Meilisearch does not answer, or there is no such index.
    """
    wanted = {row["id"]: row["checksum"] for row in await database.fetch("SELECT id, checksum FROM search_document")}
    found: dict[int, str] = {}
    for _ in range(_MOST_ROUNDS):
        page = await in_thread(partial(_checksums, index=index, offset=len(found)))
        found |= page
        if len(page) < _BATCH:
            break
    return Comparison(
        documents=len(wanted),
        indexed=len(found),
        missing=sorted(wanted.keys() - found.keys()),
        outdated=sorted(id for id, checksum in wanted.items() if id in found and found[id] != checksum),
        surplus=sorted(found.keys() - wanted.keys()),
    )


def _checksums(engine: meilisearch.Client, index: str, offset: int) -> dict[int, str]:
    page = engine.index(index).get_documents({"fields": ["id", "checksum"], "limit": _BATCH, "offset": offset})
    return {document.id: document.checksum for document in page.results}


async def repair(index: str) -> None:
    """Put right what differs between an index and the documents; raises EngineAway."""
    found = await compare(index)
    wrong = [*found.missing, *found.outdated]
    for start in range(0, len(wrong), _BATCH):
        rows = await database.fetch(
            f"SELECT {_DOCUMENT} AS document FROM search_document d WHERE d.id = ANY ($1::bigint[])",
            wrong[start : start + _BATCH],
        )
        lines = "\n".join(row["document"] for row in rows).encode()
        await in_thread(partial(_hand_over, index=index, lines=lines, gone=[]))
    if found.surplus:
        await in_thread(lambda engine: _hand_over(engine, index, b"", found.surplus))


async def exists() -> bool:
    """Whether the index is there; raises EngineAway."""
    index = load_settings().meilisearch_index
    return await in_thread(lambda engine: _settings_of(engine, index) is not None)
