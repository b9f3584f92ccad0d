"""A series of bookings: its last step before it is sent, and its page with all occurrences."""

from typing import Annotated, Any
from uuid import UUID

from litestar import Request, get, post
from litestar.params import FromPath
from litestar.response import Redirect, Template
from litestar.types import ControllerRouterHandler

from registry.access import Actor
from registry.bookings import holds, series, series_view
from registry.bookings.queries import BookingView
from registry.bookings.series_view import SERIES_ACTIONS
from registry.errors import DomainError, FieldError, InvalidInput, NotFound
from registry.web import language
from registry.web.authentication import CurrentActor
from registry.web.input import BlankIsNone, Input, LongText, form_values, parse, read_form
from registry.web.pages.booking_plans import step_labels, verdict_rows
from registry.web.rendering import go_to, page
from registry.web.series_words import rule_words

AnyRequest = Request[Any, Any, Any]
# What the requester does on the series' own page; hosts decide at the desk.
_OWN_ACTIONS = ("withdraw", "cancel")


class SendForm(Input):
    """The last step of a series."""

    partial: bool = False


class SeriesStepForm(Input):
    """A step with the whole series, or with the rest of it from one booking on."""

    reason: LongText = ""
    since: Annotated[UUID | None, BlankIsNone] = None


async def review_page(
    request: AnyRequest, actor: Actor, view: BookingView, *, clash: DomainError | None = None
) -> Template:
    """The last step: what is sent, and what is to be expected of each time."""
    environments = await holds.environments_of(view.booking.id)
    verdicts = await series.forecast(actor, view.booking.series)
    return page(
        request,
        "bookings/series_review.html",
        status=409 if clash else 200,
        booking=view.booking,
        environment=environments[0],
        step_labels=step_labels(),
        answer_days=max(one.answer_days for one in environments),
        rows=verdict_rows(verdicts),
        fitting=sum(verdict.fits for verdict in verdicts),
        total=len(verdicts),
        clash={"title": language.gettext(clash.title), "detail": language.say(clash.detail)} if clash else None,
        breadcrumbs=[("/bookings", language.gettext("Bookings")), (None, language.gettext("New booking"))],
    )


async def send(request: AnyRequest, actor: Actor, view: BookingView) -> Redirect | Template:
    """Send the series; what cannot be had any longer stays a draft where the person has said so."""
    form = await read_form(request, SendForm)
    try:
        await series.move_series(actor, view.booking.series, "submit", partial=form.partial)
    except InvalidInput:
        raise
    except DomainError as error:
        if error.status != DomainError.status:
            raise
        return await review_page(request, actor, view, clash=error)
    return go_to(f"/bookings/series/{view.booking.series}", "series-sent")


@get("/bookings/series/{series_id:uuid}", include_in_schema=False)
async def series_page(request: AnyRequest, actor: CurrentActor, series_id: FromPath[UUID]) -> Template:
    """A series: how it comes back, each of its times with its state, and what the reader can do with all of them."""
    return await _series_page(request, actor, series_id)


@post("/bookings/series/{series_id:uuid}/{action:str}", include_in_schema=False)
async def take_step(
    request: AnyRequest, actor: CurrentActor, series_id: FromPath[UUID], action: FromPath[str]
) -> Redirect | Template:
    """Take a step with the whole series or the rest of it."""
    name = action.replace("-", "_")
    if name not in SERIES_ACTIONS:
        raise NotFound
    raw = await form_values(request, SeriesStepForm)
    try:
        form = parse(SeriesStepForm, raw)
        await series.move_series(actor, series_id, name, since=form.since, reason=form.reason)
    except InvalidInput as error:
        return await _series_page(request, actor, series_id, errors=error.errors, typed=raw)
    return go_to(f"/bookings/series/{series_id}", "series-changed")


async def _series_page(
    request: AnyRequest,
    actor: Actor,
    series_id: UUID,
    *,
    errors: list[FieldError] | None = None,
    typed: dict[str, Any] | None = None,
) -> Template:
    view = await series_view.get_series(actor, series_id)
    return page(
        request,
        "bookings/series.html",
        status=422 if errors else 200,
        view=view,
        booking=view.bookings[0],
        rule=rule_words(view),
        own_actions=[
            (action, [booking for booking in view.bookings if booking.id in view.actions[action]])
            for action in _OWN_ACTIONS
            if action in view.actions
        ],
        errors=language.say_errors(errors),
        typed={"since": "", "reason": "", **(typed or {})},
        breadcrumbs=[("/bookings", language.gettext("Bookings")), (None, language.gettext("Series"))],
    )


HANDLERS: list[ControllerRouterHandler] = [series_page, take_step]
