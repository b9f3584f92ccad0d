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
    """Add a phase from a day, so many days long; zero days is a phase that ends before it starts."""

    day: int
    days: int


@dataclass(frozen=True)
class Move:
    """Give a phase other dates."""

    number: int
    day: int
    days: int


@dataclass(frozen=True)
class Decide:
    """Decide a phase."""

    number: int
    decision: PhaseDecision


Act = Add | Move | Decide
_days = {"day": st.integers(0, 40), "days": st.integers(0, 15)}
_numbers = st.integers(1, 4)
_acts = st.one_of(
    st.builds(Add, **_days),
    st.builds(Move, number=_numbers, **_days),
    st.builds(Decide, number=_numbers, decision=st.sampled_from(PhaseDecision)),
)


def _dates(act: Add | Move) -> tuple[date, date]:
    starts_on = FIRST_DAY + timedelta(days=act.day)
    return starts_on, starts_on + timedelta(days=act.days - 1)


async def _by_service(partnership_id: UUID, act: Act) -> bool:
    try:
        if isinstance(act, Decide):
            await service.decide_phase(SYSTEM, partnership_id, act.number, act.decision, "Reasons")
            return True
        starts_on, ends_on = _dates(act)
        text = PhaseText(title="Phase", starts_on=starts_on, ends_on=ends_on)
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
                    *_dates(act),
                )
            else:
                rows = await database.fetch(
                    "INSERT INTO phase (partnership, number, title, starts_on, ends_on)"
                    " SELECT $1, count(*) + 1, 'Phase', $2::date, $3::date FROM phase WHERE partnership = $1"
                    " RETURNING id",
                    partnership_id,
                    *_dates(act),
                )
    except CheckViolationError:
        return False
    return bool(rows)


async def _stored(partnership_id: UUID) -> list[tuple[object, ...]]:
    rows = await database.fetch(
        "SELECT number, starts_on, ends_on, decision FROM phase WHERE partnership = $1 ORDER BY number", partnership_id
    )
    return [tuple(row) for row in rows]  # type: ignore[arg-type]  # a row is its values


async def _two_partnerships() -> tuple[UUID, UUID]:
    body = await factories.organisation(OrganisationKind.COMMITTEE)
    firms = [await factories.organisation() for _ in range(2)]
    partners = tuple((firm, PartnerRole.PARTNER) for firm in firms)
    first = await make.partnership(SYSTEM, body, phase_count=0, partners=partners)
    return first, await make.partnership(SYSTEM, body, phase_count=0, partners=partners)


@given(st.lists(_acts, min_size=1, max_size=12))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
async def test_rules_and_guard_agree_on_the_order_of_phases(acts: list[Act]) -> None:
    ruled, guarded = await _two_partnerships()
    for act in acts:
        accepted = await _by_service(ruled, act)
        moves_decided = isinstance(act, Move) and await _keeps_dates_of_decided(guarded, act)
        if moves_decided:
            # Writing the same dates again changes nothing; the service refuses it, the database has nothing to refuse.
            assert not accepted
            continue
        assert await _by_hand(guarded, act) is accepted, act
    phases = await _stored(ruled)
    assert phases == await _stored(guarded)
    _assert_successive(phases)


async def _keeps_dates_of_decided(partnership_id: UUID, act: Move) -> bool:
    stored = {row[0]: row for row in await _stored(partnership_id)}
    row = stored.get(act.number)
    return row is not None and row[3] is not None and (row[1], row[2]) == _dates(act)


def _assert_successive(phases: list[tuple[object, ...]]) -> None:
    assert [phase[0] for phase in phases] == list(range(1, len(phases) + 1))
    for before, after in pairwise(phases):
        assert before[2] < after[1]  # type: ignore[operator]  # dates
        assert after[3] is None or before[3] in {"continue", "reduce_partners"}


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
