"""Messages between the two sides of a booking, and the hosts' notes: who may, what stays, who is told."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from asyncpg import CheckViolationError, PostgresError, RestrictViolationError
from litestar import Litestar

from registry import database
from registry.access import Actor, Role
from registry.bookings import queries, service, thread
from registry.bookings.states import BookingState
from registry.errors import InvalidInput, NotFound, NotPermitted, RuleBroken
from registry.web.notice_mails import send_waiting
from tests import factories
from tests.clients import api, browser, send
from tests.factories_bookings import ROLES, Scene, booking_in, request_for, scene

S = BookingState
_SIDES = {"requester": "requester", "colleague": "requester", "host": "host"}
# These read the booking, and so the messages, but are on neither side.
_READERS = {"legal", "auditor"}


async def submitted(place: Scene) -> UUID:
    return await service.create_booking(place.people["requester"], request_for(place.slug), submit=True)


async def mail_to(actor: Actor, *, hours: int = 1) -> str:
    """All mail to somebody, after what waits some hours from now has been written."""
    assert actor.person_id is not None
    await send_waiting(actor.person_id, datetime.now(UTC) + timedelta(hours=hours))
    rows = await database.fetch("SELECT subject, text, html FROM mail WHERE recipient = $1 ORDER BY id", actor.email)
    return "\n".join(f"{row['subject']}\n{row['text']}\n{row['html']}" for row in rows)


@pytest.mark.parametrize("name", ROLES)
async def test_each_role_writes_and_reads_messages_as_its_side_may(name: str) -> None:
    place = await scene()
    booking_id = await submitted(place)
    await thread.send_message(place.people["host"], booking_id, "Hur många kommer?")
    actor = place.people[name]
    if name in _SIDES:
        await thread.send_message(actor, booking_id, "Ett svar")
        found, total = await thread.list_messages(actor, booking_id)
        assert [(one.side, one.text) for one in found] == [("host", "Hur många kommer?"), (_SIDES[name], "Ett svar")]
        assert total == 2
    elif name in _READERS:
        assert (await thread.list_messages(actor, booking_id))[1] == 1
        with pytest.raises(NotPermitted):
            await thread.send_message(actor, booking_id, "Ett svar")
    else:
        with pytest.raises(NotFound):
            await thread.list_messages(actor, booking_id)
        with pytest.raises(NotFound):
            await thread.send_message(actor, booking_id, "Ett svar")


@pytest.mark.parametrize("name", ROLES)
async def test_notes_are_written_by_hosts_and_read_by_them_and_auditors_only(name: str) -> None:
    place = await scene()
    booking_id = await submitted(place)
    await thread.add_note(place.people["host"], booking_id, "De kom för sent förra gången.")
    actor = place.people[name]
    if name == "host":
        await thread.add_note(actor, booking_id, "En till")
    else:
        with pytest.raises((NotFound, NotPermitted)):
            await thread.add_note(actor, booking_id, "En till")
    if name in {"host", "auditor"}:
        notes = await thread.notes_for(actor, booking_id)
        assert notes is not None
        assert (notes[0].author, notes[0].role) == (place.people["host"].name, Role.HOST)
    elif name in {"requester", "colleague", "legal"}:
        assert await thread.notes_for(actor, booking_id) is None
    else:
        with pytest.raises(NotFound):
            await thread.notes_for(actor, booking_id)


async def test_host_who_asks_sees_no_notes_on_the_own_request_and_writes_as_requester() -> None:
    place = await scene()
    row = await database.fetch_one("SELECT accountable_body FROM entry WHERE id = $1", place.environment_id)
    assert row is not None
    both = await factories.person(Role.HOST, Role.EMPLOYEE, organisation_id=row["accountable_body"])
    booking_id = await service.create_booking(both, request_for(place.slug), submit=True)
    await thread.add_note(place.people["host"], booking_id, "Ring chefen först.")
    assert await thread.notes_for(both, booking_id) is None
    with pytest.raises(NotPermitted):
        await thread.add_note(both, booking_id, "Det är jag.")
    await thread.send_message(both, booking_id, "Går det bra?")
    assert (await thread.list_messages(both, booking_id))[0][0].side == "requester"
    # Once handed over it is still the request that they wrote.
    colleague = await factories.person(Role.EMPLOYEE, organisation_id=row["accountable_body"])
    await service.hand_over(both, booking_id, colleague.email)
    assert await thread.notes_for(both, booking_id) is None


async def test_nothing_of_a_note_reaches_the_requester_by_page_api_history_or_mail(application: Litestar) -> None:
    place = await scene()
    booking_id = await submitted(place)
    await thread.add_note(place.people["host"], booking_id, "Hemlig lapp")
    for name in ("requester", "colleague", "legal"):
        async with await browser(application, place.people[name]) as client:
            page = (await client.get(f"/bookings/{booking_id}")).text
            assert "Hemlig lapp" not in page
            assert "own notes" not in page
        async with await api(application, place.people[name]) as client:
            for path in ("", "/messages"):
                answer = await client.get(f"/api/v1/bookings/{booking_id}{path}")
                assert answer.status_code == 200
                assert "Hemlig lapp" not in answer.text
                assert "noted" not in answer.text
        assert "Hemlig lapp" not in await mail_to(place.people[name])
    view = await queries.get_booking(place.people["requester"], booking_id)
    assert all(event.type != "booking.noted" for event in view.events)
    async with await browser(application, place.people["auditor"]) as client:
        assert "Hemlig lapp" in (await client.get(f"/bookings/{booking_id}")).text


async def test_messages_and_notes_are_append_only_logged_and_of_a_good_length() -> None:
    place = await scene()
    booking_id = await submitted(place)
    await thread.send_message(place.people["host"], booking_id, "Hej")
    await thread.add_note(place.people["host"], booking_id, "Hej")
    for table in ("booking_message", "booking_note"):
        for sql in (f"UPDATE {table} SET text = 'x'", f"DELETE FROM {table}", f"TRUNCATE {table}"):
            with pytest.raises(RestrictViolationError):
                await database.fetch(sql)
        columns, values = ("side", "'host'") if table == "booking_message" else ("role", "'host'")
        insert = (
            f"INSERT INTO {table} (booking, author, {columns}, text, created_at) VALUES ($1, $2, {values}, $3, now())"
        )
        who = place.people["host"].person_id
        for text in ("", "  ", "x" * 5001):
            with pytest.raises(CheckViolationError):
                await database.fetch(insert, booking_id, who, text)
        with pytest.raises(PostgresError, match="was not logged"):
            await database.fetch(insert, booking_id, who, "past the log")
    rows = await database.fetch(
        "SELECT type FROM audit_event WHERE subject_kind = 'booking' AND subject_id = $1 ORDER BY id", str(booking_id)
    )
    assert [row["type"] for row in rows][-2:] == ["booking.message_sent", "booking.noted"]
    for text in ("", " \n", "x" * 5001):
        with pytest.raises(InvalidInput):
            await thread.send_message(place.people["host"], booking_id, text)
        with pytest.raises(InvalidInput):
            await thread.add_note(place.people["host"], booking_id, text)


async def test_draft_takes_no_messages() -> None:
    place = await scene()
    booking_id = await service.create_booking(place.people["requester"], request_for(place.slug))
    with pytest.raises(RuleBroken):
        await thread.send_message(place.people["requester"], booking_id, "Hallå?")


async def test_reasons_stay_in_the_thread_when_the_request_is_sent_again() -> None:
    place = await scene()
    booking_id = await submitted(place)
    requester, host = place.people["requester"], place.people["host"]
    await service.move_booking(host, booking_id, "request_changes", reason="Vilken dag passar?")
    await service.move_booking(requester, booking_id, "submit")
    await service.move_booking(host, booking_id, "decline", reason="Rummet byggs om.")
    found, _ = await thread.list_messages(requester, booking_id)
    assert [(one.state, one.side, one.text) for one in found] == [
        (S.CHANGES_REQUESTED, "host", "Vilken dag passar?"),
        (S.DECLINED, "host", "Rummet byggs om."),
    ]


async def test_message_is_mailed_to_the_other_side_gathered_with_what_else_waits() -> None:
    place = await scene()
    booking_id = await submitted(place)
    host, requester = place.people["host"], place.people["requester"]
    await mail_to(host)
    await mail_to(requester)
    await thread.send_message(requester, booking_id, "Kan vi komma en timme tidigare?")
    await thread.send_message(place.people["colleague"], booking_id, "Eller två?")
    rows = await database.fetch("SELECT person, part FROM notice WHERE booking = $1 AND event = 'message'", booking_id)
    people = {row["person"] for row in rows}
    assert {host.person_id} <= people
    assert requester.person_id not in people
    assert {row["part"] for row in rows} == {"host"}
    letter = await mail_to(host, hours=2)
    assert "Kan vi komma en timme tidigare?" in letter
    assert "Eller två?" in letter
    assert f"/desk/bookings/{booking_id}" in letter
    count = await database.fetch_one("SELECT count(*) AS n FROM mail WHERE recipient = $1", host.email)
    assert count is not None
    assert count["n"] == 2
    await thread.send_message(host, booking_id, "Det går bra.")
    assert "Värden har skrivit till dig" in await mail_to(requester, hours=2)


async def test_page_sends_a_message_and_gives_back_what_was_typed_when_it_cannot(application: Litestar) -> None:
    place = await scene()
    booking_id = await submitted(place)
    async with await browser(application, place.people["requester"]) as client:
        answer = await send(client, f"/bookings/{booking_id}/messages", {"text": "Får vi ta med en hund?"})
        assert answer.status_code == 303
        page = await client.get(answer.headers["location"])
        assert "Får vi ta med en hund?" in page.text
        assert "The message is sent." in page.text
        for text in ("<b>fet</b> text", "x" * 5001):
            again = await send(client, f"/bookings/{booking_id}/messages", {"text": text})
            assert again.status_code == 422
            assert (text if text[0] == "x" else "&lt;b&gt;fet&lt;/b&gt; text") in again.text
    async with await browser(application, place.people["other_firm"]) as client:
        assert (await send(client, f"/bookings/{booking_id}/messages", {"text": "Hej"})).status_code == 404
    assert (await thread.list_messages(place.people["host"], booking_id))[1] == 1


async def test_draft_gives_back_what_was_typed_with_the_reason(application: Litestar) -> None:
    place = await scene()
    booking_id = await booking_in(place, S.DRAFT)
    async with await browser(application, place.people["requester"]) as client:
        answer = await send(client, f"/bookings/{booking_id}/messages", {"text": "Hallå?"})
        assert answer.status_code == 409
        assert "Send it first." in answer.text


async def test_api_lists_and_sends_messages(application: Litestar) -> None:
    place = await scene()
    booking_id = await submitted(place)
    path = f"/api/v1/bookings/{booking_id}/messages"
    async with await api(application, place.people["host"]) as client:
        answer = await client.post(path, json={"text": "Hur många?"})
        assert answer.status_code == 201
        assert answer.json()["side"] == "host"
        assert answer.json()["sent_at"].endswith(("+01:00", "+02:00"))
    async with await api(application, place.people["requester"]) as client:
        assert (await client.post(path, json={"text": "Tre."})).status_code == 201
        found = (await client.get(f"{path}?page_size=1&page=2")).json()
        assert (found["total"], [one["text"] for one in found["items"]]) == (2, ["Tre."])
        for body in ({}, {"text": ""}, {"text": "<script>"}, {"text": "x" * 5001}, {"text": "x", "more": 1}):
            assert (await client.post(path, json=body)).status_code == 422
    async with await api(application, place.people["auditor"]) as client:
        assert (await client.get(path)).json()["total"] == 2
        assert (await client.post(path, json={"text": "Nej"})).status_code == 403
    async with await api(application, place.people["other_firm"]) as client:
        assert (await client.get(path)).status_code == 404
        assert (await client.post(path, json={"text": "Nej"})).status_code == 404
