"""The procurement desk's part for innovation partnerships: logging them, their phases, decisions and purchase."""

from functools import partial
from typing import Any
from uuid import UUID

from litestar import Request, get, post
from litestar.params import FromPath
from litestar.response import Redirect, Template
from litestar.types import ControllerRouterHandler

from admin import procurement_forms as forms
from admin.procurement_choices import DESK, history, partnership_choices, phase_choices
from admin.sent_forms import NOT_SENT, Sent, or_again, parse_form
from registry.access import Actor, Permission, require
from registry.entries.queries import get_entry_by_id
from registry.entries.service import move_entry, text_of
from registry.errors import InvalidInput, NotFound
from registry.procurement import queries, rules, service
from registry.procurement.views import PartnershipView, PhaseView
from registry.web import language
from registry.web.authentication import CurrentActor
from registry.web.input import form_values
from registry.web.labels import options
from registry.web.rendering import go_to, page

AnyRequest = Request[Any, Any, Any]
PARTNERSHIPS = f"{DESK}/partnerships"


@get(f"{PARTNERSHIPS}/new", include_in_schema=False)
async def new_page(request: AnyRequest, actor: CurrentActor) -> Template:
    """The form for logging a partnership; `?procurement=` names the procurement that led to it."""
    require(actor, Permission.PROCUREMENT_EDIT)
    linked = request.query_params.get("procurement", "")
    return await _new_form(request, actor, Sent({"procurement": linked} if linked else None))


@post(f"{PARTNERSHIPS}/new", include_in_schema=False)
async def create(request: AnyRequest, actor: CurrentActor) -> Redirect | Template:
    """Log a partnership, with its first phase where one is given."""
    require(actor, Permission.PROCUREMENT_EDIT)
    raw = await form_values(request, forms.NewPartnershipForm)

    async def act() -> Redirect:
        form = parse_form(forms.NewPartnershipForm, raw)
        text = form.text(phases=form.first_phase())
        try:
            partnership_id = await service.create_partnership(actor, text, submit=form.submit)
        except InvalidInput as error:
            raise InvalidInput(forms.on_form(error.errors, raw)) from error
        return go_to(f"{PARTNERSHIPS}/{partnership_id}", "partnership-created")

    return await or_again(raw, act, partial(_new_form, request, actor))


@get(f"{PARTNERSHIPS}/{{partnership_id:uuid}}", include_in_schema=False)
async def detail(request: AnyRequest, actor: CurrentActor, partnership_id: FromPath[UUID]) -> Template:
    """A partnership with its phases and what can be done next."""
    return await _detail(request, actor, partnership_id, "", NOT_SENT)


@get(f"{PARTNERSHIPS}/{{partnership_id:uuid}}/edit", include_in_schema=False)
async def edit_page(request: AnyRequest, actor: CurrentActor, partnership_id: FromPath[UUID]) -> Template:
    """The form for changing a partnership."""
    return await _edit_form(request, actor, partnership_id, NOT_SENT)


@post(f"{PARTNERSHIPS}/{{partnership_id:uuid}}/edit", include_in_schema=False)
async def change(request: AnyRequest, actor: CurrentActor, partnership_id: FromPath[UUID]) -> Redirect | Template:
    """Change a partnership and its partners."""
    raw = await form_values(request, forms.PartnershipForm)
    found = await queries.get_partnership(actor, partnership_id)

    async def act() -> Redirect:
        form = parse_form(forms.PartnershipForm, raw)
        before = text_of((await get_entry_by_id(actor, found.entry.id)).row)
        text = form.text(before, currency=found.content.currency if found.content else "SEK")
        try:
            await service.change_partnership(actor, partnership_id, text, read_version=form.version)
        except InvalidInput as error:
            raise InvalidInput(forms.on_form(error.errors, raw)) from error
        return go_to(f"{PARTNERSHIPS}/{partnership_id}", "partnership-changed")

    return await or_again(raw, act, partial(_edit_form, request, actor, partnership_id))


@post(f"{PARTNERSHIPS}/{{partnership_id:uuid}}/phases", include_in_schema=False)
async def add_phase(request: AnyRequest, actor: CurrentActor, partnership_id: FromPath[UUID]) -> Redirect | Template:
    """Add the next phase."""
    raw = await form_values(request, forms.PhaseForm)

    async def act() -> Redirect:
        await service.add_phase(actor, partnership_id, parse_form(forms.PhaseForm, raw).text())
        return go_to(f"{PARTNERSHIPS}/{partnership_id}", "phase-added")

    return await or_again(raw, act, partial(_detail, request, actor, partnership_id, "phase"))


@get(f"{PARTNERSHIPS}/{{partnership_id:uuid}}/phases/{{number:int}}/edit", include_in_schema=False)
async def phase_page(
    request: AnyRequest, actor: CurrentActor, partnership_id: FromPath[UUID], number: FromPath[int]
) -> Template:
    """The form for changing a phase."""
    return await _phase_form(request, actor, partnership_id, number, NOT_SENT)


@post(f"{PARTNERSHIPS}/{{partnership_id:uuid}}/phases/{{number:int}}/edit", include_in_schema=False)
async def change_phase(
    request: AnyRequest, actor: CurrentActor, partnership_id: FromPath[UUID], number: FromPath[int]
) -> Redirect | Template:
    """Change a phase that is not decided."""
    raw = await form_values(request, forms.PhaseForm)
    content = _phase(await queries.get_partnership(actor, partnership_id), number).content

    async def act() -> Redirect:
        text = parse_form(forms.PhaseForm, raw).text(content.currency if content else "SEK")
        await service.change_phase(actor, partnership_id, number, text)
        return go_to(f"{PARTNERSHIPS}/{partnership_id}", "partnership-changed")

    return await or_again(raw, act, partial(_phase_form, request, actor, partnership_id, number))


@post(f"{PARTNERSHIPS}/{{partnership_id:uuid}}/phases/{{number:int}}/decision", include_in_schema=False)
async def decide(
    request: AnyRequest, actor: CurrentActor, partnership_id: FromPath[UUID], number: FromPath[int]
) -> Redirect | Template:
    """Decide a phase."""
    raw = await form_values(request, forms.DecisionForm)

    async def act() -> Redirect:
        form = parse_form(forms.DecisionForm, raw)
        await service.decide_phase(actor, partnership_id, number, form.decision, form.reasons)
        return go_to(f"{PARTNERSHIPS}/{partnership_id}", "phase-decided")

    return await or_again(raw, act, partial(_detail, request, actor, partnership_id, "decision"))


@post(f"{PARTNERSHIPS}/{{partnership_id:uuid}}/purchase", include_in_schema=False)
async def purchase(request: AnyRequest, actor: CurrentActor, partnership_id: FromPath[UUID]) -> Redirect | Template:
    """Record whether the solution was bought."""
    raw = await form_values(request, forms.PurchaseForm)

    async def act() -> Redirect:
        await service.record_purchase(actor, partnership_id, parse_form(forms.PurchaseForm, raw).purchase)
        return go_to(f"{PARTNERSHIPS}/{partnership_id}", "partnership-changed")

    return await or_again(raw, act, partial(_detail, request, actor, partnership_id, "purchase"))


@post(f"{PARTNERSHIPS}/{{partnership_id:uuid}}/submit", include_in_schema=False)
async def submit(request: AnyRequest, actor: CurrentActor, partnership_id: FromPath[UUID]) -> Redirect | Template:
    """Send the entry to the innovation unit for review."""
    found = await queries.get_partnership(actor, partnership_id)

    async def act() -> Redirect:
        await move_entry(actor, found.entry.id, "submit")
        return go_to(f"{PARTNERSHIPS}/{partnership_id}", "entry-submitted")

    return await or_again({}, act, partial(_detail, request, actor, partnership_id, ""))


def _phase(found: PartnershipView, number: int) -> PhaseView:
    for phase in found.phases:
        if phase.number == number:
            return phase
    raise NotFound


async def _new_form(request: AnyRequest, actor: Actor, sent: Sent) -> Template:
    form = sent.values(forms.NewPartnershipForm)
    title = language.gettext("Log an innovation partnership")
    return page(
        request,
        "desk/procurement_partnership_form.html",
        status=sent.status,
        form=form,
        partner_rows=forms.partner_rows(form),
        partnership=None,
        currency="SEK",
        title=title,
        **await partnership_choices(actor),
        errors=sent.shown,
        breadcrumbs=[(DESK, language.gettext("Procurement desk")), (None, title)],
    )


async def _edit_form(request: AnyRequest, actor: Actor, partnership_id: UUID, sent: Sent) -> Template:
    found = await queries.get_partnership(actor, partnership_id)
    require(actor, Permission.PROCUREMENT_EDIT, [found.entry.body_id])
    form = sent.values(forms.PartnershipForm, forms.partnership_values(found))
    title = language.gettext("Change the innovation partnership")
    agreement = found.content.agreement if found.content else None
    return page(
        request,
        "desk/procurement_partnership_form.html",
        status=sent.status,
        form=form,
        partner_rows=forms.partner_rows(form),
        partnership=found,
        currency=found.content.currency if found.content else "SEK",
        title=title,
        **await partnership_choices(actor, agreement.id if agreement else None),
        errors=sent.shown,
        breadcrumbs=_breadcrumbs(found, title),
    )


async def _phase_form(request: AnyRequest, actor: Actor, partnership_id: UUID, number: int, sent: Sent) -> Template:
    found = await queries.get_partnership(actor, partnership_id)
    require(actor, Permission.PROCUREMENT_EDIT, [found.entry.body_id])
    phase = _phase(found, number)
    agreement = phase.content.agreement if phase.content else None
    return page(
        request,
        "desk/procurement_phase_form.html",
        status=sent.status,
        form=sent.values(forms.PhaseForm, forms.phase_values(phase)),
        partnership=found,
        phase=phase,
        currency=phase.content.currency if phase.content else "SEK",
        **await phase_choices(actor, agreement.id if agreement else None),
        errors=sent.shown,
        breadcrumbs=_breadcrumbs(found, language.gettext("Change the phase")),
    )


async def _detail(request: AnyRequest, actor: Actor, partnership_id: UUID, part: str, sent: Sent) -> Template:
    """The page; what was typed in one `part` of it (phase, decision or purchase) is shown again there."""
    require(actor, Permission.PROCUREMENT_READ_ALL)
    found = await queries.get_partnership(actor, partnership_id)
    may_change = found.may_change
    return page(
        request,
        "desk/procurement_partnership.html",
        status=sent.status,
        partnership=found,
        phase_form=(sent if part == "phase" else NOT_SENT).values(forms.PhaseForm),
        decision_form=(sent if part == "decision" else NOT_SENT).values(forms.DecisionForm),
        takes_phases=may_change and rules.takes_phases.allows(actor, found.facts),
        takes_purchase_record=may_change and rules.purchase_is_undecided.allows(actor, found.facts),
        no_purchase_because=rules.takes_purchase(actor, found.facts),
        decisions=options("phase_decision"),
        currency="SEK",
        history=await history(actor, "partnership", found.id),
        **await phase_choices(actor),
        errors=sent.shown,
        breadcrumbs=_breadcrumbs(found, None),
    )


def _breadcrumbs(found: PartnershipView, last: str | None) -> list[tuple[str | None, str]]:
    desk: tuple[str | None, str] = (DESK, language.gettext("Procurement desk"))
    name = language.in_language(found.entry, "title")
    if last is None:
        return [desk, (None, name)]
    return [desk, (f"{PARTNERSHIPS}/{found.id}", name), (None, last)]


HANDLERS: list[ControllerRouterHandler] = [
    new_page,
    create,
    detail,
    edit_page,
    change,
    add_phase,
    phase_page,
    change_phase,
    decide,
    purchase,
    submit,
]
