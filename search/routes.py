"""All handlers of the search."""

from litestar.types import ControllerRouterHandler

from search import api, feeds, pages, saved_pages, way_in


def handlers() -> list[ControllerRouterHandler]:
    """The handlers of the search."""
    return [*pages.HANDLERS, *way_in.HANDLERS, *saved_pages.HANDLERS, *feeds.HANDLERS, *api.HANDLERS]
