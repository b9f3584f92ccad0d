"""Changes of calendar addresses are logged, except that one was used; look-ups by person have an index.

Locks: an index and a trigger on an empty table; no table in use is locked.
"""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from registry.database import run_script

ID = "2026-11-24T22:02:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "calendar_feed_guards"

FORWARDS = r"""
CREATE INDEX calendar_feed_person_index ON calendar_feed (person);
CREATE CONSTRAINT TRIGGER calendar_feed_changes_are_logged
    AFTER INSERT OR DELETE OR UPDATE OF token_hash, person, kind, organisation, environment, with_details, revoked_at
    ON calendar_feed DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION require_audit_event();
"""

BACKWARDS = r"""
DROP TRIGGER calendar_feed_changes_are_logged ON calendar_feed;
DROP INDEX calendar_feed_person_index;
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
