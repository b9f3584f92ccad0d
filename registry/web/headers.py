"""Headers that every answer carries."""

from urllib.parse import parse_qs

from litestar.datastructures import Cookie, MutableScopeHeaders
from litestar.types import Message, Scope

from registry.web.language import LANGUAGES

_CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
SECURITY_HEADERS = {
    "Content-Security-Policy": _CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(self), microphone=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_YEAR = 60 * 60 * 24 * 365
_HSTS = "max-age=31536000; includeSubDomains"


async def add_headers(message: Message, scope: Scope) -> None:
    """Add the security headers to an answer that begins; pages of signed-in people are not cached."""
    if message["type"] != "http.response.start":
        return
    headers = MutableScopeHeaders.from_message(message)
    for name, value in SECURITY_HEADERS.items():
        headers.setdefault(name, value)
    if scope["scheme"] == "https":
        headers.setdefault("Strict-Transport-Security", _HSTS)
    if (language := _chosen_language(scope)) is not None:
        headers.add("Set-Cookie", language)
    if scope["path"].startswith("/static/") and message["status"] in {200, 206, 304}:
        # Addresses of these files change with their content.
        headers.setdefault("Cache-Control", "public, max-age=31536000, immutable")
    else:
        headers.setdefault("Cache-Control", "no-store")
        headers.setdefault("Vary", "Accept-Language, Cookie")


def _chosen_language(scope: Scope) -> str | None:
    """The cookie that keeps a language that the reader has chosen on a page, for the pages after it."""
    if scope["path"].startswith(("/api/", "/feeds/", "/static/")):
        return None
    asked = parse_qs(scope["query_string"].decode("latin-1")).get("lang", [""])[-1]
    if asked not in LANGUAGES:
        return None
    cookie = Cookie(key="lang", value=asked, max_age=_YEAR, samesite="lax", secure=scope["scheme"] == "https")
    return cookie.to_header(header="")
