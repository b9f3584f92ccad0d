"""The vocabulary: its tables' guards, its commands, and the desk where coordinators keep it."""

import asyncio
import itertools
from typing import Any

import asyncpg
import httpx
import pytest
from litestar import Litestar

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
from tests.clients import browser, send

DESK = "/desk/vocabulary"
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
        (ConceptText(sv=("ab", "ett ord för mycket i en")), "sv"),
        (ConceptText(sv=("ab",), en=("of the",)), "en"),
        (ConceptText(sv=("!!!",)), "sv"),
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
            for term in ("sol", "måne")
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


async def coordinator(application: Litestar) -> httpx.AsyncClient:
    return await browser(application, await factories.person(Role.COORDINATOR))


@pytest.mark.parametrize("role", [None, *Role])
async def test_coordinators_and_auditors_read_the_desk_and_only_coordinators_change(
    application: Litestar, visitor: httpx.AsyncClient, role: Role | None
) -> None:
    mine = name()
    concept_id = await concept(mine)
    client = await browser(application, await factories.person(role)) if role else visitor
    reads, edits = role in {Role.COORDINATOR, Role.AUDITOR}, role is Role.COORDINATOR
    for path in (DESK, f"{DESK}/{concept_id}"):
        expected = 200 if reads else 303 if role is None else 403
        assert (await client.get(path)).status_code == expected
    for path in (f"{DESK}/new", f"{DESK}/{concept_id}/remove"):
        expected = 200 if edits else 303 if role is None else 403
        assert (await client.get(path)).status_code == expected
    shown = await client.get(f"{DESK}/{concept_id}")
    assert ('name="sv"' in shown.text) is edits
    for path in (f"{DESK}/new", f"{DESK}/{concept_id}", f"{DESK}/{concept_id}/remove"):
        form = {"version": "1", "sv": mine, "en": ""}
        answer = await send(client, path, form if not path.endswith("remove") else {})
        assert answer.status_code == (303 if edits or role is None else 403)
    assert (mine in {term for one in await vocabulary.whole() if one.id == concept_id for term in one.sv}) is not edits


async def test_list_is_searched_by_letters_filtered_by_area_and_paged(application: Litestar) -> None:
    mine = name()
    await concept(f"{mine} båt", en=("boat",), sectors=(Sector.TRANSPORT,))
    everywhere = await concept(f"{mine} sak")
    for number in range(51):
        await concept(f"sida {mine} {number:02}", sectors=(Sector.CULTURE,))
    client = await coordinator(application)
    found = (await client.get(DESK, params={"q": f"{mine} bÅ"})).text
    assert "1 concept " in found
    assert "boat" in found
    general = (await client.get(DESK, params={"q": mine, "sector": "general"})).text
    assert f"{DESK}/{everywhere}" in general
    assert "boat" not in general
    first = (await client.get(DESK, params={"q": mine, "sector": "culture"})).text
    assert "51 concepts" in first
    assert first.count("<tr>") == 51
    second = (await client.get(DESK, params={"q": mine, "sector": "culture", "page": "2"})).text
    assert second.count("<tr>") == 2
    assert "There is no such page" in (await client.get(DESK, params={"q": mine, "page": "9"})).text
    beginning_first = (await client.get(DESK, params={"q": mine})).text
    assert beginning_first.index(f"{mine} sak") < beginning_first.index(f"sida {mine} 00")


async def test_concept_is_created_changed_and_removed_on_the_desk(application: Litestar) -> None:
    mine, above = name(), name()
    parent = await concept(above)
    client = await coordinator(application)
    form: dict[str, Any] = {
        "sv": f"{mine}\r\n\r\n {mine} två ",
        "en": f"{mine} en",
        "sectors": ["culture", "transport"],
        "broader": [above, "", ""],
    }
    created = await send(client, f"{DESK}/new", form)
    assert created.status_code == 303
    path = created.headers["location"].partition("?")[0]
    found = await stored(int(path.rpartition("/")[2]))
    assert (found.sv, found.en, found.broader) == ((mine, f"{mine} två"), (f"{mine} en",), (parent,))
    shown = (await client.get(path)).text
    assert f'href="{DESK}/{parent}"' in shown
    assert f'href="{path}"' in (await client.get(f"{DESK}/{parent}")).text
    changed = await send(client, path, {"version": "1", "sv": mine, "en": "", "broader": ""})
    assert changed.status_code == 303
    assert (await stored(found.id)).broader == ()
    removed = await send(client, f"{path}/remove")
    assert removed.status_code == 303
    assert (await client.get(path)).status_code == 404


@pytest.mark.parametrize(
    ("change", "field", "said"),
    [
        ({"sv": "", "en": " ", "broader": ["typed above"]}, "sv", "Write at least one term"),
        ({"en": "x" * 81}, "en", "is too long"),
        ({"sv": "x"}, "sv", "is too short"),
        ({"sv": "<b>fet</b>"}, "sv", "HTML"),
        ({"broader": ["nobody knows this", ""]}, "broader", "No concept has the key or the term"),
        ({"broader": ["", "<b>fet</b>"]}, "broader", "HTML"),
        ({"sectors": ["space"]}, "sectors", "not one of the values"),
    ],
)
async def test_faulty_form_comes_back_with_what_was_typed(
    application: Litestar, change: dict[str, Any], field: str, said: str
) -> None:
    client = await coordinator(application)
    before = await vocabulary.vocabulary_version()
    form = {"sv": "typed term", "en": "typed english", "broader": "", **change}
    answer = await send(client, f"{DESK}/new", form)
    assert answer.status_code == 422
    assert f'href="#f-{field}"' in answer.text
    assert said in answer.text
    assert "typed" in answer.text
    assert await vocabulary.vocabulary_version() == before


async def test_circle_is_refused_on_the_desk_with_the_name(application: Litestar) -> None:
    top, low = name(), name()
    top_id = await concept(top)
    await concept(low, broader=(top,))
    client = await coordinator(application)
    answer = await send(client, f"{DESK}/{top_id}", {"version": "1", "sv": top, "en": "", "broader": low})
    assert answer.status_code == 422
    assert f"“{low}” is already narrower" in answer.text


async def test_who_saves_second_sees_both_and_saves_again_knowingly(application: Litestar) -> None:
    mine = name()
    concept_id = await concept(mine)
    client = await coordinator(application)
    await vocabulary.add_term(SYSTEM, concept_id, "sv", f"{mine} annans")
    answer = await send(client, f"{DESK}/{concept_id}", {"version": "1", "sv": f"{mine} eget", "en": ""})
    assert answer.status_code == 409
    assert f"{mine} eget" in answer.text
    assert f"{mine} annans" in answer.text
    assert 'name="version" value="2"' in answer.text
    again = await send(client, f"{DESK}/{concept_id}", {"version": "2", "sv": f"{mine} eget", "en": ""})
    assert again.status_code == 303
    assert (await stored(concept_id)).sv == (f"{mine} eget",)


async def test_term_of_several_concepts_is_allowed_and_told(application: Litestar) -> None:
    shared = name()
    other = await concept(name(), shared)
    client = await coordinator(application)
    created = await send(client, f"{DESK}/new", {"sv": shared, "en": ""})
    assert created.status_code == 303
    page = (await client.get(created.headers["location"])).text
    assert f"“{shared}” also stands in" in page
    assert f'href="{DESK}/{other}"' in page


async def test_odd_addresses_of_the_desk_are_not_found(application: Litestar) -> None:
    client = await coordinator(application)
    for path in (f"{DESK}/0", f"{DESK}/{2**63}", f"{DESK}/{2**62}", f"{DESK}/{2**62}/remove"):
        assert (await client.get(path)).status_code == 404
