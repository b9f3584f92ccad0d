"""What is asked for in the search: what is counted and what never, for whom, and that searching goes on regardless."""

import asyncio
import contextlib
import csv
import io
import logging
from collections.abc import AsyncIterator
from datetime import date, timedelta
from typing import Any

import asyncpg
import httpx
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from litestar import Litestar
from playwright.async_api import Error as PlaywrightError
from playwright.async_api import Route, async_playwright

from registry import database
from registry.access import SYSTEM, VISITOR, Role
from registry.errors import NotPermitted, NotSignedIn
from search import questions, statistics, vocabulary
from search.questions import Listing
from search.vocabulary import ConceptText
from tests import factories
from tests.clients import api, browser, client_for, send
from tests.conftest import Server
from tests.factories_search import entry, word

DESK = "/desk/search"


@pytest.fixture(autouse=True)
async def fresh() -> AsyncIterator[None]:
    """No counts of other tests."""
    await statistics.write()
    await statistics.write()
    await database.fetch("DELETE FROM search_question")
    yield
    await statistics.write()
    await statistics.write()


async def rows(question: str) -> list[dict[str, Any]]:
    """What is stored of a question, after everything that waits has been written."""
    await statistics.write()
    await statistics.write()
    found = await database.fetch("SELECT * FROM search_question WHERE question = $1 ORDER BY asker", question)
    return [{name: row[name] for name in row.keys()} for row in found]  # noqa: SIM118  # rows are walked by value


async def store(question: str, day: date, **counts: int) -> None:
    """A day's counts, past the buffer."""
    values = {"searches": 3, "without_hits": 0, "last_hits": 1, "clicks": 0, "places": 0, **counts}
    await database.fetch(
        "INSERT INTO search_question"
        " (day, question, language, asker, searches, without_hits, last_hits, clicks, places, clicked_at)"
        " VALUES ($1, $2, 'sv', 'public', $3, $4, $5, $6, $7, array_fill(0, ARRAY[11]))",
        day,
        question,
        *values.values(),
    )


async def click(client: httpx.AsyncClient, question: str, place: object = 1, **headers: str) -> httpx.Response:
    form = {"q": question, "lang": "sv", "place": str(place)}
    return await client.post("/search/click", data=form, headers=headers)


async def test_fifty_searches_at_once_are_counted_as_exactly_fifty(visitor: httpx.AsyncClient) -> None:
    mine = word()
    await entry(title_sv=f"Buss {mine}")

    async def search(number: int) -> None:
        answer = await visitor.get("/search", params={"q": mine if number % 2 else f"  {mine.upper()} ", "lang": "sv"})
        assert answer.status_code == 200
        if number % 7 == 0:
            await statistics.write()

    await asyncio.gather(*(search(number) for number in range(50)))
    (row,) = await rows(mine)
    assert (row["searches"], row["without_hits"], row["last_hits"]) == (50, 0, 1)
    assert (row["asker"], row["language"], row["day"]) == ("public", "sv", statistics.today())


async def test_processes_that_write_at_once_lose_nothing() -> None:
    words = [word() for _ in range(20)]
    buffers = [statistics.Buffer() for _ in range(6)]
    for number, buffer in enumerate(buffers):
        for one in words if number % 2 else reversed(words):
            buffer.add_search(statistics._key(VISITOR, one, "sv"), 1)
    before = statistics._buffer
    try:
        writes = []
        for buffer in buffers:
            statistics._buffer = buffer
            writes.append(asyncio.ensure_future(statistics.write()))
            await asyncio.sleep(0)  # it takes its buffer before it waits for the database
        await asyncio.gather(*writes)
    finally:
        statistics._buffer = before
    for one in words:
        assert (await rows(one))[0]["searches"] == 6


async def test_only_first_pages_with_words_are_counted_and_suggestions_never(
    application: Litestar, visitor: httpx.AsyncClient
) -> None:
    mine = word()
    for path in ("/search?q=", "/search", f"/search?q={mine}&page=2", f"/api/v1/entries/suggest?q={mine}"):
        assert (await visitor.get(path)).status_code == 200
    assert (await visitor.get(f"/search?q={mine}&page=x")).status_code == 422
    assert await rows(mine) == []
    client = await api(application, await factories.person(Role.FIRM))
    await client.get("/api/v1/entries", params={"q": mine})
    await client.get("/api/v1/entries", params={"q": mine, "page": "2"})
    (row,) = await rows(mine)
    assert (row["searches"], row["without_hits"], row["language"], row["asker"]) == (1, 1, "en", "public")
    assert await database.fetch("SELECT FROM search_question WHERE question = ''") == []


async def test_staff_are_counted_apart_and_nothing_else_tells_people_apart(application: Litestar) -> None:
    mine = word()
    for role in (None, Role.FIRM, Role.EMPLOYEE, Role.HOST, Role.COORDINATOR):
        client = await browser(application, await factories.person(role)) if role else client_for(application)
        await client.get(f"/search?q={mine}&lang=sv")
    assert [(row["asker"], row["searches"]) for row in await rows(mine)] == [("public", 2), ("staff", 3)]
    columns = await database.fetch(
        "SELECT column_name FROM information_schema.columns WHERE table_name = 'search_question'"
    )
    assert {row["column_name"] for row in columns} == {
        "id", "day", "question", "language", "asker", "searches", "without_hits", "last_hits", "clicks", "places",
        "clicked_at",
    }  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=140))
@example("anna.andersson@example.org")
@example("19 850 709-9805 anna")
@example("telefon ０７０１２３")
@example("anna＠example")
@example("a" * 101)
@example("x\x00y\ud800")
def test_what_is_kept_of_a_question_is_short_and_holds_no_address_or_number_of_a_person(text: str) -> None:
    kept = statistics.normalised(text)
    if "@" in text or sum(character.isdecimal() for character in text) >= 6 or not text.split():
        assert kept is None
    if kept is not None:
        assert 0 < len(kept) <= 100
        assert kept == " ".join(kept.split())
        assert "@" not in kept
        assert sum(character.isdigit() for character in kept) < 6
        kept.encode()


@settings(max_examples=20, deadline=None)
@given(texts=st.lists(st.text(max_size=120), min_size=1, max_size=20))
async def test_any_questions_are_written_and_none_with_an_address_or_number(texts: list[str]) -> None:
    for text in texts:
        statistics.asked(VISITOR, text, "sv", 1)
        statistics.clicked(VISITOR, text, "sv", 3)
    expected = {kept for text in texts if (kept := statistics.normalised(text))}
    await statistics.write()
    await statistics.write()
    stored = {row["question"] for row in await database.fetch("SELECT question FROM search_question")}
    assert expected <= stored
    assert not [one for one in stored if "@" in one or sum(c.isdigit() for c in one) >= 6 or len(one) > 100]


async def test_database_itself_refuses_addresses_and_numbers() -> None:
    for question in ("anna@example", "850709-9", "tel 08 123 45 67", "x" * 101, ""):
        with pytest.raises((asyncpg.CheckViolationError, asyncpg.StringDataRightTruncationError)):
            await store(question, statistics.today())


async def test_counts_wait_for_a_database_that_fails_and_searching_goes_on(
    visitor: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    mine = word()
    await visitor.get(f"/search?q={mine}&lang=sv")
    await database.fetch("ALTER TABLE search_question RENAME TO search_question_away")
    try:
        with caplog.at_level(logging.WARNING, logger="search.statistics"):
            await statistics.write()
            assert (await visitor.get(f"/search?q={mine}&lang=sv")).status_code == 200
            await click(visitor, mine, 2)
            await statistics.write()
    finally:
        await database.fetch("ALTER TABLE search_question_away RENAME TO search_question")
    assert len(caplog.records) == 2
    assert mine not in caplog.text
    (row,) = await rows(mine)
    assert (row["searches"], row["clicks"], row["places"]) == (2, 1, 2)


async def test_what_cannot_be_kept_in_memory_is_left_out() -> None:
    buffer = statistics.Buffer()
    for number in range(statistics.MOST_KEPT + 10):
        buffer.add_search(statistics._key(VISITOR, f"question {number}", "sv"), 1)
        buffer.add_click(statistics._key(VISITOR, f"other {number}", "sv"), 1)
    first = buffer.take()
    assert len(first) == statistics.MOST_KEPT
    buffer.give_back(first)
    assert len(buffer.take()) == 2 * statistics.MOST_KEPT


async def test_days_that_have_too_many_questions_take_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = word(), word()
    statistics.asked(VISITOR, first, "sv", 1)
    await statistics.write()
    monkeypatch.setattr(statistics, "MOST_A_DAY", 1)
    statistics.asked(VISITOR, first, "sv", 1)
    statistics.asked(VISITOR, second, "sv", 1)
    assert (await rows(first))[0]["searches"] == 2
    assert await rows(second) == []


async def test_clicks_are_counted_by_place_for_what_has_been_asked_today(visitor: httpx.AsyncClient) -> None:
    mine, never = word(), word()
    for _ in range(2):
        await visitor.get(f"/search?q={mine}&lang=sv")
    for place in (1, 1, 10, 11, 40):
        assert (await click(visitor, mine, place)).status_code == 204
    assert (await click(visitor, never)).status_code == 204
    (row,) = await rows(mine)
    assert (row["clicks"], row["places"]) == (5, 63)
    assert row["clicked_at"] == [2, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2]
    assert await rows(never) == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xfe",
        b"q=",
        b"{}",
        b"q=WORD&lang=sv&place=0",
        b"q=WORD&lang=sv&place=1001",
        b"q=WORD&lang=sv&place=-1",
        b"q=WORD&lang=sv&place=x",
        b"q=WORD&lang=de&place=1",
        b"q=WORD&lang=sv",
        b"q=WORD&lang=sv&place=" + b"9" * 4000,
        b"q=WORD&lang=sv&place=1&" + b"x=1&" * 20,
        b"q=WORD&lang=sv&place=1&pad=" + b"x" * 10_000,
    ],
)
async def test_nonsense_is_answered_alike_and_not_counted(visitor: httpx.AsyncClient, body: bytes) -> None:
    mine = word()
    await visitor.get(f"/search?q={mine}&lang=sv")
    answer = await visitor.post("/search/click", content=body.replace(b"WORD", mine.encode()))
    assert (answer.status_code, answer.content) == (204, b"")
    assert "set-cookie" not in answer.headers
    assert (await rows(mine))[0]["clicks"] == 0


@pytest.mark.parametrize("header", [{"DNT": "1"}, {"Sec-GPC": "1"}, {"Sec-Fetch-Site": "cross-site"}])
async def test_clicks_of_those_who_decline_and_of_other_sites_are_not_counted(
    visitor: httpx.AsyncClient, header: dict[str, str]
) -> None:
    mine = word()
    await visitor.get(f"/search?q={mine}&lang=sv")
    assert (await click(visitor, mine, **header)).status_code == 204
    assert (await rows(mine))[0]["clicks"] == 0


async def test_more_clicks_than_is_believable_are_not_counted(visitor: httpx.AsyncClient) -> None:
    mine = word()
    await visitor.get(f"/search?q={mine}&lang=sv")
    for _ in range(statistics.MOST_CLICKS_PER_SEARCH + 1):
        await click(visitor, mine)
    (row,) = await rows(mine)
    assert (row["clicks"], row["places"], row["clicked_at"]) == (0, 0, [0] * 11)


async def test_statistics_are_removed_after_thirteen_months() -> None:
    kept, gone = word(), word()
    row = await database.fetch_one(
        "SELECT ($1::date - interval '13 months')::date AS first, $1::date - 365 AS year", statistics.today()
    )
    assert row is not None
    limit = row["first"]
    assert limit < row["year"]
    await store(kept, limit)
    await store(gone, limit - timedelta(days=1))
    await statistics.remove_old()
    assert len(await rows(kept)) == 1
    assert await rows(gone) == []


async def test_question_is_shown_only_when_asked_three_times_in_the_period() -> None:
    often, rare, before = word(), word(), word()
    today = statistics.today()
    await store(often, today, searches=2)
    await store(often, today - timedelta(days=6), searches=1)
    await store(rare, today, searches=2)
    await store(before, today, searches=1)
    await store(before, today - timedelta(days=7), searches=5)
    since = today - timedelta(days=6)
    assert [row.question for row in await questions.questions(SYSTEM, since, Listing.ASKED)] == [often]
    totals = await questions.totals(SYSTEM, since)
    assert (totals.searches, totals.rare_questions, totals.rare_searches) == (6, 2, 3)
    longer = await questions.questions(SYSTEM, since - timedelta(days=1), Listing.ASKED)
    assert [row.question for row in longer] == [before, often]


async def test_tables_tell_what_is_missing_and_what_nobody_opens() -> None:
    missing, mended, narrowed, unopened, opened = (word() for _ in range(5))
    today = statistics.today()
    await store(missing, today, without_hits=3, last_hits=0)
    await store(mended, today - timedelta(days=1), without_hits=3, last_hits=0)
    await store(mended, today, last_hits=2)
    await store(narrowed, today, searches=10, without_hits=1, last_hits=0, clicks=4, places=8)
    await store(unopened, today, last_hits=7)
    await store(opened, today, searches=4, last_hits=7, clicks=2, places=5)
    since = today - timedelta(days=29)
    assert [row.question for row in await questions.questions(SYSTEM, since, Listing.WITHOUT_HITS)] == [missing]
    unclicked = await questions.questions(SYSTEM, since, Listing.NOT_CLICKED)
    assert {row.question for row in unclicked} == {mended, unopened}
    asked = {row.question: row for row in await questions.questions(SYSTEM, since, Listing.ASKED)}
    assert (asked[mended].searches, asked[mended].last_hits) == (6, 2)
    assert asked[opened].mean_place == 2.5


@pytest.mark.parametrize("role", [None, *Role])
async def test_coordinators_and_auditors_read_the_statistics_and_only_coordinators_add(
    application: Litestar, visitor: httpx.AsyncClient, role: Role | None
) -> None:
    mine = word()
    await store(mine, statistics.today(), without_hits=3, last_hits=0)
    actor = await factories.person(role) if role else VISITOR
    client = await browser(application, actor) if role else visitor
    reads, adds = role in {Role.COORDINATOR, Role.AUDITOR}, role is Role.COORDINATOR
    for path in (DESK, f"{DESK}/questions.csv"):
        answer = await client.get(path)
        assert answer.status_code == (200 if reads else 303 if role is None else 403)
        assert (mine in answer.text) is reads
    assert (f"{DESK}/add?q={mine}" in (await client.get(DESK)).text) is adds
    assert (await client.get(f"{DESK}/add")).status_code == (200 if adds else 303 if role is None else 403)
    form = {"term": mine, "language": "sv", "target": "new"}
    assert (await send(client, f"{DESK}/add", form)).status_code == (303 if adds or role is None else 403)
    added = [one for one in await vocabulary.whole() if mine in one.sv]
    assert len(added) == int(adds)
    if not reads:
        with pytest.raises(NotPermitted if role else NotSignedIn):
            await questions.totals(actor, statistics.today())
        with pytest.raises(NotPermitted if role else NotSignedIn):
            await questions.questions(actor, statistics.today(), Listing.ASKED)


async def test_question_becomes_a_term_of_a_concept(application: Litestar) -> None:
    mine, existing = word(), word()
    concept_id = await vocabulary.create_concept(SYSTEM, ConceptText(sv=(existing,)))
    client = await browser(application, await factories.person(Role.COORDINATOR))
    form = (await client.get(f"{DESK}/add", params={"q": mine, "language": "en"})).text
    assert f'value="{mine}"' in form
    sent = await send(
        client, f"{DESK}/add", {"term": mine, "language": "en", "target": "existing", "concept": existing.upper()}
    )
    assert sent.status_code == 303
    assert sent.headers["location"].startswith(f"/desk/vocabulary/{concept_id}?")
    found = next(one for one in await vocabulary.whole() if one.id == concept_id)
    assert found.en == (mine,)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"term": "x"}, "term"),
        ({"term": "x" * 81}, "term"),
        ({"term": ""}, "term"),
        ({"language": "de"}, "language"),
        ({"concept": ""}, "concept"),
        ({"concept": "nobody knows this"}, "concept"),
    ],
)
async def test_faulty_term_comes_back_with_what_was_typed(
    application: Litestar, change: dict[str, str], field: str
) -> None:
    existing = word()
    await vocabulary.create_concept(SYSTEM, ConceptText(sv=(existing,)))
    client = await browser(application, await factories.person(Role.COORDINATOR))
    before = await vocabulary.vocabulary_version()
    form = {"term": "typed term", "language": "sv", "target": "existing", "concept": existing, **change}
    answer = await send(client, f"{DESK}/add", form)
    assert answer.status_code == 422
    assert f'href="#f-{field}"' in answer.text
    assert form["concept"] in answer.text
    assert await vocabulary.vocabulary_version() == before


async def test_file_holds_what_is_shown_and_the_rest_as_a_sum_and_no_formula(application: Litestar) -> None:
    often, rare = word(), word()
    await store(often, statistics.today(), searches=4, clicks=2, places=5)
    await store("=1+1", statistics.today())
    await store(rare, statistics.today(), searches=2)
    client = await browser(application, await factories.person(Role.AUDITOR))
    answer = await client.get(f"{DESK}/questions.csv?days=7")
    assert answer.headers["content-type"].startswith("text/csv")
    lines = list(csv.reader(io.StringIO(answer.text)))
    assert lines[1] == [often, "sv", "4", "0", "1", "2", "2.5"]
    assert lines[2][0] == "'=1+1"
    assert lines[-1][2] == "2"
    assert rare not in answer.text


async def test_period_is_one_of_four_and_else_the_usual(application: Litestar) -> None:
    old = word()
    await store(old, statistics.today() - timedelta(days=60))
    client = await browser(application, await factories.person(Role.COORDINATOR))
    shown = {
        days: old in (await client.get(f"{DESK}?days={days}")).text for days in ("7", "30", "90", "365", "x", "9999")
    }
    assert shown == {"7": False, "30": False, "90": True, "365": True, "x": False, "9999": False}
    assert "Nobody has searched" in (await client.get(f"{DESK}?days=7")).text


async def test_browser_tells_the_place_of_what_is_opened_unless_asked_not_to(
    database: str, server: Server, chromium: str
) -> None:
    del database
    mine, declined = word(), word()
    for number in range(3):
        await entry(title_sv=f"{mine} {declined} {number}")
    async with async_playwright() as playwright:
        chrome = await playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        try:
            page = await chrome.new_page()
            told: asyncio.Queue[int] = asyncio.Queue()

            async def pass_on(route: Route) -> None:
                # The page may be gone before the answer comes, so it is taken on its way.
                answer = await route.fetch()
                told.put_nowait(answer.status)
                with contextlib.suppress(PlaywrightError):
                    await route.fulfill(response=answer)

            await page.route("**/search/click", pass_on)
            await page.goto(f"{server.address}/search?q={mine}&lang=sv")
            await page.locator("main ol > li >> nth=1").get_by_role("link").first.click()
            assert await asyncio.wait_for(told.get(), 30) == 204
            await page.wait_for_url("**/entries/**")
            quiet = await chrome.new_page()
            await quiet.add_init_script("Object.defineProperty(navigator, 'globalPrivacyControl', {value: true})")
            sent: list[str] = []
            quiet.on("request", lambda request: sent.append(request.url))
            await quiet.goto(f"{server.address}/search?q={declined}&lang=sv")
            await quiet.locator("main ol > li >> nth=0").get_by_role("link").first.click()
            await quiet.wait_for_url("**/entries/**")
            assert not [url for url in sent if url.endswith("/search/click")]
        finally:
            await chrome.close()
    deadline = asyncio.get_running_loop().time() + 4 * statistics.SECONDS_BETWEEN_WRITES
    found: list[dict[str, Any]] = []
    while asyncio.get_running_loop().time() < deadline and not (found and found[0]["clicks"]):
        await asyncio.sleep(0.5)
        found = await rows(mine)
    assert [(row["searches"], row["clicks"], row["places"]) for row in found] == [(1, 1, 2)]


async def test_counts_are_written_when_the_program_ends() -> None:
    mine = word()
    async with statistics.kept_up():
        statistics.asked(VISITOR, mine, "sv", 1)
        statistics.clicked(VISITOR, mine, "sv", 1)
    found = await database.fetch("SELECT searches, clicks FROM search_question WHERE question = $1", mine)
    assert [(row["searches"], row["clicks"]) for row in found] == [(1, 1)]
