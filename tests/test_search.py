"""The engine: what is found, in which order, and for whom."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from registry import database
from registry.access import SYSTEM, VISITOR, Role
from registry.entries import service as entries
from registry.entries.codes import Audience, Kind, Perspective, Remuneration, Sector, Visibility
from registry.entries.service import EnvironmentText
from search.engine import FACETS, Near, SearchRequest, Sort
from search.language import ask, order_key, plain_words
from search.postgres import PostgresEngine
from search.queries import suggest
from search.sync import handle_index_entry, index_entry, reindex
from tests import factories, factories_agreements
from tests.factories_search import HOSTILE_SCRIPT, entry, find, slugs, word, write_raw


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


async def test_phrase_exclusion_and_or_are_understood() -> None:
    mine = word()
    _, one = await entry(title_sv=f"{mine} röd buss")
    _, two = await entry(title_sv=f"{mine} buss som är röd och blå")
    _, three = await entry(title_sv=f"{mine} grön tunnel")
    assert await slugs(f'{mine} "röd buss"') == [one]
    assert await slugs(f"{mine} -tunnel") == [one, two]
    assert set(await slugs(f"{mine} -buss -tunnel")) == set()
    assert set(await slugs(f"{mine} tunnel OR {mine} blå")) == {two, three}


async def test_some_of_the_words_are_enough_when_nothing_has_all() -> None:
    mine = word()
    _, slug = await entry(title_sv=f"{mine} buss")
    result = await find(f"{mine} {word()}")
    assert [hit.slug for hit in result.items] == [slug]
    assert result.only_some_words
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
    code = await factories_agreements.template(values=factories_agreements.terms(results_ownership="joint"))
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
    assert await slugs(mine) == []
    await handle_index_entry({"entry_id": entry_id})
    assert not await database.fetch("SELECT 1 FROM search_document WHERE id = $1", entry_id)
    del slug


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
    assert told[-1][0] == told[-1][1] == len(told)


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
    assert highlights["summary"]["sv"] == f"b {escaped} <mark>{mine}</mark>"
    assert "<script" not in highlights["body"]["sv"]
    assert "en" not in highlights["title"]


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
        assert (await PostgresEngine().search(SearchRequest(text=text, page_size=50))).total in {1, 30}
        numbers.append(counted)
    assert numbers == [2, 2]


async def test_suggestions_follow_beginnings_of_title_words_in_both_languages() -> None:
    mine = word()
    for number in range(10):
        await entry(title_sv=f"Verkstad {mine} {number}", title_en=f"Workshop {mine} {number}")
    await entry(title_sv="Annat", summary_sv=mine)
    assert len(await suggest(VISITOR, mine[:-1], language="sv")) == 8
    assert len(await suggest(VISITOR, f"works {mine}", language="en")) == 8
    assert await suggest(VISITOR, "", language="sv") == []


def test_words_are_folded_and_compounds_have_endings() -> None:
    found = plain_words("Universitetssjukhuset, Åre").split()
    assert {"universitetssjukhuset", "are", "sjukhuset"} <= set(found)
    assert "het" not in found


def test_order_keys_put_swedish_letters_last() -> None:
    assert sorted(["Öl", "Zon", "Ål", "Äl"], key=lambda title: order_key(title, "sv")) == ["Zon", "Ål", "Äl", "Öl"]


def test_questions_keep_exclusions_apart() -> None:
    question = ask('buss -"röd vagn" -tåg it-system')
    assert question.excluded == ("röd vagn", "tåg")
    assert question.text == "buss it-system"
    assert ask("").is_empty
    assert not ask("-tåg").is_empty
