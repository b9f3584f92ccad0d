"""What a person asks the search in agreements: words, "phrases in quotes", OR, and -what to leave out."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from registry.errors import N_, invalid

LONGEST_QUESTION = 200
MOST_PARTS = 20
WORD = re.compile(r"[^\W_]+")
_PART = re.compile(r'(-?)"([^"]*)"?|(\S+)')
# Endings of definite and plural nouns, which PostgreSQL's Swedish stemmer leaves. What remains is a word of some
# length; its beginning is looked for, so the other forms are found as well.
_DEFINITE = re.compile(r"^(.{5,}?)(?:arnas|ernas|ornas|arna|erna|orna|ens|ets|ans|en|et|an|ns|ts|n)$")
_SHORTEST_BEGINNING = 3


@dataclass(frozen=True)
class Part:
    """A word or a phrase that is asked for, or that must not be there.

    Parts of one `alternative` belong together; OR stands between alternatives. `number` is unique in the question.
    `exact` is written in the syntax of `websearch_to_tsquery`, `plain` in that of `to_tsquery` for folded words.
    `words` is how many words have to stand beside each other: more than one for a phrase, and for `2026-0101`.
    """

    alternative: int
    number: int
    excluded: bool
    exact: str
    plain: str
    words: int


def ask(text: str) -> list[Part]:
    """The parts of a question; none where no word is asked for. An alternative that only excludes is left out.

    Raises:
        InvalidInput: there are more words and phrases than are looked up.
    """
    alternatives: list[list[Part]] = [[]]
    for number, (minus, words, is_phrase) in enumerate(_split(_visible(text))):
        if number >= MOST_PARTS:
            raise invalid("q", N_("Ask for at most %(n)s words at a time."), n=MOST_PARTS)
        if not is_phrase and not minus and words.lower() == "or":
            alternatives.append([])
            continue
        part = _part(len(alternatives), number, words, excluded=minus, is_phrase=is_phrase)
        alternatives[-1].append(part)
    return [part for parts in alternatives if any(not part.excluded for part in parts) for part in parts]


def _visible(text: str) -> str:
    """Composed as the texts are, with a space for what cannot be seen."""
    composed = unicodedata.normalize("NFC", text)
    return "".join(" " if unicodedata.category(one)[0] == "C" else one for one in composed)


def _split(text: str) -> Iterator[tuple[bool, str, bool]]:
    """Each word or phrase: whether a minus stands before it, the words, and whether it is a phrase."""
    for minus, phrase, word in _PART.findall(text):
        words = _plain(phrase or word.lstrip("-"))
        if any(character.isalnum() for character in words):
            yield minus == "-" or word.startswith("-"), words, bool(phrase)


def _plain(words: str) -> str:
    """Without what the query syntaxes give a meaning."""
    return " ".join(re.sub(r"[\"'\\()|&!:*]", " ", words).split())


def _part(alternative: int, number: int, words: str, *, excluded: bool, is_phrase: bool) -> Part:
    exact, count = f'"{words}"', len(WORD.findall(words))
    # A phrase is meant exactly, and what is left out is not to take longer words with it.
    if excluded or is_phrase or len(words) < _SHORTEST_BEGINNING:
        return Part(alternative, number, excluded, exact, f"'{words}'", count)
    forms = dict.fromkeys([words, _DEFINITE.sub(r"\1", words.lower())])
    return Part(alternative, number, excluded, exact, " | ".join(f"'{form}':*" for form in forms), count)
