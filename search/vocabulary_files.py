"""The starting vocabulary: the files in `starting_vocabulary/`, whose README describes them."""

import json
from pathlib import Path
from typing import Any

from registry import database
from registry.access import SYSTEM
from search import vocabulary
from search.vocabulary import GENERAL, StartingConcept

_FOLDER = Path(__file__).parent / "starting_vocabulary"
# Places are of no sector, and many enough for a file of their own.
_PLACES = "places"


async def load_starting() -> int:
    """Load what the vocabulary does not have yet, and return how many concepts were added; see vocabulary.load."""
    return await vocabulary.load(SYSTEM, starting_files())


async def load_if_empty() -> int:
    """Load the starting vocabulary where there is none; what people have removed from another does not come back."""
    known = await database.fetch_one("SELECT EXISTS (SELECT FROM vocabulary_concept) AS any")
    return 0 if known is None or known["any"] else await load_starting()


def starting_files() -> dict[str, list[StartingConcept]]:
    """The concepts of the files by sector or `general`."""
    found: dict[str, list[StartingConcept]] = {}
    for path in sorted(_FOLDER.glob("*.json")):
        concepts: Any = json.loads(path.read_text(encoding="utf-8"))
        found.setdefault(GENERAL if path.stem == _PLACES else path.stem, []).extend(concepts)
    return found
