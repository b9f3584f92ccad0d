"""Calendar addresses: RFC 5545 where it matters, whose rights count, and what a forged or revoked address gets."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from icalendar import Calendar
from litestar import Litestar

from registry import database
from registry.access import SYSTEM, Actor, Role
from registry.accounts.codes import OrganisationKind
from registry.audit.service import EventType, record
from registry.bookings import feeds, service
from registry.bookings.codes import FeedKind
from registry.bookings.feeds import MOST_FEEDS, MOST_READS
from registry.bookings.states import BookingState
from registry.errors import NotFound, NotPermitted, RuleBroken
from registry.formats import calendar
from registry.formats.calendar import CalendarEvent, Status
from tests import factories
from tests.clients import browser, send
from tests.factories_bookings import Scene, booking_in, request_for, scene

S = BookingState
STOCKHOLM = ZoneInfo("Europe/Stockholm")


async def get(visitor: httpx.AsyncClient, token: str, **headers: str) -> httpx.Response:
    return await visitor.get(f"/feeds/bookings/{token}.ics", headers=headers)


async def events(visitor: httpx.AsyncClient, token: str) -> list[Any]:
    answer = await get(visitor, token)
    assert answer.status_code == 200, answer.text
    return list(Calendar.from_ical(answer.content).walk("VEVENT"))


async def withdraw_roles(actor: Actor) -> None:
    async with database.transaction():
        await record(SYSTEM, EventType.ROLE_WITHDRAWN, actor.person_id)
        await database.fetch("DELETE FROM role_assignment WHERE person = $1", actor.person_id)


# --- The format


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def event(starts_at: str, ends_at: str, **more: Any) -> CalendarEvent:
    then = datetime(2026, 1, 1, tzinfo=UTC)
    values = {"uid": "booking-1@registry", "sequence": 3, "status": Status.CONFIRMED, "summary": "Prov"}
    return CalendarEvent(
        **{**values, **more}, starts_at=at(starts_at), ends_at=at(ends_at), created_at=then, changed_at=then
    )


CHANGES = [
    # Up to, over and from the change to summer time, when 02.00 becomes 03.00.
    ("2027-03-28T00:30+01:00", "2027-03-28T02:00+01:00"),
    ("2027-03-28T01:30+01:00", "2027-03-28T03:30+02:00"),
    ("2027-03-27T08:00+01:00", "2027-03-29T17:00+02:00"),
    # The hour from 02.00 exists twice; its first and its second turn, and both.
    ("2027-10-31T02:15+02:00", "2027-10-31T02:45+02:00"),
    ("2027-10-31T02:15+01:00", "2027-10-31T02:45+01:00"),
    ("2027-10-31T02:30+02:00", "2027-10-31T02:30+01:00"),
    ("2027-10-31T01:00+02:00", "2027-10-31T04:00+01:00"),
    ("2027-10-30T08:00+02:00", "2027-11-01T17:00+01:00"),
]


@pytest.mark.parametrize(("starts_at", "ends_at"), CHANGES)
def test_times_survive_the_changes_of_summer_time(starts_at: str, ends_at: str) -> None:
    raw = calendar.feed([event(starts_at, ends_at)], name="Bokningar", language="sv")
    (read,) = Calendar.from_ical(raw).walk("VEVENT")
    assert read["DTSTART"].dt.astimezone(UTC) == at(starts_at)
    assert read["DTEND"].dt.astimezone(UTC) == at(ends_at)
    # Both in local time or both in UTC; never a local time that could be either of two hours.
    in_utc = [
        b";TZID=" not in line for line in raw.splitlines() if line.startswith((b"DTSTART;T", b"DTSTART:2027", b"DTEND"))
    ]
    assert len(set(in_utc)) == 1


@pytest.mark.parametrize("year", [1997, 2026, 2027, 2037])
def test_time_zone_of_the_calendar_says_what_the_tz_database_says(year: int) -> None:
    raw = calendar.feed([event("2027-05-01T08:00+02:00", "2027-05-01T09:00+02:00")], name="x", language="sv")
    (zone,) = Calendar.from_ical(raw).walk("VTIMEZONE")
    written = zone.to_tz()
    hour = datetime(year, 1, 1)  # noqa: DTZ001  # a wall clock time
    while hour.year == year:
        known = hour.replace(tzinfo=STOCKHOLM)
        # Times that do not exist, or exist twice, are not compared: libraries differ in them.
        if (
            known.astimezone(UTC).astimezone(STOCKHOLM) == known
            and known.replace(fold=1).utcoffset() == known.utcoffset()
        ):
            assert hour.replace(tzinfo=written).utcoffset() == known.utcoffset(), hour
        hour += timedelta(hours=5, minutes=30)


def test_lines_are_folded_escaped_and_end_as_the_standard_says() -> None:
    words = 'Åäö; komma, backslash \\ "citat" 🎻 och mer ' * 6
    raw = calendar.feed(
        [event("2027-05-01T08:00+02:00", "2027-05-01T09:00+02:00", summary=words, description="ett\ntvå\r\ntre")],
        name="Bokningar; alla, här",
        language="sv",
    )
    assert raw.count(b"\n") == raw.count(b"\r\n")
    assert raw.endswith(b"END:VCALENDAR\r\n")
    assert all(len(line) <= 75 for line in raw.split(b"\r\n"))
    for line in raw.split(b"\r\n"):
        line.decode()  # no character is cut in two
    read = Calendar.from_ical(raw)
    (one,) = read.walk("VEVENT")
    assert str(one["SUMMARY"]) == words
    assert str(one["DESCRIPTION"]).replace("\r\n", "\n") == "ett\ntvå\ntre"
    assert str(read["X-WR-CALNAME"]) == str(read["NAME"]) == "Bokningar; alla, här"


def test_calendar_carries_what_programs_need() -> None:
    raw = calendar.feed([event("2027-05-01T08:00+02:00", "2027-05-01T09:00+02:00")], name="x", language="sv")
    read = Calendar.from_ical(raw)
    assert (read["VERSION"], read["CALSCALE"]) == ("2.0", "GREGORIAN")
    assert read["PRODID"]
    assert "METHOD" not in read
    assert b"REFRESH-INTERVAL;VALUE=DURATION:PT1H\r\n" in raw
    assert b"X-PUBLISHED-TTL:PT1H\r\n" in raw
    (one,) = read.walk("VEVENT")
    assert {"UID", "DTSTAMP", "DTSTART", "DTEND", "SEQUENCE", "LAST-MODIFIED", "STATUS", "SUMMARY"} <= set(one)
    assert one["DTSTAMP"].dt == datetime(2026, 1, 1, tzinfo=UTC)
    assert b"DTSTART;TZID=Europe/Stockholm:20270501T080000\r\n" in raw


# --- Bookings


@pytest.mark.parametrize(
    ("state", "status"),
    [
        (S.DRAFT, None),
        (S.SUBMITTED, None),
        (S.DECLINED, None),
        (S.APPROVED, "TENTATIVE"),
        (S.CONFIRMED, "CONFIRMED"),
        (S.IN_PROGRESS, "CONFIRMED"),
        (S.COMPLETED, "CONFIRMED"),
        (S.CANCELLED, "CANCELLED"),
        (S.NO_SHOW, "CANCELLED"),
        (S.WITHDRAWN, None),
    ],
)
async def test_own_calendar_shows_what_holds_or_held_a_time(
    visitor: httpx.AsyncClient, state: S, status: str | None
) -> None:
    place = await scene()
    booking_id = await booking_in(place, state)
    token = await feeds.make_feed(place.people["requester"], FeedKind.OWN)
    found = await events(visitor, token)
    assert [one["STATUS"] for one in found] == ([status] if status else [])
    if found:
        assert str(found[0]["UID"]) == f"booking-{booking_id}@registry"
        assert str(found[0]["SUMMARY"]) == f"Testbädd {place.slug}"
        assert str(found[0]["URL"]).endswith(f"/bookings/{booking_id}")
        assert "Try a new alarm" in str(found[0]["DESCRIPTION"])


async def test_same_event_gets_a_higher_sequence_with_every_change(visitor: httpx.AsyncClient) -> None:
    place = await scene()
    requester, host = place.people["requester"], place.people["host"]
    token = await feeds.make_feed(requester, FeedKind.OWN)
    booking_id = await service.create_booking(requester, request_for(place.slug), submit=True)
    seen = []
    await service.move_booking(host, booking_id, "approve")
    seen += await events(visitor, token)
    await service.hand_over(requester, booking_id, place.people["colleague"].email)
    await service.hand_over(place.people["colleague"], booking_id, requester.email)
    seen += await events(visitor, token)
    await service.move_booking(requester, booking_id, "cancel", reason="Vi hinner inte.")
    seen += await events(visitor, token)
    assert [one["STATUS"] for one in seen] == ["CONFIRMED", "CONFIRMED", "CANCELLED"]
    assert len({str(one["UID"]) for one in seen}) == 1
    numbers = [one["SEQUENCE"] for one in seen]
    assert numbers == sorted(set(numbers))
    stamps = [one["LAST-MODIFIED"].dt for one in seen]
    assert stamps == sorted(stamps)


async def test_cancelled_event_stays_for_30_days(visitor: httpx.AsyncClient) -> None:
    place = await scene()
    await booking_in(place, S.CANCELLED, hours_ahead=24 * 60)
    token = await feeds.make_feed(place.people["requester"], FeedKind.OWN)
    assert len(await events(visitor, token)) == 1
    for days, left in ((29, 1), (31, 0)):
        content = await feeds.read_feed(token, datetime.now(UTC) + timedelta(days=days))
        assert len(content.bookings) == left


async def test_calendar_of_an_organisation_has_the_colleagues_bookings_and_no_others(
    visitor: httpx.AsyncClient,
) -> None:
    place = await scene()
    await booking_in(place, S.CONFIRMED)
    mine = await feeds.make_feed(place.people["colleague"], FeedKind.OWN)
    ours = await feeds.make_feed(place.people["colleague"], FeedKind.ORGANISATION, organisation_id=place.firm_id)
    assert (await events(visitor, mine), len(await events(visitor, ours))) == ([], 1)
    with pytest.raises(NotPermitted):
        await feeds.make_feed(place.people["other_firm"], FeedKind.ORGANISATION, organisation_id=place.firm_id)


async def test_host_sees_who_comes_and_others_only_when_it_is_busy(visitor: httpx.AsyncClient) -> None:
    place = await scene()
    await booking_in(place, S.CONFIRMED)
    await booking_in(place, S.SUBMITTED, hours_ahead=96)
    hosts = await feeds.make_feed(place.people["host"], FeedKind.ENVIRONMENT, slug=place.slug)
    (shown,) = await events(visitor, hosts)
    assert str(shown["SUMMARY"]).startswith("Organisation ")
    assert str(shown["URL"]).endswith(f"/desk/bookings/{str(shown['UID'])[8:44]}")
    for name in ("other_firm", "other_host", "requester"):
        token = await feeds.make_feed(place.people[name], FeedKind.ENVIRONMENT, slug=place.slug)
        answer = await get(visitor, token)
        (block,) = Calendar.from_ical(answer.content).walk("VEVENT")
        assert str(block["SUMMARY"]) == "Upptagen"
        assert block["DTSTART"].dt == shown["DTSTART"].dt
        assert not {"DESCRIPTION", "URL", "LOCATION", "ORGANIZER"} & set(block)
        for secret in ("Organisation", "person", "alarm", str(shown["UID"])[8:44]):
            assert secret not in answer.text


async def test_words_are_in_the_persons_language(visitor: httpx.AsyncClient) -> None:
    place = await scene()
    requester = place.people["requester"]
    await booking_in(place, S.APPROVED)
    token = await feeds.make_feed(requester, FeedKind.OWN)
    assert "X-WR-CALNAME:Mina bokningar" in (await get(visitor, token)).text
    async with database.transaction():
        await record(SYSTEM, EventType.PERSON_CREATED, requester.person_id)
        await database.fetch("UPDATE person SET language = 'en' WHERE id = $1", requester.person_id)
    answer = await get(visitor, token, **{"Accept-Language": "sv"})
    assert "X-WR-CALNAME:My bookings" in answer.text
    (one,) = Calendar.from_ical(answer.content).walk("VEVENT")
    assert str(one["SUMMARY"]) == f"Testbed {place.slug}"
    assert "Approved, waits for agreements" in str(one["DESCRIPTION"])


# --- Rights


async def feeds_of(place: Scene) -> dict[str, tuple[Actor, str]]:
    host, colleague = place.people["host"], place.people["colleague"]
    return {
        "own": (place.people["requester"], await feeds.make_feed(place.people["requester"], FeedKind.OWN)),
        "organisation": (
            colleague,
            await feeds.make_feed(colleague, FeedKind.ORGANISATION, organisation_id=place.firm_id),
        ),
        "environment": (host, await feeds.make_feed(host, FeedKind.ENVIRONMENT, slug=place.slug)),
    }


async def test_whose_role_was_withdrawn_gets_nothing(visitor: httpx.AsyncClient) -> None:
    place = await scene()
    await booking_in(place, S.CONFIRMED)
    for actor, token in (await feeds_of(place)).values():
        assert len(await events(visitor, token)) == 1
        await withdraw_roles(actor)
        assert (await get(visitor, token)).status_code == 404


async def test_whose_account_was_closed_gets_nothing(visitor: httpx.AsyncClient) -> None:
    place = await scene()
    for actor, token in (await feeds_of(place)).values():
        async with database.transaction():
            await record(SYSTEM, EventType.PERSON_CREATED, actor.person_id)
            await database.fetch("UPDATE person SET active = false WHERE id = $1", actor.person_id)
        assert (await get(visitor, token)).status_code == 404


async def test_environment_that_is_hidden_from_somebody_is_gone_from_the_calendar(visitor: httpx.AsyncClient) -> None:
    place = await scene()
    token = await feeds.make_feed(place.people["other_firm"], FeedKind.ENVIRONMENT, slug=place.slug)
    async with database.transaction():
        await record(SYSTEM, EventType.ENTRY_CHANGED, place.environment_id)
        await database.fetch("UPDATE entry SET visibility = 'staff' WHERE id = $1", place.environment_id)
    assert (await get(visitor, token)).status_code == 404
    with pytest.raises(NotFound):
        await feeds.make_feed(place.people["other_firm"], FeedKind.ENVIRONMENT, slug=place.slug)


# --- Addresses


async def test_forged_and_revoked_addresses_answer_alike(visitor: httpx.AsyncClient) -> None:
    place = await scene()
    requester = place.people["requester"]
    token = await feeds.make_feed(requester, FeedKind.OWN)
    (feed,) = await feeds.list_feeds(requester)
    await feeds.revoke_feed(requester, feed.id)
    answers = [await get(visitor, one) for one in (token, "x" * 43, "x", token[:-1], "å", "a" * 5000)]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.content for answer in answers}) == 1
    assert len({frozenset(answer.headers.items()) for answer in answers}) == 1
    with pytest.raises(NotFound):
        await feeds.revoke_feed(requester, feed.id)


async def test_new_address_replaces_the_old_one(visitor: httpx.AsyncClient) -> None:
    place = await scene()
    requester = place.people["requester"]
    old = await feeds.make_feed(requester, FeedKind.OWN)
    (feed,) = await feeds.list_feeds(requester)
    new = await feeds.renew_feed(requester, feed.id)
    assert [(await get(visitor, token)).status_code for token in (old, new)] == [404, 200]
    assert len(await feeds.list_feeds(requester)) == 1
    with pytest.raises(NotFound):
        await feeds.renew_feed(place.people["colleague"], (await feeds.list_feeds(requester))[0].id)


async def test_token_is_stored_as_a_digest_only_and_use_is_noted(visitor: httpx.AsyncClient) -> None:
    place = await scene()
    requester = place.people["requester"]
    token = await feeds.make_feed(requester, FeedKind.OWN)
    row = await database.fetch_one("SELECT f::text AS text FROM calendar_feed f ORDER BY id DESC LIMIT 1")
    assert row is not None
    assert token not in row["text"]
    assert len(token) >= 43
    assert (await feeds.list_feeds(requester))[0].last_used_at is None
    await get(visitor, token)
    assert (await feeds.list_feeds(requester))[0].last_used_at is not None


async def test_feed_sets_no_cookie_and_answers_304_while_nothing_changes(visitor: httpx.AsyncClient) -> None:
    place = await scene()
    await booking_in(place, S.CONFIRMED)
    token = await feeds.make_feed(place.people["requester"], FeedKind.OWN)
    first = await get(visitor, token)
    assert first.headers["content-type"] == "text/calendar; charset=utf-8"
    assert "set-cookie" not in first.headers
    assert first.headers["cache-control"] == "private, no-cache"
    again = await get(visitor, token, **{"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    await booking_in(place, S.CONFIRMED, hours_ahead=96)
    changed = await get(visitor, token, **{"If-None-Match": first.headers["etag"]})
    assert changed.status_code == 200
    busy = await feeds.make_feed(place.people["other_firm"], FeedKind.ENVIRONMENT, slug=place.slug)
    tags = {(await get(visitor, busy)).headers["etag"] for _ in range(3)}
    assert len(tags) == 1


async def test_address_is_read_a_bounded_number_of_times(visitor: httpx.AsyncClient) -> None:
    place = await scene()
    token = await feeds.make_feed(place.people["requester"], FeedKind.OWN)
    answers = [(await get(visitor, token)).status_code for _ in range(MOST_READS + 1)]
    assert answers == [200] * MOST_READS + [429]
    refused = await get(visitor, token)
    assert refused.headers["retry-after"] == "600"
    assert "set-cookie" not in refused.headers
    await feeds.read_feed(token, datetime.now(UTC) + timedelta(minutes=11))


async def test_there_are_only_so_many_addresses() -> None:
    actor = await factories.person(Role.FIRM, organisation_id=await factories.organisation(OrganisationKind.FIRM))
    for _ in range(MOST_FEEDS):
        await feeds.make_feed(actor, FeedKind.OWN)
    with pytest.raises(RuleBroken):
        await feeds.make_feed(actor, FeedKind.OWN)


async def test_several_environments_make_one_event(visitor: httpx.AsyncClient) -> None:
    one, other = await scene(), await scene()
    text = replace(request_for(one.slug), environments=(one.slug, other.slug))
    booking_id = await service.create_booking(one.people["requester"], text, submit=True)
    both = await factories.person(Role.HOST)
    await service.move_booking(both, booking_id, "approve")
    token = await feeds.make_feed(one.people["requester"], FeedKind.OWN)
    (found,) = await events(visitor, token)
    assert str(found["SUMMARY"]) == f"Testbädd {one.slug}, Testbädd {other.slug}"
    # A host without a limit, whom other tests do not expect.
    await withdraw_roles(both)


# --- The pages


async def test_page_makes_shows_once_renews_and_revokes(application: Litestar, visitor: httpx.AsyncClient) -> None:
    place = await scene()
    async with await browser(application, place.people["host"]) as client:
        page = await client.get("/account/calendars")
        assert f'value="environment:{place.slug}"' in page.text
        assert 'value="own"' not in page.text
        made = await send(client, "/account/calendars", {"what": f"environment:{place.slug}"})
        address = made.text.partition("/feeds/bookings/")[2].partition(".ics")[0]
        assert (await get(visitor, address)).status_code == 200
        assert address not in (await client.get("/account/calendars")).text
        (feed,) = await feeds.list_feeds(place.people["host"])
        renewed = await send(client, f"/account/calendars/{feed.id}/renew")
        assert "/feeds/bookings/" in renewed.text
        assert (await get(visitor, address)).status_code == 404
        (feed,) = await feeds.list_feeds(place.people["host"])
        gone = await send(client, f"/account/calendars/{feed.id}/revoke")
        assert gone.headers["location"] == "/account/calendars?notice=calendar-revoked"
        assert await feeds.list_feeds(place.people["host"]) == []


@pytest.mark.parametrize("what", ["", "everything", "organisation:x", "organisation:99999999999999", "environment:no"])
async def test_page_refuses_what_nobody_can_have(application: Litestar, what: str) -> None:
    place = await scene()
    async with await browser(application, place.people["requester"]) as client:
        answer = await send(client, "/account/calendars", {"what": what})
        assert answer.status_code in {403, 404, 422}
    assert await feeds.list_feeds(place.people["requester"]) == []


async def test_page_of_an_environment_leads_others_to_its_busy_times(application: Litestar) -> None:
    place = await scene()
    async with await browser(application, place.people["other_firm"]) as client:
        assert f"/account/calendars?environment={place.slug}" in (await client.get(f"/entries/{place.slug}")).text
        page = await client.get(f"/account/calendars?environment={place.slug}")
        assert f'<option value="environment:{place.slug}" selected>When Testbed {place.slug} is busy' in page.text
