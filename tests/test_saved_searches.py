"""Saved searches: keeping them, who is told of what and when, stopping the mails."""

import asyncio
import contextlib
import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx
import pytest
from litestar import Litestar

from registry import database
from registry.access import SYSTEM, VISITOR, Actor, Role
from registry.audit.queries import events_of
from registry.audit.service import EventType, record
from registry.entries import queries as entries
from registry.entries import service as entry_service
from registry.entries.codes import Sector, Visibility
from registry.errors import InvalidInput, NotFound, NotSignedIn, RuleBroken
from registry.jobs.service import TryAgainLater
from search import alerts, saved
from search.alerts import MOST_IN_A_MAIL
from search.codes import Frequency
from search.engine import SearchRequest
from search.queries import find
from search.sync import index_entry
from tests import factories
from tests.clients import browser, client_for, send
from tests.conftest import Server
from tests.factories_search import entry, word
from tests.postbox import Postbox, part


async def keep(
    actor: Actor, query: str, frequency: Frequency = Frequency.AT_ONCE, *, name: str = "Bussar", language: str = "sv"
) -> int:
    return await saved.save_search(actor, name=name, query=query, frequency=frequency, language=language)


async def publish(**text: Any) -> int:
    """A published entry as the job INDEX_ENTRY leaves it, and saved searches have looked at it."""
    entry_id, _ = await entry(**text)
    await alerts.handle_match({"entry_id": entry_id})
    return entry_id


async def mails(actor: Actor) -> list[dict[str, Any]]:
    """What has been written to a person, oldest first."""
    return [
        dict(row)
        for row in await database.fetch("SELECT * FROM mail WHERE recipient = $1 ORDER BY created_at", actor.email)
    ]


async def wait_is_over(search_id: int) -> None:
    await database.fetch("UPDATE saved_search SET last_mailed_at = now() - interval '1 hour' WHERE id = $1", search_id)


async def told(search_id: int) -> set[int]:
    rows = await database.fetch("SELECT entry FROM saved_search_hit WHERE search = $1", search_id)
    return {row["entry"] for row in rows}


async def daily_jobs(now: datetime) -> set[int]:
    """The searches that the clock has told at a moment; nobody else does these jobs."""
    async with database.transaction():
        before = await database.fetch_one("SELECT coalesce(max(id), 0) AS id FROM pgqueuer")
        assert before is not None
        await alerts.tell_daily(now)
        rows = await database.fetch(
            "DELETE FROM pgqueuer WHERE entrypoint = 'tell_saved_search' AND id > $1 RETURNING payload", before["id"]
        )
    return {json.loads(row["payload"])["search_id"] for row in rows}


# --- Keeping ------------------------------------------------------------------------------------


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


# --- Whether a search finds an entry --------------------------------------------------------------


async def test_search_can_be_asked_about_one_entry() -> None:
    mine = word()
    one, _ = await entry(title_sv=mine)
    other, _ = await entry(title_sv=mine)
    request = SearchRequest(text=mine, only=one)
    result = await find(VISITOR, request)
    assert ([hit.id for hit in result.items], result.total) == ([one], 1)
    assert [hit.id for hit in (await find(VISITOR, replace(request, only=other))).items] == [other]
    assert (await find(VISITOR, replace(request, text=word()))).items == []
    assert (await find(VISITOR, replace(request, filters={"sector": ("culture",)}))).items == []


# --- Mail at once ---------------------------------------------------------------------------------


async def test_mail_at_once_tells_what_is_needed_to_go_on() -> None:
    actor = await factories.person(Role.FIRM)
    mine = word()
    search_id = await keep(actor, f"q={mine}&sector=healthcare", name=f"Åkrar {mine}")
    entry_id = await publish(
        title_sv=f"Testbädd {mine}", summary_sv="Första raden.\nAndra raden.", municipality="Värmdö"
    )
    (mail,) = await mails(actor)
    assert mail["subject"] == f"1 ny träff för ”Åkrar {mine}”"
    slug = (await entries.links_by_id([entry_id]))[entry_id].slug
    # The site's own address, whichever process has written the mail.
    base = mail["unsubscribe_url"].partition("/saved-searches/")[0]
    assert base.startswith("http://127.0.0.1:")
    for text in (mail["text"], mail["html"]):
        assert f"Testbädd {mine}" in text
        assert "Testbädd, Värmdö" in text
        assert "Första raden." in text
        assert "Andra raden." not in text
        assert f"{base}/entries/{slug}?lang=sv" in text
        assert f"{base}/saved-searches/{search_id}" in text
        assert mail["unsubscribe_url"] in text
    assert '<html lang="sv">' in mail["html"]
    assert not re.search(r"<(img|script|link|iframe)|url\(|src=", mail["html"])
    assert (await saved.get_saved_search(actor, search_id)).last_mailed_at is not None


async def test_mail_is_in_the_language_in_which_the_search_was_saved() -> None:
    actor = await factories.person(Role.FIRM)
    mine = word()
    await keep(actor, f"q={mine}", name="Buses", language="en")
    await publish(title_sv=f"Bara svenska {mine}")
    (mail,) = await mails(actor)
    assert (mail["language"], mail["subject"]) == ("en", "1 new result for “Buses”")
    assert f'lang="sv">Bara svenska {mine}</a>' in mail["html"]


async def test_mail_escapes_what_people_wrote() -> None:
    actor = await factories.person(Role.FIRM)
    mine = word()
    await keep(actor, f"q={mine}", name="<b>& mer")
    await publish(title_sv=f"A & B {mine}", summary_sv="1 < 2")
    (mail,) = await mails(actor)
    assert f"A & B {mine}\n" in mail["text"]
    assert f"A &amp; B {mine}" in mail["html"]
    assert "1 &lt; 2" in mail["html"]
    assert "<b>" not in mail["html"]


async def test_what_was_there_before_or_does_not_match_is_not_told() -> None:
    actor = await factories.person(Role.FIRM)
    mine = word()
    before, _ = await entry(title_sv=mine)
    search_id = await keep(actor, f"q={mine}&sector=healthcare")
    assert await told(search_id) == {before}
    await alerts.handle_match({"entry_id": before})
    await publish(title_sv=mine, primary_sector=Sector.CULTURE)
    await publish(title_sv=word())
    assert await mails(actor) == []


async def test_entry_that_has_only_some_of_the_words_is_not_told() -> None:
    actor = await factories.person(Role.FIRM)
    mine, missing = word(), word()
    search_id = await keep(actor, f"q={mine}+{missing}")
    await publish(title_sv=mine)
    assert await mails(actor) == []
    assert await told(search_id) == set()
    await publish(title_sv=f"{mine} {missing}")
    assert len(await mails(actor)) == 1


async def test_changed_entry_is_told_once() -> None:
    actor = await factories.person(Role.FIRM)
    mine = word()
    search_id = await keep(actor, f"q={mine}")
    entry_id = await publish(title_sv=mine)
    row = await entries.get_entry(SYSTEM, (await entries.links_by_id([entry_id]))[entry_id].slug)
    text = replace(entry_service.text_of(row.row), summary_sv="En ny sammanfattning")
    await entry_service.change_entry(SYSTEM, entry_id, text, read_version=row.version)
    await wait_is_over(search_id)
    await index_entry(entry_id)
    await alerts.handle_match({"entry_id": entry_id})
    assert len(await mails(actor)) == 1


async def test_job_that_is_done_twice_or_by_two_workers_mails_once() -> None:
    actor = await factories.person(Role.FIRM)
    mine = word()
    await keep(actor, f"q={mine}")
    entry_id, _ = await entry(title_sv=mine)
    await asyncio.gather(*(alerts.handle_match({"entry_id": entry_id}) for _ in range(3)))
    await alerts.handle_match({"entry_id": entry_id})
    assert len(await mails(actor)) == 1


async def test_entries_that_come_together_make_one_mail() -> None:
    actor = await factories.person(Role.FIRM)
    mine = word()
    search_id = await keep(actor, f"q={mine}")
    async with database.transaction():
        ids = [(await entry(title_sv=f"{mine} nummer {number}"))[0] for number in range(MOST_IN_A_MAIL + 2)]
    for entry_id in ids:
        await alerts.handle_match({"entry_id": entry_id})
    (mail,) = await mails(actor)
    assert mail["subject"].startswith("22 nya träffar")
    assert mail["text"].count("/entries/") == MOST_IN_A_MAIL
    assert "2 till finns i registret:" in mail["text"]
    assert await told(search_id) == set(ids)


async def test_entries_that_come_shortly_after_one_another_make_two_mails_at_most() -> None:
    actor = await factories.person(Role.FIRM)
    mine = word()
    search_id = await keep(actor, f"q={mine}")
    for number in range(4):
        await publish(title_sv=f"{mine} nummer {number}")
    assert len(await mails(actor)) == 1
    with pytest.raises(TryAgainLater) as later:
        await alerts.handle_tell({"search_id": search_id})
    assert 0 < later.value.pause.total_seconds() <= 60
    await wait_is_over(search_id)
    for _ in range(3):
        # A worker of other tests may have told it a moment before.
        with contextlib.suppress(TryAgainLater):
            await alerts.handle_tell({"search_id": search_id})
        await wait_is_over(search_id)
    assert [mail["subject"][:3] for mail in await mails(actor)] == ["1 n", "3 n"]


async def test_mail_holds_what_the_person_may_see_at_that_moment() -> None:
    firm, employee = await factories.person(Role.FIRM), await factories.person(Role.EMPLOYEE)
    mine = word()
    searches = {actor.email: await keep(actor, f"q={mine}") for actor in (firm, employee)}
    await publish(title_sv=f"Hemlig {mine}", visibility=Visibility.STAFF)
    assert (len(await mails(firm)), len(await mails(employee))) == (0, 1)
    # Once the employee's role is withdrawn, the next entry for staff is not told either.
    async with database.transaction():
        await database.fetch("DELETE FROM role_assignment WHERE person = $1", employee.person_id)
        await record(SYSTEM, EventType.ROLE_WITHDRAWN, employee.person_id)
    await wait_is_over(searches[employee.email])
    await publish(title_sv=f"Hemligare {mine}", visibility=Visibility.STAFF)
    await publish(title_sv=f"Öppen {mine}")
    assert len(await mails(employee)) == 2
    for mail in [*await mails(firm), (await mails(employee))[1]]:
        assert f"Öppen {mine}" in mail["text"]
        assert "Hemlig" not in mail["text"] + mail["html"]


async def test_closed_account_gets_no_mail() -> None:
    actor = await factories.person(Role.FIRM)
    mine = word()
    await keep(actor, f"q={mine}")
    async with database.transaction():
        await database.fetch("UPDATE person SET active = false WHERE id = $1", actor.person_id)
        await record(SYSTEM, EventType.PERSON_CREATED, actor.person_id)
    await publish(title_sv=mine)
    assert await mails(actor) == []


async def test_search_with_a_value_that_no_longer_exists_does_not_keep_others_waiting() -> None:
    broken, well = await factories.person(Role.FIRM), await factories.person(Role.FIRM)
    mine = word()
    search_id = await keep(broken, f"q={mine}")
    async with database.transaction():
        await database.fetch("UPDATE saved_search SET query = 'sector=space' WHERE id = $1", search_id)
        await record(SYSTEM, EventType.SAVED_SEARCH_CHANGED, search_id)
    await keep(well, f"q={mine}")
    await publish(title_sv=mine)
    assert (len(await mails(broken)), len(await mails(well))) == (0, 1)


async def test_mail_arrives_within_seconds_of_publishing(server: Server, postbox: Postbox) -> None:
    del server
    actor = await factories.person(Role.FIRM)
    mine = word()
    await keep(actor, f"q={mine}")
    await entry(title_sv=f"Testbädd {mine}")
    message: EmailMessage = await asyncio.to_thread(postbox.wait_for, actor.email, 10)
    assert f"Testbädd {mine}" in part(message, "plain")
    assert str(message["List-Unsubscribe-Post"]) == "List-Unsubscribe=One-Click"


# --- Daily, never, and changing between them ----------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "due"),
    [
        ("2027-07-05T06:00:20", True),  # Monday in summer: 8 in Stockholm
        ("2027-07-05T07:00:20", False),
        ("2027-01-08T07:00:20", True),  # Friday in winter
        ("2027-01-08T06:00:20", False),
        ("2027-01-09T07:00:20", False),  # Saturday
        ("2027-01-10T07:00:20", False),  # Sunday
        ("2027-03-29T06:00:20", True),  # the Monday after the change to summer time
        ("2027-11-01T07:00:20", True),  # the Monday after the change back
    ],
)
async def test_daily_mail_goes_out_at_8_on_weekdays(now: str, *, due: bool) -> None:
    actor = await factories.person(Role.FIRM)
    search_id = await keep(actor, f"q={word()}", Frequency.DAILY)
    jobs = await daily_jobs(datetime.fromisoformat(now).replace(tzinfo=UTC))
    assert (search_id in jobs) is due


async def test_daily_mail_holds_everything_new_once() -> None:
    actor = await factories.person(Role.FIRM)
    mine = word()
    await entry(title_sv=f"{mine} gammal")
    search_id = await keep(actor, f"q={mine}", Frequency.DAILY)
    for number in range(3):
        await publish(title_sv=f"{mine} nummer {number}")
    assert await mails(actor) == []
    await alerts.handle_tell({"search_id": search_id})
    await alerts.handle_tell({"search_id": search_id})
    (mail,) = await mails(actor)
    assert mail["text"].count(f"{mine} nummer") == 3
    assert "gammal" not in mail["text"]
    assert mail["text"].index("nummer 2") < mail["text"].index("nummer 0")


async def test_daily_search_without_news_makes_no_mail() -> None:
    actor = await factories.person(Role.FIRM)
    search_id = await keep(actor, f"q={word()}", Frequency.DAILY)
    await alerts.handle_tell({"search_id": search_id})
    assert await mails(actor) == []


async def test_clock_tells_daily_searches_of_open_accounts_only() -> None:
    actor = await factories.person(Role.FIRM)
    ids = {frequency: await keep(actor, f"q={word()}", frequency) for frequency in Frequency}
    monday = datetime(2027, 1, 11, 7, 0, tzinfo=UTC)
    assert set(ids.values()) & await daily_jobs(monday) == {ids[Frequency.DAILY]}
    async with database.transaction():
        await database.fetch("UPDATE person SET active = false WHERE id = $1", actor.person_id)
        await record(SYSTEM, EventType.PERSON_CREATED, actor.person_id)
    assert not set(ids.values()) & await daily_jobs(monday)


async def test_search_that_never_mails_begins_with_what_is_new_from_then_on() -> None:
    actor = await factories.person(Role.FIRM)
    mine = word()
    search_id = await keep(actor, f"q={mine}", Frequency.NEVER)
    await publish(title_sv=f"{mine} förr")
    await saved.change_saved_search(actor, search_id, name="Bussar", frequency=Frequency.AT_ONCE)
    assert await mails(actor) == []
    await publish(title_sv=f"{mine} sedan")
    (mail,) = await mails(actor)
    assert "förr" not in mail["text"]


# --- Stopping the mails -------------------------------------------------------------------------------


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


# --- Pages --------------------------------------------------------------------------------------------


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
