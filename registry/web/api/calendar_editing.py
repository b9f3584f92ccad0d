"""The calendar of an environment over the API, with the commands of the host's pages.

What replaces something names the version that was read, as If-Match; what only adds something or takes it away again
needs none, since nothing of anybody's is lost by it. Every change answers with the calendar as it is afterwards.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from litestar import Response, delete, get, post, put
from litestar.params import FromPath, JSONBody
from litestar.types import ControllerRouterHandler

from registry.access import Actor, require_signed_in
from registry.bookings import hosting
from registry.entries import calendar_service as service
from registry.entries import rules
from registry.entries.calendars import Closure, OpenDay
from registry.entries.queries import EntryView
from registry.errors import FieldError, InvalidInput, NotFound, NotPermitted
from registry.web.api.calendar_bodies import HolidaysBody, HoursBody, IntervalBody, OpenDayBody, SeasonBody
from registry.web.api.calendar_shapes import Added, CalendarShape, bookings_in, whole_calendar
from registry.web.api.calendars import environment_of
from registry.web.api.versions import VERSION_REFUSALS, IfMatch, as_precondition, etag, required_version
from registry.web.authentication import API_PREFIX, CurrentActor

CALENDAR = f"{API_PREFIX}/environments/{{slug:str}}/calendar"
LARGEST_ID = 2**63 - 1
_TAGS = ["calendars"]


@get(CALENDAR, tags=_TAGS)
async def get_calendar(actor: CurrentActor, slug: FromPath[str]) -> Response[CalendarShape]:
    """When an environment is open and can be booked; its version is also the answer's ETag."""
    return await _answer(actor, slug)


@put(f"{CALENDAR}/opening-hours", tags=_TAGS, responses=VERSION_REFUSALS)
async def set_week(
    actor: CurrentActor, slug: FromPath[str], data: JSONBody[HoursBody], if_match: IfMatch = None
) -> Response[CalendarShape]:
    """Replace the ordinary week. 412 where somebody else was first, 428 without If-Match."""
    environment = await _editable(actor, slug)
    version = required_version(if_match, environment.version)
    openings = data.openings()
    with as_precondition(if_match), _naming_fields(data):
        await service.set_week(actor, environment.id, openings, read_version=version)
    return await _answer(actor, slug)


@post(f"{CALENDAR}/seasons", tags=_TAGS, responses=VERSION_REFUSALS)
async def add_season(
    actor: CurrentActor, slug: FromPath[str], data: JSONBody[SeasonBody], if_match: IfMatch = None
) -> Response[Added]:
    """Add a season. 412 where somebody else was first, 428 without If-Match."""
    id = await _save_season(actor, slug, data, if_match, None)
    return await _added(actor, slug, id)


@put(f"{CALENDAR}/seasons/{{row_id:int}}", tags=_TAGS, responses=VERSION_REFUSALS)
async def change_season(
    actor: CurrentActor,
    slug: FromPath[str],
    row_id: FromPath[int],
    data: JSONBody[SeasonBody],
    if_match: IfMatch = None,
) -> Response[CalendarShape]:
    """Replace a season and its week. 412 where somebody else was first, 428 without If-Match."""
    await _save_season(actor, slug, data, if_match, _id(row_id))
    return await _answer(actor, slug)


async def _save_season(actor: Actor, slug: str, data: SeasonBody, if_match: str | None, season_id: int | None) -> int:
    environment = await _editable(actor, slug)
    version = required_version(if_match, environment.version)
    with as_precondition(if_match), _naming_fields(data):
        return await service.save_season(actor, environment.id, data.season(season_id), read_version=version)


@delete(f"{CALENDAR}/seasons/{{row_id:int}}", status_code=200, tags=_TAGS, responses=VERSION_REFUSALS)
async def remove_season(
    actor: CurrentActor, slug: FromPath[str], row_id: FromPath[int], if_match: IfMatch = None
) -> Response[CalendarShape]:
    """Remove a season; its days have the ordinary week again. 412 and 428 as for changing it."""
    environment = await _editable(actor, slug)
    version = required_version(if_match, environment.version)
    with as_precondition(if_match):
        await service.remove_season(actor, environment.id, _id(row_id), read_version=version)
    return await _answer(actor, slug)


@put(f"{CALENDAR}/holidays", tags=_TAGS, responses=VERSION_REFUSALS)
async def set_holidays(
    actor: CurrentActor, slug: FromPath[str], data: JSONBody[HolidaysBody], if_match: IfMatch = None
) -> Response[CalendarShape]:
    """Say whether it is closed on Swedish public holidays, and on the eves. 412 and 428 as for the week."""
    environment = await _editable(actor, slug)
    version = required_version(if_match, environment.version)
    with as_precondition(if_match):
        await service.set_holidays(
            actor,
            environment.id,
            closed_on_holidays=data.closed_on_holidays,
            closed_on_eves=data.closed_on_eves,
            read_version=version,
        )
    return await _answer(actor, slug)


@post(f"{CALENDAR}/open-days", tags=_TAGS)
async def add_open_day(actor: CurrentActor, slug: FromPath[str], data: JSONBody[OpenDayBody]) -> Response[Added]:
    """Open a single day in spite of a holiday."""
    environment = await _editable(actor, slug)
    id = await service.add_open_day(actor, environment.id, OpenDay(data.day, data.opens, data.closes))
    return await _added(actor, slug, id)


@delete(f"{CALENDAR}/open-days/{{row_id:int}}", status_code=200, tags=_TAGS)
async def remove_open_day(actor: CurrentActor, slug: FromPath[str], row_id: FromPath[int]) -> Response[CalendarShape]:
    """Let a day be a holiday like others again."""
    environment = await _editable(actor, slug)
    await service.remove_open_day(actor, environment.id, _id(row_id))
    return await _answer(actor, slug)


@post(f"{CALENDAR}/closures", tags=_TAGS)
async def add_closure(actor: CurrentActor, slug: FromPath[str], data: JSONBody[IntervalBody]) -> Response[Added]:
    """Close for an interval. What is booked then stays, and is listed."""
    environment = await _editable(actor, slug)
    reason = data.reason.text
    closure = Closure(data.starts_at, data.ends_at, reason.sv, reason.en)
    with _naming_fields(data):
        id = await service.add_closure(actor, environment.id, closure)
    return await _added(actor, slug, id, data)


@delete(f"{CALENDAR}/closures/{{row_id:int}}", status_code=200, tags=_TAGS)
async def remove_closure(actor: CurrentActor, slug: FromPath[str], row_id: FromPath[int]) -> Response[CalendarShape]:
    """Be open again as usual."""
    environment = await _editable(actor, slug)
    await service.remove_closure(actor, environment.id, _id(row_id))
    return await _answer(actor, slug)


@post(f"{CALENDAR}/blackouts", tags=_TAGS)
async def add_blackout(actor: CurrentActor, slug: FromPath[str], data: JSONBody[IntervalBody]) -> Response[Added]:
    """Let nothing new be booked in an interval, in the environment, its parts and its whole.

    Bookings that hold time then stay, and are listed.
    """
    environment = await _editable(actor, slug)
    with _naming_fields(data):
        id = await hosting.set_blackout(actor, environment.id, data.starts_at, data.ends_at, data.reason.text)
    return await _added(actor, slug, id, data)


@delete(f"{CALENDAR}/blackouts/{{row_id:int}}", status_code=200, tags=_TAGS)
async def remove_blackout(actor: CurrentActor, slug: FromPath[str], row_id: FromPath[int]) -> Response[CalendarShape]:
    """Let the time be booked again."""
    environment = await _editable(actor, slug)
    await hosting.remove_blackout(actor, environment.id, _id(row_id))
    return await _answer(actor, slug)


async def _editable(actor: Actor, slug: str) -> EntryView:
    """The environment of a calendar that the actor keeps; the command decides again, with the entry locked."""
    require_signed_in(actor)
    environment = await environment_of(actor, slug)
    if reason := rules.can_edit(actor, environment.facts):
        raise NotPermitted(reason)
    return environment


def _id(row_id: int) -> int:
    if not 0 < row_id <= LARGEST_ID:
        raise NotFound
    return row_id


async def _answer(actor: Actor, slug: str) -> Response[CalendarShape]:
    # The version is read before the rest, so that an ETag never stands for more than was answered with it.
    calendar = await whole_calendar(actor, await environment_of(actor, slug))
    return Response(calendar, headers=etag(calendar.version))


async def _added(actor: Actor, slug: str, id: int, interval: IntervalBody | None = None) -> Response[Added]:
    environment = await environment_of(actor, slug)
    bookings = await bookings_in(actor, environment, interval.starts_at, interval.ends_at) if interval else []
    calendar = await whole_calendar(actor, environment)
    return Response(Added(id, bookings, calendar), status_code=201, headers=etag(calendar.version))


@contextmanager
def _naming_fields(data: HoursBody | IntervalBody) -> Iterator[None]:
    """Around a command: what it finds wrong is told of the fields that were sent, not of those of the pages."""
    try:
        yield
    except InvalidInput as error:
        names = _names_of(data)
        raise InvalidInput(
            [FieldError(names.get(one.field, one.field), one.message) for one in error.errors]
        ) from error


def _names_of(data: HoursBody | IntervalBody) -> Mapping[str, str]:
    if isinstance(data, IntervalBody):
        return {"last_day": "ends_at", "reason_sv": "reason.sv"}
    days = [one.weekday for one in data.opening_hours]
    return {"name_sv": "name.sv", **{f"opens_{day}": f"opening_hours.{days.index(day)}" for day in days}}


HANDLERS: list[ControllerRouterHandler] = [
    get_calendar,
    set_week,
    add_season,
    change_season,
    remove_season,
    set_holidays,
    add_open_day,
    remove_open_day,
    add_closure,
    remove_closure,
    add_blackout,
    remove_blackout,
]
