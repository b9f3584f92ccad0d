"""What a search engine is asked and what it answers; every engine keeps this protocol.

Engines differ in how they find and rank, not in what may be seen: each counts and shows only what the
request's reader may see.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from math import asin, cos, radians, sin, sqrt
from typing import Any, Protocol

from search.question import ALONE, LEFT_OUT, NOTHING_ASKED, Question

LONGEST_TEXT = 500
LARGEST_PAGE = 100
MOST_SUGGESTIONS = 8
EARTH_RADIUS_KM = 6371.0088
# So many found entries are enough: the less sure readings of a question are asked only where there are fewer.
ENOUGH = 10
# Words of the question are left out only where fewer have been found.
FEW = 5
# The filters, each with counts in the answer. Values of one filter mean or, different filters mean and.
FACETS = (
    "kind",
    "sector",
    "municipality",
    "remuneration",
    "results_ownership",
    "publication",
    "data_owner",
    "required_agreement",
    "perspective",
    "bookable_by",
)


class Sort(StrEnum):
    RELEVANCE = "relevance"
    TITLE = "title"
    NEWEST = "newest"
    DISTANCE = "distance"


@dataclass(frozen=True)
class Near:
    """Around a place: latitude and longitude in degrees (WGS 84), radius in kilometres."""

    latitude: float
    longitude: float
    radius_km: float

    def distance_km(self, latitude: float, longitude: float) -> float:
        """Kilometres along the surface of a sphere to a place (the haversine formula)."""
        here, there = radians(self.latitude), radians(latitude)
        half_chord = sin((there - here) / 2) ** 2 + cos(here) * cos(there) * (
            sin(radians(longitude - self.longitude) / 2) ** 2
        )
        return 2 * EARTH_RADIUS_KM * asin(sqrt(min(1.0, half_chord)))


@dataclass(frozen=True)
class SearchRequest:
    """A search: what was written (`text`), and how it is understood (`question`, see search/queries.py).

    An empty one lists everything. `staff` says whether the reader sees what is for staff. `filters` holds codes by the
    names of FACETS. `audiences` finds only what one of these may book, `free_week` (ISO 8601, `2026-W49`) only what
    has a free time in that week, `only` just the entry with this id, and `sure_only` nothing but what was asked for.
    `hidden` are entries that no longer may be found, though an index may not know of it yet.
    `language` decides the order of titles. Pages count from 1.
    """

    text: str = ""
    question: Question = NOTHING_ASKED
    filters: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    near: Near | None = None
    audiences: tuple[str, ...] = ()
    free_week: str | None = None
    only: int | None = None
    sure_only: bool = False
    hidden: tuple[int, ...] = ()
    sort: Sort = Sort.RELEVANCE
    page: int = 1
    page_size: int = 20
    staff: bool = False
    language: str = "sv"


@dataclass(frozen=True)
class Hit:
    """A found entry: `shown` holds what a result shows, by the entry's field names (see search/document.py).

    `doubt` is that of the reading that found it; `distance_km` is there where the request had a place.
    """

    id: int
    shown: Mapping[str, Any]
    doubt: int = 0
    distance_km: float | None = None


@dataclass(frozen=True)
class EngineResult:
    """One page of what was found, how many there are, and the counts by filter and value.

    The counts of a filter ignore that filter's own values, so that they tell what choosing another would add.
    """

    hits: list[Hit]
    total: int
    facets: dict[str, dict[str, int]]


@dataclass(frozen=True)
class Suggestion:
    """An entry whose title has words that begin like what has been typed."""

    slug: str
    kind: str
    title_sv: str
    title_en: str


class Trouble(StrEnum):
    """Why an engine cannot be used."""

    UNREACHABLE = "unreachable"
    REFUSED = "refused"
    INDEX_MISSING = "index_missing"
    BROKEN = "broken"


class EngineAway(Exception):
    """The engine does not answer, or its index cannot be used; the text says why. Another engine has to step in."""

    def __init__(self, text: str, trouble: Trouble = Trouble.BROKEN) -> None:
        super().__init__(text)
        self.trouble = trouble


def further_doubt(question: Question, found: int) -> int | None:
    """How doubtful readings may be where the sure ones found so many entries; None where no more are needed."""
    if found >= ENOUGH or not question.has_doubtful:
        return None
    return ALONE if found < FEW else LEFT_OUT - 1


class SearchEngine(Protocol):
    """An engine; `name` stands in the answers of the API."""

    name: str

    async def search(self, request: SearchRequest) -> EngineResult:
        """Answer a question; raises EngineAway."""

    async def suggest(self, request: SearchRequest) -> list[Suggestion]:
        """Up to MOST_SUGGESTIONS entries for the text that has been typed so far; raises EngineAway."""
