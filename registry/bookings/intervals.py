"""Half-open intervals of time and what can be done with them; moments are in UTC."""

from collections.abc import Iterable, Sequence
from datetime import datetime

Interval = tuple[datetime, datetime]


def joined(intervals: Iterable[Interval]) -> list[Interval]:
    """The union of half-open intervals as disjoint ones in order."""
    result: list[Interval] = []
    for start, end in sorted(intervals):
        if result and start <= result[-1][1]:
            result[-1] = (result[-1][0], max(result[-1][1], end))
        else:
            result.append((start, end))
    return result


def without(intervals: Sequence[Interval], taken: Sequence[Interval]) -> list[Interval]:
    """The half-open intervals less what is taken."""
    result: list[Interval] = []
    gone = joined(taken)
    for start, end in intervals:
        at = start
        for taken_start, taken_end in gone:
            if taken_end <= at or taken_start >= end:
                continue
            if taken_start > at:
                result.append((at, taken_start))
            at = max(at, taken_end)
        if at < end:
            result.append((at, end))
    return result


def common(first: Sequence[Interval], second: Sequence[Interval]) -> list[Interval]:
    """What two lists of half-open intervals have in common."""
    return joined((max(a, c), min(b, d)) for a, b in first for c, d in second if max(a, c) < min(b, d))
