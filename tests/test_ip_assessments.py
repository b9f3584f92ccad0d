"""IP assessments of employees' own innovations: opened by the request, decided by legal with four eyes."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from asyncpg import CheckViolationError
from litestar import Litestar

from registry import database
from registry.access import SYSTEM, Actor, Role
from registry.accounts.codes import OrganisationKind
from registry.audit.service import EventType, record
from registry.bookings import assessments, queries, service
from registry.bookings.codes import EmployerRole, IpFinding
from registry.bookings.requests import BookingText, OwnInnovation
from registry.bookings.states import ASSESSMENT_TRANSITIONS, AssessmentState, BookingState
from registry.errors import InvalidInput, NotFound, NotPermitted, RuleBroken, TransitionNotAllowed
from registry.web.notice_mails import send_waiting
from tests import factories
from tests.clients import api, browser, send
from tests.factories_bookings import request_for

S = BookingState
MINE = OwnInnovation(EmployerRole.DUAL_POST, "Larmprojektet", "Jag har byggt prototypen på fritiden.", "Vinnova")


@dataclass(frozen=True)
class Place:
    """An environment, and who has to do with an employee's booking of it."""

    slug: str
    people: Mapping[str, Actor]

    async def request(self, mine: OwnInnovation | None = MINE, *, submit: bool = True, **more: Any) -> UUID:
        text = replace(request_for(self.slug, **more), own_innovation=mine)
        return await service.create_booking(self.people["employee"], text, submit=submit)


async def place() -> Place:
    body = await factories.organisation(OrganisationKind.COMMITTEE)
    _, slug = await factories.environment(body=body)
    return Place(
        slug,
        {
            "employee": await factories.person(Role.EMPLOYEE, organisation_id=body),
            "host": await factories.person(Role.HOST, organisation_id=body),
            "legal": await factories.person(Role.LEGAL),
            "auditor": await factories.person(Role.AUDITOR),
        },
    )


async def decided(here: Place, booking_id: UUID, *, blocks: bool = False) -> None:
    await assessments.decide(
        here.people["legal"],
        booking_id,
        finding=IpFinding.EMPLOYEE,
        reasons="Gjord på fritiden, utanför området.",
        blocks=blocks,
    )


async def state_of(booking_id: UUID) -> str | None:
    row = await database.fetch_one("SELECT state FROM ip_assessment WHERE booking = $1", booking_id)
    return row["state"] if row else None


async def mail_to(actor: Actor) -> str:
    assert actor.person_id is not None
    await send_waiting(actor.person_id, datetime.now(UTC) + timedelta(hours=1))
    rows = await database.fetch("SELECT subject, text FROM mail WHERE recipient = $1", actor.email)
    return "\n".join(f"{row['subject']}\n{row['text']}" for row in rows)


async def test_own_innovation_opens_an_assessment_when_it_is_sent_and_tells_legal() -> None:
    here = await place()
    booking_id = await here.request(submit=False)
    assert await state_of(booking_id) is None
    await service.move_booking(here.people["employee"], booking_id, "submit")
    assert await state_of(booking_id) == "open"
    text = await mail_to(here.people["legal"])
    assert "En bedömning av rättigheter väntar på dig" in text
    assert f"/desk/ip-assessments/{booking_id}" in text
    queue = await assessments.assessment_queue(here.people["legal"])
    assert booking_id in [row.id for _, row in queue]


async def test_other_bookings_open_none() -> None:
    here = await place()
    booking_id = await here.request(None)
    assert await state_of(booking_id) is None
    view = await queries.get_booking(here.people["employee"], booking_id)
    assert await assessments.of_booking(here.people["employee"], view) is None
    with pytest.raises(NotFound):
        await assessments.get_case(here.people["legal"], booking_id)


async def test_firm_cannot_call_an_innovation_an_employees() -> None:
    here = await place()
    firm = await factories.organisation()
    member = await factories.person(Role.FIRM, organisation_id=firm)
    with pytest.raises(InvalidInput):
        await service.create_booking(member, replace(request_for(here.slug), own_innovation=MINE))
    booking_id = await service.create_booking(member, request_for(here.slug))
    with pytest.raises(CheckViolationError):
        await database.fetch("UPDATE booking SET employer_role = 'other' WHERE id = $1", booking_id)


async def test_contribution_is_needed_before_it_is_sent() -> None:
    here = await place()
    booking_id = await here.request(OwnInnovation(EmployerRole.OTHER), submit=False)
    with pytest.raises(InvalidInput) as caught:
        await service.move_booking(here.people["employee"], booking_id, "submit")
    assert [fault.field for fault in caught.value.errors] == ["innovation_contribution"]


async def test_open_assessment_does_not_keep_the_booking_back() -> None:
    here = await place()
    booking_id = await here.request()
    assert await service.move_booking(here.people["host"], booking_id, "approve") is S.CONFIRMED


async def test_decision_has_reasons_and_is_told_to_the_employee_only() -> None:
    here = await place()
    booking_id = await here.request()
    for finding, reasons in ((None, "Skäl."), (IpFinding.EMPLOYEE, "  "), (IpFinding.EMPLOYEE, "x" * 5001)):
        with pytest.raises(InvalidInput):
            await assessments.decide(here.people["legal"], booking_id, finding=finding, reasons=reasons)
    await decided(here, booking_id)
    text = await mail_to(here.people["employee"])
    assert "Rättigheterna till din innovation är bedömda" in text
    assert "Gjord på fritiden, utanför området." in text
    assert "stoppat" not in await mail_to(here.people["host"])
    with pytest.raises(TransitionNotAllowed):
        await decided(here, booking_id)


async def test_decision_that_blocks_stops_the_booking_on_every_path_and_says_why() -> None:
    here = await place()
    booking_id = await here.request()
    await decided(here, booking_id, blocks=True)
    with pytest.raises(RuleBroken, match="Gjord på fritiden"):
        await service.move_booking(here.people["host"], booking_id, "approve")
    with pytest.raises(CheckViolationError, match="cannot go on"):
        await database.fetch("UPDATE booking SET state = 'confirmed' WHERE id = $1", booking_id)
    assert "En jurist har stoppat en bokning" in await mail_to(here.people["host"])
    await assessments.reopen(here.people["legal"], booking_id)
    assert await service.move_booking(here.people["host"], booking_id, "approve") is S.CONFIRMED


async def test_confirmed_booking_that_is_blocked_cannot_begin_but_keeps_its_time() -> None:
    here = await place()
    booking_id = await here.request(hours_ahead=1)
    await service.move_booking(here.people["host"], booking_id, "approve")
    await decided(here, booking_id, blocks=True)
    with pytest.raises(RuleBroken):
        await service.move_booking(here.people["host"], booking_id, "start")
    assert len(await database.fetch("SELECT FROM booking_hold WHERE booking = $1", booking_id)) == 1


async def test_nobody_assesses_their_own_innovation() -> None:
    here = await place()
    employee = here.people["employee"]
    async with database.transaction():
        await record(SYSTEM, EventType.ROLE_GRANTED, employee.person_id)
        await database.fetch("INSERT INTO role_assignment (person, role) VALUES ($1, 'legal')", employee.person_id)
    booking_id = await here.request()
    both = await factories_actor(employee)
    with pytest.raises(NotPermitted, match="your own request"):
        await assessments.decide(both, booking_id, finding=IpFinding.EMPLOYEE, reasons="Min egen.")
    case = await assessments.get_case(both, booking_id)
    assert case.actions == []
    assert case.refusal is not None


async def factories_actor(actor: Actor) -> Actor:
    """The actor with the roles that they have now."""
    from registry.accounts.queries import actor_of_email  # noqa: PLC0415  # only here

    found = await actor_of_email(actor.email)
    assert found is not None
    return found


STEPS = list(ASSESSMENT_TRANSITIONS)


@pytest.mark.parametrize("who", ["employee", "host", "auditor"])
@pytest.mark.parametrize("step", STEPS)
async def test_only_legal_decides_and_reopens(who: str, step: str) -> None:
    here = await place()
    booking_id = await here.request()
    if step == "reopen":
        await decided(here, booking_id)
    taken = (
        assessments.reopen(here.people[who], booking_id)
        if step == "reopen"
        else assessments.decide(here.people[who], booking_id, finding=IpFinding.EMPLOYEE, reasons="Nej.")
    )
    with pytest.raises((NotPermitted, NotFound)):
        await taken
    with pytest.raises(NotPermitted):
        await assessments.assessment_queue(here.people[who])


async def test_steps_are_logged_without_what_was_written() -> None:
    here = await place()
    booking_id = await here.request()
    await decided(here, booking_id)
    await assessments.reopen(here.people["legal"], booking_id)
    rows = await database.fetch(
        "SELECT type, data::text AS data FROM audit_event WHERE subject_id = $1 AND type LIKE '%ip_assessment%'"
        " ORDER BY id",
        str(booking_id),
    )
    steps = ["opened", "decided", "reopened"]
    assert [row["type"] for row in rows] == [f"booking.ip_assessment_{step}" for step in steps]
    assert not any("fritiden" in row["data"] for row in rows)


@pytest.mark.parametrize(("changes", "state"), [(True, "open"), (False, "decided")])
async def test_request_that_is_sent_again_is_assessed_anew_where_the_facts_have_changed(
    *, changes: bool, state: str
) -> None:
    here = await place()
    employee = here.people["employee"]
    booking_id = await here.request()
    await decided(here, booking_id, blocks=True)
    await service.move_booking(here.people["host"], booking_id, "request_changes", reason="Fler uppgifter.")
    mine = replace(MINE, contribution="Jag gjorde det i tjänsten.") if changes else MINE
    text: BookingText = replace(request_for(here.slug, hours_ahead=96), own_innovation=mine)
    await service.change_booking(employee, booking_id, text)
    await service.move_booking(employee, booking_id, "submit")
    assert await state_of(booking_id) == state
    assert await assessments.is_blocked(booking_id) is (state == AssessmentState.DECIDED)


async def test_who_reads_what() -> None:
    here = await place()
    booking_id = await here.request()

    async def seen(who: str) -> bool:
        actor = here.people[who]
        return await assessments.of_booking(actor, await queries.get_booking(actor, booking_id)) is not None

    assert [await seen(who) for who in ("employee", "legal", "auditor", "host")] == [True, True, True, False]
    await decided(here, booking_id, blocks=True)
    assert await seen("host")


# --- Pages and API


async def test_employee_fills_in_and_reads_the_answer_on_the_bookings_page(application: Litestar) -> None:
    here = await place()
    booking_id = await here.request(None, submit=False)
    async with await browser(application, here.people["employee"]) as client:
        path = f"/bookings/{booking_id}/edit/test"
        assert "Is it your own innovation?" in (await client.get(path)).text
        form = {"purpose": "Try a new alarm", "trl": "5", "participants": "3", "personal_data": "none"}
        refused = await send(client, path, {**form, "own_innovation": "true"})
        assert refused.status_code == 422
        assert 'href="#f-employer_role"' in refused.text
        mine = {"own_innovation": "true", "employer_role": "hospital_staff", "innovation_contribution": "Allt."}
        assert (await send(client, path, {**form, **mine})).status_code == 303
        await service.move_booking(here.people["employee"], booking_id, "submit")
        page = (await client.get(f"/bookings/{booking_id}")).text
        assert "Who has the rights to the innovation?" in page
        assert "Legal assesses this" in page
        await decided(here, booking_id, blocks=True)
        page = (await client.get(f"/bookings/{booking_id}")).text
        assert "Legal has decided that the booking cannot go on as it is: Gjord på fritiden" in page
        assert "The employee has the rights" in page


async def test_firm_is_not_asked_about_own_innovations(application: Litestar) -> None:
    here = await place()
    member = await factories.person(Role.FIRM, organisation_id=await factories.organisation())
    booking_id = await service.create_booking(member, request_for(here.slug))
    async with await browser(application, member) as client:
        assert "own innovation" not in (await client.get(f"/bookings/{booking_id}/edit/test")).text


async def test_desk_flags_dual_posts_names_the_source_and_takes_a_decision(application: Litestar) -> None:
    here = await place()
    booking_id = await here.request()
    async with await browser(application, here.people["legal"]) as client:
        desk = (await client.get(f"/desk/ip-assessments/{booking_id}")).text
        assert "A dual post: find out" in desk
        assert "SFS 1949:345" in desk
        assert "Section 1, second paragraph" in desk
        assert "Jag har byggt prototypen" in desk
        path = f"/desk/ip-assessments/{booking_id}/decide"
        refused = await send(client, path, {"finding": "employer", "reasons": "", "blocks": "true"})
        assert refused.status_code == 422
        assert 'value="true" checked' in refused.text
        assert (await send(client, path, {"finding": "employer", "reasons": "I tjänsten."})).status_code == 303
        again = await send(client, path, {"finding": "employer", "reasons": "I tjänsten."})
        assert again.status_code == 409
        assert (await send(client, f"/desk/ip-assessments/{booking_id}/reopen")).status_code == 303
        assert await state_of(booking_id) == "open"
    for who, status in (("employee", 403), ("host", 403), ("auditor", 403)):
        async with await browser(application, here.people[who]) as client:
            assert (await client.get("/desk/ip-assessments")).status_code == status


ACT = ("Section 3, first paragraph", "Section 3, third paragraph", "four months", "reasonable compensation")


@pytest.mark.parametrize(
    ("role", "exemption", "act"),
    [
        (EmployerRole.HOSPITAL_STAFF, False, True),
        (EmployerRole.UNIVERSITY_TEACHER, True, False),
        (EmployerRole.DUAL_POST, True, True),
    ],
)
async def test_guidance_fits_the_post_and_names_each_section(
    role: EmployerRole, *, exemption: bool, act: bool, application: Litestar
) -> None:
    here = await place()
    booking_id = await here.request(replace(MINE, employer_role=role))
    async with await browser(application, here.people["legal"]) as client:
        desk = (await client.get(f"/desk/ip-assessments/{booking_id}")).text
        assert ("Section 1, second paragraph" in desk) == exemption
        assert [words in desk for words in ACT] == [act] * len(ACT)
        swedish = (await client.get(f"/desk/ip-assessments/{booking_id}?lang=sv")).text
        assert ("1 § andra stycket" in swedish) == exemption
        assert ("3 § tredje stycket" in swedish and "fyra månader" in swedish) == act


async def test_own_innovation_over_the_api(application: Litestar) -> None:
    here = await place()
    text = request_for(here.slug)
    assert text.starts_at is not None
    assert text.ends_at is not None
    body = {
        "environments": [here.slug],
        "starts_at": text.starts_at.isoformat(),
        "ends_at": text.ends_at.isoformat(),
        "purpose": "x",
        "operational_benefit": "x",
        "user_benefit": "x",
        "own_innovation": {"employer_role": "university_teacher", "contribution": "Allt."},
    }
    async with await api(application, here.people["employee"]) as client:
        answer = await client.post("/api/v1/bookings", json=body)
        assert answer.status_code == 201
        assert await state_of(UUID(answer.json()["id"])) == "open"
        wrong = await client.post("/api/v1/bookings", json={**body, "own_innovation": {"employer_role": "king"}})
        assert wrong.status_code == 422
