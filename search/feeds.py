"""Atom feeds of what is new. Feed readers are visitors: they get public entries, whoever asks."""

from dataclasses import replace
from datetime import UTC, datetime, time
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode

from litestar import Request, Response, get
from litestar.types import ControllerRouterHandler

from registry.access import VISITOR
from registry.entries.queries import publication_times
from registry.settings import load_settings
from registry.web import language
from registry.web.input import read_pairs, read_query
from registry.web.labels import label
from search import atom, queries
from search.addresses import SearchAddress
from search.engine import Sort
from search.filters import in_words
from search.found import Found
from search.input import SearchInput
from search.places import places

AnyRequest = Request[Any, Any, Any]
MOST_ENTRIES = 50


@get("/feeds/entries.atom", include_in_schema=False)
async def entries_feed(request: AnyRequest) -> Response[bytes]:
    """The newest entries."""
    return await _answer(request, "/feeds/entries.atom", SearchAddress(), read_pairs([], SearchInput))


@get("/feeds/search.atom", include_in_schema=False)
async def search_feed(request: AnyRequest) -> Response[bytes]:
    """The newest of what a search finds; the query string is that of `/search`."""
    asked = read_query(request, SearchInput, ignore_unknown=True)
    address = SearchAddress.of(request.query_params.multi_items()).without("page_size", "sort", "lang")
    return await _answer(request, "/feeds/search.atom", address, asked)


async def _answer(request: AnyRequest, path: str, address: SearchAddress, asked: SearchInput) -> Response[bytes]:
    # The address alone decides the language: a feed reader sends neither cookies nor what its user prefers.
    code = request.query_params.get("lang", "")
    language.use_language(code if code in language.LANGUAGES else "sv")
    content = atom.write(await _feed(path, address, asked))
    tag = f'"{sha256(content).hexdigest()[:32]}"'
    # To be asked for again each time, so that what is no longer public is gone at once.
    headers = {"ETag": tag, "Cache-Control": "no-cache"}
    known = [given.strip().removeprefix("W/") for given in request.headers.get("if-none-match", "").split(",")]
    if tag in known or "*" in known:
        return Response(b"", status_code=304, headers=headers)
    return Response(content, media_type="application/atom+xml; charset=utf-8", headers=headers)


async def _feed(path: str, address: SearchAddress, asked: SearchInput) -> atom.Feed:
    code = language.current_language()
    wanted = asked.model_copy(update={"sort": Sort.NEWEST, "page": 1, "page_size": MOST_ENTRIES})
    result = await queries.find(VISITOR, replace(wanted.to_request(VISITOR, code), sure_only=True))
    hits = result.items
    times = await publication_times([hit.id for hit in hits])
    base = load_settings().base_url.rstrip("/")
    entries = tuple(_entry(hit, base, *times[hit.id]) for hit in hits if hit.id in times)
    # What is empty was the same at the beginning of the day.
    today = datetime.combine(datetime.now(UTC).date(), time(), UTC)
    self_href = f"{base}{path}?{urlencode([*address.pairs, ('lang', code)])}"
    site = language.gettext("Testbeds and innovation partnerships")
    return atom.Feed(
        id=self_href,
        title=f"{site}: {in_words(asked, await places(VISITOR))}",
        language=code,
        author=site,
        href=f"{base}{address.with_value('lang', code)}",
        self_href=self_href,
        updated=max((entry.updated for entry in entries), default=today),
        entries=entries,
    )


def _entry(hit: Found, base: str, published: datetime, updated: datetime) -> atom.Entry:
    address = f"{base}/entries/{hit.slug}"
    return atom.Entry(
        id=address,
        title=atom.Text(*language.pick(hit, "title")),
        summary=atom.Text(*language.pick(hit, "summary")),
        author=language.in_language(hit, "body_name"),
        href=f"{address}?{urlencode({'lang': language.current_language()})}",
        published=published,
        updated=updated,
        categories=(
            (hit.kind, label(hit.kind, "kind")),
            *((sector, label(sector, "sector")) for sector in hit.sectors),
        ),
    )


HANDLERS: list[ControllerRouterHandler] = [entries_feed, search_feed]
