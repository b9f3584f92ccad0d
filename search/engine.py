"""What a search engine is asked and what it answers; every engine keeps this protocol.

Engines differ in how they find and rank, not in what may be seen: each counts and shows only what the
request's reader may see.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from markupsafe import Markup

LONGEST_TEXT = 500
LARGEST_PAGE = 100
MOST_SUGGESTIONS = 8
# The filters, each with counts in the answer. Values of one filter mean or, different filters mean and.
FACETS = ("kind", "sector", "municipality", "remuneration", "results_ownership", "perspective", "bookable_by")


class Sort(StrEnum):
    RELEVANCE = "relevance"
    TITLE = "title"
    NEWEST = "newest"


@dataclass(frozen=True)
class Near:
    """Around a place: latitude and longitude in degrees (WGS 84), radius in kilometres."""

    latitude: float
    longitude: float
    radius_km: float


@dataclass(frozen=True)
class SearchRequest:
    """A question. An empty `text` lists everything; `staff` says whether the reader sees what is for staff.

    `filters` holds codes by the names of FACETS. `language` decides the order of titles. Pages count from 1.
    `only` narrows the question to one entry, by its id: whether this search finds it.
    """

    text: str = ""
    filters: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    near: Near | None = None
    sort: Sort = Sort.RELEVANCE
    page: int = 1
    page_size: int = 20
    staff: bool = False
    language: str = "sv"
    only: int | None = None


@dataclass(frozen=True)
class Hit:
    """A found entry. `highlights` has HTML with `<mark>` around matches, by field and language, where there are any.

    `required_agreements` are codes of agreement types; `distance_km` is there where the request had a place.
    """

    id: int
    slug: str
    kind: str
    title_sv: str
    title_en: str
    summary_sv: str
    summary_en: str
    primary_sector: str
    sectors: list[str]
    municipality: str
    body_name_sv: str
    body_name_en: str
    track: str
    ended: bool
    bookable_by: list[str]
    remuneration: str | None
    results_ownership: list[str]
    required_agreements: list[str]
    example_fields: list[str]
    distance_km: float | None
    highlights: dict[str, dict[str, Markup]]


@dataclass(frozen=True)
class SearchResult:
    """One page of what was found, how many there are, and the counts by filter and value.

    The counts of a filter ignore that filter's own values, so that they tell what choosing another would add.
    `only_some_words` says that nothing had all the words, so these have some of them.
    """

    items: list[Hit]
    total: int
    facets: dict[str, dict[str, int]]
    engine: str
    only_some_words: bool = False


@dataclass(frozen=True)
class Suggestion:
    """An entry whose title begins like what has been typed."""

    slug: str
    kind: str
    title_sv: str
    title_en: str


class SearchEngine(Protocol):
    """An engine; `name` stands in the answers of the API."""

    name: str

    async def search(self, request: SearchRequest) -> SearchResult:
        """Answer a question."""

    async def suggest(self, text: str, *, staff: bool, language: str) -> list[Suggestion]:
        """Up to MOST_SUGGESTIONS entries for what has been typed so far."""
