"""Replies that hosts keep: who may, what may stand in them, and how they are filled in."""

import asyncio
from dataclasses import replace

import pytest
from asyncpg import CheckViolationError, PostgresError
from hypothesis import given
from hypothesis import strategies as st
from litestar import Litestar

from registry import database
from registry.access import SYSTEM, Role
from registry.audit.service import EventType, record
from registry.bookings import replies, service, thread
from registry.bookings.codes import ReplyKind
from registry.bookings.replies import ReplyText
from registry.errors import EditedMeanwhile, InvalidInput, NotFound, NotPermitted
from tests import factories
from tests.clients import browser, send
from tests.factories_bookings import Scene, request_for, scene


async def body_of(place: Scene) -> int:
    row = await database.fetch_one("SELECT accountable_body FROM entry WHERE id = $1", place.environment_id)
    assert row is not None
    body: int = row["accountable_body"]
    return body


async def text_for(place: Scene, **changes: object) -> ReplyText:
    text = ReplyText(
        await body_of(place),
        ReplyKind.DECLINE,
        "Tagen",
        "{environment} är upptagen {time}. Hej då, {contact} på {organisation}.",
        "{environment} is taken {time}.",
    )
    return replace(text, **changes)  # type: ignore[arg-type]  # names of its fields


@pytest.mark.parametrize(
    "name", ["requester", "employee", "host", "other_host", "procurement", "legal", "coordinator", "auditor"]
)
async def test_only_hosts_of_the_body_keep_its_templates(name: str) -> None:
    place = await scene()
    text = await text_for(place)
    mine = await replies.create_reply(place.people["host"], text)
    actor = place.people[name]
    if name == "host":
        await replies.change_reply(actor, mine, replace(text, title="Ny"), read_version=1)
        assert [one.title for one in await replies.list_replies(actor)] == ["Ny"]
        await replies.remove_reply(actor, mine)
        assert await replies.list_replies(actor) == []
        return
    with pytest.raises(NotPermitted):
        await replies.create_reply(actor, replace(text, title="En till"))
    with pytest.raises(NotPermitted):
        await replies.change_reply(actor, mine, text, read_version=1)
    with pytest.raises((NotPermitted, NotFound)):
        await replies.remove_reply(actor, mine)
    with pytest.raises((NotPermitted, NotFound)):
        await replies.get_reply(actor, mine)


async def test_host_of_another_body_gives_no_template_away_and_takes_none() -> None:
    place = await scene()
    text = await text_for(place)
    mine = await replies.create_reply(place.people["host"], text)
    other = place.people["other_host"]
    (own,) = other.organisations(Role.HOST)
    with pytest.raises(NotFound):
        await replies.change_reply(other, mine, replace(text, owner=own), read_version=1)
    with pytest.raises(NotPermitted):
        await replies.change_reply(place.people["host"], mine, replace(text, owner=own), read_version=1)


BAD_TEXTS = ["{tid}", "{time", "time}", "{}", "{time.year}", "{time!r}", "{0}", "{{time}}", "{ time }"]


@pytest.mark.parametrize("text", BAD_TEXTS)
async def test_unknown_places_are_refused_and_named(text: str) -> None:
    place = await scene()
    with pytest.raises(InvalidInput) as refused:
        await replies.create_reply(place.people["host"], await text_for(place, text_en=f"Hello {text}"))
    assert [fault.field for fault in refused.value.errors] == ["text_en"]
    assert "{environment}, {time}, {organisation}, {contact}" in str(refused.value.errors[0].message)


@given(st.text(alphabet="{}environmt %s()0.", max_size=60))
def test_text_that_is_accepted_is_filled_to_the_last_place_and_values_are_never_places(text: str) -> None:
    if replies.unknown_place(text) is None:
        value = "%(time)s {time} {0}"
        filled = replies.fill(text, dict.fromkeys(replies.PLACEHOLDERS, value))
        assert filled.count(value) == sum(text.count(f"{{{name}}}") for name in replies.PLACEHOLDERS)
        assert "{" not in filled.replace(value, "")


async def test_what_is_missing_taken_or_too_long_is_refused() -> None:
    place = await scene()
    host = place.people["host"]
    for changes in ({"title": " "}, {"text_sv": "", "text_en": " "}, {"text_sv": "x" * 4001}):
        with pytest.raises(InvalidInput):
            await replies.create_reply(host, await text_for(place, **changes))
    await replies.create_reply(host, await text_for(place))
    with pytest.raises(InvalidInput) as taken:
        await replies.create_reply(host, await text_for(place))
    assert taken.value.errors[0].field == "title"
    await replies.create_reply(host, await text_for(place, kind=ReplyKind.MESSAGE))


async def test_database_refuses_what_says_nothing_or_is_not_logged() -> None:
    place = await scene()
    body = await body_of(place)
    insert = "INSERT INTO reply_template (owner, kind, title, text_sv) VALUES ($1, $2, $3, $4)"
    for kind, title, text in [
        ("other", "T", "x"),
        ("decline", " ", "x"),
        ("decline", "T", " "),
        ("decline", "T", "x" * 4001),
    ]:
        with pytest.raises(CheckViolationError):
            await database.fetch(insert, body, kind, title, text)
    with pytest.raises(PostgresError, match="was not logged"):
        await database.fetch(insert, body, "decline", "T", "x")


async def test_second_of_two_hosts_who_change_a_template_is_told() -> None:
    place = await scene()
    host = place.people["host"]
    text = await text_for(place)
    reply_id = await replies.create_reply(host, text)
    results = await asyncio.gather(
        *(
            replies.change_reply(host, reply_id, replace(text, title=f"Titel {number}"), read_version=1)
            for number in range(6)
        ),
        return_exceptions=True,
    )
    assert sum(result is None for result in results) == 1
    assert all(isinstance(result, EditedMeanwhile) for result in results if result is not None)
    assert (await replies.get_reply(host, reply_id)).version == 2


async def test_template_is_chosen_without_javascript_and_what_was_typed_stays(application: Litestar) -> None:
    place = await scene()
    host, requester = place.people["host"], place.people["requester"]
    async with database.transaction():
        await record(SYSTEM, EventType.PERSON_CREATED, requester.person_id)
        await database.fetch("UPDATE person SET language = 'en' WHERE id = $1", requester.person_id)
    reply_id = await replies.create_reply(host, await text_for(place))
    other = await scene()
    await replies.create_reply(other.people["host"], await text_for(other, title="Någon annans"))
    booking_id = await service.create_booking(requester, request_for(place.slug), submit=True)
    async with await browser(application, host) as client:
        page = (await client.get(f"/desk/bookings/{booking_id}")).text
        assert "For declining: Tagen" in page
        assert "Någon annans" not in page
        used = await send(
            client,
            f"/desk/bookings/{booking_id}/use-reply",
            {"template": str(reply_id), "reason": "Hej! Läs det här:", "seen": "1"},
        )
        assert used.status_code == 200
        # The requester reads English, the host Swedish or not: it is the requester who gets the text.
        assert f"Hej! Läs det här:\n\nTestbed {place.slug} is taken" in used.text
        assert "{time}" not in used.text
        stranger = await send(
            client, f"/desk/bookings/{booking_id}/use-reply", {"template": "999999", "reason": "Kvar"}
        )
        assert "Kvar</textarea>" in stranger.text


async def test_free_times_are_suggested_in_the_requesters_language(application: Litestar) -> None:
    place = await scene()
    text = request_for(place.slug)
    first = await service.create_booking(place.people["requester"], text, submit=True)
    second = await service.create_booking(place.people["other_firm"], text, submit=True)
    async with await browser(application, place.people["host"]) as client:
        await send(client, f"/desk/bookings/{first}/approve", {"seen": "1"})
        page = (await client.get(f"/desk/bookings/{second}?reply=times")).text
        assert "De här tiderna är lediga nu:\n– " in page
        sent = await send(
            client, f"/desk/bookings/{second}/messages", {"reason": "De här tiderna är lediga nu: fredag"}
        )
        assert sent.status_code == 303
    assert (await thread.list_messages(place.people["other_firm"], second))[1] == 1


async def test_pages_create_change_and_remove_a_template(application: Litestar) -> None:
    place = await scene()
    body = await body_of(place)
    values = {
        "version": "0",
        "owner": str(body),
        "kind": "message",
        "title": "Välkommen",
        "text_sv": "Hej {contact}",
        "text_en": "",
    }
    async with await browser(application, place.people["host"]) as client:
        assert "No template yet" in (await client.get("/desk/bookings/templates")).text
        bad = await send(client, "/desk/bookings/templates/new", {**values, "text_sv": "Hej {namn}"})
        assert bad.status_code == 422
        assert "“{namn}” is not something that can be filled in" in bad.text
        assert "Hej {namn}</textarea>" in bad.text
        assert (await send(client, "/desk/bookings/templates/new", values)).status_code == 303
        (kept,) = await replies.list_replies(place.people["host"])
        path = f"/desk/bookings/templates/{kept.id}"
        assert "Hej {contact}</textarea>" in (await client.get(path)).text
        assert (await send(client, path, {**values, "version": "1", "title": "Hej"})).status_code == 303
        late = await send(client, path, {**values, "version": "1", "title": "Hallå"})
        assert late.status_code == 409
        assert "What is stored now" in late.text
        assert 'value="Hallå"' in late.text
        assert (await send(client, path, {**values, "version": "2", "title": "Hallå"})).status_code == 303
        assert (await send(client, f"{path}/remove")).status_code == 303
        assert (await client.get(path)).status_code == 404
        for odd in ("0", str(2**70)):
            assert (await client.get(f"/desk/bookings/templates/{odd}")).status_code == 404
    for name, status in (("requester", 403), ("legal", 403), ("auditor", 403)):
        async with await browser(application, place.people[name]) as client:
            assert (await client.get("/desk/bookings/templates")).status_code == status


async def test_host_without_a_limit_keeps_templates_for_any_body_with_environments() -> None:
    place = await scene()
    everywhere = await factories.person(Role.HOST, organisation_id=None)
    body = await body_of(place)
    assert body in {one["id"] for one in await replies.owners_for(everywhere)}
    await replies.create_reply(everywhere, await text_for(place))
    assert [one["id"] for one in await replies.owners_for(place.people["host"])] == [body]
