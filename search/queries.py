"""Searching for a reader: what the reader may see is decided here, once, for every engine."""

from dataclasses import replace

from registry.access import Actor, Permission
from search.engine import SearchEngine, SearchRequest, SearchResult, Suggestion
from search.postgres import PostgresEngine


def engine() -> SearchEngine:
    """The engine that answers now."""
    return PostgresEngine()


async def find(actor: Actor, request: SearchRequest) -> SearchResult:
    """Search for entries that the actor may see."""
    return await engine().search(replace(request, staff=actor.may(Permission.ENTRY_READ_STAFF)))


async def suggest(actor: Actor, text: str, *, language: str) -> list[Suggestion]:
    """Entries whose titles begin like what has been typed, as far as the actor may see."""
    return await engine().suggest(text, staff=actor.may(Permission.ENTRY_READ_STAFF), language=language)
