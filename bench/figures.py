"""What was measured: kept by name and size, shown as a table, and written as JSON."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import Any

from rich.table import Table


@dataclass(frozen=True)
class Figure:
    """A value for a number of entries. A goal is the most that is allowed, or the least where `at_least`."""

    name: str
    size: int
    value: float
    unit: str
    goal: float | None = None
    at_least: bool = False

    @property
    def is_met(self) -> bool | None:
        if self.goal is None:
            return None
        return self.value >= self.goal if self.at_least else self.value <= self.goal


@dataclass
class Figures:
    """The figures of one benchmark, in the order in which they were measured."""

    title: str
    listed: list[Figure] = field(default_factory=list)

    def add(
        self, name: str, size: int, value: float, unit: str, *, goal: float | None = None, at_least: bool = False
    ) -> None:
        """Add one figure."""
        self.listed.append(Figure(name, size, value, unit, goal, at_least))

    def as_table(self) -> Table:
        """One line for each name, one column for each size."""
        sizes = sorted({one.size for one in self.listed})
        table = Table("", *(f"{size:,}" for size in sizes), "goal", title=self.title, title_justify="left")
        for column in table.columns[1:]:
            column.justify = "right"
        for name in dict.fromkeys(one.name for one in self.listed):
            by_size = {one.size: one for one in self.listed if one.name == name}
            table.add_row(name, *(_cell(by_size.get(size)) for size in sizes), _goal(by_size.values()))
        return table

    def as_json(self) -> list[dict[str, Any]]:
        """The figures with whether each goal was met."""
        return [
            {
                "name": one.name,
                "size": one.size,
                "value": round(one.value, 3),
                "unit": one.unit,
                **({} if one.goal is None else {"goal": one.goal, "met": one.is_met}),
            }
            for one in self.listed
        ]


def percentile(values: Sequence[float], share: float) -> float:
    """The value that so large a share of the values does not exceed (nearest rank)."""
    return sorted(values)[max(0, ceil(share * len(values)) - 1)]


def _cell(figure: Figure | None) -> str:
    if figure is None:
        return ""
    text = f"{figure.value:,.2f}" if figure.unit == "×" else f"{figure.value:,.1f}"
    colour = {True: "green", False: "bold red", None: "default"}[figure.is_met]
    return f"[{colour}]{text} {figure.unit}{' missed' if figure.is_met is False else ''}[/]"


def _goal(figures: Iterable[Figure]) -> str:
    for one in figures:
        if one.goal is not None:
            return f"{'≥' if one.at_least else '≤'} {one.goal:g} {one.unit}"
    return ""
