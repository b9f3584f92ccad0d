"""The search over HTTP: the API, and the page."""

import html

import httpx
import pytest

from registry.access import Role
from registry.entries.codes import Audience, Kind, Sector, Visibility
from registry.entries.service import EnvironmentText
from search import knowledge
from search.engine import FACETS
from search.input import SearchInput
from tests import factories
from tests.factories_procurement import session, token
from tests.factories_search import HOSTILE_SCRIPT, entry, word, write_raw

PATH = "/api/v1/entries"


async def test_list_has_the_shape_of_the_contract(visitor: httpx.AsyncClient) -> None:
    mine = word()
    entry_id, slug = await entry(title_sv=mine, title_en="Room", summary_en="A room", municipality="Nacka")
    body = (await visitor.get(PATH, params={"q": mine})).json()
    assert set(body) == {"items", "total", "page", "page_size", "facets", "engine", "corrected"}
    assert (body["total"], body["page"], body["page_size"], body["engine"]) == (1, 1, 20, "postgres")
    item = body["items"][0]
    assert item | {"accountable_body": ""} == {
        "id": entry_id,
        "slug": slug,
        "kind": "testbed",
        "title": {"sv": mine, "en": "Room"},
        "summary": {"sv": "", "en": "A room"},
        "sectors": ["healthcare"],
        "municipality": "Nacka",
        "accountable_body": "",
        "track": "internal",
        "highlights": {"title": {"sv": f"<mark>{mine}</mark>"}},
        "doubtful": False,
        "distance_km": None,
    }
    assert body["corrected"] == ""
    assert item["accountable_body"]
    assert set(body["facets"]) == set(FACETS)
    assert body["facets"]["sector"] == {"healthcare": 1}


async def test_repeated_filters_mean_or_and_different_names_and(visitor: httpx.AsyncClient) -> None:
    mine = word()
    await entry(title_sv=mine)
    await entry(title_sv=mine, kind=Kind.DEMO_ENVIRONMENT, primary_sector=Sector.CULTURE)
    both = await visitor.get(PATH, params=[("q", mine), ("kind", "testbed"), ("kind", "demo_environment")])
    one = await visitor.get(PATH, params=[("q", mine), ("kind", "testbed"), ("sector", "healthcare")])
    none = await visitor.get(PATH, params=[("q", mine), ("kind", "testbed"), ("sector", "culture")])
    assert [answer.json()["total"] for answer in (both, one, none)] == [2, 1, 0]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("q=" + "x" * 501, "q"),
        ("q=" + "x" * 10_000, "q"),
        ("q=a&q=b", "q"),
        ("kind=castle", "kind.0"),
        ("kind=testbed&kind=castle", "kind.1"),
        ("sector=space", "sector.0"),
        ("perspective=x", "perspective.0"),
        ("remuneration=x", "remuneration.0"),
        ("results_ownership=x", "results_ownership.0"),
        ("bookable_by=x", "bookable_by.0"),
        ("publication=x", "publication.0"),
        ("data_owner=x", "data_owner.0"),
        ("required_agreement=nda&required_agreement=x", "required_agreement.1"),
        ("bookable_by_me=perhaps", "bookable_by_me"),
        ("free_week=2026-49", "free_week"),
        ("free_week=2026-W54", "free_week"),
        ("free_week=٢٠٢٦-W49", "free_week"),
        ("free_week=2026-W49&free_week=2026-W50", "free_week"),
        ("sort=distance", "sort"),
        ("page=1000000000", "page"),
        ("near=59,181", "near"),
        ("near=-90.1,18", "near"),
        ("near=1e400,18", "near"),
        ("near=59,18&radius_km=2001", "radius_km"),
        ("near=59,18&radius_km=nan", "radius_km"),
        ("sort=x", "sort"),
        ("page=0", "page"),
        ("page=x", "page"),
        ("page=99999999999999999999", "page"),
        ("page_size=101", "page_size"),
        ("page_size=0", "page_size"),
        ("near=59.3", "near"),
        ("near=91,18", "near"),
        ("near=nan,18", "near"),
        ("near=a,b", "near"),
        ("near=59,18&radius_km=0", "radius_km"),
        ("near=59,18&radius_km=inf", "radius_km"),
        ("radius_km=5", "radius_km"),
        ("colour=red", "colour"),
    ],
)
async def test_malformed_search_names_the_field(visitor: httpx.AsyncClient, query: str, field: str) -> None:
    answer = await visitor.get(f"{PATH}?{query}", headers={"Accept-Language": "en"})
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert [error["field"] for error in answer.json()["errors"]] == [field]


# A value that each parameter takes and a list of allowed values has to name.
ALLOWED = {
    "kind": "innovation_partnership",
    "sector": "transport",
    "perspective": "everyday_services",
    "remuneration": "shared_cost",
    "results_ownership": "supplier",
    "publication": "after_review",
    "data_owner": "counterparty",
    "required_agreement": "none",
    "bookable_by": "employee",
    "sort": "distance",
}


def test_every_parameter_with_a_list_is_tried_here() -> None:
    assert set(ALLOWED) == {*FACETS, "sort"} - {"municipality"}


@pytest.mark.parametrize("name", ALLOWED)
@pytest.mark.parametrize("language", ["sv", "en"])
async def test_unknown_filter_value_is_told_the_allowed_ones(
    visitor: httpx.AsyncClient, name: str, language: str
) -> None:
    answer = await visitor.get(PATH, params={name: "castle"}, headers={"Accept-Language": language})
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert error["field"].partition(".")[0] == name
    assert f"'{ALLOWED[name]}'" in error["message"]
    assert "castle" not in error["message"]


async def test_every_parameter_is_described(visitor: httpx.AsyncClient) -> None:
    operation = (await visitor.get("/api/openapi.json")).json()["paths"][PATH]["get"]
    described = {one["name"]: one for one in operation["parameters"]}
    assert set(described) == set(SearchInput.model_fields)
    for name, value in ALLOWED.items():
        schema = described[name]["schema"]
        assert value in (schema["items"] if schema["type"] == "array" else schema)["enum"], name
    for name in ("publication", "data_owner", "required_agreement", "bookable_by_me", "free_week", "near", "radius_km"):
        assert described[name]["description"], name
    assert described["bookable_by_me"]["schema"]["type"] == "boolean"


async def test_distance_and_doubt_of_each_item(visitor: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    # The words of the index that a process knows are otherwise a few seconds old.
    monkeypatch.setattr(knowledge, "_PATIENCE", -1.0)
    monkeypatch.setattr(knowledge, "_WORDS_PATIENCE", -1.0)
    mine, other = word(), word()
    await entry(title_sv=f"{mine} {other}", latitude=59.0, longitude=18.0)
    await entry(title_sv=mine, latitude=59.1, longitude=18.0)
    await entry(title_sv=mine)
    asked = {"q": f"{mine} {other}", "near": "59,18", "radius_km": "50"}
    for sort in ("relevance", "distance", "title"):
        items = (await visitor.get(PATH, params={**asked, "sort": sort})).json()["items"]
        assert {(item["doubtful"], item["distance_km"]) for item in items} == {(False, 0.0), (True, 11.12)}, sort
    assert [item["distance_km"] for item in items if not item["doubtful"]] == [0.0]
    assert (await visitor.get(PATH, params={"q": mine})).json()["items"][0]["distance_km"] is None


async def test_corrected_question_is_told(visitor: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(knowledge, "_PATIENCE", -1.0)
    monkeypatch.setattr(knowledge, "_WORDS_PATIENCE", -1.0)
    await entry(title_sv="Snårvåghallen")
    body = (await visitor.get(PATH, params={"q": "snårvåghlalen"})).json()
    assert body["corrected"] == "snårvåghallen"
    # What other tests have left in the database may be near it too, further down.
    assert body["items"][0]["title"]["sv"] == "Snårvåghallen"
    assert all(item["doubtful"] for item in body["items"])
    assert (await visitor.get(PATH, params={"q": "snårvåghallen"})).json()["corrected"] == ""


@pytest.mark.parametrize(
    "query",
    [
        "q=%00",
        "q=%F0%9F%A7%AA",
        "q=%FF%FE",
        "q=%22%27%3B--",
        "q=%E2%80%AE",
        "q=+++",
        "q=--",
        "q=-%22",
        "q=%22%22%22%22",
        "q=-%22-%22+-%F0%9F%9A%8C+-",
        "q=OR+OR",
        "q=%D9%85%D8%AE%D8%AA%D8%A8%D8%B1+%D7%91%D7%93%D7%99%D7%A7%D7%94",
        "q=%E2%81%A6%E2%80%AEsub%E2%81%A9",
    ],
)
async def test_odd_bytes_answer_quietly(visitor: httpx.AsyncClient, query: str) -> None:
    assert (await visitor.get(f"{PATH}?{query}")).status_code == 200
    assert (await visitor.get(f"{PATH}/suggest?{query}")).status_code == 200
    assert (await visitor.get(f"/search?{query}")).status_code == 200


@pytest.mark.parametrize("role", [None, Role.FIRM, Role.EMPLOYEE, Role.AUDITOR])
async def test_staff_entries_need_a_staff_token(visitor: httpx.AsyncClient, role: Role | None) -> None:
    mine = word()
    _, slug = await entry(title_sv=mine, visibility=Visibility.STAFF)
    headers = await token(await factories.person(role)) if role else {}
    sees = role in {Role.EMPLOYEE, Role.AUDITOR}
    body = (await visitor.get(PATH, params={"q": mine}, headers=headers)).json()
    assert body["total"] == len(body["items"]) == sum(body["facets"]["kind"].values()) == int(sees)
    assert (await visitor.get(f"{PATH}/suggest", params={"q": mine}, headers=headers)).json()["total"] == int(sees)
    assert (await visitor.get(f"{PATH}/{slug}", headers=headers)).status_code == (200 if sees else 404)


async def test_suggestions_have_titles_in_the_language_of_the_reader(visitor: httpx.AsyncClient) -> None:
    mine = word()
    _, slug = await entry(title_sv=f"Rum {mine}", title_en=f"Room {mine}")
    swedish = await visitor.get(f"{PATH}/suggest", params={"q": mine, "lang": "sv"})
    english = await visitor.get(f"{PATH}/suggest", params={"q": mine, "lang": "en"})
    assert swedish.json()["items"] == [{"title": f"Rum {mine}", "slug": slug, "kind": "testbed"}]
    assert english.json()["items"][0]["title"] == f"Room {mine}"


async def test_whole_entry_has_what_the_contract_names(visitor: httpx.AsyncClient) -> None:
    whole_id, whole_slug = await entry(title_sv="Hela", visibility=Visibility.STAFF)
    _, slug = await entry(EnvironmentText(parent=whole_id, bookable_by=(Audience.EXTERNAL,)), title_sv="En del")
    body = (await visitor.get(f"{PATH}/{slug}")).json()
    assert {"description", "responsibility", "place", "terms_offered", "agreements_required"} <= set(body)
    assert {"related_entries", "opening_hours", "example_fields"} <= set(body)
    assert body["responsibility"]["answer_days"] == 5
    assert body["environment"]["bookable_by"] == ["external"]
    # The whole is for staff, so a visitor does not learn of it.
    assert body["environment"]["parent"] is None
    assert body["related_entries"] == []
    staff = await token(await factories.person(Role.COORDINATOR))
    seen = (await visitor.get(f"{PATH}/{slug}", headers=staff)).json()
    assert seen["environment"]["parent"] == whole_slug
    assert [link["relation"] for link in seen["related_entries"]] == ["whole"]


@pytest.mark.parametrize("slug", ["does-not-exist", "%00", "..", "<b>", "x" * 3000])
async def test_unknown_entry_is_not_found_in_the_api(visitor: httpx.AsyncClient, slug: str) -> None:
    answer = await visitor.get(f"{PATH}/{slug}")
    assert answer.status_code in {404, 422} or slug == ".."


@pytest.mark.parametrize("language", ["sv", "en"])
async def test_search_page_in_both_languages(visitor: httpx.AsyncClient, language: str) -> None:
    mine = word()
    _, slug = await entry(title_sv=f"Buss {mine}", municipality="Nacka")
    answer = await visitor.get("/search", params={"q": mine, "kind": "testbed", "lang": language, "utm_source": "x"})
    assert answer.status_code == 200
    assert f'<html lang="{language}">' in answer.text
    assert f'href="/entries/{slug}"' in answer.text
    assert f"<mark>{mine}</mark>" in answer.text
    # What can be shared keeps the language, and a filter can be taken away.
    assert f'href="/search?q={mine}&amp;lang={language}"' in answer.text
    assert "utm_source" not in answer.text.partition("<main")[2]
    assert answer.cookies["lang"] == language


async def test_search_page_shows_a_text_of_the_other_language_as_such(visitor: httpx.AsyncClient) -> None:
    mine = word()
    await entry(title_sv="", title_en=f"Room {mine}")
    answer = await visitor.get("/search", params={"q": mine, "lang": "sv"})
    assert '<span lang="en">' in answer.text
    assert 'class="lang-note"' in answer.text


async def test_search_page_escapes_what_people_wrote(visitor: httpx.AsyncClient) -> None:
    mine = word()
    entry_id, _ = await entry()
    await write_raw(entry_id, title_sv=f"{HOSTILE_SCRIPT} {mine}", summary_sv=HOSTILE_SCRIPT)
    answer = await visitor.get("/search", params={"q": f"{mine} {HOSTILE_SCRIPT}"})
    assert answer.status_code == 200
    assert "<script>alert" not in answer.text
    assert "&lt;script&gt;alert" in answer.text


@pytest.mark.parametrize(
    ("query", "said"),
    [(f"q={'a' * 501}", "Texten är för lång: högst 500 tecken."), ("kind=x", "”x” finns inte att välja under ”Typ”.")],
)
async def test_what_is_wrong_is_said_in_swedish(visitor: httpx.AsyncClient, query: str, said: str) -> None:
    page = (await visitor.get(f"/search?lang=sv&{query}")).text
    assert said in html.unescape(page)
    assert "' or '" not in html.unescape(page)
    assert "demo_environment" not in html.unescape(page).partition("<main")[2].partition("<form")[0]


async def test_search_page_with_a_wrong_filter_keeps_the_words(visitor: httpx.AsyncClient) -> None:
    answer = await visitor.get("/search", params={"q": "bussar", "sector": "space", "lang": "en"})
    assert answer.status_code == 422
    assert 'value="bussar"' in answer.text
    assert "transport" in answer.text
    long = await visitor.get("/search", params={"q": "x" * 10_000})
    assert long.status_code == 422


async def test_search_page_without_results_says_what_to_do(visitor: httpx.AsyncClient) -> None:
    answer = await visitor.get("/search", params={"q": word(), "lang": "en"})
    assert answer.status_code == 200
    assert 'href="/way-in"' in answer.text


async def test_search_page_beyond_the_last_page_leads_back(visitor: httpx.AsyncClient) -> None:
    mine = word()
    await entry(title_sv=mine)
    answer = await visitor.get("/search", params={"q": mine, "page": 7})
    assert answer.status_code == 200
    assert f'href="/search?q={mine}"' in answer.text


async def test_search_page_has_pages(visitor: httpx.AsyncClient) -> None:
    mine = word()
    for _ in range(3):
        await entry(title_sv=mine)
    answer = await visitor.get("/search", params={"q": mine, "page_size": 2})
    assert f'href="/search?q={mine}&amp;page=2&amp;page_size=2"' in answer.text


async def test_staff_find_staff_entries_on_the_page(visitor: httpx.AsyncClient) -> None:
    mine = word()
    _, slug = await entry(title_sv=mine, visibility=Visibility.STAFF)
    assert slug not in (await visitor.get("/search", params={"q": mine})).text
    visitor.cookies.update(await session(await factories.person(Role.EMPLOYEE)))
    assert slug in (await visitor.get("/search", params={"q": mine})).text
