"""The gate: which required agreements a booking lacks, exactly at the edges of their dates."""

import asyncio
from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from registry.access import Role
from registry.accounts.codes import OrganisationKind
from registry.agreements import queries, service
from registry.agreements.codes import AgreementType
from registry.agreements.queries import MissingAgreement
from registry.agreements.states import AgreementState
from registry.entries.codes import Audience
from registry.errors import NotPermitted
from tests import factories, factories_agreements
from tests.factories_agreements import Case

STOCKHOLM = ZoneInfo("Europe/Stockholm")
FIRST, LAST = date(2031, 3, 10), date(2031, 3, 20)
BEFORE = datetime(2031, 3, 1, 12, tzinfo=STOCKHOLM)


def local(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=STOCKHOLM)


async def lacks(
    case: Case, starts_at: datetime, ends_at: datetime, *, organisation: int | None = None, entry: int | None = None
) -> list[MissingAgreement]:
    return await queries.missing_agreements(
        organisation or case.firm, "external", [entry or case.entry_id], starts_at, ends_at
    )


async def in_force(case: Case, **more: object) -> UUID:
    values: dict[str, object] = {"valid_from": FIRST, "valid_until": LAST, "now": local(FIRST, 8), **more}
    return await factories_agreements.in_force(case.firm, case.entry_id, case.template, **values)  # type: ignore[arg-type]


async def test_missing_without_any_agreement_names_the_template() -> None:
    case = await factories_agreements.case()
    (one,) = await lacks(case, local(FIRST, 9), local(FIRST, 12))
    assert (one.entry_id, one.type, one.template_code) == (case.entry_id, AgreementType.TEST, case.template)
    assert (one.agreement_id, one.state, one.next_actor) == (None, None, "firm")
    assert "no agreement yet" in str(one.explanation)


async def test_missing_is_empty_when_nothing_is_required() -> None:
    case = await factories_agreements.case()
    entry_id, _ = await factories.environment(body=case.body)
    await service.offer_terms(case.legal, entry_id, case.template, required=False)
    assert await lacks(case, local(FIRST, 9), local(FIRST, 12), entry=entry_id) == []


async def test_missing_asks_only_for_templates_of_the_audience() -> None:
    case = await factories_agreements.case(audience=(Audience.EMPLOYEE,))
    assert await lacks(case, local(FIRST, 9), local(FIRST, 12)) == []
    assert await queries.missing_agreements(case.firm, "employee", [case.entry_id], local(FIRST, 9), local(FIRST, 12))


@pytest.mark.parametrize(
    ("starts_at", "ends_at", "covered"),
    [
        (local(FIRST, 9), local(FIRST, 12), True),
        (local(FIRST, 0), local(FIRST, 1), True),  # the first day counts from midnight in Stockholm, 23 UTC
        (local(FIRST - timedelta(days=1), 23, 59), local(FIRST, 1), False),
        (local(LAST, 23), local(LAST + timedelta(days=1), 0), True),  # ends at midnight: the next day is not touched
        (local(LAST, 23), local(LAST + timedelta(days=1), 0, 1), False),
        (local(LAST + timedelta(days=1), 0), local(LAST + timedelta(days=1), 1), False),  # 23 UTC on the last day
        (local(FIRST, 0), local(LAST + timedelta(days=1), 0), True),
        (local(FIRST - timedelta(days=3), 9), local(LAST + timedelta(days=3), 9), False),
    ],
)
async def test_missing_at_the_edges_of_the_dates(starts_at: datetime, ends_at: datetime, covered: bool) -> None:  # noqa: FBT001  # a parameter
    case = await factories_agreements.case()
    await in_force(case)
    assert (await lacks(case, starts_at, ends_at) == []) is covered


async def test_missing_says_when_the_agreement_ends_before_the_booking() -> None:
    case = await factories_agreements.case()
    agreement_id = await in_force(case)
    (one,) = await lacks(case, local(LAST, 9), local(LAST + timedelta(days=1), 12))
    assert (one.agreement_id, one.state, one.next_actor) == (agreement_id, AgreementState.IN_FORCE, "firm")
    assert one.explanation.values["valid_until"] == LAST
    assert "ends on" in str(one.explanation)


async def test_missing_says_when_the_agreement_begins_after_the_booking() -> None:
    case = await factories_agreements.case()
    await in_force(case)
    (one,) = await lacks(case, local(FIRST - timedelta(days=1), 9), local(FIRST, 12))
    assert "begins on" in str(one.explanation)


async def test_missing_does_not_count_another_organisations_agreement() -> None:
    case = await factories_agreements.case()
    await in_force(case)
    other = await factories.organisation()
    (one,) = await lacks(case, local(FIRST, 9), local(FIRST, 12), organisation=other)
    assert one.agreement_id is None


async def test_missing_does_not_count_another_entrys_agreement_unless_it_is_a_framework() -> None:
    for framework in (False, True):
        case = await factories_agreements.case()
        neighbour, _ = await factories.environment(body=case.body)
        foreign, _ = await factories.environment()
        for entry_id in (neighbour, foreign):
            await service.offer_terms(case.legal, entry_id, case.template, required=True)
        await in_force(case, framework=framework)
        assert (await lacks(case, local(FIRST, 9), local(FIRST, 12), entry=neighbour) == []) is framework
        assert await lacks(case, local(FIRST, 9), local(FIRST, 12), entry=foreign)


async def test_missing_counts_a_framework_with_the_body_that_a_unit_belongs_to() -> None:
    case = await factories_agreements.case()
    unit = await factories.organisation(OrganisationKind.UNIT, parent_id=case.body)
    entry_id, _ = await factories.environment(body=unit)
    await service.offer_terms(case.legal, entry_id, case.template, required=True)
    assert await lacks(case, local(FIRST, 9), local(FIRST, 12), entry=entry_id)
    await in_force(case, framework=True)
    assert await lacks(case, local(FIRST, 9), local(FIRST, 12), entry=entry_id) == []


async def test_missing_counts_only_the_type_that_is_required() -> None:
    case = await factories_agreements.case()
    nda = await factories_agreements.template(type=AgreementType.NDA)
    await service.offer_terms(case.legal, case.entry_id, nda, required=True)
    await in_force(case)
    (one,) = await lacks(case, local(FIRST, 9), local(FIRST, 12))
    assert one.template_code == nda


async def test_missing_does_not_count_a_public_partys_agreements_with_others() -> None:
    """A firm's agreement with a committee does not cover the committee's own employees."""
    case = await factories_agreements.case(audience=(Audience.EXTERNAL, Audience.EMPLOYEE))
    await in_force(case, framework=True)
    (one,) = await lacks(case, local(FIRST, 9), local(FIRST, 12), organisation=case.body)
    assert one.agreement_id is None


async def test_own_environment_needs_only_the_public_partys_signature() -> None:
    case = await factories_agreements.case(audience=(Audience.EMPLOYEE,))
    employee = await factories.person(Role.EMPLOYEE, organisation_id=case.body)
    (agreement_id,) = await service.open_missing(
        employee,
        organisation_id=case.body,
        audience="employee",
        entry_ids=[case.entry_id],
        starts_at=local(FIRST, 9),
        ends_at=local(FIRST, 12),
        now=local(FIRST, 8),
    )
    with pytest.raises(NotPermitted):
        await service.sign(employee, agreement_id)
    await service.approve(case.legal, agreement_id, now=local(FIRST, 8))
    assert await service.sign(case.legal, agreement_id, now=local(FIRST, 8)) is AgreementState.IN_FORCE
    lacking = await queries.missing_agreements(
        case.body, "employee", [case.entry_id], local(FIRST, 9), local(FIRST, 12)
    )
    assert lacking == []


async def test_missing_explains_each_state_and_who_acts_next() -> None:
    case = await factories_agreements.case()
    when = (local(FIRST, 9), local(FIRST, 12))
    now = local(FIRST, 8)
    (agreement_id,) = await case.open(*when, now=now)

    async def told() -> tuple[AgreementState | None, str, str]:
        (one,) = await lacks(case, *when)
        assert one.agreement_id == agreement_id
        return one.state, one.next_actor, str(one.explanation)

    assert (await told())[:2] == (AgreementState.IN_REVIEW, "legal")
    await service.request_changes(case.legal, agreement_id, "Diarienummer saknas.", now=now)
    assert (await told())[:2] == (AgreementState.CHANGES_REQUESTED, "firm")
    await service.submit(case.member, agreement_id, now=now)
    await service.approve(case.legal, agreement_id, now=now)
    state, actor, text = await told()
    assert (state, actor) == (AgreementState.APPROVED, "firm")
    assert "your signature" in text
    await service.sign(case.member, agreement_id, now=now)
    assert (await told())[:2] == (AgreementState.APPROVED, "legal")
    await service.sign(case.legal, agreement_id, now=now)
    assert await lacks(case, *when) == []
    await service.terminate(case.legal, agreement_id, "Testet är avbrutet.", now=now)
    state, actor, text = await told()
    assert (state, actor) == (AgreementState.TERMINATED, "firm")
    assert "no longer in force" in text


async def test_missing_explains_an_agreement_that_enters_into_force_later() -> None:
    case = await factories_agreements.case()
    agreement_id = await in_force(case, now=BEFORE)
    (one,) = await lacks(case, local(FIRST, 9), local(FIRST, 12))
    assert (one.agreement_id, one.state, one.on_its_way) == (agreement_id, AgreementState.SIGNED, True)
    assert one.explanation.values["valid_from"] == FIRST


async def test_open_missing_asks_once_for_each_template_and_body() -> None:
    case = await factories_agreements.case()
    second, _ = await factories.environment(body=case.body)
    foreign, _ = await factories.environment()
    for entry_id in (second, foreign):
        await service.offer_terms(case.legal, entry_id, case.template, required=True)
    asked = {
        "organisation_id": case.firm,
        "audience": "external",
        "entry_ids": [case.entry_id, second, foreign],
        "starts_at": local(FIRST, 9),
        "ends_at": local(FIRST, 12),
        "now": BEFORE,
    }
    opened = await service.open_missing(case.member, **asked)  # type: ignore[arg-type]
    assert len(opened) == 2
    views = [await queries.get_agreement(case.member, one) for one in opened]
    assert sorted(len(view.agreement.entries) for view in views) == [1, 2]
    assert {view.agreement.state for view in views} == {AgreementState.IN_REVIEW}
    assert {view.agreement.author_id for view in views} == {case.member.person_id}
    assert await service.open_missing(case.member, **asked) == []  # type: ignore[arg-type]


async def test_open_missing_at_the_same_time_opens_one() -> None:
    case = await factories_agreements.case()
    opened = await asyncio.gather(*(case.open(local(FIRST, 9), local(FIRST, 12), now=BEFORE) for _ in range(8)))
    assert sorted(len(ids) for ids in opened) == [0] * 7 + [1]


async def test_open_missing_lasts_as_long_as_the_booking() -> None:
    case = await factories_agreements.case(months_valid=1)
    far = date(2031, 9, 30)
    (agreement_id,) = await case.open(local(FIRST, 9), local(far + timedelta(days=1), 0), now=BEFORE)
    agreement = (await queries.get_agreement(case.member, agreement_id)).agreement
    assert (agreement.valid_from, agreement.valid_until) == (BEFORE.date(), far)
    (short,) = await (await factories_agreements.case(months_valid=1)).open(
        local(FIRST, 9), local(FIRST, 12), now=BEFORE
    )
    assert short != agreement_id


async def test_open_missing_opens_a_new_one_when_what_is_under_way_is_too_short() -> None:
    case = await factories_agreements.case(months_valid=1)
    (first,) = await case.open(local(FIRST, 9), local(FIRST, 12), now=BEFORE)
    late = date(2032, 1, 15)
    (one,) = await lacks(case, local(late, 9), local(late, 12))
    assert one.agreement_id == first
    assert "not for the whole booking" in str(one.explanation)
    (second,) = await case.open(local(late, 9), local(late, 12), now=BEFORE)
    assert second != first
    assert await case.open(local(late, 9), local(late, 12), now=BEFORE) == []


async def test_open_missing_is_for_those_who_act_for_the_organisation() -> None:
    case = await factories_agreements.case()
    stranger = await factories.person(Role.FIRM, organisation_id=await factories.organisation())
    with pytest.raises(NotPermitted):
        await service.open_missing(
            stranger,
            organisation_id=case.firm,
            audience="external",
            entry_ids=[case.entry_id],
            starts_at=local(FIRST, 9),
            ends_at=local(FIRST, 12),
        )


async def test_a_draft_does_not_count_as_on_its_way() -> None:
    case = await factories_agreements.case()
    await case.draft(valid_from=FIRST, valid_until=LAST)
    (one,) = await lacks(case, local(FIRST, 9), local(FIRST, 12))
    assert one.agreement_id is None


async def test_offered_terms_are_the_latest_version() -> None:
    case = await factories_agreements.case()
    (offered,) = await queries.offered_terms(case.entry_id)
    assert (offered.version_number, offered.terms["results_ownership"].code) == (1, "supplier")
    assert offered.required
    await factories_agreements.template(code=case.template)
    assert (await queries.offered_terms(case.entry_id))[0].version_number == 1
    await factories_agreements.template(
        code=case.template, values=factories_agreements.terms(results_ownership="joint", results_share_percent=50)
    )
    (offered,) = await queries.offered_terms(case.entry_id)
    assert (offered.version_number, offered.terms["results_ownership"].code) == (2, "joint")
    (required,) = await queries.required_for("external", [case.entry_id])
    assert (required.template_code, required.required) == (case.template, True)
    assert await queries.required_for("employee", [case.entry_id]) == []
