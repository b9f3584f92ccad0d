"""To be written."""

from litestar.types import ControllerRouterHandler

HANDLERS: list[ControllerRouterHandler] = []
