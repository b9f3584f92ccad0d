"""What the forms of the procurement desk let people choose from, and the history that its pages show."""

from typing import Any
from uuid import UUID

from registry.access import Actor, Permission
from registry.accounts import queries as accounts
from registry.accounts.codes import OrganisationKind
from registry.agreements.queries import list_agreements
from registry.audit.queries import LoggedEvent, events_of
from registry.entries.queries import environment_links
from registry.errors import N_
from registry.procurement.queries import Scope, list_procurements
from registry.web import language
from registry.web.labels import label, options

DESK = "/desk/procurement"
MOST_CHOICES = 200
# Who can buy: contracting authorities, and those that act for several of them.
# A hospital of the region is a unit and buys all the same.
BUYERS: list[OrganisationKind] = [kind for kind in OrganisationKind if kind is not OrganisationKind.FIRM]
Choices = list[tuple[str, str]]


async def entry_choices(actor: Actor) -> dict[str, Any]:
    """What the forms of a procurement and of a partnership have in common."""
    found = await accounts.organisations(kinds=BUYERS)
    allowed = (
        None if actor.has_unlimited(Permission.PROCUREMENT_EDIT) else actor.limited_to(Permission.PROCUREMENT_EDIT)
    )
    current = language.current_language()
    return {
        "bodies": [(str(one.id), one.name(current)) for one in found if allowed is None or one.id in allowed],
        "sectors": options("sector"),
        "tracks": options("track"),
        "procedures": options("procedure"),
        "innovation_codes": options("innovation_code"),
    }


async def partnership_choices(actor: Actor, *linked: UUID | None) -> dict[str, Any]:
    """What a partnership and its phases can be linked to; `linked` are agreements that stay although unseen."""
    current = language.current_language()
    procurements, _ = await list_procurements(actor, scope=Scope.TEAM, page_size=MOST_CHOICES)
    return {
        **await entry_choices(actor),
        "organisations": [(str(one.id), one.name(current)) for one in await accounts.organisations()],
        "partner_roles": options("partner_role"),
        "procurements": [(str(row.id), language.in_language(row.entry, "title")) for row in procurements],
        **await phase_choices(actor, *linked),
    }


async def phase_choices(actor: Actor, *linked: UUID | None) -> dict[str, Any]:
    """What a phase can be linked to; `linked` are agreements that stay although unseen."""
    return {
        "environment_choices": [
            (str(one.id), language.in_language(one, "title")) for one in await environment_links(actor)
        ],
        "agreements": await _agreements(actor, linked),
    }


async def _agreements(actor: Actor, linked: tuple[UUID | None, ...]) -> Choices:
    rows, _ = await list_agreements(actor, page_size=MOST_CHOICES)
    choices = [
        (str(row.id), f"{language.in_language(row, 'title')} ({label(row.state, 'agreement_state')})") for row in rows
    ]
    known = {id for id, _ in choices}
    unseen = language.gettext(N_("An agreement that only its parties see"))
    return choices + [(str(id), unseen) for id in dict.fromkeys(linked) if id and str(id) not in known]


async def history(actor: Actor, kind: str, subject_id: UUID) -> list[LoggedEvent]:
    """What happened to a procurement or partnership, newest first; who has read it is for the auditor."""
    events = await events_of(kind, subject_id)
    shows_readings = actor.may(Permission.AUDIT_READ)
    return [event for event in reversed(events) if shows_readings or not event.type.endswith(".read")]
