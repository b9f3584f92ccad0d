"""The documents of agreements: what is accepted, who adds them, and that they never change."""

import io
import zipfile
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import asyncpg
import pytest
from litestar import Litestar

from registry import database
from registry.access import Role
from registry.agreements import queries, rules, service
from registry.demo import documents
from registry.errors import InvalidInput, NotFound, NotPermitted, RuleBroken
from tests import factories, factories_agreements
from tests.clients import browser, send
from tests.factories_agreements import PDF, Case

# --- Documents


def docx(*names: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name in names:
            archive.writestr(name, "<x/>")
    return content.getvalue()


DOCX = documents.docx("Bilaga", ["Provplan."])


async def test_documents_are_stored_with_their_hash_and_read_back(application: Litestar) -> None:
    case = await factories_agreements.case()
    agreement_id = await case.requested()
    firm = await browser(application, case.member)
    answer = await send(
        firm,
        f"/agreements/{agreement_id}/documents",
        files={"document": ("Bilaga å.pdf", PDF, "application/pdf")},
    )
    assert answer.status_code == 303, answer.text
    await service.add_document(case.member, agreement_id, "C:\\mappar\\avtal.DOCX", DOCX, "application/octet-stream")
    view = await queries.get_agreement(case.member, agreement_id)
    assert [(one.filename, one.media_type) for one in view.documents] == [
        ("Bilaga å.pdf", rules.PDF),
        ("avtal.DOCX", rules.DOCX),
    ]
    read = await firm.get(f"/agreements/{agreement_id}/documents/{view.documents[0].id}")
    assert (read.content, read.headers["content-type"]) == (PDF, "application/pdf")
    assert read.headers["content-disposition"] == (
        "attachment; filename=\"Bilaga _.pdf\"; filename*=UTF-8''Bilaga%20%C3%A5.pdf"
    )
    stranger = await browser(
        application, await factories.person(Role.FIRM, organisation_id=await factories.organisation())
    )
    assert (await stranger.get(f"/agreements/{agreement_id}/documents/{view.documents[0].id}")).status_code == 404
    other = await case.draft()
    assert (await firm.get(f"/agreements/{other}/documents/{view.documents[0].id}")).status_code == 404


@pytest.mark.parametrize(
    ("name", "content", "media_type"),
    [
        ("avtal.pdf", b"", "application/pdf"),
        ("avtal.pdf", b"<html>%PDF-</html>", "application/pdf"),
        ("avtal.pdf", b"%PDF-1.7 without an end", "application/pdf"),
        ("avtal.pdf", DOCX, "application/pdf"),
        ("avtal.docx", PDF, rules.DOCX),
        ("avtal.exe", PDF, "application/pdf"),
        ("avtal.pdf", PDF, "text/html"),
        ("avtal.docx", docx("a.txt"), rules.DOCX),
        ("avtal.docx", docx("[Content_Types].xml", "word/document.xml", "word/vbaProject.bin"), rules.DOCX),
        ("avtal.docx", b"PK\x03\x04 broken", rules.DOCX),
        ("avtal.pdf", PDF + b" " * rules.LARGEST_DOCUMENT + b"%%EOF", "application/pdf"),
        ("", PDF, "application/pdf"),
        ("x" * 197 + ".pdf", PDF, "application/pdf"),
    ],
)
async def test_documents_of_a_wrong_kind_are_refused(name: str, content: bytes, media_type: str) -> None:
    case = await factories_agreements.case()
    agreement_id = await case.draft()
    with pytest.raises(InvalidInput) as caught:
        await service.add_document(case.member, agreement_id, name, content, media_type)
    assert [fault.field for fault in caught.value.errors] == ["document"]
    assert not (await queries.get_agreement(case.member, agreement_id)).documents


async def test_upload_of_a_wrong_kind_says_so_on_the_page(application: Litestar) -> None:
    case = await factories_agreements.case()
    agreement_id = await case.requested()
    firm = await browser(application, case.member)
    for files in ({"document": ("x.pdf", b"nothing", "application/pdf")}, {"other": ("x.pdf", PDF)}):
        answer = await send(firm, f"/agreements/{agreement_id}/documents", files=files)
        assert answer.status_code == 422
        assert "Choose" in answer.text or "neither a PDF" in answer.text


async def test_only_legal_adds_documents_after_a_signature() -> None:
    case = await factories_agreements.case()
    agreement_id = await case.requested()
    auditor = await factories.person(Role.AUDITOR)
    with pytest.raises(NotPermitted):
        await service.add_document(auditor, agreement_id, "a.pdf", PDF, "")
    await service.sign(case.member, agreement_id)
    with pytest.raises(RuleBroken):
        await service.add_document(case.member, agreement_id, "a.pdf", PDF, "")
    document_id = await service.add_document(case.legal, agreement_id, "underskriven kopia.pdf", PDF, "")
    assert (await service.read_document(case.member, agreement_id, document_id)).content == PDF
    with pytest.raises(NotFound):
        await service.read_document(case.member, agreement_id, uuid4())


async def test_the_database_refuses_a_tampered_document() -> None:
    case = await factories_agreements.case()
    agreement_id = await case.requested()
    document_id = await service.add_document(case.member, agreement_id, "a.pdf", PDF, "application/pdf")
    log = (
        "INSERT INTO audit_event (actor_name, type, subject_kind, subject_id, data)"
        " VALUES ('test', 'agreement.changed', 'agreement', 'test', '{}')"
    )
    for change, error in (
        ("UPDATE document SET content = 'x' WHERE id = $1", asyncpg.RestrictViolationError),
        ("DELETE FROM document WHERE id = $1", asyncpg.RestrictViolationError),
        (
            "INSERT INTO document (id, version, filename, media_type, size, sha256, content)"  # noqa: ISC004  # one statement
            " SELECT gen_random_uuid(), version, filename, media_type, 1, sha256, 'x' FROM document WHERE id = $1",
            asyncpg.CheckViolationError,
        ),
    ):
        with pytest.raises(error):
            await _run(log, change, document_id)
    assert (await service.read_document(case.member, agreement_id, document_id)).content == PDF


async def _run(log: str, change: str, document_id: UUID) -> None:
    async with database.transaction():
        await database.fetch(log)
        await database.fetch(change, document_id)


async def test_reading_a_document_as_staff_is_logged() -> None:
    case: Case = await factories_agreements.case()
    start = datetime.now(UTC) + timedelta(days=2)
    (agreement_id,) = await case.open(start, start + timedelta(hours=1))
    document_id = await service.add_document(case.member, agreement_id, "a.pdf", PDF, "application/pdf")
    await service.read_document(case.legal, agreement_id, document_id)
    view = await queries.get_agreement(case.legal, agreement_id)
    assert [event.type for event in view.log if event.type == "agreement.read"] == ["agreement.read"] * 2
