"""Searching for a reader: what the reader may see is decided here, once, for every engine.

Where Meilisearch is configured it answers; whenever it does not, PostgreSQL does, and Meilisearch is asked again a
moment later.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar
from weakref import WeakKeyDictionary

from registry import database
from registry.access import Actor, Permission, Role
from registry.entries.codes import Audience
from registry.entries.queries import VISIBLE
from registry.settings import load_settings
from search import knowledge, push
from search.answers import Answer, Answers
from search.engine import (
    EngineAway,
    EngineResult,
    Hit,
    SearchEngine,
    SearchRequest,
    Suggestion,
)
from search.folding import fold
from search.found import Found, Now, look, shown
from search.index_words import IndexWords
from search.language import LANGUAGES, words
from search.meilisearch import MeilisearchEngine
from search.postgres import PostgresEngine
from search.question import LEFT_OUT, Question, ask
from search.thesaurus import Thesaurus

log = logging.getLogger(__name__)
T = TypeVar("T")
# Seconds for which an engine that did not answer is not asked again, so that nobody waits for it twice.
_REST = 2.0
# How often a question is asked again because more has been hidden meanwhile.
_MOST_LOOKS = 3
# How many questions are remembered as they were understood.
_MOST_QUESTIONS = 1000
_HIGHLIGHTED = ("title", "summary")


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
            return await ask_engine(only, request), only
        settings = load_settings()
        if settings.meilisearch_url and time.monotonic() >= self._rests_until:
            engine = MeilisearchEngine(settings.meilisearch_index)
            try:
                return await ask_engine(engine, request), engine
            except EngineAway as error:
                self._rests_until = time.monotonic() + _REST
                log.warning("Search goes on in PostgreSQL, because Meilisearch cannot be used: %s", error)
        simple = PostgresEngine()
        return await ask_engine(simple, request), simple


_engines = _Engines()


@dataclass
class _Memory:
    """What this process has last seen, and what it keeps for the next reader."""

    now: Now = field(default_factory=lambda: Now((), -1))
    answers: Answers = field(default_factory=Answers)
    # What was asked, by the words of the index that it was understood with.
    questions: WeakKeyDictionary[IndexWords, dict[str, Question]] = field(default_factory=WeakKeyDictionary)


_memory = _Memory()


async def find(actor: Actor, request: SearchRequest, engine: SearchEngine | None = None) -> SearchResult:
    """Search for entries that the actor may see, with the engine in use unless another one is given.

    Raises:
        EngineAway: the given engine does not answer.
    """
    staff = actor.may(Permission.ENTRY_READ_STAFF)
    thesaurus, index_words = await knowledge.understanding(staff=staff)
    question = _understood(request.text, thesaurus, index_words)
    if request.sure_only:
        question = replace(question, readings=question.sure)
    asked = replace(request, question=question, staff=staff)
    answer = await _answer(asked, thesaurus, engine)
    result = answer.result
    doubts = {hit.doubt for hit in result.hits}
    is_corrected = bool(doubts) and 0 not in doubts and request.page == 1 and question.corrected != ""
    if is_corrected:
        is_corrected = await _may_be_told(question.corrected, request.text, thesaurus, staff=staff)
    only_some_words = bool(doubts) and min(doubts) >= LEFT_OUT
    return SearchResult(
        items=answer.items,
        total=result.total,
        facets=result.facets,
        engine=answer.engine,
        corrected=_as_written(question.corrected, result.hits) if is_corrected else "",
        only_some_words=only_some_words,
        missing=question.missing if only_some_words else (),
    )


def _understood(text: str, thesaurus: Thesaurus, index_words: IndexWords) -> Question:
    """The question that a text asks; people ask it again with every page and filter."""
    known = _memory.questions.setdefault(index_words, {})
    if text not in known:
        if len(known) >= _MOST_QUESTIONS:
            known.clear()
        known[text] = ask(text, thesaurus, index_words)
    return known[text]


async def _answer(asked: SearchRequest, thesaurus: Thesaurus, engine: SearchEngine | None) -> Answer:
    """The kept answer if it is still true, else that of an engine."""
    kept = _memory.answers.get(asked) if engine is None else None
    if kept is not None:
        answer, of = kept
        _memory.now, unseen = await look(answer.result.hits, staff=asked.staff)
        if of == _memory.now and not unseen:
            return answer
    return await _answer_of_engine(asked, thesaurus, engine)


async def _answer_of_engine(asked: SearchRequest, thesaurus: Thesaurus, engine: SearchEngine | None) -> Answer:
    """Ask until the answer leaves out what was hidden when it was looked up; an index that does not is given up."""
    for _ in range(_MOST_LOOKS):
        before = _memory.now
        request = replace(asked, hidden=before.hidden)
        result, answered = await _engines.ask(request, lambda engine, asked: engine.search(asked), engine)
        if answered.name == PostgresEngine.name:
            return await _current(result, asked.question, thesaurus)
        looking = look(result.hits, staff=asked.staff)
        items, (_memory.now, unseen) = await shown(result.hits, asked.question, thesaurus, looking)
        if _memory.now.hidden == before.hidden and not unseen:
            answer = Answer(result, items, answered.name)
            if _memory.now == before and engine is None:
                _memory.answers.keep(asked, answer, before)
            return answer
        if _memory.now.hidden == before.hidden:
            await _note(unseen)
            break
    # An index that finds what is hidden is older than the database, so its counts are wrong too.
    return await _current(await PostgresEngine().search(asked), asked.question, thesaurus)


async def _current(result: EngineResult, question: Question, thesaurus: Thesaurus) -> Answer:
    """An answer that was read from the database itself."""
    items, _ = await shown(result.hits, question, thesaurus, asyncio.sleep(0))
    return Answer(result, items, PostgresEngine.name)


async def _note(unseen: Sequence[int]) -> None:
    """Have the index hear of entries that it should not find."""
    log.warning("Meilisearch has found %s entries that are hidden: its index is not up to date", len(unseen))
    async with database.transaction():
        await push.note(unseen)


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
    asked = replace(
        asked, hidden=tuple(row["entry"] for row in await database.fetch("SELECT entry FROM search_hidden"))
    )
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
