"""Since when a confirmed booking lacks a required agreement.

Locks: a column without a default on booking, and a check that reads it once.
"""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.columns.column_types import Timestamptz
from piccolo.columns.indexes import IndexMethod
from piccolo.constraints import Check

ID = "2026-11-24T22:06:24:354873"
VERSION = "1.38.0"
DESCRIPTION = "agreement_lost"


async def forwards():
    manager = MigrationManager(
        migration_id=ID, app_name="bookings", description=DESCRIPTION
    )

    manager.add_column(
        table_class_name="Booking",
        tablename="booking",
        column_name="agreement_lost_at",
        db_column_name="agreement_lost_at",
        column_class_name="Timestamptz",
        column_class=Timestamptz,
        params={
            "default": None,
            "null": True,
            "primary_key": False,
            "unique": False,
            "index": False,
            "index_method": IndexMethod.btree,
            "choices": None,
            "db_column_name": None,
            "secret": False,
        },
        schema=None,
    )

    manager.add_constraint(
        table_class_name="Booking",
        tablename="booking",
        constraint_name="only_confirmed_bookings_lose_agreements",
        constraint_class=Check,
        params={
            "condition": "agreement_lost_at IS NULL OR state NOT IN ('draft', 'submitted', 'changes_requested', 'waitlisted', 'approved')"
        },
        schema=None,
    )

    return manager
