"""What the calendar of an environment is over the API: what is sent, and what is answered."""

import re
from datetime import datetime, time
from typing import Annotated

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from registry.bookings.openings import STOCKHOLM, utc
from registry.entries.calendars import Opening, Season
from registry.errors import N_, Bilingual
from registry.web.input import Day, Input, Line, Moment, Whole
from registry.web.input_messages import MessageError

# The page takes ten openings a day.
MOST_OPENINGS = 70
_CLOCK = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
_A_DATE_ALONE = 10


def _clock(value: object) -> object:
    # Pydantic would read a bare number as seconds since midnight, and take an offset from UTC.
    if isinstance(value, str) and _CLOCK.fullmatch(value):
        return time.fromisoformat(value)
    raise PydanticCustomError("time_parsing", "no time of day")


def _in_sweden(value: object) -> object:
    """A time without an offset is what the clocks in Sweden show; it has to be there, and once."""
    if not isinstance(value, str):
        return value
    try:
        local = datetime.fromisoformat(value.strip())
    except ValueError:
        return value
    if len(value.strip()) <= _A_DATE_ALONE:
        # Whether the last day counts would be anybody's guess.
        raise PydanticCustomError("datetime_parsing", "a date alone")
    if local.tzinfo is not None:
        return value
    first, second = (utc(local.date(), local.time().replace(fold=fold)) for fold in (0, 1))
    if first.astimezone(STOCKHOLM).replace(tzinfo=None) != local:
        raise MessageError(N_("There is no such time on that day, because the clocks go forward. Choose another time."))
    if first != second:
        raise MessageError(
            N_(
                "There are two such times on that day, because the clocks go back. Write +02:00 after the time for the"
                " first of them, or +01:00 for the second."
            )
        )
    return first


TimeOfDay = Annotated[time, BeforeValidator(_clock)]
# A point in time: with its offset from UTC, or without one in Europe/Stockholm.
SwedishMoment = Annotated[Moment, BeforeValidator(_in_sweden)]


class TextBody(Input):
    """A text in Swedish, English or both."""

    sv: Line = ""
    en: Line = ""

    @property
    def text(self) -> Bilingual:
        return Bilingual(self.sv, self.en)


class OpeningBody(Input):
    """Opening hours on a weekday (1 is Monday) in Europe/Stockholm, as `HH:MM`; `closes` 00:00 is midnight."""

    weekday: Annotated[Whole, Field(ge=1, le=7)]
    opens: TimeOfDay
    closes: TimeOfDay

    @field_validator("closes")
    @classmethod
    def _closes_later(cls, value: time, info: ValidationInfo) -> time:
        opens = info.data.get("opens")
        if opens is not None and value != time(0) and value <= opens:
            raise MessageError(N_("It must close after it opens."))
        return value


class HoursBody(Input):
    """The openings of a week, several a day if need be; days without any are closed."""

    opening_hours: Annotated[list[OpeningBody], Field(max_length=MOST_OPENINGS)]

    def openings(self) -> tuple[Opening, ...]:
        """The openings in the order of the week."""
        found = [Opening(one.weekday, one.opens, one.closes) for one in self.opening_hours]
        return tuple(sorted(found, key=lambda one: (one.weekday, one.opens)))


class SeasonBody(HoursBody):
    """A part of the year with a week of its own, both days included; with `every_year` only month and day count."""

    name: TextBody
    first_day: Day
    last_day: Day
    every_year: bool

    def season(self, season_id: int | None) -> Season:
        """The season as the commands take it."""
        name = self.name.text
        return Season(self.first_day, self.last_day, self.every_year, name.sv, name.en, self.openings(), season_id)


class HolidaysBody(Input):
    """On which holidays it is closed. Eves are Christmas, New Year's and Midsummer Eve."""

    closed_on_holidays: bool
    closed_on_eves: bool


class OpenDayBody(Input):
    """A day that is open in spite of a holiday, with hours of its own or those of its weekday."""

    day: Day
    opens: TimeOfDay | None = None
    closes: TimeOfDay | None = None


class IntervalBody(Input):
    """A half-open interval and its reason. Times without an offset from UTC are in Europe/Stockholm."""

    starts_at: SwedishMoment
    ends_at: SwedishMoment
    reason: TextBody
