"""The index in Meilisearch follows the database, whatever dies in between."""

import pytest

from registry.access import VISITOR
from search.engine import SearchRequest
from search.queries import find
from tests.factories_search import entry, word


@pytest.mark.usefixtures("meilisearch_index")
async def test_change_is_in_the_index() -> None:
    mine = word()
    _, slug = await entry(title_sv=mine)
    result = await find(VISITOR, SearchRequest(mine))
    assert [hit.slug for hit in result.items] == [slug]
    assert result.engine == "meilisearch"
