"""Runs measurements by name, prints their tables and writes `bench/results.json`: `python -m bench search`."""

import argparse
import asyncio
import json
import os
import tempfile
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from bench import agreements, bookings, search
from bench.figures import Figures

RESULTS = Path(__file__).parent / "results.json"


@dataclass(frozen=True)
class Benchmark:
    """Measures for some numbers of entries, bookings or agreements, with its data in a folder."""

    run: Callable[[Sequence[int], Path], Coroutine[Any, Any, Figures]]
    sizes: Sequence[int]


BENCHMARKS = {
    "search": Benchmark(search.run, search.SIZES),
    "bookings": Benchmark(bookings.run, bookings.SIZES),
    "agreements": Benchmark(agreements.run, agreements.SIZES),
}


def main() -> None:
    """Run the chosen measurements, all of them if none is named."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", help=f"of {', '.join(BENCHMARKS)}; all if left out")
    parser.add_argument("--sizes", help="other numbers of entries or bookings than usual, with commas between")
    parser.add_argument("--folder", type=Path, help="keep the data here and use what is there; else it is removed")
    given = parser.parse_args()
    if unknown := set(given.names) - BENCHMARKS.keys():
        parser.error(f"there is no measurement called {', '.join(sorted(unknown))}")
    names = given.names or list(BENCHMARKS)
    sizes = {
        name: [int(size) for size in given.sizes.split(",")] if given.sizes else list(BENCHMARKS[name].sizes)
        for name in names
    }
    with tempfile.TemporaryDirectory(prefix="bench-") as temporary:
        folder = given.folder or Path(temporary)
        found = [asyncio.run(BENCHMARKS[name].run(sizes[name], folder)) for name in names]
    console = Console(width=140)
    for figures in found:
        console.print(figures.as_table())
        _keep(figures, sizes[figures.title])


def _keep(figures: Figures, sizes: Sequence[int]) -> None:
    """Write the figures of one benchmark into the file of results; what others have measured stays."""
    results = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    results[figures.title] = {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "processors": os.cpu_count(),
        "sizes": list(sizes),
        "figures": figures.as_json(),
    }
    RESULTS.write_text(json.dumps(results, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
