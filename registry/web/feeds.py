"""The addresses that calendar programs subscribe to. A program is nobody: the token in the address is the proof."""

import hmac
from hashlib import sha256
from typing import Any

from litestar import Request, Response, get
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler

from registry.bookings import feeds
from registry.bookings.codes import FeedKind
from registry.bookings.feeds import FeedContent, ReadTooOften
from registry.formats import calendar
from registry.formats.calendar import CalendarEvent, Status
from registry.settings import load_settings
from registry.web import language
from registry.web.booking_calendar import event_of

AnyRequest = Request[Any, Any, Any]
PATH = "/feeds/bookings"


@get(f"{PATH}/{{name:str}}", include_in_schema=False)
async def bookings_feed(request: AnyRequest, name: FromPath[str]) -> Response[bytes]:
    """The bookings that an address gives, as iCalendar; `name` is its token and `.ics`."""
    try:
        content = await feeds.read_feed(name.removesuffix(".ics"))
    except ReadTooOften as error:
        text = f"{language.gettext(error.title)}. {language.say(error.detail)}\n"
        wait = str(int(feeds.READS_WITHIN.total_seconds()))
        return Response(text.encode(), status_code=429, media_type="text/plain", headers={"Retry-After": wait})
    language.use_language(content.language)
    body = calendar.feed(_events(content), name=_name(content), language=content.language)
    tag = f'"{sha256(body).hexdigest()[:32]}"'
    # To be asked for again each time, and kept by nobody on the way.
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    known = [given.strip().removeprefix("W/") for given in request.headers.get("if-none-match", "").split(",")]
    if tag in known or "*" in known:
        return Response(b"", status_code=304, headers=headers)
    headers["Content-Disposition"] = 'inline; filename="bookings.ics"'
    return Response(body, media_type=calendar.MEDIA_TYPE, headers=headers)


def _name(content: FeedContent) -> str:
    name = language.in_language(content.feed, "name")
    if content.feed.kind is FeedKind.OWN:
        return language.gettext("My bookings")
    if content.busy is not None:
        return language.gettext("Busy: %(name)s") % {"name": name}
    return language.gettext("Bookings: %(name)s") % {"name": name}


def _events(content: FeedContent) -> list[CalendarEvent]:
    if content.busy is None:
        for_host = content.feed.kind is FeedKind.ENVIRONMENT
        return [event_of(one, content.environments, for_host=for_host) for one in content.bookings]
    key = load_settings().secret_key.get_secret_value().encode()
    return [
        CalendarEvent(
            # Another time is another block: a block tells nothing of the bookings in it, nor that they changed.
            uid=hmac.new(key, f"busy {content.feed.id} {starts_at} {ends_at}".encode(), sha256).hexdigest()[:32]
            + "@registry",
            sequence=0,
            status=Status.CONFIRMED,
            starts_at=starts_at,
            ends_at=ends_at,
            created_at=content.feed.created_at,
            changed_at=content.feed.created_at,
            summary=language.gettext("Busy"),
        )
        for starts_at, ends_at in content.busy
    ]


HANDLERS: list[ControllerRouterHandler] = [bookings_feed]
