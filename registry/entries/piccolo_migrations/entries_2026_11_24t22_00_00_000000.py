"""Seasons stay apart, their hours belong to their own environment, and changes of the calendar are logged.

Locks: constraints and triggers on tables that are empty or small; opening_hours is read once.
"""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from registry.database import run_script

ID = "2026-11-24T22:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "calendar_guards"

FORWARDS = r"""
CREATE INDEX season_environment_index ON season (environment);
CREATE INDEX closure_environment_index ON closure (environment, starts_at);
ALTER TABLE season
    ADD CONSTRAINT season_of_its_environment UNIQUE (id, environment),
    ADD CONSTRAINT one_season_at_a_time EXCLUDE USING gist
        (int8range(environment, environment, '[]') WITH &&, daterange(first_day, last_day, '[]') WITH &&)
        WHERE (NOT every_year);
ALTER TABLE opening_hours ADD CONSTRAINT opening_hours_of_a_season_of_its_environment
    FOREIGN KEY (season, environment) REFERENCES season (id, environment) ON DELETE CASCADE;
CREATE CONSTRAINT TRIGGER season_changes_are_logged AFTER INSERT OR UPDATE OR DELETE ON season
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION require_audit_event();
CREATE CONSTRAINT TRIGGER closure_changes_are_logged AFTER INSERT OR UPDATE OR DELETE ON closure
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION require_audit_event();
CREATE CONSTRAINT TRIGGER open_day_changes_are_logged AFTER INSERT OR UPDATE OR DELETE ON open_day
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION require_audit_event();
"""

BACKWARDS = r"""
DROP TRIGGER season_changes_are_logged ON season;
DROP TRIGGER closure_changes_are_logged ON closure;
DROP TRIGGER open_day_changes_are_logged ON open_day;
ALTER TABLE opening_hours DROP CONSTRAINT opening_hours_of_a_season_of_its_environment;
ALTER TABLE season DROP CONSTRAINT one_season_at_a_time, DROP CONSTRAINT season_of_its_environment;
DROP INDEX season_environment_index;
DROP INDEX closure_environment_index;
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
