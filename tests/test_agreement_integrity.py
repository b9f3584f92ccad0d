"""What is stored never changes: no sequence of commands or statements does it, and what a superuser does is noticed."""

import asyncio
import contextlib
import os
import sys
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from litestar import Litestar

from registry import database
from registry.agreements import queries, service, versions
from registry.agreements.codes import SignatureMethod
from registry.agreements.texts import TextDamaged
from registry.agreements.verification import Checked, verify_all
from registry.errors import DomainError
from tests import factories_agreements
from tests.clients import browser
from tests.conftest import ROOT
from tests.factories_agreements import FIRST, LAST, PDF, THEN, Case, terms
from tests.factories_documents import change_behind_the_guards, change_text_behind_the_guards

_STORED = """
SELECT 'version' AS kind, v.id::text AS id, row_to_json(v)::text AS content FROM agreement_version v
    WHERE agreement = $1
UNION ALL SELECT 'term', t.id::text, row_to_json(t)::text FROM ip_term t
    WHERE t.terms IN (SELECT terms FROM agreement_version WHERE agreement = $1)
UNION ALL SELECT 'document', d.id::text, row_to_json(d)::text FROM document d
    JOIN agreement_version v ON v.id = d.version
    WHERE v.agreement = $1
UNION ALL SELECT 'signature', s.id::text, row_to_json(s)::text FROM agreement_signature s
    JOIN agreement_version v ON v.id = s.version WHERE v.agreement = $1
"""
Step = Callable[[Case, UUID], Awaitable[object]]


async def stored(agreement_id: UUID) -> dict[tuple[str, str], str]:
    """Every row that must stay as it is, by kind and id."""
    return {(row["kind"], row["id"]): row["content"] for row in await database.fetch(_STORED, agreement_id)}


def statement(sql: str) -> Step:
    """Somebody with the rights of the program and a pen of their own; the log is satisfied first."""

    async def step(_: Case, agreement_id: UUID) -> None:
        async with database.transaction():
            await database.fetch(
                "INSERT INTO audit_event (actor_name, type, subject_kind, subject_id, data)"
                " VALUES ('test', 'agreement.changed', 'agreement', 'test', '{}')"
            )
            await database.fetch(sql, agreement_id)

    return step


_IDS = "(SELECT id FROM agreement_version WHERE agreement = $1)"
_TERMS = "(SELECT terms FROM agreement_version WHERE agreement = $1)"
STEPS: dict[str, Step] = {
    "submit": lambda case, one: service.submit(case.member, one, now=THEN),
    "approve": lambda case, one: service.approve(case.legal, one, now=THEN),
    "send back": lambda case, one: service.request_changes(case.legal, one, "Ange diarienummer.", now=THEN),
    "sign": lambda case, one: service.sign(case.member, one, now=THEN),
    "sign for the region": lambda case, one: service.sign(case.legal, one, organisation_id=case.body, now=THEN),
    "record paper": lambda case, one: service.sign(
        case.legal, one, organisation_id=case.firm, method=SignatureMethod.RECORDED_COPY, now=THEN
    ),
    "terminate": lambda case, one: service.terminate(case.legal, one, "Provet är inställt.", now=THEN),
    "start": lambda _, __: service.follow_dates(datetime.combine(FIRST, THEN.timetz())),
    "end": lambda _, __: service.follow_dates(datetime.combine(LAST + timedelta(days=2), THEN.timetz())),
    "new text": lambda case, one: service.add_version(case.member, one, text_sv="# Avtal\n\nNy text."),
    "new terms": lambda case, one: service.add_version(case.member, one, terms=terms(results_ownership="joint")),
    "new dates": lambda case, one: service.add_version(case.member, one, valid_until=LAST + timedelta(days=9)),
    "add document": lambda case, one: service.add_document(case.member, one, "a.pdf", PDF, ""),
    "add document as legal": lambda case, one: service.add_document(case.legal, one, "b.pdf", PDF, ""),
    "overwrite text": statement("UPDATE agreement_version SET text_sv = 'x' WHERE agreement = $1"),
    "remove versions": statement("DELETE FROM agreement_version WHERE agreement = $1"),
    "overwrite term": statement(f"UPDATE ip_term SET note_sv = 'x' WHERE terms IN {_TERMS}"),
    "overwrite document": statement(f"UPDATE document SET filename = 'x' WHERE version IN {_IDS}"),
    "remove documents": statement(f"DELETE FROM document WHERE version IN {_IDS}"),
    "remove signatures": statement(f"DELETE FROM agreement_signature WHERE version IN {_IDS}"),
    "remove the agreement": statement("DELETE FROM agreement WHERE id = $1"),
}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(sorted(STEPS)), min_size=4, max_size=14))
async def test_no_sequence_of_steps_changes_what_is_stored(names: list[str]) -> None:
    case = await factories_agreements.case()
    agreement_id = await case.draft(valid_from=FIRST, valid_until=LAST)
    before = await stored(agreement_id)
    for name in names:
        with contextlib.suppress(DomainError, asyncpg.PostgresError):
            await STEPS[name](case, agreement_id)
        after = await stored(agreement_id)
        assert before.items() <= after.items(), name
        before = after


async def test_every_step_of_that_test_can_succeed_or_is_refused_by_the_database() -> None:
    case = await factories_agreements.case()
    one = await case.draft(valid_from=FIRST, valid_until=LAST)
    way = ("new text", "new terms", "new dates", "add document", "submit", "send back", "submit", "approve", "sign")
    for name in (*way, "add document as legal", "sign for the region", "start", "terminate"):
        await STEPS[name](case, one)
    assert (await factories_agreements.state_of(one)).value == "terminated"
    refused = [name for name in STEPS if name.startswith(("overwrite", "remove"))]
    assert len(refused) == 7
    for name in refused:
        with pytest.raises(asyncpg.PostgresError):
            await STEPS[name](case, one)


async def damaged() -> list[tuple[str, UUID]]:
    """What does not match its hash."""
    return [(one.kind, one.agreement_id) async for one in verify_all() if not one.is_whole]


async def test_a_tampered_document_and_text_are_noticed(application: Litestar, database_url: str) -> None:
    case = await factories_agreements.case()
    agreement_id = await case.requested()
    document_id = await service.add_document(case.member, agreement_id, "avtal.pdf", PDF, "")
    text = (await queries.get_agreement(case.member, agreement_id)).text_sv
    assert await damaged() == []
    assert await verified(database_url) == (0, "")
    await change_behind_the_guards(document_id, PDF + b"%")
    await change_text_behind_the_guards(agreement_id, 1, text + "\n\nMottagaren betalar dubbelt.")
    try:
        assert await damaged() == [("version", agreement_id), ("document", agreement_id)]
        code, lines = await verified(database_url)
        assert code == 1
        assert f"Agreement {agreement_id}: version 1 is not what was stored." in lines
        assert f"document {document_id} (avtal.pdf) is not what was stored." in lines
        with pytest.raises(TextDamaged):
            await queries.get_agreement(case.member, agreement_id)
        with pytest.raises(TextDamaged):
            await versions.read_version(case.member, agreement_id)
        firm = await browser(application, case.member)
        page = await firm.get(f"/agreements/{agreement_id}", params={"lang": "en"})
        assert page.status_code == 500
        assert "The text of this agreement is not the one that was written." in page.text
    finally:
        await change_behind_the_guards(document_id, PDF)
        await change_text_behind_the_guards(agreement_id, 1, text)
    assert await damaged() == []


async def verified(database_url: str) -> tuple[int, str]:
    """The exit status of `registry agreements verify` and its lines about what has been changed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "cli",
        "agreements",
        "verify",
        cwd=ROOT,
        env=os.environ | {"REGISTRY_DATABASE_URL": database_url},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, _ = await process.communicate()
    *lines, last = output.decode().splitlines()
    assert last.endswith("checked.")
    return process.returncode or 0, "\n".join(lines)


async def test_every_kind_of_thing_is_checked() -> None:
    await factories_agreements.agreement_in(await factories_agreements.case(), factories_agreements.S.SIGNED)
    checked: list[Checked] = [one async for one in verify_all()]
    assert {one.kind for one in checked} >= {"version", "signature"}
