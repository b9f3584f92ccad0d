from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.columns.base import OnDelete
from piccolo.columns.base import OnUpdate
from piccolo.columns.column_types import Array
from piccolo.columns.column_types import BigInt
from piccolo.columns.column_types import BigSerial
from piccolo.columns.column_types import ForeignKey
from piccolo.columns.column_types import Integer
from piccolo.columns.column_types import SmallInt
from piccolo.columns.column_types import Timestamptz
from piccolo.columns.column_types import Varchar
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.columns.indexes import IndexMethod
from piccolo.constraints import Check
from piccolo.constraints import Unique
from piccolo.table import Table


class VocabularyConcept(Table, tablename="vocabulary_concept", schema=None):
    id = BigSerial(
        null=False,
        primary_key=True,
        unique=False,
        index=False,
        index_method=IndexMethod.btree,
        choices=None,
        db_column_name=None,
        secret=False,
    )


ID = "2026-11-24T20:26:42:413960"
VERSION = "1.38.0"
DESCRIPTION = "vocabulary"


async def forwards():
    manager = MigrationManager(
        migration_id=ID, app_name="search", description=DESCRIPTION
    )

    manager.add_table(
        class_name="VocabularyBroader",
        tablename="vocabulary_broader",
        schema=None,
        columns=None,
    )

    manager.add_table(
        class_name="VocabularyTerm",
        tablename="vocabulary_term",
        schema=None,
        columns=None,
    )

    manager.add_table(
        class_name="VocabularyConcept",
        tablename="vocabulary_concept",
        schema=None,
        columns=None,
    )

    manager.add_table(
        class_name="VocabularyVersion",
        tablename="vocabulary_version",
        schema=None,
        columns=None,
    )

    manager.add_column(
        table_class_name="VocabularyBroader",
        tablename="vocabulary_broader",
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
        table_class_name="VocabularyBroader",
        tablename="vocabulary_broader",
        column_name="concept",
        db_column_name="concept",
        column_class_name="ForeignKey",
        column_class=ForeignKey,
        params={
            "references": VocabularyConcept,
            "on_delete": OnDelete.cascade,
            "on_update": OnUpdate.cascade,
            "target_column": None,
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
        table_class_name="VocabularyBroader",
        tablename="vocabulary_broader",
        column_name="broader",
        db_column_name="broader",
        column_class_name="ForeignKey",
        column_class=ForeignKey,
        params={
            "references": VocabularyConcept,
            "on_delete": OnDelete.cascade,
            "on_update": OnUpdate.cascade,
            "target_column": None,
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
        table_class_name="VocabularyTerm",
        tablename="vocabulary_term",
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
        table_class_name="VocabularyTerm",
        tablename="vocabulary_term",
        column_name="concept",
        db_column_name="concept",
        column_class_name="ForeignKey",
        column_class=ForeignKey,
        params={
            "references": VocabularyConcept,
            "on_delete": OnDelete.cascade,
            "on_update": OnUpdate.cascade,
            "target_column": None,
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
        table_class_name="VocabularyTerm",
        tablename="vocabulary_term",
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
        table_class_name="VocabularyTerm",
        tablename="vocabulary_term",
        column_name="term",
        db_column_name="term",
        column_class_name="Varchar",
        column_class=Varchar,
        params={
            "length": 80,
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
        table_class_name="VocabularyTerm",
        tablename="vocabulary_term",
        column_name="position",
        db_column_name="position",
        column_class_name="SmallInt",
        column_class=SmallInt,
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
        table_class_name="VocabularyConcept",
        tablename="vocabulary_concept",
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
        table_class_name="VocabularyConcept",
        tablename="vocabulary_concept",
        column_name="key",
        db_column_name="key",
        column_class_name="Varchar",
        column_class=Varchar,
        params={
            "length": 60,
            "default": "",
            "null": False,
            "primary_key": False,
            "unique": True,
            "index": False,
            "index_method": IndexMethod.btree,
            "choices": None,
            "db_column_name": None,
            "secret": False,
        },
        schema=None,
    )

    manager.add_column(
        table_class_name="VocabularyConcept",
        tablename="vocabulary_concept",
        column_name="sectors",
        db_column_name="sectors",
        column_class_name="Array",
        column_class=Array,
        params={
            "default": list,
            "base_column": Varchar(
                length=20,
                default="",
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

    manager.add_column(
        table_class_name="VocabularyConcept",
        tablename="vocabulary_concept",
        column_name="created_at",
        db_column_name="created_at",
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
        table_class_name="VocabularyConcept",
        tablename="vocabulary_concept",
        column_name="changed_at",
        db_column_name="changed_at",
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
        table_class_name="VocabularyConcept",
        tablename="vocabulary_concept",
        column_name="version",
        db_column_name="version",
        column_class_name="Integer",
        column_class=Integer,
        params={
            "default": 1,
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
        table_class_name="VocabularyVersion",
        tablename="vocabulary_version",
        column_name="id",
        db_column_name="id",
        column_class_name="SmallInt",
        column_class=SmallInt,
        params={
            "default": 1,
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
        table_class_name="VocabularyVersion",
        tablename="vocabulary_version",
        column_name="number",
        db_column_name="number",
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

    manager.add_constraint(
        table_class_name="VocabularyBroader",
        tablename="vocabulary_broader",
        constraint_name="not_broader_than_itself",
        constraint_class=Check,
        params={"condition": "concept <> broader"},
        schema=None,
    )

    manager.add_constraint(
        table_class_name="VocabularyBroader",
        tablename="vocabulary_broader",
        constraint_name="vocabulary_broader_once",
        constraint_class=Unique,
        params={"columns": ["concept", "broader"], "nulls_distinct": True},
        schema=None,
    )

    manager.add_constraint(
        table_class_name="VocabularyTerm",
        tablename="vocabulary_term",
        constraint_name="term_language_is_known",
        constraint_class=Check,
        params={"condition": "language IN ('sv', 'en')"},
        schema=None,
    )

    manager.add_constraint(
        table_class_name="VocabularyTerm",
        tablename="vocabulary_term",
        constraint_name="term_is_trimmed",
        constraint_class=Check,
        params={
            "condition": "term = btrim(term, E' \\t\\n\\r') AND term IS NFC NORMALIZED AND char_length(term) >= 2"
        },
        schema=None,
    )

    manager.add_constraint(
        table_class_name="VocabularyTerm",
        tablename="vocabulary_term",
        constraint_name="vocabulary_term_once",
        constraint_class=Unique,
        params={
            "columns": ["concept", "language", "term"],
            "nulls_distinct": True,
        },
        schema=None,
    )

    manager.add_constraint(
        table_class_name="VocabularyConcept",
        tablename="vocabulary_concept",
        constraint_name="vocabulary_sectors_are_known",
        constraint_class=Check,
        params={
            "condition": "sectors <@ ARRAY['healthcare', 'transport', 'culture', 'environment']::varchar[]"
        },
        schema=None,
    )

    manager.add_constraint(
        table_class_name="VocabularyConcept",
        tablename="vocabulary_concept",
        constraint_name="key_is_plain",
        constraint_class=Check,
        params={"condition": "key ~ '^[a-z0-9]+([-_][a-z0-9]+)*$'"},
        schema=None,
    )

    manager.add_constraint(
        table_class_name="VocabularyVersion",
        tablename="vocabulary_version",
        constraint_name="vocabulary_has_one_version",
        constraint_class=Check,
        params={"condition": "id = 1"},
        schema=None,
    )

    return manager
