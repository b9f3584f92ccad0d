"""Agreements: the list, the page of one, signing and changing; and the models in plain words."""

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.datastructures import UploadFile
from litestar.params import FromPath
from litestar.response import Redirect, Template
from litestar.types import ControllerRouterHandler
from pydantic import Field

from registry.access import Actor
from registry.agreements import queries, rules, service
from registry.agreements.codes import TERM_FIELDS, SignatureMethod, TermValue
from registry.agreements.queries import AgreementView
from registry.agreements.states import AgreementState
from registry.errors import DomainError, FieldError, InvalidInput, NotFound
from registry.formats import plain_language
from registry.web import language
from registry.web.agreement_status import show_text, timeline, tone
from registry.web.attachments import attachment
from registry.web.authentication import CurrentActor
from registry.web.input import BlankIsNone, Day, Input, Line, PlainText, form_values, parse, read_form, read_query
from registry.web.labels import options
from registry.web.rendering import go_to, page

AnyRequest = Request[Any, Any, Any]
PAGE_SIZE = 20
MOST_TO_COMPARE = 20


class ListFilter(Input):
    """Which agreements to list."""

    state: AgreementState | None = None
    page: Annotated[int, Field(ge=1, le=1_000_000)] = 1


class SignForm(Input):
    """For which party."""

    organisation: Annotated[int, Field(ge=1, le=2_147_483_647)]
    # The version that the reader saw; a newer one is not decided or signed unread.
    version: Annotated[Annotated[int, Field(ge=1, le=1_000_000)] | None, BlankIsNone] = None
    sha256: Annotated[Annotated[str, Field(pattern="^[0-9a-f]{64}$")] | None, BlankIsNone] = None


class EditForm(Input):
    """The parts of an agreement that its author changes."""

    title: Line = ""
    dnr: Annotated[Line, Field(max_length=rules.LONGEST_DNR)] = ""
    valid_from: Annotated[Day | None, BlankIsNone] = None
    valid_until: Annotated[Day | None, BlankIsNone] = None
    text_sv: Annotated[PlainText, Field(max_length=rules.LONGEST_TEXT)] = ""
    text_en: Annotated[PlainText, Field(max_length=rules.LONGEST_TEXT)] = ""


@get("/agreements", include_in_schema=False)
async def list_page(request: AnyRequest, actor: CurrentActor) -> Template:
    """The agreements that the reader may see, newest first."""
    wanted = read_query(request, ListFilter)
    rows, total = await queries.list_agreements(actor, state=wanted.state, page=wanted.page, page_size=PAGE_SIZE)
    return page(
        request,
        "agreements/list.html",
        agreements=rows,
        total=total,
        state=wanted.state.value if wanted.state else "",
        states=options("agreement_state"),
        tone=tone,
        page_number=wanted.page,
        pages=-(-total // PAGE_SIZE),
        breadcrumbs=[(None, language.gettext("Agreements"))],
    )


@get("/agreements/{agreement_id:uuid}", include_in_schema=False)
async def agreement_page(request: AnyRequest, actor: CurrentActor, agreement_id: FromPath[UUID]) -> Template:
    """One agreement: where it stands, who acts next, its terms and its text."""
    return await _page(request, actor, await queries.get_agreement(actor, agreement_id))


@post("/agreements/{agreement_id:uuid}/sign", include_in_schema=False)
async def sign(request: AnyRequest, actor: CurrentActor, agreement_id: FromPath[UUID]) -> Redirect | Template:
    """Sign for one's organisation."""
    form = await read_form(request, SignForm)
    try:
        state = await service.sign(
            actor,
            agreement_id,
            organisation_id=form.organisation,
            read_version=form.version,
            read_sha256=form.sha256,
        )
    except DomainError as error:
        return await _again(request, actor, agreement_id, error)
    notice = "agreement-in-force" if state is AgreementState.IN_FORCE else "agreement-signed"
    return go_to(f"/agreements/{agreement_id}", notice)


@post("/agreements/{agreement_id:uuid}/submit", include_in_schema=False)
async def submit(request: AnyRequest, actor: CurrentActor, agreement_id: FromPath[UUID]) -> Redirect | Template:
    """Send a draft, or an agreement that was sent back, to legal."""
    try:
        await service.submit(actor, agreement_id)
    except DomainError as error:
        return await _again(request, actor, agreement_id, error)
    return go_to(f"/agreements/{agreement_id}", "agreement-sent")


# The largest document, and the rest of the form around it.
_LARGEST_UPLOAD = rules.LARGEST_DOCUMENT + 64 * 1024


@post("/agreements/{agreement_id:uuid}/documents", include_in_schema=False, request_max_body_size=_LARGEST_UPLOAD)
async def add_document(request: AnyRequest, actor: CurrentActor, agreement_id: FromPath[UUID]) -> Redirect | Template:
    """Add a file."""
    upload = (await request.form()).get("document")
    name, content, media_type = "", b"", ""
    if isinstance(upload, UploadFile):
        # One byte more than is allowed is enough to see that a file is too large.
        content = await upload.read(rules.LARGEST_DOCUMENT + 1)
        name, media_type = upload.filename, upload.content_type
    try:
        await service.add_document(actor, agreement_id, name, content, media_type)
    except DomainError as error:
        return await _again(request, actor, agreement_id, error)
    return go_to(f"/agreements/{agreement_id}#documents", "document-added")


@get("/agreements/{agreement_id:uuid}/documents/{document_id:uuid}", include_in_schema=False)
async def read_document(
    actor: CurrentActor, agreement_id: FromPath[UUID], document_id: FromPath[UUID]
) -> Response[bytes]:
    """A file, to be saved rather than shown."""
    document = await service.read_document(actor, agreement_id, document_id)
    return attachment(document.filename, document.content, document.media_type)


@get("/agreements/{agreement_id:uuid}/edit", include_in_schema=False)
async def edit_page(request: AnyRequest, actor: CurrentActor, agreement_id: FromPath[UUID]) -> Template:
    """The form in which the author changes the agreement."""
    view = await queries.get_editable(actor, agreement_id)
    agreement = view.agreement
    values = {
        "title": agreement.title_sv if view.own_title else "",
        "dnr": agreement.dnr,
        "valid_from": agreement.valid_from or "",
        "valid_until": agreement.valid_until or "",
        "text_sv": view.text_sv,
        "text_en": view.text_en,
    }
    return _edit_page(request, view, values)


@post("/agreements/{agreement_id:uuid}/edit", include_in_schema=False)
async def edit(request: AnyRequest, actor: CurrentActor, agreement_id: FromPath[UUID]) -> Redirect | Template:
    """Store a new version. A text that was not touched stays the template's, filled in with the new dates."""
    view = await queries.get_editable(actor, agreement_id)
    raw = await form_values(request, EditForm)
    try:
        form = parse(EditForm, raw)
        await service.add_version(
            actor,
            agreement_id,
            title=form.title,
            dnr=form.dnr,
            valid_from=form.valid_from,
            valid_until=form.valid_until,
            text_sv=None if _same(form.text_sv, view.text_sv) else form.text_sv,
            text_en=None if _same(form.text_en, view.text_en) else form.text_en,
        )
    except InvalidInput as error:
        return _edit_page(request, view, raw, errors=error.errors)
    return go_to(f"/agreements/{agreement_id}", "agreement-changed")


def _same(sent: str, stored: str) -> bool:
    """Whether a text was left as it was; browsers change line ends, and the ends of the text are trimmed."""
    return sent.strip() == stored.replace("\r\n", "\n").strip()


@get("/terms", include_in_schema=False)
async def terms_page(request: AnyRequest) -> Template:
    """The models of agreement in plain words, with the way to the entries that offer them."""
    return page(
        request,
        "agreements/terms.html",
        models=await queries.models(),
        ownerships=TERM_FIELDS["results_ownership"].values,
        in_brief=plain_language.summary,
        party=plain_language.public_party,
        breadcrumbs=[(None, language.gettext("Agreements and rights in plain words"))],
    )


@get("/terms/{code:str}", include_in_schema=False)
async def model_page(request: AnyRequest, code: FromPath[str]) -> Template:
    """One model: its terms in plain language and its text."""
    model = await queries.model(code)
    if model is None:
        raise NotFound
    return page(
        request,
        "agreements/model.html",
        model=model,
        offered=model.offered,
        show_text=show_text,
        **in_plain_language(model.offered.terms, plain_language.public_party(model.offered.type)),
        breadcrumbs=[
            ("/terms", language.gettext("Agreements and rights in plain words")),
            (None, language.in_language(model.offered, "title")),
        ],
    )


def in_plain_language(terms: Mapping[str, TermValue], party: plain_language.PublicParty) -> dict[str, Any]:
    """What templates/agreements/_terms.html needs to show terms."""
    return {
        "summary": plain_language.summary(terms, party),
        "glance": plain_language.glance(terms, party),
        "full": plain_language.full(terms, party),
    }


async def _page(
    request: AnyRequest,
    actor: Actor,
    view: AgreementView,
    *,
    errors: list[FieldError] | None = None,
    status: int = 200,
) -> Template:
    agreement = view.agreement
    others, _ = await queries.list_agreements(actor, type=agreement.type, page_size=MOST_TO_COMPARE)
    return page(
        request,
        "agreements/agreement.html",
        status=status,
        view=view,
        agreement=agreement,
        tone=tone(agreement.state),
        steps=timeline(agreement),
        show_text=show_text,
        names={party.organisation_id: party for party in agreement.parties},
        own_signings=[s for s in view.signings if s.method is SignatureMethod.SIGNED_IN],
        others=[other for other in others if other.id != agreement.id],
        models=[one for one in await queries.models() if one.template_code != agreement.template_code],
        **in_plain_language(view.terms, plain_language.public_party(agreement.type)),
        errors=language.say_errors(errors),
        breadcrumbs=[
            ("/agreements", language.gettext("Agreements")),
            (None, language.in_language(agreement, "title")),
        ],
    )


async def _again(request: AnyRequest, actor: Actor, agreement_id: UUID, error: DomainError) -> Template:
    """The page again with what was wrong; what the reader may not see or do at all is answered as everywhere."""
    if isinstance(error, InvalidInput):
        errors = error.errors
    elif error.status == DomainError.status:
        errors = [FieldError("", error.detail)]
    else:
        raise error
    view = await queries.get_agreement(actor, agreement_id)
    return await _page(request, actor, view, errors=errors, status=error.status)


def _edit_page(
    request: AnyRequest, view: AgreementView, values: dict[str, Any], errors: list[FieldError] | None = None
) -> Template:
    title = language.in_language(view.agreement, "title")
    return page(
        request,
        "agreements/edit.html",
        status=422 if errors else 200,
        view=view,
        agreement=view.agreement,
        values=values,
        errors=language.say_errors(errors),
        breadcrumbs=[
            ("/agreements", language.gettext("Agreements")),
            (f"/agreements/{view.agreement.id}", title),
            (None, language.gettext("Change the agreement")),
        ],
    )


HANDLERS: list[ControllerRouterHandler] = [
    list_page,
    agreement_page,
    sign,
    submit,
    add_document,
    read_document,
    edit_page,
    edit,
    terms_page,
    model_page,
]
