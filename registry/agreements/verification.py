"""Checking that every stored text, signature and document is what was written, signed and added."""

import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import UUID

from registry import database
from registry.agreements.texts import text_hash

_BATCH = 200


@dataclass(frozen=True)
class Checked:
    """A thing that was checked: `kind` is `version`, `signature` or `document`; `place` says where it is."""

    kind: str
    agreement_id: UUID
    place: str
    is_whole: bool


async def verify_all() -> AsyncIterator[Checked]:
    """Every version, signature and document with what came of checking it.

    Hashes are worked out here, not by the database, which may be what somebody has changed. Documents are read one
    at a time, so that memory does not grow with their number.
    """
    async for one in _versions():
        yield one
    rows = await database.fetch(
        "SELECT v.agreement, v.number, s.id, s.sha256 = v.sha256 AS is_whole FROM agreement_signature s"
        " JOIN agreement_version v ON v.id = s.version ORDER BY s.id"
    )
    for row in rows:
        yield Checked("signature", row["agreement"], f"version {row['number']}, signature {row['id']}", row["is_whole"])
    async for one in _documents():
        yield one


async def _versions() -> AsyncIterator[Checked]:
    last = 0
    while rows := await database.fetch(
        "SELECT id, agreement, number, text_sv, text_en, sha256 FROM agreement_version WHERE id > $1"
        " ORDER BY id LIMIT $2",
        last,
        _BATCH,
    ):
        last = rows[-1]["id"]
        for row in rows:
            is_whole = text_hash(row["text_sv"], row["text_en"]) == row["sha256"]
            yield Checked("version", row["agreement"], f"version {row['number']}", is_whole)


async def _documents() -> AsyncIterator[Checked]:
    rows = await database.fetch(
        "SELECT d.id, d.filename, v.agreement FROM document d JOIN agreement_version v ON v.id = d.version"
        " ORDER BY d.added_at, d.id"
    )
    for row in rows:
        stored = await database.fetch_one("SELECT content, sha256, size FROM document WHERE id = $1", row["id"])
        content = bytes(stored["content"]) if stored else b""
        is_whole = (
            stored is not None
            and hashlib.sha256(content).hexdigest() == stored["sha256"]
            and len(content) == stored["size"]
        )
        yield Checked("document", row["agreement"], f"document {row['id']} ({row['filename']})", is_whole)
