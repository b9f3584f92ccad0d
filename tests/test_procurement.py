"""Procurements and partnerships: the state table, who may do what, and what follows what."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from registry import database
from registry.access import SYSTEM, Role
from registry.accounts.codes import OrganisationKind
from registry.entries import queries as entry_queries
from registry.entries import service as entries
from registry.errors import (
    EditedMeanwhile,
    InvalidInput,
    NotFound,
    NotPermitted,
    NotSignedIn,
    RuleBroken,
    TransitionNotAllowed,
)
from registry.procurement import queries, service
from registry.procurement.codes import PartnerRole, PhaseDecision, Purchase
from registry.procurement.service import PartnershipText
from registry.procurement.states import TRANSITIONS, Stage
from tests import factories
from tests import factories_procurement as make

OFFICERS = {"officer", "buyers_officer"}
PEOPLE = (
    "visitor",
    "firm",
    "employee",
    "host",
    "other_host",
    "officer",
    "buyers_officer",
    "other_officer",
    "legal",
    "coordinator",
    "auditor",
)


async def _events(subject_id: object) -> list[str]:
    rows = await database.fetch("SELECT type FROM audit_event WHERE subject_id = $1 ORDER BY id", str(subject_id))
    return [row["type"] for row in rows]


async def test_officer_logs_procurement_with_entry_in_one_transaction() -> None:
    cast = await make.cast()
    procurement_id = await service.create_procurement(cast.officer, make.procurement_text(cast.buyer))
    found = await queries.get_procurement(cast.officer, procurement_id)
    assert found.stage is Stage.NEED
    assert found.entry.status == "draft"
    assert found.content is not None
    assert found.content.need == make.SECRET_NEED
    assert found.content.estimated_minor == make.SECRET_VALUE
    entry = await entry_queries.get_entry(cast.officer, found.entry.slug)
    assert entry.kind == "innovation_procurement"
    assert entry.accountable_body == cast.buyer
    assert await _events(procurement_id) == ["procurement.created"]


@pytest.mark.parametrize("stage", list(Stage))
@pytest.mark.parametrize("action", list(TRANSITIONS))
async def test_stage_moves_exactly_as_the_table_says(stage: Stage, action: str) -> None:
    buyer = await factories.organisation(OrganisationKind.COMMITTEE)
    procurement_id = await make.procurement(SYSTEM, buyer, stage)
    if stage in TRANSITIONS[action]:
        reached = await service.move_procurement(SYSTEM, procurement_id, action, reason="Reason")
        assert reached is TRANSITIONS[action][stage]
        found = await queries.get_procurement(SYSTEM, procurement_id)
        assert found.stage is reached
        assert found.cancel_reason == ("Reason" if reached is Stage.CANCELLED else "")
        return
    before = await _events(procurement_id)
    with pytest.raises(TransitionNotAllowed):
        await service.move_procurement(SYSTEM, procurement_id, action, reason="Reason")
    assert (await queries.get_procurement(SYSTEM, procurement_id)).stage is stage
    assert await _events(procurement_id) == before


async def test_cancelling_needs_a_reason() -> None:
    cast = await make.cast()
    procurement_id = await make.procurement(cast.officer, cast.buyer)
    with pytest.raises(InvalidInput) as caught:
        await service.move_procurement(cast.officer, procurement_id, "cancel", reason="  ")
    assert caught.value.errors[0].field == "reason"
    assert (await queries.get_procurement(SYSTEM, procurement_id)).stage is Stage.NEED


async def test_unknown_action_is_not_found() -> None:
    cast = await make.cast()
    procurement_id = await make.procurement(cast.officer, cast.buyer)
    with pytest.raises(NotFound):
        await service.move_procurement(cast.officer, procurement_id, "explode")


@pytest.mark.parametrize("who", PEOPLE)
async def test_only_officers_of_the_buyer_log_procurements(who: str) -> None:
    cast = await make.cast()
    person = cast.people[who]
    if who in OFFICERS:
        await service.create_procurement(person, make.procurement_text(cast.buyer))
        return
    with pytest.raises(NotSignedIn if who == "visitor" else NotPermitted):
        await service.create_procurement(person, make.procurement_text(cast.buyer))


@pytest.mark.parametrize("published", [True, False])
@pytest.mark.parametrize("who", PEOPLE)
async def test_only_officers_of_the_buyer_move_and_change_procurements(who: str, published: bool) -> None:  # noqa: FBT001  # a parameter of the matrix
    cast = await make.cast()
    person = cast.people[who]
    procurement_id = await make.procurement(SYSTEM, cast.buyer, published=published)
    version = (await queries.get_procurement(SYSTEM, procurement_id)).version
    text = replace(make.procurement_text(cast.buyer), dnr="RS 2026-0002")
    if who in OFFICERS:
        await service.change_procurement(person, procurement_id, text, read_version=version)
        assert await service.move_procurement(person, procurement_id, "prepare") is Stage.PREPARATION
        return
    # The coordinator publishes entries and so sees the draft, and the auditor sees everything.
    sees = published or who in {"coordinator", "auditor"}
    refusal = NotSignedIn if who == "visitor" else NotPermitted if sees else NotFound
    with pytest.raises(refusal):
        await service.move_procurement(person, procurement_id, "prepare")
    with pytest.raises(refusal):
        await service.change_procurement(person, procurement_id, text, read_version=version)


async def test_changed_procurement_keeps_what_its_entry_says_elsewhere() -> None:
    cast = await make.cast()
    text = make.procurement_text(cast.buyer)
    text = replace(text, entry=replace(text.entry, description_sv="Bakgrund", link="https://example.org"))
    procurement_id = await service.create_procurement(cast.officer, text)
    found = await queries.get_procurement(cast.officer, procurement_id)
    entry = await entry_queries.get_entry_by_id(cast.officer, found.entry.id)
    stored = entries.text_of(entry.row)
    assert stored == replace(text.entry, kind=stored.kind)
    changed = replace(text, entry=replace(stored, title_sv="Nytt namn"), need="Another need")
    await service.change_procurement(cast.officer, procurement_id, changed, read_version=found.version)
    after = await queries.get_procurement(cast.officer, procurement_id)
    assert (after.entry.title_sv, after.version) == ("Nytt namn", found.version + 1)
    rows = await database.fetch(
        "SELECT data FROM audit_event WHERE subject_id = $1 AND type = 'procurement.changed'", str(procurement_id)
    )
    assert rows[0]["data"] == '{"fields": ["need"]}'


async def test_second_of_two_changes_at_once_is_refused() -> None:
    cast = await make.cast()
    procurement_id = await make.procurement(cast.officer, cast.buyer)
    text = replace(make.procurement_text(cast.buyer), need="First")
    await service.change_procurement(cast.officer, procurement_id, text, read_version=1)
    with pytest.raises(EditedMeanwhile):
        await service.change_procurement(cast.officer, procurement_id, replace(text, need="Second"), read_version=1)
    content = (await queries.get_procurement(SYSTEM, procurement_id)).content
    assert content is not None
    assert content.need == "First"


async def test_cancelled_procurement_is_not_changed() -> None:
    cast = await make.cast()
    procurement_id = await make.procurement(cast.officer, cast.buyer, Stage.CANCELLED)
    version = (await queries.get_procurement(SYSTEM, procurement_id)).version
    with pytest.raises(RuleBroken):
        await service.change_procurement(
            cast.officer, procurement_id, make.procurement_text(cast.buyer), read_version=version
        )


async def test_unknown_buyer_stores_nothing() -> None:
    officer = await factories.person(Role.PROCUREMENT)
    before = await database.fetch_one("SELECT count(*) AS n FROM entry")
    with pytest.raises(InvalidInput) as caught:
        await service.create_procurement(officer, make.procurement_text(2_000_000_000))
    assert caught.value.errors[0].field == "buyer"
    after = await database.fetch_one("SELECT count(*) AS n FROM entry")
    assert before == after


async def test_partnership_with_phase_environment_and_agreement() -> None:
    cast = await make.cast()
    environment_id, slug = await factories.environment(body=cast.buyer)
    procurement_id = await make.procurement(cast.officer, cast.buyer, Stage.AWARDED)
    contract = await make.agreement(cast.people["buyers_officer"], cast.buyer)
    author = cast.people["buyers_officer"]
    partnership_id = await make.partnership(
        author,
        cast.buyer,
        procurement=procurement_id,
        agreement=contract,
        phase_count=0,
    )
    number = await service.add_phase(
        author, partnership_id, make.phase_text(environments=(environment_id,), agreement=contract)
    )
    found = await queries.get_partnership(author, partnership_id)
    assert number == 1
    assert found.procurement is not None
    assert found.procurement.id == procurement_id
    assert [environment.slug for environment in found.phases[0].environments] == [slug]
    assert found.phases[0].content is not None
    assert found.phases[0].content.agreement is not None
    assert found.phases[0].content.agreement.title_sv == "Contract on quieter alarms"
    assert (found.phases[0].start_pct, found.phases[0].width_pct) == (0, 100)
    related = await database.fetch(
        "SELECT entry, other, relation FROM entry_relation WHERE $1 IN (entry, other)", found.entry.id
    )
    assert {(row["relation"], row["other"]) for row in related} == {
        ("uses", environment_id),
        ("led_to", found.entry.id),
    }
    assert await _events(partnership_id) == ["partnership.created", "partnership.phase_added"]


@pytest.mark.parametrize("who", PEOPLE)
async def test_only_officers_act_on_partnerships(who: str) -> None:
    cast = await make.cast()
    person = cast.people[who]
    partnership_id = await make.partnership(SYSTEM, cast.buyer, published=True)
    text = PartnershipText(entry=make.entry_text(cast.buyer))
    acts = [
        lambda: service.add_phase(person, partnership_id, make.phase_text(2)),
        lambda: service.change_phase(person, partnership_id, 2, make.phase_text(2)),
        lambda: service.decide_phase(person, partnership_id, 1, PhaseDecision.CONTINUE, "Targets reached"),
        lambda: service.record_purchase(person, partnership_id, Purchase.NOT_PURCHASED),
        lambda: service.create_partnership(person, text),
    ]
    for act in acts:
        if who in OFFICERS:
            await act()
            continue
        with pytest.raises(NotSignedIn if who == "visitor" else NotPermitted):
            await act()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"partners": ((2_000_000_000, PartnerRole.PARTNER),)}, "partners.0.organisation"),
        ({"procurement": uuid4()}, "procurement"),
        ({"agreement": uuid4()}, "agreement"),
        ({"phases": (replace(make.phase_text(), ends_on=date(2020, 1, 1)),)}, "phases.0.ends_on"),
        ({"phases": (replace(make.phase_text(), environments=(2_000_000_000,)),)}, "phases.0.environments"),
        ({"phases": (replace(make.phase_text(), agreement=uuid4()),)}, "phases.0.agreement"),
    ],
)
async def test_partnership_with_a_wrong_link_stores_nothing(change: dict[str, object], field: str) -> None:
    cast = await make.cast()
    with pytest.raises(InvalidInput) as caught:
        await make.partnership(cast.officer, cast.buyer, **change)  # type: ignore[arg-type]  # the cases name real fields
    assert [fault.field for fault in caught.value.errors] == [field]
    rows = await database.fetch("SELECT id FROM partnership WHERE created_by = $1", cast.officer.person_id)
    assert rows == []


async def test_partner_is_listed_once() -> None:
    cast = await make.cast()
    twice = ((cast.buyer, PartnerRole.BUYER), (cast.buyer, PartnerRole.USER))
    with pytest.raises(InvalidInput) as caught:
        await make.partnership(cast.officer, cast.buyer, partners=twice)
    assert caught.value.errors[0].field == "partners.1.organisation"


async def test_agreement_of_others_cannot_be_linked() -> None:
    cast = await make.cast()
    contract = await make.agreement(cast.people["buyers_officer"], cast.buyer)
    with pytest.raises(InvalidInput):
        await make.partnership(cast.people["officer"], cast.buyer, agreement=contract)


async def test_environment_in_draft_of_others_cannot_be_used() -> None:
    cast = await make.cast()
    environment_id, _ = await factories.environment(publish=False)
    with pytest.raises(InvalidInput):
        await service.create_partnership(
            cast.officer,
            PartnershipText(
                entry=make.entry_text(cast.buyer), phases=(make.phase_text(environments=(environment_id,)),)
            ),
        )


async def test_environment_that_no_phase_uses_any_longer_is_not_related() -> None:
    cast = await make.cast()
    first, _ = await factories.environment()
    second, _ = await factories.environment()
    partnership_id = await make.partnership(
        cast.officer, cast.buyer, phases=(make.phase_text(1, environments=(first, second)),)
    )
    await service.change_phase(cast.officer, partnership_id, 1, make.phase_text(1, environments=(second,)))
    found = await queries.get_partnership(SYSTEM, partnership_id)
    rows = await database.fetch("SELECT other FROM entry_relation WHERE entry = $1", found.entry.id)
    assert [row["other"] for row in rows] == [second]


async def test_changed_link_to_procurement_moves_the_relation() -> None:
    cast = await make.cast()
    first = await make.procurement(cast.officer, cast.buyer)
    second = await make.procurement(cast.officer, cast.buyer)
    partnership_id = await make.partnership(cast.officer, cast.buyer, procurement=first, firms=0)
    found = await queries.get_partnership(cast.officer, partnership_id)
    text = PartnershipText(entry=make.entry_text(cast.buyer), procurement=second)
    await service.change_partnership(cast.officer, partnership_id, text, read_version=found.version)
    after = await queries.get_partnership(cast.officer, partnership_id)
    assert after.procurement is not None
    assert after.procurement.id == second
    rows = await database.fetch("SELECT entry FROM entry_relation WHERE other = $1", found.entry.id)
    assert [row["entry"] for row in rows] == [after.procurement.entry_id]
    assert after.content is not None
    assert after.content.partners == []


async def test_decisions_come_in_order_and_stand() -> None:
    cast = await make.cast()
    partnership_id = await make.partnership(cast.officer, cast.buyer, phase_count=3)

    async def decide(number: int, decision: PhaseDecision) -> None:
        await service.decide_phase(cast.officer, partnership_id, number, decision, "Reasons")

    with pytest.raises(RuleBroken, match="Decide phase 1 first"):
        await decide(2, PhaseDecision.CONTINUE)
    await decide(1, PhaseDecision.CONTINUE)
    with pytest.raises(RuleBroken, match="already been decided"):
        await decide(1, PhaseDecision.TERMINATE)
    with pytest.raises(RuleBroken, match="several"):
        await decide(2, PhaseDecision.REDUCE_PARTNERS)
    with pytest.raises(NotFound):
        await decide(4, PhaseDecision.CONTINUE)
    await decide(2, PhaseDecision.TERMINATE)
    with pytest.raises(RuleBroken, match="been ended"):
        await decide(3, PhaseDecision.CONTINUE)
    with pytest.raises(RuleBroken, match="been ended"):
        await service.add_phase(cast.officer, partnership_id, make.phase_text(4))
    with pytest.raises(RuleBroken, match="been ended"):
        await service.record_purchase(cast.officer, partnership_id, Purchase.PURCHASED)
    await service.record_purchase(cast.officer, partnership_id, Purchase.NOT_PURCHASED)


async def test_partners_are_reduced_where_there_are_several() -> None:
    cast = await make.cast()
    partnership_id = await make.partnership(cast.officer, cast.buyer, firms=2)
    await service.decide_phase(cast.officer, partnership_id, 1, PhaseDecision.REDUCE_PARTNERS, "One did not deliver")
    assert (await queries.get_partnership(SYSTEM, partnership_id)).phases[0].decision is PhaseDecision.REDUCE_PARTNERS


async def test_decision_needs_reasons_and_is_not_in_the_future() -> None:
    cast = await make.cast()
    partnership_id = await make.partnership(cast.officer, cast.buyer)
    with pytest.raises(InvalidInput) as caught:
        await service.decide_phase(cast.officer, partnership_id, 1, PhaseDecision.CONTINUE, " ")
    assert caught.value.errors[0].field == "reasons"
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    with pytest.raises(InvalidInput):
        await service.decide_phase(cast.officer, partnership_id, 1, PhaseDecision.CONTINUE, "Yes", decided_at=tomorrow)


async def test_decided_phase_is_not_changed() -> None:
    cast = await make.cast()
    partnership_id = await make.partnership(cast.officer, cast.buyer)
    await service.decide_phase(cast.officer, partnership_id, 1, PhaseDecision.CONTINUE, "Yes")
    with pytest.raises(RuleBroken):
        await service.change_phase(cast.officer, partnership_id, 1, make.phase_text())


async def test_purchase_must_have_been_agreed_beforehand_and_is_recorded_once() -> None:
    cast = await make.cast()
    without = await make.partnership(cast.officer, cast.buyer, performance_level="")
    with pytest.raises(RuleBroken, match="agreed beforehand"):
        await service.record_purchase(cast.officer, without, Purchase.PURCHASED)
    agreed = await make.partnership(cast.officer, cast.buyer)
    with pytest.raises(RuleBroken, match="follows the development"):
        await service.record_purchase(cast.officer, agreed, Purchase.PURCHASED)
    await service.decide_phase(cast.officer, agreed, 1, PhaseDecision.CONTINUE, "Targets reached")
    await service.record_purchase(cast.officer, agreed, Purchase.PURCHASED)
    with pytest.raises(RuleBroken, match="already recorded"):
        await service.record_purchase(cast.officer, agreed, Purchase.NOT_PURCHASED)
    found = await queries.get_partnership(cast.officer, agreed)
    text = PartnershipText(entry=make.entry_text(cast.buyer), performance_level="Another")
    with pytest.raises(RuleBroken, match="already recorded"):
        await service.change_partnership(cast.officer, agreed, text, read_version=found.version)


@pytest.mark.parametrize("rows", [1, 3])
async def test_lists_take_a_constant_number_of_queries(rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    cast = await make.cast()
    for _ in range(rows):
        await make.partnership(cast.officer, cast.buyer, published=True, phase_count=2)
        await make.procurement(cast.officer, cast.buyer, published=True)
    counted: list[str] = []
    real = database.fetch

    async def counting(sql: str, *values: object) -> list[database.Row]:
        counted.append(sql)
        return await real(sql, *values)

    monkeypatch.setattr(database, "fetch", counting)
    partnerships, total = await queries.list_partnerships(cast.people["buyers_officer"], scope=queries.Scope.TEAM)
    assert (len(partnerships), total) == (rows, rows)
    procurements, total = await queries.list_procurements(cast.people["buyers_officer"], scope=queries.Scope.TEAM)
    assert (len(procurements), total) == (rows, rows)
    assert len(counted) == 4


async def test_page_beyond_the_end_still_says_how_many_there_are() -> None:
    cast = await make.cast()
    await make.procurement(cast.officer, cast.buyer)
    rows, total = await queries.list_procurements(cast.people["buyers_officer"], scope=queries.Scope.TEAM, page=9)
    assert (rows, total) == ([], 1)


async def test_unknown_ids_are_not_found() -> None:
    officer = await factories.person(Role.PROCUREMENT)
    for key in (uuid4(), "no-such-slug"):
        with pytest.raises(NotFound):
            await queries.get_procurement(officer, key)
        with pytest.raises(NotFound):
            await queries.get_partnership(officer, key)
    with pytest.raises(NotFound):
        await service.move_procurement(officer, UUID(int=0), "prepare")
    with pytest.raises(NotFound):
        await service.add_phase(officer, UUID(int=0), make.phase_text())
