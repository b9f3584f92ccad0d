"""Comparing an index with the documents in PostgreSQL, and putting right what differs."""

from dataclasses import dataclass
from functools import partial

import meilisearch

from registry import database
from search import index_tasks

_MOST_PAGES = 10_000


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


async def checksums() -> dict[int, str]:
    """What every document should be in the index: its checksum by id."""
    return {row["id"]: row["checksum"] for row in await database.fetch("SELECT id, checksum FROM search_document")}


async def compare(index: str) -> Comparison:
    """Compare an index with the documents, by their checksums.

    Raises:
        EngineAway: Meilisearch does not answer, or there is no such index.
    """
    wanted = await checksums()
    found: dict[int | str, str] = {}
    for _ in range(_MOST_PAGES):
        page = await index_tasks.do(partial(_checksums, index=index, offset=len(found)))
        found |= page
        if len(page) < index_tasks.BATCH:
            break
    return Comparison(
        documents=len(wanted),
        indexed=len(found),
        missing=sorted(wanted.keys() - found.keys()),
        outdated=sorted(id for id, checksum in wanted.items() if id in found and found[id] != checksum),
        surplus=sorted(found.keys() - wanted.keys(), key=str),
    )


def _checksums(engine: meilisearch.Client, index: str, offset: int) -> dict[int | str, str]:
    page = engine.index(index).get_documents(
        {"fields": ["id", "checksum"], "limit": index_tasks.BATCH, "offset": offset}
    )
    return {document.id: getattr(document, "checksum", "") for document in page.results}


async def repair(index: str) -> int:
    """Put right what differs between an index and the documents, and return in how many entries it did.

    Raises:
        EngineAway: Meilisearch does not answer, or there is no such index.
    """
    found = await compare(index)
    wrong = [*found.missing, *found.outdated, *(id for id in found.surplus if isinstance(id, int))]
    for start in range(0, len(wrong), index_tasks.BATCH):
        # A push beside it might be overtaken by what was read before.
        async with database.transaction():
            await database.fetch("SELECT pg_advisory_xact_lock($1)", index_tasks.GATE)
            await index_tasks.hand_over(index, wrong[start : start + index_tasks.BATCH])
    if foreign := [id for id in found.surplus if not isinstance(id, int)]:
        try:
            await index_tasks.wait(
                await index_tasks.do(partial(index_tasks.delete, index=index, ids=foreign)),
                index_tasks.LONGEST_TASK,
            )
        finally:
            await index_tasks.tell_change()
    return len(wrong) + len(foreign)
