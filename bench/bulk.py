"""Handing all documents to Meilisearch with nothing around it: what building an index is compared with.

`python -m bench.bulk` reads the documents of the settings' database, builds an index of them with the program's
settings, and prints how many seconds that took; reading is not counted.
"""

import asyncio
import http.client
import json
import time
from typing import Any
from urllib.parse import urlsplit

from registry import database
from registry.settings import load_settings
from search import index_settings, rebuild

_POLL = 0.02
_INDEX = "bulk"


class _Engine:
    """Meilisearch over one plain connection."""

    def __init__(self, url: str) -> None:
        address = urlsplit(url)
        self._connection = http.client.HTTPConnection(str(address.hostname), address.port)

    def ask(self, method: str, path: str, body: bytes | None = None, kind: str = "application/json") -> dict[str, Any]:
        self._connection.request(method, path, body, {"Content-Type": kind})
        answer: dict[str, Any] = json.loads(self._connection.getresponse().read())
        return answer

    def wait(self, task: int) -> None:
        while (done := self.ask("GET", f"/tasks/{task}"))["status"] in {"enqueued", "processing"}:
            time.sleep(_POLL)
        if done["status"] != "succeeded":
            raise RuntimeError(f"Meilisearch could not do a task: {done['error']}")

    def do(self, method: str, path: str, body: object = None) -> None:
        self.wait(self.ask(method, path, None if body is None else json.dumps(body).encode())["taskUid"])


async def _batches() -> list[bytes]:
    await database.engine().start_connection_pool(min_size=1, max_size=2)
    found = [lines async for _, lines in rebuild.batches()]
    await database.engine().close_connection_pool()
    return found


def _main() -> None:
    batches = asyncio.run(_batches())
    engine = _Engine(load_settings().meilisearch_url)
    start = time.perf_counter()
    engine.do("POST", "/indexes", {"uid": _INDEX, "primaryKey": "id"})
    engine.do("PATCH", f"/indexes/{_INDEX}/settings", dict(index_settings.SETTINGS))
    tasks = [
        engine.ask("POST", f"/indexes/{_INDEX}/documents", lines, "application/x-ndjson")["taskUid"]
        for lines in batches
    ]
    for task in tasks:
        engine.wait(task)
    took = time.perf_counter() - start
    engine.do("DELETE", f"/indexes/{_INDEX}")
    print(took)  # noqa: T201  # what the caller reads


if __name__ == "__main__":
    _main()
