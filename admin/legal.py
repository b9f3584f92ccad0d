"""The legal desk: agreements to review, oldest first, and the case beside them."""

from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

from litestar import Request, get, post
from litestar.params import FromPath
from litestar.response import Redirect, Template
from litestar.types import ControllerRouterHandler
from pydantic import Field

from registry.access import Actor, Permission, require
from registry.agreements import queries, rules, service
from registry.agreements.clauses import clauses
from registry.agreements.codes import AgreementType, SignatureMethod
from registry.agreements.queries import AgreementView, QueueFilter, Turn
from registry.agreements.review_desk import PAGE_SIZE
from registry.bookings import queries as bookings
from registry.errors import DomainError, FieldError, InvalidInput, NotFound
from registry.formats import plain_language
from registry.procurement import queries as procurement
from registry.web import language
from registry.web.agreement_status import show_text, timeline, tone
from registry.web.authentication import CurrentActor
from registry.web.input import BlankIsNone, Input, LongText, Whole, read_form, read_query
from registry.web.labels import options
from registry.web.pages.agreements import in_plain_language
from registry.web.rendering import go_to, page

AnyRequest = Request[Any, Any, Any]


LARGEST_ID = 2_147_483_647


class QueueForm(Input):
    """What the queue shows. `assigned` is a person's id, 0 for nobody."""

    turn: Turn = Turn.ALL
    type: AgreementType | None = None
    assigned: Annotated[Whole | None, Field(ge=0, le=LARGEST_ID)] = None
    overdue: bool = False
    page: Annotated[Whole, Field(ge=1, le=1_000_000)] = 1

    def wanted(self) -> QueueFilter:
        """The same, for the query."""
        return QueueFilter(self.turn, self.type, self.assigned, self.overdue, self.page)


class DecisionForm(Input):
    """A decision with its reason, or a signature with the party that it is for."""

    reason: LongText = ""
    organisation: Annotated[Annotated[int, Field(ge=1, le=2_147_483_647)] | None, BlankIsNone] = None
    # The version that the reader saw; a newer one is not decided or signed unread.
    version: Annotated[Annotated[int, Field(ge=1, le=1_000_000)] | None, BlankIsNone] = None
    sha256: Annotated[Annotated[str, Field(pattern="^[0-9a-f]{64}$")] | None, BlankIsNone] = None


@get("/desk/agreements", include_in_schema=False)
async def desk(request: AnyRequest, actor: CurrentActor) -> Template:
    """The queue, with its first case."""
    return await show_desk(request, actor, None)


@get("/desk/agreements/{agreement_id:uuid}", include_in_schema=False)
async def case(request: AnyRequest, actor: CurrentActor, agreement_id: FromPath[UUID]) -> Template:
    """The queue, with one case."""
    return await show_desk(request, actor, agreement_id)


@post("/desk/agreements/{agreement_id:uuid}/{action:str}", include_in_schema=False)
async def decide(
    request: AnyRequest, actor: CurrentActor, agreement_id: FromPath[UUID], action: FromPath[str]
) -> Redirect | Template:
    """Take a step of the state table, or sign for the public party."""
    require(actor, Permission.AGREEMENT_REVIEW)
    step = action.replace("-", "_")
    if action != "sign" and step not in rules.can_take:
        raise NotFound
    form = await read_form(request, DecisionForm)
    try:
        if action == "sign":
            await service.sign(
                actor,
                agreement_id,
                organisation_id=form.organisation,
                read_version=form.version,
                read_sha256=form.sha256,
            )
        else:
            await service.take_step(actor, agreement_id, step, reason=form.reason, read_version=form.version)
    except InvalidInput as error:
        return await show_desk(request, actor, agreement_id, errors=error.errors, form=form, status=error.status)
    except DomainError as error:
        if error.status != DomainError.status:
            raise
        return await show_desk(
            request, actor, agreement_id, errors=[FieldError("", error.detail)], form=form, status=error.status
        )
    return go_to(f"/desk/agreements/{agreement_id}", "agreement-changed")


async def show_desk(
    request: AnyRequest,
    actor: Actor,
    agreement_id: UUID | None,
    *,
    errors: list[FieldError] | None = None,
    form: DecisionForm | None = None,
    note: dict[str, str] | None = None,
    status: int = 200,
) -> Template:
    """The queue with a case, its first one unless told; with what was wrong and what had been written."""
    wanted = read_query(request, QueueForm, ignore_unknown=True)
    queue, total = await queries.review_queue(actor, wanted.wanted())
    chosen = agreement_id or (queue[0].id if queue else None)
    view = await queries.get_agreement(actor, chosen) if chosen else None
    return page(
        request,
        "desk/legal.html",
        status=status,
        queue=queue,
        total=total,
        pages=-(-total // PAGE_SIZE),
        wanted=wanted,
        query=_query(wanted),
        page_url=lambda number: f"/desk/agreements?{_query(wanted, page=number)}",
        types=options("agreement_type"),
        turns=options("queue_turn"),
        note={"clause": "", "text": "", **(note or {})},
        tone=tone,
        view=view,
        form=form or DecisionForm(),
        errors=language.say_errors(errors),
        waiting=await bookings.waiting_for_agreement(actor, view.agreement.id) if view else [],
        partnerships=await procurement.partnerships_of_agreement(actor, view.agreement.id) if view else [],
        desk=await queries.review_desk(actor, view.agreement) if view else None,
        **(_case(view) if view else {"agreement": None}),
        breadcrumbs=[(None, language.gettext("Legal desk"))],
    )


def _query(form: QueueForm, **other: object) -> str:
    """What narrows the queue, for addresses."""
    values = {**form.model_dump(mode="json", exclude_defaults=True, exclude_none=True), **other}
    return urlencode({name: str(value).lower() for name, value in values.items()})


def _case(view: AgreementView) -> dict[str, Any]:
    """What the right half shows of the agreement."""
    agreement = view.agreement
    return {
        "agreement": agreement,
        "steps": timeline(agreement),
        "show_text": show_text,
        "names": {party.organisation_id: party for party in agreement.parties},
        "public_signings": [s for s in view.signings if s.method is SignatureMethod.SIGNED_IN],
        "paper_signings": [s for s in view.signings if s.method is SignatureMethod.RECORDED_COPY],
        "clauses": clauses(view.text_sv),
        "last_signature": len(view.facts.unsigned) == 1,
        **in_plain_language(view.terms, plain_language.public_party(agreement.type)),
    }


HANDLERS: list[ControllerRouterHandler] = [desk, case, decide]
