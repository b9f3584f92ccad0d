"""An agreement as a Word document, for those who negotiate: styles for headings, page numbers, language, title."""

import io
from typing import Any

from registry.agreements.texts import Block, BlockKind
from registry.formats.agreement_document import AgreementDocument, SignatureBlock

_LANGUAGES = {"sv": "sv-SE", "en": "en-GB"}
_SIDE_MM, _TOP_MM = 25, 24
_PAGE_MM = (210, 297)
_STYLES = {BlockKind.TITLE: "Heading 2", BlockKind.HEADING: "Heading 2", BlockKind.PARAGRAPH: "Normal"}


def render(document: AgreementDocument, author: str) -> bytes:
    """The DOCX."""
    from docx import Document  # noqa: PLC0415  # loads slowly, and only who asks for a document needs it

    word = Document()
    _set_up(word, document, author)
    word.add_heading(document.title, level=1)
    if document.banner:
        word.add_paragraph(document.banner, style="Intense Quote")
    for name, value in document.facts:
        fact = word.add_paragraph()
        fact.add_run(f"{name}: ").bold = True
        fact.add_run(value)
    for block in document.blocks:
        _add_block(word, block)
    word.add_heading(document.words["signatures"], level=2)
    for signature in document.signatures:
        _add_signature(word, document, signature)
    if document.terms:
        _add_annex(word, document)
    content = io.BytesIO()
    word.save(content)
    return content.getvalue()


def _set_up(word: Any, document: AgreementDocument, author: str) -> None:  # noqa: ANN401  # python-docx is untyped
    from docx.oxml.ns import qn  # noqa: PLC0415  # as above
    from docx.shared import Mm, Pt, RGBColor  # noqa: PLC0415

    section = word.sections[0]
    section.page_width, section.page_height = Mm(_PAGE_MM[0]), Mm(_PAGE_MM[1])
    section.left_margin = section.right_margin = Mm(_SIDE_MM)
    section.top_margin = section.bottom_margin = Mm(_TOP_MM)
    properties = word.core_properties
    properties.title, properties.author, properties.language = document.title, author, _LANGUAGES[document.language]
    properties.created = properties.modified = document.written_at.replace(tzinfo=None)
    properties.comments, properties.last_modified_by = "", author
    for name, size in (("Normal", 11), ("Heading 1", 20), ("Heading 2", 13), ("Heading 3", 11)):
        font = word.styles[name].font
        font.size = Pt(size)
        # The library's own headings are pale blue; an agreement is read on paper too.
        font.color.rgb = RGBColor(0, 0, 0)
    language = word.styles.element.find(f".//{qn('w:rPrDefault')}//{qn('w:lang')}")
    language.set(qn("w:val"), _LANGUAGES[document.language])
    _add_foot(section.footer.paragraphs[0], document)


def _add_foot(paragraph: Any, document: AgreementDocument) -> None:  # noqa: ANN401  # as above
    paragraph.add_run(f"{document.mark}\t{document.words['page']} ")
    _add_field(paragraph, "PAGE")
    paragraph.add_run(f" {document.words['of']} ")
    _add_field(paragraph, "NUMPAGES")


def _add_field(paragraph: Any, code: str) -> None:  # noqa: ANN401  # as above
    """A number that Word works out."""
    from docx.oxml import OxmlElement  # noqa: PLC0415  # as above
    from docx.oxml.ns import qn  # noqa: PLC0415

    field = OxmlElement("w:fldSimple")
    field.set(qn("w:instr"), code)
    run, text = OxmlElement("w:r"), OxmlElement("w:t")
    text.text = "1"
    run.append(text)
    field.append(run)
    paragraph._p.append(field)  # noqa: SLF001  # python-docx has no fields; this is how its own manual adds elements


def _add_block(word: Any, block: Block) -> None:  # noqa: ANN401  # as above
    if block.kind is BlockKind.LIST:
        for line in block.lines:
            word.add_paragraph(line, style="List Bullet")
    else:
        word.add_paragraph("\n".join(block.lines), style=_STYLES[block.kind])


def _add_signature(word: Any, document: AgreementDocument, one: SignatureBlock) -> None:  # noqa: ANN401  # as above
    words = document.words
    head = word.add_paragraph()
    head.paragraph_format.keep_with_next = True
    head.add_run(one.name).bold = True
    number = f", {words['org_number']} {one.org_number}" if one.org_number else ""
    head.add_run(f"\n{one.role}{number}")
    if one.signed:
        word.add_paragraph(one.signed)
        return
    names = ("place_and_date", "signature", "name_in_print")
    for name in names:
        line = word.add_paragraph(f"{words[name]}: {'_' * 40}")
        line.paragraph_format.keep_with_next = name != names[-1]


def _add_annex(word: Any, document: AgreementDocument) -> None:  # noqa: ANN401  # as above
    words = document.words
    word.add_heading(words["annex"], level=2).paragraph_format.page_break_before = True
    word.add_paragraph(words["annex_note"])
    for line in document.summary:
        word.add_paragraph(line, style="List Bullet")
    for group, lines in document.terms:
        word.add_heading(group, level=3)
        for term in lines:
            clause = f" ({words['clause'].lower()} {term.clause})" if term.clause else ""
            word.add_paragraph(term.text + clause, style="List Bullet")
