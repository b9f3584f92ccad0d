"""Reading the text of documents so that legal can search in them: in a process of its own, one at a time."""

import asyncio
import hashlib
import json
import logging
import signal
import sys
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from registry import database
from registry.access import SYSTEM
from registry.agreements import document_reader
from registry.agreements.codes import TextStatus
from registry.audit.service import EventType, record

log = logging.getLogger(__name__)
MOST_LEFT_AT_ONCE = 100
# How a process ends that has used up its processor time.
_OUT_OF_TIME = (-signal.SIGXCPU, -signal.SIGKILL)
# A reader may take a lot of memory, so there is never more than one in a worker.
_one_at_a_time = asyncio.Semaphore(1)


async def extract_document(document_id: UUID) -> TextStatus | None:
    """Read the text of a document once and store it; what was read before, and an unknown document, are left alone.

    Returns the status that is stored now, None for an unknown document. A document that no longer matches its
    SHA-256 is not read; that is reported in the log and looked at again the next time.
    """
    known = await database.fetch_one("SELECT status FROM document_text WHERE document = $1", document_id)
    if known is not None and known["status"] != TextStatus.DAMAGED:
        return TextStatus(known["status"])
    document = await database.fetch_one("SELECT content, sha256 FROM document WHERE id = $1", document_id)
    if document is None:
        return None
    content = bytes(document["content"])
    if hashlib.sha256(content).hexdigest() != document["sha256"]:
        await _report_damage(document_id)
        return TextStatus.DAMAGED
    async with _one_at_a_time:
        status, pages, text = await read_apart(content)
    # Another worker may have been quicker.
    await database.fetch(
        "INSERT INTO document_text (document, status, pages, text) VALUES ($1, $2, $3, $4)"
        " ON CONFLICT (document) DO UPDATE SET status = excluded.status, pages = excluded.pages, text = excluded.text,"
        " extracted_at = now() WHERE document_text.status = 'damaged'",
        document_id,
        status.value,
        pages,
        text,
    )
    return status


async def extract_left() -> None:
    """Read the documents that nobody has read: those from before the registry could, and those whose job was lost."""
    rows = await database.fetch(
        "SELECT d.id FROM document d WHERE NOT EXISTS (SELECT FROM document_text t WHERE t.document = d.id)"
        " ORDER BY d.added_at, d.id LIMIT $1",
        MOST_LEFT_AT_ONCE,
    )
    for row in rows:
        await extract_document(row["id"])


async def handle_extract_job(payload: Mapping[str, Any]) -> None:
    """The job EXTRACT_DOCUMENT: `{"document_id": …}`."""
    await extract_document(UUID(payload["document_id"]))


async def _report_damage(document_id: UUID) -> None:
    async with database.transaction():
        stored = await database.fetch(
            "INSERT INTO document_text (document, status) VALUES ($1, 'damaged') ON CONFLICT DO NOTHING"
            " RETURNING document",
            document_id,
        )
        if not stored:
            return
        agreement = await database.fetch_one(
            "SELECT v.agreement FROM document d JOIN agreement_version v ON v.id = d.version WHERE d.id = $1",
            document_id,
        )
        if agreement is not None:
            await record(SYSTEM, EventType.DOCUMENT_DAMAGED, agreement["agreement"], {"document": document_id})
    log.error("Document %s is not the one that was added: its SHA-256 differs. Restore it from a backup.", document_id)


async def read_apart(content: bytes) -> tuple[TextStatus, int | None, str]:
    """Status, pages (None where there are none) and text of a file.

    It is read by document_reader.py, in a process without environment and with limits, so that it can harm only that.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-I",
        document_reader.__file__,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        cwd="/",
        env={},
        # A signal to the worker's group is not the file's fault; the worker ends its reader itself.
        start_new_session=True,
    )
    try:
        output, _ = await asyncio.wait_for(process.communicate(content), document_reader.MOST_SECONDS)
    except TimeoutError:
        return TextStatus.TOO_LARGE, None, ""
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        log.warning("Reading a document ended with status %s", process.returncode)
        return (TextStatus.TOO_LARGE if process.returncode in _OUT_OF_TIME else TextStatus.BROKEN), None, ""
    outcome = json.loads(output)
    return TextStatus(outcome["status"]), outcome["pages"], outcome["text"]
