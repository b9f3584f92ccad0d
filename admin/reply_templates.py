"""The replies that hosts keep for use again: the list, and the form of one."""

from functools import partial
from typing import Annotated, Any

from litestar import Request, get, post
from litestar.params import FromPath
from litestar.response import Redirect, Template
from litestar.types import ControllerRouterHandler
from pydantic import Field

from admin.bookings import DESK
from admin.sent_forms import NOT_SENT, Sent, or_again, parse_form
from registry.access import Actor, Permission, require
from registry.bookings import replies
from registry.bookings.codes import ReplyKind
from registry.bookings.replies import ReplyText, ReplyView
from registry.errors import N_, EditedMeanwhile, NotFound
from registry.web import language
from registry.web.authentication import CurrentActor
from registry.web.input import Input, LongText, RequiredLine, Whole, form_values
from registry.web.labels import options
from registry.web.rendering import go_to, page

AnyRequest = Request[Any, Any, Any]
TEMPLATES = f"{DESK}/templates"
LARGEST_ID = 2**63 - 1


class ReplyForm(Input):
    version: Whole = 0
    owner: Annotated[Whole, Field(ge=1, le=2**31 - 1)]
    kind: ReplyKind
    title: Annotated[RequiredLine, Field(max_length=100)]
    text_sv: LongText = ""
    text_en: LongText = ""

    def text(self) -> ReplyText:
        """What has been written, for the commands."""
        return ReplyText(self.owner, self.kind, self.title, self.text_sv, self.text_en)


@get(TEMPLATES, include_in_schema=False)
async def list_page(request: AnyRequest, actor: CurrentActor) -> Template:
    """The templates that the reader may change."""
    return page(
        request,
        "desk/replies.html",
        replies=await replies.list_replies(actor),
        breadcrumbs=_breadcrumbs(),
    )


@get(f"{TEMPLATES}/new", include_in_schema=False)
async def new_page(request: AnyRequest, actor: CurrentActor) -> Template:
    """The form of a new template."""
    require(actor, Permission.BOOKING_DECIDE)
    return await _form(request, actor, None, NOT_SENT)


@post(f"{TEMPLATES}/new", include_in_schema=False)
async def create(request: AnyRequest, actor: CurrentActor) -> Redirect | Template:
    """Keep a new template."""
    require(actor, Permission.BOOKING_DECIDE)
    raw = await form_values(request, ReplyForm)

    async def act() -> Redirect:
        await replies.create_reply(actor, parse_form(ReplyForm, raw).text())
        return go_to(TEMPLATES, "reply-saved")

    return await or_again(raw, act, partial(_form, request, actor, None))


@get(f"{TEMPLATES}/{{reply_id:int}}", include_in_schema=False)
async def change_page(request: AnyRequest, actor: CurrentActor, reply_id: FromPath[int]) -> Template:
    """The form of a template."""
    return await _form(request, actor, await _reply(actor, reply_id), NOT_SENT)


@post(f"{TEMPLATES}/{{reply_id:int}}", include_in_schema=False)
async def change(request: AnyRequest, actor: CurrentActor, reply_id: FromPath[int]) -> Redirect | Template:
    """Change a template."""
    await _reply(actor, reply_id)
    raw = await form_values(request, ReplyForm)

    async def act() -> Redirect:
        form = parse_form(ReplyForm, raw)
        await replies.change_reply(actor, reply_id, form.text(), read_version=form.version)
        return go_to(TEMPLATES, "reply-saved")

    async def again(sent: Sent) -> Template:
        # Somebody may just have changed it.
        return await _form(request, actor, await _reply(actor, reply_id), sent)

    return await or_again(raw, act, again)


@post(f"{TEMPLATES}/{{reply_id:int}}/remove", include_in_schema=False)
async def remove(actor: CurrentActor, reply_id: FromPath[int]) -> Redirect:
    """Remove a template."""
    await _reply(actor, reply_id)
    await replies.remove_reply(actor, reply_id)
    return go_to(TEMPLATES, "reply-removed")


async def _reply(actor: Actor, reply_id: int) -> ReplyView:
    if not 0 < reply_id <= LARGEST_ID:
        raise NotFound
    return await replies.get_reply(actor, reply_id)


async def _form(request: AnyRequest, actor: Actor, reply: ReplyView | None, sent: Sent) -> Template:
    values = sent.values(ReplyForm, reply.row if reply else None)
    if reply is not None and sent.problem == EditedMeanwhile.type:
        # Saving again is now a decision that is made knowing what is stored.
        values = {**values, "version": reply.version}
    title = language.gettext(N_("Change a reply template") if reply else N_("New reply template"))
    owners = await replies.owners_for(actor)
    return page(
        request,
        "desk/reply.html",
        status=sent.status,
        reply=reply,
        title=title,
        form=values,
        edited_meanwhile=sent.problem == EditedMeanwhile.type,
        owners=[(str(one["id"]), language.in_language(one, "name")) for one in owners],
        kinds=options("reply_kind"),
        places=[(f"{{{name}}}", language.gettext(text)) for name, text in _PLACES.items()],
        errors=sent.shown,
        breadcrumbs=_breadcrumbs(title),
    )


_PLACES = {
    "environment": N_("what the environment is called"),
    "time": N_("the time that was asked for"),
    "organisation": N_("the organisation that asks"),
    "contact": N_("the name of the contact person"),
}


def _breadcrumbs(*titles: str) -> list[tuple[str | None, str]]:
    return [
        (DESK, language.gettext("Bookings desk")),
        (TEMPLATES if titles else None, language.gettext("Reply templates")),
        *((None, title) for title in titles),
    ]


HANDLERS: list[ControllerRouterHandler] = [list_page, new_page, create, change_page, change, remove]
