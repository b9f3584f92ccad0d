"""The forms of an environment's calendar: what they take, and the values they show."""

from datetime import datetime, time, timedelta
from typing import Annotated, Any

from admin.hours_forms import HoursForm, hour_values
from registry.entries.calendars import OpenDay, Season
from registry.errors import Bilingual, FieldError, InvalidInput
from registry.web import language
from registry.web.calendar import stockholm
from registry.web.input import BlankIsNone, Day, Input, Line


class VersionForm(Input):
    version: int = 0


class WeekForm(HoursForm):
    version: int = 0


class SeasonForm(HoursForm):
    """A season with its week; `every_year` says that only month and day count."""

    version: int = 0
    name_sv: Line = ""
    name_en: Line = ""
    first_day: Day
    last_day: Day
    every_year: bool = False

    def season(self, season_id: int | None) -> Season:
        """The season. Raises InvalidInput as `openings` does."""
        return Season(
            self.first_day, self.last_day, self.every_year, self.name_sv, self.name_en, self.openings(), season_id
        )


class HolidaysForm(Input):
    version: int = 0
    closed_on_holidays: bool = False
    closed_on_eves: bool = False


class OpenDayForm(Input):
    day: Day
    opens: Annotated[time | None, BlankIsNone] = None
    closes: Annotated[time | None, BlankIsNone] = None

    def open_day(self) -> OpenDay:
        """The day with its hours, if it has some of its own."""
        return OpenDay(
            self.day,
            self.opens.replace(tzinfo=None) if self.opens else None,
            self.closes.replace(tzinfo=None) if self.closes is not None else None,
        )


class IntervalForm(Input):
    """A closure or a blackout: whole days, or from one time of day to another.

    `seen` says which interval the person has seen the bookings of, and how many they were.
    """

    first_day: Day
    starts: Annotated[time | None, BlankIsNone] = None
    last_day: Annotated[Day | None, BlankIsNone] = None
    ends: Annotated[time | None, BlankIsNone] = None
    reason_sv: Line = ""
    reason_en: Line = ""
    seen: str = ""

    def moments(self) -> tuple[datetime, datetime]:
        """When it begins and ends, in UTC; without times of day from midnight to midnight.

        Raises:
            InvalidInput: a time does not exist, because the clocks go forward.
        """
        last_day = self.last_day or self.first_day
        faults: list[FieldError] = []
        found = []
        has_end = self.ends not in {None, time(0)}
        for name, day, at in (
            ("starts", self.first_day, self.starts or time(0)),
            # Midnight, given or not, is the end of the last day.
            ("ends", last_day if has_end else last_day + timedelta(days=1), self.ends or time(0)),
        ):
            try:
                found.append(stockholm(name, day, at.replace(tzinfo=None)))
            except InvalidInput as error:
                faults += error.errors
        if faults:
            raise InvalidInput(faults)
        return found[0], found[1]

    @property
    def reason(self) -> Bilingual:
        return Bilingual(self.reason_sv, self.reason_en)


def season_values(season: Season | None, version: int) -> dict[str, Any]:
    """The values of a season's form; of a new one the blanks."""
    today = datetime.now(language.STOCKHOLM).date()
    return {
        "version": version,
        "name_sv": season.name_sv if season else "",
        "name_en": season.name_en if season else "",
        "first_day": season.first_day if season else today,
        "last_day": season.last_day if season else today,
        "every_year": "true" if season and season.every_year else "",
        **hour_values(season.openings if season else ()),
    }
