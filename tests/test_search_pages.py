"""The search page as a person sees it: filters, tags, places, what was corrected, similar results, nothing found."""

import re
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from litestar import Litestar
from lxml import html

from registry.access import SYSTEM, VISITOR, Role
from registry.entries.codes import Audience, Perspective, Remuneration, Visibility
from registry.entries.service import EnvironmentText
from registry.web import language
from search import knowledge, places, saved
from search.addresses import SearchAddress, feed_address
from search.codes import Frequency
from search.engine import FACETS, Near, SearchRequest
from search.filters import week_options
from search.input import SearchInput
from search.queries import find
from search.sync import index_entry
from tests import factories, factories_agreements
from tests.clients import browser, client_for
from tests.factories_search import HOSTILE_SCRIPT, entry, word

OPEN = EnvironmentText(bookable_by=(Audience.EXTERNAL,), remuneration=Remuneration.FREE)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What processes keep in memory for some seconds is read anew each time."""
    for module, name in ((knowledge, "_PATIENCE"), (knowledge, "_WORDS_PATIENCE"), (places, "_PATIENCE")):
        monkeypatch.setattr(module, name, -1.0)


async def shown(client: httpx.AsyncClient, pairs: Any = (), *, status: int = 200, lang: str = "en") -> Any:
    """The main part of the search page."""
    given = list(pairs.items()) if isinstance(pairs, dict) else list(pairs)
    answer = await client.get("/search", params=[*given, ("lang", lang)])
    assert answer.status_code == status, answer.text[:300]
    (main,) = html.fromstring(answer.text).xpath("//main")
    return main


def words_of(element: Any) -> str:
    return " ".join(element.text_content().split())


def tags(main: Any) -> dict[str, dict[str, list[str]]]:
    """The filters that are on, in words, and what is left of the search without each."""
    found = {}
    for link in main.xpath(".//ul[@class='filter-tags']//a[not(@class)]"):
        left: dict[str, list[str]] = {}
        for name, value in parse_qsl(urlsplit(link.get("href")).query):
            left.setdefault(name, []).append(value)
        found[words_of(link).removeprefix("Remove the filter ").removesuffix(" ×")] = left
    return found


def said(main: Any) -> str:
    """What is read out."""
    (status,) = main.xpath(".//*[@role='status' and @data-read-out]")
    return words_of(status)


def labels(main: Any, name: str) -> list[str]:
    """What can be chosen of a filter."""
    return [words_of(label) for label in main.xpath(f".//input[@name='{name}']/following-sibling::label")]


def weeks_in(code: str, now: datetime, chosen: str | None = None) -> list[tuple[str, str]]:
    """The weeks to choose from, in a language."""
    language.use_language(code)
    try:
        return week_options(chosen, now)
    finally:
        language.use_language("sv")


async def agreed(mine: str, **text: Any) -> tuple[int, str]:
    """An entry with everything that there are filters for."""
    values = factories_agreements.terms(results_ownership="supplier", publication="after_review", data_owner="joint")
    code = await factories_agreements.template(values=values)
    entry_id, slug = await entry(
        OPEN, title_sv=mine, perspectives=(Perspective.QUALITY,), **{"municipality": "Nacka", **text}
    )
    await factories_agreements.service.offer_terms(SYSTEM, entry_id, code, required=True)
    await index_entry(entry_id)
    return entry_id, slug


CHOSEN = {
    "kind": ("testbed", "Kind: Testbed"),
    "sector": ("healthcare", "Sector: Healthcare"),
    "municipality": ("Nacka", "Municipality: Nacka"),
    "results_ownership": ("supplier", "Who owns the results? You"),
    "publication": ("after_review", "May you publish? Yes, when the host has read the text"),
    "data_owner": ("joint", "What happens to the data? Belongs to you and the host together"),
    "required_agreement": ("test", "Agreements that are needed: Test agreement"),
    "remuneration": ("free", "What it costs: Free of charge"),
    "bookable_by": ("external", "Who may book: External organisations"),
    "perspective": ("quality", "Perspective: Quality"),
}


def test_every_filter_is_tried_here() -> None:
    assert set(CHOSEN) == set(FACETS)


@pytest.mark.parametrize("name", FACETS)
async def test_filter_can_be_chosen_with_its_count_and_removed_again(visitor: httpx.AsyncClient, name: str) -> None:
    mine = word()
    _, slug = await agreed(mine)
    value, tag = CHOSEN[name]
    main = await shown(visitor, {"q": mine})
    assert f"{tag.partition(': ')[2] or tag.partition('? ')[2]} (1)" in labels(main, name)
    assert tags(main) == {}
    main = await shown(visitor, {"q": mine, name: value})
    assert tags(main) == {tag: {"q": [mine], "lang": ["en"]}}
    assert main.xpath(f".//input[@name='{name}' and @value='{value}' and @checked]")
    assert main.xpath(f".//a[starts-with(@href, '/entries/{slug}')]")


async def test_every_label_of_a_filter_stands_in_a_group_with_a_name(visitor: httpx.AsyncClient) -> None:
    mine = word()
    await agreed(mine)
    main = await shown(visitor, {"q": mine})
    for box in main.xpath(".//section[@class='facets']//input[@type='checkbox' and @name!='bookable_by_me']"):
        (group,) = box.xpath("ancestor::*[@role='group']")
        (summary,) = main.xpath(f".//summary[@id='{group.get('aria-labelledby')}']")
        assert words_of(summary)
    ids = main.xpath(".//@id")
    assert len(ids) == len(set(ids))
    headings = [words_of(h3) for h3 in main.xpath(".//h3[@class='facets__section']")]
    assert headings == ["Terms", "Booking", "Place", "More"]


async def test_no_agreement_is_a_choice_of_its_own(visitor: httpx.AsyncClient) -> None:
    mine = word()
    await entry(OPEN, title_sv=mine)
    main = await shown(visitor, {"q": mine, "required_agreement": "none"})
    assert list(tags(main)) == ["Agreements that are needed: None"]
    assert labels(main, "required_agreement") == ["None (1)"]


async def test_long_list_shows_the_most_frequent_and_the_chosen_and_the_rest_behind_a_button(
    visitor: httpx.AsyncClient,
) -> None:
    mine = word()
    towns = [f"{letter}by {mine}" for letter in "ABCDEFGHIJKÅ"]
    for town in towns:
        await entry(title_sv=mine, municipality=town)
    await entry(title_sv=mine, municipality=towns[5])
    main = await shown(visitor, [("q", mine), ("municipality", towns[-1])])
    (more,) = main.xpath(".//details[@class='facets__more']")
    hidden = labels(more, "municipality")
    first = [label for label in labels(main, "municipality") if label not in hidden]
    assert first[0] == f"{towns[5]} (2)"
    assert f"{towns[-1]} (1)" in first
    assert len(first) == 9
    assert hidden == sorted(hidden)
    assert "Show all 12" in words_of(more.find("summary"))
    # Few values need no button.
    assert not (await shown(visitor, {"q": word()})).xpath(".//details[@class='facets__more']")


async def test_all_tags_and_the_reset(visitor: httpx.AsyncClient) -> None:
    mine = word()
    await agreed(mine, latitude=59.31, longitude=18.16)
    week = weeks_in("en", datetime.now(UTC))[3]
    pairs = [
        ("q", mine),
        ("bookable_by_me", "true"),
        ("free_week", week[0]),
        ("near", "59.31,18.16"),
        ("sort", "title"),
    ]
    main = await shown(visitor, [*pairs, ("radius_km", "50"), ("sector", "healthcare"), ("page", "1")])
    found = tags(main)
    assert list(found) == [
        "Sector: Healthcare",
        "May be booked by me",
        f"Has a free time: {week[1]}",
        "Near Nacka, within 50 km",
    ]
    assert "sector" not in found["Sector: Healthcare"]
    assert "bookable_by_me" not in found["May be booked by me"]
    assert "free_week" not in found[f"Has a free time: {week[1]}"]
    assert not {"near", "radius_km"} & set(found["Near Nacka, within 50 km"])
    (clear,) = main.xpath(".//ul[@class='filter-tags']//a[@class='clear']/@href")
    assert parse_qsl(urlsplit(clear).query) == [("q", mine), ("sort", "title"), ("lang", "en")]
    # The form has a field for each of them, so that nothing is lost when words are changed.
    fields = main.xpath(".//*[@form='search-form']/@name")
    assert {"sector", "bookable_by_me", "free_week", "near", "radius_km", "sort"} <= set(fields)
    assert not set(main.xpath(".//form[@id='search-form']//input[@type='hidden']/@name")) & set(fields)


@pytest.mark.parametrize(("lang", "label"), [("sv", "v. 10 2020, 2–8 mars"), ("en", "Week 10 2020, 2–8 Mar")])
async def test_week_that_is_over_can_be_removed(visitor: httpx.AsyncClient, lang: str, label: str) -> None:
    main = await shown(visitor, {"free_week": "2020-W10"}, lang=lang)
    assert any(label in words_of(link) for link in main.xpath(".//ul[@class='filter-tags']//a"))
    (chosen,) = main.xpath(".//select[@name='free_week']/option[@selected]")
    assert (chosen.get("value"), words_of(chosen)) == ("2020-W10", label)


@pytest.mark.parametrize("week", ["2025-W53", "0000-W01", "9999-W52", "9999-W53"])
async def test_week_that_no_calendar_has_can_be_removed(visitor: httpx.AsyncClient, week: str) -> None:
    main = await shown(visitor, {"free_week": week})
    assert tags(main) == {f"Has a free time: {week}": {"lang": ["en"]}}
    assert (await visitor.get(f"/feeds/search.atom?free_week={week}")).status_code == 200


async def test_malformed_filter_is_told_and_the_rest_of_the_search_kept(visitor: httpx.AsyncClient) -> None:
    pairs = [("q", "buss"), ("free_week", "soon"), ("kind", "testbed"), ("kind", "castle"), ("bookable_by_me", "x")]
    main = await shown(visitor, pairs, status=422)
    assert "Write a week as year and number" in words_of(main)
    (way_on,) = main.xpath(".//a[contains(@class, 'button')]/@href")
    assert parse_qsl(urlsplit(way_on).query) == [("q", "buss"), ("kind", "testbed"), ("lang", "en")]


@pytest.mark.parametrize(
    ("lang", "told"),
    [
        (
            "en",
            ("“castle” is not among what there is to choose from under “Kind”.", "Within: This must be at most 2000."),
        ),
        ("sv", ("”castle” finns inte att välja under ”Typ”.", "Inom: Det här får vara högst 2000.")),
    ],
)
async def test_faults_are_told_in_the_words_of_the_page(visitor: httpx.AsyncClient, lang: str, told: Any) -> None:
    main = await shown(visitor, {"kind": "castle", "near": "59,18", "radius_km": "9999"}, status=422, lang=lang)
    assert all(sentence in words_of(main) for sentence in told), words_of(main)
    assert "demo_environment" not in words_of(main)


def test_weeks_are_named_as_people_name_them() -> None:
    # The year is told where it is not this one, so the moment is in this year.
    year = datetime.now(UTC).year
    now = datetime(year, 6, 10, 12, tzinfo=UTC)
    swedish, english = weeks_in("sv", now), weeks_in("en", now, "2019-W01")
    assert len(swedish) == 26
    assert english[0] == ("2019-W01", "Week 1 2019, 31 Dec–6 Jan")
    assert len(english) == 27
    _, week, _ = now.isocalendar()
    assert swedish[0][0] == f"{year}-W{week:02}"
    assert re.fullmatch(rf"v\. {week}, \d+( jun)?–\d+ juni?", swedish[0][1])
    assert re.fullmatch(rf"Week {week}, \d+( Jun)?–\d+ June?", english[1][1])


def test_week_from_midnight_in_stockholm() -> None:
    # Sunday 23:30 in UTC is Monday in Stockholm.
    before, after = datetime(2026, 11, 29, 22, 30, tzinfo=UTC), datetime(2026, 11, 29, 23, 30, tzinfo=UTC)
    assert [weeks_in("sv", now)[0][0] for now in (before, after)] == ["2026-W48", "2026-W49"]


async def test_place_brings_distances_and_their_order(visitor: httpx.AsyncClient) -> None:
    mine, town = word(), f"By {word()}"
    await entry(title_sv=f"{mine} far", municipality=f"{town} far", latitude=64.5, longitude=11.0)
    _, near_slug = await entry(title_sv=f"{mine} near", municipality=town, latitude=64.4, longitude=11.0)
    main = await shown(visitor, {"q": mine})
    assert main.xpath(".//select[@name='sort']/option/@value") == ["relevance", "title", "newest"]
    assert town in main.xpath(".//select[@name='near']/option/text()")
    (value,) = main.xpath(f".//select[@name='near']/option[text()='{town}']/@value")
    assert value == "64.40,11.00"
    main = await shown(visitor, {"q": mine, "near": value, "radius_km": "50", "sort": "distance"})
    assert "distance" in main.xpath(".//select[@name='sort']/option/@value")
    assert f"Near {town}, within 50 km" in tags(main)
    assert main.xpath(".//article//h3/a/@href")[0] == f"/entries/{near_slug}"
    facts = [words_of(line) for line in main.xpath(".//article/p[1]")]
    assert "less than 1 km away" in facts[0]
    assert "11 km away" in facts[1]
    (chosen,) = main.xpath(".//select[@name='near']/option[@selected]/text()")
    assert chosen == town


async def test_position_that_is_no_known_place_stays_chosen(visitor: httpx.AsyncClient) -> None:
    main = await shown(visitor, {"near": "-33.9,151.2", "radius_km": "7.5"})
    assert list(tags(main)) == ["Near a position, within 7.5 km"]
    (chosen,) = main.xpath(".//select[@name='near']/option[@selected]")
    assert (chosen.get("value"), words_of(chosen)) == ("-33.9,151.2", "The position you chose")
    assert main.xpath(".//select[@name='radius_km']/option[@selected]/@value") == ["7.5"]
    # The page says whose position it is only to the browser that gave it.
    (tag,) = main.xpath(".//a[@data-near]")
    assert tag.get("data-near-me-words") == "Near me, within 7.5 km"


async def test_form_without_a_place_sends_a_radius_that_means_nothing(visitor: httpx.AsyncClient) -> None:
    main = await shown(visitor, {"near": "", "radius_km": "25", "sort": "distance", "free_week": ""})
    assert tags(main) == {}
    assert main.xpath(".//select[@name='sort']/option[@selected]/@value") == ["relevance"]


async def test_place_of_what_is_for_staff_is_offered_to_staff_only(
    application: Litestar, visitor: httpx.AsyncClient
) -> None:
    town = f"Hemby {word()}"
    await entry(visibility=Visibility.STAFF, municipality=town, latitude=60.0, longitude=15.0)
    staff = await browser(application, await factories.person(Role.EMPLOYEE))
    assert town not in words_of(await shown(visitor))
    assert town in (await shown(staff)).xpath(".//select[@name='near']/option/text()")


async def test_corrected_question_is_said_with_both_texts(visitor: httpx.AsyncClient) -> None:
    await entry(title_sv="Kvarkvåghallen", title_en="")
    main = await shown(visitor, {"q": "kvarkvåghlalen"})
    corrected = "Nothing was found for “kvarkvåghlalen”. Showing results for “kvarkvåghallen”."
    assert said(main).startswith(corrected)
    assert "for “kvarkvåghallen”" in said(main).removeprefix(corrected)
    main = await shown(visitor, {"q": "kvarkvåghallen"})
    assert "Nothing was found" not in said(main)


async def test_what_was_written_is_text_wherever_it_is_said(visitor: httpx.AsyncClient) -> None:
    await entry(title_sv="Plankvåghallen")
    answer = await visitor.get("/search", params={"q": "plankvåghlalen " + HOSTILE_SCRIPT[:17], "lang": "en"})
    assert answer.status_code == 200
    assert "<script>" not in answer.text.partition("<main")[2]
    assert "&lt;script&gt;" in answer.text


async def test_simplified_search_says_what_that_means(visitor: httpx.AsyncClient) -> None:
    main = await shown(visitor, {"q": word()})
    assert "Search is simplified right now" in said(main)
    assert not main.xpath(".//*[@role='alert']")
    assert "Sökningen är förenklad just nu" in words_of(await shown(visitor, {"q": word()}, lang="sv"))


async def test_similar_results_stand_apart_and_the_numbers_go_on(visitor: httpx.AsyncClient) -> None:
    mine, other = word(), word()
    _, sure = await entry(title_sv=f"{mine} {other}")
    similar = [(await entry(title_sv=f"{mine} {number}"))[1] for number in range(3)]
    main = await shown(visitor, {"q": f"{mine} {other}"})
    assert said(main).startswith(f"4 results for “{mine} {other}” 3 of them are similar to what you searched for.")
    first, second = main.xpath(".//ol[@data-results]")
    assert (first.get("start"), second.get("start")) == ("1", "2")
    assert first.xpath(".//h3/a/@href") == [f"/entries/{sure}"]
    assert set(second.xpath(".//h3/a/@href")) == {f"/entries/{slug}" for slug in similar}
    (section,) = second.xpath("ancestor::section[@aria-labelledby='similar']")
    (heading,) = section.xpath("./h2[@id='similar']")
    assert words_of(heading) == "Similar results"
    # On a page of two, the second page begins among them.
    main = await shown(visitor, {"q": f"{mine} {other}", "page_size": "2"})
    assert "1 on this page is similar" in said(main)
    main = await shown(visitor, {"q": f"{mine} {other}", "page_size": "2", "page": "2"})
    (only,) = main.xpath(".//ol[@data-results]")
    assert only.get("start") == "3"
    assert main.xpath(".//h2[@id='similar']")


async def test_similar_results_say_so_one_by_one_in_another_order(visitor: httpx.AsyncClient) -> None:
    mine, other = word(), word()
    await entry(title_sv=f"B {mine} {other}")
    await entry(title_sv=f"A {mine}")
    main = await shown(visitor, {"q": f"{mine} {other}", "sort": "title"})
    (only,) = main.xpath(".//ol[@data-results]")
    first, second = only.xpath("./li")
    assert first.xpath(".//*[contains(@class, 'tag') and text()='Similar']")
    assert not second.xpath(".//*[contains(@class, 'tag') and text()='Similar']")
    assert "1 of them is similar" in said(main)


async def test_some_of_the_words_are_said_once(visitor: httpx.AsyncClient) -> None:
    mine = word()
    nothing = word()
    await entry(title_sv=f"{mine} buss")
    main = await shown(visitor, {"q": f"{mine} {nothing}"})
    assert words_of(main).count(f"No entry has “{nothing}”. The ones below have the other words") == 1
    assert not main.xpath(".//h2[@id='similar']")


async def test_title_has_the_words(visitor: httpx.AsyncClient) -> None:
    answer = await visitor.get("/search", params={"q": "tyst <asfalt>", "lang": "en"})
    assert "<title>tyst &lt;asfalt&gt; – search" in answer.text


async def test_result_tells_the_terms_in_one_line(visitor: httpx.AsyncClient) -> None:
    mine = word()
    await agreed(mine, summary_sv="En mening om stället.")
    (article,) = (await shown(visitor, {"q": mine}, lang="sv")).xpath(".//article")
    facts = [words_of(item) for item in article.xpath(".//ul[contains(@class, 'facts-line')]/li")]
    assert facts == ["Du äger resultaten", "kostnadsfritt", "testavtal krävs"]
    assert words_of(article.xpath("./p[1]")[0]) == "Vård Testbädd Nacka"
    assert "En mening om stället." in words_of(article)
    assert article.xpath(".//h3//mark")


async def test_nothing_found_says_what_to_do_next(application: Litestar, visitor: httpx.AsyncClient) -> None:
    mine, missing = word(), word()
    main = await shown(visitor, {"q": missing})
    (empty,) = main.xpath(".//div[contains(@class, 'empty')]")
    assert {"/way-in", "/search"} <= set(empty.xpath(".//a/@href"))
    assert any(href.startswith("/sign-in?next=") for href in empty.xpath(".//a/@href"))
    assert not main.xpath(".//article")
    # Filters that leave nothing are told from words that find nothing.
    await entry(title_sv=mine)
    main = await shown(visitor, {"q": mine, "sector": "culture"})
    assert "Without the filters there is 1 result." in words_of(main)
    (way_on,) = main.xpath(".//div[contains(@class, 'empty')]//a[contains(@class, 'button')]/@href")
    assert parse_qsl(urlsplit(way_on).query) == [("q", mine), ("lang", "en")]
    firm = await browser(application, await factories.person(Role.FIRM))
    main = await shown(firm, {"q": missing})
    (query,) = main.xpath(
        ".//div[contains(@class, 'empty')]//form[@action='/saved-searches']//input[@name='query']/@value"
    )
    assert query == f"q={missing}"
    assert len(main.xpath(".//form[@action='/saved-searches']")) == 1


async def test_nothing_found_because_of_a_filter_and_a_misspelling(visitor: httpx.AsyncClient) -> None:
    await entry(title_sv="Gruskvåghallen")
    main = await shown(visitor, {"q": "gruskvåghlalen", "sector": "culture"})
    assert "Did you mean “gruskvåghallen”? Without the filters there is 1 result for that." in words_of(main)


async def test_pages_tags_and_languages_keep_every_filter(visitor: httpx.AsyncClient) -> None:
    mine = word()
    for number in range(3):
        await entry(OPEN, title_sv=f"{mine} {number}", municipality="Nacka", latitude=59.31, longitude=18.16)
    pairs = {"q": mine, "bookable_by_me": "true", "near": "59.31,18.16", "radius_km": "100", "sort": "distance"}
    answer = await visitor.get("/search", params={**pairs, "page_size": 2, "required_agreement": "none"})
    whole = html.fromstring(answer.text)
    (next_page,) = whole.xpath("//nav[@class='pagination']//a[@rel='next']/@href")
    kept = {**pairs, "required_agreement": "none", "page_size": "2"}
    assert dict(parse_qsl(urlsplit(next_page).query)) == {**kept, "page": "2"}
    for switch in whole.xpath("//a[@hreflang]/@href"):
        assert kept.items() <= dict(parse_qsl(urlsplit(switch).query)).items()


@pytest.mark.parametrize(
    ("role", "feed_filters"),
    [
        (None, [("bookable_by", "external")]),
        (Role.EMPLOYEE, [("bookable_by", "employee")]),
        (Role.FIRM, [("bookable_by", "external")]),
    ],
)
async def test_feed_says_as_whom_a_person_may_book(
    application: Litestar, role: Role | None, feed_filters: list[tuple[str, str]]
) -> None:
    client = await browser(application, await factories.person(role)) if role else client_for(application)
    answer = await client.get("/search", params={"bookable_by_me": "true", "free_week": "2030-W10"})
    (feed,) = html.fromstring(answer.text).xpath("//link[@rel='alternate' and @type='application/atom+xml']/@href")
    pairs = parse_qsl(urlsplit(feed).query)
    assert [pair for pair in pairs if pair[0] not in {"lang", "free_week"}] == feed_filters
    assert ("free_week", "2030-W10") in pairs


def test_feed_keeps_a_choice_of_who_may_book() -> None:
    address = SearchAddress.of([("bookable_by_me", "true"), ("bookable_by", "employee")])
    assert "bookable_by=employee" in feed_address(address, ("external",))
    assert "external" not in feed_address(address, ("external",))


async def test_saved_search_for_what_one_may_book_runs_as_its_owner(application: Litestar) -> None:
    mine = word()
    await entry(EnvironmentText(bookable_by=(Audience.EMPLOYEE,)), title_sv=f"{mine} inne")
    await entry(OPEN, title_sv=f"{mine} ute")
    owners: list[tuple[Role, str]] = [(Role.EMPLOYEE, "inne"), (Role.FIRM, "ute")]
    for role, title in owners:
        actor = await factories.person(role)
        query = f"q={mine}&bookable_by_me=true&free_week=2030-W10"
        search_id = await saved.save_search(actor, name="Mina", query=query, frequency=Frequency.DAILY, language="sv")
        search = await saved.get_saved_search(actor, search_id)
        assert search.query == query
        request = search.asked.model_copy(update={"free_week": None}).to_request(actor, "sv")
        assert [hit.title_sv for hit in (await find(actor, request)).items] == [f"{mine} {title}"]
        listed = await (await browser(application, actor)).get("/saved-searches")
        assert "May be booked by me, Has a free time: Week 10 2030" in listed.text


async def test_who_may_book_nothing_is_not_offered_it(application: Litestar, visitor: httpx.AsyncClient) -> None:
    lawyer = await browser(application, await factories.person(Role.LEGAL))
    assert not (await shown(lawyer)).xpath(".//input[@name='bookable_by_me']")
    assert (await shown(lawyer, {"bookable_by_me": "true"})).xpath(".//input[@name='bookable_by_me' and @checked]")
    assert (await shown(visitor)).xpath(".//input[@name='bookable_by_me' and @aria-describedby]")


async def test_bookable_by_me_finds_what_the_reader_may_book(application: Litestar, visitor: httpx.AsyncClient) -> None:
    mine = word()
    _, inside = await entry(EnvironmentText(bookable_by=(Audience.EMPLOYEE,)), title_sv=mine)
    _, outside = await entry(OPEN, title_sv=mine)
    await entry(OPEN, title_sv=mine, ended=True)
    employee = await browser(application, await factories.person(Role.EMPLOYEE))
    for client, slug in ((visitor, outside), (employee, inside)):
        main = await shown(client, {"q": mine, "bookable_by_me": "true"})
        assert main.xpath(".//article//h3/a/@href") == [f"/entries/{slug}"]


@pytest.mark.parametrize(
    "words",
    [
        '"""',
        "- -- -",
        "OR ELLER OR",
        "🧪🚍",
        "مختبر الحافلات",
        "\u202e\u2066abc",
        "( & | ! :*",
        "%",
        "a" * 500,
        "' OR 1=1",
    ],
)
@pytest.mark.parametrize("lang", ["sv", "en"])
async def test_odd_questions_are_answered_with_a_page(visitor: httpx.AsyncClient, words: str, lang: str) -> None:
    main = await shown(visitor, {"q": words, "near": "90,180", "free_week": "9999-W53", "page": "100000"}, lang=lang)
    assert said(main)


@pytest.mark.parametrize(
    "query",
    ["page=1000000000", "near=91,0", "near=0,181", "near=1e999,0", "radius_km=-1&near=1,1", "q=" + "x" * 10_000],
)
async def test_impossible_searches_are_explained(visitor: httpx.AsyncClient, query: str) -> None:
    answer = await visitor.get(f"/search?{query}")
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text


async def test_page_asks_for_the_same_as_the_api(visitor: httpx.AsyncClient) -> None:
    """What a form sends is understood as a request without a doubt about any field."""
    asked = SearchInput.model_validate({"q": "x", "near": "59.3,18.1", "radius_km": "10", "free_week": "2026-W49"})
    request = asked.to_request(VISITOR, "sv")
    assert isinstance(request, SearchRequest)
    assert request.near is not None
    assert request.near.distance_km(59.3, 18.1) == 0
    # To Göteborg it is about 397 km.
    assert 390 < Near(59.329, 18.069, 1).distance_km(57.709, 11.975) < 405
    assert (await visitor.get("/search?near=59.3,18.1&radius_km=10")).status_code == 200
