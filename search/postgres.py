"""The engine that needs nothing but PostgreSQL: full text in Swedish and English, and beginnings of words."""

from markupsafe import Markup, escape

from registry import database
from registry.entries.queries import VISIBLE
from search.engine import FACETS, MOST_SUGGESTIONS, Hit, SearchRequest, SearchResult, Sort, Suggestion
from search.language import Question, ask, ask_for_some, ask_for_titles

# Stand-ins for the tags around a match, so that the text itself can be escaped first. They are private-use
# characters; where a text holds them, they are taken out before.
_START, _STOP = "\ue000", "\ue001"
_HEADLINE = f"StartSel={_START}, StopSel={_STOP}"
_WHOLE_FIELD = f"{_HEADLINE}, HighlightAll=true"
_FRAGMENT = f"{_HEADLINE}, MaxFragments=1, MinWords=12, MaxWords=32"
_HIGHLIGHTED = ("title", "summary", "body")
_CONFIGURATIONS = {"sv": "swedish", "en": "english"}
_EARTH_RADIUS_KM = 6371.0088

# Where the values of a filter are. All are arrays, so that all filters are told the same way.
_VALUES = {
    "kind": "ARRAY[e.kind::text]",
    "sector": "e.sectors::text[]",
    "municipality": "ARRAY[e.municipality]",
    "remuneration": "ARRAY[v.remuneration::text]",
    "results_ownership": "d.results_ownership::text[]",
    "perspective": "e.perspectives::text[]",
    "bookable_by": "coalesce(v.bookable_by::text[], '{}')",
}


class _Statement:
    """SQL text and the values of its parameters, `$1` being what VISIBLE asks for."""

    def __init__(self, *, staff: bool) -> None:
        self.values: list[object] = [staff]

    def put(self, value: object, sql_type: str) -> str:
        """The place of a value."""
        self.values.append(value)
        return f"${len(self.values)}::{sql_type}"

    def matched(self, request: SearchRequest, question: Question, *, ranked: bool) -> str:
        """The entries that the words and the place find, each with whether it passes which filter.

        Ranking takes most of the time, so who only counts leaves it out.
        """
        conditions = [VISIBLE, *self._words(question)]
        if request.only is not None:
            conditions.append(f"e.id = {self.put(request.only, 'bigint')}")
        distance = "NULL::double precision"
        if near := request.near:
            distance = self._distance(near.latitude, near.longitude)
            conditions += ["e.latitude IS NOT NULL", f"{distance} <= {self.put(near.radius_km, 'double precision')}"]
        passes = ", ".join(self._filter(name, request.filters.get(name, ())) for name in FACETS)
        return f"""
        WITH question AS ({self._question(question)}),
        matched AS MATERIALIZED (
            SELECT e.id, e.published_at, e.ended, e.kind IN ('testbed', 'demo_environment') AS is_environment,
                   cardinality(v.bookable_by) > 0 AS bookable, d.order_{request.language} AS title_order,
                   {_RANK if ranked and question.text else "0.0"} AS rank, {distance} AS distance,
                   {", ".join(f"{_VALUES[name]} AS {name}_values" for name in FACETS)}, {passes}
            FROM search_document d JOIN entry e ON e.id = d.id LEFT JOIN environment v ON v.id = e.id, question q
            WHERE {" AND ".join(f"({condition})" for condition in conditions)}
        )"""

    def _question(self, question: Question) -> str:
        whole, head = self.put(question.text, "text"), self.put(question.head, "text")
        last, all_words = self.put(question.last, "text"), self.put(question.all_words, "text")
        parts = [
            f"websearch_to_tsquery('{name}', {whole})"
            f" || (websearch_to_tsquery('{name}', {head}) && to_tsquery('simple', {last}))"
            f" || to_tsquery('simple', {all_words}) AS {code}"
            for code, name in _CONFIGURATIONS.items()
        ]
        return f"SELECT {', '.join(parts)}"

    def _words(self, question: Question) -> list[str]:
        conditions = ["d.vector_sv @@ q.sv OR d.vector_en @@ q.en"] if question.text else []
        if question.excluded:
            unwanted = self.put(list(question.excluded), "text[]")
            conditions.append(
                f"NOT EXISTS (SELECT FROM unnest({unwanted}) AS x"
                " WHERE d.vector_sv @@ phraseto_tsquery('swedish', x) OR d.vector_en @@ phraseto_tsquery('english', x))"
            )
        return conditions

    def _distance(self, latitude: float, longitude: float) -> str:
        # The haversine formula: kilometres along the surface of a sphere.
        lat, lon = self.put(latitude, "double precision"), self.put(longitude, "double precision")
        half_chord = (
            f"power(sind((e.latitude - {lat}) / 2), 2)"
            f" + cosd({lat}) * cosd(e.latitude) * power(sind((e.longitude - {lon}) / 2), 2)"
        )
        return f"(2 * {_EARTH_RADIUS_KM} * asin(sqrt(least(1.0, {half_chord}))))"

    def _filter(self, name: str, chosen: tuple[str, ...]) -> str:
        if not chosen:
            return f"true AS in_{name}"
        return f"coalesce({_VALUES[name]} && {self.put(list(chosen), 'text[]')}, false) AS in_{name}"


# A match in the title counts more than any in the summary, and that more than any in the rest.
_RANK = """(
    2 * (ts_filter(d.vector_sv, '{a}') @@ q.sv OR ts_filter(d.vector_en, '{a}') @@ q.en)::int
    + (ts_filter(d.vector_sv, '{a,b}') @@ q.sv OR ts_filter(d.vector_en, '{a,b}') @@ q.en)::int
    + greatest(ts_rank_cd('{0.05, 0.2, 0.5, 1}', d.vector_sv, q.sv, 1 | 32),
               ts_rank_cd('{0.05, 0.2, 0.5, 1}', d.vector_en, q.en, 1 | 32))
)"""
_PASSES_ALL = " AND ".join(f"in_{name}" for name in FACETS)


class PostgresEngine:
    """Search in PostgreSQL."""

    name = "postgres"

    async def search(self, request: SearchRequest) -> SearchResult:
        """Answer a question with two queries, however many entries are found; a few more where none is."""
        question = ask(request.text)
        total, facets = await _counts(request, question)
        some = None if total else ask_for_some(request.text)
        if some is not None:
            total, facets = await _counts(request, some)
        items = await _page(request, some or question) if total else []
        return SearchResult(
            items=items, total=total, facets=facets, engine=self.name, only_some_words=bool(some and total)
        )

    async def suggest(self, text: str, *, staff: bool, language: str) -> list[Suggestion]:
        """Entries with words in their title that begin with the words of the text, in the order of titles."""
        return await _titles(text, staff=staff, order=language)


async def _counts(request: SearchRequest, question: Question) -> tuple[int, dict[str, dict[str, int]]]:
    statement = _Statement(staff=request.staff)
    counts = [f"SELECT '' AS field, '' AS value, count(*) AS n FROM matched WHERE {_PASSES_ALL}"]
    for name in FACETS:
        others = " AND ".join(f"in_{other}" for other in FACETS if other != name)
        counts.append(
            f"SELECT '{name}', value, count(DISTINCT id) FROM matched, unnest({name}_values) AS value"
            f" WHERE value <> '' AND {others} GROUP BY value"
        )
    sql = f"{statement.matched(request, question, ranked=False)} {' UNION ALL '.join(counts)} ORDER BY 1, 3 DESC, 2"
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


_ITEM = """
SELECT e.id, e.slug, e.kind, e.title_sv, e.title_en, e.summary_sv, e.summary_en, e.primary_sector, e.sectors,
       e.municipality, b.name_sv AS body_name_sv, b.name_en AS body_name_en, e.track, e.ended, e.example_fields,
       coalesce(v.bookable_by, '{}') AS bookable_by, v.remuneration, d.results_ownership, c.distance,
       ARRAY(SELECT DISTINCT t.type FROM offer o JOIN template t ON t.id = o.template
             WHERE o.entry = e.id AND o.required ORDER BY 1) AS required_agreements
"""


async def _page(request: SearchRequest, question: Question) -> list[Hit]:
    statement = _Statement(staff=request.staff)
    matched = statement.matched(request, question, ranked=request.sort is Sort.RELEVANCE)
    limit = statement.put(request.page_size, "bigint")
    offset = statement.put((request.page - 1) * request.page_size, "bigint")
    has_words = bool(question.text)
    sql = f"""{matched}, chosen AS (
            SELECT id, distance, row_number() OVER (ORDER BY {_order(request, has_words=has_words)}) AS place
            FROM matched WHERE {_PASSES_ALL} ORDER BY place LIMIT {limit} OFFSET {offset}
        )
        {_ITEM} {_headlines() if has_words else ""}
        FROM chosen c JOIN entry e ON e.id = c.id JOIN search_document d ON d.id = c.id
        JOIN organisation b ON b.id = e.accountable_body LEFT JOIN environment v ON v.id = e.id, question q
        ORDER BY c.place"""
    return [_hit(row, has_words=has_words) for row in await database.fetch(sql, *statement.values)]


def _order(request: SearchRequest, *, has_words: bool) -> str:
    by_title = 'title_order COLLATE "C", id'
    if request.sort is Sort.NEWEST:
        return "published_at DESC NULLS LAST, id DESC"
    if request.sort is Sort.TITLE:
        return by_title
    if has_words:
        return f"rank DESC, {by_title}"
    if request.near:
        return f"distance, {by_title}"
    # A list that nobody asked a question of begins with what can be booked.
    return f"coalesce(bookable AND NOT ended, false) DESC, is_environment DESC, {by_title}"


def _headlines() -> str:
    parts = []
    for name in _HIGHLIGHTED:
        options = _FRAGMENT if name == "body" else _WHOLE_FIELD
        for code, configuration in _CONFIGURATIONS.items():
            # The text without our stand-ins, should somebody have written them.
            text = f"translate(d.{name}_{code}, '{_START}{_STOP}', '')"
            parts.append(f", ts_headline('{configuration}', {text}, q.{code}, '{options}') AS headline_{name}_{code}")
    return "".join(parts)


def _hit(row: database.Row, *, has_words: bool) -> Hit:
    highlights: dict[str, dict[str, Markup]] = {}
    if has_words:
        for name in _HIGHLIGHTED:
            marked = {code: row[f"headline_{name}_{code}"] for code in _CONFIGURATIONS}
            found = {code: _mark(text) for code, text in marked.items() if _START in text}
            if found:
                highlights[name] = found
    return Hit(
        id=row["id"],
        slug=row["slug"],
        kind=row["kind"],
        title_sv=row["title_sv"],
        title_en=row["title_en"],
        summary_sv=row["summary_sv"],
        summary_en=row["summary_en"],
        primary_sector=row["primary_sector"],
        sectors=list(row["sectors"]),
        municipality=row["municipality"],
        body_name_sv=row["body_name_sv"],
        body_name_en=row["body_name_en"],
        track=row["track"],
        ended=row["ended"],
        bookable_by=list(row["bookable_by"]),
        remuneration=row["remuneration"],
        results_ownership=list(row["results_ownership"]),
        required_agreements=list(row["required_agreements"]),
        example_fields=list(row["example_fields"]),
        distance_km=row["distance"],
        highlights=highlights,
    )


def _mark(text: str) -> Markup:
    """HTML in which everything that somebody wrote is escaped, and only the marks are tags."""
    return Markup(str(escape(text)).replace(_START, "<mark>").replace(_STOP, "</mark>"))  # noqa: S704  # escaped


async def _titles(text: str, *, staff: bool, order: str) -> list[Suggestion]:
    question = ask_for_titles(text)
    if not question:
        return []
    statement = _Statement(staff=staff)
    rows = await database.fetch(
        f"SELECT e.slug, e.kind, e.title_sv, e.title_en FROM search_document d JOIN entry e ON e.id = d.id"
        f" WHERE {VISIBLE} AND d.vector_sv @@ to_tsquery('simple', {statement.put(question, 'text')})"
        f' ORDER BY d.order_{order} COLLATE "C", e.id LIMIT {MOST_SUGGESTIONS}',
        *statement.values,
    )
    return [Suggestion(row["slug"], row["kind"], row["title_sv"], row["title_en"]) for row in rows]
