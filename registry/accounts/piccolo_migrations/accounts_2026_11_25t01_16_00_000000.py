"""Who signed by virtue of their role until now may go on: what the role gave becomes a recorded authority.

Locks: none in use; reads role_assignment once.
"""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from registry.database import run_script

ID = "2026-11-25T01:16:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "authority to sign: guards"

FORWARDS = r"""
INSERT INTO signing_authority (person, organisation, valid_from, ground)
SELECT DISTINCT r.person, r.organisation, (r.granted_at AT TIME ZONE 'Europe/Stockholm')::date,
       'Följde med rollen innan rätten att underteckna registrerades.'
FROM role_assignment r
WHERE r.role IN ('firm', 'procurement', 'employee') AND r.organisation IS NOT NULL OR r.role = 'legal';

CREATE INDEX signing_authority_person_index ON signing_authority (person, organisation);
CREATE INDEX signing_authority_organisation_index ON signing_authority (organisation);
CREATE CONSTRAINT TRIGGER signing_authority_changes_are_logged AFTER INSERT OR UPDATE OR DELETE ON signing_authority
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION require_audit_event();
"""

BACKWARDS = r"""
DROP TRIGGER signing_authority_changes_are_logged ON signing_authority;
DROP INDEX signing_authority_organisation_index;
DROP INDEX signing_authority_person_index;
DELETE FROM signing_authority;
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
