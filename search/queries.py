"""Searching for a reader: what the reader may see is decided here, once, for every engine.

Where Meilisearch is configured it answers; whenever it does not, PostgreSQL does, and Meilisearch is asked again a
moment later.
"""

import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from markupsafe import Markup

from registry import database
from registry.access import Actor, Permission, Role
from registry.entries.codes import Audience
from registry.entries.queries import VISIBLE
from registry.settings import load_settings
from search import knowledge, push
from search.engine import (
    EngineAway,
    Hit,
    SearchEngine,
    SearchRequest,
    Suggestion,
)
from search.folding import fold
from search.highlight import Highlighter
from search.language import LANGUAGES, words
from search.meilisearch import MeilisearchEngine
from search.postgres import PostgresEngine
from search.question import LEFT_OUT, Question, ask
from search.thesaurus import Thesaurus

log = logging.getLogger(__name__)
T = TypeVar("T")
# Seconds for which an engine that did not answer is not asked again, so that nobody waits for it twice.
_REST = 2.0
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
class SearchResult:
    """One page of what was found, how many there are, and the counts by filter and value.

    The counts of a filter ignore that filter's own values, so that they tell what choosing another would add.
    `corrected` is the question as it was probably meant, where nothing was found as it was written.
    `only_some_words` says that nothing had all the words, so these have some of them; `missing` are then the words
    that no entry has.
    """

    items: list[Found]
    total: int
    facets: dict[str, dict[str, int]]
    engine: str
    corrected: str = ""
    only_some_words: bool = False
    missing: tuple[str, ...] = ()

    @property
    def is_simplified(self) -> bool:
        """Whether the simpler engine has answered."""
        return self.engine == PostgresEngine.name


class _Engines:
    """The engine that answers: Meilisearch while it does, else PostgreSQL."""

    def __init__(self) -> None:
        self._rests_until = 0.0

    async def ask(
        self,
        request: SearchRequest,
        ask_engine: Callable[[SearchEngine, SearchRequest], Awaitable[T]],
        only: SearchEngine | None = None,
    ) -> tuple[T, SearchEngine]:
        """Ask the engine that answers, or `only` a certain one, and tell which it was."""
        if only is not None:
            return await ask_engine(only, replace(request, hidden=await _hidden())), only
        settings = load_settings()
        if settings.meilisearch_url and time.monotonic() >= self._rests_until:
            engine = MeilisearchEngine(settings.meilisearch_index)
            try:
                return await ask_engine(engine, replace(request, hidden=await _hidden())), engine
            except EngineAway as error:
                self._rests_until = time.monotonic() + _REST
                log.warning("Search goes on in PostgreSQL, because Meilisearch cannot be used: %s", error)
        simple = PostgresEngine()
        return await ask_engine(simple, request), simple


async def _hidden() -> tuple[int, ...]:
    """Entries that fewer people may see than the index knows of; mostly none."""
    rows = await database.fetch("SELECT entry FROM search_hidden")
    return tuple(row["entry"] for row in rows)


_engines = _Engines()


async def find(actor: Actor, request: SearchRequest, engine: SearchEngine | None = None) -> SearchResult:
    """Search for entries that the actor may see, with the engine in use unless another one is given.

    Raises:
        EngineAway: the given engine does not answer.
    """
    staff = actor.may(Permission.ENTRY_READ_STAFF)
    thesaurus, index_words = await knowledge.understanding(staff=staff)
    question = ask(request.text, thesaurus, index_words)
    if request.sure_only:
        question = replace(question, readings=question.sure)
    asked = replace(request, question=question, staff=staff)
    result, answered = await _engines.ask(asked, lambda engine, asked: engine.search(asked), engine)
    if answered.name != PostgresEngine.name and not await _may_be_shown(result.hits, staff=staff):
        # An index that finds what is hidden is older than the database, so its counts are wrong too.
        answered = PostgresEngine()
        result = await answered.search(asked)
    doubts = {hit.doubt for hit in result.hits}
    is_corrected = bool(doubts) and 0 not in doubts and request.page == 1 and question.corrected != ""
    if is_corrected:
        is_corrected = await _may_be_told(question.corrected, request.text, thesaurus, staff=staff)
    only_some_words = bool(doubts) and min(doubts) >= LEFT_OUT
    return SearchResult(
        items=await _shown(result.hits, question, thesaurus),
        total=result.total,
        facets=result.facets,
        engine=answered.name,
        corrected=_as_written(question.corrected, result.hits) if is_corrected else "",
        only_some_words=only_some_words,
        missing=question.missing if only_some_words else (),
    )


async def _may_be_told(corrected: str, text: str, thesaurus: Thesaurus, *, staff: bool) -> bool:
    """Whether an entry that the reader sees has each word that a question was corrected to, or the vocabulary has it.

    The words in memory may be those of an entry that has been hidden since.
    """
    # The vocabulary is no secret, whoever uses its words.
    new = {fold(word) for word in words(corrected)} - {fold(word) for word in words(text)} - thesaurus.term_words.keys()
    row = await database.fetch_one(
        "SELECT bool_and(EXISTS (SELECT FROM search_document d JOIN entry e ON e.id = d.id"
        f" WHERE {VISIBLE} AND d.vector @@ to_tsquery('simple', word))) AS known FROM unnest($2::text[]) AS word",
        staff,
        [f"'{word}'" for word in new],
    )
    return row is None or row["known"] is not False


async def suggest(actor: Actor, text: str, *, language: str) -> list[Suggestion]:
    """Entries whose titles have what has been typed, the last word perhaps only begun, as far as the actor may see."""
    asked = SearchRequest(text=text, staff=actor.may(Permission.ENTRY_READ_STAFF), language=language)
    found, _ = await _engines.ask(asked, lambda engine, asked: engine.suggest(asked))
    return found


def audiences_of(actor: Actor) -> tuple[str, ...]:
    """As whom a person may book: from inside or outside the region; a visitor comes from outside."""
    found = set()
    if Role.EMPLOYEE in actor.roles:
        found.add(Audience.EMPLOYEE.value)
    if Role.FIRM in actor.roles or not actor.is_signed_in:
        found.add(Audience.EXTERNAL.value)
    return tuple(sorted(found))


def _as_written(corrected: str, hits: Sequence[Hit]) -> str:
    """A question that was put right, with the marks that its words have in what it found: `stralterapi` has an å."""
    texts = " ".join(hit.shown[f"{field}_{code}"] for hit in hits for field in _HIGHLIGHTED for code in LANGUAGES)
    written = {fold(word): word for word in reversed(words(texts))}
    return " ".join(written.get(word, word) for word in corrected.split())


async def _may_be_shown(hits: Sequence[Hit], *, staff: bool) -> bool:
    """Whether every hit may be seen as the entries are now; what may not is noted, so that the index hears of it."""
    rows = await database.fetch(
        "SELECT hit.id FROM unnest($2::bigint[]) AS hit (id)"
        f" WHERE NOT EXISTS (SELECT FROM entry e WHERE e.id = hit.id AND {VISIBLE})",
        staff,
        [hit.id for hit in hits],
    )
    if rows:
        log.warning("Meilisearch has found %s entries that are hidden: its index is not up to date", len(rows))
        async with database.transaction():
            await push.note([row["id"] for row in rows])
    return not rows


async def _shown(hits: Sequence[Hit], question: Question, thesaurus: Thesaurus) -> list[Found]:
    # What no reading of a found entry asks for is nothing to mark.
    doubt = max((hit.doubt for hit in hits), default=0)
    readings = tuple(reading for reading in question.readings if reading.doubt <= doubt)
    if not readings:
        return [_found(hit, {}) for hit in hits]
    highlighter = Highlighter(replace(question, readings=readings), thesaurus)
    marked = {hit.id: _marks(highlighter, hit.shown) for hit in hits}
    bodies = await _bodies([id for id, found in marked.items() if not found])
    for id, body in bodies.items():
        fragments = {code: highlighter.fragment(text, code) for code, text in body.items()}
        if any(fragments.values()):
            marked[id] = {"body": {code: text for code, text in fragments.items() if text is not None}}
    return [_found(hit, marked[hit.id]) for hit in hits]


def _marks(highlighter: Highlighter, shown: Mapping[str, str]) -> dict[str, dict[str, Markup]]:
    found: dict[str, dict[str, Markup]] = {}
    for field in _HIGHLIGHTED:
        for code in LANGUAGES:
            if (marked := highlighter.mark(shown[f"{field}_{code}"], code)) is not None:
                found.setdefault(field, {})[code] = marked
    return found


async def _bodies(ids: list[int]) -> dict[int, dict[str, str]]:
    """The long texts of those entries where title and summary do not show why they were found."""
    if not ids:
        return {}
    rows = await database.fetch("SELECT id, body_sv, body_en FROM search_document WHERE id = ANY ($1::bigint[])", ids)
    return {row["id"]: {"sv": row["body_sv"], "en": row["body_en"]} for row in rows}


def _found(hit: Hit, highlights: Mapping[str, Mapping[str, Markup]]) -> Found:
    return Found(
        **{**hit.shown, "id": hit.id},
        is_doubtful=hit.doubt > 0,
        distance_km=hit.distance_km,
        highlights=highlights,
    )
