"""Reading procurements and partnerships. What an actor may not see is not found.

What is secret before award never leaves the database for others: the queries themselves leave it out.
"""

import json
from collections.abc import Mapping
from datetime import date, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from registry import database
from registry.access import Actor, Permission, require
from registry.agreements.queries import AgreementRow, agreements_by_id
from registry.audit.service import EventType, record
from registry.entries.queries import VISIBLE, facts_of
from registry.entries.states import EntryStatus
from registry.errors import NotFound
from registry.procurement import rules
from registry.procurement.codes import PartnerRole, PhaseDecision, Procedure, Purchase
from registry.procurement.rules import PhaseFacts
from registry.procurement.states import OPEN_STAGES, TRANSITIONS, Stage
from registry.procurement.views import (
    AgreementTitle,
    EntryHead,
    EntryTitle,
    LinkedPartnership,
    PartnershipContent,
    PartnershipRow,
    PartnershipView,
    PartnerView,
    PhaseContent,
    PhaseView,
    ProcurementContent,
    ProcurementRow,
    ProcurementView,
    percent_of,
)
from registry.transitions import actions_from


class Scope(StrEnum):
    """What a list holds: all that the actor sees, what is published, what the actor's team has, or the actor's own."""

    VISIBLE = "visible"
    PUBLISHED = "published"
    TEAM = "team"
    OWN = "own"


_ENTRY = """
    e.id AS entry_id, e.slug, e.kind, e.status, e.visibility, e.accountable_body, e.unit, e.created_by AS entry_creator,
    e.title_sv, e.title_en, e.summary_sv, e.summary_en, e.primary_sector, e.sectors, e.track, e.review_message,
    e.example_fields, b.id AS body_id, b.name_sv AS body_name_sv, b.name_en AS body_name_en
"""
_OPEN = "ARRAY[" + ", ".join(f"'{stage.value}'" for stage in sorted(OPEN_STAGES)) + "]::text[]"
# Lists take these: $1 may see what is for staff, $2 and $3 the actor's team, $4 the scope, $5 the actor, $6 the stage.
_LISTED = f"""
    CASE $4::text WHEN 'published' THEN {VISIBLE} WHEN 'visible' THEN {VISIBLE} OR {{team}} ELSE {{team}} END
    AND ($4 <> 'own' OR p.created_by = $5::int) AND ($6::text IS NULL OR {{stage}} = $6)
"""
_PROCUREMENTS = f"""
FROM procurement p JOIN entry e ON e.id = p.entry JOIN organisation b ON b.id = p.buyer
WHERE {_LISTED.format(team="($2 OR p.buyer = ANY ($3::int[]))", stage="p.stage")}
"""
_PARTNERSHIPS = f"""
FROM partnership p JOIN entry e ON e.id = p.entry JOIN organisation b ON b.id = e.accountable_body
LEFT JOIN procurement c ON c.id = p.procurement
WHERE {_LISTED.format(team="($2 OR e.accountable_body = ANY ($3::int[]))", stage="c.stage")}
"""
_PROCUREMENT_COLUMNS = f"""
    p.id, p.dnr, p.stage, p.procedure, p.innovation_codes, p.cpv, p.deadline, p.cancel_reason, p.version, p.created_by,
    {_ENTRY}
"""
_PARTNERSHIP_COLUMNS = f"""
    p.id, p.dnr, p.purchase, p.procurement AS procurement_id, c.stage AS procurement_stage, p.version, p.created_by,
    coalesce((
        SELECT jsonb_agg(jsonb_build_array(f.number, f.starts_on, f.ends_on, f.decision) ORDER BY f.number)
        FROM phase f WHERE f.partnership = p.id
    ), '[]') AS phases, {_ENTRY}
"""


def team_of(actor: Actor) -> tuple[bool, list[int]]:
    """Whether the actor is in the procurement team of every organisation, and those of which they are otherwise."""
    permissions = (Permission.PROCUREMENT_EDIT, Permission.PROCUREMENT_READ_ALL)
    limited = {organisation for permission in permissions for organisation in actor.limited_to(permission)}
    return any(actor.has_unlimited(permission) for permission in permissions), sorted(limited)


async def list_procurements(
    actor: Actor, *, scope: Scope = Scope.VISIBLE, stage: Stage | None = None, page: int = 1, page_size: int = 20
) -> tuple[list[ProcurementRow], int]:
    """A page of procurements, newest first, and how many there are. Lists hold public facts only.

    Raises:
        NotPermitted: the scope is the team's and the actor is in none.
    """
    rows, total = await _list(actor, _PROCUREMENT_COLUMNS, _PROCUREMENTS, scope, stage, page, page_size)
    return [_procurement(row) for row in rows], total


async def list_partnerships(
    actor: Actor, *, scope: Scope = Scope.VISIBLE, page: int = 1, page_size: int = 20
) -> tuple[list[PartnershipRow], int]:
    """A page of partnerships, newest first, and how many there are; raises as `list_procurements`."""
    rows, total = await _list(actor, _PARTNERSHIP_COLUMNS, _PARTNERSHIPS, scope, None, page, page_size)
    return [_partnership(row) for row in rows], total


async def _list(  # noqa: PLR0917  # one private function for two lists
    actor: Actor, columns: str, source: str, scope: Scope, stage: Stage | None, page: int, page_size: int
) -> tuple[list[database.Row], int]:
    if scope in {Scope.TEAM, Scope.OWN}:
        require(actor, Permission.PROCUREMENT_READ_ALL)
    values = (
        actor.may(Permission.ENTRY_READ_STAFF),
        *team_of(actor),
        scope.value,
        actor.person_id,
        stage.value if stage else None,
    )
    rows = await database.fetch(
        f"SELECT {columns} {source} ORDER BY p.created_at DESC, p.id LIMIT $7 OFFSET $8",
        *values,
        page_size,
        (page - 1) * page_size,
    )
    total = await database.fetch_one(f"SELECT count(*) AS n {source}", *values)
    return rows, total["n"] if total else 0


_ONE_PROCUREMENT = f"""
SELECT {_PROCUREMENT_COLUMNS}, s.sees,
       CASE WHEN s.sees THEN p.need END AS need, CASE WHEN s.sees THEN p.criteria END AS criteria,
       CASE WHEN s.sees THEN p.estimated_minor END AS estimated_minor,
       CASE WHEN s.sees THEN p.final_minor END AS final_minor, CASE WHEN s.sees THEN p.currency END AS currency
FROM procurement p JOIN entry e ON e.id = p.entry JOIN organisation b ON b.id = p.buyer
CROSS JOIN LATERAL (SELECT p.stage = ANY ({_OPEN}) OR $2 OR p.buyer = ANY ($3::int[]) AS sees) s
WHERE {{condition}}
"""


async def get_procurement(actor: Actor, key: UUID | str) -> ProcurementView:
    """A procurement by its id or its entry's slug. A reading of what is secret by other than its author is logged.

    Raises:
        NotFound: there is none, or the actor may not see it.
    """
    condition = "p.id = $1" if isinstance(key, UUID) else "e.slug = $1"
    row = await database.fetch_one(_ONE_PROCUREMENT.format(condition=condition), key, *team_of(actor))
    if row is None:
        raise NotFound
    found = _procurement(row)
    if not rules.can_read_procurement.allows(actor, found.facts):
        raise NotFound
    may_change = rules.can_change_procurement.allows(actor, found.facts)
    if row["sees"] and not found.is_open:
        await _log_reading(actor, found.id, found.entry.id, found.created_by)
    content = (
        ProcurementContent(row["need"], row["criteria"], row["estimated_minor"], row["final_minor"], row["currency"])
        if row["sees"]
        else None
    )
    return ProcurementView(
        **vars(found),
        content=content,
        partnerships=await _linked(actor, "partnership p", "p.procurement = $4", found.id),
        actions=actions_from(TRANSITIONS, found.stage) if may_change else [],
        may_change=may_change,
    )


async def procurement_of_entry(actor: Actor, entry_id: int) -> ProcurementView | None:
    """The procurement that an entry is, as `get_procurement`; None when it is none."""
    row = await database.fetch_one("SELECT id FROM procurement WHERE entry = $1", entry_id)
    return await get_procurement(actor, row["id"]) if row else None


_ONE_PARTNERSHIP = f"""
SELECT {_PARTNERSHIP_COLUMNS}, s.sees,
       CASE WHEN s.sees THEN p.performance_level END AS performance_level,
       CASE WHEN s.sees THEN p.highest_cost_minor END AS highest_cost_minor,
       CASE WHEN s.sees THEN p.currency END AS currency, CASE WHEN s.sees THEN p.agreement END AS agreement
FROM partnership p JOIN entry e ON e.id = p.entry JOIN organisation b ON b.id = e.accountable_body
LEFT JOIN procurement c ON c.id = p.procurement
CROSS JOIN LATERAL (
    SELECT c.id IS NULL OR c.stage = ANY ({_OPEN}) OR $2 OR e.accountable_body = ANY ($3::int[]) AS sees
) s
WHERE {{condition}}
"""


async def get_partnership(actor: Actor, key: UUID | str) -> PartnershipView:
    """A partnership by its id or its entry's slug; readings of what is secret are logged as for procurements.

    Raises:
        NotFound: there is none, or the actor may not see it.
    """
    condition = "p.id = $1" if isinstance(key, UUID) else "e.slug = $1"
    row = await database.fetch_one(_ONE_PARTNERSHIP.format(condition=condition), key, *team_of(actor))
    if row is None:
        raise NotFound
    found = _partnership(row)
    if not rules.can_read_partnership.allows(actor, found.facts):
        raise NotFound
    if row["sees"] and not rules.is_awarded.allows(actor, found.facts):
        await _log_reading(actor, row["procurement_id"], found.entry.id, found.created_by, partnership=found.id)
    content, phases = await _partnership_content(actor, found, row)
    procurements = await _linked(actor, "procurement p", "p.id = $4", row["procurement_id"])
    return PartnershipView(
        **vars(found),
        procurement=next(iter(procurements), None),
        content=content,
        phases=phases,
        may_change=rules.can_change_partnership.allows(actor, found.facts),
    )


async def partnership_of_entry(actor: Actor, entry_id: int) -> PartnershipView | None:
    """The partnership that an entry is, as `get_partnership`; None when it is none."""
    row = await database.fetch_one("SELECT id FROM partnership WHERE entry = $1", entry_id)
    return await get_partnership(actor, row["id"]) if row else None


async def procurement_row(procurement_id: UUID) -> ProcurementRow:
    """The public facts of a procurement, for commands that check themselves; raises NotFound."""
    row = await database.fetch_one(_ONE_PROCUREMENT.format(condition="p.id = $1"), procurement_id, False, [])  # noqa: FBT003  # a parameter of SQL text
    if row is None:
        raise NotFound
    return _procurement(row)


async def partnership_row(partnership_id: UUID) -> PartnershipRow:
    """The public facts of a partnership, for commands that check themselves; raises NotFound."""
    row = await database.fetch_one(_ONE_PARTNERSHIP.format(condition="p.id = $1"), partnership_id, False, [])  # noqa: FBT003  # a parameter of SQL text
    if row is None:
        raise NotFound
    return _partnership(row)


async def _log_reading(actor: Actor, procurement_id: UUID, entry_id: int, author: int | None, **data: object) -> None:
    """Log that somebody has read what is secret before award: all but the author and the registry itself."""
    if actor.is_system or actor.person_id == author:
        return
    async with database.transaction():
        await record(actor, EventType.PROCUREMENT_READ, procurement_id, data, entry_id=entry_id)


async def _linked(actor: Actor, table: str, condition: str, key: UUID | None) -> list[EntryTitle]:
    rows = await database.fetch(
        f"SELECT p.id, e.id AS entry_id, e.slug, e.title_sv, e.title_en FROM {table} JOIN entry e ON e.id = p.entry"
        f" WHERE {condition} AND ({VISIBLE} OR $2 OR e.accountable_body = ANY ($3::int[])) ORDER BY p.created_at",
        actor.may(Permission.ENTRY_READ_STAFF),
        *team_of(actor),
        key,
    )
    return [EntryTitle(**dict(row)) for row in rows]


_PARTNERS = """
SELECT o.id AS organisation_id, o.name_sv, o.name_en, r.role
FROM partner r JOIN organisation o ON o.id = r.organisation WHERE r.partnership = $1 ORDER BY r.id
"""
_PHASES = f"""
SELECT f.number, f.title, f.decided_at, CASE WHEN $2 THEN f.targets END AS targets,
       CASE WHEN $2 THEN f.remuneration_minor END AS remuneration_minor, CASE WHEN $2 THEN f.currency END AS currency,
       CASE WHEN $2 THEN f.decision_reasons END AS decision_reasons, CASE WHEN $2 THEN f.agreement END AS agreement,
       coalesce((
           SELECT jsonb_agg(jsonb_build_array(e.id, e.slug, e.title_sv, e.title_en) ORDER BY x.id)
           FROM phase_environment x JOIN entry e ON e.id = x.environment
           WHERE x.phase = f.id AND ({VISIBLE.replace("$1", "$3")} OR $4)
       ), '[]') AS environments
FROM phase f WHERE f.partnership = $1 ORDER BY f.number
"""


async def _partnership_content(
    actor: Actor, found: PartnershipRow, row: database.Row
) -> tuple[PartnershipContent | None, list[PhaseView]]:
    sees: bool = row["sees"]
    in_team = rules.is_in_partnership_team.allows(actor, found.facts)
    staff = actor.may(Permission.ENTRY_READ_STAFF)
    phases = await database.fetch(_PHASES, found.id, sees, staff, in_team)
    linked = {row["agreement"], *(phase["agreement"] for phase in phases)} - {None}
    titles = await _agreement_titles(actor, linked)
    views = [_phase(found, index, phase, titles, sees=sees) for index, phase in enumerate(phases)]
    if not sees:
        return None, views
    partners = await database.fetch(_PARTNERS, found.id)
    content = PartnershipContent(
        partners=[PartnerView(**{**dict(partner), "role": PartnerRole(partner["role"])}) for partner in partners],
        performance_level=row["performance_level"],
        highest_cost_minor=row["highest_cost_minor"],
        currency=row["currency"],
        agreement=titles.get(row["agreement"]),
    )
    return content, views


def _phase(
    found: PartnershipRow, index: int, row: database.Row, titles: Mapping[UUID, AgreementTitle], *, sees: bool
) -> PhaseView:
    facts, first, last = found.phase_facts[index], found.phase_facts[0].starts_on, found.phase_facts[-1].ends_on
    content = PhaseContent(
        targets=row["targets"],
        remuneration_minor=row["remuneration_minor"],
        currency=row["currency"],
        decision_reasons=row["decision_reasons"],
        agreement=titles.get(row["agreement"]),
    )
    start = percent_of(first, last, facts.starts_on)
    return PhaseView(
        **vars(facts),
        title=row["title"],
        decided_at=row["decided_at"],
        environments=[EntryTitle(None, *environment) for environment in json.loads(row["environments"])],
        content=content if sees else None,
        start_pct=start,
        width_pct=round(percent_of(first, last, facts.ends_on + timedelta(days=1)) - start, 2),
    )


async def _agreement_titles(actor: Actor, ids: set[UUID]) -> dict[UUID, AgreementTitle]:
    visible = await agreements_by_id(actor, ids)
    return {id: _agreement_title(id, visible.get(id)) for id in ids}


async def partnerships_of_agreement(actor: Actor, agreement_id: UUID) -> list[LinkedPartnership]:
    """The innovation partnerships that rest on an agreement, as a whole or in phases, by title.

    Of one that is not published the slug and titles are empty. The caller has checked that the actor reviews the
    agreement.
    """
    rows = await database.fetch(
        "SELECT e.slug, e.title_sv, e.title_en, s.sees, array("
        "SELECT f.number FROM phase f WHERE f.partnership = p.id AND f.agreement = $1 ORDER BY f.number) AS phases"
        " FROM partnership p JOIN entry e ON e.id = p.entry"
        f" CROSS JOIN LATERAL (SELECT {VISIBLE.replace('$1', '$2')} AS sees) s"
        " WHERE (p.agreement = $1 OR EXISTS (SELECT FROM phase f WHERE f.partnership = p.id AND f.agreement = $1))"
        " ORDER BY e.title_sv, e.id",
        agreement_id,
        actor.may(Permission.ENTRY_READ_STAFF),
    )
    return [
        LinkedPartnership(row["slug"], row["title_sv"], row["title_en"], tuple(row["phases"]))
        if row["sees"]
        else LinkedPartnership("", "", "", tuple(row["phases"]))
        for row in rows
    ]


def _agreement_title(id: UUID, agreement: AgreementRow | None) -> AgreementTitle:
    if agreement is None:
        return AgreementTitle(id, None, "", "")
    return AgreementTitle(id, agreement.state, agreement.title_sv, agreement.title_en)


def _head(row: database.Row) -> EntryHead:
    columns: dict[str, Any] = dict(row)
    own = ("id", "status", "facts")
    return EntryHead(
        id=columns["entry_id"],
        status=EntryStatus(columns["status"]),
        facts=facts_of({**columns, "created_by": columns["entry_creator"]}),
        **{name: columns[name] for name in EntryHead.__dataclass_fields__ if name not in own},
    )


def _procurement(row: database.Row) -> ProcurementRow:
    columns: dict[str, Any] = dict(row)
    typed: dict[str, Any] = {
        "entry": _head(row),
        "stage": Stage(row["stage"]),
        "procedure": Procedure(row["procedure"]),
    }
    return ProcurementRow(
        **{name: columns[name] for name in ProcurementRow.__dataclass_fields__ if name not in typed}, **typed
    )


def _partnership(row: database.Row) -> PartnershipRow:
    stage = row["procurement_stage"]
    return PartnershipRow(
        id=row["id"],
        entry=_head(row),
        dnr=row["dnr"],
        purchase=Purchase(row["purchase"]),
        procurement_id=row["procurement_id"],
        procurement_stage=Stage(stage) if stage else None,
        version=row["version"],
        created_by=row["created_by"],
        phase_facts=tuple(phase_facts(*phase) for phase in json.loads(row["phases"])),
    )


def phase_facts(number: int, starts_on: str, ends_on: str, decision: str | None) -> PhaseFacts:
    """The facts of a phase, from its JSON; the dates are ISO 8601."""
    return PhaseFacts(
        number,
        date.fromisoformat(starts_on),
        date.fromisoformat(ends_on),
        PhaseDecision(decision) if decision else None,
    )
