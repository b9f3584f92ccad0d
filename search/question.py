"""What a person wrote in the search box, as the engines are asked it.

A question becomes *readings*, the surest first: every word as it is meant; then compounds taken apart, notions
widened, words left out, and each word alone. An engine answers with the first ones and goes on to the next only where
little is found, so what is surer always stands above what is less sure.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import log2

from search.folding import fold
from search.index_words import IndexWords
from search.language import begun, compound, forms, keys, part_forms, tells, words
from search.language import is_word as is_in_a_dictionary
from search.thesaurus import Mention, Thesaurus, is_token, may_begin_token, token

_PHRASE = re.compile(r'"([^"]*)"?')
_EXCLUDED = re.compile(r'(?:^|(?<=\s))-("[^"]*"?|[^\s"]+)')
_OR = re.compile(r"\s+(?:OR|ELLER)\s+")
# How doubtful readings are in which words have been left out, and those of one word alone, the least sure ones.
LEFT_OUT = 3
ALONE = 4
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
# What more of the entries have than this tells nothing beside other words: `test` in a registry of testbeds.
_USUAL_SHARE = 0.5
# Of what fewer entries have than this, people want to see more.
_RARE = 5
# What a reading counts beside a surer one of the same doubt.
_LESS, _LEAST = 0.5, 0.25
# A compound that no list has is put right only where it is this long.
_LONG_COMPOUND = 9


@dataclass(frozen=True)
class Term:
    """One thing that is asked for: the words to look for (keys, in this order) and the notions that they name.

    `literal` is what was written, folded; an entry that has it stands before one that has only the notion.
    `beginning` says that a longer word that begins like it counts too; `written` is the literal with its marks.
    `needed` is false for what nearly every entry has: one that lacks it is found too, but stands behind. `weight` says
    how much the term tells; the fewer entries have it, the more.
    """

    words: tuple[str, ...]
    concepts: tuple[int, ...] = ()
    literal: str = ""
    beginning: bool = False
    written: str = ""
    needed: bool = True
    weight: float = 1.0


@dataclass(frozen=True)
class Reading:
    """Terms and phrases that an entry has to have all of, and how sure it is that this was meant (0 is surest).

    `weight` is what it counts beside others of the same doubt, up to 1.
    """

    terms: tuple[Term, ...] = ()
    phrases: tuple[str, ...] = ()
    doubt: int = 0
    weight: float = 1.0


@dataclass(frozen=True)
class Question:
    """All readings. `excluded` are folded words and phrases that no found entry may have.

    `corrected` is the text with misspelt words put right, where there are any: what the readings are of. `missing`
    are words that no entry has, nor anything like them, where there are others beside them.
    """

    readings: tuple[Reading, ...] = ()
    excluded: tuple[str, ...] = ()
    corrected: str = ""
    missing: tuple[str, ...] = ()

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
    excluded = tuple(" ".join(map(fold, _words(part))) for part in _EXCLUDED.findall(text))
    wanted = _EXCLUDED.sub(" ", text)
    reader = _Reader(thesaurus, index_words)
    branches = [reader.read(part) for part in _OR.split(wanted)[:_MOST_BRANCHES]]
    sure = [branch for branch in branches if branch.terms or branch.phrases]
    corrected = ""
    missing: tuple[str, ...] = ()
    readings = list(sure)
    if len(sure) == 1 and not sure[0].phrases:
        corrected = reader.corrected(wanted)
        right = reader.read(corrected) if corrected else sure[0]
        readings += [replace(right, doubt=1)] if corrected else []
        readings += reader.doubtful(right)
        missing = reader.missing(right)
    weighed = tuple(reader.weighed(reading) for reading in readings)
    return Question(weighed, tuple(part for part in excluded if part), corrected, missing)


def _words(text: str) -> list[str]:
    """The words of a text; one that looks like what stands for a notion in the index is none of the index."""
    return [word[:-1] if is_token(word) else word for word in words(text)]


@dataclass(frozen=True)
class Typed:
    """What has been typed so far, folded: whole words, and what the next one begins with (it may be whole as well)."""

    words: tuple[str, ...]
    beginning: str


NOTHING_TYPED = Typed((), "")


def typed(text: str) -> Typed:
    """What to suggest titles for. Nothing begins like the words of the index that stand for notions."""
    folded = [fold(word) for word in _words(text)]
    if not folded or may_begin_token(folded[-1]):
        return Typed(tuple(folded), "")
    return Typed(tuple(folded[:-1]), folded[-1])


class _Reader:
    """Reads a question with the vocabulary and the words of the index at hand."""

    def __init__(self, thesaurus: Thesaurus, index_words: IndexWords) -> None:
        self._thesaurus = thesaurus
        self._words = index_words

    def read(self, text: str) -> Reading:
        """What is meant in the first place."""
        phrases = tuple(" ".join(fold(word) for word in _words(part)) for part in _PHRASE.findall(text))
        written = _words(_PHRASE.sub(" ", text))
        return Reading(self._terms(written)[:_MOST_TERMS], tuple(phrase for phrase in phrases if phrase))

    def corrected(self, text: str) -> str:
        """The text with misspelt words put right; nothing where none is."""
        written = _words(text)
        right = [self._right(word) for word in written]
        return self._right_together(written) if right == written else " ".join(right)

    def _right(self, word: str) -> str:
        """The word, or the nearest one that the entries or the vocabulary have if it is one of no dictionary."""
        if not tells(word) or self._is_known(word):
            return word
        if len(word) >= _SHORTEST_BEGINNING and self._words.has_beginning(fold(word)):
            return word
        parts = part_forms(word)
        if parts and all(self._has_part(part) for part in parts):
            return word
        if parts and all(map(self._thesaurus.names, compound(word))):
            # It makes sense as it stands, so only the smallest slip from what the entries have is one.
            nearest = self._words.nearest(fold(word), slips=1) if len(word) >= _LONG_COMPOUND else None
        else:
            nearest = self._words.nearest(fold(word))
        return self._thesaurus.spelling.get(nearest, nearest) if nearest else word

    def _is_known(self, word: str) -> bool:
        return self._words.has_any(keys(word)) or self._thesaurus.names(word) or is_in_a_dictionary(word)

    def _has_part(self, part: Sequence[str]) -> bool:
        return self._words.has_any(map(fold, part))

    def _right_together(self, written: Sequence[str]) -> str:
        """Two or three words that are right each by itself, but all but one letter of something else together."""
        if not 1 < len(written) <= _MOST_TOGETHER or all(self._count(self._one(word)) for word in written):
            return ""
        nearest = self._words.nearest_term([fold(word) for word in written]) or ""
        return " ".join(self._thesaurus.spelling.get(word, word) for word in nearest.split())

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
        as_written = " ".join(written)
        literal = fold(as_written)
        if mention is not None:
            # Several words that name one thing are found by the thing: apart they would say something else.
            named = len(mention.words) > 1 and self._words.has_any(map(token, mention.concepts))
            return Term(() if named else mention.words, mention.concepts, literal, written=as_written)
        for candidates in (list(map(fold, forms(written[0]))), keys(written[0])):
            best = max(candidates, key=self._words.count)
            if self._words.has_any([best]):
                return Term((best,), (), literal, written=as_written)
        return Term((literal,), (), literal, beginning=not may_begin_token(literal), written=as_written)

    def weighed(self, reading: Reading) -> Reading:
        """A reading whose terms say how much they tell, and which of them an entry may lack."""
        usual = [self._count(term) > max(_FEW, self._words.entries * _USUAL_SHARE) for term in reading.terms]
        terms = tuple(
            replace(term, needed=not is_usual or all(usual), weight=self._weight(term))
            for term, is_usual in zip(reading.terms, usual, strict=True)
        )
        return replace(reading, terms=terms)

    def _weight(self, term: Term) -> float:
        return log2(2 + self._words.entries / max(1, self._count(term)))

    def missing(self, sure: Reading) -> tuple[str, ...]:
        """The words that no entry has, nor anything like them, where there are others beside them."""
        lacking = tuple(
            term.written for term in sure.terms if not (self._may_be_found(term) or self._count(self._likely(term)))
        )
        return lacking if len(lacking) < len(sure.terms) else ()

    def doubtful(self, sure: Reading) -> Iterable[Reading]:
        """Further readings of the same words, the surer first; each is another question than those before."""
        seen = {sure.terms}
        ways = (self._apart(sure.terms), self._wider(sure.terms), self._fewer(sure.terms), self._alone(sure.terms))
        for doubt, readings in enumerate(ways, start=1):
            for weight, terms in readings:
                if terms and terms not in seen and all(map(self._may_be_found, terms)):
                    seen.add(terms)
                    yield Reading(terms, doubt=doubt, weight=weight)

    def _apart(self, terms: tuple[Term, ...]) -> Iterable[tuple[float, tuple[Term, ...]]]:
        """Longer words that begin like the last one; compounds, and words that name one thing, taken apart."""
        if not is_in_a_dictionary(terms[-1].written):
            yield from self._longer(terms, 1)
        yield 1, tuple(part for term in terms for part in self._parts(term))
        for place in range(len(terms) - 1):
            # Two words as one: people write compounds apart.
            joined = self._one(terms[place].written + terms[place + 1].written)
            if self._count(joined):
                yield 1, (*terms[:place], joined, *terms[place + 2 :])

    def _longer(self, terms: tuple[Term, ...], weight: float) -> Iterable[tuple[float, tuple[Term, ...]]]:
        last = terms[-1]
        is_begun = len(last.literal) >= _LONG_ENOUGH and self._words.has_longer(last.literal)
        if is_begun and last.words and not last.beginning:
            yield weight, (*terms[:-1], replace(last, words=(last.literal,), concepts=(), beginning=True))

    def _parts(self, term: Term) -> list[Term]:
        found = [self._one(part) for part in _pieces(term)]
        return found if found and all(self._count(part) for part in found) else [term]

    def _one(self, word: str) -> Term:
        mentions = self._thesaurus.mentions([word])
        return self._term([word], mentions[0] if mentions else None)

    def _wider(self, terms: tuple[Term, ...]) -> Iterable[tuple[float, tuple[Term, ...]]]:
        """What a compound is a kind of, and the nearest wider notions: where a word finds nothing, then elsewhere."""
        yield 1, tuple(each for term in terms for each in self._likely_parts(term))
        yield 1, tuple(map(self._likely, terms))
        yield 1, tuple(self._kind(term) for term in terms)
        widened = [self._nearest_wider(term) for term in terms]
        # An entry that has the words may be about something else, and a longer word may be another.
        yield _LEAST, tuple(map(self._as_words, terms))
        yield from self._longer(terms, _LEAST)
        if len(terms) == 1:
            yield from self._each(widened[0])
            return
        for place in range(len(terms) if len(terms) <= _MOST_TO_LEAVE_OUT else 0):
            yield _LESS, (*terms[:place], widened[place], *terms[place + 1 :])
        yield _LESS, tuple(widened)

    def _as_words(self, term: Term) -> Term:
        alone = replace(term, concepts=())
        return alone if term.words and self._count(alone) > self._count(term) else term

    def _each(self, wider: Term) -> Iterable[tuple[float, tuple[Term, ...]]]:
        """Each of several wider notions: the fewer entries have it, the more it counts."""
        notions = [replace(wider, concepts=(one,)) for one in wider.concepts]
        telling = sorted(filter(self._tells, notions), key=self._count)
        for term in telling:
            yield _LESS * self._weight(term) / self._weight(telling[0]), (term,)

    def _likely(self, term: Term) -> Term:
        """A term that entries have: itself, what it begins or is a kind of, or the nearest wider notion."""
        if self._count(term):
            return term
        whole = [one for one in map(self._one, begun(term.written)) if self._count(one)]
        if whole:
            return whole[0]
        kind = self._kind(term)
        return kind if kind != term else self._nearest_wider(term)

    def _likely_parts(self, term: Term) -> Sequence[Term]:
        """A term, or where hardly any entry has it all notions that are right above it: a `driverless car` is both."""
        above = [Term((), (one,), term.literal, written=term.written) for one in self._above(term)]
        return above if above and self._count(term) < _RARE and all(map(self._count, above)) else [self._likely(term)]

    def _above(self, term: Term) -> Sequence[int]:
        return self._thesaurus.broader(term.concepts[0]) if len(term.concepts) == 1 else ()

    def _kind(self, term: Term) -> Term:
        pieces = compound(term.written)
        kind = self._one(pieces[-1]) if pieces else term
        return kind if self._tells(kind) else term

    def _nearest_wider(self, term: Term) -> Term:
        level = set(term.concepts)
        for _ in range(_MOST_STEPS):
            level = {up for concept in level for up in self._thesaurus.broader(concept)}
            wider = Term((), tuple(sorted(level)), term.literal, written=term.written)
            if level and self._tells(wider):
                return wider
        return term

    def _fewer(self, terms: tuple[Term, ...]) -> Iterable[tuple[float, tuple[Term, ...]]]:
        """All words that entries have; if they have each of them, all but one."""
        likely = [self._likely(term) for term in terms]
        known = [term for term in likely if self._count(term)]
        if len(known) < len(likely):
            yield 1, tuple(known)
        elif 2 < len(terms) <= _MOST_TO_LEAVE_OUT:  # noqa: PLR2004  # one of two left out is the other alone
            for left_out in sorted(likely, key=self._count, reverse=True):
                yield 1, tuple(term for term in likely if term is not left_out)

    def _alone(self, terms: tuple[Term, ...]) -> Iterable[tuple[float, tuple[Term, ...]]]:
        """Each word alone, then each part of a compound: the fewer entries have it, the more it counts."""
        likely = sorted(map(self._likely, terms), key=self._count)
        parts = [self._one(part) for term in terms for part in _pieces(term)]
        telling = [term for term in (*likely, *parts) if self._tells(term)]
        most = max(map(self._weight, telling), default=1)
        for term in telling:
            yield self._weight(term) / most, (term,)

    def _may_be_found(self, term: Term) -> bool:
        """Whether an entry has a term; every reading that can find nothing would cost what another does."""
        return bool(self._count(term)) or (term.beginning and self._words.has_beginning(term.literal))

    def _count(self, term: Term) -> int:
        return max(map(self._words.count, map(token, term.concepts) if term.concepts else term.words), default=0)

    def _tells(self, term: Term) -> bool:
        return 0 < self._count(term) <= max(_FEW, self._words.entries * _TELLING_SHARE)


def _pieces(term: Term) -> Sequence[str]:
    """The parts of a compound, or several words that name one thing, last one last."""
    return term.written.split() if " " in term.written else compound(term.written)
