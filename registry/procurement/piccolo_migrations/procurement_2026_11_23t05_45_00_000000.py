"""Phases follow one another, decisions follow phases, changes are logged.

Locks: triggers on empty tables; no table in use is locked.
"""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from registry.database import run_script

ID = "2026-11-23T05:45:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "guards"

FORWARDS = r"""
-- Phases are successive (directive 2014/24/EU, article 31.2): numbered without gaps, each after the one before,
-- and a phase is decided only when the one before was decided to go on. What has been decided stays as it is,
-- and nothing follows a phase that ended the partnership.
CREATE FUNCTION phases_are_successive() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    before phase;
BEGIN
    PERFORM FROM partnership WHERE id = NEW.partnership FOR UPDATE;
    IF TG_OP = 'UPDATE' THEN
        IF (NEW.partnership, NEW.number) IS DISTINCT FROM (OLD.partnership, OLD.number) THEN
            RAISE EXCEPTION 'phase % keeps its number', OLD.number
                USING ERRCODE = 'check_violation', CONSTRAINT = 'phases_keep_their_number';
        END IF;
        IF OLD.decision IS NOT NULL AND
            (NEW.decision, NEW.decision_reasons, NEW.decided_by, NEW.decided_at,
             NEW.title, NEW.targets, NEW.starts_on, NEW.ends_on)
            IS DISTINCT FROM
            (OLD.decision, OLD.decision_reasons, OLD.decided_by, OLD.decided_at,
             OLD.title, OLD.targets, OLD.starts_on, OLD.ends_on)
        THEN
            RAISE EXCEPTION 'phase % has been decided', OLD.number
                USING ERRCODE = 'check_violation', CONSTRAINT = 'phase_decisions_are_final';
        END IF;
    END IF;
    IF EXISTS (
        SELECT FROM phase a JOIN phase b ON a.partnership = b.partnership AND a.number < b.number
        WHERE a.partnership = NEW.partnership AND a.ends_on >= b.starts_on
    ) THEN
        RAISE EXCEPTION 'phase % overlaps another phase', NEW.number
            USING ERRCODE = 'check_violation', CONSTRAINT = 'phases_do_not_overlap';
    END IF;
    IF NEW.number <> 1 THEN
        SELECT * INTO before FROM phase WHERE partnership = NEW.partnership AND number = NEW.number - 1;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'phase % has no phase before it', NEW.number
                USING ERRCODE = 'check_violation', CONSTRAINT = 'phases_have_no_gaps';
        END IF;
        IF NEW.decision IS NOT NULL AND coalesce(before.decision, 'terminate') = 'terminate' THEN
            RAISE EXCEPTION 'phase % was not decided to go on', before.number
                USING ERRCODE = 'check_violation', CONSTRAINT = 'phases_are_decided_in_order';
        END IF;
        IF EXISTS (
            SELECT FROM phase
            WHERE partnership = NEW.partnership AND number < NEW.number AND decision = 'terminate'
        ) THEN
            RAISE EXCEPTION 'the partnership ended before phase %', NEW.number
                USING ERRCODE = 'check_violation', CONSTRAINT = 'nothing_follows_a_termination';
        END IF;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER phases_are_successive AFTER INSERT OR UPDATE ON phase
    FOR EACH ROW EXECUTE FUNCTION phases_are_successive();
CREATE INDEX partnership_procurement_index ON partnership (procurement);
CREATE INDEX partner_organisation_index ON partner (organisation);
CREATE INDEX phase_environment_environment_index ON phase_environment (environment);
CREATE CONSTRAINT TRIGGER procurement_changes_are_logged AFTER INSERT OR UPDATE OR DELETE ON procurement
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION require_audit_event();
CREATE CONSTRAINT TRIGGER partnership_changes_are_logged AFTER INSERT OR UPDATE OR DELETE ON partnership
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION require_audit_event();
CREATE CONSTRAINT TRIGGER partner_changes_are_logged AFTER INSERT OR UPDATE OR DELETE ON partner
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION require_audit_event();
CREATE CONSTRAINT TRIGGER phase_changes_are_logged AFTER INSERT OR UPDATE OR DELETE ON phase
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION require_audit_event();
CREATE CONSTRAINT TRIGGER phase_environment_changes_are_logged AFTER INSERT OR UPDATE OR DELETE ON phase_environment
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION require_audit_event();
"""

BACKWARDS = r"""
DROP TRIGGER procurement_changes_are_logged ON procurement;
DROP TRIGGER partnership_changes_are_logged ON partnership;
DROP TRIGGER partner_changes_are_logged ON partner;
DROP TRIGGER phase_changes_are_logged ON phase;
DROP TRIGGER phase_environment_changes_are_logged ON phase_environment;
DROP INDEX partnership_procurement_index;
DROP INDEX partner_organisation_index;
DROP INDEX phase_environment_environment_index;
DROP TRIGGER phases_are_successive ON phase;
DROP FUNCTION phases_are_successive();
"""


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="procurement", description=DESCRIPTION)

    async def run() -> None:
        await run_script(FORWARDS)

    async def run_backwards() -> None:
        await run_script(BACKWARDS)

    manager.add_raw(run)
    manager.add_raw_backwards(run_backwards)
    return manager
