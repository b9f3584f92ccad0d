"""Moving bookings, and recording and publishing outcomes, over the API."""

from typing import Any
from uuid import UUID

from litestar import post
from litestar.params import FromPath, JSONBody
from litestar.types import ControllerRouterHandler

from registry.bookings import moving, outcomes
from registry.bookings.moving import Wanted
from registry.web.api.booking_step_shapes import Answer, Move, OutcomeInput, PublicText
from registry.web.api.bookings import answer
from registry.web.authentication import API_PREFIX, CurrentActor

_ONE = f"{API_PREFIX}/bookings/{{booking_id:uuid}}"


@post(f"{_ONE}/move", status_code=200, tags=["bookings"])
async def move(actor: CurrentActor, booking_id: FromPath[UUID], data: JSONBody[Move]) -> dict[str, Any]:
    """Move a booking. Once it is approved its requester asks (see `move_request`), and the host decides.

    The old time is kept until the new one is held.
    """
    wanted = Wanted(data.starts_at, data.ends_at, tuple(data.environments), data.reason, data.sequence)
    await moving.move(actor, booking_id, wanted)
    return await answer(actor, booking_id)


@post(f"{_ONE}/agree-to-move", status_code=200, tags=["bookings"])
async def agree_to_move(actor: CurrentActor, booking_id: FromPath[UUID]) -> dict[str, Any]:
    """Move the booking as its requester asks."""
    await moving.agree(actor, booking_id)
    return await answer(actor, booking_id)


@post(f"{_ONE}/refuse-to-move", status_code=200, tags=["bookings"])
async def refuse_to_move(
    actor: CurrentActor, booking_id: FromPath[UUID], data: JSONBody[Answer | None] = None
) -> dict[str, Any]:
    """Let the booking stay where it is, with the reason."""
    await moving.refuse(actor, booking_id, data.reason if data else "")
    return await answer(actor, booking_id)


@post(f"{_ONE}/take-back-move", status_code=200, tags=["bookings"])
async def take_back_move(actor: CurrentActor, booking_id: FromPath[UUID]) -> dict[str, Any]:
    """Take back the wish to move the booking."""
    await moving.take_back(actor, booking_id)
    return await answer(actor, booking_id)


@post(f"{_ONE}/outcome", status_code=200, tags=["bookings"])
async def outcome(
    actor: CurrentActor, booking_id: FromPath[UUID], data: JSONBody[OutcomeInput | None] = None
) -> dict[str, Any]:
    """Record what the test showed, its effects in the strategy's perspectives, and the decision."""
    await outcomes.record_outcome(actor, booking_id, (data or OutcomeInput()).outcome())
    return await answer(actor, booking_id)


@post(f"{_ONE}/outcome-text", status_code=200, tags=["bookings"])
async def outcome_text(actor: CurrentActor, booking_id: FromPath[UUID], data: JSONBody[PublicText]) -> dict[str, Any]:
    """Write what everybody may read about the outcome. By the requester's side it is agreed to; by a host it waits."""
    await outcomes.write_text(actor, booking_id, text_sv=data.sv, text_en=data.en)
    return await answer(actor, booking_id)


@post(f"{_ONE}/agree-to-publish", status_code=200, tags=["bookings"])
async def agree_to_publish(actor: CurrentActor, booking_id: FromPath[UUID]) -> dict[str, Any]:
    """Agree for the requester's organisation to the text as it is now."""
    await outcomes.agree(actor, booking_id)
    return await answer(actor, booking_id)


@post(f"{_ONE}/publish-outcome", status_code=200, tags=["bookings"])
async def publish_outcome(actor: CurrentActor, booking_id: FromPath[UUID]) -> dict[str, Any]:
    """Show the agreed text on the pages of the booking's environments."""
    await outcomes.publish(actor, booking_id)
    return await answer(actor, booking_id)


@post(f"{_ONE}/remove-outcome", status_code=200, tags=["bookings"])
async def remove_outcome(actor: CurrentActor, booking_id: FromPath[UUID]) -> dict[str, Any]:
    """Take the text down at once; the requester's side takes its consent back by this."""
    await outcomes.remove(actor, booking_id)
    return await answer(actor, booking_id)


HANDLERS: list[ControllerRouterHandler] = [
    move,
    agree_to_move,
    refuse_to_move,
    take_back_move,
    outcome,
    outcome_text,
    agree_to_publish,
    publish_outcome,
    remove_outcome,
]
