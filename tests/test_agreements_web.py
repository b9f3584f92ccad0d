"""Agreements over HTTP: the API of the contract, the pages, the desk and the documents."""

from typing import Any
from uuid import uuid4

import httpx
import pytest
from litestar import Litestar

from registry.access import Role
from registry.agreements import queries, service
from registry.agreements.states import AgreementState
from registry.errors import RuleBroken
from registry.web.agreement_status import show_text
from tests import factories, factories_agreements
from tests.clients import api, browser, send
from tests.factories_agreements import PDF

# --- The API


async def test_api_takes_an_agreement_from_request_to_in_force(application: Litestar) -> None:
    case = await factories_agreements.case()
    firm, legal = await api(application, case.member), await api(application, case.legal)
    created = await firm.post(
        "/api/v1/agreements",
        json={"template": case.template, "entries": [case.slug], "dnr": "RS 2033-0001", "submit": True},
    )
    assert created.status_code == 201, created.text
    body = created.json()
    assert (body["state"], body["type"], body["next_actor"], body["dnr"]) == (
        "in_review",
        "test",
        "legal",
        "RS 2033-0001",
    )
    assert {(party["organisation"], party["role"], party["signed_at"]) for party in body["parties"]} == {
        (case.body, "region", None),
        (case.firm, "counterparty", None),
    }
    assert [entry["slug"] for entry in body["entries"]] == [case.slug]
    assert body["terms"]["results_ownership"]["value"] == "supplier"
    assert body["summary"]["en"][0] == "You own the results."
    assert len(body["summary"]["sv"]) <= 3
    assert body["actions"] == ["sign"]
    path = f"/api/v1/agreements/{body['id']}"
    assert (await firm.post(f"{path}/sign")).json()["state"] == "in_review"
    assert (await legal.post(f"{path}/approve")).json()["state"] == "approved"
    done = (await legal.post(f"{path}/sign", json={})).json()
    assert (done["state"], done["next_actor"]) == ("in_force", "nobody")
    assert all(party["signed_at"] for party in done["parties"])
    ended = await legal.post(f"{path}/terminate", json={"reason": "Provet är inställt."})
    assert (ended.status_code, ended.json()["state"], ended.json()["reason"]) == (
        200,
        "terminated",
        "Provet är inställt.",
    )


async def test_api_lists_own_agreements(application: Litestar) -> None:
    case = await factories_agreements.case()
    await case.draft()
    sent = await case.requested()
    firm = await api(application, case.member)
    body = (await firm.get("/api/v1/agreements", params={"state": "in_review", "page_size": 5})).json()
    assert {key: body[key] for key in ("total", "page", "page_size")} == {"total": 1, "page": 1, "page_size": 5}
    assert body["items"][0]["id"] == str(sent)
    assert (await firm.get("/api/v1/agreements")).json()["total"] == 2


async def test_api_compares(application: Litestar) -> None:
    case = await factories_agreements.case()
    one = await case.draft()
    two = await case.draft(terms=factories_agreements.terms(results_ownership="joint"))
    firm = await api(application, case.member)
    body = (await firm.get(f"/api/v1/agreements/{one}/compare/{two}")).json()
    assert body["terms"][0]["differs"]
    assert {pair["field"] for pair in body["terms"] if pair["differs"]} == {"results_ownership", "publication"}
    assert (await firm.get(f"/api/v1/agreements/{one}/compare/{uuid4()}")).status_code == 404


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({}, 422, "template"),
        ({"template": "no-such", "entries": ["{slug}"]}, 422, "template"),
        ({"template": "{template}", "entries": []}, 422, "entries"),
        ({"template": "{template}", "entries": ["no-such-entry"]}, 404, None),
        ({"template": "{template}", "entries": ["{slug}"], "colour": "red"}, 422, "colour"),
        ({"template": "{template}", "entries": ["{slug}"], "title": "<b>Hej</b>"}, 422, "title"),
        ({"template": "{template}", "entries": ["{slug}"], "dnr": "x" * 61}, 422, "dnr"),
        ({"template": "{template}", "entries": ["{slug}"], "valid_from": "i morgon"}, 422, "valid_from"),
        (
            {"template": "{template}", "entries": ["{slug}"], "valid_from": "2033-02-02", "valid_until": "2033-02-01"},
            422,
            "valid_until",
        ),
        ({"template": "{template}", "entries": ["{slug}"], "organisation": 2_000_000_000}, 403, None),
        ({"template": "{template}", "entries": ["{slug}"], "organisation": 10**15}, 422, "organisation"),
    ],
)
async def test_api_refuses_what_is_malformed_and_stores_nothing(
    application: Litestar, body: dict[str, Any], status: int, field: str | None
) -> None:
    case = await factories_agreements.case()
    filled = {
        name: case.template
        if value == "{template}"
        else [case.slug if one == "{slug}" else one for one in value]
        if isinstance(value, list)
        else value
        for name, value in body.items()
    }
    firm = await api(application, case.member)
    answer = await firm.post("/api/v1/agreements", json=filled)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("application/problem+json")
    if field:
        assert field in [error["field"] for error in answer.json()["errors"]]
    assert (await queries.list_agreements(case.member))[1] == 0


async def test_api_answers_by_the_problem(application: Litestar, visitor: httpx.AsyncClient) -> None:
    case = await factories_agreements.case()
    agreement_id = await case.requested()
    path = f"/api/v1/agreements/{agreement_id}"
    assert (await visitor.get(path)).status_code == 401
    stranger = await api(application, await factories.person(Role.FIRM, organisation_id=await factories.organisation()))
    assert (await stranger.get(path)).status_code == 404
    assert (await stranger.post(f"{path}/sign")).status_code == 404
    firm, legal = await api(application, case.member), await api(application, case.legal)
    assert (await firm.post(f"{path}/approve")).status_code == 403
    refused = await legal.post(f"{path}/terminate", json={"reason": "Slut."})
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/transition-not-allowed")
    assert (await legal.post(f"{path}/request-changes", json={})).status_code == 422
    assert (await legal.post(f"{path}/request-changes", content=b"{")).status_code == 422
    assert (await firm.get("/api/v1/agreements/not-an-id")).status_code == 404
    early = await legal.post(f"{path}/sign")
    assert (early.status_code, early.json()["type"]) == (409, "/problems/rule")


async def test_openapi_describes_the_agreements(visitor: httpx.AsyncClient) -> None:
    document = (await visitor.get("/api/openapi.json")).json()
    for path in ("", "/{agreement_id}", "/{agreement_id}/sign", "/{agreement_id}/compare/{other_id}"):
        assert f"/api/v1/agreements{path}" in document["paths"]
    assert "AgreementAnswer" in " ".join(document["components"]["schemas"])


# --- Pages


async def test_list_page_tells_what_to_do_when_empty(application: Litestar) -> None:
    firm = await browser(application, await factories.person(Role.FIRM, organisation_id=await factories.organisation()))
    page = await firm.get("/agreements")
    assert page.status_code == 200
    assert "/terms" in page.text
    assert "No agreements yet" in page.text


async def test_visitor_is_sent_to_sign_in(visitor: httpx.AsyncClient) -> None:
    for path in ("/agreements", f"/agreements/{uuid4()}", "/desk/agreements"):
        answer = await visitor.get(path)
        assert (answer.status_code, answer.headers["location"].partition("?")[0]) == (303, "/sign-in")


async def test_firm_signs_on_the_page_and_legal_decides_at_the_desk(application: Litestar) -> None:
    case = await factories_agreements.case()
    agreement_id = await case.requested()
    firm, legal = await browser(application, case.member), await browser(application, case.legal)
    page = await firm.get(f"/agreements/{agreement_id}")
    assert "You own the results." in page.text
    assert "binding" in page.text
    answer = await send(firm, f"/agreements/{agreement_id}/sign", {"organisation": str(case.firm)})
    assert answer.headers["location"] == f"/agreements/{agreement_id}?notice=agreement-signed"
    desk = await legal.get(f"/desk/agreements/{agreement_id}")
    assert desk.status_code == 200
    assert f"/desk/agreements/{agreement_id}/request-changes" in desk.text
    assert (await send(legal, f"/desk/agreements/{agreement_id}/approve")).status_code == 303
    assert "Yours is the last signature" in (await legal.get(f"/desk/agreements/{agreement_id}")).text
    await send(legal, f"/desk/agreements/{agreement_id}/sign", {"organisation": str(case.body)})
    view = await queries.get_agreement(case.member, agreement_id)
    assert view.agreement.state is AgreementState.IN_FORCE
    page = await legal.get(f"/desk/agreements/{agreement_id}")
    assert "Terminate the agreement" in page.text
    await send(legal, f"/desk/agreements/{agreement_id}/terminate", {"reason": "Provet är inställt."})
    assert "Provet är inställt." in (await firm.get(f"/agreements/{agreement_id}")).text


async def test_agreement_is_sent_back_changed_and_sent_again(application: Litestar) -> None:
    case = await factories_agreements.case()
    agreement_id = await case.requested()
    firm, legal = await browser(application, case.member), await browser(application, case.legal)
    refused = await send(legal, f"/desk/agreements/{agreement_id}/request-changes", {"reason": ""})
    assert (refused.status_code, "Write the reason" in refused.text) == (422, True)
    await send(legal, f"/desk/agreements/{agreement_id}/request-changes", {"reason": "Ange diarienummer."})
    assert "Ange diarienummer." in (await firm.get(f"/agreements/{agreement_id}")).text
    view = await queries.get_agreement(case.member, agreement_id)
    form = {
        "dnr": "RS 2033-0009",
        "valid_from": "",
        "valid_until": "",
        "text_sv": view.text_sv.replace("\n", "\r\n"),
        "text_en": view.text_en.replace("\n", "\r\n"),
    }
    assert (await firm.get(f"/agreements/{agreement_id}/edit")).status_code == 200
    wrong = await send(firm, f"/agreements/{agreement_id}/edit", {**form, "valid_until": "2001-01-01"})
    assert (wrong.status_code, "RS 2033-0009" in wrong.text) == (422, True)
    assert (await send(firm, f"/agreements/{agreement_id}/edit", form)).status_code == 303
    view = await queries.get_agreement(case.member, agreement_id)
    assert "RS 2033-0009" in view.text_sv
    assert not view.deviates
    await send(firm, f"/agreements/{agreement_id}/submit")
    assert (await queries.get_agreement(case.member, agreement_id)).agreement.state is AgreementState.IN_REVIEW
    assert (await firm.get(f"/agreements/{agreement_id}/edit")).status_code == 409
    assert (await send(firm, f"/agreements/{agreement_id}/submit")).status_code == 409


async def test_pages_need_their_csrf_token(application: Litestar) -> None:
    case = await factories_agreements.case()
    agreement_id = await case.requested()
    firm = await browser(application, case.member)
    answer = await firm.post(f"/agreements/{agreement_id}/sign", data={"organisation": str(case.firm)})
    assert answer.status_code == 403


async def test_paper_signature_is_recorded_at_the_desk(application: Litestar) -> None:
    case = await factories_agreements.case()
    agreement_id = await case.requested()
    legal = await browser(application, case.legal)
    await send(legal, f"/desk/agreements/{agreement_id}/approve")
    path, form = f"/desk/agreements/{agreement_id}/record", {"organisation": str(case.firm), "signer_name": "A. B."}
    assert (await send(legal, path, form)).status_code == 422
    copy = {"document": ("Avtal.pdf", factories_agreements.PDF, "application/pdf")}
    assert (await send(legal, path, {**form, "signer_name": ""}, files=copy)).status_code == 422
    assert (await send(legal, path, form, files=copy)).status_code == 303
    assert "A. B., recorded by" in (await legal.get(f"/desk/agreements/{agreement_id}")).text
    assert "Signed on paper" in (await legal.get(f"/agreements/{agreement_id}")).text.replace("signed on", "Signed on")
    assert (await send(legal, f"/desk/agreements/{agreement_id}/no-such")).status_code == 404


async def test_desk_is_for_legal(application: Litestar) -> None:
    case = await factories_agreements.case()
    agreement_id = await case.requested()
    for actor in (case.member, await factories.person(Role.AUDITOR)):
        client = await browser(application, actor)
        assert (await client.get("/desk/agreements")).status_code == 403
        assert (await send(client, f"/desk/agreements/{agreement_id}/approve")).status_code == 403


async def test_comparison_page_marks_what_differs_in_words(application: Litestar) -> None:
    case = await factories_agreements.case()
    one = await case.draft()
    two = await case.draft(terms=factories_agreements.terms(results_ownership="joint"))
    firm = await browser(application, case.member)
    for path in (f"/agreements/{one}/compare/{two}", f"/agreements/{two}/compare/template"):
        page = await firm.get(path)
        assert page.status_code == 200
        assert "differs" in page.text
        assert "Decides who may use, change and sell" in page.text
    assert (await firm.get(f"/agreements/{one}/compare/{uuid4()}")).status_code == 404


async def test_models_are_public(visitor: httpx.AsyncClient) -> None:
    case = await factories_agreements.case()
    page = await visitor.get("/terms", headers={"Accept-Language": "en"})
    assert f"/terms/{case.template}" in page.text
    assert "/search?results_ownership=supplier" in page.text
    model = await visitor.get(f"/terms/{case.template}", headers={"Accept-Language": "en"})
    assert "You own the results." in model.text
    assert "{parties}" in model.text
    assert (await visitor.get("/terms/no-such")).status_code == 404


@pytest.mark.parametrize("language", ["sv", "en"])
@pytest.mark.parametrize("state", ["draft", "in_review", "approved", "in_force"])
async def test_page_renders_in_every_state_and_language(application: Litestar, state: str, language: str) -> None:
    case = await factories_agreements.case()
    agreement_id = await case.draft() if state == "draft" else await case.requested()
    await service.add_document(case.legal, agreement_id, "bilaga.pdf", PDF, "application/pdf")
    if state in {"approved", "in_force"}:
        await service.approve(case.legal, agreement_id)
    if state == "in_force":
        await service.sign(case.member, agreement_id)
        await service.sign(case.legal, agreement_id)
        with pytest.raises(RuleBroken):
            await service.add_document(case.legal, agreement_id, "senare.pdf", PDF, "application/pdf")
    for actor in (case.member, case.legal):
        client = await browser(application, actor)
        for path in ("/agreements", f"/agreements/{agreement_id}"):
            page = await client.get(path, params={"lang": language})
            assert page.status_code == 200
            assert "%(" not in page.text
    desk = await (await browser(application, case.legal)).get(f"/desk/agreements/{agreement_id}?lang={language}")
    assert desk.status_code == 200


def test_the_text_is_escaped_and_has_headings_and_lists() -> None:
    html = str(show_text("# Avtal\n\n## 1. <script>\nText & mer\n\n- ett\n- två\n\nSlut <b>här</b>."))
    assert "<h3>Avtal</h3>" in html
    assert "<h4>1. &lt;script&gt;</h4>" in html
    assert "<li>två</li>" in html
    assert "Text &amp; mer" in html
    assert "<b>" not in html
