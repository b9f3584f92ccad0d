"""What is shown of the entries that an engine has found: their facts, with marks where they match.

An index may be older than the database, so every hit is looked up there before it is shown.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from markupsafe import Markup

from registry import database
from registry.entries.queries import VISIBLE
from search.engine import Hit
from search.highlight import Highlighter
from search.language import LANGUAGES
from search.question import Question
from search.thesaurus import Thesaurus

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
class Shown:
    """The entries as they are shown, and what the database says of them at this moment.

    `hidden` are the ids that no search may find, whatever an index knows; `unseen` those of the hits that the reader
    may not see.
    """

    items: list[Found]
    hidden: tuple[int, ...]
    unseen: tuple[int, ...]


async def shown(
    hits: Sequence[Hit], question: Question, thesaurus: Thesaurus, *, staff: bool, is_current: bool = False
) -> Shown:
    """Hits as they are shown to a reader, who may see what is for `staff` or not.

    `is_current` says that the hits were read from the database just now.
    """
    # What no reading of a found entry asks for is nothing to mark.
    doubt = max((hit.doubt for hit in hits), default=0)
    readings = tuple(reading for reading in question.readings if reading.doubt <= doubt)
    highlighter = Highlighter(replace(question, readings=readings), thesaurus)
    marked = {hit.id: _marks(highlighter, hit.shown) for hit in hits} if readings else {hit.id: {} for hit in hits}
    unmarked = [id for id, found in marked.items() if not found] if readings else []
    rows = await _looked_up(list(marked), unmarked, staff=staff) if unmarked or not is_current else []
    for row in rows:
        fragments = {code: highlighter.fragment(row[code], code) for code in LANGUAGES if row[code]}
        if any(fragments.values()):
            marked[row["id"]] = {"body": {code: text for code, text in fragments.items() if text is not None}}
    return Shown(
        items=[_found(hit, marked[hit.id]) for hit in hits],
        hidden=tuple(rows[0]["hidden"]) if rows else (),
        unseen=tuple(row["id"] for row in rows if row["is_unseen"]),
    )


async def _looked_up(ids: Sequence[int], unmarked: Sequence[int], *, staff: bool) -> list[database.Row]:
    """Hits as they are in the database, with the long texts of those whose title and summary show no match.

    There is a row without an id where there is no hit.
    """
    return await database.fetch(
        "SELECT hit.id, hit.id IS NOT NULL AND e.id IS NULL AS is_unseen, d.body_sv AS sv, d.body_en AS en,"
        " ARRAY(SELECT entry FROM search_hidden ORDER BY entry) AS hidden"
        " FROM (SELECT) AS once LEFT JOIN unnest($2::bigint[]) AS hit (id) ON true"
        f" LEFT JOIN entry e ON e.id = hit.id AND {VISIBLE}"
        " LEFT JOIN search_document d ON d.id = hit.id AND hit.id = ANY ($3::bigint[])",
        staff,
        ids,
        unmarked,
    )


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
