"""The hosts' desk: what waits for a decision, oldest first, and the case beside it."""

from typing import Any
from uuid import UUID

from litestar import Request, get, post
from litestar.params import FromPath
from litestar.response import Redirect, Template
from litestar.types import ControllerRouterHandler

from registry.access import Actor, Permission, require
from registry.bookings import assessments, queries, rules, service
from registry.bookings.queries import BookingView
from registry.bookings.states import BookingState
from registry.errors import N_, DomainError, FieldError, InvalidInput, NotFound
from registry.web import language
from registry.web.authentication import CurrentActor
from registry.web.booking_status import next_step, timeline
from registry.web.booking_steps import steps_of
from registry.web.input import read_form
from registry.web.labels import options
from registry.web.pages.bookings import StepForm
from registry.web.rendering import go_to, page

AnyRequest = Request[Any, Any, Any]


@get("/desk/bookings", include_in_schema=False)
async def desk(request: AnyRequest, actor: CurrentActor) -> Template:
    """The queue, with its first case."""
    return await _desk(request, actor, None)


@get("/desk/bookings/{booking_id:uuid}", include_in_schema=False)
async def case(request: AnyRequest, actor: CurrentActor, booking_id: FromPath[UUID]) -> Template:
    """The queue, with one case."""
    return await _desk(request, actor, booking_id)


@post("/desk/bookings/{booking_id:uuid}/{action:str}", include_in_schema=False)
async def decide(
    request: AnyRequest, actor: CurrentActor, booking_id: FromPath[UUID], action: FromPath[str]
) -> Redirect | Template:
    """Take a step of the state table from the desk."""
    require(actor, Permission.BOOKING_DECIDE)
    name = action.replace("-", "_")
    if name not in rules.can_take:
        raise NotFound
    form = await read_form(request, StepForm)
    try:
        await service.move_booking(actor, booking_id, name, reason=form.reason, decision=form.decision)
    except InvalidInput as error:
        return await _desk(request, actor, booking_id, errors=error.errors, status=422)
    except DomainError as error:
        if error.status != DomainError.status:
            raise
        return await _desk(request, actor, booking_id, clash=error, status=409)
    return go_to(f"/desk/bookings/{booking_id}", "booking-changed")


async def _desk(
    request: AnyRequest,
    actor: Actor,
    booking_id: UUID | None,
    *,
    errors: list[FieldError] | None = None,
    clash: DomainError | None = None,
    status: int = 200,
) -> Template:
    require(actor, Permission.BOOKING_DECIDE)
    queue = await queries.waiting_for_host(actor)
    chosen = booking_id or (queue[0].id if queue else None)
    view: BookingView | None = await queries.get_booking(actor, chosen) if chosen else None
    return page(
        request,
        "desk/bookings.html",
        status=status,
        queues=[
            (label, [row for row in queue if (row.state == BookingState.SUBMITTED) == waits])
            for label, waits in (
                (language.gettext(N_("Waits for your decision")), True),
                (language.gettext(N_("To follow up")), False),
            )
        ],
        view=view,
        booking=view.booking if view else None,
        assessment=await assessments.of_booking(actor, view) if view else None,
        extra=await steps_of(actor, view) if view else None,
        competing=await queries.competing(view.booking.id) if view else [],
        steps=timeline(view, for_host=True) if view else [],
        next_step=next_step(view, for_host=True) if view else None,
        outcome_options=options("outcome"),
        errors=language.say_errors(errors),
        clash={"title": language.gettext(clash.title), "detail": language.say(clash.detail)} if clash else None,
        breadcrumbs=[(None, language.gettext("Bookings desk"))],
    )


HANDLERS: list[ControllerRouterHandler] = [desk, case, decide]
