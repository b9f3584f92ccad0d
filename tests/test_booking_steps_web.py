"""Waiting, moving, early end and outcomes as people and programs meet them: pages, API and mails."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
from icalendar import Calendar
from litestar import Litestar

from registry import database
from registry.access import SYSTEM, Actor, Role
from registry.audit.service import EventType, record
from registry.bookings import moving, service
from registry.bookings.moving import Wanted
from registry.bookings.states import BookingState
from registry.mail.queries import attachments_of
from registry.web import language
from registry.web.notice_mails import send_waiting
from tests import factories
from tests.clients import api, browser, send
from tests.factories_bookings import Scene, booking_in, request_for, scene

S = BookingState
WEEK = timedelta(days=7)
API = "/api/v1/bookings"


async def firm() -> Actor:
    return await factories.person(Role.FIRM, organisation_id=await factories.organisation())


async def row_of(booking_id: object) -> database.Row:
    row = await database.fetch_one("SELECT * FROM booking WHERE id = $1", UUID(str(booking_id)))
    assert row is not None
    return row


def body_for(slug: str, **more: object) -> dict[str, Any]:
    text = request_for(slug)
    assert text.starts_at is not None
    assert text.ends_at is not None
    return {
        "environments": [slug],
        "starts_at": text.starts_at.isoformat(),
        "ends_at": text.ends_at.isoformat(),
        "purpose": text.purpose,
        "operational_benefit": text.operational_benefit,
        "user_benefit": text.user_benefit,
        **more,
    }


async def waiting(place: Scene, actor: Actor) -> UUID:
    return await service.create_booking(actor, request_for(place.slug), submit=True, wait=True)


async def cancel(place: Scene, booking_id: UUID) -> None:
    await service.move_booking(place.people["host"], booking_id, "cancel", reason="The lift is broken")


def form_of(starts_at: datetime, ends_at: datetime) -> dict[str, str]:
    first, last = language.local(starts_at), language.local(ends_at)
    return {
        "date": first.date().isoformat(),
        "starts": f"{first:%H:%M}",
        "end_date": last.date().isoformat(),
        "ends": f"{last:%H:%M}",
    }


# --- Over the API


async def test_waiting_and_answering_over_the_api(application: Litestar) -> None:
    place = await scene()
    holder = await booking_in(place, S.CONFIRMED)
    one, other = await firm(), await firm()
    async with await api(application, one) as client, await api(application, other) as second:
        refused = await client.post(API, json=body_for(place.slug))
        assert refused.status_code == 409
        assert refused.json()["type"].endswith("/time-taken")
        created = await client.post(API, json=body_for(place.slug, waitlist=True))
        assert created.status_code == 201, created.text
        assert created.json()["state"] == "waitlisted"
        assert created.json()["waitlist"] == {"place": 1, "offered_until": None}
        assert created.json()["line"] == []
        late = (await second.post(API, json=body_for(place.slug, waitlist=True))).json()
        assert late["waitlist"]["place"] == 2
        path = f"{API}/{created.json()['id']}"
        early = await client.post(f"{path}/accept-offer")
        assert (early.status_code, early.json()["detail"][:25]) == (409, "No time has been offered ")
        await cancel(place, holder)
        offered = (await client.get(path)).json()
        assert offered["waitlist"]["offered_until"] == offered["hold_until"]
        assert {"accept-offer", "decline-offer"} <= set(offered["actions"])
        assert (await second.post(f"{path}/accept-offer")).status_code == 404
        accepted = await client.post(f"{path}/accept-offer")
        assert (accepted.status_code, accepted.json()["state"]) == (200, "submitted")
        again = await client.post(f"{path}/decline-offer")
        assert again.json()["type"].endswith("/transition-not-allowed")
    async with await api(application, place.people["host"]) as host:
        line = (await host.get(path)).json()["line"]
        assert [entry["id"] for entry in line] == [late["id"]]


async def test_moving_over_the_api(application: Litestar) -> None:
    place = await scene()
    booking_id = await booking_in(place, S.CONFIRMED)
    blocker = await booking_in(place, S.CONFIRMED, hours_ahead=48 + 336)
    row, path = await row_of(booking_id), f"{API}/{booking_id}"
    new = {"starts_at": (row["starts_at"] + WEEK).isoformat(), "ends_at": (row["ends_at"] + WEEK).isoformat()}
    taken = await row_of(blocker)
    clash = {"starts_at": taken["starts_at"].isoformat(), "ends_at": taken["ends_at"].isoformat()}
    async with (
        await api(application, place.people["requester"]) as client,
        await api(application, place.people["host"]) as host,
    ):
        refused = await client.post(f"{path}/move", json=clash)
        assert refused.status_code == 409
        assert refused.json()["type"].endswith("/time-taken")
        assert refused.json()["alternatives"]
        asked = await client.post(f"{path}/move", json={**new, "reason": "Ill"})
        assert asked.status_code == 200, asked.text
        assert asked.json()["starts_at"] != asked.json()["move_request"]["starts_at"]
        assert (await client.post(f"{path}/agree-to-move")).status_code == 403
        assert (await host.post(f"{path}/refuse-to-move")).status_code == 422
        assert (await host.post(f"{path}/refuse-to-move", json={"reason": "No staff"})).json()["move_request"] is None
        await client.post(f"{path}/move", json=new)
        assert (await client.post(f"{path}/take-back-move")).json()["move_request"] is None
        assert (await host.post(f"{path}/agree-to-move")).status_code == 409
        await client.post(f"{path}/move", json=new)
        moved = (await host.post(f"{path}/agree-to-move")).json()
        assert (moved["move_request"], moved["state"]) == (None, "confirmed")
        assert datetime.fromisoformat(moved["starts_at"]) == row["starts_at"] + WEEK
        old = await host.post(f"{path}/move", json={**new, "reason": "x", "sequence": row["sequence"]})
        assert old.json()["type"].endswith("/edited-meanwhile")
        assert (await client.post(f"{path}/move", json={"starts_at": "soon", "ends_at": "later"})).status_code == 422


async def test_early_end_over_the_api(application: Litestar) -> None:
    place = await scene()
    booking_id = await booking_in(place, S.IN_PROGRESS, hours_ahead=-1)
    async with await api(application, place.people["requester"]) as client:
        answer = (await client.post(f"{API}/{booking_id}/end-early")).json()
        assert answer["state"] == "completed"
        ended, until = (datetime.fromisoformat(answer[name]) for name in ("ended_at", "ends_at"))
        assert ended < until
        assert (await client.post(f"{API}/{booking_id}/end-early")).status_code == 409


async def test_outcome_is_recorded_agreed_published_and_removed_over_the_api(application: Litestar) -> None:
    place = await scene()
    booking_id = await booking_in(place, S.COMPLETED)
    path = f"{API}/{booking_id}"
    entry = f"/api/v1/entries/{place.slug}"
    body = {
        "decision": "spread",
        "reason": "Secret detail",
        "hours": 1.5,
        "effects": [{"perspective": "quality", "level": "better", "text": "Fewer missed alarms"}],
    }
    async with (
        await api(application, place.people["requester"]) as client,
        await api(application, place.people["host"]) as host,
    ):
        assert (await host.post(f"{path}/outcome", json={})).status_code == 422
        bad = {**body, "effects": [{"perspective": "quality", "level": "better"}]}
        wrong = await host.post(f"{path}/outcome", json=bad)
        assert wrong.json()["errors"][0]["field"] == "effect_quality"
        recorded = (await host.post(f"{path}/outcome", json=body)).json()
        assert recorded["outcome"]["effects"] == body["effects"]
        assert (recorded["outcome"]["hours"], recorded["outcome"]["publication"]) == (1.5, None)
        assert (await host.post(f"{path}/publish-outcome")).status_code == 409
        written = (await host.post(f"{path}/outcome-text", json={"sv": "Tystare nätter."})).json()
        assert written["outcome"]["publication"]["agreed_at"] is None
        assert (await client.post(f"{path}/publish-outcome")).status_code == 403
        assert (await client.post(f"{path}/agree-to-publish")).status_code == 200
        assert (await client.get(entry)).json()["outcomes"] == []
        published = (await host.post(f"{path}/publish-outcome")).json()
        assert published["outcome"]["publication"]["published_at"]
        (shown,) = (await client.get(entry)).json()["outcomes"]
        assert (shown["decision"], shown["text"]["sv"]) == ("spread", "Tystare nätter.")
        assert "Secret detail" not in str(shown)
        await client.post(f"{path}/remove-outcome")
        assert (await client.get(entry)).json()["outcomes"] == []
        assert (await client.post(f"{path}/outcome-text", json={"sv": "<b>x</b>"})).status_code == 422


# --- On pages


async def test_time_that_is_taken_can_be_waited_for_through_the_steps(application: Litestar) -> None:
    place = await scene()
    holder = await booking_in(place, S.CONFIRMED)
    row = await row_of(holder)
    actor = await firm()
    form = {"environment": place.slug, **form_of(row["starts_at"], row["ends_at"])}
    async with await browser(application, actor) as client:
        clash = await send(client, "/bookings/new", form)
        assert clash.status_code == 409
        assert "Wait for the time that is taken" in clash.text
        step = await send(client, "/bookings/new", {**form, "wait": "true"})
        assert step.status_code == 303, step.text
        edit = step.headers["location"].removesuffix("/test")
        await send(client, f"{edit}/test", {"purpose": "Try it", "personal_data": "none"})
        await send(client, f"{edit}/benefit", {"operational_benefit": "Time", "user_benefit": "Peace"})
        review = (await client.get(f"{edit}/review")).text
        assert "Send it to the waiting list" in review
        assert "Send the booking request" not in review
        path = edit.removesuffix("/edit")
        assert (await send(client, f"{path}/waitlist")).status_code == 303
        assert "You are first in line" in (await client.get(path)).text
        await cancel(place, holder)
        page = (await client.get(path)).text
        assert "Accept the time" in page
        assert "Decline, and leave the waiting list" in page
        await send(client, f"{path}/accept-offer")
        assert "The time is held for you meanwhile" in (await client.get(path)).text


async def test_only_hosts_see_who_waits(application: Litestar) -> None:
    place = await scene()
    holder = await booking_in(place, S.CONFIRMED)
    actor = await firm()
    waits = await waiting(place, actor)
    for name, sees in (("host", True), ("requester", False)):
        async with await browser(application, place.people[name]) as client:
            assert ("Who waits for this time" in (await client.get(f"/bookings/{holder}")).text) == sees
    async with await browser(application, actor) as client:
        page = (await client.get(f"/bookings/{waits}")).text
        assert "You are first in line" in page
        assert "Who waits for this time" not in page


async def test_requester_asks_to_move_and_host_answers_on_the_page(application: Litestar) -> None:
    place = await scene()
    booking_id = await booking_in(place, S.CONFIRMED)
    row = await row_of(booking_id)
    form = {
        **form_of(row["starts_at"] + WEEK, row["ends_at"] + WEEK),
        "sequence": str(row["sequence"]),
        "reason": "Ill",
    }
    path = f"/bookings/{booking_id}"
    async with await browser(application, place.people["requester"]) as client:
        assert "Ask for another time" in (await client.get(path)).text
        assert "Until then you keep the time that you have" in (await client.get(f"{path}/move")).text
        asked = await send(client, f"{path}/move", form)
        assert asked.status_code == 303, asked.text
        page = (await client.get(path)).text
        assert "Take back the wish" in page
        assert "Leave it where it is" not in page
    async with await browser(application, place.people["host"]) as client:
        page = (await client.get(path)).text
        assert "A new time is asked for" in page
        refused = await send(client, f"{path}/refuse-to-move", {"answer": ""})
        assert refused.status_code == 422
        assert "Write the reason" in refused.text
        assert (await send(client, f"{path}/agree-to-move")).status_code == 303
    assert (await row_of(booking_id))["starts_at"] == row["starts_at"] + WEEK


async def test_move_that_is_refused_keeps_what_was_typed_and_says_so(application: Litestar) -> None:
    place = await scene()
    booking_id = await booking_in(place, S.CONFIRMED)
    blocker = await row_of(await booking_in(place, S.CONFIRMED, hours_ahead=96))
    row, path = await row_of(booking_id), f"/bookings/{booking_id}/move"
    form = {**form_of(blocker["starts_at"], blocker["ends_at"]), "sequence": str(row["sequence"]), "reason": "Painted"}
    async with await browser(application, place.people["host"]) as client:
        clash = await send(client, path, form)
        assert clash.status_code == 409
        assert "The booking keeps its time." in clash.text
        assert "Painted" in clash.text
        blank = await send(client, path, {**form, "date": ""})
        assert blank.status_code == 422
        stale = await send(
            client, path, {**form, **form_of(row["starts_at"] + WEEK, row["ends_at"] + WEEK), "sequence": "0"}
        )
        assert stale.status_code == 409
        assert "Look at the booking as it is now" in stale.text
        no_reason = {**form, **form_of(row["starts_at"] + WEEK, row["ends_at"] + WEEK), "reason": ""}
        assert (await send(client, path, no_reason)).status_code == 422
    async with await browser(application, place.people["auditor"]) as client:
        assert (await client.get(path)).status_code == 404


async def test_running_test_is_ended_early_from_its_page(application: Litestar) -> None:
    place = await scene()
    booking_id = await booking_in(place, S.IN_PROGRESS, hours_ahead=-1)
    async with await browser(application, place.people["requester"]) as client:
        page = (await client.get(f"/bookings/{booking_id}")).text
        assert "End early and give back the rest of the time" in page
        assert f'action="/bookings/{booking_id}/complete"' not in page
        assert (await send(client, f"/bookings/{booking_id}/end-early")).status_code == 303
    assert (await row_of(booking_id))["state"] == "completed"


async def test_outcome_goes_from_the_form_to_the_entry_and_away_again(
    application: Litestar, visitor: httpx.AsyncClient
) -> None:
    place = await scene()
    booking_id = await booking_in(place, S.COMPLETED)
    path, entry = f"/bookings/{booking_id}", f"/entries/{place.slug}?lang=en"
    form = {
        "decision": "introduce",
        "reason": "Secret",
        "hours": "1,5",
        "level_quality": "better",
        "effect_quality": "",
    }
    async with (
        await browser(application, place.people["host"]) as host,
        await browser(application, place.people["requester"]) as requester,
    ):
        wrong = await send(host, f"{path}/outcome", form)
        assert wrong.status_code == 422
        assert "Write a sentence" in wrong.text
        assert 'value="1,5"' in wrong.text
        form["effect_quality"] = "Fewer missed alarms"
        assert (await send(host, f"{path}/outcome", form)).status_code == 303
        page = (await host.get(path)).text
        assert "Fewer missed alarms" in page
        assert "1.5 hours" in page
        assert (await send(host, f"{path}/outcome-text", {"text_sv": "", "text_en": ""})).status_code == 422
        await send(host, f"{path}/outcome-text", {"text_sv": "Tystare nätter.", "text_en": ""})
        assert "Agree to this text" in (await requester.get(path)).text
        assert 'publish-outcome"' not in (await host.get(path)).text
        await send(requester, f"{path}/agree-to-publish")
        assert "Tystare" not in (await visitor.get(entry)).text
        await send(host, f"{path}/publish-outcome")
        shown = (await visitor.get(entry)).text
        assert '<div lang="sv"><p>Tystare nätter.</p></div>' in shown
        assert "Fewer missed alarms" in shown
        assert "Secret" not in shown
        await send(requester, f"{path}/remove-outcome")
        assert "Tystare" not in (await visitor.get(entry)).text


# --- In mails


async def mails_of(actor: Actor) -> list[database.Row]:
    assert actor.person_id is not None
    await send_waiting(actor.person_id, datetime.now(UTC) + timedelta(hours=1))
    return await database.fetch("SELECT * FROM mail WHERE recipient = $1 ORDER BY created_at, id", actor.email)


async def test_offer_and_its_lapse_are_mailed_with_the_last_time_to_answer(application: Litestar) -> None:
    del application
    place = await scene()
    holder = await booking_in(place, S.CONFIRMED)
    actor = await firm()
    waits = await waiting(place, actor)
    await cancel(place, holder)
    (mail,) = await mails_of(actor)
    until = language.show_datetime((await row_of(waits))["hold_until"])
    assert mail["subject"].startswith("Tiden du väntar på är ledig")
    assert until in mail["text"]
    assert f"/bookings/{waits}?lang=sv" in mail["text"]
    async with database.transaction():
        await record(SYSTEM, EventType.BOOKING_OFFERED, waits)
        await database.fetch("UPDATE booking SET hold_until = now() WHERE id = $1", waits)
    await service.lapse_waits(datetime.now(UTC))
    await database.fetch(
        "UPDATE notice SET mailed_at = mailed_at - interval '1 day' WHERE person = $1", actor.person_id
    )
    assert "har gått ut" in (await mails_of(actor))[-1]["subject"]


async def test_moved_booking_is_mailed_with_a_newer_event_for_the_calendar() -> None:
    place = await scene()
    booking_id = await booking_in(place, S.CONFIRMED)
    row = await row_of(booking_id)
    wanted = Wanted(row["starts_at"] + WEEK, row["ends_at"] + WEEK, reason="Rummet målas")
    await moving.move(place.people["host"], booking_id, wanted)
    mail = (await mails_of(place.people["requester"]))[-1]
    assert mail["subject"].startswith("Din bokning har fått ny tid")
    assert "Rummet målas" in mail["text"]
    (file,) = await attachments_of(mail["id"])
    (event,) = Calendar.from_ical(file.content).walk("VEVENT")
    assert event["SEQUENCE"] > row["sequence"]
    assert event["DTSTART"].dt == row["starts_at"] + WEEK


async def _of_another_firm(place: Scene, booking_id: UUID) -> None:
    (other,) = place.people["other_firm"].organisations(Role.FIRM)
    async with database.transaction():
        await record(SYSTEM, EventType.BOOKING_CHANGED, booking_id)
        await database.fetch("UPDATE booking SET organisation = $2 WHERE id = $1", booking_id, other)


async def test_request_whose_time_was_given_to_others_can_go_on_the_list_from_its_page(application: Litestar) -> None:
    place = await scene()
    booking_id = await booking_in(place, S.SUBMITTED)
    async with await browser(application, place.people["requester"]) as client:
        path = f"/bookings/{booking_id}"
        assert "has got the time since" not in (await client.get(path)).text
        await _of_another_firm(place, await booking_in(place, S.CONFIRMED))
        page = (await client.get(path)).text
        assert "has got the time since" in page
        assert "Decide at the desk" not in page
        assert (await send(client, f"{path}/waitlist")).status_code == 303
    assert (await row_of(booking_id))["state"] == "waitlisted"
