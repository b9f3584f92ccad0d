"""The order of phases: the rules of the service and the guard in the database agree on every sequence of acts."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from uuid import UUID, uuid4

from asyncpg import CheckViolationError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from registry import database
from registry.access import SYSTEM
from registry.accounts.codes import OrganisationKind
from registry.audit.service import EventType, record
from registry.errors import InvalidInput, NotFound, RuleBroken
from registry.procurement import queries, service
from registry.procurement.codes import PartnerRole, PhaseDecision
from registry.procurement.service import PhaseText
from tests import factories
from tests import factories_procurement as make

FIRST_DAY = date(2027, 1, 1)


@dataclass(frozen=True)
class Add:
    """Add a phase."""

    starts_on: date
    ends_on: date


@dataclass(frozen=True)
class Move:
    """Give a phase other dates."""

    number: int
    starts_on: date
    ends_on: date


@dataclass(frozen=True)
class Decide:
    """Decide a phase."""

    number: int
    decision: PhaseDecision


Act = Add | Move | Decide
Phases = list[tuple[int, date, date, str | None]]


@dataclass(frozen=True)
class Wish:
    """What somebody tries, seen from where the partnership stands, so that some tries succeed and some just fail.

    `gap` is the days between the phase before and the new one, `days` the length of a phase (0: it ends before it
    starts), `beside` how far from the next undecided phase the one is that is decided or moved.
    """

    kind: str
    gap: int
    days: int
    beside: int
    decision: PhaseDecision

    def act(self, phases: Phases) -> Act:
        undecided = [phase[0] for phase in phases if phase[3] is None]
        number = max(1, (undecided[0] if undecided else len(phases)) + self.beside)
        if self.kind == "decide":
            return Decide(number, self.decision)
        before = phases[-1][2] if phases else FIRST_DAY
        if self.kind == "move":
            before = phases[number - 2][2] if 1 < number <= len(phases) + 1 else FIRST_DAY
        starts_on = before + timedelta(days=1 + self.gap)
        ends_on = starts_on + timedelta(days=self.days - 1)
        return Add(starts_on, ends_on) if self.kind == "add" else Move(number, starts_on, ends_on)


_wishes = st.builds(
    Wish,
    kind=st.sampled_from(["add", "add", "move", "decide", "decide"]),
    gap=st.sampled_from([0, 1, 5, -1, -4]),
    days=st.sampled_from([1, 5, 30, 0]),
    beside=st.sampled_from([0, 0, 0, -1, 1]),
    decision=st.sampled_from([PhaseDecision.CONTINUE, *PhaseDecision]),
)


async def _by_service(partnership_id: UUID, act: Act) -> bool:
    try:
        if isinstance(act, Decide):
            await service.decide_phase(SYSTEM, partnership_id, act.number, act.decision, "Reasons")
            return True
        text = PhaseText(title="Phase", starts_on=act.starts_on, ends_on=act.ends_on)
        if isinstance(act, Add):
            await service.add_phase(SYSTEM, partnership_id, text)
        else:
            await service.change_phase(SYSTEM, partnership_id, act.number, text)
    except (InvalidInput, NotFound, RuleBroken):
        return False
    return True


async def _by_hand(partnership_id: UUID, act: Act) -> bool:
    """The same past every rule of the program, so that only the database can refuse it."""
    try:
        async with database.transaction():
            await record(SYSTEM, EventType.PARTNERSHIP_CHANGED, partnership_id)
            if isinstance(act, Decide):
                rows = await database.fetch(
                    "UPDATE phase SET decision = $3, decision_reasons = $4, decided_at = $5"
                    " WHERE partnership = $1 AND number = $2 RETURNING id",
                    partnership_id,
                    act.number,
                    act.decision.value,
                    "Reasons",
                    # Deciding again is another decision.
                    datetime.now(UTC),
                )
            elif isinstance(act, Move):
                rows = await database.fetch(
                    "UPDATE phase SET starts_on = $3, ends_on = $4 WHERE partnership = $1 AND number = $2 RETURNING id",
                    partnership_id,
                    act.number,
                    act.starts_on,
                    act.ends_on,
                )
            else:
                rows = await database.fetch(
                    "INSERT INTO phase (partnership, number, title, starts_on, ends_on)"
                    " SELECT $1, count(*) + 1, 'Phase', $2::date, $3::date FROM phase WHERE partnership = $1"
                    " RETURNING id",
                    partnership_id,
                    act.starts_on,
                    act.ends_on,
                )
    except CheckViolationError:
        return False
    return bool(rows)


async def _stored(partnership_id: UUID) -> Phases:
    rows = await database.fetch(
        "SELECT number, starts_on, ends_on, decision FROM phase WHERE partnership = $1 ORDER BY number", partnership_id
    )
    return [(row["number"], row["starts_on"], row["ends_on"], row["decision"]) for row in rows]


async def _two_partnerships() -> tuple[UUID, UUID]:
    body = await factories.organisation(OrganisationKind.COMMITTEE)
    firms = [await factories.organisation() for _ in range(2)]
    partners = tuple((firm, PartnerRole.PARTNER) for firm in firms)
    first = await make.partnership(SYSTEM, body, phase_count=0, partners=partners)
    return first, await make.partnership(SYSTEM, body, phase_count=0, partners=partners)


@given(st.lists(_wishes, min_size=4, max_size=14))
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
async def test_rules_and_guard_agree_on_the_order_of_phases(wishes: list[Wish]) -> None:
    ruled, guarded = await _two_partnerships()
    for wish in wishes:
        phases = await _stored(guarded)
        act = wish.act(phases)
        accepted = await _by_service(ruled, act)
        if _repeats_what_is_decided(phases, act):
            # The service refuses to change a decided phase; the same dates again are no change to the database.
            assert not accepted
            continue
        assert await _by_hand(guarded, act) is accepted, act
    phases = await _stored(ruled)
    assert phases == await _stored(guarded)
    assert [phase[0] for phase in phases] == list(range(1, len(phases) + 1))
    for before, after in pairwise(phases):
        assert before[2] < after[1]
        assert after[3] is None or before[3] in {"continue", "reduce_partners"}


def _repeats_what_is_decided(phases: Phases, act: Act) -> bool:
    return isinstance(act, Move) and any(
        phase[:3] == (act.number, act.starts_on, act.ends_on) and phase[3] is not None for phase in phases
    )


async def test_guard_refuses_a_phase_that_changes_its_number_or_leaves_a_gap() -> None:
    partnership_id, _ = await _two_partnerships()
    await service.add_phase(SYSTEM, partnership_id, make.phase_text(1))
    insert = "INSERT INTO phase (partnership, number, title, starts_on, ends_on) VALUES "
    statements = (
        ("UPDATE phase SET number = 2 WHERE partnership = $1", "phases_keep_their_number"),
        (f"{insert} ($1, 3, 'Third', '2028-01-01', '2028-02-01')", "phases_have_no_gaps"),
        (f"{insert} ($1, 0, 'None', '2020-01-01', '2020-02-01')", "phases_have_no_gaps"),
    )
    for sql, constraint in statements:
        try:
            async with database.transaction():
                await record(SYSTEM, EventType.PARTNERSHIP_CHANGED, uuid4())
                await database.fetch(sql, partnership_id)
        except CheckViolationError as error:
            assert error.constraint_name == constraint  # noqa: PT017  # the name is what is tested
        else:
            raise AssertionError(sql)
    assert len((await queries.get_partnership(SYSTEM, partnership_id)).phases) == 1
