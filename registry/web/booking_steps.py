"""What pages and the API show of a booking beside its columns: the line, a wish to move, the outcome and its text."""

from dataclasses import dataclass, field
from datetime import datetime

from registry.access import Actor
from registry.bookings import move_requests, outcomes, queries, rules, waitlist
from registry.bookings.move_requests import MoveWish
from registry.bookings.outcomes import Effect, Publication
from registry.bookings.queries import BookingRow, BookingView
from registry.bookings.states import BookingState
from registry.entries import queries as entries

_SENT = frozenset({BookingState.SUBMITTED, BookingState.WAITLISTED, BookingState.APPROVED, BookingState.CONFIRMED})


@dataclass(frozen=True)
class BookingSteps:
    """Times are in UTC. `line` is for hosts only; `place` is the booking's own place in it, 1 being next.

    `offered_until`: until when an offer stands. `is_taken`: others have the time of the actor's own request by now.
    """

    is_host: bool
    place: int | None = None
    offered_until: datetime | None = None
    is_taken: bool = False
    line: list[BookingRow] = field(default_factory=list)
    wish: MoveWish | None = None
    effects: list[Effect] = field(default_factory=list)
    publication: Publication | None = None


async def steps_of(actor: Actor, view: BookingView) -> BookingSteps:
    """What there is beside the columns of a booking that the actor has read."""
    booking = view.booking
    state = BookingState(booking.state)
    is_host = rules.hosts_one.allows(actor, await queries.facts_of(booking.row))
    if state is BookingState.OUTCOME_RECORDED:
        effects = await outcomes.effects_of([booking.id])
        return BookingSteps(is_host, effects=effects[booking.id], publication=await outcomes.publication_of(booking.id))
    waits = state is BookingState.WAITLISTED
    return BookingSteps(
        is_host,
        place=await waitlist.place_in_line(booking.id) if waits else None,
        offered_until=booking.hold_until if waits else None,
        is_taken=view.is_own and state is BookingState.SUBMITTED and await _is_taken(booking),
        line=await waitlist.line_for(booking.id) if is_host and state in _SENT else [],
        wish=await move_requests.open_wish(booking.id),
    )


async def _is_taken(booking: BookingRow) -> bool:
    if booking.hold_until is not None:
        return False
    environments = await entries.environments_by_id(one.id for one in booking.environments)
    return any([await queries.is_held(one, booking.starts_at, booking.ends_at) for one in environments.values()])
