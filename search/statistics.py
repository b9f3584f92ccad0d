"""What is asked for and what people choose, counted without a person, an address or a time of day.

Counts are kept in memory and written every few seconds in one statement. A question that could hold personal data
is not kept at all. A database that does not answer costs counts, never a search.
"""

import asyncio
import json
import logging
import unicodedata
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

import asyncpg

from registry import database
from registry.access import Actor, Permission

STOCKHOLM = ZoneInfo("Europe/Stockholm")
LONGEST_QUESTION = 100
# A number with so many digits may be a person's, a phone's or a case's.
DIGITS_OF_A_PERSON = 6
KEPT_MONTHS = 13
SECONDS_BETWEEN_WRITES = 5.0
LONGEST_WRITE = 3.0
# What one process keeps in memory, and how many different questions a day may have; more are not counted.
MOST_KEPT = 2_000
MOST_A_DAY = 10_000
# Places that are counted each for itself; later ones are counted together.
PLACES = 10
LAST_PLACE = 1_000
MOST_CLICKS_PER_SEARCH = 10
log = logging.getLogger(__name__)


class _Key(NamedTuple):
    day: date
    question: str
    language: str
    asker: str


@dataclass
class _Counts:
    searches: int = 0
    without_hits: int = 0
    last_hits: int = 0
    clicks: int = 0
    places: int = 0
    clicked_at: list[int] = field(default_factory=lambda: [0] * (PLACES + 1))

    def add(self, later: "_Counts") -> None:
        self.last_hits = later.last_hits if later.searches else self.last_hits
        self.searches += later.searches
        self.without_hits += later.without_hits
        self.clicks += later.clicks
        self.places += later.places
        self.clicked_at = [one + other for one, other in zip(self.clicked_at, later.clicked_at, strict=True)]


_Kept = dict[_Key, _Counts]


class Buffer:
    """Counts that are not written yet. A click waits one round longer, so that its search is written before it."""

    def __init__(self) -> None:
        self._searches: _Kept = {}
        self._clicks: _Kept = {}
        self._clicks_due: _Kept = {}

    def add_search(self, key: _Key, hits: int) -> None:
        """Add a search; a further question when there are too many is left out."""
        _add(self._searches, key, _Counts(searches=1, without_hits=int(hits == 0), last_hits=hits))

    def add_click(self, key: _Key, place: int) -> None:
        """Add a click on the result at a place, counted from 1."""
        counts = _Counts(clicks=1, places=place)
        counts.clicked_at[min(place, PLACES + 1) - 1] = 1
        _add(self._clicks, key, counts)

    def take(self) -> _Kept:
        """What is to be written now; the buffer no longer holds it."""
        taken, clicks = self._searches, self._clicks_due
        self._searches, self._clicks_due, self._clicks = {}, self._clicks, {}
        for key, counts in clicks.items():
            _add(taken, key, counts, most=2 * MOST_KEPT)
        return taken

    def give_back(self, taken: _Kept) -> None:
        """Take in again what could not be written."""
        newer, self._searches = self._searches, {key: counts for key, counts in taken.items() if counts.searches}
        for key, counts in newer.items():
            _add(self._searches, key, counts)
        for key, counts in taken.items():
            if not counts.searches:
                _add(self._clicks_due, key, counts)


def _add(into: _Kept, key: _Key, counts: _Counts, *, most: int = MOST_KEPT) -> None:
    if key in into:
        into[key].add(counts)
    elif len(into) < most:
        into[key] = counts


_buffer = Buffer()

# Clicks alone never make a row: they count for what has been asked for that day, and for no more than is believable.
_WRITE = """
WITH given AS MATERIALIZED (
    SELECT * FROM jsonb_to_recordset($1::jsonb) AS sent (day date, question text, language text, asker text,
        searches int, without_hits int, last_hits int, clicks int, places bigint, clicked_at int[])
), held AS (
    SELECT day, count(*) AS questions FROM search_question
    WHERE day = ANY (ARRAY (SELECT DISTINCT day FROM given)) GROUP BY day
)
INSERT INTO search_question AS kept
    (day, question, language, asker, searches, without_hits, last_hits, clicks, places, clicked_at)
SELECT given.day, given.question, given.language, given.asker, given.searches, given.without_hits, given.last_hits,
       CASE WHEN believable THEN given.clicks ELSE 0 END, CASE WHEN believable THEN given.places ELSE 0 END,
       CASE WHEN believable THEN given.clicked_at ELSE array_fill(0, ARRAY[cardinality(given.clicked_at)]) END
FROM given
LEFT JOIN held ON held.day = given.day
LEFT JOIN search_question known ON (known.day, known.question, known.language, known.asker)
     = (given.day, given.question, given.language, given.asker)
CROSS JOIN LATERAL (
    SELECT coalesce(known.clicks, 0) + given.clicks <= $3 * (coalesce(known.searches, 0) + given.searches) AS believable
) AS judged
WHERE known.id IS NOT NULL OR (given.searches > 0 AND coalesce(held.questions, 0) < $2)
ORDER BY given.day, given.question, given.language, given.asker
ON CONFLICT (day, question, language, asker) DO UPDATE SET
    searches = kept.searches + excluded.searches,
    without_hits = kept.without_hits + excluded.without_hits,
    last_hits = CASE WHEN excluded.searches > 0 THEN excluded.last_hits ELSE kept.last_hits END,
    clicks = kept.clicks + excluded.clicks,
    places = kept.places + excluded.places,
    clicked_at = ARRAY (SELECT old + new FROM unnest(kept.clicked_at, excluded.clicked_at) AS at_place (old, new))
"""


def normalised(text: str) -> str | None:
    """The question as it is counted: lower case, Unicode's form NFC, single spaces.

    None where it may not be kept: it is empty, long, or could hold an address or a number of a person.
    """
    visible = "".join(" " if unicodedata.category(one).startswith("C") else one for one in text)
    question = unicodedata.normalize("NFC", " ".join(visible.split()).lower())
    # Full-width and other forms of a character are judged as the plain one.
    plain = unicodedata.normalize("NFKC", question)
    if not question or len(question) > LONGEST_QUESTION or "@" in plain:
        return None
    return None if sum(one.isnumeric() for one in plain) >= DIGITS_OF_A_PERSON else question


def asked(actor: Actor, text: str, language: str, hits: int) -> None:
    """Count a search with how many hits it had; nothing is stored of the actor but whether they are staff."""
    question = normalised(text)
    if question is not None:
        _buffer.add_search(_key(actor, question, language), hits)


def clicked(actor: Actor, text: str, language: str, place: int) -> None:
    """Count that the result at a place of a search's list was opened (1 is the first).

    It is counted when it is written, and only if the question has been asked today.
    """
    question = normalised(text)
    if question is not None and 1 <= place <= LAST_PLACE:
        _buffer.add_click(_key(actor, question, language), place)


async def write() -> None:
    """Write what has been counted. What cannot be written now is kept for the next time, as far as there is room."""
    taken = _buffer.take()
    if not taken:
        return
    try:
        async with asyncio.timeout(LONGEST_WRITE):
            rows = json.dumps([_row(key, counts) for key, counts in sorted(taken.items(), key=lambda one: one[0])])
            await database.fetch(_WRITE, rows, MOST_A_DAY, MOST_CLICKS_PER_SEARCH)
    except (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError) as error:
        # Trying again would fail again. The error's own text could hold what somebody asked.
        log.error("Search statistics are lost: %s", type(error).__name__)  # noqa: TRY400
    except Exception as error:  # noqa: BLE001  # whatever is wrong, searching goes on
        log.warning("Search statistics wait for the database: %s", type(error).__name__)
        _buffer.give_back(taken)


@asynccontextmanager
async def kept_up() -> AsyncIterator[None]:
    """While this is entered, counts are written every few seconds, and once more at the end."""
    stop = asyncio.Event()
    writing = asyncio.create_task(_keep_writing(stop))
    try:
        yield
    finally:
        stop.set()
        await writing


async def _keep_writing(stop: asyncio.Event) -> None:
    stopped = False
    while not stopped:
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), SECONDS_BETWEEN_WRITES)
        stopped = stop.is_set()
        await write()
    await write()  # the clicks that waited for the round before


async def remove_old() -> None:
    """Remove the days that are older than statistics are kept."""
    await database.fetch(
        "DELETE FROM search_question WHERE day < $1::date - make_interval(months => $2)", today(), KEPT_MONTHS
    )


def today() -> date:
    """The day in Europe/Stockholm."""
    return datetime.now(STOCKHOLM).date()


def _key(actor: Actor, question: str, language: str) -> _Key:
    return _Key(today(), question, language, "staff" if actor.may(Permission.ENTRY_READ_STAFF) else "public")


def _row(key: _Key, counts: _Counts) -> dict[str, object]:
    return {**key._asdict(), "day": key.day.isoformat(), **asdict(counts)}
