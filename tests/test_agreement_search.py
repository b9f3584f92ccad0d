"""Legal searches inside agreements and their documents; nobody else does, and a hostile file hurts nobody."""

import asyncio
import io
import json
import re
import time
import zipfile
from typing import Any
from uuid import UUID, uuid4

import pytest
from docx import Document
from litestar import Litestar
from pypdf import PdfWriter
from pypdf.generic import NameObject, StreamObject

from registry import database
from registry.access import Actor, Role
from registry.accounts.codes import OrganisationKind
from registry.agreements import document_reader, queries, service
from registry.agreements.codes import AgreementType, TextStatus
from registry.agreements.queries import FoundPage, Marked
from registry.agreements.states import AgreementState
from registry.demo import documents
from registry.errors import InvalidInput, NotPermitted, NotSignedIn
from registry.jobs.service import Job
from tests import factories, factories_agreements
from tests.clients import api, browser, client_for
from tests.conftest import Server
from tests.factories_agreements import Case
from worker import JOB_HANDLERS

PAGE = "/desk/agreements/search"
API = "/api/v1/agreements/search"


def word() -> str:
    """A word that no other test uses; it ends in a consonant and has no å, ä or ö."""
    return "q" + uuid4().hex[:10].translate(str.maketrans("0123456789", "ghijklmnop")) + "x"


async def unread(case: Case, agreement_id: UUID, filename: str, content: bytes) -> UUID:
    """A document whose job nobody does, should a worker run beside the tests."""
    async with database.transaction():
        document_id = await service.add_document(case.member, agreement_id, filename, content, "")
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


def rewritten(content: bytes, part: str, change: Any) -> bytes:
    """A DOCX in which one part is changed."""
    target = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as old,
        zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as new,
    ):
        for name in old.namelist():
            new.writestr(name, change(old.read(name)) if name == part else old.read(name))
    return target.getvalue()


# --- Who


@pytest.mark.parametrize("role", list(Role))
async def test_only_legal_gets_in(application: Litestar, role: Role) -> None:
    organisation = await factories.organisation(OrganisationKind.COMMITTEE)
    actor = await factories.person(role, organisation_id=organisation, limited=role in {Role.FIRM, Role.EMPLOYEE})
    expected = 200 if role is Role.LEGAL else 403
    page, machine = await browser(application, actor), await api(application, actor)
    assert (await page.get(f"{PAGE}?q=avtal")).status_code == expected
    assert (await page.get(PAGE)).status_code == expected
    answer = await machine.get(f"{API}?q=avtal")
    assert answer.status_code == expected
    if role is not Role.LEGAL:
        assert "passages" not in answer.text
        with pytest.raises(NotPermitted):
            await queries.search_agreements(actor, "avtal")
    desk = await page.get("/desk/agreements")
    assert (f'action="{PAGE}"' in desk.text) is (role is Role.LEGAL)


async def test_a_visitor_is_asked_to_sign_in(application: Litestar) -> None:
    visitor = client_for(application)
    assert (await visitor.get(f"{API}?q=avtal")).status_code == 401
    assert (await visitor.get(f"{PAGE}?q=avtal")).status_code in {303, 401}
    with pytest.raises(NotSignedIn):
        await queries.search_agreements(Actor(), "avtal")


async def test_legal_of_one_organisation_finds_its_agreements_only() -> None:
    term = word()
    mine, other = (
        await factories_agreements.case(text_sv=f"Om {term}."),
        await factories_agreements.case(text_sv=f"Om {term}."),
    )
    first, second = await mine.requested(), await other.requested()
    limited = await factories.person(Role.LEGAL, organisation_id=mine.body)
    assert await ids(term, limited) == [first]
    assert (await found(term, limited)).total == 1
    assert set(await ids(term)) == {first, second}
    # The counterparty's side gives nothing: the organisation has to be the public party.
    assert await ids(term, await factories.person(Role.LEGAL, organisation_id=mine.firm)) == []
    # Another role that reads everything does not widen the search.
    both = Actor(
        person_id=limited.person_id,
        grants=limited.grants | (await factories.person(Role.AUDITOR)).grants,
    )
    assert await ids(term, both) == [first]


# --- What is found


async def test_words_in_a_pdf_are_found_on_their_page() -> None:
    term = word()
    filler = [f"Rad {number} i en lång bilaga." for number in range(60)]
    content = documents.pdf("Bilaga", [*filler, f"Källkoden deponeras enligt {term} (punkt 4)."])
    agreement_id, document_id, status = await with_document("Bilaga å.pdf", content)
    assert status is TextStatus.EXTRACTED
    (one,) = (await found(term)).items
    assert one.agreement.id == agreement_id
    (passage,) = one.passages
    assert (passage.document_id, passage.filename, passage.page) == (document_id, "Bilaga å.pdf", 3)
    assert matches(passage.text) == [term]
    assert "Källkoden deponeras enligt" in "".join(piece.text for piece in passage.text)


async def test_words_in_paragraphs_tables_headers_footers_and_boxes_of_a_docx_are_found() -> None:
    terms = {place: word() for place in ("paragraph", "cell", "nested", "header", "footer", "box")}
    document = Document()
    document.add_paragraph(f"Om {terms['paragraph']}.")
    table = document.add_table(rows=2, cols=2)
    table.cell(1, 1).text = f"I en cell står {terms['cell']}."
    table.cell(0, 0).add_table(rows=1, cols=1).cell(0, 0).text = terms["nested"]
    document.sections[0].header.paragraphs[0].text = terms["header"]
    document.sections[0].footer.paragraphs[0].text = terms["footer"]
    content = io.BytesIO()
    document.save(content)
    box = (
        f"<w:p><w:r><w:pict><w:txbxContent><w:p><w:r><w:t>{terms['box']}</w:t></w:r></w:p>"
        "</w:txbxContent></w:pict></w:r></w:p>"
    ).encode()
    changed = rewritten(
        content.getvalue(), "word/document.xml", lambda xml: xml.replace(b"<w:body>", b"<w:body>" + box)
    )
    agreement_id, document_id, _ = await with_document("avtal.docx", changed)
    for term in terms.values():
        (one,) = (await found(term)).items
        assert one.agreement.id == agreement_id
        assert (one.passages[0].document_id, one.passages[0].page) == (document_id, None)
    assert (await stored(document_id))[2] is None


async def test_the_newest_text_in_both_languages_the_title_the_reference_and_the_parties_are_found() -> None:
    old, new, english, title = word(), word(), word(), word()
    case = await factories_agreements.case()
    number = uuid4().int % 10**8
    agreement_id = await case.draft(dnr=f"RS 2031-{number:08}", title=f"Prov av {title}")
    await service.add_version(
        case.member,
        agreement_id,
        title=f"Prov av {title}",
        dnr=f"RS 2031-{number:08}",
        text_sv=f"Om {old}.",
        text_en="",
    )
    assert await ids(old) == [agreement_id]
    await service.add_version(
        case.member,
        agreement_id,
        title=f"Prov av {title}",
        dnr=f"RS 2031-{number:08}",
        text_sv=f"## 1. Om\n\nOm {new}.",
        text_en=f"About {english}.",
    )
    assert await ids(old) == []
    (one,) = (await found(new)).items
    assert [(passage.version_number, passage.language) for passage in one.passages] == [(3, "sv")]
    (one,) = (await found(english)).items
    assert [(passage.version_number, passage.language) for passage in one.passages] == [(3, "en")]
    (one,) = (await found(title)).items
    assert matches(one.title_sv) == [title]
    for question in (f"RS 2031-{number:08}", f"2031-{number:08}", f"{number:08}"):
        (one,) = (await found(question)).items
        assert one.agreement.id == agreement_id
        assert "".join(matches(one.dnr)).endswith(f"{number:08}")
    name = next(party.name_sv for party in one.agreement.parties if party.organisation_id == case.firm)
    # Words of one question may be in different places: here in a party's name and in the text.
    (one,) = (await found(f'"{name}" {new}')).items
    assert one.agreement.id == agreement_id
    assert matches(one.parties[1].name_sv) == [name]


async def test_inflected_words_words_without_marks_and_beginnings_are_found_and_marked() -> None:
    term = word()
    agreement_id, _, _ = await with_document(
        "avtal.pdf",
        documents.pdf("Bilaga", [f"{term}: uppfinningarnas källkoder och Överlåtelser skyddas. Royalties."]),
    )
    for asked, marked in (
        ("uppfinning", "uppfinningarnas"),
        ("källkod", "källkoder"),
        ("kallkod", "källkoder"),
        ("overlatelse", "Överlåtelser"),
        ("överlåtelsen", "Överlåtelser"),
        ("ÖVERLÅT", "Överlåtelser"),
        ("royalty", "Royalties"),
        ("skydda", "skyddas"),
    ):
        (one,) = (await found(f"{term} {asked}")).items
        assert one.agreement.id == agreement_id, asked
        assert marked in matches(one.passages[0].text), asked


async def test_phrases_or_and_minus_mean_what_they_say() -> None:
    term = word()
    first, *_ = await with_document("a.pdf", documents.pdf("Ett", [f"{term} rätt att använda resultaten fritt."]))
    second, *_ = await with_document(
        "b.pdf", documents.pdf("Två", [f"{term} använda en rätt, med royalty att betala."])
    )
    assert set(await ids(term)) == {first, second}
    assert await ids(f'{term} "rätt att använda"') == [first]
    assert await ids(f'{term} "ratt att anvanda"') == [first]
    assert await ids(f"{term} -royalty") == [first]
    assert await ids(f'{term} -"rätt att använda"') == [second]
    assert set(await ids(f"{term} royalty OR {term} fritt")) == {first, second}
    assert await ids(f"{term} royalty OR {term} nonexistent{term}") == [second]
    # What is left out is left out of the whole agreement, wherever it stands.
    assert await ids(f"{term} royalty -fritt OR nothing{term}") == [second]
    (one,) = (await found(f'{term} "rätt att använda"')).items
    assert "rätt att använda" in matches(one.passages[0].text)


async def test_a_phrase_across_the_border_of_two_passages_is_found() -> None:
    term = word()
    filler = " ".join(f"utfyllnad{number}" for number in range(400))
    for count in (120, 150, 155, 160):
        start = " ".join(filler.split()[:count])
        agreement_id, *_ = await with_document(
            "a.docx", documents.docx("x", [f"{start} {term} gräns {term}{count} {filler}"])
        )
        assert await ids(f'"{term} gräns {term}{count}"') == [agreement_id]


async def test_agreements_that_match_in_their_title_come_first() -> None:
    term = word()
    in_text = await (await factories_agreements.case(text_sv=f"Om {term}.")).draft()
    in_title = await (await factories_agreements.case()).draft(title=f"Om {term}")
    later = await (await factories_agreements.case(text_sv=f"Om {term}.")).draft()
    assert await ids(term) == [in_title, later, in_text]


async def test_type_state_and_page_narrow_what_is_shown() -> None:
    term = word()
    case = await factories_agreements.case(text_sv=f"Om {term}.", type=AgreementType.NDA)
    agreements = [await case.draft() for _ in range(3)]
    await service.submit(case.member, agreements[0])
    legal = await factories_agreements.jurist()
    assert (await found(term, legal, state=AgreementState.IN_REVIEW)).total == 1
    assert (await found(term, legal, type=AgreementType.NDA)).total == 3
    assert (await found(term, legal, type=AgreementType.LICENCE)).total == 0
    pages = [await found(term, legal, page=number, page_size=2) for number in (1, 2, 3)]
    assert [(len(page.items), page.total) for page in pages] == [(2, 3), (1, 3), (0, 3)]


# --- Page and API


async def test_page_shows_where_and_escapes_what_documents_hold(application: Litestar) -> None:
    term = word()
    agreement_id, document_id, _ = await with_document(
        "<b>bilaga.docx", documents.docx("x", [f"<script>alert(1)</script> {term} <img src=x onerror=alert(2)> \ue000"])
    )
    client = await browser(application, await factories_agreements.jurist())
    answer = await client.get(PAGE, params={"q": f"{term} script"})
    assert answer.status_code == 200
    assert "<script>alert" not in answer.text
    assert "<img" not in answer.text
    assert "&lt;<mark>script</mark>&gt;alert(1)" in answer.text
    assert f"<mark>{term}</mark>" in answer.text
    assert f'href="/agreements/{agreement_id}/documents/{document_id}"' in answer.text
    assert "&lt;b&gt;bilaga.docx" in answer.text
    assert re.search(r'role="status">\s*<h2 id="results">1 agreement for', answer.text)
    machine = await api(application, await factories_agreements.jurist())
    body = (await machine.get(API, params={"q": term})).json()
    assert (body["total"], body["page"], body["page_size"]) == (1, 1, 20)
    (item,) = body["items"]
    assert item["id"] == str(agreement_id)
    (passage,) = item["passages"]
    assert passage["document"] == str(document_id)
    assert f"<mark>{term}</mark>" in passage["text"]
    assert "<script>" not in passage["text"]


async def test_page_without_words_says_how_to_ask(application: Litestar) -> None:
    client = await browser(application, await factories_agreements.jurist())
    before = await events()
    for question in ("", "   ", "-royalty", '"', "§ …"):
        answer = await client.get(PAGE, params={"q": question})
        assert answer.status_code == 200
        assert "How to ask" in answer.text
    assert await events() == before
    assert (await (await api(application, await factories_agreements.jurist())).get(API)).status_code == 422


@pytest.mark.parametrize(
    "question", ["\x00avtal", "avtal' | !x:*", "((", ":*", "\\", "a\u0301 \ud800", "<->", "' OR 1=1"]
)
async def test_any_characters_can_be_asked(question: str) -> None:
    legal = await factories_agreements.jurist()
    await queries.search_agreements(legal, question)


async def test_questions_that_are_too_long_are_explained(application: Litestar) -> None:
    client = await browser(application, await factories_agreements.jurist())
    for question in ("x" * 201, "a b " * 20):
        answer = await client.get(PAGE, params={"q": question})
        assert answer.status_code == 422
        assert question in answer.text
        assert 'href="#f-q"' in answer.text
    assert (await client.get(f"{PAGE}?q=x&page=0")).status_code == 422
    with pytest.raises(InvalidInput):
        await queries.search_agreements(await factories_agreements.jurist(), "a b " * 20)


async def test_the_page_beyond_the_last_says_so(application: Litestar) -> None:
    term = word()
    await (await factories_agreements.case(text_sv=f"Om {term}.")).draft()
    client = await browser(application, await factories_agreements.jurist())
    assert "The results end before this page" in (await client.get(PAGE, params={"q": term, "page": "2"})).text
    assert "Check the spelling" in (await client.get(PAGE, params={"q": f"no{term}"})).text


# --- The log


async def events() -> list[dict[str, Any]]:
    rows = await database.fetch("SELECT actor_id, data FROM audit_event WHERE type = 'agreement.searched' ORDER BY id")
    return [{"actor": row["actor_id"], **json.loads(row["data"])} for row in rows]


async def test_each_search_is_one_event_with_what_was_shown_but_not_the_words(application: Litestar) -> None:
    term = word()
    agreement_id = await (await factories_agreements.case(text_sv=f"Om {term}.")).draft()
    legal = await factories_agreements.jurist()
    before = len(await events())
    await (await browser(application, legal)).get(PAGE, params={"q": term})
    await (await api(application, legal)).get(API, params={"q": f"no{term}"})
    one, other = (await events())[before:]
    assert (one["actor"], one["hits"], one["shown"]) == (legal.person_id, 1, [str(agreement_id)])
    assert (other["actor"], other["hits"], other["shown"]) == (legal.person_id, 0, [])
    assert not await database.fetch("SELECT FROM audit_event WHERE data::text LIKE '%' || $1 || '%'", term)
    auditor = await browser(application, await factories.person(Role.AUDITOR))
    log = await auditor.get("/desk/log?subject=agreement")
    assert "Agreements searched" in log.text


# --- Nobody else finds it


async def test_nothing_of_a_document_is_in_the_public_search_or_in_what_parties_see(application: Litestar) -> None:
    term = word()
    case = await factories_agreements.case(text_sv=f"Om avtals{term}.")
    agreement_id = await case.requested()
    document_id = await unread(case, agreement_id, "a.pdf", documents.pdf("x", [f"Om {term}."]))
    await service.extract_document(document_id)
    assert await ids(term) == [agreement_id]
    for actor in (None, await factories.person(Role.AUDITOR), await factories.person(Role.COORDINATOR), case.member):
        client = await browser(application, actor) if actor else client_for(application)
        machine = await api(application, actor) if actor else client
        for asked in (term, f"avtals{term}"):
            page = await client.get("/search", params={"q": asked})
            assert "No results" in page.text or "Inga träffar" in page.text
            answer = (await machine.get("/api/v1/entries", params={"q": asked})).json()
            assert answer["total"] == 0
            assert not any(answer["facets"].values()) or all(not count for count in _counts(answer["facets"]))
            assert (await machine.get("/api/v1/entries/suggest", params={"q": asked})).json()["items"] == []
        if actor is not None:
            assert term not in (await machine.get("/api/v1/agreements")).text.replace(f"avtals{term}", "")
    for table in ("search_document", "entry", "entry_version"):
        assert not await database.fetch(f"SELECT FROM {table} x WHERE x::text LIKE '%' || $1 || '%'", term)


def _counts(facets: dict[str, dict[str, int]]) -> list[int]:
    return [count for values in facets.values() for count in values.values()]


# --- Reading documents


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
        ("a.pdf", lambda: factories_agreements.PDF, {TextStatus.BROKEN}),
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
    await _change_behind_the_guards(document_id, documents.pdf("x", [f"Inte {term}."]))
    for _ in range(2):
        assert await service.extract_document(document_id) is TextStatus.DAMAGED
    assert (await stored(document_id))[:2] == ("damaged", "")
    assert await ids(term) == []
    view = await queries.get_agreement(case.legal, agreement_id)
    assert [event.type for event in view.log].count("agreement.document_damaged") == 1
    page = await (await browser(application, case.member)).get(f"/agreements/{agreement_id}")
    assert "not the one that was added" in page.text
    # Restored from a backup, it is read.
    await _change_behind_the_guards(document_id, documents.pdf("x", [f"Om {term}."]))
    assert await service.extract_document(document_id) is TextStatus.EXTRACTED
    assert await ids(term) == [agreement_id]


async def _change_behind_the_guards(document_id: UUID, content: bytes) -> None:
    """What a fault of the disk or a superuser can do: other content under the old hash."""
    add = "ALTER TABLE document ADD CONSTRAINT"
    async with database.transaction():
        for statement in (
            "ALTER TABLE document DISABLE TRIGGER USER",
            "ALTER TABLE document DROP CONSTRAINT hash_is_of_the_content",
            "ALTER TABLE document DROP CONSTRAINT size_is_of_the_content",
        ):
            await database.fetch(statement)
        await database.fetch("UPDATE document SET content = $1 WHERE id = $2", content, document_id)
        for statement in (
            "ALTER TABLE document ENABLE TRIGGER USER",
            f"{add} hash_is_of_the_content CHECK (sha256 = encode(sha256(content), 'hex')) NOT VALID",
            f"{add} size_is_of_the_content CHECK (size = octet_length(content)) NOT VALID",
        ):
            await database.fetch(statement)


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
        await service.add_document(case.member, agreement_id, filename, content, "")
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
