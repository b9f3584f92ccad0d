"""Reading the review desk: the queue, and what only legal sees of one agreement."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from registry import database
from registry.access import Actor, Permission, Role, require
from registry.agreements import rules
from registry.agreements.checklists import Item, checklist_of
from registry.agreements.codes import AgreementType
from registry.agreements.rows import ROW, AgreementRow, row_of
from registry.agreements.states import SIGNABLE, AgreementState

PAGE_SIZE = 25


class Turn(StrEnum):
    """Whose turn it is, for the queue."""

    LEGAL = "legal"
    OTHERS = "others"
    ALL = "all"


@dataclass(frozen=True)
class QueueFilter:
    """Which agreements of the queue to show. `assigned` is a person's id, 0 for nobody, None for all."""

    turn: Turn = Turn.ALL
    type: AgreementType | None = None
    assigned: int | None = None
    overdue: bool = False
    page: int = 1


# The same as rules.next_step: what is in review, or approved and signed by all who sign up to it, waits for legal.
_LEGALS_TURN = """
(a.state = 'in_review' OR a.state = 'approved' AND NOT EXISTS (
    SELECT FROM agreement_party p WHERE p.agreement = a.id AND p.role <> 'region' AND NOT EXISTS (
        SELECT FROM agreement_signature s WHERE s.organisation = p.organisation AND s.version = (
            SELECT w.id FROM agreement_version w WHERE w.agreement = a.id ORDER BY w.number DESC LIMIT 1
        )
    )
))
"""
_QUEUE = f"""
WHERE a.state = ANY ($1) AND ($2 OR EXISTS (
    SELECT FROM agreement_party p WHERE p.agreement = a.id AND p.role = 'region' AND p.organisation = ANY ($3)
))
AND ($4::text = 'all' OR {_LEGALS_TURN} = ($4 = 'legal'))
AND ($5::text IS NULL OR a.type = $5)
AND ($6::integer IS NULL OR coalesce(a.assigned_to, 0) = $6)
AND (NOT $7 OR a.state = 'in_review' AND a.review_due_on < $8)
ORDER BY NOT {_LEGALS_TURN}, coalesce(a.decided_at, a.submitted_at, a.created_at), a.id LIMIT $9 OFFSET $10
"""


async def review_queue(
    actor: Actor, wanted: QueueFilter | None = None, *, page_size: int = PAGE_SIZE
) -> tuple[list[AgreementRow], int]:
    """A page of what stands at the desk, and how many there are: what waits for legal first, each oldest first.

    One statement, whatever the length.

    Raises:
        NotPermitted: the actor does not review agreements.
    """
    require(actor, Permission.AGREEMENT_REVIEW)
    wanted = wanted or QueueFilter()
    rows = await database.fetch(
        ROW.format(more=", count(*) OVER () AS found", where=_QUEUE),
        [state.value for state in (*SIGNABLE, AgreementState.CHANGES_REQUESTED)],
        actor.has_unlimited(Permission.AGREEMENT_REVIEW),
        list(actor.limited_to(Permission.AGREEMENT_REVIEW)),
        wanted.turn.value,
        wanted.type.value if wanted.type else None,
        wanted.assigned,
        wanted.overdue,
        rules.today(),
        page_size,
        (wanted.page - 1) * page_size,
    )
    return [row_of(row) for row in rows], rows[0]["found"] if rows else 0


@dataclass(frozen=True)
class Comment:
    """A note of legal on a clause (its heading; empty for the whole agreement). `at` is in UTC."""

    clause: str
    text: str
    author: str
    version_number: int
    at: datetime


@dataclass(frozen=True)
class Reviewer:
    """Somebody of legal who can take an agreement."""

    id: int
    name: str


@dataclass(frozen=True)
class Desk:
    """What legal alone sees of an agreement."""

    checklist: tuple[Item, ...]
    comments: tuple[Comment, ...]
    reviewers: tuple[Reviewer, ...]
    may_tick: bool
    may_assign: bool
    may_comment: bool

    @property
    def left(self) -> int:
        """How many items are not ticked."""
        return sum(not item.ticked for item in self.checklist)

    def notes_on(self, clause: str) -> list[Comment]:
        """The notes on one clause, oldest first."""
        return [one for one in self.comments if one.clause == clause]


_COMMENTS = """
SELECT c.clause, c.text, p.name AS author, v.number AS version_number, c.at
FROM clause_comment c JOIN agreement_version v ON v.id = c.version JOIN person p ON p.id = c.author
WHERE v.agreement = $1 ORDER BY c.id
"""
# Of legal, for one of the public parties, and nobody who wrote in it.
_REVIEWERS = """
SELECT DISTINCT p.id, p.name FROM person p JOIN role_assignment r ON r.person = p.id
WHERE p.active AND r.role = $1 AND (r.organisation IS NULL OR r.organisation = ANY ($2)) AND p.id <> ALL ($3)
ORDER BY p.name, p.id
"""


async def review_desk(actor: Actor, agreement: AgreementRow) -> Desk | None:
    """Checklist, notes and who can take an agreement that the actor has been shown; None if they do not review it."""
    facts = agreement.facts()
    if not rules.is_reviewer.allows(actor, facts):
        return None
    return Desk(
        checklist=tuple(await checklist_of(agreement.id)),
        comments=tuple(Comment(**dict(row)) for row in await database.fetch(_COMMENTS, agreement.id)),
        reviewers=tuple(await reviewers(agreement)),
        may_tick=rules.can_tick.allows(actor, facts),
        may_assign=rules.can_assign.allows(actor, facts),
        may_comment=rules.can_comment.allows(actor, facts),
    )


async def reviewers(agreement: AgreementRow) -> list[Reviewer]:
    """Who can take an agreement: active people of legal for its public parties who did not write in it, by name."""
    facts = agreement.facts()
    rows = await database.fetch(_REVIEWERS, Role.LEGAL.value, list(facts.region), [facts.author or 0, *facts.writers])
    return [Reviewer(row["id"], row["name"]) for row in rows]
