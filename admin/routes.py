"""All handlers of the staff desks."""

from litestar.types import ControllerRouterHandler

from admin import (
    agreement_search,
    assessments,
    booking_bulk,
    booking_queue,
    bookings,
    calendar,
    coordination,
    legal,
    procurement,
    reply_templates,
    review,
    search,
    series,
    severities,
    signatories,
    vocabulary,
)


def handlers() -> list[ControllerRouterHandler]:
    """The handlers of the desks."""
    return [
        *booking_queue.HANDLERS,
        *booking_bulk.HANDLERS,
        *reply_templates.HANDLERS,
        *bookings.HANDLERS,
        *series.HANDLERS,
        *legal.HANDLERS,
        *review.HANDLERS,
        *signatories.HANDLERS,
        *assessments.HANDLERS,
        *agreement_search.HANDLERS,
        *severities.HANDLERS,
        *procurement.HANDLERS,
        *coordination.HANDLERS,
        *calendar.HANDLERS,
        *search.HANDLERS,
        *vocabulary.HANDLERS,
    ]
