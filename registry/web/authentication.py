"""Who makes a request: a session cookie on pages, a bearer token in the API. Neither works in place of the other."""

from typing import Any

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.di import NamedDependency
from litestar.middleware.authentication import AbstractAuthenticationMiddleware, AuthenticationResult

from registry.access import VISITOR, Actor
from registry.accounts import queries as accounts
from registry.errors import N_, NotSignedIn, message
from registry.web.language import use_language, wanted_language

# The actor of a request, as handlers ask for it.
CurrentActor = NamedDependency[Actor]
SESSION_COOKIE = "session"
API_PREFIX = "/api/v1"


class UnknownToken(NotSignedIn):
    """The bearer token is unknown, revoked or malformed."""

    def __init__(self) -> None:
        super().__init__()
        self.detail = message(N_("The bearer token is unknown or revoked. Create a new one and try again."))


class Authentication(AbstractAuthenticationMiddleware):
    """Sets the actor and the language of a request.

    The API ignores cookies, so a foreign page cannot act through a visitor's browser.
    """

    async def authenticate_request(self, connection: ASGIConnection[Any, Any, Any, Any]) -> AuthenticationResult:
        request = Request[Any, Any, Any](connection.scope)
        use_language(wanted_language(request))
        if connection.url.path.startswith(API_PREFIX):
            return AuthenticationResult(user=await _bearer(request), auth=None)
        token = request.cookies.get(SESSION_COOKIE)
        actor = await accounts.actor_of_session(token) if token else VISITOR
        return AuthenticationResult(user=actor, auth=token)


async def _bearer(request: Request[Any, Any, Any]) -> Actor:
    header = request.headers.get("authorization")
    if header is None:
        return VISITOR
    scheme, _, token = header.partition(" ")
    actor = await accounts.actor_of_token(token.strip()) if scheme.lower() == "bearer" and token.strip() else None
    if actor is None:
        raise UnknownToken
    return actor


async def provide_actor(request: Request[Any, Any, Any]) -> Actor:
    """The actor of a request, for handlers."""
    actor: Actor = request.user
    return actor
