"""The hosts' desk in a real browser: by keyboard, without JavaScript, at 320 px, and what axe finds."""

import re
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, Page, async_playwright, expect

from registry.access import Actor
from registry.accounts import service as accounts
from registry.bookings import replies, service, thread
from registry.bookings.codes import ReplyKind
from registry.bookings.replies import ReplyText
from registry.bookings.states import BookingState
from tests.conftest import Server
from tests.factories_bookings import booking_in, request_for, scene
from tests.test_journey import FLAGS, accessible, is_fault


@pytest.fixture(scope="module")
async def chrome(chromium: str) -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield browser
        await browser.close()


async def page_of(chrome: Browser, server: Server, actor: Actor, *, with_scripts: bool = True) -> Page:
    """A page of somebody who is signed in."""
    assert actor.person_id is not None
    context = await chrome.new_context(
        base_url=server.address,
        locale="en-GB",
        viewport={"width": 1280, "height": 900},
        java_script_enabled=with_scripts,
    )
    token = await accounts.open_session(actor.person_id, hours=1)
    await context.add_cookies([{"name": "session", "value": token, "url": server.address}])
    context.set_default_timeout(10_000)
    return await context.new_page()


async def test_every_page_of_the_desk_is_accessible_and_fits_320_px(chrome: Browser, server: Server) -> None:
    place = await scene()
    host, firm = place.people["host"], place.people["other_firm"]
    text = request_for(place.slug)
    first, second = [await service.create_booking(firm, text, submit=True) for _ in range(2)]
    completed = await booking_in(place, BookingState.COMPLETED, hours_ahead=-12)
    (body,) = host.organisations(*host.roles)
    reply = await replies.create_reply(host, ReplyText(body, ReplyKind.DECLINE, "Taken", "Tagen {time}", ""))
    await thread.send_message(firm, first, "How many chairs are there?")
    await thread.add_note(host, first, "They were late the last time.")
    page = await page_of(chrome, server, host)
    refused: list[str] = []
    page.on("console", lambda entry: refused.append(entry.text) if is_fault(entry) else None)
    for path in (
        "/desk/bookings",
        "/desk/bookings?group=unit&all=true",
        "/desk/bookings?late=true",
        f"/desk/bookings/{first}",
        f"/desk/bookings/{completed}",
        f"/desk/bookings/choose?chosen={first}.1&chosen={second}.1",
        "/desk/bookings/choose",
        "/desk/bookings/templates",
        "/desk/bookings/templates/new",
        f"/desk/bookings/templates/{reply}",
        f"/bookings/{first}",
    ):
        answer = await page.goto(f"{path}{'&' if '?' in path else '?'}lang=en")
        assert answer is not None
        assert answer.status == 200, path
        assert await page.get_by_role("heading", level=1).count() == 1, path
        await accessible(page)
    # Sent without anything chosen: the errors are where they should be.
    await page.goto(f"/desk/bookings/choose?chosen={first}.1")
    await page.get_by_role("button", name="Decide on those that are ticked").click()
    await expect(page.get_by_text("Choose what you want to do with them.").first).to_be_visible()
    await accessible(page)
    assert refused == []
    await page.context.close()


async def test_two_requests_are_ticked_and_decided_by_keyboard(chrome: Browser, server: Server) -> None:
    place = await scene()
    firm = place.people["other_firm"]
    ids = [
        await service.create_booking(firm, request_for(place.slug, hours_ahead=ahead), submit=True)
        for ahead in (48, 48, 96)
    ]
    page = await page_of(chrome, server, place.people["host"])
    await page.goto("/desk/bookings?lang=en")
    for booking_id in ids[:2]:
        await page.locator(f"#t-{booking_id}").focus()
        await page.keyboard.press("Space")
    await page.get_by_role("button", name="Decide on those that are ticked").focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Decide on 2 requests")
    await page.get_by_role("radio", name="Approve").focus()
    await page.keyboard.press("Space")
    await page.get_by_role("button", name="Decide on those that are ticked").focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("main")).to_contain_text("is done for 1 of 2 requests")
    await accessible(page)
    found = [(await thread.list_messages(place.people["host"], one))[1] for one in ids]
    assert found == [0, 0, 0]
    await page.context.close()


async def test_template_note_and_decision_work_without_javascript(chrome: Browser, server: Server) -> None:
    place = await scene()
    host = place.people["host"]
    (body,) = host.organisations(*host.roles)
    await replies.create_reply(host, ReplyText(body, ReplyKind.DECLINE, "Taken", "Tiden {time} är tagen.", ""))
    booking_id = await service.create_booking(place.people["requester"], request_for(place.slug), submit=True)
    page = await page_of(chrome, server, host, with_scripts=False)
    await page.goto(f"/desk/bookings/{booking_id}?lang=en")
    await page.get_by_label("Message to the requester").fill("Hej!")
    await page.get_by_label("Begin with a template").select_option(label="For declining: Taken")
    await page.get_by_role("button", name="Use the template").click()
    await expect(page.get_by_label("Message to the requester")).to_have_value(
        re.compile(r"^Hej!\n\nTiden .* är tagen\.$")
    )
    assert page.url.endswith("#f-reason")
    await page.get_by_role("button", name="Decline").click()
    await expect(page.get_by_role("main")).to_contain_text("Declined")
    await page.get_by_label("New note").fill("Ring dem i vår.")
    await page.get_by_role("button", name="Save the note").click()
    await expect(page.get_by_role("main")).to_contain_text("Ring dem i vår.")
    await page.context.close()
