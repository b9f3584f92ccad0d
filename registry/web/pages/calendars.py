"""The calendar of an environment, with others beside it if wanted, and the first free times of a length."""

from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from babel.dates import format_date, get_day_names
from litestar import Request, get
from litestar.params import FromPath
from litestar.response import Template
from litestar.types import ControllerRouterHandler
from pydantic import BeforeValidator, Field

from registry.access import Actor
from registry.bookings import queries
from registry.bookings.free_times import FreeTime, Wish
from registry.bookings.openings import midnight
from registry.bookings.queries import DayTimes
from registry.entries import queries as entries
from registry.entries.queries import EntryView
from registry.errors import N_, FieldError, InvalidInput, NotFound, invalid, message
from registry.web import language
from registry.web.authentication import CurrentActor
from registry.web.calendar import booking_url, day_rows, summary, summary_rows
from registry.web.input import BlankIsNone, Day, Input, Line, read_query
from registry.web.rendering import page

AnyRequest = Request[Any, Any, Any]
MOST_BESIDE = 5
_WEEK = 7
_SUNDAY = 6


def _with_point(value: object) -> object:
    """A number with a decimal comma is understood too."""
    return value.replace(",", ".") if isinstance(value, str) else value


Hours = Annotated[Decimal, Field(ge=Decimal("0.1"), le=8760, decimal_places=2), BeforeValidator(_with_point)]


class CalendarQuery(Input):
    """What the address of a calendar says; `from`, `hours` and what follows ask for the first free times."""

    view: Literal["week", "month"] = "week"
    date: Day | None = None
    with_: Annotated[str, Field(alias="with", max_length=600)] = ""
    add: Line = ""
    hours: Annotated[Hours | None, BlankIsNone] = None
    from_: Annotated[Day | None, Field(alias="from")] = None
    weekday: list[Annotated[int, Field(ge=1, le=7)]] = Field(default_factory=list, max_length=7)
    opens: Annotated[time | None, BlankIsNone] = None
    closes: Annotated[time | None, BlankIsNone] = None

    @property
    def beside(self) -> list[str]:
        """The slugs of the environments beside the first, each once."""
        return list(dict.fromkeys(slug for slug in (*self.with_.split(","), self.add) if slug.strip()))


@dataclass(frozen=True)
class _Place:
    """Where in time and in what company a calendar is shown; makes the addresses of its neighbours."""

    slug: str
    beside: tuple[str, ...]
    view: str
    day: date

    def url(self, **changed: object) -> str:
        values: dict[str, object] = {"view": self.view, "date": self.day, "with": ",".join(self.beside), **changed}
        pairs = [(name, value) for name, value in values.items() if value]
        return f"/environments/{self.slug}/calendar?{urlencode(pairs)}"

    @property
    def first(self) -> date:
        """The first day that is shown: a Monday, or the first of the month."""
        return self.day - timedelta(days=self.day.weekday()) if self.view == "week" else self.day.replace(day=1)

    @property
    def days(self) -> int:
        return _WEEK if self.view == "week" else monthrange(self.day.year, self.day.month)[1]

    @property
    def before(self) -> date:
        return (self.first - timedelta(days=1)) if self.view == "month" else self.first - timedelta(days=_WEEK)

    @property
    def after(self) -> date:
        return self.first + timedelta(days=self.days)

    @property
    def heading(self) -> str:
        locale = language.current_language()
        if self.view == "month":
            return format_date(self.day, "LLLL y", locale=locale).capitalize()
        last = self.first + timedelta(days=_WEEK - 1)
        span = f"{language.show_date(self.first)} – {language.show_date(last)}"
        return language.gettext(N_("Week %(week)s, %(days)s")) % {"week": self.first.isocalendar().week, "days": span}


@get("/environments/{slug:str}/calendar", include_in_schema=False)
async def calendar_page(request: AnyRequest, actor: CurrentActor, slug: FromPath[str]) -> Template:
    """A week or a month of an environment, and of up to four others beside it."""
    errors: list[FieldError] = []
    try:
        wanted = read_query(request, CalendarQuery, ignore_unknown=True)
    except InvalidInput as error:
        errors, wanted = (
            error.errors,
            CalendarQuery.model_validate({"with": request.query_params.get("with", "")[:600]}),
        )
    environments, missing = await _environments(actor, slug, wanted.beside)
    errors += missing
    today = datetime.now(language.STOCKHOLM).date()
    place = _Place(
        slug, tuple(one.slug for one in environments[1:]), wanted.view, max(wanted.date or today, today.replace(day=1))
    )
    found: list[FreeTime] | None = None
    try:
        found = await _first_free(environments, wanted)
    except InvalidInput as error:
        errors += error.errors
    return page(
        request,
        "calendars/calendar.html",
        status=InvalidInput.status if errors else 200,
        environment=environments[0],
        environments=environments,
        place=place,
        today=today,
        **await _table(environments, place),
        others=await _others(actor, environments) if len(environments) < MOST_BESIDE else [],
        typed=_typed(request),
        weekday_names=weekday_names(),
        weekday_options=[(number, long) for number, (_, long) in enumerate(weekday_names(), start=1)],
        columns=[
            (language.in_language(one, "title"), f"/entries/{one.slug}" if number else None)
            for number, one in enumerate(environments)
        ],
        found=None
        if found is None
        else [(one, booking_url(one.environment, one.starts_at, one.ends_at)) for one in found],
        errors=language.say_errors(errors),
        breadcrumbs=[
            ("/search", language.gettext("Search")),
            (f"/entries/{slug}", language.in_language(environments[0], "title")),
            (None, language.gettext("Calendar")),
        ],
    )


async def _environments(actor: Actor, slug: str, beside: list[str]) -> tuple[list[EntryView], list[FieldError]]:
    wanted = [slug, *(one for one in beside if one != slug)]
    found = await entries.environments_by_slug(actor, wanted[: MOST_BESIDE + 1])
    if slug not in found:
        raise NotFound
    errors = [
        FieldError("add", message(N_("There is no environment “%(slug)s” that you can see."), slug=one))
        for one in wanted[: MOST_BESIDE + 1]
        if one not in found
    ]
    shown = [found[one] for one in wanted if one in found]
    if len(wanted) > MOST_BESIDE:
        errors.append(
            FieldError("add", message(N_("At most %(most)s environments can be shown at once."), most=MOST_BESIDE))
        )
    return shown[:MOST_BESIDE], errors


async def _table(environments: list[EntryView], place: _Place) -> dict[str, Any]:
    tables = await queries.timetables(environments, place.first, place.days)
    if place.view == "week":
        return {"rows": day_rows(environments, tables), "weeks": None}
    if len(environments) > 1:
        return {"rows": summary_rows(environments, tables, lambda day: place.url(view="week", date=day)), "weeks": None}
    return {"rows": None, "weeks": month_weeks(tables[environments[0].id], place)}


def month_weeks(days: list[DayTimes], place: _Place) -> list[dict[str, Any]]:
    """The days of a month in whole weeks, for the macro `month_grid`."""
    slots = {one.day: [summary(one, place.url(view="week", date=one.day) + "#table")] for one in days}
    weeks = whole_weeks(days[0].day, days[-1].day, slots)
    # Weeks that have passed altogether say nothing.
    this_week = datetime.now(language.STOCKHOLM).date().isocalendar()[:2]
    return [week for week in weeks if week["year_and_number"] >= this_week]


def whole_weeks(first: date, last: date, slots: dict[date, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Days with their slots in whole weeks; days outside `first` to `last` only fill the weeks up."""
    monday = first - timedelta(days=first.weekday())
    count = ((last - monday).days // _WEEK + 1) * _WEEK
    all_days = [monday + timedelta(days=offset) for offset in range(count)]
    return [
        {
            "number": week[0].isocalendar().week,
            "year_and_number": week[0].isocalendar()[:2],
            "days": [
                {
                    "number": day.day,
                    "label": language.show_date(day),
                    "is_other": not first <= day <= last,
                    "slots": slots.get(day, []),
                }
                for day in week
            ],
        }
        for week in (all_days[at : at + _WEEK] for at in range(0, count, _WEEK))
    ]


def weekday_names() -> list[tuple[str, str]]:
    """The names of the days from Monday on, short and long."""
    locale = language.current_language()
    short, long = get_day_names("abbreviated", locale=locale), get_day_names("wide", locale=locale)
    return [(short[number], long[number]) for number in range(_SUNDAY + 1)]


async def _first_free(environments: list[EntryView], wanted: CalendarQuery) -> list[FreeTime] | None:
    """None where it has not been asked for; raises InvalidInput where no environment takes bookings of that length."""
    if wanted.hours is None:
        return None
    minutes = int(wanted.hours * 60)
    if not any(one.shortest <= minutes <= one.longest for one in environments):
        shortest, longest = min(one.shortest for one in environments), max(one.longest for one in environments)
        raise invalid(
            "hours",
            N_("A booking here is between %(shortest)s and %(longest)s. Choose another length."),
            shortest=language.show_duration(shortest),
            longest=language.show_duration(longest),
        )
    opens, closes = wanted.opens or time(0), wanted.closes or time(0)
    if closes != time(0) and closes <= opens:
        raise invalid("closes", N_("The end must come after the start."))
    start = max(midnight(wanted.from_), datetime.now(UTC)) if wanted.from_ else datetime.now(UTC)
    wish = Wish(start, frozenset(wanted.weekday), opens.replace(tzinfo=None), closes.replace(tzinfo=None))
    return await queries.first_free(environments, minutes, wish)


def _typed(request: AnyRequest) -> dict[str, Any]:
    values: dict[str, Any] = {name: request.query_params.get(name, "") for name in ("hours", "from", "opens", "closes")}
    return {**values, "weekday": request.query_params.getall("weekday", [])}


async def _others(actor: Actor, environments: list[EntryView]) -> list[tuple[str, str]]:
    """Environments that can be put beside these: their wholes and parts first, then others of the same area."""
    shown = {one.slug for one in environments}
    found = await entries.environments_beside(actor, environments[0].id)
    return [(one.slug, language.in_language(one, "title")) for one in found if one.slug not in shown]


HANDLERS: list[ControllerRouterHandler] = [calendar_page]
