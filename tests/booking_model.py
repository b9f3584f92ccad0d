"""What bookings should do, written down a second time in plain Python: states, who may, and what holds time.

It imports nothing of the product. Time is counted minute by minute, people and places have names. `BookingModel`
answers each step with "ok" or the name of the refusal to be expected, and then has the state to be expected.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

STOCKHOLM = ZoneInfo("Europe/Stockholm")
MINUTE = timedelta(minutes=1)
OK = "ok"


@dataclass(frozen=True)
class Place:
    """An environment: what it is a part of, how many fit, buffers in minutes, and whether it closes at night."""

    capacity: int = 1
    part_of: str | None = None
    before: int = 0
    after: int = 0
    needs_agreement: bool = False
    # From 06 to 22 in Stockholm; otherwise open at all times.
    closes_at_night: bool = False


PLACES = {
    "whole": Place(),
    "room": Place(part_of="whole", before=5, after=15),
    "hall": Place(part_of="whole", capacity=2),
    "ward": Place(needs_agreement=True, closes_at_night=True, after=15),
}
SHORTEST, LONGEST = 15, 24 * 60

# Who belongs to which firm, who hosts all four places, and who reads everything.
FIRMS = {"requester": "firm", "colleague": "firm", "both": "firm", "rival": "rivals"}
HOSTS = {"host", "both"}
READERS = {"auditor"}
PEOPLE = [*FIRMS, "host", "auditor", "stranger"]

HOLDING = {"approved", "confirmed", "in_progress"}
# From which states each step can be taken, and where it leads.
STEPS = {
    "submit": {"draft": "submitted", "changes_requested": "submitted", "waitlisted": "submitted"},
    "approve": {"submitted": "approved"},
    "decline": {"submitted": "declined"},
    "request_changes": {"submitted": "changes_requested"},
    "waitlist": {"draft": "waitlisted", "submitted": "waitlisted", "changes_requested": "waitlisted"},
    "accept_offer": {"waitlisted": "submitted"},
    "decline_offer": {"waitlisted": "withdrawn"},
    "leave_line": {"waitlisted": "withdrawn"},
    "withdraw": dict.fromkeys(("draft", "submitted", "changes_requested", "waitlisted", "approved"), "withdrawn"),
    "confirm": {"approved": "confirmed"},
    "lapse": {"approved": "submitted"},
    "cancel": {"confirmed": "cancelled"},
    "start": {"confirmed": "in_progress"},
    "no_show": {"confirmed": "no_show"},
    "end_early": {"in_progress": "completed"},
    "complete": {"in_progress": "completed"},
    "outcome": {"completed": "outcome_recorded"},
}
NEEDS_REASON = {"decline", "request_changes", "cancel"}


@dataclass
class Booked:
    """A booking as it should be stored; moments are in UTC."""

    owner: str
    places: tuple[str, ...]
    starts: datetime
    ends: datetime
    state: str = "draft"
    hold_until: datetime | None = None
    # Who has written, changed or sent the request, put it on the list, or asked to move it.
    involved: set[str] = field(default_factory=set)
    # The place in line is the order of being sent first.
    sent: int = 0
    wish: tuple[datetime, datetime] | None = None

    @property
    def firm(self) -> str:
        return FIRMS[self.owner]

    @property
    def holds(self) -> bool:
        by_offer = self.state in {"waitlisted", "submitted"} and self.hold_until is not None
        return self.state in HOLDING or by_offer


class BookingModel:
    """All bookings of the four places, by a key."""

    def __init__(self) -> None:
        self.bookings: dict[str, Booked] = {}
        self.covered: set[str] = set()
        self._sent = 0

    # --- What holds time

    def load(self, *, but: Booked | None = None) -> Counter[tuple[str, datetime]]:
        """How many bookings hold each minute in each place, buffers included."""
        return Counter(
            (place, minute)
            for one in self.bookings.values()
            if one.holds and one is not but
            for place in one.places
            for minute in minutes(place, one.starts, one.ends)
        )

    def is_free(self, booking: Booked, starts: datetime, ends: datetime) -> bool:
        """Whether a booking could hold this time beside all others."""
        load = self.load(but=booking)
        for name in booking.places:
            related = [one for one, place in PLACES.items() if name == place.part_of or one == PLACES[name].part_of]
            for minute in minutes(name, starts, ends):
                if load[name, minute] >= PLACES[name].capacity or any(load[one, minute] for one in related):
                    return False
        return True

    # --- Who may what

    def sees(self, who: str, booking: Booked) -> bool:
        """Whether somebody may read a booking: drafts are for their firm."""
        if FIRMS.get(who) == booking.firm:
            return True
        return booking.state != "draft" and who in HOSTS | READERS

    def decides(self, who: str, booking: Booked) -> bool:
        """Whether somebody decides: a host, but never on what they have had a hand in themselves."""
        return who in HOSTS and who != booking.owner and who not in booking.involved

    def _may(self, who: str, step: str, booking: Booked) -> bool:
        is_firms = FIRMS.get(who) == booking.firm
        if step in {"approve", "decline", "request_changes"}:
            return self.decides(who, booking)
        if step == "waitlist":
            return is_firms or (booking.state == "submitted" and self.decides(who, booking))
        if step in {"submit", "withdraw", "accept_offer", "decline_offer"}:
            return is_firms
        if step == "no_show":
            return who in HOSTS
        if step in {"cancel", "start", "end_early", "complete", "outcome"}:
            return is_firms or who in HOSTS
        return False  # confirm, lapse, leave_line: by itself only

    def _is_time_for(self, step: str, booking: Booked, now: datetime) -> bool:
        if step == "start":
            return now >= booking.starts - 60 * MINUTE
        if step == "no_show":
            return now >= booking.starts
        if step == "end_early":
            return now < booking.ends
        if step in {"accept_offer", "decline_offer"}:
            return booking.hold_until is not None and now < booking.hold_until
        return True

    # --- Steps

    def create(  # what a request says
        self, key: str, booking: Booked, now: datetime, *, submit: bool, wait: bool
    ) -> str:
        """A new request; what is refused is not stored."""
        if booking.ends <= booking.starts or any(PLACES[one].part_of in booking.places for one in booking.places):
            return "InvalidInput"
        booking.involved = {booking.owner}
        self.bookings[key] = booking
        answer = self.step(booking.owner, "submit", key, now) if submit else OK
        if answer == "TimeTaken" and wait:
            answer = self.step(booking.owner, "waitlist", key, now)
        if answer != OK:
            del self.bookings[key]
        return answer

    def change(self, who: str, key: str, starts: datetime, ends: datetime) -> str:
        """Another time for a request that has not been sent, or was sent back."""
        booking = self.bookings[key]
        if not self.sees(who, booking):
            return "NotFound"
        if FIRMS.get(who) != booking.firm:
            return "NotPermitted"
        if booking.state not in {"draft", "changes_requested"}:
            return "RuleBroken"
        if ends <= starts:
            return "InvalidInput"
        booking.starts, booking.ends = starts, ends
        booking.involved.add(who)
        return OK

    def step(self, who: str, step: str, key: str, now: datetime, reason: str = "") -> str:
        """A step of the table by somebody."""
        booking = self.bookings[key]
        if refusal := self._refusal(who, step, booking, now, reason):
            return refusal
        held = booking.holds
        had_offer, was = booking.hold_until, booking.state
        booking.state, booking.hold_until = STEPS[step][was], None
        if step in {"submit", "accept_offer"} and had_offer:
            booking.hold_until = booking.starts
        elif step == "submit" or (step == "waitlist" and was != "submitted"):
            self._sent += 1
            booking.sent = self._sent
        if step == "submit" or (step == "waitlist" and was != "submitted"):
            booking.involved.add(who)
        if step == "approve":
            self._settle(booking, now)
        if booking.state not in {"approved", "confirmed"}:
            booking.wish = None
        if held and not booking.holds:
            self._offer(booking, booking.starts, booking.ends, now)
        return OK

    def _refusal(self, who: str, step: str, booking: Booked, now: datetime, reason: str) -> str:
        if not self.sees(who, booking):
            return "NotFound"
        if booking.state not in STEPS[step]:
            return "TransitionNotAllowed"
        if not self._may(who, step, booking):
            return "NotPermitted"
        if not self._is_time_for(step, booking, now):
            return "RuleBroken"
        if step in NEEDS_REASON and not reason:
            return "InvalidInput"
        return self._time_refusal(who, step, booking, now)

    def _time_refusal(self, who: str, step: str, booking: Booked, now: datetime) -> str:
        is_free = self.is_free(booking, booking.starts, booking.ends)
        if step == "submit":
            if not _fits(booking, booking.starts, booking.ends, now):
                return "RuleBroken"
            return "" if is_free else "TimeTaken"
        # Who puts their own request on the list has to have something to wait for; a host who decides has not.
        is_decision = booking.state == "submitted" and self.decides(who, booking)
        if step == "waitlist" and not is_decision:
            return "RuleBroken" if is_free or not _fits(booking, booking.starts, booking.ends, now) else ""
        if step in {"approve", "accept_offer"} and booking.starts <= now:
            return "RuleBroken"
        if step == "approve":
            return "" if is_free else "TimeTaken"
        return ""

    def _settle(self, booking: Booked, now: datetime) -> None:
        """An approved booking whose agreements are in force is confirmed at once."""
        needs = any(PLACES[one].needs_agreement for one in booking.places)
        is_covered = booking.firm in self.covered or not needs
        booking.state = "confirmed" if is_covered else "approved"
        booking.hold_until = None if is_covered else now + timedelta(days=30)

    def cover(self, firm: str) -> None:
        """The agreement of a firm enters into force: what waits for it is confirmed."""
        self.covered.add(firm)
        for booking in self.bookings.values():
            if booking.state == "approved" and booking.firm == firm:
                booking.state, booking.hold_until = "confirmed", None

    def lapse(self, now: datetime) -> None:
        """Approvals whose time is over wait for the host again; what they held is offered."""
        for booking in [one for one in self.bookings.values() if one.state == "approved"]:
            booking.state, booking.hold_until, booking.wish = "submitted", None, None
            self._offer(booking, booking.starts, booking.ends, now)

    def lapse_waits(self, now: datetime, keys: list[str]) -> None:
        """Who has not answered an offer, or waits for what has begun, leaves the line; in the order of `keys`."""
        late = [one for one in keys if self._is_late(self.bookings[one], now)]
        for key in late:
            booking = self.bookings[key]
            if self._is_late(booking, now):
                held = booking.holds
                booking.state, booking.hold_until = "withdrawn", None
                if held:
                    self._offer(booking, booking.starts, booking.ends, now)

    def _is_late(self, booking: Booked, now: datetime) -> bool:
        return booking.state == "waitlisted" and (booking.hold_until or booking.starts) <= now

    # --- Moving

    def move(  # noqa: C901, PLR0911  # one answer for each thing that can be wrong
        self, who: str, key: str, starts: datetime, ends: datetime, now: datetime, reason: str
    ) -> str:
        """Another time for a request, or by its host for a booking; a requester's wish for a booking is kept."""
        booking = self.bookings[key]
        if ends <= starts:
            return "InvalidInput"
        if not self.sees(who, booking):
            return "NotFound"
        if booking.state not in {"submitted", "approved", "confirmed"}:
            return "TransitionNotAllowed"
        is_hosts = booking.state != "submitted" and self.decides(who, booking)
        if not is_hosts and FIRMS.get(who) != booking.firm:
            return "NotPermitted"
        if now >= booking.starts:
            return "RuleBroken"
        if (starts, ends) == (booking.starts, booking.ends) or (is_hosts and not reason):
            return "InvalidInput"
        if starts <= now or (not is_hosts and not _fits(booking, starts, ends, now)):
            return "RuleBroken"
        if not self.is_free(booking, starts, ends):
            return "TimeTaken"
        if is_hosts or booking.state == "submitted":
            self._move(booking, starts, ends, now)
            return OK
        if booking.wish:
            return "RuleBroken"
        booking.wish = starts, ends
        booking.involved.add(who)
        return OK

    def agree(self, who: str, key: str, now: datetime) -> str:
        """A host moves a booking as its requester has asked."""
        booking = self.bookings[key]
        if not self.sees(who, booking):
            return "NotFound"
        if not self.decides(who, booking):
            return "NotPermitted"
        if booking.wish is None or now >= booking.starts or booking.wish[0] <= now:
            return "RuleBroken"
        if not self.is_free(booking, *booking.wish):
            return "TimeTaken"
        self._move(booking, *booking.wish, now)
        return OK

    def _move(self, booking: Booked, starts: datetime, ends: datetime, now: datetime) -> None:
        held, was = booking.holds, (booking.starts, booking.ends)
        booking.starts, booking.ends, booking.wish = starts, ends, None
        if booking.state == "submitted":
            booking.hold_until = None
        else:
            booking.state = "approved"
        if held:
            self._offer(booking, *was, now)
        if booking.state == "approved":
            self._settle(booking, now)

    # --- The line

    def _offer(self, gave: Booked, starts: datetime, ends: datetime, now: datetime) -> None:
        """Freed time is offered in the order of the line to everybody who now fits."""
        sites = {PLACES[one].part_of or one for one in gave.places}
        first = starts - max(PLACES[one].before for one in gave.places) * MINUTE
        last = ends + max(PLACES[one].after for one in gave.places) * MINUTE
        for booking in sorted(self.bookings.values(), key=lambda one: one.sent):
            touches = any(
                (PLACES[one].part_of or one) in sites
                and booking.starts - PLACES[one].before * MINUTE < last
                and booking.ends + PLACES[one].after * MINUTE > first
                for one in booking.places
            )
            waits = booking.state == "waitlisted" and booking.hold_until is None and booking is not gave
            is_late = booking.starts <= now + 30 * MINUTE
            if waits and touches and not is_late and self.is_free(booking, booking.starts, booking.ends):
                booking.hold_until = now + min(timedelta(hours=24), (booking.starts - now) / 2)

    # --- The clock

    def go_on(self, by: timedelta) -> None:
        """Time passes: everything comes nearer."""
        for booking in self.bookings.values():
            booking.starts -= by
            booking.ends -= by
            if booking.hold_until:
                booking.hold_until -= by
            if booking.wish:
                booking.wish = booking.wish[0] - by, booking.wish[1] - by


def minutes(place: str, starts: datetime, ends: datetime) -> list[datetime]:
    """The minutes that a booking holds in a place, buffers included."""
    first = starts - PLACES[place].before * MINUTE
    count = (ends - starts) // MINUTE + PLACES[place].before + PLACES[place].after
    return [first + number * MINUTE for number in range(count)]


def _fits(booking: Booked, starts: datetime, ends: datetime, now: datetime) -> bool:
    """Whether a time can be asked for in all places, whoever else has it."""
    if starts <= now or not SHORTEST <= (ends - starts) / MINUTE <= LONGEST:
        return False
    return all(_is_open(starts, ends) for one in booking.places if PLACES[one].closes_at_night)


def _is_open(starts: datetime, ends: datetime) -> bool:
    """From 06 to 22 by the clock on the wall, on one day; nobody asks for more than two hours here."""
    first, last = starts.astimezone(STOCKHOLM), ends.astimezone(STOCKHOLM)
    return first.date() == last.date() and time(6) <= first.time() and last.time() <= time(22)
