"""The agreement gate after the confirmation: marked and told when an agreement ends first, and never silently kept."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from asyncpg import CheckViolationError
from litestar import Litestar

from registry import database
from registry.access import SYSTEM, Actor, Role
from registry.agreements import service as agreements
from registry.agreements.rules import today
from registry.agreements.tables import Agreement
from registry.audit.service import EventType, record
from registry.bookings import queries, rechecks, service
from registry.bookings.states import BookingState
from registry.errors import NotPermitted, RuleBroken
from registry.web.notice_mails import send_waiting
from tests import factories, factories_agreements
from tests.clients import browser, send
from tests.factories_agreements import Case
from tests.factories_bookings import request_for

S = BookingState


async def confirmed(*, hours_ahead: float = 72, hours: float = 2) -> tuple[Case, Actor, UUID, UUID]:
    """A confirmed booking that relies on an agreement: the case, its host, the booking and the agreement."""
    case = await factories_agreements.case()
    host = await factories.person(Role.HOST, organisation_id=case.body)
    agreement_id = await factories_agreements.in_force(case.firm, case.entry_id, case.template)
    text = request_for(case.slug, hours_ahead=hours_ahead, hours=hours)
    booking_id = await service.create_booking(case.member, text, submit=True)
    assert await service.move_booking(host, booking_id, "approve") is S.CONFIRMED
    return case, host, booking_id, agreement_id


async def lost_at(booking_id: UUID) -> datetime | None:
    row = await database.fetch_one("SELECT agreement_lost_at FROM booking WHERE id = $1", booking_id)
    assert row is not None
    return row["agreement_lost_at"]  # type: ignore[no-any-return]


async def told(booking_id: UUID, event: str) -> list[int]:
    rows = await database.fetch(
        "SELECT person FROM notice WHERE booking = $1 AND event = $2 ORDER BY person", booking_id, event
    )
    return [row["person"] for row in rows]


async def do_jobs(agreement_id: UUID) -> int:
    """Do the jobs that an agreement's end has enqueued; how many there were."""
    rows = await database.fetch("SELECT payload FROM pgqueuer WHERE entrypoint = 'recheck_agreements'")
    mine = [one for row in rows if (one := json.loads(row["payload"]))["agreement_id"] == str(agreement_id)]
    for payload in mine:
        await rechecks.handle_recheck_job(payload)
    return len(mine)


async def test_terminated_agreement_marks_the_booking_and_tells_everybody() -> None:
    case, host, booking_id, agreement_id = await confirmed()
    assert await lost_at(booking_id) is None
    await agreements.terminate(case.legal, agreement_id, "Brott mot villkoren.")
    assert await do_jobs(agreement_id) == 1
    assert await lost_at(booking_id) is not None
    people = await told(booking_id, "agreement_lost")
    assert {case.member.person_id, host.person_id, case.legal.person_id} <= set(people)
    # At least once means that it may run again, and then nobody is told twice.
    await do_jobs(agreement_id)
    await rechecks.recheck_agreements(datetime.now(UTC))
    assert await told(booking_id, "agreement_lost") == people
    row = await database.fetch_one("SELECT state FROM booking WHERE id = $1", booking_id)
    assert row is not None
    assert row["state"] == S.CONFIRMED
    held = await database.fetch("SELECT FROM booking_hold WHERE booking = $1", booking_id)
    assert len(held) == 1


async def test_expired_agreement_marks_the_booking() -> None:
    case, _, booking_id, agreement_id = await confirmed(hours_ahead=24 * 20)
    async with database.transaction():
        # Dates do not change by any command; a faulty import or a correction by hand would look like this.
        await record(SYSTEM, EventType.AGREEMENT_CHANGED, agreement_id)
        await Agreement.update({Agreement.valid_until: today() + timedelta(days=2)}).where(Agreement.id == agreement_id)
    await agreements.follow_dates(datetime.now(UTC) + timedelta(days=4))
    assert await do_jobs(agreement_id) == 1
    assert await lost_at(booking_id) is not None
    assert case.member.person_id in await told(booking_id, "agreement_lost")


async def test_mark_goes_when_a_new_agreement_is_in_force() -> None:
    case, host, booking_id, agreement_id = await confirmed()
    await agreements.terminate(case.legal, agreement_id, "Nytt avtal kommer.")
    await do_jobs(agreement_id)
    new = await factories_agreements.in_force(case.firm, case.entry_id, case.template)
    # The job that an agreement's beginning enqueues.
    await service.handle_confirm_job({"agreement_id": str(new)})
    assert await lost_at(booking_id) is None
    assert {case.member.person_id, host.person_id} <= set(await told(booking_id, "agreement_back"))


async def test_booking_that_another_agreement_covers_is_not_marked() -> None:
    case, _, booking_id, agreement_id = await confirmed()
    await factories_agreements.in_force(case.firm, case.entry_id, case.template)
    await agreements.terminate(case.legal, agreement_id, "Det finns ett till.")
    await do_jobs(agreement_id)
    assert await lost_at(booking_id) is None


async def test_booking_that_is_over_or_of_others_is_left_alone() -> None:
    case, _, booking_id, agreement_id = await confirmed()
    other, _, other_id, _ = await confirmed()
    await agreements.terminate(case.legal, agreement_id, "Slut.")
    row = await database.fetch_one("SELECT ends_at FROM booking WHERE id = $1", booking_id)
    assert row is not None
    await rechecks.recheck_agreements(row["ends_at"], agreement_id=agreement_id)
    assert await lost_at(booking_id) is None
    assert await lost_at(other_id) is None
    assert other.firm != case.firm


async def test_marked_booking_cannot_begin_and_its_page_and_desk_say_why(application: Litestar) -> None:
    case, host, booking_id, agreement_id = await confirmed(hours_ahead=1)
    await agreements.terminate(case.legal, agreement_id, "Brott mot villkoren.")
    await do_jobs(agreement_id)
    with pytest.raises(RuleBroken, match="no longer in force"):
        await service.move_booking(host, booking_id, "start")
    async with await browser(application, case.member) as client:
        page = (await client.get(f"/bookings/{booking_id}")).text
        assert "a required agreement is not in force for the whole booking" in page
        assert "You need a new one" in page
        assert "Prepare the agreements that are missing" in page
    async with await browser(application, host) as client:
        desk = (await client.get(f"/desk/bookings/{booking_id}")).text
        assert "Has lost an agreement" in desk
        assert "a required agreement is not in force for the whole booking" in desk
    async with await browser(application, case.legal) as client:
        desk = (await client.get(f"/desk/agreements/{agreement_id}")).text
        assert "Bookings that have lost an agreement" in desk
        assert f"/bookings/{booking_id}" in desk


async def test_requester_has_new_agreements_prepared_from_the_page(application: Litestar) -> None:
    case, host, booking_id, agreement_id = await confirmed()
    await agreements.terminate(case.legal, agreement_id, "Brott mot villkoren.")
    await do_jobs(agreement_id)
    with pytest.raises(NotPermitted):
        await service.open_agreements(host, booking_id)
    async with await browser(application, case.member) as client:
        answer = await send(client, f"/bookings/{booking_id}/agreements")
        assert answer.headers["location"] == f"/bookings/{booking_id}?notice=agreements-opened"
        page = (await client.get(f"/bookings/{booking_id}")).text
        assert "Legal reviews the agreement" in page
        assert "Prepare the agreements that are missing" not in page


async def test_words_of_the_mail_name_the_agreement_and_who_acts() -> None:
    case, host, booking_id, agreement_id = await confirmed()
    await agreements.terminate(case.legal, agreement_id, "Brott mot villkoren.")
    await do_jobs(agreement_id)
    for actor, words in ((case.member, "Du behöver ett nytt"), (host, "behåller sin tid")):
        assert actor.person_id is not None
        await send_waiting(actor.person_id, datetime.now(UTC) + timedelta(hours=1))
        rows = await database.fetch("SELECT text FROM mail WHERE recipient = $1", actor.email)
        text = "".join(row["text"] for row in rows)
        assert words in text
        assert f"Mall {case.template}" in text
    assert booking_id is not None


# --- Thirty days ahead


async def waiting_booking(*, valid_days: int, hours_ahead: float) -> tuple[Case, Any, UUID]:
    """A request for a time after the firm's agreement has ended."""
    case = await factories_agreements.case()
    host = await factories.person(Role.HOST, organisation_id=case.body)
    await factories_agreements.in_force(
        case.firm, case.entry_id, case.template, valid_until=today() + timedelta(days=valid_days)
    )
    booking_id = await service.create_booking(
        case.member, replace(request_for(case.slug, hours_ahead=hours_ahead)), submit=True
    )
    return case, host, booking_id


@pytest.mark.parametrize(("valid_days", "is_told"), [(10, True), (30, True), (31, False)])
async def test_end_within_30_days_and_before_the_booking_is_told_once(valid_days: int, *, is_told: bool) -> None:
    case, host, booking_id = await waiting_booking(valid_days=valid_days, hours_ahead=24 * 40)
    missing = (await queries.get_booking(case.member, booking_id)).missing
    if missing[0].on_its_way:
        # The request has had a new agreement prepared; legal has sent it back, so that the old one is what there is.
        async with database.transaction():
            await record(SYSTEM, EventType.AGREEMENT_CHANGED, missing[0].agreement_id)
            await database.fetch("UPDATE agreement SET state = 'draft' WHERE id = $1", missing[0].agreement_id)
    for _ in range(2):
        await rechecks.look_ahead(datetime.now(UTC))
    people = await told(booking_id, "agreement_ends")
    assert len(people) == len(set(people))
    assert ({case.member.person_id, host.person_id} <= set(people)) is is_told


async def test_database_keeps_the_mark_off_bookings_that_are_not_confirmed() -> None:
    case, _, booking_id = await waiting_booking(valid_days=10, hours_ahead=24 * 40)
    assert case.member.person_id is not None
    with pytest.raises(CheckViolationError):
        await database.fetch("UPDATE booking SET agreement_lost_at = now() WHERE id = $1", booking_id)
