"""The words that the index holds, and how many entries have each, as far as one reader may see them."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence

from rapidfuzz import process
from rapidfuzz.distance import OSA

from search.folding import fold
from search.thesaurus import Thesaurus, is_token, token

# How many slips of the pen a word of so many letters may have; fewer where only the vocabulary has what was meant.
_SLIPS = ((4, 1), (8, 2), (12, 3))
_SLIPS_FROM_VOCABULARY = ((6, 1), (10, 2))
# What a slip in a term of several words may be: of three words at most, and in a word of so many letters.
_LONGEST_NEAR_TERM = 3
_SHORTEST_IN_TERM = 5


class IndexWords:
    """Folded words, keys and tokens of notions by the number of entries that have them."""

    def __init__(self, counts: Mapping[str, int], thesaurus: Thesaurus, *, entries: int) -> None:
        self.entries = entries
        self._counts = counts
        self._sorted = sorted(word for word in counts if not is_token(word))
        # What can be meant by a misspelt word: words of entries, and of the vocabulary.
        self._meant = dict.fromkeys(thesaurus.term_words, 0) | {word: counts[word] for word in self._sorted}
        for word, ids in thesaurus.term_words.items():
            if any(token(id) in counts for id in ids):
                self._meant[word] = max(1, self._meant[word])
        self._by_length: dict[int, list[str]] = {}
        for word in filter(str.isalpha, self._meant):
            self._by_length.setdefault(len(word), []).append(word)
        # Terms of two or three words without each one of them: the words that it can be.
        self._gaps: dict[tuple[str, ...], list[str]] = {}
        named_here = [one for one in thesaurus.concepts.values() if token(one.id) in counts]
        for term in {term for one in named_here for term in (*one.sv, *one.en)}:
            written = fold(term).split()
            if 1 < len(written) <= _LONGEST_NEAR_TERM:
                for place, word in enumerate(written):
                    self._gaps.setdefault(_gap(written, place), []).append(word)

    def count(self, word: str) -> int:
        """How many entries have a word."""
        return self._counts.get(word, 0)

    def has_any(self, words: Iterable[str]) -> bool:
        """Whether an entry has one of the words."""
        return any(word in self._counts for word in words)

    def has_beginning(self, beginning: str) -> bool:
        """Whether a word begins so."""
        place = bisect_left(self._sorted, beginning)
        return place < len(self._sorted) and self._sorted[place].startswith(beginning)

    def has_longer(self, beginning: str) -> bool:
        """Whether a longer word begins so."""
        place = bisect_right(self._sorted, beginning)
        return place < len(self._sorted) and self._sorted[place].startswith(beginning)

    def nearest(self, word: str, slips: int | None = None) -> str | None:
        """The word that was probably meant: few slips away, and of several the one that most entries have.

        With `slips` at most so many, and only a word that entries have.
        """
        only_entries = slips is not None
        most = _slips(word) if slips is None else slips
        if not most or not word.isalpha():
            return None
        lengths = range(len(word) - most, len(word) + most + 1)
        candidates = [other for length in lengths for other in self._by_length.get(length, ())]
        found = [
            (other, away, self._meant[other])
            for other, away, _ in process.extract(word, candidates, scorer=OSA.distance, score_cutoff=most, limit=20)
            if self._meant[other] or (not only_entries and away <= _slips(word, _SLIPS_FROM_VOCABULARY))
        ]
        # The first letter is the one that people get right.
        return min(found, key=lambda one: (one[1], one[0][0] != word[0], -one[2]))[0] if found else None

    def nearest_term(self, written: Sequence[str]) -> str | None:
        """The term that was probably meant by words that are right each by itself: one slip in one of them."""
        for place, word in enumerate(written):
            for other in self._gaps.get(_gap(written, place), ()):
                if len(word) >= _SHORTEST_IN_TERM and OSA.distance(word, other, score_cutoff=1) == 1:
                    return " ".join((*written[:place], other, *written[place + 1 :]))
        return None


def _gap(written: Sequence[str], place: int) -> tuple[str, ...]:
    return (*written[:place], "", *written[place + 1 :])


def _slips(text: str, allowed: Sequence[tuple[int, int]] = _SLIPS) -> int:
    return max((slips for length, slips in allowed if len(text) >= length), default=0)
