"""One's calendar addresses: making, listing, revoking and making anew."""

from typing import Annotated, Any

from litestar import Request, get, post
from litestar.params import FromPath
from litestar.response import Redirect, Template
from litestar.types import ControllerRouterHandler
from pydantic import Field

from registry.access import Actor, Permission, require_signed_in
from registry.bookings import feeds
from registry.bookings.codes import FeedKind
from registry.entries import queries as entries
from registry.errors import N_, DomainError, FieldError, InvalidInput, invalid
from registry.settings import load_settings
from registry.web import feeds as feed_address
from registry.web import language
from registry.web.authentication import CurrentActor
from registry.web.input import Input, Line, read_form, read_query
from registry.web.rendering import go_to, page

AnyRequest = Request[Any, Any, Any]
PATH = "/account/calendars"


class Wanted(Input):
    """The environment that a page has led here from."""

    environment: Line = ""


class MakeForm(Input):
    """What the address is for: `own`, `organisation:ID` or `environment:SLUG`."""

    what: Annotated[Line, Field(min_length=1)]


@get(PATH, include_in_schema=False)
async def calendars_page(request: AnyRequest, actor: CurrentActor) -> Template:
    """The reader's calendar addresses."""
    require_signed_in(actor)
    return await _page(request, actor, environment=read_query(request, Wanted, ignore_unknown=True).environment)


@post(PATH, include_in_schema=False, status_code=200)
async def make(request: AnyRequest, actor: CurrentActor) -> Template:
    """Make an address and show it, once."""
    require_signed_in(actor)
    try:
        form = await read_form(request, MakeForm)
        token = await _make(actor, form.what)
    except InvalidInput as error:
        return await _page(request, actor, errors=error.errors)
    except DomainError as error:
        if error.status != DomainError.status:
            raise
        return await _page(request, actor, errors=[FieldError("what", error.detail)])
    return await _page(request, actor, token=token)


@post(f"{PATH}/{{feed_id:int}}/revoke", include_in_schema=False)
async def revoke(actor: CurrentActor, feed_id: FromPath[int]) -> Redirect:
    """Make an address stop working."""
    await feeds.revoke_feed(actor, feed_id)
    return go_to(PATH, "calendar-revoked")


@post(f"{PATH}/{{feed_id:int}}/renew", include_in_schema=False, status_code=200)
async def renew(request: AnyRequest, actor: CurrentActor, feed_id: FromPath[int]) -> Template:
    """Put a new address in the place of an old one and show it, once."""
    return await _page(request, actor, token=await feeds.renew_feed(actor, feed_id))


async def _make(actor: Actor, what: str) -> str:
    kind, _, value = what.partition(":")
    if kind not in set(FeedKind):
        raise invalid("what", N_("Choose what the calendar is to show."))
    organisation = int(value) if kind == FeedKind.ORGANISATION and value.isdecimal() and len(value) < 10 else None  # noqa: PLR2004  # fits the database
    return await feeds.make_feed(actor, FeedKind(kind), organisation_id=organisation, slug=value)


async def _page(
    request: AnyRequest,
    actor: Actor,
    *,
    token: str | None = None,
    environment: str = "",
    errors: list[FieldError] | None = None,
) -> Template:
    return page(
        request,
        "account/calendars.html",
        status=422 if errors else 200,
        feeds=await feeds.list_feeds(actor),
        options=await _options(actor, environment),
        chosen=f"environment:{environment}" if environment else "",
        address=_address(token) if token else None,
        errors=language.say_errors(errors),
        breadcrumbs=[("/account", language.gettext("Your account")), (None, language.gettext("Calendars"))],
    )


async def _options(actor: Actor, environment: str) -> list[tuple[str, str]]:
    """What the reader can have in a calendar, with the environment that a page has led here from."""
    organisations, hosted = await feeds.choices(actor)
    found = []
    if actor.may(Permission.BOOKING_CREATE):
        found.append(("own", language.gettext("My own bookings")))
    found += [
        (f"organisation:{one}", language.gettext("All bookings of %(name)s") % {"name": _name(sv, en)})
        for one, sv, en in organisations
    ]
    found += [
        (f"environment:{slug}", language.gettext("Bookings in %(name)s") % {"name": _name(sv, en)})
        for slug, sv, en in hosted
    ]
    values = {value for value, _ in found}
    if environment and f"environment:{environment}" not in values:
        for slug, one in (await entries.environments_by_slug(actor, [environment])).items():
            words = language.gettext("When %(name)s is busy")
            found.append((f"environment:{slug}", words % {"name": _name(one.title_sv, one.title_en)}))
    return found


def _name(sv: str, en: str) -> str:
    return language.in_language({"name_sv": sv, "name_en": en}, "name")


def _address(token: str) -> str:
    return f"{load_settings().base_url.rstrip('/')}{feed_address.PATH}/{token}.ics"


HANDLERS: list[ControllerRouterHandler] = [calendars_page, make, revoke, renew]
