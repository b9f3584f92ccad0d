"""Moving a booking, and recording and publishing what a test showed."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

from litestar import Request, get, post
from litestar.params import FromPath
from litestar.response import Redirect, Template
from litestar.types import ControllerRouterHandler
from pydantic import BeforeValidator, Field

from registry.access import Actor
from registry.bookings import moving, outcomes, queries
from registry.bookings.codes import EffectLevel, OutcomeDecision
from registry.bookings.moving import Wanted
from registry.bookings.outcomes import Effect, Outcome
from registry.bookings.queries import BookingView
from registry.entries.codes import Perspective
from registry.entries.queries import EntryView
from registry.errors import DomainError, FieldError, InvalidInput, NotFound
from registry.web import language
from registry.web.authentication import CurrentActor
from registry.web.calendar import day_rows
from registry.web.input import (
    BlankIsNone,
    Day,
    Input,
    Line,
    LongText,
    Moment,
    form_values,
    parse,
    read_form,
    read_query,
)
from registry.web.pages.booking_forms import TimeForm, local_values, moments
from registry.web.pages.bookings import booking_page_with, clash_of
from registry.web.rendering import go_to, page

AnyRequest = Request[Any, Any, Any]
WEEK = timedelta(days=7)


def _with_point(value: object) -> object:
    """A number with a decimal comma is understood too."""
    return value.replace(",", ".") if isinstance(value, str) else value


class MoveForm(TimeForm):
    """A new time in Europe/Stockholm; `sequence` is the version of the booking that the page showed."""

    reason: LongText = ""
    sequence: int


class AnswerForm(Input):
    answer: LongText = ""


class OutcomeForm(Input):
    """What a test showed; for each perspective a level, blank where nobody has said anything, and a sentence."""

    decision: Annotated[OutcomeDecision | None, BlankIsNone] = None
    reason: LongText = ""
    hours: Annotated[
        Annotated[Decimal, Field(ge=0, le=10_000, decimal_places=1), BeforeValidator(_with_point)] | None, BlankIsNone
    ] = None
    level_everyday_services: Annotated[EffectLevel | None, BlankIsNone] = None
    level_quality: Annotated[EffectLevel | None, BlankIsNone] = None
    level_efficiency: Annotated[EffectLevel | None, BlankIsNone] = None
    level_insight: Annotated[EffectLevel | None, BlankIsNone] = None
    effect_everyday_services: LongText = ""
    effect_quality: LongText = ""
    effect_efficiency: LongText = ""
    effect_insight: LongText = ""

    def outcome(self) -> Outcome:
        """The outcome as the command takes it; a sentence without a level is of something that was not measured."""
        found = []
        for perspective in Perspective:
            level, text = getattr(self, f"level_{perspective.value}"), getattr(self, f"effect_{perspective.value}")
            if level or text:
                found.append(Effect(perspective, level or EffectLevel.NOT_MEASURED, text))
        return Outcome(self.decision, self.reason, tuple(found), self.hours)


class PublicTextForm(Input):
    text_sv: LongText = ""
    text_en: LongText = ""


class MoveQuery(Input):
    """What the page of a move is opened with: where and when to (ISO 8601), and the first day that it shows."""

    environment: Line = ""
    starts_at: Moment | None = None
    ends_at: Moment | None = None
    week: Day | None = None


@get("/bookings/{booking_id:uuid}/move", include_in_schema=False)
async def move_page(request: AnyRequest, actor: CurrentActor, booking_id: FromPath[UUID]) -> Template:
    """Choose a new time."""
    view = await _movable(actor, booking_id)
    wanted = read_query(request, MoveQuery, ignore_unknown=True)
    starts_at = wanted.starts_at or view.booking.starts_at
    ends_at = wanted.ends_at or starts_at + (view.booking.ends_at - view.booking.starts_at)
    values = {**local_values(starts_at, ends_at), "environment": wanted.environment}
    return await _move_page(request, actor, view, values, week=wanted.week or language.local(starts_at).date())


@post("/bookings/{booking_id:uuid}/move", include_in_schema=False)
async def move(request: AnyRequest, actor: CurrentActor, booking_id: FromPath[UUID]) -> Redirect | Template:
    """Move the booking, or ask its host to."""
    view = await _movable(actor, booking_id)
    raw = await form_values(request, MoveForm)
    try:
        form = parse(MoveForm, raw)
        starts_at, ends_at = moments(form)
        places = (form.environment,) if form.environment else ()
        is_moved = await moving.move(
            actor, booking_id, Wanted(starts_at, ends_at, places, form.reason, read_sequence=form.sequence)
        )
    except InvalidInput as error:
        errors = [FieldError(_FIELDS.get(fault.field, fault.field), fault.message) for fault in error.errors]
        return await _move_page(request, actor, view, raw, errors=errors)
    except DomainError as error:
        if error.status != DomainError.status:
            raise
        return await _move_page(request, actor, await queries.get_booking(actor, booking_id), raw, clash=error)
    return go_to(f"/bookings/{booking_id}", "booking-moved" if is_moved else "move-asked")


_FIELDS = {"starts_at": "starts", "ends_at": "ends"}


async def _movable(actor: Actor, booking_id: UUID) -> BookingView:
    """The booking, if the actor may move it now or ask to; raises NotFound otherwise."""
    view = await queries.get_booking(actor, booking_id)
    if "move" not in view.actions:
        raise NotFound
    return view


async def _move_page(
    request: AnyRequest,
    actor: Actor,
    view: BookingView,
    values: dict[str, Any],
    *,
    week: date | None = None,
    errors: list[FieldError] | None = None,
    clash: DomainError | None = None,
) -> Template:
    booking = view.booking
    places = await moving.places(actor, booking)
    environment = next((one for one in places if one.slug == values.get("environment")), places[0])
    today = datetime.now(language.STOCKHOLM).date()
    first = max(week or language.local(booking.starts_at).date(), today)
    times = await queries.timetables([environment], first, 7)

    def href(place: EntryView, start: datetime) -> str:
        return _move_url(booking.id, place.slug, start, start + (booking.ends_at - booking.starts_at))

    return page(
        request,
        "bookings/move.html",
        status=422 if errors else (409 if clash else 200),
        view=view,
        booking=booking,
        environment=environment,
        places=[(one.slug, language.in_language(one, "title")) for one in places],
        values={"date": "", "starts": "", "ends": "", "end_date": "", "reason": ""}
        | values
        | {"environment": environment.slug},
        asks=view.is_own and booking.state != "submitted",
        rows=day_rows([environment], times, href),
        week=first,
        previous_week=max(first - WEEK, today) if first > today else None,
        next_week=first + WEEK,
        errors=language.say_errors(errors),
        clash=clash_of(clash),
        move_url=_move_url,
        breadcrumbs=[
            ("/bookings", language.gettext("Bookings")),
            (f"/bookings/{booking.id}", language.gettext("Booking")),
            (None, language.gettext("Move the booking")),
        ],
    )


def _move_url(booking_id: UUID, slug: str, starts_at: datetime, ends_at: datetime) -> str:
    """The address of the page with a time filled in."""
    query = {"environment": slug, "starts_at": starts_at.isoformat(), "ends_at": ends_at.isoformat()}
    return f"/bookings/{booking_id}/move?{urlencode(query)}#f-date"


@post("/bookings/{booking_id:uuid}/agree-to-move", include_in_schema=False)
async def agree_to_move(actor: CurrentActor, booking_id: FromPath[UUID]) -> Redirect:
    """Move the booking as its requester asks."""
    await moving.agree(actor, booking_id)
    return go_to(f"/bookings/{booking_id}", "booking-moved")


@post("/bookings/{booking_id:uuid}/refuse-to-move", include_in_schema=False)
async def refuse_to_move(request: AnyRequest, actor: CurrentActor, booking_id: FromPath[UUID]) -> Redirect | Template:
    """Let the booking stay where it is."""
    form = await read_form(request, AnswerForm)
    try:
        await moving.refuse(actor, booking_id, form.answer)
    except InvalidInput as error:
        faults = [FieldError("answer", fault.message) for fault in error.errors]
        return await booking_page_with(request, actor, booking_id, errors=faults)
    return go_to(f"/bookings/{booking_id}", "move-refused")


@post("/bookings/{booking_id:uuid}/take-back-move", include_in_schema=False)
async def take_back_move(actor: CurrentActor, booking_id: FromPath[UUID]) -> Redirect:
    """Take back the wish to move the booking."""
    await moving.take_back(actor, booking_id)
    return go_to(f"/bookings/{booking_id}", "booking-changed")


@post("/bookings/{booking_id:uuid}/outcome", include_in_schema=False)
async def outcome(request: AnyRequest, actor: CurrentActor, booking_id: FromPath[UUID]) -> Redirect | Template:
    """Record what the test showed."""
    raw = await form_values(request, OutcomeForm)
    try:
        await outcomes.record_outcome(actor, booking_id, parse(OutcomeForm, raw).outcome())
    except InvalidInput as error:
        return await booking_page_with(request, actor, booking_id, errors=error.errors, typed=raw)
    return go_to(f"/bookings/{booking_id}#outcome", "outcome-recorded")


@post("/bookings/{booking_id:uuid}/outcome-text", include_in_schema=False)
async def outcome_text(request: AnyRequest, actor: CurrentActor, booking_id: FromPath[UUID]) -> Redirect | Template:
    """Write what everybody may read about the outcome."""
    raw = await form_values(request, PublicTextForm)
    try:
        form = parse(PublicTextForm, raw)
        await outcomes.write_text(actor, booking_id, text_sv=form.text_sv, text_en=form.text_en)
    except InvalidInput as error:
        return await booking_page_with(request, actor, booking_id, errors=error.errors, typed=raw)
    return go_to(f"/bookings/{booking_id}#outcome", "outcome-text-saved")


@post("/bookings/{booking_id:uuid}/agree-to-publish", include_in_schema=False)
async def agree_to_publish(actor: CurrentActor, booking_id: FromPath[UUID]) -> Redirect:
    """Agree to the text as it is now."""
    await outcomes.agree(actor, booking_id)
    return go_to(f"/bookings/{booking_id}#outcome", "outcome-agreed")


@post("/bookings/{booking_id:uuid}/publish-outcome", include_in_schema=False)
async def publish_outcome(actor: CurrentActor, booking_id: FromPath[UUID]) -> Redirect:
    """Show the agreed text on the environment's page."""
    await outcomes.publish(actor, booking_id)
    return go_to(f"/bookings/{booking_id}#outcome", "outcome-published")


@post("/bookings/{booking_id:uuid}/remove-outcome", include_in_schema=False)
async def remove_outcome(actor: CurrentActor, booking_id: FromPath[UUID]) -> Redirect:
    """Take the text down."""
    await outcomes.remove(actor, booking_id)
    return go_to(f"/bookings/{booking_id}#outcome", "outcome-removed")


HANDLERS: list[ControllerRouterHandler] = [
    move_page,
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
