from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.columns.column_types import BigInt
from piccolo.columns.column_types import Integer
from piccolo.columns.column_types import Text
from piccolo.columns.column_types import Timestamptz
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.columns.indexes import IndexMethod

ID = "2026-11-24T20:39:02:318945"
VERSION = "1.38.0"
DESCRIPTION = "documents, pushes and words"


async def forwards():
    manager = MigrationManager(
        migration_id=ID, app_name="search", description=DESCRIPTION
    )

    manager.add_table(
        class_name="SearchPush",
        tablename="search_push",
        schema=None,
        columns=None,
    )

    manager.add_table(
        class_name="SearchWord",
        tablename="search_word",
        schema=None,
        columns=None,
    )

    manager.add_column(
        table_class_name="SearchPush",
        tablename="search_push",
        column_name="entry",
        db_column_name="entry",
        column_class_name="BigInt",
        column_class=BigInt,
        params={
            "default": 0,
            "null": False,
            "primary_key": True,
            "unique": False,
            "index": False,
            "index_method": IndexMethod.btree,
            "choices": None,
            "db_column_name": None,
            "secret": False,
        },
        schema=None,
    )

    manager.add_column(
        table_class_name="SearchPush",
        tablename="search_push",
        column_name="asked_at",
        db_column_name="asked_at",
        column_class_name="Timestamptz",
        column_class=Timestamptz,
        params={
            "default": TimestamptzNow(),
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

    manager.add_column(
        table_class_name="SearchWord",
        tablename="search_word",
        column_name="word",
        db_column_name="word",
        column_class_name="Text",
        column_class=Text,
        params={
            "default": "",
            "null": False,
            "primary_key": True,
            "unique": False,
            "index": False,
            "index_method": IndexMethod.btree,
            "choices": None,
            "db_column_name": None,
            "secret": False,
        },
        schema=None,
    )

    manager.add_column(
        table_class_name="SearchWord",
        tablename="search_word",
        column_name="public",
        db_column_name="public",
        column_class_name="Integer",
        column_class=Integer,
        params={
            "default": 0,
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

    manager.add_column(
        table_class_name="SearchWord",
        tablename="search_word",
        column_name="staff",
        db_column_name="staff",
        column_class_name="Integer",
        column_class=Integer,
        params={
            "default": 0,
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

    manager.rename_column(
        table_class_name="SearchDocument",
        tablename="search_document",
        old_column_name="names",
        new_column_name="body_words",
        old_db_column_name="names",
        new_db_column_name="body_words",
        schema=None,
    )

    manager.rename_column(
        table_class_name="SearchDocument",
        tablename="search_document",
        old_column_name="plain",
        new_column_name="checksum",
        old_db_column_name="plain",
        new_db_column_name="checksum",
        schema=None,
    )

    manager.rename_column(
        table_class_name="SearchDocument",
        tablename="search_document",
        old_column_name="plain_summary",
        new_column_name="free_weeks",
        old_db_column_name="plain_summary",
        new_db_column_name="free_weeks",
        schema=None,
    )

    manager.rename_column(
        table_class_name="SearchDocument",
        tablename="search_document",
        old_column_name="plain_title",
        new_column_name="names_words",
        old_db_column_name="plain_title",
        new_db_column_name="names_words",
        schema=None,
    )

    manager.rename_column(
        table_class_name="SearchDocument",
        tablename="search_document",
        old_column_name="results_ownership",
        new_column_name="near_words",
        old_db_column_name="results_ownership",
        new_db_column_name="near_words",
        schema=None,
    )

    manager.rename_column(
        table_class_name="SearchDocument",
        tablename="search_document",
        old_column_name="summary_en",
        new_column_name="shown",
        old_db_column_name="summary_en",
        new_db_column_name="shown",
        schema=None,
    )

    manager.rename_column(
        table_class_name="SearchDocument",
        tablename="search_document",
        old_column_name="summary_sv",
        new_column_name="source_hash",
        old_db_column_name="summary_sv",
        new_db_column_name="source_hash",
        schema=None,
    )

    manager.rename_column(
        table_class_name="SearchDocument",
        tablename="search_document",
        old_column_name="title_en",
        new_column_name="summary_words",
        old_db_column_name="title_en",
        new_db_column_name="summary_words",
        schema=None,
    )

    manager.rename_column(
        table_class_name="SearchDocument",
        tablename="search_document",
        old_column_name="title_sv",
        new_column_name="title_words",
        old_db_column_name="title_sv",
        new_db_column_name="title_words",
        schema=None,
    )

    return manager
