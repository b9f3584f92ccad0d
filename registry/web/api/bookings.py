"""Bookings over the API."""

from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from litestar import Request, get, post
from litestar.params import FromPath, JSONBody
from litestar.types import ControllerRouterHandler
from pydantic import BeforeValidator, Field

from registry.access import Actor
from registry.bookings import queries, rules, series, series_view, service
from registry.bookings.codes import EmployerRole, PersonalData
from registry.bookings.queries import BookingRow, BookingView
from registry.bookings.requests import BookingText, OwnInnovation
from registry.bookings.states import BookingState
from registry.entries import queries as entries
from registry.entries.codes import Perspective
from registry.errors import N_, NotFound, invalid
from registry.web.api.booking_shapes import (
    SeriesInput,
    iso,
    missing_agreements,
    months,
    rule_from,
    verdicts,
    whole_series,
)
from registry.web.api.booking_step_shapes import steps_shape
from registry.web.authentication import API_PREFIX, CurrentActor
from registry.web.booking_steps import steps_of
from registry.web.input import Input, Line, LongText, Moment, RequiredText, Whole, read_query
from registry.web.openapi import reads_query

AnyRequest = Request[Any, Any, Any]
LONGEST_WINDOW = timedelta(days=366)


def _personal_data(value: object) -> object:
    """True and false are understood too: personal data, or none."""
    if isinstance(value, bool):
        return PersonalData.PERSONAL if value else PersonalData.NONE
    return value


class Innovation(Input):
    """An innovation of an employee's own, for the IP assessment."""

    employer_role: EmployerRole
    project: LongText = ""
    contribution: RequiredText
    funding: LongText = ""


class BookingRequest(Input):
    """A request for environments over the half-open interval from `starts_at` to `ends_at`.

    With `waitlist` it goes on the waiting list where the time is taken, instead of being refused.
    With `series` it comes back at the same time of day in Sweden. All or nothing; with `partial` the times of a
    series that cannot be had are left out.
    """

    environments: Annotated[list[Line], Field(min_length=1, max_length=20)]
    starts_at: Moment
    ends_at: Moment
    purpose: LongText = ""
    operational_benefit: LongText = ""
    user_benefit: LongText = ""
    perspectives: Annotated[list[Perspective], Field(max_length=4)] = Field(default_factory=list)
    trl: Annotated[Whole, Field(ge=1, le=9)] | None = None
    participants: Annotated[Whole, Field(ge=1, le=100_000)] | None = None
    personal_data: Annotated[PersonalData, BeforeValidator(_personal_data)] = PersonalData.NONE
    ethics_reference: Annotated[Line, Field(max_length=60)] = ""
    accessibility_needs: LongText = ""
    own_innovation: Innovation | None = None
    organisation: Whole | None = None
    series: SeriesInput | None = None
    partial: bool = False
    submit: bool = True
    waitlist: bool = False


class Decision(Input):
    """A step with its reason."""

    reason: LongText = ""


class HandOver(Input):
    """To whom a booking is handed over."""

    email: Line


class BookingFilter(Input):
    """Which bookings to list."""

    state: list[BookingState] | None = None
    page: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    page_size: Annotated[int, Field(ge=1, le=100)] = 20


class Window(Input):
    """Between which moments to look for free times."""

    from_: Annotated[Moment, Field(alias="from")]
    to: Moment


@get(f"{API_PREFIX}/environments/{{slug:str}}/availability", operation_class=reads_query(Window), tags=["bookings"])
async def availability(
    request: AnyRequest, actor: CurrentActor, slug: FromPath[str]
) -> dict[str, list[dict[str, str]]]:
    """When an environment is busy and when it is free, between `from` and `to` (ISO 8601 with offset)."""
    window = read_query(request, Window)
    if window.to <= window.from_:
        raise invalid("to", N_("The end must come after the start."))
    if window.to - window.from_ > LONGEST_WINDOW:
        raise invalid("to", N_("Ask for at most %(days)s days at a time."), days=LONGEST_WINDOW.days)
    found = await entries.environments_by_slug(actor, [slug])
    if slug not in found:
        raise NotFound
    times = await queries.availability(found[slug], window.from_, window.to)
    return {
        "busy": [_interval(start, end) for start, end in times.busy],
        "free": [_interval(start, end) for start, end in times.free],
    }


@post(f"{API_PREFIX}/bookings", tags=["bookings"])
async def create(actor: CurrentActor, data: JSONBody[BookingRequest]) -> dict[str, Any]:
    """Request one or more environments, all or nothing, for one time or for a series of them."""
    if data.series is not None:
        made = await series.create_series(
            actor,
            _text(data),
            rule_from(data.series),
            organisation_id=data.organisation,
            submit=data.submit,
            partial=data.partial,
        )
        view = await series_view.get_series(actor, made.id)
        return {**whole_series(view), "left_out": verdicts(made.left_out)}
    booking_id = await service.create_booking(
        actor, _text(data), organisation_id=data.organisation, submit=data.submit, wait=data.waitlist
    )
    return await answer(actor, booking_id)


@post(f"{API_PREFIX}/bookings/check", status_code=200, tags=["bookings"])
async def check(actor: CurrentActor, data: JSONBody[BookingRequest]) -> dict[str, Any]:
    """What would become of a request: each time fits or not, why, and what is free instead. Nothing is stored."""
    rule = rule_from(data.series) if data.series else None
    found = await series.check(actor, _text(data), rule, organisation_id=data.organisation)
    return {
        "fits": all(verdict.fits for verdict in found.verdicts),
        "items": verdicts(found.verdicts),
        "skipped_months": months(found.expansion.skipped_months),
        "missing_agreements": missing_agreements(found.missing),
    }


@get(f"{API_PREFIX}/bookings", operation_class=reads_query(BookingFilter), tags=["bookings"])
async def list_all(request: AnyRequest, actor: CurrentActor) -> dict[str, Any]:
    """Your own bookings, your organisation's, and those you may decide."""
    wanted = read_query(request, BookingFilter)
    rows, total = await queries.list_bookings(actor, states=wanted.state, page=wanted.page, page_size=wanted.page_size)
    return {"items": [_short(row) for row in rows], "total": total, "page": wanted.page, "page_size": wanted.page_size}


@get(f"{API_PREFIX}/bookings/{{booking_id:uuid}}", tags=["bookings"])
async def get_one(actor: CurrentActor, booking_id: FromPath[UUID]) -> dict[str, Any]:
    """A booking: what it lacks, what happened to it and what you may do next."""
    return await answer(actor, booking_id)


def _step(path: str, action: str, summary: str) -> ControllerRouterHandler:
    """A handler for one step of the state table."""

    @post(
        f"{API_PREFIX}/bookings/{{booking_id:uuid}}/{path}",
        name=f"booking_{action}",
        operation_id=f"booking_{action}",
        summary=summary,
        status_code=200,
        tags=["bookings"],
    )
    async def step(
        actor: CurrentActor, booking_id: FromPath[UUID], data: JSONBody[Decision | None] = None
    ) -> dict[str, Any]:
        body = data or Decision()
        await service.move_booking(actor, booking_id, action, reason=body.reason)
        return await answer(actor, booking_id)

    return step


@post(f"{API_PREFIX}/bookings/{{booking_id:uuid}}/hand-over", status_code=200, tags=["bookings"])
async def hand_over(actor: CurrentActor, booking_id: FromPath[UUID], data: JSONBody[HandOver]) -> dict[str, Any]:
    """Give the booking to a colleague in the same organisation."""
    await service.hand_over(actor, booking_id, data.email)
    return await answer(actor, booking_id)


async def answer(actor: Actor, booking_id: UUID) -> dict[str, Any]:
    """A whole booking as the API gives it."""
    view = await queries.get_booking(actor, booking_id)
    return {**_whole(view), **steps_shape(view, await steps_of(actor, view))}


def _text(data: BookingRequest) -> BookingText:
    return BookingText(
        environments=tuple(data.environments),
        starts_at=data.starts_at,
        ends_at=data.ends_at,
        purpose=data.purpose,
        operational_benefit=data.operational_benefit,
        user_benefit=data.user_benefit,
        perspectives=tuple(data.perspectives),
        trl=data.trl,
        participants=data.participants,
        personal_data=data.personal_data,
        ethics_reference=data.ethics_reference,
        accessibility_needs=data.accessibility_needs,
        own_innovation=OwnInnovation(**data.own_innovation.model_dump()) if data.own_innovation else None,
    )


def _interval(start: datetime, end: datetime) -> dict[str, str]:
    return {
        "starts_at": start.astimezone(rules.STOCKHOLM).isoformat(),
        "ends_at": end.astimezone(rules.STOCKHOLM).isoformat(),
    }


def _short(booking: BookingRow) -> dict[str, Any]:
    return {
        "id": str(booking.id),
        "state": booking.state,
        "environments": [
            {"slug": one.slug, "title": {"sv": one.title_sv, "en": one.title_en}} for one in booking.environments
        ],
        "organisation": {
            "id": booking.organisation,
            "name": {"sv": booking.organisation_name_sv, "en": booking.organisation_name_en},
        },
        "starts_at": iso(booking.starts_at),
        "ends_at": iso(booking.ends_at),
        "series": str(booking.series) if booking.series else None,
        "purpose": booking.purpose,
        "created_at": iso(booking.created_at),
        "submitted_at": iso(booking.submitted_at),
    }


def _whole(view: BookingView) -> dict[str, Any]:
    booking = view.booking
    return {
        **_short(booking),
        "operational_benefit": booking.operational_benefit,
        "user_benefit": booking.user_benefit,
        "perspectives": list(booking.perspectives),
        "trl": booking.trl,
        "participants": booking.participants,
        "personal_data": booking.personal_data,
        "ethics_reference": booking.ethics_reference,
        "accessibility_needs": booking.accessibility_needs,
        "reason": booking.reason,
        "hold_until": iso(booking.hold_until),
        "outcome": None,
        "missing_agreements": missing_agreements(view.missing),
        "actions": [action.replace("_", "-") for action in view.actions],
        "history": [
            {"at": iso(event.at), "type": event.type, "by": event.actor, **event.data} for event in view.events
        ],
    }


HANDLERS: list[ControllerRouterHandler] = [
    availability,
    create,
    check,
    list_all,
    get_one,
    _step("submit", "submit", "Send the request to the host"),
    _step("approve", "approve", "Approve the request; it is confirmed when its agreements are in force"),
    _step("decline", "decline", "Decline the request, with the reason"),
    _step("request-changes", "request_changes", "Send the request back with a question"),
    _step("withdraw", "withdraw", "Withdraw the request before it is confirmed"),
    _step("cancel", "cancel", "Cancel a confirmed booking, with the reason"),
    _step("start", "start", "Check in"),
    _step("complete", "complete", "Complete the booking"),
    _step("no-show", "no_show", "Record that nobody came"),
    _step("waitlist", "waitlist", "Put the request on the waiting list; its requester can where the time is taken"),
    _step("accept-offer", "accept_offer", "Accept time that became free; the host decides next"),
    _step("decline-offer", "decline_offer", "Decline time that became free, and leave the waiting list"),
    _step("end-early", "end_early", "End the test early, and give the rest of the time back at once"),
    hand_over,
]
