"""May this be done with a booking, and if not, why. Times come and go in UTC and are judged in Europe/Stockholm."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from registry.access import Actor, Permission, Role, Rule
from registry.bookings.codes import Side
from registry.bookings.intervals import Interval, common, joined, without
from registry.bookings.openings import STOCKHOLM, begins_on_grid, is_open, openings
from registry.bookings.states import HOLDING, HOLDING_BY_OFFER, BookingState
from registry.entries.queries import EntryView
from registry.entries.states import EntryStatus
from registry.errors import N_, Message, message

# What others find here, though intervals.py and openings.py hold some of it.
__all__ = [
    "NEEDS_REASON",
    "OWN_COMMANDS",
    "STOCKHOLM",
    "WHO_MAY",
    "BookingFacts",
    "Interval",
    "can_decide",
    "can_move",
    "can_note",
    "can_read",
    "can_read_notes",
    "can_take",
    "can_write",
    "common",
    "has_a_good_length",
    "has_begun",
    "has_offer",
    "has_room",
    "has_started",
    "holds_time",
    "hosts_one",
    "is_host",
    "is_not_own",
    "is_open",
    "is_requester",
    "is_system",
    "is_too_far",
    "joined",
    "may_be_held",
    "may_move",
    "nearest_starts",
    "openings",
    "reads_all",
    "side_of",
    "still_bookable",
    "times_fit",
    "without",
]

# Checking in is possible this long before the booked time.
EARLIEST_CHECK_IN = timedelta(hours=1)


@dataclass(frozen=True)
class BookingFacts:
    """What the rules need to know of a booking.

    `responsible`: for each environment its body and unit. `involved`: everybody who has written, changed or sent
    the request, also before it was handed over. `hold_until`: until when an unconfirmed booking holds its time.
    """

    state: BookingState
    requester: int
    organisation: int
    responsible: tuple[frozenset[int], ...]
    starts_at: datetime | None
    ends_at: datetime | None
    now: datetime
    involved: frozenset[int] = frozenset()
    hold_until: datetime | None = None


def _is_requester(actor: Actor, booking: BookingFacts) -> Message | None:
    if actor.person_id == booking.requester and actor.is_signed_in:
        return None
    if booking.organisation in actor.limited_to(Permission.BOOKING_CREATE):
        return None
    return message(N_("Only the requester or a colleague in the same organisation may do this."))


def _is_host(actor: Actor, booking: BookingFacts) -> Message | None:
    if actor.is_system:
        return None
    if booking.responsible and all(actor.may(Permission.BOOKING_DECIDE, among) for among in booking.responsible):
        return None
    return message(N_("Only a host of every environment in the booking may do this."))


def _hosts_one(actor: Actor, booking: BookingFacts) -> Message | None:
    # A draft is for its requester's organisation only.
    is_sent = booking.state is not BookingState.DRAFT
    if is_sent and any(actor.may(Permission.BOOKING_DECIDE, among) for among in booking.responsible):
        return None
    return message(N_("Only a host of an environment in the booking may do this."))


def _reads_all(actor: Actor, booking: BookingFacts) -> Message | None:
    if booking.state is not BookingState.DRAFT and actor.has_unlimited(Permission.BOOKING_READ_ALL):
        return None
    return message(N_("Your role does not read other people's bookings."))


def _reads_notes(actor: Actor, booking: BookingFacts) -> Message | None:
    if actor.has_unlimited(Permission.BOOKING_READ_NOTES):
        return _reads_all(actor, booking)
    return message(N_("Your role does not read the hosts' own notes."))


def _is_sent(_: Actor, booking: BookingFacts) -> Message | None:
    if booking.state is not BookingState.DRAFT:
        return None
    return message(N_("The request has not been sent, so nobody on the other side can read this. Send it first."))


def _is_not_own(actor: Actor, booking: BookingFacts) -> Message | None:
    if actor.is_system or (actor.person_id != booking.requester and actor.person_id not in booking.involved):
        return None
    return message(N_("This is your own request, so somebody else must decide on it."))


def _is_not_of_the_firm(actor: Actor, booking: BookingFacts) -> Message | None:
    # Colleagues of the region decide for each other; a firm that competes for a place does not decide for itself.
    if actor.is_system or booking.organisation not in actor.organisations(Role.FIRM):
        return None
    return message(N_("You belong to the firm that asks, so somebody else must decide on it."))


def _assesses(actor: Actor, booking: BookingFacts) -> Message | None:
    if actor.is_system or actor.may(Permission.IP_ASSESS, [booking.organisation]):
        return None
    return message(N_("Only legal may do this."))


def _is_system(actor: Actor, _: BookingFacts) -> Message | None:
    return (
        None if actor.is_system else message(N_("The registry does this by itself when the agreements are in force."))
    )


def _has_begun(_: Actor, booking: BookingFacts) -> Message | None:
    if booking.starts_at is not None and booking.now >= booking.starts_at - EARLIEST_CHECK_IN:
        return None
    return message(N_("This is possible from one hour before the booked time."))


def _has_started(_: Actor, booking: BookingFacts) -> Message | None:
    if booking.starts_at is not None and booking.now >= booking.starts_at:
        return None
    return message(N_("This is possible once the booked time has begun."))


def _has_not_begun(_: Actor, booking: BookingFacts) -> Message | None:
    if booking.starts_at is not None and booking.now < booking.starts_at:
        return None
    return message(N_("The booked time has begun, so it can no longer be moved. End it early, and ask for a new time."))


def _has_offer(_: Actor, booking: BookingFacts) -> Message | None:
    if booking.hold_until is None:
        return message(N_("No time has been offered yet. You get mail when it becomes free for you."))
    if booking.now < booking.hold_until:
        return None
    return message(N_("The time to answer is over, and the time goes to the next in line. Ask for another time."))


def _has_time_left(_: Actor, booking: BookingFacts) -> Message | None:
    if booking.ends_at is not None and booking.now < booking.ends_at:
        return None
    return message(N_("The booked time is over, so there is nothing to give back. Complete the booking instead."))


def _may_wait(actor: Actor, booking: BookingFacts) -> Message | None:
    # The requester's own choice at any time before a decision; the host's for a request that has been sent.
    if booking.state is BookingState.SUBMITTED:
        return can_decide(actor, booking) and _is_requester(actor, booking)
    return _is_requester(actor, booking)


def _may_move(actor: Actor, booking: BookingFacts) -> Message | None:
    # A request that waits for the host is its requester's to move; the host can send it back or decline it.
    if booking.state is BookingState.SUBMITTED:
        return _is_requester(actor, booking)
    return _is_requester(actor, booking) and can_decide(actor, booking)


is_requester: Rule[BookingFacts] = Rule(_is_requester)
is_host: Rule[BookingFacts] = Rule(_is_host)
hosts_one: Rule[BookingFacts] = Rule(_hosts_one)
reads_all: Rule[BookingFacts] = Rule(_reads_all)
is_not_own: Rule[BookingFacts] = Rule(_is_not_own)
is_sent: Rule[BookingFacts] = Rule(_is_sent)
is_system: Rule[BookingFacts] = Rule(_is_system)
has_begun: Rule[BookingFacts] = Rule(_has_begun)
has_started: Rule[BookingFacts] = Rule(_has_started)
has_offer: Rule[BookingFacts] = Rule(_has_offer)

can_read = is_requester | hosts_one | reads_all
can_decide = is_host & is_not_own & Rule(_is_not_of_the_firm)
# Both sides write to each other, whoever else reads along.
can_write = is_requester | hosts_one
# What hosts note for each other is never for those who ask, not even where the same person hosts another place.
can_note = hosts_one & is_not_own
can_read_notes = (hosts_one | Rule(_reads_notes)) & is_not_own
# Four eyes: nobody assesses the rights to their own innovation.
can_assess = Rule(_assesses) & is_not_own
may_move: Rule[BookingFacts] = Rule(_may_move)
can_move = may_move & Rule(_has_not_begun)
# Who may take which step of the state table.
can_take: dict[str, Rule[BookingFacts]] = {
    "submit": is_requester,
    "approve": can_decide,
    "decline": can_decide,
    "request_changes": can_decide,
    "waitlist": Rule(_may_wait),
    "accept_offer": is_requester & has_offer,
    "decline_offer": is_requester & has_offer,
    "leave_line": is_system,
    "move": can_move,
    "withdraw": is_requester,
    "confirm": is_system,
    "lapse": is_system,
    "cancel": is_requester | is_host,
    "start": (is_host | is_requester) & has_begun,
    "no_show": is_host & has_started,
    "end_early": (is_host | is_requester) & has_started & Rule(_has_time_left),
    "complete": is_host | is_requester,
    "outcome": is_host | is_requester,
}
NEEDS_REASON = frozenset({"decline", "request_changes", "cancel"})
# These are about the time or the offer once this rule says yes: a refusal is then no question of who asks.
WHO_MAY = {
    "start": is_host | is_requester,
    "no_show": is_host,
    "accept_offer": is_requester,
    "decline_offer": is_requester,
    "end_early": is_host | is_requester,
    "move": may_move,
}
# Steps that need more than a reason, and so have commands of their own: see moving.py.
OWN_COMMANDS = frozenset({"move"})


def holds_time(state: str, hold_until: datetime | None) -> bool:
    """Whether the database holds the time of a booking; the same as its function `booking_holds`."""
    return state in HOLDING or (state in HOLDING_BY_OFFER and hold_until is not None)


def side_of(actor: Actor, booking: BookingFacts) -> Side | None:
    """For which side somebody speaks. A host who is also the requester's colleague, but has not asked, is a host."""
    if can_note.allows(actor, booking):
        return Side.HOST
    return Side.REQUESTER if is_requester.allows(actor, booking) else None


def times_fit(
    environment: EntryView, audience: str, starts_at: datetime, ends_at: datetime, now: datetime
) -> Message | None:
    """None, or why an environment cannot be booked at this time by this kind of booker, whoever else has it."""
    return (
        _may_be_booked(environment, audience)
        or _is_ahead(environment, starts_at, ends_at, now)
        or has_a_good_length(environment, ends_at - starts_at)
        or is_open(environment.calendar, starts_at, ends_at)
        or begins_on_grid(environment.calendar, environment.step, starts_at)
    )


def _may_be_booked(environment: EntryView, audience: str) -> Message | None:
    if environment.ended:
        return message(N_("The activity has ended, so it cannot be booked."))
    if audience not in environment.bookable_by:
        return message(N_("This environment cannot be booked by your kind of organisation through the registry."))
    return None


def _is_ahead(environment: EntryView, starts_at: datetime, ends_at: datetime, now: datetime) -> Message | None:
    if starts_at <= now:
        return message(N_("The time has already begun. Choose a later time."))
    if starts_at < now + timedelta(hours=environment.lead_time_hours):
        return message(
            N_("The host needs %(hours)s hours' notice. Choose a later time."), hours=environment.lead_time_hours
        )
    return is_too_far(environment, ends_at, now)


def is_too_far(environment: EntryView, ends_at: datetime, now: datetime) -> Message | None:
    """None, or that bookings do not open so far ahead."""
    if ends_at <= now + timedelta(days=environment.horizon_days):
        return None
    return message(N_("Bookings open %(days)s days ahead. Choose an earlier time."), days=environment.horizon_days)


def has_a_good_length(environment: EntryView, length: timedelta) -> Message | None:
    """None, or that a booking is shorter or longer than they are here."""
    if length < timedelta(minutes=environment.shortest):
        return message(N_("The shortest booking is %(minutes)s minutes."), minutes=environment.shortest)
    if length > timedelta(minutes=environment.longest):
        return message(N_("The longest booking is %(minutes)s minutes."), minutes=environment.longest)
    return None


def still_bookable(environment: EntryView, audience: str, starts_at: datetime, now: datetime) -> Message | None:
    """None, or why a request that was possible when it was sent can no longer be approved."""
    if environment.status != EntryStatus.PUBLISHED:
        return message(N_("The environment is no longer published, so nothing can be booked in it."))
    if starts_at <= now:
        return message(N_("The time has already begun. Ask the requester for another time."))
    return _may_be_booked(environment, audience)


def has_room(environment: EntryView, participants: int | None) -> Message | None:
    """None, or that so many people do not fit in."""
    most = environment.most_participants
    if most is None or (participants or 0) <= most:
        return None
    return message(N_("There is room for at most %(most)s participants."), most=most)


def may_be_held(
    environment: EntryView, audience: str, starts_at: datetime, ends_at: datetime, now: datetime
) -> Message | None:
    """None, or why a request that was possible when it was sent can no longer get its time, whoever else wants it.

    A place that has closed on that day since then is closed for what nobody has decided on, too.
    """
    return still_bookable(environment, audience, starts_at, now) or is_open(environment.calendar, starts_at, ends_at)


def nearest_starts(free: Sequence[Interval], wanted: datetime, length: timedelta, count: int) -> list[datetime]:
    """Starts within the free intervals, nearest to the wanted one first, on quarters of an hour where they fit."""
    candidates: set[datetime] = set()
    for start, end in free:
        latest = end - length
        if latest < start:
            continue
        for point in (_quarter(min(max(wanted, start), latest)), _quarter(start), start, latest):
            if start <= point <= latest:
                candidates.add(point)
                break
    return sorted(candidates, key=lambda point: abs(point - wanted))[:count]


def _quarter(moment: datetime) -> datetime:
    step = timedelta(minutes=15)
    since = timedelta(minutes=moment.minute, seconds=moment.second, microseconds=moment.microsecond)
    return moment - since + -(-since // step) * step
