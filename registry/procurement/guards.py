"""What every command does before it writes: it locks, checks what is named, and puts the database's noes in words."""

from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from uuid import UUID

from asyncpg import CheckViolationError

from registry import database
from registry.access import Actor
from registry.accounts.queries import organisations_by_id
from registry.agreements.queries import agreements_by_id
from registry.entries import rules as entry_rules
from registry.entries import service as entries
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
from registry.procurement import queries, rules
from registry.procurement.rules import PartnershipFacts
from registry.procurement.views import PartnershipRow, ProcurementRow


@asynccontextmanager
async def change() -> AsyncIterator[None]:
    """A transaction; what a constraint of the database refuses in it is told as a domain error."""
    try:
        async with database.transaction():
            yield
    except CheckViolationError as error:
        raise _in_words(error) from error


async def locked_procurement(actor: Actor, procurement_id: UUID) -> ProcurementRow:
    """Lock a procurement for an officer of its buyer.

    Raises:
        NotFound: there is none that the actor sees.
        NotPermitted: the actor is no officer of its buyer.
    """
    if not await database.fetch("SELECT id FROM procurement WHERE id = $1 FOR UPDATE", procurement_id):
        raise NotFound
    found = await queries.procurement_row(procurement_id)
    if not rules.can_read_procurement.allows(actor, found.facts):
        raise NotFound
    if reason := rules.can_change_procurement(actor, found.facts):
        raise NotPermitted(reason)
    return found


@dataclass(frozen=True)
class LockedPartnership:
    """A partnership that the running transaction has locked; `row` has its columns, `facts` are complete."""

    row: database.Row
    partnership: PartnershipRow
    facts: PartnershipFacts

    @property
    def entry_id(self) -> int:
        return self.partnership.entry.id


_LOCK = """
SELECT p.*, (SELECT count(*) FROM partner r WHERE r.partnership = p.id AND r.role = 'partner') AS partners
FROM partnership p WHERE id = $1 FOR UPDATE
"""


async def locked_partnership(actor: Actor, partnership_id: UUID) -> LockedPartnership:
    """Lock a partnership and its phases for an officer; raises as `locked_procurement`."""
    row = await database.fetch_one(_LOCK, partnership_id)
    if row is None:
        raise NotFound
    found = await queries.partnership_row(partnership_id)
    if not rules.can_read_partnership.allows(actor, found.facts):
        raise NotFound
    if reason := rules.can_change_partnership(actor, found.facts):
        raise NotPermitted(reason)
    facts = replace(
        found.facts,
        purchase_terms_agreed=bool(row["performance_level"]) and row["highest_cost_minor"] is not None,
        partners=row["partners"],
    )
    return LockedPartnership(row, found, facts)


def require_state(reason: Message | None) -> None:
    """Raises RuleBroken with the reason that a rule about the state gave."""
    if reason is not None:
        raise RuleBroken(reason)


def refuse_stale(version: int, read_version: int) -> None:
    """Raises EditedMeanwhile unless what was read is still so."""
    if version != read_version:
        raise EditedMeanwhile(
            message(N_("Somebody has changed this since you opened it. Load the page again and redo your change."))
        )


async def require_organisations(named: Mapping[str, int]) -> None:
    """Raises InvalidInput for every field that names an organisation that does not exist."""
    known = await organisations_by_id(set(named.values()))
    unknown = [name for name, organisation in named.items() if organisation not in known]
    if unknown:
        text = message(N_("There is no organisation with this id. Choose one of the list."))
        raise InvalidInput([FieldError(name, text) for name in unknown])


async def require_agreement(actor: Actor, agreement_id: UUID | None) -> None:
    """Raises InvalidInput unless the agreement, if one is named, is one that the actor sees."""
    if agreement_id is not None and not await agreements_by_id(actor, [agreement_id]):
        raise invalid("agreement", N_("There is no agreement with this id that you can see."))


async def require_environments(actor: Actor, ids: Collection[int]) -> None:
    """Raises InvalidInput unless all of these are environments that the actor sees."""
    found = await environments_by_id(ids) if ids else {}
    if any(id not in found or not entry_rules.can_read.allows(actor, found[id].facts) for id in ids):
        raise invalid("environments", N_("One of the environments does not exist, or you cannot see it."))


async def procurement_entry(actor: Actor, procurement_id: UUID | None) -> int | None:
    """The entry of a procurement that an officer links; raises InvalidInput unless the actor is its officer."""
    if procurement_id is None:
        return None
    try:
        return (await locked_procurement(actor, procurement_id)).entry.id
    except (NotFound, NotPermitted):
        raise invalid("procurement", N_("There is no procurement with this id that you may link.")) from None


async def change_entry(actor: Actor, entry_id: int, text: EntryText) -> None:
    """Change the entry of a locked procurement or partnership, where its text differs.

    The version of the procurement or partnership has been checked already, so the entry's present one is taken.
    """
    row = await database.fetch_one("SELECT * FROM entry WHERE id = $1 FOR UPDATE", entry_id)
    if row is None:
        raise NotFound
    if entries.text_of(dict(row)) != text:
        await entries.change_entry(actor, entry_id, text, read_version=row["version"])


def _in_words(error: CheckViolationError) -> Exception:
    name = error.constraint_name or ""
    if name in _RULES:
        return RuleBroken(message(_RULES[name]))
    field_name, sentence = _FIELDS.get(name, ("body", N_("A value is outside what is possible.")))
    return invalid(field_name, sentence)


_RULES = {
    "phases_do_not_overlap": N_("Phases follow one another: a phase must start after the one before it ends."),
    "phases_have_no_gaps": N_("Phases are numbered one after another, without gaps."),
    "phases_keep_their_number": N_("Phases are numbered one after another, without gaps."),
    "phases_are_decided_in_order": N_("Phases are decided in order: the phase before has not been decided to go on."),
    "phase_decisions_are_final": N_("The phase has been decided, so it stays as it is."),
    "nothing_follows_a_termination": N_("The partnership has been ended, and nothing follows after that."),
    "purchase_was_agreed_beforehand": N_(
        "A purchase needs a performance level and a highest cost that were agreed beforehand. Record both first."
    ),
}
_FIELDS = {
    "starts_before_it_ends": ("ends_on", N_("The phase must end on the day it starts or later.")),
    "cancelled_says_why": ("reason", N_("Write why the procurement is discontinued. The reason is public.")),
    "decisions_say_why": ("reasons", N_("Write the reasons for the decision.")),
    "has_a_title": ("title_sv", N_("Write a title, in Swedish or English.")),
}
