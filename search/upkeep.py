"""What the worker does for the search beside its jobs: whatever has gone wrong or old is put right by itself."""

import asyncio
import logging
import time
from dataclasses import dataclass
from datetime import datetime

from registry import database
from registry.settings import load_settings
from search import compare, index_settings, index_tasks, push, rebuild, sync
from search.alone import alone
from search.engine import EngineAway

log = logging.getLogger(__name__)
_EVERY = 60.0  # seconds
# Comparing every checksum reads the whole index, so that is done at the start and then more seldom.
_THOROUGHLY_EVERY = 3600.0


@dataclass(frozen=True)
class Upkeep:
    """What has been put right: entries derived anew, pushed or repaired; whether settings or the index are new."""

    derived: int = 0
    pushed: int = 0
    repaired: int = 0
    settings_applied: bool = False
    index_built: bool = False


async def keep_up_for_ever() -> None:
    """Put the search in order at once and then every minute; a fault is logged, and the next round tries again."""
    thorough_at = 0.0
    newest: datetime | None = None
    while True:
        thoroughly = time.monotonic() >= thorough_at
        try:
            changed_at = await _changed_at()
            # An index that was changed later when we last looked is an older copy that somebody has put back.
            if changed_at is not None and newest is not None and changed_at < newest:
                thoroughly = True
            done = await keep_up(thoroughly=thoroughly)
            newest = changed_at
        except EngineAway as error:
            log.warning("Meilisearch cannot be brought up to date: %s. Search goes on in PostgreSQL.", error)
        except Exception:  # a fault of the search must not end the worker, which has bookings to confirm
            log.exception("The search cannot be kept up to date now; that is tried again in a minute")
        else:
            if thoroughly and done is not None:
                thorough_at = time.monotonic() + _THOROUGHLY_EVERY
        await asyncio.sleep(_EVERY)


async def _changed_at() -> datetime | None:
    """When the index was changed last, in UTC; None where there is none."""
    return await index_tasks.changed_at() if index_tasks.is_configured() and await index_tasks.exists() else None


async def keep_up(*, thoroughly: bool) -> Upkeep | None:
    """Bring documents and index up to date, as far as they are not; None if another process is at it.

    `thoroughly` compares the checksums of all documents; else it is enough that their numbers are equal.

    Raises:
        EngineAway: Meilisearch is configured, but cannot be used; the documents in PostgreSQL are up to date.
    """
    async with alone(wait=False) as is_alone:
        if not is_alone:
            return None
        derived = await sync.derive_outdated()
        if not index_tasks.is_configured():
            return Upkeep(derived=derived)
        if not await index_tasks.exists():
            await rebuild.rebuild(lambda _: None)
            return Upkeep(derived=derived, index_built=True)
        if thoroughly:
            await rebuild.remove_left_over()
        settings_applied = await index_settings.apply_settings()
        pushed = await push.push_pending()
        repaired = 0
        if thoroughly or await index_tasks.indexed_documents() != await _documents():
            repaired = await compare.repair(load_settings().meilisearch_index)
        return Upkeep(derived, pushed, repaired, settings_applied)


async def _documents() -> int:
    row = await database.fetch_one("SELECT count(*) AS n FROM search_document")
    return row["n"] if row else 0
