"""Deciding on several requests at once: each is a decision of its own, and each tells how it went."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from registry.access import Actor, Permission, require
from registry.bookings import service
from registry.bookings.states import BookingState
from registry.errors import N_, DomainError, InvalidInput, Message, invalid, message

# As many as a page of the desk shows.
MOST = 50
ACTIONS = ("approve", "decline", "request_changes", "waitlist")
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Chosen:
    """A booking that was ticked, with its `sequence` as the page had it."""

    id: UUID
    seen: int


@dataclass(frozen=True)
class Decided:
    """How it went with one: its new state, or why nothing was done."""

    id: UUID
    state: BookingState | None
    refusal: Message | None


async def decide_each(
    actor: Actor, action: str, chosen: Sequence[Chosen], reasons: Mapping[UUID, str]
) -> list[Decided]:
    """Take the same step with every booking that was ticked and with no other, one after the other in their order.

    What is refused, or fails, is told beside what was done; neither keeps the next from its turn.

    Raises:
        NotSignedIn, NotPermitted: the actor hosts nothing.
        InvalidInput: nothing is ticked, or more than 50, or the step is none of the four decisions.
    """
    require(actor, Permission.BOOKING_DECIDE)
    if action not in ACTIONS:
        raise invalid("action", N_("Choose what you want to do with them."))
    each = list({one.id: one for one in chosen}.values())
    if not each:
        raise invalid("chosen", N_("Choose at least one request."))
    if len(each) > MOST:
        raise invalid("chosen", N_("Choose at most %(most)s requests at a time."), most=MOST)
    return [await _decide(actor, action, one, reasons.get(one.id, "")) for one in each]


async def _decide(actor: Actor, action: str, one: Chosen, reason: str) -> Decided:
    try:
        state = await service.move_booking(actor, one.id, action, reason=reason, seen=one.seen)
    except InvalidInput as error:
        return Decided(one.id, None, error.errors[0].message)
    except DomainError as error:
        return Decided(one.id, None, error.detail)
    except Exception:  # noqa: BLE001  # those before it are decided already, so the page has to come whatever this is
        _log.exception("a decision in bulk failed")
        return Decided(one.id, None, message(N_("Something went wrong here, and nothing was done. Try again.")))
    return Decided(one.id, state, None)
