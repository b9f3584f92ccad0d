"""Documents for tests: made, added and read; and what legal finds in them."""

import io
import json
import zipfile
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

from registry import database
from registry.access import Actor
from registry.agreements import queries, service
from registry.agreements.codes import TextStatus
from registry.agreements.documents import store_document
from registry.agreements.queries import FoundPage, Marked
from tests import factories_agreements
from tests.factories_agreements import Case


def word() -> str:
    """A word that no other test uses; it ends in a consonant and has no å, ä or ö."""
    return "q" + uuid4().hex[:10].translate(str.maketrans("0123456789", "ghijklmnop")) + "x"


async def unread(case: Case, agreement_id: UUID, filename: str, content: bytes) -> UUID:
    """A document whose job nobody does, should a worker run beside the tests."""
    async with database.transaction():
        document_id = await store_document(case.member, agreement_id, filename, content, "")
        jobs = await database.fetch("SELECT id, payload FROM pgqueuer WHERE entrypoint = 'extract_document'")
        mine = [job["id"] for job in jobs if json.loads(job["payload"]) == {"document_id": str(document_id)}]
        assert len(mine) == 1
        await database.fetch("DELETE FROM pgqueuer WHERE id = ANY ($1)", mine)
    return document_id


async def with_document(filename: str, content: bytes) -> tuple[UUID, UUID, TextStatus | None]:
    """An agreement in review with a document whose text has been read: both ids, and what came of it."""
    case = await factories_agreements.case()
    agreement_id = await case.requested()
    document_id = await unread(case, agreement_id, filename, content)
    return agreement_id, document_id, await service.extract_document(document_id)


async def found(question: str, actor: Actor | None = None, **more: Any) -> FoundPage:
    page = await queries.search_agreements(actor or await factories_agreements.jurist(), question, **more)
    assert page is not None
    return page


async def ids(question: str, actor: Actor | None = None) -> list[UUID]:
    return [one.agreement.id for one in (await found(question, actor)).items]


def matches(text: Marked) -> list[str]:
    return [piece.text for piece in text if piece.is_match]


async def stored(document_id: UUID) -> tuple[str, str, int | None]:
    row = await database.fetch_one("SELECT status, text, pages FROM document_text WHERE document = $1", document_id)
    assert row is not None
    return row["status"], row["text"], row["pages"]


def rewritten(content: bytes, part: str, change: Callable[[bytes], bytes]) -> bytes:
    """A DOCX in which one part is changed."""
    target = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as old,
        zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as new,
    ):
        for name in old.namelist():
            new.writestr(name, change(old.read(name)) if name == part else old.read(name))
    return target.getvalue()


async def change_behind_the_guards(document_id: UUID, content: bytes) -> None:
    """What a fault of the disk or a superuser can do: other content under the old hash."""
    await _behind_the_guards(
        "document",
        {
            "hash_is_of_the_content": "sha256 = encode(sha256(content), 'hex')",
            "size_is_of_the_content": "size = octet_length(content)",
        },
        "UPDATE document SET content = $1 WHERE id = $2",
        content,
        document_id,
    )


async def change_text_behind_the_guards(agreement_id: UUID, number: int, text_sv: str) -> None:
    """The same with the Swedish text of a version."""
    check = "sha256 = encode(sha256(convert_to(text_sv || chr(10) || chr(10) || text_en, 'UTF8')), 'hex')"
    await _behind_the_guards(
        "agreement_version",
        {"hash_is_of_the_text": check},
        "UPDATE agreement_version SET text_sv = $1 WHERE agreement = $2 AND number = $3",
        text_sv,
        agreement_id,
        number,
    )


async def _behind_the_guards(table: str, checks: dict[str, str], change: str, *values: object) -> None:
    async with database.transaction():
        await database.fetch(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        for name in checks:
            await database.fetch(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
        await database.fetch(change, *values)
        await database.fetch(f"ALTER TABLE {table} ENABLE TRIGGER USER")
        for name, check in checks.items():
            await database.fetch(f"ALTER TABLE {table} ADD CONSTRAINT {name} CHECK ({check}) NOT VALID")
