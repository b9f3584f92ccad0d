"""Signing in and out."""

from typing import Annotated, Any

from litestar import Request, get, post
from litestar.datastructures import Cookie
from litestar.response import Redirect, Template
from litestar.types import ControllerRouterHandler
from pydantic import StringConstraints

from registry.accounts import service
from registry.accounts.service import WrongPassword
from registry.demo.accounts import DEMO_ACCOUNTS, DEMO_PASSWORD
from registry.errors import FieldError, TooManyAttempts
from registry.settings import load_settings
from registry.web import language
from registry.web.authentication import SESSION_COOKIE, CurrentActor
from registry.web.input import Input, Line, read_form
from registry.web.problems import LONGEST_WAY_BACK
from registry.web.rendering import go_to, page

AnyRequest = Request[Any, Any, Any]


class SignInForm(Input):
    email: Line = ""
    # A password may hold any character; it is only ever hashed.
    password: Annotated[str, StringConstraints(max_length=1000, strip_whitespace=False)] = ""
    next: Annotated[str, StringConstraints(max_length=LONGEST_WAY_BACK)] = ""


@get("/sign-in", include_in_schema=False)
async def sign_in_page(request: AnyRequest) -> Template:
    """The sign-in form, in the demo with a button for each role."""
    return _form(request, SignInForm(next=_safe(request.query_params.get("next", ""))))


@post("/sign-in", include_in_schema=False)
async def sign_in(request: AnyRequest) -> Redirect | Template:
    """Sign in and go on to where the person was going."""
    form = await read_form(request, SignInForm)
    try:
        token = await service.sign_in(form.email, form.password, hours=load_settings().session_hours)
    except (WrongPassword, TooManyAttempts) as error:
        return _form(request, form, errors=[FieldError("email", error.detail)], status=error.status)
    answer = go_to(_safe(form.next), "signed-in")
    answer.set_cookie(
        Cookie(
            key=SESSION_COOKIE,
            value=token,
            httponly=True,
            samesite="lax",
            secure=load_settings().secure_cookies,
            max_age=load_settings().session_hours * 3600,
        )
    )
    return answer


@post("/sign-out", include_in_schema=False)
async def sign_out(request: AnyRequest, actor: CurrentActor) -> Redirect:
    """Close the session."""
    if actor.is_signed_in:
        await service.sign_out(actor, request.cookies[SESSION_COOKIE])
    answer = go_to("/", "signed-out")
    answer.delete_cookie(SESSION_COOKIE)
    return answer


def _safe(path: str) -> str:
    """A path on this site, never another site's address."""
    good = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable() and "<" not in path
    return path[:LONGEST_WAY_BACK] if good else "/"


def _form(
    request: AnyRequest, form: SignInForm, *, errors: list[FieldError] | None = None, status: int = 200
) -> Template:
    return page(
        request,
        "session/sign_in.html",
        status=status,
        form=form,
        errors=language.say_errors(errors),
        demo_accounts=DEMO_ACCOUNTS if load_settings().demo else (),
        demo_password=DEMO_PASSWORD,
        breadcrumbs=[("/", language.gettext("Start")), (None, language.gettext("Sign in"))],
    )


HANDLERS: list[ControllerRouterHandler] = [sign_in_page, sign_in, sign_out]
