"""May this be done with a procurement or an innovation partnership, and if not, why."""

from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from registry.access import Actor, Permission, Rule
from registry.entries import rules as entry_rules
from registry.entries.rules import EntryFacts
from registry.entries.states import EntryStatus
from registry.errors import N_, Message, message
from registry.procurement.codes import PhaseDecision, Purchase
from registry.procurement.states import OPEN_STAGES, Stage

# Reducing the number of partners needs more than one (directive 2014/24/EU, article 31.2).
FEWEST_TO_REDUCE = 2


@dataclass(frozen=True)
class ProcurementFacts:
    """What the rules need to know of a procurement."""

    stage: Stage
    buyer: int
    entry: EntryFacts


@dataclass(frozen=True)
class PhaseFacts:
    """What the rules need to know of a phase. The dates are in Europe/Stockholm, both included."""

    number: int
    starts_on: date
    ends_on: date
    decision: PhaseDecision | None = None


@dataclass(frozen=True)
class PartnershipFacts:
    """What the rules need to know of a partnership.

    `procurement_stage` is None where no procurement is linked; `partners` counts those with the role partner;
    `purchase_terms_agreed` says whether a performance level and a highest cost are recorded.
    """

    body: int
    entry: EntryFacts
    procurement_stage: Stage | None = None
    purchase: Purchase = Purchase.UNDECIDED
    purchase_terms_agreed: bool = False
    partners: int = 0
    phases: tuple[PhaseFacts, ...] = ()


@dataclass(frozen=True)
class DecisionWanted:
    """A decision about one phase of a partnership."""

    partnership: PartnershipFacts
    number: int
    decision: PhaseDecision


_ONLY_OFFICERS = N_("Only the procurement officers of the responsible organisation may do this.")
_ONLY_TEAM = N_("Only the procurement team sees this before the contract is awarded.")


def _is_officer(actor: Actor, procurement: ProcurementFacts) -> Message | None:
    return None if actor.may(Permission.PROCUREMENT_EDIT, [procurement.buyer]) else message(_ONLY_OFFICERS)


def _is_in_team(actor: Actor, procurement: ProcurementFacts) -> Message | None:
    return None if actor.may(Permission.PROCUREMENT_READ_ALL, [procurement.buyer]) else message(_ONLY_TEAM)


def _is_open(_: Actor, procurement: ProcurementFacts) -> Message | None:
    return None if procurement.stage in OPEN_STAGES else message(_ONLY_TEAM)


def _is_not_cancelled(_: Actor, procurement: ProcurementFacts) -> Message | None:
    if procurement.stage is Stage.CANCELLED:
        return message(N_("The procurement is discontinued, so it can no longer be changed."))
    return None


def _sees_procurement_entry(actor: Actor, procurement: ProcurementFacts) -> Message | None:
    return entry_rules.can_read(actor, procurement.entry)


is_officer: Rule[ProcurementFacts] = Rule(_is_officer)
is_in_team: Rule[ProcurementFacts] = Rule(_is_in_team)
is_open: Rule[ProcurementFacts] = Rule(_is_open)
is_not_cancelled: Rule[ProcurementFacts] = Rule(_is_not_cancelled)
sees_procurement_entry: Rule[ProcurementFacts] = Rule(_sees_procurement_entry)

can_read_procurement = sees_procurement_entry | is_officer | is_in_team
# Need, criteria, values and bidders are the procurement team's own until award (DOMAIN.md).
can_read_content = is_open | is_officer | is_in_team
can_change_procurement = is_officer


def _is_partnership_officer(actor: Actor, partnership: PartnershipFacts) -> Message | None:
    return None if actor.may(Permission.PROCUREMENT_EDIT, [partnership.body]) else message(_ONLY_OFFICERS)


def _is_in_partnership_team(actor: Actor, partnership: PartnershipFacts) -> Message | None:
    return None if actor.may(Permission.PROCUREMENT_READ_ALL, [partnership.body]) else message(_ONLY_TEAM)


def _is_awarded(_: Actor, partnership: PartnershipFacts) -> Message | None:
    stage = partnership.procurement_stage
    return None if stage is None or stage in OPEN_STAGES else message(_ONLY_TEAM)


def _sees_partnership_entry(actor: Actor, partnership: PartnershipFacts) -> Message | None:
    return entry_rules.can_read(actor, partnership.entry)


def _is_not_terminated(_: Actor, partnership: PartnershipFacts) -> Message | None:
    if any(phase.decision is PhaseDecision.TERMINATE for phase in partnership.phases):
        return message(N_("The partnership has been ended, and nothing follows after that."))
    return None


def _purchase_is_undecided(_: Actor, partnership: PartnershipFacts) -> Message | None:
    if partnership.purchase is Purchase.UNDECIDED:
        return None
    return message(N_("It is already recorded whether the solution was bought, so this can no longer be changed."))


def _purchase_was_agreed(_: Actor, partnership: PartnershipFacts) -> Message | None:
    if partnership.purchase_terms_agreed:
        return None
    return message(
        N_("A purchase needs a performance level and a highest cost that were agreed beforehand. Record both first.")
    )


def _is_developed(_: Actor, partnership: PartnershipFacts) -> Message | None:
    """Article 31.2: the purchase follows the development, so every phase has been decided."""
    if partnership.phases and all(phase.decision is not None for phase in partnership.phases):
        return None
    return message(N_("A purchase follows the development. Decide every phase first."))


is_partnership_officer: Rule[PartnershipFacts] = Rule(_is_partnership_officer)
is_in_partnership_team: Rule[PartnershipFacts] = Rule(_is_in_partnership_team)
is_awarded: Rule[PartnershipFacts] = Rule(_is_awarded)
sees_partnership_entry: Rule[PartnershipFacts] = Rule(_sees_partnership_entry)
is_not_terminated: Rule[PartnershipFacts] = Rule(_is_not_terminated)
purchase_is_undecided: Rule[PartnershipFacts] = Rule(_purchase_is_undecided)
purchase_was_agreed: Rule[PartnershipFacts] = Rule(_purchase_was_agreed)
is_developed: Rule[PartnershipFacts] = Rule(_is_developed)

can_read_partnership = sees_partnership_entry | is_partnership_officer | is_in_partnership_team
can_read_partnership_content = is_awarded | is_partnership_officer | is_in_partnership_team
can_change_partnership = is_partnership_officer
# What the state of the partnership allows, apart from who asks.
takes_phases = purchase_is_undecided & is_not_terminated
# What was developed may be bought when it keeps to what was agreed beforehand (article 31.2).
takes_purchase = purchase_is_undecided & is_not_terminated & purchase_was_agreed & is_developed


def _the_phase_is_undecided(_: Actor, wanted: DecisionWanted) -> Message | None:
    phase = next(phase for phase in wanted.partnership.phases if phase.number == wanted.number)
    if phase.decision is None:
        return None
    return message(N_("Phase %(number)s has already been decided, and a decision stands."), number=wanted.number)


def _the_phase_before_goes_on(_: Actor, wanted: DecisionWanted) -> Message | None:
    before = [phase for phase in wanted.partnership.phases if phase.number < wanted.number]
    if all(phase.decision is not None for phase in before):
        return None
    first = min(phase.number for phase in before if phase.decision is None)
    return message(N_("Phases are decided in order. Decide phase %(number)s first."), number=first)


def _partners_can_be_fewer(_: Actor, wanted: DecisionWanted) -> Message | None:
    if wanted.decision is not PhaseDecision.REDUCE_PARTNERS or wanted.partnership.partners >= FEWEST_TO_REDUCE:
        return None
    return message(N_("The number of partners can only be reduced where there are several."))


def _the_partnership_goes_on(actor: Actor, wanted: DecisionWanted) -> Message | None:
    return is_not_terminated(actor, wanted.partnership)


takes_decision: Rule[DecisionWanted] = (
    Rule(_the_phase_is_undecided)
    & Rule(_the_partnership_goes_on)
    & Rule(_the_phase_before_goes_on)
    & Rule(_partners_can_be_fewer)
)


def phases_are_successive(phases: tuple[PhaseFacts, ...]) -> Message | None:
    """None, or which phase does not lie wholly after the one before (directive 2014/24/EU, article 31.2)."""
    ordered = sorted(phases, key=lambda phase: phase.number)
    for before, after in pairwise(ordered):
        if before.ends_on >= after.starts_on:
            return message(
                N_("Phases follow one another: phase %(after)s must start after phase %(before)s ends, %(ends_on)s."),
                after=after.number,
                before=before.number,
                ends_on=before.ends_on,
            )
    return None


def next_for_entry(status: EntryStatus) -> Message | None:
    """What the officer has to do about the entry, or None when nothing waits for them."""
    if status is EntryStatus.DRAFT:
        return message(N_("Send the entry to the innovation unit for review."))
    if status is EntryStatus.CHANGES_REQUESTED:
        return message(N_("Answer the innovation unit: it has asked for changes in the entry."))
    return None


def next_for_partnership(partnership: PartnershipFacts, today: date) -> Message | None:
    """What comes next in a partnership, or None when it has ended. `today` is the date in Europe/Stockholm."""
    if partnership.purchase is not Purchase.UNDECIDED:
        return None
    if not partnership.phases:
        return message(N_("Add the first phase."))
    if any(phase.decision is PhaseDecision.TERMINATE for phase in partnership.phases):
        return message(N_("Record that the solution was not bought."))
    undecided = [phase for phase in partnership.phases if phase.decision is None]
    if not undecided:
        return message(N_("Add the next phase, or record whether the solution was bought."))
    return _next_in_phase(min(undecided, key=lambda phase: phase.number), today)


def _next_in_phase(phase: PhaseFacts, today: date) -> Message:
    if phase.ends_on < today:
        return message(N_("Decide phase %(number)s, which ended %(date)s."), number=phase.number, date=phase.ends_on)
    if phase.starts_on > today:
        return message(N_("Phase %(number)s starts %(date)s."), number=phase.number, date=phase.starts_on)
    return message(N_("Phase %(number)s runs until %(date)s."), number=phase.number, date=phase.ends_on)
