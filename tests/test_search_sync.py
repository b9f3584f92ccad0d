"""The index in Meilisearch follows the database, whatever dies in between."""

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from registry import database
from registry.access import SYSTEM, VISITOR
from registry.accounts.codes import OrganisationKind
from registry.entries import service as entries
from registry.entries.codes import Visibility
from search import compare, index_settings, push, rebuild, sync, upkeep
from search.alone import alone
from search.engine import EngineAway, SearchRequest
from search.meilisearch import _Client
from search.queries import SearchResult, find
from search.sync import index_entries, index_entry
from search.upkeep import keep_up
from tests import factories
from tests.conftest import start_registry
from tests.factories_bulk import many_entries
from tests.factories_search import entry as entry_of_a_new_body
from tests.factories_search import word
from tests.meilisearch_server import MeilisearchServer

# Seconds within which a change is in the index.
PROMISED = 2.0


_bodies: list[int] = []


async def entry(**text: Any) -> tuple[int, str]:
    """An entry, published and indexed; all of them have the same body. Its id and slug."""
    if not _bodies:
        _bodies.append(await factories.organisation(OrganisationKind.COMMITTEE))
    return await entry_of_a_new_body(body=_bodies[0], **text)


async def change(entry_id: int, **fields: object) -> None:
    """Change the text of an entry as a person does: its job is enqueued, and not done here."""
    row = await database.fetch_one("SELECT * FROM entry WHERE id = $1", entry_id)
    assert row is not None
    text = replace(entries.text_of(dict(row)), **fields)  # type: ignore[arg-type]  # the fields are named by the tests
    await entries.change_entry(SYSTEM, entry_id, text, read_version=row["version"])


async def until(check: Callable[[], object | Awaitable[object]], seconds: float) -> float:
    """Wait until something is so, and return after how many seconds it was."""
    began = time.monotonic()
    while True:
        result = check()
        if isinstance(result, Awaitable):
            result = await result
        took = time.monotonic() - began
        if result:
            return took
        assert took < seconds, f"not within {seconds} seconds"
        await asyncio.sleep(0.02)


def in_index(server: MeilisearchServer, index: str, entry_id: int, title: str) -> bool:
    found = server.document(index, entry_id)
    return found is not None and found["title_sv"] == title


async def in_step(index: str) -> bool:
    return not (await compare.compare(index)).differs


async def ask(text: str) -> SearchResult:
    return await find(VISITOR, SearchRequest(text))


@contextlib.contextmanager
def worker() -> Iterator[subprocess.Popen[bytes]]:
    """A real `registry worker`, with the settings of the test."""
    process = start_registry("worker", REGISTRY_LOG_LEVEL="warning")
    try:
        yield process
    finally:
        process.kill()
        process.wait(10)


@pytest.fixture
async def empty_queue(no_other_worker: None) -> None:
    """Nothing waits for a worker, and none runs."""
    del no_other_worker
    await database.fetch("DELETE FROM pgqueuer")


@contextlib.asynccontextmanager
async def busy_worker(server: MeilisearchServer, index: str) -> AsyncIterator[subprocess.Popen[bytes]]:
    """A real worker that does jobs already."""
    entry_id, _ = await entry()
    await database.fetch("DELETE FROM pgqueuer")
    with worker() as process:
        mine = word()
        await change(entry_id, title_sv=mine)
        await until(lambda: in_index(server, index, entry_id, mine), 30)
        yield process


@pytest.mark.usefixtures("empty_queue")
async def test_change_is_in_the_index_within_two_seconds(
    meilisearch: MeilisearchServer, meilisearch_index: str
) -> None:
    entry_id, slug = await entry()
    gone_id, _ = await entry()
    async with busy_worker(meilisearch, meilisearch_index):
        for _ in range(3):
            mine = word()
            await change(entry_id, title_sv=mine)
            await until(lambda mine=mine: in_index(meilisearch, meilisearch_index, entry_id, mine), PROMISED)
            result = await ask(mine)
            assert ([hit.slug for hit in result.items], result.engine) == ([slug], "meilisearch")
        await entries.move_entry(SYSTEM, gone_id, "archive")
        await until(lambda: meilisearch.document(meilisearch_index, gone_id) is None, PROMISED)


@pytest.mark.usefixtures("empty_queue")
async def test_worker_that_dies_between_commit_and_push_loses_nothing(
    meilisearch: MeilisearchServer, meilisearch_index: str
) -> None:
    entry_id, _ = await entry()
    mine = word()
    async with busy_worker(meilisearch, meilisearch_index) as first:
        meilisearch.pause()
        try:
            await change(entry_id, title_sv=mine)
            noted = "SELECT 1 FROM search_push WHERE entry = $1"
            await until(lambda: database.fetch(noted, entry_id), 10)
            first.kill()
            first.wait(10)
        finally:
            meilisearch.go_on()
    assert not in_index(meilisearch, meilisearch_index, entry_id, mine)
    with worker():
        await until(lambda: in_index(meilisearch, meilisearch_index, entry_id, mine), 30)
        await until(lambda: in_step(meilisearch_index), 10)


@pytest.mark.usefixtures("empty_queue")
async def test_worker_that_dies_in_the_middle_of_a_job_loses_nothing(
    meilisearch: MeilisearchServer, meilisearch_index: str
) -> None:
    entry_id, _ = await entry()
    mine = word()
    holder = await asyncpg.connect(os.environ["REGISTRY_DATABASE_URL"])
    try:
        async with busy_worker(meilisearch, meilisearch_index) as first:
            # The job waits for its entry, and dies waiting.
            await holder.execute("SELECT pg_advisory_lock($1, $2)", sync._LOCK, entry_id)
            await change(entry_id, title_sv=mine)
            picked = "SELECT 1 FROM pgqueuer WHERE entrypoint = 'index_entry' AND status = 'picked'"
            await until(lambda: database.fetch(picked), 10)
            first.kill()
            first.wait(10)
    finally:
        await holder.close()
    with worker():
        # The queue gives a job to another worker once nothing has been heard of the first for half a minute.
        await until(lambda: in_index(meilisearch, meilisearch_index, entry_id, mine), 60)


@pytest.mark.parametrize("moment", [0.0, 0.02, 0.1, 0.3])
async def test_engine_that_dies_gets_every_change_when_it_is_back(
    meilisearch: MeilisearchServer, meilisearch_index: str, moment: float
) -> None:
    made = [await entry() for _ in range(5)]
    mine = word()

    async def make_changes() -> None:
        for entry_id, _ in made:
            await change(entry_id, title_sv=f"{mine} {entry_id}")
            await index_entry(entry_id)

    changes = asyncio.create_task(make_changes())
    await asyncio.sleep(moment)
    meilisearch.kill()
    await changes
    result = await ask(mine)
    assert ({hit.slug for hit in result.items}, result.engine) == ({slug for _, slug in made}, "postgres")
    assert result.is_simplified
    meilisearch.start()
    await push.push_pending()
    assert await in_step(meilisearch_index)
    # It is asked again by itself after a moment's rest.
    await until(lambda: _answered_by(mine, "meilisearch"), 5)
    assert {hit.slug for hit in (await ask(mine)).items} == {slug for _, slug in made}


async def _answered_by(text: str, engine: str) -> bool:
    return (await ask(text)).engine == engine


async def test_pushing_twice_changes_nothing(meilisearch: MeilisearchServer, meilisearch_index: str) -> None:
    entry_id, _ = await entry(title_sv=word())
    before = meilisearch.document(meilisearch_index, entry_id)
    for _ in range(2):
        await push.note([entry_id])
        assert await push.push_pending() == 1
    assert await push.push_pending() == 0
    assert meilisearch.document(meilisearch_index, entry_id) == before
    assert await sync.otherwise_derived([entry_id]) == []
    assert await in_step(meilisearch_index)
    assert await compare.repair(meilisearch_index) == 0


# Searches without end, in a process of its own so that it does not wait for ours; prints how many each one found.
_SEARCHER = """
import http.client, json, sys
port, key, index, text = sys.argv[1:]
connection = http.client.HTTPConnection("127.0.0.1", int(port))
while True:
    connection.request("POST", f"/indexes/{index}/search", json.dumps({"q": text}),
                       {"Authorization": f"Bearer {key}", "Content-Type": "application/json"})
    answer = connection.getresponse()
    body = json.loads(answer.read())
    print(len(body["hits"]) if answer.status == 200 else body["code"], flush=True)
"""


@contextlib.contextmanager
def searcher(server: MeilisearchServer, index: str, text: str) -> Iterator[list[str]]:
    """Search all the time until the block ends; then the list says what was found, search by search."""
    command = [sys.executable, "-c", _SEARCHER, str(server.port), server.key, index, text]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    found: list[str] = []
    try:
        yield found
    finally:
        process.kill()
        found += process.communicate()[0].split()


async def test_changes_while_an_index_is_built_are_neither_lost_nor_is_anything_missing(
    meilisearch: MeilisearchServer, meilisearch_index: str
) -> None:
    mine = word()
    for _ in range(4):
        await entry(title_sv=mine)
    changing = [(await entry(title_sv=word()))[0] for _ in range(4)]
    ended = False

    async def make_changes() -> None:
        while not ended:
            for entry_id in changing:
                await change(entry_id, title_sv=f"{mine[::-1]} {word()}")
                await index_entry(entry_id)

    with searcher(meilisearch, meilisearch_index, mine) as found:
        changes = asyncio.create_task(make_changes())
        try:
            for _ in range(3):
                await sync.reindex()
        finally:
            ended = True
            await changes
    assert len(found) > 100
    assert set(found) == {"4"}
    await push.push_pending()
    assert await in_step(meilisearch_index)
    assert not await database.fetch("SELECT 1 FROM search_push")


@pytest.mark.usefixtures("empty_queue")
async def test_changes_arrive_in_time_while_all_is_derived_and_built_anew(
    meilisearch: MeilisearchServer, meilisearch_index: str
) -> None:
    entry_id, _ = await entry()
    async with many_entries(3000) as ids, busy_worker(meilisearch, meilisearch_index):
        # The worker's next round derives all of them beside its jobs.
        await database.fetch("UPDATE search_document SET source_hash = 'old'")
        derived = "SELECT 1 FROM search_document WHERE id = $1 AND source_hash <> 'old'"
        building: asyncio.Task[None] | None = None
        deadline = time.monotonic() + 100
        while building is None or not building.done():
            assert time.monotonic() < deadline
            mine = word()
            await change(entry_id, title_sv=mine)
            await until(lambda mine=mine: in_index(meilisearch, meilisearch_index, entry_id, mine), PROMISED)
            if building is None and await database.fetch(derived, ids[-1]):
                building = asyncio.create_task(rebuild.rebuild(lambda _: None))
        await building
        await until(lambda: in_step(meilisearch_index), 20)


async def test_an_index_older_than_the_database_shows_nobody_what_has_been_hidden_since(
    meilisearch: MeilisearchServer, meilisearch_index: str
) -> None:
    mine = word()
    entry_id, _ = await entry(title_sv=mine)
    before = meilisearch.document(meilisearch_index, entry_id)
    await change(entry_id, visibility=Visibility.STAFF)
    await index_entry(entry_id)
    # As after putting back an older copy of the engine's folder.
    meilisearch.do("POST", f"/indexes/{meilisearch_index}/documents", [before])
    result = await find(VISITOR, SearchRequest(text=mine))
    assert (result.items, result.total, result.engine) == ([], 0, "postgres")
    assert result.facets["kind"].get("testbed", 0) == 0
    await push.push_pending()
    result = await find(VISITOR, SearchRequest(text=mine))
    assert (result.items, result.total, result.engine) == ([], 0, "meilisearch")


async def test_older_copy_of_the_engines_folder_is_noticed_and_brought_up_to_date(
    meilisearch: MeilisearchServer, meilisearch_index: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "_EVERY", 0.2)
    entry_id, _ = await entry()
    meilisearch.copy()
    keeping = asyncio.create_task(upkeep.keep_up_for_ever())
    try:
        mine = word()
        await change(entry_id, title_sv=mine)
        await index_entry(entry_id)
        assert in_index(meilisearch, meilisearch_index, entry_id, mine)
        # It has looked again since, and found all in order.
        await asyncio.sleep(2)
        meilisearch.put_back()
        assert not in_index(meilisearch, meilisearch_index, entry_id, mine)
        await until(lambda: in_index(meilisearch, meilisearch_index, entry_id, mine), 20)
    finally:
        keeping.cancel()


async def test_only_one_process_keeps_order_at_a_time(meilisearch_index: str) -> None:
    del meilisearch_index
    async with alone(wait=True):
        assert await keep_up(thoroughly=True) is None
    assert await keep_up(thoroughly=True) is not None


async def test_settings_are_applied_when_they_differ(meilisearch: MeilisearchServer, meilisearch_index: str) -> None:
    assert not await index_settings.apply_settings()
    meilisearch.do("PATCH", f"/indexes/{meilisearch_index}/settings", {"rankingRules": ["words"], "stopWords": ["i"]})
    assert sorted(await index_settings.differing_settings()) == ["rankingRules", "stopWords"]
    done = await keep_up(thoroughly=False)
    assert done is not None
    assert done.settings_applied
    assert await index_settings.differing_settings() == []


async def test_a_push_makes_no_index_of_its_own(meilisearch: MeilisearchServer, meilisearch_settings: str) -> None:
    mine = word()
    await entry(title_sv=mine)
    assert not meilisearch.has(meilisearch_settings)
    assert (await ask(mine)).engine == "postgres"
    done = await keep_up(thoroughly=False)
    assert done is not None
    assert done.index_built
    await until(lambda: _answered_by(mine, "meilisearch"), 5)
    assert await in_step(meilisearch_settings)
    assert not await database.fetch("SELECT 1 FROM search_push")


async def test_a_rebuild_that_breaks_leaves_the_old_index_and_nothing_else(
    meilisearch: MeilisearchServer, meilisearch_index: str
) -> None:
    mine = word()
    await entry(title_sv=mine)
    left = f"{meilisearch_index}_fresh"
    meilisearch.do("POST", "/indexes", {"uid": left, "primaryKey": "id"})

    def die(_: int) -> None:
        meilisearch.kill()

    with pytest.raises(EngineAway, match="does not answer"):
        await rebuild.rebuild(die)
    meilisearch.start()
    await until(lambda: _answered_by(mine, "meilisearch"), 5)
    await rebuild.rebuild(lambda _: None)
    await until(lambda: not meilisearch.has(left), 10)
    assert await in_step(meilisearch_index)


_TASK = {
    "taskUid": 1,
    "indexUid": "x",
    "status": "enqueued",
    "type": "indexDeletion",
    "enqueuedAt": "2026-01-01T00:00:00.000000Z",
}


async def test_a_request_that_says_nothing_has_no_body() -> None:
    """Meilisearch 1.21 may answer before it reads a body that it does not want, and then the connection hangs."""
    bodies: list[str] = []

    class Listener(BaseHTTPRequestHandler):
        def do_DELETE(self) -> None:  # the library's name
            bodies.append(self.headers.get("Content-Length", "0"))
            answer = json.dumps(_TASK).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_POST = do_DELETE  # noqa: N815  # the library's name

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with HTTPServer(("127.0.0.1", 0), Listener) as listener:
        Thread(target=listener.serve_forever, daemon=True).start()
        client = _Client(f"http://127.0.0.1:{listener.server_port}", None, 5)
        client.delete_index("x")
        client.cancel_tasks({"indexUids": "x"})
        client.index("x").add_documents([{"id": 1}])
        listener.shutdown()
    assert bodies[:2] == ["0", "0"]
    assert int(bodies[2]) > 0


STEPS = st.lists(st.sampled_from(["create", "change", "hide", "archive", "derive", "crash", "back"]), max_size=12)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(STEPS)
async def test_any_order_of_changes_and_crashes_ends_in_step(
    meilisearch: MeilisearchServer, meilisearch_index: str, steps: list[str]
) -> None:
    made = [(await entry(title_sv=word()))[0]]
    archived: set[int] = set()
    for step in steps:
        target = next((id for id in reversed(made) if id not in archived), None)
        if step == "create":
            made.append((await entry(title_sv=word()))[0])
        elif step == "crash":
            meilisearch.kill()
        elif step == "back":
            meilisearch.start()
        elif step == "derive":
            await index_entries(made)
        elif target is not None and step == "change":
            await change(target, title_sv=word())
        elif target is not None and step == "hide":
            await change(target, visibility=Visibility.STAFF)
        elif target is not None and step == "archive":
            await entries.move_entry(SYSTEM, target, "archive")
            archived.add(target)
    meilisearch.start()
    await index_entries(made)
    await push.push_pending()
    assert await in_step(meilisearch_index)
    for entry_id in made:
        assert (meilisearch.document(meilisearch_index, entry_id) is None) == (entry_id in archived)
