"""The desk for entries: what waits for the innovation unit, and writing the entries of environments; and the log."""

from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any

from babel.dates import get_day_names
from litestar import Request, get, post
from litestar.params import FromPath
from litestar.response import Redirect, Template
from litestar.types import ControllerRouterHandler
from pydantic import Field

from admin import entry_forms as forms
from admin.hours_forms import hour_rows
from admin.sent_forms import NOT_SENT, Sent, or_again, parse_form
from registry import database
from registry.access import Actor, Permission, require
from registry.accounts import queries as accounts
from registry.accounts.codes import OrganisationKind
from registry.audit import queries as audit
from registry.bookings import hosting
from registry.entries import queries, rules, service
from registry.entries.queries import EntryView
from registry.entries.states import TRANSITIONS
from registry.errors import N_, NotFound, invalid
from registry.procurement.queries import partnership_of_entry, procurement_of_entry
from registry.transitions import actions_from
from registry.web import language
from registry.web.authentication import CurrentActor
from registry.web.input import Input, form_values, read_query
from registry.web.labels import LABELS, options
from registry.web.rendering import go_to, page

AnyRequest = Request[Any, Any, Any]
DESK = "/desk/entries"
PAGE_SIZE = 50
LARGEST_ID = 2**63 - 1
PageNumber = Annotated[int, Field(ge=1, le=1_000_000)]


class DeskFilter(Input):
    page: PageNumber = 1


class LogFilter(Input):
    subject: str | None = None
    page: PageNumber = 1


@get(DESK, include_in_schema=False)
async def desk(request: AnyRequest, actor: CurrentActor) -> Template:
    """What waits, with its first case, and the entries that the actor may edit."""
    return await _desk(request, actor, None, NOT_SENT)


@get(f"{DESK}/{{entry_id:int}}", include_in_schema=False)
async def case(request: AnyRequest, actor: CurrentActor, entry_id: FromPath[int]) -> Template:
    """The same, with one case."""
    return await _desk(request, actor, entry_id, NOT_SENT)


@post(f"{DESK}/{{entry_id:int}}/{{action:str}}", include_in_schema=False)
async def decide(
    request: AnyRequest, actor: CurrentActor, entry_id: FromPath[int], action: FromPath[str]
) -> Redirect | Template:
    """Submit, publish, request changes or archive."""
    require(actor, Permission.ENTRY_EDIT)
    step = action.replace("-", "_")
    if step not in TRANSITIONS or not 0 < entry_id <= LARGEST_ID:
        raise NotFound
    raw = await form_values(request, forms.ReviewForm)

    async def act() -> Redirect:
        form = parse_form(forms.ReviewForm, raw)
        await service.move_entry(actor, entry_id, step, review_message=form.review_message)
        return go_to(DESK, "entry-submitted" if step == "submit" else "entry-decided")

    return await or_again(raw, act, partial(_desk, request, actor, entry_id))


@get(f"{DESK}/new", include_in_schema=False)
async def new_page(request: AnyRequest, actor: CurrentActor) -> Template:
    """The form of a new environment."""
    require(actor, Permission.ENTRY_EDIT)
    return await _form(request, actor, None, NOT_SENT)


@post(f"{DESK}/new", include_in_schema=False)
async def create(request: AnyRequest, actor: CurrentActor) -> Redirect | Template:
    """Create an environment's entry as a draft."""
    require(actor, Permission.ENTRY_EDIT)
    raw = await form_values(request, forms.EnvironmentForm)

    async def act() -> Redirect:
        form = parse_form(forms.EnvironmentForm, raw)
        await _require_known(form)
        entry_id = await service.create_entry(actor, form.entry_text(None), form.environment_text(None))
        return go_to(f"{DESK}/{entry_id}", "entry-created")

    return await or_again(raw, act, partial(_form, request, actor, None))


@get(f"{DESK}/{{entry_id:int}}/edit", include_in_schema=False)
async def edit_page(request: AnyRequest, actor: CurrentActor, entry_id: FromPath[int]) -> Template:
    """The form of an environment."""
    return await _form(request, actor, entry_id, NOT_SENT)


@post(f"{DESK}/{{entry_id:int}}/edit", include_in_schema=False)
async def change(request: AnyRequest, actor: CurrentActor, entry_id: FromPath[int]) -> Redirect | Template:
    """Change an environment and its entry; a published one gets a new version at once."""
    raw = await form_values(request, forms.EnvironmentForm)
    entry = await editable_environment(actor, entry_id)

    async def act() -> Redirect:
        form = parse_form(forms.EnvironmentForm, raw)
        await _require_known(form)
        stored = service.environment_text_of(entry.row, entry.opening_hours)
        text, environment = form.entry_text(service.text_of(entry.row)), form.environment_text(stored)
        async with hosting.naming_bookings_in_the_way(actor), database.transaction():
            await service.change_entry(actor, entry_id, text, read_version=form.version)
            if environment != stored:
                await service.change_environment(actor, entry_id, environment)
        return go_to(f"{DESK}/{entry_id}", "entry-changed")

    return await or_again(raw, act, partial(_form, request, actor, entry_id))


@get("/desk/log", include_in_schema=False)
async def log_page(request: AnyRequest, actor: CurrentActor) -> Template:
    """The log of everything that happened, newest first."""
    wanted = read_query(request, LogFilter, ignore_unknown=True)
    subject = wanted.subject if wanted.subject in LABELS["subject"] else None
    events, total = await audit.search_log(actor, subject_kind=subject, page=wanted.page, page_size=PAGE_SIZE)
    chosen = f"subject={subject}&" if subject else ""
    return page(
        request,
        "desk/log.html",
        events=events,
        total=total,
        subject=subject,
        subjects=options("subject"),
        page_number=wanted.page,
        pages=-(-total // PAGE_SIZE),
        page_url=lambda number: f"/desk/log?{chosen}page={number}",
        breadcrumbs=[(None, language.gettext("Log"))],
    )


async def _desk(request: AnyRequest, actor: Actor, entry_id: int | None, sent: Sent) -> Template:
    require(actor, Permission.ENTRY_EDIT)
    if entry_id is not None and not 0 < entry_id <= LARGEST_ID:
        raise NotFound
    wanted = read_query(request, DeskFilter, ignore_unknown=True)
    publishes = actor.may(Permission.ENTRY_PUBLISH)
    queue = [row for row in await queries.entries_to_decide(actor) if row["status"] == "in_review"] if publishes else []
    rows, total = await queries.entries_to_edit(actor, page=wanted.page, page_size=PAGE_SIZE)
    chosen = entry_id or (queue[0]["id"] if queue else None)
    entry = await queries.get_entry_by_id(actor, chosen) if chosen else None
    return page(
        request,
        "desk/entries.html",
        status=sent.status,
        queue=[(row, (datetime.now(UTC) - row["waiting_since"]).days) for row in queue],
        publishes=publishes,
        entry=entry,
        actions=_actions(actor, entry) if entry else [],
        refusal=rules.can_take["publish"](actor, entry.facts) if entry else None,
        may_edit=entry is not None and entry.is_environment and rules.can_edit.allows(actor, entry.facts),
        procurement=await procurement_of_entry(actor, entry.id) if entry else None,
        partnership=await partnership_of_entry(actor, entry.id) if entry else None,
        form=sent.values(forms.ReviewForm),
        rows=rows,
        page_number=wanted.page,
        pages=-(-total // PAGE_SIZE),
        page_url=lambda number: f"{DESK}?page={number}#all",
        errors=sent.shown,
        breadcrumbs=[(None, language.gettext("Entries desk"))],
    )


def _actions(actor: Actor, entry: EntryView) -> list[str]:
    possible = actions_from(TRANSITIONS, entry.facts.status)
    return [action for action in possible if rules.can_take[action].allows(actor, entry.facts)]


async def editable_environment(actor: Actor, entry_id: int) -> EntryView:
    """An environment that the actor may edit; procurements and partnerships have forms of their own."""
    require(actor, Permission.ENTRY_EDIT)
    if not 0 < entry_id <= LARGEST_ID:
        raise NotFound
    entry = await queries.get_entry_by_id(actor, entry_id)
    if not entry.is_environment:
        raise NotFound
    require(actor, Permission.ENTRY_EDIT, entry.facts.responsible)
    return entry


async def _require_known(form: forms.EnvironmentForm) -> None:
    named = {"accountable_body": form.accountable_body, "unit": form.unit}
    known = await accounts.organisations_by_id({id for id in named.values() if id is not None})
    for name, id in named.items():
        if id is not None and id not in known:
            raise invalid(name, N_("There is no organisation with this id. Choose one of the list."))


async def _form(request: AnyRequest, actor: Actor, entry_id: int | None, sent: Sent) -> Template:
    entry = await editable_environment(actor, entry_id) if entry_id else None
    values = sent.values(forms.EnvironmentForm, forms.entry_values(entry) if entry else forms.new_values())
    title = language.gettext("Change the entry") if entry else language.gettext("New environment")
    days = get_day_names("wide", locale=language.current_language())
    return page(
        request,
        "desk/entries_form.html",
        status=sent.status,
        form=values,
        entry=entry,
        hours=[(day, days[day - 1], rows) for day, rows in hour_rows(values, spare=0)],
        title=title,
        **await _choices(),
        in_the_way=sent.extra.get("bookings", ()),
        errors=sent.shown,
        breadcrumbs=[(DESK, language.gettext("Entries desk")), (None, title)],
    )


async def _choices() -> dict[str, list[tuple[str, str]]]:
    current = language.current_language()
    found = await accounts.organisations()
    groups = ("sector", "perspective", "specialisation", "track", "visibility", "audience", "remuneration")
    return {
        "kinds": [(kind.value, dict(options("kind"))[kind.value]) for kind in forms.KINDS],
        # A hospital of the region is a unit and still the accountable body.
        "bodies": [(str(one.id), one.name(current)) for one in found],
        "units": [(str(one.id), one.name(current)) for one in found if one.kind is OrganisationKind.UNIT],
        **{f"{group}_choices": options(group) for group in groups},
    }


HANDLERS: list[ControllerRouterHandler] = [desk, case, decide, new_page, create, edit_page, change, log_page]
