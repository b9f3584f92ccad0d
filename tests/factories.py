"""Makes what tests need, with the product's own commands. Names are unique, so tests can share a database."""

import itertools
from datetime import date, time

from registry.access import SYSTEM, Actor, Role
from registry.accounts import service as accounts
from registry.accounts.authorities import give_authority
from registry.accounts.codes import OrganisationKind
from registry.accounts.queries import actor_of_email
from registry.entries import service as entries
from registry.entries.calendars import Opening
from registry.entries.codes import Audience, Kind, Sector, Track
from registry.entries.service import EntryText, EnvironmentText

_numbers = itertools.count(1)
ALL_DAY_EVERY_DAY = tuple(Opening(day, time(0), time(0)) for day in range(1, 8))


async def organisation(kind: OrganisationKind = OrganisationKind.FIRM, *, parent_id: int | None = None) -> int:
    """An organisation; its id."""
    number = next(_numbers)
    return await accounts.create_organisation(
        SYSTEM, kind=kind, name_sv=f"Organisation {number}", name_en=f"Organisation {number}", parent_id=parent_id
    )


async def person(*roles: Role, organisation_id: int | None = None, limited: bool = True) -> Actor:
    """A person with these roles, limited to the organisation if one is given (and `limited`), without a password."""
    email = f"person{next(_numbers)}@registry.test"
    await accounts.create_person(
        SYSTEM,
        email=email,
        name=email.partition("@")[0],
        roles=[(role, organisation_id if limited else None) for role in roles],
        organisation_id=organisation_id,
    )
    actor = await actor_of_email(email)
    assert actor is not None
    assert actor.person_id is not None
    await let_sign(actor.person_id, *roles, organisation_id=organisation_id if limited else None)
    return actor


async def let_sign(person_id: int, *roles: Role, organisation_id: int | None) -> None:
    """Whoever acts for an organisation may sign for it, and legal for every public party; some tests take it away."""
    if Role.LEGAL in roles or (organisation_id and {Role.FIRM, Role.PROCUREMENT, Role.EMPLOYEE} & {*roles}):
        await give_authority(
            SYSTEM, person_id, organisation_id, ground="Delegationsordning.", valid_from=date(2000, 1, 1)
        )


async def environment(
    *, body: int | None = None, text: EnvironmentText | None = None, publish: bool = True, title: str = ""
) -> tuple[int, str]:
    """A published environment, open at all times unless `text` says otherwise; its id and slug."""
    body = body or await organisation(OrganisationKind.COMMITTEE)
    slug = f"environment-{next(_numbers)}"
    text = text or EnvironmentText(
        bookable_by=(Audience.EXTERNAL, Audience.EMPLOYEE),
        lead_time_hours=0,
        shortest=5,
        longest=60 * 24 * 14,
        opening_hours=ALL_DAY_EVERY_DAY,
    )
    entry_id = await entries.create_entry(
        SYSTEM,
        EntryText(
            kind=Kind.TESTBED,
            primary_sector=Sector.HEALTHCARE,
            accountable_body=body,
            track=Track.INTERNAL,
            title_sv=title or f"Testbädd {slug}",
            title_en=title or f"Testbed {slug}",
        ),
        text,
        slug=slug,
    )
    if publish:
        await entries.move_entry(SYSTEM, entry_id, "submit")
        await entries.move_entry(SYSTEM, entry_id, "publish")
    return entry_id, slug
