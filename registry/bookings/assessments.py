"""IP assessments: who has the rights to an innovation that an employee books for; decided by legal.

Source: the strategy (RS 2019-0672), case by case; the act on the right to employees' inventions (SFS 1949:345).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

from registry import database, transitions
from registry.access import Actor, Permission, require
from registry.audit.service import EventType, record
from registry.bookings import notices, queries, rules
from registry.bookings.codes import IpFinding, NoticeEvent, Part
from registry.bookings.queries import BookingRow, BookingView
from registry.bookings.rules import BookingFacts
from registry.bookings.states import ASSESSMENT_TRANSITIONS, AssessmentState
from registry.errors import N_, Message, NotFound, NotPermitted, RuleBroken, invalid, message

LONGEST_REASONS = 5000
LONGEST_QUEUE = 200


@dataclass(frozen=True)
class Assessment:
    """An assessment; times are in UTC. A reopened one still has what was found before."""

    booking_id: UUID
    state: AssessmentState
    opened_at: datetime
    decided_at: datetime | None
    decided_by: str
    finding: IpFinding | None
    reasons: str
    blocks: bool

    @property
    def days_waited(self) -> int:
        """Whole days since it was opened."""
        return (datetime.now(UTC) - self.opened_at).days


_COLUMNS = """
a.booking AS booking_id, a.state, a.opened_at, a.decided_at, coalesce(p.name, '') AS decided_by, a.finding, a.reasons,
a.blocks
"""
_FROM = "FROM ip_assessment a LEFT JOIN person p ON p.id = a.decided_by"


async def open_for(actor: Actor, row: Mapping[str, Any]) -> None:
    """Open the assessment of a request that is sent for an employee's own innovation; legal is told.

    A request that is sent again opens it anew only where what it says of the innovation has changed.
    """
    if row["employer_role"] is None:
        return
    facts = _digest(row)
    known = await database.fetch_one("SELECT * FROM ip_assessment WHERE booking = $1 FOR UPDATE", row["id"])
    if known is not None and known["facts_sha256"] == facts:
        return
    if known is None:
        await database.fetch("INSERT INTO ip_assessment (booking, facts_sha256) VALUES ($1, $2)", row["id"], facts)
    else:
        await database.fetch(
            "UPDATE ip_assessment SET state = 'open', blocks = false, facts_sha256 = $2, opened_at = now()"
            " WHERE booking = $1",
            row["id"],
            facts,
        )
    await record(actor, EventType.IP_OPENED, row["id"], {"employer_role": row["employer_role"]})
    await notices.tell(actor, row["id"], NoticeEvent.IP_OPENED)


def _digest(row: Mapping[str, Any]) -> str:
    names = ("employer_role", "innovation_project", "innovation_contribution", "innovation_funding", "purpose")
    return sha256("\x1f".join(row[name] for name in names).encode()).hexdigest()


async def is_blocked(booking_id: UUID) -> bool:
    """Whether legal has decided that a booking cannot go on."""
    return await _block(booking_id) is not None


async def require_no_block(booking_id: UUID) -> None:
    """Raises RuleBroken with legal's reasons where legal has decided that a booking cannot go on."""
    if (reason := await _block(booking_id)) is not None:
        raise RuleBroken(reason)


async def _block(booking_id: UUID) -> Message | None:
    row = await database.fetch_one("SELECT reasons FROM ip_assessment WHERE booking = $1 AND blocks", booking_id)
    if row is None:
        return None
    return message(N_("Legal has decided that the booking cannot go on as it is: %(reasons)s"), reasons=row["reasons"])


async def of_booking(actor: Actor, view: BookingView) -> Assessment | None:
    """The assessment of a booking that the actor sees. Hosts see it only where it blocks the booking."""
    row = await database.fetch_one(f"SELECT {_COLUMNS} {_FROM} WHERE a.booking = $1", view.booking.id)
    if row is None:
        return None
    sees_all = view.is_own or actor.may(Permission.IP_ASSESS) or actor.has_unlimited(Permission.BOOKING_READ_ALL)
    return _view(row) if sees_all or row["blocks"] else None


@dataclass(frozen=True)
class AssessmentCase:
    """What legal has before them; `actions` can be taken now, `refusal` says why not where there are none."""

    assessment: Assessment
    view: BookingView
    actions: list[str]
    refusal: Message | None


async def get_case(actor: Actor, booking_id: UUID) -> AssessmentCase:
    """The assessment of a booking, for legal. Reading it is logged as reading the booking is.

    Raises:
        NotSignedIn, NotPermitted; NotFound: there is none, or the actor may not see it.
    """
    require(actor, Permission.IP_ASSESS)
    view = await queries.get_booking(actor, booking_id)
    assessment = await of_booking(actor, view)
    if assessment is None:
        raise NotFound
    refusal = rules.can_assess(actor, await queries.facts_of(view.booking.row))
    actions = transitions.actions_from(ASSESSMENT_TRANSITIONS, assessment.state)
    return AssessmentCase(assessment, view, [] if refusal else actions, refusal)


async def assessment_queue(actor: Actor) -> list[tuple[Assessment, BookingRow]]:
    """What waits for legal, oldest first, then what was decided, latest first.

    Raises:
        NotSignedIn, NotPermitted: the actor does not assess.
    """
    require(actor, Permission.IP_ASSESS)
    rows = await database.fetch(
        f"SELECT {_COLUMNS} {_FROM} JOIN booking b ON b.id = a.booking WHERE ($1 OR b.organisation = ANY ($2))"
        # Of a series that says the same throughout, the first stands for all.
        " AND NOT EXISTS (SELECT FROM booking s JOIN ip_assessment t ON t.booking = s.id WHERE s.series = b.series"
        " AND s.occurrence < b.occurrence AND (t.state, t.facts_sha256) = (a.state, a.facts_sha256))"
        " ORDER BY a.state = 'decided', CASE WHEN a.state = 'open' THEN a.opened_at END, a.decided_at DESC, a.id"
        " LIMIT $3",
        actor.has_unlimited(Permission.IP_ASSESS),
        list(actor.limited_to(Permission.IP_ASSESS)),
        LONGEST_QUEUE,
    )
    bookings = await queries.bookings_by_id([row["booking_id"] for row in rows])
    return [(_view(row), bookings[row["booking_id"]]) for row in rows]


async def decide(
    actor: Actor, booking_id: UUID, *, finding: IpFinding | None, reasons: str, blocks: bool = False
) -> None:
    """Decide an open assessment, with reasons; with `blocks` the booking cannot go on until it is decided otherwise.

    What is decided of one booking of a series holds for those that say the same.

    The employee is told, and the hosts where it blocks.

    Raises:
        NotFound, NotPermitted; TransitionNotAllowed: it is decided. InvalidInput: the finding or reasons are missing.
    """
    if finding is None:
        raise invalid("finding", N_("Choose what you have found."))
    reasons = _good_reasons(reasons)
    async with database.transaction():
        for one in await _alike(booking_id):
            state = await _step(actor, one, "decide")
            await database.fetch(
                "UPDATE ip_assessment SET state = $2, finding = $3, reasons = $4, blocks = $5, decided_at = now(),"
                " decided_by = $6 WHERE booking = $1",
                one,
                state.value,
                finding.value,
                reasons,
                blocks,
                actor.person_id,
            )
            await record(actor, EventType.IP_DECIDED, one, {"finding": finding.value, "blocks": blocks})
            only = frozenset(Part) if blocks else frozenset({Part.REQUESTER})
            await notices.tell(actor, one, NoticeEvent.IP_DECIDED, reason=reasons, only=only)


async def reopen(actor: Actor, booking_id: UUID) -> None:
    """Take a decided assessment up again; it blocks nothing until it is decided anew.

    Raises:
        NotFound, NotPermitted; TransitionNotAllowed: it is open.
    """
    async with database.transaction():
        for one in await _alike(booking_id):
            state = await _step(actor, one, "reopen")
            await database.fetch(
                "UPDATE ip_assessment SET state = $2, blocks = false, opened_at = now() WHERE booking = $1",
                one,
                state.value,
            )
            await record(actor, EventType.IP_REOPENED, one)


async def _alike(booking_id: UUID) -> list[UUID]:
    """A booking, and those of its series that say the same of the innovation and wait for the same step."""
    rows = await database.fetch(
        "SELECT s.id FROM booking b JOIN ip_assessment a ON a.booking = b.id JOIN booking s ON s.series = b.series"
        " JOIN ip_assessment t ON t.booking = s.id AND (t.state, t.facts_sha256) = (a.state, a.facts_sha256)"
        " WHERE b.id = $1 AND s.id <> b.id ORDER BY s.occurrence",
        booking_id,
    )
    return [booking_id, *(row["id"] for row in rows)]


async def _step(actor: Actor, booking_id: UUID, action: str) -> AssessmentState:
    """The state that a step leads to, with the assessment locked and the actor's right to take it checked."""
    row = await database.fetch_one("SELECT state FROM ip_assessment WHERE booking = $1 FOR UPDATE", booking_id)
    facts = await _facts(booking_id)
    if row is None or facts is None or not rules.can_read.allows(actor, facts):
        raise NotFound
    if refusal := rules.can_assess(actor, facts):
        raise NotPermitted(refusal)
    return transitions.apply(ASSESSMENT_TRANSITIONS, action, AssessmentState(row["state"]))


async def _facts(booking_id: UUID) -> BookingFacts | None:
    row = await database.fetch_one("SELECT * FROM booking WHERE id = $1", booking_id)
    return None if row is None else await queries.facts_of(row)


def _good_reasons(reasons: str) -> str:
    reasons = reasons.strip()
    if not reasons:
        raise invalid("reasons", N_("Write the reasons, so that the employee understands the decision."))
    if len(reasons) > LONGEST_REASONS:
        raise invalid(
            "reasons", N_("The text is too long: at most %(max_length)s characters."), max_length=LONGEST_REASONS
        )
    return reasons


def _view(row: database.Row) -> Assessment:
    return Assessment(
        booking_id=row["booking_id"],
        state=AssessmentState(row["state"]),
        opened_at=row["opened_at"],
        decided_at=row["decided_at"],
        decided_by=row["decided_by"],
        finding=IpFinding(row["finding"]) if row["finding"] else None,
        reasons=row["reasons"],
        blocks=row["blocks"],
    )
