"""What each process keeps in memory to understand questions: the vocabulary, and the words of the index.

Both are read again when the database says that they have changed. A web server does that beside its requests
(`kept_up`), so that none of them waits for it but those that come before the first reading; other programs look
when they need it, once in a while.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from registry import database
from search.index_words import IndexWords
from search.thesaurus import Thesaurus
from search.vocabulary import vocabulary_version, whole

log = logging.getLogger(__name__)
# Seconds between two looks at whether something has changed.
_PATIENCE = 1.0
# Seconds that the words of the index may be old: many entries change one after the other, and reading all is long.
_WORDS_PATIENCE = 5.0
# Beside requests, reading the words takes no more than this share of the time.
_WORDS_SHARE = 0.05


@dataclass
class _Memory:
    """The vocabulary and its version; the words for readers who are staff and for all others.

    `is_kept` says that somebody looks after it, so that a question need not.
    """

    thesaurus: Thesaurus = field(default_factory=lambda: Thesaurus([]))
    version: int = -1
    looked_at: float = 0.0
    words: Mapping[bool, IndexWords] = field(default_factory=dict)
    words_are_of: object = None
    words_looked_at: float = 0.0
    words_took: float = 0.0
    is_kept: bool = False


_memory = _Memory()
_reading = asyncio.Lock()
_looking = asyncio.Lock()


async def thesaurus_version() -> int:
    """The version of the vocabulary as it is now."""
    return await vocabulary_version()


async def thesaurus() -> tuple[Thesaurus, int]:
    """The vocabulary as it is now, with its version; for deriving documents."""
    version = await vocabulary_version()
    if version != _memory.version:
        async with _reading:
            if version != _memory.version:
                _memory.thesaurus = await asyncio.to_thread(Thesaurus, await whole())
                _memory.version = version
    return _memory.thesaurus, _memory.version


async def understanding(*, staff: bool) -> tuple[Thesaurus, IndexWords]:
    """The vocabulary and the words of the index that a reader may know of, at most a few seconds old."""
    if not _memory.words or (not _memory.is_kept and time.monotonic() - _memory.looked_at > _PATIENCE):
        await _look()
    return _memory.thesaurus, _memory.words[staff]


@asynccontextmanager
async def kept_up() -> AsyncIterator[None]:
    """While this is entered, what is in memory follows the database beside all other work."""
    _memory.is_kept = True
    keeping = asyncio.create_task(_keep_up())
    try:
        yield
    finally:
        _memory.is_kept = False
        keeping.cancel()
        with suppress(asyncio.CancelledError):
            await keeping


async def _keep_up() -> None:
    while True:
        try:
            await _look()
        except Exception as error:  # noqa: BLE001  # whatever is wrong with the database, searching goes on with what is known
            log.warning("What the search knows waits for the database: %s", type(error).__name__)
        await asyncio.sleep(_PATIENCE)


async def refresh() -> None:
    """Read the vocabulary and the words of the index as they are now."""
    _memory.looked_at = _memory.words_looked_at = 0.0
    _memory.words_are_of = None
    await _look()


async def _look() -> None:
    """Read again what has changed. Who comes while somebody looks waits for them."""
    async with _looking:
        now = time.monotonic()
        if now - _memory.looked_at < _PATIENCE and _memory.words:
            return
        before = _memory.version
        await thesaurus()
        if before != _memory.version or _words_may_be_old(now) or not _memory.words:
            await _read_words()
            _memory.words_looked_at = time.monotonic()
            _memory.words_took = _memory.words_looked_at - now
        _memory.looked_at = now


def _words_may_be_old(now: float) -> bool:
    patience = _WORDS_PATIENCE
    if _memory.is_kept:
        patience = max(patience, _memory.words_took / _WORDS_SHARE)
    return now - _memory.words_looked_at > patience


async def _read_words() -> None:
    row = await database.fetch_one("SELECT max(indexed_at) AS at, count(*) AS n FROM search_document")
    state = (row["at"], row["n"], _memory.version) if row else None
    if state == _memory.words_are_of and _memory.words:
        return
    rows = await database.fetch("SELECT word, public, staff FROM search_word")
    entries = row["n"] if row else 0

    def make() -> dict[bool, IndexWords]:
        for_all = {row["word"]: row["public"] for row in rows if row["public"]}
        for_staff = {row["word"]: row["public"] + row["staff"] for row in rows}
        return {
            False: IndexWords(for_all, _memory.thesaurus, entries=entries),
            True: IndexWords(for_staff, _memory.thesaurus, entries=entries),
        }

    _memory.words = await asyncio.to_thread(make)
    _memory.words_are_of = state
