"""Words as the index and the questions see them: folding, base forms, parts of compounds, order, words for codes.

A *key* is what two forms of a word have in common: `bussarna`, `buss` and `Bussen` share `buss`. The index holds
the keys of every word of a text, a question asks for one of the keys of each of its words.
"""

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

import simplemma
from snowballstemmer import stemmer

from search import swedish
from search.folding import fold

LANGUAGES = ("sv", "en")
_WORD = re.compile(r"[^\W_]+")
_SHORTEST_PART = 3
_SHORTEST_LEMMA = 2
# Shorter words are abbreviations more often than they are bent: `AI` is no form of `be`, and `IT` none of `se`.
_SHORTEST_BENT = 3
# Swedish sorts å, ä and ö after z; these three characters follow z in ASCII.
_AFTER_Z = str.maketrans({"å": "{", "ä": "|", "æ": "|", "ö": "}", "ø": "}"})
# They stand in every text and tell nothing.
_SWEDISH_STOP_WORDS = """
och i på av för med till från att som en ett den det de är var har kan ska om vid eller men inte vi du jag där när så
hur vad sin sitt sina över under mellan genom mot efter hos bland annat andra alla
"""
_ENGLISH_STOP_WORDS = """
the a an and or of in on for to with from by at as is are was were be been that this these those it its can which who
where when how what into between through their our your we you i not other such
"""
STOP_WORDS = {"sv": frozenset(_SWEDISH_STOP_WORDS.split()), "en": frozenset(_ENGLISH_STOP_WORDS.split())}
# What people call the kinds and sectors, so that "testbädd" or "hospital" finds them without the word in the text.
KIND_WORDS = {
    "testbed": ("testbädd testmiljö", "testbed test environment"),
    "demo_environment": ("demomiljö demonstrationsmiljö", "demo environment demonstration"),
    "innovation_procurement": ("innovationsupphandling upphandling", "innovation procurement"),
    "innovation_partnership": ("innovationspartnerskap partnerskap", "innovation partnership"),
}
SECTOR_WORDS = {
    "healthcare": ("vård sjukvård hälsa", "healthcare health care"),
    "transport": ("trafik kollektivtrafik mobilitet", "transport public transport mobility"),
    "culture": ("kultur", "culture"),
    "environment": ("miljö klimat", "environment climate"),
}
# What people call it that something costs nothing; the other kinds of prices are asked for by the filter.
FREE_WORDS = ("gratis kostnadsfri avgiftsfri", "free of charge no cost")


def words(text: str) -> list[str]:
    """The words of a text in lower case, with their marks."""
    return _WORD.findall(unicodedata.normalize("NFC", text).lower())


def order_key(title: str, language: str) -> str:
    """A key that sorts by code point as the language sorts: in Swedish å, ä and ö come after z, in English not."""
    lowered = unicodedata.normalize("NFC", title).lower()
    return fold(lowered.translate(_AFTER_Z) if language == "sv" else lowered)


@lru_cache(maxsize=200_000)
def keys(word: str, language: str | None = None) -> tuple[str, ...]:
    """The keys of a word (in lower case, with its marks), the likeliest base form first and the word itself among them.

    `language` is that of the text; None stands for a question, which may be in either.
    """
    found: list[str] = []
    if language != "en":
        found += _swedish(word)
    if language != "sv" and (language == "en" or not found):
        found += _english(word)
    if not found and word.isalpha():
        codes = (language,) if language else ("sv", "en")
        found += [word, *(_stem(word, code) for code in codes)]
    # The list writes what only begins compounds with a hyphen at its end.
    return tuple(dict.fromkeys([*(fold(form.rstrip("-")) for form in found), fold(word)]))


@lru_cache(maxsize=200_000)
def part_keys(word: str) -> tuple[str, ...]:
    """The keys of the parts of a Swedish compound, the last part's first, because it says what the thing is."""
    split = swedish.parts(fold(word))
    found = [key for part in reversed(split) if len(part) >= _SHORTEST_PART for key in keys(part, "sv")]
    return tuple(dict.fromkeys(found))


def compound(word: str) -> tuple[str, ...]:
    """The parts of a Swedish compound, folded; the last one keeps its ending. None if the word is no compound."""
    return swedish.parts(fold(word))


def tells(word: str) -> bool:
    """Whether a word says anything by itself: no stop word of either language."""
    return word not in STOP_WORDS["sv"] and word not in STOP_WORDS["en"]


def all_keys(text: str, language: str) -> Iterable[str]:
    """The keys of all telling words of a text."""
    for word in words(text):
        if tells(word):
            yield from keys(word, language)


def _swedish(word: str) -> list[str]:
    folded = fold(word)
    found = list(swedish.bases(folded))
    lemma = simplemma.lemmatize(word, lang="sv").lower() if word.isalpha() and len(word) >= _SHORTEST_BENT else word
    if lemma != word and len(lemma) >= _SHORTEST_LEMMA:
        found.append(lemma)
    if not found and (split := swedish.parts(folded)):
        # A compound that the list does not have: its last part bends as that word does.
        beginning = folded[: len(folded) - len(split[-1])]
        found = [beginning + base for base in swedish.bases(split[-1])]
    return found


def _english(word: str) -> list[str]:
    if not word.isascii() or not word.isalpha() or len(word) < _SHORTEST_BENT:
        return []
    # Of two letters it makes forms of "be": AI is no such form.
    lemma = simplemma.lemmatize(word, lang="en").lower() if len(word) > _SHORTEST_LEMMA else word
    return [lemma] if lemma != word or simplemma.is_known(word, lang="en") else []


_stemmers = {"sv": stemmer("swedish"), "en": stemmer("english")}


def _stem(word: str, language: str) -> str:
    return str(_stemmers[language].stemWord(word))
