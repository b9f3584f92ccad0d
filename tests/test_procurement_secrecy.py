"""Until award need, criteria, values, bidders and partners are the procurement team's own: everywhere."""

from dataclasses import dataclass
from uuid import UUID

import httpx
import pytest

from registry import database
from registry.access import SYSTEM
from registry.errors import NotFound, NotPermitted
from registry.procurement import queries, rules, service
from registry.procurement.codes import PhaseDecision
from registry.procurement.queries import Scope
from registry.procurement.states import OPEN_STAGES, Stage
from tests import factories_procurement as make
from tests.test_procurement import PEOPLE

TEAM = {"officer", "buyers_officer", "auditor"}
# Who else sees an entry that is not published: the host edits the entries of the body, the coordinator all.
EDITORS = {"coordinator"}
SECRETS = (
    make.SECRET_NEED,
    make.SECRET_CRITERIA,
    str(make.SECRET_VALUE),
    make.SECRET_LEVEL,
    make.SECRET_TARGETS,
    make.SECRET_REASONS,
    # The value as pages show it, in both languages.
    "7\u00a0345\u00a0123",
    "7,345,123",
)


def _leaks(text: str) -> list[str]:
    return [secret for secret in SECRETS if secret in text]


@dataclass(frozen=True)
class World:
    """A published procurement in each stage, each with a published partnership, and one without procurement."""

    cast: make.Cast
    procurements: dict[Stage, UUID]
    partnerships: dict[Stage | None, UUID]


@pytest.fixture(scope="module")
async def world(database: str) -> World:
    del database
    cast = await make.cast()
    procurements = {stage: await make.procurement(SYSTEM, cast.buyer, stage, published=True) for stage in Stage}
    partnerships: dict[Stage | None, UUID] = {}
    for stage in (None, *Stage):
        linked = procurements[stage] if stage else None
        partnerships[stage] = await make.partnership(SYSTEM, cast.buyer, procurement=linked, published=True)
        await service.decide_phase(SYSTEM, partnerships[stage], 1, PhaseDecision.CONTINUE, make.SECRET_REASONS)
    return World(cast, procurements, partnerships)


@pytest.mark.parametrize("stage", list(Stage))
@pytest.mark.parametrize("who", PEOPLE)
async def test_content_is_the_teams_until_award(world: World, who: str, stage: Stage) -> None:
    person = world.cast.people[who]
    found = await queries.get_procurement(person, world.procurements[stage])
    sees = who in TEAM or stage in OPEN_STAGES
    assert (found.content is not None) is sees
    assert rules.can_read_content.allows(person, found.facts) is sees
    assert bool(_leaks(repr(found))) is sees
    assert found.entry.title_sv == "Tystare larm"
    assert found.cancel_reason == ("The market has changed." if stage is Stage.CANCELLED else "")


@pytest.mark.parametrize("stage", [None, *Stage])
@pytest.mark.parametrize("who", PEOPLE)
async def test_partners_and_amounts_are_the_teams_until_award(world: World, who: str, stage: Stage | None) -> None:
    person = world.cast.people[who]
    found = await queries.get_partnership(person, world.partnerships[stage])
    sees = who in TEAM or stage is None or stage in OPEN_STAGES
    assert (found.content is not None) is sees
    assert (found.phases[0].content is not None) is sees
    assert rules.can_read_partnership_content.allows(person, found.facts) is sees
    assert bool(_leaks(repr(found))) is sees
    assert found.phases[0].decision is PhaseDecision.CONTINUE


@pytest.mark.parametrize("who", PEOPLE)
async def test_unpublished_entries_are_for_the_team_and_those_who_edit_them(who: str) -> None:
    cast = await make.cast()
    person = cast.people[who]
    procurement_id = await make.procurement(SYSTEM, cast.buyer)
    partnership_id = await make.partnership(SYSTEM, cast.buyer, procurement=procurement_id)
    for read, key in ((queries.get_procurement, procurement_id), (queries.get_partnership, partnership_id)):
        if who in TEAM | EDITORS:
            assert bool(_leaks(repr(await read(person, key)))) is (who in TEAM)
            continue
        with pytest.raises(NotFound):
            await read(person, key)


@pytest.mark.parametrize("who", PEOPLE)
async def test_lists_hold_public_facts_and_visible_entries_only(who: str) -> None:
    cast = await make.cast()
    person = cast.people[who]
    published = await make.procurement(SYSTEM, cast.buyer, published=True)
    draft = await make.procurement(SYSTEM, cast.buyer)
    await make.partnership(SYSTEM, cast.buyer, procurement=published, published=True)
    await make.partnership(SYSTEM, cast.buyer, procurement=draft)
    mine = {"published": [True], "visible": [True, False] if who in TEAM else [True]}
    for scope in (Scope.PUBLISHED, Scope.VISIBLE):
        procurements, _ = await queries.list_procurements(person, scope=scope, page_size=1000)
        partnerships, _ = await queries.list_partnerships(person, scope=scope, page_size=1000)
        seen = [row for row in procurements if row.id in {published, draft}]
        assert sorted((row.entry.status == "published" for row in seen), reverse=True) == mine[scope.value]
        assert _leaks(repr(procurements) + repr(partnerships)) == []
    for scope in (Scope.TEAM, Scope.OWN):
        if who in TEAM | {"other_officer"}:
            rows, _ = await queries.list_procurements(person, scope=scope, page_size=1000)
            assert (draft in {row.id for row in rows}) is (who in TEAM and scope is Scope.TEAM)
            continue
        with pytest.raises(Exception) as caught:  # noqa: PT011  # a visitor is asked to sign in, others are refused
            await queries.list_procurements(person, scope=scope)
        assert type(caught.value).__name__ in {"NotPermitted", "NotSignedIn"}


@pytest.mark.parametrize("stage", [Stage.EVALUATION, Stage.AWARDED, Stage.CANCELLED])
@pytest.mark.parametrize("who", PEOPLE)
async def test_api_and_pages_keep_the_secret(world: World, who: str, stage: Stage, visitor: httpx.AsyncClient) -> None:
    person = world.cast.people[who]
    procurement_id, partnership_id = world.procurements[stage], world.partnerships[stage]
    slugs = [
        (await queries.get_procurement(SYSTEM, procurement_id)).entry.slug,
        (await queries.get_partnership(SYSTEM, partnership_id)).entry.slug,
    ]
    headers = await make.token(person)
    lists = [await visitor.get(f"/api/v1/{name}", headers=headers) for name in ("procurements", "partnerships")]
    assert [answer.status_code for answer in lists] == [200, 200]
    assert _leaks("".join(answer.text for answer in lists)) == []
    sees = who in TEAM or stage in OPEN_STAGES
    for path in (f"/api/v1/procurements/{procurement_id}", f"/api/v1/partnerships/{partnership_id}"):
        answer = await visitor.get(path, headers=headers)
        assert answer.status_code == 200
        assert answer.json()["withheld"] is not sees
        assert bool(_leaks(answer.text)) is sees
    if person.is_signed_in:
        visitor.cookies.update(await make.session(person))
    for path in (f"/entries/{slug}" for slug in slugs):
        answer = await visitor.get(path)
        assert answer.status_code == 200
        assert bool(_leaks(answer.text)) is sees
    listed = await visitor.get("/procurements")
    assert listed.status_code == 200
    assert _leaks(listed.text) == []
    desk = await visitor.get(f"/desk/procurement/{procurement_id}")
    assert desk.status_code == (200 if who in TEAM | {"other_officer"} else 303 if who == "visitor" else 403)
    assert bool(_leaks(desk.text)) is (desk.status_code == 200 and sees)


async def _readings(procurement_id: UUID) -> list[tuple[int, str]]:
    rows = await database.fetch(
        "SELECT actor_id, data FROM audit_event WHERE type = 'procurement.read' AND subject_id = $1 ORDER BY id",
        str(procurement_id),
    )
    return [(row["actor_id"], row["data"]) for row in rows]


async def test_reading_what_is_secret_is_logged_for_all_but_the_author() -> None:
    cast = await make.cast()
    procurement_id = await make.procurement(cast.officer, cast.buyer, Stage.EVALUATION, published=True)
    partnership_id = await make.partnership(cast.officer, cast.buyer, procurement=procurement_id)
    auditor, colleague = cast.people["auditor"], cast.people["buyers_officer"]
    for person in (cast.officer, SYSTEM, cast.people["visitor"], cast.people["coordinator"]):
        await queries.get_procurement(person, procurement_id)
    assert await _readings(procurement_id) == []
    await queries.get_procurement(auditor, procurement_id)
    await queries.get_procurement(colleague, procurement_id)
    await queries.get_partnership(auditor, partnership_id)
    assert await _readings(procurement_id) == [
        (auditor.person_id, "{}"),
        (colleague.person_id, "{}"),
        (auditor.person_id, f'{{"partnership": "{partnership_id}"}}'),
    ]


async def test_reading_what_is_open_is_not_logged() -> None:
    cast = await make.cast()
    procurement_id = await make.procurement(cast.officer, cast.buyer, Stage.AWARDED, published=True)
    await queries.get_procurement(cast.people["auditor"], procurement_id)
    assert await _readings(procurement_id) == []


async def test_log_holds_no_secret_text() -> None:
    cast = await make.cast()
    procurement_id = await make.procurement(cast.officer, cast.buyer)
    partnership_id = await make.partnership(cast.officer, cast.buyer, procurement=procurement_id)
    await service.change_phase(cast.officer, partnership_id, 1, make.phase_text())
    await service.decide_phase(cast.officer, partnership_id, 1, PhaseDecision.CONTINUE, make.SECRET_REASONS)
    rows = await database.fetch(
        "SELECT data FROM audit_event WHERE subject_id = ANY ($1)", [str(procurement_id), str(partnership_id)]
    )
    assert _leaks("".join(row["data"] for row in rows)) == []


async def test_agreement_is_named_to_those_who_see_it_only() -> None:
    cast = await make.cast()
    author = cast.people["buyers_officer"]
    contract = await make.agreement(author, cast.buyer)
    partnership_id = await make.partnership(author, cast.buyer, agreement=contract, published=True)
    named = (await queries.get_partnership(author, partnership_id)).content
    unnamed = (await queries.get_partnership(cast.people["visitor"], partnership_id)).content
    assert named is not None
    assert named.agreement is not None
    assert named.agreement.title_sv == "Contract on quieter alarms"
    assert unnamed is not None
    assert unnamed.agreement is not None
    assert (unnamed.agreement.title_sv, unnamed.agreement.state) == ("", None)


async def test_desk_is_for_the_team() -> None:
    cast = await make.cast()
    with pytest.raises(NotPermitted):
        await queries.list_partnerships(cast.people["coordinator"], scope=Scope.TEAM)
