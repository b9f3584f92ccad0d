"""The texts of documents: what is read from which file, and that a hostile file hurts nobody."""

import asyncio
import io
import time
import zipfile
from typing import Any
from uuid import uuid4

import pytest
from litestar import Litestar
from pypdf import PdfWriter
from pypdf.generic import NameObject, StreamObject

from registry import database
from registry.access import Role
from registry.agreements import document_reader, queries, service
from registry.agreements.codes import TextStatus
from registry.agreements.documents import store_document
from registry.demo import documents
from registry.jobs.service import Job
from tests import factories, factories_agreements
from tests.clients import browser
from tests.conftest import Server
from tests.factories_documents import change_behind_the_guards, ids, rewritten, stored, unread, with_document, word
from worker import JOB_HANDLERS


def encrypted() -> bytes:
    writer = PdfWriter(clone_from=io.BytesIO(documents.pdf("Hemligt", ["Hemlig text."])))
    writer.encrypt("a password", algorithm="RC4-128")
    content = io.BytesIO()
    writer.write(content)
    return content.getvalue()


def nested() -> bytes:
    depth = 3000
    tables = b"<w:tbl><w:tr><w:tc>" * depth + b"<w:p/>" + b"</w:tc></w:tr></w:tbl>" * depth
    return rewritten(
        documents.docx("x", []), "word/document.xml", lambda xml: xml.replace(b"<w:body>", b"<w:body>" + tables)
    )


def entities() -> bytes:
    laughs = b"".join(b'<!ENTITY a%d "%s">' % (n, b"&a%d;" % (n - 1) * 10) for n in range(1, 10))
    return rewritten(
        documents.docx("x", ["y"]),
        "word/document.xml",
        lambda xml: xml.replace(
            b"<w:document", b'<!DOCTYPE x [<!ENTITY a0 "skratt">' + laughs + b"]><w:document", 1
        ).replace(b"<w:body>", b"<w:body><w:p><w:r><w:t>&a9;</w:t></w:r></w:p>"),
    )


def bomb() -> bytes:
    spaces = b"<w:p><w:r><w:t>" + b"a " * 60_000_000 + b"</w:t></w:r></w:p>"
    return rewritten(
        documents.docx("x", []), "word/document.xml", lambda xml: xml.replace(b"<w:body>", b"<w:body>" + spaces)
    )


def liar() -> bytes:
    """A DOCX that says that it unpacks to little."""
    content = bytearray(bomb())
    size = (120_000_000).to_bytes(4, "little")
    with zipfile.ZipFile(io.BytesIO(bytes(content))) as archive:
        real = archive.getinfo("word/document.xml").file_size.to_bytes(4, "little")
    assert size != real
    return bytes(content).replace(real, (5_000).to_bytes(4, "little"))


def pdf_bomb() -> bytes:
    writer = PdfWriter(clone_from=io.BytesIO(documents.pdf("x", ["y"])))
    stream = StreamObject()
    stream.set_data(b"BT (a) Tj ET\n" * 12_000_000)
    writer.pages[0][NameObject("/Contents")] = writer._add_object(stream.flate_encode())
    content = io.BytesIO()
    writer.write(content)
    return content.getvalue()


def loop() -> bytes:
    """A PDF whose page tree holds itself."""
    return (
        b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n"
        b"2 0 obj\n<< /Type /Pages /Kids [2 0 R 2 0 R] /Count 9999999 >>\nendobj\n"
        b"trailer\n<< /Size 3 /Root 1 0 R >>\n%%EOF\n"
    )


def blank() -> bytes:
    writer = PdfWriter()
    writer.add_blank_page(100, 100)
    content = io.BytesIO()
    writer.write(content)
    return content.getvalue()


@pytest.mark.parametrize(
    ("filename", "make", "expected"),
    [
        ("a.pdf", blank, {TextStatus.EMPTY}),
        ("a.docx", lambda: documents.docx("", []), {TextStatus.EMPTY}),
        ("a.pdf", encrypted, {TextStatus.ENCRYPTED}),
        ("a.pdf", lambda: b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n", {TextStatus.BROKEN}),
        ("a.pdf", lambda: documents.pdf("x", ["y"])[:300] + b"\n%%EOF\n", {TextStatus.BROKEN, TextStatus.EMPTY}),
        ("a.pdf", loop, {TextStatus.BROKEN, TextStatus.TOO_LARGE}),
        ("a.docx", nested, {TextStatus.BROKEN}),
        ("a.docx", entities, {TextStatus.BROKEN, TextStatus.EXTRACTED}),
        ("a.docx", bomb, {TextStatus.TOO_LARGE}),
        ("a.docx", liar, {TextStatus.BROKEN, TextStatus.TOO_LARGE}),
        ("a.pdf", pdf_bomb, {TextStatus.TOO_LARGE}),
    ],
)
async def test_a_file_that_cannot_be_read_leaves_its_status_and_the_worker_alive(
    application: Litestar, filename: str, make: Any, expected: set[TextStatus]
) -> None:
    content = make()
    case = await factories_agreements.case()
    agreement_id = await case.requested()
    document_id = await unread(case, agreement_id, filename, content)
    ticks = asyncio.create_task(_longest_pause())
    await JOB_HANDLERS[Job.EXTRACT_DOCUMENT]({"document_id": str(document_id)})
    ticks.cancel()
    status, text, _ = await stored(document_id)
    assert TextStatus(status) in expected
    assert len(text) <= document_reader.MOST_CHARACTERS
    assert await ticks_of(ticks) < 1
    page = await (await browser(application, case.member)).get(f"/agreements/{agreement_id}")
    assert ("found by" in page.text) is (status != TextStatus.EXTRACTED)


async def _longest_pause() -> float:
    """How long the event loop did not run at worst, in seconds."""
    longest, before = 0.0, time.monotonic()
    while True:
        try:
            await asyncio.sleep(0.01)
        except asyncio.CancelledError:
            return longest
        longest, before = max(longest, time.monotonic() - before), time.monotonic()


async def ticks_of(task: "asyncio.Task[float]") -> float:
    return await task


async def test_a_huge_document_is_found_by_its_beginning_and_says_so(application: Litestar) -> None:
    term, late = word(), word()
    paragraphs = [f"Om {term}.", *(["ett två tre fyra fem " * 1000] * 120), f"Om {late}."]
    case = await factories_agreements.case()
    agreement_id = await case.requested()
    document_id = await unread(case, agreement_id, "a.docx", documents.docx("x", paragraphs))
    assert await service.extract_document(document_id) is TextStatus.TOO_LARGE
    status, text, _ = await stored(document_id)
    assert (status, len(text)) == ("too_large", document_reader.MOST_CHARACTERS)
    assert await ids(term) == [agreement_id]
    assert await ids(late) == []
    page = await (await browser(application, case.member)).get(f"/agreements/{agreement_id}")
    assert "too large to read whole" in page.text


async def test_a_reader_that_takes_too_long_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document_reader, "MOST_SECONDS", 0.01)
    _, document_id, status = await with_document("a.pdf", documents.pdf("x", ["Om något."]))
    assert status is TextStatus.TOO_LARGE
    assert (await stored(document_id))[0] == "too_large"


async def test_reading_twice_does_nothing() -> None:
    term = word()
    _, document_id, _ = await with_document("a.pdf", documents.pdf("x", [f"Om {term}."]))
    before = await database.fetch("SELECT xmin::text, * FROM document_text WHERE document = $1", document_id)
    passages = await database.fetch("SELECT id FROM agreement_passage WHERE document = $1", document_id)
    await JOB_HANDLERS[Job.EXTRACT_DOCUMENT]({"document_id": str(document_id)})
    await asyncio.gather(*(service.extract_document(document_id) for _ in range(3)))
    assert await database.fetch("SELECT xmin::text, * FROM document_text WHERE document = $1", document_id) == before
    assert await database.fetch("SELECT id FROM agreement_passage WHERE document = $1", document_id) == passages
    assert await service.extract_document(uuid4()) is None


async def test_the_job_is_enqueued_with_the_document_and_what_was_left_is_read_by_the_clock() -> None:
    case = await factories_agreements.case()
    agreement_id, term = await case.requested(), word()
    content = documents.pdf("x", [f"Om {term}."])
    await unread(case, agreement_id, "a.pdf", content)
    assert await ids(term) == []
    while await database.fetch(
        "SELECT FROM document d WHERE NOT EXISTS (SELECT FROM document_text t WHERE t.document = d.id)"
    ):
        await service.extract_left()
    assert await ids(term) == [agreement_id]


async def test_a_damaged_document_is_not_read_but_reported(application: Litestar) -> None:
    term = word()
    case = await factories_agreements.case()
    agreement_id = await case.requested()
    document_id = await unread(case, agreement_id, "a.pdf", documents.pdf("x", [f"Om {term}."]))
    await change_behind_the_guards(document_id, documents.pdf("x", [f"Inte {term}."]))
    for _ in range(2):
        assert await service.extract_document(document_id) is TextStatus.DAMAGED
    assert (await stored(document_id))[:2] == ("damaged", "")
    assert await ids(term) == []
    view = await queries.get_agreement(case.legal, agreement_id)
    assert [event.type for event in view.log].count("agreement.document_damaged") == 1
    page = await (await browser(application, case.member)).get(f"/agreements/{agreement_id}")
    assert "not the one that was added" in page.text
    # Restored from a backup, it is read.
    await change_behind_the_guards(document_id, documents.pdf("x", [f"Om {term}."]))
    assert await service.extract_document(document_id) is TextStatus.EXTRACTED
    assert await ids(term) == [agreement_id]


async def test_the_page_says_it_to_those_who_may_add_documents_only(application: Litestar) -> None:
    case = await factories_agreements.case()
    agreement_id = await case.requested()
    document_id = await unread(case, agreement_id, "skannad.pdf", blank())
    for actor, sees in ((case.member, True), (case.legal, True), (await factories.person(Role.AUDITOR), False)):
        page = await (await browser(application, actor)).get(f"/agreements/{agreement_id}")
        assert "skannad.pdf" in page.text
        assert "perhaps because it is scanned" not in page.text
        await service.extract_document(document_id)
        page = await (await browser(application, actor)).get(f"/agreements/{agreement_id}")
        assert ("perhaps because it is scanned" in page.text) is sees
        await database.fetch("DELETE FROM document_text WHERE document = $1", document_id)


async def test_the_worker_reads_what_can_be_read_between_files_that_cannot(server: Server) -> None:
    assert server.address
    term = word()
    case = await factories_agreements.case()
    agreement_id = await case.requested()
    added = [
        await store_document(case.member, agreement_id, filename, content, "")
        for filename, content in (
            ("a.docx", bomb()),
            ("b.pdf", loop()),
            ("c.pdf", pdf_bomb()),
            ("d.pdf", documents.pdf("x", [f"Om {term}."])),
            ("e.docx", nested()),
        )
    ]
    deadline = time.monotonic() + 60
    while len(await database.fetch("SELECT FROM document_text WHERE document = ANY ($1)", added)) < len(added):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.1)
    assert await ids(term) == [agreement_id]
    assert [(await stored(one))[0] == "extracted" for one in added] == [False, False, False, True, False]
