"""Makes people around an environment, and bookings in any state, for tests."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from registry import database
from registry.access import Actor, Role
from registry.accounts.codes import OrganisationKind
from registry.audit.service import EventType, record
from registry.bookings import service
from registry.bookings.requests import BookingText
from registry.bookings.states import BookingState
from tests import factories

# Who stands around a booking in a scene.
ROLES = (
    "requester",
    "colleague",
    "other_firm",
    "employee",
    "host",
    "other_host",
    "procurement",
    "legal",
    "coordinator",
    "auditor",
)


@dataclass(frozen=True)
class Scene:
    """An environment and everybody who can have to do with a booking of it."""

    environment_id: int
    slug: str
    firm_id: int
    people: dict[str, Actor]


async def scene() -> Scene:
    """A published environment without required agreements, and one person for each relation to it."""
    body = await factories.organisation(OrganisationKind.COMMITTEE)
    other_body = await factories.organisation(OrganisationKind.COMMITTEE)
    firm, other_firm = await factories.organisation(), await factories.organisation()
    environment_id, slug = await factories.environment(body=body)
    people = {
        "requester": await factories.person(Role.FIRM, organisation_id=firm),
        "colleague": await factories.person(Role.FIRM, organisation_id=firm),
        "other_firm": await factories.person(Role.FIRM, organisation_id=other_firm),
        "employee": await factories.person(Role.EMPLOYEE, organisation_id=body),
        "host": await factories.person(Role.HOST, organisation_id=body),
        "other_host": await factories.person(Role.HOST, organisation_id=other_body),
        "procurement": await factories.person(Role.PROCUREMENT),
        "legal": await factories.person(Role.LEGAL),
        "coordinator": await factories.person(Role.COORDINATOR),
        "auditor": await factories.person(Role.AUDITOR),
    }
    return Scene(environment_id, slug, firm, people)


def request_for(slug: str, *, hours_ahead: float = 48, hours: float = 2) -> BookingText:
    """A whole request for one environment."""
    starts_at = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(hours=hours_ahead)
    starts_at = starts_at.replace(second=0, microsecond=0)
    return BookingText(
        environments=(slug,),
        starts_at=starts_at,
        ends_at=starts_at + timedelta(hours=hours),
        purpose="Try a new alarm",
        operational_benefit="Fewer interruptions",
        user_benefit="Quieter nights",
        trl=5,
        participants=3,
    )


async def booking_in(the_scene: Scene, state: BookingState, *, hours_ahead: float = 48) -> UUID:
    """A booking of the scene's requester that has been put into a state directly."""
    requester = the_scene.people["requester"]
    booking_id = await service.create_booking(requester, request_for(the_scene.slug, hours_ahead=hours_ahead))
    async with database.transaction():
        await record(requester, EventType.BOOKING_CHANGED, booking_id)
        await database.fetch(
            "UPDATE booking SET state = $2::text, reason = 'a reason',"
            " outcome_decision = CASE WHEN $2::text = 'outcome_recorded' THEN 'stop' END WHERE id = $1",
            booking_id,
            state.value,
        )
    return booking_id
