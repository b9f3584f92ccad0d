"""What each process keeps in memory to understand questions: the vocabulary, and the words of the index.

Both are read again when the database says that they have changed; asking that is kept to once in a while.
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


@dataclass
class _Memory:
    """The vocabulary and its version; the words for readers who are staff and for all others."""

    thesaurus: Thesaurus = field(default_factory=lambda: Thesaurus([]))
    version: int = -1
    looked_at: float = 0.0
    words: Mapping[bool, IndexWords] = field(default_factory=dict)
    words_are_of: object = None
    words_looked_at: float = 0.0


_memory = _Memory()
_reading = asyncio.Lock()


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
    now = time.monotonic()
    if now - _memory.looked_at > _PATIENCE or not _memory.words:
        _memory.looked_at = now
        before = _memory.version
        await thesaurus()
        if before != _memory.version or now - _memory.words_looked_at > _WORDS_PATIENCE or not _memory.words:
            _memory.words_looked_at = now
            await _read_words()
    return _memory.thesaurus, _memory.words[staff]


async def refresh() -> None:
    """Read the vocabulary and the words of the index as they are now."""
    await thesaurus()
    _memory.words_are_of = None
    await _read_words()
    _memory.looked_at = _memory.words_looked_at = time.monotonic()


@asynccontextmanager
async def read_beforehand() -> AsyncIterator[None]:
    """While this is entered, everything is read once, which takes seconds: else the first search would wait for it."""
    reading = asyncio.create_task(_read_at_once())
    try:
        yield
    finally:
        reading.cancel()
        with suppress(asyncio.CancelledError):
            await reading


async def _read_at_once() -> None:
    try:
        await refresh()
    except Exception:  # whatever is wrong, the first search reads it
        log.exception("The vocabulary cannot be read beforehand")


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
