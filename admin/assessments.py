"""Legal's desk for employees' own innovations: what waits for an IP assessment, and the case beside it."""

from typing import Annotated, Any
from uuid import UUID

from litestar import Request, get, post
from litestar.params import FromPath
from litestar.response import Redirect, Template
from litestar.types import ControllerRouterHandler

from registry.access import Actor
from registry.bookings import assessments
from registry.bookings.codes import IpFinding
from registry.errors import DomainError, FieldError, InvalidInput
from registry.web import language
from registry.web.authentication import CurrentActor
from registry.web.input import BlankIsNone, Input, LongText, read_form
from registry.web.labels import options
from registry.web.rendering import go_to, page

AnyRequest = Request[Any, Any, Any]
PATH = "/desk/ip-assessments"


class AssessmentForm(Input):
    """A decision with its reasons."""

    finding: Annotated[IpFinding | None, BlankIsNone] = None
    reasons: LongText = ""
    blocks: bool = False


@get(PATH, include_in_schema=False)
async def desk(request: AnyRequest, actor: CurrentActor) -> Template:
    """The queue, with its first case."""
    return await _desk(request, actor, None)


@get(f"{PATH}/{{booking_id:uuid}}", include_in_schema=False)
async def case(request: AnyRequest, actor: CurrentActor, booking_id: FromPath[UUID]) -> Template:
    """The queue, with one case."""
    return await _desk(request, actor, booking_id)


@post(f"{PATH}/{{booking_id:uuid}}/decide", include_in_schema=False)
async def decide(request: AnyRequest, actor: CurrentActor, booking_id: FromPath[UUID]) -> Redirect | Template:
    """Decide on a case."""
    form = await read_form(request, AssessmentForm)
    try:
        await assessments.decide(actor, booking_id, finding=form.finding, reasons=form.reasons, blocks=form.blocks)
    except InvalidInput as error:
        return await _desk(request, actor, booking_id, errors=error.errors, form=form, status=error.status)
    except DomainError as error:
        if error.status != DomainError.status:
            raise
        fault = [FieldError("", error.detail)]
        return await _desk(request, actor, booking_id, errors=fault, form=form, status=error.status)
    return go_to(f"{PATH}/{booking_id}", "assessment-changed")


@post(f"{PATH}/{{booking_id:uuid}}/reopen", include_in_schema=False)
async def reopen(actor: CurrentActor, booking_id: FromPath[UUID]) -> Redirect:
    """Take a decided case up again."""
    await assessments.reopen(actor, booking_id)
    return go_to(f"{PATH}/{booking_id}")


async def _desk(
    request: AnyRequest,
    actor: Actor,
    booking_id: UUID | None,
    *,
    errors: list[FieldError] | None = None,
    form: AssessmentForm | None = None,
    status: int = 200,
) -> Template:
    queue = await assessments.assessment_queue(actor)
    chosen = booking_id or (queue[0][1].id if queue else None)
    found = await assessments.get_case(actor, chosen) if chosen else None
    return page(
        request,
        "desk/assessments.html",
        status=status,
        queue=queue,
        found=found,
        assessment=found.assessment if found else None,
        booking=found.view.booking if found else None,
        form=form or AssessmentForm(),
        findings=options("ip_finding"),
        errors=language.say_errors(errors),
        breadcrumbs=[
            ("/desk/agreements", language.gettext("Legal desk")),
            (None, language.gettext("IP assessments")),
        ],
    )


HANDLERS: list[ControllerRouterHandler] = [desk, case, decide, reopen]
