"""One journey in a real browser: a firm books, the host approves, legal signs, the booking confirms itself."""

import re
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, ConsoleMessage, Page, async_playwright, expect

from registry import database
from registry.access import SYSTEM, Role
from registry.accounts import service as accounts
from registry.accounts.codes import OrganisationKind
from registry.agreements import service as agreements
from search.sync import reindex
from tests import factories
from tests.conftest import ROOT, Server
from tests.factories_agreements import template

PASSWORD = "a long enough password"
FLAGS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"


@pytest.fixture(scope="session")
async def browser(chromium: str) -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield browser
        await browser.close()


@pytest.fixture
async def page(browser: Browser, server: Server) -> AsyncIterator[Page]:
    context = await browser.new_context(
        base_url=server.address, locale="en-GB", viewport={"width": 1280, "height": 900}
    )
    page = await context.new_page()
    page.set_default_timeout(10_000)
    refused: list[str] = []
    page.on("console", lambda entry: refused.append(entry.text) if is_fault(entry) else None)
    page.on("pageerror", lambda error: refused.append(str(error)))
    yield page
    assert refused == [], "the browser complained"
    await context.close()


def is_fault(entry: ConsoleMessage) -> bool:
    """Whether a line of the console is a fault; that a form was answered with 422 is not."""
    return entry.type == "error" and "422" not in entry.text


async def account(name: str, role: Role, organisation_id: int | None) -> str:
    email = f"{name}-{await factories.organisation()}@registry.test"
    person_id = await accounts.create_person(
        SYSTEM,
        email=email,
        name=name,
        roles=[(role, organisation_id)],
        password=PASSWORD,
        organisation_id=organisation_id,
    )
    await factories.let_sign(person_id, role, organisation_id=organisation_id)
    return email


async def sign_in(page: Page, email: str) -> None:
    await page.goto("/sign-in")
    await page.get_by_label("E-mail address").fill(email)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("main").get_by_role("button", name="Sign in", exact=True).click()
    await expect(page.get_by_text("You are signed in.")).to_be_visible()


async def sign_out(page: Page) -> None:
    await page.get_by_role("button", name="Sign out").click()


async def accessible(page: Page) -> None:
    """No violation of WCAG 2.2 A and AA that axe can find, and no horizontal scrolling at 320 px."""
    await page.evaluate(AXE.read_text())
    found = await page.evaluate("axe.run({runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']})")
    assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in found["violations"]] == [], page.url
    await page.set_viewport_size({"width": 320, "height": 800})
    assert await page.evaluate("document.documentElement.scrollWidth") <= 320, page.url
    await page.set_viewport_size({"width": 1280, "height": 900})


async def test_search_book_approve_sign_confirm(page: Page) -> None:
    body = await factories.organisation(OrganisationKind.COMMITTEE)
    firm_id = await factories.organisation()
    firm = await account("firm", Role.FIRM, firm_id)
    host = await account("host", Role.HOST, body)
    legal = await account("legal", Role.LEGAL, None)
    entry_id, slug = await factories.environment(body=body, title="Kvasthallen journey")
    await agreements.offer_terms(SYSTEM, entry_id, await template(), required=True)
    await reindex()

    await page.goto("/?lang=en")
    await accessible(page)
    await page.locator("input[name=q]").first.fill("kvasthallen")
    await page.get_by_role("button", name="Search").first.click()
    await accessible(page)
    await page.get_by_role("link", name="Kvasthallen journey").first.click()
    await expect(page.get_by_role("heading", level=1)).to_contain_text("Kvasthallen journey")
    await accessible(page)

    await sign_in(page, firm)
    await page.goto(f"/bookings/new?environment={slug}")
    await accessible(page)
    await page.get_by_role("main").get_by_role("link", name=re.compile(r"\d\d:\d\d–\d\d:\d\d")).first.click()
    await page.get_by_role("button", name="Save and continue").click()
    await page.get_by_label("What do you want to try?").fill("A quieter broom")
    await accessible(page)
    await page.get_by_role("button", name="Save and continue").click()
    await page.get_by_label("Benefit for operations").fill("Less noise")
    await page.get_by_role("button", name="Save and continue").click()
    # A field that was left blank keeps what was typed and is pointed out.
    await expect(page.get_by_role("alert")).to_contain_text("This is missing")
    await expect(page.get_by_label("Benefit for operations")).to_have_value("Less noise")
    await page.get_by_label("Benefit for users").fill("Better sleep")
    await page.get_by_role("button", name="Save and continue").click()
    await expect(page.get_by_role("main")).to_contain_text("These agreements have to be in force")
    await page.get_by_role("button", name="Continue").click()
    await accessible(page)
    await page.get_by_role("button", name="Send the booking request").click()
    await expect(page.get_by_text("Your booking request has been sent")).to_be_visible()
    await accessible(page)
    booking_path = page.url.split("?")[0]
    await page.get_by_role("link", name=re.compile("^Read.* the agreement")).first.click()
    await accessible(page)
    agreement_path = page.url.split("?")[0]
    await page.get_by_role("main").get_by_role("button", name=re.compile("^Sign")).first.click()
    await sign_out(page)

    await sign_in(page, host)
    await page.goto("/desk/bookings")
    await expect(page.get_by_role("main")).to_contain_text("A quieter broom")
    await accessible(page)
    await page.get_by_role("main").get_by_role("link", name="Kvasthallen journey").click()
    await accessible(page)
    await page.get_by_role("button", name="Approve").click()
    await expect(page.get_by_role("main")).to_contain_text("Approved, waits for agreements")
    await sign_out(page)

    await sign_in(page, legal)
    await page.goto(f"/desk/agreements/{agreement_path.rsplit('/', 1)[1]}")
    await accessible(page)
    await page.get_by_role("button", name=re.compile("^Approve")).click()
    await page.get_by_role("main").get_by_role("button", name=re.compile("^Sign")).first.click()
    await sign_out(page)

    await sign_in(page, firm)
    await page.goto(booking_path)
    # The worker may have the jobs of many other tests to do first.
    for _ in range(160):
        if await page.get_by_text("Confirmed", exact=True).first.is_visible():
            break
        await page.wait_for_timeout(250)
        await page.reload()
    await expect(page.get_by_text("Confirmed", exact=True).first).to_be_visible()
    row = await database.fetch_one("SELECT state FROM booking WHERE purpose = 'A quieter broom'")
    assert row is not None
    assert row["state"] == "confirmed"


async def test_pages_work_in_swedish_in_the_dark_and_without_javascript(browser: Browser, server: Server) -> None:
    context = await browser.new_context(
        base_url=server.address, locale="sv-SE", color_scheme="dark", java_script_enabled=False
    )
    page = await context.new_page()
    for path in ("/", "/search", "/way-in", "/terms", "/accessibility", "/api", "/sign-in"):
        answer = await page.goto(path)
        assert answer is not None
        assert answer.status == 200, path
        assert await page.locator("html").get_attribute("lang") == "sv"
        assert await page.get_by_role("heading", level=1).count() == 1, path
    await context.close()
