"""May this be done with an entry, and if not, why."""

from dataclasses import dataclass

from registry.access import Actor, Permission, Rule
from registry.entries.codes import PROCUREMENT_KINDS, Kind, Visibility
from registry.entries.states import EntryStatus
from registry.errors import N_, Message, message


@dataclass(frozen=True)
class EntryFacts:
    """What the rules need to know of an entry. `responsible` are its accountable body and unit."""

    status: EntryStatus
    visibility: Visibility
    responsible: frozenset[int]
    created_by: int | None
    kind: Kind | None = None


def _is_editor(actor: Actor, entry: EntryFacts) -> Message | None:
    if entry.kind in PROCUREMENT_KINDS:
        # Procurement officers edit procurements and partnerships, and no other entries; hosts do not.
        if actor.may(Permission.PROCUREMENT_EDIT, entry.responsible) or actor.may(Permission.ENTRY_PUBLISH):
            return None
    elif actor.may(Permission.ENTRY_EDIT, entry.responsible):
        return None
    return message(N_("Only a host of this entry or the innovation unit may change it."))


def _is_publisher(actor: Actor, entry: EntryFacts) -> Message | None:
    del entry
    return None if actor.may(Permission.ENTRY_PUBLISH) else message(N_("Only the innovation unit publishes entries."))


def _is_not_own(actor: Actor, entry: EntryFacts) -> Message | None:
    if actor.is_system or entry.created_by != actor.person_id:
        return None
    return message(N_("You created this entry, so somebody else must decide on it."))


def _is_published(_: Actor, entry: EntryFacts) -> Message | None:
    return None if entry.status is EntryStatus.PUBLISHED else message(N_("The entry is not published."))


def _reads_visibility(actor: Actor, entry: EntryFacts) -> Message | None:
    if entry.visibility is Visibility.PUBLIC or actor.may(Permission.ENTRY_READ_STAFF):
        return None
    return message(N_("The entry is for staff."))


is_editor: Rule[EntryFacts] = Rule(_is_editor)
is_publisher: Rule[EntryFacts] = Rule(_is_publisher)
is_not_own: Rule[EntryFacts] = Rule(_is_not_own)
is_published: Rule[EntryFacts] = Rule(_is_published)
reads_visibility: Rule[EntryFacts] = Rule(_reads_visibility)

can_read = (is_published & reads_visibility) | is_editor | is_publisher
can_edit = is_editor
# Who may take which step of the state table.
can_take = {
    "submit": is_editor,
    "request_changes": is_publisher & is_not_own,
    "publish": is_publisher & is_not_own,
    "archive": is_publisher | is_editor,
}
