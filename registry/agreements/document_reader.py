"""Reads the text of one PDF, DOCX or ODT from standard input: a program of its own, because files can be hostile.

It is started by extraction.py and knows nothing of the registry: no settings, no database, no environment. It
limits its own memory and processor time first. What it writes is one JSON object: status, pages and text.
"""

import io
import json
import os
import re
import resource
import sys
import unicodedata
import zipfile
from collections.abc import Iterator
from typing import Any

MOST_PAGES = 2_000
MOST_CHARACTERS = 2_000_000
MOST_SECONDS = 60
PAGE_BREAK = "\f"
_MOST_MEMORY = 1024 * 1024 * 1024
# What a DOCX may hold when unpacked. Text packs well, but not a thousand times.
_MOST_UNPACKED = 100 * 1024 * 1024
_MOST_RATIO = 200
_MOST_FILES = 5_000
# Longer "words" are no words; parted, so that none fills a whole passage.
_LONG_WORD = re.compile(r"(\S{400})(?=\S)")
_WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_ODT = b"mimetypeapplication/vnd.oasis.opendocument.text"
_ODF_TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
# The parts of a DOCX that hold text beside its body.
_STORIES = ("/header", "/footer", "/footnotes", "/endnotes", "/comments")
Outcome = tuple[str, int | None, str]


class _TooLarge(Exception):
    """A limit was reached; the text is what was read until then."""

    def __init__(self, text: str = "", pages: int | None = None) -> None:
        super().__init__()
        self.text = text
        self.pages = pages


def read(content: bytes) -> Outcome:
    """The status (a code of TextStatus), the number of pages (None for DOCX) and the text of a file."""
    try:
        if content.startswith(b"%PDF-"):
            status, pages, text = _read_pdf(content)
        elif content[30:].startswith(_ODT):
            status, pages, text = _read_odt(content)
        else:
            status, pages, text = _read_docx(content)
    except _TooLarge as limit:
        status, pages, text = "too_large", limit.pages, limit.text
    except MemoryError:
        status, pages, text = "too_large", None, ""
    except Exception:  # noqa: BLE001  # whatever a broken file does to a library, it is a broken file
        status, pages, text = "broken", None, ""
    text = _cleaned(text)
    if status == "extracted" and not any(character.isalnum() for character in text):
        return "empty", pages, ""
    return status, pages, text


def _read_pdf(content: bytes) -> Outcome:
    from pypdf import PdfReader  # noqa: PLC0415  # only what the file needs is loaded
    from pypdf.errors import DependencyError, LimitReachedError  # noqa: PLC0415

    reader = PdfReader(io.BytesIO(content))
    try:
        # Many files are protected against changes only, and open with an empty password.
        if reader.is_encrypted and not reader.decrypt(""):
            return "encrypted", None, ""
    except (DependencyError, NotImplementedError):
        return "encrypted", None, ""
    number, whole, length, texts = len(reader.pages), True, 0, list[str]()
    for page in reader.pages[:MOST_PAGES]:
        try:
            texts.append(page.extract_text())
        except LimitReachedError as limit:
            raise _TooLarge(PAGE_BREAK.join(texts), number) from limit
        except Exception:  # noqa: BLE001  # one unreadable page does not take the others with it
            whole = False
            texts.append("")
        length += len(texts[-1]) + 1
        if length > MOST_CHARACTERS:
            raise _TooLarge(PAGE_BREAK.join(texts)[:MOST_CHARACTERS], number)
    text = PAGE_BREAK.join(texts)
    if number > MOST_PAGES:
        raise _TooLarge(text, number)
    return "extracted" if whole else "broken", number, text


def _read_docx(content: bytes) -> Outcome:
    from docx import Document  # noqa: PLC0415  # only what the file needs is loaded
    from docx.oxml.parser import parse_xml  # noqa: PLC0415

    if _is_locked(content):
        return "encrypted", None, ""
    main = Document(io.BytesIO(content)).part
    parts = [main, *(one.target_part for one in main.rels.values() if _is_story(one))]
    pieces, length = list[str](), 0
    for part in parts:
        element = part.element if hasattr(part, "element") else parse_xml(part.blob)
        for piece in _texts(element):
            pieces.append(piece)
            length += len(piece)
            if length > MOST_CHARACTERS:
                raise _TooLarge("".join(pieces)[:MOST_CHARACTERS])
    return "extracted", None, "".join(pieces)


def _is_locked(content: bytes) -> bool:
    """Whether files in an archive are encrypted; raises _TooLarge where they unpack to too much."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        files = archive.infolist()
    unpacked = sum(file.file_size for file in files)
    # A file that says less than it holds cannot be unpacked further than it says.
    if len(files) > _MOST_FILES or unpacked > min(_MOST_UNPACKED, _MOST_RATIO * len(content)):
        raise _TooLarge
    return any(file.flag_bits & 1 for file in files)


def _read_odt(content: bytes) -> Outcome:
    from lxml import etree  # noqa: PLC0415  # only what the file needs is loaded

    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        # OpenDocument encrypts inside its files and says so in the list of them.
        manifest = archive.read("META-INF/manifest.xml") if "META-INF/manifest.xml" in archive.namelist() else b""
        if _is_locked(content) or b"encryption-data" in manifest:
            return "encrypted", None, ""
        parser = etree.XMLParser(resolve_entities=False, no_network=True)
        root = etree.fromstring(archive.read("content.xml"), parser)
    pieces, length = list[str](), 0
    for piece in _odt_texts(root):
        pieces.append(piece)
        length += len(piece)
        if length > MOST_CHARACTERS:
            raise _TooLarge("".join(pieces)[:MOST_CHARACTERS])
    return "extracted", None, "".join(pieces)


def _odt_texts(root: Any) -> Iterator[str]:  # noqa: ANN401  # an element of lxml, which has no types
    """The text of an OpenDocument in its order; a blank line after each paragraph and heading."""
    from lxml.etree import iterwalk  # noqa: PLC0415  # as above

    inside = 0
    for event, node in iterwalk(root, events=("start", "end")):
        is_block = node.tag in {f"{_ODF_TEXT}p", f"{_ODF_TEXT}h"}
        if event == "start":
            inside += is_block
            if inside:
                is_gap = node.tag in {f"{_ODF_TEXT}s", f"{_ODF_TEXT}tab", f"{_ODF_TEXT}line-break"}
                yield " " if is_gap else node.text or ""
        else:
            inside -= is_block
            if is_block:
                yield "\n\n"
            if inside:
                yield node.tail or ""


def _is_story(relation: Any) -> bool:  # noqa: ANN401  # python-docx's relationship, untyped
    return not relation.is_external and relation.reltype.endswith(_STORIES)


def _texts(element: Any) -> Iterator[str]:  # noqa: ANN401  # an element of lxml, which has no types
    """The text below an element in its order: paragraphs, cells, boxes, links; a blank line after each paragraph."""
    from lxml.etree import iterwalk  # noqa: PLC0415  # only DOCX needs it

    walk = iterwalk(element, events=("start", "end"))
    for event, node in walk:
        if event == "start" and node.tag == _FALLBACK:
            # The same text box a second time, for older programs.
            walk.skip_subtree()
        elif event == "start" and node.tag == f"{_WORD}t":
            yield node.text or ""
        elif event == "start" and node.tag in {f"{_WORD}tab", f"{_WORD}br", f"{_WORD}cr"}:
            yield " "
        elif event == "end" and node.tag == f"{_WORD}p":
            yield "\n\n"


def _cleaned(text: str) -> str:
    """The text as it is stored: composed characters, without what cannot be seen, and without endless words."""
    composed = unicodedata.normalize("NFC", text)
    # Soft hyphens and joiners stand inside words; any other control character parts them.
    seen = "".join(_visible(character) for character in composed)
    # A hyphen at the end of a line parts one word.
    joined = re.sub(r"(?<=[^\W\d_])-\n(?=[a-zåäöéü])", "", seen)
    return _LONG_WORD.sub(r"\1 ", joined)[:MOST_CHARACTERS]


def _visible(character: str) -> str:
    category = unicodedata.category(character)
    if category[0] != "C" or character in "\n\f":
        return character
    return "" if category == "Cf" else " "


def _limit_itself() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (_MOST_MEMORY, _MOST_MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (MOST_SECONDS, MOST_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    os.nice(10)


def main() -> None:
    """Read standard input and write the outcome to standard output."""
    _limit_itself()
    status, pages, text = read(sys.stdin.buffer.read())
    sys.stdout.buffer.write(json.dumps({"status": status, "pages": pages, "text": text}).encode())


if __name__ == "__main__":
    main()
