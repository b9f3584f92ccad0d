"""Anybody takes any step with any booking in any order: the registry does what a second, independent model does.

The model (booking_model.py) is plain Python and shares no code with the product. Hypothesis chooses the steps, and
finds the shortest way to a difference. REGISTRY_TEST_EXAMPLES is how often: a few times in the suite, which has to stay
fast, and more for a proof.
"""

import asyncio
import os
from collections.abc import Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from typing import Any, TypeVar
from uuid import UUID

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from registry import database
from registry.access import SYSTEM, Actor, Role
from registry.accounts import service as accounts
from registry.accounts.codes import OrganisationKind
from registry.accounts.queries import actor_of_email
from registry.agreements import service as agreements
from registry.bookings import moving, service
from registry.bookings.codes import OutcomeDecision
from registry.bookings.moving import Wanted
from registry.bookings.requests import BookingText
from registry.entries.calendars import Opening
from registry.entries.codes import Audience
from registry.entries.service import EnvironmentText
from registry.errors import DomainError
from tests import factories, factories_agreements
from tests.booking_invariants import faults
from tests.booking_model import FIRMS, OK, PEOPLE, PLACES, STEPS, STOCKHOLM, Booked, BookingModel

EXAMPLES = int(os.environ.get("REGISTRY_TEST_EXAMPLES", "40"))
SHORTENS = "REGISTRY_TEST_EXAMPLES" in os.environ
STEPS_EACH = 30
T = TypeVar("T")


@dataclass(frozen=True)
class World:
    """The people, who stay the same for all examples, and what the agreement is made of."""

    people: dict[str, Actor]
    firms: dict[str, int]
    body: int
    template: str


async def make_world() -> World:
    body = await factories.organisation(OrganisationKind.COMMITTEE)
    other_body = await factories.organisation(OrganisationKind.COMMITTEE)
    firms = {name: await factories.organisation() for name in sorted(set(FIRMS.values()))}
    people = {
        name: await factories.person(Role.FIRM, organisation_id=firms[firm])
        for name, firm in FIRMS.items()
        if name != "both"
    }
    email = f"both-{body}@registry.test"
    roles = [(Role.FIRM, firms[FIRMS["both"]]), (Role.HOST, body)]
    await accounts.create_person(SYSTEM, email=email, name="both", roles=list(roles), organisation_id=firms["firm"])
    both = await actor_of_email(email)
    assert both is not None
    people |= {
        "both": both,
        "host": await factories.person(Role.HOST, organisation_id=body),
        "auditor": await factories.person(Role.AUDITOR),
        "stranger": await factories.person(Role.HOST, organisation_id=other_body),
    }
    assert set(people) == set(PEOPLE)
    return World(people, firms, body, await factories_agreements.template())


async def make_places(world: World) -> dict[str, tuple[int, str]]:
    """The places of the model, as environments: id and slug by name."""
    made: dict[str, tuple[int, str]] = {}
    for name, place in PLACES.items():
        hours = factories.ALL_DAY_EVERY_DAY
        if place.closes_at_night:
            hours = tuple(Opening(one.weekday, time(6), time(22)) for one in hours)
        text = EnvironmentText(
            parent=made[place.part_of][0] if place.part_of else None,
            capacity=place.capacity,
            buffer_before=place.before,
            buffer_after=place.after,
            bookable_by=(Audience.EXTERNAL,),
            lead_time_hours=0,
            horizon_days=800,
            shortest=15,
            longest=24 * 60,
            opening_hours=hours,
        )
        made[name] = await factories.environment(body=world.body, text=text)
        if place.needs_agreement:
            await agreements.offer_terms(SYSTEM, made[name][0], world.template, required=True)
    return made


def _changes_of_time(now: datetime) -> list[datetime]:
    """The next moments at which the clocks in Stockholm go forward and back."""
    hours = [now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=n) for n in range(24 * 370)]
    return [
        after
        for before, after in pairwise(hours)
        if before.astimezone(STOCKHOLM).utcoffset() != after.astimezone(STOCKHOLM).utcoffset()
    ]


def _anchors() -> dict[str, datetime]:
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    spring_or_autumn, other = _changes_of_time(now)[:2]
    day = now.astimezone(STOCKHOLM).date() + timedelta(days=10)
    return {
        # Seven minutes beside the quarters of an hour by which time goes on, so that nothing begins at this moment.
        "soon": now + timedelta(minutes=127),
        "midnight": datetime.combine(day, time(0), tzinfo=STOCKHOLM).astimezone(UTC),
        "closing time": datetime.combine(day, time(21), tzinfo=STOCKHOLM).astimezone(UTC),
        "first change": spring_or_autumn,
        "second change": other,
    }


TIMES = st.tuples(
    st.sampled_from(["soon", "soon", "midnight", "closing time", "first change", "second change"]),
    st.integers(-9, 8),
    st.sampled_from([0, 15, 30, 60, 60, 90, 120]),
)
# Who asks and decides, the one who could do both on the same request most of all.
ACTORS = [*PEOPLE, "both", "both", "host", "requester"]
REASONS = ["Because", "Because", ""]
SEVERAL = [("whole",), ("room",), ("hall",), ("hall",), ("ward",), ("ward",), ("room", "ward"), ("whole", "room")]


class BookingMachine(RuleBasedStateMachine):
    """The registry and the model side by side."""

    world: World
    loop: asyncio.AbstractEventLoop

    def __init__(self) -> None:
        super().__init__()
        self.model = BookingModel()
        self.keys: list[str] = []
        self.passed = timedelta()
        self.anchors = _anchors()
        self.places: dict[str, tuple[int, str]] = {}

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run something in the tests' own loop, which has the database connections."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(60)

    def outcome(self, work: Coroutine[Any, Any, Any]) -> str:
        """What the registry answers: "ok", or the name of its refusal."""
        try:
            self.run(work)
        except DomainError as error:
            return type(error).__name__
        return OK

    def moments(self, when: tuple[str, int, int]) -> tuple[datetime, datetime]:
        anchor, quarters, minutes = when
        starts = self.anchors[anchor] + timedelta(minutes=15 * quarters)
        return starts, starts + timedelta(minutes=minutes)

    def key(self, number: int) -> str:
        return self.keys[number % len(self.keys)]

    @initialize()
    def make(self) -> None:
        self.places = self.run(make_places(self.world))

    @rule(
        who=st.sampled_from([*sorted(FIRMS), "both"]),
        places=st.sampled_from(SEVERAL),
        when=TIMES,
        submit=st.sampled_from([True, True, False]),
        wait=st.booleans(),
    )
    def create(
        self, who: str, places: tuple[str, ...], when: tuple[str, int, int], *, submit: bool, wait: bool
    ) -> None:
        starts, ends = self.moments(when)
        made: list[UUID] = []

        async def work() -> None:
            text = BookingText(
                environments=tuple(self.places[one][1] for one in places),
                starts_at=starts,
                ends_at=ends,
                purpose="Try",
                operational_benefit="Fewer",
                user_benefit="Quieter",
            )
            made.append(await service.create_booking(self.world.people[who], text, submit=submit, wait=wait))

        answer = self.outcome(work())
        key = str(made[0]) if made else "refused"
        booking = Booked(who, places, starts, ends)
        assert answer == self.model.create(key, booking, datetime.now(UTC), submit=submit, wait=submit and wait)
        if made:
            self.keys.append(key)

    @precondition(lambda self: self.keys)
    @rule(
        chosen=st.lists(
            st.tuples(st.sampled_from(ACTORS), st.integers(0, 30), st.integers(0, 30), st.sampled_from(REASONS)),
            min_size=1,
            max_size=6,
        )
    )
    def steps_that_the_state_allows(self, chosen: list[tuple[str, int, int, str]]) -> None:
        for who, number, choice, reason in chosen:
            key = self.key(number)
            possible = [step for step in sorted(STEPS) if self.model.bookings[key].state in STEPS[step]]
            if possible:
                self._step(who, possible[choice % len(possible)], key, reason)
                self.agree_on_everything()

    @precondition(lambda self: self.keys)
    @rule(
        who=st.sampled_from(ACTORS),
        step=st.sampled_from(sorted(STEPS)),
        number=st.integers(0, 30),
        reason=st.sampled_from(REASONS),
    )
    def any_step(self, who: str, step: str, number: int, reason: str) -> None:
        self._step(who, step, self.key(number), reason)

    # What leads on, more often than by chance: otherwise few bookings come far.
    @precondition(lambda self: self.keys)
    @rule(number=st.integers(0, 30), back=st.booleans())
    def go_on_with(self, number: int, *, back: bool) -> None:
        key = self.key(number)
        booking = self.model.bookings[key]
        onward = {
            "draft": "submit",
            "changes_requested": "submit",
            "submitted": "approve",
            "approved": "withdraw",
            "confirmed": "cancel" if back else "start",
            "in_progress": "end_early" if back else "complete",
            "completed": "outcome",
            "waitlisted": "decline_offer" if back else "accept_offer",
        }
        if step := onward.get(booking.state):
            who = "host" if step in {"approve", "start", "complete"} else booking.owner
            self._step(who, step, key, "Because")

    def _step(self, who: str, step: str, key: str, reason: str) -> None:
        decision = OutcomeDecision.STOP if step == "outcome" else None
        work = service.move_booking(self.world.people[who], UUID(key), step, reason=reason, decision=decision)
        now = datetime.now(UTC)
        assert self.outcome(work) == self.model.step(who, step, key, now, reason), (who, step, key)

    @precondition(lambda self: self.keys)
    @rule(who=st.sampled_from(PEOPLE), number=st.integers(0, 30), when=TIMES)
    def change(self, who: str, number: int, when: tuple[str, int, int]) -> None:
        key, (starts, ends) = self.key(number), self.moments(when)
        slugs = tuple(self.places[one][1] for one in self.model.bookings[key].places)
        text = BookingText(slugs, starts, ends, "Try", "Fewer", "Quieter")
        answer = self.outcome(service.change_booking(self.world.people[who], UUID(key), text))
        assert answer == self.model.change(who, key, starts, ends)

    @precondition(lambda self: self.keys)
    @rule(
        who=st.sampled_from(ACTORS),
        number=st.integers(0, 30),
        when=TIMES,
        reason=st.sampled_from(["", "Because"]),
    )
    def move(self, who: str, number: int, when: tuple[str, int, int], reason: str) -> None:
        key, (starts, ends) = self.key(number), self.moments(when)
        wanted = Wanted(starts, ends, (), reason)
        answer = self.outcome(moving.move(self.world.people[who], UUID(key), wanted))
        assert answer == self.model.move(who, key, starts, ends, datetime.now(UTC), reason)

    @precondition(lambda self: any(one.wish for one in self.model.bookings.values()))
    @rule(who=st.sampled_from([*PEOPLE, "host", "host"]), number=st.integers(0, 30))
    def agree(self, who: str, number: int) -> None:
        wished = [key for key in self.keys if self.model.bookings[key].wish]
        key = wished[number % len(wished)]
        answer = self.outcome(moving.agree(self.world.people[who], UUID(key)))
        assert answer == self.model.agree(who, key, datetime.now(UTC))

    @precondition(lambda self: any(one.state == "approved" for one in self.model.bookings.values()))
    @rule(number=st.integers(0, 30))
    def agreement_enters_into_force(self, number: int) -> None:
        waiting = [one for one in self.model.bookings.values() if one.state == "approved"]
        firm = waiting[number % len(waiting)].firm

        async def work() -> None:
            today = datetime.now(STOCKHOLM).date()
            agreement = await factories_agreements.in_force(
                self.world.firms[firm],
                self.places["ward"][0],
                self.world.template,
                valid_from=today - timedelta(days=10),
                valid_until=today + timedelta(days=800),
            )
            await service.confirm_covered(agreement_id=agreement)

        self.run(work())
        self.model.cover(firm)

    @precondition(lambda self: any(one.state == "approved" for one in self.model.bookings.values()))
    @rule()
    def approvals_lapse(self) -> None:
        self.run(service.lapse_approvals(datetime.now(UTC) + timedelta(days=31)))
        self.model.lapse(datetime.now(UTC))

    @precondition(lambda self: any(one.state == "waitlisted" for one in self.model.bookings.values()))
    @rule()
    def offers_lapse(self) -> None:
        now = datetime.now(UTC)
        self.run(service.lapse_waits(now))
        self.model.lapse_waits(now, sorted(self.keys))

    @precondition(lambda self: self.keys and self.passed < timedelta(days=3))
    @rule(minutes=st.sampled_from([30, 90, 240, 1440]))
    def time_goes_on(self, minutes: int) -> None:
        """The clock cannot be turned, so everything that is stored is brought nearer; the guard sees each move."""
        by = timedelta(minutes=minutes)
        self.run(self._bring_nearer(by))
        self.model.go_on(by)
        self.passed += by

    async def _bring_nearer(self, by: timedelta) -> None:
        async with database.transaction():
            await database.fetch(
                "INSERT INTO audit_event (type, subject_kind, subject_id) VALUES ('test.time', 'test', '')"
            )
            await database.fetch(
                "UPDATE move_request SET starts_at = starts_at - $2::interval, ends_at = ends_at - $2::interval"
                " WHERE booking = ANY ($1::uuid[])",
                self.keys,
                by,
            )
            # The earliest first: each moves into time that is free by then.
            for key in sorted(self.keys, key=lambda one: self.model.bookings[one].starts):
                await database.fetch(
                    "UPDATE booking SET starts_at = starts_at - $2::interval, ends_at = ends_at - $2::interval,"
                    " hold_until = hold_until - $2::interval WHERE id = $1::uuid",
                    key,
                    by,
                )

    @invariant()
    def agree_on_everything(self) -> None:
        """States, times and what is held are what the model says; nothing is over its capacity."""
        if not self.keys:
            return
        rows = self.run(
            database.fetch(
                "SELECT b.id::text, b.state, b.starts_at, b.ends_at, b.hold_until, (SELECT count(*) FROM booking_hold h"
                " WHERE h.booking = b.id) AS held FROM booking b WHERE b.id = ANY ($1::uuid[])",
                self.keys,
            )
        )
        assert len(rows) == len(self.keys)
        for row in rows:
            booking = self.model.bookings[row["id"]]
            assert (row["state"], row["starts_at"], row["ends_at"]) == (booking.state, booking.starts, booking.ends)
            assert row["held"] == (len(booking.places) if booking.holds else 0), booking
            assert (row["hold_until"] is None) == (booking.hold_until is None), booking
            if row["hold_until"] and booking.hold_until:
                assert abs(row["hold_until"] - booking.hold_until) < timedelta(minutes=1), booking
        assert all(count <= PLACES[place].capacity for (place, _), count in self.model.load().items())

    def teardown(self) -> None:
        if self.places:
            assert self.run(faults([environment for environment, _ in self.places.values()])) == []


async def test_any_steps_in_any_order_do_what_the_model_says() -> None:
    BookingMachine.world = await make_world()
    BookingMachine.loop = asyncio.get_running_loop()
    await asyncio.to_thread(
        run_state_machine_as_test,
        BookingMachine,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS_EACH,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            print_blob=True,
            # Looking for the shortest way takes minutes, which the suite has not.
            phases=[Phase.explicit, Phase.reuse, Phase.generate, *([Phase.shrink] if SHORTENS else [])],
        ),
    )
