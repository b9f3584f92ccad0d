"""Procurements and partnerships over the API."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from litestar import Request, get, post
from litestar.params import FromPath, JSONBody
from litestar.types import ControllerRouterHandler

from registry.access import Actor, Permission, require
from registry.accounts import queries as accounts
from registry.entries.codes import Kind
from registry.entries.queries import environments_by_slug
from registry.entries.service import EntryText
from registry.errors import N_, invalid
from registry.procurement import queries, service
from registry.procurement.service import PartnershipText, PhaseText, ProcurementText
from registry.web.api import procurement_bodies as bodies
from registry.web.api import procurement_shapes as shapes
from registry.web.authentication import API_PREFIX, CurrentActor
from registry.web.input import read_query
from registry.web.openapi import reads_query

AnyRequest = Request[Any, Any, Any]


@get(f"{API_PREFIX}/organisations", operation_class=reads_query(bodies.OrganisationFilter), tags=["organisations"])
async def organisations(request: AnyRequest) -> shapes.OrganisationList:
    """Organisations by name, with the ids that other requests take; `kind` may be given several times."""
    wanted = read_query(request, bodies.OrganisationFilter)
    found = await accounts.organisations(kinds=wanted.kind)
    first = (wanted.page - 1) * wanted.page_size
    items = [shapes.organisation_item(one) for one in found[first : first + wanted.page_size]]
    return shapes.OrganisationList(items, len(found), wanted.page, wanted.page_size)


@get(f"{API_PREFIX}/procurements", operation_class=reads_query(bodies.ProcurementFilter), tags=["procurement"])
async def list_procurements(request: AnyRequest, actor: CurrentActor) -> shapes.ProcurementList:
    """Published procurements, and for the procurement team also drafts, newest first."""
    wanted = read_query(request, bodies.ProcurementFilter)
    rows, total = await queries.list_procurements(
        actor, stage=wanted.stage, page=wanted.page, page_size=wanted.page_size
    )
    return shapes.ProcurementList([shapes.procurement_item(row) for row in rows], total, wanted.page, wanted.page_size)


@post(f"{API_PREFIX}/procurements", tags=["procurement"])
async def create_procurement(actor: CurrentActor, data: JSONBody[bodies.ProcurementBody]) -> shapes.Procurement:
    """Log an innovation procurement; its entry starts as a draft."""
    procurement_id = await service.create_procurement(actor, _procurement_text(data), submit=data.submit)
    return shapes.procurement(await queries.get_procurement(actor, procurement_id))


@get(f"{API_PREFIX}/procurements/{{procurement_id:uuid}}", tags=["procurement"])
async def get_procurement(actor: CurrentActor, procurement_id: FromPath[UUID]) -> shapes.Procurement:
    """A procurement; need, criteria and values are withheld from all but the procurement team until award."""
    return shapes.procurement(await queries.get_procurement(actor, procurement_id))


@post(f"{API_PREFIX}/procurements/{{procurement_id:uuid}}/{{action:str}}", status_code=200, tags=["procurement"])
async def move_procurement(
    actor: CurrentActor,
    procurement_id: FromPath[UUID],
    action: FromPath[str],
    data: JSONBody[bodies.StepBody | None] = None,
) -> shapes.Procurement:
    """Take a step: open-dialogue, prepare, publish, evaluate, award, sign-contract, follow-up or cancel."""
    reason = data.reason if data else ""
    await service.move_procurement(actor, procurement_id, action.replace("-", "_"), reason=reason)
    return shapes.procurement(await queries.get_procurement(actor, procurement_id))


@get(f"{API_PREFIX}/partnerships", operation_class=reads_query(bodies.Paging), tags=["procurement"])
async def list_partnerships(request: AnyRequest, actor: CurrentActor) -> shapes.PartnershipList:
    """Published innovation partnerships, and for the procurement team also drafts, newest first."""
    wanted = read_query(request, bodies.Paging)
    rows, total = await queries.list_partnerships(actor, page=wanted.page, page_size=wanted.page_size)
    return shapes.PartnershipList([shapes.partnership_item(row) for row in rows], total, wanted.page, wanted.page_size)


@post(f"{API_PREFIX}/partnerships", tags=["procurement"])
async def create_partnership(actor: CurrentActor, data: JSONBody[bodies.PartnershipBody]) -> shapes.Partnership:
    """Log an innovation partnership with its partners and phases; its entry starts as a draft."""
    require(actor, Permission.PROCUREMENT_EDIT)
    text = await _partnership_text(actor, data)
    partnership_id = await service.create_partnership(actor, text, submit=data.submit)
    return shapes.partnership(await queries.get_partnership(actor, partnership_id))


@get(f"{API_PREFIX}/partnerships/{{partnership_id:uuid}}", tags=["procurement"])
async def get_partnership(actor: CurrentActor, partnership_id: FromPath[UUID]) -> shapes.Partnership:
    """A partnership with its phases; before award partners, targets and amounts are the procurement team's own."""
    return shapes.partnership(await queries.get_partnership(actor, partnership_id))


@post(f"{API_PREFIX}/partnerships/{{partnership_id:uuid}}/phases", tags=["procurement"])
async def add_phase(
    actor: CurrentActor, partnership_id: FromPath[UUID], data: JSONBody[bodies.PhaseBody]
) -> shapes.Partnership:
    """Add the next phase; it gets the next number."""
    require(actor, Permission.PROCUREMENT_EDIT)
    await service.add_phase(actor, partnership_id, await _phase_text(actor, data, "environments"))
    return shapes.partnership(await queries.get_partnership(actor, partnership_id))


@post(
    f"{API_PREFIX}/partnerships/{{partnership_id:uuid}}/phases/{{number:int}}/decision",
    status_code=200,
    tags=["procurement"],
)
async def decide_phase(
    actor: CurrentActor, partnership_id: FromPath[UUID], number: FromPath[int], data: JSONBody[bodies.DecisionBody]
) -> shapes.Partnership:
    """Decide a phase: continue, reduce_partners or terminate, with reasons. Phases are decided in order."""
    await service.decide_phase(actor, partnership_id, number, data.decision, data.reasons)
    return shapes.partnership(await queries.get_partnership(actor, partnership_id))


def _procurement_text(data: bodies.ProcurementBody) -> ProcurementText:
    return ProcurementText(
        entry=_entry_text(data, Kind.INNOVATION_PROCUREMENT, data.buyer),
        procedure=data.procedure,
        dnr=data.dnr,
        innovation_codes=tuple(dict.fromkeys(data.innovation_codes)),
        cpv=tuple(dict.fromkeys(data.cpv)),
        need=data.need,
        criteria=data.criteria,
        estimated_minor=data.estimated_value.amount_minor if data.estimated_value else None,
        currency=data.estimated_value.currency if data.estimated_value else "SEK",
        deadline=data.deadline,
    )


async def _partnership_text(actor: Actor, data: bodies.PartnershipBody) -> PartnershipText:
    return PartnershipText(
        entry=_entry_text(data, Kind.INNOVATION_PARTNERSHIP, data.accountable_body),
        dnr=data.dnr,
        procurement=data.procurement,
        agreement=data.agreement,
        partners=tuple((partner.organisation, partner.role) for partner in data.partners),
        performance_level=data.performance_level,
        highest_cost_minor=data.highest_cost.amount_minor if data.highest_cost else None,
        currency=data.highest_cost.currency if data.highest_cost else "SEK",
        phases=tuple(
            [await _phase_text(actor, phase, f"phases.{index}.environments") for index, phase in enumerate(data.phases)]
        ),
    )


def _entry_text(data: bodies.ProcurementBody | bodies.PartnershipBody, kind: Kind, body: int) -> EntryText:
    return EntryText(
        kind=kind,
        primary_sector=data.sectors[0],
        sectors=tuple(dict.fromkeys(data.sectors)),
        accountable_body=body,
        track=data.track,
        title_sv=data.title.sv,
        title_en=data.title.en,
        summary_sv=data.summary.sv,
        summary_en=data.summary.en,
    )


async def _phase_text(actor: Actor, data: bodies.PhaseBody, field: str) -> PhaseText:
    return PhaseText(
        title=data.title,
        starts_on=data.starts_on,
        ends_on=data.ends_on,
        targets=data.targets,
        remuneration_minor=data.remuneration.amount_minor if data.remuneration else None,
        currency=data.remuneration.currency if data.remuneration else "SEK",
        environments=await _environment_ids(actor, data.environments, field),
        agreement=data.agreement,
    )


async def _environment_ids(actor: Actor, slugs: Sequence[str], field: str) -> tuple[int, ...]:
    found = await environments_by_slug(actor, slugs)
    for slug in slugs:
        if slug not in found:
            raise invalid(field, N_("There is no environment “%(slug)s” that you can see."), slug=slug)
    return tuple(dict.fromkeys(found[slug].id for slug in slugs))


HANDLERS: list[ControllerRouterHandler] = [
    organisations,
    list_procurements,
    create_procurement,
    get_procurement,
    move_procurement,
    list_partnerships,
    create_partnership,
    get_partnership,
    add_phase,
    decide_phase,
]
