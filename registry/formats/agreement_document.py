"""What a document of an agreement holds, whatever file it becomes: plain strings in one language."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from registry.agreements.texts import Block


@dataclass(frozen=True)
class SignatureBlock:
    """Where a party signs: who it is, and either the lines to sign on or what was signed in the registry."""

    role: str
    name: str
    org_number: str
    signed: str


@dataclass(frozen=True)
class TermLine:
    """A term in words, with the clause that it comes from ("" without one)."""

    text: str
    clause: str


@dataclass(frozen=True)
class AgreementDocument:
    """An agreement to print and sign. `words` are the fixed words of the form, by the names below.

    `banner` says what the document is not ("" in a signed or approved one); `mark` stands at the foot of every page.
    `written_at` is in UTC and becomes the date of the file, so that the same version gives the same file.
    """

    language: str
    title: str
    banner: str
    mark: str
    facts: tuple[tuple[str, str], ...]
    blocks: tuple[Block, ...]
    summary: tuple[str, ...]
    terms: tuple[tuple[str, tuple[TermLine, ...]], ...]
    signatures: tuple[SignatureBlock, ...]
    words: Mapping[str, str]
    written_at: datetime


WORDS = (
    "page",
    "of",
    "signatures",
    "annex",
    "annex_note",
    "place_and_date",
    "signature",
    "name_in_print",
    "org_number",
    "clause",
)
