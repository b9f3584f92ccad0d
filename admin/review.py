"""The review desk: who takes an agreement, the checklist, and notes on clauses; and the checklists themselves."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Annotated, Any
from uuid import UUID

from litestar import Request, get, post
from litestar.datastructures import UploadFile
from litestar.params import FromPath
from litestar.response import Redirect, Template
from litestar.types import ControllerRouterHandler
from pydantic import Field

from admin.legal import LARGEST_ID, show_desk
from registry.access import Actor, Permission, require
from registry.agreements import checklists, rules, service
from registry.agreements.codes import AgreementType
from registry.errors import DomainError, FieldError, InvalidInput, NotFound
from registry.web import language
from registry.web.authentication import CurrentActor
from registry.web.input import BlankIsNone, Day, Input, Line, LongText, PlainText, Whole, parse, read_form
from registry.web.labels import options
from registry.web.rendering import go_to, page

AnyRequest = Request[Any, Any, Any]
DESK = "/desk/agreements"
CHECKLISTS = "/desk/checklists"
_Version = Annotated[Annotated[Whole, Field(ge=1, le=1_000_000)] | None, BlankIsNone]


class AssignForm(Input):
    """Who takes it (blank for nobody), and until when."""

    person: Annotated[Annotated[Whole, Field(ge=1, le=LARGEST_ID)] | None, BlankIsNone] = None
    due_on: Annotated[Day | None, BlankIsNone] = None


class TicksForm(Input):
    """The items that hold."""

    items: list[Annotated[Whole, Field(ge=1, le=2**63 - 1)]] = Field(default_factory=list)
    version: _Version = None


class NoteForm(Input):
    """A note on a clause, or on the whole."""

    clause: PlainText = ""
    text: LongText = ""
    version: _Version = None


class CopyForm(Input):
    """For which party somebody has signed on paper, and who."""

    organisation: Annotated[Annotated[Whole, Field(ge=1, le=LARGEST_ID)] | None, BlankIsNone] = None
    signer_name: Line = ""
    version: _Version = None


class ItemForm(Input):
    """Something more to check."""

    type: AgreementType
    text_sv: Annotated[Line, Field(max_length=checklists.LONGEST_ITEM)] = ""
    text_en: Annotated[Line, Field(max_length=checklists.LONGEST_ITEM)] = ""
    required: bool = False


@post(f"{DESK}/{{agreement_id:uuid}}/assign", include_in_schema=False)
async def assign(request: AnyRequest, actor: CurrentActor, agreement_id: FromPath[UUID]) -> Redirect | Template:
    """Note who reviews an agreement, and until when."""

    async def act() -> None:
        form = await read_form(request, AssignForm)
        await service.assign(actor, agreement_id, form.person, due_on=form.due_on)

    return await _or_again(request, actor, agreement_id, act, notice="agreement-assigned")


@post(f"{DESK}/{{agreement_id:uuid}}/checklist", include_in_schema=False)
async def tick(request: AnyRequest, actor: CurrentActor, agreement_id: FromPath[UUID]) -> Redirect | Template:
    """Store which items hold."""

    async def act() -> None:
        form = await read_form(request, TicksForm)
        await service.tick(actor, agreement_id, set(form.items), read_version=form.version)

    return await _or_again(request, actor, agreement_id, act, notice="checklist-stored")


@post(f"{DESK}/{{agreement_id:uuid}}/note", include_in_schema=False)
async def note(request: AnyRequest, actor: CurrentActor, agreement_id: FromPath[UUID]) -> Redirect | Template:
    """Store a note for legal."""
    written: dict[str, str] = {}

    async def act() -> None:
        written.update({name: str(value) for name, value in (await request.form()).items()})
        form = await read_form(request, NoteForm)
        await service.comment(actor, agreement_id, form.text, clause=form.clause, read_version=form.version)

    return await _or_again(request, actor, agreement_id, act, notice="note-stored", written=written)


async def _or_again(
    request: AnyRequest,
    actor: Actor,
    agreement_id: UUID,
    act: Callable[[], Awaitable[None]],
    *,
    notice: str,
    written: dict[str, str] | None = None,
) -> Redirect | Template:
    """Do it, or show the case again with what was wrong and what had been written."""
    require(actor, Permission.AGREEMENT_REVIEW)
    again = partial(show_desk, request, actor, agreement_id, note=written)
    try:
        await act()
    except InvalidInput as error:
        return await again(errors=error.errors, status=error.status)
    except DomainError as error:
        if error.status != DomainError.status:
            raise
        return await again(errors=[FieldError("", error.detail)], status=error.status)
    return go_to(f"{DESK}/{agreement_id}", notice)


@post(f"{DESK}/{{agreement_id:uuid}}/record", include_in_schema=False)
async def record_copy(request: AnyRequest, actor: CurrentActor, agreement_id: FromPath[UUID]) -> Redirect | Template:
    """Record that a counterparty has signed on paper, with the signed copy."""

    async def act() -> None:
        form = parse(CopyForm, {n: v for n, v in (await request.form()).items() if isinstance(v, str) and n[0] != "_"})
        upload = (await request.form()).get("document")
        name, content, media_type = "", b"", ""
        if isinstance(upload, UploadFile):
            # One byte more than is allowed is enough to see that a file is too large.
            content = await upload.read(rules.LARGEST_DOCUMENT + 1)
            name, media_type = upload.filename, upload.content_type
        await service.record_copy(
            actor,
            agreement_id,
            organisation_id=form.organisation,
            signer_name=form.signer_name,
            filename=name,
            content=content,
            media_type=media_type,
            read_version=form.version,
        )

    return await _or_again(request, actor, agreement_id, act, notice="agreement-changed")


@get(CHECKLISTS, include_in_schema=False)
async def checklists_page(request: AnyRequest, actor: CurrentActor) -> Template:
    """What is checked in agreements of each type."""
    return await _checklists(request, actor)


@post(CHECKLISTS, include_in_schema=False)
async def add_item(request: AnyRequest, actor: CurrentActor) -> Redirect | Template:
    """Have something more checked."""
    require(actor, Permission.AGREEMENT_REVIEW)
    values = {name: str(value) for name, value in (await request.form()).items()}
    try:
        form = await read_form(request, ItemForm)
        await checklists.add_item(actor, form.type, text_sv=form.text_sv, text_en=form.text_en, required=form.required)
    except InvalidInput as error:
        return await _checklists(request, actor, errors=error.errors, form=values, status=error.status)
    except DomainError as error:
        if error.status != DomainError.status:
            raise
        return await _checklists(
            request, actor, errors=[FieldError("", error.detail)], form=values, status=error.status
        )
    return go_to(CHECKLISTS, "checklist-changed")


@post(f"{CHECKLISTS}/{{item_id:int}}/remove", include_in_schema=False)
async def retire_item(actor: CurrentActor, item_id: FromPath[int]) -> Redirect:
    """Have something checked no longer."""
    if not 0 < item_id < 2**63:
        raise NotFound
    await checklists.retire_item(actor, item_id)
    return go_to(CHECKLISTS, "checklist-changed")


async def _checklists(
    request: AnyRequest,
    actor: Actor,
    *,
    errors: list[FieldError] | None = None,
    form: dict[str, str] | None = None,
    status: int = 200,
) -> Template:
    return page(
        request,
        "desk/checklists.html",
        status=status,
        lists=await checklists.items_by_type(actor),
        types=options("agreement_type"),
        form={"type": "", "text_sv": "", "text_en": "", "required": "", **(form or {})},
        may_edit=actor.may(Permission.AGREEMENT_REVIEW, []),
        errors=language.say_errors(errors),
        breadcrumbs=[(DESK, language.gettext("Legal desk")), (None, language.gettext("Checklists"))],
    )


HANDLERS: list[ControllerRouterHandler] = [assign, tick, note, record_copy, checklists_page, add_item, retire_item]
