"""Where Piccolo finds the database engine and the apps whose tables and migrations it manages."""

from piccolo.conf.apps import AppRegistry
from piccolo.engine.postgres import PostgresEngine

from registry.settings import load_settings

_settings = load_settings()

DB = PostgresEngine(
    config={
        "dsn": _settings.database_url,
        "command_timeout": 30,
        # Compiling queries (JIT) costs a tenth of a second each time, and ours are over before that pays.
        "server_settings": {"application_name": "registry", "timezone": "UTC", "jit": "off"},
    }
)

APP_REGISTRY = AppRegistry(
    apps=[
        "registry.audit.piccolo_app",
        "registry.jobs.piccolo_app",
        "registry.mail.piccolo_app",
        "registry.accounts.piccolo_app",
        "registry.idempotency.piccolo_app",
        "registry.entries.piccolo_app",
        "registry.agreements.piccolo_app",
        "registry.bookings.piccolo_app",
        "registry.procurement.piccolo_app",
        "search.piccolo_app",
    ]
)
