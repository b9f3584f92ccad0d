"""Reading entries. What an actor may not see is not found."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from registry import database
from registry.access import Actor, Permission, require
from registry.entries import rules
from registry.entries.calendars import ALWAYS_CLOSED, CALENDAR, Calendar, Opening, read_calendar
from registry.entries.codes import ENVIRONMENT_KINDS, Kind, Visibility
from registry.entries.rules import EntryFacts
from registry.entries.states import EntryStatus
from registry.errors import NotFound

# The condition under which entry `e` is open to a reader; $1 says whether the reader may see what is for staff.
VISIBLE = "e.status = 'published' AND (e.visibility = 'public' OR $1)"


@dataclass(frozen=True)
class EntryView:
    """A whole entry: `row` has the columns of the entry and, for environments, of the environment."""

    row: dict[str, Any]
    calendar: Calendar = ALWAYS_CLOSED

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  # a column may hold any type
        try:
            return self.row[name]
        except KeyError:
            raise AttributeError(name) from None

    @property
    def kind_code(self) -> Kind:
        return Kind(self.row["kind"])

    @property
    def is_environment(self) -> bool:
        return self.kind_code in ENVIRONMENT_KINDS

    @property
    def opening_hours(self) -> list[Opening]:
        """The ordinary week."""
        return list(self.calendar.week)

    @property
    def facts(self) -> EntryFacts:
        return facts_of(self.row)

    @property
    def answer_within(self) -> int | None:
        """Working days within which whoever is responsible answers; None where nothing can be asked for."""
        nothing_to_ask = self.row["ended"] or (self.is_environment and not self.row["bookable_by"])
        return None if nothing_to_ask else self.row["answer_days"]

    def is_example(self, *fields: str) -> bool:
        """Whether one of these fields has been made up for the demo."""
        return bool(set(fields) & set(self.row["example_fields"]))


def facts_of(row: Any) -> EntryFacts:  # noqa: ANN401  # a row of any query that has these columns
    """The facts for the rules, from a row with the entry's columns."""
    return EntryFacts(
        status=EntryStatus(row["status"]),
        visibility=Visibility(row["visibility"]),
        responsible=frozenset(x for x in (row["accountable_body"], row["unit"]) if x is not None),
        created_by=row["created_by"],
        kind=Kind(kind) if (kind := row.get("kind")) else None,
    )


_WHOLE = f"""
SELECT v.*, e.*, b.name_sv AS body_name_sv, b.name_en AS body_name_en, b.kind AS body_kind,
       u.name_sv AS unit_name_sv, u.name_en AS unit_name_en,
       pe.slug AS parent_slug, pe.title_sv AS parent_title_sv, pe.title_en AS parent_title_en,
       CASE WHEN v.id IS NOT NULL THEN {CALENDAR} END AS calendar
FROM entry e
JOIN organisation b ON b.id = e.accountable_body
LEFT JOIN organisation u ON u.id = e.unit
LEFT JOIN environment v ON v.id = e.id
LEFT JOIN entry pe ON pe.id = v.parent
WHERE {{condition}}
"""


async def get_entry(actor: Actor, slug: str) -> EntryView:
    """One entry by its slug.

    Raises:
        NotFound: there is none, or the actor may not see it.
    """
    return await _one(actor, "e.slug = $1", slug)


async def get_entry_by_id(actor: Actor, entry_id: int) -> EntryView:
    """One entry by its id; raises NotFound as `get_entry` does."""
    return await _one(actor, "e.id = $1", entry_id)


async def _one(actor: Actor, condition: str, value: object) -> EntryView:
    row = await database.fetch_one(_WHOLE.format(condition=condition), value)
    if row is None or not rules.can_read.allows(actor, facts_of(row)):
        raise NotFound
    return _view(row)


def _view(row: database.Row) -> EntryView:
    values = {**row}
    calendar = values.pop("calendar")
    return EntryView(values, ALWAYS_CLOSED if calendar is None else read_calendar(calendar))


async def environments_by_slug(actor: Actor, slugs: Iterable[str]) -> dict[str, EntryView]:
    """The environments with these slugs that the actor may see, with their calendars; unknown slugs are left out."""
    rows = await _environments("slug", list(slugs))
    return {row["slug"]: _view(row) for row in rows if rules.can_read.allows(actor, facts_of(row))}


async def environments_by_id(ids: Iterable[int]) -> dict[int, EntryView]:
    """Environments by id, for callers that have already checked what the actor may see."""
    return {row["id"]: _view(row) for row in await _environments("id", list(ids))}


async def _environments(column: str, values: Sequence[object]) -> list[database.Row]:
    # For one value the database keeps its plan; for a list it plans anew each time, which takes longer than the rest.
    if len(values) == 1:
        return await database.fetch(_WHOLE.format(condition=f"e.{column} = $1 AND v.id IS NOT NULL"), values[0])
    return await database.fetch(_WHOLE.format(condition=f"e.{column} = ANY ($1) AND v.id IS NOT NULL"), values)


@dataclass(frozen=True)
class EntryLink:
    """An entry as other pages link to it."""

    id: int
    slug: str
    kind: str
    title_sv: str
    title_en: str
    relation: str = ""


async def related_entries(actor: Actor, entry_id: int) -> list[EntryLink]:
    """Entries that this one relates to or that relate to it, and its whole and parts, as far as the actor may see.

    The relation is read from this entry: `used_by` and `result_of` are `uses` and `led_to` seen from the other end.
    """
    rows = await database.fetch(
        f"""
        SELECT e.id, e.slug, e.kind, e.title_sv, e.title_en, r.relation FROM (
            SELECT other AS id, relation FROM entry_relation WHERE entry = $2
            UNION SELECT entry,
                CASE relation WHEN 'uses' THEN 'used_by' WHEN 'led_to' THEN 'result_of' ELSE relation END
                FROM entry_relation WHERE other = $2
            UNION SELECT parent, 'whole' FROM environment WHERE id = $2 AND parent IS NOT NULL
            UNION SELECT id, 'part' FROM environment WHERE parent = $2
        ) r JOIN entry e ON e.id = r.id WHERE {VISIBLE} ORDER BY e.kind, e.title_sv
        """,
        actor.may(Permission.ENTRY_READ_STAFF),
        entry_id,
    )
    return [_link(row) for row in rows]


async def environment_links(actor: Actor) -> list[EntryLink]:
    """The environments that the actor may see, by title, for choosing some of them."""
    rows = await database.fetch(
        f"SELECT e.id, e.slug, e.kind, e.title_sv, e.title_en FROM entry e JOIN environment v ON v.id = e.id"
        f" WHERE {VISIBLE} ORDER BY e.title_sv, e.title_en",
        actor.may(Permission.ENTRY_READ_STAFF),
    )
    return [_link(row) for row in rows]


async def environments_beside(actor: Actor, environment_id: int) -> list[EntryLink]:
    """Environments that can be booked and that people compare with one: of its site first, then of its main sector."""
    rows = await database.fetch(
        f"SELECT e.id, e.slug, e.kind, e.title_sv, e.title_en FROM entry e JOIN environment v ON v.id = e.id"
        f" JOIN entry mine ON mine.id = $2 JOIN environment place ON place.id = mine.id"
        f" WHERE {VISIBLE} AND e.id <> $2 AND NOT e.ended AND cardinality(v.bookable_by) > 0"
        " AND (e.primary_sector = mine.primary_sector OR v.parent = $2 OR v.id = place.parent"
        " OR v.parent = place.parent)"
        " ORDER BY (v.parent = $2 OR v.id = place.parent OR v.parent = place.parent) IS TRUE DESC,"
        " e.kind = mine.kind DESC, e.title_sv, e.title_en LIMIT 50",
        actor.may(Permission.ENTRY_READ_STAFF),
        environment_id,
    )
    return [_link(row) for row in rows]


async def environments_to_add(actor: Actor, environment_id: int, audience: str, words: str = "") -> list[EntryLink]:
    """Environments that can be booked together with one: those of its site first, then those most like it.

    With `words` those whose title has them all. A whole and its parts are never booked together.
    """
    rows = await database.fetch(
        f"SELECT e.id, e.slug, e.kind, e.title_sv, e.title_en FROM entry e JOIN environment v ON v.id = e.id"
        f" JOIN entry mine ON mine.id = $2 JOIN environment place ON place.id = mine.id"
        f" WHERE {VISIBLE} AND e.id <> $2 AND NOT e.ended AND $3 = ANY (v.bookable_by)"
        " AND v.parent IS DISTINCT FROM $2 AND v.id IS DISTINCT FROM place.parent"
        " AND CASE WHEN cardinality($4::text[]) = 0"
        "     THEN e.primary_sector = mine.primary_sector OR v.parent = place.parent"
        "     ELSE e.title_sv ILIKE ALL ($4::text[]) OR e.title_en ILIKE ALL ($4::text[]) END"
        " ORDER BY (v.parent = place.parent) IS TRUE DESC, e.kind = mine.kind DESC, e.title_sv, e.title_en LIMIT $5",
        actor.may(Permission.ENTRY_READ_STAFF),
        environment_id,
        audience,
        [f"%{_escaped(word)}%" for word in words.split()[:10]],
        20 if words else 6,
    )
    return [_link(row) for row in rows]


def _escaped(word: str) -> str:
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


async def links_by_id(ids: Iterable[int]) -> dict[int, EntryLink]:
    """Links to entries, for callers that have already checked what the actor may see."""
    rows = await database.fetch(
        "SELECT id, slug, kind, title_sv, title_en FROM entry WHERE id = ANY ($1)", list(set(ids))
    )
    return {row["id"]: _link(row) for row in rows}


def _link(row: database.Row) -> EntryLink:
    return EntryLink(
        id=row["id"],
        slug=row["slug"],
        kind=row["kind"],
        title_sv=row["title_sv"],
        title_en=row["title_en"],
        relation=row["relation"] if "relation" in row.keys() else "",  # noqa: SIM118  # a database row is no dict
    )


@dataclass(frozen=True)
class EntryVersionView:
    """One published version; `published_at` is in UTC."""

    number: int
    published_at: datetime
    published_by: str


async def versions(entry_id: int) -> list[EntryVersionView]:
    """The published versions of an entry, newest first."""
    rows = await database.fetch(
        "SELECT v.number, v.published_at, coalesce(p.name, '') AS published_by FROM entry_version v"
        " LEFT JOIN person p ON p.id = v.published_by WHERE v.entry = $1 ORDER BY v.number DESC",
        entry_id,
    )
    return [EntryVersionView(row["number"], row["published_at"], row["published_by"]) for row in rows]


async def publication_times(entry_ids: Iterable[int]) -> dict[int, tuple[datetime, datetime]]:
    """When entries were published and when their newest version was, in UTC, by id.

    For callers that have already checked what the actor may see.
    """
    rows = await database.fetch(
        "SELECT e.id, e.published_at, greatest(e.published_at, max(v.published_at)) AS updated_at"
        " FROM entry e LEFT JOIN entry_version v ON v.entry = e.id"
        " WHERE e.id = ANY ($1) AND e.published_at IS NOT NULL GROUP BY e.id",
        list(entry_ids),
    )
    return {row["id"]: (row["published_at"], row["updated_at"]) for row in rows}


async def sector_counts(actor: Actor) -> dict[str, int]:
    """How many visible environments each sector has."""
    rows = await database.fetch(
        f"SELECT s AS sector, count(*) AS n FROM entry e, unnest(e.sectors) AS s"
        f" WHERE {VISIBLE} AND e.kind IN ('testbed', 'demo_environment') GROUP BY s",
        actor.may(Permission.ENTRY_READ_STAFF),
    )
    return {row["sector"]: row["n"] for row in rows}


async def entries_to_decide(actor: Actor) -> list[dict[str, Any]]:
    """Entries that wait for the innovation unit, oldest first.

    Raises:
        NotPermitted: the actor does not publish entries.
    """
    require(actor, Permission.ENTRY_PUBLISH)
    rows = await database.fetch(
        "SELECT e.id, e.slug, e.kind, e.status, e.title_sv, e.title_en, e.created_at, p.name AS created_by_name,"
        " coalesce((SELECT max(a.at) FROM audit_event a WHERE a.entry_id = e.id AND a.type = 'entry.status_changed'),"
        " e.created_at) AS waiting_since"
        " FROM entry e LEFT JOIN person p ON p.id = e.created_by"
        " WHERE e.status IN ('in_review', 'changes_requested', 'draft')"
        " ORDER BY e.status = 'in_review' DESC, waiting_since, e.id LIMIT 200"
    )
    return [dict(row) for row in rows]


async def entries_to_edit(actor: Actor, *, page: int = 1, page_size: int = 50) -> tuple[list[dict[str, Any]], int]:
    """A page of the entries that the actor may edit, by title, and how many there are.

    Raises:
        NotPermitted: the actor edits no entries.
    """
    require(actor, Permission.ENTRY_EDIT)
    rows = await database.fetch(
        "SELECT id, slug, kind, status, title_sv, title_en, confirmed_at, count(*) OVER () AS total FROM entry"
        " WHERE $1 OR accountable_body = ANY ($2) OR unit = ANY ($2)"
        " ORDER BY title_sv, title_en, id LIMIT $3 OFFSET $4",
        actor.has_unlimited(Permission.ENTRY_EDIT),
        list(actor.limited_to(Permission.ENTRY_EDIT)),
        page_size,
        (page - 1) * page_size,
    )
    return [dict(row) for row in rows], rows[0]["total"] if rows else 0


async def site_of(environment_id: int) -> list[int]:
    """The ids of all environments of the tree of a whole and its parts that an environment stands in."""
    rows = await database.fetch(
        "WITH RECURSIVE above (id, parent) AS (SELECT id, parent FROM environment WHERE id = $1 UNION"
        " SELECT v.id, v.parent FROM environment v JOIN above ON v.id = above.parent),"
        " tree (id) AS (SELECT id FROM above WHERE parent IS NULL UNION"
        " SELECT v.id FROM environment v JOIN tree ON v.parent = tree.id) SELECT id FROM tree ORDER BY id",
        environment_id,
    )
    return [row["id"] for row in rows]
