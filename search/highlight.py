"""Marking in a text what a question has found there: the words themselves, their forms, and what they name."""

import re
import unicodedata
from collections.abc import Iterable

from markupsafe import Markup, escape

from search.folding import fold
from search.language import keys, part_keys
from search.question import Question
from search.thesaurus import Thesaurus

_WORD = re.compile(r"[^\W_]+")
# How much of a long text is shown around the first match, in characters.
_BEFORE, _AFTER = 80, 170


class Highlighter:
    """Marks the matches of one question in as many texts as there are."""

    def __init__(self, question: Question, thesaurus: Thesaurus) -> None:
        terms = [term for reading in question.readings for term in reading.terms]
        self._keys = {word for term in terms for word in (*term.words, term.literal) if " " not in word}
        self._beginnings = tuple(term.literal for term in terms if term.beginning and term.literal)
        self._sequences = [tuple(term.literal.split()) for term in terms if " " in term.literal]
        self._sequences += [tuple(phrase.split()) for reading in question.readings for phrase in reading.phrases]
        for concept in thesaurus.narrower({id for term in terms for id in term.concepts}):
            for sequence in thesaurus.written(concept):
                if len(sequence) == 1:
                    self._keys.add(sequence[0])
                else:
                    self._sequences.append(sequence)
        self._starts: dict[str, list[tuple[str, ...]]] = {}
        for sequence in self._sequences:
            if sequence:
                self._starts.setdefault(sequence[0], []).append(sequence)
        self._known: dict[str, bool] = {}

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

    def _found(self, text: str, language: str) -> list[tuple[int, int]]:
        written = [(match.start(), match.end(), match.group()) for match in _WORD.finditer(text)]
        found = [(start, end) for start, end, word in written if self._matches(word, language)]
        if self._starts:
            found += self._sequences_in(written, language)
        return _joined(found)

    def _matches(self, word: str, language: str) -> bool:
        known = self._known.get(word)
        if known is None:
            known = self._known[word] = self._judge(word, language)
        return known

    def _judge(self, word: str, language: str) -> bool:
        lowered = unicodedata.normalize("NFC", word).lower()
        if any(key in self._keys for key in keys(lowered, language)):
            return True
        if self._beginnings and fold(lowered).startswith(self._beginnings):
            return True
        return any(key in self._keys for key in part_keys(lowered))

    def _sequences_in(self, written: list[tuple[int, int, str]], language: str) -> Iterable[tuple[int, int]]:
        forms = [keys(unicodedata.normalize("NFC", word).lower(), language) for _, _, word in written]
        for place, form in enumerate(forms):
            for key in form:
                for sequence in self._starts.get(key, ()):
                    end = place + len(sequence)
                    if end <= len(forms) and all(part in forms[place + n] for n, part in enumerate(sequence)):
                        yield written[place][0], written[end - 1][1]


def _joined(found: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for start, end in sorted(found):
        if joined and start < joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return joined


def _marked(text: str, found: Iterable[tuple[int, int]]) -> Markup:
    """HTML in which everything that somebody wrote is escaped, and only the marks are tags."""
    parts: list[Markup] = []
    at = 0
    for start, end in found:
        parts += [escape(text[at:start]), Markup("<mark>{}</mark>").format(text[start:end])]
        at = end
    return Markup("").join([*parts, escape(text[at:])])
