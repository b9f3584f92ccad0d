"""The demo's procurements and innovation partnerships."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time
from typing import Any
from uuid import UUID

from registry.access import SYSTEM, Actor
from registry.agreements import service as agreements
from registry.demo.files import day, entry_text, publish
from registry.entries import service as entries
from registry.entries.codes import Relation
from registry.procurement import queries, service
from registry.procurement.codes import InnovationCode, PartnerRole, PhaseDecision, Procedure, Purchase
from registry.procurement.service import PartnershipText, PhaseText, ProcurementText

# The steps that lead to each stage that the data uses.
_STEPS = {
    "market_dialogue": ("open_dialogue",),
    "contract": ("prepare", "publish", "evaluate", "award", "sign_contract"),
    "cancelled": ("prepare", "publish", "evaluate", "cancel"),
}


@dataclass(frozen=True)
class TiedPartnership:
    """A partnership that is to be tied to an agreement once that exists."""

    id: UUID
    text: PartnershipText
    agreement: str


async def seed_partnerships(
    data: Mapping[str, list[dict[str, Any]]],
    organisations: Mapping[str, int],
    slugs: dict[str, int],
    people: Mapping[str, Actor],
) -> list[TiedPartnership]:
    """Log all procurements and partnerships, adding their entries to `slugs`; returns those that want an agreement."""
    procurements = {one["slug"]: await _procurement(one, organisations, slugs, people) for one in data["procurements"]}
    tied = [await _partnership(one, organisations, slugs, people, procurements) for one in data["partnerships"]]
    of_this_kind = {one["slug"] for one in (*data["procurements"], *data["partnerships"])}
    for one in (*data["procurements"], *data["partnerships"]):
        for slug, relation in one["related"]:
            # A partnership is tied to its procurement already.
            if slug in of_this_kind:
                continue
            await entries.relate_entries(SYSTEM, slugs[one["slug"]], slugs[slug], Relation(relation))
        for offer in one["offers"]:
            await agreements.offer_terms(SYSTEM, slugs[one["slug"]], offer["template"], required=offer["required"])
        await publish(slugs[one["slug"]])
    return [one for one in tied if one.agreement]


async def _procurement(
    one: Mapping[str, Any], organisations: Mapping[str, int], slugs: dict[str, int], people: Mapping[str, Actor]
) -> UUID:
    facts = one["procurement"]
    officer = people["procurement"]
    deadline = facts["deadline_days"]
    text = ProcurementText(
        entry=entry_text(one, organisations),
        procedure=Procedure(facts["procedure"]),
        dnr=facts["dnr"],
        innovation_codes=tuple(InnovationCode(code) for code in facts["innovation_codes"]),
        cpv=tuple(facts["cpv"]),
        need=facts["need"],
        criteria=facts["criteria"],
        estimated_minor=facts["estimated_minor"],
        final_minor=facts["final_minor"],
        currency=facts["currency"],
        deadline=None if deadline is None else datetime.combine(day(deadline), time(11), tzinfo=UTC),
        notice=facts["notice"],
    )
    procurement_id = await service.create_procurement(officer, text, slug=one["slug"])
    for action in _STEPS[facts["stage"]]:
        reason = facts["cancel_reason"] if action == "cancel" else ""
        await service.move_procurement(officer, procurement_id, action, reason=reason)
    slugs[one["slug"]] = (await queries.get_procurement(officer, procurement_id)).entry.id
    return procurement_id


async def _partnership(
    one: Mapping[str, Any],
    organisations: Mapping[str, int],
    slugs: dict[str, int],
    people: Mapping[str, Actor],
    procurements: Mapping[str, UUID],
) -> TiedPartnership:
    facts = one["partnership"]
    officer = people["procurement"]
    text = PartnershipText(
        entry=entry_text(one, organisations),
        dnr=facts["dnr"],
        procurement=procurements.get(facts["procurement"]),
        partners=tuple((organisations[p["organisation"]], PartnerRole(p["role"])) for p in facts["partners"]),
        performance_level=facts["performance_level"],
        highest_cost_minor=facts["highest_cost_minor"],
        currency=facts["currency"],
        phases=tuple(_phase(phase, slugs) for phase in facts["phases"]),
    )
    partnership_id = await service.create_partnership(officer, text, slug=one["slug"])
    for phase in facts["phases"]:
        if phase["decision"]:
            await service.decide_phase(
                officer,
                partnership_id,
                phase["number"],
                PhaseDecision(phase["decision"]),
                phase["decision_reasons"],
                decided_at=datetime.combine(day(phase["decided_days"]), time(12), tzinfo=UTC),
            )
    if facts["purchase"] != Purchase.UNDECIDED:
        await service.record_purchase(officer, partnership_id, Purchase(facts["purchase"]))
    slugs[one["slug"]] = (await queries.get_partnership(officer, partnership_id)).entry.id
    return TiedPartnership(partnership_id, text, facts["agreement"])


def _phase(phase: Mapping[str, Any], slugs: Mapping[str, int]) -> PhaseText:
    return PhaseText(
        title=phase["title"],
        targets=phase["targets"],
        remuneration_minor=phase["remuneration_minor"],
        currency=phase["currency"],
        starts_on=day(phase["starts_days"]),
        ends_on=day(phase["ends_days"]),
        environments=tuple(slugs[slug] for slug in phase["environments"]),
    )


async def tie_agreements(
    tied: list[TiedPartnership], contracts: Mapping[str, UUID], people: Mapping[str, Actor]
) -> None:
    """Tie partnerships to their agreements."""
    officer = people["procurement"]
    for one in tied:
        view = await queries.get_partnership(officer, one.id)
        text = replace(one.text, agreement=contracts[one.agreement])
        await service.change_partnership(officer, one.id, text, read_version=view.version)
