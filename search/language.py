"""Words as the index and the questions see them: folding, base forms, parts of compounds, order, words for codes.

A *key* is what two forms of a word have in common: `bussarna`, `buss` and `Bussen` share `buss`. The index holds
the keys of every word of a text, a question asks for one of the keys of each of its words.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import TypeVar

import simplemma
from snowballstemmer import stemmer

from search import swedish
from search.folding import fold

LANGUAGES = ("sv", "en")
T = TypeVar("T")
_WORD = re.compile(r"[^\W_]+")
_SHORTEST_PART = 3
_SHORTEST_LEMMA = 2
# Shorter words are abbreviations more often than they are bent: `AI` is no form of `be`, and `IT` none of `se`.
_SHORTEST_BENT = 3
_SWEDISH_ENDING_LIST = """
s a e n t r en et ns ts ens ets ar er or na ars ers ors nas arna erna orna arnas ernas ornas de d ad at ade as are ast
"""
_SWEDISH_ENDINGS = frozenset(["", *_SWEDISH_ENDING_LIST.split()])
# Swedish sorts å, ä and ö after z; these three characters follow z in ASCII.
_AFTER_Z = str.maketrans({"å": "{", "ä": "|", "æ": "|", "ö": "}", "ø": "}"})
# They stand in every text and tell nothing.
_SWEDISH_STOP_WORDS = """
och i på av för med till från att som en ett den det de är var har kan ska om vid eller men inte vi du jag där när så
hur vad sin sitt sina över under mellan genom mot efter hos bland annat andra alla
"""
_ENGLISH_STOP_WORDS = """
the a an and or of in on for to with from by at as is are was were be been that this these those its can which who
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
def forms(word: str, language: str | None = None) -> tuple[str, ...]:
    """The words that a word (in lower case) can be a form of, with their marks, the likeliest first, itself the last.

    `language` is that of the text; None stands for a question, which may be in either.
    """
    found: list[str] = []
    if language != "en":
        found += _swedish(word)
    if language == "en" or (language is None and (not found or is_known(word, "en"))):
        found += _english(word)
    if not found and language is not None:
        # In every language people use words of the other.
        found += _english(word) if language == "sv" else _swedish(word)
    if not found and word.isalpha():
        codes = (language,) if language else ("sv", "en")
        found += [word, *(_stem(word, code) for code in codes)]
    # The list writes what only begins compounds with a hyphen at its end.
    return tuple(dict.fromkeys([*(form.rstrip("-") for form in found), word]))


@lru_cache(maxsize=200_000)
def keys(word: str, language: str | None = None) -> tuple[str, ...]:
    """The keys of a word (in lower case, with its marks), the likeliest base form first and the word itself among them.

    A word that makes no sense as it stands may have lost its marks: it has the keys of what it may have been, too.
    """
    found = list(map(fold, forms(word, language)))
    if language != "en" and word.isascii() and word.isalpha() and (language is None or not is_known(word, "sv")):
        found += _swedish_without_marks(word)
    return tuple(dict.fromkeys(found))


@lru_cache(maxsize=200_000)
def part_keys(word: str) -> tuple[str, ...]:
    """The keys of the parts of a Swedish compound, the last part's first, because it says what the thing is."""
    found = [fold(base.rstrip("-")) for part in reversed(part_forms(word)) for base in part]
    return tuple(dict.fromkeys(key for key in found if len(key) >= _SHORTEST_PART))


def part_forms(word: str) -> tuple[tuple[str, ...], ...]:
    """For each part of a Swedish compound the words that it can be a form of; none if it is no compound."""
    return swedish.part_bases(word) or _without_marks(word, swedish.part_bases) if _may_be_compound(word) else ()


def compound(word: str) -> tuple[str, ...]:
    """The parts of a Swedish compound; the last one keeps its ending. None if the word is no compound."""
    return swedish.parts(word) or _without_marks(word, swedish.parts) if _may_be_compound(word) else ()


def begun(word: str) -> tuple[str, ...]:
    """The words that a word can stand for where a compound has been written apart: `drönar flygning`."""
    return swedish.begins(word) or (swedish.begins(word, loosely=True) if word.isascii() else ())


@lru_cache(maxsize=100_000)
def is_known(word: str, language: str) -> bool:
    """Whether a word (in lower case) is one of a language, as it is written."""
    if language == "sv":
        return bool(swedish.bases(word)) or (word.isalpha() and simplemma.is_known(word, lang="sv"))
    return word.isascii() and word.isalpha() and simplemma.is_known(word, lang="en")


def is_word(word: str) -> bool:
    """Whether a word is one of a dictionary in either language, perhaps without its marks: no slip of the pen."""
    if is_known(word, "sv") or is_known(word, "en") or swedish.is_made_of_verb(word):
        return True
    return word.isascii() and bool(swedish.bases(word, loosely=True) or swedish.is_made_of_verb(word, loosely=True))


def _may_be_compound(word: str) -> bool:
    # What English has as a word is no Swedish compound by accident: `training` is no ring to try.
    return bool(swedish.bases(word)) or not is_known(word, "en")


def _without_marks(word: str, split: Callable[..., tuple[T, ...]]) -> tuple[T, ...]:
    """How a word splits if it has lost its marks; one that the list knows as it stands has lost none."""
    return split(word, loosely=True) if word.isascii() and not swedish.bases(word) else ()


def tells(word: str) -> bool:
    """Whether a word says anything by itself: no stop word of either language."""
    return word not in STOP_WORDS["sv"] and word not in STOP_WORDS["en"]


def all_keys(text: str, language: str) -> Iterable[str]:
    """The keys of all telling words of a text."""
    for word in words(text):
        if tells(word):
            yield from keys(word, language)


def _swedish(word: str) -> list[str]:
    found = [base for base in swedish.bases(word) if _is_form_of(word, base)]
    lemma = simplemma.lemmatize(word, lang="sv").lower() if word.isalpha() and len(word) >= _SHORTEST_BENT else word
    if lemma != word and len(lemma) >= _SHORTEST_LEMMA and _is_form_of(word, lemma):
        found.append(lemma)
    if not found and _may_be_compound(word) and (split := swedish.parts(word)):
        # A compound that the list does not have: its last part bends as that word does.
        beginning = word[: len(word) - len(split[-1])]
        found = [beginning + base for base in swedish.bases(split[-1])]
    return found


def _is_form_of(word: str, base: str) -> bool:
    """Whether what a word has beyond another is an ending: a `stadsbo` is no form of `stad`."""
    return not word.startswith(base) or word[len(base) :] in _SWEDISH_ENDINGS


@lru_cache(maxsize=50_000)
def _swedish_without_marks(word: str) -> tuple[str, ...]:
    found = swedish.bases(word, loosely=True)
    if not found and _may_be_compound(word) and (split := swedish.parts(word, loosely=True)):
        beginning = word[: len(word) - len(split[-1])]
        found = tuple(beginning + base for base in swedish.bases(split[-1], loosely=True))
    return tuple(base.rstrip("-") for base in found)


def _english(word: str) -> list[str]:
    if not word.isascii() or not word.isalpha() or len(word) < _SHORTEST_BENT:
        return []
    # Of two letters it makes forms of "be": AI is no such form.
    lemma = simplemma.lemmatize(word, lang="en").lower() if len(word) > _SHORTEST_LEMMA else word
    return [lemma] if lemma != word or simplemma.is_known(word, lang="en") else []


_stemmers = {"sv": stemmer("swedish"), "en": stemmer("english")}


def _stem(word: str, language: str) -> str:
    return str(_stemmers[language].stemWord(word))
