"""What becomes of files that are added: ODT, locked, broken and large ones, and those that ClamAV finds harmful."""

import asyncio
import io
import zipfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from litestar import Litestar
from pypdf import PdfWriter

from registry.agreements import queries, rules, service
from registry.agreements.codes import TextStatus
from registry.agreements.virus_scan import ScannerAway, harm_in
from registry.demo import documents
from registry.errors import InvalidInput
from registry.settings import load_settings
from tests import factories_agreements
from tests.clients import browser, send
from tests.conftest import free_port
from tests.factories_agreements import PDF
from tests.factories_documents import stored, with_document

_TEXT = "urn:oasis:names:tc:opendocument:xmlns:text:1.0"
_OFFICE = "urn:oasis:names:tc:opendocument:xmlns:office:1.0"


def odt(*paragraphs: str, manifest: str = "<manifest/>", more: tuple[str, ...] = ()) -> bytes:
    """A document of OpenDocument with paragraphs, as XML."""
    body = "".join(f"<text:p>{one}</text:p>" for one in paragraphs)
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("mimetype", rules.ODT)
        archive.writestr(
            "content.xml",
            f'<office:document-content xmlns:office="{_OFFICE}" xmlns:text="{_TEXT}"><office:body><office:text>'
            f"<text:h>Bilaga</text:h>{body}</office:text></office:body></office:document-content>",
        )
        archive.writestr("META-INF/manifest.xml", manifest)
        for name in more:
            archive.writestr(name, "x")
    return content.getvalue()


def locked() -> bytes:
    writer = PdfWriter(clone_from=io.BytesIO(PDF))
    writer.encrypt("a password", algorithm="RC4-128")
    content = io.BytesIO()
    writer.write(content)
    return content.getvalue()


def with_attachment(size: int) -> bytes:
    """A PDF that holds another file of so many bytes."""
    writer = PdfWriter(clone_from=io.BytesIO(PDF))
    writer.add_attachment("data.bin", bytes(size))
    content = io.BytesIO()
    writer.write(content)
    return content.getvalue()


async def test_the_text_of_an_odt_is_read() -> None:
    content = odt("Pumpen<text:s/>provas<text:span> tyst</text:span>.", "Ånga, ärter och öl.")
    _, document_id, status = await with_document("bilaga.odt", content)
    assert status is TextStatus.EXTRACTED
    assert await stored(document_id) == (
        "extracted",
        "Bilaga\n\nPumpen provas tyst.\n\nÅnga, ärter och öl.\n\n",
        None,
    )


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.pdf", locked(), "locked by a password"),
        ("a.odt", odt("Hemligt.", manifest="<manifest><encryption-data/></manifest>"), "locked by a password"),
        ("a.docx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "old Word document or locked"),
        ("a.pdf", b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n", "cannot be read as PDF"),
        ("a.odt", odt("<text:p>"), "cannot be read as ODT"),
        ("a.odt", odt("Makron.", more=("Basic/Standard/Module1.xml",)), "without macros"),
        ("a.docx", odt("Fel namn."), "not what its name says"),
    ],
)
async def test_a_file_that_cannot_be_read_is_refused_with_the_reason(name: str, content: bytes, reason: str) -> None:
    case = await factories_agreements.case()
    agreement_id = await case.requested()
    with pytest.raises(InvalidInput) as refused:
        await service.add_document(case.member, agreement_id, name, content, "")
    assert reason in str(refused.value.errors[0].message)
    assert (await queries.get_agreement(case.member, agreement_id)).documents == ()


async def test_50_megabytes_are_taken_and_not_more(application: Litestar) -> None:
    case = await factories_agreements.case()
    agreement_id = await case.requested()
    firm = await browser(application, case.member)
    path = f"/agreements/{agreement_id}/documents"
    most = rules.LARGEST_DOCUMENT - 100_000
    full = with_attachment(most + rules.LARGEST_DOCUMENT - len(with_attachment(most)))
    assert len(full) == rules.LARGEST_DOCUMENT
    taken = await send(firm, path, files={"document": ("stor.pdf", full, "application/pdf")})
    assert taken.status_code == 303, taken.text
    (document,) = (await queries.get_agreement(case.member, agreement_id)).documents
    assert (await firm.get(f"{path}/{document.id}")).content == full
    refused = await send(firm, f"{path}?lang=en", files={"document": ("a.pdf", b"%" + full, "application/pdf")})
    assert refused.status_code == 422
    assert "at most 50 MB" in refused.text


@asynccontextmanager
async def scanner(answer: bytes) -> AsyncIterator[tuple[str, list[bytes]]]:
    """Something that speaks ClamAV's protocol: its address, and the files that it was sent."""
    seen: list[bytes] = []

    async def scan(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert await reader.readexactly(10) == b"zINSTREAM\0"
        content = b""
        while size := int.from_bytes(await reader.readexactly(4), "big"):
            content += await reader.readexactly(size)
        seen.append(content)
        writer.write(answer)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(scan, "127.0.0.1", 0)
    async with server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}", seen


async def test_clamav_is_sent_the_whole_file_and_its_answer_counts() -> None:
    large = bytes(range(256)) * 10_000
    async with scanner(b"stream: OK\0") as (address, seen):
        assert await harm_in(large, address) is None
        assert seen == [large]
    async with scanner(b"stream: Eicar-Signature FOUND\0") as (address, _):
        assert await harm_in(large, address) == "Eicar-Signature"
    async with scanner(b"INSTREAM size limit exceeded. ERROR\0") as (address, _):
        with pytest.raises(ScannerAway):
            await harm_in(large, address)
    with pytest.raises(ScannerAway):
        await harm_in(large, f"127.0.0.1:{free_port()}")


async def test_a_harmful_file_and_one_that_nobody_can_check_are_not_added(monkeypatch: pytest.MonkeyPatch) -> None:
    case = await factories_agreements.case()
    agreement_id = await case.requested()
    async with scanner(b"stream: Eicar-Signature FOUND\0") as (address, _):
        monkeypatch.setattr(load_settings(), "clamav", address)
        with pytest.raises(InvalidInput) as refused:
            await service.add_document(case.member, agreement_id, "a.pdf", PDF, "")
    assert "Eicar-Signature" in str(refused.value.errors[0].message)
    with pytest.raises(ScannerAway):
        await service.add_document(case.member, agreement_id, "a.pdf", PDF, "")
    async with scanner(b"stream: OK\0") as (address, seen):
        monkeypatch.setattr(load_settings(), "clamav", address)
        await service.add_document(case.member, agreement_id, "a.pdf", documents.pdf("x", ["y"]), "")
    assert seen == [documents.pdf("x", ["y"])]
    assert len((await queries.get_agreement(case.member, agreement_id)).documents) == 1
