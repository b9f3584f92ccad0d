"""What is shown of the entries that an engine has found: their facts, with marks where they match.

An index may be older than the database, so every hit is looked up there before it is shown.
"""

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from markupsafe import Markup

from registry import database
from registry.entries.queries import VISIBLE
from search.engine import Hit
from search.highlight import Highlighter
from search.language import LANGUAGES
from search.question import Question
from search.thesaurus import Thesaurus

T = TypeVar("T")
_HIGHLIGHTED = ("title", "summary")


@dataclass(frozen=True)
class Found:
    """A found entry. `highlights` has HTML with `<mark>` around matches, by field and language, where there are any.

    `required_agreements` are codes of agreement types. `is_doubtful` says that it does not have just what was asked
    for, but something near. `distance_km` is there where the request had a place.
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
    is_doubtful: bool
    distance_km: float | None
    highlights: Mapping[str, Mapping[str, Markup]]


@dataclass(frozen=True)
class Now:
    """What the database says at a moment.

    `hidden` are the ids that no search may find, whatever an index knows, and `version` is that of the index.
    """

    hidden: tuple[int, ...]
    version: int


async def look(hits: Sequence[Hit], *, staff: bool) -> tuple[Now, tuple[int, ...]]:
    """What is true now, and the ids of those hits that the reader, who may see what is for `staff` or not, may not."""
    # There is a row without an id where there is no hit.
    rows = await database.fetch(
        "SELECT hit.id, hit.id IS NOT NULL AND e.id IS NULL AS is_unseen,"
        " ARRAY(SELECT entry FROM search_hidden ORDER BY entry) AS hidden,"
        " (SELECT last_value FROM search_index_version) AS version"
        " FROM (SELECT) AS once LEFT JOIN unnest($2::bigint[]) AS hit (id) ON true"
        f" LEFT JOIN entry e ON e.id = hit.id AND {VISIBLE}",
        staff,
        [hit.id for hit in hits],
    )
    unseen = tuple(row["id"] for row in rows if row["is_unseen"])
    return Now(tuple(rows[0]["hidden"]), rows[0]["version"]), unseen


async def shown(
    hits: Sequence[Hit], question: Question, thesaurus: Thesaurus, looking: Awaitable[T]
) -> tuple[list[Found], T]:
    """Hits as they are shown, and what somebody meanwhile looks up in the database."""
    lookup = asyncio.ensure_future(looking)
    # It is sent off before the texts are marked, so that both go on at the same time.
    await asyncio.sleep(0)
    # What no reading of a found entry asks for is nothing to mark.
    doubt = max((hit.doubt for hit in hits), default=0)
    readings = tuple(reading for reading in question.readings if reading.doubt <= doubt)
    highlighter = Highlighter(replace(question, readings=readings), thesaurus)
    marked = {hit.id: _marks(highlighter, hit.shown) if readings else {} for hit in hits}
    looked_up = await lookup
    if readings and (unmarked := [id for id, found in marked.items() if not found]):
        marked |= await _marks_in_bodies(highlighter, unmarked)
    return [_found(hit, marked[hit.id]) for hit in hits], looked_up


async def _marks_in_bodies(highlighter: Highlighter, ids: Sequence[int]) -> dict[int, dict[str, dict[str, Markup]]]:
    """Marks in the long texts of entries whose title and summary do not show why they were found."""
    rows = await database.fetch(
        "SELECT id, body_sv AS sv, body_en AS en FROM search_document WHERE id = ANY ($1::bigint[])", ids
    )
    found = {}
    for row in rows:
        fragments = {code: highlighter.fragment(row[code], code) for code in LANGUAGES}
        if marked := {code: text for code, text in fragments.items() if text is not None}:
            found[row["id"]] = {"body": marked}
    return found


def _marks(highlighter: Highlighter, shown: Mapping[str, str]) -> dict[str, dict[str, Markup]]:
    found: dict[str, dict[str, Markup]] = {}
    for field in _HIGHLIGHTED:
        for code in LANGUAGES:
            if (marked := highlighter.mark(shown[f"{field}_{code}"], code)) is not None:
                found.setdefault(field, {})[code] = marked
    return found


def _found(hit: Hit, highlights: Mapping[str, Mapping[str, Markup]]) -> Found:
    return Found(
        **{**hit.shown, "id": hit.id},
        is_doubtful=hit.doubt > 0,
        distance_km=hit.distance_km,
        highlights=highlights,
    )
