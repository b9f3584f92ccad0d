"""Commands on the phases of a partnership; `service` offers them to others."""

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID

from piccolo.columns import Column

from registry import database
from registry.access import Actor, require_signed_in
from registry.audit.service import EventType, record
from registry.entries import service as entries
from registry.entries.codes import Relation
from registry.errors import N_, NotFound, RuleBroken, invalid, message
from registry.jobs.service import Job, enqueue
from registry.procurement import rules
from registry.procurement.codes import PhaseDecision
from registry.procurement.guards import (
    LockedPartnership,
    change,
    locked_partnership,
    require_agreement,
    require_environments,
    require_state,
)
from registry.procurement.rules import DecisionWanted, PhaseFacts
from registry.procurement.tables import Phase, PhaseEnvironment
from registry.procurement.texts import PhaseText


async def add_phase(actor: Actor, partnership_id: UUID, text: PhaseText) -> int:
    """Add the next phase and return its number.

    Raises:
        RuleBroken: it does not follow the phase before, or the partnership has ended.
        NotSignedIn, NotFound, NotPermitted, InvalidInput.
    """
    require_signed_in(actor)
    _require_dates(text)
    async with change():
        found = await locked_partnership(actor, partnership_id)
        require_state(rules.takes_phases(actor, found.facts))
        number = len(found.facts.phases) + 1
        new = PhaseFacts(number, text.starts_on, text.ends_on)
        require_state(rules.phases_are_successive((*found.facts.phases, new)))
        await require_agreement(actor, text.agreement)
        await require_environments(actor, set(text.environments))
        rows = await Phase.insert(Phase(partnership=partnership_id, number=number, **text.columns())).returning(
            Phase.id
        )
        await _use_environments(actor, found, rows[0]["id"], text.environments)
        data = {"number": number, "starts_on": text.starts_on, "ends_on": text.ends_on}
        await _finish(actor, found, EventType.PHASE_ADDED, data)
    return number


async def change_phase(actor: Actor, partnership_id: UUID, number: int, text: PhaseText) -> None:
    """Change a phase that is not decided.

    Raises:
        RuleBroken: it is decided, the partnership has ended, or the phases would no longer follow one another.
        NotSignedIn, NotFound, NotPermitted, InvalidInput.
    """
    require_signed_in(actor)
    _require_dates(text)
    async with change():
        found = await locked_partnership(actor, partnership_id)
        phase = _phase(found, number)
        if phase.decision is not None:
            raise RuleBroken(message(N_("Phase %(number)s has been decided, so it stays as it is."), number=number))
        require_state(rules.takes_phases(actor, found.facts))
        others = [other for other in found.facts.phases if other.number != number]
        wanted = PhaseFacts(number, text.starts_on, text.ends_on)
        require_state(rules.phases_are_successive((*others, wanted)))
        data = await _write_changes(actor, found, number, text)
        await _finish(actor, found, EventType.PARTNERSHIP_CHANGED, data)


_STORED = """
SELECT f.*, coalesce(array_agg(x.environment) FILTER (WHERE x.id IS NOT NULL), '{}') AS environments
FROM phase f LEFT JOIN phase_environment x ON x.phase = f.id WHERE f.partnership = $1 AND f.number = $2 GROUP BY f.id
"""


async def _write_changes(actor: Actor, found: LockedPartnership, number: int, text: PhaseText) -> dict[str, object]:
    row = (await database.fetch(_STORED, found.row["id"], number))[0]
    before, after = set(row["environments"]), set(text.environments)
    columns = text.columns()
    changed = sorted(name for name, value in columns.items() if row[name] != value)
    # What was linked earlier may stay although the actor does not see it any longer.
    if "agreement" in changed:
        await require_agreement(actor, text.agreement)
    await require_environments(actor, after - before)
    await Phase.update(cast("dict[Column | str, Any]", columns)).where(Phase.id == row["id"])
    await PhaseEnvironment.delete().where(PhaseEnvironment.phase == row["id"])
    await _use_environments(actor, found, row["id"], text.environments)
    await _leave_environments(actor, found, before - after)
    return {"phase": number, "fields": changed, "environments": sorted(after)}


async def decide_phase(
    actor: Actor,
    partnership_id: UUID,
    number: int,
    decision: PhaseDecision,
    reasons: str,
    *,
    decided_at: datetime | None = None,
) -> None:
    """Decide a phase, in order; a decision stands. `decided_at` is for a decision that was made earlier.

    Raises:
        RuleBroken: the phase before is not decided, this one is, or the partnership has ended (article 31.2).
        NotSignedIn, NotFound, NotPermitted; InvalidInput: without reasons, or at a time to come.
    """
    require_signed_in(actor)
    if not reasons.strip():
        raise invalid("reasons", N_("Write the reasons for the decision."))
    now = datetime.now(UTC)
    if decided_at is not None and decided_at > now:
        raise invalid("decided_at", N_("A decision cannot be recorded before it is made."))
    async with change():
        found = await locked_partnership(actor, partnership_id)
        _phase(found, number)
        require_state(rules.takes_decision(actor, DecisionWanted(found.facts, number, decision)))
        await database.fetch(
            "UPDATE phase SET decision = $3, decision_reasons = $4, decided_by = $5, decided_at = $6"
            " WHERE partnership = $1 AND number = $2",
            partnership_id,
            number,
            decision.value,
            reasons.strip(),
            actor.person_id,
            decided_at or now,
        )
        await _finish(actor, found, EventType.PHASE_DECIDED, {"number": number, "decision": decision.value})


def _require_dates(text: PhaseText) -> None:
    if text.ends_on < text.starts_on:
        raise invalid("ends_on", N_("The phase must end on the day it starts or later."))


def _phase(found: LockedPartnership, number: int) -> PhaseFacts:
    for phase in found.facts.phases:
        if phase.number == number:
            return phase
    raise NotFound


async def _use_environments(actor: Actor, found: LockedPartnership, phase_id: int, ids: Collection[int]) -> None:
    for environment in dict.fromkeys(ids):
        await PhaseEnvironment.insert(PhaseEnvironment(phase=phase_id, environment=environment))
        await entries.relate_entries(actor, found.entry_id, environment, Relation.USES)


async def _leave_environments(actor: Actor, found: LockedPartnership, ids: Collection[int]) -> None:
    """An environment that no phase uses any longer is no longer related to the partnership."""
    rows = await database.fetch(
        "SELECT DISTINCT x.environment FROM phase_environment x JOIN phase f ON f.id = x.phase"
        " WHERE f.partnership = $1",
        found.row["id"],
    )
    for environment in set(ids) - {row["environment"] for row in rows}:
        await entries.unrelate_entries(actor, found.entry_id, environment, Relation.USES)


async def _finish(actor: Actor, found: LockedPartnership, event: EventType, data: dict[str, object]) -> None:
    await database.fetch("UPDATE partnership SET version = version + 1 WHERE id = $1", found.row["id"])
    await record(actor, event, found.row["id"], data, entry_id=found.entry_id)
    await enqueue(Job.INDEX_ENTRY, entry_id=found.entry_id)
