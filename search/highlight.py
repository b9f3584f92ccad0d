"""Marking in a text what a question has found there: the words themselves, their forms, and what they name."""

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from itertools import islice

from markupsafe import Markup, escape

from search.folding import fold
from search.language import LANGUAGES, keys, part_keys
from search.question import Question
from search.thesaurus import Thesaurus

_WORD = re.compile(r"[^\W_]+")
# How much of a long text is shown around the first match, in characters.
_BEFORE, _AFTER = 80, 170
Span = tuple[int, int]


class Highlighter:
    """Marks the matches of one question in as many texts as there are.

    Most texts hold no match. What keys a text has is kept from one question to the next, so that only a text that has
    one of those that are asked for is taken apart.
    """

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
        self._may_begin = self._keys | self._starts.keys()
        # By language, whether a match could begin with a run of characters.
        self._judged: dict[str, dict[str, bool]] = {code: {} for code in LANGUAGES}

    def mark(self, text: str, language: str) -> Markup | None:
        """The whole text as HTML with `<mark>` around matches; None if there is none."""
        found = self._found(text, language)
        return _marked(text, found) if found else None

    def fragment(self, text: str, language: str) -> Markup | None:
        """A part of the text around its first match, marked; None if there is none."""
        found = self._found(text, language)
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
        if not self._may_match(text, language):
            return []
        words = (
            word
            for run in self._likely_runs(text, language)
            for start, end in _places(text, run)
            for word in _WORD.finditer(text, start, end)
        )
        spans = [self._match_at(text, word, language) for word in words]
        return _joined(span for span in spans if span is not None)

    def _may_match(self, text: str, language: str) -> bool:
        known = _keys_of_text(text, language)
        if not self._may_begin.isdisjoint(known):
            return True
        return bool(self._beginnings) and any(key.startswith(self._beginnings) for key in known)

    def _likely_runs(self, text: str, language: str) -> set[str]:
        """The runs of characters in a text with which a match could begin."""
        judged = self._judged[language]
        runs = set(text.split())
        for run in runs:
            if run not in judged:
                judged[run] = not self._may_begin.isdisjoint(_keys_of_run(run, language)) or self._has_beginning(run)
        return {run for run in runs if judged[run]}

    def _has_beginning(self, run: str) -> bool:
        return bool(self._beginnings) and any(word.startswith(self._beginnings) for word in _folded_words(run))

    def _match_at(self, text: str, word: re.Match[str], language: str) -> Span | None:
        """What matches from a word of a text on, the longest there is."""
        end = max(self._ends(text, word, language), default=0)
        if not end and (not self._keys.isdisjoint(_keys_of_run(word[0], language)) or self._has_beginning(word[0])):
            end = word.end()
        return (word.start(), end) if end else None

    def _ends(self, text: str, word: re.Match[str], language: str) -> Iterable[int]:
        """Where the sequences end that begin with a word."""
        starts = [self._starts[key] for key in _forms(word[0], language) if key in self._starts]
        following = _WORD.search(text, word.end()) if starts else None
        if following is None:
            return
        for second in _forms(following[0], language):
            for sequence in (sequence for seconds in starts for sequence in seconds.get(second, ())):
                rest = list(islice(_WORD.finditer(text, following.start()), len(sequence) - 1))
                if len(rest) == len(sequence) - 1 and all(
                    part in _forms(one[0], language) for part, one in zip(sequence[1:], rest, strict=True)
                ):
                    yield rest[-1].end()


@lru_cache(maxsize=100_000)
def _forms(word: str, language: str) -> tuple[str, ...]:
    """The keys of a word as it stands in a text."""
    return keys(unicodedata.normalize("NFC", word).lower(), language)


@lru_cache(maxsize=100_000)
def _keys_of_run(run: str, language: str) -> frozenset[str]:
    """The keys of the words of a run of characters, and those of their parts."""
    found: set[str] = set()
    for word in _WORD.findall(unicodedata.normalize("NFC", run).lower()):
        found.update(keys(word, language), part_keys(word))
    return frozenset(found)


def _keys_of_text(text: str, language: str) -> frozenset[str]:
    return (_keys_of_long if len(text) > _LONG else _keys_of_short)(text, language)


def _keys_of(text: str, language: str) -> frozenset[str]:
    """The keys of all words of a text, and those of their parts."""
    return frozenset().union(*(_keys_of_run(run, language) for run in set(text.split())))


# Titles and summaries of some 2,000 entries, and the bodies of some 1,000: each some 25 MB at most.
_LONG = 500
_keys_of_short = lru_cache(maxsize=8_000)(_keys_of)
_keys_of_long = lru_cache(maxsize=2_000)(_keys_of)


@lru_cache(maxsize=20_000)
def _folded_words(run: str) -> tuple[str, ...]:
    return tuple(_WORD.findall(fold(unicodedata.normalize("NFC", run))))


def _places(text: str, run: str) -> Iterable[Span]:
    """Where a run of characters stands between spaces."""
    place = text.find(run)
    while place >= 0:
        end = place + len(run)
        if (place == 0 or text[place - 1].isspace()) and (end == len(text) or text[end].isspace()):
            yield place, end
        place = text.find(run, end)


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
