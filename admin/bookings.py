"""The hosts' desk, one case: the request beside those that want the same time, the decision, the thread, the notes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from litestar import Request, get, post
from litestar.params import FromPath
from litestar.response import Redirect, Template
from litestar.types import ControllerRouterHandler

from admin.reply_texts import FREE_TIMES, choices, filled, free_times
from registry.access import Actor, Permission, require
from registry.bookings import assessments, competing, desk, queries, replies, rules, service, thread
from registry.bookings.codes import OutcomeDecision
from registry.bookings.competing import Competition
from registry.bookings.queries import BookingView
from registry.errors import DomainError, FieldError, InvalidInput, NotFound
from registry.web import language
from registry.web.authentication import CurrentActor
from registry.web.booking_status import next_step, timeline
from registry.web.booking_steps import steps_of
from registry.web.input import BlankIsNone, Input, Line, LongText, Whole, form_values, parse, read_query
from registry.web.labels import options
from registry.web.rendering import go_to, page
from registry.web.thread import thread_of

AnyRequest = Request[Any, Any, Any]
DESK = "/desk/bookings"
CASE = f"{DESK}/{{booking_id:uuid}}"


class CaseForm(Input):
    """What is sent from a case. `seen` is the `sequence` of the booking that the page showed."""

    reason: LongText = ""
    decision: Annotated[OutcomeDecision | None, BlankIsNone] = None
    seen: Annotated[Whole | None, BlankIsNone] = None
    template: Line = ""


class NoteForm(Input):
    note: LongText = ""


class CaseAddress(Input):
    """What the address of a case may ask for: a text to begin with."""

    reply: Line = ""


@dataclass(frozen=True)
class Sent:
    """What was typed into a form of the case that comes back, and why it does."""

    typed: Mapping[str, Any] = field(default_factory=dict)
    errors: tuple[FieldError, ...] = ()
    clash: DomainError | None = None
    status: int = 200


@get(CASE, include_in_schema=False)
async def case(request: AnyRequest, actor: CurrentActor, booking_id: FromPath[UUID]) -> Template:
    """One case; with `?reply=times` the nearest free times stand in the answer already."""
    require(actor, Permission.BOOKING_DECIDE)
    wanted = read_query(request, CaseAddress, ignore_unknown=True)
    typed = {}
    if wanted.reply == FREE_TIMES:
        typed = {"reason": await _text(actor, await queries.get_booking(actor, booking_id), FREE_TIMES)}
    return await _case(request, actor, booking_id, Sent(typed))


@post(f"{CASE}/use-reply", include_in_schema=False)
async def use_reply(request: AnyRequest, actor: CurrentActor, booking_id: FromPath[UUID]) -> Template:
    """Put the chosen template into the answer, after what has been typed already."""
    require(actor, Permission.BOOKING_DECIDE)
    raw = await form_values(request, CaseForm)
    view = await queries.get_booking(actor, booking_id)
    text = await _text(actor, view, str(raw.get("template", "")))
    typed = str(raw.get("reason", "")).strip()
    return await _case(request, actor, booking_id, Sent({**raw, "reason": "\n\n".join(x for x in (typed, text) if x)}))


@post(f"{CASE}/messages", include_in_schema=False)
async def send_message(request: AnyRequest, actor: CurrentActor, booking_id: FromPath[UUID]) -> Redirect | Template:
    """Write to the requester without deciding."""
    require(actor, Permission.BOOKING_DECIDE)
    raw = await form_values(request, CaseForm)
    try:
        await thread.send_message(actor, booking_id, parse(CaseForm, raw).reason)
    except InvalidInput as error:
        faults = [FieldError("reason" if one.field == "text" else one.field, one.message) for one in error.errors]
        return await _case(request, actor, booking_id, Sent(raw, tuple(faults), status=error.status))
    return go_to(f"{DESK}/{booking_id}#messages", "message-sent")


@post(f"{CASE}/notes", include_in_schema=False)
async def add_note(request: AnyRequest, actor: CurrentActor, booking_id: FromPath[UUID]) -> Redirect | Template:
    """Note something that the requester never sees."""
    require(actor, Permission.BOOKING_DECIDE)
    raw = await form_values(request, NoteForm)
    try:
        await thread.add_note(actor, booking_id, parse(NoteForm, raw).note)
    except InvalidInput as error:
        faults = [FieldError("note" if one.field == "text" else one.field, one.message) for one in error.errors]
        return await _case(request, actor, booking_id, Sent(raw, tuple(faults), status=error.status))
    return go_to(f"{DESK}/{booking_id}#notes", "note-added")


@post(f"{CASE}/{{action:str}}", include_in_schema=False)
async def decide(
    request: AnyRequest, actor: CurrentActor, booking_id: FromPath[UUID], action: FromPath[str]
) -> Redirect | Template:
    """Take a step of the state table from the desk. Where it cannot be taken, what was typed comes back."""
    require(actor, Permission.BOOKING_DECIDE)
    name = action.replace("-", "_")
    if name not in rules.can_take:
        raise NotFound
    raw = await form_values(request, CaseForm)
    try:
        form = parse(CaseForm, raw)
        await service.move_booking(actor, booking_id, name, reason=form.reason, decision=form.decision, seen=form.seen)
    except InvalidInput as error:
        return await _case(request, actor, booking_id, Sent(raw, tuple(error.errors), status=error.status))
    except DomainError as error:
        if error.status != DomainError.status:
            raise
        return await _case(request, actor, booking_id, Sent(raw, clash=error, status=error.status))
    if name == "approve":
        return go_to(f"{DESK}/{booking_id}", "booking-approved")
    return go_to(f"{DESK}/{booking_id}", "booking-changed")


async def _text(actor: Actor, view: BookingView, template: str) -> str:
    """The text of a template for a booking, in its requester's language; blank where there is no such template."""
    booking = view.booking
    chosen = (await replies.languages_of([booking.id])).get(booking.id, "sv")
    if template == FREE_TIMES:
        return await free_times(actor, booking, chosen) if booking.starts_at else ""
    found = next((one for one in await replies.replies_for(actor, [booking.id]) if str(one.id) == template), None)
    return filled(found.text_in(chosen), booking, chosen) if found and booking.starts_at else ""


async def _case(request: AnyRequest, actor: Actor, booking_id: UUID, sent: Sent) -> Template:
    view = await queries.get_booking(actor, booking_id)
    booking = view.booking
    now = datetime.now(UTC)
    templates = await replies.replies_for(actor, [booking_id])
    return page(
        request,
        "desk/booking.html",
        status=sent.status,
        view=view,
        booking=booking,
        assessment=await assessments.of_booking(actor, view),
        extra=await steps_of(actor, view),
        rivals=await _rivals(actor, view, now),
        thread=await thread_of(actor, booking_id),
        steps=timeline(view, for_host=True),
        next_step=next_step(view, for_host=True),
        next_case=await desk.oldest_to_decide(actor, besides=booking_id),
        outcome_options=options("outcome"),
        reply_choices=choices(templates, with_free_times=bool(booking.starts_at)),
        typed={"reason": "", "decision": "", "template": "", "note": "", **sent.typed},
        errors=language.say_errors(sent.errors),
        clash={"title": language.gettext(sent.clash.title), "detail": language.say(sent.clash.detail)}
        if sent.clash
        else None,
        breadcrumbs=[(DESK, language.gettext("Bookings desk")), (None, language.gettext("Booking"))],
    )


async def _rivals(actor: Actor, view: BookingView, now: datetime) -> Competition | None:
    """Those that want the same time, while this one wants or has it."""
    contends = view.booking.starts_at is not None and view.booking.state in {
        "submitted",
        "waitlisted",
        "approved",
        "confirmed",
        "in_progress",
    }
    found = await competing.competition(actor, view.booking.id, now) if contends else None
    return found if found and found.others else None


HANDLERS: list[ControllerRouterHandler] = [case, use_reply, send_message, add_note, decide]
