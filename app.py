"""The one place where the web application is wired."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from litestar import Litestar
from litestar.config.csrf import CSRFConfig
from litestar.di import Provide
from litestar.middleware import DefineMiddleware
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme
from litestar.plugins.pydantic import PydanticPlugin

from admin.routes import handlers as admin_handlers
from registry import database
from registry.settings import load_settings
from registry.web.authentication import API_PREFIX, Authentication, provide_actor
from registry.web.headers import add_headers
from registry.web.idempotency import Idempotency
from registry.web.openapi_page import ApiPage, api_router
from registry.web.problems import exception_handlers
from registry.web.rendering import template_config
from registry.web.routes import handlers as registry_handlers
from search import knowledge, statistics
from search.clicks import CLICK_PATH
from search.routes import handlers as search_handlers

# How long a starting program waits for a database that is starting too, in seconds.
LONGEST_WAIT = 20.0
LARGEST_BODY = 12 * 1024 * 1024


@asynccontextmanager
async def _database_pool(_: Litestar) -> AsyncIterator[None]:
    await database.wait_until_it_answers(load_settings().database_url, LONGEST_WAIT)
    await database.engine().start_connection_pool(
        min_size=2, max_size=load_settings().database_connections, reset=database.leave_as_it_is
    )
    try:
        yield
    finally:
        await database.engine().close_connection_pool()


@asynccontextmanager
async def _search_statistics(_: Litestar) -> AsyncIterator[None]:
    async with statistics.kept_up():
        yield


@asynccontextmanager
async def _search_knowledge(_: Litestar) -> AsyncIterator[None]:
    async with knowledge.kept_up():
        yield


def create_app() -> Litestar:
    """The web application, with the settings of the environment.

    Raises:
        SettingsError: a setting is missing or wrong.
    """
    settings = load_settings()
    logging.basicConfig(level=settings.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("piccolo").setLevel(logging.WARNING)
    return Litestar(
        route_handlers=[*registry_handlers(), *search_handlers(), *admin_handlers()],
        lifespan=[_database_pool, _search_statistics, _search_knowledge],
        dependencies={"actor": Provide(provide_actor)},
        middleware=[
            DefineMiddleware(Authentication, exclude=["^/static/", "^/healthz", "^/readyz"]),
            Idempotency(),
        ],
        csrf_config=CSRFConfig(
            secret=settings.secret_key.get_secret_value(),
            cookie_name="csrf",
            cookie_secure=settings.secure_cookies,
            cookie_httponly=True,
            # Feeds are read by programs, which keep no cookies.
            # A browser that leaves a page sends the click without a form, and it changes nothing of anybody's.
            exclude=[f"^{API_PREFIX}/", "^/feeds/", f"^{CLICK_PATH}$"],
        ),
        template_config=template_config(),
        exception_handlers=exception_handlers(),
        plugins=[PydanticPlugin()],
        openapi_config=OpenAPIConfig(
            title="Registry",
            version="1",
            description=(
                "Testbeds, demo environments, innovation procurements and innovation partnerships.\n\n"
                "Every POST takes the header `Idempotency-Key`, with a key of your own choice: sent again with the same"
                " key within 24 hours, the request is not done again but answered as before."
            ),
            openapi_router=api_router(),
            render_plugins=[JsonRenderPlugin(path="/openapi.json"), ApiPage()],
            use_handler_docstrings=True,
            security=[{}, {"token": []}],
            components=Components(security_schemes={"token": SecurityScheme(type="http", scheme="bearer")}),
        ),
        logging_config=None,
        before_send=[add_headers],
        request_max_body_size=LARGEST_BODY,
    )
