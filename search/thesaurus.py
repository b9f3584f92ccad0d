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
        # What a word names by itself, and the longer terms by their first two words, each with what it names.
        self._single: dict[str, list[int]] = defaultdict(list)
        self._longer: dict[str, dict[str, list[tuple[tuple[str, ...], int]]]] = defaultdict(lambda: defaultdict(list))
        self._narrower: dict[int, list[int]] = defaultdict(list)
        self._written = {concept.id: _written(concept) for concept in self.concepts.values()}
        for concept in self.concepts.values():
            for sequence in self._written[concept.id]:
                if len(sequence) == 1:
                    self._single[sequence[0]].append(concept.id)
                else:
                    self._longer[sequence[0]][sequence[1]].append((sequence, concept.id))
            for wider in self.broader(concept.id):
                self._narrower[wider].append(concept.id)
        self._wider: dict[int, frozenset[int]] = {}

    def mentions(self, text: Sequence[str], language: str | None = None) -> list[Mention]:
        """Every mention of a notion in a sequence of words, the longest ones first at each place."""
        forms = [keys(word, language) for word in text]
        found: list[Mention] = []
        for start, form in enumerate(forms):
            named: dict[tuple[str, ...], list[int]] = {}
            following = forms[start + 1] if start + 1 < len(forms) else ()
            for first in form:
                if first in self._longer:
                    for sequence, concept in self._beginning(first, following):
                        if self._stands(sequence, forms, start):
                            named.setdefault(sequence, []).append(concept)
                if first in self._single:
                    named.setdefault((first,), []).extend(self._single[first])
            if named:
                found += [
                    Mention(start, len(sequence), sequence, tuple(dict.fromkeys(named[sequence])))
                    for sequence in sorted(named, key=len, reverse=True)
                ]
        return found

    def _beginning(self, first: str, following: Iterable[str]) -> Iterable[tuple[tuple[str, ...], int]]:
        """The terms that begin with a word and another after it."""
        seconds = self._longer[first]
        return (term for second in following if second in seconds for term in seconds[second])

    @staticmethod
    def _stands(sequence: tuple[str, ...], forms: Sequence[tuple[str, ...]], start: int) -> bool:
        return start + len(sequence) <= len(forms) and all(
            key in forms[start + place] for place, key in enumerate(sequence)
        )

    def names(self, word: str) -> bool:
        """Whether a word names a notion by itself."""
        return any(key in self._single for key in keys(word))

    def term_words(self) -> Iterable[tuple[str, int]]:
        """Every word of every term, folded, with the notion that it helps to name."""
        for concept in self.concepts.values():
            for term in (*concept.sv, *concept.en):
                for word in words(term):
                    yield fold(word), concept.id

    def written(self, concept: int) -> list[tuple[str, ...]]:
        """The terms of a notion, as sequences of keys."""
        return self._written[concept]

    def narrower(self, concepts: Iterable[int]) -> frozenset[int]:
        """Some notions and all that are narrower, however far down."""
        return _closure(concepts, lambda concept: self._narrower.get(concept, ()))

    def part_concepts(self, word: str) -> set[int]:
        """The notions that the parts of a compound name."""
        return {concept for key in part_keys(word) for concept in self._single.get(key, ())}

    def broader(self, concept: int) -> tuple[int, ...]:
        """The notions that are one step wider."""
        return tuple(one for one in self.concepts[concept].broader if one in self.concepts)

    def wider(self, concept: int) -> frozenset[int]:
        """All notions that are wider than this one, however far up."""
        if concept not in self._wider:
            self._wider[concept] = _closure(self.broader(concept), self.broader)
        return self._wider[concept]


def _written(concept: Concept) -> list[tuple[str, ...]]:
    terms = [
        canonical(term, language) for language, listed in (("sv", concept.sv), ("en", concept.en)) for term in listed
    ]
    return [term for term in terms if term]


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


@lru_cache(maxsize=50_000)
def token(concept: int) -> str:
    """The word that stands for a notion in the index; no word of a language looks like it."""
    letters = ""
    while concept:
        concept, digit = divmod(concept, len(_LETTERS))
        letters = _LETTERS[digit] + letters
    return f"zq{letters}qz"


@lru_cache(maxsize=50_000)
def term_token(words: tuple[str, ...]) -> str:
    """The word that says in the index that a text has a term itself, and not only what the term names."""
    letters = "".join(character for word in words for character in word if character.isalnum())
    return f"zw{letters}wz"


def is_token(word: str) -> bool:
    """Whether a word of the index stands for a notion or a term."""
    return (word.startswith("zq") and word.endswith("qz")) or (word.startswith("zw") and word.endswith("wz"))
