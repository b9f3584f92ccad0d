"""Series and several places in the booking flow, as a browser without scripts sends and reads them."""

import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from litestar import Litestar

from registry import database
from registry.bookings import series
from registry.bookings.codes import Frequency
from registry.bookings.recurrence import SeriesRule
from tests import factories
from tests.clients import browser, send
from tests.factories_bookings import Scene, scene
from tests.factories_series import monday, sent, states, weekly_text

TESTED = {"purpose": "Try a new alarm", "personal_data": "none"}
BENEFIT = {"operational_benefit": "Fewer interruptions", "user_benefit": "Quieter nights"}


def time_form(slug: str, **changes: Any) -> dict[str, Any]:
    form = {"environment": slug, "date": f"{monday().date()}", "starts": "09:00", "ends": "11:00", "end_date": ""}
    return {**form, "repeat": "", "interval": "1", "count": "", "until": "", "exceptions": "", **changes}


def weekly(slug: str, **changes: Any) -> dict[str, Any]:
    return time_form(slug, repeat="weekly", count="4", **changes)


@pytest.fixture
async def firm(application: Litestar, place: Scene) -> AsyncIterator[httpx.AsyncClient]:
    async with await browser(application, place.people["requester"]) as client:
        yield client


@pytest.fixture
async def host(application: Litestar, place: Scene) -> AsyncIterator[httpx.AsyncClient]:
    async with await browser(application, place.people["host"]) as client:
        yield client


def fields_of(page: str) -> dict[str, Any]:
    """The hidden fields of the form that is sent."""
    found: dict[str, Any] = {}
    for name, value in re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page):
        if name != "_csrf_token":
            found.setdefault(name, []).append(value)
    return found


async def taken(place: Scene, weeks_ahead: int) -> None:
    rule = SeriesRule(Frequency.WEEKLY, count=1)
    text = weekly_text(place.slug, starts_at=monday(weeks_ahead))
    made = await series.create_series(place.people["colleague"], text, rule, submit=True)
    await series.move_series(place.people["host"], made.id, "approve")


async def latest_series(place: Scene) -> Any:
    row = await database.fetch_one(
        "SELECT s.id FROM booking_series s JOIN booking b ON b.series = s.id WHERE b.requester = $1"
        " ORDER BY s.created_at DESC LIMIT 1",
        place.people["requester"].person_id,
    )
    return row and row["id"]


async def test_series_is_checked_drafted_and_sent_step_by_step(firm: httpx.AsyncClient, place: Scene) -> None:
    first = await firm.get(f"/bookings/new?environment={place.slug}")
    assert 'name="repeat"' in first.text
    checked = await send(firm, "/bookings/new", weekly(place.slug))
    assert checked.status_code == 200
    assert "Check the times" in checked.text
    assert checked.text.count("Can be booked") == 4
    assert await latest_series(place) is None
    kept = await send(firm, "/bookings/new", {**fields_of(checked.text), "do": "keep"})
    assert kept.status_code == 303
    path = kept.headers["location"]
    series_id = await latest_series(place)
    assert await states(series_id) == ["draft"] * 4
    assert (await firm.get(path)).status_code == 200
    assert (await send(firm, path, TESTED)).status_code == 303
    assert (await send(firm, path.replace("test", "benefit"), BENEFIT)).status_code == 303
    rows = await database.fetch("SELECT DISTINCT purpose, user_benefit FROM booking WHERE series = $1", series_id)
    assert [(row["purpose"], row["user_benefit"]) for row in rows] == [("Try a new alarm", "Quieter nights")]
    review = await firm.get(path.replace("test", "review"))
    assert review.text.count("Can be booked") == 4
    done = await send(firm, path.replace("test", "review"))
    assert done.headers["location"].startswith(f"/bookings/series/{series_id}")
    shown = (await firm.get(done.headers["location"])).text
    assert shown.count("state--waiting") == 4
    assert "Every week: Monday, 4 times" in shown
    assert await states(series_id) == ["submitted"] * 4


async def test_taken_times_are_named_with_what_is_free_and_left_out_only_if_chosen(
    firm: httpx.AsyncClient, place: Scene
) -> None:
    await taken(place, 3)
    checked = await send(firm, "/bookings/new", weekly(place.slug))
    assert "3 of 4 times can be booked." in checked.text
    assert "Somebody else has the time" in checked.text
    assert 'name="partial"' in checked.text
    hidden = fields_of(checked.text)
    refused = await send(firm, "/bookings/new", {**hidden, "do": "keep"})
    assert refused.status_code == 409
    assert "1 of 4 times cannot be booked" in refused.text
    assert await latest_series(place) is None
    kept = await send(firm, "/bookings/new", {**hidden, "do": "keep", "partial": "true"})
    assert kept.status_code == 303
    series_id = await latest_series(place)
    assert await states(series_id) == ["draft"] * 3
    shown = (await firm.get(f"/bookings/series/{series_id}")).text
    assert "Left out" in shown
    again = await send(firm, "/bookings/new", {**hidden, "do": "change"})
    assert 'value="4"' in again.text
    assert "Choose a time" in again.text


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"count": "10000"}, "count", "at most 100 times"),
        ({"count": "0"}, "count", "no time at all"),
        ({"count": ""}, "count", "Say how the series ends"),
        ({"count": "", "until": "2020-01-01"}, "until", "ends before it begins"),
        ({"interval": "0"}, "interval", "from 1 to 99"),
        ({"count": "many"}, "count", ""),
        ({"exceptions": "tomorrow"}, "exceptions", "year-month-day"),
        ({"weekdays": ["3"]}, "weekdays", "is not one of the days"),
        ({"repeat": "hourly"}, "repeat", "Choose one of the given values"),
        ({"ends": "08:00"}, "ends", "The end must come after the start"),
    ],
    ids=str,
)
async def test_bad_input_is_shown_at_its_field_with_what_was_typed(
    firm: httpx.AsyncClient, place: Scene, changes: dict[str, Any], field: str, words: str
) -> None:
    answer = await send(firm, "/bookings/new", {**weekly(place.slug), **changes})
    assert answer.status_code == 422
    assert f'href="#f-{field}"' in answer.text
    assert words in answer.text
    assert f'value="{monday().date()}"' in answer.text
    assert await latest_series(place) is None


async def test_several_places_are_found_chosen_and_booked_as_one(firm: httpx.AsyncClient, place: Scene) -> None:
    _, other = await factories.environment(title="Ovanligt namn_100%")
    found = await firm.get(f"/bookings/new?environment={place.slug}&find=ovanligt+namn_100%25")
    assert f'value="{other}"' in found.text
    nothing = await firm.get(f"/bookings/new?environment={place.slug}&find=namnX100")
    assert f'value="{other}"' not in nothing.text
    chosen = await firm.get(f"/bookings/new?environment={place.slug}&also={other}&find=")
    assert "timetable__table--wide" in chosen.text
    kept = await send(firm, "/bookings/new", time_form(place.slug, also=[other]))
    assert kept.status_code == 303
    booking_id = kept.headers["location"].split("/")[2]
    rows = await database.fetch(
        "SELECT e.slug FROM booking_environment be JOIN entry e ON e.id = be.environment WHERE be.booking = $1",
        booking_id,
    )
    assert {row["slug"] for row in rows} == {place.slug, other}
    edit = await firm.get(f"/bookings/{booking_id}/edit/time")
    assert f'name="also" value="{other}"' in edit.text
    alone = await send(firm, f"/bookings/{booking_id}/edit/time", time_form(place.slug))
    assert alone.status_code == 303
    rows = await database.fetch("SELECT 1 FROM booking_environment WHERE booking = $1", booking_id)
    assert len(rows) == 1


async def test_place_that_is_taken_or_unknown_keeps_nothing(
    firm: httpx.AsyncClient, application: Litestar, place: Scene
) -> None:
    del application
    other = await scene()
    await taken(other, 2)
    before = await database.fetch("SELECT id FROM booking")
    clash = await send(firm, "/bookings/new", time_form(place.slug, also=[other.slug]))
    assert clash.status_code == 409
    assert "The time is taken" in clash.text
    unknown = await send(firm, "/bookings/new", time_form(place.slug, also=["no-such-place"]))
    assert unknown.status_code == 404
    assert len(await database.fetch("SELECT id FROM booking")) == len(before)


async def test_series_draft_gets_other_times_and_becomes_a_single_booking_again(
    firm: httpx.AsyncClient, place: Scene
) -> None:
    kept = await send(firm, "/bookings/new", weekly(place.slug, do="keep"))
    path = kept.headers["location"].replace("/test", "/time")
    page = await firm.get(path)
    assert '<option value="weekly" selected>' in page.text
    checked = await send(firm, path, weekly(place.slug, interval="2"))
    assert checked.status_code == 200
    kept = await send(firm, path, {**fields_of(checked.text), "do": "keep"})
    row = await database.fetch_one("SELECT every FROM booking_series WHERE id = $1", await latest_series(place))
    assert row is not None
    assert row["every"] == 2
    path = kept.headers["location"].replace("/test", "/time")
    single = await send(firm, path, time_form(place.slug))
    assert single.status_code == 303
    assert await latest_series(place) is None


async def test_series_page_ends_the_rest_with_a_reason(firm: httpx.AsyncClient, place: Scene) -> None:
    made = await sent(place, 3)
    await series.move_series(place.people["host"], made.id, "approve")
    path = f"/bookings/series/{made.id}"
    page = (await firm.get(path)).text
    assert "The whole series" in page
    booking = (await firm.get(f"/bookings/{made.changed[0]}")).text
    assert f'href="{path}"' in booking
    missing = await send(firm, f"{path}/cancel", {"since": str(made.changed[1]), "reason": ""})
    assert missing.status_code == 422
    done = await send(firm, f"{path}/cancel", {"since": str(made.changed[1]), "reason": "We are done"})
    assert done.status_code == 303
    assert await states(made.id) == ["confirmed", "cancelled", "cancelled"]


async def test_host_decides_on_the_whole_from_the_desk(host: httpx.AsyncClient, place: Scene) -> None:
    made = await sent(place, 3)
    await taken(place, 3)
    case = (await host.get(f"/desk/bookings/{made.changed[0]}")).text
    assert f'href="/desk/series/{made.id}"' in case
    path = f"/desk/series/{made.id}"
    page = (await host.get(path)).text
    assert page.count('name="bookings"') == 3
    chosen = [str(id) for id in made.changed]
    assert (await send(host, f"{path}/approve", {"reason": ""})).status_code == 422
    refused = await send(host, f"{path}/approve", {"bookings": chosen})
    assert refused.status_code == 409
    assert "1 of 3 times cannot be booked" in refused.text
    assert await states(made.id) == ["submitted"] * 3
    done = await send(host, f"{path}/approve", {"bookings": chosen, "partial": "true"})
    assert done.headers["location"].endswith("notice=series-partly")
    assert await states(made.id) == ["confirmed", "submitted", "confirmed"]
    declined = await send(host, f"{path}/decline", {"bookings": chosen[1:2], "reason": "Taken by others"})
    assert declined.status_code == 303
    assert await states(made.id) == ["confirmed", "declined", "confirmed"]


async def test_series_waits_in_the_queue_once(host: httpx.AsyncClient, place: Scene) -> None:
    made = await sent(place, 3)
    page = (await host.get("/desk/bookings")).text
    assert page.count(f'href="/desk/series/{made.id}"') == 1
    assert "3 times of a series" in page
    # It is decided on as a whole, so none of its bookings can be ticked by itself.
    assert not [id for id in made.changed if str(id) in page]


async def test_pages_of_a_series_are_for_those_concerned(application: Litestar, place: Scene) -> None:
    made = await sent(place, 2)
    expected = {"requester": (200, 403), "host": (200, 200), "other_firm": (404, 403), "other_host": (404, 404)}
    for who, (page, desk) in expected.items():
        async with await browser(application, place.people[who]) as client:
            assert (await client.get(f"/bookings/series/{made.id}")).status_code == page, who
            assert (await client.get(f"/desk/series/{made.id}")).status_code == desk, who
