"""A person saves each search once; changes of saved searches are logged; look-ups by foreign key have an index.

What a person is told of is derived from the search and the entries, and `last_mailed_at` follows from it, so
neither is logged.

Locks: indexes and triggers on empty tables; no table in use is locked.
"""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from registry.database import run_script

ID = "2026-11-24T20:34:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "saved_search_guards"

FORWARDS = r"""
-- A query may be longer than an index entry can be, so its digest stands for it.
CREATE UNIQUE INDEX saved_search_once_for_a_person ON saved_search (person, md5(query));
CREATE INDEX saved_search_frequency_index ON saved_search (frequency);
CREATE INDEX saved_search_hit_entry_index ON saved_search_hit (entry);
CREATE CONSTRAINT TRIGGER saved_search_changes_are_logged
    AFTER INSERT OR DELETE OR UPDATE OF person, name, query, frequency, language ON saved_search
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION require_audit_event();
"""

BACKWARDS = r"""
DROP TRIGGER saved_search_changes_are_logged ON saved_search;
DROP INDEX saved_search_hit_entry_index;
DROP INDEX saved_search_frequency_index;
DROP INDEX saved_search_once_for_a_person;
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
