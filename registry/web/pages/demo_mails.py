"""The demo's mails, which are stored instead of sent. Outside the demo there is no such page."""

from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response, get
from litestar.params import FromPath
from litestar.response import Template
from litestar.types import ControllerRouterHandler
from pydantic import Field

from registry.errors import NotFound
from registry.mail import queries
from registry.settings import load_settings
from registry.web import language
from registry.web.headers import SECURITY_HEADERS
from registry.web.input import Input, read_query
from registry.web.rendering import page

AnyRequest = Request[Any, Any, Any]
PAGE_SIZE = 50
_PAGE_POLICY = f"{SECURITY_HEADERS['Content-Security-Policy']}; frame-src 'self'"
# A mail has a style sheet of its own and nothing else: no scripts, no forms, nothing that is fetched. Its links
# open in a window of their own.
_MAIL_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'; "
        "sandbox allow-popups allow-popups-to-escape-sandbox"
    ),
    "X-Frame-Options": "SAMEORIGIN",
}


class Pages(Input):
    """Which page of the list."""

    page: Annotated[int, Field(ge=1, le=1_000_000)] = 1


@get("/demo/mails", include_in_schema=False)
async def mails_page(request: AnyRequest) -> Template:
    """All mails, newest first."""
    _only_in_the_demo()
    wanted = read_query(request, Pages, ignore_unknown=True)
    mails, total = await queries.newest(page=wanted.page, page_size=PAGE_SIZE)
    return page(
        request,
        "demo/mails.html",
        mails=mails,
        total=total,
        page_number=wanted.page,
        pages=-(-total // PAGE_SIZE),
        breadcrumbs=[(None, language.gettext("Mails of the demo"))],
    )


@get("/demo/mails/{mail_id:uuid}", include_in_schema=False)
async def mail_page(request: AnyRequest, mail_id: FromPath[UUID]) -> Template:
    """One mail: its text, and its HTML in a frame of its own."""
    _only_in_the_demo()
    mail = await queries.get_mail(mail_id)
    answer = page(
        request,
        "demo/mail.html",
        mail=mail,
        attachments=await queries.attachments_of(mail_id),
        breadcrumbs=[("/demo/mails", language.gettext("Mails of the demo")), (None, mail.subject)],
    )
    answer.headers["Content-Security-Policy"] = _PAGE_POLICY
    return answer


@get("/demo/mails/{mail_id:uuid}/html", include_in_schema=False)
async def mail_html(mail_id: FromPath[UUID]) -> Response[str]:
    """The HTML of one mail, for the frame."""
    _only_in_the_demo()
    mail = await queries.get_mail(mail_id)
    html = mail.html.replace("<head>", '<head>\n  <base target="_blank">', 1)
    return Response(html, media_type="text/html; charset=utf-8", headers=_MAIL_HEADERS)


def _only_in_the_demo() -> None:
    if not load_settings().demo:
        raise NotFound


HANDLERS: list[ControllerRouterHandler] = [mails_page, mail_page, mail_html]
