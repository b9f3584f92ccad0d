"""What makes the search fast does what the slow way did."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator

import asyncpg
import pytest

from bench.recorder import Recorder, recording
from registry import database
from registry.access import SYSTEM
from search import knowledge, sync, vocabulary
from search import meilisearch as engine
from search.vocabulary import ConceptText
from tests import factories_search as factories
from tests.conftest import ROOT, _forget_settings
from tests.meilisearch_server import MeilisearchServer


@pytest.fixture
async def recorder(meilisearch: MeilisearchServer, meilisearch_index: str) -> AsyncIterator[Recorder]:
    """Stands between the program and Meilisearch."""
    del meilisearch_index
    async with recording(meilisearch.port) as (between, port):
        os.environ["REGISTRY_MEILISEARCH_URL"] = f"http://127.0.0.1:{port}"
        _forget_settings()
        engine._threads.begin()
        yield between
        os.environ["REGISTRY_MEILISEARCH_URL"] = meilisearch.url
        _forget_settings()
        engine._threads.begin()


async def test_searches_one_after_the_other_share_a_connection(recorder: Recorder) -> None:
    await factories.find(factories.word())
    opened = recorder.connections
    recorder.take()
    for _ in range(20):
        assert (await factories.find(factories.word())).engine == "meilisearch"
    assert len(recorder.take()) >= 20
    # Each thread has one of its own, and one thread is enough for one search at a time.
    assert recorder.connections - opened <= 1


async def test_a_connection_that_was_cut_is_opened_anew(recorder: Recorder) -> None:
    await factories.find(factories.word())
    recorder.cut()
    await asyncio.sleep(0.1)
    assert (await factories.find(factories.word())).engine == "meilisearch"


async def test_a_question_with_a_notion_is_one_query(recorder: Recorder) -> None:
    term = factories.word()
    await vocabulary.create_concept(SYSTEM, ConceptText(sv=(term,)))
    for _ in range(12):
        await factories.entry(title_sv=f"Om {term}")
    await knowledge.refresh()
    recorder.take()
    result = await factories.find(term)
    assert result.total == 12
    (message,) = recorder.take()
    assert message.count('"indexUid"') == 1
    assert '"federation": null' in message


async def test_words_are_counted_alike_one_by_one_and_all_at_once() -> None:
    for text in ("Elbåten i Ölands hamn 2031", "EU-projekt för e-hälsa på 3D-skrivare", "Vägbelysning"):
        await factories.entry(title_sv=text, summary_en=f"About {text}")
    await sync._count_all_words()
    before = await _counted()
    entry_id, _ = await factories.entry(title_sv="Bussarna kör AI-stödd kollektivtrafik", summary_sv="Café och EU-stöd")
    one_by_one = await _counted()
    await sync._count_all_words()
    assert await _counted() == one_by_one != before
    await factories.write_raw(entry_id, title_sv="Något annat")
    changed = await _counted()
    await sync._count_all_words()
    assert await _counted() == changed


async def _counted() -> dict[str, tuple[int, int]]:
    rows = await database.fetch("SELECT word, public, staff FROM search_word")
    return {row["word"]: (row["public"], row["staff"]) for row in rows}


async def test_what_the_search_knows_follows_the_database_beside_the_requests() -> None:
    async with knowledge.kept_up():
        await knowledge.understanding(staff=False)
        term = factories.word()
        concept = await vocabulary.create_concept(SYSTEM, ConceptText(sv=(term,)))
        for _ in range(100):
            thesaurus, _ = await knowledge.understanding(staff=False)
            if concept in thesaurus.concepts:
                break
            await asyncio.sleep(0.1)
        assert thesaurus.names(term)


async def test_questions_at_the_start_wait_for_one_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(knowledge, "_memory", knowledge._Memory())
    statements: list[str] = []
    fetch = database.fetch

    async def counting(sql: str, *values: object) -> list[database.Row]:
        statements.append(sql)
        return await fetch(sql, *values)

    monkeypatch.setattr(database, "fetch", counting)
    async with knowledge.kept_up():
        known = await asyncio.gather(*(knowledge.understanding(staff=False) for _ in range(8)))
    assert len({id(words) for _, words in known}) == 1
    assert sum("FROM search_word" in sql for sql in statements) == 1


async def test_a_connection_comes_back_to_the_pool_without_its_transaction(database_url: str) -> None:
    async with asyncpg.create_pool(database_url, min_size=1, max_size=1, reset=database.leave_as_it_is) as pool:
        async with pool.acquire() as connection:
            await connection.execute("BEGIN; CREATE TABLE left_open (id int)")
        async with pool.acquire() as connection:
            assert not connection.is_in_transaction()
            assert await connection.fetchval("SELECT to_regclass('left_open')") is None


async def test_made_up_entries_of_the_measurements_can_be_searched(database_url: str) -> None:
    server = await asyncpg.connect(database_url)
    await server.execute("CREATE DATABASE bench_30")
    await server.close()
    environment = os.environ | {"REGISTRY_DATABASE_URL": database_url.replace("/postgres?", "/bench_30?")}
    for command in ("cli migrate", "bench.entries 30", "cli search reindex"):
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", *command.split(), cwd=ROOT, env=environment, stderr=asyncio.subprocess.PIPE
        )
        _, said = await process.communicate()
        assert process.returncode == 0, said.decode()
    filled = await asyncpg.connect(environment["REGISTRY_DATABASE_URL"])
    assert await filled.fetchval("SELECT count(*) FROM search_document") == 30
    assert await filled.fetchval("SELECT count(*) FROM search_document WHERE free_weeks <> '{}'") > 5
    assert await filled.fetchval("SELECT count(DISTINCT word) FROM search_word") > 500
    await filled.close()
