"""Signing: who may, what exactly is signed, copies on paper, and an e-signature service without a network."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4

import asyncpg
import pytest
from litestar import Litestar

from registry import database
from registry.access import SYSTEM, Actor, Role
from registry.accounts.authorities import end_authority, give_authority, signs_for
from registry.agreements import queries, service
from registry.agreements.codes import SignatureMethod
from registry.agreements.rules import today
from registry.agreements.signing import OfflineSigning
from registry.agreements.states import AgreementState, OrderState
from registry.errors import EditedMeanwhile, InvalidInput, NotFound, NotPermitted, RuleBroken
from tests import factories, factories_agreements
from tests.clients import browser, send
from tests.factories_agreements import Case

S = AgreementState


async def without_authority(case: Case) -> Actor:
    """A member of the firm whose authority ended yesterday."""
    member = await factories.person(Role.FIRM, organisation_id=case.firm)
    for one in await _authorities_of(member):
        await end_authority(SYSTEM, one, today() - timedelta(days=1))
    return member


async def _authorities_of(person: Actor) -> list[int]:
    rows = await database.fetch("SELECT id FROM signing_authority WHERE person = $1", person.person_id)
    return [row["id"] for row in rows]


# --- Authority


async def test_only_somebody_with_a_recorded_authority_signs() -> None:
    case = await factories_agreements.case()
    agreement_id = await case.requested()
    member = await without_authority(case)
    view = await queries.get_agreement(member, agreement_id)
    assert (view.signings, view.lacks_authority) == ((), True)
    with pytest.raises(NotPermitted, match="recorded that you may sign"):
        await service.sign(member, agreement_id)
    assert member.person_id is not None
    await give_authority(
        case.legal, member.person_id, case.firm, ground="Fullmakt", valid_from=today() - timedelta(days=1)
    )
    assert not (await queries.get_agreement(member, agreement_id)).lacks_authority
    assert await service.sign(member, agreement_id) is S.IN_REVIEW


@pytest.mark.parametrize(("day", "may"), [(1, False), (2, True), (31, True), (32, False)])
async def test_authority_counts_from_its_first_to_its_last_day(day: int, *, may: bool) -> None:
    person = await factories.person()
    firm = await factories.organisation()
    assert person.person_id is not None
    first = date(2033, 5, 2)
    await give_authority(
        SYSTEM, person.person_id, firm, ground="Fullmakt", valid_from=first, valid_until=date(2033, 5, 31)
    )
    on = first + timedelta(days=day - 2)
    assert await signs_for(person.person_id, {firm}, set(), on) == ({firm} if may else set())


async def test_authority_for_every_public_party_is_none_for_firms() -> None:
    person, body, firm = await factories.person(), await factories.organisation(), await factories.organisation()
    assert person.person_id is not None
    await give_authority(SYSTEM, person.person_id, None, ground="Delegation", valid_from=date(2020, 1, 1))
    assert await signs_for(person.person_id, {body, firm}, {body}, today()) == {body}


async def test_authority_is_given_by_legal_or_coordinators_and_never_to_oneself() -> None:
    firm, person = await factories.organisation(), await factories.person()
    assert person.person_id is not None
    for role in (Role.LEGAL, Role.COORDINATOR):
        giver = await factories.person(role)
        await give_authority(giver, person.person_id, firm, ground="Registerutdrag", valid_from=today())
        assert giver.person_id is not None
        with pytest.raises(NotPermitted, match="Somebody else"):
            await give_authority(giver, giver.person_id, firm, ground="Jag", valid_from=today())
    for role in (Role.FIRM, Role.HOST, Role.EMPLOYEE, Role.PROCUREMENT, Role.AUDITOR):
        with pytest.raises(NotPermitted):
            await give_authority(await factories.person(role), person.person_id, firm, ground="x", valid_from=today())
    limited = await factories.person(Role.LEGAL, organisation_id=firm)
    with pytest.raises(NotPermitted):
        await give_authority(limited, person.person_id, firm, ground="x", valid_from=today())
    legal = await factories_agreements.jurist()
    with pytest.raises(InvalidInput):
        await give_authority(legal, person.person_id, firm, ground=" ", valid_from=today())
    with pytest.raises(NotFound):
        await give_authority(legal, 2_000_000_000, firm, ground="x", valid_from=today())
    with pytest.raises(asyncpg.CheckViolationError, match="nobody_gives_it_to_themselves"):
        await database.fetch("UPDATE signing_authority SET given_by = person WHERE person = $1", person.person_id)


async def test_the_database_refuses_a_signature_without_authority() -> None:
    case = await factories_agreements.case()
    agreement_id = await case.requested()
    member = await without_authority(case)
    with pytest.raises(asyncpg.RestrictViolationError, match="may not sign"):
        await database.fetch(
            "INSERT INTO agreement_signature (version, organisation, person, method, sha256, signer_name)"
            " SELECT v.id, $2, $3, 'signed_in', v.sha256, '' FROM agreement_version v WHERE v.agreement = $1",
            agreement_id,
            case.firm,
            member.person_id,
        )


async def test_rights_to_sign_are_kept_on_their_page(application: Litestar) -> None:
    firm = await factories.organisation()
    person = await factories.person(organisation_id=firm)
    legal = await browser(application, await factories_agreements.jurist())
    form = {"email": person.email, "scope": "own", "ground": "Registerutdrag", "valid_from": "2026-01-02"}
    assert (await send(legal, "/desk/signatories", form)).status_code == 303
    page = await legal.get("/desk/signatories")
    assert person.email in page.text
    assert await signs_for(person.person_id, {firm}, set(), today()) == {firm}
    for wrong in ({"email": "nobody@registry.test"}, {"ground": ""}, {"valid_until": "2025-01-01"}):
        answer = await send(legal, "/desk/signatories", {**form, **wrong})
        assert (answer.status_code, "Registerutdrag" in answer.text or "ground" in wrong) == (422, True)
    (mine,) = await _authorities_of(person)
    assert (await send(legal, f"/desk/signatories/{mine}/end")).status_code == 303
    assert await signs_for(person.person_id, {firm}, set(), today() + timedelta(days=1)) == set()
    auditor = await browser(application, await factories.person(Role.AUDITOR))
    assert (await auditor.get("/desk/signatories")).status_code == 403
    assert (await send(auditor, "/desk/signatories", form)).status_code == 403


# --- What is signed


async def test_a_text_other_than_the_one_shown_is_not_signed() -> None:
    case = await factories_agreements.case()
    agreement_id = await case.requested()
    shown = (await queries.get_agreement(case.member, agreement_id)).sha256
    with pytest.raises(EditedMeanwhile, match="shown"):
        await service.sign(case.member, agreement_id, read_sha256="0" * 64)
    await service.sign(case.member, agreement_id, read_sha256=shown)
    row = await database.fetch_one(
        "SELECT s.sha256, s.person FROM agreement_signature s JOIN agreement_version v ON v.id = s.version"
        " WHERE v.agreement = $1",
        agreement_id,
    )
    assert row is not None
    assert (row["sha256"], row["person"]) == (shown, case.member.person_id)


async def test_a_signature_on_paper_names_its_signer_and_keeps_the_copy() -> None:
    case = await factories_agreements.case()
    agreement_id = await factories_agreements.agreement_in(case, S.APPROVED)
    await factories_agreements.signed_on_paper(case, agreement_id, signer_name="Firmatecknaren")
    view = await queries.get_agreement(case.legal, agreement_id)
    party = next(one for one in view.agreement.parties if one.organisation_id == case.firm)
    assert (party.signer_name, party.method) == ("Firmatecknaren", SignatureMethod.RECORDED_COPY)
    assert [one.filename for one in view.documents] == ["Undertecknat.pdf"]
    with pytest.raises(RuleBroken, match="already signed"):
        await factories_agreements.signed_on_paper(case, agreement_id)
    # The second copy is not half stored.
    assert len((await queries.get_agreement(case.legal, agreement_id)).documents) == 1


# --- A service


async def ordered(case: Case) -> tuple[UUID, OfflineSigning, str]:
    agreement_id, offline = await case.requested(), OfflineSigning()
    order = await service.order_signature(case.member, offline, agreement_id, organisation_id=case.firm)
    return agreement_id, offline, str(order)


async def documents_of(case: Case, agreement_id: UUID) -> int:
    return len((await queries.get_agreement(case.legal, agreement_id)).documents)


async def test_a_signature_through_a_service_puts_the_agreement_in_force() -> None:
    case = await factories_agreements.case()
    agreement_id, offline, reference = await ordered(case)
    assert await service.settle_order(offline, reference) is OrderState.ORDERED
    await service.approve(case.legal, agreement_id)
    await service.sign(case.legal, agreement_id)
    offline.orders[reference] = OrderState.SIGNED
    assert await service.settle_order(offline, reference) is OrderState.SIGNED
    view = await queries.get_agreement(case.member, agreement_id)
    assert view.agreement.state is S.IN_FORCE
    party = next(one for one in view.agreement.parties if one.organisation_id == case.firm)
    assert (party.method, party.signer_name) == (SignatureMethod.E_SIGNATURE, case.member.name)
    content = await service.read_document(case.legal, agreement_id, view.documents[0].id)
    assert view.sha256.encode() in content.content


async def test_callbacks_that_come_again_or_at_once_change_nothing_more() -> None:
    case = await factories_agreements.case()
    agreement_id, offline, reference = await ordered(case)
    offline.orders[reference] = OrderState.SIGNED
    answers = await asyncio.gather(*(service.settle_order(offline, reference) for _ in range(6)))
    assert set(answers) == {OrderState.SIGNED}
    # What a service tells afterwards is too late.
    offline.orders[reference] = OrderState.REFUSED
    assert await service.settle_order(offline, reference) is OrderState.SIGNED
    assert await documents_of(case, agreement_id) == 1
    events = (await queries.get_agreement(case.legal, agreement_id)).log
    assert [e.type for e in events].count("agreement.signed_by_party") == 1
    with pytest.raises(NotFound):
        await service.settle_order(offline, str(uuid4()))


@pytest.mark.parametrize("told", [OrderState.REFUSED, OrderState.EXPIRED])
async def test_an_order_that_is_refused_or_expires_leaves_the_way_open(told: OrderState) -> None:
    case = await factories_agreements.case()
    agreement_id, offline, reference = await ordered(case)
    with pytest.raises(RuleBroken, match="already"):
        await service.order_signature(case.member, offline, agreement_id, organisation_id=case.firm)
    offline.orders[reference] = told
    assert await service.settle_order(offline, reference) is told
    assert await documents_of(case, agreement_id) == 0
    await service.order_signature(case.member, offline, agreement_id, organisation_id=case.firm)
    assert await service.sign(case.member, agreement_id) is S.IN_REVIEW


async def test_a_signature_on_a_replaced_text_or_without_authority_does_not_count() -> None:
    case = await factories_agreements.case()
    agreement_id, offline, reference = await ordered(case)
    await service.request_changes(case.legal, agreement_id, "Ändra.")
    await service.add_version(case.member, agreement_id, dnr="RS 2033-0007")
    offline.orders[reference] = OrderState.SIGNED
    assert await service.settle_order(offline, reference) is OrderState.EXPIRED
    await service.submit(case.member, agreement_id)
    again = await service.order_signature(case.member, offline, agreement_id, organisation_id=case.firm)
    offline.orders[str(again)] = OrderState.SIGNED
    for one in await _authorities_of(case.member):
        await end_authority(SYSTEM, one, today() - timedelta(days=1))
    assert await service.settle_order(offline, str(again)) is OrderState.EXPIRED
    assert await documents_of(case, agreement_id) == 0


async def test_who_may_not_sign_orders_nothing() -> None:
    case = await factories_agreements.case()
    agreement_id, offline = await case.requested(), OfflineSigning()
    for actor in (await without_authority(case), await factories.person(Role.AUDITOR), case.legal):
        with pytest.raises(NotPermitted):
            await service.order_signature(actor, offline, agreement_id, organisation_id=case.firm)
    with pytest.raises(RuleBroken):
        await service.order_signature(case.legal, offline, agreement_id, organisation_id=case.body)
    assert offline.orders == {}


async def test_a_closed_order_never_changes() -> None:
    case = await factories_agreements.case()
    _, offline, reference = await ordered(case)
    offline.orders[reference] = OrderState.REFUSED
    await service.settle_order(offline, reference, now=datetime.now(UTC))
    with pytest.raises(asyncpg.RestrictViolationError, match="closed"):
        await database.fetch(
            "UPDATE signing_order SET state = 'ordered', closed_at = NULL WHERE reference = $1", reference
        )
