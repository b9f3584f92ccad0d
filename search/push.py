"""Keeping Meilisearch in step with the documents in PostgreSQL.

What has changed is noted in `search_push` by the transaction that changed it, and taken out once Meilisearch has
confirmed it: whatever dies in between, it is pushed again. Pushing twice does no harm.
"""

import logging
from collections.abc import Sequence

from registry import database
from registry.settings import load_settings
from search import index_tasks
from search.engine import EngineAway, Trouble

log = logging.getLogger(__name__)
_MOST_ROUNDS = 10_000


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
    if not index_tasks.is_configured():
        return 0
    pushed = 0
    try:
        for _ in range(_MOST_ROUNDS):
            count = await _push_some(entry_ids)
            pushed += count
            if count < index_tasks.BATCH:
                break
    except EngineAway as error:
        # The worker tries again every minute, and meanwhile search goes on in PostgreSQL.
        level = logging.INFO if error.trouble is Trouble.INDEX_MISSING else logging.WARNING
        log.log(level, "Meilisearch has not taken the changes: %s", error)
    return pushed


async def _push_some(entry_ids: Sequence[int] | None) -> int:
    index = load_settings().meilisearch_index
    async with database.transaction():
        await database.fetch("SELECT pg_advisory_xact_lock_shared($1)", index_tasks.GATE)
        rows = await database.fetch(
            "SELECT entry FROM search_push WHERE $2::bigint[] IS NULL OR entry = ANY ($2)"
            " ORDER BY asked_at LIMIT $1 FOR UPDATE SKIP LOCKED",
            index_tasks.BATCH,
            None if entry_ids is None else list(entry_ids),
        )
        ids = [row["entry"] for row in rows]
        if not ids:
            return 0
        # Meilisearch would make an index of its own accord, without our settings.
        if not await index_tasks.exists():
            raise EngineAway(f"there is no index “{index}”", Trouble.INDEX_MISSING)
        await index_tasks.hand_over(index, ids)
        await database.fetch("DELETE FROM search_push WHERE entry = ANY ($1::bigint[])", ids)
        await _show(ids)
    return len(ids)


# The document says of a hidden entry `h` what the entry itself says of who may see it.
AGREES = """
NOT EXISTS (
    SELECT FROM search_document d JOIN entry e ON e.id = d.id
    WHERE d.id = h.entry
      AND (e.status <> 'published' OR (e.visibility <> 'public') IS DISTINCT FROM (d.shown->>'staff')::boolean)
)
"""


async def _show(entry_ids: Sequence[int]) -> None:
    """Hide entries no longer by hand, where the document that has been pushed says who may see them now."""
    await database.fetch(
        f"DELETE FROM search_hidden h WHERE h.entry = ANY ($1::bigint[]) AND {AGREES}", list(entry_ids)
    )
