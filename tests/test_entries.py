"""Commands on entries: who may write, decide and publish, versions, and two editors at once."""

from dataclasses import replace

import pytest

from registry import database
from registry.access import SYSTEM, VISITOR, Actor, Role
from registry.accounts.codes import OrganisationKind
from registry.entries import queries, service
from registry.entries.codes import Kind, Sector, Track, Visibility
from registry.entries.service import EntryText
from registry.entries.states import TRANSITIONS, EntryStatus
from registry.errors import EditedMeanwhile, InvalidInput, NotFound, NotPermitted, TransitionNotAllowed
from tests import factories


def text_of(body: int, **changes: object) -> EntryText:
    text = EntryText(
        kind=Kind.TESTBED,
        primary_sector=Sector.CULTURE,
        accountable_body=body,
        track=Track.INTERNAL,
        title_sv="Ateljén",
        title_en="The studio",
    )
    return replace(text, **changes)  # type: ignore[arg-type]  # tests name real fields


async def people(body: int) -> dict[str, Actor]:
    return {
        "visitor": VISITOR,
        "firm": await factories.person(Role.FIRM, organisation_id=body),
        "employee": await factories.person(Role.EMPLOYEE, organisation_id=body),
        "host": await factories.person(Role.HOST, organisation_id=body),
        "other_host": await factories.person(Role.HOST, organisation_id=await factories.organisation()),
        "procurement": await factories.person(Role.PROCUREMENT),
        "legal": await factories.person(Role.LEGAL),
        "coordinator": await factories.person(Role.COORDINATOR),
        "auditor": await factories.person(Role.AUDITOR),
    }


MAY = {
    "submit": {"host", "coordinator"},
    "request_changes": {"coordinator"},
    "publish": {"coordinator"},
    "archive": {"host", "coordinator"},
}
STEPS = [(action, source) for action, steps in TRANSITIONS.items() for source in steps]


@pytest.mark.parametrize(("action", "source"), STEPS)
async def test_each_role_in_each_step(action: str, source: EntryStatus) -> None:
    body = await factories.organisation(OrganisationKind.COMMITTEE)
    for name, actor in (await people(body)).items():
        entry_id = await service.create_entry(SYSTEM, text_of(body))
        async with database.transaction():
            await database.fetch("INSERT INTO audit_event (type, subject_kind, subject_id) VALUES ('t', 't', '')")
            await database.fetch("UPDATE entry SET status = $2 WHERE id = $1", entry_id, source.value)
        if name in MAY[action]:
            status = await service.move_entry(actor, entry_id, action, review_message="because")
            assert status is TRANSITIONS[action][source]
        else:
            with pytest.raises((NotFound, NotPermitted)):
                await service.move_entry(actor, entry_id, action, review_message="because")


async def test_steps_outside_the_table_are_refused() -> None:
    body = await factories.organisation(OrganisationKind.COMMITTEE)
    entry_id = await service.create_entry(SYSTEM, text_of(body))
    for action in ("publish", "request_changes", "archive"):
        with pytest.raises(TransitionNotAllowed):
            await service.move_entry(SYSTEM, entry_id, action, review_message="x")


async def test_whoever_has_written_any_of_the_text_does_not_publish_it() -> None:
    body = await factories.organisation(OrganisationKind.COMMITTEE)
    host = await factories.person(Role.HOST, organisation_id=body)
    writer, other = await factories.person(Role.COORDINATOR), await factories.person(Role.COORDINATOR)
    entry_id = await service.create_entry(host, text_of(body))
    await service.move_entry(host, entry_id, "submit")
    await service.change_entry(writer, entry_id, text_of(body, summary_sv="Mina ord"), read_version=1)
    with pytest.raises(NotPermitted):
        await service.move_entry(writer, entry_id, "publish")
    assert await service.move_entry(other, entry_id, "publish") is EntryStatus.PUBLISHED


async def test_host_gives_no_entry_to_an_organisation_that_the_role_does_not_cover() -> None:
    body = await factories.organisation(OrganisationKind.COMMITTEE)
    unit = await factories.organisation(OrganisationKind.UNIT, parent_id=body)
    stranger = await factories.organisation()
    host = await factories.person(Role.HOST, organisation_id=body)
    unit_host = await factories.person(Role.HOST, organisation_id=unit)
    entry_id = await service.create_entry(host, text_of(body))
    with pytest.raises(InvalidInput):
        await service.change_entry(host, entry_id, text_of(stranger), read_version=1)
    with pytest.raises(InvalidInput):
        await service.create_entry(unit_host, text_of(stranger, unit=unit))
    assert await service.create_entry(unit_host, text_of(body, unit=unit))


async def test_second_of_two_editors_is_told_and_overwrites_nothing() -> None:
    body = await factories.organisation(OrganisationKind.COMMITTEE)
    entry_id = await service.create_entry(SYSTEM, text_of(body))
    await service.change_entry(SYSTEM, entry_id, text_of(body, title_sv="Först"), read_version=1)
    with pytest.raises(EditedMeanwhile):
        await service.change_entry(SYSTEM, entry_id, text_of(body, title_sv="Sedan"), read_version=1)
    assert (await queries.get_entry_by_id(SYSTEM, entry_id)).title_sv == "Först"


async def test_every_published_change_is_a_version() -> None:
    entry_id, slug = await factories.environment()
    entry = await queries.get_entry(VISITOR, slug)
    text = service.text_of(entry.row)
    await service.change_entry(SYSTEM, entry_id, replace(text, summary_sv="Nytt"), read_version=1)
    assert [version.number for version in await queries.versions(entry_id)] == [2, 1]


async def test_changes_are_requested_with_a_message_only() -> None:
    body = await factories.organisation(OrganisationKind.COMMITTEE)
    entry_id = await service.create_entry(SYSTEM, text_of(body))
    await service.move_entry(SYSTEM, entry_id, "submit")
    with pytest.raises(InvalidInput):
        await service.move_entry(SYSTEM, entry_id, "request_changes")


@pytest.mark.parametrize(
    "changes", [{"title_sv": "", "title_en": ""}, {"latitude": 91.0, "longitude": 0.0}, {"latitude": 5.0}]
)
async def test_values_that_a_check_refuses_name_their_field(changes: dict[str, object]) -> None:
    body = await factories.organisation(OrganisationKind.COMMITTEE)
    with pytest.raises(InvalidInput) as refused:
        await service.create_entry(SYSTEM, text_of(body, **changes))
    assert refused.value.errors[0].field in {"title_sv", "latitude"}


async def test_staff_entry_and_draft_are_not_found_by_those_who_may_not_see_them() -> None:
    body = await factories.organisation(OrganisationKind.COMMITTEE)
    entry_id = await service.create_entry(SYSTEM, text_of(body, visibility=Visibility.STAFF))
    cast = await people(body)
    with pytest.raises(NotFound):
        await queries.get_entry_by_id(cast["employee"], entry_id)
    for action in ("submit", "publish"):
        await service.move_entry(SYSTEM, entry_id, action)
    assert await queries.get_entry_by_id(cast["employee"], entry_id)
    for name in ("visitor", "firm"):
        with pytest.raises(NotFound):
            await queries.get_entry_by_id(cast[name], entry_id)
