"""The start page, the accessibility statement and the icon."""

from typing import Any

from litestar import Request, get
from litestar.response import Redirect, Template
from litestar.types import ControllerRouterHandler

from registry.entries import queries as entries
from registry.entries.codes import ENVIRONMENT_KINDS, Sector
from registry.procurement import queries as procurement
from registry.procurement.queries import Scope
from registry.web import language
from registry.web.authentication import CurrentActor
from registry.web.labels import label
from registry.web.rendering import page, static_url

AnyRequest = Request[Any, Any, Any]
MOST_PARTNERSHIPS = 20


@get("/", include_in_schema=False)
async def start_page(request: AnyRequest, actor: CurrentActor) -> Template:
    """Search, sectors, the way in, partnerships that go on, and how responsibility is divided."""
    counts = await entries.sector_counts(actor)
    partnerships, _ = await procurement.list_partnerships(actor, scope=Scope.PUBLISHED, page_size=MOST_PARTNERSHIPS)
    kinds = "&".join(f"kind={kind.value}" for kind in sorted(ENVIRONMENT_KINDS))
    return page(
        request,
        "start/start.html",
        shelves=[
            (code.value, label(code.value, "sector"), counts.get(code.value, 0), f"/search?sector={code.value}&{kinds}")
            for code in Sector
        ],
        partnerships=[row for row in partnerships if row.is_ongoing],
    )


@get("/accessibility", include_in_schema=False)
async def accessibility_page(request: AnyRequest) -> Template:
    """What is known about the accessibility of these pages, and how to report what is not."""
    return page(request, "pages/accessibility.html", breadcrumbs=[(None, language.gettext("Accessibility statement"))])


@get("/favicon.ico", include_in_schema=False)
async def icon() -> Redirect:
    """Where browsers look for an icon by themselves."""
    return Redirect(static_url("favicon.svg"), status_code=302)


HANDLERS: list[ControllerRouterHandler] = [start_page, accessibility_page, icon]
