"""Half-open intervals of time and what can be done with them; moments are in UTC."""

from bisect import bisect_right
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
    ends = [one[1] for one in gone]
    for start, end in intervals:
        at = start
        for taken_start, taken_end in gone[bisect_right(ends, start) :]:
            if taken_start >= end:
                break
            if taken_start > at:
                result.append((at, taken_start))
            at = taken_end
        if at < end:
            result.append((at, end))
    return result


def common(first: Sequence[Interval], second: Sequence[Interval]) -> list[Interval]:
    """What two lists of half-open intervals have in common, touching parts joined."""
    ones, others = joined(first), joined(second)
    result: list[Interval] = []
    i = j = 0
    while i < len(ones) and j < len(others):
        start, end = max(ones[i][0], others[j][0]), min(ones[i][1], others[j][1])
        if start < end:
            result.append((start, end))
        if ones[i][1] < others[j][1]:
            i += 1
        else:
            j += 1
    return result
