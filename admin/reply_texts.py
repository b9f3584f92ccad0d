"""Texts that a host can take as a beginning: templates filled for a booking, and the nearest free times."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from registry.access import Actor
from registry.bookings import queries, replies
from registry.bookings.queries import BookingRow
from registry.bookings.replies import ReplyView
from registry.entries import queries as entries
from registry.errors import N_
from registry.web import language
from registry.web.labels import label

# What can be chosen beside the templates: the free times that are nearest to the one asked for.
FREE_TIMES = "times"


@contextmanager
def written_in(chosen: str) -> Iterator[None]:
    """Write in the reader's language, not in that of whoever writes."""
    before = language.current_language()
    language.use_language(chosen)
    try:
        yield
    finally:
        language.use_language(before)


def filled(text: str, booking: BookingRow, chosen: str) -> str:
    """A text with what it says of a booking, in the language `sv` or `en`."""
    with written_in(chosen):
        return replies.fill(
            text,
            {
                "environment": ", ".join(language.in_language(one, "title") for one in booking.environments),
                "time": language.show_interval(booking.starts_at, booking.ends_at),
                "organisation": language.in_language(booking.row, "organisation_name"),
                "contact": booking.requester_name,
            },
        )


async def free_times(actor: Actor, booking: BookingRow, chosen: str) -> str:
    """What is free instead of the time that was asked for, in the language `sv` or `en`."""
    places = await entries.environments_by_id([one.id for one in booking.environments])
    found = await queries.alternatives(
        actor, list(places.values()), booking.audience, booking.starts_at, booking.ends_at
    )
    with written_in(chosen):
        lines = [
            f"– {language.show_interval(starts, ends)}, {language.in_language(titles, 'title')}"
            for one in found
            for starts, ends in [(datetime.fromisoformat(one["starts_at"]), datetime.fromisoformat(one["ends_at"]))]
            for titles in [{"title_sv": one["title"]["sv"], "title_en": one["title"]["en"]}]
            if starts != booking.starts_at or one["environment"] not in {place.slug for place in booking.environments}
        ]
        if not lines:
            return language.gettext(N_("There is no free time near the one that you asked for."))
        return "\n".join([language.gettext(N_("These times are free now:")), *lines])


def choices(templates: Sequence[ReplyView], *, with_free_times: bool) -> list[tuple[str, str]]:
    """The templates to choose from, each with what it is for."""
    found = [(str(one.id), f"{label(one.kind, 'reply_kind')}: {one.title}") for one in templates]
    if with_free_times:
        found.append((FREE_TIMES, language.gettext(N_("The nearest free times"))))
    return found
