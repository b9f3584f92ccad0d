"""Health, static files. Readiness is in search/readiness.py, which knows of both the database and the search."""

from litestar import get
from litestar.static_files import create_static_files_router
from litestar.types import ControllerRouterHandler

from registry import PROJECT_ROOT

FONTS = PROJECT_ROOT / "node_modules" / "@fontsource-variable" / "source-sans-3" / "files"


@get("/healthz", include_in_schema=False)
async def healthz() -> dict[str, str]:
    """The process lives."""
    return {"status": "ok"}


HANDLERS: list[ControllerRouterHandler] = [
    healthz,
    create_static_files_router(
        path="/static/fonts",
        directories=[FONTS],
        name="fonts",
        include_in_schema=False,
    ),
    create_static_files_router(
        path="/static",
        directories=[PROJECT_ROOT / "static"],
        name="static",
        include_in_schema=False,
    ),
]
