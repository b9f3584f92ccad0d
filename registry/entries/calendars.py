"""The calendar that the hosts of an environment keep: when the place is open, as stored.

What follows from it is judged in registry/bookings/openings.py. Times of day and days are in Europe/Stockholm,
moments in UTC.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Any

from registry import database

_LEAP_DAY = (2, 29)
_LEAP_YEAR = tuple(date(2028, 1, 1) + timedelta(days=offset) for offset in range(366))


@dataclass(frozen=True)
class Opening:
    """Opening hours on a weekday (1 is Monday), in Europe/Stockholm; `closes` 00:00 is midnight."""

    weekday: int
    opens: time
    closes: time


@dataclass(frozen=True)
class Season:
    """A part of the year with a week of its own, both days included; without openings the place is closed.

    `every_year`: only month and day count, and the season may reach over the new year.
    """

    first_day: date
    last_day: date
    every_year: bool
    name_sv: str = ""
    name_en: str = ""
    openings: tuple[Opening, ...] = ()
    id: int | None = None

    def includes(self, day: date) -> bool:
        """Whether a day lies in the season. In a year without one, 29 February counts as the 28th."""
        if not self.every_year:
            return self.first_day <= day <= self.last_day
        first, last = _in_year(self.first_day, day.year), _in_year(self.last_day, day.year)
        return first <= day <= last if first <= last else day >= first or day <= last

    def overlaps(self, other: "Season") -> bool:
        """Whether two seasons of the same sort, of every year or of certain years, share a day."""
        if not self.every_year:
            return self.first_day <= other.last_day and other.first_day <= self.last_day
        return any(self.includes(day) and other.includes(day) for day in _LEAP_YEAR)


@dataclass(frozen=True)
class Closure:
    """A half-open interval in which the place is closed, with the reason."""

    starts_at: datetime
    ends_at: datetime
    reason_sv: str = ""
    reason_en: str = ""
    id: int | None = None


@dataclass(frozen=True)
class OpenDay:
    """A day that is open in spite of a holiday; without hours of its own it has those of its weekday."""

    day: date
    opens: time | None = None
    closes: time | None = None
    id: int | None = None


@dataclass(frozen=True)
class Calendar:
    """When an environment is open: the ordinary week, and everything that departs from it."""

    week: tuple[Opening, ...] = ()
    seasons: tuple[Season, ...] = ()
    closures: tuple[Closure, ...] = ()
    open_days: tuple[OpenDay, ...] = ()
    closed_on_holidays: bool = False
    closed_on_eves: bool = False


ALWAYS_CLOSED = Calendar()

# The calendar of environment `v`: one text, so that what many environments share is read once.
CALENDAR = """
jsonb_build_object(
    'on_holidays', v.closed_on_holidays,
    'on_eves', v.closed_on_eves,
    'hours', (SELECT jsonb_agg(jsonb_build_array(h.season, h.weekday, h.opens, h.closes) ORDER BY h.weekday, h.opens)
              FROM opening_hours h WHERE h.environment = v.id),
    'seasons', (SELECT jsonb_agg(to_jsonb(s) - 'environment' ORDER BY s.first_day, s.id)
                FROM season s WHERE s.environment = v.id),
    'closures', (SELECT jsonb_agg(to_jsonb(c) - 'environment' ORDER BY c.starts_at, c.id)
                 FROM closure c WHERE c.environment = v.id),
    'open_days', (SELECT jsonb_agg(to_jsonb(o) - 'environment' ORDER BY o.day)
                  FROM open_day o WHERE o.environment = v.id)
)::text
"""


async def calendars_of(ids: Iterable[int]) -> dict[int, Calendar]:
    """The calendars of environments, by id, for callers that have already checked what the actor may see."""
    rows = await database.fetch(
        f"SELECT v.id, {CALENDAR} AS calendar FROM environment v WHERE v.id = ANY ($1::bigint[])", list(ids)
    )
    return {row["id"]: read_calendar(row["calendar"]) for row in rows}


@lru_cache(maxsize=10_000)
def read_calendar(text: str) -> Calendar:
    """A calendar from the text that CALENDAR makes of it."""
    stored: dict[str, Any] = json.loads(text)
    hours: dict[int | None, list[Opening]] = {}
    for season, weekday, opens, closes in stored["hours"] or ():
        opening = Opening(weekday, time.fromisoformat(opens), time.fromisoformat(closes))
        hours.setdefault(season, []).append(opening)
    return Calendar(
        week=tuple(hours.get(None, ())),
        seasons=tuple(
            Season(
                date.fromisoformat(one["first_day"]),
                date.fromisoformat(one["last_day"]),
                one["every_year"],
                one["name_sv"],
                one["name_en"],
                tuple(hours.get(one["id"], ())),
                one["id"],
            )
            for one in stored["seasons"] or ()
        ),
        closures=tuple(
            Closure(
                datetime.fromisoformat(one["starts_at"]),
                datetime.fromisoformat(one["ends_at"]),
                one["reason_sv"],
                one["reason_en"],
                one["id"],
            )
            for one in stored["closures"] or ()
        ),
        open_days=tuple(
            OpenDay(date.fromisoformat(one["day"]), _time(one["opens"]), _time(one["closes"]), one["id"])
            for one in stored["open_days"] or ()
        ),
        closed_on_holidays=stored["on_holidays"],
        closed_on_eves=stored["on_eves"],
    )


def _time(text: str | None) -> time | None:
    return time.fromisoformat(text) if text else None


def _in_year(day: date, year: int) -> date:
    if (day.month, day.day) == _LEAP_DAY:
        return date(year, 3, 1) - timedelta(days=1)
    return day.replace(year=year)
