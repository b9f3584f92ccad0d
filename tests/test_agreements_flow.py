"""Agreements on their way: signatures before and after approval, and what follows the dates."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from registry.agreements import queries, service
from registry.agreements.codes import SignatureMethod
from registry.agreements.states import AgreementState
from registry.errors import (
    InvalidInput,
    NotPermitted,
    RuleBroken,
)
from tests import factories, factories_agreements
from tests.factories_agreements import STOCKHOLM, THEN, agreement_in, jobs_of, state_of

S = AgreementState


# --- The whole way


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
    with pytest.raises(InvalidInput) as caught:
        await service.sign(case.legal, agreement_id, method=SignatureMethod.RECORDED_COPY, now=THEN)
    assert [fault.field for fault in caught.value.errors] == ["document"]
    await factories_agreements.signed_on_paper(case, agreement_id)
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


async def test_both_parties_signing_at_once_put_the_agreement_in_force_once() -> None:
    case = await factories_agreements.case()
    agreement_id = await case.requested()
    await service.approve(case.legal, agreement_id)
    states = await asyncio.gather(service.sign(case.member, agreement_id), service.sign(case.legal, agreement_id))
    assert sorted(states) == [S.APPROVED, S.IN_FORCE]
    assert await jobs_of(agreement_id) == 1


async def test_one_party_signing_many_times_at_once_signs_once() -> None:
    case = await factories_agreements.case()
    agreement_id = await case.requested()
    answers = await asyncio.gather(*(service.sign(case.member, agreement_id) for _ in range(8)), return_exceptions=True)
    assert sum(answer is S.IN_REVIEW for answer in answers) == 1
    assert sum(isinstance(answer, RuleBroken) for answer in answers) == 7


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
