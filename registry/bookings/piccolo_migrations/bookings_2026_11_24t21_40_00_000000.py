"""A changed booking gets a higher number; nobody is told of the same moment twice; settings are logged.

Locks: a trigger on booking, which waits for running writes for a moment; indexes on empty tables.
"""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from registry.database import run_script

ID = "2026-11-24T21:40:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "notice_guards"

FORWARDS = r"""
-- Calendars take a version with a higher number only (RFC 5545, SEQUENCE), by whatever path the booking changes.
CREATE FUNCTION booking_gets_newer() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.sequence := OLD.sequence + 1;
    NEW.changed_at := now();
    RETURN NEW;
END $$;
CREATE TRIGGER booking_gets_newer BEFORE UPDATE ON booking FOR EACH ROW
    WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION booking_gets_newer();

CREATE UNIQUE INDEX notice_once_about_a_moment ON notice (person, booking, event, part, about) WHERE about IS NOT NULL;
CREATE INDEX notice_waiting_index ON notice (person, id) WHERE mailed_at IS NULL;
CREATE INDEX notice_person_mailed_at_index ON notice (person, mailed_at);
CREATE INDEX notice_booking_index ON notice (booking);
CREATE INDEX notice_created_at_index ON notice (created_at);
CREATE CONSTRAINT TRIGGER notice_setting_changes_are_logged AFTER INSERT OR UPDATE OR DELETE ON notice_setting
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION require_audit_event();
"""

BACKWARDS = r"""
DROP TRIGGER notice_setting_changes_are_logged ON notice_setting;
DROP INDEX notice_created_at_index;
DROP INDEX notice_booking_index;
DROP INDEX notice_person_mailed_at_index;
DROP INDEX notice_waiting_index;
DROP INDEX notice_once_about_a_moment;
DROP TRIGGER booking_gets_newer ON booking;
DROP FUNCTION booking_gets_newer();
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
