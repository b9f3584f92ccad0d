"""Keeping the documents in step with the entries: some after a change, or all of them.

A change enqueues a job in its own transaction. The job derives the document anew from what is true when it runs,
so it may run late, twice or out of order; one entry is derived by one transaction at a time. What has changed is
noted in the same transaction and, where Meilisearch is configured, pushed afterwards (search/push.py).
"""

import asyncio
import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from registry import database
from registry.bookings.queries import free_weeks
from registry.jobs.service import Job, enqueue
from search import index_tasks, knowledge, push, rebuild
from search.alone import alone
from search.document import Document, build
from search.source import fetch_sources

# Counts up whenever documents are derived in another way, so that all of them are derived anew.
DERIVATION = 4
BATCH = 500
# Derived together beside other work: their entries are locked meanwhile, and changes of them have to wait.
_FEW = 50
_TEXTS = ("title_words", "summary_words", "names_words", "near_words", "body_words", "body_sv", "body_en")
_WORDS = _TEXTS[:5]
_COLUMNS = (*_TEXTS, "order_sv", "order_en", "free_weeks")
_LOCK = 5271
_LONGEST_COUNT = 600.0  # seconds
_VECTORS = "SELECT vector FROM search_document WHERE shown->>'staff'"
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class _Derived:
    document: Document
    source_hash: str
    checksum: str


async def index_entry(entry_id: int) -> None:
    """Make the index say of one entry what is true now; saved searches look next at what has changed.

    Doing it twice, or for an unknown entry, does no harm.
    """
    async with database.transaction():
        for changed in await _derive([entry_id], count_words=True):
            await enqueue(Job.MATCH_SAVED_SEARCHES, entry_id=changed)
    await push.push_pending([entry_id])


async def index_entries(entry_ids: Sequence[int]) -> None:
    """Make the documents of some entries say what is true now, and push what has changed."""
    async with database.transaction():
        await _derive(sorted(set(entry_ids)), count_words=True)
    await push.push_pending(entry_ids)


async def reindex(progress: Progress | None = None, *, anew: bool = False) -> int:
    """Derive every document that is not up to date, and build Meilisearch's index anew; how many documents there are.

    With `anew` also documents that seem to be up to date are derived. Waits while another process keeps the search in
    order. `progress` is told (done, of how many) in steps: an entry counts once when it is derived and, where
    Meilisearch is configured, once more when it is handed over.

    Raises:
        EngineAway: Meilisearch is configured and does not answer; the documents in PostgreSQL are up to date.
    """
    async with alone(wait=True):
        rows = await database.fetch("SELECT id FROM entry UNION SELECT id FROM search_document ORDER BY id")
        ids = [row["id"] for row in rows]
        steps = 2 if index_tasks.is_configured() else 1
        if anew:
            await database.fetch("UPDATE search_document SET source_hash = ''")
        for start in range(0, len(ids), BATCH):
            async with database.transaction():
                await _derive(ids[start : start + BATCH], count_words=False)
            if progress is not None:
                progress(min(start + BATCH, len(ids)), len(ids) * steps)
        await _count_all_words()
        counted = await database.fetch_one("SELECT count(*) AS n FROM search_document")
        documents: int = counted["n"] if counted else 0
        if index_tasks.is_configured():
            await rebuild.rebuild(lambda done: progress and progress(len(ids) + done, len(ids) + documents))
    return documents


async def is_up_to_date() -> bool:
    """Whether every document was derived in today's way, with today's vocabulary."""
    return not await outdated(1)


async def outdated(most: int | None = None) -> list[int]:
    """The entries (at most so many) whose document is missing, too many, or derived in an older way."""
    rows = await database.fetch(
        "SELECT coalesce(d.id, e.id) AS id FROM search_document d"
        " FULL JOIN (SELECT id FROM entry WHERE status = 'published') e ON e.id = d.id"
        " WHERE d.id IS NULL OR e.id IS NULL OR NOT starts_with(d.source_hash, $1) ORDER BY 1 LIMIT $2",
        _prefix(await knowledge.thesaurus_version()),
        most,
    )
    return [row["id"] for row in rows]


async def derive_outdated() -> int:
    """Derive what is not up to date, a few entries at a time beside other work, and return how many those were."""
    ids = await outdated()
    await _index_in_steps(ids)
    return len(ids)


async def otherwise_derived(entry_ids: Sequence[int]) -> list[int]:
    """Those of the entries whose document, in any of its columns, is not what would be derived now."""
    derived, gone = await _derive_anew(entry_ids, anyway=True)
    rows = await database.fetch(
        f"SELECT id, {', '.join(_COLUMNS)}, shown::text AS shown, facets::text AS facets, checksum"
        " FROM search_document WHERE id = ANY ($1::bigint[])",
        list(entry_ids),
    )
    stored = {row["id"]: row for row in rows}
    wrong = [one.document.id for one in derived if not _is_stored(one, stored.get(one.document.id))]
    return sorted([*wrong, *gone])


def _is_stored(derived: _Derived, row: database.Row | None) -> bool:
    if row is None or row["checksum"] != derived.checksum:
        return False
    document = derived.document
    texts = all(getattr(document, name) == row[name] for name in (*_TEXTS, "order_sv", "order_en"))
    shown, facets = (json.loads(json.dumps(value, default=str)) for value in (document.shown, document.facets))
    return (
        texts
        and list(document.free_weeks) == row["free_weeks"]
        and shown == json.loads(row["shown"])
        and facets == json.loads(row["facets"])
    )


async def handle_index_entry(payload: Mapping[str, Any]) -> None:
    """The job INDEX_ENTRY: `{"entry_id": …}`."""
    await index_entry(int(payload["entry_id"]))


async def handle_vocabulary_changed(payload: Mapping[str, Any]) -> None:
    """The job VOCABULARY_CHANGED: what texts are about may be another now."""
    del payload
    rows = await database.fetch("SELECT id FROM search_document ORDER BY id")
    await _index_in_steps([row["id"] for row in rows])


async def refresh_free_weeks() -> None:
    """Index anew what can be booked: in which weeks it has free times also changes as time passes."""
    rows = await database.fetch("SELECT id FROM environment WHERE bookable_by <> '{}' ORDER BY id")
    await _index_in_steps([row["id"] for row in rows])


async def _index_in_steps(entry_ids: Sequence[int]) -> None:
    for start in range(0, len(entry_ids), _FEW):
        await index_entries(entry_ids[start : start + _FEW])


async def _derive(entry_ids: Sequence[int], *, count_words: bool) -> list[int]:
    """Derive documents in the running transaction; returns the entries whose document has changed or gone."""
    await database.fetch(
        "SELECT pg_advisory_xact_lock($1, (id % 2147483647)::int) FROM unnest($2::bigint[]) AS id",
        _LOCK,
        list(entry_ids),
    )
    derived, gone = await _derive_anew(entry_ids)
    before = {
        row["id"]: row
        for row in await database.fetch(
            f"SELECT id, checksum, shown->>'staff' = 'true' AS staff, {', '.join(_WORDS)}"
            " FROM search_document WHERE id = ANY ($1::bigint[])",
            [*(one.document.id for one in derived), *gone],
        )
    }
    await _store(derived)
    await database.fetch("DELETE FROM search_document WHERE id = ANY ($1::bigint[])", gone)
    changed = [
        one.document.id
        for one in derived
        if one.document.id not in before or before[one.document.id]["checksum"] != one.checksum
    ]
    if count_words:
        await _recount(
            [one.document for one in derived], [before[id] for id in (*gone, *changed) if id in before], changed
        )
    await push.note([*changed, *gone])
    return [*changed, *gone]


async def _derive_anew(entry_ids: Sequence[int], *, anyway: bool = False) -> tuple[list[_Derived], list[int]]:
    """The documents of those entries of which something else is true now, and the entries that have none any more.

    With `anyway` the documents of all of them.
    """
    thesaurus, version = await knowledge.thesaurus()
    sources = {row["id"]: dict(row) for row in await fetch_sources(entry_ids)}
    weeks = await free_weeks([id for id, source in sources.items() if source["bookable_by"]], datetime.now(UTC))
    rows = await database.fetch(
        "SELECT id, source_hash FROM search_document WHERE id = ANY ($1::bigint[])", list(entry_ids)
    )
    before = {row["id"]: row["source_hash"] for row in rows}
    prefix = _prefix(version)

    def derive() -> list[_Derived]:
        derived = []
        for id, source in sources.items():
            source_hash = prefix + _hash([source, weeks.get(id)])
            if anyway or before.get(id) != source_hash:
                document = build(source, thesaurus, free_weeks=tuple(weeks.get(id, ())))
                derived.append(_Derived(document, source_hash, _checksum(document)))
        return derived

    # In a thread, so that the event loop of a worker goes on with other jobs.
    return await asyncio.to_thread(derive), [id for id in before if id not in sources]


def _prefix(vocabulary_version: int) -> str:
    return f"{DERIVATION}.{vocabulary_version}:"


def _hash(value: object) -> str:
    return hashlib.sha256(json.dumps(value, default=str, ensure_ascii=False).encode()).hexdigest()[:40]


def _checksum(document: Document) -> str:
    return _hash(vars(document))


async def _store(derived: Sequence[_Derived]) -> None:
    if not derived:
        return
    columns: dict[str, tuple[str, list[Any]]] = {
        "id": ("bigint", [one.document.id for one in derived]),
        "shown": ("text", [json.dumps(one.document.shown, ensure_ascii=False) for one in derived]),
        "facets": ("text", [json.dumps(one.document.facets, ensure_ascii=False) for one in derived]),
        **{
            name: ("text", [getattr(one.document, name) for one in derived])
            for name in (*_TEXTS, "order_sv", "order_en")
        },
        # PostgreSQL's arrays of arrays have to be rectangular, so weeks come as text.
        "free_weeks": ("text", [" ".join(one.document.free_weeks) for one in derived]),
        "source_hash": ("text", [one.source_hash for one in derived]),
        "checksum": ("text", [one.checksum for one in derived]),
    }
    converted = {
        "shown": "shown::jsonb",
        "facets": "facets::jsonb",
        "free_weeks": "string_to_array(nullif(free_weeks, ''), ' ')",
    }
    selected = ", ".join(converted.get(name, name) for name in columns)
    selected = selected.replace(converted["free_weeks"], f"coalesce({converted['free_weeks']}, '{{}}')")
    arrays = ", ".join(f"${number}::{sql_type}[]" for number, (sql_type, _) in enumerate(columns.values(), start=1))
    await database.fetch(
        f"INSERT INTO search_document ({', '.join(columns)}, indexed_at)"
        f" SELECT {selected}, clock_timestamp() FROM unnest({arrays}) AS given ({', '.join(columns)})"
        f" ON CONFLICT (id) DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in columns if name != 'id')},"
        " indexed_at = excluded.indexed_at",
        *(values for _, values in columns.values()),
    )


async def _recount(documents: Iterable[Document], before: Iterable[Any], changed: Iterable[int]) -> None:
    """Count the words of changed documents in and out."""
    counted = set(changed)
    public: Counter[str] = Counter()
    staff: Counter[str] = Counter()
    for document in documents:
        if document.id in counted:
            (staff if document.shown["staff"] else public).update(document.all_words)
    for row in before:
        words = frozenset(word for name in _WORDS for word in row[name].split())
        (staff if row["staff"] else public).subtract(words)
    # In one order, so that two transactions wait for each other instead of both failing.
    concerned = sorted(word for word in {*public, *staff} if public[word] or staff[word])
    await database.fetch(
        "INSERT INTO search_word AS w (word) SELECT * FROM unnest($1::text[])"
        " ON CONFLICT (word) DO UPDATE SET public = w.public",
        concerned,
    )
    await database.fetch(
        "UPDATE search_word w"
        " SET public = greatest(0, w.public + given.public), staff = greatest(0, w.staff + given.staff)"
        " FROM unnest($1::text[], $2::int[], $3::int[]) AS given (word, public, staff) WHERE w.word = given.word",
        concerned,
        [public[word] for word in concerned],
        [staff[word] for word in concerned],
    )
    await database.fetch(
        "DELETE FROM search_word WHERE word = ANY ($1::text[]) AND public = 0 AND staff = 0", concerned
    )


async def _count_all_words() -> None:
    """Count every word anew, as PostgreSQL has it in the vectors: that is many times faster than taking texts apart."""
    async with database.transaction():
        await database.fetch("LOCK TABLE search_word IN EXCLUSIVE MODE")
        await database.fetch("DELETE FROM search_word")
        await database.connection().execute(
            "INSERT INTO search_word (word, public, staff)"
            " SELECT coalesce(p.word, s.word), coalesce(p.ndoc, 0), coalesce(s.ndoc, 0)"
            f" FROM ts_stat($${_VECTORS} = 'false'$$) p"
            f" FULL JOIN ts_stat($${_VECTORS} = 'true'$$) s ON s.word = p.word",
            timeout=_LONGEST_COUNT,
        )
