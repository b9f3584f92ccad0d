"""The search over the API."""

from dataclasses import dataclass
from typing import Any

from litestar import Request, get
from litestar.types import ControllerRouterHandler

from registry.web import language
from registry.web.api.entries import Texts
from registry.web.authentication import API_PREFIX, CurrentActor
from registry.web.input import read_query
from registry.web.openapi import reads_query
from search import queries, statistics
from search.found import Found
from search.input import SearchInput, SuggestInput

AnyRequest = Request[Any, Any, Any]


@dataclass(frozen=True)
class FoundEntry:
    """A found entry. `highlights` holds HTML with `<mark>` around matches, by field and language.

    `doubtful` says that it does not have just what was asked for, but something near. `distance_km` is there where
    the search had a place.
    """

    id: int
    slug: str
    kind: str
    title: Texts
    summary: Texts
    sectors: list[str]
    municipality: str
    accountable_body: str
    track: str
    highlights: dict[str, dict[str, str]]
    doubtful: bool
    distance_km: float | None


@dataclass(frozen=True)
class FoundEntries:
    """A page of what was found, with counts by filter and value.

    `corrected` is the search as it was probably meant, where nothing was found as it was written; else empty.
    """

    items: list[FoundEntry]
    total: int
    page: int
    page_size: int
    facets: dict[str, dict[str, int]]
    engine: str
    corrected: str


@dataclass(frozen=True)
class SuggestedEntry:
    """An entry whose title begins like what has been typed; the title is in the reader's language."""

    title: str
    slug: str
    kind: str


@dataclass(frozen=True)
class SuggestedEntries:
    items: list[SuggestedEntry]
    total: int
    page: int
    page_size: int


@get(f"{API_PREFIX}/entries", tags=["entries"], operation_class=reads_query(SearchInput))
async def search_entries(request: AnyRequest, actor: CurrentActor) -> FoundEntries:
    """Search for entries."""
    asked = read_query(request, SearchInput)
    result = await queries.find(actor, asked.to_request(actor, language.current_language()))
    if asked.page == 1:
        statistics.asked(actor, asked.q, language.current_language(), result.total)
    return FoundEntries(
        items=[_entry(hit) for hit in result.items],
        total=result.total,
        page=asked.page,
        page_size=asked.page_size,
        facets=result.facets,
        engine=result.engine,
        corrected=result.corrected,
    )


@get(f"{API_PREFIX}/entries/suggest", tags=["entries"], operation_class=reads_query(SuggestInput))
async def suggest_entries(request: AnyRequest, actor: CurrentActor) -> SuggestedEntries:
    """Suggest entries while somebody types."""
    asked = read_query(request, SuggestInput)
    found = await queries.suggest(actor, asked.q, language=language.current_language())
    items = [SuggestedEntry(language.in_language(item, "title"), item.slug, item.kind) for item in found]
    return SuggestedEntries(items, total=len(items), page=1, page_size=len(items))


def _entry(hit: Found) -> FoundEntry:
    return FoundEntry(
        id=hit.id,
        slug=hit.slug,
        kind=hit.kind,
        title=Texts(hit.title_sv, hit.title_en),
        summary=Texts(hit.summary_sv, hit.summary_en),
        sectors=hit.sectors,
        municipality=hit.municipality,
        accountable_body=language.in_language(hit, "body_name"),
        track=hit.track,
        highlights={name: {code: str(text) for code, text in texts.items()} for name, texts in hit.highlights.items()},
        doubtful=hit.is_doubtful,
        distance_km=None if hit.distance_km is None else round(hit.distance_km, 2),
    )


HANDLERS: list[ControllerRouterHandler] = [search_entries, suggest_entries]
