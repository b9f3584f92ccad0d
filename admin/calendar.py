"""The calendar of an environment, as its hosts keep it: the overview, and one form for each kind of change."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from babel.dates import get_day_names
from litestar import Request, get, post
from litestar.params import FromPath
from litestar.response import Redirect, Template
from litestar.types import ControllerRouterHandler

from admin import calendar_forms as forms
from admin.coordination import DESK, LARGEST_ID, editable_environment
from admin.hours_forms import hour_rows, hour_values
from admin.sent_forms import NOT_SENT, Sent, or_again, parse_form
from registry.access import Actor
from registry.bookings import blackouts, hosting, queries
from registry.bookings.openings import closed_on, day_openings, midnight
from registry.bookings.timetables import Status
from registry.entries import calendar_service as service
from registry.entries.almanac import holiday
from registry.entries.calendars import Calendar, Closure
from registry.entries.queries import EntryView
from registry.errors import N_, EditedMeanwhile, NotFound
from registry.web import language
from registry.web.authentication import CurrentActor
from registry.web.calendar import closed_words, part_words, show_span
from registry.web.input import Input, form_values
from registry.web.pages.calendars import weekday_names, whole_weeks
from registry.web.pages.entries import opening_lines
from registry.web.rendering import go_to, page

AnyRequest = Request[Any, Any, Any]
CALENDAR = f"{DESK}/{{entry_id:int}}/calendar"
PREVIEW_DAYS = 42


@get(CALENDAR, include_in_schema=False)
async def overview(request: AnyRequest, actor: CurrentActor, entry_id: FromPath[int]) -> Template:
    """Everything that makes up the calendar, and what follows from it in the coming weeks."""
    entry = await editable_environment(actor, entry_id)
    now = datetime.now(UTC)
    found = (await queries.blackouts_of([entry_id], now))[entry_id]
    own = [one for one in found if one.environment == entry_id]
    return page(
        request,
        "desk/calendar.html",
        entry=entry,
        week=opening_lines(entry.opening_hours),
        seasons=[(season, opening_lines(list(season.openings))) for season in entry.calendar.seasons],
        closures=[one for one in entry.calendar.closures if one.ends_at > now],
        open_days=[
            (one, holiday(one.day)) for one in entry.calendar.open_days if one.day >= language.local(now).date()
        ],
        blackouts=[(one, await _touched(actor, entry_id, one.starts_at, one.ends_at)) for one in own],
        others=[one for one in found if one.environment != entry_id],
        weekday_names=weekday_names(),
        weeks=_preview(entry.calendar, found, now),
        breadcrumbs=_breadcrumbs(entry),
    )


def _preview(calendar: Calendar, spans: Sequence[queries.Blackout], now: datetime) -> list[dict[str, Any]]:
    today = language.local(now).date()
    days = [today + timedelta(days=offset) for offset in range(PREVIEW_DAYS - today.weekday())]
    slots: dict[Any, list[dict[str, Any]]] = {}
    for day in days:
        closed = closed_on(calendar, day)
        status, words = (
            ("closed", closed_words(closed))
            if closed
            else ("open", ", ".join(show_span(*opening) for opening in day_openings(calendar, day)))
        )
        blocked = [
            one for one in spans if one.starts_at < midnight(day + timedelta(days=1)) and one.ends_at > midnight(day)
        ]
        slots[day] = [
            {"label": "", "words": words, "status": status, "href": None},
            *(
                {"label": "", "words": part_words(Status.BLACKOUT, one.reason), "status": "blackout", "href": None}
                for one in blocked
            ),
        ]
    return whole_weeks(days[0], days[-1], slots)


async def _touched(actor: Actor, entry_id: int, starts_at: datetime, ends_at: datetime) -> list[dict[str, Any]]:
    ids = await blackouts.bookings_touched(entry_id, starts_at, ends_at)
    return await queries.bookings_in_the_way(actor, ids) if ids else []


@dataclass(frozen=True)
class _Form:
    """A form of the calendar: its model, its template and its heading."""

    model: type[Input]
    template: str
    title: str


_FORMS: Mapping[str, _Form] = {
    "week": _Form(forms.WeekForm, "desk/calendar_week.html", N_("Opening hours in the ordinary week")),
    "season": _Form(forms.SeasonForm, "desk/calendar_season.html", N_("A season with other opening hours")),
    "holidays": _Form(forms.HolidaysForm, "desk/calendar_holidays.html", N_("Holidays")),
    "open-days": _Form(forms.OpenDayForm, "desk/calendar_open_day.html", N_("Open on a holiday")),
    "closures": _Form(forms.IntervalForm, "desk/calendar_interval.html", N_("Closed for a time")),
    "blackouts": _Form(forms.IntervalForm, "desk/calendar_interval.html", N_("Let nothing be booked for a time")),
}


@get(f"{CALENDAR}/week", include_in_schema=False)
async def week_page(request: AnyRequest, actor: CurrentActor, entry_id: FromPath[int]) -> Template:
    """The form of the ordinary week."""
    return await _week(request, actor, entry_id, NOT_SENT)


@post(f"{CALENDAR}/week", include_in_schema=False)
async def save_week(request: AnyRequest, actor: CurrentActor, entry_id: FromPath[int]) -> Redirect | Template:
    """Replace the ordinary week."""
    await editable_environment(actor, entry_id)
    raw = await form_values(request, forms.WeekForm)

    async def act() -> Redirect:
        form = parse_form(forms.WeekForm, raw)
        await service.set_week(actor, entry_id, form.openings(), read_version=form.version)
        return _done(entry_id)

    return await or_again(raw, act, partial(_week, request, actor, entry_id))


async def _week(request: AnyRequest, actor: Actor, entry_id: int, sent: Sent) -> Template:
    entry = await editable_environment(actor, entry_id)
    before = {"version": entry.version, **hour_values(entry.opening_hours)}
    return _form(request, "week", entry, sent, before, stored=opening_lines(entry.opening_hours))


@get([f"{CALENDAR}/seasons/new", f"{CALENDAR}/seasons/{{season_id:int}}"], include_in_schema=False)
async def season_page(
    request: AnyRequest, actor: CurrentActor, entry_id: FromPath[int], season_id: FromPath[int | None] = None
) -> Template:
    """The form of a season."""
    return await _season(request, actor, entry_id, season_id, NOT_SENT)


@post([f"{CALENDAR}/seasons/new", f"{CALENDAR}/seasons/{{season_id:int}}"], include_in_schema=False)
async def save_season(
    request: AnyRequest, actor: CurrentActor, entry_id: FromPath[int], season_id: FromPath[int | None] = None
) -> Redirect | Template:
    """Add or change a season."""
    await editable_environment(actor, entry_id)
    raw = await form_values(request, forms.SeasonForm)

    async def act() -> Redirect:
        form = parse_form(forms.SeasonForm, raw)
        await service.save_season(actor, entry_id, form.season(season_id), read_version=form.version)
        return _done(entry_id)

    return await or_again(raw, act, partial(_season, request, actor, entry_id, season_id))


async def _season(request: AnyRequest, actor: Actor, entry_id: int, season_id: int | None, sent: Sent) -> Template:
    entry = await editable_environment(actor, entry_id)
    season = next((one for one in entry.calendar.seasons if one.id == season_id), None) if season_id else None
    if season_id and season is None:
        raise NotFound
    lines = opening_lines(list(season.openings)) if season else []
    return _form(
        request, "season", entry, sent, forms.season_values(season, entry.version), season=season, stored=lines
    )


@get(f"{CALENDAR}/holidays", include_in_schema=False)
async def holidays_page(request: AnyRequest, actor: CurrentActor, entry_id: FromPath[int]) -> Template:
    """The form of the holidays."""
    return await _holidays(request, actor, entry_id, NOT_SENT)


@post(f"{CALENDAR}/holidays", include_in_schema=False)
async def save_holidays(request: AnyRequest, actor: CurrentActor, entry_id: FromPath[int]) -> Redirect | Template:
    """Say on which holidays it is closed."""
    await editable_environment(actor, entry_id)
    raw = await form_values(request, forms.HolidaysForm)

    async def act() -> Redirect:
        form = parse_form(forms.HolidaysForm, raw)
        await service.set_holidays(
            actor,
            entry_id,
            closed_on_holidays=form.closed_on_holidays,
            closed_on_eves=form.closed_on_eves,
            read_version=form.version,
        )
        return _done(entry_id)

    return await or_again(raw, act, partial(_holidays, request, actor, entry_id))


async def _holidays(request: AnyRequest, actor: Actor, entry_id: int, sent: Sent) -> Template:
    entry = await editable_environment(actor, entry_id)
    calendar = entry.calendar
    before = {
        "version": entry.version,
        "closed_on_holidays": "true" if calendar.closed_on_holidays else "",
        "closed_on_eves": "true" if calendar.closed_on_eves else "",
    }
    today = datetime.now(language.STOCKHOLM).date()
    days = (today + timedelta(days=offset) for offset in range(366))
    coming = [(day, name) for day in days if (name := holiday(day))]
    return _form(request, "holidays", entry, sent, before, coming=coming)


@get(f"{CALENDAR}/open-days/new", include_in_schema=False)
async def open_day_page(request: AnyRequest, actor: CurrentActor, entry_id: FromPath[int]) -> Template:
    """The form of a day that is open in spite of a holiday."""
    return await _open_day(request, actor, entry_id, NOT_SENT)


@post(f"{CALENDAR}/open-days/new", include_in_schema=False)
async def add_open_day(request: AnyRequest, actor: CurrentActor, entry_id: FromPath[int]) -> Redirect | Template:
    """Open a single day."""
    await editable_environment(actor, entry_id)
    raw = await form_values(request, forms.OpenDayForm)

    async def act() -> Redirect:
        await service.add_open_day(actor, entry_id, parse_form(forms.OpenDayForm, raw).open_day())
        return _done(entry_id)

    return await or_again(raw, act, partial(_open_day, request, actor, entry_id))


async def _open_day(request: AnyRequest, actor: Actor, entry_id: int, sent: Sent) -> Template:
    return _form(request, "open-days", await editable_environment(actor, entry_id), sent, None)


@get([f"{CALENDAR}/closures/new", f"{CALENDAR}/blackouts/new"], include_in_schema=False)
async def interval_page(request: AnyRequest, actor: CurrentActor, entry_id: FromPath[int]) -> Template:
    """The form of a closure or of a blackout."""
    return await _interval(request, actor, entry_id, NOT_SENT)


@post([f"{CALENDAR}/closures/new", f"{CALENDAR}/blackouts/new"], include_in_schema=False)
async def add_interval(request: AnyRequest, actor: CurrentActor, entry_id: FromPath[int]) -> Redirect | Template:
    """Close for a time, or let nothing be booked; where that touches bookings, show them before it is saved."""
    await editable_environment(actor, entry_id)
    raw = await form_values(request, forms.IntervalForm)
    touched: list[dict[str, Any]] = []

    async def act() -> Redirect | Template:
        form = parse_form(forms.IntervalForm, raw)
        starts_at, ends_at = form.moments()
        service.require_interval(starts_at < ends_at, form.reason)
        touched[:] = await _touched(actor, entry_id, starts_at, ends_at)
        # What has been seen is what is saved: another interval or another booking is shown anew.
        seen = f"{starts_at.isoformat()} {ends_at.isoformat()} {len(touched)}"
        if touched and form.seen != seen:
            return await _interval(request, actor, entry_id, Sent({**raw, "seen": seen}), touched)
        if _kind(request) == "blackouts":
            await hosting.set_blackout(actor, entry_id, starts_at, ends_at, form.reason)
        else:
            await service.add_closure(actor, entry_id, Closure(starts_at, ends_at, form.reason_sv, form.reason_en))
        return _done(entry_id)

    return await or_again(raw, act, partial(_interval, request, actor, entry_id))


async def _interval(
    request: AnyRequest, actor: Actor, entry_id: int, sent: Sent, touched: list[dict[str, Any]] | None = None
) -> Template:
    entry = await editable_environment(actor, entry_id)
    kind = _kind(request)
    return _form(request, kind, entry, sent, None, kind=kind, bookings=touched or [])


def _kind(request: AnyRequest) -> str:
    return "blackouts" if "/blackouts/" in request.url.path else "closures"


@post(f"{CALENDAR}/seasons/{{row_id:int}}/remove", include_in_schema=False)
async def remove_season(
    request: AnyRequest, actor: CurrentActor, entry_id: FromPath[int], row_id: FromPath[int]
) -> Redirect:
    """Remove a season."""
    await editable_environment(actor, entry_id)
    _require_id(row_id)
    form = parse_form(forms.VersionForm, await form_values(request, forms.VersionForm))
    await service.remove_season(actor, entry_id, row_id, read_version=form.version)
    return _done(entry_id)


@post(f"{CALENDAR}/closures/{{row_id:int}}/remove", include_in_schema=False)
async def remove_closure(actor: CurrentActor, entry_id: FromPath[int], row_id: FromPath[int]) -> Redirect:
    """Be open again as usual."""
    await editable_environment(actor, entry_id)
    _require_id(row_id)
    await service.remove_closure(actor, entry_id, row_id)
    return _done(entry_id)


@post(f"{CALENDAR}/blackouts/{{row_id:int}}/remove", include_in_schema=False)
async def remove_blackout(actor: CurrentActor, entry_id: FromPath[int], row_id: FromPath[int]) -> Redirect:
    """Let the time be booked again."""
    await editable_environment(actor, entry_id)
    _require_id(row_id)
    await hosting.remove_blackout(actor, entry_id, row_id)
    return _done(entry_id)


@post(f"{CALENDAR}/open-days/{{row_id:int}}/remove", include_in_schema=False)
async def remove_open_day(actor: CurrentActor, entry_id: FromPath[int], row_id: FromPath[int]) -> Redirect:
    """Let a day be a holiday like others again."""
    await editable_environment(actor, entry_id)
    _require_id(row_id)
    await service.remove_open_day(actor, entry_id, row_id)
    return _done(entry_id)


def _require_id(row_id: int) -> None:
    if not 0 < row_id <= LARGEST_ID:
        raise NotFound


def _done(entry_id: int) -> Redirect:
    return go_to(f"{DESK}/{entry_id}/calendar", "calendar-changed")


def _form(
    request: AnyRequest, name: str, entry: EntryView, sent: Sent, before: dict[str, Any] | None, **more: object
) -> Template:
    form = _FORMS[name]
    values = sent.values(form.model, before)
    if sent.problem == EditedMeanwhile.type:
        # Saving again is now a decision that is made knowing what is stored.
        values["version"] = entry.version
    days = get_day_names("wide", locale=language.current_language())
    title = language.gettext(form.title)
    return page(
        request,
        form.template,
        status=sent.status,
        entry=entry,
        form=values,
        title=title,
        edited_meanwhile=sent.problem == EditedMeanwhile.type,
        hours=[(day, days[day - 1], rows) for day, rows in hour_rows(values)] if "opens_1" in values else [],
        errors=sent.shown,
        breadcrumbs=_breadcrumbs(entry, title),
        **more,
    )


def _breadcrumbs(entry: EntryView, *titles: str) -> list[tuple[str | None, str]]:
    calendar = f"{DESK}/{entry.id}/calendar" if titles else None
    return [
        (DESK, language.gettext("Entries desk")),
        (f"{DESK}/{entry.id}", language.in_language(entry.row, "title")),
        (calendar, language.gettext("Calendar")),
        *((None, title) for title in titles),
    ]


HANDLERS: list[ControllerRouterHandler] = [
    overview,
    week_page,
    save_week,
    season_page,
    save_season,
    holidays_page,
    save_holidays,
    open_day_page,
    add_open_day,
    interval_page,
    add_interval,
    remove_season,
    remove_closure,
    remove_blackout,
    remove_open_day,
]
