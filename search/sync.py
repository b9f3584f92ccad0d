"""Keeping the index in step with the entries: one entry after a change, or all of them."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, fields
from typing import Any

from registry import database
from registry.jobs.service import Job, enqueue
from search.document import Document, build

# What a document is made of. Only published entries have one. Agreements about results count for who owns
# them; a non-disclosure or data-processing agreement says nothing about that.
_SOURCE = """
SELECT e.id, e.kind, e.title_sv, e.title_en, e.summary_sv, e.summary_en, e.description_sv, e.description_en,
       e.sectors, e.keywords, e.municipality, e.address,
       v.offer_sv, v.offer_en, v.equipment_sv, v.equipment_en, v.requirements_sv, v.requirements_en,
       v.accessibility_sv, v.accessibility_en, v.price_note_sv, v.price_note_en,
       b.name_sv AS body_name_sv, b.name_en AS body_name_en, u.name_sv AS unit_name_sv, u.name_en AS unit_name_en,
       coalesce(offered.titles_sv, '') AS agreement_titles_sv, coalesce(offered.titles_en, '') AS agreement_titles_en,
       coalesce(offered.results_ownership, '{}') AS results_ownership
FROM entry e
JOIN organisation b ON b.id = e.accountable_body
LEFT JOIN organisation u ON u.id = e.unit
LEFT JOIN environment v ON v.id = e.id
LEFT JOIN LATERAL (
    SELECT string_agg(t.title_sv, ' ' ORDER BY t.id) AS titles_sv,
           string_agg(t.title_en, ' ' ORDER BY t.id) AS titles_en,
           array_agg(DISTINCT i.code ORDER BY i.code)
               FILTER (WHERE i.code IS NOT NULL AND t.type NOT IN ('nda', 'data_processing')) AS results_ownership
    FROM offer o
    JOIN template t ON t.id = o.template
    LEFT JOIN LATERAL (
        SELECT terms FROM template_version WHERE template = t.id ORDER BY number DESC LIMIT 1
    ) newest ON true
    LEFT JOIN ip_term i ON i.terms = newest.terms AND i.field = 'results_ownership' AND i.status = 'value'
    WHERE o.entry = e.id
) offered ON true
WHERE e.id = $1 AND e.status = 'published'
"""
_COLUMNS = [column.name for column in fields(Document)]
_PLACES = [f"${number}" for number in range(1, len(_COLUMNS) + 1)]
_STORE = f"""
INSERT INTO search_document ({", ".join(_COLUMNS)}, indexed_at) VALUES ({", ".join(_PLACES)}, now())
ON CONFLICT (id) DO UPDATE SET {", ".join(f"{name} = excluded.{name}" for name in _COLUMNS[1:])}, indexed_at = now()
"""


async def index_entry(entry_id: int) -> None:
    """Make the index say of one entry what is true now. Doing it twice, or for an unknown entry, does no harm."""
    async with database.transaction():
        # Holds back a change of the entry until the document is written, so that an older one never comes last.
        await database.fetch("SELECT 1 FROM entry WHERE id = $1 FOR SHARE", entry_id)
        source = await database.fetch_one(_SOURCE, entry_id)
        if source is None:
            await database.fetch("DELETE FROM search_document WHERE id = $1", entry_id)
            return
        await database.fetch(_STORE, *asdict(build(dict(source))).values())


async def reindex(progress: Callable[[int, int], None] | None = None) -> int:
    """Index every entry anew and return how many documents there are; `progress` is told (done, of how many)."""
    rows = await database.fetch("SELECT id FROM entry ORDER BY id")
    for done, row in enumerate(rows, start=1):
        await index_entry(row["id"])
        if progress is not None:
            progress(done, len(rows))
    counted = await database.fetch_one("SELECT count(*) AS n FROM search_document")
    return counted["n"] if counted else 0


async def handle_index_entry(payload: Mapping[str, Any]) -> None:
    """The job INDEX_ENTRY: `{"entry_id": …}`. Saved searches look at the entry next."""
    entry_id = int(payload["entry_id"])
    await index_entry(entry_id)
    async with database.transaction():
        await enqueue(Job.MATCH_SAVED_SEARCHES, entry_id=entry_id)
