"""The way in: a few questions that lead to matching entries, each with the reason for the match."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from litestar import Request, get
from litestar.response import Template
from litestar.types import ControllerRouterHandler

from registry.access import Actor
from registry.entries.codes import Audience, Kind, Sector
from registry.errors import N_, InvalidInput, Message, message
from registry.web import language
from registry.web.authentication import CurrentActor
from registry.web.input import Input, read_query
from registry.web.labels import options
from registry.web.rendering import page
from search import queries
from search.engine import LARGEST_PAGE, SearchRequest
from search.found import Found

AnyRequest = Request[Any, Any, Any]
MOST_MATCHES = 10


class Want(StrEnum):
    """What somebody comes for."""

    TEST = "test"
    SHOW = "show"
    SELL = "sell"
    COLLABORATE = "collaborate"
    FUND = "fund"


WHO = {Audience.EXTERNAL: N_("I come from outside the region"), Audience.EMPLOYEE: N_("I work in the region")}
WANTS = {
    Want.TEST: N_("Test something"),
    Want.SHOW: N_("Show something"),
    Want.SELL: N_("Sell something"),
    Want.COLLABORATE: N_("Develop something together"),
    Want.FUND: N_("Find money for an idea"),
}


class WayInInput(Input):
    """The answers; all may be left out."""

    who: Audience | None = None
    sector: Sector | None = None
    want: Want | None = None


@dataclass(frozen=True)
class Match:
    """A matching entry and why it matches."""

    hit: Found
    reasons: list[Message]


# What to look for, and the reason it is found. What can be booked has to be open to whoever asks.
_SEARCHES: Mapping[Want, tuple[tuple[Mapping[str, tuple[str, ...]], str], ...]] = {
    Want.TEST: (({"kind": (Kind.TESTBED.value,)}, N_("you can test here")),),
    Want.SHOW: (({"kind": (Kind.DEMO_ENVIRONMENT.value,)}, N_("you can show things here")),),
    Want.SELL: (
        ({"kind": (Kind.INNOVATION_PROCUREMENT.value,)}, N_("something new is being bought")),
        ({"kind": (Kind.INNOVATION_PARTNERSHIP.value,)}, N_("what does not exist yet is developed and can be bought")),
    ),
    Want.COLLABORATE: (
        ({"kind": (Kind.INNOVATION_PARTNERSHIP.value,)}, N_("several parties develop a solution together")),
        (
            {"kind": (Kind.TESTBED.value, Kind.DEMO_ENVIRONMENT.value), "results_ownership": ("joint",)},
            N_("it offers an agreement where the results are owned together"),
        ),
    ),
    Want.FUND: (),
}
_BOOKABLE_KINDS = frozenset({Kind.TESTBED.value, Kind.DEMO_ENVIRONMENT.value})
_TAKES = {
    Audience.EXTERNAL: N_("it takes bookings from outside the region"),
    Audience.EMPLOYEE: N_("it takes bookings from employees"),
}


@get("/way-in", include_in_schema=False)
async def way_in_page(request: AnyRequest, actor: CurrentActor) -> Template:
    """The questions, and the matches once the last one is answered."""
    try:
        asked = read_query(request, WayInInput, ignore_unknown=True)
    except InvalidInput as error:
        return _page(request, WayInInput(), [], error)
    return _page(request, asked, await matches(actor, asked))


def _page(request: AnyRequest, asked: WayInInput, found: list[Match], error: InvalidInput | None = None) -> Template:
    return page(
        request,
        "way_in/way_in.html",
        status=error.status if error else 200,
        asked=asked,
        matches=found,
        bodies=sorted({language.in_language(match.hit, "body_name") for match in found}),
        who_options=[(code.value, language.gettext(text)) for code, text in WHO.items()],
        sector_options=options("sector"),
        want_options=[(code.value, language.gettext(text)) for code, text in WANTS.items()],
        errors=language.say_errors(error.errors) if error else [],
        breadcrumbs=[(None, language.gettext("The way in"))],
    )


async def matches(actor: Actor, asked: WayInInput) -> list[Match]:
    """Entries that fit the answers and go on, the surest kind first; none before it is said what is wanted."""
    found: list[Match] = []
    for filters, reason in _SEARCHES[asked.want] if asked.want else ():
        request = SearchRequest(filters=filters, page_size=LARGEST_PAGE, language=language.current_language())
        if asked.sector:
            request = replace(request, filters={**filters, "sector": (asked.sector.value,)})
        if asked.who and _BOOKABLE_KINDS.issuperset(filters["kind"]):
            request = replace(request, filters={**request.filters, "bookable_by": (asked.who.value,)})
        result = await queries.find(actor, request)
        found += [Match(hit, _reasons(hit, asked, reason)) for hit in result.items if not hit.ended]
    return found[:MOST_MATCHES]


def _reasons(hit: Found, asked: WayInInput, reason: str) -> list[Message]:
    reasons = [message(reason)]
    if asked.who and asked.who.value in hit.bookable_by:
        reasons.append(message(_TAKES[asked.who]))
    if asked.sector:
        reasons.append(message(N_("it belongs to the sector you chose")))
    return reasons


HANDLERS: list[ControllerRouterHandler] = [way_in_page]
