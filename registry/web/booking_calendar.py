"""Bookings as events of a calendar, in the reader's language."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from registry.bookings.queries import BookingRow
from registry.bookings.states import HOLDING, BookingState
from registry.entries.queries import EntryView
from registry.formats.calendar import CalendarEvent, Method, Status, attachment
from registry.mail.message import Attachment, address_of
from registry.settings import load_settings
from registry.web import language
from registry.web.labels import label

_LONGEST_PURPOSE = 1000
_OVER = frozenset({BookingState.COMPLETED, BookingState.OUTCOME_RECORDED})


def status_of(state: BookingState) -> Status:
    """How a calendar shows a state: an approval still waits for agreements; what no longer holds is cancelled."""
    if state is BookingState.APPROVED:
        return Status.TENTATIVE
    return Status.CONFIRMED if state in HOLDING | _OVER else Status.CANCELLED


def event_of(booking: BookingRow, environments: Mapping[int, EntryView], *, for_host: bool) -> CalendarEvent:
    """A booking as an event in the current language. `environments` has those of the booking, by id.

    Hosts read first who comes, everybody else where.
    """
    titles = ", ".join(language.in_language(one, "title") for one in booking.environments)
    organisation = language.in_language(booking.row, "organisation_name")
    state = BookingState(booking.state)
    url = f"{_base()}{'/desk' if for_host else ''}/bookings/{booking.id}"
    lines = [
        label(state.value, "booking_state"),
        f"{organisation}, {booking.requester_name}",
        booking.purpose[:_LONGEST_PURPOSE],
        url,
    ]
    return CalendarEvent(
        # The same whatever address the registry has, and in feeds as in mails.
        uid=f"booking-{booking.id}@registry",
        sequence=booking.sequence,
        status=status_of(state),
        starts_at=booking.starts_at,
        # What was given back early is free for others.
        ends_at=booking.ended_at if booking.ended_at and booking.ended_at > booking.starts_at else booking.ends_at,
        created_at=booking.created_at,
        changed_at=booking.changed_at,
        summary=f"{organisation}: {titles}" if for_host else titles,
        description="\n".join(line for line in lines if line),
        location="; ".join(
            dict.fromkeys(filter(None, (place_of(environments[one.id]) for one in booking.environments)))
        ),
        url=url,
    )


def place_of(environment: EntryView) -> str:
    """The address of an environment in one line."""
    return ", ".join(part for part in (environment.address, environment.municipality) if part)


def calendar_files(
    bookings: Sequence[BookingRow], environments: Mapping[int, EntryView], *, for_host: bool, now: datetime
) -> list[Attachment]:
    """The files that put bookings into a calendar, or take cancelled ones out of it.

    Those of a series come in one file. What takes out is a file for each: a calendar reads one event in such a file
    (RFC 5546, 3.2.5).
    """
    events = [(booking, event_of(booking, environments, for_host=for_host)) for booking in bookings]
    gone = [[pair] for pair in events if pair[1].status is Status.CANCELLED]
    series: dict[object, list[tuple[BookingRow, CalendarEvent]]] = {}
    for booking, event in events:
        if event.status is not Status.CANCELLED:
            series.setdefault(booking.series or booking.id, []).append((booking, event))
    return [_file(group, now) for group in [*series.values(), *gone]]


def _file(group: Sequence[tuple[BookingRow, CalendarEvent]], now: datetime) -> Attachment:
    booking, first = group[0]
    method = Method.CANCEL if first.status is Status.CANCELLED else Method.PUBLISH
    content = attachment(
        [event for _, event in group],
        method=method,
        organiser=_sender(),
        language=language.current_language(),
        now=now,
    )
    # Not inside the name itself: texts in f-strings are not collected for translation.
    word = language.gettext("booking")
    return Attachment(
        filename=f"{word}-{str(booking.id)[:8]}.ics",
        media_type=f"text/calendar; method={method.value}",
        content=content.decode(),
    )


def _sender() -> str:
    settings = load_settings()
    return address_of(settings.mail_from) or "registry@localhost"


def _base() -> str:
    return load_settings().base_url.rstrip("/")
