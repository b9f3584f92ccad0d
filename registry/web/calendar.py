"""Free times as pages show them, and local dates and times as people type them."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode

from registry.bookings.openings import Closed, Why
from registry.bookings.queries import DayTimes, Status
from registry.entries.queries import EntryView
from registry.errors import N_, Bilingual, invalid
from registry.web import language

_WORDS: Mapping[Status, str] = {
    Status.FREE: N_("free"),
    Status.SHORT: N_("free, but too short to book"),
    Status.TAKEN: N_("taken"),
    Status.BUFFER: N_("needed around a booking"),
    Status.BLACKOUT: N_("cannot be booked"),
    Status.CLOSED: N_("closed"),
    Status.TOO_SOON: N_("too soon to book"),
    Status.TOO_FAR: N_("cannot be booked yet"),
    Status.OVER: N_("over"),
}


def day_rows(
    environments: Sequence[EntryView],
    tables: Mapping[int, Sequence[DayTimes]],
    href: Callable[[EntryView, datetime], str] | None = None,
) -> list[dict[str, Any]]:
    """Days for the macro `timetable`: in each row one cell for each environment.

    Free parts link to a new booking, or to what `href` answers for a start in an environment.
    """
    columns = [tables[environment.id] for environment in environments]
    return [
        {
            "label": language.show_date(row[0].day),
            "cells": [_slots(*pair, href or new_booking_url) for pair in zip(environments, row, strict=True)],
        }
        for row in zip(*columns, strict=True)
    ]


def summary_rows(
    environments: Sequence[EntryView], tables: Mapping[int, Sequence[DayTimes]], href: Callable[[date], str]
) -> list[dict[str, Any]]:
    """The same with one summary in each cell; `href` gives the address of a day."""
    columns = [tables[environment.id] for environment in environments]
    return [
        {"label": language.show_date(row[0].day), "cells": [[summary(one, href(one.day))] for one in row]}
        for row in zip(*columns, strict=True)
    ]


def summary(times: DayTimes, href: str | None) -> dict[str, Any]:
    """A day in a few words, as a slot: how many times are free, or why none is."""
    free = len(times.free)
    if free:
        words = language.ngettext("%(num)s free time", "%(num)s free times", free) % {"num": free}
        return {"label": "", "words": words, "status": "free", "href": href}
    statuses = {part.status for part in times.parts}
    if not times.parts and times.closed:
        return {"label": "", "words": closed_words(times.closed), "status": "closed", "href": None}
    left = statuses - {Status.OVER, Status.CLOSED}
    if left & {Status.TAKEN, Status.BUFFER, Status.SHORT}:
        return {"label": "", "words": language.gettext("full"), "status": "taken", "href": None}
    for status in (Status.BLACKOUT, Status.TOO_SOON, Status.TOO_FAR, Status.OVER, Status.CLOSED):
        part = next((part for part in times.parts if part.status is status), None)
        if part is not None:
            return {"label": "", "words": part_words(part.status, part.reason), "status": status.value, "href": None}
    return {"label": "", "words": language.gettext("closed"), "status": "closed", "href": None}


def closed_words(closed: Closed) -> str:
    """Why a day is closed: `closed`, with the host's reason, the holiday's or the season's name where there is one."""
    if closed.why is Why.WEEK:
        return language.gettext("closed")
    return language.gettext("closed: %(reason)s") % {"reason": language.show_both(closed.name)}


def _slots(environment: EntryView, times: DayTimes, href: Callable[[EntryView, datetime], str]) -> list[dict[str, Any]]:
    if not times.parts:
        words = closed_words(times.closed) if times.closed else language.gettext("closed")
        return [{"label": "", "words": words, "status": "closed", "href": None}]
    shown = [part for part in times.parts if part.status is not Status.OVER] or times.parts[:1]
    return [
        {
            "label": "" if part.status is Status.OVER else show_span(part.starts_at, part.ends_at),
            "words": part_words(part.status, part.reason),
            "status": part.status.value,
            "href": href(environment, part.begins_at) if part.begins_at else None,
        }
        for part in shown
    ]


def part_words(status: Status, reason: Bilingual | None) -> str:
    """What a part of a day is, in words, with the host's reason where there is one."""
    words = language.gettext(_WORDS[status])
    return f"{words}: {language.show_both(reason)}" if reason else words


def show_span(starts_at: datetime, ends_at: datetime) -> str:
    """Hours within a day: `09.00–12.00`; midnight at the end is `24.00`."""
    ends = language.local(ends_at)
    sign = "." if language.current_language() == "sv" else ":"
    last = f"24{sign}00" if ends.time() == time(0) else language.show_time(ends_at)
    return f"{language.show_time(starts_at)}–{last}"


def new_booking_url(environment: EntryView, starts_at: datetime) -> str:
    """The address of the first step of a booking, with the time filled in for the environment's usual length."""
    minutes = max(environment.shortest, min(environment.longest, 60))
    return booking_url(environment, starts_at, starts_at + timedelta(minutes=minutes))


def booking_url(environment: EntryView, starts_at: datetime, ends_at: datetime) -> str:
    """The address of the first step of a booking, with a time filled in."""
    query = {"environment": environment.slug, "starts_at": starts_at.isoformat(), "ends_at": ends_at.isoformat()}
    return f"/bookings/new?{urlencode(query)}#f-date"


def stockholm(field: str, day: date, at: time) -> datetime:
    """A local date and time in Europe/Stockholm as a moment in UTC.

    Raises:
        InvalidInput: the time does not exist, because the clocks go forward then. Of a time that exists twice
            the first is meant.
    """
    local = datetime.combine(day, at, tzinfo=language.STOCKHOLM)
    moment = local.astimezone(UTC)
    if moment.astimezone(language.STOCKHOLM).replace(tzinfo=None) != local.replace(tzinfo=None):
        raise invalid(
            field, N_("There is no such time on that day, because the clocks go forward. Choose another time.")
        )
    return moment
