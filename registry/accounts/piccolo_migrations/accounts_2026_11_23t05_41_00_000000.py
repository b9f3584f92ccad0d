"""Changes of accounts are logged; look-ups by foreign key have an index.

Locks: indexes on empty tables; no table in use is locked.
"""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from registry.database import run_script

ID = "2026-11-23T05:41:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "guards"

FORWARDS = r"""
CREATE INDEX role_assignment_person_index ON role_assignment (person);
CREATE INDEX session_person_index ON session (person);
CREATE INDEX session_expires_at_index ON session (expires_at);
CREATE INDEX api_token_person_index ON api_token (person);
CREATE INDEX person_organisation_index ON person (organisation);
CREATE INDEX organisation_parent_index ON organisation (parent);
CREATE CONSTRAINT TRIGGER organisation_changes_are_logged AFTER INSERT OR UPDATE OR DELETE ON organisation
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION require_audit_event();
CREATE CONSTRAINT TRIGGER person_changes_are_logged AFTER INSERT OR UPDATE OR DELETE ON person
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION require_audit_event();
CREATE CONSTRAINT TRIGGER role_assignment_changes_are_logged AFTER INSERT OR UPDATE OR DELETE ON role_assignment
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION require_audit_event();
CREATE CONSTRAINT TRIGGER api_token_changes_are_logged AFTER INSERT OR UPDATE OR DELETE ON api_token
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION require_audit_event();
"""

BACKWARDS = r"""
DROP TRIGGER organisation_changes_are_logged ON organisation;
DROP TRIGGER person_changes_are_logged ON person;
DROP TRIGGER role_assignment_changes_are_logged ON role_assignment;
DROP TRIGGER api_token_changes_are_logged ON api_token;
DROP INDEX role_assignment_person_index;
DROP INDEX session_person_index;
DROP INDEX session_expires_at_index;
DROP INDEX api_token_person_index;
DROP INDEX person_organisation_index;
DROP INDEX organisation_parent_index;
"""


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="accounts", description=DESCRIPTION)

    async def run() -> None:
        await run_script(FORWARDS)

    async def run_backwards() -> None:
        await run_script(BACKWARDS)

    manager.add_raw(run)
    manager.add_raw_backwards(run_backwards)
    return manager
