"""All handlers of the staff desks."""

from litestar.types import ControllerRouterHandler

from admin import (
    agreement_search,
    assessments,
    bookings,
    calendar,
    coordination,
    legal,
    procurement,
    search,
    series,
    vocabulary,
)


def handlers() -> list[ControllerRouterHandler]:
    """The handlers of the desks."""
    return [
        *bookings.HANDLERS,
        *series.HANDLERS,
        *legal.HANDLERS,
        *assessments.HANDLERS,
        *agreement_search.HANDLERS,
        *procurement.HANDLERS,
        *coordination.HANDLERS,
        *calendar.HANDLERS,
        *search.HANDLERS,
        *vocabulary.HANDLERS,
    ]
