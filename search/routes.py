"""All handlers of the search."""

from litestar.types import ControllerRouterHandler

from search import api, clicks, feeds, pages, readiness, saved_pages, way_in


def handlers() -> list[ControllerRouterHandler]:
    """The handlers of the search."""
    return [
        *pages.HANDLERS,
        *clicks.HANDLERS,
        *way_in.HANDLERS,
        *saved_pages.HANDLERS,
        *feeds.HANDLERS,
        *api.HANDLERS,
        *readiness.HANDLERS,
    ]
