"""Agreements: who may do what in which state, four eyes, signatures, versions and what follows the dates."""

import hashlib
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import asyncpg
import pytest

from registry import database
from registry.access import SYSTEM, VISITOR, Actor, Role
from registry.accounts.codes import OrganisationKind
from registry.agreements import queries, rules, service
from registry.agreements.codes import TERM_FIELDS, SignatureMethod, TermStatus, TermValue
from registry.agreements.states import TRANSITIONS, AgreementState
from registry.errors import (
    DomainError,
    InvalidInput,
    NotFound,
    NotPermitted,
    NotSignedIn,
    RuleBroken,
    TransitionNotAllowed,
)
from tests import factories, factories_agreements
from tests.factories_agreements import Case

S = AgreementState
STOCKHOLM = ZoneInfo("Europe/Stockholm")
STATES = [S.DRAFT, S.IN_REVIEW, S.CHANGES_REQUESTED, S.APPROVED, S.SIGNED, S.IN_FORCE, S.EXPIRED, S.TERMINATED]
FIRST, LAST = date(2033, 5, 2), date(2033, 5, 31)
THEN = datetime(2033, 4, 1, 9, tzinfo=STOCKHOLM)


async def state_of(agreement_id: UUID) -> S:
    row = await database.fetch_one("SELECT state FROM agreement WHERE id = $1", agreement_id)
    assert row is not None
    return S(row["state"])


async def agreement_in(case: Case, state: S) -> UUID:
    """An agreement that the firm wrote, brought to a state by the commands; from FIRST to LAST."""
    agreement_id = await case.draft(valid_from=FIRST, valid_until=LAST)
    if state is S.DRAFT:
        return agreement_id
    await service.submit(case.member, agreement_id, now=THEN)
    if state is S.IN_REVIEW:
        return agreement_id
    if state is S.CHANGES_REQUESTED:
        await service.request_changes(case.legal, agreement_id, "Ange diarienummer.", now=THEN)
        return agreement_id
    await service.approve(case.legal, agreement_id, now=THEN)
    if state is S.APPROVED:
        return agreement_id
    await service.sign(case.member, agreement_id, now=THEN)
    await service.sign(case.legal, agreement_id, now=THEN)
    if state is S.SIGNED:
        return agreement_id
    await service.follow_dates(datetime(2033, 5, 2, 1, tzinfo=STOCKHOLM))
    if state is S.TERMINATED:
        await service.terminate(case.legal, agreement_id, "Provet är inställt.", now=THEN)
    elif state is S.EXPIRED:
        await service.follow_dates(datetime(2033, 6, 1, 1, tzinfo=STOCKHOLM))
    return agreement_id


# --- Role × state


async def actors(case: Case) -> dict[str, Actor]:
    other_firm = await factories.organisation()
    return {
        "visitor": VISITOR,
        "member": case.member,
        "colleague": await factories.person(Role.FIRM, organisation_id=case.firm),
        "stranger": await factories.person(Role.FIRM, organisation_id=other_firm),
        "employee": await factories.person(Role.EMPLOYEE, organisation_id=case.body),
        "host": await factories.person(Role.HOST, organisation_id=case.body),
        "procurement": await factories.person(Role.PROCUREMENT, organisation_id=case.body),
        "coordinator": await factories.person(Role.COORDINATOR),
        "auditor": await factories.person(Role.AUDITOR),
        "legal": case.legal,
        "legal_elsewhere": await factories.person(Role.LEGAL, organisation_id=other_firm),
    }


READERS = {
    "draft": {"member", "auditor", "legal"},
    "sent": {"member", "colleague", "procurement", "auditor", "legal"},
}
Act = Callable[[Actor, UUID], Awaitable[object]]
ACTS: dict[str, Act] = {
    "submit": lambda actor, id: service.submit(actor, id, now=THEN),
    "approve": lambda actor, id: service.approve(actor, id, now=THEN),
    "request_changes": lambda actor, id: service.request_changes(actor, id, "Ändra.", now=THEN),
    "sign": lambda actor, id: service.sign(actor, id, now=THEN),
    "terminate": lambda actor, id: service.terminate(actor, id, "Slut.", now=THEN),
    "add_version": lambda actor, id: service.add_version(actor, id, dnr="RS 2033-0001"),
}
# Who may do it at all, and from which states it works for them.
ALLOWED: dict[str, dict[str, set[S]]] = {
    "submit": {
        "member": {S.DRAFT, S.CHANGES_REQUESTED},
        "colleague": {S.CHANGES_REQUESTED},
        "procurement": {S.CHANGES_REQUESTED},
    },
    "approve": {"legal": {S.IN_REVIEW}},
    "request_changes": {"legal": {S.IN_REVIEW}},
    "sign": {
        "member": {S.IN_REVIEW, S.APPROVED},
        "colleague": {S.IN_REVIEW, S.APPROVED},
        "procurement": {S.APPROVED},
        "legal": {S.APPROVED},
    },
    "terminate": {"legal": {S.IN_FORCE}},
    "add_version": {
        "member": {S.DRAFT, S.CHANGES_REQUESTED},
        "colleague": {S.CHANGES_REQUESTED},
        "procurement": {S.CHANGES_REQUESTED},
    },
}


@pytest.mark.parametrize("state", STATES)
async def test_reading_by_role_and_state(state: S) -> None:
    case = await factories_agreements.case()
    agreement_id = await agreement_in(case, state)
    readers = READERS["draft" if state is S.DRAFT else "sent"]
    for name, actor in (await actors(case)).items():
        if name == "visitor":
            with pytest.raises(NotSignedIn):
                await queries.get_agreement(actor, agreement_id)
            continue
        if name in readers:
            assert (await queries.get_agreement(actor, agreement_id)).agreement.id == agreement_id
        else:
            with pytest.raises(NotFound):
                await queries.get_agreement(actor, agreement_id)
        # The list and the page agree on what may be seen.
        rows, total = await queries.list_agreements(actor, page_size=200)
        assert (agreement_id in {row.id for row in rows}) is (name in readers)
        assert total >= len(rows)
        assert bool(await queries.agreements_by_id(actor, [agreement_id])) is (name in readers)


@pytest.mark.parametrize("action", ACTS)
@pytest.mark.parametrize("state", STATES)
async def test_acting_by_role_and_state(action: str, state: S) -> None:
    case = await factories_agreements.case()
    people = await actors(case)
    for name, actor in people.items():
        agreement_id = await agreement_in(case, state)
        readers = READERS["draft" if state is S.DRAFT else "sent"]
        if state in ALLOWED[action].get(name, set()):
            await ACTS[action](actor, agreement_id)
            continue
        with pytest.raises(DomainError) as caught:
            await ACTS[action](actor, agreement_id)
        if name not in readers:
            assert caught.value.status in {404, 401}
        elif name in ALLOWED[action]:
            # The role may, but the state does not allow it.
            assert caught.value.status == 409
        else:
            assert isinstance(caught.value, NotPermitted)
        assert await state_of(agreement_id) is state


def test_the_matrix_names_every_step_that_people_take() -> None:
    assert set(rules.can_take) | {"sign", "enter_into_force", "expire", "supersede"} == set(TRANSITIONS)


async def test_a_refused_step_names_the_states_it_works_in() -> None:
    case = await factories_agreements.case()
    agreement_id = await agreement_in(case, S.DRAFT)
    with pytest.raises(TransitionNotAllowed) as caught:
        await service.approve(case.legal, agreement_id)
    assert caught.value.extra == {"state": "draft", "allowed_in": ["in_review"]}


# --- Four eyes


async def test_the_author_never_approves() -> None:
    case = await factories_agreements.case()
    agreement_id = await service.create_agreement(
        case.legal, organisation_id=case.firm, template_code=case.template, entry_ids=[case.entry_id]
    )
    await service.submit(case.legal, agreement_id)
    for step in (
        service.approve(case.legal, agreement_id),
        service.request_changes(case.legal, agreement_id, "Ändra."),
    ):
        with pytest.raises(NotPermitted, match="somebody else"):
            await step
    assert await service.approve(await factories_agreements.jurist(), agreement_id) is S.APPROVED


async def test_the_registry_itself_never_approves_or_signs() -> None:
    case = await factories_agreements.case()
    agreement_id = await case.requested()
    with pytest.raises(NotPermitted):
        await service.approve(SYSTEM, agreement_id)
    with pytest.raises(NotPermitted):
        await service.sign(SYSTEM, agreement_id, organisation_id=case.firm)


async def test_the_database_refuses_that_the_author_approves() -> None:
    case = await factories_agreements.case()
    agreement_id = await case.requested()
    with pytest.raises(asyncpg.CheckViolationError, match="the_author_never_approves"):
        await database.fetch("UPDATE agreement SET state = 'approved', decided_by = author WHERE id = $1", agreement_id)
    with pytest.raises(asyncpg.CheckViolationError, match="somebody_has_approved"):
        await database.fetch("UPDATE agreement SET state = 'approved' WHERE id = $1", agreement_id)


async def test_the_database_refuses_in_force_without_every_signature() -> None:
    case = await factories_agreements.case()
    agreement_id = await agreement_in(case, S.APPROVED)
    await service.sign(case.member, agreement_id, now=THEN)
    with pytest.raises(asyncpg.RestrictViolationError, match="signed by every party"):
        await _sql_with_log("UPDATE agreement SET state = 'in_force' WHERE id = $1", agreement_id)
    assert await state_of(agreement_id) is S.APPROVED


async def _sql_with_log(sql: str, *values: object) -> None:
    """SQL in a transaction that also writes a line of the log, so that only the other guards are met."""
    async with database.transaction():
        await database.fetch(
            "INSERT INTO audit_event (actor_name, type, subject_kind, subject_id, data)"
            " VALUES ('test', 'agreement.changed', 'agreement', 'test', '{}')"
        )
        await database.fetch(sql, *values)


@pytest.mark.parametrize(
    ("table", "change"),
    [
        ("agreement_version", "UPDATE agreement_version SET text_sv = 'Annat.' WHERE agreement = $1"),
        ("agreement_version", "DELETE FROM agreement_version WHERE agreement = $1"),
        (
            "agreement_signature",
            "UPDATE agreement_signature s SET signed_at = now() FROM agreement_version v"  # noqa: ISC004  # one statement
            " WHERE v.id = s.version AND v.agreement = $1",
        ),
        (
            "ip_term",
            "UPDATE ip_term t SET code = 'buyer' FROM agreement_version v"  # noqa: ISC004  # one statement
            " WHERE t.field = 'results_ownership' AND t.terms = v.terms AND v.agreement = $1",
        ),
    ],
)
async def test_versions_signatures_and_terms_never_change(table: str, change: str) -> None:
    case = await factories_agreements.case()
    agreement_id = await agreement_in(case, S.IN_FORCE)
    with pytest.raises(asyncpg.RestrictViolationError, match=f"{table} is append-only"):
        await _sql_with_log(change, agreement_id)


async def test_the_database_checks_the_hash_of_a_version_and_of_its_signature() -> None:
    case = await factories_agreements.case()
    agreement_id = await agreement_in(case, S.IN_REVIEW)
    version = await database.fetch_one("SELECT * FROM agreement_version WHERE agreement = $1", agreement_id)
    assert version is not None
    assert version["sha256"] == hashlib.sha256(f"{version['text_sv']}\n\n{version['text_en']}".encode()).hexdigest()
    with pytest.raises(asyncpg.CheckViolationError, match="hash_is_of_the_text"):
        await _sql_with_log(
            "INSERT INTO agreement_version (agreement, number, text_sv, text_en, sha256, terms)"
            " VALUES ($1, 2, 'Annat.', '', $2, $3)",
            agreement_id,
            version["sha256"],
            version["terms"],
        )
    with pytest.raises(asyncpg.ForeignKeyViolationError, match="signature_is_of_the_version"):
        await _sql_with_log(
            "INSERT INTO agreement_signature (version, organisation, person, sha256) VALUES ($1, $2, $3, $4)",
            version["id"],
            case.firm,
            case.member.person_id,
            "0" * 64,
        )


async def test_a_change_without_a_log_entry_is_refused() -> None:
    case = await factories_agreements.case()
    agreement_id = await case.requested()
    with pytest.raises(asyncpg.RestrictViolationError, match="not logged"):
        await database.fetch("UPDATE agreement SET dnr = 'RS 1' WHERE id = $1", agreement_id)


# --- The whole way


async def jobs_of(agreement_id: UUID) -> int:
    rows = await database.fetch("SELECT payload FROM pgqueuer WHERE entrypoint = 'confirm_covered_bookings'")
    return sum(json.loads(row["payload"]) == {"agreement_id": str(agreement_id)} for row in rows)


async def test_signing_after_approval_puts_the_agreement_in_force_at_once() -> None:
    case = await factories_agreements.case()
    agreement_id = await case.requested()
    assert await service.approve(case.legal, agreement_id) is S.APPROVED
    assert await service.sign(case.legal, agreement_id) is S.APPROVED
    assert await jobs_of(agreement_id) == 0
    assert await service.sign(case.member, agreement_id) is S.IN_FORCE
    assert await jobs_of(agreement_id) == 1
    view = await queries.get_agreement(case.member, agreement_id)
    changes = [event.data.get("to") for event in view.log if event.type == "agreement.state_changed"]
    assert changes == ["in_review", "approved", "signed", "in_force"]
    assert {party.method for party in view.agreement.parties} == {SignatureMethod.SIGNED_IN}


async def test_signing_before_approval_counts_when_legal_approves_and_signs() -> None:
    case = await factories_agreements.case()
    agreement_id = await case.requested()
    assert await service.sign(case.member, agreement_id) is S.IN_REVIEW
    with pytest.raises(RuleBroken, match="already signed"):
        await service.sign(case.member, agreement_id)
    with pytest.raises(RuleBroken, match="when legal has approved"):
        await service.sign(case.legal, agreement_id)
    await service.approve(case.legal, agreement_id)
    assert await service.sign(case.legal, agreement_id) is S.IN_FORCE


async def test_a_signature_on_an_earlier_version_does_not_count() -> None:
    case = await factories_agreements.case()
    agreement_id = await case.requested()
    await service.sign(case.member, agreement_id)
    await service.request_changes(case.legal, agreement_id, "Ange diarienummer.")
    assert await service.add_version(case.member, agreement_id, dnr="RS 2033-0001") == 2
    await service.submit(case.member, agreement_id)
    await service.approve(case.legal, agreement_id)
    assert await service.sign(case.legal, agreement_id) is S.APPROVED
    assert await service.sign(case.member, agreement_id) is S.IN_FORCE


async def test_a_signature_counts_when_the_same_version_is_sent_again() -> None:
    case = await factories_agreements.case()
    agreement_id = await case.requested()
    await service.sign(case.member, agreement_id)
    await service.request_changes(case.legal, agreement_id, "Är det rätt period?")
    await service.submit(case.member, agreement_id)
    await service.approve(case.legal, agreement_id)
    assert await service.sign(case.legal, agreement_id) is S.IN_FORCE


async def test_legal_records_what_a_counterparty_signed_on_paper() -> None:
    case = await factories_agreements.case()
    agreement_id = await agreement_in(case, S.APPROVED)
    with pytest.raises(NotPermitted):
        await service.sign(case.legal, agreement_id, organisation_id=case.firm, now=THEN)
    with pytest.raises(NotPermitted):
        await service.sign(case.member, agreement_id, method=SignatureMethod.RECORDED_COPY, now=THEN)
    await service.sign(case.legal, agreement_id, method=SignatureMethod.RECORDED_COPY, now=THEN)
    view = await queries.get_agreement(case.member, agreement_id)
    methods = {party.organisation_id: party.method for party in view.agreement.parties}
    assert methods == {case.body: None, case.firm: SignatureMethod.RECORDED_COPY}


async def test_nobody_signs_for_an_organisation_that_is_no_party() -> None:
    case = await factories_agreements.case()
    agreement_id = await agreement_in(case, S.APPROVED)
    for actor in (case.member, case.legal):
        with pytest.raises(NotPermitted):
            await service.sign(actor, agreement_id, organisation_id=await factories.organisation(), now=THEN)


async def test_an_agreement_whose_period_is_over_is_neither_approved_nor_signed() -> None:
    case = await factories_agreements.case()
    agreement_id = await agreement_in(case, S.IN_REVIEW)
    late = datetime(2033, 6, 1, 0, tzinfo=STOCKHOLM)
    with pytest.raises(RuleBroken, match="ended"):
        await service.approve(case.legal, agreement_id, now=late)
    await service.approve(case.legal, agreement_id, now=late - timedelta(minutes=1))
    with pytest.raises(RuleBroken, match="ended"):
        await service.sign(case.member, agreement_id, now=late)


async def test_a_reason_is_needed_to_send_back_and_to_terminate() -> None:
    case = await factories_agreements.case()
    for step in (
        service.request_changes(case.legal, await agreement_in(case, S.IN_REVIEW), "  "),
        service.terminate(case.legal, await agreement_in(case, S.IN_FORCE), ""),
        service.terminate(case.legal, await agreement_in(case, S.IN_FORCE), "x" * 5001),
    ):
        with pytest.raises(InvalidInput) as caught:
            await step
        assert [fault.field for fault in caught.value.errors] == ["reason"]


# --- What follows the dates


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (datetime(2033, 5, 1, 21, 59, tzinfo=UTC), S.SIGNED),  # one minute to midnight in Stockholm
        (datetime(2033, 5, 1, 22, 0, tzinfo=UTC), S.IN_FORCE),
        (datetime(2033, 5, 31, 21, 59, tzinfo=UTC), S.IN_FORCE),
        (datetime(2033, 5, 31, 22, 0, tzinfo=UTC), S.EXPIRED),
    ],
)
async def test_dates_are_followed_at_midnight_in_stockholm(now: datetime, expected: S) -> None:
    case = await factories_agreements.case()
    agreement_id = await agreement_in(case, S.SIGNED)
    await service.follow_dates(now)
    assert await state_of(agreement_id) is expected
    events = len((await queries.get_agreement(case.member, agreement_id)).log)
    assert await jobs_of(agreement_id) == (expected is not S.SIGNED)
    await service.follow_dates(now)
    assert await state_of(agreement_id) is expected
    assert len((await queries.get_agreement(case.member, agreement_id)).log) == events
    assert await jobs_of(agreement_id) == (expected is not S.SIGNED)


async def test_the_registry_itself_is_logged_as_acting_by_the_dates() -> None:
    case = await factories_agreements.case()
    agreement_id = await agreement_in(case, S.EXPIRED)
    view = await queries.get_agreement(case.member, agreement_id)
    assert [event.actor for event in view.log][-2:] == ["registry", "registry"]


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
    queue = await queries.review_queue(limited)
    assert [row.id for row in queue] == [old, young, waits_for_firm]
    assert [row.days_waited for row in queue] == [9, 0, 20]
    for actor in (case.member, await factories.person(Role.AUDITOR)):
        with pytest.raises(NotPermitted):
            await queries.review_queue(actor)
