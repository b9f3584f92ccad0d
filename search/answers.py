"""Answers that are kept, so that what many people ask is not worked out for each of them.

A kept answer is given again only while the database says that it is still true: the index has the version that it had
before the answer was made, nothing else has been hidden since, and the reader may see every entry in it.
"""

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, fields

from registry.settings import load_settings
from search.engine import EngineResult, SearchRequest
from search.found import Found, Now


@dataclass(frozen=True)
class Answer:
    """What an engine (by its name) has found, and the entries as they are shown."""

    result: EngineResult
    items: list[Found]
    engine: str


class Answers:
    """The answers that were given last, each with the state of the index that it is of."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Hashable, tuple[Answer, Now]] = OrderedDict()

    def get(self, request: SearchRequest) -> tuple[Answer, Now] | None:
        """The kept answer to a request and what it is of; None if there is none."""
        key = _key(request)
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
        return found

    def keep(self, request: SearchRequest, answer: Answer, now: Now) -> None:
        """Keep an answer that is of this state; the one that nobody has asked for the longest makes room."""
        self._kept[_key(request)] = answer, now
        while len(self._kept) > load_settings().search_answers:
            self._kept.popitem(last=False)


_NAMES = [field.name for field in fields(SearchRequest) if field.name not in {"filters", "hidden"}]


def _key(request: SearchRequest) -> Hashable:
    return (*(getattr(request, name) for name in _NAMES), *sorted(request.filters.items()))
