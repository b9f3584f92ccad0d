"""Deciding on several requests at once: look at those that were ticked, decide, and see how each of them went."""

from typing import Annotated, Any
from uuid import UUID

from litestar import Request, get, post
from litestar.response import Template
from litestar.types import ControllerRouterHandler
from pydantic import Field, StringConstraints

from admin.bookings import DESK
from admin.reply_texts import choices, filled
from admin.sent_forms import NOT_SENT, Sent
from registry.access import Actor, Permission, require
from registry.bookings import bulk, competing, queries, replies
from registry.bookings.bulk import ACTIONS, MOST, Chosen, Decided
from registry.bookings.queries import BookingRow
from registry.errors import N_, FieldError, InvalidInput
from registry.web import language
from registry.web.authentication import CurrentActor
from registry.web.input import Input, Line, LongText, form_values, parse, read_query
from registry.web.labels import label
from registry.web.rendering import page

AnyRequest = Request[Any, Any, Any]
CHOOSE = f"{DESK}/choose"
_ID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
# A booking and its `sequence`, as the page that it was ticked on had it.
Ticked = Annotated[str, StringConstraints(pattern=rf"^{_ID}\.[0-9]{{1,9}}$")]


class ChosenAddress(Input):
    """Which requests were ticked, and what to begin with."""

    chosen: Annotated[list[Ticked], Field(max_length=MOST)] = Field(default_factory=list)
    action: Line = ""


class BulkForm(Input):
    """One decision for all that are ticked; a blank reason with a template means each gets the template's text."""

    chosen: Annotated[list[Ticked], Field(max_length=MOST)] = Field(default_factory=list)
    action: Line = ""
    template: Line = ""
    reason: LongText = ""


@get(CHOOSE, include_in_schema=False)
async def choose(request: AnyRequest, actor: CurrentActor) -> Template:
    """The requests that were ticked, with what the guard would say if all of them were approved."""
    require(actor, Permission.BOOKING_DECIDE)
    wanted = read_query(request, ChosenAddress, ignore_unknown=True)
    return await _page(request, actor, _read(wanted.chosen), NOT_SENT, {"action": wanted.action})


@post(f"{CHOOSE}/use-reply", include_in_schema=False)
async def use_reply(request: AnyRequest, actor: CurrentActor) -> Template:
    """Put the chosen template into the text, after what has been typed already; its places are filled for each."""
    require(actor, Permission.BOOKING_DECIDE)
    raw = await form_values(request, BulkForm)
    chosen = _chosen_of(raw)
    found = await replies.replies_for(actor, [one.id for one in chosen])
    text = next((one.text_in(language.current_language()) for one in found if str(one.id) == raw.get("template")), "")
    both = "\n\n".join(part for part in (str(raw.get("reason", "")).strip(), text) if part)
    return await _page(request, actor, chosen, NOT_SENT, {**raw, "reason": both, "template": ""})


@post(CHOOSE, include_in_schema=False)
async def decide(request: AnyRequest, actor: CurrentActor) -> Template:
    """Decide on each that is ticked and on no other, and tell how each of them went."""
    require(actor, Permission.BOOKING_DECIDE)
    raw = await form_values(request, BulkForm)
    try:
        form = parse(BulkForm, raw)
        _require_known_places(form.reason)
        chosen = _read(form.chosen)
        reasons = await _reasons(actor, form, chosen)
        decided = await bulk.decide_each(actor, form.action, chosen, reasons)
    except InvalidInput as error:
        return await _page(request, actor, _chosen_of(raw), Sent(raw, tuple(error.errors), error.status), raw)
    return await _result(request, actor, form.action, decided)


def _require_known_places(reason: str) -> None:
    if found := replies.unknown_place(reason):
        raise InvalidInput([FieldError("reason", replies.unknown_message(found))])


def _chosen_of(raw: dict[str, Any]) -> list[Chosen]:
    """What is ticked in a form that comes back; where even that is malformed, nothing."""
    try:
        return _read(parse(ChosenAddress, {"chosen": raw.get("chosen", [])}).chosen)
    except InvalidInput:
        return []


def _read(ticked: list[Ticked]) -> list[Chosen]:
    pairs = (one.split(".") for one in ticked)
    return list({id: Chosen(UUID(id), int(sequence)) for id, sequence in pairs}.values())


async def _reasons(actor: Actor, form: BulkForm, chosen: list[Chosen]) -> dict[UUID, str]:
    """What each requester is told, in their own language where it comes from a template."""
    ids = [one.id for one in chosen]
    bookings = await _readable(actor, ids)
    languages = await replies.languages_of(ids)
    found = await replies.replies_for(actor, ids)
    template = next((one for one in found if str(one.id) == form.template), None)
    return {
        id: filled(form.reason or (template.text_in(languages[id]) if template else ""), booking, languages[id])
        for id, booking in bookings.items()
    }


async def _readable(actor: Actor, ids: list[UUID]) -> dict[UUID, BookingRow]:
    """Those of the bookings that the actor may read and that have a time, in their order."""
    readable = await queries.readable(actor, ids)
    found = await queries.bookings_by_id([one for one in ids if one in readable])
    return {one: found[one] for one in ids if one in found and found[one].starts_at is not None}


async def _page(request: AnyRequest, actor: Actor, chosen: list[Chosen], sent: Sent, typed: dict[str, Any]) -> Template:
    bookings = await _readable(actor, [one.id for one in chosen])
    oldest_first = sorted(
        (one for one in chosen if one.id in bookings),
        key=lambda one: (bookings[one.id].submitted_at or bookings[one.id].created_at, one.id),
    )
    ids = [one.id for one in oldest_first]
    return page(
        request,
        "desk/bookings_choose.html",
        status=sent.status,
        rows=[(f"{one.id}.{one.seen}", bookings[one.id]) for one in oldest_first],
        fits=await competing.preview(ids, []),
        actions=[(action, label(action, "booking_action")) for action in ACTIONS],
        reply_choices=choices(await replies.replies_for(actor, ids), with_free_times=False),
        typed={"action": "", "template": "", "reason": "", **typed},
        places=", ".join(f"{{{name}}}" for name in replies.PLACEHOLDERS),
        errors=sent.shown,
        breadcrumbs=_breadcrumbs(N_("Several requests")),
    )


async def _result(request: AnyRequest, actor: Actor, action: str, decided: list[Decided]) -> Template:
    bookings = await _readable(actor, [one.id for one in decided])
    left = [
        f"{one.id}.{bookings[one.id].sequence}"
        for one in decided
        if one.state is None and one.id in bookings and bookings[one.id].state == "submitted"
    ]
    return page(
        request,
        "desk/bookings_decided.html",
        decided=[(one, bookings.get(one.id)) for one in decided],
        done=sum(one.state is not None for one in decided),
        refused=sum(one.state is None for one in decided),
        left=left,
        action=label(action, "booking_action"),
        breadcrumbs=_breadcrumbs(N_("How it went")),
    )


def _breadcrumbs(text: str) -> list[tuple[str | None, str]]:
    return [(DESK, language.gettext("Bookings desk")), (None, language.gettext(text))]


HANDLERS: list[ControllerRouterHandler] = [choose, use_reply, decide]
