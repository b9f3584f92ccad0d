"""The hosts' decision on a series of bookings: on the whole of it, or on chosen times."""

from typing import Annotated, Any
from uuid import UUID

from litestar import Request, get, post
from litestar.params import FromPath
from litestar.response import Redirect, Template
from litestar.types import ControllerRouterHandler
from pydantic import Field

from registry.access import Actor, Permission, require
from registry.bookings import series, series_view
from registry.bookings.recurrence import MOST_OCCURRENCES
from registry.errors import N_, DomainError, FieldError, InvalidInput, NotFound, invalid
from registry.web import language
from registry.web.authentication import CurrentActor
from registry.web.input import Input, LongText, form_values, parse
from registry.web.rendering import go_to, page
from registry.web.series_words import rule_words

AnyRequest = Request[Any, Any, Any]
ACTIONS = ("approve", "request_changes", "decline", "cancel")


class SeriesDecision(Input):
    """What a host decides, on which times; `partial` lets those that can be approved be approved."""

    bookings: Annotated[list[UUID], Field(max_length=MOST_OCCURRENCES)] = []  # noqa: RUF012  # Pydantic copies it
    reason: LongText = ""
    partial: bool = False


@get("/desk/series/{series_id:uuid}", include_in_schema=False)
async def case(request: AnyRequest, actor: CurrentActor, series_id: FromPath[UUID]) -> Template:
    """A series with all its times, for deciding."""
    return await _case(request, actor, series_id)


@post("/desk/series/{series_id:uuid}/{action:str}", include_in_schema=False)
async def decide(
    request: AnyRequest, actor: CurrentActor, series_id: FromPath[UUID], action: FromPath[str]
) -> Redirect | Template:
    """Decide on the chosen times of a series: on all of them or, unless the host says otherwise, on none."""
    require(actor, Permission.BOOKING_DECIDE)
    name = action.replace("-", "_")
    if name not in ACTIONS:
        raise NotFound
    raw = await form_values(request, SeriesDecision)
    try:
        form = parse(SeriesDecision, raw)
        if not form.bookings:
            raise invalid("bookings", N_("Choose at least one of the times."))
        done = await series.move_series(
            actor, series_id, name, only=form.bookings, reason=form.reason, partial=form.partial
        )
    except InvalidInput as error:
        return await _case(request, actor, series_id, errors=error.errors, typed=raw, status=422)
    except DomainError as error:
        if error.status != DomainError.status:
            raise
        return await _case(request, actor, series_id, clash=error, typed=raw, status=409)
    return go_to(f"/desk/series/{series_id}", "series-partly" if done.left_out else "series-changed")


async def _case(
    request: AnyRequest,
    actor: Actor,
    series_id: UUID,
    *,
    errors: list[FieldError] | None = None,
    clash: DomainError | None = None,
    typed: dict[str, Any] | None = None,
    status: int = 200,
) -> Template:
    require(actor, Permission.BOOKING_DECIDE)
    view = await series_view.get_series(actor, series_id)
    actions = [action for action in ACTIONS if action in view.actions]
    open_to = {id for action in actions for id in view.actions[action]}
    return page(
        request,
        "desk/series.html",
        status=status,
        view=view,
        booking=view.bookings[0],
        rule=rule_words(view),
        actions=actions,
        open_to=open_to,
        chosen={str(one) for one in (typed or {}).get("bookings", view.actions.get("approve", []))},
        refused=_refused(clash),
        errors=language.say_errors(errors),
        typed={"reason": "", **(typed or {})},
        clash={"title": language.gettext(clash.title), "detail": language.say(clash.detail)} if clash else None,
        breadcrumbs=[("/desk/bookings", language.gettext("Bookings desk")), (None, language.gettext("Series"))],
    )


def _refused(clash: DomainError | None) -> dict[int, str]:
    """Why a step was refused, by the number of the time."""
    found: Any = clash.extra.get("occurrences", []) if clash else []
    return {one["number"]: language.say(one["reason"]) for one in found if one["reason"]}


HANDLERS: list[ControllerRouterHandler] = [case, decide]
