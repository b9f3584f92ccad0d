"""An entry that is hidden is noted at once, so that an index that does not know of it yet finds it for nobody.

Locks: a trigger on entry, which waits for running writes for a moment.
"""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from registry.database import run_script

ID = "2026-11-24T21:13:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "hiding"

FORWARDS = r"""
CREATE FUNCTION entry_is_hidden() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO search_hidden (entry, hidden_at) VALUES (NEW.id, clock_timestamp())
        ON CONFLICT (entry) DO UPDATE SET hidden_at = excluded.hidden_at;
    RETURN NULL;
END $$;
CREATE TRIGGER entry_is_hidden_at_once AFTER UPDATE OF status, visibility ON entry FOR EACH ROW
    WHEN ((OLD.status = 'published' AND NEW.status <> 'published')
          OR (OLD.visibility = 'public' AND NEW.visibility <> 'public'))
    EXECUTE FUNCTION entry_is_hidden();
"""

BACKWARDS = r"""
DROP TRIGGER entry_is_hidden_at_once ON entry;
DROP FUNCTION entry_is_hidden();
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
