"""What a search engine is asked and what it answers; every engine keeps this protocol.

Engines differ in how they find and rank, not in what may be seen: each counts and shows only what the
request's reader may see.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from search.question import LEFT_OUT, NOTHING_ASKED, Question

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

    def km_to(self, latitude: float, longitude: float) -> float:
        """How far another place is, in kilometres along the surface of a sphere (the haversine formula)."""
        north, east = math.radians(latitude - self.latitude), math.radians(longitude - self.longitude)
        across = math.cos(math.radians(self.latitude)) * math.cos(math.radians(latitude))
        half_chord = math.sin(north / 2) ** 2 + across * math.sin(east / 2) ** 2
        return 2 * EARTH_RADIUS_KM * math.asin(math.sqrt(min(1.0, half_chord)))


@dataclass(frozen=True)
class SearchRequest:
    """A search: what was written (`text`), and how it is understood (`question`, see search/queries.py).

    An empty one lists everything. `staff` says whether the reader sees what is for staff. `filters` holds codes by the
    names of FACETS. `audiences` finds only what one of these may book, `free_week` (ISO 8601, `2026-W49`) only what
    has a free time in that week, `only` just the entry with this id, and `sure_only` nothing but what was asked for.
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


class EngineAway(Exception):
    """The engine does not answer, or its index cannot be used; the text says why. Another engine has to step in."""


def further_doubt(question: Question, found: int) -> int | None:
    """How doubtful readings may be where the sure ones found so many entries; None where no more are needed."""
    if found >= ENOUGH or not question.has_doubtful:
        return None
    return LEFT_OUT if found < FEW else LEFT_OUT - 1


class SearchEngine(Protocol):
    """An engine; `name` stands in the answers of the API."""

    name: str

    async def search(self, request: SearchRequest) -> EngineResult:
        """Answer a question; raises EngineAway."""

    async def suggest(self, text: str, *, staff: bool, language: str) -> list[Suggestion]:
        """Up to MOST_SUGGESTIONS entries for what has been typed so far; raises EngineAway."""
