"""The header Idempotency-Key on requests that change something over the API: the same one twice is done once.

The whole request runs in one transaction with its key, so neither can ever be without the other. Two requests with the
same key at the same time: the second waits for the first one's answer. A request that fails through a fault of ours
leaves no key, so that it can be sent again.
"""

from collections.abc import Awaitable, Callable
from hashlib import sha256
from typing import Any

from litestar import Request
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from registry import database
from registry.access import VISITOR, Actor
from registry.errors import N_, invalid
from registry.idempotency.service import Answer, Asked, claim, keep
from registry.web.authentication import API_PREFIX

HEADER = "Idempotency-Key"
LONGEST_KEY = 200
_FIRST_ERROR, _FIRST_FAULT_OF_OURS, _TOO_MANY = 400, 500, 429


class _NotKept(Exception):
    """The answer is given, but nothing of it is stored: neither the key nor what was done."""


class Idempotency(ASGIMiddleware):
    """Does a request with a key once, and gives its answer again; stands after authentication."""

    scopes = (ScopeType.HTTP,)

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        request = Request[Any, Any, Any](scope, receive)
        key = request.headers.get(HEADER)
        actor: Actor = scope.get("user") or VISITOR
        is_meant = request.method == "POST" and request.url.path.startswith(f"{API_PREFIX}/")
        if key is None or not is_meant or actor.person_id is None:
            await next_app(scope, receive, send)
            return
        body = await request.body()
        query = f"?{request.url.query}" if request.url.query else ""
        address = f"{request.method} {request.url.path}{query}"
        asked = Asked(actor.person_id, _read(key), address, sha256(body).hexdigest())
        answered: list[Message] = []

        async def collect(message: Message) -> None:
            answered.append(message)

        async def work() -> Answer:
            await next_app(scope, _again(body), collect)
            return _answer(answered)

        try:
            async with database.whole_request():
                answer = await claim(asked)
                if answer is None:
                    await _do(asked, work)
                else:
                    answered = _messages(answer)
        except _NotKept:
            pass
        # Only now has it been stored.
        for message in answered:
            await send(message)


async def _do(asked: Asked, work: Callable[[], Awaitable[Answer]]) -> None:
    """Do what is asked, and keep the answer beside what was done; of an error only the answer."""
    before = await database.current_transaction().savepoint()
    answer = await work()
    if answer.status >= _FIRST_FAULT_OF_OURS or answer.status == _TOO_MANY:
        raise _NotKept
    if answer.status >= _FIRST_ERROR:
        await before.rollback_to()  # type: ignore[no-untyped-call]  # Piccolo leaves it untyped
    await keep(asked, answer)


def _read(header: str) -> str:
    """The key, written with quotation marks as in the draft, or without as most write it."""
    key = header.strip()
    if len(key) > 1 and key.startswith('"') and key.endswith('"'):
        key = key[1:-1]
    if not key or len(key) > LONGEST_KEY or not (key.isascii() and key.isprintable()):
        raise invalid(
            HEADER, N_("Send a key of 1 to %(most)s plain characters, for example a random UUID."), most=LONGEST_KEY
        )
    return key


def _again(body: bytes) -> Receive:
    """The body once more, for whoever reads it next."""

    async def receive() -> Any:  # noqa: ANN401  # ASGI messages are dictionaries
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


def _answer(messages: list[Message]) -> Answer:
    start: Any = messages[0]
    headers = {name.lower(): value.decode("latin-1") for name, value in start["headers"]}
    parts: list[Any] = messages[1:]
    return Answer(
        status=start["status"],
        media_type=headers.get(b"content-type", ""),
        language=headers.get(b"content-language", ""),
        body=b"".join(part.get("body", b"") for part in parts),
    )


def _messages(answer: Answer) -> list[Message]:
    """A stored answer as it is sent again, with a mark that it is."""
    headers = [
        (b"content-type", answer.media_type.encode("latin-1")),
        (b"content-length", str(len(answer.body)).encode()),
        (b"cache-control", b"no-store"),
        (b"idempotency-replayed", b"true"),
    ]
    if answer.language:
        headers.append((b"content-language", answer.language.encode("latin-1")))
    start: Any = {"type": "http.response.start", "status": answer.status, "headers": headers}
    content: Any = {"type": "http.response.body", "body": answer.body, "more_body": False}
    return [start, content]
