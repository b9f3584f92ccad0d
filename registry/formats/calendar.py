"""Bookings as an iCalendar object (RFC 5545, with the calendar's properties of RFC 7986).

The caller writes the words in a language; this module knows the format and nothing of bookings.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from icalendar import Calendar, Event, vCalAddress, vDuration, vText
from icalendar.cal import Component

STOCKHOLM = ZoneInfo("Europe/Stockholm")
# How often a program should ask for a feed anew.
REFRESH = timedelta(hours=1)
# The web framework adds the character set, as to every text.
MEDIA_TYPE = "text/calendar"

# The rules of summer time since 1996, as the tz database has them. Outlook reads rules, not lists of dates.
_ZONE = """\
BEGIN:VTIMEZONE
TZID:Europe/Stockholm
X-LIC-LOCATION:Europe/Stockholm
BEGIN:STANDARD
DTSTART:19961027T030000
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10
TZNAME:CET
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:19960331T020000
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3
TZNAME:CEST
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
END:DAYLIGHT
END:VTIMEZONE
"""


class Status(StrEnum):
    """The states of an event."""

    TENTATIVE = "TENTATIVE"
    CONFIRMED = "CONFIRMED"
    CANCELLED = "CANCELLED"


class Method(StrEnum):
    """What a calendar object in a mail asks of the reader's calendar (RFC 5546)."""

    PUBLISH = "PUBLISH"
    CANCEL = "CANCEL"


@dataclass(frozen=True)
class CalendarEvent:
    """An event over the half-open interval `[starts_at, ends_at)`; all times are in UTC.

    A later version of an event has the same `uid` and a higher `sequence`; `changed_at` is when it came to be.
    """

    uid: str
    sequence: int
    status: Status
    starts_at: datetime
    ends_at: datetime
    created_at: datetime
    changed_at: datetime
    summary: str
    description: str = ""
    location: str = ""
    url: str = ""


def feed(events: Sequence[CalendarEvent], *, name: str, language: str) -> bytes:
    """A calendar to subscribe to, called `name`. The same events give the same bytes."""
    calendar = _calendar(language)
    # The name and the pace, as the standard has them and as Outlook, Google and Apple read them.
    calendar.add("name", name)
    calendar.add("x-wr-calname", name)
    calendar.add("x-wr-timezone", STOCKHOLM.key)
    calendar.add("refresh-interval", vDuration(REFRESH), parameters={"value": "DURATION"})
    calendar.add("x-published-ttl", vDuration(REFRESH))
    for event in events:
        # Without a method DTSTAMP says when the event was last changed (RFC 5545, 3.8.7.2).
        calendar.add_component(_event(event, stamp=event.changed_at))
    return bytes(calendar.to_ical())


def attachment(
    events: Sequence[CalendarEvent], *, method: Method, organiser: str, language: str, now: datetime
) -> bytes:
    """Events for a mail. `organiser` is the address that the mail comes from; `now` is in UTC."""
    calendar = _calendar(language)
    calendar.add("method", method.value)
    for event in events:
        written = _event(event, stamp=now)
        written["organizer"] = vCalAddress(f"mailto:{organiser}")
        calendar.add_component(written)
    return bytes(calendar.to_ical())


def _calendar(language: str) -> Calendar:
    calendar = Calendar()
    calendar.add("version", "2.0")
    calendar.add("prodid", f"-//Registry//Bookings//{language.upper()}")
    calendar.add("calscale", "GREGORIAN")
    calendar.add_component(Component.from_ical(_ZONE))
    return calendar


def _event(event: CalendarEvent, *, stamp: datetime) -> Event:
    written = Event()
    written.add("uid", event.uid)
    written.add("dtstamp", stamp.astimezone(UTC))
    starts_at, ends_at = _local(event.starts_at, event.ends_at)
    written.add("dtstart", starts_at)
    written.add("dtend", ends_at)
    written.add("sequence", event.sequence)
    written.add("status", event.status.value)
    written.add("created", event.created_at.astimezone(UTC))
    written.add("last-modified", event.changed_at.astimezone(UTC))
    written.add("summary", event.summary)
    for name, text in (("description", event.description), ("location", event.location)):
        if text:
            written.add(name, vText(text))
    if event.url:
        written.add("url", event.url)
    # A cancelled event takes no time.
    written.add("transp", "TRANSPARENT" if event.status is Status.CANCELLED else "OPAQUE")
    return written


def _local(starts_at: datetime, ends_at: datetime) -> tuple[datetime, datetime]:
    """Both times in Europe/Stockholm, or in UTC where a local time would mean the first of two hours.

    A local time that exists twice always means the first one (RFC 5545, 3.3.5), so the second is told in UTC.
    """
    first, last = starts_at.astimezone(STOCKHOLM), ends_at.astimezone(STOCKHOLM)
    if first.fold or last.fold:
        return starts_at.astimezone(UTC), ends_at.astimezone(UTC)
    return first, last
