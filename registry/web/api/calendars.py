"""What can be booked and when, over the API: the first free times, and the rules of an environment."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Any

from litestar import Request, Response, get, patch
from litestar.params import FromPath, JSONBody
from litestar.types import ControllerRouterHandler
from pydantic import Field

from registry.access import Actor
from registry.bookings import hosting, queries
from registry.bookings.free_times import Wish
from registry.entries import queries as entries
from registry.entries import service
from registry.entries.queries import EntryView
from registry.errors import N_, NotFound, invalid, message
from registry.web import language
from registry.web.api.versions import IfMatch, as_precondition, etag, given_version
from registry.web.authentication import API_PREFIX, CurrentActor
from registry.web.input import Input, Line, Moment, Whole, read_query
from registry.web.openapi import reads_query

AnyRequest = Request[Any, Any, Any]
MOST = 20
LONGEST_MINUTES = 525_600
Minutes = Annotated[Whole, Field(ge=0, le=10_080)]


class FirstFree(Input):
    """Slugs with commas between them, a length in minutes, and from when on (now if it is left out)."""

    environments: Annotated[str, Field(max_length=2000)]
    minutes: Annotated[int, Field(ge=5, le=LONGEST_MINUTES)]
    from_: Annotated[Moment | None, Field(alias="from")] = None
    count: Annotated[int, Field(ge=1, le=50)] = 5


class BookingRules(Input):
    """What holds for bookings of an environment; what is left out stays as it is. `parent` is a slug, or null for none.

    Minutes, `lead_time_hours` in hours, `horizon_days` in days. Bookings begin every `step` minutes from opening, or at
    any time where it is 0.
    """

    capacity: Annotated[Whole, Field(ge=1, le=1000)] | None = None
    buffer_before: Minutes | None = None
    buffer_after: Minutes | None = None
    shortest: Annotated[Whole, Field(ge=5, le=LONGEST_MINUTES)] | None = None
    longest: Annotated[Whole, Field(ge=5, le=LONGEST_MINUTES)] | None = None
    lead_time_hours: Annotated[Whole, Field(ge=0, le=8760)] | None = None
    horizon_days: Annotated[Whole, Field(ge=1, le=1830)] | None = None
    step: Annotated[Whole, Field(ge=0, le=1440)] | None = None
    parent: Line | None = None


@get(f"{API_PREFIX}/environments/first-free", operation_class=reads_query(FirstFree), tags=["bookings"])
async def first_free(request: AnyRequest, actor: CurrentActor) -> dict[str, Any]:
    """The first free times of a length across environments, soonest first, one a day for each at most."""
    wanted = read_query(request, FirstFree)
    slugs = list(dict.fromkeys(slug.strip() for slug in wanted.environments.split(",") if slug.strip()))
    if not 1 <= len(slugs) <= MOST:
        raise invalid("environments", N_("Name between 1 and %(most)s environments."), most=MOST)
    found = await entries.environments_by_slug(actor, slugs)
    if unknown := [slug for slug in slugs if slug not in found]:
        raise NotFound(message(N_("There is no environment “%(slug)s” that you can see."), slug=unknown[0]))
    now = datetime.now(UTC)
    wish = Wish(max(wanted.from_ or now, now))
    times = await queries.first_free([found[slug] for slug in slugs], wanted.minutes, wish, count=wanted.count)
    return {
        "items": [
            {
                "environment": one.environment.slug,
                "title": {"sv": one.environment.title_sv, "en": one.environment.title_en},
                "starts_at": language.local(one.starts_at).isoformat(),
                "ends_at": language.local(one.ends_at).isoformat(),
            }
            for one in times
        ]
    }


@patch(f"{API_PREFIX}/environments/{{slug:str}}", tags=["bookings"])
async def change_rules(
    actor: CurrentActor, slug: FromPath[str], data: JSONBody[BookingRules], if_match: IfMatch = None
) -> Response[dict[str, int | str | None]]:
    """Change what holds for bookings; 409 with `bookings` where approved bookings would no longer fit.

    With the calendar's ETag as If-Match it is refused (412) where somebody else has changed the calendar since.
    """
    environment = await environment_of(actor, slug)
    changed = data.model_dump(exclude_unset=True)
    blank = [name for name, value in changed.items() if value is None and name != "parent"]
    if blank:
        raise invalid(blank[0], N_("This is missing. Fill it in."))
    if changed.get("parent"):
        changed["parent"] = (await environment_of(actor, changed["parent"])).id
    text = service.environment_text_of(environment.row, environment.opening_hours)
    version = given_version(if_match, environment.version)
    with as_precondition(if_match):
        async with hosting.naming_bookings_in_the_way(actor):
            await service.change_environment(actor, environment.id, replace(text, **changed), read_version=version)
    after = await environment_of(actor, slug)
    return Response({**rules_of(after), "parent": after.row["parent_slug"]}, headers=etag(after.version))


def rules_of(environment: EntryView) -> dict[str, int]:
    """What holds for bookings of an environment, by the names of BookingRules; its whole is left out."""
    return {name: environment.row[name] for name in BookingRules.model_fields if name != "parent"}


async def environment_of(actor: Actor, slug: str) -> EntryView:
    """The environment, where the actor may see it. Raises NotFound."""
    found = await entries.environments_by_slug(actor, [slug])
    if slug not in found:
        raise NotFound
    return found[slug]


HANDLERS: list[ControllerRouterHandler] = [first_free, change_rules]
