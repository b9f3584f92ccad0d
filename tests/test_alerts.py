"""Mail about saved searches: who is told of what, when, and only once."""

import asyncio
import contextlib
import re
from dataclasses import replace
from datetime import UTC, datetime
from email.message import EmailMessage

import pytest

from registry import database
from registry.access import SYSTEM, VISITOR, Role
from registry.audit.service import EventType, record
from registry.entries import queries as entries
from registry.entries import service as entry_service
from registry.entries.codes import Sector, Visibility
from registry.jobs.service import TryAgainLater
from search import alerts, saved
from search.alerts import MOST_IN_A_MAIL
from search.codes import Frequency
from search.engine import SearchRequest
from search.queries import find
from search.sync import index_entry
from tests import factories
from tests.conftest import Server
from tests.factories_saved import daily_jobs, keep, mails, publish, told, wait_is_over
from tests.factories_search import entry, word
from tests.postbox import Postbox, part


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
    # What the entries of other tests have left behind would come first.
    await database.fetch("DELETE FROM pgqueuer WHERE status = 'queued'")
    actor = await factories.person(Role.FIRM)
    mine = word()
    await keep(actor, f"q={mine}")
    await entry(title_sv=f"Testbädd {mine}")
    message: EmailMessage = await asyncio.to_thread(postbox.wait_for, actor.email, 30)
    assert f"Testbädd {mine}" in part(message, "plain")
    assert str(message["List-Unsubscribe-Post"]) == "List-Unsubscribe=One-Click"


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
