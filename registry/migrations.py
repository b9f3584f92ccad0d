"""Bringing the database to the newest state of the tables."""

import contextlib
import io

from piccolo.apps.migrations.commands.forwards import run_forwards

from registry import database


async def migrate() -> int:
    """Run every migration that has not been run; returns how many ran.

    Raises:
        RuntimeError: a migration failed; the text is what Piccolo said.
    """
    before = await _done()
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        result = await run_forwards("all")
    if not result.success:
        raise RuntimeError(result.message or output.getvalue())
    return await _done() - before


async def _done() -> int:
    table = await database.fetch_one("SELECT to_regclass('migration') AS name")
    if table is None or table["name"] is None:
        return 0
    row = await database.fetch_one("SELECT count(*) AS n FROM migration")
    return row["n"] if row else 0
