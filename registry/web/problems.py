"""How errors are answered: problem+json (RFC 9457) in the API, a page for people. No traceback leaves the program."""

import logging
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from asyncpg import CharacterNotInRepertoireError
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException
from litestar.types import ExceptionHandlersMap

from registry.errors import N_, DomainError, InvalidInput, Message, NotFound, NotSignedIn
from registry.web import language
from registry.web.authentication import API_PREFIX
from registry.web.input import invalid_input
from registry.web.rendering import go_to, page

PROBLEM_TYPES = "/problems"
_FIRST_FAULT_OF_OURS = 500
LONGEST_WAY_BACK = 2000  # a search with many filters has a long address
log = logging.getLogger(__name__)
AnyRequest = Request[Any, Any, Any]

_STATUS_TEXTS = {
    400: (N_("The request cannot be understood"), N_("Check what you sent and try again.")),
    403: (
        N_("The form has expired"),
        N_("The form was open for too long or was opened in another window. Go back, load the page again and resend."),
    ),
    404: (N_("Not found"), N_("There is nothing here that you can see.")),
    405: (N_("That is not possible here"), N_("This address does not answer that kind of request.")),
    413: (N_("That is too large"), N_("What you sent is larger than is accepted. Send something smaller.")),
    415: (N_("The format is not accepted"), N_("Send JSON, or the form of the page.")),
    500: (
        N_("Something went wrong"),
        N_("The fault is ours and has been logged. Nothing was changed. Try again in a while."),
    ),
}


def exception_handlers() -> ExceptionHandlersMap:
    """What answers which exception."""
    return {
        DomainError: _domain_error,
        ValidationException: _validation_error,
        HTTPException: _http_error,
        CharacterNotInRepertoireError: _no_such_text,
        Exception: _unexpected_error,
    }


def _wants_json(request: AnyRequest) -> bool:
    return request.url.path.startswith((API_PREFIX, "/readyz", "/healthz", "/feeds/"))


def _domain_error(request: AnyRequest, error: DomainError) -> Response[Any]:
    language.use_language(language.wanted_language(request))
    if isinstance(error, NotSignedIn) and not _wants_json(request):
        return go_to(f"/sign-in?{urlencode({'next': _way_back(request)})}")
    errors = language.say_errors(error.errors) if isinstance(error, InvalidInput) else None
    return _answer(
        request,
        status=error.status,
        kind=error.type,
        title=language.gettext(error.title),
        detail=language.say(error.detail),
        errors=errors,
        extra={name: spoken(value) for name, value in error.extra.items()},
    )


def spoken(value: object) -> object:
    """What an error carries beside its text, with messages in the reader's language and moments in Swedish time."""
    if isinstance(value, Message):
        return language.say(value)
    if isinstance(value, datetime):
        return language.local(value).isoformat()
    if isinstance(value, dict):
        return {name: spoken(part) for name, part in value.items()}
    return [spoken(part) for part in value] if isinstance(value, list) else value


def _way_back(request: AnyRequest) -> str:
    """Where somebody was going who has to sign in first; a form's own address only, since it has to be filled in."""
    whole = f"{request.url.path}?{request.url.query}" if request.url.query else request.url.path
    return whole if request.method == "GET" and len(whole) <= LONGEST_WAY_BACK else request.url.path


def _validation_error(request: AnyRequest, error: ValidationException) -> Response[Any]:
    cause = error.__cause__
    faults = getattr(cause, "errors", None)
    if isinstance(faults, list):
        return _domain_error(request, invalid_input(faults))
    missing = [
        {"type": "missing" if "required" in str(item).lower() else "other", "loc": (item.get("key", "body"),)}
        for item in error.extra or []
        if isinstance(item, dict)
    ]
    return _domain_error(request, invalid_input(missing or [{"type": "json_invalid", "loc": ("body",)}]))


def _http_error(request: AnyRequest, error: HTTPException) -> Response[Any]:
    language.use_language(language.wanted_language(request))
    is_ours = error.status_code >= _FIRST_FAULT_OF_OURS
    # The file server fails on a name that no file can have.
    if error.status_code == NotFound.status or (is_ours and request.url.path.startswith("/static/")):
        return _domain_error(request, NotFound())
    if is_ours:
        log.error("Unexpected error at %s %s", request.method, request.url.path, exc_info=error)
    if error.status_code == 400 and _wants_json(request):  # noqa: PLR2004  # malformed JSON is malformed input
        return _domain_error(request, invalid_input([{"type": "json_invalid", "loc": ("body",)}]))
    title, detail = _STATUS_TEXTS.get(error.status_code, _STATUS_TEXTS[400])
    return _answer(
        request,
        status=error.status_code,
        kind=f"http-{error.status_code}",
        title=language.gettext(title),
        detail=language.gettext(detail),
        errors=None,
        extra={},
    )


def _no_such_text(request: AnyRequest, error: CharacterNotInRepertoireError) -> Response[Any]:
    # PostgreSQL stores no NUL; input models refuse it, so it came in an address, and nothing has such an address.
    del error
    return _domain_error(request, NotFound())


def _unexpected_error(request: AnyRequest, error: Exception) -> Response[Any]:
    language.use_language(language.wanted_language(request))
    # JSON that is nested too deep or is not UTF-8 fails before it becomes an input error of the framework.
    if _wants_json(request) and isinstance(error, (RecursionError, UnicodeDecodeError)):
        return _domain_error(request, invalid_input([{"type": "json_invalid", "loc": ("body",)}]))
    # A file name that no file can have.
    if request.url.path.startswith("/static/") and isinstance(error, (ValueError, OSError)):
        return _domain_error(request, NotFound())
    log.error("Unexpected error at %s %s", request.method, request.url.path, exc_info=error)
    title, detail = _STATUS_TEXTS[500]
    return _answer(
        request,
        status=500,
        kind="internal-error",
        title=language.gettext(title),
        detail=language.gettext(detail),
        errors=None,
        extra={},
    )


def _answer(
    request: AnyRequest,
    *,
    status: int,
    kind: str,
    title: str,
    detail: str,
    errors: list[dict[str, str]] | None,
    extra: dict[str, Any],
) -> Response[Any]:
    if _wants_json(request):
        body: dict[str, Any] = {
            "type": f"{PROBLEM_TYPES}/{kind}",
            "title": title,
            "status": status,
            "detail": detail,
            **extra,
        }
        if errors is not None:
            body["errors"] = errors
        return Response(
            body,
            status_code=status,
            media_type="application/problem+json",
            headers={"Content-Language": language.current_language(), "Cache-Control": "no-store"},
        )
    return page(
        request, "problem.html", status=status, title=title, detail=detail, errors=errors or [], problem_status=status
    )
