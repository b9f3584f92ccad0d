"""All handlers of the search."""

from litestar.types import ControllerRouterHandler

from search import api, pages


def handlers() -> list[ControllerRouterHandler]:
    """The handlers of the search."""
    return [*pages.HANDLERS, *api.HANDLERS]
