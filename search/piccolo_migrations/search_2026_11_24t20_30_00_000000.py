"""The vocabulary has no cycles, its changes come one after the other and are counted and logged.

Locks: triggers and indexes on empty tables; no table in use is locked.
"""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from registry.database import run_script

ID = "2026-11-24T20:30:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "vocabulary guards"

FORWARDS = r"""
INSERT INTO vocabulary_version (id, number) VALUES (1, 0);
CREATE INDEX vocabulary_term_term_index ON vocabulary_term (lower(term) text_pattern_ops);
CREATE INDEX vocabulary_broader_broader_index ON vocabulary_broader (broader);

-- The row stays locked until the commit: whoever comes after sees all that came before, so that two changes
-- that are right each for itself cannot make a cycle together.
CREATE FUNCTION count_vocabulary_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE vocabulary_version SET number = number + 1 WHERE id = 1;
    RETURN NULL;
END $$;
CREATE TRIGGER vocabulary_concept_changes_are_counted BEFORE INSERT OR UPDATE OR DELETE ON vocabulary_concept
    FOR EACH STATEMENT EXECUTE FUNCTION count_vocabulary_change();
CREATE TRIGGER vocabulary_term_changes_are_counted BEFORE INSERT OR UPDATE OR DELETE ON vocabulary_term
    FOR EACH STATEMENT EXECUTE FUNCTION count_vocabulary_change();
CREATE TRIGGER vocabulary_broader_changes_are_counted BEFORE INSERT OR UPDATE OR DELETE ON vocabulary_broader
    FOR EACH STATEMENT EXECUTE FUNCTION count_vocabulary_change();

CREATE FUNCTION refuse_vocabulary_cycle() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        WITH RECURSIVE above (concept) AS (
            SELECT NEW.broader
            UNION
            SELECT b.broader FROM vocabulary_broader b JOIN above a ON b.concept = a.concept
        )
        SELECT FROM above WHERE concept = NEW.concept
    ) THEN
        RAISE EXCEPTION 'concept % would be broader than itself', NEW.concept
            USING ERRCODE = 'check_violation', CONSTRAINT = 'vocabulary_has_no_cycles';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER vocabulary_has_no_cycles AFTER INSERT OR UPDATE ON vocabulary_broader
    FOR EACH ROW EXECUTE FUNCTION refuse_vocabulary_cycle();

CREATE CONSTRAINT TRIGGER vocabulary_concept_changes_are_logged AFTER INSERT OR UPDATE OR DELETE ON vocabulary_concept
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION require_audit_event();
CREATE CONSTRAINT TRIGGER vocabulary_term_changes_are_logged AFTER INSERT OR UPDATE OR DELETE ON vocabulary_term
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION require_audit_event();
CREATE CONSTRAINT TRIGGER vocabulary_broader_changes_are_logged AFTER INSERT OR UPDATE OR DELETE ON vocabulary_broader
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION require_audit_event();
"""

BACKWARDS = r"""
DROP TRIGGER vocabulary_broader_changes_are_logged ON vocabulary_broader;
DROP TRIGGER vocabulary_term_changes_are_logged ON vocabulary_term;
DROP TRIGGER vocabulary_concept_changes_are_logged ON vocabulary_concept;
DROP TRIGGER vocabulary_has_no_cycles ON vocabulary_broader;
DROP FUNCTION refuse_vocabulary_cycle();
DROP TRIGGER vocabulary_broader_changes_are_counted ON vocabulary_broader;
DROP TRIGGER vocabulary_term_changes_are_counted ON vocabulary_term;
DROP TRIGGER vocabulary_concept_changes_are_counted ON vocabulary_concept;
DROP FUNCTION count_vocabulary_change();
DROP INDEX vocabulary_broader_broader_index;
DROP INDEX vocabulary_term_term_index;
DELETE FROM vocabulary_version;
"""


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="search", description=DESCRIPTION)

    async def run() -> None:
        await run_script(FORWARDS)

    async def run_backwards() -> None:
        await run_script(BACKWARDS)

    manager.add_raw(run)
    manager.add_raw_backwards(run_backwards)
    return manager
