"""Series over the API: shapes, a check ahead, bad input that stores nothing, steps with all or some."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from litestar import Litestar

from registry import database
from registry.bookings.states import BookingState
from tests.clients import api
from tests.factories_bookings import Scene, booking_in
from tests.factories_series import monday, states
from tests.test_booking_api import API, body_for


def series_body(slug: str, weeks_ahead: int = 2, **changes: Any) -> dict[str, Any]:
    first = monday(weeks_ahead)
    body = body_for(slug, starts_at=first.isoformat(), ends_at=first.replace(hour=11).isoformat())
    return {**body, "series": {"frequency": "weekly", "count": 4}, **changes}


@pytest.fixture
async def firm(application: Litestar, place: Scene) -> AsyncIterator[httpx.AsyncClient]:
    async with await api(application, place.people["requester"]) as client:
        yield client


@pytest.fixture
async def host(application: Litestar, place: Scene) -> AsyncIterator[httpx.AsyncClient]:
    async with await api(application, place.people["host"]) as client:
        yield client


async def counted() -> tuple[int, int]:
    row = await database.fetch_one(
        "SELECT (SELECT count(*) FROM booking) AS bookings, (SELECT count(*) FROM booking_series) AS series"
    )
    assert row is not None
    return row["bookings"], row["series"]


async def test_series_answers_its_id_and_each_booking(firm: httpx.AsyncClient, place: Scene) -> None:
    answer = await firm.post(f"{API}/bookings", json=series_body(place.slug))
    assert answer.status_code == 201
    found = answer.json()
    assert found["rule"]["frequency"] == "weekly"
    assert len(found["items"]) == 4
    for item in found["items"]:
        assert {"id", "state", "starts_at", "ends_at", "missing_agreements"} <= set(item)
        assert item["state"] == "submitted"
        # The same time of day, in winter as in summer.
        assert item["starts_at"][11:16] == "09:00"
    assert found["left_out"] == []
    assert found["actions"] == {"withdraw": [item["id"] for item in found["items"]]}
    read = (await firm.get(f"{API}/bookings/series/{found['id']}")).json()
    assert read["items"] == found["items"]
    one = (await firm.get(f"{API}/bookings/{found['items'][0]['id']}")).json()
    assert one["series"] == found["id"]


async def test_check_says_what_to_expect_and_stores_nothing(
    firm: httpx.AsyncClient, host: httpx.AsyncClient, place: Scene
) -> None:
    taken = series_body(place.slug, 3)
    del taken["series"]
    one = (await firm.post(f"{API}/bookings", json=taken)).json()
    assert (await host.post(f"{API}/bookings/{one['id']}/approve")).status_code == 200
    before = await counted()
    answer = await firm.post(f"{API}/bookings/check", json=series_body(place.slug))
    assert answer.status_code == 200
    found = answer.json()
    assert found["fits"] is False
    assert [item["forecast"] for item in found["items"]] == ["fits", "taken", "fits", "fits"]
    assert found["items"][1]["reason"].startswith("Somebody else has the time.")
    assert found["items"][1]["alternatives"][0]["environment"] == place.slug
    assert found["missing_agreements"] == []
    single = (await firm.post(f"{API}/bookings/check", json=taken)).json()
    assert [item["forecast"] for item in single["items"]] == ["taken"]
    assert await counted() == before
    refused = await firm.post(f"{API}/bookings", json=series_body(place.slug))
    assert refused.status_code == 409
    problem = refused.json()
    assert problem["type"] == "/problems/time-taken"
    assert [one["number"] for one in problem["occurrences"]] == [2]
    assert problem["occurrences"][0]["alternatives"] == found["items"][1]["alternatives"]
    assert problem["alternatives"]
    assert await counted() == before
    partial = await firm.post(f"{API}/bookings", json=series_body(place.slug, partial=True))
    assert partial.status_code == 201
    assert len(partial.json()["items"]) == 3
    assert [(one["number"], one["forecast"]) for one in partial.json()["left_out"]] == [(2, "taken")]


async def test_clocks_that_change_are_named(firm: httpx.AsyncClient, place: Scene) -> None:
    body = series_body(
        place.slug,
        starts_at="2027-03-27T02:30:00+01:00",
        ends_at="2027-03-27T03:30:00+01:00",
        series={"frequency": "daily", "count": 3},
    )
    found = (await firm.post(f"{API}/bookings/check", json=body)).json()
    assert [item["forecast"] for item in found["items"]] == ["fits", "no_such_time", "fits"]
    assert "clocks go forward" in found["items"][1]["reason"]
    assert found["items"][1]["starts_at"] is None
    assert found["items"][2]["starts_at"] == "2027-03-29T02:30:00+02:00"
    refused = await firm.post(f"{API}/bookings", json=body)
    assert refused.status_code == 409
    assert refused.json()["type"] == "/problems/rule"


BAD = [
    ({"frequency": "weekly"}, "series.count"),
    ({"frequency": "weekly", "count": 10_000}, "series.count"),
    ({"frequency": "weekly", "count": 0}, "series.count"),
    ({"frequency": "weekly", "count": -1}, "series.count"),
    ({"frequency": "weekly", "count": 2.5}, "series.count"),
    ({"frequency": "weekly", "count": True}, "series.count"),
    ({"frequency": "weekly", "count": 10**400}, "series.count"),
    ({"frequency": "weekly", "count": 3, "until": "2027-06-01"}, "series.count"),
    ({"frequency": "weekly", "until": "2020-01-01"}, "series.until"),
    ({"frequency": "weekly", "until": "soon"}, "series.until"),
    ({"frequency": "daily", "until": "2199-01-01"}, "series.until"),
    ({"frequency": "hourly", "count": 3}, "series.frequency"),
    ({"frequency": "weekly", "count": 3, "interval": 0}, "series.interval"),
    ({"frequency": "weekly", "count": 3, "interval": 10**6}, "series.interval"),
    ({"frequency": "weekly", "count": 3, "weekdays": [0]}, "series.weekdays"),
    ({"frequency": "weekly", "count": 3, "weekdays": [3]}, "series.weekdays"),
    ({"frequency": "weekly", "count": 3, "weekdays": ["monday"]}, "series.weekdays.0"),
    ({"frequency": "weekly", "count": 1, "exceptions": ["2027-01-01"]}, "series.exceptions"),
    ({"frequency": "weekly", "count": 3, "no_such_field": 1}, "series.no_such_field"),
    ("weekly", "series"),
    ([], "series"),
]


@pytest.mark.parametrize(("bad", "field"), BAD, ids=lambda value: str(value)[:60])
async def test_bad_series_is_a_precise_problem_and_stores_nothing(
    firm: httpx.AsyncClient, place: Scene, bad: object, field: str
) -> None:
    before = await counted()
    for path in ("/bookings", "/bookings/check"):
        answer = await firm.post(f"{API}{path}", json=series_body(place.slug, series=bad))
        assert answer.status_code == 422, answer.text
        assert answer.headers["content-type"].startswith("application/problem+json")
        assert field in [fault["field"] for fault in answer.json()["errors"]]
    assert await counted() == before


async def test_end_before_start_is_422(firm: httpx.AsyncClient, place: Scene) -> None:
    body = series_body(place.slug)
    answer = await firm.post(f"{API}/bookings", json={**body, "ends_at": body["starts_at"]})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "ends_at"


async def test_series_past_the_horizon_names_its_times(firm: httpx.AsyncClient, place: Scene) -> None:
    body = series_body(place.slug, series={"frequency": "weekly", "interval": 4, "count": 15})
    answer = await firm.post(f"{API}/bookings", json=body)
    assert answer.status_code == 409
    problem = answer.json()
    assert {one["forecast"] for one in problem["occurrences"]} == {"too_far"}
    assert problem["occurrences"][-1]["number"] == 15
    assert "days ahead" in problem["occurrences"][0]["reason"]


async def test_host_decides_on_all_on_some_and_on_the_rest(
    firm: httpx.AsyncClient, host: httpx.AsyncClient, place: Scene
) -> None:
    made = (await firm.post(f"{API}/bookings", json=series_body(place.slug))).json()
    ids = [item["id"] for item in made["items"]]
    path = f"{API}/bookings/series/{made['id']}"
    assert (await host.get(path)).json()["actions"].keys() == {"approve", "decline", "request-changes"}
    assert (await host.post(f"{path}/decline", json={"since": ids[3]})).status_code == 422
    declined = await host.post(f"{path}/decline", json={"since": ids[3], "reason": "We move then"})
    assert declined.status_code == 200
    assert declined.json()["changed"] == ids[3:]
    approved = await host.post(f"{path}/approve", json={"bookings": ids[:2]})
    assert [item["state"] for item in approved.json()["items"]] == ["confirmed", "confirmed", "submitted", "declined"]
    assert (await host.post(f"{path}/approve")).json()["changed"] == ids[2:3]
    again = await host.post(f"{path}/approve")
    assert again.status_code == 409
    assert again.json()["type"].endswith("/transition-not-allowed")
    cancelled = await firm.post(f"{path}/cancel", json={"reason": "We are done"})
    assert [item["state"] for item in cancelled.json()["items"]] == ["cancelled"] * 3 + ["declined"]


async def test_refused_approval_changes_nothing_and_partial_tells_what_stays(
    firm: httpx.AsyncClient, host: httpx.AsyncClient, place: Scene
) -> None:
    made = (await firm.post(f"{API}/bookings", json=series_body(place.slug))).json()
    other = series_body(place.slug, 3)
    del other["series"]
    single = (await firm.post(f"{API}/bookings", json=other)).json()
    assert (await host.post(f"{API}/bookings/{single['id']}/approve")).status_code == 200
    path = f"{API}/bookings/series/{made['id']}/approve"
    refused = await host.post(path)
    assert refused.status_code == 409
    assert refused.json()["type"] == "/problems/time-taken"
    assert [one["number"] for one in refused.json()["occurrences"]] == [2]
    assert await states(made["id"]) == ["submitted"] * 4
    done = (await host.post(path, json={"partial": True})).json()
    assert [one["number"] for one in done["refused"]] == [2]
    assert [item["state"] for item in done["items"]] == ["confirmed", "submitted", "confirmed", "confirmed"]


async def test_strangers_and_visitors_find_no_series(
    application: Litestar, visitor: httpx.AsyncClient, firm: httpx.AsyncClient, place: Scene
) -> None:
    made = (await firm.post(f"{API}/bookings", json=series_body(place.slug))).json()
    path = f"{API}/bookings/series/{made['id']}"
    assert (await visitor.get(path)).status_code == 401
    async with await api(application, place.people["other_firm"]) as stranger:
        assert (await stranger.get(path)).status_code == 404
        assert (await stranger.post(f"{path}/approve")).status_code == 404
    assert (await firm.post(f"{path}/approve")).status_code == 403
    assert (await firm.get(f"{API}/bookings/series/00000000-0000-4000-8000-000000000000")).status_code == 404
    alone = await booking_in(place, BookingState.SUBMITTED, hours_ahead=100)
    wrong = await firm.post(f"{path}/withdraw", json={"bookings": [str(alone)]})
    assert wrong.status_code == 422


async def test_series_is_in_the_calendar_with_an_event_for_each_booking(
    application: Litestar, firm: httpx.AsyncClient, host: httpx.AsyncClient, place: Scene
) -> None:
    from registry.bookings import feeds  # noqa: PLC0415  # beside what it is for
    from registry.bookings.codes import FeedKind  # noqa: PLC0415

    del application
    made = (await firm.post(f"{API}/bookings", json=series_body(place.slug))).json()
    await host.post(f"{API}/bookings/series/{made['id']}/approve")
    token = await feeds.make_feed(place.people["requester"], FeedKind.OWN)
    calendar = (await firm.get(f"/feeds/bookings/{token}.ics")).text
    for item in made["items"]:
        assert f"booking-{item['id']}@registry" in calendar
