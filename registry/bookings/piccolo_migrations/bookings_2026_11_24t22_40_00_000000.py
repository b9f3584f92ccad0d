"""Whether a site has any held time is looked up by its number: with many holds, reading them all took seconds.

Locks: an index; writing to booking_hold waits while it is built.
"""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from registry.database import run_script

ID = "2026-11-24T22:40:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "holds of a site"


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="bookings", description=DESCRIPTION)

    async def run() -> None:
        await run_script("CREATE INDEX booking_hold_site_index ON booking_hold (site);")

    async def run_backwards() -> None:
        await run_script("DROP INDEX booking_hold_site_index;")

    manager.add_raw(run)
    manager.add_raw_backwards(run_backwards)
    return manager
