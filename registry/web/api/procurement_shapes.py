"""What the API answers about procurements and partnerships."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from registry.accounts.codes import OrganisationKind
from registry.accounts.queries import OrganisationView
from registry.entries.states import EntryStatus
from registry.procurement.codes import PartnerRole, PhaseDecision, Procedure, Purchase
from registry.procurement.states import Stage
from registry.procurement.views import (
    AgreementTitle,
    EntryHead,
    PartnershipRow,
    PartnershipView,
    PhaseView,
    ProcurementRow,
    ProcurementView,
)
from registry.web.language import local


@dataclass(frozen=True)
class Words:
    """A text in Swedish and English; either may be empty."""

    sv: str
    en: str


@dataclass(frozen=True)
class Amount:
    """An amount in the currency's minor unit."""

    amount_minor: int
    currency: str


@dataclass(frozen=True)
class OrganisationItem:
    id: int
    kind: OrganisationKind
    name: Words


@dataclass(frozen=True)
class OrganisationList:
    items: list[OrganisationItem]
    total: int
    page: int
    page_size: int


@dataclass(frozen=True)
class Named:
    """An organisation with its name."""

    id: int
    name: Words


@dataclass(frozen=True)
class Linked:
    """A linked procurement or partnership that you may see."""

    id: UUID
    slug: str
    title: Words


@dataclass(frozen=True)
class ProcurementItem:
    """The public facts of a procurement; `status` is that of its entry."""

    id: UUID
    slug: str
    status: EntryStatus
    title: Words
    summary: Words
    sectors: list[str]
    track: str
    buyer: Named
    dnr: str
    stage: Stage
    procedure: Procedure
    innovation_codes: list[str]
    cpv: list[str]
    deadline: datetime | None
    cancel_reason: str


@dataclass(frozen=True)
class ProcurementList:
    items: list[ProcurementItem]
    total: int
    page: int
    page_size: int


@dataclass(frozen=True)
class Procurement(ProcurementItem):
    """A whole procurement. What is secret to you until award is null, and `withheld` says so."""

    withheld: bool
    need: str | None
    criteria: str | None
    estimated_value: Amount | None
    final_value: Amount | None
    partnerships: list[Linked]
    actions: list[str]


@dataclass(frozen=True)
class PartnershipItem:
    """The public facts of a partnership; `phase` is the first that is not decided, or the last."""

    id: UUID
    slug: str
    status: EntryStatus
    title: Words
    summary: Words
    sectors: list[str]
    track: str
    accountable_body: Named
    dnr: str
    purchase: Purchase
    phase: int | None
    phase_count: int


@dataclass(frozen=True)
class PartnershipList:
    items: list[PartnershipItem]
    total: int
    page: int
    page_size: int


@dataclass(frozen=True)
class Partner:
    organisation: Named
    role: PartnerRole


@dataclass(frozen=True)
class LinkedAgreement:
    """A linked agreement; state and title are null where you may not see it."""

    id: UUID
    state: str | None
    title: Words | None


@dataclass(frozen=True)
class PhaseItem:
    """A phase; the dates are in Europe/Stockholm, both included. What is secret to you until award is null."""

    number: int
    title: str
    starts_on: date
    ends_on: date
    environments: list[str]
    decision: PhaseDecision | None
    decided_at: datetime | None
    decision_reasons: str | None
    targets: str | None
    remuneration: Amount | None
    agreement: LinkedAgreement | None


@dataclass(frozen=True)
class Partnership(PartnershipItem):
    """A whole partnership. What is secret to you until award is null, and `withheld` says so."""

    withheld: bool
    procurement: Linked | None
    partners: list[Partner] | None
    performance_level: str | None
    highest_cost: Amount | None
    agreement: LinkedAgreement | None
    phases: list[PhaseItem]


def organisation_item(organisation: OrganisationView) -> OrganisationItem:
    """An organisation as lists answer it."""
    return OrganisationItem(organisation.id, organisation.kind, Words(organisation.name_sv, organisation.name_en))


def procurement_item(row: ProcurementRow) -> ProcurementItem:
    """A procurement as lists answer it."""
    entry = row.entry
    return ProcurementItem(
        id=row.id,
        slug=entry.slug,
        status=entry.status,
        title=Words(entry.title_sv, entry.title_en),
        summary=Words(entry.summary_sv, entry.summary_en),
        sectors=entry.sectors,
        track=entry.track,
        buyer=_body(entry),
        dnr=row.dnr,
        stage=row.stage,
        procedure=row.procedure,
        innovation_codes=row.innovation_codes,
        cpv=row.cpv,
        deadline=local(row.deadline) if row.deadline else None,
        cancel_reason=row.cancel_reason,
    )


def procurement(view: ProcurementView) -> Procurement:
    """A whole procurement, as far as its reader may see it."""
    content = view.content
    return Procurement(
        **vars(procurement_item(view)),
        withheld=content is None,
        need=content.need if content else None,
        criteria=content.criteria if content else None,
        estimated_value=_amount(content.estimated_minor, content.currency) if content else None,
        final_value=_amount(content.final_minor, content.currency) if content else None,
        partnerships=[
            Linked(one.id, one.slug, Words(one.title_sv, one.title_en)) for one in view.partnerships if one.id
        ],
        actions=[action.replace("_", "-") for action in view.actions],
    )


def partnership_item(row: PartnershipRow) -> PartnershipItem:
    """A partnership as lists answer it."""
    entry = row.entry
    return PartnershipItem(
        id=row.id,
        slug=entry.slug,
        status=entry.status,
        title=Words(entry.title_sv, entry.title_en),
        summary=Words(entry.summary_sv, entry.summary_en),
        sectors=entry.sectors,
        track=entry.track,
        accountable_body=_body(entry),
        dnr=row.dnr,
        purchase=row.purchase,
        phase=row.current_phase.number if row.current_phase else None,
        phase_count=len(row.phase_facts),
    )


def partnership(view: PartnershipView) -> Partnership:
    """A whole partnership, as far as its reader may see it."""
    content, linked = view.content, view.procurement
    return Partnership(
        **vars(partnership_item(view)),
        withheld=content is None,
        procurement=Linked(linked.id, linked.slug, Words(linked.title_sv, linked.title_en))
        if linked and linked.id
        else None,
        partners=[
            Partner(Named(one.organisation_id, Words(one.name_sv, one.name_en)), one.role) for one in content.partners
        ]
        if content
        else None,
        performance_level=content.performance_level if content else None,
        highest_cost=_amount(content.highest_cost_minor, content.currency) if content else None,
        agreement=_agreement(content.agreement) if content else None,
        phases=[_phase(phase) for phase in view.phases],
    )


def _phase(phase: PhaseView) -> PhaseItem:
    content = phase.content
    return PhaseItem(
        number=phase.number,
        title=phase.title,
        starts_on=phase.starts_on,
        ends_on=phase.ends_on,
        environments=[environment.slug for environment in phase.environments],
        decision=phase.decision,
        decided_at=local(phase.decided_at) if phase.decided_at else None,
        decision_reasons=(content.decision_reasons or None) if content else None,
        targets=content.targets if content else None,
        remuneration=_amount(content.remuneration_minor, content.currency) if content else None,
        agreement=_agreement(content.agreement) if content else None,
    )


def _body(entry: EntryHead) -> Named:
    return Named(entry.body_id, Words(entry.body_name_sv, entry.body_name_en))


def _amount(minor: int | None, currency: str) -> Amount | None:
    return None if minor is None else Amount(minor, currency)


def _agreement(agreement: AgreementTitle | None) -> LinkedAgreement | None:
    if agreement is None:
        return None
    title = Words(agreement.title_sv, agreement.title_en) if agreement.state else None
    return LinkedAgreement(agreement.id, agreement.state, title)
