"""Made-up entries for measurements: texts of usual length in Swedish and English, offers, opening hours, bookings.

Words follow Zipf's law as in real texts: few stand everywhere, most are rare. The same number makes the same entries.
`python -m bench.entries 1000` fills the database of the settings.
"""

import asyncio
import json
import random
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from itertools import accumulate
from typing import Any, cast
from uuid import UUID

from bench import words
from registry import PROJECT_ROOT, database
from registry.access import SYSTEM, Role
from registry.accounts import service as accounts
from registry.accounts.codes import OrganisationKind
from registry.agreements import service as agreements
from registry.agreements.codes import AgreementType, TermStatus, TermValue
from registry.audit.service import EventType, record
from registry.entries.codes import Audience, Kind, Perspective, Remuneration, Sector, Track
from search import vocabulary
from search.vocabulary import GENERAL, StartingConcept

BATCH = 2000
VOCABULARY = PROJECT_ROOT / "search" / "starting_vocabulary"
LANGUAGES = ("sv", "en")
NOW = datetime.now(UTC)
Row = dict[str, Any]
_OWNERS = ("buyer", "supplier", "each_own", "joint")


class _Zipf:
    """Draws words so that the one at rank r comes about as often as 1/r."""

    def __init__(self, chance: random.Random, listed: Sequence[str]) -> None:
        self._listed = chance.sample(listed, len(listed))
        self._weights = list(accumulate(1 / (rank + 2) for rank in range(len(listed))))
        self._chance = chance

    def draw(self) -> str:
        return self._chance.choices(self._listed, cum_weights=self._weights)[0]


@dataclass(frozen=True)
class _About:
    """What a text is about, and its language."""

    sector: Sector
    language: str
    name: str
    place: str


class Writer:
    """Writes entries."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)  # noqa: S311  # made-up texts, no secrets
        files = _vocabulary_files()
        self._terms = {
            (sector, code): _Zipf(
                self.chance,
                [
                    term
                    for name in (sector.value, GENERAL)
                    for concept in files[name]
                    for term in (concept["sv"] if code == "sv" else concept["en"])
                ],
            )
            for sector in Sector
            for code in LANGUAGES
        }
        self._compounds = {
            code: _Zipf(
                self.chance,
                [
                    f"{first}{'' if code == 'sv' else ' '}{head}"
                    for first in words.BEGINNINGS[code].split()
                    for head in words.HEADS[code].split()
                ],
            )
            for code in LANGUAGES
        }
        self._adjectives = {code: _Zipf(self.chance, listed.split()) for code, listed in words.ADJECTIVES.items()}
        self._verbs = {code: _Zipf(self.chance, listed.split()) for code, listed in words.VERBS.items()}
        self._municipalities = _Zipf(self.chance, words.MUNICIPALITIES.split())

    def entry(self, body_ids: Sequence[int]) -> Row:
        """The columns of an entry without its id; every tenth is a procurement or partnership."""
        chance = self.chance
        kind = chance.choices(list(Kind), weights=(65, 25, 7, 3))[0]
        sectors = [chance.choices(list(Sector), weights=(40, 30, 10, 20))[0]]
        if chance.random() < 0.2:  # noqa: PLR2004  # a fifth has two
            sectors += [sector for sector in (chance.choice(list(Sector)),) if sector not in sectors]
        name, place = self._name(), self._municipalities.draw()
        texts: Row = {}
        for code in LANGUAGES:
            about = _About(sectors[0], code, name, place)
            title = self._sentence(words.TITLES[code], about)
            texts |= {
                f"title_{code}": title[:1].upper() + title[1:],
                f"summary_{code}": self._text(1, 2, about),
                f"description_{code}": self._text(5, 12, about),
            }
        days = chance.randint(1, 900)
        return {
            "kind": kind.value,
            "status": "published",
            "visibility": "staff" if chance.random() < 0.05 else "public",  # noqa: PLR2004  # one in twenty
            **texts,
            "primary_sector": sectors[0].value,
            "sectors": [sector.value for sector in sectors],
            "perspectives": [one.value for one in chance.sample(list(Perspective), chance.randint(1, 2))],
            "keywords": [self._terms[sectors[0], "sv"].draw() for _ in range(chance.randint(0, 4))],
            "accountable_body": chance.choice(body_ids),
            "track": chance.choice(list(Track)).value,
            "address": f"{name}svägen {chance.randint(1, 80)}",
            "municipality": place,
            "latitude": 55.5 + chance.random() * 12,
            "longitude": 12.0 + chance.random() * 10,
            "ended": chance.random() < 0.05,  # noqa: PLR2004  # one in twenty
            "published_at": NOW - timedelta(days=days),
            "confirmed_at": NOW - timedelta(days=chance.randint(0, days)),
        }

    def environment(self, entry: Row) -> Row:
        """The columns of the environment of an entry."""
        chance = self.chance
        texts: Row = {}
        for code in LANGUAGES:
            about = _About(Sector(entry["primary_sector"]), code, self._name(), entry["municipality"])
            texts |= {
                f"offer_{code}": self._text(2, 4, about),
                f"equipment_{code}": self._text(1, 3, about),
                f"requirements_{code}": self._text(0, 1, about),
                f"accessibility_{code}": self._text(0, 1, about),
            }
        return {
            **texts,
            "capacity": chance.choices((1, 2, 5), weights=(70, 20, 10))[0],
            "bookable_by": chance.choices(
                (["external", "employee"], ["external"], ["employee"], []), weights=(50, 15, 15, 20)
            )[0],
            "remuneration": chance.choice(list(Remuneration)).value,
            "lead_time_hours": chance.choice((24, 72, 168)),
        }

    def opening_hours(self) -> list[tuple[int, time, time]]:
        """Weekdays with hours, the same on each."""
        opens, closes = time(self.chance.choice((7, 8, 9))), time(self.chance.choice((16, 17, 21)))
        return [(day, opens, closes) for day in range(1, self.chance.choice((5, 6, 8)))]

    def _name(self) -> str:
        first, middle, last = (self.chance.choice(listed.split()) for listed in words.SYLLABLES)
        return f"{first}{middle}{last}".capitalize()

    def _sentence(self, patterns: Sequence[str], about: _About) -> str:
        parts = self.chance.choice(patterns)
        for slot, drawn in (
            ("{t}", self._terms[about.sector, about.language]),
            ("{c}", self._compounds[about.language]),
            ("{a}", self._adjectives[about.language]),
            ("{v}", self._verbs[about.language]),
        ):
            while slot in parts:
                parts = parts.replace(slot, drawn.draw(), 1)
        return parts.replace("{n}", about.name).replace("{p}", about.place)

    def _text(self, least: int, most: int, about: _About) -> str:
        count = self.chance.randint(least, most)
        return " ".join(self._sentence(words.PATTERNS[about.language], about) for _ in range(count))


def _vocabulary_files() -> dict[str, list[StartingConcept]]:
    files = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(VOCABULARY.glob("*.json"))}
    return cast("dict[str, list[StartingConcept]]", files)


async def fill(count: int) -> None:
    """Load the vocabulary and write so many published entries with all that belongs to them, but no index."""
    writer = Writer(count)
    files = _vocabulary_files()
    # Places belong to all sectors.
    files[GENERAL] = [*files[GENERAL], *files.pop("places")]
    await vocabulary.load(SYSTEM, files)
    bodies = [
        await accounts.create_organisation(
            SYSTEM, kind=OrganisationKind.COMMITTEE, name_sv=f"Nämnden {number}", name_en=f"Committee {number}"
        )
        for number in range(1, 13)
    ]
    templates = await _templates()
    firm = await accounts.create_organisation(SYSTEM, kind=OrganisationKind.FIRM, name_sv="Firma", name_en="Firm")
    requester = await accounts.create_person(
        SYSTEM, email="load@registry.test", name="load", roles=[(Role.FIRM, firm)], organisation_id=firm
    )
    for start in range(1, count + 1, BATCH):
        ids = range(start, min(start + BATCH, count + 1))
        entries = {id: writer.entry(bodies) for id in ids}
        async with database.transaction():
            await record(SYSTEM, EventType.ENTRY_CREATED, "all", {"count": len(entries)})
            await _insert("entry", [{"id": id, "slug": f"entry-{id}", **entry} for id, entry in entries.items()])
            environments = {
                id: writer.environment(entry) for id, entry in entries.items() if entry["kind"] in _BOOKABLE_KINDS
            }
            await _insert("environment", [{"id": id, **one} for id, one in environments.items()])
            await _add_details(writer, environments, templates, (firm, requester))
    await database.fetch("SELECT setval(pg_get_serial_sequence('entry', 'id'), $1)", count)
    await database.fetch("ANALYZE")


_BOOKABLE_KINDS = {Kind.TESTBED.value, Kind.DEMO_ENVIRONMENT.value}


async def _templates() -> list[int]:
    """Templates whose terms can be searched for, one for each owner of results and each kind of agreement."""
    return [
        await agreements.create_template(
            SYSTEM,
            code=f"{kind.value}-{owner}".replace("_", "-"),
            type=kind,
            audience=list(Audience),
            title_sv=f"Avtal {kind.value} {owner}",
            title_en=f"Agreement {kind.value} {owner}",
            months_valid=24,
            text_sv="# Avtal\n\n## 1. Parter\n\nMellan {parties} om {entries}.",
            text_en="# Agreement\n\n## 1. Parties\n\nBetween {parties} on {entries}.",
            terms={
                name: TermValue(name, TermStatus.VALUE, code=code)
                for name, code in (("results_ownership", owner), ("publication", "allowed"))
            },
        )
        for kind in (AgreementType.TEST, AgreementType.COLLABORATION, AgreementType.NDA)
        for owner in _OWNERS
    ]


async def _add_details(
    writer: Writer, environments: Mapping[int, Row], templates: Sequence[int], asker: tuple[int, int]
) -> None:
    """Offers, opening hours, and for every tenth environment confirmed bookings."""
    chance = writer.chance
    await _insert(
        "offer",
        [
            {"entry": id, "template": template, "required": chance.random() < 0.7}  # noqa: PLR2004  # most are
            for id in environments
            for template in chance.sample(templates, chance.randint(0, 2))
        ],
    )
    await _insert(
        "opening_hours",
        [
            {"environment": id, "weekday": day, "opens": opens, "closes": closes}
            for id in environments
            for day, opens, closes in writer.opening_hours()
        ],
    )
    firm, requester = asker
    bookings = []
    for id in environments:
        if chance.random() < 0.1:  # noqa: PLR2004  # every tenth
            for week in range(chance.randint(1, 5)):
                start = NOW + timedelta(weeks=week, hours=chance.randint(1, 48))
                booking = UUID(int=chance.getrandbits(128), version=4)
                bookings.append((id, {"id": booking, "starts_at": start, "ends_at": start + timedelta(hours=3)}))
    common = {"state": "confirmed", "requester": requester, "organisation": firm, "audience": "external"}
    await _insert("booking", [{**times, **common, "purpose": "A test"} for _, times in bookings])
    await _insert("booking_environment", [{"booking": times["id"], "environment": id} for id, times in bookings])


async def _insert(table: str, rows: Sequence[Row]) -> None:
    """Write rows that all have the same columns."""
    if rows:
        records = [tuple(row.values()) for row in rows]
        await database.connection().copy_records_to_table(table, records=records, columns=list(rows[0]))


async def _main(count: int) -> None:
    await database.engine().start_connection_pool(min_size=1, max_size=2)
    await fill(count)
    await database.engine().close_connection_pool()


if __name__ == "__main__":
    asyncio.run(_main(int(sys.argv[1])))
