"""The engine: what is found, in which order, and for whom."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from registry import database
from registry.access import SYSTEM, VISITOR, Role
from registry.entries import service as entries
from registry.entries.codes import Audience, Kind, Perspective, Remuneration, Sector, Visibility
from registry.entries.service import EnvironmentText
from registry.procurement.states import Stage
from search import rebuild, vocabulary
from search.engine import FACETS, Near, SearchRequest, Sort
from search.queries import audiences_of, suggest
from search.queries import find as find_entries
from search.sync import handle_index_entry, handle_vocabulary_changed, index_entry, reindex
from tests import factories, factories_agreements, factories_procurement
from tests.conftest import own_index
from tests.factories_search import HOSTILE_SCRIPT, entry, find, slugs, word, words_are_known, write_raw


@pytest.fixture(scope="module", params=["postgres", "meilisearch"], autouse=True)
async def engine(request: pytest.FixtureRequest) -> AsyncIterator[str]:
    """Every test here is made with both engines, in one index for all."""
    if request.param == "postgres":
        yield request.param
        return
    async with own_index(request.getfixturevalue("meilisearch")):
        await rebuild.rebuild(lambda _: None)
        yield request.param


async def test_the_engine_that_is_meant_answers(engine: str) -> None:
    assert (await find()).engine == engine


@pytest.mark.parametrize(
    ("written", "asked"),
    [
        ({"title_sv": "Prov av elbussar"}, "elbuss"),
        ({"summary_sv": "Patienternas vardag"}, "patient"),
        ({"summary_sv": "Ny strålterapi"}, "strålterapin"),
        ({"summary_sv": "Ny strålterapi"}, "stralterapi"),
        ({"summary_sv": "Ny strålterapi"}, "strål"),
        ({"description_sv": "Vid Universitetssjukhuset"}, "sjukhus"),
        ({"title_en": "Testing of vehicles"}, "vehicle test"),
        ({"summary_en": "Hospitals of tomorrow"}, "hospital"),
        ({"title_sv": "Ljudmiljö", "title_en": "Sound studios"}, "studio"),
        ({"municipality": "Järfälla"}, "jarfalla"),
        ({"keywords": ("minibuss",)}, "minibussar"),
        ({"title_sv": "It-system i vården"}, "it-system vård"),
        ({"title_sv": "Hus"}, "testbädd sjukvård"),
    ],
)
async def test_entry_is_found_by_forms_of_its_words(written: dict[str, Any], asked: str) -> None:
    mine = word()
    _, slug = await entry(**{"title_sv": "Rum", **written, "address": mine})
    await words_are_known()
    assert await slugs(f"{mine} {asked}") == [slug]
    assert await slugs(f"{asked} {mine}") == [slug]


async def test_title_counts_more_than_summary_and_that_more_than_the_rest() -> None:
    mine = word()
    _, third = await entry(title_sv="A", description_sv=f"{mine} " * 40)
    _, second = await entry(title_sv="B", summary_sv=f"Här finns {mine} i en lång mening om annat som också är viktigt")
    _, first = await entry(title_sv=f"C om {mine}")
    assert await slugs(mine) == [first, second, third]


async def test_beginning_of_the_last_word_finds() -> None:
    mine = word()
    _, slug = await entry(title_sv=f"Strålning {mine}abc")
    assert await slugs(f"strålning {mine}") == [slug]


@pytest.mark.parametrize("text", ["z", "zq", "zw", "zqa", "zwbuss", "-zq", '"zqaqz"'])
async def test_no_question_finds_what_stands_for_notions_in_the_index(text: str) -> None:
    await entry(title_sv="Buss med laddning")
    await words_are_known()
    result = await find(text)
    assert result.total == 0 or text.startswith("-")
    assert await suggest(VISITOR, text, language="sv") == []


async def test_words_that_no_entry_has_are_named_and_the_others_are_asked_for() -> None:
    mine, nothing = word(), word()
    for number in range(3):
        await entry(title_sv=f"{mine} {number}")
    await words_are_known()
    result = await find(f"{mine} {nothing}")
    assert result.total == 3
    assert result.missing == (nothing,)
    assert (await find(mine)).missing == ()


async def test_suggestions_take_all_words_but_the_last_as_they_are() -> None:
    mine = word()
    await entry(title_sv=f"Test Site {mine}")
    await entry(title_sv=f"Testbädd som provar {mine}")
    found = await suggest(VISITOR, f"{mine} test s", language="sv")
    assert [one.title_sv for one in found] == [f"Test Site {mine}"]


async def test_phrase_exclusion_and_or_are_understood() -> None:
    mine = word()
    _, one = await entry(title_sv=f"{mine} röd buss")
    _, two = await entry(title_sv=f"{mine} buss som är röd och blå")
    _, three = await entry(title_sv=f"{mine} grön tunnel")
    assert await slugs(f'{mine} "röd buss"') == [one]
    assert set(await slugs(f"{mine} -tunnel")) == {one, two}
    assert set(await slugs(f"{mine} -buss -tunnel")) == set()
    assert set(await slugs(f'{mine} -"röd buss"')) == {two, three}
    assert set(await slugs(f"{mine} tunnel OR {mine} blå")) == {two, three}


async def test_some_of_the_words_are_enough_when_nothing_has_all() -> None:
    mine = word()
    _, slug = await entry(title_sv=f"{mine} buss")
    await words_are_known()
    result = await find(f"{mine} {word()}")
    assert [hit.slug for hit in result.items] == [slug]
    assert result.only_some_words
    assert all(hit.is_doubtful for hit in result.items)
    assert not (await find(mine)).only_some_words


@pytest.mark.parametrize(
    "text",
    [
        "!!! ???",
        "-",
        "--",
        '"',
        '"""',
        "OR OR OR",
        "and & | ! <-> :* \\",
        "'; DROP TABLE entry; --",
        "🧪🧬",
        "a:*",
        "(((((",
        "%_%",
        "\ue000\ue001",
        "och i på",
        "x" * 500,
        '-"',
        "a " * 250,
    ],
)
async def test_odd_questions_answer_quietly(text: str) -> None:
    await find(text)
    await suggest(VISITOR, text, language="sv")


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.text(alphabet=st.characters(blacklist_categories=["Cs", "Cc"]), max_size=60))
async def test_any_question_answers(text: str) -> None:
    await find(text)
    await suggest(VISITOR, text, language="en")


async def test_empty_question_lists_what_can_be_booked_first_then_by_title() -> None:
    place = word()
    _, archived = await entry(title_sv="Arkiv", municipality=place, kind=Kind.INNOVATION_PROCUREMENT)
    _, described = await entry(title_sv="Bara beskriven", municipality=place)
    bookable = EnvironmentText(bookable_by=(Audience.EXTERNAL,))
    _, over = await entry(bookable, title_sv="Avslutad", municipality=place, ended=True)
    _, last = await entry(bookable, title_sv="Östra", municipality=place)
    _, first = await entry(bookable, title_sv="Zeta", municipality=place)
    assert await slugs(filters={"municipality": (place,)}) == [first, last, over, described, archived]


async def test_titles_are_ordered_as_the_language_orders_them() -> None:
    place = word()
    made = [(await entry(title_sv=title, municipality=place))[1] for title in ("Zon", "Åker", "Ärla", "Örn", "apa")]
    request: dict[str, Any] = {"filters": {"municipality": (place,)}, "sort": Sort.TITLE}
    zon, aker, arla, orn, apa = made
    assert await slugs(**request) == [apa, zon, aker, arla, orn]
    assert await slugs(**request, language="en") == [aker, apa, arla, orn, zon]


async def test_newest_is_first_when_asked_for() -> None:
    mine = word()
    made = [(await entry(title_sv=mine))[1] for _ in range(3)]
    assert await slugs(mine, sort=Sort.NEWEST) == made[::-1]


async def test_pages_hold_every_entry_once() -> None:
    mine = word()
    made = [(await entry(title_sv=mine))[1] for _ in range(7)]
    pages = [await slugs(mine, page=number, page_size=3) for number in (1, 2, 3, 4)]
    assert [len(page) for page in pages] == [3, 3, 1, 0]
    assert sorted(slug for page in pages for slug in page) == sorted(made)
    assert (await find(mine, page=9, page_size=3)).total == 7


async def test_filters_of_one_name_mean_or_and_of_different_names_and() -> None:
    mine = word()
    _, care = await entry(title_sv=mine, primary_sector=Sector.HEALTHCARE)
    _, bus = await entry(title_sv=mine, primary_sector=Sector.TRANSPORT, kind=Kind.DEMO_ENVIRONMENT)
    _, both = await entry(title_sv=mine, primary_sector=Sector.TRANSPORT, sectors=(Sector.TRANSPORT, Sector.CULTURE))
    assert set(await slugs(mine, filters={"sector": ("transport", "healthcare")})) == {care, bus, both}
    assert await slugs(mine, filters={"sector": ("culture",)}) == [both]
    assert await slugs(mine, filters={"sector": ("transport",), "kind": ("testbed",)}) == [both]
    assert await slugs(mine, filters={"sector": ("environment",)}) == []


async def test_every_filter_filters_and_counts() -> None:
    mine = word()
    terms = factories_agreements.terms(results_ownership="joint", publication="after_review", data_owner="region")
    code = await factories_agreements.template(values=terms)
    entry_id, slug = await entry(
        EnvironmentText(bookable_by=(Audience.EMPLOYEE,), remuneration=Remuneration.HOURLY),
        title_sv=mine,
        municipality="Nacka",
        perspectives=(Perspective.INSIGHT,),
    )
    await factories_agreements.service.offer_terms(SYSTEM, entry_id, code, required=True)
    await index_entry(entry_id)
    _, other = await entry(title_sv=mine, kind=Kind.INNOVATION_PARTNERSHIP, primary_sector=Sector.CULTURE)
    chosen = {
        "kind": "testbed",
        "sector": "healthcare",
        "municipality": "Nacka",
        "remuneration": "hourly",
        "results_ownership": "joint",
        "publication": "after_review",
        "data_owner": "region",
        "required_agreement": "test",
        "perspective": "insight",
        "bookable_by": "employee",
    }
    assert set(chosen) == set(FACETS)
    for name, value in chosen.items():
        result = await find(mine, filters={name: (value,)})
        assert [hit.slug for hit in result.items] == [slug], name
        assert result.facets[name][value] == 1, name
    hit = (await find(mine, filters={"kind": ("testbed",)})).items[0]
    assert hit.required_agreements == ["test"]
    assert other not in await slugs(mine, filters=dict.fromkeys(["sector"], ("healthcare",)))


async def test_counts_of_a_filter_ignore_its_own_values_and_heed_the_others() -> None:
    mine = word()
    await entry(title_sv=mine, primary_sector=Sector.HEALTHCARE)
    await entry(title_sv=mine, primary_sector=Sector.TRANSPORT)
    await entry(title_sv=mine, primary_sector=Sector.TRANSPORT, kind=Kind.DEMO_ENVIRONMENT)
    result = await find(mine, filters={"sector": ("transport",)})
    assert result.total == 2
    assert result.facets["sector"] == {"transport": 2, "healthcare": 1}
    assert result.facets["kind"] == {"testbed": 1, "demo_environment": 1}
    nothing = await find(mine, filters={"sector": ("culture",)})
    assert nothing.total == 0
    assert nothing.facets["sector"] == {"transport": 2, "healthcare": 1, "culture": 0}


async def test_near_finds_within_the_radius_nearest_first() -> None:
    mine = word()
    _, solna = await entry(title_sv=f"{mine} B", latitude=59.36, longitude=18.0)
    _, city = await entry(title_sv=f"{mine} A", latitude=59.33, longitude=18.06)
    _, _nowhere = await entry(title_sv=f"{mine} C")
    here = Near(59.36, 18.01, 10)
    assert set(await slugs(mine, near=here)) == {solna, city}
    assert await slugs(mine, near=Near(59.36, 18.01, 2)) == [solna]
    place = word()
    _, far = await entry(title_sv="A", municipality=place, latitude=59.0, longitude=18.0)
    _, close = await entry(title_sv="B", municipality=place, latitude=59.3, longitude=18.0)
    result = await find(filters={"municipality": (place,)}, near=Near(59.31, 18.0, 100))
    assert [hit.slug for hit in result.items] == [close, far]
    distance = result.items[1].distance_km
    assert distance is not None
    assert abs(distance - 34.5) < 0.2
    # The same place, and the other side of the earth.
    assert await slugs(mine, near=Near(59.36, 18.0, 0.001)) == [solna]
    assert await slugs(mine, near=Near(-59.36, -162.0, 100)) == []


ROLES_THAT_SEE_STAFF_ENTRIES = set(Role) - {Role.FIRM}


@pytest.mark.parametrize("role", [None, *Role])
async def test_staff_entries_are_found_and_counted_by_staff_only(role: Role | None) -> None:
    mine = word()
    await entry(title_sv=mine, visibility=Visibility.STAFF)
    await entry(title_sv=mine, publish=False)
    actor = VISITOR if role is None else await factories.person(role)
    sees = 1 if role in ROLES_THAT_SEE_STAFF_ENTRIES else 0
    for request in ({}, {"filters": {"kind": ("testbed",)}}, {"sort": Sort.TITLE}):
        result = await find(mine, actor, **request)
        assert (len(result.items), result.total) == (sees, sees)
        assert result.facets["kind"].get("testbed", 0) == sees
    assert len(await suggest(actor, mine, language="sv")) == sees


async def test_archived_entry_is_not_found_even_before_it_leaves_the_index() -> None:
    mine = word()
    entry_id, slug = await entry(title_sv=mine)
    await entries.move_entry(SYSTEM, entry_id, "archive")
    await nothing_is_told_of(mine)
    await handle_index_entry({"entry_id": entry_id})
    assert not await database.fetch("SELECT 1 FROM search_document WHERE id = $1", entry_id)
    del slug


async def nothing_is_told_of(mine: str) -> None:
    """A visitor neither finds nor counts what has a word, and is not suggested it."""
    result = await find(mine)
    assert (result.items, result.total, result.facets["kind"].get("testbed", 0)) == ([], 0, 0)
    assert await suggest(VISITOR, mine, language="sv") == []


async def test_what_becomes_staff_only_is_told_to_nobody_else_even_before_the_index_knows() -> None:
    mine = word()
    entry_id, slug = await entry(title_sv=mine)
    row = await database.fetch_one("SELECT * FROM entry WHERE id = $1", entry_id)
    assert row is not None
    text = replace(entries.text_of(dict(row)), visibility=Visibility.STAFF)
    await entries.change_entry(SYSTEM, entry_id, text, read_version=row["version"])
    await nothing_is_told_of(mine)
    await handle_index_entry({"entry_id": entry_id})
    await nothing_is_told_of(mine)
    assert await slugs(mine, await factories.person(Role.EMPLOYEE)) == [slug]


async def test_indexing_twice_changes_nothing_and_unknown_entries_do_no_harm() -> None:
    mine = word()
    entry_id, slug = await entry(title_sv=mine)
    await handle_index_entry({"entry_id": entry_id})
    await handle_index_entry({"entry_id": 10**12})
    assert await slugs(mine) == [slug]


async def test_change_is_found_after_its_job() -> None:
    mine = word()
    entry_id, _ = await entry(title_sv="Rum")
    row = await database.fetch_one("SELECT * FROM entry WHERE id = $1", entry_id)
    assert row is not None
    text = entries.text_of(dict(row))
    await entries.change_entry(
        SYSTEM, entry_id, type(text)(**{**vars(text), "title_sv": mine}), read_version=row["version"]
    )
    jobs = await database.fetch(
        "SELECT payload FROM pgqueuer WHERE entrypoint = 'index_entry' AND payload = $1",
        f'{{"entry_id": {entry_id}}}'.encode(),
    )
    assert jobs
    await index_entry(entry_id)
    assert await find(mine)


async def test_reindex_tells_its_progress() -> None:
    await entry()
    told: list[tuple[int, int]] = []
    count = await reindex(lambda done, total: told.append((done, total)))
    assert count > 0
    assert told == sorted(told)
    assert told[-1][0] == told[-1][1]


async def test_highlights_mark_matches_and_escape_everything_else() -> None:
    mine = word()
    entry_id, _ = await entry()
    await write_raw(
        entry_id,
        title_sv=f"{HOSTILE_SCRIPT} {mine}",
        summary_sv=f"\ue000b\ue001 {HOSTILE_SCRIPT} {mine}",
        description_sv=f"{HOSTILE_SCRIPT} {mine} <b>",
    )
    highlights = (await find(mine)).items[0].highlights
    escaped = "&lt;script&gt;alert(1)&lt;/script&gt; &amp; &#34;quotes&#34; &#39;single&#39;"
    assert highlights["title"]["sv"] == f"{escaped} <mark>{mine}</mark>"
    assert highlights["summary"]["sv"].endswith(f"{escaped} <mark>{mine}</mark>")
    assert "en" not in highlights["title"]


async def test_a_match_in_the_body_alone_is_shown_with_the_words_around_it() -> None:
    mine = word()
    entry_id, _ = await entry()
    await write_raw(entry_id, description_sv=f"{'Ord ' * 200}{HOSTILE_SCRIPT} {mine} <b> {'ord ' * 200}")
    highlights = (await find(mine)).items[0].highlights
    assert "title" not in highlights
    assert f"<mark>{mine}</mark>" in highlights["body"]["sv"]
    assert "<script" not in highlights["body"]["sv"]
    assert len(highlights["body"]["sv"]) < 600


async def test_highlight_in_each_language() -> None:
    mine = word()
    await entry(title_sv=f"{mine} bussarna", title_en=f"{mine} buses")
    highlights = (await find(f"{mine} buss")).items[0].highlights
    assert highlights["title"]["sv"] == f"<mark>{mine}</mark> <mark>bussarna</mark>"
    assert f"<mark>{mine}</mark>" in highlights["title"]["en"]


async def test_number_of_queries_does_not_grow_with_results(monkeypatch: pytest.MonkeyPatch) -> None:
    few, many = word(), word()
    await entry(title_sv=few)
    for _ in range(30):
        await entry(title_sv=many)
    await words_are_known()
    counted = 0
    original = database.fetch

    async def counting(sql: str, *values: object) -> list[database.Row]:
        nonlocal counted
        counted += 1
        return await original(sql, *values)

    monkeypatch.setattr(database, "fetch", counting)
    numbers = []
    for text in (few, many):
        counted = 0
        request = SearchRequest(text=f'"{text}"', page_size=50)
        assert (await find_entries(VISITOR, request)).total in {1, 30}
        numbers.append(counted)
    assert numbers[0] == numbers[1] <= 2


async def test_suggestions_follow_beginnings_of_title_words_in_both_languages() -> None:
    mine = word()
    for number in range(10):
        await entry(title_sv=f"Verkstad {mine} {number}", title_en=f"Workshop {mine} {number}")
    await entry(title_sv="Annat", summary_sv=mine)
    assert len(await suggest(VISITOR, mine[:-1], language="sv")) == 8
    assert len(await suggest(VISITOR, f"workshop {mine[:-1]}", language="en")) == 8
    assert await suggest(VISITOR, "", language="sv") == []


async def test_a_notion_is_found_by_all_its_terms_in_both_languages_and_by_what_is_wider() -> None:
    thing, kind, mine = word(), word(), word()
    wide = await vocabulary.create_concept(SYSTEM, vocabulary.ConceptText(sv=(f"{kind}sv",), en=(f"{kind}en",)))
    text = vocabulary.ConceptText(sv=(f"{thing}sv", f"{thing} annat ord"), en=(f"{thing}en",), broader=(f"{kind}sv",))
    await vocabulary.create_concept(SYSTEM, text)
    _, literal = await entry(title_sv=f"{mine} {thing}sv")
    _, other = await entry(title_sv="Rum", summary_en=f"{mine} {thing}en")
    await words_are_known()
    for asked in (f"{thing}sv", f"{thing}en", f"{thing} annat ord", f"{kind}sv", f"{kind}en"):
        assert set(await slugs(f"{mine} {asked}")) == {literal, other}, asked
    assert (await slugs(f"{mine} {thing}sv"))[0] == literal
    del wide


async def test_the_word_itself_stands_before_its_notion_at_the_same_place() -> None:
    thing, mine = word(), word()
    await vocabulary.create_concept(SYSTEM, vocabulary.ConceptText(sv=(f"{thing}a", f"{thing}b")))
    _, second = await entry(title_sv=f"A {mine} {thing}a")
    _, first = await entry(title_sv=f"B {mine} {thing}b")
    await words_are_known()
    assert await slugs(f"{mine} {thing}b") == [first, second]
    assert await slugs(f"{mine} {thing}a") == [second, first]


async def test_a_change_of_the_vocabulary_reaches_the_entries() -> None:
    thing = word()
    _, slug = await entry(title_sv=f"{thing}a")
    concept = await vocabulary.create_concept(SYSTEM, vocabulary.ConceptText(sv=(f"{thing}b",)))
    await vocabulary.add_term(SYSTEM, concept, "sv", f"{thing}a")
    await handle_vocabulary_changed({})
    await words_are_known()
    assert await slugs(f"{thing}b") == [slug]


@pytest.mark.parametrize(
    ("written", "asked", "is_sure"),
    [
        ("elbåtar", "båt", True),
        ("belysning", "vägbelysning", False),
        ("vattenreningsteknik", "vattenteknik", False),
        ("domteater", "dom teater", True),
    ],
)
async def test_compounds_find_in_both_directions(written: str, asked: str, *, is_sure: bool) -> None:
    mine = word()
    _, slug = await entry(title_sv=f"{mine} {written}")
    await words_are_known()
    hits = (await find(f"{mine} {asked}")).items
    assert hits[0].slug == slug
    assert hits[0].is_doubtful is not is_sure


async def test_a_misspelt_word_is_put_right_and_the_page_can_say_so() -> None:
    mine = word()
    known = "".join(letter for letter in mine if letter.isalpha()) + "xylofonhallen"
    _, slug = await entry(title_sv=known)
    await words_are_known()
    result = await find(known.replace("fon", "fn"))
    assert [hit.slug for hit in result.items][:1] == [slug]
    assert result.corrected == known


async def test_nothing_is_corrected_to_a_word_of_an_entry_that_has_just_been_hidden() -> None:
    mine, secret = word(), "".join(letter for letter in word() if letter.isalpha()) + "kvarnvingen"
    await entry(title_sv=mine)
    entry_id, _ = await entry(title_sv=secret)
    await words_are_known()
    wrong = f"{secret.replace('ving', 'vnig')} {mine}"
    assert (await find(wrong)).corrected == f"{secret} {mine}"
    await entries.move_entry(SYSTEM, entry_id, "archive")
    found = await find(wrong)
    assert (found.total, found.corrected) == (1, "")


async def test_what_is_left_out_with_a_hyphen_is_left_out_by_both_engines() -> None:
    mine = word()
    _, slug = await entry(title_sv=mine)
    await entry(title_sv=mine, summary_sv="en xyl-bil")
    assert await slugs(f"{mine} -xyl-bil") == [slug]


async def test_what_costs_nothing_is_found_by_that() -> None:
    mine = word()
    free = EnvironmentText(bookable_by=(Audience.EXTERNAL,), remuneration=Remuneration.FREE)
    _, slug = await entry(free, title_sv=mine)
    await entry(EnvironmentText(bookable_by=(Audience.EXTERNAL,), remuneration=Remuneration.FIXED), title_sv=mine)
    assert await slugs(f"{mine} gratis") == [slug]
    assert await slugs(f"free of charge {mine}") == [slug]


async def test_nothing_is_corrected_to_a_word_that_only_staff_may_see() -> None:
    secret = "".join(letter for letter in word() if letter.isalpha()) + "kvastfening"
    await entry(title_sv=secret, visibility=Visibility.STAFF)
    await words_are_known()
    wrong = secret.replace("ast", "sat")
    assert (await find(wrong)).corrected == ""
    staff = await factories.person(Role.COORDINATOR)
    assert (await find(wrong, staff)).corrected == secret


async def test_only_what_one_may_book_is_found_when_asked_for() -> None:
    place = word()
    _, for_firms = await entry(EnvironmentText(bookable_by=(Audience.EXTERNAL,)), title_sv="A", municipality=place)
    _, for_staff = await entry(EnvironmentText(bookable_by=(Audience.EMPLOYEE,)), title_sv="B", municipality=place)
    await entry(EnvironmentText(bookable_by=(Audience.EXTERNAL,)), title_sv="C", municipality=place, ended=True)
    here = {"municipality": (place,)}
    assert await slugs(filters=here, audiences=audiences_of(VISITOR)) == [for_firms]
    assert await slugs(filters=here, audiences=audiences_of(await factories.person(Role.FIRM))) == [for_firms]
    assert await slugs(filters=here, audiences=audiences_of(await factories.person(Role.EMPLOYEE))) == [for_staff]
    assert audiences_of(await factories.person(Role.LEGAL)) == ()


async def test_what_needs_no_agreement_can_be_found() -> None:
    place = word()
    _, open_to_all = await entry(EnvironmentText(bookable_by=(Audience.EXTERNAL,)), title_sv="A", municipality=place)
    entry_id, _ = await entry(EnvironmentText(bookable_by=(Audience.EXTERNAL,)), title_sv="B", municipality=place)
    code = await factories_agreements.template()
    await factories_agreements.service.offer_terms(SYSTEM, entry_id, code, required=True)
    await index_entry(entry_id)
    found = await slugs(filters={"municipality": (place,), "required_agreement": ("none",)})
    assert found == [open_to_all]


async def test_ordering_by_distance_keeps_to_the_words() -> None:
    mine = word()
    _, far = await entry(title_sv=f"{mine} A", latitude=59.0, longitude=18.0)
    _, near = await entry(title_sv="B", summary_sv=mine, latitude=59.3, longitude=18.0)
    around = Near(59.31, 18.0, 100)
    assert await slugs(mine, near=around) == [far, near]
    assert await slugs(mine, near=around, sort=Sort.DISTANCE) == [near, far]


async def test_only_one_entry_can_be_asked_about() -> None:
    mine = word()
    first, slug = await entry(title_sv=mine)
    second, _ = await entry(title_sv="Rum")
    await entry(title_sv=mine)
    assert await slugs(mine, only=first) == [slug]
    assert await slugs(mine, only=second) == []


@pytest.mark.parametrize(("stage", "is_open"), [(Stage.EVALUATION, False), (Stage.AWARDED, True)])
async def test_what_is_secret_until_award_is_found_by_nobody_until_then(stage: Stage, *, is_open: bool) -> None:
    case, need = word(), word()
    people = await factories_procurement.cast()
    text = replace(factories_procurement.procurement_text(people.buyer), dnr=f"RS {case}", need=need)
    await factories_procurement.procurement(people.officer, people.buyer, stage, published=True, text=text)
    row = await database.fetch_one("SELECT entry FROM procurement WHERE dnr = $1", f"RS {case}")
    assert row is not None
    await index_entry(row["entry"])
    for actor in people.people.values():
        assert len(await slugs(f"RS {case}", actor)) == 1
        assert len(await slugs(need, actor)) == int(is_open)
