"""How long somebody who waits has to answer when time becomes free for them.

Locks: a column with a constant default on environment, and a check that reads it once.
"""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.columns.column_types import SmallInt
from piccolo.columns.indexes import IndexMethod
from piccolo.constraints import Check

ID = "2026-11-24T23:48:53:916784"
VERSION = "1.38.0"
DESCRIPTION = "offer hours"


async def forwards():
    manager = MigrationManager(
        migration_id=ID, app_name="entries", description=DESCRIPTION
    )

    manager.add_column(
        table_class_name="Environment",
        tablename="environment",
        column_name="offer_hours",
        db_column_name="offer_hours",
        column_class_name="SmallInt",
        column_class=SmallInt,
        params={
            "default": 24,
            "null": False,
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
        table_class_name="Environment",
        tablename="environment",
        constraint_name="offer_is_sane",
        constraint_class=Check,
        params={"condition": "offer_hours BETWEEN 1 AND 336"},
        schema=None,
    )

    return manager
