"""Procurements and partnerships over HTTP: the API of CONTRACT.md and the desk, with good and bad input."""

import itertools
from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from registry import database
from registry.access import SYSTEM, Actor
from registry.procurement import queries
from registry.procurement.states import Stage
from tests import factories
from tests import factories_procurement as make

PROCUREMENTS = "/api/v1/procurements"
PARTNERSHIPS = "/api/v1/partnerships"
DESK = "/desk/procurement"


def procurement_body(buyer: int, /, **changes: Any) -> dict[str, Any]:
    return {
        "title": {"sv": "Tystare larm", "en": "Quieter alarms"},
        "summary": {"sv": "Larm som når rätt person.", "en": ""},
        "sectors": ["healthcare", "transport"],
        "track": "internal",
        "buyer": buyer,
        "dnr": "RS 2026-0001",
        "procedure": "innovation_partnership",
        "innovation_codes": ["rd-act"],
        "cpv": ["33100000", "73120000-9"],
        "need": "Alarms that reach one person",
        "criteria": "Quality",
        "estimated_value": {"amount_minor": 120_000_050, "currency": "SEK"},
        "deadline": "2027-03-01T12:00:00+01:00",
        "submit": False,
        **changes,
    }


def phase_body(**changes: Any) -> dict[str, Any]:
    return {
        "title": "Concept",
        "targets": "70 percent",
        "starts_on": "2027-03-01",
        "ends_on": "2027-06-30",
        "remuneration": {"amount_minor": 50_000_000, "currency": "SEK"},
        "environments": [],
        "agreement": None,
        **changes,
    }


def partnership_body(body: int, **changes: Any) -> dict[str, Any]:
    return {
        "title": {"sv": "Partnerskap", "en": ""},
        "summary": {"sv": "", "en": ""},
        "sectors": ["healthcare"],
        "track": "internal",
        "accountable_body": body,
        "dnr": "RS 2026-0001",
        "procurement": None,
        "agreement": None,
        "partners": [{"organisation": body, "role": "buyer"}],
        "performance_level": "90 percent",
        "highest_cost": {"amount_minor": 600_000_000, "currency": "SEK"},
        "phases": [phase_body()],
        **changes,
    }


async def _logged_by(actor: Actor) -> int:
    row = await database.fetch_one(
        "SELECT (SELECT count(*) FROM entry WHERE created_by = $1)"
        " + (SELECT count(*) FROM phase f JOIN partnership p ON p.id = f.partnership WHERE p.created_by = $1) AS n",
        actor.person_id,
    )
    assert row is not None
    return int(row["n"])


async def _pages(visitor: httpx.AsyncClient, actor: Actor) -> None:
    visitor.cookies.update(await make.session(actor))
    await visitor.get("/procurements")


async def _send(visitor: httpx.AsyncClient, path: str, form: Mapping[str, object]) -> httpx.Response:
    token = visitor.cookies.get("csrf") or ""
    return await visitor.post(path, data={**form, "_csrf_token": token})


# ---- The API


async def test_officer_logs_procurement_and_partnership_over_the_api(visitor: httpx.AsyncClient) -> None:
    cast = await make.cast()
    officer = cast.people["buyers_officer"]
    headers = await make.token(officer)
    _, slug = await factories.environment()
    contract = await make.agreement(officer, cast.buyer)
    logged = await visitor.post(PROCUREMENTS, json=procurement_body(cast.buyer, submit=True), headers=headers)
    assert logged.status_code == 201
    procurement = logged.json()
    assert (procurement["status"], procurement["stage"], procurement["withheld"]) == ("in_review", "need", False)
    assert procurement["estimated_value"] == {"amount_minor": 120_000_050, "currency": "SEK"}
    assert procurement["deadline"] == "2027-03-01T12:00:00+01:00"
    phase = phase_body(environments=[slug], agreement=str(contract))
    body = partnership_body(cast.buyer, procurement=procurement["id"], agreement=str(contract), phases=[phase])
    answer = await visitor.post(PARTNERSHIPS, json=body, headers=headers)
    assert answer.status_code == 201
    partnership = answer.json()
    assert partnership["procurement"]["id"] == procurement["id"]
    assert partnership["agreement"]["title"]["sv"] == "Contract on quieter alarms"
    assert partnership["phases"][0]["environments"] == [slug]
    assert partnership["phases"][0]["agreement"]["id"] == str(contract)
    path = f"{PARTNERSHIPS}/{partnership['id']}"
    second = phase_body(title="Prototype", starts_on="2027-07-01", ends_on="2027-12-31")
    added = await visitor.post(f"{path}/phases", json=second, headers=headers)
    assert (added.status_code, len(added.json()["phases"])) == (201, 2)
    decided = await visitor.post(
        f"{path}/phases/1/decision", json={"decision": "continue", "reasons": "Targets reached"}, headers=headers
    )
    assert (decided.status_code, decided.json()["phases"][0]["decision"]) == (200, "continue")
    assert (await visitor.get(path, headers=headers)).json() == decided.json()
    listed = (await visitor.get(PARTNERSHIPS, headers=headers)).json()
    assert {"items", "total", "page", "page_size"} == set(listed)
    assert partnership["id"] in [item["id"] for item in listed["items"]]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"title": {"sv": "", "en": ""}}, "title"),
        ({"title": {"sv": "<b>Fet</b>"}}, "title.sv"),
        ({"title": {"sv": "x" * 201}}, "title.sv"),
        ({"title": {"sv": "Two\nlines"}}, "title.sv"),
        ({"summary": {"sv": "x" * 5001}}, "summary.sv"),
        ({"need": "bell \u0007"}, "need"),
        ({"need": "turned \u202e"}, "need"),
        ({"sectors": []}, "sectors"),
        ({"sectors": ["space"]}, "sectors.0"),
        ({"track": "railway"}, "track"),
        ({"buyer": "many"}, "buyer"),
        ({"buyer": True}, "buyer"),
        ({"buyer": 2_000_000_000}, "buyer"),
        ({"buyer": 10**30}, "buyer"),
        ({"dnr": "x" * 61}, "dnr"),
        ({"procedure": "lottery"}, "procedure"),
        ({"innovation_codes": ["new"]}, "innovation_codes.0"),
        ({"cpv": ["331"]}, "cpv.0"),
        ({"estimated_value": {"amount_minor": -1, "currency": "SEK"}}, "estimated_value.amount_minor"),
        ({"estimated_value": {"amount_minor": 1.5, "currency": "SEK"}}, "estimated_value.amount_minor"),
        ({"estimated_value": {"amount_minor": 10**16, "currency": "SEK"}}, "estimated_value.amount_minor"),
        ({"estimated_value": {"amount_minor": 1, "currency": "kr"}}, "estimated_value.currency"),
        ({"deadline": "2027-03-01T12:00:00"}, "deadline"),
        ({"deadline": "soon"}, "deadline"),
        ({"colour": "blue"}, "colour"),
    ],
)
async def test_malformed_procurement_is_refused_by_field(
    visitor: httpx.AsyncClient, change: dict[str, Any], field: str
) -> None:
    cast = await make.cast()
    headers = await make.token(cast.officer)
    answer = await visitor.post(PROCUREMENTS, json=procurement_body(cast.buyer, **change), headers=headers)
    assert answer.status_code == 422
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert await _logged_by(cast.officer) == 0


@pytest.mark.parametrize(
    ("change", "status", "field"),
    [
        ({"phases": [phase_body(ends_on="2027-02-28")]}, 422, "phases.0.ends_on"),
        ({"phases": [phase_body(starts_on=0)]}, 422, "phases.0.starts_on"),
        ({"phases": [phase_body(starts_on="0001-01-01")]}, 422, "phases.0.starts_on"),
        ({"phases": [phase_body(title="")]}, 422, "phases.0.title"),
        ({"phases": [phase_body(environments=["no-such-place"])]}, 422, "phases.0.environments"),
        ({"phases": [phase_body(agreement=str(uuid4()))]}, 422, "phases.0.agreement"),
        ({"phases": [phase_body(agreement="none")]}, 422, "phases.0.agreement"),
        ({"phases": [phase_body(), phase_body()]}, 409, None),
        ({"procurement": str(uuid4())}, 422, "procurement"),
        ({"agreement": str(uuid4())}, 422, "agreement"),
        ({"accountable_body": 2_000_000_000}, 422, "accountable_body"),
        ({"partners": [{"organisation": 2_000_000_000, "role": "partner"}]}, 422, "partners.0.organisation"),
        ({"partners": [{"organisation": 1, "role": "friend"}]}, 422, "partners.0.role"),
        ({"highest_cost": 5}, 422, "highest_cost"),
    ],
)
async def test_malformed_partnership_stores_nothing(
    visitor: httpx.AsyncClient, change: dict[str, Any], status: int, field: str | None
) -> None:
    cast = await make.cast()
    headers = await make.token(cast.officer)
    answer = await visitor.post(PARTNERSHIPS, json=partnership_body(cast.buyer, **change), headers=headers)
    assert answer.status_code == status
    assert [error["field"] for error in answer.json().get("errors", [])] == ([field] if field else [])
    assert await _logged_by(cast.officer) == 0


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"decision": "continue", "reasons": ""}, 422),
        ({"decision": "celebrate", "reasons": "Yes"}, 422),
        ({"reasons": "Yes"}, 422),
        ({"decision": "reduce_partners", "reasons": "Only one is left"}, 409),
    ],
)
async def test_malformed_decision_decides_nothing(
    visitor: httpx.AsyncClient, body: dict[str, str], status: int
) -> None:
    cast = await make.cast()
    partnership_id = await make.partnership(cast.officer, cast.buyer)
    answer = await visitor.post(
        f"{PARTNERSHIPS}/{partnership_id}/phases/1/decision", json=body, headers=await make.token(cast.officer)
    )
    assert answer.status_code == status
    assert (await queries.get_partnership(SYSTEM, partnership_id)).phases[0].decision is None


async def test_decisions_out_of_order_and_unknown_phases_are_refused(visitor: httpx.AsyncClient) -> None:
    cast = await make.cast()
    partnership_id = await make.partnership(cast.officer, cast.buyer, phase_count=2)
    headers = await make.token(cast.officer)
    body = {"decision": "continue", "reasons": "Yes"}
    path = f"{PARTNERSHIPS}/{partnership_id}/phases"
    assert (await visitor.post(f"{path}/2/decision", json=body, headers=headers)).status_code == 409
    assert (await visitor.post(f"{path}/9/decision", json=body, headers=headers)).status_code == 404
    overlapping = phase_body(starts_on="2027-03-15", ends_on="2027-12-31")
    answer = await visitor.post(path, json=overlapping, headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/rule")


async def test_stage_moves_over_the_api(visitor: httpx.AsyncClient) -> None:
    cast = await make.cast()
    procurement_id = await make.procurement(cast.officer, cast.buyer)
    headers = await make.token(cast.officer)
    path = f"{PROCUREMENTS}/{procurement_id}"
    moved = await visitor.post(f"{path}/open-dialogue", headers=headers)
    assert (moved.status_code, moved.json()["stage"]) == (200, "market_dialogue")
    refused = await visitor.post(f"{path}/award", headers=headers)
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/transition-not-allowed")
    assert (await visitor.post(f"{path}/explode", headers=headers)).status_code == 404
    assert (await visitor.post(f"{path}/cancel", json={"reason": ""}, headers=headers)).status_code == 422
    ended = await visitor.post(f"{path}/cancel", json={"reason": "No tender"}, headers=headers)
    assert (ended.json()["stage"], ended.json()["cancel_reason"]) == ("cancelled", "No tender")
    listed = await visitor.get(f"{PROCUREMENTS}?stage=cancelled&page_size=1", headers=headers)
    assert listed.json()["items"][0]["id"] == str(procurement_id)


async def test_api_refuses_those_who_may_not(visitor: httpx.AsyncClient) -> None:
    cast = await make.cast()
    published = await make.partnership(cast.officer, cast.buyer, published=True)
    draft = await make.partnership(cast.officer, cast.buyer)
    legal = await make.token(cast.people["legal"])
    assert (await visitor.post(PROCUREMENTS, json=procurement_body(cast.buyer))).status_code == 401
    assert (await visitor.post(PROCUREMENTS, json=procurement_body(cast.buyer), headers=legal)).status_code == 403
    assert (await visitor.post(PARTNERSHIPS, json=partnership_body(cast.buyer), headers=legal)).status_code == 403
    assert (await visitor.get(f"{PARTNERSHIPS}/{published}", headers=legal)).status_code == 200
    assert (await visitor.get(f"{PARTNERSHIPS}/{draft}", headers=legal)).status_code == 404
    body = {"decision": "continue", "reasons": "Yes"}
    decision = "phases/1/decision"
    for partnership_id, status in ((published, 403), (draft, 404)):
        answer = await visitor.post(f"{PARTNERSHIPS}/{partnership_id}/{decision}", json=body, headers=legal)
        assert answer.status_code == status


async def test_organisations_are_listed_with_their_ids(visitor: httpx.AsyncClient) -> None:
    cast = await make.cast()
    items: list[dict[str, Any]] = []
    # Other tests have made committees too, more than one page of them.
    for number in itertools.count(1):
        answer = await visitor.get(f"/api/v1/organisations?kind=committee&page_size=500&page={number}")
        assert answer.status_code == 200
        items += answer.json()["items"]
        if len(items) >= answer.json()["total"]:
            break
    assert {item["kind"] for item in items} == {"committee"}
    assert cast.buyer in [item["id"] for item in items]
    assert set(items[0]["name"]) == {"sv", "en"}
    assert (await visitor.get("/api/v1/organisations?kind=club")).status_code == 422


# ---- Pages


def procurement_form(buyer: int, /, **changes: object) -> dict[str, object]:
    return {
        "title_sv": "Tystare larm",
        "title_en": "",
        "summary_sv": "",
        "summary_en": "",
        "primary_sector": "healthcare",
        "sectors": ["culture"],
        "track": "internal",
        "dnr": "RS 1",
        "buyer": str(buyer),
        "procedure": "open",
        "innovation_codes": ["rd-act"],
        "cpv": "33100000, 73120000-9",
        "need": "A need",
        "criteria": "",
        "estimated": "1 200 000,50",
        "final": "",
        "deadline_date": "2027-07-01",
        "deadline_time": "12:00",
        **changes,
    }


def partnership_form(body: int, **changes: object) -> dict[str, object]:
    return {
        "title_sv": "Partnerskap",
        "title_en": "",
        "summary_sv": "",
        "summary_en": "",
        "primary_sector": "healthcare",
        "track": "internal",
        "dnr": "",
        "accountable_body": str(body),
        "procurement": "",
        "agreement": "",
        "partner_organisation": ["", str(body), "", ""],
        "partner_role": ["partner", "buyer", "partner", "partner"],
        "performance_level": "90 percent",
        "highest_cost": "600",
        "phase_title": "Koncept",
        "phase_targets": "",
        "phase_starts_on": "2027-03-01",
        "phase_ends_on": "2027-06-30",
        "phase_remuneration": "1200000",
        "phase_agreement": "",
        **changes,
    }


async def test_officer_logs_and_changes_procurement_on_the_desk(visitor: httpx.AsyncClient) -> None:
    cast = await make.cast()
    await _pages(visitor, cast.officer)
    logged = await _send(visitor, f"{DESK}/new", procurement_form(cast.buyer, submit="true"))
    assert logged.status_code == 303
    path = logged.headers["location"].partition("?")[0]
    procurement_id = UUID(path.rpartition("/")[2])
    found = await queries.get_procurement(SYSTEM, procurement_id)
    assert found.content is not None
    assert found.content.estimated_minor == 120_000_050
    assert found.deadline is not None
    assert found.deadline.isoformat() == "2027-07-01T10:00:00+00:00"
    assert found.cpv == ["33100000", "73120000-9"]
    assert found.entry.sectors == ["healthcare", "culture"]
    assert found.entry.status == "in_review"
    form = await visitor.get(f"{path}/edit")
    assert "1 200 000,50" in form.text
    changed = procurement_form(cast.buyer, version=str(found.version), final="1000000", need="Another need")
    assert (await _send(visitor, f"{path}/edit", changed)).status_code == 303
    stale = await _send(visitor, f"{path}/edit", changed)
    assert stale.status_code == 409
    assert "Another need" in stale.text
    after = await queries.get_procurement(SYSTEM, procurement_id)
    assert after.content is not None
    assert (after.content.need, after.content.final_minor) == ("Another need", 100_000_000)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"title_sv": ""}, "title_sv"),
        ({"primary_sector": ""}, "primary_sector"),
        ({"track": "railway"}, "track"),
        ({"buyer": ""}, "buyer"),
        ({"buyer": "2000000000"}, "buyer"),
        ({"procedure": ""}, "procedure"),
        ({"cpv": "331"}, "cpv"),
        ({"estimated": "1,2,3"}, "estimated"),
        ({"estimated": "-5"}, "estimated"),
        ({"deadline_time": ""}, "deadline_time"),
        ({"deadline_date": ""}, "deadline_date"),
        ({"deadline_date": "2027-03-28", "deadline_time": "02:30"}, "deadline_time"),
        ({"need": "<script>alert(1)</script>"}, "need"),
    ],
)
async def test_faulty_procurement_form_comes_back_with_what_was_typed(
    visitor: httpx.AsyncClient, change: dict[str, str], field: str
) -> None:
    cast = await make.cast()
    await _pages(visitor, cast.officer)
    answer = await _send(visitor, f"{DESK}/new", procurement_form(cast.buyer, dnr="RS typed", **change))
    assert answer.status_code == 422
    assert f'href="#f-{field}"' in answer.text
    assert f'id="f-{field}-error"' in answer.text
    assert "RS typed" in answer.text
    assert "<script>alert" not in answer.text
    assert await _logged_by(cast.officer) == 0


async def test_officer_logs_partnership_and_follows_it_on_the_desk(visitor: httpx.AsyncClient) -> None:
    cast = await make.cast()
    officer = cast.people["buyers_officer"]
    environment_id, _ = await factories.environment()
    contract = await make.agreement(officer, cast.buyer)
    procurement_id = await make.procurement(officer, cast.buyer, Stage.AWARDED)
    await _pages(visitor, officer)
    form = partnership_form(
        cast.buyer,
        procurement=str(procurement_id),
        agreement=str(contract),
        phase_environments=[str(environment_id)],
        phase_agreement=str(contract),
    )
    logged = await _send(visitor, f"{DESK}/partnerships/new", form)
    assert logged.status_code == 303
    path = logged.headers["location"].partition("?")[0]
    partnership_id = UUID(path.rpartition("/")[2])
    found = await queries.get_partnership(officer, partnership_id)
    assert found.content is not None
    assert [partner.organisation_id for partner in found.content.partners] == [cast.buyer]
    assert found.content.highest_cost_minor == 60_000
    assert [one.entry_id for one in found.phases[0].environments] == [environment_id]
    phase = {"title": "Prototyp", "targets": "", "starts_on": "2027-07-01", "ends_on": "2027-12-31"}
    assert (await _send(visitor, f"{path}/phases", phase)).status_code == 303
    overlapping = await _send(visitor, f"{path}/phases", phase)
    assert overlapping.status_code == 409
    assert "Prototyp" in overlapping.text
    assert (await _send(visitor, f"{path}/phases/2/edit", {**phase, "title": "Prov"})).status_code == 303
    undecided = await _send(visitor, f"{path}/phases/1/decision", {"reasons": "Kept"})
    assert undecided.status_code == 422
    assert "Kept" in undecided.text
    decision = {"decision": "continue", "reasons": "Målen nåddes"}
    assert (await _send(visitor, f"{path}/phases/1/decision", decision)).status_code == 303
    assert (await _send(visitor, f"{path}/purchase", {"purchase": "purchased"})).status_code == 409
    assert (await _send(visitor, f"{path}/phases/2/decision", decision)).status_code == 303
    assert (await _send(visitor, f"{path}/purchase", {"purchase": "purchased"})).status_code == 303
    assert (await _send(visitor, f"{path}/submit", {})).status_code == 303
    page = await visitor.get(path)
    assert "Målen nåddes" in page.text
    edited = await _send(
        visitor,
        f"{path}/edit",
        {key: value for key, value in form.items() if not key.startswith("phase_")}
        | {"version": str((await queries.get_partnership(officer, partnership_id)).version), "title_en": "Partnership"},
    )
    assert edited.status_code == 303
    after = await queries.get_partnership(SYSTEM, partnership_id)
    assert (after.entry.title_en, after.entry.status, after.purchase) == ("Partnership", "in_review", "purchased")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"phase_ends_on": "2027-01-01"}, "phase_ends_on"),
        ({"phase_ends_on": ""}, "phase_ends_on"),
        ({"phase_title": ""}, "phase_title"),
        ({"phase_remuneration": "much"}, "phase_remuneration"),
        ({"phase_environments": ["2000000000"]}, "phase_environments"),
        ({"phase_environments": [str(10**30)]}, "phase_environments.0"),
        ({"agreement": str(uuid4())}, "agreement"),
        ({"procurement": str(uuid4())}, "procurement"),
        ({"partner_organisation": ["", "", "2000000000", ""]}, "partner_organisation.2"),
        ({"highest_cost": "x"}, "highest_cost"),
    ],
)
async def test_faulty_partnership_form_comes_back(
    visitor: httpx.AsyncClient, change: dict[str, object], field: str
) -> None:
    cast = await make.cast()
    await _pages(visitor, cast.officer)
    answer = await _send(visitor, f"{DESK}/partnerships/new", partnership_form(cast.buyer, **change))
    assert answer.status_code == 422
    assert f'href="#f-{field}"' in answer.text
    assert await _logged_by(cast.officer) == 0


async def test_partnership_without_phase_is_logged(visitor: httpx.AsyncClient) -> None:
    cast = await make.cast()
    await _pages(visitor, cast.officer)
    blank = {f"phase_{name}": "" for name in ("title", "targets", "starts_on", "ends_on", "remuneration")}
    answer = await _send(visitor, f"{DESK}/partnerships/new", partnership_form(cast.buyer, **blank))
    assert answer.status_code == 303


async def test_desk_shows_steps_and_takes_them(visitor: httpx.AsyncClient) -> None:
    cast = await make.cast()
    procurement_id = await make.procurement(cast.officer, cast.buyer, Stage.EVALUATION)
    await _pages(visitor, cast.officer)
    desk = await visitor.get(DESK)
    assert str(procurement_id) in desk.text
    path = f"{DESK}/{procurement_id}"
    assert (await _send(visitor, f"{path}/stage", {"action": "award"})).status_code == 303
    refused = await _send(visitor, f"{path}/stage", {"action": "publish"})
    assert refused.status_code == 409
    without_reason = await _send(visitor, f"{path}/stage", {"action": "cancel", "reason": ""})
    assert without_reason.status_code == 422
    assert 'href="#f-reason"' in without_reason.text
    assert (await visitor.get(f"{DESK}?mine=true")).status_code == 200


async def test_auditor_reads_the_desk_and_changes_nothing(visitor: httpx.AsyncClient) -> None:
    cast = await make.cast()
    procurement_id = await make.procurement(cast.officer, cast.buyer)
    partnership_id = await make.partnership(cast.officer, cast.buyer)
    await _pages(visitor, cast.people["auditor"])
    for path in (DESK, f"{DESK}/{procurement_id}", f"{DESK}/partnerships/{partnership_id}"):
        answer = await visitor.get(path)
        assert answer.status_code == 200
        main = answer.text.partition("<main")[2]
        assert 'method="post"' not in main
    for path in (f"{DESK}/new", f"{DESK}/{procurement_id}/edit", f"{DESK}/partnerships/{partnership_id}/edit"):
        assert (await visitor.get(path)).status_code == 403
    assert (await _send(visitor, f"{DESK}/{procurement_id}/stage", {"action": "prepare"})).status_code == 403


async def test_form_without_token_is_refused(visitor: httpx.AsyncClient) -> None:
    cast = await make.cast()
    visitor.cookies.update(await make.session(cast.officer))
    answer = await visitor.post(f"{DESK}/new", data=procurement_form(cast.buyer))
    assert answer.status_code == 403
    assert await _logged_by(cast.officer) == 0


async def test_public_list_pages_each_list_by_itself(visitor: httpx.AsyncClient) -> None:
    answer = await visitor.get("/procurements?partnerships=1&procurements=2&utm_source=mail")
    assert answer.status_code == 200
    assert (await visitor.get("/procurements?procurements=0")).status_code == 422
