"""A series of bookings in words: how it comes back, and what became of the times that were left out."""

from datetime import date

from babel.dates import get_day_names

from registry.bookings.codes import Frequency, MonthlyBy
from registry.bookings.openings import STOCKHOLM
from registry.bookings.recurrence import SeriesRule
from registry.bookings.series_view import SeriesView
from registry.errors import N_
from registry.web import language

_NTH = (N_("the first %(day)s"), N_("the second %(day)s"), N_("the third %(day)s"), N_("the fourth %(day)s"))
_SECOND = 2
_FIFTH = N_("the fifth %(day)s")


def rule_words(view: SeriesView) -> str:
    """How a series comes back: `Every second week on Monday, 12 times`."""
    rule = view.rule
    how = _how(rule, view)
    if rule.count is not None:
        count = language.ngettext("%(num)s time", "%(num)s times", rule.count) % {"num": rule.count}
        return f"{how}, {count}"
    last = language.show_date(rule.until) if rule.until else ""
    return language.gettext("%(how)s, until %(day)s") % {"how": how, "day": last}


def _how(rule: SeriesRule, view: SeriesView) -> str:
    first = view.starts_at.astimezone(STOCKHOLM).date()
    n = rule.every
    if n == _SECOND:
        return _every_second(rule, first)
    if rule.frequency is Frequency.MONTHLY:
        which = _day_of_month(rule.monthly_by, first.day, first.isoweekday())
        return language.ngettext("Every month, %(which)s", "Every %(num)s months, %(which)s", n) % {
            "num": n,
            "which": which,
        }
    days = ", ".join(weekday(day) for day in sorted(rule.weekdays or {first.isoweekday()}))
    if rule.frequency is Frequency.WEEKLY:
        return language.ngettext("Every week: %(days)s", "Every %(num)s weeks: %(days)s", n) % {"num": n, "days": days}
    if rule.weekdays:
        return language.gettext("Every week: %(days)s") % {"days": days}
    return language.ngettext("Every day", "Every %(num)s days", n) % {"num": n}


def _every_second(rule: SeriesRule, first: date) -> str:
    """What both languages have a word of their own for."""
    if rule.frequency is Frequency.MONTHLY:
        which = _day_of_month(rule.monthly_by, first.day, first.isoweekday())
        return language.gettext("Every second month, %(which)s") % {"which": which}
    if rule.frequency is Frequency.WEEKLY:
        days = ", ".join(weekday(day) for day in sorted(rule.weekdays or {first.isoweekday()}))
        return language.gettext("Every second week: %(days)s") % {"days": days}
    return language.gettext("Every second day")


def _day_of_month(kept: MonthlyBy, day: int, isoweekday: int) -> str:
    if kept is MonthlyBy.DATE:
        return language.gettext("on day %(day)s") % {"day": day}
    text = (
        N_("the last %(day)s") if kept is MonthlyBy.LAST_WEEKDAY else dict(enumerate(_NTH)).get((day - 1) // 7, _FIFTH)
    )
    return language.gettext(text) % {"day": weekday(isoweekday)}


def weekday(number: int) -> str:
    """The name of a weekday, 1 is Monday."""
    name: str = get_day_names("wide", locale=language.current_language())[number - 1]
    return name
