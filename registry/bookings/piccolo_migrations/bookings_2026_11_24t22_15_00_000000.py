"""A booking that legal has stopped is neither confirmed nor begun, by whatever path; changes are logged.

Locks: a trigger on booking, which waits for running writes for a moment; a trigger on an empty table.
"""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from registry.database import run_script

ID = "2026-11-24T22:15:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "ip_assessment_guards"

FORWARDS = r"""
-- Approval is not among them: a request that is sent takes its time for a moment, to ask whether it is free.
CREATE FUNCTION refuse_blocked_booking() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM ip_assessment WHERE booking = NEW.id AND blocks) THEN
        RAISE EXCEPTION 'legal has decided that booking % cannot go on', NEW.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'blocked_bookings_stay';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER blocked_bookings_stay AFTER UPDATE OF state ON booking FOR EACH ROW
    WHEN (NEW.state <> OLD.state AND NEW.state IN ('confirmed', 'in_progress'))
    EXECUTE FUNCTION refuse_blocked_booking();
CREATE CONSTRAINT TRIGGER ip_assessment_changes_are_logged AFTER INSERT OR UPDATE OR DELETE ON ip_assessment
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION require_audit_event();
"""

BACKWARDS = r"""
DROP TRIGGER ip_assessment_changes_are_logged ON ip_assessment;
DROP TRIGGER blocked_bookings_stay ON booking;
DROP FUNCTION refuse_blocked_booking();
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
