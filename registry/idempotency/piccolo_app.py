"""Tells Piccolo where the tables and the migrations of this app are."""

from pathlib import Path

from piccolo.conf.apps import AppConfig, table_finder

APP_CONFIG = AppConfig(
    app_name="idempotency",
    migrations_folder_path=str(Path(__file__).parent / "piccolo_migrations"),
    table_classes=table_finder(["registry.idempotency.tables"], exclude_imported=True),
    migration_dependencies=["registry.accounts.piccolo_app"],
)
