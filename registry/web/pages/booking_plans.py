"""The time step of a request for more than one time or place: what is wished, and a check ahead of every time."""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import Annotated, Any, Protocol

from litestar import Request
from litestar.response import Redirect, Template

from registry.access import Actor, Role
from registry.bookings import holds, queries, series, series_drafts, series_view, service
from registry.bookings.codes import Forecast, Frequency, MonthlyBy
from registry.bookings.look_ahead import Verdict
from registry.bookings.queries import BookingView
from registry.bookings.recurrence import SeriesRule
from registry.bookings.requests import BookingText
from registry.bookings.states import BookingState
from registry.entries import queries as entries
from registry.entries.codes import Audience
from registry.entries.queries import EntryView
from registry.errors import N_, DomainError, FieldError, InvalidInput, TimeTaken, invalid
from registry.web import language
from registry.web.calendar import day_rows
from registry.web.input import BlankIsNone, Day, Input, Line, LongText, parse
from registry.web.labels import label, options
from registry.web.rendering import go_to, page
from registry.web.series_words import weekday

AnyRequest = Request[Any, Any, Any]
STEP_LABELS = (N_("Time"), N_("What you will test"), N_("Benefit"), N_("Terms"), N_("Check and send"))
MOST_PLACES = 20
# Each choice of how to repeat, as what it keeps.
_REPEATS: Mapping[str, tuple[Frequency, MonthlyBy]] = {
    "weekly": (Frequency.WEEKLY, MonthlyBy.DATE),
    "daily": (Frequency.DAILY, MonthlyBy.DATE),
    "date": (Frequency.MONTHLY, MonthlyBy.DATE),
    "weekday": (Frequency.MONTHLY, MonthlyBy.WEEKDAY),
    "last_weekday": (Frequency.MONTHLY, MonthlyBy.LAST_WEEKDAY),
}
_FORECAST_TONES = {Forecast.FITS: "good", Forecast.TAKEN: "bad", Forecast.CLOSED: "bad"}


class Places(Input):
    """Further environments of an address: those chosen, and words of those looked for."""

    also: list[Line] = []  # noqa: RUF012  # Pydantic copies it
    find: Line = ""


class MoreTimes(Input):
    """What the first step asks for beside one time and place."""

    also: list[Line] = []  # noqa: RUF012  # Pydantic copies it
    repeat: Line = ""
    interval: Annotated[int | None, BlankIsNone] = None
    weekdays: list[int] = []  # noqa: RUF012  # Pydantic copies it
    until: Annotated[Day | None, BlankIsNone] = None
    count: Annotated[int | None, BlankIsNone] = None
    exceptions: LongText = ""
    partial: bool = False
    do: Line = ""


class ShowTimes(Protocol):
    """Shows the first step again, with what is wrong or in the way."""

    def __call__(
        self, *, errors: list[FieldError] | None = None, clash: DomainError | None = None
    ) -> Awaitable[Template]: ...


def step_labels() -> list[str]:
    """What the steps of a request are called."""
    return [language.gettext(text) for text in STEP_LABELS]


def is_more(raw: Mapping[str, Any]) -> bool:
    """Whether a form of the first step asks for more than one time and place."""
    return bool(raw.get("repeat") or raw.get("also") or raw.get("do"))


async def plan(
    request: AnyRequest,
    actor: Actor,
    raw: dict[str, Any],
    *,
    when: Callable[[], tuple[datetime, datetime]],
    text: BookingText,
    show: ShowTimes,
    view: BookingView | None = None,
) -> Redirect | Template:
    """Check what is wished ahead and show it; keep it as a draft once the person has seen it.

    `when` reads the first time, `text` says what the request says already, `view` is the draft where there is one.
    """
    try:
        form = parse(MoreTimes, {name: raw[name] for name in MoreTimes.model_fields if name in raw})
        if form.do == "change":
            return await show()
        starts_at, ends_at = when()
        slugs = tuple(dict.fromkeys([str(raw.get("environment", "")), *form.also]))
        wished = replace(text, environments=slugs, starts_at=starts_at, ends_at=ends_at)
        rule = _rule(form)
        found = await series.check(actor, wished, rule, organisation_id=_organisation(view))
        if rule is None:
            _require_fit(found.verdicts[0])
            return go_to(f"/bookings/{await _keep_one(actor, wished, view)}/edit/{_next(view)}")
        if form.do != "keep":
            return _check_page(request, raw, found)
    except InvalidInput as error:
        return await show(errors=[FieldError(_own_name(fault.field), fault.message) for fault in error.errors])
    except TimeTaken as error:
        return await show(clash=error)
    return await _keep(request, actor, raw, wished, rule, form=form, view=view)


def _organisation(view: BookingView | None) -> int | None:
    return view.booking.organisation if view else None


def _next(view: BookingView | None) -> str:
    return "review" if view and view.booking.purpose and view.booking.user_benefit else "test"


def _require_fit(verdict: Verdict) -> None:
    if verdict.forecast is Forecast.TAKEN:
        raise TimeTaken(verdict.reason or holds.TAKEN, verdict.alternatives)
    if verdict.reason is not None:
        raise InvalidInput([FieldError("starts", verdict.reason)])


async def _keep_one(actor: Actor, wished: BookingText, view: BookingView | None) -> object:
    if view is None:
        return await service.create_booking(actor, wished)
    if view.booking.series and view.booking.state == BookingState.DRAFT:
        return await series_drafts.replace_draft(actor, view.booking.id, wished, None)
    await service.change_booking(actor, view.booking.id, wished)
    return view.booking.id


async def _keep(
    request: AnyRequest,
    actor: Actor,
    raw: dict[str, Any],
    wished: BookingText,
    rule: SeriesRule,
    *,
    form: MoreTimes,
    view: BookingView | None,
) -> Redirect | Template:
    try:
        if view is None:
            made = await series.create_series(actor, wished, rule, partial=form.partial)
            first = made.changed[0]
        else:
            first = await series_drafts.replace_draft(actor, view.booking.id, wished, rule, partial=form.partial)
    except DomainError as error:
        if error.status != DomainError.status:
            raise
        found = await series.check(actor, wished, rule, organisation_id=_organisation(view))
        return _check_page(request, raw, found, clash=error)
    return go_to(f"/bookings/{first}/edit/{_next(view)}")


def _rule(form: MoreTimes) -> SeriesRule | None:
    if not form.repeat:
        return None
    if form.repeat not in _REPEATS:
        raise invalid("repeat", N_("Choose one of the given values."))
    frequency, monthly_by = _REPEATS[form.repeat]
    return SeriesRule(
        frequency=frequency,
        every=1 if form.interval is None else form.interval,
        weekdays=frozenset(form.weekdays) if frequency is not Frequency.MONTHLY else frozenset(),
        monthly_by=monthly_by,
        until=form.until,
        count=form.count,
        exceptions=_days(form.exceptions),
    )


def _days(text: str) -> frozenset[date]:
    days = set()
    for word in re.split(r"[\s,;]+", text.strip()):
        try:
            if word:
                days.add(date.fromisoformat(word))
        except ValueError:
            raise invalid(
                "exceptions", N_("Write each day as year-month-day, like 2027-04-02, with commas between.")
            ) from None
    return frozenset(days)


def _own_name(field: str) -> str:
    """The field of the form that a fault of a rule is about."""
    name = field.removeprefix("series.")
    return {"series": "repeat", "monthly_by": "repeat", "ends_at": "ends", "starts_at": "starts"}.get(name, name)


def _check_page(
    request: AnyRequest, raw: Mapping[str, Any], found: series.Check, *, clash: DomainError | None = None
) -> Template:
    fitting = sum(verdict.fits for verdict in found.verdicts)
    return page(
        request,
        "bookings/series_check.html",
        status=409 if clash else 200,
        environments=found.environments,
        environment=found.environments[0],
        rows=verdict_rows(found.verdicts),
        fitting=fitting,
        total=len(found.verdicts),
        skipped=[f"{month:%Y-%m}" for month in found.expansion.skipped_months],
        hidden=_hidden(raw),
        step_labels=step_labels(),
        clash={"title": language.gettext(clash.title), "detail": language.say(clash.detail)} if clash else None,
        breadcrumbs=[("/bookings", language.gettext("Bookings")), (None, language.gettext("New booking"))],
    )


def _hidden(raw: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What was typed, to be sent along; what the page itself asks is left out."""
    pairs: list[tuple[str, str]] = []
    for name, value in raw.items():
        if name not in {"do", "partial"}:
            pairs += [(name, str(one)) for one in (value if isinstance(value, list) else [value])]
    return pairs


def verdict_rows(verdicts: list[Verdict]) -> list[dict[str, Any]]:
    """Times for the table of a check ahead: what is to be expected in words, why, and what is free instead."""
    return [
        {
            "day": verdict.occurrence.day,
            "times": verdict.occurrence.times,
            "note": language.say(verdict.occurrence.note) if verdict.occurrence.note else "",
            "words": label(verdict.forecast.value, "forecast"),
            "tone": _FORECAST_TONES.get(verdict.forecast, "warning"),
            "reason": language.say(verdict.reason) if verdict.reason else "",
            "alternatives": [
                {
                    "starts_at": datetime.fromisoformat(one["starts_at"]),
                    "ends_at": datetime.fromisoformat(one["ends_at"]),
                    "slug": one["environment"],
                    "title": one["title"],
                }
                for one in verdict.alternatives[:4]
            ],
        }
        for verdict in verdicts
    ]


async def more_context(request: AnyRequest, environment: EntryView, values: Mapping[str, Any]) -> dict[str, Any]:
    """What the first step shows beside one time and place; `values` are those typed, or the draft's columns."""
    actor: Actor = request.user
    find = request.query_params.get("find", "")[:200]
    chosen = await _chosen(request, actor, environment, values)
    audience = Audience.EXTERNAL if Role.FIRM in actor.roles else Audience.EMPLOYEE
    suggested = await entries.environments_to_add(actor, environment.id, audience.value, find)
    names = {slug: language.in_language(one.row, "title") for slug, one in chosen.items()}
    names |= {one.slug: language.in_language(one, "title") for one in suggested}
    return {
        "also": list(chosen),
        "find": find,
        "place_options": list(names.items()),
        "columns": [(language.in_language(one.row, "title"), None) for one in [environment, *chosen.values()]]
        if chosen
        else [(language.gettext("Times"), None)],
        "repeat": await _repeated(actor, values),
        "repeat_options": options("repeat"),
        "weekday_options": [(number, weekday(number)) for number in range(1, 8)],
        "places_query": "".join(f"&also={slug}" for slug in chosen),
        "places": [environment, *chosen.values()],
    }


async def _chosen(
    request: AnyRequest, actor: Actor, environment: EntryView, values: Mapping[str, Any]
) -> dict[str, EntryView]:
    slugs = request.query_params.getall("also", []) or values.get("also")
    if slugs is None and values.get("environment_ids"):
        slugs = [one.slug for one in (await entries.environments_by_id(values["environment_ids"])).values()]
    if "find" in request.query_params:
        slugs = request.query_params.getall("also", [])
    wanted = [slug for slug in dict.fromkeys(slugs or []) if slug != environment.slug][: MOST_PLACES - 1]
    found = await entries.environments_by_slug(actor, wanted)
    return {slug: found[slug] for slug in wanted if slug in found}


async def _repeated(actor: Actor, values: Mapping[str, Any]) -> dict[str, Any]:
    """How it comes back, as typed; or as the series of the draft says."""
    names = ("repeat", "interval", "weekdays", "until", "count", "exceptions")
    if "repeat" in values or not values.get("series"):
        return {name: values.get(name) or "" for name in names}
    rule = (await series_view.get_series(actor, values["series"])).rule
    kept = (rule.frequency, rule.monthly_by)
    return {
        "repeat": next(code for code, pair in _REPEATS.items() if pair == kept),
        "interval": rule.every,
        "weekdays": sorted(rule.weekdays),
        "until": rule.until or "",
        "count": rule.count or "",
        "exceptions": ", ".join(day.isoformat() for day in sorted(rule.exceptions)),
    }


async def side_by_side(places: list[EntryView], first: date, days: int) -> list[dict[str, Any]]:
    """Free times of several environments beside each other."""
    return day_rows(places, await queries.timetables(places, first, days))
