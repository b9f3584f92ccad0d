"""Installs the tables of the job queue (PgQueuer).

Locks: new tables only; no table in use is locked.
"""

from pgqueuer.adapters.persistence.qb import QueryBuilderEnvironment
from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from registry.database import run_script

ID = "2026-11-23T05:40:30:000000"
VERSION = "1.38.0"
DESCRIPTION = "queue"


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="jobs", description=DESCRIPTION)

    async def run() -> None:
        await run_script(QueryBuilderEnvironment().build_install_query(create_schema=False))

    async def run_backwards() -> None:
        await run_script(QueryBuilderEnvironment().build_uninstall_query())

    manager.add_raw(run)
    manager.add_raw_backwards(run_backwards)
    return manager
