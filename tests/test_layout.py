"""Where things may be: what import-linter cannot see."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PROGRAMS = {"app", "cli", "worker", "piccolo_conf"}
MODULES = sorted(
    path
    for folder in ("registry", "search", "admin")
    for path in (ROOT / folder).rglob("*.py")
    if "piccolo_migrations" not in path.parts
)


def imported(path: Path) -> set[str]:
    """The top-level names that a module imports."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return names


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_imports_the_programs_and_only_settings_read_the_environment(path: Path) -> None:
    assert not {name.split(".")[0] for name in imported(path)} & PROGRAMS
    if path.name != "settings.py" and "demo" not in path.parts:
        assert "os.environ" not in path.read_text()


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_states_and_codes_use_the_standard_library_only(path: Path) -> None:
    if path.name in {"states.py", "codes.py"}:
        assert {name.split(".")[0] for name in imported(path)} <= {"collections", "dataclasses", "enum", "typing"}


def test_migrations_import_no_tables() -> None:
    for path in ROOT.rglob("piccolo_migrations/*.py"):
        assert not {name for name in imported(path) if name.endswith(".tables")}, path
