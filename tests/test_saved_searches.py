"""Saved searches: keeping them, their pages, and stopping the mails without a sign-in."""

import asyncio
import re
from urllib.parse import urlencode, urlsplit

import httpx
import pytest
from litestar import Litestar

from registry import database
from registry.access import SYSTEM, VISITOR, Actor, Role
from registry.audit.queries import events_of
from registry.audit.service import EventType, record
from registry.entries.codes import Sector
from registry.errors import InvalidInput, NotFound, NotSignedIn, RuleBroken
from search import saved
from search.codes import Frequency
from tests import factories
from tests.clients import browser, client_for, send
from tests.factories_saved import keep, mails, publish, told, wait_is_over
from tests.factories_search import entry, word


async def test_search_is_kept_without_what_only_says_how_it_is_shown() -> None:
    actor = await factories.person(Role.FIRM)
    mine = word()
    search_id = await keep(
        actor,
        f"page=3&lang=en&page_size=5&sector=culture&q=+{mine}++b&sort=relevance&utm_source=x&sector=culture&kind=",
    )
    kept = await saved.get_saved_search(actor, search_id)
    assert kept.query == f"q={mine}+b&sector=culture"
    assert kept.href == f"/search?q={mine}+b&sector=culture"
    assert (kept.asked.q, kept.asked.sector) == (f"{mine} b", [Sector.CULTURE])
    assert kept.last_mailed_at is None


async def test_place_and_order_are_part_of_a_search() -> None:
    actor = await factories.person(Role.FIRM)
    kept = await saved.get_saved_search(actor, await keep(actor, "sort=newest&radius_km=5&near=59.3,18.1"))
    assert kept.query == urlencode({"near": "59.3,18.1", "radius_km": "5", "sort": "newest"})


async def test_same_search_is_saved_once_by_each_person() -> None:
    one, other = await factories.person(Role.FIRM), await factories.person(Role.FIRM)
    mine = word()
    await keep(one, f"sector=culture&sector=transport&q={mine}", name="Mina bussar")
    with pytest.raises(RuleBroken, match="already saved this search, as “Mina bussar”"):
        await keep(one, f"q={mine}&sector=transport&sector=culture&page=2", name="Andra")
    await keep(other, f"q={mine}&sector=transport&sector=culture")
    assert len(await saved.saved_searches(one)) == 1


async def test_same_search_saved_twice_at_the_same_moment_is_saved_once() -> None:
    actor = await factories.person(Role.FIRM)
    mine = word()
    answers = await asyncio.gather(*(keep(actor, f"q={mine}") for _ in range(4)), return_exceptions=True)
    assert sorted(type(answer).__name__ for answer in answers) == ["RuleBroken"] * 3 + ["int"]


async def test_person_has_50_searches_at_most() -> None:
    actor = await factories.person(Role.FIRM)
    for number in range(50):
        await keep(actor, f"q={word()}", name=f"Sökning {number}")
    with pytest.raises(RuleBroken, match="50 saved searches"):
        await keep(actor, f"q={word()}")
    await saved.remove_saved_search(actor, (await saved.saved_searches(actor))[0].id)
    await keep(actor, f"q={word()}")


@pytest.mark.parametrize(
    ("name", "query", "field"),
    [
        ("", "", "name"),
        ("   ", "", "name"),
        ("x" * 101, "", "name"),
        ("Bra", "sector=space", "sector.0"),
        ("Bra", "near=99,99", "near"),
        ("Bra", "q=a&q=b", "q"),
        ("Bra", "&".join(f"municipality={'å' * 100}{number}" for number in range(50)), "query"),
    ],
)
async def test_malformed_search_is_refused_and_not_stored(name: str, query: str, field: str) -> None:
    actor = await factories.person(Role.FIRM)
    with pytest.raises(InvalidInput) as refused:
        await keep(actor, query, name=name)
    assert [fault.field for fault in refused.value.errors] == [field]
    assert await saved.saved_searches(actor) == []


@pytest.mark.parametrize("week", ["2020-W10", "2025-W53"])
async def test_search_for_a_week_that_is_over_or_never_comes_is_not_saved(week: str) -> None:
    actor = await factories.person(Role.FIRM)
    with pytest.raises(InvalidInput):
        await keep(actor, f"free_week={week}")
    assert await saved.saved_searches(actor) == []


async def test_name_of_100_characters_is_kept() -> None:
    actor = await factories.person(Role.FIRM)
    assert (await saved.get_saved_search(actor, await keep(actor, "", name="å" * 100))).name == "å" * 100


async def test_visitor_saves_nothing() -> None:
    with pytest.raises(NotSignedIn):
        await keep(VISITOR, "")
    with pytest.raises(NotSignedIn):
        await saved.saved_searches(VISITOR)


async def test_somebody_elses_search_does_not_exist() -> None:
    owner, other = await factories.person(Role.FIRM), await factories.person(Role.COORDINATOR)
    search_id = await keep(owner, f"q={word()}")
    for attempt in (
        saved.get_saved_search(other, search_id),
        saved.change_saved_search(other, search_id, name="Min", frequency=Frequency.NEVER),
        saved.remove_saved_search(other, search_id),
    ):
        with pytest.raises(NotFound):
            await attempt
    assert (await saved.get_saved_search(owner, search_id)).name == "Bussar"


async def test_changes_are_logged_without_what_a_person_searches_for() -> None:
    actor = await factories.person(Role.FIRM)
    search_id = await keep(actor, f"q={word()}", name="Hemligt")
    await saved.change_saved_search(actor, search_id, name="Hemligare", frequency=Frequency.DAILY)
    await saved.remove_saved_search(actor, search_id)
    events = await events_of("saved_search", search_id)
    assert [(event.type, event.data) for event in events] == [
        ("saved_search.created", {"frequency": "at_once"}),
        ("saved_search.changed", {"frequency": "daily", "renamed": True}),
        ("saved_search.removed", {}),
    ]


async def test_account_takes_its_searches_along() -> None:
    actor = await factories.person(Role.FIRM)
    mine = word()
    await entry(title_sv=mine)
    search_id = await keep(actor, f"q={mine}")
    assert len(await told(search_id)) == 1
    async with database.transaction():
        await database.fetch("DELETE FROM person WHERE id = $1", actor.person_id)
        await record(SYSTEM, EventType.PERSON_CREATED, actor.person_id)
    assert await database.fetch("SELECT 1 FROM saved_search WHERE id = $1", search_id) == []
    assert await told(search_id) == set()


async def _stop_path(actor: Actor) -> str:
    (mail,) = await mails(actor)
    return urlsplit(mail["unsubscribe_url"]).path


async def test_one_click_stops_the_mails_without_cookies_and_without_a_redirect(visitor: httpx.AsyncClient) -> None:
    actor = await factories.person(Role.FIRM)
    mine = word()
    search_id = await keep(actor, f"q={mine}")
    await publish(title_sv=mine)
    path = await _stop_path(actor)
    # Looking does nothing: programs that check mails open every address in them.
    assert (await visitor.get(path)).status_code == 200
    assert (await saved.get_saved_search(actor, search_id)).frequency is Frequency.AT_ONCE
    visitor.cookies.clear()
    for _ in range(2):
        answer = await visitor.post(path, data={"List-Unsubscribe": "One-Click"})
        assert answer.status_code == 200
    assert (await saved.get_saved_search(actor, search_id)).frequency is Frequency.NEVER
    await wait_is_over(search_id)
    await publish(title_sv=mine)
    assert len(await mails(actor)) == 1
    changes = [event.data for event in await events_of("saved_search", search_id)]
    assert changes[1:] == [{"frequency": "never", "by": "link"}]


async def test_token_that_stops_mails_is_stored_as_its_hash_only(visitor: httpx.AsyncClient) -> None:
    actor = await factories.person(Role.FIRM)
    mine = word()
    search_id = await keep(actor, f"q={mine}")
    await publish(title_sv=mine)
    path = await _stop_path(actor)
    token = path.rpartition("/")[2]
    row = await database.fetch_one("SELECT s::text AS everything FROM saved_search s WHERE id = $1", search_id)
    assert row is not None
    assert len(token) == 64
    assert token not in row["everything"]
    await saved.remove_saved_search(actor, search_id)
    for unknown in (path, "/saved-searches/stop/x", f"/saved-searches/stop/{search_id}"):
        assert (await visitor.get(unknown)).status_code == 404
        assert (await visitor.post(unknown)).status_code == 404


async def test_person_saves_changes_and_removes_a_search_on_the_pages(application: Litestar) -> None:
    actor = await factories.person(Role.FIRM)
    mine = word()
    async with await browser(application, actor) as client:
        page = await client.get("/search", params={"q": mine, "sector": "transport", "page": 1})
        query = re.search(r'name="query" value="([^"]*)"', page.text)
        assert query is not None
        assert 'value="' + f"{mine}, Transport" in page.text
        assert 'href="/saved-searches"' in page.text
        form = {"query": query[1].replace("&amp;", "&"), "name": f"Buses {mine}", "frequency": "daily"}
        answer = await send(client, "/saved-searches", form, follow_redirects=True)
        assert "The search is saved." in answer.text
        assert f'href="/search?q={mine}&amp;sector=transport"' in answer.text
        assert f"“{mine}”, Sector: Transport" in answer.text
        (search,) = await saved.saved_searches(actor)
        assert (search.frequency, search.language) == (Frequency.DAILY, "en")
        again = await send(client, "/saved-searches", form)
        assert again.status_code == 409
        assert "You have already saved this search" in again.text
        path = f"/saved-searches/{search.id}"
        assert f'value="Buses {mine}"' in (await client.get(path)).text
        changed = await send(client, path, {"name": "Trains", "frequency": "never"}, follow_redirects=True)
        assert "Trains" in changed.text
        wrong = await send(client, path, {"name": "", "frequency": "never"})
        assert (wrong.status_code, "Give the search a name." in wrong.text) == (422, True)
        removed = await send(client, f"{path}/remove", {}, follow_redirects=True)
        assert "No saved searches yet" in removed.text
        assert (await client.get(path)).status_code == 404


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({"name": "x" * 101, "query": "", "frequency": "daily"}, 422),
        ({"name": "x" * 300, "query": "", "frequency": "daily"}, 422),
        ({"name": "x", "query": "sector=space", "frequency": "daily"}, 422),
        ({"name": "x", "query": "q=%00", "frequency": "daily"}, 303),
        ({"name": "x", "query": "", "frequency": "hourly"}, 422),
        ({"name": "<b>x</b>", "query": "", "frequency": "daily"}, 422),
        ({"name": "x", "query": "q=" + "x" * 10_000, "frequency": "daily"}, 422),
    ],
)
async def test_form_with_odd_values_is_answered_clearly(
    application: Litestar, form: dict[str, str], status: int
) -> None:
    actor = await factories.person(Role.FIRM)
    async with await browser(application, actor) as client:
        assert (await send(client, "/saved-searches", form)).status_code == status
        assert (await client.get("/saved-searches")).status_code == 200
    assert len(await saved.saved_searches(actor)) == (1 if status == 303 else 0)


async def test_visitor_is_led_to_signing_in_and_back_to_the_search(application: Litestar) -> None:
    filters = "&".join(f"municipality=Stad+nummer+{number}" for number in range(20))
    async with client_for(application) as client:
        page = await client.get(f"/search?q=buss&{filters}&lang=en")
        link = re.search(r'href="(/sign-in\?next=[^"]*)"', page.text)
        assert link is not None
        assert 'name="query"' not in page.text
        signing_in = await client.get(link[1])
        way_back = re.search(r'name="next" value="([^"]*)"', signing_in.text)
        assert way_back is not None
        assert way_back[1].replace("&amp;", "&") == f"/search?q=buss&{filters}&lang=en"
        assert (await client.get("/saved-searches")).headers["location"] == "/sign-in?next=%2Fsaved-searches"
        assert "/saved-searches" not in page.text


async def test_pages_of_somebody_elses_search_are_not_found(application: Litestar) -> None:
    owner, other = await factories.person(Role.FIRM), await factories.person(Role.AUDITOR)
    search_id = await keep(owner, f"q={word()}")
    async with await browser(application, other) as client:
        assert (await client.get(f"/saved-searches/{search_id}")).status_code == 404
        form = {"name": "x", "frequency": "never"}
        assert (await send(client, f"/saved-searches/{search_id}", form)).status_code == 404
        assert (await send(client, f"/saved-searches/{search_id}/remove")).status_code == 404
