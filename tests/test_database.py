"""Transactions, and the guards that hold for all tables."""

import asyncpg
import pytest

from registry import database
from registry.access import SYSTEM
from registry.audit.service import EventType, record
from tests import factories


async def test_change_that_logs_nothing_is_refused_and_gives_its_connection_back() -> None:
    entry_id, _ = await factories.environment()
    pool = database.engine().pool
    assert pool is not None
    idle = pool.get_idle_size()
    for _ in range(pool.get_max_size() + 1):
        with pytest.raises(asyncpg.RestrictViolationError):
            async with database.transaction():
                await database.fetch("UPDATE entry SET keywords = '{x}' WHERE id = $1", entry_id)
    assert pool.get_idle_size() >= idle
    assert not database.in_transaction()
    row = await database.fetch_one("SELECT keywords FROM entry WHERE id = $1", entry_id)
    assert row is not None
    assert row["keywords"] == []


async def test_every_table_of_the_domain_refuses_changes_that_log_nothing() -> None:
    rows = await database.fetch(
        "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE n.nspname = 'public' AND c.relkind = 'r' AND c.relname !~ '^pgqueuer'"
        " AND NOT EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND t.tgname LIKE '%_are_logged')"
    )
    # The log itself, what is derived or temporary, and what only ever comes with a logged row.
    assert {row["relname"] for row in rows} == {
        "agreement_passage",
        "audit_event",
        "blackout_booking",
        "booking_hold",
        "document_text",
        "entry_version",
        "environment_lanes",
        "idempotency_key",
        "ip_term",
        "ip_terms",
        "mail",
        "mail_attachment",
        "migration",
        "notice",
        "saved_search_hit",
        "search_document",
        "search_hidden",
        "search_push",
        "search_word",
        "search_question",
        "session",
        "sign_in_attempt",
        "vocabulary_version",
    }


@pytest.mark.parametrize(
    "table",
    [
        "audit_event",
        "entry_version",
        "ip_terms",
        "ip_term",
        "template_version",
        "agreement_version",
        "agreement_signature",
        "document",
    ],
)
async def test_append_only_tables_refuse_update_delete_and_truncate(table: str) -> None:
    await factories.environment()
    rows = await database.fetch(
        "SELECT tgname, tgtype FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid"
        " WHERE c.relname = $1 AND tgname LIKE '%_is_%'",
        table,
    )
    assert len(rows) == 2
    with pytest.raises(asyncpg.RestrictViolationError):
        await database.fetch(f"TRUNCATE {table} CASCADE")


async def test_log_refuses_update_and_delete() -> None:
    async with database.transaction():
        await record(SYSTEM, EventType.ENTRY_CHANGED, 1)
    for statement in ("UPDATE audit_event SET type = 'x'", "DELETE FROM audit_event"):
        with pytest.raises(asyncpg.RestrictViolationError):
            await database.fetch(statement)


async def test_times_are_stored_with_their_zone_and_amounts_as_integers_with_a_currency() -> None:
    rows = await database.fetch(
        "SELECT table_name, column_name, data_type FROM information_schema.columns"
        " WHERE table_schema = 'public' AND table_name !~ '^pgqueuer' AND table_name <> 'migration'"
    )
    kinds = {(row["table_name"], row["column_name"]): row["data_type"] for row in rows}
    assert not [name for name, kind in kinds.items() if kind == "timestamp without time zone"]
    amounts = [name for name in kinds if name[1].endswith("_minor")]
    assert len(amounts) >= 4
    for table, column in amounts:
        assert kinds[table, column] == "bigint"
        assert (table, "currency") in kinds


async def test_migrations_make_what_the_tables_say() -> None:
    from piccolo.apps.migrations.auto.diffable_table import DiffableTable  # noqa: PLC0415
    from piccolo.apps.migrations.auto.schema_differ import SchemaDiffer  # noqa: PLC0415
    from piccolo.apps.migrations.auto.schema_snapshot import SchemaSnapshot  # noqa: PLC0415
    from piccolo.apps.migrations.commands.base import BaseMigrationManager  # noqa: PLC0415
    from piccolo.conf.apps import Finder  # noqa: PLC0415

    for app in Finder().get_app_registry().app_configs.values():
        modules = BaseMigrationManager().get_migration_modules(app.resolved_migrations_folder_path)
        managers = [await module.forwards() for _, module in sorted(modules.items())]
        snapshot = SchemaSnapshot(managers).get_snapshot()
        tables = [
            DiffableTable(
                class_name=table.__name__,
                tablename=table._meta.tablename,
                columns=table._meta.non_default_columns,
                constraints=table._meta.constraints,
                schema=table._meta.schema,
            )
            for table in app.table_classes
        ]
        changes = SchemaDiffer(schema=tables, schema_snapshot=snapshot, auto_input="y").get_alter_statements()
        assert [change.statements for change in changes if change.statements] == [], app.app_name
