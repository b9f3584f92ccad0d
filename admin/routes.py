"""All handlers of the staff desks."""

from litestar.types import ControllerRouterHandler

from admin import bookings, coordination, legal, procurement, vocabulary


def handlers() -> list[ControllerRouterHandler]:
    """The handlers of the desks."""
    return [
        *bookings.HANDLERS,
        *legal.HANDLERS,
        *procurement.HANDLERS,
        *coordination.HANDLERS,
        *vocabulary.HANDLERS,
    ]
