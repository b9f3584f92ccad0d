from registry.access import VISITOR
from registry.entries import queries
from tests import factories


async def test_published_environment_is_found_by_visitor() -> None:
    _, slug = await factories.environment()
    entry = await queries.get_entry(VISITOR, slug)
    assert entry.slug == slug
