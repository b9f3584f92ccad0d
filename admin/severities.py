"""The desk page on which legal decides what a deviation from the template weighs, field by field."""

from typing import Any

from litestar import Request, get, post
from litestar.response import Redirect, Template
from litestar.types import ControllerRouterHandler

from registry.access import Permission, require
from registry.agreements.codes import TERM_FIELDS, Severity
from registry.agreements.severities import set_severities, severities
from registry.errors import N_, invalid
from registry.web import language
from registry.web.authentication import CurrentActor
from registry.web.labels import options
from registry.web.rendering import go_to, page

AnyRequest = Request[Any, Any, Any]
PATH = "/desk/agreements/severities"


@get(PATH, include_in_schema=False)
async def severities_page(request: AnyRequest, actor: CurrentActor) -> Template:
    """The fields by group, each with its weight."""
    require(actor, Permission.AGREEMENT_REVIEW)
    groups: dict[str, list[tuple[str, str]]] = {}
    for name, severity in (await severities()).items():
        groups.setdefault(TERM_FIELDS[name].group.value, []).append((name, severity.value))
    return page(
        request,
        "desk/severities.html",
        groups=groups.items(),
        choices=options("severity"),
        breadcrumbs=[
            ("/desk/agreements", language.gettext("Legal desk")),
            (None, language.gettext("What deviations weigh")),
        ],
    )


@post(PATH, include_in_schema=False)
async def change_severities(request: AnyRequest, actor: CurrentActor) -> Redirect:
    """Store the weights that were sent; fields that were not sent stay."""
    form = await request.form()
    wanted = {name: value for name, value in form.multi_items() if name in TERM_FIELDS}
    if unknown := [name for name, value in wanted.items() if value not in set(Severity)]:
        raise invalid(unknown[0], N_("Choose one of the weights."))
    await set_severities(actor, {name: Severity(value) for name, value in wanted.items()})
    return go_to(PATH, "severities-changed")


HANDLERS: list[ControllerRouterHandler] = [severities_page, change_severities]
