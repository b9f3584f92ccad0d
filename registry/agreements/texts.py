"""The texts of agreements: filling in templates, their hash, and what they are made of."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from registry.errors import N_, DomainError, message

PLACEHOLDERS = ("parties", "entries", "valid_from", "valid_until", "dnr")
_PLACEHOLDER = re.compile(r"\{(" + "|".join(PLACEHOLDERS) + r")\}")
NOT_DECIDED = {"sv": "ännu inte bestämt", "en": "not yet decided"}
AND = {"sv": " och ", "en": " and "}


def text_hash(text_sv: str, text_en: str) -> str:
    """The SHA-256 of both texts of a version; the database checks it."""
    return hashlib.sha256(f"{text_sv}\n\n{text_en}".encode()).hexdigest()


class TextDamaged(DomainError):
    """The stored text of a version no longer matches the hash from when it was written."""

    status = 500
    type = "text-damaged"
    title = N_("The text is damaged")


def check_hash(text_sv: str, text_en: str, sha256: str) -> None:
    """Raise TextDamaged unless the texts are those that the hash was made of."""
    if text_hash(text_sv, text_en) != sha256:
        raise TextDamaged(
            message(N_("The text of this agreement is not the one that was written. Tell the innovation unit."))
        )


@dataclass(frozen=True)
class Particulars:
    """What a template's places are filled with, in one language."""

    language: str
    parties: tuple[str, ...]
    entries: tuple[str, ...]
    valid_from: date | None
    valid_until: date | None
    dnr: str


def fill(text: str, particulars: Particulars) -> str:
    """A template's text with its places filled in one pass, so that a name with braces in it stays a name."""
    undecided = NOT_DECIDED[particulars.language]
    values: Mapping[str, str] = {
        "parties": _listed(particulars.parties, particulars.language) or undecided,
        "entries": _listed(particulars.entries, particulars.language) or undecided,
        "valid_from": particulars.valid_from.isoformat() if particulars.valid_from else undecided,
        "valid_until": particulars.valid_until.isoformat() if particulars.valid_until else undecided,
        "dnr": particulars.dnr or "–",
    }
    return _PLACEHOLDER.sub(lambda place: values[place.group(1)], text)


def _listed(names: tuple[str, ...], language: str) -> str:
    if len(names) < 2:  # noqa: PLR2004  # one name needs no "and"
        return "".join(names)
    return ", ".join(names[:-1]) + AND[language] + names[-1]


class BlockKind(StrEnum):
    """What a stretch of a text is: its title (`# `), the heading of a clause (`## `), a list (`- `) or a paragraph."""

    TITLE = "title"
    HEADING = "heading"
    LIST = "list"
    PARAGRAPH = "paragraph"


@dataclass(frozen=True)
class Block:
    """A stretch of a text: the lines of a paragraph, the items of a list, or one heading, without their marks."""

    kind: BlockKind
    lines: tuple[str, ...]


def blocks(text: str) -> list[Block]:
    """The text in blocks, in its order."""
    found: list[Block] = []
    for part in text.replace("\r\n", "\n").split("\n\n"):
        lines = [line.strip() for line in part.strip().splitlines() if line.strip()]
        while lines and lines[0].startswith("#"):
            heading = lines.pop(0)
            kind = BlockKind.HEADING if heading.startswith("##") else BlockKind.TITLE
            found.append(Block(kind, (heading.lstrip("# "),)))
        if lines and all(line.startswith("- ") for line in lines):
            found.append(Block(BlockKind.LIST, tuple(line[2:] for line in lines)))
        elif lines:
            found.append(Block(BlockKind.PARAGRAPH, tuple(lines)))
    return found
