"""The public list of procurements and innovation partnerships."""

from collections.abc import Callable
from typing import Annotated, Any

from litestar import Request, get
from litestar.response import Template
from litestar.types import ControllerRouterHandler
from pydantic import Field

from registry.procurement import queries
from registry.procurement.queries import Scope
from registry.web import language
from registry.web.authentication import CurrentActor
from registry.web.input import Input, read_query
from registry.web.rendering import page

AnyRequest = Request[Any, Any, Any]
PAGE_SIZE = 20
PageNumber = Annotated[int, Field(ge=1, le=1_000_000)]


class Pages(Input):
    """Which page of each of the two lists."""

    partnerships: PageNumber = 1
    procurements: PageNumber = 1


@get("/procurements", include_in_schema=False)
async def list_page(request: AnyRequest, actor: CurrentActor) -> Template:
    """What is published, newest first."""
    wanted = read_query(request, Pages, ignore_unknown=True)
    partnerships, partnership_total = await queries.list_partnerships(
        actor, scope=Scope.PUBLISHED, page=wanted.partnerships, page_size=PAGE_SIZE
    )
    procurements, procurement_total = await queries.list_procurements(
        actor, scope=Scope.PUBLISHED, page=wanted.procurements, page_size=PAGE_SIZE
    )
    return page(
        request,
        "procurement/list.html",
        partnerships=partnerships,
        partnership_total=partnership_total,
        partnership_page=wanted.partnerships,
        partnership_pages=_pages(partnership_total),
        partnership_url=_address(wanted, "partnerships"),
        procurements=procurements,
        procurement_total=procurement_total,
        procurement_page=wanted.procurements,
        procurement_pages=_pages(procurement_total),
        procurement_url=_address(wanted, "procurements"),
        breadcrumbs=[(None, language.gettext("Procurements and innovation partnerships"))],
    )


def _pages(total: int) -> int:
    return -(-total // PAGE_SIZE)


def _address(wanted: Pages, name: str) -> Callable[[int], str]:
    """The address of another page of one list, the other list staying where it is."""

    def address(number: int) -> str:
        numbers = {**wanted.model_dump(), name: number}
        return f"/procurements?partnerships={numbers['partnerships']}&procurements={numbers['procurements']}#{name}"

    return address


HANDLERS: list[ControllerRouterHandler] = [list_page]
