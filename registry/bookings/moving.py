"""Moving a booking to another time, or to other environments of the same host.

A request that waits for a decision is moved by its requester at once. An approved or confirmed booking is moved by
its host, with a reason; its requester asks, keeps the old time meanwhile, and the host decides. The old time is given
back only when the new one is held, in one transaction, and the agreements are then checked anew.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from registry import database, transitions
from registry.access import Actor
from registry.audit.service import EventType, record
from registry.bookings import (
    assessments,
    holds,
    meanwhile,
    move_requests,
    notices,
    queries,
    requests,
    rules,
    service,
    thread,
    waitlist,
)
from registry.bookings.codes import NoticeEvent
from registry.bookings.move_requests import MoveWish, NewTime
from registry.bookings.queries import BookingRow
from registry.bookings.states import MOVE_TRANSITIONS, TRANSITIONS, BookingState, MoveState
from registry.bookings.tables import BookingEnvironment
from registry.entries import queries as entries
from registry.entries.queries import EntryView
from registry.errors import (
    N_,
    NotPermitted,
    RuleBroken,
    invalid,
    message,
)


@dataclass(frozen=True)
class Wanted:
    """What somebody asks for: aware times; `environments` are slugs, none meaning those that the booking has.

    `read_sequence` is the number of the version that they have read, where they say it.
    """

    starts_at: datetime
    ends_at: datetime
    environments: tuple[str, ...] = ()
    reason: str = ""
    read_sequence: int | None = None


async def move(actor: Actor, booking_id: UUID, wanted: Wanted) -> bool:
    """Move a booking, or ask its host to; whether it has been moved already.

    Raises:
        NotFound, NotPermitted, TransitionNotAllowed.
        EditedMeanwhile: somebody else changed the booking after the actor read it, or at the same moment.
        InvalidInput: the times are in the wrong order or the same as before, or the host gives no reason.
        TimeTaken: somebody else has the new time; with alternatives. The booking keeps its old time.
        RuleBroken: it has begun, the new time cannot be booked, or somebody has asked already.
    """
    requests.require_times(wanted.starts_at, wanted.ends_at)
    async with database.transaction(), _unchanged(actor, booking_id, wanted.read_sequence) as row:
        facts = await queries.facts_of(row)
        transitions.apply(TRANSITIONS, "move", facts.state)
        if refusal := rules.can_move(actor, facts):
            raise (RuleBroken if rules.may_move.allows(actor, facts) else NotPermitted)(refusal)
        await assessments.require_no_block(row["id"])
        environments = await _environments(actor, row, wanted)
        new = NewTime(
            tuple(one.id for one in environments),
            wanted.starts_at.astimezone(UTC),
            wanted.ends_at.astimezone(UTC),
        )
        is_hosts_move = facts.state is not BookingState.SUBMITTED and rules.can_decide.allows(actor, facts)
        if is_hosts_move and not wanted.reason:
            raise invalid("reason", N_("Write the reason, so that the other side understands."))
        if not is_hosts_move:
            # What a new request for this time would be refused for. A host knows better than the timetable.
            requests.require_fit(environments, {**row, "starts_at": new.starts_at, "ends_at": new.ends_at})
        else:
            _require_within_reason(environments, row, new)
        if wanted.reason:
            await thread.add_reason(actor, row, facts.state, wanted.reason)
        if is_hosts_move or facts.state is BookingState.SUBMITTED:
            _require_still_bookable(environments, row, new)
            await _do_move(actor, row, new, wanted.reason)
        else:
            await _ask(actor, row, new, wanted.reason)
    return is_hosts_move or facts.state is BookingState.SUBMITTED


@asynccontextmanager
async def _unchanged(actor: Actor, booking_id: UUID, read_sequence: int | None) -> AsyncIterator[Mapping[str, Any]]:
    """The booking, locked. Of two who move it at once the second one is told, whatever version they say they read."""
    seen = await database.fetch_one("SELECT sequence FROM booking WHERE id = $1", booking_id)
    row = await service.locked(actor, booking_id)
    known = read_sequence if read_sequence is not None or seen is None else seen["sequence"]
    await meanwhile.require_unchanged(row, known)
    yield row


async def _environments(actor: Actor, row: Mapping[str, Any], wanted: Wanted) -> list[EntryView]:
    now_in = await holds.environments_of(row["id"])
    new = await requests.environments_asked(actor, wanted.environments) if wanted.environments else now_in
    hosts = {(one.accountable_body, one.unit) for one in now_in}
    for environment in new:
        if (environment.accountable_body, environment.unit) not in hosts:
            raise RuleBroken(
                message(N_("“%(slug)s” has another host. Make a new request for it."), slug=environment.slug)
            )
    is_same_place = {one.id for one in new} == {one.id for one in now_in}
    if is_same_place and (row["starts_at"], row["ends_at"]) == (wanted.starts_at, wanted.ends_at):
        raise invalid("starts_at", N_("The booking has this time already. Choose another one."))
    return new


async def places(actor: Actor, booking: BookingRow) -> list[EntryView]:
    """Where a booking of one environment can be moved to, its own first: what the same host has, and the actor may see.

    A booking of several stays where it is.
    """
    own = await entries.environments_by_id(one.id for one in booking.environments)
    if len(own) > 1:
        return list(own.values())
    rows = await database.fetch(
        "SELECT e.slug FROM booking_environment be JOIN entry mine ON mine.id = be.environment"
        " JOIN entry e ON e.accountable_body = mine.accountable_body AND e.unit IS NOT DISTINCT FROM mine.unit"
        " JOIN environment v ON v.id = e.id WHERE be.booking = $1 AND e.status = 'published' AND NOT e.ended"
        " AND $2 = ANY (v.bookable_by) AND e.id <> mine.id ORDER BY e.title_sv, e.slug LIMIT 100",
        booking.id,
        booking.audience,
    )
    slugs = [row["slug"] for row in rows]
    found = await entries.environments_by_slug(actor, slugs)
    return [*own.values(), *(found[slug] for slug in slugs if slug in found)]


def _require_still_bookable(environments: Sequence[EntryView], row: Mapping[str, Any], new: NewTime) -> None:
    for environment in environments:
        if reason := rules.still_bookable(environment, row["audience"], new.starts_at, datetime.now(UTC)):
            raise RuleBroken(reason, environment=environment.slug)


def _require_within_reason(environments: Sequence[EntryView], row: Mapping[str, Any], new: NewTime) -> None:
    """A host's slip of the pen is no time. A booking that is as long as before is no longer than it may be."""
    for environment in environments:
        is_as_long = new.ends_at - new.starts_at == row["ends_at"] - row["starts_at"]
        reason = rules.is_too_far(environment, new.ends_at, datetime.now(UTC)) or (
            None if is_as_long else rules.has_a_good_length(environment, new.ends_at - new.starts_at)
        )
        if reason:
            raise RuleBroken(reason, environment=environment.slug)


async def _ask(actor: Actor, row: Mapping[str, Any], new: NewTime, reason: str) -> None:
    await _try_new_time(actor, row, new)
    await move_requests.store(actor, row["id"], new, reason)
    wanted = {"starts_at": new.starts_at.isoformat(), "ends_at": new.ends_at.isoformat()}
    await record(actor, EventType.BOOKING_MOVE_ASKED, row["id"], wanted)
    await notices.tell(actor, row["id"], NoticeEvent.MOVE_ASKED, reason=reason)


async def agree(actor: Actor, booking_id: UUID) -> None:
    """Move an approved or confirmed booking as its requester has asked.

    Raises:
        NotFound, NotPermitted; RuleBroken: nobody asks, or it cannot be moved any more.
        TimeTaken: somebody else has got the new time meanwhile. The booking keeps its old time.
    """
    async with database.transaction():
        row, wish = await _decided(actor, booking_id, "agree")
        await assessments.require_no_block(booking_id)
        new = NewTime(tuple(one.id for one in wish.environments), wish.starts_at, wish.ends_at)
        views = await entries.environments_by_id(new.environments)
        _require_still_bookable(list(views.values()), row, new)
        await move_requests.answer(actor, wish.id, MoveState.AGREED, "")
        await _do_move(actor, row, new, wish.reason)


async def refuse(actor: Actor, booking_id: UUID, reason: str) -> None:
    """Let an approved or confirmed booking stay where it is, although its requester asks for a new time.

    Raises:
        NotFound, NotPermitted; RuleBroken: nobody asks. InvalidInput: the reason is missing.
    """
    if not reason:
        raise invalid("reason", N_("Write the reason, so that the other side understands."))
    async with database.transaction():
        row, wish = await _decided(actor, booking_id, "refuse")
        await move_requests.answer(actor, wish.id, MoveState.REFUSED, reason)
        await thread.add_reason(actor, row, BookingState(row["state"]), reason)
        await record(actor, EventType.BOOKING_MOVE_ANSWERED, booking_id, {"answer": MoveState.REFUSED.value})
        await notices.tell(actor, booking_id, NoticeEvent.MOVE_REFUSED, reason=reason)


async def take_back(actor: Actor, booking_id: UUID) -> None:
    """Take back the wish to move a booking.

    Raises:
        NotFound; NotPermitted: the actor is neither the requester nor a colleague. RuleBroken: nobody asks.
    """
    async with database.transaction():
        _, wish = await _decided(actor, booking_id, "withdraw")
        await move_requests.answer(actor, wish.id, MoveState.WITHDRAWN, "")
        await record(actor, EventType.BOOKING_MOVE_ANSWERED, booking_id, {"answer": MoveState.WITHDRAWN.value})


async def _decided(actor: Actor, booking_id: UUID, action: str) -> tuple[Mapping[str, Any], MoveWish]:
    """The locked booking and its open wish, once the actor may take this step with it."""
    row = await service.locked(actor, booking_id)
    facts = await queries.facts_of(row)
    who = rules.is_requester if action == "withdraw" else rules.can_decide
    if refusal := who(actor, facts):
        raise NotPermitted(refusal)
    wish = await move_requests.open_wish(booking_id)
    if wish is None:
        raise RuleBroken(message(N_("Nobody asks to move this booking any more. Look at it again.")))
    transitions.apply(MOVE_TRANSITIONS, action, MoveState.ASKED)
    if action == "agree" and (refusal := rules.can_move(actor, facts)):
        raise RuleBroken(refusal)
    return row, wish


async def _do_move(actor: Actor, row: Mapping[str, Any], new: NewTime, reason: str) -> None:
    """Move a booking, with everything that follows."""
    before = [one.id for one in await holds.environments_of(row["id"])]
    state = transitions.apply(TRANSITIONS, "move", BookingState(row["state"]))
    changes: dict[str, Any] = {"state": state.value, "hold_until": None, "agreement_lost_at": None}
    if state is BookingState.APPROVED:
        views = await entries.environments_by_id(new.environments)
        days = min(one.approval_days for one in views.values())
        changes["hold_until"] = min(datetime.now(UTC) + timedelta(days=days), new.starts_at)
    else:
        await _try_new_time(actor, row, new)
    await _take_new_time(actor, row, new, changes)
    await move_requests.close(row["id"])
    await record(
        actor,
        EventType.BOOKING_MOVED,
        row["id"],
        {
            "action": "move",
            "from": row["state"],
            "to": state.value,
            "was": row["starts_at"].isoformat(),
            "starts_at": new.starts_at.isoformat(),
            "environments": list(new.environments),
        },
    )
    if rules.holds_time(row["state"], row["hold_until"]):
        await holds.index_sites(row["id"])
        await waitlist.offer_freed(row, before)
    after = {**row, **changes, "starts_at": new.starts_at, "ends_at": new.ends_at}
    if rules.is_requester.allows(actor, await queries.facts_of(row)):
        # A host acts for nobody else's organisation; the requester can have them prepared from the booking's page.
        await service.open_missing(actor, after)
    if state is BookingState.APPROVED:
        await service.settle(after)
    await notices.tell(actor, row["id"], NoticeEvent.MOVED, reason=reason, about=row["starts_at"])


async def _try_new_time(actor: Actor, row: Mapping[str, Any], new: NewTime) -> None:
    """Raises TimeTaken unless the new time is free; asked of the guard itself, which holds it for a moment."""
    before = await database.current_transaction().savepoint("before_trying")
    await _take_new_time(actor, row, new, {"state": BookingState.APPROVED.value, "agreement_lost_at": None})
    await before.rollback_to()  # type: ignore[no-untyped-call]  # Piccolo leaves it untyped


async def _take_new_time(actor: Actor, row: Mapping[str, Any], new: NewTime, changes: Mapping[str, Any]) -> None:
    """Give back the old time and take the new one; a refusal by the guard leaves everything as it was."""
    booking_id = row["id"]
    old = await database.fetch("SELECT environment FROM booking_environment WHERE booking = $1", booking_id)
    environments = await entries.environments_by_id(new.environments)
    times = {"starts_at": new.starts_at, "ends_at": new.ends_at}
    # In one order, before anything is given back: two who swap places must not wait for each other for ever.
    await holds.lock_sites([*(one["environment"] for one in old), *new.environments])
    is_same_place = {one["environment"] for one in old} == set(new.environments)
    async with holds.time_is_held(actor, {**row, **times}, list(environments.values())):
        if not is_same_place:
            await BookingEnvironment.delete().where(BookingEnvironment.booking == booking_id)
        await holds.update(booking_id, {**times, **changes})
        if not is_same_place:
            await BookingEnvironment.insert(
                *[BookingEnvironment(booking=booking_id, environment=one) for one in new.environments]
            )
