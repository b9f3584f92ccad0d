"""Running the search: the commands, what they say of every trouble, readiness, the vocabulary, free weeks."""

import asyncio
import contextlib
import json
import math
import os
import subprocess
import sys
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from registry import database
from registry.access import SYSTEM, Actor, Role
from registry.accounts.codes import OrganisationKind
from registry.audit.service import EventType, record
from registry.bookings import service as bookings
from registry.bookings.rules import STOCKHOLM
from registry.bookings.states import BookingState
from registry.entries import service as entries
from registry.entries.codes import Audience
from registry.entries.service import EnvironmentText
from search import evaluate, push, rebuild, status, sync, vocabulary, vocabulary_files
from search.postgres import PostgresEngine
from search.status import Difference
from search.upkeep import keep_up
from tests import factories, factories_bookings
from tests.conftest import ROOT, own_index
from tests.factories_search import entry, find, slugs, word
from tests.meilisearch_server import MeilisearchServer


async def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A command of the registry, on the test database, with the settings of the test."""
    command = [sys.executable, "-m", "cli", *arguments]
    return await asyncio.to_thread(
        subprocess.run, command, cwd=ROOT, env=os.environ | environment, capture_output=True, text=True, timeout=90
    )


def one_line(answer: subprocess.CompletedProcess[str]) -> str:
    assert answer.returncode == 1
    assert "Traceback" not in answer.stderr + answer.stdout
    faults = [line for line in answer.stderr.splitlines() if line.startswith("Error: ")]
    assert len(faults) == 1, answer.stderr
    return faults[0]


async def differences() -> dict[Difference, status.Finding]:
    found = await status.look(deep=True)
    assert found.is_well == (not found.findings)
    for finding in found.findings:
        assert finding.advice
        assert len(finding.names) <= status.NAMED
    return {finding.difference: finding for finding in found.findings}


@pytest.fixture
async def in_order(no_other_worker: None) -> None:
    """Documents are up to date and nothing waits."""
    del no_other_worker
    await database.fetch("DELETE FROM pgqueuer")
    await sync.reindex(anew=True)


@pytest.mark.usefixtures("in_order")
async def test_without_meilisearch_reindex_and_status_speak_of_documents() -> None:
    done = await run("search", "reindex")
    assert done.returncode == 0, done.stderr
    assert "Indexed" in done.stdout
    assert "Indexing entries" in done.stderr
    told = await run("search", "status")
    assert (told.returncode, "All is well." in told.stdout) == (0, True), told.stdout
    entry_id, slug = await entry()
    await database.fetch("UPDATE search_document SET source_hash = 'old' WHERE id = $1", entry_id)
    told = await run("search", "status")
    assert told.returncode == 1
    assert f"{slug} ({entry_id})" in told.stdout
    assert "registry worker" in told.stdout
    done = await run("search", "reindex")
    assert done.returncode == 0
    assert (await run("search", "status")).returncode == 0


@pytest.mark.usefixtures("in_order")
async def test_with_meilisearch_reindex_builds_and_status_is_well_and_told_to_machines(
    meilisearch: MeilisearchServer, meilisearch_settings: str
) -> None:
    await entry()
    told = await run("search", "status")
    assert (told.returncode, f"no index “{meilisearch_settings}”" in told.stdout) == (1, True), told.stdout
    done = await run("search", "reindex")
    assert done.returncode == 0, done.stderr
    told = await run("search", "status", "--deep", "--json")
    assert told.returncode == 0, told.stdout
    found = json.loads(told.stdout)
    assert found["is_well"]
    assert found["findings"] == []
    assert found["entries"] == found["documents"] == found["indexed"] == found["compared"] > 0
    assert found["server_version"].startswith(found["tested_version"])
    assert meilisearch.request("GET", f"/indexes/{meilisearch_settings}").is_success


@pytest.mark.usefixtures("in_order")
async def test_commands_say_in_one_line_that_meilisearch_is_away_or_refuses(
    meilisearch: MeilisearchServer, meilisearch_index: str, tmp_path: Path
) -> None:
    del meilisearch_index
    judged = tmp_path / "judged.json"
    judged.write_text(json.dumps([{"query": "x", "relevant": {(await _title()): 1}}]))
    nowhere = "http://127.0.0.1:1"
    line = one_line(await run("search", "reindex", REGISTRY_MEILISEARCH_URL=nowhere))
    assert nowhere in line
    assert "search goes on in PostgreSQL" in line
    assert "key" in one_line(await run("search", "reindex", REGISTRY_MEILISEARCH_KEY="wrong"))
    command = ("search", "evaluate", str(judged), "--engine", "meilisearch")
    assert "does not answer" in one_line(await run(*command, REGISTRY_MEILISEARCH_URL=nowhere))
    told = await run("search", "status", REGISTRY_MEILISEARCH_URL=nowhere)
    assert (told.returncode, "Start Meilisearch" in told.stdout) == (1, True)
    told = await run("search", "status", REGISTRY_MEILISEARCH_KEY="wrong")
    assert (told.returncode, "REGISTRY_MEILISEARCH_KEY" in told.stdout) == (1, True)
    assert meilisearch.request("GET", "/health").is_success


async def _title() -> str:
    title = word()
    await entry(title_sv=title)
    return title


@pytest.mark.usefixtures("in_order")
async def test_status_names_what_differs_in_the_index_search_goes_on_and_the_worker_mends_it(
    meilisearch: MeilisearchServer, meilisearch_index: str
) -> None:
    mine = word()
    made = [await entry(title_sv=mine) for _ in range(8)]
    assert await differences() == {}
    documents = f"/indexes/{meilisearch_index}/documents"
    for entry_id, _ in made[:7]:
        meilisearch.do("DELETE", f"{documents}/{entry_id}")
    meilisearch.do("PUT", documents, [{"id": made[7][0], "checksum": "other"}])
    meilisearch.do("POST", documents, [{"id": 10**9}, {"id": "foreign", "staff": False}])
    found = await differences()
    missing = found[Difference.NOT_IN_INDEX]
    assert (missing.count, list(missing.names)) == (7, [f"{slug} ({id})" for id, slug in made[:5]])
    assert list(found[Difference.OLD_IN_INDEX].names) == [f"{made[7][1]} ({made[7][0]})"]
    assert set(found[Difference.TOO_MANY_IN_INDEX].names) == {"no entry (1000000000)", "no entry (foreign)"}
    assert set(await slugs(mine)) <= {slug for _, slug in made}
    assert (await find()).total > 0
    done = await keep_up(thoroughly=True)
    assert done is not None
    assert done.repaired == 10
    assert await differences() == {}
    assert set(await slugs(mine)) == {slug for _, slug in made}


@pytest.mark.usefixtures("in_order")
async def test_index_that_is_gone_or_of_other_settings_is_told_and_search_goes_on(
    meilisearch: MeilisearchServer, meilisearch_index: str
) -> None:
    mine = word()
    _, slug = await entry(title_sv=mine)
    meilisearch.do("PATCH", f"/indexes/{meilisearch_index}/settings", {"filterableAttributes": ["id"]})
    finding = (await differences())[Difference.SETTINGS_DIFFER]
    assert "filterableAttributes" in finding.text
    assert await slugs(mine) == [slug]
    meilisearch.do("DELETE", f"/indexes/{meilisearch_index}")
    assert set(await differences()) == {Difference.INDEX_MISSING}
    assert await slugs(mine) == [slug]
    await keep_up(thoroughly=False)
    assert await differences() == {}


@pytest.mark.usefixtures("in_order")
async def test_damaged_index_is_told_search_goes_on_and_reindex_mends_it(
    meilisearch: MeilisearchServer, meilisearch_index: str
) -> None:
    assert meilisearch.has(meilisearch_index)
    mine = word()
    _, slug = await entry(title_sv=mine)
    meilisearch.damage()
    assert set(await differences()) & {Difference.INDEX_BROKEN, Difference.UNREACHABLE}
    result = await find(mine)
    assert ([hit.slug for hit in result.items], result.engine) == ([slug], "postgres")
    meilisearch.start_empty()
    await sync.reindex()
    assert await differences() == {}


@pytest.mark.usefixtures("in_order")
async def test_status_tells_of_documents_past_the_program_and_of_what_waits(meilisearch_index: str) -> None:
    del meilisearch_index
    entry_id, slug = await entry()
    named = [f"{slug} ({entry_id})"]
    await database.fetch("DELETE FROM pgqueuer")
    await database.fetch("UPDATE search_document SET title_words = 'falskt' WHERE id = $1", entry_id)
    assert list((await differences())[Difference.DOCUMENTS_WRONG].names) == named
    assert "--anew" in (await differences())[Difference.DOCUMENTS_WRONG].advice
    await sync.reindex(anew=True)
    assert await differences() == {}
    await push.note([entry_id])
    assert list((await differences())[Difference.PUSHES_WAITING].names) == named
    await push.push_pending()
    row = await database.fetch_one("SELECT * FROM entry WHERE id = $1", entry_id)
    assert row is not None
    text = entries.text_of(dict(row))
    changed = type(text)(**{**vars(text), "title_sv": word()})
    await entries.change_entry(SYSTEM, entry_id, changed, read_version=row["version"])
    assert {name: list(found.names) for name, found in (await differences()).items()} == {
        Difference.CHANGES_WAITING: named
    }
    found = await status.look()
    assert found.waiting_jobs >= 1
    assert found.oldest_job is not None
    await sync.index_entry(entry_id)
    assert await differences() == {}


async def test_readiness_tells_the_engine(visitor: httpx.AsyncClient, meilisearch: MeilisearchServer) -> None:
    answer = await visitor.get("/readyz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok", "database": "up", "search": "postgres"})
    async with own_index(meilisearch):
        await rebuild.rebuild(lambda _: None)
        answer = await visitor.get("/readyz")
        assert (answer.status_code, answer.json()) == (200, {"status": "ok", "database": "up", "search": "meilisearch"})


async def test_readiness_without_meilisearch_is_no_failure(
    visitor: httpx.AsyncClient, meilisearch: MeilisearchServer, meilisearch_settings: str
) -> None:
    del meilisearch_settings
    answer = await visitor.get("/readyz")
    assert (answer.status_code, answer.json()["search_trouble"]) == (200, "index_missing")
    meilisearch.pause()
    try:
        answer = await visitor.get("/readyz")
    finally:
        meilisearch.go_on()
    assert (answer.status_code, answer.json()["search_trouble"]) == (200, "slow")
    meilisearch.kill()
    answer = await visitor.get("/readyz")
    assert (answer.status_code, answer.json()["search"], answer.json()["search_trouble"]) == (
        200,
        "postgres",
        "unreachable",
    )


def test_gain_is_what_the_help_says() -> None:
    assert evaluate.ndcg([2, 1], [1, 2]) == 1
    second_first = (1 + 3 / math.log2(3)) / (3 + 1 / math.log2(3))
    assert evaluate.ndcg([1, 2], [1, 2]) == pytest.approx(second_first)
    assert evaluate.ndcg([0, 0, 2], [2]) == pytest.approx(1 / 2)
    assert evaluate.ndcg([], [2]) == 0
    assert evaluate.ndcg([0] * 10 + [2], [2]) == 0
    assert evaluate.recall([1, 2, 3], {1: 2, 3: 1, 4: 1, 5: 0}) == pytest.approx(2 / 3)


async def test_evaluation_measures_and_tells_of_unknown_names(tmp_path: Path) -> None:
    mine, other = word(), word()
    await entry(title_sv=f"{mine} ett", title_en=f"{mine} one")
    await entry(title_sv=f"{mine} två")
    await entry(title_sv=other)
    file = tmp_path / "judged.json"
    judged: list[dict[str, Any]] = [
        {"query": f"{mine} ett", "relevant": {f"{mine} ONE": 2}},
        {"query": mine, "relevant": {f"{mine} ett": 1, f"{mine} två": 1, "Finns inte": 2}},
        {"query": word(), "relevant": {other: 1}},
        {"query": "något", "relevant": {"Finns inte heller": 1}},
    ]
    file.write_text(json.dumps(judged), encoding="utf-8")
    found = await evaluate.evaluate(evaluate.read(file), PostgresEngine())
    assert [one.ndcg for one in found.measured] == pytest.approx([1, 1, 0])
    assert found.recall == pytest.approx(2 / 3)
    assert found.without_hit == [judged[2]["query"]]
    assert list(found.unknown) == ["Finns inte", "Finns inte heller"]
    assert list(found.left_out) == ["något"]
    told = await run("search", "evaluate", str(file), "--engine", "postgres", "--verbose")
    assert told.returncode == 0, told.stderr
    assert "nDCG@10    0.6667" in told.stdout
    assert "recall@10  0.6667" in told.stdout
    assert "Queries without a hit: 1" in told.stdout
    assert told.stderr.count("Warning: ") == 2


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"nothing", "is not JSON"),
        (b"\xff\xfe", "UTF-8"),
        (b"{}", "is not a list"),
        (b"[]", "is not a list"),
        (b"[1]", "query 1"),
        (b'[{"query": "", "relevant": {"a": 1}}]', "“query” is missing"),
        (b'[{"query": "a", "relevant": {"a": 1}}, {"query": "a"}]', "query 2: “relevant” is missing"),
        (b'[{"query": "a", "relevant": {"a": 1.5}}]', "whole number from 0 to 10"),
        (b'[{"query": "a", "relevant": {"a": true}}]', "whole number"),
        (b'[{"query": "a", "relevant": {"a": 99}}]', "whole number"),
        (b'[{"query": "a", "relevant": {"a": 0}}]', "no entry has a grade above 0"),
        (b"[" * 100_000, "is not JSON"),
    ],
)
def test_file_that_is_no_judged_queries_is_explained(tmp_path: Path, content: bytes, said: str) -> None:
    file = tmp_path / "judged.json"
    file.write_bytes(content)
    with pytest.raises(evaluate.BadFile) as refusal:
        evaluate.read(file)
    assert said in str(refusal.value)
    assert "\n" not in str(refusal.value)


async def test_evaluation_that_measures_nothing_is_an_error_in_one_line(tmp_path: Path) -> None:
    assert "cannot be read" in one_line(await run("search", "evaluate", str(tmp_path / "none.json")))
    file = tmp_path / "judged.json"
    file.write_text(json.dumps([{"query": "a", "relevant": {"Finns inte": 1}}]))
    assert "None of the 1 names" in one_line(await run("search", "evaluate", str(file)))
    assert "REGISTRY_MEILISEARCH_URL" in one_line(await run("search", "evaluate", str(file), "--engine", "meilisearch"))


async def test_starting_vocabulary_is_sound_and_loaded_where_there_is_none() -> None:
    files = vocabulary_files.starting_files()
    keys = {concept["key"] for concepts in files.values() for concept in concepts}
    assert set(files) == {"general", "healthcare", "transport", "culture", "environment"}
    for name, concepts in files.items():
        for concept in concepts:
            assert set(concept["broader"]) <= keys, (name, concept["key"])
            assert concept["sv"], concept["key"]
            assert concept["en"], concept["key"]
    with contextlib.suppress(_TakenBack):
        async with database.transaction():
            await database.fetch("DELETE FROM vocabulary_concept")
            assert await vocabulary_files.load_if_empty() == len(keys)
            assert {concept.key for concept in await vocabulary.whole()} == keys
            assert await vocabulary_files.load_if_empty() == 0
            assert await vocabulary_files.load_starting() == 0
            await database.fetch("DELETE FROM vocabulary_concept WHERE key = 'museum'")
            assert await vocabulary_files.load_if_empty() == 0
            assert await vocabulary_files.load_starting() == 1
            raise _TakenBack


class _TakenBack(Exception):
    """Ends a transaction: no other test is to find these terms."""


@dataclass(frozen=True)
class Site:
    """A whole with two parts, and who books and decides; `mine` is a word that finds all three."""

    mine: str
    whole: int
    part: int
    part_slug: str
    other: int
    requester: Actor
    host: Actor

    @property
    def ids(self) -> list[int]:
        return sorted([self.whole, self.part, self.other])


@pytest.fixture
async def site(no_other_worker: None) -> Site:
    del no_other_worker
    mine = word()
    body = await factories.organisation(OrganisationKind.COMMITTEE)
    open_always = EnvironmentText(
        bookable_by=(Audience.EXTERNAL,),
        lead_time_hours=0,
        shortest=60,
        longest=60 * 24 * 14,
        opening_hours=factories.ALL_DAY_EVERY_DAY,
    )
    made = []
    for parent in (False, True, True):
        text = replace(open_always, parent=made[0][0] if parent else None)
        made.append(await factories.environment(body=body, text=text, title=f"{mine} {len(made)}"))
    await database.fetch("DELETE FROM pgqueuer")
    await sync.index_entries([id for id, _ in made])
    (whole, _), (part, part_slug), (other, _) = made
    firm = await factories.organisation()
    requester = await factories.person(Role.FIRM, organisation_id=firm)
    return Site(mine, whole, part, part_slug, other, requester, await factories.person(Role.HOST, organisation_id=body))


async def enqueued() -> list[int]:
    """The entries that wait to be indexed; they are indexed, and wait no longer."""
    rows = await database.fetch("DELETE FROM pgqueuer WHERE entrypoint = 'index_entry' RETURNING payload")
    ids = sorted(json.loads(row["payload"])["entry_id"] for row in rows)
    await sync.index_entries(ids)
    return ids


async def test_a_time_that_is_held_or_given_back_has_the_whole_site_indexed_once(site: Site) -> None:
    request = factories_bookings.request_for(site.part_slug)

    async def sent() -> UUID:
        return await bookings.create_booking(site.requester, request, submit=True)

    async def moved(booking_id: UUID, action: str, actor: Actor, reason: str = "") -> list[int]:
        await bookings.move_booking(actor, booking_id, action, reason=reason)
        return await enqueued()

    first = await sent()
    assert await enqueued() == []
    assert await moved(first, "approve", site.host) == site.ids
    assert await moved(first, "cancel", site.requester, "Not needed") == site.ids
    second = await sent()
    assert await moved(second, "decline", site.host, "No room") == []
    for state, action in ((BookingState.IN_PROGRESS, "complete"), (BookingState.CONFIRMED, "no_show")):
        booking_id = await sent()
        async with database.transaction():
            await record(SYSTEM, EventType.BOOKING_CHANGED, booking_id)
            await database.fetch(
                "UPDATE booking SET state = $2, starts_at = now() - interval '1 hour' WHERE id = $1",
                booking_id,
                state.value,
            )
        assert await moved(booking_id, action, site.host) == site.ids
    late = await sent()
    async with database.transaction():
        await record(SYSTEM, EventType.BOOKING_CHANGED, late)
        await database.fetch(
            "UPDATE booking SET state = 'approved', hold_until = now() - interval '1 hour' WHERE id = $1", late
        )
    assert await bookings.lapse_approvals(datetime.now(UTC)) >= 1
    assert set(site.ids) <= set(await enqueued())


async def test_a_change_of_hours_or_tree_has_both_sites_indexed(site: Site) -> None:
    text = EnvironmentText(bookable_by=(Audience.EXTERNAL,), parent=site.whole)
    await entries.change_environment(SYSTEM, site.part, text)
    assert await enqueued() == site.ids
    await entries.change_environment(SYSTEM, site.part, replace(text, parent=None))
    assert await enqueued() == site.ids
    await entries.change_environment(SYSTEM, site.part, text)
    assert await enqueued() == site.ids


@pytest.mark.parametrize("engine", ["postgres", "meilisearch"])
async def test_search_for_a_free_week_follows_the_bookings(
    site: Site, meilisearch: MeilisearchServer, engine: str
) -> None:
    if engine == "postgres":
        await _free_week_follows(site)
        return
    async with own_index(meilisearch):
        await rebuild.rebuild(lambda _: None)
        await _free_week_follows(site)


async def _free_week_follows(site: Site) -> None:
    today = datetime.now(STOCKHOLM).date()
    monday = today - timedelta(days=today.weekday()) + timedelta(days=21)
    begins = datetime.combine(monday, time(0), tzinfo=STOCKHOLM)
    year, week, _ = monday.isocalendar()
    free_week = f"{year}-W{week:02}"
    assert len(await slugs(site.mine, free_week=free_week)) == 3
    text = replace(
        factories_bookings.request_for(site.part_slug),
        starts_at=begins,
        ends_at=datetime.combine(monday + timedelta(days=7), time(0), tzinfo=STOCKHOLM),
    )
    booking_id = await bookings.create_booking(site.requester, text, submit=True)
    await bookings.move_booking(site.host, booking_id, "approve")
    await enqueued()
    row = await database.fetch_one("SELECT slug FROM entry WHERE id = $1", site.other)
    assert row is not None
    assert await slugs(site.mine, free_week=free_week) == [row["slug"]]
    await bookings.move_booking(site.requester, booking_id, "cancel", reason="Not needed")
    await enqueued()
    assert len(await slugs(site.mine, free_week=free_week)) == 3
