"""What a signed-in person chooses for themselves."""

from typing import Any

from litestar import Request, get, post
from litestar.response import Redirect, Template
from litestar.types import ControllerRouterHandler

from registry.access import Actor, require_signed_in
from registry.bookings import notices
from registry.bookings.codes import NoticePace
from registry.errors import FieldError, InvalidInput
from registry.web import language
from registry.web.authentication import CurrentActor
from registry.web.input import Input, read_form
from registry.web.labels import options
from registry.web.rendering import go_to, page

AnyRequest = Request[Any, Any, Any]


class PaceForm(Input):
    pace: NoticePace


@get("/account", include_in_schema=False)
async def account_page(request: AnyRequest, actor: CurrentActor) -> Template:
    """What there is to choose."""
    require_signed_in(actor)
    return page(request, "account/account.html", breadcrumbs=[(None, language.gettext("Your account"))])


@get("/account/notices", include_in_schema=False)
async def notices_page(request: AnyRequest, actor: CurrentActor) -> Template:
    """How often one gets mail about bookings."""
    require_signed_in(actor)
    return await _notices_page(request, actor)


@post("/account/notices", include_in_schema=False)
async def choose(request: AnyRequest, actor: CurrentActor) -> Redirect | Template:
    """Choose how often."""
    require_signed_in(actor)
    try:
        form = await read_form(request, PaceForm)
    except InvalidInput as error:
        return await _notices_page(request, actor, errors=error.errors)
    await notices.choose_pace(actor, form.pace)
    return go_to("/account/notices", "notices-chosen")


async def _notices_page(request: AnyRequest, actor: Actor, *, errors: list[FieldError] | None = None) -> Template:
    pace = await notices.pace_of(actor.person_id) if actor.person_id is not None else NoticePace.AT_ONCE
    return page(
        request,
        "account/notices.html",
        status=422 if errors else 200,
        address=actor.email,
        pace=pace.value,
        paces=options("notice_pace"),
        errors=language.say_errors(errors),
        breadcrumbs=[("/account", language.gettext("Your account")), (None, language.gettext("Mail about bookings"))],
    )


HANDLERS: list[ControllerRouterHandler] = [account_page, notices_page, choose]
