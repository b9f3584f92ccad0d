"""Legal searches inside agreements and their documents, and nobody else does."""

import importlib
import io
import json
import re
from typing import Any
from uuid import UUID, uuid4

import pytest
from docx import Document
from litestar import Litestar

from registry import database
from registry.access import Actor, Role
from registry.accounts.codes import OrganisationKind
from registry.agreements import queries, service
from registry.agreements.codes import AgreementType, TextStatus
from registry.agreements.states import AgreementState
from registry.demo import documents
from registry.errors import InvalidInput, NotPermitted, NotSignedIn
from tests import factories, factories_agreements
from tests.clients import api, browser, client_for
from tests.factories_documents import found, ids, matches, rewritten, stored, unread, with_document, word

PAGE = "/desk/agreements/search"
API = "/api/v1/agreements/search"


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


async def test_agreements_from_before_the_search_are_indexed_by_the_migration() -> None:
    migration = importlib.import_module("registry.agreements.piccolo_migrations.agreements_2026_11_24t20_32_00_000000")
    term = word()
    agreement_id = await (await factories_agreements.case(text_sv=f"Om {term}.", text_en=f"About {term}.")).draft()
    stored_by_trigger = await _passages(agreement_id)
    assert len(stored_by_trigger) == 2
    await database.fetch("DELETE FROM agreement_passage WHERE agreement = $1", agreement_id)
    assert await ids(term) == []
    await database.fetch(migration.BACKFILL, [agreement_id])
    assert await _passages(agreement_id) == stored_by_trigger
    assert await ids(term) == [agreement_id]


async def _passages(agreement_id: UUID) -> list[tuple[object, ...]]:
    rows = await database.fetch(
        "SELECT version, language, text FROM agreement_passage WHERE agreement = $1 ORDER BY id", agreement_id
    )
    return [(row["version"], row["language"], row["text"]) for row in rows]


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
