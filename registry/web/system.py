"""Health, readiness, static files."""

from litestar import Response, get
from litestar.static_files import create_static_files_router
from litestar.types import ControllerRouterHandler

from registry import PROJECT_ROOT, database

FONTS = PROJECT_ROOT / "node_modules" / "@fontsource-variable" / "source-sans-3" / "files"


@get("/healthz", include_in_schema=False)
async def healthz() -> dict[str, str]:
    """The process lives."""
    return {"status": "ok"}


@get("/readyz", include_in_schema=False)
async def readyz() -> Response[dict[str, str]]:
    """Whether the database answers; 503 when it does not."""
    try:
        await database.fetch("SELECT 1 FROM migration LIMIT 1")
    except Exception:  # noqa: BLE001  # whatever is wrong with the database, the answer is the same
        return Response({"status": "unavailable", "database": "down", "search": "down"}, status_code=503)
    return Response({"status": "ok", "database": "up", "search": "postgres"})


HANDLERS: list[ControllerRouterHandler] = [
    healthz,
    readyz,
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
