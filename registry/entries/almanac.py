"""Swedish public holidays, the eves that people have off, and working days; days are in Europe/Stockholm."""

from datetime import date
from functools import lru_cache

import holidays

from registry.errors import Bilingual

_SATURDAY = 6


@lru_cache(maxsize=400)
def public_holidays(year: int) -> dict[date, Bilingual]:
    """The public holidays of a year by day; ordinary Sundays are none."""
    return _almanac(year, "public")


@lru_cache(maxsize=400)
def eves(year: int) -> dict[date, Bilingual]:
    """Christmas, New Year's and Midsummer Eve, which the Annual Leave Act equates with Sundays (SFS 1977:480, 3 a)."""
    return _almanac(year, "de_facto")


def holiday(day: date) -> Bilingual | None:
    """The Swedish public holiday or the eve that a day is; ordinary Sundays are none."""
    return public_holidays(day.year).get(day) or eves(day.year).get(day)


def is_working_day(day: date) -> bool:
    """Whether people answer on a day: from Monday to Friday, and no holiday or eve."""
    return day.isoweekday() < _SATURDAY and holiday(day) is None


def _almanac(year: int, category: str) -> dict[date, Bilingual]:
    swedish, english = (
        holidays.country_holidays("SE", years=year, categories=(category,), language=language)
        for language in ("sv", "en_US")
    )
    return {day: Bilingual(swedish[day], english[day]) for day in swedish}
