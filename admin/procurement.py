"""The procurement desk: what is under way and what is next, and logging and following procurements."""

from functools import partial
from itertools import groupby
from typing import Any
from uuid import UUID

from litestar import Request, get, post
from litestar.params import FromPath
from litestar.response import Redirect, Template
from litestar.types import ControllerRouterHandler

from admin import partnerships
from admin import procurement_forms as forms
from admin.procurement_choices import DESK, entry_choices, history
from admin.sent_forms import NOT_SENT, Sent, or_again, parse_form
from registry.access import Actor, Permission, require
from registry.entries.queries import get_entry_by_id
from registry.entries.service import move_entry, text_of
from registry.procurement import queries, service
from registry.procurement.queries import Scope
from registry.procurement.states import Stage
from registry.procurement.views import ProcurementRow
from registry.web import language
from registry.web.authentication import CurrentActor
from registry.web.input import Input, form_values, read_query
from registry.web.rendering import go_to, page

AnyRequest = Request[Any, Any, Any]
MOST_ROWS = 200


class DeskFilter(Input):
    """Whether to show only what the actor has logged."""

    mine: bool = False


@get(DESK, include_in_schema=False)
async def desk(request: AnyRequest, actor: CurrentActor) -> Template:
    """The team's procurements by stage and its partnerships, each with what is next."""
    mine = read_query(request, DeskFilter, ignore_unknown=True).mine
    scope = Scope.OWN if mine else Scope.TEAM
    procurements, _ = await queries.list_procurements(actor, scope=scope, page_size=MOST_ROWS)
    under_way, _ = await queries.list_partnerships(actor, scope=scope, page_size=MOST_ROWS)
    return page(
        request,
        "desk/procurement.html",
        stages=_by_stage(procurements),
        partnerships=under_way,
        mine=mine,
        may_log=actor.may(Permission.PROCUREMENT_EDIT),
        breadcrumbs=[(None, language.gettext("Procurement desk"))],
    )


def _by_stage(rows: list[ProcurementRow]) -> list[tuple[Stage, list[ProcurementRow]]]:
    order = list(Stage)
    ordered = sorted(rows, key=lambda row: order.index(row.stage))
    return [(stage, list(group)) for stage, group in groupby(ordered, key=lambda row: row.stage)]


@get(f"{DESK}/new", include_in_schema=False)
async def new_page(request: AnyRequest, actor: CurrentActor) -> Template:
    """The form for logging a procurement."""
    require(actor, Permission.PROCUREMENT_EDIT)
    return await _form(request, actor, None, NOT_SENT)


@post(f"{DESK}/new", include_in_schema=False)
async def create(request: AnyRequest, actor: CurrentActor) -> Redirect | Template:
    """Log a procurement."""
    require(actor, Permission.PROCUREMENT_EDIT)
    raw = await form_values(request, forms.ProcurementForm)

    async def act() -> Redirect:
        form = parse_form(forms.ProcurementForm, raw)
        procurement_id = await service.create_procurement(actor, form.text(), submit=form.submit)
        return go_to(f"{DESK}/{procurement_id}", "procurement-created")

    return await or_again(raw, act, partial(_form, request, actor, None))


@get(f"{DESK}/{{procurement_id:uuid}}", include_in_schema=False)
async def detail(request: AnyRequest, actor: CurrentActor, procurement_id: FromPath[UUID]) -> Template:
    """A procurement with its stage and the steps that are possible."""
    return await _detail(request, actor, procurement_id, NOT_SENT)


@get(f"{DESK}/{{procurement_id:uuid}}/edit", include_in_schema=False)
async def edit_page(request: AnyRequest, actor: CurrentActor, procurement_id: FromPath[UUID]) -> Template:
    """The form for changing a procurement."""
    return await _form(request, actor, procurement_id, NOT_SENT)


@post(f"{DESK}/{{procurement_id:uuid}}/edit", include_in_schema=False)
async def change(request: AnyRequest, actor: CurrentActor, procurement_id: FromPath[UUID]) -> Redirect | Template:
    """Change a procurement."""
    raw = await form_values(request, forms.ProcurementForm)
    found = await queries.get_procurement(actor, procurement_id)

    async def act() -> Redirect:
        form = parse_form(forms.ProcurementForm, raw)
        before = text_of((await get_entry_by_id(actor, found.entry.id)).row)
        currency = found.content.currency if found.content else "SEK"
        text = form.text(before, currency)
        await service.change_procurement(actor, procurement_id, text, read_version=form.version)
        return go_to(f"{DESK}/{procurement_id}", "procurement-changed")

    return await or_again(raw, act, partial(_form, request, actor, procurement_id))


@post(f"{DESK}/{{procurement_id:uuid}}/stage", include_in_schema=False)
async def move(request: AnyRequest, actor: CurrentActor, procurement_id: FromPath[UUID]) -> Redirect | Template:
    """Take a step of the state table."""
    raw = await form_values(request, forms.StageForm)

    async def act() -> Redirect:
        form = parse_form(forms.StageForm, raw)
        await service.move_procurement(actor, procurement_id, form.action, reason=form.reason)
        return go_to(f"{DESK}/{procurement_id}", "procurement-changed")

    return await or_again(raw, act, partial(_detail, request, actor, procurement_id))


@post(f"{DESK}/{{procurement_id:uuid}}/submit", include_in_schema=False)
async def submit(request: AnyRequest, actor: CurrentActor, procurement_id: FromPath[UUID]) -> Redirect | Template:
    """Send the entry to the innovation unit for review."""
    found = await queries.get_procurement(actor, procurement_id)

    async def act() -> Redirect:
        await move_entry(actor, found.entry.id, "submit")
        return go_to(f"{DESK}/{procurement_id}", "entry-submitted")

    return await or_again({}, act, partial(_detail, request, actor, procurement_id))


async def _form(request: AnyRequest, actor: Actor, procurement_id: UUID | None, sent: Sent) -> Template:
    found = await queries.get_procurement(actor, procurement_id) if procurement_id else None
    if found is not None:
        require(actor, Permission.PROCUREMENT_EDIT, [found.entry.body_id])
    title = language.gettext("Change the procurement") if found else language.gettext("Log an innovation procurement")
    here = [(f"{DESK}/{found.id}", language.in_language(found.entry, "title"))] if found else []
    return page(
        request,
        "desk/procurement_form.html",
        status=sent.status,
        form=sent.values(forms.ProcurementForm, forms.procurement_values(found) if found else None),
        procurement=found,
        currency=found.content.currency if found and found.content else "SEK",
        title=title,
        **await entry_choices(actor),
        errors=sent.shown,
        breadcrumbs=[(DESK, language.gettext("Procurement desk")), *here, (None, title)],
    )


async def _detail(request: AnyRequest, actor: Actor, procurement_id: UUID, sent: Sent) -> Template:
    require(actor, Permission.PROCUREMENT_READ_ALL)
    found = await queries.get_procurement(actor, procurement_id)
    return page(
        request,
        "desk/procurement_detail.html",
        status=sent.status,
        procurement=found,
        form=sent.values(forms.StageForm),
        history=await history(actor, "procurement", found.id),
        errors=sent.shown,
        breadcrumbs=[
            (DESK, language.gettext("Procurement desk")),
            (None, language.in_language(found.entry, "title")),
        ],
    )


HANDLERS: list[ControllerRouterHandler] = [
    desk,
    new_page,
    create,
    detail,
    edit_page,
    change,
    move,
    submit,
    *partnerships.HANDLERS,
]
