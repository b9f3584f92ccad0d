"""Changes of series are logged.

Locks: a trigger on an empty table; no table in use is locked.
"""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from registry.database import run_script

ID = "2026-11-24T23:50:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "booking_series_guards"

FORWARDS = r"""
CREATE CONSTRAINT TRIGGER booking_series_changes_are_logged AFTER INSERT OR UPDATE OR DELETE ON booking_series
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION require_audit_event();
"""

BACKWARDS = r"""
DROP TRIGGER booking_series_changes_are_logged ON booking_series;
"""


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="bookings", description=DESCRIPTION)

    async def run() -> None:
        await run_script(FORWARDS)

    async def run_backwards() -> None:
        await run_script(BACKWARDS)

    manager.add_raw(run)
    manager.add_raw_backwards(run_backwards)
    return manager
