"""Where entries are, by municipality: places to search near without a position of one's own."""

import math
import time
from collections.abc import Iterable
from dataclasses import dataclass

from registry import database
from registry.access import Actor, Permission
from registry.entries.queries import VISIBLE
from search.engine import Near
from search.language import order_key

# Seconds that the list may be old.
_PATIENCE = 5.0
# A position so near to the middle of a municipality's entries is called by its name.
_SAME_PLACE_KM = 3.0


@dataclass(frozen=True)
class Place:
    """A municipality and the middle of the entries there, in degrees (WGS 84), to about a kilometre."""

    name: str
    latitude: float
    longitude: float

    @property
    def value(self) -> str:
        """The place as an address of a search has it."""
        return f"{self.latitude:.2f},{self.longitude:.2f}"


_memory: dict[bool, tuple[float, list[Place]]] = {}


async def places(actor: Actor) -> list[Place]:
    """The municipalities that have entries which the actor may see, in alphabetical order; a few seconds old."""
    staff = actor.may(Permission.ENTRY_READ_STAFF)
    read_at, found = _memory.get(staff, (-math.inf, []))
    if time.monotonic() - read_at > _PATIENCE:
        rows = await database.fetch(
            "SELECT municipality, avg(latitude) AS latitude, avg(longitude) AS longitude FROM entry e"
            f" WHERE {VISIBLE} AND municipality <> '' AND latitude IS NOT NULL GROUP BY municipality",
            staff,
        )
        found = [Place(row["municipality"], row["latitude"], row["longitude"]) for row in rows]
        found.sort(key=lambda place: order_key(place.name, "sv"))
        _memory[staff] = (time.monotonic(), found)
    return found


def place_at(near: Near, known: Iterable[Place]) -> Place | None:
    """The place that a position is in the middle of; None if it is somewhere else."""
    km, place = min(
        ((near.distance_km(place.latitude, place.longitude), place) for place in known),
        key=lambda pair: pair[0],
        default=(math.inf, None),
    )
    return place if km <= _SAME_PLACE_KM else None
