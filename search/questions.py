"""Reading what is asked for: totals of a period, and the questions that enough people have asked."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from registry import database
from registry.access import Actor, Permission, require

# A question is shown only when it was asked so often in the period; rarer ones are a sum.
LEAST_ASKED = 3
MOST_ROWS = 50
LARGEST_FILE = 10_000


class Listing(StrEnum):
    """What a table of questions is about."""

    ASKED = "asked"
    WITHOUT_HITS = "without_hits"
    NOT_CLICKED = "not_clicked"


@dataclass(frozen=True)
class Question:
    """A question of a period: how often it was asked and found nothing, and the hits it had the last time."""

    question: str
    language: str
    searches: int
    without_hits: int
    last_hits: int
    clicks: int
    mean_place: float | None


@dataclass(frozen=True)
class Totals:
    """All searches of a period. `clicked_at` counts clicks by place: the first ten, then all later ones together.

    `rare_searches` are those of the `rare_questions` that were asked too seldom to be shown.
    """

    searches: int
    by_staff: int
    without_hits: int
    clicks: int
    mean_place: float | None
    clicked_at: list[int]
    rare_questions: int
    rare_searches: int


# The last number of hits is that of the newest day.
_BY_QUESTION = """
SELECT question, language, sum(searches) AS searches, sum(without_hits) AS without_hits,
       coalesce(sum(searches) FILTER (WHERE asker = 'staff'), 0) AS by_staff,
       (array_agg(last_hits ORDER BY day DESC, searches DESC))[1] AS last_hits,
       sum(clicks) AS clicks, sum(places) AS places, (sum(places) / nullif(sum(clicks), 0))::float8 AS mean_place
FROM search_question WHERE day >= $1 GROUP BY question, language
"""
_SHOWN = f"SELECT * FROM ({_BY_QUESTION}) AS asked WHERE searches >= {LEAST_ASKED}"
_TOTALS = f"""
SELECT coalesce(sum(searches), 0)::bigint AS searches, coalesce(sum(by_staff), 0)::bigint AS by_staff,
       coalesce(sum(without_hits), 0)::bigint AS without_hits, coalesce(sum(clicks), 0)::bigint AS clicks,
       (sum(places) / nullif(sum(clicks), 0))::float8 AS mean_place,
       count(*) FILTER (WHERE searches < {LEAST_ASKED}) AS rare_questions,
       coalesce(sum(searches) FILTER (WHERE searches < {LEAST_ASKED}), 0)::bigint AS rare_searches
FROM ({_BY_QUESTION}) AS asked
"""
# What a table holds, and what comes first in it. A question whose hits some filter took away now and then is none
# without hits, and one that finds something by now is mended.
_LISTINGS = {
    Listing.ASKED: "ORDER BY searches DESC, question",
    Listing.WITHOUT_HITS: "AND last_hits = 0 AND without_hits * 2 >= searches ORDER BY without_hits DESC, question",
    Listing.NOT_CLICKED: "AND last_hits > 0 AND clicks = 0 ORDER BY searches DESC, question",
}


async def questions(actor: Actor, since: date, listing: Listing, *, most: int = MOST_ROWS) -> list[Question]:
    """The questions of a table since a day in Europe/Stockholm, only those asked at least `LEAST_ASKED` times.

    Raises:
        NotPermitted: the actor may not read the statistics.
    """
    require(actor, Permission.SEARCH_STATISTICS_READ)
    rows = await database.fetch(f"{_SHOWN} {_LISTINGS[listing]} LIMIT $2", since, most)
    return [
        Question(
            question=row["question"],
            language=row["language"],
            searches=row["searches"],
            without_hits=row["without_hits"],
            last_hits=row["last_hits"],
            clicks=row["clicks"],
            mean_place=row["mean_place"],
        )
        for row in rows
    ]


async def totals(actor: Actor, since: date) -> Totals:
    """All searches since a day in Europe/Stockholm, counted together.

    Raises:
        NotPermitted: the actor may not read the statistics.
    """
    require(actor, Permission.SEARCH_STATISTICS_READ)
    (row,) = await database.fetch(_TOTALS, since)
    places = await database.fetch(
        "SELECT sum(n)::bigint AS n FROM search_question, unnest(clicked_at) WITH ORDINALITY AS at_place (n, place)"
        " WHERE day >= $1 GROUP BY place ORDER BY place",
        since,
    )
    return Totals(
        searches=row["searches"],
        by_staff=row["by_staff"],
        without_hits=row["without_hits"],
        clicks=row["clicks"],
        mean_place=row["mean_place"],
        clicked_at=[place["n"] for place in places],
        rare_questions=row["rare_questions"],
        rare_searches=row["rare_searches"],
    )
