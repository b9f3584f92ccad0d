"""The clauses of agreements, and how those of two texts differ: which belong together, and which words changed."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from rapidfuzz.distance import Indel

_CLAUSE = re.compile(r"^## +", re.MULTILINE)
_NUMBER = re.compile(r"^(\d+)\b[.)]?\s*")
# A word with what follows it up to the next one, so that the pieces of a text make the text again.
_WORD = re.compile(r"\S+\s*|^\s+")


@dataclass(frozen=True)
class Clause:
    """A clause: its heading (empty for what stands before the first one) and its text."""

    heading: str
    text: str

    @property
    def number(self) -> str:
        """The number at the beginning of the heading, or nothing."""
        number = _NUMBER.match(self.heading)
        return number.group(1) if number else ""

    @property
    def title(self) -> str:
        """The heading without its number, for comparing."""
        return _NUMBER.sub("", self.heading).casefold()


def clauses(text: str) -> list[Clause]:
    """The clauses of a text; each begins with a heading `## `."""
    before, *rest = _CLAUSE.split(text.replace("\r\n", "\n").strip())
    found = [Clause("", before.strip())] if before.strip() else []
    for part in rest:
        heading, _, body = part.partition("\n")
        found.append(Clause(heading.strip(), body.strip()))
    return found


class ChangeKind(StrEnum):
    """What became of a stretch of words from one text to the other."""

    SAME = "same"
    REMOVED = "removed"
    ADDED = "added"


@dataclass(frozen=True)
class Change:
    """A stretch of words that both texts have, that only the first has, or that only the second has."""

    kind: ChangeKind
    text: str


_KINDS = {"equal": ChangeKind.SAME, "delete": ChangeKind.REMOVED, "insert": ChangeKind.ADDED}


def changes(a: str, b: str) -> tuple[Change, ...]:
    """How the words of one text become those of another; what was removed stands before what was added in its place."""
    ours, theirs = _WORD.findall(a), _WORD.findall(b)
    # White space after a word is layout: a word at the end of a line is the same word.
    steps = Indel.opcodes([word.strip() for word in ours], [word.strip() for word in theirs])
    found: list[Change] = []
    for step in steps:
        left, right = ours[step.src_start : step.src_end], theirs[step.dest_start : step.dest_end]
        words = right if step.tag == "insert" else left
        if step.tag == "equal":
            # The last word of a text has nothing after it, which would glue it to what the other text has there.
            words = [one if one[-1].isspace() else other for one, other in zip(left, right, strict=True)]
        found.append(Change(_KINDS[step.tag], "".join(words)))
    return tuple(_removed_first(found))


def _removed_first(found: Sequence[Change]) -> Iterator[Change]:
    """Between two stretches that are the same: first all that was removed, then all that was added."""
    waiting: list[Change] = []
    for change in found:
        if change.kind is ChangeKind.SAME:
            yield from _joined(waiting)
            waiting = []
            yield change
        else:
            waiting.append(change)
    yield from _joined(waiting)


def _joined(waiting: Sequence[Change]) -> Iterator[Change]:
    for kind in (ChangeKind.REMOVED, ChangeKind.ADDED):
        if text := "".join(change.text for change in waiting if change.kind is kind):
            yield Change(kind, text)


@dataclass(frozen=True)
class ClausePair:
    """The same clause in two texts; None where a text lacks it."""

    a: Clause | None
    b: Clause | None

    @property
    def differs(self) -> bool:
        return self.a != self.b

    @property
    def heading(self) -> str:
        """The heading of whichever text has the clause."""
        present = self.a or self.b
        return present.heading if present else ""

    @property
    def is_renumbered(self) -> bool:
        """Whether only the number differs: a clause before it was added or removed."""
        if self.a is None or self.b is None or not self.differs:
            return False
        return (self.a.title, self.a.text) == (self.b.title, self.b.text)

    @cached_property
    def changes(self) -> tuple[Change, ...]:
        """The words of the clause that changed from the first text to the second."""
        return changes(self.a.text if self.a else "", self.b.text if self.b else "")


def pair_clauses(a: str, b: str) -> list[ClausePair]:
    """The clauses of two texts side by side, those that differ first, else in the order of the texts.

    Clauses belong together that have the same title (a new one before them changes their numbers only), and of
    the rest those with the same number (a new title is no new clause).
    """
    ours, theirs = clauses(a), clauses(b)
    partners: dict[int, int] = {}
    for key in (lambda one: one.heading, lambda one: one.title, lambda one: one.number):
        _match(ours, theirs, key, partners)
    taken = set(partners.values())
    pairs = [
        ClausePair(clause, theirs[partners[place]] if place in partners else None) for place, clause in enumerate(ours)
    ]
    pairs += [ClausePair(None, clause) for place, clause in enumerate(theirs) if place not in taken]
    return sorted(pairs, key=lambda pair: (not pair.differs, pair.is_renumbered))


def _match(
    ours: Sequence[Clause], theirs: Sequence[Clause], key: Callable[[Clause], str], partners: dict[int, int]
) -> None:
    """Give each clause that has no partner the first free one of the other text with the same key."""
    free: dict[str, list[int]] = {}
    taken = set(partners.values())
    for place, clause in enumerate(theirs):
        if place not in taken:
            free.setdefault(key(clause), []).append(place)
    for place, clause in enumerate(ours):
        name = key(clause)
        # What stands before the first clause has no heading, and a heading may have no number: no key at all.
        is_key = bool(name) or not clause.heading
        if place not in partners and is_key and free.get(name):
            partner = free[name][0]
            if (theirs[partner].heading == "") == (clause.heading == ""):
                partners[place] = free[name].pop(0)
