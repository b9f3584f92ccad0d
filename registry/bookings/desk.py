"""What waits for a host, oldest first: the rows of a page, and the counts beside it. Times are in UTC."""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from registry import database
from registry.access import Actor, Permission, require
from registry.bookings.codes import Waits
from registry.bookings.openings import STOCKHOLM, midnight
from registry.bookings.queries import BookedEnvironment
from registry.bookings.rules import EARLIEST_CHECK_IN
from registry.entries.almanac import is_working_day

PAGE_SIZE = 50
# A promise is at most this many working days, see entry.answer_days.
LONGEST_PROMISE = 60


class Group(StrEnum):
    """By what the rows are put together."""

    WAITS = "waits"
    ENVIRONMENT = "environment"
    UNIT = "unit"


@dataclass(frozen=True)
class Wanted:
    """Which of the waiting bookings, and in which order. `unit` is a body or a unit."""

    waits: Waits | None = None
    environment: int | None = None
    unit: int | None = None
    late: bool = False
    group: Group | None = None


@dataclass(frozen=True)
class WaitingBooking:
    """A row: why and since when it waits, and whether longer than `days` working days, which were promised.

    `is_promised` says that the entry promises it; otherwise it is the registry's own limit. `may_act` is False for a
    host of some of its environments only. `competing` is how many other requests want some of the same time.
    A request that stands for a series has that series, and `times` says how many of it wait for a decision.
    """

    id: UUID
    state: str
    sequence: int
    waits: Waits
    since: datetime
    is_late: bool
    days: int
    is_promised: bool
    starts_at: datetime
    ends_at: datetime
    purpose: str
    organisation_name_sv: str
    organisation_name_en: str
    requester_name: str
    example: bool
    may_act: bool
    competing: int
    series: UUID | None
    times: int
    environments: list[BookedEnvironment]
    group_sv: str
    group_en: str
    group_total: int


@dataclass(frozen=True)
class Counts:
    """How many wait: in all that fits the filter, late ones among them, and for each choice of each filter.

    The counts of a filter's choices are those that the other filters leave.
    """

    total: int = 0
    late: int = 0
    waits: dict[Waits, int] = field(default_factory=dict)
    environments: list[tuple[int, str, str, int]] = field(default_factory=list)
    units: list[tuple[int, str, str, int]] = field(default_factory=list)


def late_before(now: datetime) -> list[datetime]:
    """For 1, 2, … 60 working days the moment before which something must have begun to wait to be late at `now`.

    What was asked for on a day is to be answered by the end of the last of the working days after it.
    """
    moments: list[datetime] = []
    day = now.astimezone(STOCKHOLM).date()
    while len(moments) < LONGEST_PROMISE:
        day -= timedelta(days=1)
        if is_working_day(day):
            moments.append(midnight(day))
    return moments


# Everything that waits for this host. $1: the host; $2, $3: where; $4: now; $5: days without a promise;
# $6: late_before.
_WAITING = f"""
WITH found AS (
    SELECT b.id, b.state, b.sequence, b.starts_at, b.ends_at, b.purpose, b.organisation, b.requester, b.example,
           b.series, b.submitted_at, b.created_at, b.changed_at, b.agreement_lost_at, m.asked_at,
           CASE WHEN b.state = 'submitted' THEN 'decide'
                WHEN m.id IS NOT NULL AND b.starts_at > $4 THEN 'move'
                WHEN b.agreement_lost_at IS NOT NULL AND b.ends_at > $4 AND b.state <> 'completed' THEN 'agreement_lost'
                WHEN b.state = 'confirmed'
                     AND b.starts_at <= $4 + interval '{int(EARLIEST_CHECK_IN.total_seconds())} seconds' THEN 'check_in'
                WHEN b.state = 'in_progress' AND b.ends_at <= $4 THEN 'complete'
                WHEN b.state = 'completed' THEN 'outcome' END AS waits
    FROM booking b LEFT JOIN move_request m ON m.booking = b.id AND m.state = 'asked'
    WHERE b.state IN ('submitted', 'approved', 'confirmed', 'in_progress', 'completed') AND b.requester <> $1
      -- Of a series that waits for a decision, the first stands for all.
      AND (b.series IS NULL OR b.state <> 'submitted' OR NOT EXISTS (
          SELECT FROM booking s WHERE s.series = b.series AND s.state = 'submitted' AND s.occurrence < b.occurrence))
), place AS (
    SELECT f.id, array_agg(e.id ORDER BY e.id) AS environments, array_agg(e.slug ORDER BY e.id) AS slugs,
           array_agg(e.title_sv ORDER BY e.id) AS titles_sv, array_agg(e.title_en ORDER BY e.id) AS titles_en,
           array_agg(e.id ORDER BY e.id) FILTER (WHERE h.hosted) AS hosted,
           bool_and(h.hosted) AS may_act,
           min(CASE WHEN NOT e.ended AND cardinality(v.bookable_by) > 0 THEN e.answer_days END) AS promised
    FROM found f
    JOIN booking_environment be ON be.booking = f.id
    JOIN entry e ON e.id = be.environment
    JOIN environment v ON v.id = e.id
    CROSS JOIN LATERAL (
        SELECT $2 OR e.accountable_body = ANY ($3::int[]) OR coalesce(e.unit = ANY ($3::int[]), false) AS hosted
    ) h
    WHERE f.waits IS NOT NULL
    GROUP BY f.id HAVING bool_or(h.hosted)
), dated AS (
    SELECT f.*, p.environments, p.slugs, p.titles_sv, p.titles_en, p.hosted, p.may_act,
           CASE f.waits WHEN 'decide' THEN coalesce(f.submitted_at, f.created_at)
                        WHEN 'move' THEN f.asked_at
                        WHEN 'agreement_lost' THEN f.agreement_lost_at
                        WHEN 'check_in' THEN f.starts_at
                        WHEN 'complete' THEN f.ends_at
                        ELSE least(f.ends_at, f.changed_at) END AS since,
           CASE WHEN f.waits = 'decide' THEN coalesce(p.promised, $5) ELSE $5 END AS days,
           f.waits = 'decide' AND p.promised IS NOT NULL AS is_promised
    FROM found f JOIN place p USING (id)
), waiting AS (
    SELECT d.*, d.since < ($6::timestamptz[])[d.days] AS is_late FROM dated d
)
"""
# $7 to $10 are the filter. What a filter offers is counted without itself.
_IS_WAITS = "($7::text IS NULL OR w.waits = $7)"
_IS_ENVIRONMENT = "($8::bigint IS NULL OR $8 = ANY (w.hosted))"
_IS_UNIT = """($9::int IS NULL OR EXISTS (
    SELECT FROM entry u WHERE u.id = ANY (w.hosted) AND (u.accountable_body = $9 OR u.unit = $9)))"""
_IS_LATE = "(NOT $10::bool OR w.is_late)"

_ORDER_OF_WAITS = ", ".join(f"'{code}'" for code in Waits)
_GROUPS: dict[Group | None, tuple[str, str, str]] = {
    None: ("0", "''::text", "''::text"),
    Group.WAITS: (f"array_position(ARRAY[{_ORDER_OF_WAITS}], w.waits)", "w.waits", "w.waits"),
    Group.ENVIRONMENT: ("w.hosted[1]", "first.title_sv", "first.title_en"),
    Group.UNIT: ("owner.id", "owner.name_sv", "owner.name_en"),
}
_PAGE = """
{waiting}, chosen AS (
    SELECT w.*, {key} AS group_key, {sv} AS group_sv, {en} AS group_en,
           count(*) OVER (PARTITION BY {key}) AS group_total
    FROM waiting w
    JOIN entry first ON first.id = w.hosted[1]
    JOIN organisation owner ON owner.id = coalesce(first.unit, first.accountable_body)
    WHERE {is_waits} AND {is_environment} AND {is_unit} AND {is_late}
    ORDER BY {order}, w.since, w.id LIMIT {size} OFFSET $11
)
SELECT c.*, o.name_sv AS organisation_name_sv, o.name_en AS organisation_name_en, p.name AS requester_name,
       CASE WHEN c.waits = 'decide' THEN (SELECT count(*) FROM competing_bookings(c.id)) ELSE 0 END AS competing,
       CASE WHEN c.waits = 'decide' AND c.series IS NOT NULL
            THEN (SELECT count(*) FROM booking s WHERE s.series = c.series AND s.state = 'submitted')
            ELSE 1 END AS times
FROM chosen c JOIN organisation o ON o.id = c.organisation JOIN person p ON p.id = c.requester
ORDER BY {outer}, c.since, c.id
"""
_ORDERS: dict[Group | None, tuple[str, str]] = {
    None: ("group_key", "c.group_key"),
    Group.WAITS: ("group_key", "c.group_key"),
    Group.ENVIRONMENT: ("group_sv, group_key", "c.group_sv, c.group_key"),
    Group.UNIT: ("group_sv, group_key", "c.group_sv, c.group_key"),
}
_COUNTS = f"""
{_WAITING}
SELECT 'total' AS what, NULL::bigint AS id, '' AS name_sv, '' AS name_en, count(*) AS n FROM waiting w
    WHERE {_IS_WAITS} AND {_IS_ENVIRONMENT} AND {_IS_UNIT} AND {_IS_LATE}
UNION ALL SELECT 'late', NULL, '', '', count(*) FROM waiting w
    WHERE {_IS_WAITS} AND {_IS_ENVIRONMENT} AND {_IS_UNIT} AND w.is_late
UNION ALL SELECT 'waits', NULL, w.waits, '', count(*) FROM waiting w
    WHERE {_IS_ENVIRONMENT} AND {_IS_UNIT} AND {_IS_LATE} GROUP BY w.waits
UNION ALL SELECT 'environment', e.id, e.title_sv, e.title_en, count(*) FROM waiting w
    JOIN entry e ON e.id = ANY (w.hosted) WHERE {_IS_WAITS} AND {_IS_UNIT} AND {_IS_LATE} GROUP BY e.id
UNION ALL SELECT 'unit', o.id, o.name_sv, o.name_en, count(DISTINCT w.id) FROM waiting w
    JOIN entry e ON e.id = ANY (w.hosted) JOIN organisation o ON o.id IN (e.accountable_body, e.unit)
    WHERE {_IS_WAITS} AND {_IS_ENVIRONMENT} AND {_IS_LATE} GROUP BY o.id
-- What is chosen stays among the choices, also where nothing is left of it.
UNION ALL SELECT 'environment', e.id, e.title_sv, e.title_en, 0 FROM entry e WHERE e.id = $8
    AND ($2 OR e.accountable_body = ANY ($3::int[]) OR coalesce(e.unit = ANY ($3::int[]), false))
UNION ALL SELECT 'unit', o.id, o.name_sv, o.name_en, 0 FROM organisation o WHERE o.id = $9
ORDER BY what, name_sv, id, n DESC
"""


async def waiting(
    actor: Actor, wanted: Wanted, now: datetime, *, without_promise: int, page: int = 1
) -> list[WaitingBooking]:
    """A page of what waits for a host, oldest first within each group; their own requests are left out.

    `without_promise` is how many working days count where nothing is promised.

    Raises:
        NotSignedIn, NotPermitted: the actor hosts nothing.
    """
    require(actor, Permission.BOOKING_DECIDE)
    key, sv, en = _GROUPS[wanted.group]
    order, outer = _ORDERS[wanted.group]
    sql = _PAGE.format(
        waiting=_WAITING,
        key=key,
        sv=sv,
        en=en,
        order=order,
        outer=outer,
        size=PAGE_SIZE,
        is_waits=_IS_WAITS,
        is_environment=_IS_ENVIRONMENT,
        is_unit=_IS_UNIT,
        is_late=_IS_LATE,
    )
    rows = await database.fetch(sql, *_values(actor, wanted, now, without_promise), (page - 1) * PAGE_SIZE)
    return [_row(row) for row in rows]


async def counts(actor: Actor, wanted: Wanted, now: datetime, *, without_promise: int) -> Counts:
    """How many wait, see `Counts`; raises as `waiting` does."""
    require(actor, Permission.BOOKING_DECIDE)
    rows = await database.fetch(_COUNTS, *_values(actor, wanted, now, without_promise))
    of = {what: [row for row in rows if row["what"] == what] for what in ("total", "late", "waits")}
    found = {Waits(row["name_sv"]): row["n"] for row in of["waits"]}
    return Counts(
        total=of["total"][0]["n"],
        late=of["late"][0]["n"],
        waits={code: found.get(code, 0) for code in Waits if code in found or code is wanted.waits},
        environments=_choices(rows, "environment"),
        units=_choices(rows, "unit"),
    )


async def oldest_to_decide(actor: Actor, *, besides: UUID) -> UUID | None:
    """The request that has waited longest for this host's decision, other than one."""
    rows = await database.fetch(
        "SELECT b.id FROM booking b WHERE b.state = 'submitted' AND b.requester <> $1 AND b.id <> $4"
        " AND NOT EXISTS (SELECT FROM booking_environment be JOIN entry e ON e.id = be.environment"
        " WHERE be.booking = b.id AND NOT ($2 OR e.accountable_body = ANY ($3::int[])"
        " OR coalesce(e.unit = ANY ($3::int[]), false)))"
        " ORDER BY coalesce(b.submitted_at, b.created_at), b.id LIMIT 1",
        actor.person_id,
        actor.has_unlimited(Permission.BOOKING_DECIDE),
        list(actor.limited_to(Permission.BOOKING_DECIDE)),
        besides,
    )
    return rows[0]["id"] if rows else None


def _values(actor: Actor, wanted: Wanted, now: datetime, without_promise: int) -> tuple[Any, ...]:
    return (
        actor.person_id,
        actor.has_unlimited(Permission.BOOKING_DECIDE),
        list(actor.limited_to(Permission.BOOKING_DECIDE)),
        now,
        without_promise,
        late_before(now),
        wanted.waits.value if wanted.waits else None,
        wanted.environment,
        wanted.unit,
        wanted.late,
    )


def _choices(rows: Sequence[database.Row], what: str) -> list[tuple[int, str, str, int]]:
    found: dict[int, tuple[int, str, str, int]] = {}
    for row in rows:
        if row["what"] == what:
            found.setdefault(row["id"], (row["id"], row["name_sv"], row["name_en"], row["n"]))
    return list(found.values())


def _row(row: database.Row) -> WaitingBooking:
    names = [one.name for one in fields(WaitingBooking) if one.name not in {"waits", "environments"}]
    return WaitingBooking(
        waits=Waits(row["waits"]),
        environments=[
            BookedEnvironment(*one)
            for one in zip(row["environments"], row["slugs"], row["titles_sv"], row["titles_en"], strict=True)
        ],
        **{name: row[name] for name in names},
    )
