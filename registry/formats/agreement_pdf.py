"""An agreement as PDF: tagged, with title, language and headings, so that screen readers can read it (PDF/UA-1)."""

import json
from dataclasses import asdict
from pathlib import Path

from registry.formats.agreement_document import AgreementDocument

_FORM = Path(__file__).with_name("agreement.typ")


def render(document: AgreementDocument, author: str) -> bytes:
    """The PDF; takes some 50 ms of processor time, so a server calls it in a thread."""
    import typst  # noqa: PLC0415  # loads slowly, and only who asks for a document needs it

    data = asdict(document) | {
        "author": author,
        "terms": [{"name": name, "lines": [asdict(line) for line in lines]} for name, lines in document.terms],
    }
    moment = data.pop("written_at")
    made: bytes = typst.compile(
        _FORM.read_bytes(),
        format="pdf",
        pdf_standards=["ua-1"],
        ignore_system_fonts=True,
        sys_inputs={"data": json.dumps(data, ensure_ascii=False)},
        timestamp=int(moment.timestamp()),
    )
    return made
