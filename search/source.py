"""What documents are made of: one row for each published entry, read from the tables of all concepts."""

from collections.abc import Sequence

from registry import database
from registry.procurement.states import OPEN_STAGES

_TERM_FIELDS = ("results_ownership", "publication", "data_owner")
_CODES = ", ".join(
    f"array_agg(DISTINCT i.code ORDER BY i.code) FILTER (WHERE i.field = '{name}') AS {name}" for name in _TERM_FIELDS
)
# Agreements about results count for the terms that can be searched for; a non-disclosure or data-processing
# agreement says nothing about them. Tender contents count from award on (DOMAIN.md, procurement).
_SOURCE = f"""
SELECT e.id, e.slug, e.kind, e.visibility, e.title_sv, e.title_en, e.summary_sv, e.summary_en, e.description_sv,
       e.description_en, e.primary_sector, e.sectors, e.perspectives, e.keywords, e.municipality, e.address, e.track,
       e.ended, e.example_fields, e.published_at, e.confirmed_at, e.latitude, e.longitude,
       v.offer_sv, v.offer_en, v.equipment_sv, v.equipment_en, v.requirements_sv, v.requirements_en,
       v.accessibility_sv, v.accessibility_en, v.price_note_sv, v.price_note_en, v.bookable_by, v.remuneration,
       b.name_sv AS body_name_sv, b.name_en AS body_name_en,
       coalesce(u.name_sv, '') AS unit_name_sv, coalesce(u.name_en, '') AS unit_name_en,
       coalesce(offered.titles_sv, '') AS agreement_titles_sv, coalesce(offered.titles_en, '') AS agreement_titles_en,
       coalesce(offered.required, '{{}}') AS required_agreements,
       {", ".join(f"coalesce(terms.{name}, '{{}}') AS {name}" for name in _TERM_FIELDS)},
       concat_ws(E'\\n', p.procurement_text, s.partnership_text) AS content_sv, '' AS content_en
FROM entry e
JOIN organisation b ON b.id = e.accountable_body
LEFT JOIN organisation u ON u.id = e.unit
LEFT JOIN environment v ON v.id = e.id
LEFT JOIN LATERAL (
    SELECT string_agg(t.title_sv, ' ' ORDER BY t.id) AS titles_sv,
           string_agg(t.title_en, ' ' ORDER BY t.id) AS titles_en,
           array_agg(DISTINCT t.type ORDER BY t.type) FILTER (WHERE o.required) AS required
    FROM offer o JOIN template t ON t.id = o.template WHERE o.entry = e.id
) offered ON true
LEFT JOIN LATERAL (
    SELECT {_CODES}
    FROM offer o
    JOIN template t ON t.id = o.template AND t.type NOT IN ('nda', 'data_processing')
    JOIN LATERAL (
        SELECT terms FROM template_version WHERE template = t.id ORDER BY number DESC LIMIT 1
    ) newest ON true
    JOIN ip_term i ON i.terms = newest.terms AND i.status = 'value' AND i.code IS NOT NULL
    WHERE o.entry = e.id
) terms ON true
LEFT JOIN LATERAL (
    SELECT concat_ws(
        E'\\n', nullif(p.dnr, ''), CASE WHEN p.stage = ANY ($2) THEN concat_ws(E'\\n', p.need, p.criteria) END
    ) AS procurement_text
    FROM procurement p WHERE p.entry = e.id
) p ON true
LEFT JOIN LATERAL (
    SELECT concat_ws(E'\\n', nullif(s.dnr, ''), CASE WHEN c.id IS NULL OR c.stage = ANY ($2) THEN concat_ws(E'\\n',
        s.performance_level,
        (SELECT string_agg(concat_ws(E'\\n', f.title, f.targets), E'\\n' ORDER BY f.number)
         FROM phase f WHERE f.partnership = s.id)
    ) END) AS partnership_text
    FROM partnership s LEFT JOIN procurement c ON c.id = s.procurement WHERE s.entry = e.id
) s ON true
WHERE e.id = ANY ($1::bigint[]) AND e.status = 'published'
"""


async def fetch_sources(entry_ids: Sequence[int]) -> list[database.Row]:
    """The rows of those of the entries that are published."""
    return await database.fetch(_SOURCE, list(entry_ids), sorted(stage.value for stage in OPEN_STAGES))
