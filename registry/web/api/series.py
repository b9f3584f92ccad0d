"""Series of bookings over the API: reading one, and steps with all or several of its occurrences."""

from typing import Annotated, Any
from uuid import UUID

from litestar import get, post
from litestar.params import FromPath, JSONBody
from litestar.types import ControllerRouterHandler
from pydantic import Field

from registry.bookings import series, series_view
from registry.bookings.recurrence import MOST_OCCURRENCES
from registry.web.api.booking_shapes import verdicts, whole_series
from registry.web.authentication import API_PREFIX, CurrentActor
from registry.web.input import Input, LongText


class SeriesStep(Input):
    """A step with its reason: with the whole series, with the rest from one booking on, or with chosen bookings.

    With `partial` the bookings that the step is refused for stay as they are; without, one refusal refuses all.
    """

    reason: LongText = ""
    since: UUID | None = None
    bookings: Annotated[list[UUID], Field(min_length=1, max_length=MOST_OCCURRENCES)] | None = None
    partial: bool = False


@get(f"{API_PREFIX}/bookings/series/{{series_id:uuid}}", name="series", tags=["bookings"])
async def get_one(actor: CurrentActor, series_id: FromPath[UUID]) -> dict[str, Any]:
    """A series: its rule, its occurrences with their states, and what you may do with them."""
    return whole_series(await series_view.get_series(actor, series_id))


def _step(action: str, summary: str) -> ControllerRouterHandler:
    """A handler for one step with a series."""

    @post(
        f"{API_PREFIX}/bookings/series/{{series_id:uuid}}/{action.replace('_', '-')}",
        name=f"series_{action}",
        operation_id=f"series_{action}",
        summary=summary,
        status_code=200,
        tags=["bookings"],
    )
    async def step(
        actor: CurrentActor, series_id: FromPath[UUID], data: JSONBody[SeriesStep | None] = None
    ) -> dict[str, Any]:
        body = data or SeriesStep()
        done = await series.move_series(
            actor,
            series_id,
            action,
            only=body.bookings,
            since=body.since,
            reason=body.reason,
            partial=body.partial,
        )
        return {
            **whole_series(await series_view.get_series(actor, series_id)),
            "changed": [str(id) for id in done.changed],
            "refused": verdicts(done.left_out),
        }

    return step


HANDLERS: list[ControllerRouterHandler] = [
    get_one,
    _step("submit", "Send the whole series to the host"),
    _step("approve", "Approve a series; it holds all its times or none"),
    _step("decline", "Decline a series, with the reason"),
    _step("request_changes", "Send a series back with a question"),
    _step("withdraw", "Withdraw what is not confirmed of a series"),
    _step("cancel", "Cancel what is confirmed and to come of a series, with the reason"),
]
