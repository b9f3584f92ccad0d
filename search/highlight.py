"""Marking in a text what a question has found there: the words themselves, their forms, and what they name."""

import operator
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from markupsafe import Markup, escape

from search.folding import fold
from search.language import keys, part_keys
from search.question import Question
from search.thesaurus import Thesaurus

_WORD = re.compile(r"[^\W_]+")
# How much of a long text is shown around the first match, in characters.
_BEFORE, _AFTER = 80, 170
# How much after the beginning of the first match is looked at for more of them.
_WINDOW = 600
Span = tuple[int, int]


class _Said(NamedTuple):
    """A word of texts: its forms as keys, these and the keys of its parts, and the word folded."""

    forms: tuple[str, ...]
    keys: frozenset[str]
    folded: str


# A word where it stands in a text.
_Placed = tuple[int, int, _Said]


class Highlighter:
    """Marks the matches of one question in as many texts as there are."""

    def __init__(self, question: Question, thesaurus: Thesaurus) -> None:
        terms = [term for reading in question.readings for term in reading.terms]
        self._keys = {word for term in terms for word in (*term.words, term.literal)}
        self._beginnings = tuple(term.literal for term in terms if term.beginning and term.literal)
        sequences = [tuple(term.literal.split()) for term in terms]
        sequences += [tuple(phrase.split()) for reading in question.readings for phrase in reading.phrases]
        for concept in thesaurus.narrower({id for term in terms for id in term.concepts}):
            sequences += thesaurus.written(concept)
        # Longer sequences by their first two words.
        self._starts: dict[str, dict[str, list[tuple[str, ...]]]] = {}
        for sequence in filter(None, sequences):
            if len(sequence) == 1:
                self._keys.add(sequence[0])
            else:
                self._starts.setdefault(sequence[0], {}).setdefault(sequence[1], []).append(sequence)
        self._longest = max(map(len, sequences), default=0)
        self._may_begin = self._keys | self._starts.keys()

    def mark(self, text: str, language: str) -> Markup | None:
        """The whole text as HTML with `<mark>` around matches; None if there is none."""
        found = self._found(text, language)
        return _marked(text, found) if found else None

    def fragment(self, text: str, language: str) -> Markup | None:
        """A part of a long text around its first match, marked; None if there is none."""
        found = self._found_in_long(text, language)
        if not found:
            return None
        start = max(0, found[0][0] - _BEFORE)
        stop = min(len(text), found[0][1] + _AFTER)
        # Whole words only.
        start = text.rfind(" ", 0, start) + 1 if start else 0
        stop = text.find(" ", stop) if " " in text[stop:] else len(text)
        inside = [(a - start, b - start) for a, b in found if a >= start and b <= stop]
        return _marked(text[start:stop].replace("\n", " "), inside)

    def _found(self, text: str, language: str) -> list[Span]:
        return self._spans(*_words_of(text, language))

    def _found_in_long(self, text: str, language: str) -> list[Span]:
        """The first matches of a text; only as much of it is taken apart as has to be."""
        known = _first_places(text, language)
        places = [known[key] for key in self._keys & known.keys()]
        places += [known[sequence[0]] for sequence in self._possible_sequences(known)]
        if self._beginnings:
            places += [place for key, place in known.items() if key.startswith(self._beginnings)]
        if not places:
            return []
        first = min(places)
        near = self._spans(*_taken_apart(text[first : first + _WINDOW], language))
        if near:
            return [(first + start, first + end) for start, end in near]
        # It began like a term of several words and went on in another way.
        return self._spans(*_taken_apart(text, language))

    def _possible_sequences(self, known: Mapping[str, int]) -> Iterable[tuple[str, ...]]:
        """The terms and phrases of several words of which a text with these keys has every word somewhere."""
        return (
            sequence
            for first in self._starts.keys() & known.keys()
            for second in self._starts[first].keys() & known.keys()
            for sequence in self._starts[first][second]
            if all(part in known for part in sequence)
        )

    def _spans(self, placed: Sequence[_Placed], keys_by_place: Sequence[frozenset[str]]) -> list[Span]:
        is_apart = self._may_begin.isdisjoint
        likely = [place for place, known in enumerate(keys_by_place) if not is_apart(known)]
        if self._beginnings:
            begun = (n for n, (_, _, said) in enumerate(placed) if said.folded.startswith(self._beginnings))
            likely = sorted({*likely, *begun})
        spans = [(placed[place][0], self._end(placed, place)) for place in likely]
        return _joined([span for span in spans if span[1]]) if spans else []

    def _end(self, placed: Sequence[_Placed], place: int) -> int:
        """Where the longest match ends that begins with a word; 0 if none does."""
        _, end, said = placed[place]
        of_several = 0 if self._starts.keys().isdisjoint(said.forms) else max(self._ends(placed, place), default=0)
        is_one = not self._keys.isdisjoint(said.keys) or (
            bool(self._beginnings) and said.folded.startswith(self._beginnings)
        )
        return of_several or (end if is_one else 0)

    def _ends(self, placed: Sequence[_Placed], place: int) -> Iterable[int]:
        """Where the sequences end that begin with a word."""
        said = [one[2].forms for one in placed[place : place + self._longest]]
        for first in said[0]:
            seconds = self._starts.get(first) if len(said) > 1 else None
            for second in said[1] if seconds else ():
                for sequence in seconds.get(second, ()) if seconds else ():
                    if len(sequence) <= len(said) and all(map(operator.contains, said, sequence)):
                        yield placed[place + len(sequence) - 1][1]


@lru_cache(maxsize=100_000)
def _said(word: str, language: str) -> _Said:
    lowered = unicodedata.normalize("NFC", word).lower()
    forms = keys(lowered, language)
    return _Said(forms, frozenset({*forms, *part_keys(lowered)}), fold(lowered))


def _taken_apart(text: str, language: str) -> tuple[tuple[_Placed, ...], tuple[frozenset[str], ...]]:
    """The words of a text, and again only the keys of each."""
    placed = tuple([(word.start(), word.end(), _said(word[0], language)) for word in _WORD.finditer(text)])
    return placed, tuple([said.keys for _, _, said in placed])


# The titles and summaries of some 2,000 entries, 30 MB at most.
_words_of = lru_cache(maxsize=8_000)(_taken_apart)


@lru_cache(maxsize=2_000)
def _first_places(text: str, language: str) -> dict[str, int]:
    """The keys of a text with where the first word stands that has them. Of some 1,000 entries, 25 MB at most."""
    found: dict[str, int] = {}
    for word in _WORD.finditer(text):
        for key in _said(word[0], language).keys:
            found.setdefault(key, word.start())
    return found


def _joined(found: Iterable[Span]) -> list[Span]:
    joined: list[Span] = []
    for start, end in sorted(found):
        if joined and start < joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return joined


def _marked(text: str, found: Iterable[Span]) -> Markup:
    """HTML in which everything that somebody wrote is escaped, and only the marks are tags."""
    parts: list[str] = []
    at = 0
    for start, end in found:
        parts += [escape(text[at:start]), "<mark>", escape(text[start:end]), "</mark>"]
        at = end
    # Every part is escaped above.
    return Markup("".join([*parts, escape(text[at:])]))  # noqa: S704
