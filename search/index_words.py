"""The words that the index holds, and how many entries have each, as far as one reader may see them."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping

from rapidfuzz import process
from rapidfuzz.distance import OSA

from search.thesaurus import is_token

# How many slips of the pen a word of so many letters may have.
_SLIPS = ((4, 1), (8, 2), (12, 3))


class IndexWords:
    """Folded words, keys and tokens of notions by the number of entries that have them."""

    def __init__(self, counts: Mapping[str, int], *, entries: int) -> None:
        self.entries = entries
        self._counts = counts
        self._sorted = sorted(counts)

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
        slips = max((slips for length, slips in _SLIPS if len(word) >= length), default=0)
        if not slips or not word.isalpha():
            return None
        found = process.extract(word, self._candidates(word, slips), scorer=OSA.distance, score_cutoff=slips, limit=20)
        return min(found, key=lambda match: (match[1], -self.count(match[0])))[0] if found else None

    def _candidates(self, word: str, slips: int) -> list[str]:
        return [
            other
            for other in self._sorted
            if abs(len(other) - len(word)) <= slips and other.isalpha() and not is_token(other)
        ]
