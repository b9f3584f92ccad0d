"""Free times as pages show them, and local dates and times as people type them."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode

from registry.bookings.queries import DayAvailability
from registry.entries.queries import EntryView
from registry.errors import N_, invalid
from registry.web import language


def week_days(environment: EntryView, days: list[DayAvailability]) -> list[dict[str, Any]]:
    """A week for the macro `week_strip`; free parts link to a new booking at that time."""
    return [
        {
            "label": language.show_date(day.day),
            "slots": [
                {
                    "label": f"{language.show_time(part.starts_at)}–{language.show_time(part.ends_at)}",
                    "status": "free" if part.is_free else "busy",
                    # A part that is shorter than the shortest booking is free but cannot be chosen.
                    "href": new_booking_url(environment, part.starts_at)
                    if part.is_free and part.ends_at - part.starts_at >= timedelta(minutes=environment.shortest)
                    else None,
                }
                for part in day.segments
            ],
        }
        for day in days
    ]


def new_booking_url(environment: EntryView, starts_at: datetime) -> str:
    """The address of the first step of a booking, with the time filled in for the environment's usual length."""
    ends_at = starts_at + timedelta(minutes=max(environment.shortest, min(environment.longest, 60)))
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
