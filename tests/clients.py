"""HTTP clients for tests: a person with a bearer token, or in a browser."""

from typing import Any

import httpx
from litestar import Litestar

from registry.access import SYSTEM, Actor
from registry.accounts import service as accounts


def client_for(application: Litestar, **more: Any) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(application, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://registry.test", **more)


async def api(application: Litestar, actor: Actor) -> httpx.AsyncClient:
    token = await accounts.create_token(SYSTEM, actor.email)
    return client_for(application, headers={"Authorization": f"Bearer {token}", "Accept-Language": "en"})


async def browser(application: Litestar, actor: Actor) -> httpx.AsyncClient:
    assert actor.person_id is not None
    token = await accounts.open_session(actor.person_id, hours=1)
    return client_for(application, cookies={"session": token}, headers={"Accept-Language": "en"})


async def send(client: httpx.AsyncClient, path: str, data: dict[str, Any] | None = None, **more: Any) -> httpx.Response:
    """Send a form as the page would, with its CSRF token."""
    if "csrf" not in client.cookies:
        await client.get("/terms")
    return await client.post(path, data={"_csrf_token": client.cookies["csrf"], **(data or {})}, **more)
