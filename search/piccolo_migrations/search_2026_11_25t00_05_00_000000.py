"""The index has a version, which rises with every change of it, so that answers can be kept while it stays the same.

Locks: none; a new sequence.
"""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from registry.database import run_script

ID = "2026-11-25T00:05:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "version of the index"

FORWARDS = "CREATE SEQUENCE search_index_version"
BACKWARDS = "DROP SEQUENCE search_index_version"


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="search", description=DESCRIPTION)

    async def run() -> None:
        await run_script(FORWARDS)

    async def run_backwards() -> None:
        await run_script(BACKWARDS)

    manager.add_raw(run)
    manager.add_raw_backwards(run_backwards)
    return manager
