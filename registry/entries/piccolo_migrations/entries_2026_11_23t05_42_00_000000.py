"""An environment is an entry, versions are append-only, changes are logged.

Locks: constraints on empty tables; no table in use is locked.
"""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from registry.database import run_script

ID = "2026-11-23T05:42:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "guards"

FORWARDS = r"""
ALTER TABLE environment ADD CONSTRAINT environment_is_an_entry FOREIGN KEY (id) REFERENCES entry (id) ON DELETE RESTRICT;
CREATE INDEX entry_accountable_body_index ON entry (accountable_body);
CREATE INDEX entry_unit_index ON entry (unit);
CREATE INDEX entry_status_kind_index ON entry (status, kind);
CREATE INDEX entry_relation_other_index ON entry_relation (other);
CREATE INDEX environment_parent_index ON environment (parent);
CREATE TRIGGER entry_version_is_append_only BEFORE UPDATE OR DELETE ON entry_version
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER entry_version_is_never_emptied BEFORE TRUNCATE ON entry_version
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE CONSTRAINT TRIGGER entry_changes_are_logged AFTER INSERT OR UPDATE OR DELETE ON entry
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION require_audit_event();
CREATE CONSTRAINT TRIGGER entry_relation_changes_are_logged AFTER INSERT OR UPDATE OR DELETE ON entry_relation
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION require_audit_event();
CREATE CONSTRAINT TRIGGER environment_changes_are_logged AFTER INSERT OR UPDATE OR DELETE ON environment
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION require_audit_event();
CREATE CONSTRAINT TRIGGER opening_hours_changes_are_logged AFTER INSERT OR UPDATE OR DELETE ON opening_hours
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION require_audit_event();
"""

BACKWARDS = r"""
DROP TRIGGER entry_changes_are_logged ON entry;
DROP TRIGGER entry_relation_changes_are_logged ON entry_relation;
DROP TRIGGER environment_changes_are_logged ON environment;
DROP TRIGGER opening_hours_changes_are_logged ON opening_hours;
DROP TRIGGER entry_version_is_append_only ON entry_version;
DROP TRIGGER entry_version_is_never_emptied ON entry_version;
DROP INDEX entry_accountable_body_index;
DROP INDEX entry_unit_index;
DROP INDEX entry_status_kind_index;
DROP INDEX entry_relation_other_index;
DROP INDEX environment_parent_index;
ALTER TABLE environment DROP CONSTRAINT environment_is_an_entry;
"""


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="entries", description=DESCRIPTION)

    async def run() -> None:
        await run_script(FORWARDS)

    async def run_backwards() -> None:
        await run_script(BACKWARDS)

    manager.add_raw(run)
    manager.add_raw_backwards(run_backwards)
    return manager
