"""Answers that are kept: given again while they are true, and never a moment longer."""

from collections.abc import AsyncIterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from registry.access import SYSTEM, VISITOR, Role
from registry.entries import service as entries
from registry.entries.codes import Visibility
from registry.settings import load_settings
from search import rebuild
from search.engine import EngineResult, SearchRequest
from search.meilisearch import MeilisearchEngine
from search.queries import find
from search.sync import index_entry
from tests import factories
from tests.conftest import own_index
from tests.factories_search import entry, slugs, word, words_are_known, write_raw
from tests.meilisearch_server import MeilisearchServer

pytestmark = pytest.mark.usefixtures("index")
SETTLED = 2  # what is asked for the first time after a change tells the state, the second time it is kept


@pytest.fixture(scope="module")
async def index(meilisearch: MeilisearchServer) -> AsyncIterator[None]:
    async with own_index(meilisearch):
        await rebuild.rebuild(lambda _: None)
        yield


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[SearchRequest]:
    """What the engine is asked, while it answers as ever."""
    requests: list[SearchRequest] = []
    original = MeilisearchEngine.search

    async def search(self: MeilisearchEngine, request: SearchRequest) -> EngineResult:
        requests.append(request)
        return await original(self, request)

    monkeypatch.setattr(MeilisearchEngine, "search", search)
    return requests


async def test_what_is_asked_again_is_not_worked_out_again(asked: list[SearchRequest]) -> None:
    mine = word()
    _, slug = await entry(title_sv=f"Rum {mine}")
    await words_are_known()
    for _ in range(SETTLED):
        assert await slugs(mine) == [slug]
    asked.clear()
    first, second = await find(VISITOR, SearchRequest(text=mine)), await find(VISITOR, SearchRequest(text=mine))
    assert asked == []
    assert first == second
    assert first.engine == "meilisearch"
    assert "<mark>" in first.items[0].highlights["title"]["sv"]


async def test_no_answers_are_kept_where_none_are_wanted(
    asked: list[SearchRequest], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REGISTRY_SEARCH_ANSWERS", "0")
    load_settings.cache_clear()
    mine = word()
    for _ in range(SETTLED):
        await slugs(mine)
    asked.clear()
    await slugs(mine)
    assert len(asked) == 1
    monkeypatch.undo()
    load_settings.cache_clear()


@pytest.mark.parametrize(
    "more", [{"page": 2}, {"page_size": 5}, {"language": "en"}, {"filters": {"kind": ("testbed",)}}]
)
async def test_another_question_has_another_answer(asked: list[SearchRequest], more: dict[str, object]) -> None:
    mine = word()
    for _ in range(SETTLED):
        await slugs(mine)
    asked.clear()
    await find(VISITOR, SearchRequest(text=mine, **more))  # type: ignore[arg-type]
    assert len(asked) == 1


async def test_change_is_in_the_next_answer() -> None:
    mine, late = word(), word()
    entry_id, slug = await entry(title_sv=f"Rum {mine}")
    await words_are_known()
    for _ in range(SETTLED + 1):
        assert await slugs(mine) == [slug]
        assert await slugs(late) == []
    await write_raw(entry_id, title_sv=f"Rum {late}")
    assert await slugs(mine) == []
    assert await slugs(late) == [slug]


async def test_new_entry_is_in_the_next_answer_and_in_its_counts() -> None:
    mine = word()
    _, first = await entry(title_sv=f"A {mine}")
    await words_are_known()
    for _ in range(SETTLED + 1):
        assert await slugs(mine) == [first]
    _, second = await entry(title_sv=f"B {mine}")
    found = await find(VISITOR, SearchRequest(text=mine))
    assert {hit.slug for hit in found.items} == {first, second}
    assert found.facets["kind"] == {"testbed": 2}


async def test_what_is_hidden_is_in_no_kept_answer_even_before_the_index_knows() -> None:
    mine = word()
    gone_id, gone = await entry(title_sv=f"A {mine}")
    _, stays = await entry(title_sv=f"B {mine}")
    await words_are_known()
    for _ in range(SETTLED + 1):
        assert set(await slugs(mine)) == {gone, stays}
    await entries.move_entry(SYSTEM, gone_id, "archive")
    found = await find(VISITOR, SearchRequest(text=mine))
    assert [hit.slug for hit in found.items] == [stays]
    assert found.facets["kind"] == {"testbed": 1}


async def test_answer_for_staff_is_given_to_nobody_else() -> None:
    mine = word()
    _, slug = await entry(title_sv=f"A {mine}", visibility=Visibility.STAFF)
    coordinator = await factories.person(Role.COORDINATOR)
    await words_are_known()
    for _ in range(SETTLED + 1):
        assert await slugs(mine, coordinator) == [slug]
    assert await slugs(mine) == []


async def test_swapped_in_index_and_changed_settings_make_answers_old(asked: list[SearchRequest]) -> None:
    mine = word()
    for _ in range(SETTLED):
        await slugs(mine)
    asked.clear()
    await slugs(mine)
    assert asked == []
    await rebuild.rebuild(lambda _: None)
    await slugs(mine)
    assert len(asked) == 1


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=st.lists(st.sampled_from(["search", "staff", "add", "change", "hide", "index"]), min_size=3, max_size=12))
async def test_kept_answers_are_those_that_the_database_gives(steps: list[str]) -> None:
    """Whatever happens in between, a visitor finds just the entries that are open and indexed as they are."""
    mine = word()
    coordinator = await factories.person(Role.COORDINATOR)
    open_entries: dict[int, str] = {}
    for step in [*steps, "search", "search"]:
        if step == "add":
            entry_id, slug = await entry(title_sv=f"Rum {mine}")
            open_entries[entry_id] = slug
        elif step == "change" and open_entries:
            await write_raw(min(open_entries), summary_sv=f"Om {word()}")
        elif step == "hide" and open_entries:
            hidden = max(open_entries)
            await entries.move_entry(SYSTEM, hidden, "archive")
            del open_entries[hidden]
        elif step == "index" and open_entries:
            await index_entry(min(open_entries))
        elif step == "staff":
            await find(coordinator, SearchRequest(text=f'"{mine}"'))
        found = await find(VISITOR, SearchRequest(text=f'"{mine}"'))
        assert {hit.slug for hit in found.items} == set(open_entries.values())
        assert found.total == len(open_entries) == sum(found.facets["kind"].values())
