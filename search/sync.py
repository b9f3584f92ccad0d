"""Keeping the documents in step with the entries: some after a change, or all of them.

A change enqueues a job in its own transaction. The job derives the document anew from what is true when it runs,
so it may run late, twice or out of order; one entry is derived by one transaction at a time. Where Meilisearch is
configured, what has changed is noted in the same transaction and pushed afterwards (search/push.py).
"""

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
from search import knowledge, push
from search.document import Document, build
from search.source import fetch_sources

# Counts up whenever documents are derived in another way, so that all of them are derived anew.
DERIVATION = 1
BATCH = 500
_TEXTS = ("title_words", "summary_words", "names_words", "near_words", "body_words", "body_sv", "body_en")
_WORDS = _TEXTS[:5]
_LOCK = 5271
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
    await push.push_pending()


async def index_entries(entry_ids: Sequence[int]) -> None:
    """Make the documents of some entries say what is true now, and push what has changed."""
    async with database.transaction():
        await _derive(sorted(set(entry_ids)), count_words=True)
    await push.push_pending()


async def reindex(progress: Progress | None = None) -> int:
    """Derive every document that is not up to date, and build Meilisearch's index anew; how many documents there are.

    `progress` is told (done, of how many) in steps: an entry counts once when it is derived and, where Meilisearch is
    configured, once more when it is handed over.

    Raises:
        EngineAway: Meilisearch is configured and does not answer; the documents in PostgreSQL are up to date.
    """
    ids = [row["id"] for row in await database.fetch("SELECT id FROM entry ORDER BY id")]
    steps = 2 if push.is_configured() else 1
    for start in range(0, len(ids), BATCH):
        async with database.transaction():
            await _derive(ids[start : start + BATCH], count_words=False)
        if progress is not None:
            progress(min(start + BATCH, len(ids)), len(ids) * steps)
    await _count_all_words()
    counted = await database.fetch_one("SELECT count(*) AS n FROM search_document")
    documents: int = counted["n"] if counted else 0
    if push.is_configured():
        await push.rebuild(lambda done: progress and progress(len(ids) + done, len(ids) + documents))
    return documents


async def is_up_to_date() -> bool:
    """Whether every document was derived in today's way, with today's vocabulary."""
    prefix = _prefix(await knowledge.thesaurus_version())
    row = await database.fetch_one(
        "SELECT EXISTS (SELECT FROM search_document WHERE NOT starts_with(source_hash, $1))"
        " OR EXISTS (SELECT FROM entry e WHERE e.status = 'published'"
        " AND NOT EXISTS (SELECT FROM search_document d WHERE d.id = e.id)) AS old",
        prefix,
    )
    return row is not None and not row["old"]


async def handle_index_entry(payload: Mapping[str, Any]) -> None:
    """The job INDEX_ENTRY: `{"entry_id": …}`."""
    await index_entry(int(payload["entry_id"]))


async def handle_vocabulary_changed(payload: Mapping[str, Any]) -> None:
    """The job VOCABULARY_CHANGED: what texts are about may be another now."""
    del payload
    rows = await database.fetch("SELECT id FROM search_document ORDER BY id")
    ids = [row["id"] for row in rows]
    for start in range(0, len(ids), BATCH):
        await index_entries(ids[start : start + BATCH])


async def refresh_free_weeks() -> None:
    """Index anew what can be booked: in which weeks it has free times also changes as time passes."""
    rows = await database.fetch("SELECT id FROM environment WHERE bookable_by <> '{}' ORDER BY id")
    ids = [row["id"] for row in rows]
    for start in range(0, len(ids), BATCH):
        await index_entries(ids[start : start + BATCH])


async def _derive(entry_ids: Sequence[int], *, count_words: bool) -> list[int]:
    """Derive documents in the running transaction; returns the entries whose document has changed or gone."""
    await database.fetch(
        "SELECT pg_advisory_xact_lock($1, (id % 2147483647)::int) FROM unnest($2::bigint[]) AS id",
        _LOCK,
        list(entry_ids),
    )
    thesaurus, version = await knowledge.thesaurus()
    sources = {row["id"]: dict(row) for row in await fetch_sources(entry_ids)}
    weeks = await free_weeks([id for id, source in sources.items() if source["bookable_by"]], datetime.now(UTC))
    before = {
        row["id"]: row
        for row in await database.fetch(
            f"SELECT id, source_hash, checksum, shown->>'staff' = 'true' AS staff, {', '.join(_WORDS)}"
            " FROM search_document WHERE id = ANY ($1::bigint[])",
            list(entry_ids),
        )
    }
    prefix = _prefix(version)
    derived = []
    for id, source in sources.items():
        source_hash = prefix + _hash([source, weeks.get(id)])
        if id in before and before[id]["source_hash"] == source_hash:
            continue
        document = build(source, thesaurus, free_weeks=tuple(weeks.get(id, ())))
        derived.append(_Derived(document, source_hash, _checksum(document)))
    gone = [id for id in before if id not in sources]
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
    """Count every word anew."""
    async with database.transaction():
        await database.fetch("LOCK TABLE search_word IN EXCLUSIVE MODE")
        await database.fetch("DELETE FROM search_word")
        await database.fetch(
            "INSERT INTO search_word (word, public, staff)"
            " SELECT word, count(*) FILTER (WHERE NOT staff), count(*) FILTER (WHERE staff) FROM ("
            "  SELECT DISTINCT d.id, d.shown->>'staff' = 'true' AS staff, word FROM search_document d,"
            f"  unnest(string_to_array(concat_ws(' ', {', '.join(f'd.{name}' for name in _WORDS)}), ' ')) AS word"
            ") AS counted WHERE word <> '' GROUP BY word"
        )
