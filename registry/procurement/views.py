"""What readers get to see of procurements and partnerships."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from uuid import UUID

from registry.agreements.rules import today
from registry.agreements.states import AgreementState
from registry.entries.rules import EntryFacts
from registry.entries.states import EntryStatus
from registry.errors import Message
from registry.procurement import rules
from registry.procurement.codes import PartnerRole, PhaseDecision, Procedure, Purchase
from registry.procurement.rules import PartnershipFacts, PhaseFacts, ProcurementFacts
from registry.procurement.states import OPEN_STAGES, TRANSITIONS, Stage
from registry.transitions import actions_from


@dataclass(frozen=True)
class EntryHead:
    """What a procurement or partnership has from its entry. `body` is the buyer or the accountable organisation."""

    id: int
    slug: str
    status: EntryStatus
    facts: EntryFacts
    title_sv: str
    title_en: str
    summary_sv: str
    summary_en: str
    primary_sector: str
    sectors: list[str]
    track: str
    body_id: int
    body_name_sv: str
    body_name_en: str
    review_message: str
    example_fields: list[str]


@dataclass(frozen=True)
class EntryTitle:
    """A linked entry that the actor may see. `id` is its procurement's or partnership's, `entry_id` the entry's."""

    id: UUID | None
    entry_id: int
    slug: str
    title_sv: str
    title_en: str


@dataclass(frozen=True)
class LinkedPartnership:
    """A partnership that an agreement governs; `phases` are the numbers of the phases that name it.

    Slug and titles are empty where the partnership is not published.
    """

    slug: str
    title_sv: str
    title_en: str
    phases: tuple[int, ...]


@dataclass(frozen=True)
class AgreementTitle:
    """An agreement that is linked. `state` is None, and the title empty, where the actor may not see the agreement."""

    id: UUID
    state: AgreementState | None
    title_sv: str
    title_en: str


@dataclass(frozen=True)
class ProcurementRow:
    """The public facts of a procurement. `deadline` is in UTC."""

    id: UUID
    entry: EntryHead
    dnr: str
    stage: Stage
    procedure: Procedure
    innovation_codes: list[str]
    cpv: list[str]
    deadline: datetime | None
    cancel_reason: str
    version: int
    created_by: int | None

    @property
    def facts(self) -> ProcurementFacts:
        return ProcurementFacts(self.stage, self.entry.body_id, self.entry.facts)

    @property
    def is_open(self) -> bool:
        """Whether need, criteria and values are open to everybody."""
        return self.stage in OPEN_STAGES

    @property
    def next_action(self) -> str | None:
        """The action that takes the procurement on, or None at the end."""
        return next((action for action in actions_from(TRANSITIONS, self.stage) if action != "cancel"), None)

    @property
    def next_for_entry(self) -> Message | None:
        return rules.next_for_entry(self.entry.status)


@dataclass(frozen=True)
class ProcurementContent:
    """What only the procurement team sees before award. Amounts are in the currency's minor unit."""

    need: str
    criteria: str
    estimated_minor: int | None
    final_minor: int | None
    currency: str


@dataclass(frozen=True)
class ProcurementView(ProcurementRow):
    """A whole procurement for one actor; `content` is None where it is secret to the actor.

    `actions` are the steps of the state table that the actor may take now.
    """

    content: ProcurementContent | None
    partnerships: list[EntryTitle]
    actions: list[str]
    may_change: bool


@dataclass(frozen=True)
class PartnershipRow:
    """The public facts of a partnership."""

    id: UUID
    entry: EntryHead
    dnr: str
    purchase: Purchase
    procurement_id: UUID | None
    procurement_stage: Stage | None
    version: int
    created_by: int | None
    phase_facts: tuple[PhaseFacts, ...]

    @property
    def facts(self) -> PartnershipFacts:
        """The facts for the rules, as far as they are known here."""
        return PartnershipFacts(
            self.entry.body_id, self.entry.facts, self.procurement_stage, self.purchase, phases=self.phase_facts
        )

    @property
    def current_phase(self) -> PhaseFacts | None:
        """The first phase that is not decided, or the last one."""
        undecided = [phase for phase in self.phase_facts if phase.decision is None]
        return next(iter(undecided), self.phase_facts[-1] if self.phase_facts else None)

    @property
    def is_ongoing(self) -> bool:
        """Whether there are phases and the last of them is still to be decided on."""
        return bool(self.phase_facts) and not self.is_terminated and self.phase_facts[-1].decision is None

    @property
    def is_terminated(self) -> bool:
        return any(phase.decision is PhaseDecision.TERMINATE for phase in self.phase_facts)

    @property
    def next_for_entry(self) -> Message | None:
        return rules.next_for_entry(self.entry.status)

    @property
    def next_step(self) -> Message | None:
        """What comes next, as of today."""
        return rules.next_for_partnership(self.facts, today())


@dataclass(frozen=True)
class PartnerView:
    """An organisation in a partnership."""

    organisation_id: int
    name_sv: str
    name_en: str
    role: PartnerRole


@dataclass(frozen=True)
class PartnershipContent:
    """What only the procurement team sees before award. The cost is in the currency's minor unit."""

    partners: list[PartnerView]
    performance_level: str
    highest_cost_minor: int | None
    currency: str
    agreement: AgreementTitle | None


@dataclass(frozen=True)
class PhaseContent:
    """What only the procurement team sees of a phase before award."""

    targets: str
    remuneration_minor: int | None
    currency: str
    decision_reasons: str
    agreement: AgreementTitle | None


@dataclass(frozen=True)
class PhaseView:
    """A phase; `start_pct` and `width_pct` place it on the partnership's whole time, in percent."""

    number: int
    title: str
    starts_on: date
    ends_on: date
    decision: PhaseDecision | None
    decided_at: datetime | None
    environments: list[EntryTitle]
    content: PhaseContent | None
    start_pct: float
    width_pct: float


@dataclass(frozen=True)
class PartnershipView(PartnershipRow):
    """A whole partnership for one actor; `content` is None where it is secret to the actor."""

    procurement: EntryTitle | None
    content: PartnershipContent | None
    phases: list[PhaseView]
    may_change: bool

    @property
    def facts(self) -> PartnershipFacts:
        if self.content is None:
            return super().facts
        return replace(
            super().facts,
            purchase_terms_agreed=bool(self.content.performance_level) and self.content.highest_cost_minor is not None,
            partners=sum(partner.role is PartnerRole.PARTNER for partner in self.content.partners),
        )

    @property
    def undecided_phase(self) -> PhaseView | None:
        """The phase that is decided next; None when all are decided or the partnership has been terminated."""
        if self.is_terminated:
            return None
        return next((phase for phase in self.phases if phase.decision is None), None)

    @property
    def today_pct(self) -> float | None:
        """Where today lies on the partnership's time, in percent, or None when it lies outside."""
        if not self.phases or not self.phases[0].starts_on <= today() <= self.phases[-1].ends_on:
            return None
        return percent_of(self.phases[0].starts_on, self.phases[-1].ends_on, today())


def percent_of(first: date, last: date, day: date) -> float:
    """How much of the time from `first` to `last`, both included, has passed when `day` begins, in percent."""
    return round(100 * (day - first).days / ((last - first).days + 1), 2)
