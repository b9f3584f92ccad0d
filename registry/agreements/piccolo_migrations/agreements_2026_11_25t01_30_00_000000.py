"""A change of what deviations weigh is logged.

Locks: a trigger on an empty table.
"""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from registry.database import run_script

ID = "2026-11-25T01:30:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "weight of deviations: guard"

FORWARDS = """
CREATE CONSTRAINT TRIGGER term_severity_changes_are_logged AFTER INSERT OR UPDATE OR DELETE ON term_severity
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION require_audit_event();
"""

BACKWARDS = """
DROP TRIGGER term_severity_changes_are_logged ON term_severity;
"""


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="agreements", description=DESCRIPTION)

    async def run() -> None:
        await run_script(FORWARDS)

    async def run_backwards() -> None:
        await run_script(BACKWARDS)

    manager.add_raw(run)
    manager.add_raw_backwards(run_backwards)
    return manager
