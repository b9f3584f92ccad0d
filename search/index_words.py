"""The words that the index holds, and how many entries have each, as far as one reader may see them."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping

from rapidfuzz import process
from rapidfuzz.distance import OSA

from search.folding import fold
from search.thesaurus import Thesaurus, is_token, token

# How many slips of the pen a word of so many letters may have.
_SLIPS = ((4, 1), (8, 2), (12, 3))


class IndexWords:
    """Folded words, keys and tokens of notions by the number of entries that have them."""

    def __init__(self, counts: Mapping[str, int], thesaurus: Thesaurus, *, entries: int) -> None:
        self.entries = entries
        self._counts = counts
        self._sorted = sorted(word for word in counts if not is_token(word))
        # What can be meant by a misspelt word: words of entries, and words of terms whose notion an entry has.
        named = (word for word, ids in thesaurus.term_words.items() if any(token(id) in counts for id in ids))
        self._meant = dict.fromkeys(named, 0) | {word: counts[word] for word in self._sorted}
        self._by_length: dict[int, list[str]] = {}
        for word in filter(str.isalpha, self._meant):
            self._by_length.setdefault(len(word), []).append(word)
        self._terms = [
            fold(term)
            for concept in thesaurus.concepts.values()
            if token(concept.id) in counts
            for term in (*concept.sv, *concept.en)
            if " " in term
        ]

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

    def nearest(self, word: str) -> str | None:
        """The word that was probably meant: few slips away, and of several the one that most entries have."""
        slips = _slips(word)
        if not slips or not word.isalpha():
            return None
        lengths = range(len(word) - slips, len(word) + slips + 1)
        candidates = [other for length in lengths for other in self._by_length.get(length, ())]
        found = process.extract(word, candidates, scorer=OSA.distance, score_cutoff=slips, limit=20)
        return min(found, key=lambda match: (match[1], -self._meant[match[0]]))[0] if found else None

    def nearest_term(self, text: str) -> str | None:
        """The term of several words that was probably meant."""
        found = process.extractOne(text, self._terms, scorer=OSA.distance, score_cutoff=_slips(text) or 0)
        return found[0] if found and found[1] else None


def _slips(text: str) -> int:
    return max((slips for length, slips in _SLIPS if len(text) >= length), default=0)
