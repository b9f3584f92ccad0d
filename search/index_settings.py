"""The settings of the index: they live here, and are applied when they change."""

from collections.abc import Mapping
from typing import Any

from registry.settings import load_settings
from search import index_tasks
from search.engine import FACETS, EngineAway, Trouble

SETTINGS: Mapping[str, Any] = {
    # Where a word stands decides first: title, summary, names, what is near, the rest.
    "searchableAttributes": ["title_words", "summary_words", "names_words", "near_words", "body_words"],
    "filterableAttributes": [
        *(f"facets.{name}" for name in FACETS),
        "staff",
        "bookable",
        "free_weeks",
        "id",
        "_geo",
    ],
    "sortableAttributes": [
        "order_sv",
        "order_en",
        "published_at",
        "id",
        "bookable",
        "is_environment",
        "_geo",
    ],
    "rankingRules": ["sort", "words", "attribute", "proximity", "exactness", "bookable:desc", "confirmed_at:desc"],
    # Misspelt words are put right before (search/question.py), with the words that the reader may see.
    "typoTolerance": {"enabled": False},
    "faceting": {"maxValuesPerFacet": 500, "sortFacetValuesBy": {"*": "count"}},
    "pagination": {"maxTotalHits": 200_000},
    "stopWords": [],
}


async def apply_settings() -> bool:
    """Give the index the settings that the code asks for; tells whether they were others.

    Where there is no index yet, nothing is done: building it applies them.

    Raises:
        EngineAway: Meilisearch does not answer or refuses.
    """
    if not index_tasks.is_configured() or not await differing_settings():
        return False
    index = load_settings().meilisearch_index
    task = await index_tasks.do(lambda engine: engine.index(index).update_settings(dict(SETTINGS)).task_uid)
    try:
        await index_tasks.wait(task, index_tasks.LONGEST_REBUILD)
    finally:
        await index_tasks.tell_change()
    return True


async def differing_settings() -> list[str]:
    """The names of the settings that the index has otherwise; none where there is no index.

    Raises:
        EngineAway: Meilisearch does not answer or refuses.
    """
    index = load_settings().meilisearch_index
    try:
        found = await index_tasks.do(lambda engine: dict(engine.index(index).get_settings()))
    except EngineAway as error:
        if error.trouble is Trouble.INDEX_MISSING:
            return []
        raise
    return [name for name, value in SETTINGS.items() if not _has(found.get(name), value)]


_IN_ORDER = (SETTINGS["searchableAttributes"], SETTINGS["rankingRules"])


def _has(found: Any, wanted: Any) -> bool:  # noqa: ANN401  # JSON
    """Whether what was found says what is wanted; Meilisearch fills in what was not said, and sorts what is a set."""
    if isinstance(wanted, Mapping):
        return isinstance(found, Mapping) and all(_has(found.get(name), value) for name, value in wanted.items())
    if isinstance(wanted, list) and wanted not in _IN_ORDER:
        return isinstance(found, list) and sorted(map(str, found)) == sorted(map(str, wanted))
    return bool(found == wanted)
