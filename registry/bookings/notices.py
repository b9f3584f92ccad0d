"""Who is told of what by mail. One table says it; `tell` is called by the command that made it happen.

A notice waits in the table until the job SEND_NOTICES, or the clock, writes it into a mail: see registry/web.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from uuid import UUID

from registry import database
from registry.access import SYSTEM, Actor, Permission, Role, require_signed_in
from registry.agreements.rules import NextActor
from registry.audit.service import EventType, record
from registry.bookings import queries
from registry.bookings.codes import NoticeEvent, NoticePace, Part
from registry.jobs.service import Job, enqueue_many

# What comes within this time after a mail is gathered into the next one.
PAUSE = timedelta(minutes=15)
KEPT_FOR = timedelta(days=90)
WARNED_BEFORE_LAPSE = timedelta(days=3)
REMINDED_BEFORE = timedelta(days=1)

_E, _P = NoticeEvent, Part
# The table: for each event who is told of it, and whether they have to act or lose a time by it.
TOLD: Mapping[NoticeEvent, Mapping[Part, bool]] = {
    _E.SUBMITTED: {_P.REQUESTER: False, _P.HOST: True},
    _E.CHANGES_REQUESTED: {_P.REQUESTER: True},
    _E.WAITLISTED: {_P.REQUESTER: True},
    _E.DECLINED: {_P.REQUESTER: True},
    _E.APPROVED: {_P.REQUESTER: True, _P.LEGAL: True},
    _E.CONFIRMED: {_P.REQUESTER: True, _P.HOST: False},
    _E.CANCELLED: {_P.REQUESTER: True, _P.HOST: True},
    _E.WITHDRAWN: {_P.REQUESTER: False, _P.HOST: False},
    _E.NO_SHOW: {_P.REQUESTER: True, _P.HOST: False},
    _E.COMPLETED: {_P.REQUESTER: True, _P.HOST: True},
    _E.OUTCOME_RECORDED: {_P.REQUESTER: False, _P.HOST: False, _P.COORDINATOR: False},
    _E.LAPSES_SOON: {_P.REQUESTER: True, _P.HOST: True},
    _E.LAPSED: {_P.REQUESTER: True, _P.HOST: True},
    _E.TOMORROW: {_P.REQUESTER: True, _P.HOST: True},
    _E.MOVED: {_P.REQUESTER: True, _P.HOST: False},
    _E.AGREEMENT_LOST: {_P.REQUESTER: True, _P.HOST: True, _P.LEGAL: True},
    _E.AGREEMENT_ENDS: {_P.REQUESTER: True, _P.HOST: True, _P.LEGAL: True},
    _E.AGREEMENT_BACK: {_P.REQUESTER: False, _P.HOST: False, _P.LEGAL: False},
    _E.IP_OPENED: {_P.LEGAL: True},
    _E.IP_DECIDED: {_P.REQUESTER: True, _P.HOST: True},
    _E.HANDED_OVER: {_P.REQUESTER: True, _P.FORMER: False, _P.HOST: False},
    _E.OFFERED: {_P.REQUESTER: True},
    _E.OFFER_LAPSED: {_P.REQUESTER: True},
    _E.WAIT_ENDED: {_P.REQUESTER: True},
    _E.OFFER_ACCEPTED: {_P.REQUESTER: False, _P.HOST: True},
    _E.MOVE_ASKED: {_P.HOST: True},
    _E.MOVE_REFUSED: {_P.REQUESTER: True},
    _E.OUTCOME_PROPOSED: {_P.REQUESTER: True},
    _E.OUTCOME_AGREED: {_P.HOST: True},
    _E.OUTCOME_PUBLISHED: {_P.REQUESTER: False},
    _E.OUTCOME_REMOVED: {_P.REQUESTER: False, _P.HOST: False},
    _E.MESSAGE: {_P.REQUESTER: True, _P.HOST: True},
}
# Whoever sends a request gets a receipt. Nobody else is told of what they did themselves.
_RECEIPTS = frozenset({(_E.SUBMITTED, _P.REQUESTER), (_E.OFFER_ACCEPTED, _P.REQUESTER)})
# Legal is told of an approval only where it is legal who has to act.
_IF_LEGAL_IS_NEXT = frozenset({(_E.APPROVED, _P.LEGAL)})

_ROLES = {_P.HOST: Role.HOST, _P.LEGAL: Role.LEGAL, _P.COORDINATOR: Role.COORDINATOR}
# People whose role covers environments of the booking: those of all of them, or where there is no such person
# those of some. A role without a limit covers everything.
_STAFF = """
WITH covered AS (
    SELECT r.person, count(DISTINCT e.id) AS n FROM booking_environment be
    JOIN entry e ON e.id = be.environment
    JOIN role_assignment r ON r.role = $2
        AND (r.organisation IS NULL OR r.organisation IN (e.accountable_body, e.unit))
    JOIN person p ON p.id = r.person AND p.active
    WHERE be.booking = $1 GROUP BY r.person
)
SELECT person FROM covered WHERE n = (SELECT max(n) FROM covered) ORDER BY person
"""


async def people(booking_id: UUID, part: Part) -> set[int]:
    """The ids of those who have a part in a booking now; nobody's for `former`, which is over."""
    if part in _ROLES:
        rows = await database.fetch(_STAFF, booking_id, _ROLES[part].value)
        return {row["person"] for row in rows}
    if part is Part.REQUESTER:
        rows = await database.fetch(
            "SELECT p.id FROM booking b JOIN person p ON p.id = b.requester AND p.active WHERE b.id = $1", booking_id
        )
        return {row["id"] for row in rows}
    return set()


async def tell(
    actor: Actor,
    booking_id: UUID,
    event: NoticeEvent,
    *,
    reason: str = "",
    about: datetime | None = None,
    former: int | None = None,
    only: frozenset[Part] = frozenset(Part),
) -> int:
    """Have everybody told whom an event concerns, except whoever made it happen; returns how many are.

    With `about` (in UTC) each person is told of that moment once, however often this is called. `only` leaves out
    other parts.

    Raises:
        RuntimeError: outside a transaction.
    """
    told: dict[int, tuple[Part, bool]] = {}
    for part, needs_me in TOLD[event].items():
        if part not in only:
            continue
        who = {former} if part is Part.FORMER else await people(booking_id, part)
        if (event, part) in _IF_LEGAL_IS_NEXT and not await _waits_for_legal(booking_id):
            continue
        for person in who:
            if person is None:
                continue
            if person != actor.person_id or (event, part) in _RECEIPTS:
                told.setdefault(person, (part, needs_me))
    return await _store(booking_id, event, told, reason=reason, about=about)


async def _waits_for_legal(booking_id: UUID) -> bool:
    row = await database.fetch_one("SELECT * FROM booking WHERE id = $1", booking_id)
    return row is not None and any(one.next_actor == NextActor.LEGAL for one in await queries.missing_for(row))


async def _store(
    booking_id: UUID,
    event: NoticeEvent,
    told: Mapping[int, tuple[Part, bool]],
    *,
    reason: str,
    about: datetime | None,
) -> int:
    ids = sorted(told)
    rows = await database.fetch(
        "INSERT INTO notice (person, booking, event, part, needs_me, reason, about)"
        " SELECT t.person, $1, $2, t.part, t.needs_me, $3, $4"
        " FROM unnest($5::int[], $6::text[], $7::bool[]) AS t (person, part, needs_me)"
        " LEFT JOIN notice_setting s ON s.person = t.person WHERE t.needs_me OR s.pace IS DISTINCT FROM 'needed'"
        " ON CONFLICT DO NOTHING RETURNING person",
        booking_id,
        event.value,
        reason,
        about,
        ids,
        [told[person][0].value for person in ids],
        [told[person][1] for person in ids],
    )
    await enqueue_many(Job.SEND_NOTICES, ({"person_id": row["person"]} for row in rows))
    return len(rows)


# --- By the clock


async def warn_of_lapses(now: datetime) -> None:
    """Tell both sides of approvals that lapse within three days. `now` is in UTC. Safe to run again."""
    await _tell_each(
        "SELECT id, series, hold_until AS about FROM booking WHERE state = 'approved'"
        " AND hold_until > $1 AND hold_until <= $2",
        now,
        now + WARNED_BEFORE_LAPSE,
        NoticeEvent.LAPSES_SOON,
    )


async def remind_of_tomorrow(now: datetime) -> None:
    """Remind both sides of bookings that begin within a day. `now` is in UTC. Safe to run again.

    A booking that was confirmed later than that is not reminded of: the confirmation has just said it.
    """
    await _tell_each(
        "SELECT id, series, starts_at AS about FROM booking WHERE state = 'confirmed'"
        " AND starts_at > $1 AND starts_at <= $2"
        " AND coalesce(confirmed_at, submitted_at, created_at) < starts_at - interval '1 day'",
        now,
        now + REMINDED_BEFORE,
        NoticeEvent.TOMORROW,
    )


async def _tell_each(sql: str, now: datetime, until: datetime, event: NoticeEvent) -> None:
    rows = await database.fetch(f"{sql} ORDER BY coalesce(series, id), starts_at, id", now, until)
    for _, together in groupby(rows, key=lambda row: row["series"] or row["id"]):
        # One transaction for each, so that a fault in one holds no other back; of a series one mail tells.
        async with database.transaction():
            for row in together:
                await tell(SYSTEM, row["id"], event, about=row["about"])


async def remove_old_notices(now: datetime) -> None:
    """Remove notices that are older than 90 days, as the mails are. `now` is in UTC."""
    await database.fetch("DELETE FROM notice WHERE created_at < $1", now - KEPT_FOR)


# --- Reading, for whoever writes the mails


@dataclass(frozen=True)
class WaitingNotice:
    """A notice that has not been mailed; times are in UTC."""

    id: int
    booking_id: UUID
    event: NoticeEvent
    part: Part
    needs_me: bool
    reason: str
    about: datetime | None
    created_at: datetime


# These have a deadline of hours, whatever pace somebody has chosen.
_URGENT = frozenset({NoticeEvent.OFFERED})


async def take_waiting(person_id: int, now: datetime, *, daily: bool = False) -> list[WaitingNotice]:
    """What a person is to be told of now, oldest first; it counts as mailed when the running transaction commits.

    Only what cannot wait while the latest mail was a moment ago, or where the person has mail daily and this is not
    `daily`.
    Of what concerns a booking that is no longer theirs nobody is told. The lock on the person makes a second
    worker wait, and then find nothing.
    """
    await database.fetch("SELECT 1 FROM person WHERE id = $1 FOR NO KEY UPDATE", person_id)
    is_urgent_only = (await pace_of(person_id) is NoticePace.DAILY) != daily or await _is_in_pause(person_id, now)
    rows = await database.fetch(
        "UPDATE notice SET mailed_at = $2 WHERE person = $1 AND mailed_at IS NULL AND (event = ANY ($3) OR NOT $4)"
        " RETURNING id, booking AS booking_id, event, part, needs_me, reason, about, created_at",
        person_id,
        now,
        [event.value for event in _URGENT],
        is_urgent_only,
    )
    found = [_waiting(row) for row in sorted(rows, key=lambda row: row["id"])]
    return [one for one in found if one.part is Part.FORMER or person_id in await people(one.booking_id, one.part)]


async def _is_in_pause(person_id: int, now: datetime) -> bool:
    # A receipt does not keep the answer to it waiting.
    row = await database.fetch_one(
        "SELECT EXISTS (SELECT FROM notice WHERE person = $1 AND mailed_at > $2"
        " AND NOT (event = 'submitted' AND part = 'requester')) AS is_in_pause",
        person_id,
        now - PAUSE,
    )
    return bool(row and row["is_in_pause"])


async def people_waiting(*, paces: Sequence[NoticePace]) -> list[int]:
    """The ids of those for whom notices wait and who have chosen one of these paces."""
    rows = await database.fetch(
        "SELECT DISTINCT n.person FROM notice n LEFT JOIN notice_setting s ON s.person = n.person"
        " WHERE n.mailed_at IS NULL AND coalesce(s.pace, 'at_once') = ANY ($1) ORDER BY n.person",
        [pace.value for pace in paces],
    )
    return [row["person"] for row in rows]


def _waiting(row: database.Row) -> WaitingNotice:
    return WaitingNotice(
        id=row["id"],
        booking_id=row["booking_id"],
        event=NoticeEvent(row["event"]),
        part=Part(row["part"]),
        needs_me=row["needs_me"],
        reason=row["reason"],
        about=row["about"],
        created_at=row["created_at"],
    )


# --- What a person has chosen


async def pace_of(person_id: int) -> NoticePace:
    """How often a person gets mail about bookings."""
    row = await database.fetch_one("SELECT pace FROM notice_setting WHERE person = $1", person_id)
    return NoticePace(row["pace"]) if row else NoticePace.AT_ONCE


async def choose_pace(actor: Actor, pace: NoticePace) -> None:
    """Choose how often one gets mail about bookings; what waits already goes out by the new choice.

    Raises:
        NotSignedIn: a visitor gets none.
    """
    require_signed_in(actor)
    async with database.transaction():
        await database.fetch(
            "INSERT INTO notice_setting (person, pace) VALUES ($1, $2)"
            " ON CONFLICT (person) DO UPDATE SET pace = excluded.pace",
            actor.person_id,
            pace.value,
        )
        await record(actor, EventType.NOTICES_CHOSEN, actor.person_id, {"pace": pace.value})
        await enqueue_many(Job.SEND_NOTICES, [{"person_id": actor.person_id}])


def may_have_notices(actor: Actor) -> bool:
    """Whether somebody can get mail about bookings at all, for showing them the page."""
    return any(
        actor.may(p) for p in (Permission.BOOKING_CREATE, Permission.BOOKING_DECIDE, Permission.AGREEMENT_REVIEW)
    )
