"""The vocabulary as the search uses it: which notions a text or a question speaks of, and which are wider.

A notion's terms mean the same in both languages, so a text that has one of them is found by all. A wider notion
finds what is narrower (`fordon` finds a `minibuss`), but not the other way round.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from search.folding import fold
from search.language import forms, is_known, keys, part_forms, words
from search.terms import LONGEST_TERM_WORDS
from search.vocabulary import Concept


@dataclass(frozen=True)
class Mention:
    """Words of a text (from `start`, so many) that name notions; `words` is how the vocabulary writes them, as keys."""

    start: int
    length: int
    words: tuple[str, ...]
    concepts: tuple[int, ...]


@dataclass(frozen=True)
class _Term:
    """A term of a notion: its words as they are looked up (`keys`), in their base forms, and as they are written."""

    keys: tuple[str, ...]
    forms: tuple[str, ...]
    surface: tuple[str, ...]
    language: str
    concept: int


class Thesaurus:
    """All notions, ready for finding them in texts."""

    def __init__(self, concepts: Iterable[Concept]) -> None:
        self.concepts = {concept.id: concept for concept in concepts}
        # What a word names by itself, and the longer terms by their first two words.
        self._single: dict[str, list[_Term]] = defaultdict(list)
        self._longer: dict[str, dict[str, list[_Term]]] = defaultdict(lambda: defaultdict(list))
        self._narrower: dict[int, list[int]] = defaultdict(list)
        self._written: dict[int, list[tuple[str, ...]]] = {}
        for concept in self.concepts.values():
            terms = _terms(concept)
            self._written[concept.id] = [term.keys for term in terms]
            for term in terms:
                if len(term.keys) == 1:
                    self._single[term.keys[0]].append(term)
                else:
                    self._longer[term.keys[0]][term.keys[1]].append(term)
            for wider in self.broader(concept.id):
                self._narrower[wider].append(concept.id)
        self._wider: dict[int, frozenset[int]] = {}
        # Every word of every term, folded, with the notions that it helps to name, and as it is written.
        self.term_words: dict[str, list[int]] = defaultdict(list)
        self.spelling: dict[str, str] = {}
        for concept in self.concepts.values():
            for written in (*concept.sv, *concept.en):
                for word in words(written):
                    self.term_words[fold(word)].append(concept.id)
                    self.spelling.setdefault(fold(word), word)

    def mentions(self, text: Sequence[str], language: str | None = None) -> list[Mention]:
        """Every mention of a notion in a sequence of words, the longest ones first at each place.

        `language` is that of the text; None stands for a question, which may be in either.
        """
        found: list[Mention] = []
        looked_up = [keys(word, language) for word in text]
        for start in range(len(text)):
            named: dict[tuple[str, ...], list[int]] = {}
            for term in self._best(self._starting(looked_up, start), text[start:], language):
                named.setdefault(term.keys, []).append(term.concept)
            found += [
                Mention(start, len(sequence), sequence, tuple(dict.fromkeys(named[sequence])))
                for sequence in sorted(named, key=len, reverse=True)
            ]
        return found

    def _starting(self, looked_up: Sequence[tuple[str, ...]], start: int) -> Iterable[_Term]:
        """The terms whose keys stand from a place on."""
        following = looked_up[start + 1] if start + 1 < len(looked_up) else ()
        for first in looked_up[start]:
            if first in self._longer:
                seconds = self._longer[first]
                for term in (term for second in following if second in seconds for term in seconds[second]):
                    rest = looked_up[start : start + len(term.keys)]
                    if len(rest) == len(term.keys) and all(key in at for key, at in zip(term.keys, rest, strict=True)):
                        yield term
            yield from self._single.get(first, ())

    def _best(self, terms: Iterable[_Term], text: Sequence[str], language: str | None) -> Iterable[_Term]:
        """Of terms that begin where a text begins, those that it has as they are meant.

        Those that stand there word for word come before those of which it has another form: `training` is training
        and no form of `train`. What differs in its marks is another word (`smarta` is not `smärta`), unless they have
        been left out. In a text of one language a term of the other does not count where its words mean something
        else: an English `service` is no `service`.
        """
        fitting: dict[int, dict[int, list[_Term]]] = {}
        for term in terms:
            fit = self._fit(term, text[: len(term.keys)], language)
            if fit is not None:
                fitting.setdefault(len(term.keys), {}).setdefault(fit, []).append(term)
        for fits in fitting.values():
            yield from fits[min(fits)]

    def _fit(self, term: _Term, stands: Sequence[str], language: str | None) -> int | None:
        """How well words fit a term: word for word (0), in another form (1), perhaps without marks (2); or not."""
        if language is not None and language != term.language and all(is_known(word, language) for word in stands):
            return None
        if tuple(stands) == term.surface:
            return 0
        pairs = list(zip(term.forms, stands, strict=True))
        if all(form in forms(word, language) for form, word in pairs):
            return 1
        if all(form in forms(word, language) or self._lacks_marks(word, language) for form, word in pairs):
            return 2
        return None

    def _lacks_marks(self, word: str, language: str | None) -> bool:
        """Whether a word may have lost its marks: it is no Swedish word as it stands, or one that nobody asks for."""
        if not word.isascii() or language == "en":
            return False
        if not is_known(word, "sv"):
            return True
        base = forms(word, "sv")[0]
        return language is None and (base == word or fold(base) not in self.term_words)

    def names(self, word: str) -> bool:
        """Whether a word names a notion by itself."""
        return bool(self.mentions([word]))

    def written(self, concept: int) -> list[tuple[str, ...]]:
        """The terms of a notion, as sequences of keys."""
        return self._written[concept]

    def narrower(self, concepts: Iterable[int]) -> frozenset[int]:
        """Some notions and all that are narrower, however far down."""
        return _closure(concepts, lambda concept: self._narrower.get(concept, ()))

    def part_concepts(self, word: str) -> set[int]:
        """The notions that the parts of a compound name."""
        return {
            term.concept
            for part in part_forms(word)
            for form in part
            for term in self._single.get(fold(form), ())
            if term.language == "sv" and term.forms[0] == form
        }

    def broader(self, concept: int) -> tuple[int, ...]:
        """The notions that are one step wider."""
        return tuple(one for one in self.concepts[concept].broader if one in self.concepts)

    def wider(self, concept: int) -> frozenset[int]:
        """All notions that are wider than this one, however far up."""
        if concept not in self._wider:
            self._wider[concept] = _closure(self.broader(concept), self.broader)
        return self._wider[concept]


def _terms(concept: Concept) -> list[_Term]:
    terms = []
    for language, listed in (("sv", concept.sv), ("en", concept.en)):
        for term in listed:
            forms = canonical(term, language)
            if forms:
                surface = tuple(words(term))
                terms.append(_Term(tuple(map(fold, forms)), forms, surface, language, concept.id))
    return terms


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
    """A term as a sequence of words in their base forms, with their marks.

    Abbreviations stay as they are: what is called `HEMS` has nothing to do with a `hem`. So do English nouns that a
    verb has become: `charging` is no other form of what one is `charged`.
    """
    written = words(term)
    abbreviated = {word.lower() for word in term.replace("-", " ").split() if word.isupper()}
    found = tuple(
        word if word in abbreviated or (language == "en" and word.endswith(_NOUN_OF_VERB)) else forms(word, language)[0]
        for word in written
    )
    return found if len(found) <= LONGEST_TERM_WORDS else ()


_NOUN_OF_VERB = "ing"
_TOKENS_BEGIN = ("zq", "zw")
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


def may_begin_token(beginning: str) -> bool:
    """Whether words that stand for a notion or a term could begin so; no other word is sought by such a beginning."""
    return beginning.startswith(_TOKENS_BEGIN) or any(start.startswith(beginning) for start in _TOKENS_BEGIN)
