"""The vocabulary as the search uses it: which notions a text or a question speaks of, and which are wider.

A notion's terms mean the same in both languages, so a text that has one of them is found by all. A wider notion
finds what is narrower (`fordon` finds a `minibuss`), but not the other way round.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from search.folding import fold
from search.language import keys, part_keys, words
from search.terms import LONGEST_TERM_WORDS
from search.vocabulary import Concept


@dataclass(frozen=True)
class Mention:
    """Words of a text (from `start`, so many) that name notions; `words` is how the vocabulary writes them, as keys."""

    start: int
    length: int
    words: tuple[str, ...]
    concepts: tuple[int, ...]


class Thesaurus:
    """All notions, ready for finding them in texts."""

    def __init__(self, concepts: Iterable[Concept]) -> None:
        self.concepts = {concept.id: concept for concept in concepts}
        # By the first key of a term, the whole term and what it names, the longest terms first.
        self._terms: dict[str, list[tuple[tuple[str, ...], int]]] = defaultdict(list)
        self._narrower: dict[int, list[int]] = defaultdict(list)
        for concept in self.concepts.values():
            for sequence in self.written(concept.id):
                self._terms[sequence[0]].append((sequence, concept.id))
            for wider in self.broader(concept.id):
                self._narrower[wider].append(concept.id)
        for listed in self._terms.values():
            listed.sort(key=lambda term: -len(term[0]))
        self._wider: dict[int, frozenset[int]] = {}

    def mentions(self, text: Sequence[str], language: str | None = None) -> list[Mention]:
        """Every mention of a notion in a sequence of words, the longest ones first at each place."""
        forms = [keys(word, language) for word in text]
        found = []
        for start in range(len(forms)):
            named: dict[tuple[str, ...], list[int]] = defaultdict(list)
            for first in forms[start]:
                for sequence, concept in self._terms.get(first, ()):
                    if self._stands(sequence, forms, start):
                        named[sequence].append(concept)
            found += [
                Mention(start, len(sequence), sequence, tuple(dict.fromkeys(named[sequence])))
                for sequence in sorted(named, key=len, reverse=True)
            ]
        return found

    def names(self, word: str) -> bool:
        """Whether a word names a notion by itself."""
        return any(len(sequence) == 1 for key in keys(word) for sequence, _ in self._terms.get(key, ()))

    @staticmethod
    def _stands(sequence: tuple[str, ...], forms: Sequence[tuple[str, ...]], start: int) -> bool:
        return start + len(sequence) <= len(forms) and all(
            key in forms[start + place] for place, key in enumerate(sequence)
        )

    def term_words(self) -> Iterable[tuple[str, int]]:
        """Every word of every term, folded, with the notion that it helps to name."""
        for concept in self.concepts.values():
            for term in (*concept.sv, *concept.en):
                for word in words(term):
                    yield fold(word), concept.id

    def written(self, concept: int) -> list[tuple[str, ...]]:
        """The terms of a notion, as sequences of keys."""
        one = self.concepts[concept]
        terms = [canonical(term, language) for language, listed in (("sv", one.sv), ("en", one.en)) for term in listed]
        return [term for term in terms if term]

    def narrower(self, concepts: Iterable[int]) -> frozenset[int]:
        """Some notions and all that are narrower, however far down."""
        return _closure(concepts, lambda concept: self._narrower.get(concept, ()))

    def part_concepts(self, word: str) -> set[int]:
        """The notions that the parts of a compound name."""
        return {
            concept for key in part_keys(word) for sequence, concept in self._terms.get(key, ()) if len(sequence) == 1
        }

    def broader(self, concept: int) -> tuple[int, ...]:
        """The notions that are one step wider."""
        return tuple(one for one in self.concepts[concept].broader if one in self.concepts)

    def wider(self, concept: int) -> frozenset[int]:
        """All notions that are wider than this one, however far up."""
        if concept not in self._wider:
            self._wider[concept] = _closure(self.broader(concept), self.broader)
        return self._wider[concept]


def _closure(start: Iterable[int], step: Callable[[int], Iterable[int]]) -> frozenset[int]:
    found: set[int] = set()
    waiting = list(start)
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.add(one)
            waiting += step(one)
    return frozenset(found)


@lru_cache(maxsize=50_000)
def canonical(term: str, language: str) -> tuple[str, ...]:
    """A term as a sequence of keys, one for each word."""
    found = tuple(keys(word, language)[0] for word in words(term))
    return found if len(found) <= LONGEST_TERM_WORDS else ()


_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def token(concept: int) -> str:
    """The word that stands for a notion in the index; no word of a language looks like it."""
    letters = ""
    while concept:
        concept, digit = divmod(concept, len(_LETTERS))
        letters = _LETTERS[digit] + letters
    return f"zq{letters}qz"


def is_token(word: str) -> bool:
    """Whether a word of the index stands for a notion."""
    return word.startswith("zq") and word.endswith("qz")
