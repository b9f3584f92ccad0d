"""The demo's accounts. They exist in the demo only, and the demo answers on loopback only."""

DEMO_ACCOUNTS = ("firm", "firm2", "employee", "host", "procurement", "legal", "coordinator", "auditor")
DEMO_PASSWORD = "demo-password-1"  # noqa: S105  # known to everybody on purpose
