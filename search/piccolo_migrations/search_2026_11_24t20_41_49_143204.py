from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.columns.column_types import Array
from piccolo.columns.column_types import BigInt
from piccolo.columns.column_types import BigSerial
from piccolo.columns.column_types import Date
from piccolo.columns.column_types import Integer
from piccolo.columns.column_types import Varchar
from piccolo.columns.indexes import IndexMethod
from piccolo.constraints import Check
from piccolo.constraints import Unique

ID = "2026-11-24T20:41:49:143204"
VERSION = "1.38.0"
DESCRIPTION = "statistics"


async def forwards():
    manager = MigrationManager(
        migration_id=ID, app_name="search", description=DESCRIPTION
    )

    manager.add_table(
        class_name="SearchQuestion",
        tablename="search_question",
        schema=None,
        columns=None,
    )

    manager.add_column(
        table_class_name="SearchQuestion",
        tablename="search_question",
        column_name="id",
        db_column_name="id",
        column_class_name="BigSerial",
        column_class=BigSerial,
        params={
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
        table_class_name="SearchQuestion",
        tablename="search_question",
        column_name="day",
        db_column_name="day",
        column_class_name="Date",
        column_class=Date,
        params={
            "default": None,
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
        table_class_name="SearchQuestion",
        tablename="search_question",
        column_name="question",
        db_column_name="question",
        column_class_name="Varchar",
        column_class=Varchar,
        params={
            "length": 100,
            "default": "",
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
        table_class_name="SearchQuestion",
        tablename="search_question",
        column_name="language",
        db_column_name="language",
        column_class_name="Varchar",
        column_class=Varchar,
        params={
            "length": 2,
            "default": "",
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
        table_class_name="SearchQuestion",
        tablename="search_question",
        column_name="asker",
        db_column_name="asker",
        column_class_name="Varchar",
        column_class=Varchar,
        params={
            "length": 6,
            "default": "",
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
        table_class_name="SearchQuestion",
        tablename="search_question",
        column_name="searches",
        db_column_name="searches",
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
        table_class_name="SearchQuestion",
        tablename="search_question",
        column_name="without_hits",
        db_column_name="without_hits",
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
        table_class_name="SearchQuestion",
        tablename="search_question",
        column_name="last_hits",
        db_column_name="last_hits",
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
        table_class_name="SearchQuestion",
        tablename="search_question",
        column_name="clicks",
        db_column_name="clicks",
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
        table_class_name="SearchQuestion",
        tablename="search_question",
        column_name="places",
        db_column_name="places",
        column_class_name="BigInt",
        column_class=BigInt,
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
        table_class_name="SearchQuestion",
        tablename="search_question",
        column_name="clicked_at",
        db_column_name="clicked_at",
        column_class_name="Array",
        column_class=Array,
        params={
            "default": list,
            "base_column": Integer(
                default=0,
                null=False,
                primary_key=False,
                unique=False,
                index=False,
                index_method=IndexMethod.btree,
                choices=None,
                db_column_name=None,
                secret=False,
            ),
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
        table_class_name="SearchQuestion",
        tablename="search_question",
        constraint_name="question_language_is_known",
        constraint_class=Check,
        params={"condition": "language IN ('sv', 'en')"},
        schema=None,
    )

    manager.add_constraint(
        table_class_name="SearchQuestion",
        tablename="search_question",
        constraint_name="asker_is_a_kind",
        constraint_class=Check,
        params={"condition": "asker IN ('public', 'staff')"},
        schema=None,
    )

    manager.add_constraint(
        table_class_name="SearchQuestion",
        tablename="search_question",
        constraint_name="question_is_not_empty",
        constraint_class=Check,
        params={"condition": "question <> ''"},
        schema=None,
    )

    manager.add_constraint(
        table_class_name="SearchQuestion",
        tablename="search_question",
        constraint_name="question_holds_no_address",
        constraint_class=Check,
        params={"condition": "strpos(question, '@') = 0"},
        schema=None,
    )

    manager.add_constraint(
        table_class_name="SearchQuestion",
        tablename="search_question",
        constraint_name="question_holds_no_number_of_a_person",
        constraint_class=Check,
        params={
            "condition": "char_length(regexp_replace(question, '[^0-9]', '', 'g')) < 6"
        },
        schema=None,
    )

    manager.add_constraint(
        table_class_name="SearchQuestion",
        tablename="search_question",
        constraint_name="counts_fit_together",
        constraint_class=Check,
        params={
            "condition": "without_hits BETWEEN 0 AND searches AND clicks >= 0 AND cardinality(clicked_at) = 11"
        },
        schema=None,
    )

    manager.add_constraint(
        table_class_name="SearchQuestion",
        tablename="search_question",
        constraint_name="question_once_a_day",
        constraint_class=Unique,
        params={
            "columns": ["day", "question", "language", "asker"],
            "nulls_distinct": True,
        },
        schema=None,
    )

    return manager
