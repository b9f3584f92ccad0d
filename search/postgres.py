"""The engine that needs nothing but PostgreSQL. It finds the same words as the other, and ranks more simply."""

import json
from collections.abc import Sequence

from registry import database
from registry.entries.queries import VISIBLE
from search.document import SHOWN
from search.engine import (
    EARTH_RADIUS_KM,
    FACETS,
    MOST_SUGGESTIONS,
    EngineResult,
    Hit,
    SearchRequest,
    Sort,
    Suggestion,
    further_doubt,
)
from search.language import words
from search.question import NOTHING_TYPED, Reading, Term, typed
from search.thesaurus import token

# What a word counts where it stands: title (A), summary (B), names (C); where it is only elsewhere, _ELSEWHERE.
_PLACES = (("A", 8), ("AB", 4), ("ABC", 2))
_ELSEWHERE = 1
_LITERAL = 0.5


class _Statement:
    """SQL text and the values of its parameters, `$1` being what VISIBLE asks for."""

    def __init__(self, request: SearchRequest, readings: Sequence[Reading]) -> None:
        self._request = request
        self._readings = readings
        self.values: list[object] = [request.staff]

    def put(self, value: object, sql_type: str) -> str:
        """The place of a value."""
        self.values.append(value)
        return f"${len(self.values)}::{sql_type}"

    def matched(self, columns: str, *, judged: bool) -> str:
        """The documents `d` that the readings and the place find, with columns of theirs.

        With `judged` there is the number of the surest reading that finds each, as `reading`: that is looked up in
        the whole text of every document, which takes time, so who only counts leaves it out.
        """
        queries = [self._query(reading) for reading in self._readings]
        conditions = [VISIBLE, *self._conditions()]
        if queries:
            conditions.append(f"d.vector @@ ({' || '.join(queries)})")
        distance = "NULL::double precision"
        if near := self._request.near:
            distance = self._distance(near.latitude, near.longitude)
            conditions += ["e.latitude IS NOT NULL", f"{distance} <= {self.put(near.radius_km, 'double precision')}"]
        # Whatever the others do not find the last one has found.
        cases = [f"WHEN d.vector @@ {query} THEN {number}" for number, query in enumerate(queries[:-1])]
        reading = f"CASE {' '.join(cases)} ELSE {len(cases)} END" if judged and cases else "0"
        # Without the OFFSET, PostgreSQL would work out a column wherever it is named.
        return (
            f"(SELECT {columns}, {reading} AS reading, {distance} AS distance"
            " FROM search_document d JOIN entry e ON e.id = d.id"
            f" WHERE {' AND '.join(f'({condition})' for condition in conditions)} OFFSET 0) d"
        )

    def passes(self, name: str) -> str:
        """Whether a document passes a filter that is on."""
        chosen = [f"{name}:{value}" for value in self._request.filters[name]]
        return f"d.facet_values && {self.put(chosen, 'text[]')}"

    def doubt(self) -> str:
        """How doubtful the reading is that has found a document."""
        doubts = [reading.doubt for reading in self._readings] or [0]
        return f"({self.put(doubts, 'int[]')})[d.reading + 1]"

    def rank(self) -> str:
        """The points of the reading that has found a document: for each term by where it stands, and if literally."""
        cases = [
            f"WHEN {number} THEN {reading.weight:.3f} * ({' + '.join(map(self._points, reading.terms))})"
            f" / {sum(term.weight for term in reading.terms):.3f}"
            for number, reading in enumerate(self._readings)
            if reading.terms
        ]
        return f"CASE d.reading {' '.join(cases)} ELSE 0 END" if cases else "0 * d.reading"

    def _query(self, reading: Reading) -> str:
        """A reading as a `tsquery`; an entry has to have all of it."""
        needed = [_group(term) for term in reading.terms if term.needed]
        parts = needed + [_phrase(phrase) for phrase in reading.phrases]
        return self.put(" & ".join(part for part in parts if part), "tsquery")

    def _points(self, term: Term) -> str:
        places = [
            f"WHEN d.heading @@ {self.put(_group(term, place), 'tsquery')} THEN {points}" for place, points in _PLACES
        ]
        literal = self.put(_phrase(term.literal), "tsquery")
        elsewhere = _ELSEWHERE if term.needed else 0
        points = f"CASE {' '.join(places)} ELSE {elsewhere} END + {_LITERAL} * (d.heading @@ {literal})::int"
        return f"{term.weight:.3f} * ({points})"

    def _conditions(self) -> list[str]:
        request = self._request
        conditions = [f"NOT d.vector @@ {self.put(_phrase(part), 'tsquery')}" for part in request.question.excluded]
        if request.audiences:
            audiences = self.put([f"bookable_by:{audience}" for audience in request.audiences], "text[]")
            conditions.append(f"d.bookable AND d.facet_values && {audiences}")
        if request.free_week is not None:
            conditions.append(f"{self.put(request.free_week, 'text')} = ANY (d.free_weeks)")
        if request.only is not None:
            conditions.append(f"e.id = {self.put(request.only, 'bigint')}")
        return conditions

    def _distance(self, latitude: float, longitude: float) -> str:
        # The haversine formula: kilometres along the surface of a sphere.
        lat, lon = self.put(latitude, "double precision"), self.put(longitude, "double precision")
        half_chord = (
            f"power(sind((e.latitude - {lat}) / 2), 2)"
            f" + cosd({lat}) * cosd(e.latitude) * power(sind((e.longitude - {lon}) / 2), 2)"
        )
        return f"(2 * {EARTH_RADIUS_KM} * asin(sqrt(least(1.0, {half_chord}))))"


def _group(term: Term, places: str = "") -> str:
    """A term in the syntax of `tsquery`: one of its notions, or its words if it has none, in some places."""
    forms = [f"'{token(concept)}'{':' if places else ''}{places}" for concept in term.concepts]
    if not forms:
        forms = [_phrase(" ".join(term.words), places, beginning=term.beginning)]
    return f"({' | '.join(forms)})"


def _phrase(text: str, places: str = "", *, beginning: bool = False) -> str:
    mark = f"{'*' if beginning else ''}{places}"
    written = [f"'{word}'{':' if mark else ''}{mark}" for word in words(text)]
    return f"({' <-> '.join(written)})" if written else ""


class PostgresEngine:
    """Search in PostgreSQL."""

    name = "postgres"

    async def search(self, request: SearchRequest) -> EngineResult:
        """Answer a question with two queries, however many entries are found; with one more where few are."""
        readings = [reading for reading in request.question.readings if reading.doubt == 0]
        total, facets = await _counts(request, readings)
        doubt = further_doubt(request.question, total)
        if doubt is not None:
            readings = [reading for reading in request.question.readings if reading.doubt <= doubt]
            total, facets = await _counts(request, readings)
        return EngineResult(await _page(request, readings) if total else [], total, facets)

    async def suggest(self, request: SearchRequest) -> list[Suggestion]:
        """Entries whose titles have the words of the text, the last one perhaps only begun, in the order of titles."""
        asked = typed(request.text)
        if asked == NOTHING_TYPED:
            return []
        wanted = [f"'{word}':A" for word in asked.words] + ([f"'{asked.beginning}':*A"] if asked.beginning else [])
        rows = await database.fetch(
            f"SELECT e.slug, e.kind, e.title_sv, e.title_en FROM search_document d JOIN entry e ON e.id = d.id"
            f" WHERE {VISIBLE} AND d.vector @@ $2::tsquery"
            f' ORDER BY d.order_{request.language} COLLATE "C", e.id LIMIT {MOST_SUGGESTIONS}',
            request.staff,
            " & ".join(wanted),
        )
        return [Suggestion(row["slug"], row["kind"], row["title_sv"], row["title_en"]) for row in rows]


async def _counts(request: SearchRequest, readings: Sequence[Reading]) -> tuple[int, dict[str, dict[str, int]]]:
    """How many are found, and the counts of each filter, which heed all filters but itself."""
    statement = _Statement(request, readings)
    matched = statement.matched("d.facet_values", judged=False)
    # The empty value stands for the whole: it belongs to no filter, so it heeds all.
    heeded = [
        f"({statement.passes(name)} OR starts_with(value, '{name}:'))"
        for name, chosen in request.filters.items()
        if chosen
    ]
    rows = await database.fetch(
        f"SELECT value, count(*) AS n FROM {matched}, unnest(array_append(d.facet_values, '')) AS value"
        f" WHERE {' AND '.join(['true', *heeded])} GROUP BY value ORDER BY n DESC, value",
        *statement.values,
    )
    facets: dict[str, dict[str, int]] = {name: {} for name in FACETS}
    total = 0
    for row in rows:
        name, _, value = row["value"].partition(":")
        if name:
            facets[name][value] = row["n"]
        else:
            total = row["n"]
    for name, chosen in request.filters.items():
        for value in chosen:
            facets[name].setdefault(value, 0)
    return total, facets


async def _page(request: SearchRequest, readings: Sequence[Reading]) -> list[Hit]:
    statement = _Statement(request, readings)
    matched = statement.matched("d.*", judged=True)
    passed = [statement.passes(name) for name, chosen in request.filters.items() if chosen]
    order = _order(request, statement)
    limit = statement.put(request.page_size, "bigint")
    offset = statement.put((request.page - 1) * request.page_size, "bigint")
    rows = await database.fetch(
        f"SELECT d.id, {statement.doubt()} AS doubt, d.distance, d.shown FROM {matched}"
        f" WHERE {' AND '.join(['true', *passed])} ORDER BY {order} LIMIT {limit} OFFSET {offset}",
        *statement.values,
    )
    return [_hit(row) for row in rows]


def _hit(row: database.Row) -> Hit:
    stored = json.loads(row["shown"])
    return Hit(row["id"], {name: stored[name] for name in SHOWN}, row["doubt"], row["distance"])


def _order(request: SearchRequest, statement: _Statement) -> str:
    by_title = f'd.order_{request.language} COLLATE "C", d.id'
    if request.sort is Sort.NEWEST:
        return "d.published_at DESC, d.id DESC"
    if request.sort is Sort.TITLE:
        return by_title
    has_words = bool(request.question.readings)
    if request.near and (request.sort is Sort.DISTANCE or not has_words):
        return f"d.distance, {by_title}"
    if has_words:
        return f"{statement.doubt()}, {statement.rank()} DESC, d.bookable DESC, d.confirmed_at DESC, {by_title}"
    # A list that nobody asked a question of begins with what can be booked.
    return f"d.bookable DESC, d.is_environment DESC, {by_title}"
