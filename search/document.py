"""What can be found of an entry: the document that the engines index, put together from what the concepts know."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from search import language


@dataclass(frozen=True)
class Document:
    """A search document; the fields are those of the table.

    Titles and summaries are as people wrote them, because matches in them are shown. `body_*` is everything
    else that can be found in that language, `names` what is the same in both: bodies, places, keywords, and what
    kind and sectors are called.
    `plain*` hold folded words, `order_*` the keys of the title order.
    """

    id: int
    title_sv: str
    title_en: str
    summary_sv: str
    summary_en: str
    body_sv: str
    body_en: str
    names: str
    plain_title: str
    plain_summary: str
    plain: str
    order_sv: str
    order_en: str
    results_ownership: tuple[str, ...]


_BODY_FIELDS = ("description", "offer", "equipment", "requirements", "accessibility", "price_note", "agreement_titles")


def build(source: Mapping[str, Any]) -> Document:
    """The document of an entry, from a row as `search.sync` reads it."""
    titles = f"{source['title_sv']} {source['title_en']}"
    body_sv, body_en = _body(source, "sv"), _body(source, "en")
    names = _joined(
        *(source[name] for name in ("body_name_sv", "body_name_en", "unit_name_sv", "unit_name_en")),
        source["municipality"],
        source["address"],
        *source["keywords"],
        *language.KIND_WORDS[source["kind"]],
        *(called for sector in source["sectors"] for called in language.SECTOR_WORDS[sector]),
    )
    return Document(
        id=source["id"],
        title_sv=source["title_sv"],
        title_en=source["title_en"],
        summary_sv=source["summary_sv"],
        summary_en=source["summary_en"],
        body_sv=body_sv,
        body_en=body_en,
        names=names,
        plain_title=language.plain_words(titles),
        plain_summary=language.plain_words(_joined(source["summary_sv"], source["summary_en"])),
        plain=language.plain_words(_joined(names, body_sv, body_en)),
        order_sv=language.order_key(source["title_sv"] or source["title_en"], "sv"),
        order_en=language.order_key(source["title_en"] or source["title_sv"], "en"),
        results_ownership=tuple(source["results_ownership"]),
    )


def _body(source: Mapping[str, Any], code: str) -> str:
    return _joined(*(source[f"{name}_{code}"] for name in _BODY_FIELDS))


def _joined(*parts: str | None) -> str:
    return "\n".join(part for part in parts if part)
