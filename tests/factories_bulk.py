"""Many plain entries at once, past the commands, and their removal."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from registry import database
from registry.access import SYSTEM
from registry.accounts.codes import OrganisationKind
from registry.audit.service import EventType, record
from tests import factories

_INSERT = """
INSERT INTO entry (slug, kind, status, visibility, title_sv, title_en, summary_sv, summary_en, description_sv,
                   primary_sector, sectors, accountable_body, track, municipality, published_at)
SELECT 'bulk-' || n, 'testbed', 'published', 'public', 'Massprov ' || n, 'Bulk trial ' || n,
       'Provning av fordon, båtar och byggnader på plats ' || n, 'Testing of vehicles, boats and buildings',
       repeat('Här provas ny teknik i vardaglig drift med användare, forskare och företag. ', 8) || n,
       'transport', '{transport,environment}', $2, 'internal', 'Nacka', now()
FROM generate_series(1, $1) AS n RETURNING id
"""


@asynccontextmanager
async def many_entries(count: int) -> AsyncIterator[list[int]]:
    """So many published entries with their documents, for as long as the block lasts; gives their ids."""
    body = await factories.organisation(OrganisationKind.COMMITTEE)
    async with database.transaction():
        rows = await database.fetch(_INSERT, count, body)
        await record(SYSTEM, EventType.ENTRY_CREATED, rows[0]["id"], {"kind": "testbed"})
    try:
        yield [row["id"] for row in rows]
    finally:
        async with database.transaction():
            await database.fetch("DELETE FROM entry WHERE slug LIKE 'bulk-%'")
            await record(SYSTEM, EventType.ENTRY_CHANGED, rows[0]["id"])
        await database.fetch("DELETE FROM search_document WHERE id NOT IN (SELECT id FROM entry)")
