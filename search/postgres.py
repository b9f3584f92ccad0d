"""The engine that needs nothing but PostgreSQL. It finds the same words as the other, and ranks more simply."""

import json
from collections.abc import Iterable

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
from search.folding import fold
from search.language import words
from search.question import Reading, Term
from search.thesaurus import token

# What a word counts where it stands: title (A), summary (B), names (C), the rest (D).
_PLACES = (("A", 8), ("AB", 4), ("ABC", 2), ("", 1))
_LITERAL = 0.5


class _Statement:
    """SQL text and the values of its parameters, `$1` being what VISIBLE asks for."""

    def __init__(self, request: SearchRequest) -> None:
        self.request = request
        self.values: list[object] = [request.staff]

    def put(self, value: object, sql_type: str) -> str:
        """The place of a value."""
        self.values.append(value)
        return f"${len(self.values)}::{sql_type}"

    def matched(self, readings: Iterable[Reading], *, judged: bool, ranked: bool) -> str:
        """The entries that the readings and the place find, each with whether it passes which filter.

        Ranking takes most of the time, so who orders otherwise leaves it out, and who only counts judges nothing.
        """
        asked = [(reading, self._query(reading)) for reading in readings]
        conditions = [VISIBLE, *self._conditions()]
        if asked:
            conditions.append("d.vector @@ (" + " || ".join(query for _, query in asked) + ")")
        distance = "NULL::double precision"
        if near := self.request.near:
            distance = self._distance(near.latitude, near.longitude)
            conditions += ["e.latitude IS NOT NULL", f"{distance} <= {self.put(near.radius_km, 'double precision')}"]
        passes = ", ".join(self._filter(name, self.request.filters.get(name, ())) for name in FACETS)
        return f"""
        WITH matched AS MATERIALIZED (
            SELECT d.id, {self._doubt(asked) if judged else "0"} AS doubt,
                   {self._rank(asked) if ranked else "0"} AS rank,
                   {distance} AS distance, {passes}
            FROM search_document d JOIN entry e ON e.id = d.id
            WHERE {" AND ".join(f"({condition})" for condition in conditions)}
        )"""

    def _query(self, reading: Reading) -> str:
        """A reading as a `tsquery`; an entry has to have all of it."""
        parts = [_group(term) for term in reading.terms] + [_phrase(phrase) for phrase in reading.phrases]
        return f"to_tsquery('simple', {self.put(' & '.join(parts), 'text')})"

    def _doubt(self, asked: list[tuple[Reading, str]]) -> str:
        cases = [f"WHEN d.vector @@ {query} THEN {reading.doubt}" for reading, query in asked]
        return f"CASE {' '.join(cases)} ELSE 0 END" if cases else "0"

    def _rank(self, asked: list[tuple[Reading, str]]) -> str:
        """The points of the surest reading that matches: for each term by where it stands, and a bit if literally."""
        cases = [
            f"WHEN d.vector @@ {query} THEN ({' + '.join(map(self._points, reading.terms))}) / {len(reading.terms)}.0"
            for reading, query in asked
            if reading.terms
        ]
        return f"CASE {' '.join(cases)} ELSE 0 END" if cases else "0"

    def _points(self, term: Term) -> str:
        places = [
            f"WHEN d.vector @@ to_tsquery('simple', {self.put(_group(term, place), 'text')}) THEN {points}"
            for place, points in _PLACES
        ]
        literal = self.put(_phrase(term.literal), "text")
        return f"CASE {' '.join(places)} ELSE 0 END + {_LITERAL} * (d.vector @@ to_tsquery('simple', {literal}))::int"

    def _conditions(self) -> list[str]:
        request = self.request
        conditions = [
            f"NOT d.vector @@ to_tsquery('simple', {self.put(_phrase(part), 'text')})"
            for part in request.question.excluded
        ]
        if request.audiences:
            audiences = self.put(list(request.audiences), "text[]")
            conditions.append(f"d.shown->'bookable' = 'true' AND d.facets->'bookable_by' ?| {audiences}")
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

    def _filter(self, name: str, chosen: tuple[str, ...]) -> str:
        if not chosen:
            return f"true AS in_{name}"
        return f"d.facets->'{name}' ?| {self.put(list(chosen), 'text[]')} AS in_{name}"


def _group(term: Term, places: str = "") -> str:
    """A term in the syntax of `to_tsquery`: its words or one of its notions, in some places of the document."""
    forms = [_phrase(" ".join(term.words), places, beginning=term.beginning)] if term.words else []
    forms += [f"'{token(concept)}'{':' if places else ''}{places}" for concept in term.concepts]
    return f"({' | '.join(forms)})"


def _phrase(text: str, places: str = "", *, beginning: bool = False) -> str:
    mark = f"{'*' if beginning else ''}{places}"
    written = [f"'{word}'{':' if mark else ''}{mark}" for word in words(text)]
    return f"({' <-> '.join(written)})" if written else "''"


_PASSES_ALL = " AND ".join(f"in_{name}" for name in FACETS)


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
        """Entries with words in their title that begin with the words of the text, in the order of titles."""
        typed = " & ".join(f"'{fold(word)}':*A" for word in words(request.text))
        if not typed:
            return []
        rows = await database.fetch(
            f"SELECT e.slug, e.kind, e.title_sv, e.title_en FROM search_document d JOIN entry e ON e.id = d.id"
            f" WHERE {VISIBLE} AND d.vector @@ to_tsquery('simple', $2)"
            f' ORDER BY d.order_{request.language} COLLATE "C", e.id LIMIT {MOST_SUGGESTIONS}',
            request.staff,
            typed,
        )
        return [Suggestion(row["slug"], row["kind"], row["title_sv"], row["title_en"]) for row in rows]


async def _counts(request: SearchRequest, readings: Iterable[Reading]) -> tuple[int, dict[str, dict[str, int]]]:
    statement = _Statement(request)
    counts = [f"SELECT '' AS field, '' AS value, count(*) AS n FROM matched WHERE {_PASSES_ALL}"]
    for name in FACETS:
        others = " AND ".join(f"in_{other}" for other in FACETS if other != name)
        counts.append(
            f"SELECT '{name}', value, count(*) FROM matched m JOIN search_document d ON d.id = m.id,"
            f" jsonb_array_elements_text(d.facets->'{name}') AS value WHERE {others} GROUP BY value"
        )
    matched = statement.matched(readings, judged=False, ranked=False)
    sql = f"{matched} {' UNION ALL '.join(counts)} ORDER BY 1, 3 DESC, 2"
    facets: dict[str, dict[str, int]] = {name: {} for name in FACETS}
    total = 0
    for row in await database.fetch(sql, *statement.values):
        if row["field"]:
            facets[row["field"]][row["value"]] = row["n"]
        else:
            total = row["n"]
    for name, chosen in request.filters.items():
        for value in chosen:
            facets[name].setdefault(value, 0)
    return total, facets


async def _page(request: SearchRequest, readings: list[Reading]) -> list[Hit]:
    statement = _Statement(request)
    matched = statement.matched(readings, judged=True, ranked=request.sort is Sort.RELEVANCE)
    limit = statement.put(request.page_size, "bigint")
    offset = statement.put((request.page - 1) * request.page_size, "bigint")
    sql = f"""{matched}
        SELECT m.id, m.doubt, m.distance, d.shown FROM matched m JOIN search_document d ON d.id = m.id
        WHERE {_PASSES_ALL} ORDER BY {_order(request)} LIMIT {limit} OFFSET {offset}"""
    rows = await database.fetch(sql, *statement.values)
    return [_hit(row) for row in rows]


def _hit(row: database.Row) -> Hit:
    stored = json.loads(row["shown"])
    return Hit(row["id"], {name: stored[name] for name in SHOWN}, row["doubt"], row["distance"])


def _order(request: SearchRequest) -> str:
    by_title = f'd.order_{request.language} COLLATE "C", m.id'
    if request.sort is Sort.NEWEST:
        return "(d.shown->>'published_at')::bigint DESC, m.id DESC"
    if request.sort is Sort.TITLE:
        return by_title
    has_words = bool(request.question.readings)
    if request.near and (request.sort is Sort.DISTANCE or not has_words):
        return f"m.distance, {by_title}"
    if has_words:
        fresh = "(d.shown->>'bookable')::boolean DESC, (d.shown->>'confirmed_at')::bigint DESC"
        return f"m.doubt, m.rank DESC, {fresh}, {by_title}"
    # A list that nobody asked a question of begins with what can be booked.
    return f"(d.shown->>'bookable')::boolean DESC, (d.shown->>'is_environment')::boolean DESC, {by_title}"
