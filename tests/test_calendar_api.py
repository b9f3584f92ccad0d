"""The calendar of an environment over the API: rules and refusals of the pages, versions, permissions, bad input."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from litestar import Litestar

from registry import database
from registry.access import SYSTEM
from registry.audit.service import EventType, record
from registry.bookings.states import BookingState
from registry.entries.codes import Audience
from registry.entries.service import EnvironmentText
from tests import factories
from tests.clients import api
from tests.factories_bookings import Scene, booking_in, scene

WEEK = [{"weekday": day, "opens": "08:00", "closes": "17:00"} for day in range(1, 6)]
SUMMER = {
    "name": {"sv": "Sommar", "en": "Summer"},
    "first_day": "2027-06-14",
    "last_day": "2027-08-13",
    "every_year": True,
    "opening_hours": [{"weekday": 1, "opens": "10:00", "closes": "14:00"}],
}
QUERIES_ABOUT_BOOKINGS = 2
JULY = {
    "starts_at": "2027-07-01T00:00:00",
    "ends_at": "2027-08-01T00:00:00",
    "reason": {"sv": "Semesterstängt", "en": "Summer holiday"},
}


def path(the_scene: Scene, *parts: object) -> str:
    return "/".join(["/api/v1/environments", the_scene.slug, "calendar", *map(str, parts)])


async def read(client: httpx.AsyncClient, the_scene: Scene) -> tuple[dict[str, Any], dict[str, str]]:
    """The calendar, and the header that says which version was read."""
    answer = await client.get(path(the_scene))
    assert answer.status_code == 200
    calendar: dict[str, Any] = answer.json()
    assert answer.headers["ETag"] == f'"{calendar["version"]}"'
    return calendar, {"If-Match": answer.headers["ETag"]}


def fields(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 422, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    return [error["field"] for error in answer.json()["errors"]]


def span_around(hours_ahead: float) -> dict[str, Any]:
    starts_at = datetime.now(UTC) + timedelta(hours=hours_ahead)
    return {
        "starts_at": starts_at.isoformat(),
        "ends_at": (starts_at + timedelta(hours=6)).isoformat(),
        "reason": {"sv": "Underhåll"},
    }


async def test_everything_that_is_sent_comes_back_and_can_be_taken_away(application: Litestar) -> None:
    the_scene = await scene()
    async with await api(application, the_scene.people["host"]) as client:
        _, seen = await read(client, the_scene)
        week = await client.put(path(the_scene, "opening-hours"), json={"opening_hours": WEEK}, headers=seen)
        assert (week.status_code, week.json()["opening_hours"]) == (200, WEEK)
        # The answer's own ETag is what the next change is made from.
        seen = {"If-Match": week.headers["ETag"]}
        season = await client.post(path(the_scene, "seasons"), json=SUMMER, headers=seen)
        assert season.status_code == 201
        assert season.json()["calendar"]["seasons"] == [{"id": season.json()["id"], **SUMMER}]
        seen = {"If-Match": season.headers["ETag"]}
        moved = {**SUMMER, "last_day": "2027-08-20", "every_year": False}
        changed = await client.put(path(the_scene, "seasons", season.json()["id"]), json=moved, headers=seen)
        assert changed.json()["seasons"] == [{"id": season.json()["id"], **moved}]
        seen = {"If-Match": changed.headers["ETag"]}
        switched = {"closed_on_holidays": True, "closed_on_eves": False}
        holidays = await client.put(path(the_scene, "holidays"), json=switched, headers=seen)
        assert {name: holidays.json()[name] for name in switched} == switched
        day = {"day": "2027-01-06", "opens": "10:00", "closes": "00:00"}
        open_day = await client.post(path(the_scene, "open-days"), json=day)
        closure = await client.post(path(the_scene, "closures"), json=JULY)
        blackout = await client.post(path(the_scene, "blackouts"), json=JULY)
        for added in (open_day, closure, blackout):
            assert added.status_code == 201, added.text
        calendar, seen = await read(client, the_scene)
        assert calendar["open_days"] == [{"id": open_day.json()["id"], **day}]
        july = {"starts_at": "2027-07-01T00:00:00+02:00", "ends_at": "2027-08-01T00:00:00+02:00"}
        both = {**july, "reason": JULY["reason"], "bookings": []}
        assert calendar["closures"] == [{"id": closure.json()["id"], **both}]
        assert calendar["blackouts"] == [{"id": blackout.json()["id"], **both}]
        for kind, added in (("open-days", open_day), ("closures", closure), ("blackouts", blackout)):
            gone = await client.delete(path(the_scene, kind, added.json()["id"]))
            assert (gone.status_code, gone.json()[kind.replace("-", "_")]) == (200, [])
            assert (await client.delete(path(the_scene, kind, added.json()["id"]))).status_code == 404
        _, seen = await read(client, the_scene)
        gone = await client.delete(path(the_scene, "seasons", season.json()["id"]), headers=seen)
        assert (gone.status_code, gone.json()["seasons"]) == (200, [])
    events = await database.fetch(
        "SELECT data->>'calendar' AS what FROM audit_event WHERE subject_id = $1 AND type = 'environment.changed'"
        " ORDER BY id",
        str(the_scene.environment_id),
    )
    whole = ["week", "season", "season", "holidays", "open_day", "closure", "blackout"]
    assert [row["what"] for row in events] == [
        *whole,
        *(f"{kind}_removed" for kind in ("open_day", "closure", "blackout", "season")),
    ]


async def test_second_of_two_hosts_is_told_and_nothing_is_overwritten(application: Litestar) -> None:
    the_scene = await scene()
    async with await api(application, the_scene.people["host"]) as client:
        _, seen = await read(client, the_scene)
        added = await client.post(path(the_scene, "seasons"), json=SUMMER, headers=seen)
        changes: list[tuple[str, str, Any]] = [
            ("PUT", "opening-hours", {"opening_hours": WEEK}),
            ("POST", "seasons", {**SUMMER, "first_day": "2027-02-01", "last_day": "2027-02-28"}),
            ("PUT", f"seasons/{added.json()['id']}", {**SUMMER, "last_day": "2027-08-20"}),
            ("PUT", "holidays", {"closed_on_holidays": True, "closed_on_eves": True}),
            ("DELETE", f"seasons/{added.json()['id']}", None),
        ]
        for method, part, body in changes:
            late = await client.request(method, path(the_scene, part), json=body, headers=seen)
            assert (late.status_code, late.json()["type"]) == (412, "/problems/edited-meanwhile"), part
            blind = await client.request(method, path(the_scene, part), json=body)
            assert (blind.status_code, blind.json()["type"]) == (428, "/problems/version-missing"), part
            wrong = await client.request(method, path(the_scene, part), json=body, headers={"If-Match": "W/7"})
            assert fields(wrong) == ["If-Match"], part
        assert (await read(client, the_scene))[0] == added.json()["calendar"]
        whichever = {"If-Match": "*"}
        week = await client.put(path(the_scene, "opening-hours"), json={"opening_hours": []}, headers=whichever)
        assert (week.status_code, week.json()["opening_hours"]) == (200, [])


async def test_of_hosts_at_once_one_wins_and_the_others_are_told(application: Litestar) -> None:
    the_scene = await scene()
    async with await api(application, the_scene.people["host"]) as client:
        _, seen = await read(client, the_scene)
        weeks = [[{"weekday": 1, "opens": "08:00", "closes": f"{hour}:00"}] for hour in range(10, 18)]
        answers = await asyncio.gather(
            *(client.put(path(the_scene, "opening-hours"), json={"opening_hours": w}, headers=seen) for w in weeks)
        )
        assert sorted(answer.status_code for answer in answers) == [200] + [412] * 7
        won = next(week for week, answer in zip(weeks, answers, strict=True) if answer.status_code == 200)
        assert (await read(client, the_scene))[0]["opening_hours"] == won


async def test_rules_do_not_overwrite_a_calendar_that_was_changed_meanwhile(application: Litestar) -> None:
    the_scene = await scene()
    rules = f"/api/v1/environments/{the_scene.slug}"
    async with await api(application, the_scene.people["host"]) as client:
        _, seen = await read(client, the_scene)
        text = {"step": 30, "lead_time_hours": 72, "buffer_after": 15, "shortest": 60, "longest": 240}
        changed = await client.patch(rules, json={**text, "horizon_days": 90, "capacity": 2}, headers=seen)
        assert changed.status_code == 200, changed.text
        late = await client.patch(rules, json={"step": 15}, headers=seen)
        assert (late.status_code, late.json()["type"]) == (412, "/problems/edited-meanwhile")
        calendar, now = await read(client, the_scene)
        assert now == {"If-Match": changed.headers["ETag"]}
        assert calendar["rules"] == {**text, "horizon_days": 90, "capacity": 2, "buffer_before": 0}
        several = await asyncio.gather(*(client.patch(rules, json={"step": step}) for step in (5, 10, 20, 60)))
        # Who named no version and still came second is told as a clash.
        assert {answer.status_code for answer in several} <= {200, 409}
        assert 200 in {answer.status_code for answer in several}


@pytest.mark.parametrize("change", [{"capacity": 1}, {"buffer_before": 600, "capacity": 1}])
async def test_change_that_bookings_stand_against_is_refused_with_their_list(
    change: dict[str, int], application: Litestar
) -> None:
    the_scene = await scene()
    rules = f"/api/v1/environments/{the_scene.slug}"
    async with await api(application, the_scene.people["host"]) as client:
        assert (await client.patch(rules, json={"capacity": 2})).status_code == 200
        both = {str(await booking_in(the_scene, BookingState.APPROVED)) for _ in range(2)}
        before, _ = await read(client, the_scene)
        refused = await client.patch(rules, json=change)
        assert (refused.status_code, refused.json()["type"]) == (409, "/problems/bookings-in-the-way")
        assert refused.headers["Content-Type"] == "application/problem+json"
        assert {one["id"] for one in refused.json()["bookings"]} == both
        assert all(one["contact"]["email"] and one["href"] for one in refused.json()["bookings"])
        assert (await read(client, the_scene))[0] == before


@pytest.mark.parametrize("kind", ["closures", "blackouts"])
async def test_answer_lists_the_bookings_that_an_interval_touches(kind: str, application: Litestar) -> None:
    the_scene = await scene()
    touched = await booking_in(the_scene, BookingState.APPROVED, hours_ahead=48)
    await booking_in(the_scene, BookingState.APPROVED, hours_ahead=96)
    async with await api(application, the_scene.people["host"]) as client:
        added = await client.post(path(the_scene, kind), json=span_around(47))
        assert added.status_code == 201
        (booking,) = added.json()["bookings"]
        assert (booking["id"], booking["state"]) == (str(touched), "approved")
        assert booking["organisation"]
        assert booking["contact"]["email"]
        assert datetime.fromisoformat(booking["starts_at"]).utcoffset() is not None
        (shown,) = (await read(client, the_scene))[0][kind]
        assert shown["bookings"] == [booking]
    # Whoever edits but may not read bookings learns that there is one, not whose.
    async with await api(application, the_scene.people["coordinator"]) as client:
        (shown,) = (await read(client, the_scene))[0][kind]
        assert [(one["organisation"], one["contact"]) for one in shown["bookings"]] == [(None, None)]
    async with await api(application, the_scene.people["requester"]) as client:
        (shown,) = (await read(client, the_scene))[0][kind]
        assert (shown["reason"], shown["bookings"]) == ({"sv": "Underhåll", "en": ""}, None)


async def test_blackout_over_the_api_refuses_requests(application: Litestar) -> None:
    the_scene = await scene()
    async with await api(application, the_scene.people["host"]) as client:
        assert (await client.post(path(the_scene, "blackouts"), json=span_around(47))).status_code == 201
    starts_at = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(hours=49)
    body = {
        "environments": [the_scene.slug],
        "starts_at": starts_at.isoformat(),
        "ends_at": (starts_at + timedelta(hours=1)).isoformat(),
        "purpose": "x",
        "operational_benefit": "x",
        "user_benefit": "x",
        "trl": 5,
        "participants": 3,
    }
    async with await api(application, the_scene.people["requester"]) as client:
        refused = await client.post("/api/v1/bookings", json=body)
        assert refused.status_code == 409
        assert "Underhåll" in refused.text


async def test_blackout_of_a_part_is_shown_at_the_whole_and_removed_at_the_part(application: Litestar) -> None:
    the_scene = await scene()
    text = EnvironmentText(parent=the_scene.environment_id, bookable_by=(Audience.EXTERNAL,))
    body = (await database.fetch("SELECT accountable_body FROM entry WHERE id = $1", the_scene.environment_id))[0]
    _, part = await factories.environment(body=body["accountable_body"], text=text)
    async with await api(application, the_scene.people["host"]) as client:
        added = await client.post(f"/api/v1/environments/{part}/calendar/blackouts", json=span_around(47))
        assert added.status_code == 201
        (shown,) = (await read(client, the_scene))[0]["blackouts"]
        assert shown["id"] is None
        assert (await client.delete(path(the_scene, "blackouts", added.json()["id"]))).status_code == 404


CHANGES: list[tuple[str, str, Any]] = [
    ("PUT", "opening-hours", {"opening_hours": WEEK}),
    ("POST", "seasons", SUMMER),
    ("PUT", "seasons/1", SUMMER),
    ("DELETE", "seasons/1", None),
    ("PUT", "holidays", {"closed_on_holidays": True, "closed_on_eves": True}),
    ("POST", "open-days", {"day": "2027-01-06"}),
    ("DELETE", "open-days/1", None),
    ("POST", "closures", JULY),
    ("DELETE", "closures/1", None),
    ("POST", "blackouts", JULY),
    ("DELETE", "blackouts/1", None),
]


@pytest.mark.parametrize(
    ("who", "status"),
    [
        ("requester", 403),
        ("employee", 403),
        ("other_host", 403),
        ("procurement", 403),
        ("legal", 403),
        ("auditor", 403),
        ("host", 201),
        ("coordinator", 201),
        (None, 401),
    ],
)
async def test_only_who_may_edit_the_entry_changes_its_calendar_and_everybody_reads_it(
    who: str | None, status: int, application: Litestar, visitor: httpx.AsyncClient
) -> None:
    the_scene = await scene()
    client = await api(application, the_scene.people[who]) if who else visitor
    before, seen = await read(client, the_scene)
    if status == 201:
        assert (await client.post(path(the_scene, "closures"), json=JULY)).status_code == status
    else:
        for method, part, body in CHANGES:
            answer = await client.request(method, path(the_scene, part), json=body, headers=seen)
            assert answer.status_code == status, part
            assert answer.headers["Content-Type"] == "application/problem+json"
        assert (await read(client, the_scene))[0] == before
    if who:
        await client.aclose()


async def test_calendar_of_what_one_may_not_see_is_not_there(application: Litestar, visitor: httpx.AsyncClient) -> None:
    the_scene = await scene()
    async with database.transaction():
        await record(SYSTEM, EventType.ENTRY_CHANGED, the_scene.environment_id)
        await database.fetch("UPDATE entry SET visibility = 'staff' WHERE id = $1", the_scene.environment_id)
    async with await api(application, the_scene.people["requester"]) as firm:
        for client in (visitor, firm):
            assert (await client.get(path(the_scene))).status_code == 404
        assert (await firm.post(path(the_scene, "closures"), json=JULY)).status_code == 404
    async with await api(application, the_scene.people["host"]) as host:
        assert (await host.get(path(the_scene))).status_code == 200
        for id in ("0", "-1", str(2**63), str(2**40)):
            gone = await host.delete(path(the_scene, "closures", id))
            assert gone.status_code == 404, id


MONDAY = {"weekday": 1, "opens": "08:00", "closes": "12:00"}


@pytest.mark.parametrize(
    ("method", "part", "body", "names"),
    [
        ("PUT", "opening-hours", {}, ["opening_hours"]),
        ("PUT", "opening-hours", {"opening_hours": [MONDAY] * 10_000}, ["opening_hours"]),
        ("PUT", "opening-hours", {"opening_hours": [{**MONDAY, "weekday": 8}]}, ["opening_hours.0.weekday"]),
        ("PUT", "opening-hours", {"opening_hours": [{**MONDAY, "opens": "25:00"}]}, ["opening_hours.0.opens"]),
        ("PUT", "opening-hours", {"opening_hours": [{**MONDAY, "opens": 28800}]}, ["opening_hours.0.opens"]),
        ("PUT", "opening-hours", {"opening_hours": [{**MONDAY, "opens": "08:00+02:00"}]}, ["opening_hours.0.opens"]),
        ("PUT", "opening-hours", {"opening_hours": [{**MONDAY, "closes": "07:00"}]}, ["opening_hours.0.closes"]),
        (
            "PUT",
            "opening-hours",
            {"opening_hours": [{**MONDAY, "weekday": 3}, MONDAY, {**MONDAY, "opens": "11:00", "closes": "00:00"}]},
            ["opening_hours.1"],
        ),
        ("POST", "seasons", {**SUMMER, "name": {"sv": " "}}, ["name.sv"]),
        ("POST", "seasons", {**SUMMER, "name": {"sv": "<b>Sommar</b>"}}, ["name.sv"]),
        ("POST", "seasons", {**SUMMER, "first_day": "2027-02-30"}, ["first_day"]),
        ("POST", "seasons", {**SUMMER, "last_day": "2027-06-13"}, ["last_day"]),
        ("POST", "seasons", {**SUMMER, "last_day": "2028-06-14"}, ["last_day"]),
        ("POST", "seasons", {**SUMMER, "id": 1}, ["id"]),
        ("PUT", "holidays", {"closed_on_holidays": True}, ["closed_on_eves"]),
        ("POST", "open-days", {"day": "2027-01-06", "opens": "10:00"}, ["opens"]),
        ("POST", "open-days", {"day": "2027-01-06", "opens": "10:00", "closes": "09:00"}, ["closes"]),
        ("POST", "closures", {**JULY, "ends_at": "2027-07-01T00:00:00+02:00"}, ["ends_at"]),
        ("POST", "blackouts", {**JULY, "ends_at": "2027-06-30T00:00:00+02:00"}, ["ends_at"]),
        ("POST", "closures", {**JULY, "reason": {}}, ["reason.sv"]),
        ("POST", "blackouts", {**JULY, "reason": {"sv": "x" * 201}}, ["reason.sv"]),
        ("POST", "closures", {**JULY, "ends_at": "2027-07-31"}, ["ends_at"]),
        ("POST", "closures", {**JULY, "ends_at": 1817071200}, ["ends_at"]),
        ("POST", "closures", {**JULY, "ends_at": "2999-07-31T00:00:00"}, ["ends_at"]),
    ],
)
async def test_bad_input_is_refused_by_field_in_both_languages_and_nothing_is_stored(
    method: str, part: str, body: Any, names: list[str], application: Litestar
) -> None:
    the_scene = await scene()
    async with await api(application, the_scene.people["host"]) as client:
        before, seen = await read(client, the_scene)
        told = []
        for code in ("sv", "en"):
            headers = {**seen, "Accept-Language": code}
            answer = await client.request(method, path(the_scene, part), json=body, headers=headers)
            assert fields(answer) == names
            assert answer.headers["Content-Language"] == code
            told.append(answer.json()["errors"][0]["message"])
        assert told[0] != told[1]
        assert (await read(client, the_scene))[0] == before


async def test_overlapping_seasons_and_a_day_that_is_opened_twice_are_refused(application: Litestar) -> None:
    the_scene = await scene()
    async with await api(application, the_scene.people["host"]) as client:
        _, seen = await read(client, the_scene)
        added = await client.post(path(the_scene, "seasons"), json=SUMMER, headers=seen)
        seen = {"If-Match": added.headers["ETag"]}
        august = {**SUMMER, "first_day": "2031-08-13", "last_day": "2031-09-01", "name": {"sv": "Augusti"}}
        refused = await client.post(path(the_scene, "seasons"), json=august, headers=seen)
        assert fields(refused) == ["first_day"]
        assert "Summer" in refused.json()["errors"][0]["message"]
        assert (await client.post(path(the_scene, "open-days"), json={"day": "2027-01-06"})).status_code == 201
        assert fields(await client.post(path(the_scene, "open-days"), json={"day": "2027-01-06"})) == ["day"]


@pytest.mark.parametrize("kind", ["closures", "blackouts"])
async def test_time_has_to_exist_and_to_be_one(kind: str, application: Litestar) -> None:
    the_scene = await scene()
    async with await api(application, the_scene.people["host"]) as client:

        async def send(starts_at: str, language: str) -> httpx.Response:
            body = {**JULY, "starts_at": starts_at, "ends_at": "2028-01-01T00:00"}
            return await client.post(path(the_scene, kind), json=body, headers={"Accept-Language": language})

        for starts_at, swedish, english in (
            ("2027-03-28T02:30:00", "Den tiden finns inte", "no such time"),
            ("2027-10-31T02:30:00", "två gånger den dagen", "two such times"),
        ):
            for code, words in (("sv", swedish), ("en", english)):
                refused = await send(starts_at, code)
                assert fields(refused) == ["starts_at"]
                assert words in refused.json()["errors"][0]["message"]
        for starts_at in ("2027-10-31T02:30:00+02:00", "2027-10-31T02:30:00+01:00", "2027-10-31T03:30"):
            assert (await send(starts_at, "en")).status_code == 201
        calendar, _ = await read(client, the_scene)
        assert [one["starts_at"] for one in calendar[kind]] == [
            "2027-10-31T02:30:00+02:00",
            "2027-10-31T02:30:00+01:00",
            "2027-10-31T03:30:00+01:00",
        ]


async def test_openapi_describes_the_calendar(visitor: httpx.AsyncClient) -> None:
    document = (await visitor.get("/api/openapi.json")).json()
    calendar = "/api/v1/environments/{slug}/calendar"
    described = {one.removeprefix(calendar): set(ways) for one, ways in document["paths"].items() if calendar in one}
    assert described == {
        "": {"get"},
        "/opening-hours": {"put"},
        "/seasons": {"post"},
        "/seasons/{row_id}": {"put", "delete"},
        "/holidays": {"put"},
        "/open-days": {"post"},
        "/open-days/{row_id}": {"delete"},
        "/closures": {"post"},
        "/closures/{row_id}": {"delete"},
        "/blackouts": {"post"},
        "/blackouts/{row_id}": {"delete"},
    }
    week = document["paths"][f"{calendar}/opening-hours"]["put"]
    assert "If-Match" in [one["name"] for one in week["parameters"]]
    assert week["requestBody"]["content"]["application/json"]["schema"]["$ref"].endswith("HoursBody")
    assert week["responses"]["200"]["content"]["application/json"]["schema"]["$ref"].endswith("CalendarShape")
    assert {"412", "428"} < week["responses"].keys()
    assert list(week["responses"]["412"]["content"]) == ["application/problem+json"]
    assert document["components"]["schemas"]["HoursBody"]["properties"]["opening_hours"]["maxItems"] == 70


@pytest.mark.parametrize("rows", [1, 3])
async def test_reading_takes_a_constant_number_of_queries(
    rows: int, application: Litestar, monkeypatch: pytest.MonkeyPatch
) -> None:
    the_scene = await scene()
    await booking_in(the_scene, BookingState.APPROVED)
    sent = []
    fetch = database.fetch

    async def counting(sql: str, *values: object) -> list[database.Row]:
        sent.append(sql)
        return await fetch(sql, *values)

    async with await api(application, the_scene.people["host"]) as client:
        for _ in range(rows):
            for kind in ("closures", "blackouts"):
                assert (await client.post(path(the_scene, kind), json=span_around(47))).status_code == 201
        monkeypatch.setattr(database, "fetch", counting)
        calendar, _ = await read(client, the_scene)
    assert len(calendar["closures"]) == len(calendar["blackouts"]) == rows
    assert len([sql for sql in sent if "booking" in sql]) == QUERIES_ABOUT_BOOKINGS
