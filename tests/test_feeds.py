"""Atom feeds: valid by RFC 4287, public whoever asks, newest first, in one language, cheap to ask for again."""

import re
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from lxml import etree

from registry.access import SYSTEM, Role
from registry.accounts.codes import OrganisationKind
from registry.entries import queries as entries
from registry.entries import service as entry_service
from registry.entries.codes import Sector, Visibility
from search.sync import index_entry
from tests import factories
from tests.factories_procurement import session
from tests.factories_search import HOSTILE_SCRIPT, entry, word, write_raw

FEEDS = ("/feeds/entries.atom", "/feeds/search.atom")
NAMES = {"a": "http://www.w3.org/2005/Atom"}
LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"
# RFC 3339 with capital T and Z or an offset (RFC 4287, section 3.3).
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")


def only(element: Any, path: str) -> Any:
    """The one thing at a path."""
    (found,) = element.xpath(path, namespaces=NAMES)
    return found


def read(answer: httpx.Response) -> Any:
    """The feed of an answer, once it keeps the rules of RFC 4287."""
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/atom+xml; charset=utf-8"
    feed = etree.fromstring(answer.content)
    assert feed.tag == f"{{{NAMES['a']}}}feed"
    assert feed.get(LANGUAGE) in {"sv", "en"}
    # 4.1.1: one id, title and updated; an author here or in each entry; a link to itself; one alternate.
    _check_common(feed)
    assert only(feed, "a:author/a:name").text
    self_link = only(feed, "a:link[@rel='self']")
    assert self_link.get("type") == "application/atom+xml"
    assert _is_absolute(self_link.get("href"))
    found = feed.xpath("a:entry", namespaces=NAMES)
    for one in found:
        _check_common(one)
        assert only(one, "a:author/a:name").text
        assert MOMENT.fullmatch(only(one, "a:published").text)
        assert len(one.xpath("a:summary", namespaces=NAMES)) <= 1
    ids = [only(one, "a:id").text for one in found]
    assert len(set(ids)) == len(ids)
    # What is an element of Atom here has to be one of these, in any order.
    known = {"id", "title", "updated", "published", "author", "link", "category", "summary", "entry", "name"}
    assert {etree.QName(element).localname for element in feed.iter()} <= known | {"feed"}
    return feed


def _check_common(element: Any) -> None:
    assert _is_absolute(only(element, "a:id").text)
    assert only(element, "a:title").text
    assert MOMENT.fullmatch(only(element, "a:updated").text)
    alternate = only(element, "a:link[@rel='alternate']")
    assert alternate.get("type") == "text/html"
    assert _is_absolute(alternate.get("href"))


def _is_absolute(address: str) -> bool:
    parts = urlsplit(address)
    return parts.scheme in {"http", "https"} and bool(parts.netloc)


def titles(feed: Any) -> list[str]:
    return [title.text for title in feed.xpath("a:entry/a:title", namespaces=NAMES)]


async def test_feed_of_a_search_has_what_a_reader_needs(visitor: httpx.AsyncClient) -> None:
    mine = word()
    body = await factories.organisation(OrganisationKind.COMMITTEE)
    _, slug = await entry(body=body, title_sv=f"Åkerbädd {mine}", summary_sv="Prova på åkern", title_en=f"Field {mine}")
    feed = read(await visitor.get("/feeds/search.atom", params={"q": mine, "sector": "healthcare", "lang": "sv"}))
    assert feed.get(LANGUAGE) == "sv"
    assert mine in only(feed, "a:title").text
    assert only(feed, "a:link[@rel='alternate']").get("href").endswith(f"/search?q={mine}&sector=healthcare&lang=sv")
    assert (
        only(feed, "a:link[@rel='self']").get("href").endswith(f"/feeds/search.atom?q={mine}&sector=healthcare&lang=sv")
    )
    one = only(feed, "a:entry")
    assert only(one, "a:title").text == f"Åkerbädd {mine}"
    assert only(one, "a:summary").text == "Prova på åkern"
    assert only(one, "a:id").text.endswith(f"/entries/{slug}")
    assert only(one, "a:link").get("href").endswith(f"/entries/{slug}?lang=sv")
    name = (await entries.get_entry(SYSTEM, slug)).row["body_name_sv"]
    assert only(one, "a:author/a:name").text == name
    assert [(c.get("term"), c.get("label")) for c in one.xpath("a:category", namespaces=NAMES)] == [
        ("testbed", "Testbädd"),
        ("healthcare", "Vård"),
    ]


async def test_language_of_the_address_decides_and_nothing_else(visitor: httpx.AsyncClient) -> None:
    mine = word()
    await entry(title_sv=f"Rum {mine}", title_en=f"Room {mine}")
    await entry(title_sv=f"Bara svenska {mine}")
    english = read(await visitor.get("/feeds/search.atom", params={"q": mine, "lang": "en"}))
    assert english.get(LANGUAGE) == "en"
    assert titles(english) == [f"Bara svenska {mine}", f"Room {mine}"]
    assert [title.get(LANGUAGE) for title in english.xpath("a:entry/a:title", namespaces=NAMES)] == ["sv", None]
    answer = await visitor.get("/feeds/search.atom", params={"q": mine}, headers={"Accept-Language": "en"})
    assert titles(read(answer)) == [f"Bara svenska {mine}", f"Rum {mine}"]
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("path", FEEDS)
@pytest.mark.parametrize("role", [None, Role.EMPLOYEE, Role.COORDINATOR])
async def test_entry_for_staff_never_appears(visitor: httpx.AsyncClient, path: str, role: Role | None) -> None:
    mine = word()
    await entry(title_sv=f"Hemlig {mine}", visibility=Visibility.STAFF)
    await entry(title_sv=f"Utkast {mine}", publish=False)
    await entry(title_sv=f"Öppen {mine}")
    if role:
        visitor.cookies.update(await session(await factories.person(role)))
    found = [title for title in titles(read(await visitor.get(path))) if mine in title]
    assert found == [f"Öppen {mine}"]


async def test_entries_come_newest_first_and_50_at_most(visitor: httpx.AsyncClient) -> None:
    mine = word()
    for number in range(52):
        await entry(title_sv=f"{mine} nummer {number}")
    # Where the page of a search begins, how long it is and how it is ordered is its own matter.
    feed = read(await visitor.get("/feeds/search.atom", params={"q": mine, "sort": "title", "page": 2, "page_size": 5}))
    assert titles(feed) == [f"{mine} nummer {number}" for number in range(51, 1, -1)]
    moments = [only(one, "a:published").text for one in feed.xpath("a:entry", namespaces=NAMES)]
    assert moments == sorted(moments, reverse=True)
    assert titles(read(await visitor.get("/feeds/entries.atom")))[:50] == titles(feed)


async def test_changed_entry_is_updated_but_not_published_anew(visitor: httpx.AsyncClient) -> None:
    mine = word()
    entry_id, slug = await entry(title_sv=mine)
    before = only(read(await visitor.get("/feeds/search.atom", params={"q": mine})), "a:entry")
    row = await entries.get_entry(SYSTEM, slug)
    text = entry_service.text_of({**row.row, "summary_sv": "Ny sammanfattning"})
    await entry_service.change_entry(SYSTEM, entry_id, text, read_version=row.version)
    await index_entry(entry_id)
    feed = read(await visitor.get("/feeds/search.atom", params={"q": mine}))
    after = only(feed, "a:entry")
    assert only(after, "a:id").text == only(before, "a:id").text
    assert only(after, "a:published").text == only(before, "a:published").text
    assert datetime.fromisoformat(only(after, "a:updated").text) >= datetime.fromisoformat(
        only(before, "a:updated").text
    )
    versions = await entries.versions(entry_id)
    assert only(after, "a:updated").text == versions[0].published_at.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert only(feed, "a:updated").text == only(after, "a:updated").text


async def test_unchanged_feed_is_not_sent_again(visitor: httpx.AsyncClient) -> None:
    mine = word()
    entry_id, _ = await entry(title_sv=mine)
    path = f"/feeds/search.atom?q={mine}"
    tag = (await visitor.get(path)).headers["etag"]
    for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        answer = await visitor.get(path, headers={"If-None-Match": known})
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", tag)
    await write_raw(entry_id, summary_sv="Nytt")
    answer = await visitor.get(path, headers={"If-None-Match": tag})
    assert answer.status_code == 200
    assert answer.headers["etag"] != tag


async def test_search_that_finds_nothing_is_a_valid_feed(visitor: httpx.AsyncClient) -> None:
    mine = word()
    await entry(title_sv=mine)
    assert titles(read(await visitor.get("/feeds/search.atom", params={"q": word()}))) == []
    # The page shows what has some of the words; a feed of that would change its subject without a word.
    assert titles(read(await visitor.get("/feeds/search.atom", params={"q": f"{mine} {word()}"}))) == []


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("sector=space", "sector.0"),
        ("near=a,b", "near"),
        ("page=0", "page"),
        ("q=a&q=b", "q"),
        ("radius_km=5", "radius_km"),
    ],
)
async def test_wrong_filter_is_answered_as_in_the_api(visitor: httpx.AsyncClient, query: str, field: str) -> None:
    answer = await visitor.get(f"/feeds/search.atom?{query}")
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert [error["field"] for error in answer.json()["errors"]] == [field]


async def test_feed_holds_whatever_people_wrote(visitor: httpx.AsyncClient) -> None:
    mine = word()
    entry_id, _ = await entry()
    await write_raw(entry_id, title_sv=f"{HOSTILE_SCRIPT} {mine} ]]>", summary_sv="\x01\x0b\ufffe slut")
    feed = read(await visitor.get("/feeds/search.atom", params={"q": mine, "utm_source": "x"}))
    assert titles(feed) == [f"{HOSTILE_SCRIPT} {mine} ]]>"]
    assert only(feed, "a:entry/a:summary").text.strip() == "slut"
    read(await visitor.get("/feeds/search.atom?q=%00%3Cb%3E%F0%9F%A7%AA"))


async def test_search_page_leads_to_its_feed(visitor: httpx.AsyncClient) -> None:
    mine = word()
    await entry(title_sv=mine, primary_sector=Sector.CULTURE)
    page = await visitor.get(
        "/search", params={"q": mine, "sector": "culture", "sort": "title", "page": 1, "lang": "en"}
    )
    address = f"/feeds/search.atom?q={mine}&sector=culture&lang=en"
    in_head = re.search(r'<link rel="alternate" type="application/atom\+xml" title="[^"]+" href="([^"]+)">', page.text)
    visible = re.search(r'<a href="([^"]+)" type="application/atom\+xml">[^<]+</a>', page.text)
    assert in_head is not None
    assert visible is not None
    assert in_head[1] == visible[1] == address.replace("&", "&amp;")
    assert parse_qs(urlsplit(address).query)["q"] == [mine]
    assert titles(read(await visitor.get(address))) == [mine]
