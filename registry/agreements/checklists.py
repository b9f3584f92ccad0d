"""What legal checks in agreements of each type: the items, which legal keeps, and what is ticked for a version."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from registry import database
from registry.access import Actor, Permission, require
from registry.agreements.codes import AgreementType
from registry.agreements.tables import ChecklistItem
from registry.audit.service import EventType, record
from registry.errors import N_, NotFound, RuleBroken, invalid, message

LONGEST_ITEM = 300
MOST_ITEMS = 30


@dataclass(frozen=True)
class Item:
    """Something to check, and who ticked it for the current version and when (UTC), where somebody has."""

    id: int
    text_sv: str
    text_en: str
    required: bool
    ticked: bool = False
    person: str = ""
    at: datetime | None = None


# The last row of each item counts. An item that has been retired since is shown where it had been ticked.
_CHECKLIST = """
SELECT i.id, i.text_sv, i.text_en, i.required, coalesce(t.ticked, false) AS ticked,
       coalesce(p.name, '') AS person, t.at
FROM agreement a
JOIN checklist_item i ON i.type = a.type
LEFT JOIN LATERAL (
    SELECT t.ticked, t.at, t.person FROM checklist_tick t WHERE t.item = i.id AND t.version = (
        SELECT v.id FROM agreement_version v WHERE v.agreement = a.id ORDER BY v.number DESC LIMIT 1
    ) ORDER BY t.id DESC LIMIT 1
) t ON true
LEFT JOIN person p ON p.id = t.person AND t.ticked
WHERE a.id = $1 AND (i.retired_at IS NULL OR t.ticked)
ORDER BY i.id
"""


async def checklist_of(agreement_id: UUID) -> list[Item]:
    """The checklist of an agreement for its current version. The caller has checked that the actor reviews it."""
    return [Item(**dict(row)) for row in await database.fetch(_CHECKLIST, agreement_id)]


async def items_by_type(actor: Actor) -> dict[AgreementType, list[Item]]:
    """What is checked now in agreements of each type.

    Raises:
        NotPermitted: the actor does not review agreements.
    """
    require(actor, Permission.AGREEMENT_REVIEW)
    rows = await database.fetch(
        "SELECT id, type, text_sv, text_en, required FROM checklist_item WHERE retired_at IS NULL ORDER BY id"
    )
    items: dict[AgreementType, list[Item]] = {kind: [] for kind in AgreementType}
    for row in rows:
        items[AgreementType(row["type"])].append(Item(row["id"], row["text_sv"], row["text_en"], row["required"]))
    return items


async def add_item(
    actor: Actor, kind: AgreementType, *, text_sv: str, text_en: str = "", required: bool = False
) -> int:
    """Have something more checked in agreements of a type; returns the item's id.

    A `required` item has to be ticked before an agreement is approved.

    Raises:
        NotPermitted: the actor does not review agreements everywhere. InvalidInput: the text is missing or too long.
        RuleBroken: there are as many items as a checklist takes.
    """
    require(actor, Permission.AGREEMENT_REVIEW, [])
    for field, text in (("text_sv", text_sv), ("text_en", text_en)):
        if len(text) > LONGEST_ITEM:
            raise invalid(
                field, N_("The text is too long: at most %(max_length)s characters."), max_length=LONGEST_ITEM
            )
    if not text_sv.strip():
        raise invalid("text_sv", N_("Write in Swedish what is to be checked."))
    async with database.transaction():
        await database.fetch("SELECT pg_advisory_xact_lock(hashtext('checklist'))")
        row = await database.fetch_one(
            "SELECT count(*) AS n FROM checklist_item WHERE type = $1 AND retired_at IS NULL", kind.value
        )
        if row and row["n"] >= MOST_ITEMS:
            raise RuleBroken(
                message(
                    N_("There are already %(n)s things to check, which is the most. Remove one first."), n=MOST_ITEMS
                )
            )
        rows = await ChecklistItem.insert(
            ChecklistItem(type=kind.value, text_sv=text_sv.strip(), text_en=text_en.strip(), required=required)
        ).returning(ChecklistItem.id)
        item_id: int = rows[0]["id"]
        await record(actor, EventType.CHECKLIST_CHANGED, kind.value, {"added": item_id, "required": required})
    return item_id


async def retire_item(actor: Actor, item_id: int) -> None:
    """Have something checked no longer; what has been ticked stays.

    Raises:
        NotPermitted: the actor does not review agreements everywhere. NotFound: there is no such item any more.
    """
    require(actor, Permission.AGREEMENT_REVIEW, [])
    async with database.transaction():
        row = await database.fetch_one(
            "UPDATE checklist_item SET retired_at = now() WHERE id = $1 AND retired_at IS NULL RETURNING type", item_id
        )
        if row is None:
            raise NotFound
        await record(actor, EventType.CHECKLIST_CHANGED, row["type"], {"retired": item_id})
