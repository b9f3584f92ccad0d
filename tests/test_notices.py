"""Who is told of what by mail: by event and part, in one mail instead of a flood, and never twice."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from icalendar import Calendar
from litestar import Litestar

from registry import database
from registry.access import SYSTEM, Actor, Role
from registry.audit.service import EventType, record
from registry.bookings import notices, service
from registry.bookings.codes import NoticeEvent, NoticePace, OutcomeDecision
from registry.bookings.notices import TOLD
from registry.bookings.states import BookingState
from registry.errors import InvalidInput
from registry.mail.service import handle_send_mail
from registry.web.notice_mails import send_daily, send_gathered, send_waiting
from registry.web.notice_texts import HEADINGS, TEXTS
from tests import factories, factories_agreements
from tests.clients import browser, send
from tests.factories_bookings import booking_in, request_for, scene
from tests.postbox import Postbox, part

S = BookingState


async def told(booking_id: UUID) -> set[tuple[str, str]]:
    """Who has been told of what, as pairs of address and event."""
    rows = await database.fetch(
        "SELECT p.email, n.event FROM notice n JOIN person p ON p.id = n.person WHERE n.booking = $1", booking_id
    )
    return {(row["email"], row["event"]) for row in rows}


async def mails(actor: Actor) -> list[dict[str, Any]]:
    rows = await database.fetch("SELECT * FROM mail WHERE recipient = $1 ORDER BY created_at, id", actor.email)
    return [dict(row) for row in rows]


async def mailed(actor: Actor, now: datetime | None = None) -> dict[str, Any]:
    """The latest mail to somebody, after what waits has been written."""
    assert actor.person_id is not None
    await send_waiting(actor.person_id, now or datetime.now(UTC))
    return (await mails(actor))[-1]


async def in_english(actor: Actor) -> None:
    async with database.transaction():
        await record(SYSTEM, EventType.PERSON_CREATED, actor.person_id)
        await database.fetch("UPDATE person SET language = 'en' WHERE id = $1", actor.person_id)


def test_every_event_has_words_for_everybody_who_is_told() -> None:
    pairs = {(event, part) for event, parts in TOLD.items() for part in parts}
    assert set(TOLD) == set(NoticeEvent)
    assert set(HEADINGS) == set(TEXTS) == pairs


async def test_request_goes_to_every_host_who_can_decide_with_a_receipt_to_the_requester() -> None:
    place = await scene()
    second = await factories.person(Role.HOST, organisation_id=None)
    booking_id = await service.create_booking(place.people["requester"], request_for(place.slug), submit=True)
    found = await told(booking_id)
    names = {"requester", "host"}
    assert {(place.people[name].email, "submitted") for name in names} | {(second.email, "submitted")} <= found
    assert place.people["other_host"].email not in {email for email, _ in found}
    mail = await mailed(place.people["host"])
    assert mail["subject"].startswith("Ny bokningsförfrågan: Testbädd")
    for text in (mail["text"], mail["html"]):
        assert f"/desk/bookings/{booking_id}?lang=sv" in text
        assert "Try a new alarm" in text
        assert "/account/notices" in text
    assert (await mailed(place.people["requester"]))["subject"].startswith("Din bokningsförfrågan är skickad")


async def test_host_of_one_environment_only_is_told_where_nobody_hosts_them_all() -> None:
    one, other = await scene(), await scene()
    text = request_for(one.slug)
    both = type(text)(**{**text.__dict__, "environments": (one.slug, other.slug)})
    async with database.transaction():
        # Hosts without a limit, whom other tests have made, host them both.
        await record(SYSTEM, EventType.ROLE_WITHDRAWN, 0)
        await database.fetch("DELETE FROM role_assignment WHERE role = 'host' AND organisation IS NULL")
    booking_id = await service.create_booking(one.people["requester"], both, submit=True)
    addresses = {email for email, _ in await told(booking_id)}
    assert {one.people["host"].email, other.people["host"].email} <= addresses


STEPS = [
    (S.SUBMITTED, "request_changes", "host", "changes_requested", {"requester"}),
    (S.SUBMITTED, "decline", "host", "declined", {"requester"}),
    (S.SUBMITTED, "waitlist", "host", "waitlisted", {"requester"}),
    (S.SUBMITTED, "withdraw", "requester", "withdrawn", {"host"}),
    (S.SUBMITTED, "withdraw", "colleague", "withdrawn", {"host", "requester"}),
    (S.SUBMITTED, "approve", "host", "confirmed", {"requester"}),
    (S.CONFIRMED, "cancel", "host", "cancelled", {"requester"}),
    (S.CONFIRMED, "cancel", "requester", "cancelled", {"host"}),
    (S.IN_PROGRESS, "complete", "requester", "completed", {"host"}),
    (S.IN_PROGRESS, "complete", "host", "completed", {"requester"}),
    (S.COMPLETED, "outcome", "host", "outcome_recorded", {"requester", "coordinator"}),
]


@pytest.mark.parametrize(("state", "action", "who", "event", "whom"), STEPS)
async def test_step_tells_the_others_and_never_whoever_took_it(
    state: S, action: str, who: str, event: str, whom: set[str]
) -> None:
    place = await scene()
    booking_id = await booking_in(place, state)
    decision = OutcomeDecision.STOP if action == "outcome" else None
    await service.move_booking(place.people[who], booking_id, action, reason="Rummet renoveras.", decision=decision)
    mine = {actor.email: name for name, actor in place.people.items()}
    assert {mine[email] for email, _ in await told(booking_id) if email in mine} == whom
    assert {what for _, what in await told(booking_id)} == {event}
    for name in whom:
        mail = await mailed(place.people[name])
        assert "%(" not in mail["subject"] + mail["text"]
        if action in {"decline", "cancel", "request_changes"}:
            assert "Rummet renoveras." in mail["text"]
            assert "Rummet renoveras." in mail["html"]


async def test_declined_requester_is_told_what_can_be_done_instead() -> None:
    place = await scene()
    await in_english(place.people["requester"])
    booking_id = await booking_in(place, S.SUBMITTED)
    await service.move_booking(place.people["host"], booking_id, "decline", reason="The room is being rebuilt.")
    mail = await mailed(place.people["requester"])
    assert mail["language"] == "en"
    assert mail["subject"].startswith("Your request was declined: Testbed")
    assert f"/bookings/new?environment={place.slug}&lang=en" in mail["text"]
    assert "The room is being rebuilt." in mail["text"]


async def test_nobody_came_is_told() -> None:
    place = await scene()
    booking_id = await booking_in(place, S.CONFIRMED)
    async with database.transaction():
        await notices.tell(place.people["host"], booking_id, NoticeEvent.NO_SHOW)
    assert (await mailed(place.people["requester"]))["subject"].startswith("Ingen kom")


async def test_booking_that_waits_for_agreements_says_what_is_missing_and_tells_legal() -> None:
    case = await factories_agreements.case()
    host = await factories.person(Role.HOST, organisation_id=case.body)
    booking_id = await service.create_booking(case.member, request_for(case.slug), submit=True)
    await service.move_booking(host, booking_id, "approve")
    assert {(case.member.email, "approved"), (case.legal.email, "approved")} <= await told(booking_id)
    mail = await mailed(case.member)
    assert f"Mall {case.template}: En jurist granskar avtalet. Du kan skriva under det redan nu." in mail["text"]
    letter = await mailed(case.legal)
    assert "/desk/agreements/" in letter["text"]
    assert (host.email, "approved") not in await told(booking_id)


async def test_lapse_is_warned_of_once_three_days_before_and_told_to_both() -> None:
    case = await factories_agreements.case()
    host = await factories.person(Role.HOST, organisation_id=case.body)
    booking_id = await service.create_booking(case.member, request_for(case.slug, hours_ahead=500), submit=True)
    await service.move_booking(host, booking_id, "approve")
    row = await database.fetch_one("SELECT hold_until FROM booking WHERE id = $1", booking_id)
    assert row is not None
    await notices.warn_of_lapses(row["hold_until"] - timedelta(days=3, minutes=1))
    assert (host.email, "lapses_soon") not in await told(booking_id)
    for _ in range(2):
        await notices.warn_of_lapses(row["hold_until"] - timedelta(days=3))
    count = await database.fetch_one(
        "SELECT count(*) AS n FROM notice WHERE booking = $1 AND event = 'lapses_soon' AND person = $2",
        booking_id,
        case.member.person_id,
    )
    assert count is not None
    assert count["n"] == 1
    await service.lapse_approvals(row["hold_until"] + timedelta(minutes=1))
    found = await told(booking_id)
    assert {(case.member.email, "lapsed"), (host.email, "lapsed"), (host.email, "lapses_soon")} <= found


async def test_reminder_comes_once_the_day_before_and_again_when_the_time_has_changed() -> None:
    place = await scene()
    booking_id = await booking_in(place, S.CONFIRMED, hours_ahead=72)
    row = await database.fetch_one("SELECT starts_at FROM booking WHERE id = $1", booking_id)
    assert row is not None
    await notices.remind_of_tomorrow(row["starts_at"] - timedelta(hours=25))
    assert await told(booking_id) == set()
    await notices.remind_of_tomorrow(row["starts_at"] - timedelta(hours=24))
    await notices.remind_of_tomorrow(row["starts_at"] - timedelta(hours=2))
    assert (place.people["requester"].email, "tomorrow") in await told(booking_id)
    assert "Testbädd" in (await mailed(place.people["requester"]))["text"]


async def test_handed_over_booking_is_told_to_the_colleague_and_the_hosts() -> None:
    place = await scene()
    booking_id = await booking_in(place, S.CONFIRMED)
    await service.hand_over(place.people["requester"], booking_id, place.people["colleague"].email)
    found = await told(booking_id)
    assert {(place.people[name].email, "handed_over") for name in ("colleague", "host")} <= found
    assert place.people["requester"].email not in {email for email, _ in found}
    await service.move_booking(place.people["host"], booking_id, "cancel", reason="Stängt.")
    assert (place.people["colleague"].email, "cancelled") in await told(booking_id)
    assert (place.people["requester"].email, "cancelled") not in await told(booking_id)


async def test_moved_booking_says_the_old_and_the_new_time() -> None:
    place = await scene()
    booking_id = await booking_in(place, S.CONFIRMED)
    old = datetime(2033, 3, 1, 8, tzinfo=UTC)
    async with database.transaction():
        await notices.tell(place.people["host"], booking_id, NoticeEvent.MOVED, about=old)
    assert "1 mars 2033 09.00" in (await mailed(place.people["requester"]))["text"]


# --- One mail instead of a flood


async def test_first_mail_goes_at_once_and_what_follows_is_gathered() -> None:
    place, now = await scene(), datetime.now(UTC)
    host = place.people["host"]
    assert host.person_id is not None
    for hours in (48, 72, 96, 120):
        await service.create_booking(place.people["requester"], request_for(place.slug, hours_ahead=hours), submit=True)
        await send_waiting(host.person_id, now)
    assert len(await mails(host)) == 1
    await send_gathered(now + timedelta(minutes=14))
    assert len(await mails(host)) == 1
    await send_gathered(now + timedelta(minutes=15, seconds=1))
    first, second = await mails(host)
    assert first["subject"].startswith("Ny bokningsförfrågan")
    assert second["subject"] == "3 händelser i dina bokningar"
    assert second["text"].count("/desk/bookings/") == 3


async def test_receipt_does_not_keep_the_answer_waiting() -> None:
    place = await scene()
    requester = place.people["requester"]
    booking_id = await service.create_booking(requester, request_for(place.slug), submit=True)
    await mailed(requester)
    await service.move_booking(place.people["host"], booking_id, "decline", reason="Nej.")
    assert "avslag" in (await mailed(requester))["subject"]


async def test_daily_mail_comes_at_eight_in_stockholm_summer_and_winter() -> None:
    place = await scene()
    host = place.people["host"]
    assert host.person_id is not None
    await notices.choose_pace(host, NoticePace.DAILY)
    for hours in (48, 72):
        await service.create_booking(place.people["requester"], request_for(place.slug, hours_ahead=hours), submit=True)
    await send_waiting(host.person_id, datetime.now(UTC))
    for early in (datetime(2033, 7, 1, 7, tzinfo=UTC), datetime(2033, 1, 10, 6, tzinfo=UTC)):
        await send_daily(early)
    assert await mails(host) == []
    await send_daily(datetime(2033, 7, 1, 6, tzinfo=UTC))
    (mail,) = await mails(host)
    assert mail["subject"] == "2 händelser i dina bokningar"


async def test_only_what_needs_somebody_is_told_who_has_chosen_that() -> None:
    place = await scene()
    host = place.people["host"]
    await notices.choose_pace(host, NoticePace.NEEDED)
    booking_id = await service.create_booking(place.people["requester"], request_for(place.slug), submit=True)
    await service.move_booking(place.people["requester"], booking_id, "withdraw")
    assert {event for email, event in await told(booking_id) if email == host.email} == {"submitted"}


async def test_two_workers_write_one_mail() -> None:
    place = await scene()
    host = place.people["host"]
    assert host.person_id is not None
    await service.create_booking(place.people["requester"], request_for(place.slug), submit=True)
    await asyncio.gather(*[send_waiting(host.person_id, datetime.now(UTC)) for _ in range(6)])
    assert len(await mails(host)) == 1


async def test_whoever_has_lost_the_role_or_the_account_gets_nothing() -> None:
    place = await scene()
    host = place.people["host"]
    assert host.person_id is not None
    await service.create_booking(place.people["requester"], request_for(place.slug), submit=True)
    async with database.transaction():
        await record(SYSTEM, EventType.ROLE_WITHDRAWN, host.person_id)
        await database.fetch("DELETE FROM role_assignment WHERE person = $1", host.person_id)
    await send_waiting(host.person_id, datetime.now(UTC))
    assert await mails(host) == []


async def test_refused_command_tells_nobody() -> None:
    place = await scene()
    booking_id = await booking_in(place, S.SUBMITTED)
    with pytest.raises(InvalidInput):
        await service.move_booking(place.people["host"], booking_id, "decline")
    assert await told(booking_id) == set()


# --- What arrives


async def _delivered(actor: Actor, postbox: Postbox) -> Any:
    mail = await mailed(actor)
    for _ in range(2):
        await handle_send_mail({"mail_id": str(mail["id"])})
    (message,) = postbox.received(actor.email)
    return message


@pytest.mark.parametrize(
    ("action", "method", "status"), [("approve", "PUBLISH", "CONFIRMED"), ("cancel", "CANCEL", "CANCELLED")]
)
async def test_mail_arrives_in_two_parts_with_a_calendar_file(
    postbox: Postbox, action: str, method: str, status: str
) -> None:
    place = await scene()
    booking_id = await booking_in(place, S.SUBMITTED if action == "approve" else S.CONFIRMED)
    await service.move_booking(place.people["host"], booking_id, action, reason="Vi har stängt.")
    message = await _delivered(place.people["requester"], postbox)
    assert "Vi har stängt." in part(message, "plain")
    assert "<html" in part(message, "html")
    (file,) = list(message.iter_attachments())
    assert file.get_content_type() == "text/calendar"
    assert file.get_param("method") == method
    assert file.get_filename().endswith(".ics")
    raw = file.get_payload(decode=True)
    assert b"\r\n" in raw
    assert raw.count(b"\n") == raw.count(b"\r\n")
    calendar = Calendar.from_ical(raw)
    (event,) = calendar.walk("VEVENT")
    row = await database.fetch_one("SELECT starts_at, sequence FROM booking WHERE id = $1", booking_id)
    assert row is not None
    assert (calendar["METHOD"], event["STATUS"]) == (method, status)
    assert event["UID"] == f"booking-{booking_id}@registry"
    assert event["SEQUENCE"] == row["sequence"] > 0
    assert event["DTSTART"].dt == row["starts_at"]
    assert str(event["ORGANIZER"]) == "mailto:registret@registry.test"


async def test_demo_shows_what_is_attached(application: Litestar) -> None:
    place = await scene()
    booking_id = await booking_in(place, S.SUBMITTED)
    await service.move_booking(place.people["host"], booking_id, "approve")
    mail = await mailed(place.people["requester"])
    async with await browser(application, place.people["host"]) as client:
        page = (await client.get(f"/demo/mails/{mail['id']}")).text
    assert f"Attached: bokning-{str(booking_id)[:8]}.ics" in page
    assert "BEGIN:VTIMEZONE" in page


# --- The page


async def test_page_of_mails_keeps_the_choice_and_refuses_what_it_does_not_know(application: Litestar) -> None:
    place = await scene()
    async with await browser(application, place.people["host"]) as client:
        answer = await client.get("/account/notices")
        assert 'value="at_once" checked' in answer.text
        assert (await send(client, "/account/notices", {"pace": "hourly"})).status_code == 422
        saved = await send(client, "/account/notices", {"pace": "daily"})
        assert saved.headers["location"] == "/account/notices?notice=notices-chosen"
        assert 'value="daily" checked' in (await client.get("/account/notices")).text
        assert 'href="/account/notices"' in (await client.get("/account")).text
    assert place.people["host"].person_id is not None
    assert await notices.pace_of(place.people["host"].person_id) is NoticePace.DAILY


async def test_visitor_is_sent_to_sign_in(visitor: Any) -> None:
    for path in ("/account", "/account/notices"):
        answer = await visitor.get(path)
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/sign-in")
