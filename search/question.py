"""What a person wrote in the search box, as the engines are asked it.

A question becomes *readings*, the surest first: every word as it is meant; then compounds taken apart, notions
widened, and words left out. An engine answers with the first ones and goes on to the next only where little is
found, so what is surer always stands above what is less sure.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from search.folding import fold
from search.index_words import IndexWords
from search.language import compound, keys, part_keys, tells, words
from search.thesaurus import Mention, Thesaurus, token

_PHRASE = re.compile(r'"([^"]*)"?')
_EXCLUDED = re.compile(r'(?:^|(?<=\s))-("[^"]*"?|[^\s"]+)')
_OR = re.compile(r"\s+(?:OR|ELLER)\s+")
# How doubtful readings are in which words have been left out, the least sure ones.
LEFT_OUT = 3
# More words than this make a question no clearer, and every one costs.
_MOST_TERMS = 12
_MOST_BRANCHES = 4
_SHORTEST_BEGINNING = 2
_LONG_ENOUGH = 4
_MOST_TO_LEAVE_OUT = 4
_MOST_TOGETHER = 3
# How far up the vocabulary a wider notion is looked for.
_MOST_STEPS = 3
# Nor is what fits on one page too much to look through.
_FEW = 20
# A part of a compound, or a word among several, that so many of the entries have says too little by itself.
_TELLING_SHARE = 0.25


@dataclass(frozen=True)
class Term:
    """One thing that is asked for: the words to look for (keys, in this order) and the notions that they name.

    `literal` is what was written, folded; an entry that has it stands before one that has only the notion.
    `beginning` says that a longer word that begins like it counts too.
    """

    words: tuple[str, ...]
    concepts: tuple[int, ...] = ()
    literal: str = ""
    beginning: bool = False


@dataclass(frozen=True)
class Reading:
    """Terms and phrases that an entry has to have all of, and how sure it is that this was meant (0 is surest)."""

    terms: tuple[Term, ...] = ()
    phrases: tuple[str, ...] = ()
    doubt: int = 0


@dataclass(frozen=True)
class Question:
    """All readings. `excluded` are folded words and phrases that no found entry may have.

    `corrected` is the text with misspelt words put right, where there are any: what the readings are of.
    """

    readings: tuple[Reading, ...] = ()
    excluded: tuple[str, ...] = ()
    corrected: str = ""

    @property
    def is_empty(self) -> bool:
        return not self.readings and not self.excluded

    @property
    def sure(self) -> tuple[Reading, ...]:
        return tuple(reading for reading in self.readings if reading.doubt == 0)

    @property
    def has_doubtful(self) -> bool:
        return any(reading.doubt for reading in self.readings)


NOTHING_ASKED = Question()


def ask(text: str, thesaurus: Thesaurus, index_words: IndexWords) -> Question:
    """Read what a person wrote: words, "phrases in quotes", OR between alternatives, and -what to leave out.

    `index_words` are those of the entries that the person may see; only these are words to correct to.
    """
    excluded = tuple(" ".join(map(fold, words(part))) for part in _EXCLUDED.findall(text))
    wanted = _EXCLUDED.sub(" ", text)
    reader = _Reader(thesaurus, index_words)
    branches = [reader.read(part) for part in _OR.split(wanted)[:_MOST_BRANCHES]]
    sure = [branch for branch in branches if branch.terms or branch.phrases]
    corrected = ""
    readings = list(sure)
    if len(sure) == 1 and not sure[0].phrases:
        corrected = reader.corrected(wanted)
        right = reader.read(corrected) if corrected else sure[0]
        readings += [replace(right, doubt=1)] if corrected else []
        readings += reader.doubtful(right)
    return Question(tuple(readings), tuple(part for part in excluded if part), corrected)


class _Reader:
    """Reads a question with the vocabulary and the words of the index at hand."""

    def __init__(self, thesaurus: Thesaurus, index_words: IndexWords) -> None:
        self._thesaurus = thesaurus
        self._words = index_words

    def read(self, text: str) -> Reading:
        """What is meant in the first place."""
        phrases = tuple(" ".join(fold(word) for word in words(part)) for part in _PHRASE.findall(text))
        written = words(_PHRASE.sub(" ", text))
        return Reading(self._terms(written)[:_MOST_TERMS], tuple(phrase for phrase in phrases if phrase))

    def corrected(self, text: str) -> str:
        """The text with misspelt words put right; nothing where none is."""
        written = words(text)
        right = [self._right(word) for word in written]
        return self._right_together(written) if right == written else " ".join(right)

    def _right(self, word: str) -> str:
        """The word, or the nearest one that the entries have if they have nothing like it."""
        if not tells(word) or self._is_known(word) or self._words.has_any(part_keys(word)):
            return word
        if len(word) >= _SHORTEST_BEGINNING and self._words.has_beginning(fold(word)):
            return word
        return self._words.nearest(fold(word)) or word

    def _is_known(self, word: str) -> bool:
        return self._words.has_any(keys(word)) or self._thesaurus.names(word)

    def _right_together(self, written: Sequence[str]) -> str:
        """Two or three words that are right each by itself, but nearly name something else together."""
        if not 1 < len(written) <= _MOST_TOGETHER or all(self._count(self._one(word)) for word in written):
            return ""
        return self._words.nearest_term(fold(" ".join(written))) or ""

    def _terms(self, written: Sequence[str]) -> tuple[Term, ...]:
        mentions: dict[int, Mention] = {}
        for mention in self._thesaurus.mentions(written):
            mentions.setdefault(mention.start, mention)
        terms: list[Term] = []
        stops: list[Term] = []
        place = 0
        while place < len(written):
            found = mentions.get(place)
            length = found.length if found else 1
            term = self._term(written[place : place + length], found)
            (terms if found or tells(written[place]) else stops).append(term)
            place += length
        return tuple(terms or stops)

    def _term(self, written: Sequence[str], mention: Mention | None) -> Term:
        literal = fold(" ".join(written))
        if mention is not None:
            # Several words that name one thing are found by the thing: apart they would say something else.
            named = len(mention.words) > 1 and self._words.has_any(map(token, mention.concepts))
            return Term(() if named else mention.words, mention.concepts, literal)
        best = max(keys(written[0]), key=self._words.count)
        if self._words.has_any([best]):
            return Term((best,), (), literal)
        return Term((literal,), (), literal, beginning=True)

    def doubtful(self, sure: Reading) -> Iterable[Reading]:
        """Further readings of the same words, the surer first; each is another question than those before."""
        seen = {sure.terms}
        for doubt, readings in enumerate(
            (self._apart(sure.terms), self._wider(sure.terms), self._fewer(sure.terms)), start=1
        ):
            for terms in readings:
                if terms and terms not in seen:
                    seen.add(terms)
                    yield Reading(terms, doubt=doubt)

    def _apart(self, terms: tuple[Term, ...]) -> Iterable[tuple[Term, ...]]:
        """Longer words that begin like the last one; compounds, and words that name one thing, taken apart."""
        if len(terms[-1].literal) >= _LONG_ENOUGH and terms[-1].words and not terms[-1].beginning:
            yield (*terms[:-1], Term((terms[-1].literal,), literal=terms[-1].literal, beginning=True))
        yield tuple(part for term in terms for part in self._parts(term))
        yield from self._joined(terms)

    def _joined(self, terms: tuple[Term, ...]) -> Iterable[tuple[Term, ...]]:
        """Two words as one: people write compounds apart."""
        for place in range(len(terms) - 1):
            joined = self._one(terms[place].literal + terms[place + 1].literal)
            if self._count(joined):
                yield (*terms[:place], joined, *terms[place + 2 :])

    def _parts(self, term: Term) -> list[Term]:
        found = [self._one(part) for part in _pieces(term)]
        return found if found and all(self._count(part) for part in found) else [term]

    def _one(self, word: str) -> Term:
        mentions = self._thesaurus.mentions([word])
        return self._term([word], mentions[0] if mentions else None)

    def _wider(self, terms: tuple[Term, ...]) -> Iterable[tuple[Term, ...]]:
        """What a compound is a kind of, and the nearest wider notions, for all terms and for one at a time."""
        yield tuple(self._kind(term) for term in terms)
        widened = [self._nearest_wider(term) for term in terms]
        for place in range(len(terms) if len(terms) > 1 else 0):
            yield (*terms[:place], widened[place], *terms[place + 1 :])
        yield tuple(widened)

    def _kind(self, term: Term) -> Term:
        pieces = compound(term.literal)
        kind = self._one(pieces[-1]) if pieces else term
        return kind if self._tells(kind) else term

    def _nearest_wider(self, term: Term) -> Term:
        level = set(term.concepts)
        for _ in range(_MOST_STEPS):
            level = {up for concept in level for up in self._thesaurus.broader(concept)}
            wider = Term((), tuple(sorted(level)), term.literal)
            if level and self._tells(wider):
                return wider
        return term

    def _fewer(self, terms: tuple[Term, ...]) -> Iterable[tuple[Term, ...]]:
        """All but one of several words, then each word alone, then each part of a compound alone."""
        if 2 < len(terms) <= _MOST_TO_LEAVE_OUT:  # noqa: PLR2004  # one of two left out is the other alone
            for left_out in sorted(terms, key=self._count, reverse=True):
                yield tuple(term for term in terms if term is not left_out)
        alone = [*sorted(terms, key=self._count), *(self._one(part) for term in terms for part in _pieces(term))]
        for term in alone:
            if self._tells(term):
                yield (term,)

    def _count(self, term: Term) -> int:
        return max((self._words.count(word) for word in (*term.words, *map(token, term.concepts))), default=0)

    def _tells(self, term: Term) -> bool:
        return 0 < self._count(term) <= max(_FEW, self._words.entries * _TELLING_SHARE)


def _pieces(term: Term) -> Sequence[str]:
    """The parts of a compound, or several words that name one thing, last one last."""
    return term.literal.split() if " " in term.literal else compound(term.literal)
