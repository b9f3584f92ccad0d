"""Commands on procurements and partnerships: each one locks, checks, writes, logs and enqueues."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, date, datetime
from typing import Any, cast
from uuid import UUID

from asyncpg import CheckViolationError
from piccolo.columns import Column

from registry import database, transitions
from registry.access import Actor, Permission, require, require_signed_in
from registry.accounts.queries import organisations_by_id
from registry.agreements.queries import get_agreement
from registry.audit.service import EventType, record
from registry.entries import rules as entry_rules
from registry.entries import service as entries
from registry.entries.codes import Kind, Relation
from registry.entries.queries import environments_by_id
from registry.entries.service import EntryText
from registry.errors import (
    N_,
    EditedMeanwhile,
    FieldError,
    InvalidInput,
    Message,
    NotFound,
    NotPermitted,
    RuleBroken,
    invalid,
    message,
)
from registry.jobs.service import Job, enqueue
from registry.procurement import queries, rules
from registry.procurement.codes import InnovationCode, PartnerRole, PhaseDecision, Procedure, Purchase
from registry.procurement.rules import DecisionWanted, PhaseFacts
from registry.procurement.states import TRANSITIONS, Stage
from registry.procurement.tables import Partner, Partnership, Phase, PhaseEnvironment, Procurement
from registry.procurement.views import PartnershipView, PhaseView, ProcurementView


@dataclass(frozen=True)
class ProcurementText:
    """What people write about a procurement.

    `entry.accountable_body` is the buyer; the entry's kind is set here. Amounts are in the currency's minor unit,
    `deadline` is a moment with its offset from UTC.
    """

    entry: EntryText
    procedure: Procedure
    dnr: str = ""
    innovation_codes: tuple[InnovationCode, ...] = ()
    cpv: tuple[str, ...] = ()
    need: str = ""
    criteria: str = ""
    estimated_minor: int | None = None
    final_minor: int | None = None
    currency: str = "SEK"
    deadline: datetime | None = None
    notice: str = ""


@dataclass(frozen=True)
class PhaseText:
    """What people write about a phase. The dates are in Europe/Stockholm, both included; `environments` are ids."""

    title: str
    starts_on: date
    ends_on: date
    targets: str = ""
    remuneration_minor: int | None = None
    currency: str = "SEK"
    environments: tuple[int, ...] = ()
    agreement: UUID | None = None


@dataclass(frozen=True)
class PartnershipText:
    """What people write about a partnership; `partners` are organisations by id with their roles."""

    entry: EntryText
    dnr: str = ""
    procurement: UUID | None = None
    agreement: UUID | None = None
    partners: tuple[tuple[int, PartnerRole], ...] = ()
    performance_level: str = ""
    highest_cost_minor: int | None = None
    currency: str = "SEK"
    phases: tuple[PhaseText, ...] = ()


# ---- Procurements ---------------------------------------------------------------------------------------------


async def create_procurement(actor: Actor, text: ProcurementText, *, slug: str | None = None) -> UUID:
    """Log a procurement, with its entry as a draft, and return its id.

    Raises:
        NotSignedIn, NotPermitted: the actor is no procurement officer of the buyer.
        InvalidInput: a value is outside what is possible.
    """
    require(actor, Permission.PROCUREMENT_EDIT, [text.entry.accountable_body])
    await _require_organisations({"buyer": text.entry.accountable_body})
    try:
        async with database.transaction():
            entry = replace(text.entry, kind=Kind.INNOVATION_PROCUREMENT)
            entry_id = await entries.create_entry(actor, entry, slug=slug)
            rows = await Procurement.insert(
                Procurement(entry=entry_id, created_by=actor.person_id, **_procurement_columns(text))
            ).returning(Procurement.id)
            procurement_id: UUID = rows[0]["id"]
            data = {"procedure": text.procedure.value, "buyer": text.entry.accountable_body}
            await record(actor, EventType.PROCUREMENT_CREATED, procurement_id, data, entry_id=entry_id)
            await enqueue(Job.INDEX_ENTRY, entry_id=entry_id)
    except CheckViolationError as error:
        raise _check_error(error) from error
    return procurement_id


async def change_procurement(actor: Actor, procurement_id: UUID, text: ProcurementText, *, read_version: int) -> None:
    """Change a procurement and its entry.

    Raises:
        EditedMeanwhile: somebody changed it after the actor read `read_version`.
        NotFound, NotPermitted, InvalidInput; RuleBroken: it is cancelled.
    """
    require_signed_in(actor)
    await _require_organisations({"buyer": text.entry.accountable_body})
    try:
        async with database.transaction():
            found = await _locked_procurement(actor, procurement_id)
            _refuse_stale(found.version, read_version)
            if reason := rules.is_not_cancelled(actor, found.facts):
                raise RuleBroken(reason)
            require(actor, Permission.PROCUREMENT_EDIT, [text.entry.accountable_body])
            await _change_entry(actor, found.entry.id, replace(text.entry, kind=Kind.INNOVATION_PROCUREMENT))
            columns = _procurement_columns(text)
            changed = await _update(
                Procurement, procurement_id, {**columns, "version": found.version + 1}, ignored={"version"}
            )
            await record(
                actor, EventType.PROCUREMENT_CHANGED, procurement_id, {"fields": changed}, entry_id=found.entry.id
            )
            await enqueue(Job.INDEX_ENTRY, entry_id=found.entry.id)
    except CheckViolationError as error:
        raise _check_error(error) from error


async def move_procurement(actor: Actor, procurement_id: UUID, action: str, *, reason: str = "") -> Stage:
    """Take a step of the state table. The reason of a cancellation is public.

    Raises:
        TransitionNotAllowed: not from this stage.
        NotFound, NotPermitted; InvalidInput: it is cancelled without a reason.
    """
    require_signed_in(actor)
    async with database.transaction():
        found = await _locked_procurement(actor, procurement_id)
        stage = transitions.apply(TRANSITIONS, action, found.stage)
        if stage is Stage.CANCELLED and not reason.strip():
            raise invalid("reason", N_("Write why the procurement is cancelled. The reason is public."))
        await database.fetch(
            "UPDATE procurement SET stage = $2, cancel_reason = $3, version = version + 1 WHERE id = $1",
            procurement_id,
            stage.value,
            reason.strip() if stage is Stage.CANCELLED else "",
        )
        data = {"from": found.stage.value, "to": stage.value}
        await record(actor, EventType.PROCUREMENT_STAGE_CHANGED, procurement_id, data, entry_id=found.entry.id)
        await enqueue(Job.INDEX_ENTRY, entry_id=found.entry.id)
    return stage
