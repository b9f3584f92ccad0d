"""Agreements written and read: templates filled in, versions, who sees what, lists, comparison and the queue."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from registry import database
from registry.access import Role
from registry.accounts.codes import OrganisationKind
from registry.agreements import queries, rules, service
from registry.agreements.codes import TERM_FIELDS, TermStatus, TermValue
from registry.agreements.states import AgreementState
from registry.errors import (
    InvalidInput,
    NotFound,
    NotPermitted,
)
from tests import factories, factories_agreements
from tests.factories_agreements import FIRST, LAST, STOCKHOLM

S = AgreementState


# --- Writing


async def test_a_version_fills_in_the_template() -> None:
    case = await factories_agreements.case()
    agreement_id = await case.draft(valid_from=FIRST, valid_until=LAST, dnr="RS 2033-0042")
    view = await queries.get_agreement(case.member, agreement_id)
    assert "2033-05-02" in view.text_sv
    assert "2033-05-31" in view.text_en
    assert "RS 2033-0042" in view.text_sv
    for party in view.agreement.parties:
        assert party.name_sv in view.text_sv
    assert view.agreement.entries[0].title_en in view.text_en
    assert "{" not in view.text_sv + view.text_en
    assert not view.deviates


async def test_a_name_with_braces_stays_a_name() -> None:
    case = await factories_agreements.case()
    entry_id, _ = await factories.environment(body=case.body, title="Labb {dnr} {parties}")
    agreement_id = await case.draft(entry_ids=[entry_id], dnr="RS 7")
    assert "om Labb {dnr} {parties}." in (await queries.get_agreement(case.member, agreement_id)).text_sv


async def test_an_agreement_lasts_as_long_as_its_template_says() -> None:
    case = await factories_agreements.case(months_valid=12)
    agreement_id = await case.draft(now=datetime(2033, 3, 15, 9, tzinfo=STOCKHOLM))
    agreement = (await queries.get_agreement(case.member, agreement_id)).agreement
    assert (agreement.valid_from, agreement.valid_until) == (date(2033, 3, 15), date(2034, 3, 14))


@pytest.mark.parametrize(
    ("start", "months", "end"),
    [
        (date(2033, 3, 15), 12, date(2034, 3, 14)),
        (date(2033, 1, 31), 1, date(2033, 2, 28)),
        (date(2033, 1, 1), 12, date(2033, 12, 31)),
        (date(2032, 2, 29), 12, date(2033, 2, 28)),
        (date(2033, 12, 1), 1, date(2033, 12, 31)),
    ],
)
def test_last_day(start: date, months: int, end: date) -> None:
    assert rules.last_day(start, months) == end


async def test_new_dates_are_filled_in_anew_unless_the_text_is_the_authors_own() -> None:
    case = await factories_agreements.case()
    agreement_id = await case.draft(valid_from=FIRST, valid_until=LAST)
    await service.add_version(case.member, agreement_id, valid_until=date(2033, 6, 15))
    view = await queries.get_agreement(case.member, agreement_id)
    assert "2033-06-15" in view.text_sv
    assert not view.deviates
    await service.add_version(case.member, agreement_id, text_sv="## 1. Eget\n\nEgen text.")
    await service.add_version(case.member, agreement_id, valid_until=date(2033, 7, 1))
    view = await queries.get_agreement(case.member, agreement_id)
    assert view.text_sv == "## 1. Eget\n\nEgen text."
    assert view.deviates
    assert [version.number for version in view.versions] == [4, 3, 2, 1]


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"template_code": "no-such"}, "template"),
        ({"template_code": None}, "type"),
        ({"entry_ids": []}, "entries"),
        ({"valid_from": LAST, "valid_until": FIRST}, "valid_until"),
        ({"title": "x" * 201}, "title"),
        ({"dnr": "x" * 61}, "dnr"),
        ({"text_sv": "x" * 200_001}, "text_sv"),
        ({"terms": {"results_ownership": TermValue("results_ownership", TermStatus.VALUE, code="nobody")}}, "terms."),
        ({"terms": {"no_such": TermValue("no_such", TermStatus.NOT_REVIEWED)}}, "terms."),
        ({"terms": {"survival_months": TermValue("survival_months", TermStatus.VALUE, number=-1)}}, "terms."),
        ({"terms": {"results_share_percent": factories_agreements.term("results_share_percent", 101)}}, "terms."),
        ({"terms": {"publication": TermValue("publication", TermStatus.NOT_REGULATED, code="allowed")}}, "terms."),
    ],
)
async def test_a_malformed_agreement_is_refused(more: dict[str, Any], field: str) -> None:
    case = await factories_agreements.case()
    with pytest.raises(InvalidInput) as caught:
        await case.draft(**more)
    assert caught.value.errors[0].field.startswith(field)
    assert (await queries.list_agreements(case.member))[1] == 0


async def test_an_agreement_without_template_has_its_own_text_and_terms() -> None:
    case = await factories_agreements.case()
    agreement_id = await service.create_agreement(
        case.legal,
        organisation_id=case.firm,
        type=queries.AgreementType.COLLABORATION,
        title="Samarbete om provbädd",
        entry_ids=[case.entry_id],
        valid_from=FIRST,
        valid_until=LAST,
        text_sv="## 1. Syfte\n\nVi provar.",
        terms=factories_agreements.terms(results_ownership="joint"),
    )
    view = await queries.get_agreement(case.legal, agreement_id)
    assert view.terms["results_ownership"].code == "joint"
    assert view.terms["publication"].status is TermStatus.NOT_REVIEWED
    assert set(view.terms) == set(TERM_FIELDS)
    assert (view.agreement.title_sv, view.text_en) == ("Samarbete om provbädd", "")


async def test_a_firm_writes_agreements_for_itself_only() -> None:
    case = await factories_agreements.case()
    with pytest.raises(NotPermitted):
        await service.create_agreement(
            case.member,
            organisation_id=await factories.organisation(),
            template_code=case.template,
            entry_ids=[case.entry_id],
        )
    everywhere = await factories.person(Role.FIRM, organisation_id=case.firm, limited=False)
    with pytest.raises(NotPermitted):
        await service.create_agreement(
            everywhere, organisation_id=case.firm, template_code=case.template, entry_ids=[case.entry_id]
        )


async def test_an_entry_that_the_author_cannot_see_is_not_found() -> None:
    case = await factories_agreements.case()
    hidden, _ = await factories.environment(publish=False)
    with pytest.raises(NotFound):
        await case.draft(entry_ids=[hidden])


async def test_an_external_operator_is_the_public_party_of_its_own_environment() -> None:
    operator = await factories.organisation(OrganisationKind.UNIVERSITY)
    entry_id, _ = await factories.environment(body=operator)
    case = await factories_agreements.case()
    agreement_id = await case.draft(entry_ids=[entry_id])
    assert (await queries.get_agreement(case.member, agreement_id)).facts.region == {operator}


async def test_only_legal_writes_templates() -> None:
    case = await factories_agreements.case()
    with pytest.raises(NotPermitted):
        await service.create_template(
            case.member,
            code=f"x-{uuid4()}",
            type=queries.AgreementType.NDA,
            audience=(),
            title_sv="x",
            title_en="x",
            months_valid=1,
            text_sv="x",
            text_en="",
            terms={},
        )
    with pytest.raises(NotPermitted):
        await service.offer_terms(case.member, case.entry_id, case.template, required=False)
    host = await factories.person(Role.HOST, organisation_id=case.body)
    await service.offer_terms(host, case.entry_id, case.template, required=False)
    assert [offer.required for offer in await queries.required_for(None, [case.entry_id])] == [False]
    with pytest.raises(NotFound):
        await service.offer_terms(host, case.entry_id, "no-such", required=True)


# --- Reading


async def test_reading_by_legal_and_auditor_is_logged_and_by_the_parties_not() -> None:
    case = await factories_agreements.case()
    agreement_id = await case.requested()
    auditor = await factories.person(Role.AUDITOR)
    for reader in (case.member, case.legal, auditor, case.legal):
        await queries.get_agreement(reader, agreement_id)
    readings = [
        event.actor
        for event in (await queries.get_agreement(auditor, agreement_id)).log
        if event.type == "agreement.read"
    ]
    assert readings == [case.legal.name, auditor.name, case.legal.name, auditor.name]
    assert all(e.type != "agreement.read" for e in (await queries.get_agreement(case.member, agreement_id)).log)


async def test_two_organisations_do_not_see_each_others_agreements() -> None:
    ours, theirs = await factories_agreements.case(), await factories_agreements.case()
    mine, other = await ours.requested(), await theirs.requested()
    assert [row.id for row in (await queries.list_agreements(ours.member))[0]] == [mine]
    with pytest.raises(NotFound):
        await queries.compare(ours.member, mine, other)


async def test_an_employee_does_not_see_the_committees_agreements_with_firms() -> None:
    case = await factories_agreements.case()
    agreement_id = await case.requested()
    employee = await factories.person(Role.EMPLOYEE, organisation_id=case.body)
    with pytest.raises(NotFound):
        await queries.get_agreement(employee, agreement_id)
    assert (await queries.list_agreements(employee))[1] == 0


@pytest.mark.parametrize("count", [1, 3])
async def test_a_list_takes_two_statements_whatever_its_length(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    case = await factories_agreements.case()
    for _ in range(count):
        await case.draft()
    statements: list[str] = []
    fetch = database.fetch

    async def counted(sql: str, *values: object) -> list[database.Row]:
        statements.append(sql)
        return await fetch(sql, *values)

    monkeypatch.setattr(database, "fetch", counted)
    rows, total = await queries.list_agreements(case.member)
    assert (len(rows), total, len(statements)) == (count, count, 2)


async def test_a_list_is_filtered_and_paged() -> None:
    case = await factories_agreements.case()
    draft = await case.draft()
    sent = await case.requested()
    rows, total = await queries.list_agreements(case.member, state=S.IN_REVIEW)
    assert ([row.id for row in rows], total) == ([sent], 1)
    rows, total = await queries.list_agreements(case.member, page=2, page_size=1)
    assert ([row.id for row in rows], total) == ([draft], 2)


async def test_comparing_puts_differences_first() -> None:
    case = await factories_agreements.case()
    one = await case.draft()
    two = await case.draft(
        terms=factories_agreements.terms(results_ownership="joint", publication="allowed"),
        text_sv="## 1. Parter\n\nAndra.\n\n## 9. Nytt\n\nMer.",
    )
    found = await queries.compare(case.member, one, two)
    assert [pair.field for pair in found.terms if pair.differs] == ["results_ownership"]
    assert found.terms[0].field == "results_ownership"
    assert (found.terms[0].a.code, found.terms[0].b.code) == ("supplier", "joint")
    headings = [(pair.heading, pair.a is None, pair.b is None) for pair in found.clauses_sv]
    assert ("9. Nytt", True, False) in headings
    assert ("2. Tid", False, True) in headings
    with_model = await queries.compare_with_template(case.member, two)
    assert with_model.other is None
    assert with_model.differing == 1


async def test_the_queue_shows_what_waits_for_legal_first_and_oldest_first() -> None:
    case = await factories_agreements.case()
    young = await case.requested()
    old = await case.draft()
    await service.submit(case.member, old, now=datetime.now(UTC) - timedelta(days=9))
    waits_for_firm = await case.draft()
    await service.submit(case.member, waits_for_firm, now=datetime.now(UTC) - timedelta(days=30))
    await service.approve(case.legal, waits_for_firm, now=datetime.now(UTC) - timedelta(days=20))
    limited = await factories.person(Role.LEGAL, organisation_id=case.body)
    queue, _ = await queries.review_queue(limited)
    assert [row.id for row in queue] == [old, young, waits_for_firm]
    assert [row.days_waited for row in queue] == [9, 0, 20]
    for actor in (case.member, await factories.person(Role.AUDITOR)):
        with pytest.raises(NotPermitted):
            await queries.review_queue(actor)
