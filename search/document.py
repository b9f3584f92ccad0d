"""What can be found of an entry: the document that the engines index, put together from what the concepts know."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from registry.entries.codes import Remuneration
from search.folding import fold
from search.language import FREE_WORDS, KIND_WORDS, SECTOR_WORDS, keys, order_key, part_keys, tells, words
from search.thesaurus import Thesaurus, term_token, token

# An entry that offers nothing to sign says so in the filter for required agreements.
NO_AGREEMENT = "none"
_BODY_FIELDS = ("description", "offer", "equipment", "content")
# What is said of every place and every booking. Its words can be found, but the entry is not about what they name:
# a hall with a toilet for wheelchairs tries out no wheelchairs.
_ASIDE_FIELDS = ("requirements", "accessibility", "price_note", "agreement_titles")
_SHOWN = (
    "slug",
    "kind",
    "title_sv",
    "title_en",
    "summary_sv",
    "summary_en",
    "primary_sector",
    "municipality",
    "body_name_sv",
    "body_name_en",
    "track",
    "ended",
    "remuneration",
)
_SHOWN_LISTS = ("sectors", "bookable_by", "example_fields", "results_ownership", "required_agreements")


# The fields of `Document.shown` that a result shows.
SHOWN = (*_SHOWN, *_SHOWN_LISTS)


@dataclass(frozen=True)
class Document:
    """A search document.

    `shown` is what a result shows, by the names of the entry's fields, and what it is ordered by; `facets` are its
    values for every filter (`search.engine.FACETS`). The `*_words` are what can be found: the folded words in their
    order, then their keys and the notions that they name; of title, summary, names (places, organisations, keywords,
    what kind and sectors are called) and body. `near` has the parts of compounds and the wider notions of all but the
    body, whose parts of compounds stand with it. `body_*` is the body as it was written, `order_*` the keys of the
    title order.
    """

    id: int
    shown: dict[str, Any]
    facets: dict[str, list[str]]
    title_words: str
    summary_words: str
    names_words: str
    near_words: str
    body_words: str
    body_sv: str
    body_en: str
    order_sv: str
    order_en: str
    free_weeks: tuple[str, ...] = ()

    @property
    def all_words(self) -> frozenset[str]:
        """Every word that finds the entry."""
        texts = (self.title_words, self.summary_words, self.names_words, self.near_words, self.body_words)
        return frozenset(word for text in texts for word in text.split())


@dataclass
class _Analysis:
    """What the texts of an entry say, as words of the index."""

    thesaurus: Thesaurus
    near: dict[str, None] = field(default_factory=dict)

    def field(self, texts: Iterable[tuple[str, str]], *, with_near: bool = True) -> str:
        """The notions that (text, language) pairs name, their words in order, for phrases, and then all keys.

        Notions come first, so that one that is named early in a text stands early, however long the text is. The terms
        themselves stand beside them `with_near`, so that who has the term comes before who only has the notion.
        """
        named: dict[str, None] = {}
        literal: list[str] = []
        derived: dict[str, None] = {}
        for text, language in texts:
            written = words(text)
            for word in written:
                folded, own, parts = _derived(word, language)
                literal.append(folded)
                derived.update(own)
                if not with_near:
                    derived.update(parts)
                elif parts:
                    self._add_parts(word, parts)
            for mention in self.thesaurus.mentions(written, language):
                named.update(dict.fromkeys(map(token, mention.concepts)))
                if with_near:
                    named[term_token(mention.words)] = None
                    self._add_wider(mention.concepts)
        for word in literal:
            derived.pop(word, None)
        return " ".join([*named, *literal, *derived])

    def aside(self, texts: Iterable[tuple[str, str]]) -> str:
        """The words of texts and their keys, without the notions that they name."""
        found: dict[str, None] = {}
        for text, language in texts:
            for word in words(text):
                folded, own, _ = _derived(word, language)
                found.update({folded: None, **own})
        return " ".join(found)

    def place(self, municipality: str) -> str:
        """What a municipality is and lies in, also one whose name alone is an ordinary word."""
        named = [one for one in self.thesaurus.mentions([*words(municipality), "kommun"], "sv") if one.start == 0]
        for mention in named:
            self._add_wider(mention.concepts)
        return " ".join(dict.fromkeys(token(concept) for mention in named for concept in mention.concepts))

    def _add_parts(self, word: str, parts: Mapping[str, None]) -> None:
        self.near.update(parts)
        named = self.thesaurus.part_concepts(word)
        self.near.update(dict.fromkeys(map(token, named)))
        self._add_wider(named)

    def _add_wider(self, concepts: Iterable[int]) -> None:
        for concept in concepts:
            self.near.update(dict.fromkeys(map(token, self.thesaurus.wider(concept))))


@lru_cache(maxsize=100_000)
def _derived(word: str, language: str) -> tuple[str, Mapping[str, None], Mapping[str, None]]:
    """A word folded, its keys, and those of its parts; the latter two are empty where it tells nothing."""
    if not tells(word):
        return fold(word), {}, {}
    return fold(word), dict.fromkeys(keys(word, language)), dict.fromkeys(part_keys(word) if language == "sv" else ())


def build(source: Mapping[str, Any], thesaurus: Thesaurus, *, free_weeks: tuple[str, ...] = ()) -> Document:
    """The document of an entry, from a row as `search.sync` reads it."""
    analysis = _Analysis(thesaurus)
    place = analysis.place(source["municipality"]) if source["municipality"] else ""
    named = [source[name] for name in ("municipality", "address") if source[name]]
    swedish_names = [source["body_name_sv"], source["unit_name_sv"], KIND_WORDS[source["kind"]][0]]
    english_names = [source["body_name_en"], source["unit_name_en"], KIND_WORDS[source["kind"]][1]]
    for sector in source["sectors"]:
        swedish_names.append(SECTOR_WORDS[sector][0])
        english_names.append(SECTOR_WORDS[sector][1])
    if source["remuneration"] == Remuneration.FREE and _is_bookable(source):
        swedish_names.append(FREE_WORDS[0])
        english_names.append(FREE_WORDS[1])
    both = [*named, *source["keywords"]]
    body = [(_texts(source, _BODY_FIELDS, code), code) for code in ("sv", "en")]
    aside = [(_texts(source, _ASIDE_FIELDS, code), code) for code in ("sv", "en")]
    return Document(
        id=source["id"],
        shown=_shown(source),
        facets=_facets(source),
        title_words=analysis.field([(source["title_sv"], "sv"), (source["title_en"], "en")]),
        summary_words=analysis.field([(source["summary_sv"], "sv"), (source["summary_en"], "en")]),
        names_words=analysis.field(
            [(text, "sv") for text in (*both, *swedish_names) if text]
            + [(text, "en") for text in (*both, *english_names) if text]
            + [(place, "en")]
        ),
        body_words=f"{analysis.field(body, with_near=False)} {analysis.aside(aside)}".strip(),
        near_words=" ".join(analysis.near),
        body_sv=_texts(source, (*_BODY_FIELDS, *_ASIDE_FIELDS), "sv"),
        body_en=_texts(source, (*_BODY_FIELDS, *_ASIDE_FIELDS), "en"),
        order_sv=order_key(source["title_sv"] or source["title_en"], "sv"),
        order_en=order_key(source["title_en"] or source["title_sv"], "en"),
        free_weeks=free_weeks,
    )


def _shown(source: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **{name: source[name] for name in _SHOWN},
        **{name: list(source[name] or ()) for name in _SHOWN_LISTS},
        "bookable": _is_bookable(source),
        "staff": source["visibility"] != "public",
        "is_environment": source["bookable_by"] is not None,
        "published_at": int(source["published_at"].timestamp()) if source["published_at"] else 0,
        "confirmed_at": int(source["confirmed_at"].timestamp()) if source["confirmed_at"] else 0,
        "place": [source["latitude"], source["longitude"]] if source["latitude"] is not None else None,
    }


def _facets(source: Mapping[str, Any]) -> dict[str, list[str]]:
    required = list(source["required_agreements"]) or ([NO_AGREEMENT] if _is_bookable(source) else [])
    values: dict[str, Iterable[str | None]] = {
        "kind": [source["kind"]],
        "sector": source["sectors"],
        "municipality": [source["municipality"]],
        "remuneration": [source["remuneration"]],
        "results_ownership": source["results_ownership"],
        "publication": source["publication"],
        "data_owner": source["data_owner"],
        "required_agreement": required,
        "perspective": source["perspectives"],
        "bookable_by": source["bookable_by"] or (),
    }
    return {name: [value for value in listed if value] for name, listed in values.items()}


def _is_bookable(source: Mapping[str, Any]) -> bool:
    return bool(source["bookable_by"]) and not source["ended"]


def _texts(source: Mapping[str, Any], fields: Iterable[str], code: str) -> str:
    return "\n".join(source[f"{name}_{code}"] for name in fields if source[f"{name}_{code}"])
