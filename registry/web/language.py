"""The reader's language: which it is, and texts, dates and amounts in it."""

import io
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_time
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_currency, format_decimal, format_percent, get_currency_precision
from babel.support import Translations
from litestar import Request

from registry import PROJECT_ROOT
from registry.errors import N_, Bilingual, FieldError, Message

LANGUAGES = ("sv", "en")
STOCKHOLM = ZoneInfo("Europe/Stockholm")
_BABEL_LOCALES = {"sv": "sv_SE", "en": "en_GB"}
_current: ContextVar[str] = ContextVar("language", default="sv")


def current_language() -> str:
    """The language of the request that is being answered: `sv` or `en`."""
    return _current.get()


def use_language(language: str) -> None:
    """Set the language for the current request."""
    _current.set(language if language in LANGUAGES else "sv")


def wanted_language(request: Request[Any, Any, Any]) -> str:
    """`?lang=`, else the visitor's earlier choice, else what the browser prefers of the two; Swedish first."""
    asked = request.query_params.get("lang")
    if asked in LANGUAGES:
        return str(asked)
    chosen = request.cookies.get("lang")
    if chosen in LANGUAGES:
        return str(chosen)
    for part in request.headers.get("accept-language", "").split(","):
        tag = part.split(";")[0].strip().lower()[:2]
        if tag in LANGUAGES:
            return tag
    return "sv"


def language_url(request: Request[Any, Any, Any], language: str) -> str:
    """The address of the same page in another language."""
    pairs = [(name, value) for name, value in request.query_params.multi_items() if name not in {"lang", "notice"}]
    return f"{request.url.path}?{urlencode([*pairs, ('lang', language)])}"


def page_url(request: Request[Any, Any, Any], number: int) -> str:
    """The address of another page of the same list."""
    pairs = [(name, value) for name, value in request.query_params.multi_items() if name not in {"page", "notice"}]
    return f"{request.url.path}?{urlencode([*pairs, ('page', number)])}"


@lru_cache(maxsize=2)
def _translations(language: str) -> Translations:
    path = PROJECT_ROOT / "locales" / language / "LC_MESSAGES" / "messages.po"
    with path.open("rb") as file:
        catalogue = read_po(file, locale=_BABEL_LOCALES[language])
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return Translations(compiled)


def gettext(msgid: str) -> str:
    """A text in the current language."""
    return _translations(_current.get()).gettext(msgid) if msgid else ""


def ngettext(singular: str, plural: str, n: int) -> str:
    """A text with a number in the current language."""
    return _translations(_current.get()).ngettext(singular, plural, n)


def say(text: Message | str) -> str:
    """A message in the current language, with its values put in."""
    if isinstance(text, str):
        return gettext(text)
    translated = gettext(text.msgid)
    if not text.values:
        return translated
    return translated % {name: _value(value) for name, value in text.values.items()}


def say_in(language: str, text: Message | str) -> str:
    """A message in a language of one's choice; for answers that hold both."""
    before = _current.set(language)
    try:
        return say(text)
    finally:
        _current.reset(before)


def say_errors(errors: Sequence[FieldError] | None) -> list[dict[str, str]]:
    """What is wrong with each field, in the current language, as forms and problems show it."""
    return [{"field": fault.field, "message": say(fault.message)} for fault in errors or ()]


def _value(value: object) -> object:
    for kind, show in _SHOWN:
        if isinstance(value, kind):
            return show(value)
    if isinstance(value, (list, tuple)):
        return ", ".join(str(_value(part)) for part in value)
    return value


def local(moment: datetime) -> datetime:
    """A moment in Europe/Stockholm."""
    return moment.astimezone(STOCKHOLM)


def show_time(value: time | datetime) -> str:
    """A time of day: 09.00 in Swedish, 09:00 in English; of a time that exists twice also which of the two."""
    pattern, locale = "HH.mm" if _current.get() == "sv" else "HH:mm", _BABEL_LOCALES[_current.get()]
    if isinstance(value, time):
        return format_time(value, pattern, locale=locale)
    moment = local(value)
    text = format_time(moment, pattern, locale=locale)
    if moment.utcoffset() == moment.replace(fold=1 - moment.fold).utcoffset():
        return text
    which = gettext(N_("winter time")) if moment.fold else gettext(N_("summer time"))
    return f"{text} {which}"


def show_date(value: date | datetime) -> str:
    """A date with its weekday, and the year when it is not this year: `tis 14 okt`."""
    if isinstance(value, datetime):
        value = local(value).date()
    year = "" if value.year == datetime.now(STOCKHOLM).year else " y"
    text = format_date(value, f"EEE d MMM{year}", locale=_BABEL_LOCALES[_current.get()])
    return text.replace(".", "") if _current.get() == "sv" else text


def show_long_date(value: date | datetime) -> str:
    """A date with its year, for agreements and records: `23 november 2026`."""
    if isinstance(value, datetime):
        value = local(value).date()
    return format_date(value, "d MMMM y", locale=_BABEL_LOCALES[_current.get()])


def show_day_and_month(value: date) -> str:
    """A day of every year: `14 oktober`."""
    return format_date(value, "d MMMM", locale=_BABEL_LOCALES[_current.get()])


def show_datetime(value: datetime) -> str:
    """A moment in Europe/Stockholm: `tis 14 okt 09.00`."""
    comma = "," if _current.get() == "en" else ""
    return f"{show_date(value)}{comma} {show_time(value)}"


def show_interval(start: datetime, end: datetime) -> str:
    """An interval in Europe/Stockholm: `tis 14 okt 09.00–12.00`."""
    first, last = local(start), local(end)
    if first.date() == last.date():
        return f"{show_datetime(start)}–{show_time(end)}"
    return f"{show_datetime(start)} – {show_datetime(end)}"


def show_week(week: str) -> str:
    """A week in ISO 8601 (`2026-W49`) with its days, and its year when it is not this one: `v. 49, 30 nov–6 dec`.

    A week that no calendar has is shown as it is written.
    """
    year, _, number = week.partition("-W")
    try:
        monday = date.fromisocalendar(int(year), int(number), 1)
        sunday = monday + timedelta(days=6)
    except (ValueError, OverflowError):
        return week
    is_other_year = int(year) != datetime.now(STOCKHOLM).isocalendar().year
    named = gettext("Week %(number)s") % {"number": int(number)} + (f" {year}" if is_other_year else "")
    first = "d" if monday.month == sunday.month else "d MMM"
    days = [
        format_date(day, pattern, locale=_BABEL_LOCALES[_current.get()]).replace(".", "")
        for day, pattern in ((monday, first), (sunday, "d MMM"))
    ]
    return f"{named}, {'–'.join(days)}"


def show_days(start: datetime, end: datetime) -> str:
    """An interval in Europe/Stockholm, as days where it is made of whole ones: `tis 14 okt – ons 15 okt`."""
    first, last = local(start), local(end)
    if first.time() != time(0) or last.time() != time(0):
        return show_interval(start, end)
    last_day = last.date() - timedelta(days=1)
    return show_date(first.date()) if first.date() == last_day else f"{show_date(first.date())} – {show_date(last_day)}"


def show_duration(minutes: int) -> str:
    """A length of time in the largest unit that it is a whole number of: `4 weeks`, `90 minutes`."""
    hours, left_minutes = divmod(minutes, 60)
    days, left_hours = divmod(hours, 24)
    weeks, left_days = divmod(days, 7)
    if left_minutes or not hours:
        return ngettext("%(num)s minute", "%(num)s minutes", minutes) % {"num": minutes}
    if left_hours or not days:
        return ngettext("%(num)s hour", "%(num)s hours", hours) % {"num": hours}
    if left_days or not weeks:
        return ngettext("%(num)s day", "%(num)s days", days) % {"num": days}
    return ngettext("%(num)s week", "%(num)s weeks", weeks) % {"num": weeks}


def show_money(minor: int, currency: str) -> str:
    """An amount that is given in the currency's minor unit; without decimals when they are zero."""
    precision = get_currency_precision(currency)
    amount = minor / 10**precision
    return format_currency(
        amount,
        currency,
        locale=_BABEL_LOCALES[_current.get()],
        currency_digits=False,
        format=None if amount != int(amount) else "#,##0 ¤",
    )


def show_number(value: float, decimals: int = 0) -> str:
    """A number with its thousands apart: `12 345` in Swedish, `12,345` in English."""
    pattern = "#,##0" + (f".{'0' * decimals}" if decimals else "")
    return format_decimal(value, format=pattern, locale=_BABEL_LOCALES[_current.get()])


def show_percent(share: float) -> str:
    """A share in whole per cent: 0.125 is `13 %` in Swedish, `13%` in English."""
    return format_percent(share, locale=_BABEL_LOCALES[_current.get()])


def show_both(text: Bilingual) -> str:
    """What people have written, in the current language or else the other."""
    return (text.sv or text.en) if _current.get() == "sv" else (text.en or text.sv)


# How values in messages are shown, by their type; a moment is a date as well, so it comes first.
_SHOWN: tuple[tuple[type, Callable[[Any], str]], ...] = (
    (Message, say),
    (Bilingual, show_both),
    (datetime, show_datetime),
    (date, show_date),
    (time, show_time),
)


def in_language(row: Mapping[str, Any] | object, field: str) -> str:
    """`field` of a thing that has `field_sv` and `field_en`, in the current language or else the other."""
    return pick(row, field)[0]


def pick(row: Mapping[str, Any] | object, field: str) -> tuple[str, str]:
    """The text as `in_language` gives it, and the language it is in."""
    first = _current.get()
    for language in (first, "en" if first == "sv" else "sv"):
        name = f"{field}_{language}"
        value = row.get(name, "") if isinstance(row, Mapping) else getattr(row, name, "")
        if value:
            return value, language
    return "", first
