"""Availability as people look at it: pages and API of free times, and the pages where hosts keep a calendar."""

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import httpx
import pytest
from litestar import Litestar

from registry import database
from registry.access import SYSTEM
from registry.bookings import hosting, service
from registry.bookings.openings import STOCKHOLM, midnight, utc
from registry.bookings.states import BookingState
from registry.entries import calendar_service
from registry.entries import service as entries
from registry.entries.calendars import Closure, Opening
from registry.entries.codes import Audience
from registry.entries.queries import environments_by_id
from registry.entries.service import EnvironmentText, environment_text_of, text_of
from registry.errors import Bilingual
from registry.web import language
from tests import factories
from tests.clients import api as api_client
from tests.clients import browser as browser_client
from tests.clients import client_for, send
from tests.factories_bookings import booking_in, request_for, scene

OFFICE = tuple(Opening(day, time(8), time(17)) for day in range(1, 8))
TEXT = EnvironmentText(
    bookable_by=(Audience.EXTERNAL, Audience.EMPLOYEE),
    lead_time_hours=0,
    shortest=60,
    longest=240,
    opening_hours=OFFICE,
)
# Far enough ahead that nothing is too soon, a Monday.
TODAY = datetime.now(STOCKHOLM).date()
MONDAY = TODAY + timedelta(days=28 - TODAY.weekday())
API = "/api/v1"


@pytest.fixture
async def reader(application: Litestar) -> AsyncIterator[httpx.AsyncClient]:
    async with client_for(application, headers={"Accept-Language": "en"}) as client:
        yield client


def cells(page: str) -> list[str]:
    """The text of the cells of the calendar's table, tags and blanks removed."""
    table = page.partition("<table")[2].partition("</table>")[0]
    return [" ".join(re.sub(r"<[^>]+>", " ", cell).split()) for cell in re.findall(r"<td.*?</td>", table, re.DOTALL)]


async def test_week_says_in_words_what_each_part_of_each_day_is(reader: httpx.AsyncClient) -> None:
    entry_id, slug = await factories.environment(text=TEXT)
    tuesday = MONDAY + timedelta(days=1)
    closure = Closure(utc(tuesday, time(12)), utc(tuesday, time(13)), "Brandövning", "Fire drill")
    await calendar_service.add_closure(SYSTEM, entry_id, closure)
    wednesday = MONDAY + timedelta(days=2)
    await hosting.set_blackout(
        SYSTEM, entry_id, utc(wednesday, time(8)), utc(wednesday, time(16, 30)), Bilingual("Underhåll", "Maintenance")
    )
    page = await reader.get(f"/environments/{slug}/calendar?date={MONDAY}")
    assert page.status_code == 200
    found = cells(page.text)
    assert found[:3] == [
        "08:00–17:00 free",
        "08:00–12:00 free 12:00–13:00 closed: Fire drill 13:00–17:00 free",
        "08:00–16:30 cannot be booked: Maintenance 16:30–17:00 free, but too short to book",
    ]
    assert '<th scope="row">' in page.text
    assert "<caption" in page.text
    first = re.search(r'<li class="slot slot--free"><a href="([^"]+)"', page.text)
    assert first is not None
    assert first.group(1).startswith(f"/bookings/new?environment={slug}&amp;starts_at=")
    swedish = await reader.get(f"/environments/{slug}/calendar?date={MONDAY}&lang=sv")
    assert cells(swedish.text)[1] == "08.00–12.00 ledigt 12.00–13.00 stängt: Brandövning 13.00–17.00 ledigt"


async def test_taken_time_and_the_time_around_it_are_told_apart(reader: httpx.AsyncClient) -> None:
    the_scene = await scene()
    text = replace(TEXT, buffer_before=30, buffer_after=30)
    await entries.change_environment(SYSTEM, the_scene.environment_id, text)
    starts_at = utc(MONDAY, time(11))
    wanted = replace(request_for(the_scene.slug), starts_at=starts_at, ends_at=starts_at + timedelta(hours=2))
    booking_id = await service.create_booking(the_scene.people["requester"], wanted, submit=True)
    await service.move_booking(the_scene.people["host"], booking_id, "approve")
    page = await reader.get(f"/environments/{the_scene.slug}/calendar?date={MONDAY}")
    assert cells(page.text)[0] == (
        "08:00–10:00 free 10:00–11:00 needed around a booking 11:00–13:00 taken"
        " 13:00–14:00 needed around a booking 14:00–17:00 free"
    )
    assert "person" not in page.text.partition("<main")[2]


async def test_several_side_by_side_have_a_column_each(reader: httpx.AsyncClient) -> None:
    slugs = [(await factories.environment(text=TEXT, title=f"Sal {number}"))[1] for number in range(5)]
    url = f"/environments/{slugs[0]}/calendar?date={MONDAY}&with={','.join(slugs[1:])}"
    page = await reader.get(url)
    assert page.status_code == 200
    assert re.findall(r'<td data-label="(Sal \d)"', page.text)[:5] == [f"Sal {number}" for number in range(5)]
    assert page.text.count("<td data-label=") == 35
    month = await reader.get(url + "&view=month")
    assert "1 free time" in cells(month.text)[-1]
    sixth = (await factories.environment(text=TEXT))[1]
    too_many = await reader.get(url + f"&add={sixth}")
    assert too_many.status_code == 422
    assert "At most 5 environments" in too_many.text
    assert too_many.text.count("<td data-label=") == 35


async def test_month_tells_each_day_in_a_few_words(reader: httpx.AsyncClient) -> None:
    entry_id, slug = await factories.environment(text=TEXT)
    first = (MONDAY.replace(day=1) + timedelta(days=32)).replace(day=1)
    await calendar_service.add_closure(
        SYSTEM, entry_id, Closure(midnight(first), midnight(first + timedelta(days=1)), "Städdag", "Cleaning day")
    )
    second = first + timedelta(days=1)
    await calendar_service.add_closure(
        SYSTEM, entry_id, Closure(utc(second, time(12)), utc(second, time(13)), "Lunch", "Lunch")
    )
    page = await reader.get(f"/environments/{slug}/calendar?view=month&date={first}&lang=sv")
    found = [cell for cell in cells(page.text) if "ledig" in cell or "stängt" in cell]
    assert found[0].endswith("stängt: Städdag")
    assert found[1].endswith("2 lediga tider")
    assert found[2].endswith("1 ledig tid")
    assert f"view=week&amp;date={second}" in page.text


async def test_full_day_is_full_and_one_that_is_too_soon_says_so(reader: httpx.AsyncClient) -> None:
    the_scene = await scene()
    await entries.change_environment(SYSTEM, the_scene.environment_id, replace(TEXT, longest=600))
    wanted = replace(request_for(the_scene.slug), starts_at=utc(MONDAY, time(8)), ends_at=utc(MONDAY, time(17)))
    booking_id = await service.create_booking(the_scene.people["requester"], wanted, submit=True)
    await service.move_booking(the_scene.people["host"], booking_id, "approve")
    page = await reader.get(f"/environments/{the_scene.slug}/calendar?view=month&date={MONDAY}")
    assert any(cell.endswith("full") for cell in cells(page.text))
    await entries.change_environment(
        SYSTEM, the_scene.environment_id, replace(TEXT, lead_time_hours=24 * 60, horizon_days=90)
    )
    soon = await reader.get(f"/environments/{the_scene.slug}/calendar?date={MONDAY + timedelta(days=7)}")
    assert cells(soon.text)[0] == "08:00–17:00 too soon to book"
    far = await reader.get(f"/environments/{the_scene.slug}/calendar?date={MONDAY + timedelta(days=140)}")
    assert cells(far.text)[0] == "08:00–17:00 cannot be booked yet"


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("date=yesterday", "date"),
        ("date=9999-01-01", "date"),
        ("view=year", "view"),
        ("hours=-1", "hours"),
        ("hours=many", "hours"),
        ("hours=99", "hours"),
        ("hours=2&opens=12:00&closes=11:00", "closes"),
        ("hours=2&weekday=8", "weekday.0"),
        ("hours=2&from=nonsense", "from"),
        ("with=no-such-place", "add"),
        ("add=%3Cb%3E", "add"),
    ],
)
async def test_bad_addresses_get_the_page_with_what_is_wrong(reader: httpx.AsyncClient, query: str, field: str) -> None:
    _, slug = await factories.environment(text=TEXT)
    page = await reader.get(f"/environments/{slug}/calendar?{query}")
    assert page.status_code == 422
    assert f'href="#f-{field}"' in page.text
    assert "<table" in page.text


async def test_calendar_of_what_cannot_be_seen_is_not_found(reader: httpx.AsyncClient) -> None:
    _, slug = await factories.environment(text=TEXT, publish=False)
    assert (await reader.get(f"/environments/{slug}/calendar")).status_code == 404
    assert (await reader.get("/environments/none/calendar")).status_code == 404
    assert (await reader.get(f"{API}/environments/first-free?environments={slug}&minutes=60")).status_code == 404


async def test_first_free_times_across_environments_are_the_soonest(reader: httpx.AsyncClient) -> None:
    _, first = await factories.environment(text=TEXT)
    early_id, early = await factories.environment(
        text=replace(TEXT, opening_hours=tuple(Opening(day, time(6), time(17)) for day in range(1, 8)))
    )
    await hosting.set_blackout(
        SYSTEM, early_id, midnight(MONDAY), midnight(MONDAY + timedelta(days=2)), Bilingual("x", "x")
    )
    start = midnight(MONDAY)
    answer = await reader.get(
        f"{API}/environments/first-free",
        params={"environments": f"{first},{early}", "minutes": 180, "from": start.isoformat()},
    )
    assert answer.status_code == 200
    items = answer.json()["items"]
    assert [(one["environment"], one["starts_at"][:16]) for one in items] == [
        (first, f"{MONDAY}T08:00"),
        (first, f"{MONDAY + timedelta(days=1)}T08:00"),
        (early, f"{MONDAY + timedelta(days=2)}T06:00"),
        (first, f"{MONDAY + timedelta(days=2)}T08:00"),
        (early, f"{MONDAY + timedelta(days=3)}T06:00"),
    ]
    page = await reader.get(
        f"/environments/{first}/calendar?with={early}&hours=3&from={MONDAY}&weekday=3&opens=13:00&closes=16:30"
    )
    assert page.status_code == 200
    assert page.text.count("13:00–16:00</a>") == 5


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"environments": "", "minutes": "60"}, "environments"),
        ({"environments": "x", "minutes": "0"}, "minutes"),
        ({"environments": "x"}, "minutes"),
        ({"environments": "x", "minutes": "60", "from": "2027-01-01T10:00:00"}, "from"),
    ],
)
async def test_first_free_tells_what_is_wrong(reader: httpx.AsyncClient, params: dict[str, str], field: str) -> None:
    answer = await reader.get(f"{API}/environments/first-free", params=params)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]


async def test_booking_longer_than_a_day_is_found_where_nights_are_free(reader: httpx.AsyncClient) -> None:
    _, slug = await factories.environment(text=replace(TEXT, longest=60 * 72))
    answer = await reader.get(
        f"{API}/environments/first-free",
        params={"environments": slug, "minutes": 60 * 50, "from": midnight(MONDAY).isoformat(), "count": 1},
    )
    assert [one["starts_at"][:16] for one in answer.json()["items"]] == [f"{MONDAY}T08:00"]


async def _place(slug_of: int, latitude: float, longitude: float) -> None:
    environment = (await environments_by_id([slug_of]))[slug_of]
    text = replace(text_of(environment.row), latitude=latitude, longitude=longitude)
    await entries.change_entry(SYSTEM, slug_of, text, read_version=environment.version)


async def test_alternatives_say_why_they_are_named(application: Litestar) -> None:
    the_scene = await scene()
    await _place(the_scene.environment_id, 71.0, 25.0)
    near_id, near = await factories.environment()
    await _place(near_id, 71.036, 25.0)
    booking_id = await booking_in(the_scene, BookingState.APPROVED)
    row = await database.fetch_one("SELECT starts_at, ends_at FROM booking WHERE id = $1", booking_id)
    assert row is not None
    body = {
        "environments": [the_scene.slug],
        "starts_at": row["starts_at"].isoformat(),
        "ends_at": row["ends_at"].isoformat(),
        "purpose": "x",
        "operational_benefit": "x",
        "user_benefit": "x",
    }
    async with await api_client(application, the_scene.people["requester"]) as client:
        answer = await client.post(f"{API}/bookings", json=body)
    assert answer.status_code == 409
    assert answer.json()["type"].endswith("/time-taken")
    why = {one["environment"]: one["why"] for one in answer.json()["alternatives"]}
    assert why[the_scene.slug] == "the nearest free time here"
    assert why[near] == "same area and kind, 4 km away"
    async with await browser_client(application, the_scene.people["requester"]) as client:
        local = row["starts_at"].astimezone(STOCKHOLM)
        form = {
            "environment": the_scene.slug,
            "date": str(local.date()),
            "starts": f"{local:%H:%M}",
            "ends": f"{row['ends_at'].astimezone(STOCKHOLM):%H:%M}",
            "end_date": str(row["ends_at"].astimezone(STOCKHOLM).date()),
        }
        page = await send(client, "/bookings/new", form)
    assert page.status_code == 409
    assert "same area and kind, 4 km away" in page.text


# ---- The host's pages -----------------------------------------------------------------------


def week_form(version: int, **hours: list[str]) -> dict[str, Any]:
    return {"version": str(version), **hours}


async def _version(entry_id: int) -> int:
    return int((await environments_by_id([entry_id]))[entry_id].version)


async def test_host_keeps_the_calendar_without_javascript(application: Litestar) -> None:
    the_scene = await scene()
    entry_id = the_scene.environment_id
    base = f"/desk/entries/{entry_id}/calendar"
    async with await browser_client(application, the_scene.people["host"]) as host:
        assert (await host.get(base)).status_code == 200
        hours = week_form(await _version(entry_id), opens_1=["08:00", "13:00", ""], closes_1=["12:00", "00:00", ""])
        assert (await send(host, f"{base}/week", hours)).status_code == 303
        season = {
            "version": str(await _version(entry_id)),
            "name_sv": "Sommar",
            "first_day": "2027-06-14",
            "last_day": "2027-08-15",
            "every_year": "true",
            "opens_2": ["10:00"],
            "closes_2": ["14:00"],
        }
        assert (await send(host, f"{base}/seasons/new", season)).status_code == 303
        holidays = {"version": str(await _version(entry_id)), "closed_on_holidays": "true"}
        assert (await send(host, f"{base}/holidays", holidays)).status_code == 303
        assert (await send(host, f"{base}/open-days/new", {"day": f"{TODAY.year + 1}-01-06"})).status_code == 303
        closure = {"first_day": str(MONDAY), "reason_sv": "Städdag"}
        assert (await send(host, f"{base}/closures/new", closure)).status_code == 303
        blackout = {"first_day": str(MONDAY), "starts": "22:00", "ends": "23:00", "reason_en": "Power cut"}
        assert (await send(host, f"{base}/blackouts/new", blackout)).status_code == 303
        page = await host.get(base)
        assert "cannot be booked: Power cut" in page.text
        for text in ("08:00–12:00, 13:00–24:00", "Sommar", "every year, 14 June – 15 August", "Städdag", "Power cut"):
            assert text in page.text
        calendar = (await environments_by_id([entry_id]))[entry_id].calendar
        assert calendar.closures[0].starts_at == midnight(MONDAY)
        assert calendar.closures[0].ends_at == midnight(MONDAY + timedelta(days=1))
        for kind, row_id in (
            ("seasons", calendar.seasons[0].id),
            ("closures", calendar.closures[0].id),
            ("open-days", calendar.open_days[0].id),
        ):
            removed = await send(host, f"{base}/{kind}/{row_id}/remove", {"version": str(await _version(entry_id))})
            assert removed.status_code == 303
        after = (await environments_by_id([entry_id]))[entry_id].calendar
        assert (after.seasons, after.closures, after.open_days) == ((), (), ())


@pytest.mark.parametrize(
    ("path", "form", "field", "typed"),
    [
        ("week", {"version": "1", "opens_3": ["09:00"], "closes_3": ["08:00"]}, "opens_3", 'value="09:00"'),
        ("week", {"version": "1", "opens_3": ["nine"], "closes_3": ["10:00"]}, "opens_3.0", 'value="nine"'),
        (
            "seasons/new",
            {"version": "1", "name_sv": "Höst", "first_day": "2027-09-01", "last_day": "2027-08-01"},
            "last_day",
            'value="Höst"',
        ),
        ("closures/new", {"first_day": "2027-02-30", "reason_sv": "Fel dag"}, "first_day", 'value="Fel dag"'),
        (
            "blackouts/new",
            {"first_day": "2027-03-28", "starts": "02:30", "ends": "04:00", "reason_sv": "Natt"},
            "starts",
            'value="Natt"',
        ),
        ("blackouts/new", {"first_day": "2027-03-01"}, "reason_sv", 'value="2027-03-01"'),
        ("open-days/new", {"day": "2027-01-06", "opens": "10:00"}, "opens", 'value="10:00"'),
    ],
)
async def test_errors_stand_at_the_field_and_nothing_typed_is_lost(
    application: Litestar, path: str, form: dict[str, Any], field: str, typed: str
) -> None:
    the_scene = await scene()
    async with await browser_client(application, the_scene.people["host"]) as host:
        page = await send(host, f"/desk/entries/{the_scene.environment_id}/calendar/{path}", form)
    assert page.status_code == 422
    assert f'href="#f-{field}"' in page.text
    assert typed in page.text


async def test_second_host_sees_what_is_stored_and_may_then_decide(application: Litestar) -> None:
    the_scene = await scene()
    entry_id = the_scene.environment_id
    version = await _version(entry_id)
    path = f"/desk/entries/{entry_id}/calendar/week"
    async with await browser_client(application, the_scene.people["host"]) as host:
        first = week_form(version, opens_1=["08:00"], closes_1=["12:00"])
        assert (await send(host, path, first)).status_code == 303
        second = week_form(version, opens_2=["09:15"], closes_2=["11:45"])
        told = await send(host, path, second)
        assert told.status_code == 409
        assert "Somebody else has changed the calendar" in told.text
        assert "Mon 08:00–12:00" in told.text
        assert 'value="09:15"' in told.text
        assert f'name="version" value="{version + 1}"' in told.text
        assert (await environments_by_id([entry_id]))[entry_id].calendar.week == (Opening(1, time(8), time(12)),)
        again = week_form(version + 1, opens_2=["09:15"], closes_2=["11:45"])
        assert (await send(host, path, again)).status_code == 303
    assert (await environments_by_id([entry_id]))[entry_id].calendar.week == (Opening(2, time(9, 15), time(11, 45)),)


async def test_blackout_shows_the_bookings_that_it_touches_before_and_after(application: Litestar) -> None:
    the_scene = await scene()
    booking_id = await booking_in(the_scene, BookingState.CONFIRMED)
    row = await database.fetch_one("SELECT starts_at FROM booking WHERE id = $1", booking_id)
    assert row is not None
    day = str(row["starts_at"].astimezone(STOCKHOLM).date())
    base = f"/desk/entries/{the_scene.environment_id}/calendar"
    form = {"first_day": day, "reason_sv": "Underhåll"}
    async with await browser_client(application, the_scene.people["host"]) as host:
        asked = await send(host, f"{base}/blackouts/new", form)
        assert asked.status_code == 200
        assert f"/bookings/{booking_id}" in asked.text
        assert the_scene.people["requester"].email in asked.text
        assert not await database.fetch("SELECT FROM blackout WHERE environment = $1", the_scene.environment_id)
        seen = re.search(r'name="seen" value="([^"]+)"', asked.text)
        assert seen is not None
        # Another interval than the one that was seen is shown anew.
        last_day = str(date.fromisoformat(day) + timedelta(days=1))
        moved = await send(host, f"{base}/blackouts/new", {**form, "last_day": last_day, "seen": seen.group(1)})
        assert moved.status_code == 200
        saved = await send(host, f"{base}/blackouts/new", {**form, "seen": seen.group(1)})
        assert saved.status_code == 303
        assert f"/bookings/{booking_id}" in (await host.get(base)).text
    assert await database.fetch("SELECT FROM booking_hold WHERE booking = $1", booking_id)


@pytest.mark.parametrize("row_id", [2**40, 2**70])
@pytest.mark.parametrize("kind", ["seasons", "closures", "blackouts", "open-days"])
async def test_what_is_not_there_cannot_be_removed(application: Litestar, kind: str, row_id: int) -> None:
    the_scene = await scene()
    path = f"/desk/entries/{the_scene.environment_id}/calendar/{kind}/{row_id}/remove"
    async with await browser_client(application, the_scene.people["host"]) as host:
        version = await _version(the_scene.environment_id)
        form = {"version": str(version)} if kind == "seasons" else {}
        assert (await send(host, path, form)).status_code == 404
        assert await _version(the_scene.environment_id) == version


@pytest.mark.parametrize(
    ("role", "status"), [("requester", 403), ("other_host", 403), ("auditor", 403), ("host", 200), ("coordinator", 200)]
)
async def test_pages_are_for_who_may_edit_the_entry(application: Litestar, role: str, status: int) -> None:
    the_scene = await scene()
    base = f"/desk/entries/{the_scene.environment_id}/calendar"
    async with await browser_client(application, the_scene.people[role]) as client:
        for path in ("", "/week", "/seasons/new", "/holidays", "/closures/new", "/blackouts/new", "/open-days/new"):
            assert (await client.get(base + path)).status_code == status, path
        assert (await client.get(f"{base}/seasons/{2**40}")).status_code in {403, 404}


async def test_refused_change_lists_the_bookings_on_page_and_api(application: Litestar) -> None:
    the_scene = await scene()
    entry_id = the_scene.environment_id
    environment = (await environments_by_id([entry_id]))[entry_id]
    text = replace(environment_text_of(environment.row, environment.opening_hours), capacity=2)
    await entries.change_environment(SYSTEM, entry_id, text)
    both = {str(await booking_in(the_scene, BookingState.APPROVED)) for _ in range(2)}
    async with await api_client(application, the_scene.people["host"]) as client:
        answer = await client.patch(f"{API}/environments/{the_scene.slug}", json={"capacity": 1})
        assert answer.status_code == 409
        assert answer.json()["type"].endswith("/bookings-in-the-way")
        assert {one["id"] for one in answer.json()["bookings"]} == both
        assert answer.json()["bookings"][0]["starts_at"].endswith(("+01:00", "+02:00"))
        changed = await client.patch(f"{API}/environments/{the_scene.slug}", json={"step": 30})
        assert (changed.status_code, changed.json()["step"], changed.json()["capacity"]) == (200, 30, 2)
        assert (await client.patch(f"{API}/environments/{the_scene.slug}", json={"capacity": None})).status_code == 422
    async with await api_client(application, the_scene.people["requester"]) as client:
        assert (await client.patch(f"{API}/environments/{the_scene.slug}", json={"step": 15})).status_code == 403
    async with await browser_client(application, the_scene.people["host"]) as host:
        form = await host.get(f"/desk/entries/{entry_id}/edit")
        values = dict(re.findall(r'<input[^>]* name="([a-z_]+)"[^>]* value="([^"]*)"', form.text))
        sent = {name: value for name, value in values.items() if not name.startswith(("opens_", "closes_", "_csrf"))}
        kept = {
            "kind": "testbed",
            "primary_sector": "healthcare",
            "accountable_body": str(environment.accountable_body),
            "track": "internal",
            "visibility": "public",
            "remuneration": "by_agreement",
            "bookable_by": ["external", "employee"],
        }
        page = await send(host, f"/desk/entries/{entry_id}/edit", {**sent, **kept, "capacity": "1"})
        assert page.status_code == 409
        for id in both:
            assert f"/bookings/{id}" in page.text


def test_times_that_exist_twice_say_which_they_are() -> None:
    language.use_language("en")
    first, second = datetime(2027, 10, 31, 0, 30, tzinfo=UTC), datetime(2027, 10, 31, 1, 30, tzinfo=UTC)
    assert language.show_time(first) == "02:30 summer time"
    assert language.show_time(second) == "02:30 winter time"
    assert language.show_time(datetime(2027, 10, 31, 2, 30, tzinfo=UTC)) == "03:30"
    assert language.show_interval(first, second) == "Sun 31 Oct 2027, 02:30 summer time–02:30 winter time"
    assert language.show_time(datetime(2027, 3, 28, 1, 30, tzinfo=UTC)) == "03:30"
    language.use_language("sv")
    assert language.show_time(second) == "02.30 vintertid"
