"""The files that belong to an agreement: adding and reading them. They never change."""

import hashlib
import unicodedata
from dataclasses import dataclass
from uuid import UUID

from registry import database
from registry.access import Actor
from registry.agreements import rules
from registry.agreements.codes import TextStatus
from registry.agreements.extraction import read_apart
from registry.agreements.queries import visible_agreement
from registry.agreements.tables import Document
from registry.agreements.virus_scan import harm_in
from registry.audit.service import EventType, record
from registry.errors import N_, DomainError, NotFound, NotPermitted, RuleBroken, invalid, message
from registry.jobs.service import Job, enqueue
from registry.settings import load_settings

_UNSPECIFIC = frozenset({"", "application/octet-stream"})
_LONGEST_NAME = 200


class DocumentDamaged(DomainError):
    """What is stored no longer matches the hash from when it was added."""

    status = 500
    type = "document-damaged"
    title = N_("The document is damaged")


@dataclass(frozen=True)
class DocumentContent:
    """A file to hand out."""

    filename: str
    media_type: str
    content: bytes
    sha256: str


async def add_document(actor: Actor, agreement_id: UUID, filename: str, content: bytes, media_type: str) -> UUID:
    """Check a PDF, DOCX or ODT of at most 50 MB and add it to the current version; returns its id.

    What the file is, is judged by its content; `media_type` is what the sender says and must not contradict it.
    It is opened in a process of its own, and ClamAV looks at it where one is configured.

    Raises:
        InvalidInput: wrong kind, too large, empty, broken, locked by a password, harmful, or a name that does not fit.
        NotFound, NotPermitted; RuleBroken: somebody has signed, or the agreement is over.
        ScannerAway: ClamAV is configured and does not answer.
    """
    kind = _checked_kind(_checked_name(filename), content, media_type)
    # Nobody has the server open files who could not add them.
    await _require_may_add(actor, agreement_id)
    await _check_inside(kind, content)
    return await store_document(actor, agreement_id, filename, content, media_type)


async def _require_may_add(actor: Actor, agreement_id: UUID) -> None:
    facts = (await visible_agreement(actor, agreement_id)).facts()
    if reason := (rules.can_edit | rules.is_reviewer)(actor, facts):
        raise NotPermitted(reason)
    if reason := rules.takes_documents(actor, facts):
        raise RuleBroken(reason)


async def _check_inside(kind: str, content: bytes) -> None:
    """Raise InvalidInput for a file that cannot be opened or is harmful."""
    if address := load_settings().clamav:
        harm = await harm_in(content, address)
        if harm is not None:
            raise invalid("document", N_("The file holds something harmful (%(harm)s) and was not added."), harm=harm)
    status, _, _ = await read_apart(content)
    if status is TextStatus.ENCRYPTED:
        raise invalid("document", N_("The file is locked by a password. Save it without a password and add it again."))
    if status is TextStatus.BROKEN:
        what = {rules.PDF: "PDF", rules.DOCX: "DOCX", rules.ODT: "ODT"}[kind]
        raise invalid(
            "document",
            N_("The file is broken: it cannot be read as %(kind)s. Open it, save it again and add the new file."),
            kind=what,
        )


async def store_document(actor: Actor, agreement_id: UUID, filename: str, content: bytes, media_type: str) -> UUID:
    """Add a file that has been checked; raises as `add_document`, but does not open the file."""
    name = _checked_name(filename)
    kind = _checked_kind(name, content, media_type)
    async with database.transaction():
        await database.fetch("SELECT id FROM agreement WHERE id = $1 FOR UPDATE", agreement_id)
        await _require_may_add(actor, agreement_id)
        version = await database.fetch_one(
            "SELECT v.id, (SELECT count(*) FROM document d WHERE d.version = v.id) AS documents"
            " FROM agreement_version v WHERE v.agreement = $1 ORDER BY v.number DESC LIMIT 1",
            agreement_id,
        )
        if version is None:
            raise NotFound
        if version["documents"] >= rules.MOST_DOCUMENTS:
            raise RuleBroken(
                message(N_("There are already %(n)s documents, which is the most."), n=rules.MOST_DOCUMENTS)
            )
        rows = await Document.insert(
            Document(
                version=version["id"],
                filename=name,
                media_type=kind,
                size=len(content),
                sha256=hashlib.sha256(content).hexdigest(),
                content=content,
                added_by=actor.person_id,
            )
        ).returning(Document.id)
        document_id: UUID = rows[0]["id"]
        await record(actor, EventType.DOCUMENT_ADDED, agreement_id, {"document": document_id, "media_type": kind})
        await enqueue(Job.EXTRACT_DOCUMENT, document_id=document_id)
    return document_id


def _checked_name(filename: str) -> str:
    """The name without a path, as people name files."""
    name = filename.replace("\\", "/").rpartition("/")[2].strip()
    name = unicodedata.normalize("NFC", "".join(c for c in name if unicodedata.category(c)[0] != "C"))
    if not name or name in {".", ".."} or len(name) > _LONGEST_NAME:
        raise invalid("document", N_("Choose a file whose name has at most %(n)s characters."), n=_LONGEST_NAME)
    return name


def _checked_kind(name: str, content: bytes, media_type: str) -> str:
    if not content:
        raise invalid("document", N_("The file is empty. Choose another one."))
    if len(content) > rules.LARGEST_DOCUMENT:
        raise invalid("document", N_("The file is too large: at most 50 MB."))
    kind = rules.media_type_of(content)
    if kind is None and rules.is_old_word(content):
        raise invalid(
            "document",
            N_("The file is an old Word document or locked by a password. Save it as DOCX without a password."),
        )
    if kind is None:
        raise invalid("document", N_("The file is neither a PDF nor a document (DOCX or ODT) without macros."))
    said = media_type.partition(";")[0].strip().lower()
    if (said not in _UNSPECIFIC and said != kind) or not name.lower().endswith(rules.SUFFIXES[kind]):
        raise invalid(
            "document", N_("The file is not what its name says. A PDF ends in .pdf, other documents in .docx or .odt.")
        )
    return kind


async def read_document(actor: Actor, agreement_id: UUID, document_id: UUID) -> DocumentContent:
    """A document of an agreement, checked against its SHA-256.

    Raises:
        NotFound: there is none, or the actor may not see the agreement.
        DocumentDamaged: the stored content is not what was added.
    """
    await visible_agreement(actor, agreement_id)
    row = await database.fetch_one(
        "SELECT d.filename, d.media_type, d.content, d.sha256 FROM document d"
        " JOIN agreement_version v ON v.id = d.version WHERE d.id = $1 AND v.agreement = $2",
        document_id,
        agreement_id,
    )
    if row is None:
        raise NotFound
    document = DocumentContent(row["filename"], row["media_type"], bytes(row["content"]), row["sha256"])
    if hashlib.sha256(document.content).hexdigest() != document.sha256:
        raise DocumentDamaged(message(N_("The document is not the one that was added. Tell the innovation unit.")))
    return document
