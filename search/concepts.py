"""Reading the vocabulary as the people who keep it see it: a page of concepts, and one with those around it."""

from dataclasses import dataclass, field
from datetime import datetime

from registry import database
from registry.access import Actor, Permission, require
from registry.entries.codes import Sector
from registry.errors import NotFound
from search.language import order_key
from search.vocabulary import GENERAL, terms_of


@dataclass(frozen=True)
class ConceptName:
    """What a concept is called: its first term in each language, empty where there is none."""

    id: int
    key: str
    name_sv: str
    name_en: str

    def in_order(self, language: str) -> str:
        """The key that sorts concepts by their names in a language."""
        names = (self.name_sv, self.name_en) if language == "sv" else (self.name_en, self.name_sv)
        return order_key(names[0] or names[1], language)


@dataclass(frozen=True)
class ConceptRow:
    """A concept as the list shows it."""

    name: ConceptName
    sectors: list[Sector]
    sv: tuple[str, ...]
    en: tuple[str, ...]
    broader: list[ConceptName]


@dataclass(frozen=True)
class ConceptView(ConceptRow):
    """A concept with all that its page shows. `shared` are its terms that stand in other concepts too.

    `changed_at` is in UTC.
    """

    version: int = 0
    changed_at: datetime | None = None
    narrower: list[ConceptName] = field(default_factory=list)
    shared: list[tuple[str, list[ConceptName]]] = field(default_factory=list)


_NAME = """
c.id, c.key, coalesce((SELECT term FROM vocabulary_term WHERE concept = c.id AND language = 'sv'
    ORDER BY position, id LIMIT 1), '') AS name_sv,
coalesce((SELECT term FROM vocabulary_term WHERE concept = c.id AND language = 'en'
    ORDER BY position, id LIMIT 1), '') AS name_en
"""
# Where a concept stands among those that a text finds: one of its terms begins so, or only holds it.
_FOUND = f"""
SELECT {_NAME},
    (NOT EXISTS (SELECT FROM vocabulary_term WHERE concept = c.id AND lower(term) LIKE $1 || '%'))::int AS rank
FROM vocabulary_concept c
WHERE ($1 = '' OR c.key LIKE '%' || $1 || '%'
       OR EXISTS (SELECT FROM vocabulary_term WHERE concept = c.id AND lower(term) LIKE '%' || $1 || '%'))
  AND ($2::text IS NULL OR $2 = ANY (c.sectors) OR ($2 = '{GENERAL}' AND c.sectors = '{{}}'))
"""


async def concepts(
    actor: Actor, *, text: str = "", sector: str | None = None, language: str = "sv", page: int = 1, page_size: int = 50
) -> tuple[list[ConceptRow], int]:
    """A page of the concepts with a term or key that holds `text`, in the order of their names, and how many.

    `sector` is a code, or `general` for those that belong to all sectors.

    Raises:
        NotPermitted: the actor may not read the vocabulary.
    """
    require(actor, Permission.VOCABULARY_READ)
    sought = text.lower().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    found = [(row["rank"], _name(row)) for row in await database.fetch(_FOUND, sought, sector)]
    found.sort(key=lambda one: (one[0], one[1].in_order(language)))
    shown = [name for _, name in found[(page - 1) * page_size : page * page_size]]
    return await _rows(shown), len(found)


async def concept_names(actor: Actor, language: str) -> list[ConceptName]:
    """What every concept is called, in the order of their names; to choose from.

    Raises:
        NotPermitted: the actor may not read the vocabulary.
    """
    require(actor, Permission.VOCABULARY_READ)
    names = [_name(row) for row in await database.fetch(f"SELECT {_NAME} FROM vocabulary_concept c")]
    return sorted(names, key=lambda name: name.in_order(language))


async def concept(actor: Actor, concept_id: int, *, language: str = "sv") -> ConceptView:
    """One concept with those right above and below it.

    Raises:
        NotFound; NotPermitted: the actor may not read the vocabulary.
    """
    require(actor, Permission.VOCABULARY_READ)
    row = await database.fetch_one(
        f"SELECT {_NAME}, c.version, c.changed_at FROM vocabulary_concept c WHERE c.id = $1", concept_id
    )
    if row is None:
        raise NotFound
    (shown,) = await _rows([_name(row)])
    below = await database.fetch(
        f"SELECT {_NAME} FROM vocabulary_broader b JOIN vocabulary_concept c ON c.id = b.concept WHERE b.broader = $1",
        concept_id,
    )
    return ConceptView(
        **vars(shown),
        version=row["version"],
        changed_at=row["changed_at"],
        narrower=sorted((_name(one) for one in below), key=lambda name: name.in_order(language)),
        shared=await _shared(concept_id),
    )


async def _shared(concept_id: int) -> list[tuple[str, list[ConceptName]]]:
    rows = await database.fetch(
        f"SELECT mine.term, {_NAME} FROM vocabulary_term mine JOIN vocabulary_term other"
        " ON lower(other.term) = lower(mine.term) AND other.language = mine.language AND other.concept <> mine.concept"
        " JOIN vocabulary_concept c ON c.id = other.concept WHERE mine.concept = $1 ORDER BY mine.position, mine.id",
        concept_id,
    )
    shared: dict[str, list[ConceptName]] = {}
    for row in rows:
        shared.setdefault(row["term"], []).append(_name(row))
    return list(shared.items())


async def _rows(names: list[ConceptName]) -> list[ConceptRow]:
    ids = [name.id for name in names]
    terms = await terms_of(ids)
    sectors = {
        row["id"]: [Sector(code) for code in row["sectors"]]
        for row in await database.fetch("SELECT id, sectors FROM vocabulary_concept WHERE id = ANY ($1::bigint[])", ids)
    }
    above = await database.fetch(
        f"SELECT b.concept, {_NAME} FROM vocabulary_broader b JOIN vocabulary_concept c ON c.id = b.broader"
        " WHERE b.concept = ANY ($1::bigint[]) ORDER BY b.id",
        ids,
    )
    return [
        ConceptRow(
            name=name,
            sectors=sectors.get(name.id, []),
            sv=terms[name.id, "sv"],
            en=terms[name.id, "en"],
            broader=[_name(row) for row in above if row["concept"] == name.id],
        )
        for name in names
    ]


def _name(row: database.Row) -> ConceptName:
    return ConceptName(row["id"], row["key"], row["name_sv"], row["name_en"])
