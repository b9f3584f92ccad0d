"""Both languages are whole: every text has a translation, and no template holds a text that cannot be translated."""

import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po

ROOT = Path(__file__).parent.parent
TEMPLATES = sorted(path for path in (ROOT / "templates").rglob("*.*") if path.suffix in {".html", ".txt"})


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    """Every text that code and templates mark for translation."""
    target = tmp_path_factory.mktemp("texts") / "messages.pot"
    subprocess.run(
        [
            sys.executable, "-m", "babel.messages.frontend", "--quiet", "extract", "--mapping", "locales/babel.cfg",
            "--keywords", "N_", "--output", str(target), "app.py", "registry", "search", "admin", "templates",
        ],
        cwd=ROOT,
        check=True,
    )  # fmt: skip
    with target.open("rb") as file:
        return read_po(file)


def catalogue(language: str) -> Catalog:
    with (ROOT / "locales" / language / "LC_MESSAGES" / "messages.po").open("rb") as file:
        return read_po(file, locale=language)


def test_every_text_has_a_swedish_translation(texts: Catalog) -> None:
    swedish = catalogue("sv")
    missing = [
        entry.id
        for entry in texts
        if entry.id
        and not ((found := swedish.get(entry.id)) and (all(found.string) if entry.pluralizable else found.string))
    ]
    assert missing == []


def test_catalogue_holds_no_text_that_nothing_uses(texts: Catalog) -> None:
    unused = [entry.id for entry in catalogue("sv") if entry.id and texts.get(entry.id) is None]
    assert unused == []


def _places(text: str) -> set[str]:
    return set(re.findall(r"%\((\w+)\)s", text))


def test_translations_keep_the_places_for_values() -> None:
    for entry in catalogue("sv"):
        ids = entry.id if isinstance(entry.id, tuple) else (entry.id,)
        strings = entry.string if isinstance(entry.string, tuple) else (entry.string,)
        for text in strings:
            assert _places(text) <= _places(ids[-1]), entry.id


class _Texts(HTMLParser):
    """Collects what stands between tags and in attributes that are read out."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_data(self, data: str) -> None:
        # A mail has its style sheet in itself.
        if self.cdata_elem != "style":
            self.found.append(data)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del tag
        self.found += [value or "" for name, value in attrs if name in {"alt", "title", "aria-label", "placeholder"}]


# The language switch names each language in itself; a hash has the same name in both.
LITERAL = {"Svenska", "English", "SHA-256"}


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT)))
def test_template_holds_no_literal_text(template: Path) -> None:
    source = template.read_text()
    without_jinja = re.sub(r"{%-?\s*trans.*?endtrans\s*-?%}|{{.*?}}|{%.*?%}|{#.*?#}", "", source, flags=re.DOTALL)
    parser = _Texts()
    parser.feed(without_jinja)
    words = [
        text.strip()
        for text in parser.found
        if re.search(r"[A-Za-zÅÄÖåäö]{2,}", text)
        and text.strip() not in LITERAL
        # What is left of a tag whose attributes were put together by expressions.
        and not re.fullmatch(r'([a-z-]+="[^"]*"\s*)+>?', text.strip())
    ]
    assert words == []
