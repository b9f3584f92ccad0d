"""Whether the program is ready to answer, and with which search engine."""

import asyncio

from litestar import Response, get
from litestar.types import ControllerRouterHandler

from registry import database
from registry.settings import load_settings
from search.engine import EngineAway
from search.meilisearch import MeilisearchEngine, in_thread
from search.postgres import PostgresEngine

# Seconds; a proxy that asks does not wait long either.
_LONGEST_LOOK = 1.0


@get("/readyz", include_in_schema=False)
async def readyz() -> Response[dict[str, str]]:
    """Whether the database answers (503 when it does not), and what answers searches.

    `search` is the engine; where Meilisearch is meant to answer and cannot, `search_trouble` says why.
    """
    try:
        await database.fetch("SELECT 1 FROM migration LIMIT 1")
    except Exception:  # noqa: BLE001  # whatever is wrong with the database, the answer is the same
        return Response({"status": "unavailable", "database": "down", "search": "down"}, status_code=503)
    ready = {"status": "ok", "database": "up"}
    settings = load_settings()
    if not settings.meilisearch_url:
        return Response(ready | {"search": PostgresEngine.name})
    try:
        look = in_thread(lambda engine: engine.index(settings.meilisearch_index).get_stats())
        await asyncio.wait_for(look, _LONGEST_LOOK)
    except EngineAway as away:
        return Response(ready | {"search": PostgresEngine.name, "search_trouble": away.trouble.value})
    except TimeoutError:
        return Response(ready | {"search": PostgresEngine.name, "search_trouble": "slow"})
    return Response(ready | {"search": MeilisearchEngine.name})


HANDLERS: list[ControllerRouterHandler] = [readyz]
