"""The search finds what people look for: judged queries over the 40 real entries of the demo, with both engines.

`relevance_held_out.json` was written by somebody who knew the entries but not the program, and nothing is tuned to
it: what it measures is what a new query can expect. The second and the third held-out set were written the same way
later, measured, and then looked at for the kinds of fault. `relevance_development.json` was looked at while building.
"""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT, free_port, missing
from tests.meilisearch_server import MeilisearchServer
from tests.test_demo import CLEAN, REGISTRY, Demo, start

# The goals of the search are 0.92 with Meilisearch and 0.82 with PostgreSQL. This is what has been reached, nearly.
# The development set asks for what the demo's other entries answer too (procurements, examples); the third held-out
# set asks for much of which no entry is quite about.
REACHED = {
    ("sample", "meilisearch"): 0.965,
    ("sample", "postgres"): 0.965,
    ("held_out", "meilisearch"): 0.93,
    ("held_out", "postgres"): 0.925,
    ("second_held_out", "meilisearch"): 0.945,
    ("second_held_out", "postgres"): 0.94,
    ("third_held_out", "meilisearch"): 0.905,
    ("third_held_out", "postgres"): 0.895,
    ("development", "meilisearch"): 0.925,
    ("development", "postgres"): 0.92,
}
OWN = Path(__file__).parent / "data"
SHARED = Path(os.environ.get("REGISTRY_SHARED_DATA", ROOT.parent / "shared" / "data"))


@pytest.fixture(scope="module")
def demo(
    meilisearch: MeilisearchServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Path, dict[str, str]]]:
    """A demo whose search is in Meilisearch: its data folder and the settings that name the server."""
    folder = tmp_path_factory.mktemp("relevance")
    for parent in [folder, *folder.parents][:3]:
        parent.chmod(0o755)
    named = {"REGISTRY_MEILISEARCH_URL": meilisearch.url, "REGISTRY_MEILISEARCH_KEY": meilisearch.key}
    running: Demo = start(folder, free_port(), **named)
    yield folder, named
    running.stop()


def evaluate(demo: tuple[Path, dict[str, str]], engine: str, file: Path) -> tuple[float, str]:
    """nDCG@10 of the queries in a file, and all that was printed."""
    folder, named = demo
    done = subprocess.run(
        [*REGISTRY, "search", "evaluate", str(file), "--engine", engine, "--verbose", "--data-dir", str(folder)],
        cwd=ROOT,
        env=CLEAN | named,
        capture_output=True,
        text=True,
        timeout=100,
        check=True,
    )
    found = re.search(r"nDCG@10\D+(\d\.\d+)", done.stdout)
    assert found, done.stdout
    return float(found[1]), done.stdout


@pytest.mark.parametrize("engine", ["meilisearch", "postgres"])
@pytest.mark.parametrize("name", ["held_out", "second_held_out", "third_held_out", "development"])
def test_the_search_stays_as_good_as_it_was(demo: tuple[Path, dict[str, str]], engine: str, name: str) -> None:
    score, told = evaluate(demo, engine, OWN / f"relevance_{name}.json")
    assert score >= REACHED[name, engine], told
    assert "without a hit: 0" in told.lower(), told


@pytest.mark.parametrize("engine", ["meilisearch", "postgres"])
def test_the_sample_is_answered_well(demo: tuple[Path, dict[str, str]], engine: str) -> None:
    file = SHARED / "relevance.json"
    if not file.exists():
        missing(f"{file.name} is not where REGISTRY_SHARED_DATA says")
    score, told = evaluate(demo, engine, file)
    assert score >= REACHED["sample", engine], told
    assert "without a hit: 0" in told.lower(), told
