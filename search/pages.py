"""The search page."""

from dataclasses import dataclass
from textwrap import shorten
from typing import Any

from litestar import Request, get
from litestar.response import Template
from litestar.types import ControllerRouterHandler

from registry.errors import N_, InvalidInput
from registry.web import language
from registry.web.authentication import CurrentActor
from registry.web.input import read_query
from registry.web.labels import LABELS, label, options
from registry.web.rendering import page
from search import queries, statistics
from search.addresses import SearchAddress, feed_address
from search.engine import Sort
from search.input import SearchInput
from search.queries import SearchResult
from search.saved import LONGEST_NAME

AnyRequest = Request[Any, Any, Any]
# What each filter is called, and the group of labels for its values (a municipality is its own label).
_FILTERS: dict[str, tuple[str, str | None]] = {
    "kind": (N_("Kind"), "kind"),
    "sector": (N_("Sector"), "sector"),
    "results_ownership": (N_("Who owns the results"), "results_ownership"),
    "remuneration": (N_("What it costs"), "remuneration"),
    "bookable_by": (N_("Who may book"), "audience"),
    "municipality": (N_("Municipality"), None),
    "perspective": (N_("Perspective"), "perspective"),
}
_OPEN_AT_FIRST = ("kind", "sector", "results_ownership", "remuneration")
_SORTS = {Sort.RELEVANCE: N_("Relevance"), Sort.TITLE: N_("Title"), Sort.NEWEST: N_("Newest first")}


@dataclass(frozen=True)
class FacetValue:
    value: str
    label: str
    count: int
    checked: bool


@dataclass(frozen=True)
class FacetGroup:
    """A filter with the values that can be chosen."""

    name: str
    legend: str
    values: list[FacetValue]
    is_open: bool


@dataclass(frozen=True)
class ActiveFilter:
    """A filter that is on, and the address of the search without it."""

    label: str
    href: str


@get("/search", include_in_schema=False)
async def search_page(request: AnyRequest, actor: CurrentActor) -> Template:
    """Search, narrow down, and go on to an entry."""
    address = SearchAddress.of(request.query_params.multi_items())
    try:
        asked = read_query(request, SearchInput, ignore_unknown=True)
    except InvalidInput as error:
        return _invalid(request, address, error)
    result = await queries.find(actor, asked.to_request(actor, language.current_language()))
    if asked.page == 1:
        statistics.asked(actor, asked.q, language.current_language(), result.total)
    return page(
        request,
        "search/search.html",
        asked=asked,
        result=result,
        address=address,
        groups=_groups(asked, result),
        active=_active(asked, address),
        sorts=[(sort.value, language.gettext(text)) for sort, text in _SORTS.items()],
        pages=-(-result.total // asked.page_size),
        suggested_name=_suggested_name(asked),
        frequencies=options("mail_frequency"),
        feed=feed_address(address),
        breadcrumbs=[(None, language.gettext("Search"))],
    )


def in_words(asked: SearchInput) -> str:
    """The words and filters of a search, for reading."""
    parts = [language.gettext("“%(words)s”") % {"words": asked.q.strip()}] if asked.q.strip() else []
    parts += [words for _, _, words in chosen_filters(asked)]
    if asked.near:
        parts.append(language.gettext("Near a place"))
    return ", ".join(parts) or language.gettext("Everything in the registry")


def _suggested_name(asked: SearchInput) -> str:
    """What a search may be called when it is saved: its words and the values of its filters."""
    parts = [asked.q.strip(), *(words.partition(": ")[2] for _, _, words in chosen_filters(asked))]
    name = ", ".join(part for part in parts if part) or language.gettext("Everything in the registry")
    return shorten(name, LONGEST_NAME, placeholder=" …")


def _invalid(request: AnyRequest, address: SearchAddress, error: InvalidInput) -> Template:
    return page(
        request,
        "search/invalid.html",
        status=error.status,
        words=request.query_params.get("q", "")[:1000],
        address=address,
        errors=[
            {"field": fault.field.partition(".")[0], "message": language.say(fault.message)} for fault in error.errors
        ],
        breadcrumbs=[(None, language.gettext("Search"))],
    )


def _groups(asked: SearchInput, result: SearchResult) -> list[FacetGroup]:
    groups = []
    for name, (legend, labels) in _FILTERS.items():
        chosen = {str(value) for value in getattr(asked, name)}
        counts = result.facets[name]
        values = [
            FacetValue(value, _value_label(value, labels), counts[value], value in chosen)
            for value in _in_order(counts, labels)
        ]
        if values:
            groups.append(
                FacetGroup(name, language.gettext(legend), values, is_open=bool(chosen) or name in _OPEN_AT_FIRST)
            )
    return groups


def _in_order(counts: dict[str, int], labels: str | None) -> list[str]:
    """Codes in the order of their labels' list, other values by count."""
    return list(counts) if labels is None else [code for code in LABELS[labels] if code in counts]


def _value_label(value: str, labels: str | None) -> str:
    return value if labels is None else label(value, labels)


def chosen_filters(asked: SearchInput) -> list[tuple[str, str, str]]:
    """The filters that are on: the name, the value, and both in words."""
    return [
        (name, str(value), f"{language.gettext(legend)}: {_value_label(str(value), labels)}")
        for name, (legend, labels) in _FILTERS.items()
        for value in getattr(asked, name)
    ]


def _active(asked: SearchInput, address: SearchAddress) -> list[ActiveFilter]:
    active = [
        ActiveFilter(words, str(address.without_value(name, value))) for name, value, words in chosen_filters(asked)
    ]
    if asked.near:
        active.append(ActiveFilter(language.gettext("Near a place"), str(address.without("near", "radius_km"))))
    return active


HANDLERS: list[ControllerRouterHandler] = [search_page]
