"""Bookings: the list, the request step by step, and the page of one booking."""

from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Annotated, Any
from uuid import UUID

from litestar import Request, get, post
from litestar.params import FromPath
from litestar.response import Redirect, Template
from litestar.types import ControllerRouterHandler
from pydantic import Field

from registry.access import Actor, Permission, Role, require_signed_in
from registry.bookings import assessments, holds, queries, rules, service, thread
from registry.bookings.codes import OutcomeDecision
from registry.bookings.queries import BookingView
from registry.bookings.requests import BookingText
from registry.bookings.series_drafts import change_request
from registry.bookings.states import BookingState
from registry.entries import queries as entries
from registry.entries.codes import Audience
from registry.entries.queries import EntryView
from registry.errors import DomainError, FieldError, InvalidInput, NotFound, RuleBroken, TimeTaken
from registry.web import language
from registry.web.authentication import CurrentActor
from registry.web.booking_status import next_step, timeline
from registry.web.booking_steps import steps_of
from registry.web.calendar import new_booking_url
from registry.web.input import BlankIsNone, Input, LongText, form_values, parse, read_form, read_query
from registry.web.labels import options
from registry.web.pages.booking_forms import (
    FORMS,
    NewBooking,
    TimeForm,
    changed_text,
    moments,
    prefilled,
    text_of,
    values_of,
    when_of,
)
from registry.web.pages.booking_plans import (
    is_more,
    more_context,
    plan,
    side_by_side,
    step_labels,
)
from registry.web.pages.series import review_page
from registry.web.pages.series import send as send_series
from registry.web.rendering import go_to, page
from registry.web.thread import MessageForm, thread_of

AnyRequest = Request[Any, Any, Any]
STEPS = ("time", "test", "benefit", "terms", "review")
PAGE_SIZE = 20


class StepForm(Input):
    """A step of the state table, taken from the page of a booking."""

    reason: LongText = ""
    decision: Annotated[OutcomeDecision | None, BlankIsNone] = None


class ListFilter(Input):
    page: Annotated[int, Field(ge=1, le=1_000_000)] = 1


@get("/bookings", include_in_schema=False)
async def list_page(request: AnyRequest, actor: CurrentActor) -> Template:
    """The reader's bookings, latest first."""
    wanted = read_query(request, ListFilter)
    rows, total = await queries.list_bookings(actor, page=wanted.page, page_size=PAGE_SIZE)
    return page(
        request,
        "bookings/list.html",
        bookings=rows,
        total=total,
        page_number=wanted.page,
        pages=-(-total // PAGE_SIZE),
        may_book=actor.may(Permission.BOOKING_CREATE),
        breadcrumbs=[(None, language.gettext("Bookings"))],
    )


@get("/bookings/new", include_in_schema=False)
async def new_page(request: AnyRequest, actor: CurrentActor) -> Template:
    """The first step: choose a time."""
    require_signed_in(actor)
    wanted = read_query(request, NewBooking)
    environment = await _environment(actor, wanted.environment)
    return await _time_page(request, environment, prefilled(wanted), booking_id=None, week=wanted.week)


@post("/bookings/new", include_in_schema=False)
async def create(request: AnyRequest, actor: CurrentActor) -> Redirect | Template:
    """Keep the time as a draft and go on to the second step."""
    require_signed_in(actor)
    raw = await form_values(request, TimeForm)
    environment = await _environment(actor, str(raw.get("environment", "")))
    if is_more(raw):
        show = partial(_time_page, request, environment, raw, booking_id=None)
        return await plan(request, actor, raw, when=partial(when_of, raw), text=BookingText(), show=show)
    try:
        form = parse(TimeForm, raw)
        starts_at, ends_at = moments(form)
        await _require_fit(actor, environment, starts_at, ends_at, may_wait=form.wait)
        text = BookingText(environments=(environment.slug,), starts_at=starts_at, ends_at=ends_at)
        booking_id = await service.create_booking(actor, text)
    except InvalidInput as error:
        return await _time_page(request, environment, raw, booking_id=None, errors=error.errors)
    except TimeTaken as error:
        return await _time_page(request, environment, raw, booking_id=None, clash=error)
    return go_to(f"/bookings/{booking_id}/edit/test")


@get("/bookings/{booking_id:uuid}/edit/{step:str}", include_in_schema=False)
async def step_page(
    request: AnyRequest, actor: CurrentActor, booking_id: FromPath[UUID], step: FromPath[str]
) -> Template:
    """One step of the request."""
    view = await _draft(actor, booking_id, step)
    if step == "review" and view.booking.series:
        return await review_page(request, actor, view)
    return await _step_page(request, actor, view, step, values_of(view))


@post("/bookings/{booking_id:uuid}/edit/{step:str}", include_in_schema=False)
async def save_step(
    request: AnyRequest, actor: CurrentActor, booking_id: FromPath[UUID], step: FromPath[str]
) -> Redirect | Template:
    """Save a step as part of the draft and go on; the last step sends the request."""
    view = await _draft(actor, booking_id, step)
    if step == "review" and view.booking.series:
        return await send_series(request, actor, view)
    raw = await form_values(request, FORMS.get(step, StepForm))
    if step == "time" and (is_more(raw) or view.booking.series or len(view.booking.environments) > 1):
        show = partial(_step_page, request, actor, view, step, {**values_of(view), **raw, "also": raw.get("also", [])})
        return await plan(request, actor, raw, when=partial(when_of, raw), text=text_of(view), show=show, view=view)
    try:
        if step == "review":
            await service.move_booking(actor, booking_id, "submit")
            return go_to(f"/bookings/{booking_id}", "booking-sent")
        if step != "terms":
            await change_request(actor, booking_id, view.booking.series, changed_text(view, step, raw))
    except InvalidInput as error:
        return await _step_page(request, actor, view, step, {**values_of(view), **raw}, errors=error.errors)
    except DomainError as error:
        if error.status != DomainError.status:
            raise
        return await _step_page(request, actor, view, step, {**values_of(view), **raw}, clash=error)
    return go_to(f"/bookings/{booking_id}/edit/{STEPS[STEPS.index(step) + 1]}")


@get("/bookings/{booking_id:uuid}", include_in_schema=False)
async def booking_page(request: AnyRequest, actor: CurrentActor, booking_id: FromPath[UUID]) -> Template:
    """One booking: where it stands, what is missing, who acts next, what the reader can do."""
    return await booking_page_with(request, actor, booking_id)


@post("/bookings/{booking_id:uuid}/messages", include_in_schema=False)
async def send_message(request: AnyRequest, actor: CurrentActor, booking_id: FromPath[UUID]) -> Redirect | Template:
    """Write to the other side; what was typed comes back where it could not be sent."""
    raw = await form_values(request, MessageForm)
    try:
        await thread.send_message(actor, booking_id, parse(MessageForm, raw).text)
    except (InvalidInput, RuleBroken) as error:
        errors = error.errors if isinstance(error, InvalidInput) else [FieldError("text", error.detail)]
        return await booking_page_with(request, actor, booking_id, errors=errors, typed=raw, status=error.status)
    return go_to(f"/bookings/{booking_id}#messages", "message-sent")


@post("/bookings/{booking_id:uuid}/agreements", include_in_schema=False)
async def open_agreements(actor: CurrentActor, booking_id: FromPath[UUID]) -> Redirect:
    """Have the agreements that are missing prepared."""
    await service.open_agreements(actor, booking_id)
    return go_to(f"/bookings/{booking_id}", "agreements-opened")


@post("/bookings/{booking_id:uuid}/{action:str}", include_in_schema=False)
async def take_step(
    request: AnyRequest, actor: CurrentActor, booking_id: FromPath[UUID], action: FromPath[str]
) -> Redirect | Template:
    """Take a step of the state table."""
    name = action.replace("-", "_")
    if name not in rules.can_take:
        raise NotFound
    form = await read_form(request, StepForm)
    try:
        await service.move_booking(actor, booking_id, name, reason=form.reason, decision=form.decision)
    except InvalidInput as error:
        return await booking_page_with(request, actor, booking_id, errors=error.errors, typed=form.model_dump())
    return go_to(f"/bookings/{booking_id}", "booking-changed")


async def _environment(actor: Actor, slug: str) -> EntryView:
    found = await entries.environments_by_slug(actor, [slug])
    if slug not in found:
        raise NotFound
    return found[slug]


async def _require_fit(
    actor: Actor, environment: EntryView, starts_at: datetime, ends_at: datetime, *, may_wait: bool
) -> None:
    """Raises InvalidInput or TimeTaken now, so that nobody fills in four more steps for a time that cannot be had.

    Who wants to wait for it goes on; the last step puts the request on the waiting list.
    """
    audience = Audience.EXTERNAL if Role.FIRM in actor.roles else Audience.EMPLOYEE
    if reason := rules.times_fit(environment, audience, starts_at, ends_at, datetime.now(UTC)):
        raise InvalidInput([FieldError("starts", reason)])
    if not may_wait and await queries.is_held(environment, starts_at, ends_at):
        free = await queries.alternatives(actor, [environment], audience.value, starts_at, ends_at)
        raise TimeTaken(await queries.why_held([environment], starts_at, ends_at) or holds.TAKEN, free)


async def _draft(actor: Actor, booking_id: UUID, step: str) -> BookingView:
    """The booking, if this step can be edited now by this actor; raises NotFound otherwise."""
    view = await queries.get_booking(actor, booking_id)
    editable = {BookingState.DRAFT, BookingState.CHANGES_REQUESTED}
    if step not in STEPS or BookingState(view.booking.state) not in editable or "submit" not in view.actions:
        raise NotFound
    return view


async def _time_page(
    request: AnyRequest,
    environment: EntryView,
    values: dict[str, Any],
    *,
    booking_id: UUID | None,
    week: date | None = None,
    errors: list[FieldError] | None = None,
    clash: DomainError | None = None,
) -> Template:
    today = datetime.now(language.STOCKHOLM).date()
    earliest = today + timedelta(hours=environment.lead_time_hours)
    first = max(week or earliest, today)
    first = min(first, today + timedelta(days=environment.horizon_days))
    suggestions = await queries.next_free(environment, environment.shortest, 3)
    more = await more_context(request, environment, values)
    return page(
        request,
        "bookings/step_time.html",
        status=422 if errors else (409 if clash else 200),
        environment=environment,
        booking_id=booking_id,
        values={"date": "", "starts": "", "end_date": "", "ends": ""} | values,
        errors=language.say_errors(errors),
        clash=clash_of(clash),
        rows=await side_by_side(more["places"], first, 7),
        week=first,
        previous_week=max(first - timedelta(days=7), today) if first > today else None,
        next_week=first + timedelta(days=7),
        suggestions=[(start, end, new_booking_url(environment, start)) for start, end in suggestions],
        **more,
        **_step_context("time"),
    )


async def _step_page(
    request: AnyRequest,
    actor: Actor,
    view: BookingView,
    step: str,
    values: dict[str, Any],
    *,
    errors: list[FieldError] | None = None,
    clash: DomainError | None = None,
) -> Template:
    environments = await entries.environments_by_slug(actor, [one.slug for one in view.booking.environments])
    environment = next(iter(environments.values()))
    if step == "time":
        return await _time_page(request, environment, values, booking_id=view.booking.id, errors=errors, clash=clash)
    times = view.booking.starts_at, view.booking.ends_at
    is_taken = step == "review" and any([await queries.is_held(one, *times) for one in environments.values()])
    return page(
        request,
        f"bookings/step_{step}.html",
        status=422 if errors else (409 if clash else 200),
        view=view,
        booking=view.booking,
        environment=environment,
        places=list(environments.values()),
        values=values,
        errors=language.say_errors(errors),
        clash=clash_of(clash),
        is_taken=is_taken,
        back=f"/bookings/{view.booking.id}/edit/{STEPS[STEPS.index(step) - 1]}",
        perspective_options=options("perspective"),
        personal_data_options=options("personal_data"),
        employer_role_options=options("employer_role"),
        **_step_context(step),
    )


def _step_context(step: str) -> dict[str, Any]:
    return {
        "step_labels": step_labels(),
        "step_number": STEPS.index(step) + 1,
        "breadcrumbs": [("/bookings", language.gettext("Bookings")), (None, language.gettext("New booking"))],
    }


def clash_of(error: DomainError | None) -> dict[str, Any] | None:
    """What stands in the way of a request, with alternatives where the time is taken."""
    if error is None:
        return None
    found = error.extra["alternatives"] if isinstance(error, TimeTaken) else []
    alternatives = [
        {
            "environment": one["environment"],
            "title_sv": one["title"]["sv"],
            "title_en": one["title"]["en"],
            "starts_at": datetime.fromisoformat(str(one["starts_at"])),
            "ends_at": datetime.fromisoformat(str(one["ends_at"])),
            "why": language.say(one["why"]),
        }
        for one in found  # type: ignore[attr-defined]  # TimeTaken carries a list
    ]
    return {
        "title": language.gettext(error.title),
        "detail": language.say(error.detail),
        "alternatives": alternatives,
        "is_taken": isinstance(error, TimeTaken),
    }


async def booking_page_with(
    request: AnyRequest,
    actor: Actor,
    booking_id: UUID,
    *,
    errors: list[FieldError] | None = None,
    typed: dict[str, Any] | None = None,
    status: int | None = None,
) -> Template:
    """The page of one booking, with what is wrong in what was typed."""
    view = await queries.get_booking(actor, booking_id)
    return page(
        request,
        "bookings/booking.html",
        status=status or (422 if errors else 200),
        view=view,
        booking=view.booking,
        assessment=await assessments.of_booking(actor, view),
        extra=await steps_of(actor, view),
        thread=await thread_of(actor, booking_id, typed=str((typed or {}).get("text", ""))),
        steps=timeline(view),
        next_step=next_step(view),
        errors=language.say_errors(errors),
        typed=typed or {},
        outcome_options=options("outcome"),
        perspective_options=options("perspective"),
        effect_options=options("effect_level"),
        breadcrumbs=[("/bookings", language.gettext("Bookings")), (None, language.gettext("Booking"))],
    )


HANDLERS: list[ControllerRouterHandler] = [
    list_page,
    new_page,
    create,
    step_page,
    save_step,
    booking_page,
    send_message,
    open_agreements,
    take_step,
]
