"""Addresses of searches that can be shared: the same search with one thing more, less or other."""

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlencode

from registry.web.language import current_language
from search.engine import FACETS, Sort

# What a search page understands, in the order it stands in the address. `lang` is kept so that a shared
# address shows the same page.
NAMES = ("q", *FACETS, "bookable_by_me", "free_week", "near", "radius_km", "sort", "page", "page_size", "lang")
_USUAL_ORDER = ("sort", Sort.RELEVANCE.value)


@dataclass(frozen=True)
class SearchAddress:
    """The address of a search page, as names and values."""

    pairs: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, pairs: Iterable[tuple[str, str]]) -> "SearchAddress":
        """From a query string; what the page does not understand is left out."""
        known = [(name, value) for name, value in pairs if name in NAMES and value.strip()]
        return cls(_meant(sorted(known, key=lambda pair: NAMES.index(pair[0]))))

    def without(self, *names: str) -> "SearchAddress":
        """Without these names, and from the first page."""
        return SearchAddress(_meant(pair for pair in self.pairs if pair[0] not in {*names, "page"}))

    def without_value(self, name: str, value: str) -> "SearchAddress":
        """Without one value of a filter, and from the first page."""
        return SearchAddress(tuple(pair for pair in self.without("page").pairs if pair != (name, value)))

    def with_value(self, name: str, value: object) -> "SearchAddress":
        """With one value more."""
        return SearchAddress.of([*self.pairs, (name, str(value))])

    def has(self, name: str) -> bool:
        """Whether the address has this name."""
        return any(pair[0] == name for pair in self.pairs)

    def on_page(self, number: int) -> str:
        """The address of another page of the same search."""
        first = self.without("page")
        return str(first if number == 1 else first.with_value("page", number))

    def hidden(self, *names: str) -> list[tuple[str, str]]:
        """What a form has to carry along beside its own fields, which are those named."""
        return list(self.without(*names).pairs)

    def canonical(self) -> str:
        """The query string of the search itself: the same however its address was put together.

        What says how it is shown (page, language, the usual order) is left out.
        """
        kept = {(name, " ".join(value.split())) for name, value in self.without("page_size", "lang").pairs}
        kept.discard(_USUAL_ORDER)
        return urlencode(sorted(kept, key=lambda pair: (NAMES.index(pair[0]), pair[1])))

    def __str__(self) -> str:
        return f"/search?{urlencode(self.pairs)}" if self.pairs else "/search"


def feed_address(address: SearchAddress, audiences: tuple[str, ...]) -> str:
    """The address, on this site, of the Atom feed of a search in the language of the reader.

    A feed reader is a visitor, so what the person may book is told as whom: `audiences` of the person.
    """
    kept = address.without("page_size", "sort", "lang", "bookable_by_me")
    if address.has("bookable_by_me") and not kept.has("bookable_by"):
        kept = SearchAddress.of([*kept.pairs, *(("bookable_by", audience) for audience in audiences)])
    return f"/feeds/search.atom?{urlencode([*kept.pairs, ('lang', current_language())])}"


def _meant(pairs: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Without what a form sends along but means nothing without a place."""
    given = tuple(pairs)
    if any(name == "near" for name, _ in given):
        return given
    return tuple(pair for pair in given if pair[0] != "radius_km" and pair != ("sort", Sort.DISTANCE.value))
