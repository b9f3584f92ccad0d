"""Commands on procurements and partnerships: each one locks, checks, writes, logs and enqueues."""

from dataclasses import replace
from typing import Any, cast
from uuid import UUID

from piccolo.columns import Column

from registry import database, transitions
from registry.access import Actor, Permission, require, require_signed_in
from registry.audit.service import EventType, record
from registry.entries import service as entries
from registry.entries.codes import Kind, Relation
from registry.errors import N_, FieldError, InvalidInput, NotFound, invalid
from registry.jobs.service import Job, enqueue
from registry.procurement import rules
from registry.procurement.codes import PartnerRole, Purchase
from registry.procurement.guards import (
    LockedPartnership,
    change,
    change_entry,
    locked_partnership,
    locked_procurement,
    procurement_entry,
    refuse_stale,
    require_agreement,
    require_organisations,
    require_state,
)
from registry.procurement.phases import add_phase, change_phase, decide_phase
from registry.procurement.states import TRANSITIONS, Stage
from registry.procurement.tables import Partner, Partnership, Procurement
from registry.procurement.texts import PartnershipText, PhaseText, ProcurementText

__all__ = [
    "PartnershipText",
    "PhaseText",
    "ProcurementText",
    "add_phase",
    "change_partnership",
    "change_phase",
    "change_procurement",
    "create_partnership",
    "create_procurement",
    "decide_phase",
    "move_procurement",
    "record_purchase",
]


async def create_procurement(
    actor: Actor, text: ProcurementText, *, slug: str | None = None, submit: bool = False
) -> UUID:
    """Log a procurement, with its entry as a draft (or, with `submit`, in review), and return its id.

    Raises:
        NotSignedIn, NotPermitted: the actor is no procurement officer of the buyer.
        InvalidInput: a value is outside what is possible.
    """
    require(actor, Permission.PROCUREMENT_EDIT, [text.entry.accountable_body])
    await require_organisations({"buyer": text.entry.accountable_body})
    async with change():
        entry = replace(text.entry, kind=Kind.INNOVATION_PROCUREMENT)
        entry_id = await entries.create_entry(actor, entry, slug=slug)
        rows = await Procurement.insert(
            Procurement(entry=entry_id, created_by=actor.person_id, **text.columns())
        ).returning(Procurement.id)
        procurement_id: UUID = rows[0]["id"]
        data = {"procedure": text.procedure.value, "buyer": text.entry.accountable_body}
        await record(actor, EventType.PROCUREMENT_CREATED, procurement_id, data, entry_id=entry_id)
        if submit:
            await entries.move_entry(actor, entry_id, "submit")
        await enqueue(Job.INDEX_ENTRY, entry_id=entry_id)
    return procurement_id


async def change_procurement(actor: Actor, procurement_id: UUID, text: ProcurementText, *, read_version: int) -> None:
    """Change a procurement and its entry.

    Raises:
        EditedMeanwhile: somebody changed it after the actor read `read_version`.
        NotSignedIn, NotFound, NotPermitted, InvalidInput; RuleBroken: it is cancelled.
    """
    require_signed_in(actor)
    async with change():
        found = await locked_procurement(actor, procurement_id)
        refuse_stale(found.version, read_version)
        require_state(rules.is_not_cancelled(actor, found.facts))
        await require_organisations({"buyer": text.entry.accountable_body})
        require(actor, Permission.PROCUREMENT_EDIT, [text.entry.accountable_body])
        await change_entry(actor, found.entry.id, replace(text.entry, kind=Kind.INNOVATION_PROCUREMENT))
        columns = text.columns()
        row = (await database.fetch("SELECT * FROM procurement WHERE id = $1", procurement_id))[0]
        changed = sorted(name for name, value in columns.items() if row[name] != value)
        columns["version"] = found.version + 1
        await Procurement.update(cast("dict[Column | str, Any]", columns)).where(Procurement.id == procurement_id)
        data = {"fields": changed}
        await record(actor, EventType.PROCUREMENT_CHANGED, procurement_id, data, entry_id=found.entry.id)
        await enqueue(Job.INDEX_ENTRY, entry_id=found.entry.id)


async def move_procurement(actor: Actor, procurement_id: UUID, action: str, *, reason: str = "") -> Stage:
    """Take a step of the state table. The reason of a cancellation is public.

    Raises:
        TransitionNotAllowed: not from this stage.
        NotSignedIn, NotFound, NotPermitted; InvalidInput: it is cancelled without a reason.
    """
    require_signed_in(actor)
    if action not in TRANSITIONS:
        raise NotFound
    async with change():
        found = await locked_procurement(actor, procurement_id)
        stage = transitions.apply(TRANSITIONS, action, found.stage)
        is_cancelled = stage is Stage.CANCELLED
        if is_cancelled and not reason.strip():
            raise invalid("reason", N_("Write why the procurement is discontinued. The reason is public."))
        await database.fetch(
            "UPDATE procurement SET stage = $2, cancel_reason = $3, version = version + 1 WHERE id = $1",
            procurement_id,
            stage.value,
            reason.strip() if is_cancelled else "",
        )
        data = {"from": found.stage.value, "to": stage.value}
        await record(actor, EventType.PROCUREMENT_STAGE_CHANGED, procurement_id, data, entry_id=found.entry.id)
        await enqueue(Job.INDEX_ENTRY, entry_id=found.entry.id)
    return stage


async def create_partnership(
    actor: Actor, text: PartnershipText, *, slug: str | None = None, submit: bool = False
) -> UUID:
    """Log an innovation partnership with its partners and phases, its entry as `create_procurement`; returns its id.

    Raises:
        NotSignedIn, NotPermitted: the actor is no procurement officer of the accountable organisation.
        InvalidInput: a value is outside what is possible; RuleBroken: the phases do not follow one another.
    """
    require(actor, Permission.PROCUREMENT_EDIT, [text.entry.accountable_body])
    await _require_named(text)
    async with change():
        procurement = await procurement_entry(actor, text.procurement)
        await require_agreement(actor, text.agreement)
        entry = replace(text.entry, kind=Kind.INNOVATION_PARTNERSHIP)
        entry_id = await entries.create_entry(actor, entry, slug=slug)
        rows = await Partnership.insert(
            Partnership(entry=entry_id, created_by=actor.person_id, **text.columns())
        ).returning(Partnership.id)
        partnership_id: UUID = rows[0]["id"]
        await _insert_partners(partnership_id, text.partners)
        data = {"procurement": text.procurement, "partners": len(text.partners)}
        await record(actor, EventType.PARTNERSHIP_CREATED, partnership_id, data, entry_id=entry_id)
        if procurement is not None:
            await entries.relate_entries(actor, procurement, entry_id, Relation.LED_TO)
        for index, phase in enumerate(text.phases):
            await _add_first(actor, partnership_id, phase, index)
        if submit:
            await entries.move_entry(actor, entry_id, "submit")
        await enqueue(Job.INDEX_ENTRY, entry_id=entry_id)
    return partnership_id


async def _add_first(actor: Actor, partnership_id: UUID, phase: PhaseText, index: int) -> None:
    try:
        await add_phase(actor, partnership_id, phase)
    except InvalidInput as error:
        faults = [FieldError(f"phases.{index}.{fault.field}", fault.message) for fault in error.errors]
        raise InvalidInput(faults) from error


async def change_partnership(actor: Actor, partnership_id: UUID, text: PartnershipText, *, read_version: int) -> None:
    """Change a partnership, its partners and its entry; `text.phases` is not used, see `change_phase`.

    Raises:
        EditedMeanwhile: somebody changed it after the actor read `read_version`.
        NotSignedIn, NotFound, NotPermitted, InvalidInput; RuleBroken: what was agreed for a purchase that is decided.
    """
    require_signed_in(actor)
    async with change():
        found = await locked_partnership(actor, partnership_id)
        refuse_stale(found.partnership.version, read_version)
        await _require_named(text)
        require(actor, Permission.PROCUREMENT_EDIT, [text.entry.accountable_body])
        changed = sorted(name for name, value in text.columns().items() if found.row[name] != value)
        await _require_changes(actor, found, text, changed)
        await change_entry(actor, found.entry_id, replace(text.entry, kind=Kind.INNOVATION_PARTNERSHIP))
        columns = {**text.columns(), "version": found.partnership.version + 1}
        await Partnership.update(cast("dict[Column | str, Any]", columns)).where(Partnership.id == partnership_id)
        await Partner.delete().where(Partner.partnership == partnership_id)
        await _insert_partners(partnership_id, text.partners)
        data = {"fields": changed, "partners": len(text.partners)}
        await record(actor, EventType.PARTNERSHIP_CHANGED, partnership_id, data, entry_id=found.entry_id)
        await enqueue(Job.INDEX_ENTRY, entry_id=found.entry_id)


async def _require_changes(actor: Actor, found: LockedPartnership, text: PartnershipText, changed: list[str]) -> None:
    if {"performance_level", "highest_cost_minor", "currency"} & set(changed):
        require_state(rules.purchase_is_undecided(actor, found.facts))
    if "agreement" in changed:
        await require_agreement(actor, text.agreement)
    if "procurement" not in changed:
        return
    new = await procurement_entry(actor, text.procurement)
    old = await procurement_entry(actor, found.row["procurement"])
    if old is not None:
        await entries.unrelate_entries(actor, old, found.entry_id, Relation.LED_TO)
    if new is not None:
        await entries.relate_entries(actor, new, found.entry_id, Relation.LED_TO)


async def record_purchase(actor: Actor, partnership_id: UUID, purchase: Purchase) -> None:
    """Record whether the developed solution was bought; it can be recorded once.

    Raises:
        RuleBroken: it is recorded already, or a purchase was not agreed beforehand (article 31.2).
        NotSignedIn, NotFound, NotPermitted, InvalidInput.
    """
    require_signed_in(actor)
    if purchase is Purchase.UNDECIDED:
        raise invalid("purchase", N_("Say whether the solution was bought."))
    async with change():
        found = await locked_partnership(actor, partnership_id)
        rule = rules.takes_purchase if purchase is Purchase.PURCHASED else rules.purchase_is_undecided
        require_state(rule(actor, found.facts))
        await database.fetch(
            "UPDATE partnership SET purchase = $2, version = version + 1 WHERE id = $1", partnership_id, purchase.value
        )
        data = {"purchase": purchase.value}
        await record(actor, EventType.PARTNERSHIP_CHANGED, partnership_id, data, entry_id=found.entry_id)
        await enqueue(Job.INDEX_ENTRY, entry_id=found.entry_id)


async def _require_named(text: PartnershipText) -> None:
    """Every organisation that is named exists, and each is a partner once."""
    partners = {f"partners.{index}.organisation": partner for index, (partner, _) in enumerate(text.partners)}
    await require_organisations({"accountable_body": text.entry.accountable_body, **partners})
    seen: set[int] = set()
    for name, partner in partners.items():
        if partner in seen:
            raise invalid(name, N_("This organisation is listed twice. Give it one role."))
        seen.add(partner)


async def _insert_partners(partnership_id: UUID, partners: tuple[tuple[int, PartnerRole], ...]) -> None:
    if partners:
        await Partner.insert(
            *[Partner(partnership=partnership_id, organisation=id, role=role.value) for id, role in partners]
        )
