"""How good the search is, measured with judged queries."""

import json
import math
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from registry import database
from registry.access import VISITOR
from registry.entries.queries import VISIBLE
from search import queries
from search.engine import SearchEngine, SearchRequest

DEPTH = 10
HIGHEST_GRADE = 10


class BadFile(Exception):
    """The file does not hold judged queries; the text says where and why."""


@dataclass(frozen=True)
class Judged:
    """A query and how well entries answer it: grades from 0 (not at all), by the entry's title in either language."""

    query: str
    relevant: Mapping[str, int]


@dataclass(frozen=True)
class Measured:
    """How a query went: `ndcg` and `recall` are from 0 to 1, `found` the titles of the first DEPTH, best first."""

    judged: Judged
    ndcg: float
    recall: float
    total: int
    found: Sequence[str]


@dataclass(frozen=True)
class Evaluation:
    """How all queries went. `unknown` are names that no entry has, `left_out` queries with such names only.

    `engines` are those that have answered: more than one if an engine went away meanwhile.
    """

    measured: Sequence[Measured]
    unknown: Sequence[str]
    left_out: Sequence[str]
    engines: Sequence[str]

    @property
    def ndcg(self) -> float:
        return sum(one.ndcg for one in self.measured) / len(self.measured) if self.measured else 0.0

    @property
    def recall(self) -> float:
        return sum(one.recall for one in self.measured) / len(self.measured) if self.measured else 0.0

    @property
    def without_hit(self) -> list[str]:
        return [one.judged.query for one in self.measured if not one.total]


def read(path: Path) -> list[Judged]:
    """The judged queries of a file: a JSON list of `{"query": …, "relevant": {name: grade}}`.

    Raises:
        BadFile: it cannot be read, or holds something else.
    """
    try:
        items = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadFile(f"{path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise BadFile(f"{path} is not text in UTF-8.") from error
    except (json.JSONDecodeError, RecursionError) as error:
        raise BadFile(f"{path} is not JSON: {error}.") from error
    if not isinstance(items, list) or not items:
        raise BadFile(f'{path} is not a list of {{"query", "relevant": {{name: grade}}}} objects.')
    return [_judged(path, number, item) for number, item in enumerate(items, start=1)]


def _judged(path: Path, number: int, item: Any) -> Judged:  # noqa: ANN401  # JSON
    where = f"{path}, query {number}"
    if not isinstance(item, dict) or not isinstance(item.get("query"), str) or not item["query"].strip():
        raise BadFile(f"{where}: “query” is missing or no text.")
    relevant = item.get("relevant")
    if not isinstance(relevant, dict) or not relevant:
        raise BadFile(f"{where}: “relevant” is missing or not an object of names and grades.")
    for name, grade in relevant.items():
        if isinstance(grade, bool) or not isinstance(grade, int) or not 0 <= grade <= HIGHEST_GRADE:
            raise BadFile(f"{where}: the grade of “{name}” is not a whole number from 0 to {HIGHEST_GRADE}.")
    if not any(relevant.values()):
        raise BadFile(f"{where}: no entry has a grade above 0, so nothing can be measured.")
    return Judged(item["query"], relevant)


async def evaluate(judged: Sequence[Judged], engine: SearchEngine | None = None) -> Evaluation:
    """Ask every query as a visitor in Swedish, and measure the answers.

    Names that no entry has count neither for nor against.

    Raises:
        EngineAway: the engine that was asked for does not answer. Without one, the engine in use answers.
    """
    ids = await _ids_by_name()
    unknown = dict.fromkeys(name for one in judged for name in one.relevant if _plain(name) not in ids)
    measured, left_out = [], []
    engines: dict[str, None] = {}
    for one in judged:
        grades = {id: grade for name, grade in one.relevant.items() if (id := ids.get(_plain(name))) is not None}
        if not any(grades.values()):
            left_out.append(one.query)
            continue
        result = await queries.find(VISITOR, SearchRequest(one.query, page_size=DEPTH), engine)
        engines[result.engine] = None
        found = [hit.id for hit in result.items]
        measured.append(
            Measured(
                one,
                ndcg=ndcg([grades.get(id, 0) for id in found], grades.values()),
                recall=recall(found, grades),
                total=result.total,
                found=[hit.title_sv or hit.title_en for hit in result.items],
            )
        )
    return Evaluation(measured, list(unknown), left_out, list(engines))


def ndcg(found: Sequence[int], judged: Iterable[int]) -> float:
    """The normalised discounted cumulative gain of the first DEPTH grades in the order found.

    An entry of grade g at place i (from 1) gains (2^g - 1) / log2(i + 1); the sum is divided by the highest possible.
    """
    return _gain(found) / _gain(sorted(judged, reverse=True))


def _gain(grades: Sequence[int]) -> float:
    return math.fsum((2.0**grade - 1) / math.log2(place + 1) for place, grade in enumerate(grades[:DEPTH], start=1))


def recall(found: Sequence[int], grades: Mapping[int, int]) -> float:
    """The share of the entries with a grade above 0 that is among the first DEPTH."""
    wanted = {id for id, grade in grades.items() if grade}
    return len(wanted & set(found[:DEPTH])) / len(wanted)


async def _ids_by_name() -> dict[str, int]:
    """The entries that a visitor may see by their titles; of two with the same title the older one."""
    for_staff = False
    rows = await database.fetch(
        f"SELECT e.id, e.title_sv, e.title_en FROM entry e WHERE {VISIBLE} ORDER BY e.id", for_staff
    )
    found: dict[str, int] = {}
    for row in rows:
        for title in (row["title_sv"], row["title_en"]):
            if title:
                found.setdefault(_plain(title), row["id"])
    return found


def _plain(name: str) -> str:
    return " ".join(unicodedata.normalize("NFC", name).casefold().split())
