"""Who may sign for an organisation: recorded with its ground and its days, and by whom it was given."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from registry import database
from registry.access import Actor, Permission, require, require_signed_in
from registry.accounts.tables import SigningAuthority
from registry.audit.service import EventType, record
from registry.errors import N_, NotFound, NotPermitted, invalid, message

LONGEST_GROUND = 300
MOST_LISTED = 200


@dataclass(frozen=True)
class AuthorityView:
    """An authority to sign. `organisation_id` is None for every public party; both days count, Europe/Stockholm."""

    id: int
    person_id: int
    person: str
    email: str
    organisation_id: int | None
    name_sv: str
    name_en: str
    valid_from: date
    valid_until: date | None
    ground: str
    given_by: str


async def give_authority(
    actor: Actor,
    person_id: int,
    organisation_id: int | None,
    *,
    ground: str,
    valid_from: date,
    valid_until: date | None = None,
) -> int:
    """Record that a person may sign for an organisation, or (None) for every public party; returns the record's id.

    `ground` names what it rests on: a registration, a decision of delegation, a power of attorney.

    Raises:
        NotPermitted: the actor neither reviews agreements nor manages people, or would give it to themselves.
        NotFound: there is no such person. InvalidInput: the ground or the days are wrong.
    """
    _require_giver(actor)
    if actor.person_id == person_id:
        raise NotPermitted(message(N_("Somebody else has to record what you yourself may sign.")))
    if not ground.strip() or len(ground) > LONGEST_GROUND:
        raise invalid(
            "ground",
            N_("Write what the right to sign rests on, in at most %(max_length)s characters."),
            max_length=LONGEST_GROUND,
        )
    if valid_until is not None and valid_until < valid_from:
        raise invalid("valid_until", N_("The end must not come before the start."))
    async with database.transaction():
        if not await database.fetch("SELECT FROM person WHERE id = $1", person_id):
            raise NotFound
        if organisation_id and not await database.fetch("SELECT FROM organisation WHERE id = $1", organisation_id):
            raise invalid("organisation", N_("There is no such organisation."))
        rows = await SigningAuthority.insert(
            SigningAuthority(
                person=person_id,
                organisation=organisation_id,
                valid_from=valid_from,
                valid_until=valid_until,
                ground=ground.strip(),
                given_by=actor.person_id,
            )
        ).returning(SigningAuthority.id)
        authority_id: int = rows[0]["id"]
        data = {"authority": authority_id, "organisation": organisation_id, "from": valid_from, "until": valid_until}
        await record(actor, EventType.AUTHORITY_GIVEN, person_id, data)
    return authority_id


async def person_to_sign(email: str) -> tuple[int, int | None]:
    """Who has this address: the person's id and the organisation that the person belongs to.

    Raises:
        InvalidInput: nobody active has it.
    """
    row = await database.fetch_one(
        "SELECT id, organisation FROM person WHERE email = $1 AND active", email.strip().lower()
    )
    if row is None:
        raise invalid("email", N_("There is no account with the address %(email)s."), email=email)
    return row["id"], row["organisation"]


async def end_authority(actor: Actor, authority_id: int, day: date) -> None:
    """Let a day be the last one of an authority; what has been signed before stays signed.

    Raises:
        NotPermitted: see `give_authority`. NotFound: there is none, or it has ended by then.
    """
    _require_giver(actor)
    async with database.transaction():
        row = await database.fetch_one(
            "UPDATE signing_authority SET valid_until = greatest($2, valid_from)"
            " WHERE id = $1 AND (valid_until IS NULL OR valid_until > $2) RETURNING person",
            authority_id,
            day,
        )
        if row is None:
            raise NotFound
        await record(actor, EventType.AUTHORITY_ENDED, row["person"], {"authority": authority_id, "until": day})


def _require_giver(actor: Actor) -> None:
    require_signed_in(actor)
    if not actor.may(Permission.PEOPLE_MANAGE, []):
        require(actor, Permission.AGREEMENT_REVIEW, [])


async def signs_for(person_id: int | None, parties: Collection[int], public: Collection[int], day: date) -> set[int]:
    """For which of the parties a person may sign on a day (Europe/Stockholm); `public` are the public ones."""
    rows = await database.fetch(
        "SELECT organisation FROM signing_authority"
        " WHERE person = $1 AND (organisation IS NULL OR organisation = ANY ($2))"
        " AND $3 BETWEEN valid_from AND coalesce(valid_until, 'infinity')",
        person_id,
        list(parties),
        day,
    )
    named = {row["organisation"] for row in rows}
    return {one for one in parties if one in named or (None in named and one in public)}


async def list_authorities(actor: Actor, day: date) -> list[AuthorityView]:
    """The authorities that hold on a day or begin later, the latest first, MOST_LISTED of them.

    Raises:
        NotPermitted: see `give_authority`.
    """
    _require_giver(actor)
    rows = await database.fetch(
        "SELECT g.id, p.id AS person_id, p.name AS person, p.email, g.organisation AS organisation_id,"
        " coalesce(o.name_sv, '') AS name_sv, coalesce(o.name_en, '') AS name_en, g.valid_from, g.valid_until,"
        " g.ground, coalesce(b.name, '') AS given_by"
        " FROM signing_authority g JOIN person p ON p.id = g.person LEFT JOIN organisation o ON o.id = g.organisation"
        " LEFT JOIN person b ON b.id = g.given_by WHERE coalesce(g.valid_until, 'infinity') >= $1"
        " ORDER BY g.id DESC LIMIT $2",
        day,
        MOST_LISTED,
    )
    return [AuthorityView(**dict(row)) for row in rows]
