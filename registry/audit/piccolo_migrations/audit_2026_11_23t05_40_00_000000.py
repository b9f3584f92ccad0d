"""The log is append-only, and a change that logs nothing is refused.

Locks: a new column on an empty table; no table in use is locked.
"""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from registry.database import run_script

ID = "2026-11-23T05:40:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "guards"

FORWARDS = r"""
ALTER TABLE audit_event ADD COLUMN transaction_id xid8 NOT NULL DEFAULT pg_current_xact_id();
CREATE INDEX audit_event_transaction_index ON audit_event (transaction_id);
CREATE INDEX audit_event_subject_index ON audit_event (subject_kind, subject_id, id);
CREATE INDEX audit_event_entry_index ON audit_event (entry_id, id) WHERE entry_id IS NOT NULL;

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'table % is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
END $$;

CREATE FUNCTION require_audit_event() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM audit_event WHERE transaction_id = pg_current_xact_id()) THEN
        RAISE EXCEPTION 'a change of table % was not logged', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER audit_event_is_append_only BEFORE UPDATE OR DELETE ON audit_event
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_event_is_never_emptied BEFORE TRUNCATE ON audit_event
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""

BACKWARDS = r"""
DROP TRIGGER audit_event_is_append_only ON audit_event;
DROP TRIGGER audit_event_is_never_emptied ON audit_event;
DROP FUNCTION require_audit_event();
DROP FUNCTION refuse_change();
DROP INDEX audit_event_entry_index;
DROP INDEX audit_event_subject_index;
DROP INDEX audit_event_transaction_index;
ALTER TABLE audit_event DROP COLUMN transaction_id;
"""


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="audit", description=DESCRIPTION)

    async def run() -> None:
        await run_script(FORWARDS)

    async def run_backwards() -> None:
        await run_script(BACKWARDS)

    manager.add_raw(run)
    manager.add_raw_backwards(run_backwards)
    return manager
