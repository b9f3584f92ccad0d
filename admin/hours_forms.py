"""The hours of a week as forms take and show them, several openings a day."""

from collections.abc import Iterable, Mapping
from datetime import time
from typing import Annotated, Any

from pydantic import Field

from registry.entries.calendars import Opening
from registry.errors import N_, FieldError, InvalidInput, message
from registry.web.input import BlankIsNone, Input

WEEK = range(1, 8)
# A second opening of a day needs no script: a row waits for it.
_SPARE_ROWS = 1
Times = Annotated[list[Annotated[time | None, BlankIsNone]], Field(default_factory=list, max_length=10)]


class HoursForm(Input):
    """`opens_1` and `closes_1` are Monday's hours, side by side, and so on to Sunday, in Europe/Stockholm."""

    opens_1: Times
    closes_1: Times
    opens_2: Times
    closes_2: Times
    opens_3: Times
    closes_3: Times
    opens_4: Times
    closes_4: Times
    opens_5: Times
    closes_5: Times
    opens_6: Times
    closes_6: Times
    opens_7: Times
    closes_7: Times

    def openings(self) -> tuple[Opening, ...]:
        """The opening hours.

        Raises:
            InvalidInput: a time lacks its other end, or a day closes before it opens.
        """
        faults: list[FieldError] = []
        found: list[Opening] = []
        for day in WEEK:
            for start, end in _pairs(getattr(self, f"opens_{day}"), getattr(self, f"closes_{day}"), None):
                if start is None and end is None:
                    continue
                if start is None or end is None:
                    faults.append(
                        FieldError(f"opens_{day}", message(N_("Give both when it opens and when it closes.")))
                    )
                elif end != time(0) and end <= start:
                    faults.append(FieldError(f"opens_{day}", message(N_("It must close after it opens."))))
                else:
                    found.append(Opening(day, start.replace(tzinfo=None), end.replace(tzinfo=None)))
        if faults:
            raise InvalidInput(faults)
        return tuple(found)


def hour_values(openings: Iterable[Opening]) -> dict[str, list[str]]:
    """Opening hours as the values of the form."""
    known = list(openings)
    return {
        f"{name}_{day}": [getattr(o, name).strftime("%H:%M") for o in known if o.weekday == day]
        for day in WEEK
        for name in ("opens", "closes")
    }


def hour_rows(values: Mapping[str, Any], *, spare: int = _SPARE_ROWS) -> list[tuple[int, list[tuple[str, str]]]]:
    """The rows to show: the weekday with its hours and, after those, `spare` blank rows for further ones."""
    rows = []
    for day in WEEK:
        typed = [pair for pair in _pairs(values[f"opens_{day}"], values[f"closes_{day}"], "") if any(pair)]
        rows.append((day, [*typed, *[("", "")] * max(spare, 1 - len(typed))]))
    return rows


def _pairs(opens: Iterable[Any], closes: Iterable[Any], blank: Any) -> list[tuple[Any, Any]]:  # noqa: ANN401
    first, last = list(opens), list(closes)
    count = max(len(first), len(last))
    return list(zip((*first, *[blank] * count)[:count], (*last, *[blank] * count)[:count], strict=True))
