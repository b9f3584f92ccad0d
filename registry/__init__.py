"""What the registry knows and does."""

from pathlib import Path

PROJECT_ROOT = Path(__file__).resolve().parent.parent
# The demo's passwords are known to everybody, so it answers to this machine only.
LOOPBACK_HOSTS = frozenset({"127.0.0.1", "::1", "localhost"})
