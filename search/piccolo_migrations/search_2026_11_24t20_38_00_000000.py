"""The old vectors go, and with them what they were made of: everything here is derived and will be indexed anew.

Locks: search_document exclusively, for a moment.
"""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from registry.database import run_script

ID = "2026-11-24T20:38:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "old vectors"

FORWARDS = r"""
DROP INDEX search_document_vector_en_index;
DROP INDEX search_document_vector_sv_index;
ALTER TABLE search_document DROP COLUMN vector_en, DROP COLUMN vector_sv;
DELETE FROM search_document;
"""


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="search", description=DESCRIPTION)

    async def run() -> None:
        await run_script(FORWARDS)

    manager.add_raw(run)
    return manager
