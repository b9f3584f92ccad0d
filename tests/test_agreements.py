"""Agreements: who may do what in which state, four eyes, signatures, versions and what follows the dates."""

import hashlib
from collections.abc import Awaitable, Callable
from datetime import date
from uuid import UUID

import asyncpg
import pytest

from registry import database
from registry.access import SYSTEM, VISITOR, Actor, Role
from registry.agreements import queries, rules, service
from registry.agreements.states import TRANSITIONS, AgreementState
from registry.errors import (
    DomainError,
    NotFound,
    NotPermitted,
    NotSignedIn,
    TransitionNotAllowed,
)
from tests import factories, factories_agreements
from tests.factories_agreements import THEN, Case, agreement_in, state_of

S = AgreementState
STATES = [S.DRAFT, S.IN_REVIEW, S.CHANGES_REQUESTED, S.APPROVED, S.SIGNED, S.IN_FORCE, S.EXPIRED, S.TERMINATED]


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


@pytest.mark.parametrize(
    ("sent", "due"),
    [
        (date(2026, 11, 2), date(2026, 11, 9)),
        # Christmas Eve to Boxing Day, New Year's Eve and Day are no working days, nor are Saturdays and Sundays.
        (date(2026, 12, 22), date(2027, 1, 4)),
    ],
)
def test_review_is_due_after_five_working_days(sent: date, due: date) -> None:
    assert rules.review_due(sent) == due
