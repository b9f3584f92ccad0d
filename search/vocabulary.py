"""The vocabulary: what things are called, and what is narrower than what; read whole by the search, changed here.

A reader that keeps the vocabulary in memory asks `vocabulary_version` first and then reads `whole`, and reads it
again when the number has changed.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypedDict

from registry import database
from registry.access import Actor, Permission, require
from registry.audit.service import EventType, record
from registry.entries.codes import Sector
from registry.errors import N_, EditedMeanwhile, FieldError, InvalidInput, Message, NotFound, invalid, message
from registry.jobs.service import Job, enqueue
from search.terms import TERM_LANGUAGES, checked_terms

LONGEST_KEY = 60
MOST_BROADER = 20
# In files of the starting vocabulary: what belongs to all sectors.
GENERAL = "general"
_KEY = re.compile(r"[a-z0-9]+(?:[-_][a-z0-9]+)*")


@dataclass(frozen=True)
class Concept:
    """A concept with its terms in each language, its name first, and the ids of the concepts right above it."""

    id: int
    key: str
    sectors: tuple[Sector, ...]
    sv: tuple[str, ...]
    en: tuple[str, ...]
    broader: tuple[int, ...]


@dataclass(frozen=True)
class ConceptText:
    """What people write about a concept. `broader` are keys or terms of other concepts; no sectors means all."""

    sv: tuple[str, ...] = ()
    en: tuple[str, ...] = ()
    sectors: tuple[Sector, ...] = ()
    broader: tuple[str, ...] = ()


class StartingConcept(TypedDict):
    """A concept of the starting vocabulary; `broader` holds keys."""

    key: str
    sv: list[str]
    en: list[str]
    broader: list[str]


async def vocabulary_version() -> int:
    """A number that grows with every change of the vocabulary; one short query."""
    row = await database.fetch_one("SELECT number FROM vocabulary_version")
    return row["number"] if row else 0


async def whole() -> list[Concept]:
    """Every concept, in the order of their ids; three queries whatever their number."""
    rows = await database.fetch("SELECT id, key, sectors FROM vocabulary_concept ORDER BY id")
    terms = await terms_of([row["id"] for row in rows])
    broader: dict[int, list[int]] = {}
    for link in await database.fetch("SELECT concept, broader FROM vocabulary_broader ORDER BY id"):
        broader.setdefault(link["concept"], []).append(link["broader"])
    return [
        Concept(
            id=row["id"],
            key=row["key"],
            sectors=tuple(Sector(code) for code in row["sectors"]),
            sv=terms[row["id"], "sv"],
            en=terms[row["id"], "en"],
            broader=tuple(broader.get(row["id"], ())),
        )
        for row in rows
    ]


async def terms_of(concept_ids: Sequence[int]) -> dict[tuple[int, str], tuple[str, ...]]:
    """The terms of concepts by concept and language, in their order; an empty tuple where there are none."""
    found: dict[tuple[int, str], list[str]] = {(id, code): [] for id in concept_ids for code in TERM_LANGUAGES}
    rows = await database.fetch(
        "SELECT concept, language, term FROM vocabulary_term WHERE concept = ANY ($1::bigint[]) ORDER BY position, id",
        list(concept_ids),
    )
    for row in rows:
        found[row["concept"], row["language"]].append(row["term"])
    return {place: tuple(terms) for place, terms in found.items()}


async def named(texts: Iterable[str], field: str) -> list[int]:
    """The ids of the concepts that are meant by keys or terms, each once; upper and lower case are alike.

    Raises:
        InvalidInput: for `field`, with each text that no concept or several concepts go by.
    """
    wanted = [text for text in dict.fromkeys(" ".join(text.split()) for text in texts) if text]
    rows = await database.fetch(
        "SELECT w.text, c.id, c.key, c.key = lower(w.text) AS by_key FROM unnest($1::text[]) AS w (text)"
        " JOIN vocabulary_concept c ON c.key = lower(w.text)"
        " OR EXISTS (SELECT FROM vocabulary_term t WHERE t.concept = c.id AND lower(t.term) = lower(w.text))"
        " ORDER BY c.id",
        [unicodedata.normalize("NFC", text) for text in wanted],
    )
    faults: list[FieldError] = []
    ids: list[int] = []
    for text in wanted:
        mine = [row for row in rows if row["text"] == unicodedata.normalize("NFC", text)]
        mine = [row for row in mine if row["by_key"]] or mine
        if len(mine) == 1:
            ids.append(mine[0]["id"])
        elif mine:
            keys = ", ".join(row["key"] for row in mine)
            sentence = N_("Several concepts are called “%(text)s”. Write the key of the one you mean: %(keys)s.")
            faults.append(FieldError(field, message(sentence, text=text, keys=keys)))
        else:
            sentence = N_("No concept has the key or the term “%(text)s”. Check the spelling, or create it first.")
            faults.append(FieldError(field, message(sentence, text=text)))
    if faults:
        raise InvalidInput(faults)
    return list(dict.fromkeys(ids))


async def create_concept(actor: Actor, text: ConceptText) -> int:
    """Create a concept and return its id. Its key is made of its name and never changes.

    Raises:
        NotPermitted; InvalidInput: no term, a term too short or too long, an unknown broader concept.
    """
    require(actor, Permission.VOCABULARY_EDIT)
    terms = checked_terms(text.sv, text.en)
    async with database.transaction():
        await _hold_vocabulary()
        key = await _free_key((terms["en"] or terms["sv"])[0])
        (concept_id,) = (await _insert_concepts({key: text.sectors})).values()
        await _insert_terms([(concept_id, code, terms[code]) for code in TERM_LANGUAGES])
        await _insert_broader(concept_id, await named(text.broader, "broader"))
        await record(actor, EventType.CONCEPT_CREATED, concept_id, {"key": key})
        await enqueue(Job.VOCABULARY_CHANGED)
    return concept_id


async def change_concept(actor: Actor, concept_id: int, text: ConceptText, *, read_version: int) -> None:
    """Change what a concept is called, where it belongs and what is broader than it.

    Raises:
        EditedMeanwhile: somebody has changed it since `read_version`.
        NotFound, NotPermitted; InvalidInput: as for creating, or a concept would be broader than itself.
    """
    require(actor, Permission.VOCABULARY_EDIT)
    terms = checked_terms(text.sv, text.en)
    async with database.transaction():
        row = await _locked(concept_id)
        if row["version"] != read_version:
            raise EditedMeanwhile(
                message(
                    N_("Somebody has changed this concept since you opened it. Compare, and save again if it is right.")
                )
            )
        broader = await named(text.broader, "broader")
        changes = {
            "terms": await terms_of([concept_id]) != {(concept_id, code): terms[code] for code in TERM_LANGUAGES},
            "sectors": set(row["sectors"]) != set(text.sectors),
            "broader": set(row["broader"]) != set(broader),
        }
        changed = [field for field, is_other in changes.items() if is_other]
        if not changed:
            return
        await database.fetch("DELETE FROM vocabulary_term WHERE concept = $1", concept_id)
        await _insert_terms([(concept_id, code, terms[code]) for code in TERM_LANGUAGES])
        await database.fetch("DELETE FROM vocabulary_broader WHERE concept = $1", concept_id)
        await _insert_broader(concept_id, broader)
        await _touch(concept_id, text.sectors)
        await record(actor, EventType.CONCEPT_CHANGED, concept_id, {"key": row["key"], "fields": changed})
        await enqueue(Job.VOCABULARY_CHANGED)


async def add_term(actor: Actor, concept_id: int, language: str, term: str) -> None:
    """Add a synonym to a concept, last in its language; one that it has already changes nothing.

    Raises:
        NotFound, NotPermitted; InvalidInput: the term is too short or too long, or there are too many.
    """
    require(actor, Permission.VOCABULARY_EDIT)
    async with database.transaction():
        row = await _locked(concept_id)
        before = {code: terms for (_, code), terms in (await terms_of([concept_id])).items()}
        after = checked_terms(**{**before, language: (*before[language], term)})
        if after == before:
            return
        place = len(before[language])
        await _insert_terms([(concept_id, language, after[language][place:])], first=place)
        await _touch(concept_id, [Sector(code) for code in row["sectors"]])
        await record(actor, EventType.CONCEPT_CHANGED, concept_id, {"key": row["key"], "fields": ["terms"]})
        await enqueue(Job.VOCABULARY_CHANGED)


async def remove_concept(actor: Actor, concept_id: int) -> None:
    """Remove a concept with its terms; concepts that were narrower than it stay.

    Raises:
        NotFound, NotPermitted.
    """
    require(actor, Permission.VOCABULARY_EDIT)
    async with database.transaction():
        row = await _locked(concept_id)
        await database.fetch("DELETE FROM vocabulary_concept WHERE id = $1", concept_id)
        await record(actor, EventType.CONCEPT_REMOVED, concept_id, {"key": row["key"]})
        await enqueue(Job.VOCABULARY_CHANGED)


async def load(actor: Actor, files: Mapping[str, Sequence[StartingConcept]]) -> int:
    """Load the starting vocabulary, by sector or `general`, and return how many concepts were added.

    A concept whose key is known already stays as it is, so that loading again undoes nothing that people have
    changed. A key in several files is one concept with the terms of all of them. Broader keys that nobody knows
    are left out. All or nothing.

    Raises:
        NotPermitted; InvalidInput: a key or a term is wrong (`field` is the key), or concepts are in a circle.
    """
    require(actor, Permission.VOCABULARY_EDIT)
    given, sectors = _merged(files)
    terms = {key: _starting_terms(key, concept) for key, concept in given.items()}
    async with database.transaction():
        await _hold_vocabulary()
        known = {row["key"]: row["id"] for row in await database.fetch("SELECT id, key FROM vocabulary_concept")}
        missing = {key: sectors[key] for key in given if key not in known}
        if not missing:
            return 0
        added = await _insert_concepts(missing)
        await _insert_terms([(id, code, terms[key][code]) for key, id in added.items() for code in TERM_LANGUAGES])
        ids = known | added
        for key, concept_id in added.items():
            above = dict.fromkeys(ids[name] for name in given[key]["broader"] if name in ids)
            await _insert_broader(concept_id, list(above), field=key)
        await record(actor, EventType.VOCABULARY_LOADED, "all", {"added": len(added), "files": sorted(files)})
        await enqueue(Job.VOCABULARY_CHANGED)
    return len(added)


def _merged(
    files: Mapping[str, Sequence[StartingConcept]],
) -> tuple[dict[str, StartingConcept], dict[str, tuple[Sector, ...]]]:
    """The concepts of all files by key, and their sectors; what is general in one file is so altogether."""
    given: dict[str, StartingConcept] = {}
    named_in: dict[str, list[str]] = {}
    for name, concepts in files.items():
        for one in concepts:
            other = given.get(one["key"], {"key": one["key"], "sv": [], "en": [], "broader": []})
            given[one["key"]] = {
                "key": one["key"],
                "sv": [*other["sv"], *one["sv"]],
                "en": [*other["en"], *one["en"]],
                "broader": [*other["broader"], *one["broader"]],
            }
            named_in.setdefault(one["key"], []).append(name)
    if unknown := [name for name in files if name not in {GENERAL, *Sector}]:
        raise invalid("files", N_("There is no sector “%(name)s”."), name=unknown[0])
    sectors = {
        key: () if GENERAL in names else tuple(Sector(name) for name in dict.fromkeys(names))
        for key, names in named_in.items()
    }
    return given, sectors


def _starting_terms(key: str, concept: StartingConcept) -> dict[str, tuple[str, ...]]:
    if len(key) > LONGEST_KEY or not _KEY.fullmatch(key):
        sentence = N_("The key “%(key)s” may hold a to z, digits, and single hyphens between them; at most %(most)s.")
        raise invalid(key, sentence, key=key, most=LONGEST_KEY)
    try:
        return checked_terms(concept["sv"], concept["en"])
    except InvalidInput as error:
        raise InvalidInput([FieldError(key, fault.message) for fault in error.errors]) from error


async def _hold_vocabulary() -> None:
    """One change at a time, so that what is checked is still true when it is written."""
    await database.fetch("SELECT 1 FROM vocabulary_version FOR UPDATE")


async def _locked(concept_id: int) -> database.Row:
    await _hold_vocabulary()
    row = await database.fetch_one(
        "SELECT key, version, sectors, ARRAY (SELECT broader FROM vocabulary_broader WHERE concept = c.id) AS broader"
        " FROM vocabulary_concept c WHERE id = $1",
        concept_id,
    )
    if row is None:
        raise NotFound
    return row


async def _touch(concept_id: int, sectors: Sequence[Sector]) -> None:
    await database.fetch(
        "UPDATE vocabulary_concept SET sectors = $2, version = version + 1, changed_at = now() WHERE id = $1",
        concept_id,
        [sector.value for sector in sectors],
    )


async def _insert_concepts(sectors: Mapping[str, Sequence[Sector]]) -> dict[str, int]:
    rows = await database.fetch(
        "INSERT INTO vocabulary_concept (key, sectors)"
        " SELECT key, string_to_array(sectors, ',') FROM unnest($1::text[], $2::text[]) AS given (key, sectors)"
        " RETURNING id, key",
        list(sectors),
        [",".join(sector.value for sector in codes) for codes in sectors.values()],
    )
    return {row["key"]: row["id"] for row in rows}


async def _insert_terms(terms: Iterable[tuple[int, str, Sequence[str]]], *, first: int = 0) -> None:
    rows = [
        (concept_id, language, term, place)
        for concept_id, language, many in terms
        for place, term in enumerate(many, start=first)
    ]
    await database.fetch(
        "INSERT INTO vocabulary_term (concept, language, term, position)"
        " SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::smallint[])",
        *([row[column] for row in rows] for column in range(4)),
    )


async def _insert_broader(concept_id: int, broader: Sequence[int], *, field: str = "broader") -> None:
    below = await database.fetch(
        "WITH RECURSIVE below (concept) AS (SELECT $1::bigint UNION"
        " SELECT b.concept FROM vocabulary_broader b JOIN below ON b.broader = below.concept)"
        " SELECT c.id, (SELECT term FROM vocabulary_term WHERE concept = c.id ORDER BY position, id LIMIT 1) AS name"
        " FROM below JOIN vocabulary_concept c ON c.id = below.concept WHERE c.id = ANY ($2::bigint[])",
        concept_id,
        list(broader),
    )
    faults = [FieldError(field, _circle(row["name"], itself=row["id"] == concept_id)) for row in below]
    if len(broader) > MOST_BROADER:
        faults.append(FieldError(field, message(N_("There are too many: at most %(most)s."), most=MOST_BROADER)))
    if faults:
        raise InvalidInput(faults)
    await database.fetch(
        "INSERT INTO vocabulary_broader (concept, broader) SELECT $1, unnest($2::bigint[])", concept_id, list(broader)
    )


def _circle(name: str, *, itself: bool) -> Message:
    if itself:
        return message(N_("“%(name)s” cannot be broader than itself."), name=name)
    return message(N_("“%(name)s” is already narrower than this concept, so it cannot be broader as well."), name=name)


async def _free_key(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    stem = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[: LONGEST_KEY - 6].rstrip("-") or "concept"
    rows = await database.fetch("SELECT key FROM vocabulary_concept WHERE key = $1 OR key LIKE $1 || '-%'", stem)
    taken = {row["key"] for row in rows}
    key, number = stem, 2
    while key in taken:
        key, number = f"{stem}-{number}", number + 1
    return key
