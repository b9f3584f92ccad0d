"""Entries that can be found, and words that no other test uses."""

import itertools
from typing import Any

from registry import database
from registry.access import SYSTEM, VISITOR, Actor
from registry.accounts.codes import OrganisationKind
from registry.audit.service import EventType, record
from registry.entries import service as entries
from registry.entries.codes import Kind, Sector, Track
from registry.entries.service import EntryText, EnvironmentText
from search import knowledge, queries
from search.engine import SearchRequest
from search.queries import SearchResult
from search.sync import index_entry
from tests import factories

_numbers = itertools.count(1)
HOSTILE_SCRIPT = "<script>alert(1)</script> & \"quotes\" 'single'"


def word() -> str:
    """A word that no other test uses, and that is no beginning of one."""
    return f"xq{next(_numbers):05}k"


async def entry(
    environment: EnvironmentText | None = None, *, body: int | None = None, publish: bool = True, **text: Any
) -> tuple[int, str]:
    """An entry, published and indexed unless told otherwise; its id and slug."""
    fields: dict[str, Any] = {
        "kind": Kind.TESTBED,
        "primary_sector": Sector.HEALTHCARE,
        "track": Track.INTERNAL,
        "title_sv": "Testbädd",
        **text,
    }
    body = body or await factories.organisation(OrganisationKind.COMMITTEE)
    slug = f"found-{next(_numbers)}"
    entry_id = await entries.create_entry(SYSTEM, EntryText(accountable_body=body, **fields), environment, slug=slug)
    if publish:
        await entries.move_entry(SYSTEM, entry_id, "submit")
        await entries.move_entry(SYSTEM, entry_id, "publish")
    await index_entry(entry_id)
    return entry_id, slug


async def write_raw(entry_id: int, **columns: str) -> None:
    """Put texts into an entry past every check of ours, as an import or an old version might have."""
    async with database.transaction():
        for name, value in columns.items():
            await database.fetch(f"UPDATE entry SET {name} = $2 WHERE id = $1", entry_id, value)
        await record(SYSTEM, EventType.ENTRY_CHANGED, entry_id, entry_id=entry_id)
    await index_entry(entry_id)


async def find(text: str = "", actor: Actor | None = None, **request: Any) -> SearchResult:
    """Search as an actor, a visitor if none is given, with the engine that the settings name."""
    return await queries.find(actor or VISITOR, SearchRequest(text=text, **request))


async def slugs(text: str = "", actor: Actor | None = None, **request: Any) -> list[str]:
    """The slugs of what has just what a search asks for, in their order."""
    return [hit.slug for hit in (await find(text, actor, **request)).items if not hit.is_doubtful]


async def words_are_known() -> None:
    """The words of the index and the vocabulary are read anew, as happens by itself within seconds."""
    await knowledge.refresh()
