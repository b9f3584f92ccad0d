"""When an environment is open, and why not: the one reading of the calendar that its hosts keep.

Days and times of day are in Europe/Stockholm, moments in UTC. A time of day that the clocks skip is moved on by the
hour that is skipped; of one that exists twice the first is meant.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from registry.bookings.intervals import Interval, joined, without
from registry.entries.almanac import eves, holiday, public_holidays
from registry.entries.calendars import Calendar, Opening, Season
from registry.errors import N_, Bilingual, Message, message

STOCKHOLM = ZoneInfo("Europe/Stockholm")
_DAY = timedelta(days=1)


class Why(StrEnum):
    """Why a place is closed on a day."""

    CLOSURE = "closure"
    HOLIDAY = "holiday"
    SEASON = "season"
    WEEK = "week"


_NO_NAME = Bilingual("", "")


@dataclass(frozen=True)
class Closed:
    """Why a place is closed; the name is the host's reason, the holiday's or the season's, empty for the week."""

    why: Why
    name: Bilingual = _NO_NAME


def openings(calendar: Calendar, first: date, last: date) -> list[Interval]:
    """When it is open from `first` to `last` (both included), touching intervals joined."""
    closures = [(closure.starts_at, closure.ends_at) for closure in calendar.closures]
    return without(joined(usual_openings(calendar, first, last)), closures)


def usual_openings(calendar: Calendar, first: date, last: date) -> list[Interval]:
    """The same without regard to closures, those of each day by themselves, in order."""
    return [opening for day in _days(first, last) for opening in _usual(calendar, day)]


def day_openings(calendar: Calendar, day: date) -> list[Interval]:
    """When it is open on one day, in order; a booking's grid of starts counts from each opening."""
    return without(_usual(calendar, day), [(closure.starts_at, closure.ends_at) for closure in calendar.closures])


def closed_on(calendar: Calendar, day: date) -> Closed | None:
    """Why it is closed on the whole of a day, or None where it is open for some of it."""
    if day_openings(calendar, day):
        return None
    if _usual(calendar, day):
        begins, ends = midnight(day), midnight(day + _DAY)
        found = [one for one in calendar.closures if one.starts_at < ends and one.ends_at > begins]
        return Closed(Why.CLOSURE, Bilingual(found[0].reason_sv, found[0].reason_en))
    if _is_closed_for_holiday(calendar, day) and (name := holiday(day)):
        return Closed(Why.HOLIDAY, name)
    season = season_on(calendar, day)
    # A season that is closed on every day is the reason itself; otherwise it is only a day without hours.
    if season is not None and not season.openings:
        return Closed(Why.SEASON, Bilingual(season.name_sv, season.name_en))
    return Closed(Why.WEEK)


def is_open(calendar: Calendar, starts_at: datetime, ends_at: datetime) -> Message | None:
    """None, or why a time is outside the opening hours.

    A booking within a day lies inside the opening hours. A longer one begins and ends inside them: nights, closures
    and holidays in between are no hindrance, since what is set up may stay. (In a blackout it may not.)
    """
    first, last = starts_at.astimezone(STOCKHOLM), ends_at.astimezone(STOCKHOLM)
    spans_days = first.date() != (last - timedelta(microseconds=1)).date()
    around_first = openings(calendar, first.date() - _DAY, first.date() + _DAY)
    around_last = openings(calendar, last.date() - _DAY, last.date() + _DAY) if spans_days else around_first
    if any(opens <= starts_at and ends_at <= closes for opens, closes in around_first):
        return None
    begins_inside = any(opens <= starts_at < closes for opens, closes in around_first)
    ends_inside = any(opens < ends_at <= closes for opens, closes in around_last)
    if spans_days and begins_inside and ends_inside:
        return None
    found = _reason_at(calendar, starts_at, ends_at if not spans_days or begins_inside else starts_at)
    if found:
        return message(N_("The place is closed then: %(reason)s. Choose another time."), reason=found)
    return message(N_("The place is closed then. Choose a time within its opening hours."))


def _reason_at(calendar: Calendar, starts_at: datetime, ends_at: datetime) -> Bilingual | None:
    """What a host or the almanac says about a time that is closed; None where only the week says so."""
    for closure in calendar.closures:
        if closure.starts_at < ends_at and closure.ends_at > starts_at:
            return Bilingual(closure.reason_sv, closure.reason_en)
    for moment in (starts_at, ends_at - timedelta(microseconds=1)):
        found = closed_on(calendar, moment.astimezone(STOCKHOLM).date())
        if found is not None and found.why in {Why.HOLIDAY, Why.SEASON}:
            return found.name
    return None


def begins_on_grid(calendar: Calendar, step: int, starts_at: datetime) -> Message | None:
    """None, or why a booking cannot begin at this time where bookings begin every `step` minutes from opening."""
    if step == 0:
        return None
    for opens, closes in day_openings(calendar, starts_at.astimezone(STOCKHOLM).date()):
        if opens <= starts_at < closes:
            if (starts_at - opens) % timedelta(minutes=step) == timedelta(0):
                return None
            return message(
                N_("Bookings begin every %(step)s minutes from %(opens)s. Choose one of those times."),
                step=step,
                opens=opens.astimezone(STOCKHOLM).time(),
            )
    return message(N_("The place is closed then. Choose a time within its opening hours."))


def starts_within(calendar: Calendar, step: int, free: Interval, length: timedelta) -> Iterator[datetime]:
    """The starts on the grid of `step` minutes at which a booking of this length fits a free interval, in order."""
    earliest, latest = free[0], free[1] - length
    stride = timedelta(minutes=step)
    if latest < earliest:
        return
    for day in _days(earliest.astimezone(STOCKHOLM).date(), latest.astimezone(STOCKHOLM).date()):
        for opens, closes in day_openings(calendar, day):
            start = opens + max(0, -(-(earliest - opens) // stride)) * stride
            while start <= latest and start < closes:
                yield start
                start += stride


def season_on(calendar: Calendar, day: date) -> Season | None:
    """The season that a day is in; one of a certain year goes before one of every year."""
    found = [season for season in calendar.seasons if season.includes(day)]
    return min(found, key=lambda season: season.every_year, default=None)


def midnight(day: date) -> datetime:
    """When a day begins."""
    return utc(day, time(0))


def utc(day: date, at: time) -> datetime:
    """A local day and time as a moment."""
    return datetime.combine(day, at, tzinfo=STOCKHOLM).astimezone(UTC)


def _usual(calendar: Calendar, day: date) -> list[Interval]:
    found = []
    for opening in _hours(calendar, day):
        interval = utc(day, opening.opens), utc(day + _DAY if opening.closes == time(0) else day, opening.closes)
        # Hours that lie in the hour which the clocks skip have no length.
        if interval[0] < interval[1]:
            found.append(interval)
    return joined(found)


def _hours(calendar: Calendar, day: date) -> list[Opening]:
    opened = next((one for one in calendar.open_days if one.day == day), None)
    if opened is not None and opened.opens is not None and opened.closes is not None:
        return [Opening(day.isoweekday(), opened.opens, opened.closes)]
    if opened is None and _is_closed_for_holiday(calendar, day):
        return []
    season = season_on(calendar, day)
    week = calendar.week if season is None else season.openings
    return [opening for opening in week if opening.weekday == day.isoweekday()]


def _is_closed_for_holiday(calendar: Calendar, day: date) -> bool:
    return (calendar.closed_on_holidays and day in public_holidays(day.year)) or (
        calendar.closed_on_eves and day in eves(day.year)
    )


def _days(first: date, last: date) -> Iterator[date]:
    for offset in range((last - first).days + 1):
        yield first + timedelta(days=offset)
