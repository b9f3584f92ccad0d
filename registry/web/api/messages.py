"""The messages between the two sides of a booking, over the API."""

from typing import Annotated, Any
from uuid import UUID

from litestar import Request, get, post
from litestar.params import FromPath, JSONBody
from litestar.types import ControllerRouterHandler
from pydantic import Field

from registry.bookings import thread
from registry.bookings.rules import STOCKHOLM
from registry.bookings.thread import ThreadMessage
from registry.web.authentication import API_PREFIX, CurrentActor
from registry.web.input import Input, RequiredText, read_query
from registry.web.openapi import reads_query

AnyRequest = Request[Any, Any, Any]
PATH = f"{API_PREFIX}/bookings/{{booking_id:uuid}}/messages"


class NewMessage(Input):
    """A message to the other side."""

    text: RequiredText


class MessageFilter(Input):
    """Which page of the messages."""

    page: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    page_size: Annotated[int, Field(ge=1, le=100)] = 50


@get(PATH, operation_class=reads_query(MessageFilter), tags=["bookings"])
async def list_messages(request: AnyRequest, actor: CurrentActor, booking_id: FromPath[UUID]) -> dict[str, Any]:
    """What the requester and the host have written, oldest first; `state` is set where it was the reason of a step."""
    wanted = read_query(request, MessageFilter)
    found, total = await thread.list_messages(actor, booking_id, page=wanted.page, page_size=wanted.page_size)
    return {
        "items": [_shape(one) for one in found],
        "total": total,
        "page": wanted.page,
        "page_size": wanted.page_size,
    }


@post(PATH, tags=["bookings"])
async def send_message(actor: CurrentActor, booking_id: FromPath[UUID], data: JSONBody[NewMessage]) -> dict[str, Any]:
    """Write to the other side, which is told by mail."""
    return _shape(await thread.get_message(await thread.send_message(actor, booking_id, data.text)))


def _shape(one: ThreadMessage) -> dict[str, Any]:
    return {
        "id": one.id,
        "side": one.side.value,
        "by": one.author,
        "state": one.state.value if one.state else None,
        "text": one.text,
        "sent_at": one.created_at.astimezone(STOCKHOLM).isoformat(),
    }


HANDLERS: list[ControllerRouterHandler] = [list_messages, send_message]
