"""The search in a real browser: suggestions by keyboard, near me, similar results, and what axe finds."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, BrowserContext, Page, Request, Route, async_playwright, expect

from registry.entries.codes import Audience, Kind
from registry.entries.service import EnvironmentText
from search import statistics
from tests.conftest import Server
from tests.factories_search import entry, word
from tests.test_journey import AXE, FLAGS, is_fault
from tests.test_search_statistics import rows

ASKED = "**/api/v1/entries/suggest?*"


@pytest.fixture(scope="module")
async def chrome(chromium: str) -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield browser
        await browser.close()


@pytest.fixture
async def context(chrome: Browser, server: Server) -> AsyncIterator[BrowserContext]:
    context = await chrome.new_context(base_url=server.address, locale="en-GB", viewport={"width": 1280, "height": 900})
    context.set_default_timeout(10_000)
    refused: list[str] = []
    context.on("console", lambda entry: refused.append(entry.text) if is_fault(entry) else None)
    context.on("weberror", lambda error: refused.append(str(error.error)))
    yield context
    assert refused == [], "the browser complained"
    await context.close()


@pytest.fixture
async def page(context: BrowserContext) -> Page:
    return await context.new_page()


@pytest.mark.parametrize("path", ["/?lang=en", "/search?lang=en"])
async def test_suggestions_by_keyboard(page: Page, path: str) -> None:
    mine = word()
    slugs = [(await entry(title_sv=f"{mine} {letter}", title_en=f"{mine} {letter}"))[1] for letter in "AB"]
    await entry(title_en=f"{mine} C", kind=Kind.DEMO_ENVIRONMENT)
    await page.goto(path)
    field = page.get_by_role("combobox").first
    await expect(field).to_have_attribute("aria-expanded", "false")
    await field.press_sequentially(mine)
    options = page.get_by_role("listbox", name="Suggestions").get_by_role("option")
    await expect(options).to_have_text([f"{mine} A Testbed", f"{mine} B Testbed", f"{mine} C Demo environment"])
    await expect(field).to_have_attribute("aria-expanded", "true")
    await expect(page.locator(".search-box [role=status]")).to_have_text("3 suggestions. Use the arrow keys.")
    # Down goes through the list and back to the field, up the other way round.
    chosen = page.locator("[role=option][aria-selected=true]")
    await field.press("ArrowDown")
    await expect(chosen).to_have_text(f"{mine} A Testbed")
    await expect(field).to_have_attribute("aria-activedescendant", str(await chosen.get_attribute("id")))
    await expect(field).to_be_focused()
    await field.press("ArrowUp")
    await expect(chosen).to_have_count(0)
    await expect(field).not_to_have_attribute("aria-activedescendant", "f-q-suggestions-0")
    await field.press("ArrowUp")
    await expect(chosen).to_have_text(f"{mine} C Demo environment")
    await field.press("Escape")
    await expect(page.get_by_role("listbox")).to_be_hidden()
    await expect(field).to_have_value(mine)
    await field.press("Backspace")
    await expect(options).to_have_count(3)
    await field.press("ArrowDown")
    await field.press("ArrowDown")
    await field.press("Enter")
    await page.wait_for_url(f"**/entries/{slugs[1]}?lang=en")


async def test_enter_without_a_choice_searches_as_without_suggestions(page: Page) -> None:
    mine = word()
    await entry(title_sv=mine)
    await page.goto("/?lang=en")
    field = page.get_by_role("combobox").first
    await field.press_sequentially(mine)
    await expect(page.get_by_role("option")).to_have_count(1)
    await expect(page.locator(".search-box [role=status]")).to_have_text("1 suggestion. Use the arrow keys.")
    await field.press("Enter")
    await page.wait_for_url(f"**/search?q={mine}")
    await expect(page.get_by_role("heading", name=f"1 result for “{mine}”")).to_be_visible()


async def test_server_is_asked_once_for_what_is_typed_in_one_go(page: Page) -> None:
    mine = word()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/suggest?" in request.url else None)
    await page.goto("/search?lang=en")
    await page.get_by_role("combobox", name="Search the registry").press_sequentially(mine, delay=10)
    await expect(page.locator(".search-box [role=status]")).to_have_text("No suggestions.")
    assert len(asked) == 1
    assert f"q={mine}" in asked[0]


async def test_answer_to_what_stood_there_before_is_not_shown(page: Page) -> None:
    first, second = word(), word()
    await entry(title_sv=first, title_en=first)
    await entry(title_sv=second, title_en=second)
    held: list[Route] = []
    cancelled: list[Request] = []

    async def hold(route: Route) -> None:
        if first in route.request.url:
            held.append(route)
        else:
            await route.continue_()

    await page.route(ASKED, hold)
    page.on("requestfailed", lambda request: cancelled.append(request))  # noqa: PLW0108  # Playwright marks its handlers
    await page.goto("/search?lang=en")
    field = page.get_by_role("combobox", name="Search the registry")
    async with page.expect_request(ASKED):
        await field.fill(first)
    await field.fill(second)
    await expect(page.locator("[role=option]")).to_have_text([f"{second} Testbed"])
    assert len(held) == 1
    assert [first in request.url for request in cancelled] == [True]


async def test_suggestions_are_nothing_worse_than_missing_without_the_server(page: Page) -> None:
    await page.route(ASKED, lambda route: route.fulfill(status=200, body="no json"))
    await page.goto("/search?lang=en")
    field = page.get_by_role("combobox", name="Search the registry")
    async with page.expect_response(ASKED):
        await field.fill("buss")
    await expect(page.get_by_role("listbox")).to_be_hidden()
    await field.press("Enter")
    await page.wait_for_url("**/search?q=buss**")


async def test_near_me_asks_when_pressed_and_searches_there(context: BrowserContext) -> None:
    mine = word()
    await entry(title_sv=mine, title_en=mine, latitude=63.0, longitude=14.0, municipality="Fjällby")
    await entry(title_sv=mine, title_en=f"{mine} far away", latitude=55.0, longitude=13.0)
    await context.grant_permissions(["geolocation"])
    await context.set_geolocation({"latitude": 63.1234, "longitude": 14.0})
    page = await context.new_page()
    await page.goto(f"/search?q={mine}&lang=en")
    # Nobody has been asked: the address has no place.
    assert "near" not in page.url
    await page.get_by_role("button", name="Near me").click()
    await page.wait_for_url("**near=63.12**")
    # A position is known to about a kilometre, and nothing is sent that says nothing.
    assert "near=63.12%2C14.00" in page.url
    assert "free_week" not in page.url
    assert "sort" not in page.url
    main = page.get_by_role("main")
    await expect(main.get_by_role("article")).to_have_count(1)
    await expect(main.get_by_role("article")).to_contain_text("13 km away")
    await expect(main.get_by_role("link", name="Near me, within 25 km")).to_be_visible()
    # Whoever gets the address does not read that it is their own position.
    other = await context.new_page()
    await other.goto(page.url)
    await expect(other.get_by_role("link", name="Near a position, within 25 km")).to_be_visible()
    await page.get_by_label("Order by").select_option("distance")
    await page.get_by_role("button", name="Show results").click()
    await page.wait_for_url("**sort=distance**")
    await page.get_by_role("link", name="Near me, within 25 km").click()
    await page.wait_for_url(lambda url: "near" not in url and "radius" not in url and "sort" not in url)
    await expect(main.get_by_role("article")).to_have_count(2)


async def test_near_me_without_permission_says_what_to_do(context: BrowserContext) -> None:
    await context.clear_permissions()
    page = await context.new_page()
    await page.goto("/search?lang=en")
    await page.get_by_role("button", name="Near me").click()
    await expect(
        page.get_by_text("Your browser does not give your position. Choose a municipality instead.")
    ).to_be_visible()
    assert "near" not in page.url


async def test_search_works_without_javascript(chrome: Browser, server: Server) -> None:
    mine, town = word(), f"By {word()}"
    await entry(title_sv=mine, municipality=town, latitude=62.0, longitude=16.0)
    context = await chrome.new_context(base_url=server.address, locale="sv-SE", java_script_enabled=False)
    page = await context.new_page()
    await page.goto("/search")
    await expect(page.get_by_role("button", name="Nära mig")).to_be_hidden()
    # What the page knows of places is a few seconds old.
    async with asyncio.timeout(20):
        while not await page.locator("#f-near option", has_text=town).count():
            await asyncio.sleep(0.5)
            await page.reload()
    await page.locator("#f-q").fill(mine)
    await page.locator("#f-near").select_option(label=town)
    await page.get_by_role("button", name="Visa träffar").click()
    await expect(page.get_by_role("heading", level=2, name=f"1 träff på ”{mine}”")).to_be_visible()
    await expect(page.get_by_role("link", name=f"Nära {town}, inom 25 km")).to_be_visible()
    await context.close()


async def test_place_of_a_similar_result_counts_on_from_those_before(page: Page) -> None:
    # Two of our words would have as many digits as a number of a person, and such a question is not counted.
    mine, other = word(), "kvistkorgen"
    await entry(title_sv=f"{mine} {other}")
    await entry(title_sv=f"{mine} ensam")
    question = f"{mine} {other}"
    async with asyncio.timeout(20):
        while True:  # the words of the index are known a few seconds later
            await page.goto(f"/search?q={question}&lang=sv")
            if await page.get_by_role("heading", name="Liknande träffar").count():
                break
            await asyncio.sleep(0.5)
    async with page.expect_request("**/search/click") as told:
        await page.locator("section.similar ol > li").get_by_role("link").first.click()
    assert "place=2" in str((await told.value).post_data)
    found = []
    async with asyncio.timeout(4 * statistics.SECONDS_BETWEEN_WRITES):
        while not (found and found[0]["clicks"]):
            await asyncio.sleep(0.5)
            found = await rows(question)
    assert (found[0]["clicks"], found[0]["places"]) == (1, 2)


async def test_count_is_put_in_its_place_once_more_so_that_it_is_read_out(page: Page) -> None:
    mine = word()
    await entry(title_sv=mine)
    await page.add_init_script(
        """window.told = [];
        document.addEventListener("DOMContentLoaded", () => new MutationObserver((changes) => {
            if (changes.some((change) => change.addedNodes.length)) window.told.push(1);
        }).observe(document.querySelector("[data-read-out]"), {childList: true}));"""
    )
    await page.goto(f"/search?q={mine}&lang=en")
    status = page.locator("[data-read-out]")
    before = await status.inner_text()
    await page.wait_for_timeout(1500)
    assert await page.evaluate("window.told.length") == 1
    assert await status.inner_text() == before
    assert await page.locator("main [role=status]:not(:empty)").count() == 1


@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_search_page_with_open_filters_is_accessible(
    chrome: Browser, server: Server, width: int, scheme: str
) -> None:
    mine, other = word(), word()
    for number in range(12):
        await entry(
            EnvironmentText(bookable_by=(Audience.EXTERNAL,)),
            title_sv=f"{mine} {other if number == 0 else ''}",
            municipality=f"En ganska lång kommun {number} {mine}",
            latitude=61.0,
            longitude=15.0,
        )
    context = await chrome.new_context(
        base_url=server.address,
        locale="sv-SE",
        viewport={"width": width, "height": 900},
        color_scheme="dark" if scheme == "dark" else "light",
    )
    page = await context.new_page()
    filters = "bookable_by_me=true&near=61,15&sector=healthcare"
    for query in (
        f"q={mine}",
        f"q={mine}+{other}&{filters}",
        f"q={mine}&sector=culture&free_week=2020-W01",
        "sector=x",
    ):
        await page.goto(f"/search?{query}&lang=sv")
        await page.evaluate("document.querySelectorAll('main details').forEach((part) => { part.open = true; })")
        await page.evaluate(AXE.read_text())
        found = await page.evaluate("axe.run({runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']})")
        assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in found["violations"]] == [], query
        assert await page.evaluate("document.documentElement.scrollWidth") <= width, query
    await context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_open_suggestions_are_accessible(chrome: Browser, server: Server, scheme: str) -> None:
    mine = word()
    await entry(title_sv=mine)
    context = await chrome.new_context(
        base_url=server.address, locale="sv-SE", color_scheme="dark" if scheme == "dark" else "light"
    )
    page = await context.new_page()
    await page.goto("/")
    await page.get_by_role("combobox").fill(mine)
    await page.get_by_role("combobox").press("ArrowDown")
    await expect(page.get_by_role("option")).to_have_count(1)
    await page.get_by_role("combobox").press("ArrowDown")
    await page.evaluate(AXE.read_text())
    found = await page.evaluate("axe.run({runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']})")
    assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in found["violations"]] == []
    await context.close()
