"""What a request for a booking says, and whether it may be sent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from registry.access import Actor, Role
from registry.bookings import holds, rules
from registry.bookings.codes import EmployerRole, PersonalData
from registry.entries import queries as entries
from registry.entries import rules as entry_rules
from registry.entries.codes import Audience, Perspective
from registry.entries.queries import EntryView
from registry.entries.states import EntryStatus
from registry.errors import (
    N_,
    FieldError,
    InvalidInput,
    NotFound,
    NotPermitted,
    RuleBroken,
    TimeTaken,
    invalid,
    message,
)

MISSING = message(N_("This is missing. Fill it in."))
END_AFTER_START = message(N_("The end must come after the start."))


@dataclass(frozen=True)
class OwnInnovation:
    """What an employee says of an innovation of their own, for legal's IP assessment."""

    employer_role: EmployerRole
    project: str = ""
    contribution: str = ""
    funding: str = ""


@dataclass(frozen=True)
class BookingText:
    """What a request says. `environments` are slugs; times are aware and half-open `[starts_at, ends_at)`."""

    environments: tuple[str, ...] = ()
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    purpose: str = ""
    operational_benefit: str = ""
    user_benefit: str = ""
    perspectives: tuple[Perspective, ...] = ()
    trl: int | None = None
    participants: int | None = None
    personal_data: PersonalData = PersonalData.NONE
    ethics_reference: str = ""
    accessibility_needs: str = ""
    own_innovation: OwnInnovation | None = None
    example: bool = False


def booker(actor: Actor, wanted: int | None) -> tuple[int, Audience]:
    """The organisation that the actor books for, and as what kind of booker."""
    firms, employers = actor.organisations(Role.FIRM), actor.organisations(Role.EMPLOYEE)
    choices = [(one, Audience.EXTERNAL) for one in sorted(firms)]
    choices += [(one, Audience.EMPLOYEE) for one in sorted(employers)]
    if wanted is not None:
        choices = [choice for choice in choices if choice[0] == wanted]
    if not choices:
        raise NotPermitted(message(N_("Your account is not tied to an organisation that you may book for.")))
    if len(choices) > 1:
        raise invalid("organisation", N_("You can book for several organisations. Say which one."))
    return choices[0]


async def environments_asked(actor: Actor, slugs: Sequence[str]) -> list[EntryView]:
    """The environments of a request in its order.

    Raises:
        InvalidInput: none is given, one twice, or the whole of a site and a part of it.
        NotFound: one is unknown or may not be seen by the actor.
    """
    if not slugs:
        raise invalid("environments", N_("Choose at least one environment."))
    if len(set(slugs)) != len(slugs):
        raise invalid("environments", N_("The same environment is given twice."))
    found = await entries.environments_by_slug(actor, slugs)
    if unknown := [slug for slug in slugs if slug not in found]:
        raise _not_there(unknown[0])
    ids = {environment.id for environment in found.values()}
    for environment in found.values():
        if environment.parent in ids:
            raise invalid(
                "environments",
                N_("“%(part)s” is a part of another environment in the request. Book the whole or the part."),
                part=environment.slug,
            )
    return [found[slug] for slug in slugs]


def _not_there(slug: str) -> NotFound:
    return NotFound(message(N_("There is no environment “%(slug)s” that you can book."), slug=slug))


def columns_of(text: BookingText, audience: Audience) -> dict[str, Any]:
    """What a request says as columns of its booking, times in UTC.

    Raises:
        InvalidInput: it ends before it starts, or somebody who is no employee names an innovation of their own.
    """
    if text.starts_at is not None and text.ends_at is not None and text.ends_at <= text.starts_at:
        raise InvalidInput([FieldError("ends_at", END_AFTER_START)])
    mine = text.own_innovation
    if mine is not None and audience is not Audience.EMPLOYEE:
        raise invalid("own_innovation", N_("Only employees book for an innovation of their own."))
    return {
        "employer_role": mine.employer_role.value if mine else None,
        "innovation_project": mine.project if mine else "",
        "innovation_contribution": mine.contribution if mine else "",
        "innovation_funding": mine.funding if mine else "",
        "starts_at": text.starts_at.astimezone(UTC) if text.starts_at else None,
        "ends_at": text.ends_at.astimezone(UTC) if text.ends_at else None,
        "purpose": text.purpose,
        "operational_benefit": text.operational_benefit,
        "user_benefit": text.user_benefit,
        "perspectives": [perspective.value for perspective in text.perspectives],
        "trl": text.trl,
        "participants": text.participants,
        "personal_data": text.personal_data.value,
        "ethics_reference": text.ethics_reference,
        "accessibility_needs": text.accessibility_needs,
        "example": text.example,
    }


async def require_sendable(actor: Actor, row: Mapping[str, Any]) -> None:
    """Raises unless the request is whole, its time can be booked and the database would hold it now."""
    await _require_possible(actor, row)
    await holds.try_to_hold(actor, row)


async def require_waitable(actor: Actor, row: Mapping[str, Any]) -> None:
    """Raises unless the request is whole, its time could be booked and somebody else has it now."""
    await _require_possible(actor, row)
    try:
        await holds.try_to_hold(actor, row)
    except TimeTaken:
        return
    raise RuleBroken(message(N_("The time is free, so there is nothing to wait for. Send the request instead.")))


async def _require_possible(actor: Actor, row: Mapping[str, Any]) -> None:
    required = ["starts_at", "ends_at", "purpose", "operational_benefit", "user_benefit"]
    if row["employer_role"]:
        required.append("innovation_contribution")
    blank = [FieldError(name, MISSING) for name in required if not row[name]]
    if blank:
        raise InvalidInput(blank)
    environments = await holds.environments_of(row["id"])
    for environment in environments:
        if not entry_rules.can_read.allows(actor, environment.facts):
            raise _not_there(environment.slug)
    require_fit(environments, row)


def require_fit(environments: Sequence[EntryView], row: Mapping[str, Any]) -> None:
    """Raises unless a request with these columns could be sent to these environments, whoever else has the time."""
    now = datetime.now(UTC)
    for environment in environments:
        if environment.status != EntryStatus.PUBLISHED:
            raise RuleBroken(message(N_("The environment is no longer published, so nothing can be booked in it.")))
        if reason := rules.times_fit(environment, row["audience"], row["starts_at"], row["ends_at"], now):
            raise RuleBroken(reason, environment=environment.slug)
        most = environment.most_participants
        if most is not None and (row["participants"] or 0) > most:
            raise RuleBroken(message(N_("There is room for at most %(most)s participants."), most=most))
        if environment.needs_ethics_approval and row["personal_data"] == "patient" and not row["ethics_reference"]:
            raise InvalidInput(
                [
                    FieldError(
                        "ethics_reference",
                        message(N_("Tests with patient data here need an ethics approval. Give its reference.")),
                    )
                ]
            )
