"""Reading the demo's data files; registry/demo/data/README.md describes their form."""

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from registry import database
from registry.access import SYSTEM
from registry.entries import service as entries
from registry.entries.codes import Kind, Perspective, Sector, Specialisation, Track
from registry.entries.service import EntryText

DATA = Path(__file__).parent / "data"


def load(name: str) -> Any:  # noqa: ANN401  # JSON
    """A data file."""
    return json.loads((DATA / f"{name}.json").read_text(encoding="utf-8"))


def day(offset: int) -> date:
    """The day so many days from today, in UTC."""
    return datetime.now(UTC).date() + timedelta(days=offset)


async def publish(entry_id: int) -> None:
    """Publish an entry that has just been created."""
    for action in ("submit", "publish"):
        await entries.move_entry(SYSTEM, entry_id, action)
    # Nobody at the operator has confirmed it.
    await database.fetch("UPDATE entry SET confirmed_at = NULL WHERE id = $1", entry_id)


def entry_text(one: Mapping[str, Any], organisations: Mapping[str, int]) -> EntryText:
    """The text of an entry from an object of the data files."""
    return EntryText(
        kind=Kind(one["kind"]),
        primary_sector=Sector(one["sectors"][0]),
        accountable_body=organisations[one["accountable_body"]],
        track=Track(one["track"]),
        title_sv=one["title_sv"],
        title_en=one["title_en"],
        summary_sv=one["summary_sv"],
        summary_en=one["summary_en"],
        description_sv=one["description_sv"],
        description_en=one["description_en"],
        sectors=tuple(Sector(code) for code in one["sectors"]),
        perspectives=tuple(Perspective(code) for code in one["perspectives"]),
        specialisations=tuple(Specialisation(code) for code in one["specialisations"]),
        keywords=tuple(one["keywords"]),
        unit=organisations[one["unit"]] if one["unit"] else None,
        contact_function=one.get("contact_function", ""),
        answer_days=one.get("answer_days", 5),
        municipality=one["municipality"],
        latitude=one["latitude"],
        longitude=one["longitude"],
        link=one.get("url", one.get("link", "")),
        source=one.get("source", one.get("url", "")),
        ended=one["ended"],
        example_fields=tuple(one["example_fields"]),
    )
