"""The search page."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from litestar import Request, get
from litestar.response import Template
from litestar.types import ControllerRouterHandler

from registry.access import Actor
from registry.errors import N_, InvalidInput
from registry.web import language
from registry.web.authentication import CurrentActor
from registry.web.input import read_pairs
from registry.web.labels import options
from registry.web.rendering import page
from search import filters, queries, statistics
from search.addresses import SearchAddress, feed_address
from search.engine import Sort
from search.found import Found
from search.input import SearchInput
from search.places import Place, places
from search.queries import SearchResult
from search.saved import LONGEST_NAME

AnyRequest = Request[Any, Any, Any]
_SORTS = {
    Sort.RELEVANCE: N_("Relevance"),
    Sort.TITLE: N_("Title"),
    Sort.NEWEST: N_("Newest first"),
    Sort.DISTANCE: N_("Distance"),
}


@dataclass(frozen=True)
class FoundList:
    """The results of a page: what has just what was asked for, then what is similar, and the number of the first.

    In an order that is not the usual one they stand mixed, all in `sure`, and each similar one says so.
    """

    sure: list[Found]
    similar: list[Found]
    first: int
    similar_count: int
    is_mixed: bool


@dataclass(frozen=True)
class WithoutFilters:
    """What a search that found nothing finds without its filters; `corrected` is as in `SearchResult`."""

    total: int
    href: str
    corrected: str


@get("/search", include_in_schema=False)
async def search_page(request: AnyRequest, actor: CurrentActor) -> Template:
    """Search, narrow down, and go on to an entry."""
    address = SearchAddress.of(request.query_params.multi_items())
    try:
        asked = read_pairs(address.pairs, SearchInput)
    except InvalidInput as error:
        return _invalid(request, address, error)
    result = await queries.find(actor, asked.to_request(actor, language.current_language()))
    if asked.page == 1:
        statistics.asked(actor, asked.q, language.current_language(), result.total)
    known = await places(actor)
    audiences = queries.audiences_of(actor)
    return page(
        request,
        "search/search.html",
        asked=asked,
        result=result,
        found_list=_found_list(asked, result),
        address=address,
        active=filters.active_filters(asked, address, known),
        narrowing=filters.NARROWING,
        without_filters=await _without_filters(actor, asked, address) if not result.total else None,
        pages=-(-result.total // asked.page_size),
        suggested_name=filters.suggested_name(asked, known, LONGEST_NAME),
        frequencies=options("mail_frequency"),
        feed=feed_address(address, audiences),
        breadcrumbs=[(None, language.gettext("Search"))],
        **_choices(asked, result, known, audiences),
    )


def _choices(
    asked: SearchInput, result: SearchResult, known: list[Place], audiences: tuple[str, ...]
) -> dict[str, Any]:
    """What there is to choose from beside the words."""
    return {
        "sections": filters.sections(asked, result),
        "sorts": [
            (sort.value, language.gettext(text)) for sort, text in _SORTS.items() if asked.near or sort != Sort.DISTANCE
        ],
        "weeks": filters.week_options(asked.free_week, datetime.now(UTC)),
        "places": filters.place_options(asked, known),
        "radii": filters.radius_options(asked),
        "radius": f"{filters.chosen_radius(asked):g}",
        "near_me": filters.near_me_words(asked),
        # Who neither works in the region nor comes from a firm books nothing.
        "offers_mine": bool(audiences) or asked.bookable_by_me,
    }


def _found_list(asked: SearchInput, result: SearchResult) -> FoundList:
    similar = [hit for hit in result.items if hit.is_doubtful]
    is_mixed = asked.sort is not Sort.RELEVANCE and bool(similar)
    return FoundList(
        sure=result.items if is_mixed else [hit for hit in result.items if not hit.is_doubtful],
        similar=[] if is_mixed else similar,
        first=(asked.page - 1) * asked.page_size + 1,
        similar_count=len(similar),
        is_mixed=is_mixed,
    )


async def _without_filters(actor: Actor, asked: SearchInput, address: SearchAddress) -> WithoutFilters | None:
    """What the words alone find; None for a search that has no filters, or finds nothing without them either."""
    bare = address.without(*filters.NARROWING)
    if bare == address.without():
        return None
    request = asked.to_request(actor, language.current_language())
    alone = replace(request, filters={}, near=None, audiences=(), free_week=None, sort=Sort.RELEVANCE, page=1)
    result = await queries.find(actor, alone)
    return WithoutFilters(result.total, str(bare), result.corrected) if result.total else None


def _invalid(request: AnyRequest, address: SearchAddress, error: InvalidInput) -> Template:
    """What was not understood, and the way back to the rest of the search."""
    understood = address
    told = []
    for fault in error.errors:
        name, _, place = fault.field.partition(".")
        given = [value for other, value in address.pairs if other == name]
        understood = understood.without_value(name, given[int(place)]) if place else understood.without(name)
        value = given[int(place or 0)] if given else ""
        field = "q" if name == "q" else ""
        told.append({"field": field, "message": filters.fault_in_words(name, value, fault.message)})
    return page(
        request,
        "search/invalid.html",
        status=error.status,
        words=request.query_params.get("q", "")[:1000],
        address=address,
        understood=understood,
        errors=told,
        breadcrumbs=[(None, language.gettext("Search"))],
    )


HANDLERS: list[ControllerRouterHandler] = [search_page]
