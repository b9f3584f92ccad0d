"""The review desk: the queue, who takes an agreement, the checklist, notes on clauses, and four eyes on every path."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from litestar import Litestar

from registry import database
from registry.access import SYSTEM, Actor, Role
from registry.agreements import queries, rules, service
from registry.agreements.checklists import items_by_type
from registry.agreements.codes import AgreementType
from registry.agreements.queries import QueueFilter, Turn
from registry.agreements.states import AgreementState
from registry.bookings import service as bookings
from registry.errors import DomainError, EditedMeanwhile, InvalidInput, NotFound, NotPermitted, RuleBroken
from tests import factories, factories_agreements
from tests.clients import browser, send
from tests.factories_agreements import Case, agreement_in
from tests.factories_bookings import request_for

S = AgreementState
CLAUSE = "1. Parter"


async def limited_to(case: Case) -> Actor:
    """Somebody of legal for the case's committee only, whose queue holds nothing of other tests."""
    return await factories.person(Role.LEGAL, organisation_id=case.body)


async def desk_of(actor: Actor, agreement_id: UUID) -> queries.Desk:
    found = await queries.review_desk(actor, await queries.visible_agreement(actor, agreement_id))
    assert found is not None
    return found


# --- The queue


async def test_queue_is_narrowed_by_turn_type_person_and_deadline() -> None:
    case = await factories_agreements.case()
    legal = await limited_to(case)
    fresh = await case.requested()
    late = await case.draft()
    await service.submit(case.member, late, now=datetime.now(UTC) - timedelta(days=30))
    firms_turn = await case.draft()
    await service.submit(case.member, firms_turn, now=datetime.now(UTC) - timedelta(days=40))
    await service.approve(case.legal, firms_turn)
    await service.assign(case.legal, late, legal.person_id)

    async def ids(**wanted: Any) -> list[UUID]:
        rows, total = await queries.review_queue(legal, QueueFilter(**wanted))
        assert total == len(rows)
        return [row.id for row in rows]

    assert await ids() == [late, fresh, firms_turn]
    assert await ids(turn=Turn.LEGAL) == [late, fresh]
    assert await ids(turn=Turn.OTHERS) == [firms_turn]
    assert await ids(overdue=True) == [late]
    assert await ids(assigned=legal.person_id) == [late]
    assert await ids(assigned=0) == [fresh, firms_turn]
    assert await ids(type=AgreementType.NDA) == []
    await service.sign(case.member, firms_turn)
    assert set(await ids(turn=Turn.LEGAL)) == {late, fresh, firms_turn}


async def test_queue_agrees_with_the_rules_on_whose_turn_it_is() -> None:
    case = await factories_agreements.case()
    legal = await limited_to(case)
    for state in (S.IN_REVIEW, S.CHANGES_REQUESTED, S.APPROVED):
        await agreement_in(case, state)
    rows, _ = await queries.review_queue(legal, QueueFilter(turn=Turn.LEGAL))
    assert {row.next_actor for row in rows} == {rules.NextActor.LEGAL}
    rows, _ = await queries.review_queue(legal, QueueFilter(turn=Turn.OTHERS))
    assert {row.next_actor for row in rows} == {rules.NextActor.FIRM}


@pytest.mark.parametrize("count", [1, 3])
async def test_queue_takes_one_statement_and_the_case_the_same_number(
    count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = await factories_agreements.case()
    legal = await limited_to(case)
    ids = [await case.requested() if n == 0 else await case.draft() for n in range(count)]
    for agreement_id in ids[1:]:
        await service.submit(case.member, agreement_id)
    for agreement_id in ids:
        await service.comment(case.legal, agreement_id, "Se över.", clause=CLAUSE)
    row = await queries.visible_agreement(legal, ids[0])
    statements = []
    fetch = database.fetch

    async def counted(sql: str, *values: object) -> list[database.Row]:
        statements.append(sql)
        return await fetch(sql, *values)

    monkeypatch.setattr(database, "fetch", counted)
    _, total = await queries.review_queue(legal)
    assert (total, len(statements)) == (count, 1)
    await queries.review_desk(legal, row)
    assert len(statements) == 1 + 3


async def test_queue_is_paged() -> None:
    case = await factories_agreements.case()
    legal = await limited_to(case)
    ids = [await agreement_in(case, S.IN_REVIEW) for _ in range(3)]
    first, total = await queries.review_queue(legal, page_size=2)
    second, _ = await queries.review_queue(legal, QueueFilter(page=2), page_size=2)
    assert ([row.id for row in (*first, *second)], total) == (sorted(ids), 3)


@pytest.mark.parametrize(
    ("sent", "due"),
    [
        (date(2033, 5, 2), date(2033, 5, 9)),  # Monday to Monday
        (date(2033, 4, 12), date(2033, 4, 21)),  # over Easter, 15 to 18 April
        (date(2033, 12, 23), date(2034, 1, 2)),
    ],
)
def test_review_is_due_five_working_days_after_it_was_sent(sent: date, due: date) -> None:
    assert rules.review_due(sent) == due


# --- Who takes it


async def test_agreement_is_given_to_somebody_of_legal_and_logged() -> None:
    case = await factories_agreements.case()
    agreement_id = await case.requested()
    other = await factories_agreements.jurist()
    await service.assign(case.legal, agreement_id, other.person_id, due_on=date(2033, 5, 4))
    view = await queries.get_agreement(case.legal, agreement_id)
    assert (view.agreement.assigned_to, view.agreement.review_due_on) == (other.person_id, date(2033, 5, 4))
    assert [event.type for event in view.log].count("agreement.assigned") == 1
    await service.assign(case.legal, agreement_id, None)
    row = await queries.visible_agreement(case.legal, agreement_id)
    assert (row.assigned_to, row.review_due_on) == (None, date(2033, 5, 4))


async def test_agreement_is_not_given_to_its_writer_or_to_others() -> None:
    case = await factories_agreements.case()
    agreement_id = await service.create_agreement(
        case.legal, organisation_id=case.firm, template_code=case.template, entry_ids=[case.entry_id]
    )
    await service.submit(case.legal, agreement_id)
    reviewer = await factories_agreements.jurist()
    elsewhere = await factories.person(Role.LEGAL, organisation_id=await factories.organisation())
    for person in (case.legal, case.member, elsewhere):
        with pytest.raises(InvalidInput):
            await service.assign(reviewer, agreement_id, person.person_id)
    listed = {one.id for one in (await desk_of(reviewer, agreement_id)).reviewers}
    assert reviewer.person_id in listed
    assert listed.isdisjoint({case.legal.person_id, case.member.person_id, elsewhere.person_id})


# --- The checklist


async def test_ticks_are_stored_with_who_and_when_and_hold_for_their_version_only() -> None:
    case = await factories_agreements.case()
    agreement_id = await case.requested()
    items = (await desk_of(case.legal, agreement_id)).checklist
    first, second = items[0].id, items[1].id
    assert await service.tick(case.legal, agreement_id, {first, second}) == (2, 0)
    assert await service.tick(case.legal, agreement_id, {first, second}) == (0, 0)
    assert await service.tick(case.legal, agreement_id, {first}) == (0, 1)
    shown = {item.id: item for item in (await desk_of(case.legal, agreement_id)).checklist}
    assert (shown[first].ticked, shown[first].person) == (True, case.legal.name)
    assert not shown[second].ticked
    log = (await queries.get_agreement(case.legal, agreement_id)).log
    ticks = [(e.data["item"], e.data["ticked"]) for e in log if e.type == "agreement.checked"]
    assert ticks == [(first, True), (second, True), (second, False)]
    await service.request_changes(case.legal, agreement_id, "Ange diarienummer.")
    await service.add_version(case.member, agreement_id, dnr="RS 2033-0001")
    await service.submit(case.member, agreement_id)
    assert (await desk_of(case.legal, agreement_id)).left == len(items)
    with pytest.raises(EditedMeanwhile):
        await service.tick(case.legal, agreement_id, {first}, read_version=1)


async def test_a_needed_item_holds_the_approval_back_until_it_is_ticked() -> None:
    case = await factories_agreements.case(type=AgreementType.LICENCE)
    agreement_id = await case.requested()
    item = await service.add_item(SYSTEM, AgreementType.LICENCE, text_sv="Är priset prövat?", required=True)
    try:
        with pytest.raises(RuleBroken, match="Är priset prövat"):
            await service.approve(case.legal, agreement_id)
        await service.tick(case.legal, agreement_id, {item})
        assert await service.approve(case.legal, agreement_id) is S.APPROVED
    finally:
        await service.retire_item(SYSTEM, item)
    # What was ticked is still shown once the item has been removed.
    assert item in {one.id for one in (await desk_of(case.legal, agreement_id)).checklist}
    assert item not in {one.id for one in (await items_by_type(case.legal))[AgreementType.LICENCE]}
    with pytest.raises(NotFound):
        await service.retire_item(SYSTEM, item)


async def test_items_are_kept_by_legal_and_never_retold() -> None:
    for role in (Role.FIRM, Role.AUDITOR, Role.COORDINATOR):
        with pytest.raises(NotPermitted):
            await service.add_item(await factories.person(role), AgreementType.NDA, text_sv="Nytt")
    legal = await factories_agreements.jurist()
    for text in ("  ", "x" * 301):
        with pytest.raises(InvalidInput):
            await service.add_item(legal, AgreementType.NDA, text_sv=text)
    for change in ("UPDATE checklist_item SET text_sv = 'Annat'", "DELETE FROM checklist_item"):
        with pytest.raises(asyncpg.RestrictViolationError, match="retire item"):
            await database.fetch(change)
    for table in ("checklist_tick", "clause_comment"):
        with pytest.raises(asyncpg.PostgresError, match="append-only"):
            await database.fetch(f"TRUNCATE {table}")


# --- Notes


async def test_notes_are_seen_by_legal_only_and_stay() -> None:
    case = await factories_agreements.case()
    agreement_id = await case.requested()
    await service.comment(case.legal, agreement_id, "Fråga om försäkring.", clause=CLAUSE)
    await service.comment(case.legal, agreement_id, "I övrigt bra.")
    desk = await desk_of(await factories_agreements.jurist(), agreement_id)
    assert [one.text for one in desk.notes_on(CLAUSE)] == ["Fråga om försäkring."]
    assert [one.text for one in desk.notes_on("")] == ["I övrigt bra."]
    row = await queries.visible_agreement(case.member, agreement_id)
    assert await queries.review_desk(case.member, row) is None
    # The parties do not see in the log how legal goes about it, either.
    assert not {e.type for e in (await queries.get_agreement(case.member, agreement_id)).log} & {
        "agreement.commented",
        "agreement.checked",
        "agreement.assigned",
    }
    for text, clause in (("", CLAUSE), ("x" * 5001, CLAUSE), ("Bra.", "99. Finns inte")):
        with pytest.raises(InvalidInput):
            await service.comment(case.legal, agreement_id, text, clause=clause)


# --- Four eyes


async def test_nobody_who_wrote_any_version_approves_even_after_others_changed_it() -> None:
    case = await factories_agreements.case()
    helper = await factories.person(Role.LEGAL)
    both = await factories.person(Role.LEGAL, Role.PROCUREMENT, organisation_id=case.body)
    agreement_id = await case.requested()
    await service.request_changes(helper, agreement_id, "Ändra.")
    await service.add_version(both, agreement_id, dnr="RS 2033-0002")
    await service.add_version(case.member, agreement_id, dnr="RS 2033-0003")
    await service.submit(case.member, agreement_id)
    with pytest.raises(NotPermitted, match="somebody else"):
        await service.approve(both, agreement_id)
    with pytest.raises(asyncpg.RestrictViolationError, match="wrote in it"):
        await database.fetch(
            "UPDATE agreement SET state = 'approved', decided_by = $2 WHERE id = $1", agreement_id, both.person_id
        )
    assert await service.approve(helper, agreement_id) is S.APPROVED


async def test_the_first_author_does_not_approve_after_handing_over() -> None:
    case = await factories_agreements.case()
    agreement_id = await service.create_agreement(
        case.legal, organisation_id=case.firm, template_code=case.template, entry_ids=[case.entry_id]
    )
    await service.submit(case.legal, agreement_id)
    async with database.transaction():
        await database.fetch(
            "INSERT INTO audit_event (type, subject_kind, subject_id) VALUES ('agreement.changed', 'agreement', $1)",
            str(agreement_id),
        )
        await database.fetch("UPDATE agreement SET author = $2 WHERE id = $1", agreement_id, case.member.person_id)
    with pytest.raises(NotPermitted, match="somebody else"):
        await service.approve(case.legal, agreement_id)


# --- Role × state

STEPS = {
    "assign": lambda actor, id: service.assign(actor, id, None),
    "tick": lambda actor, id: service.tick(actor, id, set()),
    "comment": lambda actor, id: service.comment(actor, id, "Not."),
}
WORKS_IN = {
    "assign": {S.IN_REVIEW, S.CHANGES_REQUESTED, S.APPROVED},
    "tick": {S.IN_REVIEW},
    "comment": {S.IN_REVIEW, S.CHANGES_REQUESTED, S.APPROVED, S.SIGNED, S.IN_FORCE, S.EXPIRED, S.TERMINATED},
}


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize(
    "state", [S.DRAFT, S.IN_REVIEW, S.CHANGES_REQUESTED, S.APPROVED, S.SIGNED, S.IN_FORCE, S.EXPIRED, S.TERMINATED]
)
async def test_review_by_role_and_state(step: str, state: S) -> None:
    case = await factories_agreements.case()
    agreement_id = await agreement_in(case, state)
    others = {
        "member": case.member,
        "stranger": await factories.person(Role.FIRM, organisation_id=await factories.organisation()),
        "host": await factories.person(Role.HOST, organisation_id=case.body),
        "procurement": await factories.person(Role.PROCUREMENT, organisation_id=case.body),
        "coordinator": await factories.person(Role.COORDINATOR),
        "auditor": await factories.person(Role.AUDITOR),
        "elsewhere": await factories.person(Role.LEGAL, organisation_id=await factories.organisation()),
    }
    for actor in others.values():
        with pytest.raises((NotPermitted, NotFound)):
            await STEPS[step](actor, agreement_id)
    for legal in (case.legal, await limited_to(case)):
        if state in WORKS_IN[step]:
            await STEPS[step](legal, agreement_id)
        else:
            with pytest.raises(DomainError) as caught:
                await STEPS[step](legal, agreement_id)
            assert caught.value.status == 409


# --- The pages


async def test_desk_narrows_assigns_ticks_and_notes_without_script(application: Litestar) -> None:
    case = await factories_agreements.case()
    agreement_id = await case.requested()
    legal = await browser(application, await limited_to(case))
    path = f"/desk/agreements/{agreement_id}"
    page = await legal.get(path)
    assert page.status_code == 200
    assert "To be reviewed by" in page.text
    assert "1 agreement" in page.text
    assert "Nothing in the queue is like this." in (await legal.get("/desk/agreements?type=nda")).text
    assert (await legal.get("/desk/agreements?turn=nonsense")).status_code == 422
    item = (await desk_of(case.legal, agreement_id)).checklist[0]
    assert (await send(legal, f"{path}/checklist", {"items": str(item.id), "version": "1"})).status_code == 303
    assert (await send(legal, f"{path}/assign", {"person": str(case.legal.person_id)})).status_code == 303
    assert (await send(legal, f"{path}/note", {"clause": CLAUSE, "text": "Se över."})).status_code == 303
    page = await legal.get(path)
    for text in ("Se över.", "Ticked by", case.legal.name, "items of the checklist are not ticked"):
        assert text in page.text
    refused = await send(legal, f"{path}/note", {"clause": CLAUSE, "text": ""})
    assert (refused.status_code, "Write what you want to note." in refused.text) == (422, True)
    refused = await send(legal, f"{path}/assign", {"person": str(case.member.person_id)})
    assert (refused.status_code, "Choose somebody of legal" in refused.text) == (422, True)


async def test_checklists_are_edited_on_their_page(application: Litestar) -> None:
    legal = await browser(application, await factories_agreements.jurist())
    form = {"type": "nda", "text_sv": "Är bilagan med?", "text_en": "Is the annex there?"}
    assert (await send(legal, "/desk/checklists", form)).status_code == 303
    page = await legal.get("/desk/checklists")
    assert "Is the annex there?" in page.text
    refused = await send(legal, "/desk/checklists", {**form, "text_sv": ""})
    assert (refused.status_code, "Write in Swedish what is to be checked." in refused.text) == (422, True)
    kept = (await items_by_type(await factories_agreements.jurist()))[AgreementType.NDA]
    added = next(item for item in kept if item.text_sv == "Är bilagan med?")
    assert (await send(legal, f"/desk/checklists/{added.id}/remove")).status_code == 303
    assert "Is the annex there?" not in (await legal.get("/desk/checklists")).text
    for role in (Role.AUDITOR, Role.COORDINATOR):
        other = await browser(application, await factories.person(role))
        assert (await other.get("/desk/checklists")).status_code == 403
        assert (await send(other, "/desk/checklists", form)).status_code == 403


async def test_desk_shows_bookings_that_wait_for_a_framework_agreement(application: Litestar) -> None:
    case = await factories_agreements.case()
    framework = await case.draft(framework=True, entry_ids=[], region_ids=[case.body])
    await service.submit(case.member, framework)
    booking_id = await bookings.create_booking(case.member, request_for(case.slug, hours_ahead=72), submit=True)
    page = await (await browser(application, case.legal)).get(f"/desk/agreements/{framework}")
    assert f'href="/bookings/{booking_id}"' in page.text
