"""Commands of the review desk: who takes an agreement, what is ticked, and notes on clauses."""

from datetime import date
from uuid import UUID

from registry import database
from registry.access import Actor, Rule
from registry.agreements import rules
from registry.agreements.checklists import checklist_of
from registry.agreements.clauses import clauses
from registry.agreements.review_desk import reviewers
from registry.agreements.rows import row_of
from registry.agreements.rules import AgreementFacts
from registry.agreements.steps import locked, refuse_stale
from registry.agreements.tables import ChecklistTick, ClauseComment
from registry.audit.service import EventType, record
from registry.errors import N_, NotPermitted, RuleBroken, invalid

LONGEST_COMMENT = 5000


def _allow(actor: Actor, facts: AgreementFacts, rule: Rule[AgreementFacts]) -> None:
    if refusal := rules.is_reviewer(actor, facts):
        raise NotPermitted(refusal)
    if refusal := rule(actor, facts):
        raise RuleBroken(refusal)


async def assign(actor: Actor, agreement_id: UUID, person_id: int | None, *, due_on: date | None = None) -> None:
    """Give an agreement to somebody of legal, or (None) to nobody; `due_on` moves the day by which it is reviewed.

    Raises:
        NotFound, NotPermitted; RuleBroken: nothing is left to review.
        InvalidInput: the person is not of legal for this agreement, or wrote in it.
    """
    async with database.transaction():
        agreement = row_of(await locked(actor, agreement_id))
        _allow(actor, agreement.facts(), rules.can_assign)
        if person_id is not None and person_id not in {one.id for one in await reviewers(agreement)}:
            raise invalid("person", N_("Choose somebody of legal who did not write the agreement."))
        await database.fetch(
            "UPDATE agreement SET assigned_to = $2, review_due_on = coalesce($3, review_due_on) WHERE id = $1",
            agreement_id,
            person_id,
            due_on,
        )
        data = {"person": person_id, **({"due_on": due_on} if due_on else {})}
        await record(actor, EventType.AGREEMENT_ASSIGNED, agreement_id, data)


async def tick(
    actor: Actor, agreement_id: UUID, item_ids: set[int], *, read_version: int | None = None
) -> tuple[int, int]:
    """Say which items of the checklist hold for the current version; returns how many were ticked and unticked.

    Each change is a row of its own with who and when.

    Raises:
        NotFound, NotPermitted; EditedMeanwhile: there is a newer version.
        RuleBroken: it is not in review, or the actor wrote it. InvalidInput: an item is not on its checklist.
    """
    async with database.transaction():
        row = await locked(actor, agreement_id)
        agreement = row_of(row)
        refuse_stale(agreement, read_version)
        _allow(actor, agreement.facts(), rules.can_tick)
        items = {item.id: item for item in await checklist_of(agreement_id)}
        if item_ids - items.keys():
            raise invalid("items", N_("That is not on the checklist any more. Load the page again."))
        changed = {id: id in item_ids for id, item in items.items() if item.ticked is not (id in item_ids)}
        for id, ticked in changed.items():
            await ChecklistTick.insert(
                ChecklistTick(version=row["version_id"], item=id, ticked=ticked, person=actor.person_id)
            )
            await record(
                actor,
                EventType.AGREEMENT_CHECKED,
                agreement_id,
                {"item": id, "ticked": ticked, "version": agreement.version_number},
            )
    return sum(changed.values()), sum(not ticked for ticked in changed.values())


async def comment(
    actor: Actor, agreement_id: UUID, text: str, *, clause: str = "", read_version: int | None = None
) -> None:
    """Note something on a clause (its heading in the Swedish text) or on the whole, for legal only. Notes stay.

    Raises:
        NotFound, NotPermitted; RuleBroken: the agreement has not been sent in. EditedMeanwhile: a newer version.
        InvalidInput: the text is missing or too long, or there is no such clause.
    """
    async with database.transaction():
        row = await locked(actor, agreement_id)
        agreement = row_of(row)
        refuse_stale(agreement, read_version)
        _allow(actor, agreement.facts(), rules.can_comment)
        if not text.strip():
            raise invalid("text", N_("Write what you want to note."))
        if len(text) > LONGEST_COMMENT:
            raise invalid(
                "text", N_("The text is too long: at most %(max_length)s characters."), max_length=LONGEST_COMMENT
            )
        if clause and clause not in {one.heading for one in clauses(row["text_sv"])}:
            raise invalid("clause", N_("There is no such clause in this version."))
        stored = await ClauseComment.insert(
            ClauseComment(version=row["version_id"], clause=clause, text=text.strip(), author=actor.person_id)
        ).returning(ClauseComment.id)
        await record(
            actor,
            EventType.AGREEMENT_COMMENTED,
            agreement_id,
            {"comment": stored[0]["id"], "version": agreement.version_number},
        )
