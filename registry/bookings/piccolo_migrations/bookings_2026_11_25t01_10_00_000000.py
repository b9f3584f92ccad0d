"""Bookings that have lost an agreement are few, and the host's queue looks for them.

Locks: an index; writing to booking waits while it is built.
"""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from registry.database import run_script

ID = "2026-11-25T01:10:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "lost agreements"


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="bookings", description=DESCRIPTION)

    async def run() -> None:
        await run_script(
            "CREATE INDEX booking_agreement_lost_index ON booking (state) WHERE agreement_lost_at IS NOT NULL;"
        )

    async def run_backwards() -> None:
        await run_script("DROP INDEX booking_agreement_lost_index;")

    manager.add_raw(run)
    manager.add_raw_backwards(run_backwards)
    return manager
