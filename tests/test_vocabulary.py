"""The vocabulary: its tables' guards, its commands, and the desk where coordinators keep it."""

import asyncio
import itertools
from typing import Any

import asyncpg
import pytest

from registry import database
from registry.access import SYSTEM, Actor, Role
from registry.audit.queries import events_of
from registry.audit.service import EventType, record
from registry.entries.codes import Sector
from registry.errors import EditedMeanwhile, InvalidInput, NotFound, NotPermitted, NotSignedIn
from registry.jobs.service import Job
from search import vocabulary
from search.vocabulary import Concept, ConceptText, StartingConcept
from tests import factories

_numbers = itertools.count(1)


def name() -> str:
    """A term that no other test uses."""
    return f"begrepp{next(_numbers)}"


async def concept(*sv: str, **more: Any) -> int:
    return await vocabulary.create_concept(SYSTEM, ConceptText(sv=sv or (name(),), **more))


async def stored(concept_id: int) -> Concept:
    return next(one for one in await vocabulary.whole() if one.id == concept_id)


async def version(concept_id: int) -> int:
    row = await database.fetch_one("SELECT version FROM vocabulary_concept WHERE id = $1", concept_id)
    assert row is not None
    return int(row["version"])


async def jobs() -> int:
    row = await database.fetch_one(
        "SELECT count(*) AS n FROM pgqueuer WHERE entrypoint = $1", Job.VOCABULARY_CHANGED.value
    )
    assert row is not None
    return int(row["n"])


def starting(key: str, *broader: str, **terms: list[str]) -> StartingConcept:
    return {"key": key, "sv": terms.get("sv", [key]), "en": terms.get("en", []), "broader": list(broader)}


async def link(concept_id: int, broader: int) -> None:
    """Write a relation past the commands."""
    async with database.transaction():
        await database.fetch("INSERT INTO vocabulary_broader (concept, broader) VALUES ($1, $2)", concept_id, broader)
        await record(SYSTEM, EventType.CONCEPT_CHANGED, concept_id)


async def test_whole_vocabulary_is_read_with_terms_in_order_and_relations() -> None:
    sv, en, above = name(), name(), name()
    parent = await concept(above)
    child = await concept(sv, f"{sv} två", en=(en,), sectors=(Sector.TRANSPORT,), broader=(above,))
    found = await stored(child)
    assert found.sv == (sv, f"{sv} två")
    assert found.en == (en,)
    assert found.sectors == (Sector.TRANSPORT,)
    assert found.broader == (parent,)
    assert found.key == en
    assert (await stored(parent)).broader == ()


async def test_terms_are_trimmed_composed_and_each_there_once() -> None:
    mine = name()
    decomposed = f"  stra\u030al {mine} "
    found = await stored(await concept(decomposed, f"STRÅL  {mine}", f"b{mine}", f"Strål {mine}"))
    assert found.sv == (f"strål {mine}", f"b{mine}")


@pytest.mark.parametrize(
    ("text", "field"),
    [
        (ConceptText(), "sv"),
        (ConceptText(sv=("  ",)), "sv"),
        (ConceptText(en=("a",)), "en"),
        (ConceptText(sv=("ab",), en=("x" * 81,)), "en"),
        (ConceptText(sv=tuple(f"term {n}" for n in range(51))), "sv"),
        (ConceptText(sv=("ab",), broader=("nobody knows this",)), "broader"),
    ],
)
async def test_faulty_concept_is_refused_and_leaves_nothing(text: ConceptText, field: str) -> None:
    before = await vocabulary.vocabulary_version()
    with pytest.raises(InvalidInput) as refused:
        await vocabulary.create_concept(SYSTEM, text)
    assert {fault.field for fault in refused.value.errors} == {field}
    assert await vocabulary.vocabulary_version() == before


async def test_database_itself_refuses_faulty_terms() -> None:
    concept_id = await concept()
    for term in (" ab", "ab ", "a", "stra\u030al", "x" * 81):
        with pytest.raises((asyncpg.CheckViolationError, asyncpg.StringDataRightTruncationError)):
            await database.fetch(
                "INSERT INTO vocabulary_term (concept, language, term) VALUES ($1, 'sv', $2)", concept_id, term
            )


async def test_database_itself_refuses_cycles() -> None:
    first, second, third = [await concept() for _ in range(3)]
    await link(second, first)
    await link(third, second)
    for above, below in ((third, first), (second, first), (third, second), (first, first)):
        with pytest.raises((asyncpg.CheckViolationError, asyncpg.UniqueViolationError)):
            await link(below, above)
    with pytest.raises(asyncpg.CheckViolationError):
        async with database.transaction():
            await database.fetch("UPDATE vocabulary_broader SET broader = $1 WHERE concept = $2", third, second)


async def test_two_relations_at_once_cannot_make_a_cycle_together() -> None:
    for _ in range(10):
        first, second = await concept(), await concept()
        outcomes = await asyncio.gather(link(first, second), link(second, first), return_exceptions=True)
        refused = [outcome for outcome in outcomes if outcome is not None]
        assert len(refused) == 1
        assert isinstance(refused[0], asyncpg.CheckViolationError)


async def test_a_concept_already_narrower_cannot_become_broader_and_the_sentence_names_it() -> None:
    top, middle, low = name(), name(), name()
    top_id = await concept(top)
    await concept(middle, broader=(top,))
    await concept(low, broader=(middle,))
    with pytest.raises(InvalidInput) as refused:
        await vocabulary.change_concept(
            SYSTEM, top_id, ConceptText(sv=(top,), broader=(low,)), read_version=await version(top_id)
        )
    assert str(refused.value.errors[0].message).startswith(f"“{low}” is already narrower")
    with pytest.raises(InvalidInput):
        await vocabulary.change_concept(
            SYSTEM, top_id, ConceptText(sv=(top,), broader=(top,)), read_version=await version(top_id)
        )


async def test_of_two_who_edit_at_once_one_is_told() -> None:
    mine = name()
    concept_id = await concept(mine)
    read = await version(concept_id)
    outcomes = await asyncio.gather(
        *(
            vocabulary.change_concept(SYSTEM, concept_id, ConceptText(sv=(mine, term)), read_version=read)
            for term in ("ett", "två")
        ),
        return_exceptions=True,
    )
    assert sorted(type(outcome) for outcome in outcomes if outcome is not None) == [EditedMeanwhile]
    assert len((await stored(concept_id)).sv) == 2
    assert await version(concept_id) == read + 1


async def test_every_change_is_logged_counted_and_told_to_the_search() -> None:
    mine = name()
    before, told = await vocabulary.vocabulary_version(), await jobs()
    concept_id = await concept(mine)
    numbers = [before, await vocabulary.vocabulary_version()]
    await vocabulary.add_term(SYSTEM, concept_id, "en", f"{mine} english")
    numbers.append(await vocabulary.vocabulary_version())
    text = ConceptText(sv=(mine,), sectors=(Sector.CULTURE,))
    await vocabulary.change_concept(SYSTEM, concept_id, text, read_version=await version(concept_id))
    numbers.append(await vocabulary.vocabulary_version())
    await vocabulary.remove_concept(SYSTEM, concept_id)
    numbers.append(await vocabulary.vocabulary_version())
    assert numbers == sorted(set(numbers))
    assert await jobs() == told + 4
    events = [(event.type, event.data.get("fields")) for event in await events_of("vocabulary", concept_id)]
    assert events == [
        ("vocabulary.concept_created", None),
        ("vocabulary.concept_changed", ["terms"]),
        ("vocabulary.concept_changed", ["terms", "sectors"]),
        ("vocabulary.concept_removed", None),
    ]


async def test_saving_what_is_there_already_changes_nothing() -> None:
    mine = name()
    concept_id = await concept(mine)
    before = await vocabulary.vocabulary_version()
    await vocabulary.change_concept(SYSTEM, concept_id, ConceptText(sv=(mine,)), read_version=1)
    await vocabulary.add_term(SYSTEM, concept_id, "sv", mine.upper())
    assert await vocabulary.vocabulary_version() == before
    assert await version(concept_id) == 1


async def test_concepts_are_named_by_key_and_by_term_and_doubt_is_told() -> None:
    shared = name()
    first = await concept(name(), shared)
    key = (await stored(first)).key
    assert await vocabulary.named([key.upper(), f" {shared} "], "broader") == [first]
    second = await concept(name(), shared)
    with pytest.raises(InvalidInput) as refused:
        await vocabulary.named([shared], "broader")
    sentence = str(refused.value.errors[0].message)
    assert key in sentence
    assert (await stored(second)).key in sentence


async def test_starting_vocabulary_is_loaded_once_and_keeps_what_people_changed() -> None:
    top, low, everywhere = name(), name(), name()
    files: dict[str, list[StartingConcept]] = {
        "transport": [starting(low, top, "unknown-key", en=[f"{low} en"]), starting(everywhere)],
        "general": [starting(top), starting(everywhere, sv=[f"{everywhere} två"])],
    }
    assert await vocabulary.load(SYSTEM, files) == 3
    by_key = {one.key: one for one in await vocabulary.whole()}
    assert by_key[low].broader == (by_key[top].id,)
    assert by_key[low].sectors == (Sector.TRANSPORT,)
    assert by_key[everywhere].sectors == by_key[top].sectors == ()
    assert by_key[everywhere].sv == (everywhere, f"{everywhere} två")
    changed = ConceptText(sv=(f"{low} ändrad",))
    await vocabulary.change_concept(SYSTEM, by_key[low].id, changed, read_version=1)
    before = await vocabulary.vocabulary_version()
    assert await vocabulary.load(SYSTEM, files) == 0
    assert await vocabulary.vocabulary_version() == before
    assert (await stored(by_key[low].id)).sv == (f"{low} ändrad",)


@pytest.mark.parametrize(
    "wrong",
    [
        {"key": "Not plain", "sv": ["ab"], "en": [], "broader": []},
        {"key": "no-terms", "sv": [], "en": [], "broader": []},
        {"key": "too-long", "sv": ["x" * 81], "en": [], "broader": []},
        {"key": "itself", "sv": ["ab"], "en": [], "broader": ["itself"]},
    ],
)
async def test_faulty_starting_vocabulary_stores_nothing_and_names_the_key(wrong: StartingConcept) -> None:
    before = await vocabulary.vocabulary_version()
    with pytest.raises(InvalidInput) as refused:
        await vocabulary.load(SYSTEM, {"general": [starting(name()), wrong]})
    assert refused.value.errors[0].field == wrong["key"]
    assert await vocabulary.vocabulary_version() == before


async def test_starting_vocabulary_of_an_unknown_sector_is_refused() -> None:
    with pytest.raises(InvalidInput):
        await vocabulary.load(SYSTEM, {"space": [starting(name())]})


async def _act(actor: Actor, command: str, concept_id: int) -> None:
    text = ConceptText(sv=(name(),))
    if command == "create":
        await vocabulary.create_concept(actor, text)
    elif command == "change":
        await vocabulary.change_concept(actor, concept_id, text, read_version=1)
    elif command == "add":
        await vocabulary.add_term(actor, concept_id, "sv", name())
    elif command == "remove":
        await vocabulary.remove_concept(actor, concept_id)
    else:
        await vocabulary.load(actor, {"general": [starting(name())]})


@pytest.mark.parametrize("command", ["create", "change", "add", "remove", "load"])
@pytest.mark.parametrize("role", [None, *Role])
async def test_only_coordinators_change_the_vocabulary(role: Role | None, command: str) -> None:
    concept_id = await concept()
    actor = await factories.person(role) if role else Actor()
    if role is Role.COORDINATOR:
        await _act(actor, command, concept_id)
        return
    with pytest.raises(NotPermitted if role else NotSignedIn):
        await _act(actor, command, concept_id)


async def test_unknown_concept_is_not_found() -> None:
    with pytest.raises(NotFound):
        await vocabulary.add_term(SYSTEM, 2**62, "sv", "term")
    with pytest.raises(NotFound):
        await vocabulary.remove_concept(SYSTEM, 2**62)
