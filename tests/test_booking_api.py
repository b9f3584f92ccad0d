"""Bookings over HTTP: shapes, bad input that stores nothing, and the race for one slot against a real server."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from registry import database
from registry.access import SYSTEM, Actor
from registry.accounts.service import create_token
from registry.bookings.states import BookingState
from tests.conftest import Server
from tests.factories_bookings import Scene, booking_in, request_for, scene

API = "/api/v1"


async def bearer(actor: Actor) -> dict[str, str]:
    return {"Authorization": f"Bearer {await create_token(SYSTEM, actor.email)}"}


def body_for(slug: str, **changes: object) -> dict[str, Any]:
    text = request_for(slug)
    assert text.starts_at is not None
    assert text.ends_at is not None
    body: dict[str, Any] = {
        "environments": [slug],
        "starts_at": text.starts_at.isoformat(),
        "ends_at": text.ends_at.isoformat(),
        "purpose": "Try a new alarm",
        "operational_benefit": "Fewer interruptions",
        "user_benefit": "Quieter nights",
        "trl": 5,
        "participants": 3,
        "personal_data": False,
        "submit": True,
    }
    return {**body, **changes}


@pytest.fixture(scope="module")
async def the_scene(database: str) -> Scene:
    del database
    return await scene()


@pytest.fixture
async def firm(visitor: httpx.AsyncClient, the_scene: Scene) -> AsyncIterator[httpx.AsyncClient]:
    visitor.headers.update(await bearer(the_scene.people["requester"]))
    return visitor


async def test_request_answers_201_with_state_and_missing_agreements(firm: httpx.AsyncClient, the_scene: Scene) -> None:
    answer = await firm.post(f"{API}/bookings", json=body_for(the_scene.slug))
    assert answer.status_code == 201
    found = answer.json()
    assert found["state"] == "submitted"
    assert found["missing_agreements"] == []
    assert found["environments"][0]["slug"] == the_scene.slug
    assert found["starts_at"].endswith(("+01:00", "+02:00"))
    listed = (await firm.get(f"{API}/bookings")).json()
    assert {"items", "total", "page", "page_size"} == set(listed)
    assert found["id"] in [item["id"] for item in listed["items"]]


BAD = [
    ({"ends_at": "2020-01-01T00:00:00+01:00"}, 422, "ends_at"),
    ({"starts_at": "2031-03-03T09:00:00", "ends_at": "2031-03-03T10:00:00"}, 422, "starts_at"),
    ({"starts_at": 5}, 422, "starts_at"),
    ({"starts_at": "soon"}, 422, "starts_at"),
    ({"starts_at": "1808989200"}, 422, "starts_at"),
    ({"starts_at": "0001-01-01T00:00:00+01:00"}, 422, "starts_at"),
    ({"starts_at": "2020-01-01T09:00:00+01:00", "ends_at": "2020-01-01T10:00:00+01:00"}, 409, None),
    ({"environments": ["no-such-place"]}, 404, None),
    ({"environments": []}, 422, "environments"),
    ({"environments": "x"}, 422, "environments"),
    ({"purpose": "x" * 5001}, 422, "purpose"),
    ({"purpose": ""}, 422, "purpose"),
    ({"purpose": "bell \u0007"}, 422, "purpose"),
    ({"purpose": "nul \u0000"}, 422, "purpose"),
    ({"purpose": "turned \u202e around"}, 422, "purpose"),
    ({"purpose": "<script>alert(1)</script>"}, 422, "purpose"),
    ({"purpose": "<img src=x onerror=alert(1)"}, 422, "purpose"),
    ({"purpose": 7}, 422, "purpose"),
    ({"trl": 10}, 422, "trl"),
    ({"trl": True}, 422, "trl"),
    ({"trl": 2.5}, 422, "trl"),
    ({"participants": "many"}, 422, "participants"),
    ({"personal_data": "everything"}, 422, "personal_data"),
    ({"no_such_field": 1}, 422, "no_such_field"),
    ({"organisation": 999999}, 403, None),
]


@pytest.mark.parametrize(("changes", "status", "field"), BAD, ids=lambda value: str(value)[:50])
@pytest.mark.parametrize("language", ["sv", "en"])
async def test_bad_input_is_a_precise_problem_and_stores_nothing(
    firm: httpx.AsyncClient, the_scene: Scene, changes: dict[str, Any], status: int, field: str | None, language: str
) -> None:
    before = await count_bookings()
    answer = await firm.post(
        f"{API}/bookings", json=body_for(the_scene.slug, **changes), headers={"Accept-Language": language}
    )
    assert answer.status_code == status, answer.text
    problem = answer.json()
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert answer.headers["content-language"] == language
    assert {"type", "title", "status", "detail"} <= set(problem)
    if field is not None:
        assert field in [fault["field"].split(".")[0] for fault in problem["errors"]]
    assert await count_bookings() == before


async def count_bookings() -> int:
    row = await database.fetch_one("SELECT count(*) AS n FROM booking")
    assert row is not None
    count: int = row["n"]
    return count


@pytest.mark.parametrize(
    "raw",
    [
        b"{",
        b"",
        b"[]",
        b"null",
        b'"text"',
        b'{"environments": "\\ud800"}',
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"a":' * 50_000,
    ],
)
async def test_malformed_json_is_422(firm: httpx.AsyncClient, raw: bytes) -> None:
    before = await count_bookings()
    answer = await firm.post(f"{API}/bookings", content=raw, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"]
    assert await count_bookings() == before


async def test_other_peoples_booking_is_404_and_a_visitor_gets_401(
    visitor: httpx.AsyncClient, the_scene: Scene
) -> None:
    booking_id = await booking_in(the_scene, BookingState.SUBMITTED)
    assert (await visitor.get(f"{API}/bookings/{booking_id}")).status_code == 401
    stranger = await bearer(the_scene.people["other_firm"])
    assert (await visitor.get(f"{API}/bookings/{booking_id}", headers=stranger)).status_code == 404
    answer = await visitor.post(f"{API}/bookings/{booking_id}/approve", headers=stranger)
    assert answer.status_code == 404
    assert (await visitor.get(f"{API}/bookings/not-a-uuid", headers=stranger)).status_code == 404
    assert (await visitor.get(f"{API}/bookings", headers={"Authorization": "Bearer wrong"})).status_code == 401


async def test_transition_that_is_not_allowed_is_409(firm: httpx.AsyncClient, the_scene: Scene) -> None:
    booking_id = await booking_in(the_scene, BookingState.DECLINED)
    answer = await firm.post(f"{API}/bookings/{booking_id}/submit")
    assert answer.status_code == 409
    assert answer.json()["type"].endswith("/transition-not-allowed")


async def test_availability_answers_intervals_with_offset(visitor: httpx.AsyncClient, the_scene: Scene) -> None:
    answer = await visitor.get(
        f"{API}/environments/{the_scene.slug}/availability",
        params={"from": "2027-03-27T00:00:00+01:00", "to": "2027-03-29T00:00:00+02:00"},
    )
    assert answer.status_code == 200
    free = answer.json()["free"]
    assert free == [{"starts_at": "2027-03-27T00:00:00+01:00", "ends_at": "2027-03-29T00:00:00+02:00"}]
    for params in (
        {},
        {"from": "x", "to": "y"},
        {"from": "2027-03-29T00:00:00+02:00", "to": "2027-03-27T00:00:00+01:00"},
    ):
        bad = await visitor.get(f"{API}/environments/{the_scene.slug}/availability", params=params)
        assert bad.status_code == 422
    unknown = await visitor.get(
        f"{API}/environments/nowhere/availability",
        params={"from": "2027-03-27T00:00:00+01:00", "to": "2027-03-29T00:00:00+02:00"},
    )
    assert unknown.status_code == 404


async def test_64_requests_and_approvals_over_http_end_in_one_holder(server: Server) -> None:
    """A real server: 64 requests for one slot at once, then 64 approvals at once."""
    place = await scene()
    firm, host = await bearer(place.people["requester"]), await bearer(place.people["host"])
    body = body_for(place.slug)
    limits = httpx.Limits(max_connections=64)
    async with httpx.AsyncClient(base_url=server.address, limits=limits, timeout=60) as client:
        created = await asyncio.gather(*(client.post(f"{API}/bookings", json=body, headers=firm) for _ in range(64)))
        assert {answer.status_code for answer in created} == {201}
        approved = await asyncio.gather(
            *(client.post(f"{API}/bookings/{answer.json()['id']}/approve", headers=host) for answer in created)
        )
        statuses = sorted(answer.status_code for answer in approved)
        assert statuses == [200] + [409] * 63
        refused = next(answer.json() for answer in approved if answer.status_code == 409)
        assert refused["type"].endswith("/time-taken")
        assert refused["alternatives"]
        late = await client.post(f"{API}/bookings", json=body, headers=firm)
        assert late.status_code == 409
        assert late.json()["type"].endswith("/time-taken")
        assert late.json()["alternatives"][0]["environment"] == place.slug
    row = await database.fetch_one(
        "SELECT count(*) AS n FROM booking b JOIN booking_environment be ON be.booking = b.id"
        " WHERE be.environment = $1 AND b.state IN ('approved', 'confirmed', 'in_progress')",
        place.environment_id,
    )
    assert row is not None
    assert row["n"] == 1
