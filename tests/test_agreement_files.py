"""Agreements as files to print and sign: what the PDF and the DOCX say, and that nothing in them is left open."""

import io
import re
from datetime import date

import docx
import pypdfium2
from litestar import Litestar
from pypdf import PdfReader

from registry.agreements import service
from registry.agreements.states import AgreementState
from registry.demo.files import DATA
from registry.web.agreement_files import FileKind, make_file
from tests import factories_agreements
from tests.clients import browser
from tests.factories_agreements import terms

CODES = sorted(path.stem for path in (DATA / "templates").glob("*.json"))


def text_of_pdf(content: bytes) -> str:
    """The text of a PDF with single spaces; words that a line end parts are joined."""
    text = "\n".join(page.get_textpage().get_text_bounded() for page in pypdfium2.PdfDocument(content))
    return re.sub(r"\s+", " ", re.sub("[\u00ad\u2010\ufffe\x02]\\s*", "", text))


def text_of_docx(content: bytes) -> str:
    """The text of a DOCX with single spaces."""
    return re.sub(r"\s+", " ", "\n".join(one.text for one in docx.Document(io.BytesIO(content)).paragraphs))


async def test_every_template_is_filled_in_completely() -> None:
    assert len(CODES) == 6
    for code in CODES:
        texts = {lang: (DATA / "templates" / f"{code}.{lang}.md").read_text(encoding="utf-8") for lang in ("sv", "en")}
        case = await factories_agreements.case(text_sv=texts["sv"], text_en=texts["en"])
        draft = await case.draft(valid_from=date(2033, 5, 2), valid_until=date(2034, 5, 1), dnr="RS 2033-0042")
        for language, months, opening in (("sv", "2 maj 2033", "Parter"), ("en", "2 May 2033", "Parties")):
            for kind, text_of in ((FileKind.PDF, text_of_pdf), (FileKind.DOCX, text_of_docx)):
                _, content = await make_file(case.member, draft, kind, language)
                text = text_of(content)
                for filled in ("RS 2033-0042", "2033-05-02", "2034-05-01", months, opening):
                    assert filled in text, (code, language, kind, filled)
                assert not re.search(r"[{}]|%\(|None|inte bestämt|not yet decided", text), (code, language, kind)
                headings = re.findall(r"^## (.+)$", texts[language], re.MULTILINE)
                assert headings
                assert all(heading in text for heading in headings), (code, language, kind)


async def test_pdf_names_parties_and_terms_in_swedish_letters() -> None:
    case = await factories_agreements.case(
        text_sv="# Avtal om ånga, ärter och öl\n\nMellan {parties}.\n\n## 1. Först\n\n- ett\n- två",
        values=terms(results_ownership="joint", results_share_percent=40, confidentiality_months=36),
    )
    draft = await case.draft()
    name, content = await make_file(case.member, draft, FileKind.PDF, "sv")
    text = text_of_pdf(content)
    assert name == "Avtal om ånga, ärter och öl v1.pdf"
    assert "Din andel av de resultat som ni äger tillsammans är 40 procent" in text
    assert "Utkast: juristerna har inte godkänt den här versionen än." in text
    assert "Namnförtydligande" in text
    assert re.search(r"Sida 1 av \d", text)


async def test_pdf_is_tagged_and_has_title_and_language() -> None:
    case = await factories_agreements.case()
    draft = await case.draft()
    for language, title in (("sv", "Avtal"), ("en", "Agreement")):
        reader = PdfReader(io.BytesIO((await make_file(case.member, draft, FileKind.PDF, language))[1]))
        root = reader.trailer["/Root"]
        assert (reader.metadata or {})["/Title"] == title
        assert (root["/Lang"], root["/MarkInfo"]["/Marked"]) == (language, True)
        assert b"pdfuaid:part>1<" in root["/Metadata"].get_object().get_data()
        assert next(one["/Title"] for one in reader.outline if isinstance(one, dict)) == title


async def test_docx_has_headings_title_language_and_page_numbers() -> None:
    case = await factories_agreements.case()
    draft = await case.draft()
    word = docx.Document(io.BytesIO((await make_file(case.member, draft, FileKind.DOCX, "en"))[1]))
    styles = [(one.style.name, one.text) for one in word.paragraphs if one.style.name.startswith("Heading")]
    assert styles[:3] == [("Heading 1", "Agreement"), ("Heading 2", "1. Parties"), ("Heading 2", "2. Time")]
    assert (word.core_properties.title, word.core_properties.language) == ("Agreement", "en-GB")
    footer = word.sections[0].footer._element.xml  # fields are in the XML only
    assert 'w:instr="PAGE"' in footer
    assert 'w:instr="NUMPAGES"' in footer


async def test_what_people_write_is_never_read_as_markup() -> None:
    case = await factories_agreements.case(
        text_sv='# Avtal\n\nSe #import "x" $a^2$ *fet* _kursiv_ \\ <b> @ref `kod` {dnr}'
    )
    draft = await case.draft(dnr="#panic() $1")
    text = text_of_pdf((await make_file(case.member, draft, FileKind.PDF, "sv"))[1])
    assert '#import "x" $a^2$ *fet* _kursiv_ \\ <b> @ref `kod` #panic() $1' in text


async def test_signed_version_says_who_signed_and_earlier_ones_that_they_are_old() -> None:
    case = await factories_agreements.case()
    draft = await case.draft()
    await service.add_version(case.member, draft, text_sv="# Avtal\n\nNy text.")
    old = text_of_pdf((await make_file(case.member, draft, FileKind.PDF, "sv", 1))[1])
    assert "Det här är en tidigare version." in old
    signed = await factories_agreements.agreement_in(case, AgreementState.SIGNED)
    text = text_of_pdf((await make_file(case.member, signed, FileKind.PDF, "sv"))[1])
    assert text.count("Undertecknat i registret av") == 2
    assert "Utkast" not in text


async def test_same_version_gives_the_same_pdf() -> None:
    case = await factories_agreements.case()
    draft = await case.draft()
    first = await make_file(case.member, draft, FileKind.PDF, "sv")
    assert await make_file(case.member, draft, FileKind.PDF, "sv") == first


async def test_files_are_for_those_who_may_read_the_agreement(application: Litestar) -> None:
    case = await factories_agreements.case()
    draft = await case.draft()
    firm = await browser(application, case.member)
    for path in (f"/agreements/{draft}/agreement.pdf", f"/agreements/{draft}/agreement.docx"):
        answer = await firm.get(path, params={"language": "en"})
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-disposition"].startswith("attachment; filename=")
        stranger = await browser(application, (await factories_agreements.case()).member)
        assert (await stranger.get(path)).status_code == 404
    assert (await firm.get(f"/agreements/{draft}/agreement.pdf", params={"version": "7"})).status_code == 404
    assert (await firm.get(f"/agreements/{draft}/agreement.pdf", params={"language": "de"})).status_code == 422
