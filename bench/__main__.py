"""Runs measurements by name, prints their tables and writes `bench/results.json`: `python -m bench search`."""

import argparse
import asyncio
import json
import os
import tempfile
from collections.abc import Callable, Coroutine, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from bench import agreements, search
from bench.figures import Figures

RESULTS = Path(__file__).parent / "results.json"
# Each measures for the given numbers of entries (or agreements), with its data in a folder.
BENCHMARKS: dict[str, Callable[[Sequence[int], Path], Coroutine[Any, Any, Figures]]] = {
    "search": search.run,
    "agreements": agreements.run,
}


def main() -> None:
    """Run the chosen measurements, all of them if none is named."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", help=f"of {', '.join(BENCHMARKS)}; all if left out")
    parser.add_argument("--sizes", default="1000,10000,100000", help="numbers of entries, with commas between")
    parser.add_argument("--folder", type=Path, help="keep the data here and use what is there; else it is removed")
    given = parser.parse_args()
    if unknown := set(given.names) - BENCHMARKS.keys():
        parser.error(f"there is no measurement called {', '.join(sorted(unknown))}")
    sizes = [int(size) for size in given.sizes.split(",")]
    with tempfile.TemporaryDirectory(prefix="bench-") as temporary:
        folder = given.folder or Path(temporary)
        found: list[Figures] = [asyncio.run(BENCHMARKS[name](sizes, folder)) for name in given.names or BENCHMARKS]
    console = Console(width=140)
    for figures in found:
        console.print(figures.as_table())
    results = {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "processors": os.cpu_count(),
        "sizes": sizes,
        **{figures.title: figures.as_json() for figures in found},
    }
    RESULTS.write_text(json.dumps(results, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
