"""The engine that runs beside the program: Meilisearch, through its official client.

The client is synchronous, so it works in threads of its own, each with a connection that stays open.
"""

import asyncio
import json
import os
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice, product
from typing import Any, TypeVar
from urllib.parse import urlsplit

import meilisearch
import requests
import urllib3
from meilisearch._httprequests import HttpRequests
from meilisearch.errors import (
    MeilisearchApiError,
    MeilisearchCommunicationError,
    MeilisearchError,
    MeilisearchTimeoutError,
)
from meilisearch.index import Index
from pydantic_core import from_json

from registry.settings import load_settings
from search.document import SHOWN
from search.engine import (
    FACETS,
    MOST_SUGGESTIONS,
    EngineAway,
    EngineResult,
    Hit,
    Near,
    SearchRequest,
    Sort,
    Suggestion,
    Trouble,
    further_doubt,
)
from search.question import NOTHING_TYPED, Reading, typed
from search.thesaurus import term_token, token

T = TypeVar("T")
# What a result shows; asking for less makes answers smaller and faster.
_RETRIEVED = ["id", "place", *SHOWN]
_LONGEST_WAIT = 3  # seconds; a search that takes longer is made in PostgreSQL
_THREADS = 16
_MOST_ALTERNATIVES = 6
# A surer reading's worst match stands above a less sure one's best.
_WEIGHTS = (1.0, 0.1, 0.01, 0.001, 0.0001)


_NOTHING = "null"


class _Answer(requests.Response):
    """An answer that has been read whole."""

    def __init__(self, answer: urllib3.BaseHTTPResponse) -> None:
        super().__init__()
        self.status_code = answer.status
        self.reason = answer.reason or ""
        self._content = answer.data

    def json(self, **_: Any) -> Any:  # noqa: ANN401  # JSON
        return from_json(self.content)


class _Requests(HttpRequests):
    """Requests of the client over one connection that stays open, without compression.

    Compressing costs Meilisearch ten times what it saves on a short way. What `requests` does around the connection
    that it keeps (cookies, proxies, redirects) costs more than sending and reading.
    """

    def __init__(self, config: Any) -> None:  # noqa: ANN401  # the client's own, not exported
        super().__init__(config)
        self.headers["Accept-Encoding"] = "identity"
        address = urlsplit(config.url)
        self._origin = f"{address.scheme}://{address.netloc}"
        self._pool = urllib3.connection_from_url(self._origin, maxsize=1, retries=False)

    def send_request(self, http_method: Callable[..., Any], path: str, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401  # as the client has it
        method = http_method.__name__

        def send(url: str, *, timeout: float, headers: Mapping[str, str], data: bytes | str | None = None) -> _Answer:
            # Where there is nothing to say the client says "null". Meilisearch (1.21) may answer before it has read
            # that, and then never answers the next request on the connection.
            body = None if data == _NOTHING else data.encode() if isinstance(data, str) else data
            path = url.removeprefix(self._origin)
            return _Answer(self._pool.urlopen(method.upper(), path, body=body, headers=headers, timeout=timeout))

        # The client asks it for its name.
        send.__name__ = method
        return super().send_request(send, path, *args, **kwargs)


class _Client(meilisearch.Client):
    """The client, with one connection for all that it and its indexes and tasks ask."""

    def __init__(self, url: str, key: str | None, longest: int) -> None:
        super().__init__(url, key, timeout=longest)
        self.http = self.task_handler.http = _Requests(self.config)

    def index(self, uid: str) -> Index:
        found = super().index(uid)
        found.http = found.task_handler.http = self.http
        return found


class _Local(threading.local):
    def __init__(self) -> None:
        self.clients: dict[int, meilisearch.Client] = {}


@dataclass
class _Threads:
    """The threads and their clients. A process that is forked off has none of them, and begins anew."""

    pool: ThreadPoolExecutor
    local: _Local

    def begin(self) -> None:
        self.pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="meilisearch")
        self.local = _Local()


_threads = _Threads(ThreadPoolExecutor(_THREADS, thread_name_prefix="meilisearch"), _Local())
# The web server forks its processes, in the demo from one that has built the index before.
os.register_at_fork(after_in_child=_threads.begin)


def client(longest: int = _LONGEST_WAIT) -> meilisearch.Client:
    """The client of the running thread that waits so many seconds for an answer."""
    clients = _threads.local.clients
    if longest not in clients:
        settings = load_settings()
        clients[longest] = _Client(
            settings.meilisearch_url, settings.meilisearch_key.get_secret_value() or None, longest
        )
    return clients[longest]


async def in_thread(work: Callable[[meilisearch.Client], T], longest: int = _LONGEST_WAIT) -> T:
    """Do something with a client beside the event loop; an answer may take so many seconds.

    Raises:
        EngineAway: Meilisearch does not answer, refuses, or holds documents that are not ours.
    """

    def guarded() -> T:
        try:
            return work(client(longest))
        except (MeilisearchError, requests.RequestException, urllib3.exceptions.HTTPError, *_UNEXPECTED) as error:
            raise _away(error) from error

    return await asyncio.get_running_loop().run_in_executor(_threads.pool, guarded)


# An answer that is no JSON, or JSON of another shape.
_UNEXPECTED = (ValueError, LookupError, TypeError)
_TROUBLES = {
    "index_not_found": Trouble.INDEX_MISSING,
    "invalid_api_key": Trouble.REFUSED,
    "missing_authorization_header": Trouble.REFUSED,
}


def _away(error: Exception) -> EngineAway:
    if isinstance(error, MeilisearchApiError):
        return EngineAway(f"Meilisearch says: {error.message}", _TROUBLES.get(error.code or "", Trouble.BROKEN))
    if isinstance(error, (MeilisearchCommunicationError, MeilisearchTimeoutError, urllib3.exceptions.HTTPError)):
        return EngineAway(f"Meilisearch does not answer at {load_settings().meilisearch_url}", Trouble.UNREACHABLE)
    return EngineAway(f"Meilisearch has answered what nobody expects ({type(error).__name__}: {error})")


@dataclass(frozen=True)
class _Text:
    """What Meilisearch is asked for a reading, which words an entry has to have, how doubtful it is, and its weight."""

    text: str
    strategy: str = "all"
    doubt: int = 0
    weight: float = 1.0

    def as_query(self) -> dict[str, str]:
        """The part of a query that says so."""
        return {"q": self.text, "matchingStrategy": self.strategy}


class MeilisearchEngine:
    """Search in Meilisearch."""

    name = "meilisearch"

    def __init__(self, index: str) -> None:
        self._index = index

    async def search(self, request: SearchRequest) -> EngineResult:
        """Answer a question with one request, or with a second where the sure readings of it find little."""
        result = await in_thread(lambda engine: self._ask(engine, request, 0))
        doubt = further_doubt(request.question, result.total)
        if doubt is None:
            return result
        return await in_thread(lambda engine: self._ask(engine, request, doubt))

    async def suggest(self, request: SearchRequest) -> list[Suggestion]:
        """Entries whose titles have the words of the text, the last one perhaps only begun, in the order of titles."""
        asked = typed(request.text)
        if asked == NOTHING_TYPED:
            return []
        # Quoted words are whole; a space at the end says that no other one has been begun.
        text = " ".join([*map(_quoted, asked.words), asked.beginning])
        query = {
            "attributesToSearchOn": ["title_words"],
            "attributesToRetrieve": ["slug", "kind", "title_sv", "title_en"],
            "filter": _filter(request, None),
            "matchingStrategy": "all",
            "sort": [f"order_{request.language}:asc"],
            "limit": MOST_SUGGESTIONS,
        }

        def ask(engine: meilisearch.Client) -> list[Suggestion]:
            return [Suggestion(**hit) for hit in engine.index(self._index).search(text, query)["hits"]]

        return await in_thread(ask)

    def _ask(self, engine: meilisearch.Client, request: SearchRequest, doubt: int) -> EngineResult:
        """Ask all readings up to a doubt; the counts of each filter that is on are asked for without it."""
        texts = [
            text
            for reading in request.question.readings
            if reading.doubt <= doubt
            for text in _texts(reading, request.question.excluded)
        ] or _texts(Reading(), request.question.excluded)
        chosen = [name for name in FACETS if request.filters.get(name)]
        main: Mapping[str, Any]
        if len(texts) == 1:
            queries = [self._alone(request, texts[0], without) for without in (None, *chosen)]
            answers = engine.multi_search(queries)["results"]
            main, counts = answers[0], [answer["facetDistribution"] for answer in answers]
        else:
            together = [self._together(engine, request, texts, without) for without in (None, *chosen)]
            main, counts = together[0], [one["facetsByIndex"][self._index]["distribution"] for one in together]
        facets = {name: dict(counts[0].get(f"facets.{name}", {})) for name in FACETS}
        for name, counted in zip(chosen, counts[1:], strict=True):
            facets[name] = {**dict.fromkeys(request.filters[name], 0), **counted.get(f"facets.{name}", {})}
        doubts = [text.doubt for text in texts]
        return EngineResult(
            [_hit(hit, doubts, request.near) for hit in main["hits"]], main["estimatedTotalHits"], _by_count(facets)
        )

    def _alone(self, request: SearchRequest, text: _Text, without: str | None) -> dict[str, Any]:
        query = self._query(request, text, without) | {"facets": _facets(without)}
        return query | ({"limit": 0} if without else _page(request))

    def _together(
        self, engine: meilisearch.Client, request: SearchRequest, texts: Sequence[_Text], without: str | None
    ) -> Mapping[str, Any]:
        """Several readings at once: each entry counts once, by its surest reading."""
        queries = [
            self._query(request, text, without) | {"federationOptions": {"weight": _WEIGHTS[text.doubt] * text.weight}}
            for text in texts
        ]
        federation: dict[str, Any] = {"facetsByIndex": {self._index: _facets(without)}}
        return engine.multi_search(queries, federation | ({"limit": 0} if without else _page(request)))

    def _query(self, request: SearchRequest, text: _Text, without: str | None) -> dict[str, Any]:
        return {
            "indexUid": self._index,
            **text.as_query(),
            "filter": _filter(request, without),
            "attributesToRetrieve": [*_RETRIEVED, "_geo"] if request.near else _RETRIEVED,
            "sort": _sort(request),
        }


def _texts(reading: Reading, excluded: Iterable[str]) -> list[_Text]:
    """A reading in the engine's own writing; several where a term can name several notions.

    An entry that has a term has the notion too, so the notion finds both. That it has the term itself is asked for
    as well, without being needed: quoted words have to be there, and the engine leaves out others from the end.
    """
    terms = sorted((term for term in reading.terms if term.needed), key=lambda term: term.beginning)
    needed = [*(f"-{_quoted(part)}" for part in excluded), *map(_quoted, reading.phrases)]
    if terms and terms[-1].beginning:
        # The last word may go on, so it can neither be quoted nor be followed by others.
        written: Callable[[str], str] = str
        wanted, end, strategy = [], "", "all"
    else:
        written = _quoted
        # A space at the end says that the last word is whole.
        wanted, end, strategy = [term_token(term.words) for term in terms if term.words and term.concepts], " ", "last"
        wanted += [" ".join(term.words) or token(term.concepts[0]) for term in reading.terms if not term.needed]
    choices = product(*(list(map(token, term.concepts)) or [" ".join(term.words)] for term in terms))
    return [
        _Text(" ".join([*needed, *map(written, choice), *wanted]) + end, strategy, reading.doubt, reading.weight)
        for choice in islice(choices, _MOST_ALTERNATIVES)
    ]


def _quoted(text: str) -> str:
    return f'"{text}"'


def _page(request: SearchRequest) -> dict[str, int]:
    return {"offset": (request.page - 1) * request.page_size, "limit": request.page_size}


def _facets(only: str | None) -> list[str]:
    return [f"facets.{name}" for name in ([only] if only else FACETS)]


def _filter(request: SearchRequest, without: str | None) -> list[str]:
    conditions = [
        f"facets.{name} IN {json.dumps(list(chosen), ensure_ascii=False)}"
        for name, chosen in request.filters.items()
        if chosen and name != without
    ]
    if not request.staff:
        conditions.append("staff = false")
    if request.audiences:
        conditions.append(f"bookable = true AND facets.bookable_by IN {json.dumps(list(request.audiences))}")
    if request.free_week is not None:
        conditions.append(f"free_weeks = {json.dumps(request.free_week)}")
    if request.only is not None:
        conditions.append(f"id = {request.only}")
    if request.hidden:
        conditions.append(f"id NOT IN {list(request.hidden)}")
    if near := request.near:
        conditions.append(f"_geoRadius({near.latitude}, {near.longitude}, {near.radius_km * 1000})")
    return conditions


def _sort(request: SearchRequest) -> list[str]:
    by_title = f"order_{request.language}:asc"
    if request.sort is Sort.NEWEST:
        return ["published_at:desc", "id:desc"]
    if request.sort is Sort.TITLE:
        return [by_title]
    has_words = bool(request.question.readings)
    if request.near and (request.sort is Sort.DISTANCE or not has_words):
        return [f"_geoPoint({request.near.latitude}, {request.near.longitude}):asc", by_title]
    # A list that nobody asked a question of begins with what can be booked.
    return [] if has_words else ["bookable:desc", "is_environment:desc", by_title]


def _hit(found: Mapping[str, Any], doubts: Sequence[int], near: Near | None) -> Hit:
    position = found.get("_federation", {}).get("queriesPosition", 0)
    shown = {name: found[name] for name in SHOWN}
    distance = near.distance_km(*found["place"]) if near and found["place"] else None
    return Hit(found["id"], shown, doubts[position], distance)


def _by_count(facets: Mapping[str, Mapping[str, int]]) -> dict[str, dict[str, int]]:
    return {name: dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))) for name, counts in facets.items()}
