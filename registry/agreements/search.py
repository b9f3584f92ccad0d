"""Search inside agreements and their documents: for legal only, in PostgreSQL only, and every search is logged."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from registry import database
from registry.access import Actor, Permission, require
from registry.agreements.codes import AgreementType
from registry.agreements.marks import Marked, Span, excerpt, pieces, spans_of
from registry.agreements.question import Part, ask
from registry.agreements.rows import ROW, AgreementRow, row_of
from registry.agreements.states import AgreementState
from registry.audit.service import EventType, record

MOST_PASSAGES = 3

# Each part of the question in all its forms. Words that a language leaves out of its index ("och", "the") count
# only where an alternative has no other words, for nearly every text has them.
_ASKED = """
asked AS (
    SELECT x.alternative, x.number, x.excluded,
           websearch_to_tsquery('swedish', x.exact) || websearch_to_tsquery('english', x.exact)
           || to_tsquery('simple', fold_text(x.plain)) AS query,
           numnode(websearch_to_tsquery('swedish', x.exact)) = 0
           OR numnode(websearch_to_tsquery('english', x.exact)) = 0 AS is_common
    FROM unnest($1::integer[], $2::integer[], $3::boolean[], $4::text[], $5::text[])
         AS x(alternative, number, excluded, exact, plain)
),
wanted AS (
    SELECT alternative, number, query FROM asked a
    WHERE NOT excluded AND NOT (is_common AND EXISTS (
        SELECT FROM asked b WHERE b.alternative = a.alternative AND NOT b.excluded AND NOT b.is_common
    ))
),
"""
# Where a part is found: in a passage, or (passage 0) in title, reference and names of parties.
_PLACES = """
    SELECT q.*, p.agreement, p.id AS passage FROM {parts} q JOIN agreement_passage p ON p.vector @@ q.query
    UNION ALL
    SELECT q.*, a.id, 0 FROM {parts} q JOIN agreement a ON search_vector(a.title || ' ' || a.dnr) @@ q.query
    UNION ALL
    SELECT q.*, a.id, 0 FROM {parts} q
    JOIN template t ON search_vector(t.title_sv || ' ' || t.title_en) @@ q.query
    JOIN template_version tv ON tv.template = t.id
    JOIN agreement a ON a.template_version = tv.id AND a.title = ''
    UNION ALL
    SELECT q.*, p.agreement, 0 FROM {parts} q
    JOIN organisation o ON search_vector(o.name_sv || ' ' || o.name_en) @@ q.query
    JOIN agreement_party p ON p.organisation = o.id
"""
# An agreement is found when it has all parts of an alternative somewhere and none of those to leave out anywhere.
# First come those whose title, reference and parties have all parts, then those with all parts in one passage.
_FOUND = f"""
WITH {_ASKED}
unwanted AS (SELECT alternative, number, query FROM asked WHERE excluded),
need AS (SELECT alternative, bit_or(1 << number) AS parts FROM wanted GROUP BY alternative),
place AS (
    SELECT alternative, agreement, passage, bit_or(1 << number) AS parts
    FROM ({_PLACES.format(parts="wanted")}) hit GROUP BY alternative, agreement, passage
),
whole AS (
    SELECT p.alternative, p.agreement,
           max(CASE WHEN p.parts <> n.parts THEN 1 WHEN p.passage <> 0 THEN 2 ELSE 3 END) AS score
    FROM place p JOIN need n USING (alternative)
    GROUP BY p.alternative, p.agreement, n.parts HAVING bit_or(p.parts) = n.parts
),
left_out AS ({_PLACES.format(parts="unwanted")}),
visible AS (
    SELECT a.id, a.created_at, max(w.score) AS score FROM whole w JOIN agreement a ON a.id = w.agreement
    WHERE ($6::text IS NULL OR a.type = $6) AND ($7::text IS NULL OR a.state = $7)
    AND ($8 OR EXISTS (SELECT FROM agreement_party p WHERE p.agreement = a.id AND p.role = 'region'
                       AND p.organisation = ANY ($9)))
    AND (w.alternative, w.agreement) NOT IN (SELECT alternative, agreement FROM left_out)
    GROUP BY a.id
)
SELECT (SELECT count(*) FROM visible) AS total,
       ARRAY(SELECT id FROM visible ORDER BY score DESC, created_at DESC, id LIMIT $10 OFFSET $11) AS ids,
       ARRAY(SELECT number FROM wanted ORDER BY number) AS numbers,
       ARRAY(SELECT query::text FROM wanted ORDER BY number) AS queries
"""
# Of each agreement the best passage for each part of the question, then the second best; the reader's language first.
_PASSAGES = f"""
WITH own AS MATERIALIZED (
    SELECT id, agreement, language, vector FROM agreement_passage WHERE agreement = ANY ($1)
),
ranked AS (
    SELECT p.id, p.agreement, row_number() OVER (
               PARTITION BY p.agreement, q.number
               ORDER BY coalesce(p.language, $3) <> $3, ts_rank(p.vector, q.query::tsquery, 1) DESC, p.id
           ) AS place
    FROM unnest($2::text[]) WITH ORDINALITY AS q(query, number)
    JOIN own p ON p.vector @@ q.query::tsquery
),
chosen AS (
    SELECT id, row_number() OVER (PARTITION BY agreement ORDER BY min(place), count(*) DESC, id) AS place
    FROM ranked GROUP BY agreement, id
)
SELECT p.agreement, p.language, p.document, p.page, p.text, v.number AS version_number, d.filename
FROM chosen c JOIN agreement_passage p ON p.id = c.id
LEFT JOIN agreement_version v ON v.id = p.version LEFT JOIN document d ON d.id = p.document
WHERE c.place <= {MOST_PASSAGES} ORDER BY p.agreement, c.place
"""


@dataclass(frozen=True)
class FoundPassage:
    """An excerpt and where it is: in the text of a version (with its language), or in a document (on a page)."""

    text: Marked
    version_number: int | None
    language: str | None
    document_id: UUID | None
    filename: str | None
    page: int | None


@dataclass(frozen=True)
class FoundName:
    """A party's name."""

    name_sv: Marked
    name_en: Marked


@dataclass(frozen=True)
class FoundAgreement:
    """An agreement with what was found in it, the matches marked."""

    agreement: AgreementRow
    title_sv: Marked
    title_en: Marked
    dnr: Marked
    parties: tuple[FoundName, ...]
    passages: tuple[FoundPassage, ...]


@dataclass(frozen=True)
class FoundPage:
    """A page of what was found, and how many agreements there are in all."""

    items: tuple[FoundAgreement, ...]
    total: int


async def search_agreements(
    actor: Actor,
    text: str,
    *,
    type: AgreementType | None = None,  # noqa: A002  # the domain's word
    state: AgreementState | None = None,
    page: int = 1,
    page_size: int = 20,
    language: str = "sv",
) -> FoundPage | None:
    """The agreements in which a question's words are; None where the question has no word to look for.

    Texts that exist in both languages are quoted in `language` first.
    A role limited to organisations finds agreements whose public party is among them. Each search is one event
    in the log, with what was shown but without the question: its words may name people, and the log is for ever.

    Raises:
        NotSignedIn, NotPermitted: the actor does not search in agreements.
        InvalidInput: there are too many words.
    """
    require(actor, Permission.AGREEMENT_SEARCH)
    parts = ask(text)
    if not parts:
        return None
    limits = (type.value if type else None, state.value if state else None)
    found = await database.fetch_one(
        _FOUND,
        *_columns(parts),
        *limits,
        actor.has_unlimited(Permission.AGREEMENT_SEARCH),
        list(actor.limited_to(Permission.AGREEMENT_SEARCH)),
        page_size,
        (page - 1) * page_size,
    )
    if found is None:
        return None
    ids, total = found["ids"], found["total"]
    words = {part.number: part.words for part in parts}
    asked = [(query, words[number]) for number, query in zip(found["numbers"], found["queries"], strict=True)]
    items = await _items(ids, asked, language) if ids else ()
    async with database.transaction():
        await record(
            actor,
            EventType.AGREEMENT_SEARCHED,
            "search",
            {"hits": total, "page": page, "type": limits[0], "state": limits[1], "shown": ids},
        )
    return FoundPage(items, total)


def _columns(parts: Sequence[Part]) -> tuple[list[object], ...]:
    return tuple(
        [getattr(part, name) for part in parts] for name in ("alternative", "number", "excluded", "exact", "plain")
    )


async def _items(ids: Sequence[UUID], asked: Sequence[tuple[str, int]], language: str) -> tuple[FoundAgreement, ...]:
    rows = await database.fetch(ROW.format(more="", where="WHERE a.id = ANY ($1)"), ids)
    agreements = {row["id"]: row_of(row) for row in rows}
    passages = await database.fetch(_PASSAGES, ids, [query for query, _ in asked], language)
    texts = {row["text"] for row in passages}
    for one in agreements.values():
        texts |= {one.title_sv, one.title_en, one.dnr}
        texts |= {name for party in one.parties for name in (party.name_sv, party.name_en)}
    spans = await spans_of(texts, asked)
    return tuple(
        _item(agreements[one], [row for row in passages if row["agreement"] == one], spans)
        for one in ids
        if one in agreements
    )


def _item(
    agreement: AgreementRow, passages: Sequence[database.Row], spans: Mapping[str, Sequence[Span]]
) -> FoundAgreement:
    def marked(text: str) -> Marked:
        return pieces(text, spans[text])

    return FoundAgreement(
        agreement=agreement,
        title_sv=marked(agreement.title_sv),
        title_en=marked(agreement.title_en),
        dnr=marked(agreement.dnr),
        parties=tuple(FoundName(marked(party.name_sv), marked(party.name_en)) for party in agreement.parties),
        passages=tuple(
            FoundPassage(
                text=excerpt(row["text"], spans[row["text"]]),
                version_number=row["version_number"],
                language=row["language"],
                document_id=row["document"],
                filename=row["filename"],
                page=row["page"],
            )
            for row in passages
        ),
    )
