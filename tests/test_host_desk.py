"""The hosts' desk: what waits and since when, requests side by side, decisions in bulk, and two hosts at once."""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID, uuid4

import pytest
from litestar import Litestar

from registry import database
from registry.access import SYSTEM, Actor, Role
from registry.audit.service import EventType, record
from registry.bookings import bulk, competing, desk, moving, queries, replies, service, thread
from registry.bookings.bulk import Chosen
from registry.bookings.codes import ReplyKind, Waits
from registry.bookings.desk import Group, Wanted
from registry.bookings.openings import midnight, utc
from registry.bookings.replies import ReplyText
from registry.bookings.states import BookingState
from registry.entries.codes import Audience
from registry.entries.service import EnvironmentText
from registry.errors import DomainError, EditedMeanwhile, InvalidInput, NotPermitted, NotSignedIn, TimeTaken
from tests import factories, factories_agreements
from tests.clients import browser, send
from tests.factories_bookings import ROLES, Scene, booking_in, request_for, scene

S = BookingState


async def requests(place: Scene, hours: Sequence[float], *, length: float = 2) -> list[UUID]:
    """Requests for the scene's environment that begin so many hours from now, sent one after the other."""
    return [
        await service.create_booking(
            place.people["other_firm"], request_for(place.slug, hours_ahead=one, hours=length), submit=True
        )
        for one in hours
    ]


async def write(booking_id: UUID, assignments: str, *values: object) -> None:
    """Change a booking past its commands, as time would."""
    async with database.transaction():
        await record(SYSTEM, EventType.BOOKING_CHANGED, booking_id)
        await database.fetch(f"UPDATE booking SET {assignments} WHERE id = $1", booking_id, *values)


async def sequence_of(booking_id: UUID) -> int:
    row = await database.fetch_one("SELECT sequence FROM booking WHERE id = $1", booking_id)
    assert row is not None
    number: int = row["sequence"]
    return number


async def state_of(booking_id: UUID) -> str:
    row = await database.fetch_one("SELECT state FROM booking WHERE id = $1", booking_id)
    assert row is not None
    state: str = row["state"]
    return state


async def waiting(actor: Actor, wanted: Wanted | None = None, *, page: int = 1) -> list[desk.WaitingBooking]:
    return await desk.waiting(actor, wanted or Wanted(), datetime.now(UTC), without_promise=5, page=page)


# ---- What waits -----------------------------------------------------------------------------


async def test_everything_that_waits_for_the_host_is_there_oldest_first_and_nothing_else() -> None:
    place = await scene()
    host = place.people["host"]
    now = datetime.now(UTC)
    decide = await booking_in(place, S.SUBMITTED)
    await write(decide, "submitted_at = $2", now - timedelta(hours=30))
    check_in = await booking_in(place, S.CONFIRMED, hours_ahead=-1)
    ended = await booking_in(place, S.IN_PROGRESS, hours_ahead=-6)
    outcome = await booking_in(place, S.COMPLETED, hours_ahead=-12)
    lost = await booking_in(place, S.CONFIRMED, hours_ahead=96)
    await write(lost, "agreement_lost_at = $2", now - timedelta(hours=20))
    for state in (S.DRAFT, S.CHANGES_REQUESTED, S.WAITLISTED, S.DECLINED, S.WITHDRAWN, S.CANCELLED, S.OUTCOME_RECORDED):
        await booking_in(place, state, hours_ahead=200)
    await booking_in(place, S.CONFIRMED, hours_ahead=300)
    await booking_in(place, S.APPROVED, hours_ahead=400)
    asks = await booking_in(place, S.APPROVED, hours_ahead=500)
    later = request_for(place.slug, hours_ahead=600)
    assert later.starts_at is not None
    assert later.ends_at is not None
    await moving.move(place.people["requester"], asks, moving.Wanted(later.starts_at, later.ends_at))
    rows = await waiting(host)
    assert [(row.id, row.waits) for row in rows] == [
        (decide, Waits.DECIDE),
        (lost, Waits.AGREEMENT_LOST),
        (outcome, Waits.OUTCOME),
        (ended, Waits.COMPLETE),
        (check_in, Waits.CHECK_IN),
        (asks, Waits.MOVE),
    ]
    assert all(row.may_act for row in rows)
    counts = await desk.counts(host, Wanted(), now, without_promise=5)
    assert counts.total == 6
    assert counts.waits == dict.fromkeys(Waits, 1)
    assert [one[0] for one in counts.environments] == [place.environment_id]


@pytest.mark.parametrize("name", ROLES)
async def test_only_hosts_have_a_queue_and_only_of_their_environments(name: str) -> None:
    place = await scene()
    await booking_in(place, S.SUBMITTED)
    actor = place.people[name]
    if name == "host":
        assert len(await waiting(actor)) == 1
    elif name == "other_host":
        assert await waiting(actor) == []
    else:
        with pytest.raises((NotPermitted, NotSignedIn)):
            await waiting(actor)


async def test_host_of_some_of_the_environments_sees_the_request_but_cannot_tick_it() -> None:
    one, other = await scene(), await scene()
    text = replace(request_for(one.slug), environments=(one.slug, other.slug))
    booking_id = await service.create_booking(one.people["requester"], text, submit=True)
    for place in (one, other):
        (row,) = await waiting(place.people["host"])
        assert (row.id, row.may_act) == (booking_id, False)


async def test_late_is_what_is_older_than_the_promise_of_the_entry_in_working_days() -> None:
    # Wednesday 25 November 2026: one working day back is Tuesday, five are the Wednesday before.
    cutoffs = desk.late_before(utc(date(2026, 11, 25), time(10)))
    assert cutoffs[0] == midnight(date(2026, 11, 24))
    assert cutoffs[4] == midnight(date(2026, 11, 18))
    # After Christmas: the 25th, the 26th and the weekend are no working days, nor is Christmas Eve.
    cutoffs = desk.late_before(utc(date(2026, 12, 28), time(8)))
    assert cutoffs[0] == midnight(date(2026, 12, 23))
    place = await scene()
    host = place.people["host"]
    booking_id = await booking_in(place, S.SUBMITTED)
    now = datetime.now(UTC)
    async with database.transaction():
        await record(SYSTEM, EventType.ENTRY_CHANGED, place.environment_id)
        await database.fetch("UPDATE entry SET answer_days = 2 WHERE id = $1", place.environment_id)
    edge = desk.late_before(now)[1]
    for moment, is_late in ((edge, False), (edge - timedelta(seconds=1), True)):
        await write(booking_id, "submitted_at = $2", moment)
        (row,) = await waiting(host)
        assert (row.is_late, row.days, row.is_promised) == (is_late, 2, True)
        assert len(await waiting(host, Wanted(late=True))) == is_late
        assert (await desk.counts(host, Wanted(), now, without_promise=5)).late == is_late


async def test_what_has_no_promise_is_late_by_the_setting() -> None:
    place = await scene()
    now = datetime.now(UTC)
    booking_id = await booking_in(place, S.CONFIRMED, hours_ahead=96)
    await write(booking_id, "agreement_lost_at = $2", desk.late_before(now)[2] - timedelta(seconds=1))
    for days, is_late in ((3, True), (4, False)):
        (row,) = await desk.waiting(place.people["host"], Wanted(), now, without_promise=days)
        assert (row.is_late, row.is_promised) == (is_late, False)


async def test_filters_and_groups() -> None:
    place = await scene()
    body_row = await database.fetch_one("SELECT accountable_body FROM entry WHERE id = $1", place.environment_id)
    assert body_row is not None
    body = body_row["accountable_body"]
    second_id, second_slug = await factories.environment(body=body)
    first = await booking_in(place, S.SUBMITTED)
    second = await service.create_booking(place.people["requester"], request_for(second_slug), submit=True)
    done = await booking_in(place, S.COMPLETED, hours_ahead=-12)
    host = place.people["host"]

    async def ids(**more: object) -> set[UUID]:
        return {row.id for row in await waiting(host, Wanted(**more))}  # type: ignore[arg-type]  # names of its fields

    assert await ids() == {first, second, done}
    assert await ids(waits=Waits.OUTCOME) == {done}
    assert await ids(environment=second_id) == {second}
    assert await ids(unit=body) == {first, second, done}
    assert await ids(unit=body + 100_000) == set()
    counts = await desk.counts(host, Wanted(environment=second_id), datetime.now(UTC), without_promise=5)
    assert counts.total == 1
    assert {one[0]: one[3] for one in counts.environments} == {place.environment_id: 2, second_id: 1}
    assert counts.waits == {Waits.DECIDE: 1}
    # What is chosen stays among the choices, also where nothing is left.
    nothing = Wanted(waits=Waits.CHECK_IN, environment=second_id, unit=body)
    counts = await desk.counts(host, nothing, datetime.now(UTC), without_promise=5)
    assert counts.total == 0
    assert counts.waits == {Waits.DECIDE: 1, Waits.CHECK_IN: 0}
    assert ([one[0] for one in counts.environments], [one[0] for one in counts.units]) == ([second_id], [body])
    by_waits = await waiting(host, Wanted(group=Group.WAITS))
    assert [row.group_sv for row in by_waits] == ["decide", "decide", "outcome"]
    assert [row.group_total for row in by_waits] == [2, 2, 1]
    by_place = await waiting(host, Wanted(group=Group.ENVIRONMENT))
    assert [row.group_total for row in by_place if row.id == second] == [1]
    assert len({row.group_sv for row in await waiting(host, Wanted(group=Group.UNIT))}) == 1


async def test_200_requests_are_paged_and_take_as_many_queries_as_one(
    application: Litestar, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = await scene()
    host = place.people["host"]
    counted: list[str] = []
    real = database.fetch

    async def counting(sql: str, *values: object) -> list[database.Row]:
        counted.append(sql)
        return await real(sql, *values)

    async with await browser(application, host) as client:
        (first,) = await requests(place, [24])
        await client.get("/desk/bookings")
        monkeypatch.setattr(database, "fetch", counting)
        figures = []
        for more in (0, 199):
            monkeypatch.setattr(database, "fetch", real)
            await requests(place, [30 + number % 60 for number in range(more)])
            monkeypatch.setattr(database, "fetch", counting)
            made = {}
            for path in ("/desk/bookings", "/desk/bookings?group=environment", f"/desk/bookings/{first}"):
                counted.clear()
                answer = await client.get(path)
                assert answer.status_code == 200
                made[path] = len(counted)
            figures.append(made)
        monkeypatch.setattr(database, "fetch", real)
        assert figures[0]["/desk/bookings"] == figures[1]["/desk/bookings"]
        assert figures[0]["/desk/bookings?group=environment"] == figures[1]["/desk/bookings?group=environment"]
        page = (await client.get("/desk/bookings")).text
        assert "200 bookings wait for you" in page
        assert len(re.findall(r'name="chosen"', page)) == 50
        assert "Page 1 of 4" in page
        assert "There is no such page" in (await client.get("/desk/bookings?page=9")).text
        ticked = (await client.get("/desk/bookings?all=true")).text
        assert len(re.findall(r'name="chosen" value="[^"]+" checked', ticked)) == 50


async def test_case_takes_as_many_queries_with_1_competitor_as_with_40(
    application: Litestar, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted: list[str] = []
    real = database.fetch

    async def counting(sql: str, *values: object) -> list[database.Row]:
        counted.append(sql)
        return await real(sql, *values)

    figures = []
    for others in (1, 40):
        place = await scene()
        first, *_ = await requests(place, [48] * (others + 1))
        async with await browser(application, place.people["host"]) as client:
            await client.get("/desk/bookings")
            monkeypatch.setattr(database, "fetch", counting)
            counted.clear()
            page = await client.get(f"/desk/bookings/{first}")
            figures.append(len(counted))
            monkeypatch.setattr(database, "fetch", real)
            assert page.text.count("Becomes impossible") == others
    assert figures[0] == figures[1]


# ---- Side by side ---------------------------------------------------------------------------


async def small(capacity: int = 1, parent: int | None = None, **buffers: int) -> EnvironmentText:
    return EnvironmentText(
        bookable_by=(Audience.EXTERNAL,),
        capacity=capacity,
        parent=parent,
        lead_time_hours=0,
        shortest=5,
        longest=60 * 24,
        opening_hours=factories.ALL_DAY_EVERY_DAY,
        **buffers,
    )


async def verdicts(host: Actor, booking_id: UUID) -> dict[UUID, tuple[bool | None, bool | None]]:
    found = await competing.competition(host, booking_id, datetime.now(UTC))
    return {one.booking.id: (one.fits_now, one.fits_after) for one in found.others}


async def test_preview_says_what_the_guard_then_does() -> None:
    place = await scene()
    host = place.people["host"]
    first, *others = await requests(place, [48, 47, 49, 50, 51], length=2)
    before = await verdicts(host, first)
    assert set(before) == {others[0], others[1]}
    await service.move_booking(host, first, "approve")
    for other in others:
        _, fits_after = before.get(other, (True, True))
        if fits_after:
            assert await service.move_booking(host, other, "approve") is S.CONFIRMED
            break
        with pytest.raises(TimeTaken):
            await service.move_booking(host, other, "approve")


async def test_preview_counts_buffers_capacity_and_parts_as_the_guard_does() -> None:
    body = await factories.organisation()
    whole, whole_slug = await factories.environment(body=body, text=await small())
    _, part_slug = await factories.environment(body=body, text=await small(2, whole))
    _, other_part = await factories.environment(body=body, text=await small(1, whole, buffer_before=30))
    place = await scene()
    host = await factories.person(Role.HOST, organisation_id=body)
    firm = place.people["requester"]

    async def ask(slug: str, ahead: float) -> UUID:
        return await service.create_booking(firm, request_for(slug, hours_ahead=ahead, hours=1), submit=True)

    first, second, third = [await ask(part_slug, 48) for _ in range(3)]
    # Two of three fit; one approved leaves a place for one more.
    assert await verdicts(host, first) == {second: (True, True), third: (True, True)}
    everything = await ask(whole_slug, 48)
    after = await verdicts(host, first)
    assert after[everything] == (True, False)
    assert await verdicts(host, everything) == {first: (True, False), second: (True, False), third: (True, False)}
    # A buffer reaches into the hour before; the request in another part of the site has nothing to do with it.
    near = await ask(other_part, 49)
    assert (await verdicts(host, everything))[near] == (True, False)
    assert near not in await verdicts(host, first)
    await service.move_booking(host, second, "approve")
    assert (await verdicts(host, first))[third] == (True, False)


async def test_preview_changes_nothing_and_leaves_no_hold() -> None:
    place = await scene()
    ids = await requests(place, [48, 48, 49])
    before = await database.fetch(
        "SELECT id, state, sequence, changed_at FROM booking WHERE id = ANY ($1) ORDER BY id", ids
    )
    for _ in range(3):
        await verdicts(place.people["host"], ids[0])
    after = await database.fetch(
        "SELECT id, state, sequence, changed_at FROM booking WHERE id = ANY ($1) ORDER BY id", ids
    )
    assert [tuple(row) for row in before] == [tuple(row) for row in after]  # type: ignore[call-overload]  # a row is one
    held = await database.fetch("SELECT booking FROM booking_hold WHERE booking = ANY ($1)", ids)
    assert held == []


async def test_previews_beside_decisions_never_disturb_them() -> None:
    place = await scene()
    host = place.people["host"]
    ids = await requests(place, [48] * 8)

    async def approve(booking_id: UUID) -> bool:
        try:
            await service.move_booking(host, booking_id, "approve")
        except DomainError:
            return False
        return True

    done = await asyncio.gather(*(approve(one) for one in ids), *(verdicts(host, one) for one in ids))
    assert sum(one is True for one in done[:8]) == 1


async def test_preview_gives_up_rather_than_wait_for_whoever_decides(database: str) -> None:
    import asyncpg  # noqa: PLC0415  # the fixture of this name hides the module of the same one

    place = await scene()
    first, second = await requests(place, [48, 48])
    connection = await asyncpg.connect(database)
    try:
        transaction = connection.transaction()
        await transaction.start()
        site = await connection.fetchval(
            "SELECT site FROM environment_lanes WHERE environment = $1", place.environment_id
        )
        await connection.execute("SELECT lock_site($1)", site)
        assert await verdicts(place.people["host"], first) == {second: (None, None)}
        await transaction.rollback()
        assert await verdicts(place.people["host"], first) == {second: (True, False)}
    finally:
        await connection.close()


async def test_case_page_shows_them_side_by_side_and_after_the_approval_what_became_of_the_others(
    application: Litestar,
) -> None:
    place = await scene()
    first, second = await requests(place, [48, 48])
    async with await browser(application, place.people["host"]) as client:
        page = (await client.get(f"/desk/bookings/{first}")).text
        assert "Becomes impossible" in page
        assert "1 other request cannot be approved any more" in page
        assert "Fewer interruptions" in page
        assert "All in force" in page
        answer = await send(client, f"/desk/bookings/{first}/approve", {"seen": str(await sequence_of(first))})
        assert answer.status_code == 303
        page = (await client.get(answer.headers["location"])).text
        assert "This booking holds its time, and 1 request that still waits cannot be approved beside it." in page
        assert f"/desk/bookings/{second}?reply=times" in page
        chosen = f"chosen={second}.{await sequence_of(second)}"
        for action in ("decline", "request_changes", "waitlist"):
            assert f"action={action}&amp;{chosen}" in page
    assert await state_of(second) == "submitted"


async def test_host_of_another_part_does_not_read_who_competes(application: Litestar) -> None:
    body = await factories.organisation()
    whole, whole_slug = await factories.environment(body=body, text=await small())
    other_body = await factories.organisation()
    _, part_slug = await factories.environment(body=other_body, text=await small(1, whole))
    place = await scene()
    host = await factories.person(Role.HOST, organisation_id=other_body)
    text = replace(request_for(whole_slug), purpose="Hemligt prov")
    secret = await service.create_booking(place.people["requester"], text, submit=True)
    mine = await service.create_booking(place.people["other_firm"], request_for(part_slug), submit=True)
    async with await browser(application, host) as client:
        page = (await client.get(f"/desk/bookings/{mine}")).text
        assert "For its host only" in page
        assert "Becomes impossible" in page
        assert "Hemligt prov" not in page
        assert str(secret) not in page


async def test_missing_agreements_are_told_of_each_competitor(application: Litestar) -> None:
    case = await factories_agreements.case()
    host = await factories.person(Role.HOST, organisation_id=case.body)
    first = await service.create_booking(case.member, request_for(case.slug), submit=True)
    second = await service.create_booking(case.member, request_for(case.slug), submit=True)
    found = await competing.competition(host, first, datetime.now(UTC))
    assert [one.booking.id for one in found.others] == [second]
    row = await database.fetch_one("SELECT * FROM booking WHERE id = $1", second)
    assert found.others[0].missing == await queries.missing_for(row)
    assert found.others[0].missing
    async with await browser(application, host) as client:
        assert "1 is missing" in (await client.get(f"/desk/bookings/{first}")).text


# ---- Several at once ------------------------------------------------------------------------


async def chosen_of(ids: Sequence[UUID]) -> list[Chosen]:
    return [Chosen(one, await sequence_of(one)) for one in ids]


@pytest.mark.parametrize("action", bulk.ACTIONS)
@pytest.mark.parametrize("name", ROLES)
async def test_each_role_decides_in_bulk_exactly_as_one_by_one(name: str, action: str) -> None:
    place = await scene()
    ids = await requests(place, [48, 96])
    decide = bulk.decide_each(place.people[name], action, await chosen_of(ids), dict.fromkeys(ids, "Därför."))
    if name == "host":
        assert all(one.refusal is None for one in await decide)
        assert {await state_of(one) for one in ids} != {"submitted"}
        return
    if name == "other_host":
        assert all(one.state is None and one.refusal is not None for one in await decide)
    else:
        with pytest.raises(NotPermitted):
            await decide
    assert {await state_of(one) for one in ids} == {"submitted"}


async def test_bulk_decides_what_was_ticked_and_tells_of_each_why_not() -> None:
    place = await scene()
    host = place.people["host"]
    first, clash, apart, untouched, gone = await requests(place, [48, 48, 96, 120, 144])
    chosen = await chosen_of([first, clash, apart, gone])
    await service.move_booking(place.people["other_firm"], gone, "withdraw")
    results = await bulk.decide_each(host, "approve", [*chosen, Chosen(uuid4(), 1)], {})
    assert [(one.state, one.refusal is None) for one in results] == [
        (S.CONFIRMED, True),
        (None, False),
        (S.CONFIRMED, True),
        (None, False),
        (None, False),
    ]
    assert "withdrew the request" in str(results[3].refusal)
    assert await state_of(untouched) == "submitted"
    assert await state_of(clash) == "submitted"


async def test_bulk_needs_a_reason_where_one_alone_does() -> None:
    place = await scene()
    ids = await requests(place, [48, 96])
    results = await bulk.decide_each(place.people["host"], "decline", await chosen_of(ids), {ids[0]: "Stängt."})
    assert results[0].state is S.DECLINED
    assert "Write the reason" in str(results[1].refusal)


async def test_bulk_refuses_nothing_too_much_and_other_steps() -> None:
    place = await scene()
    host = place.people["host"]
    (one,) = await chosen_of(await requests(place, [48]))
    for action, chosen in (("approve", []), ("cancel", [one]), ("approve", [Chosen(uuid4(), 1) for _ in range(51)])):
        with pytest.raises(InvalidInput):
            await bulk.decide_each(host, action, chosen, {})
    twice = await bulk.decide_each(host, "waitlist", [one, one], {})
    assert [result.state for result in twice] == [S.WAITLISTED]


async def test_fault_in_one_decision_is_told_and_keeps_no_other_from_its_turn(
    caplog: pytest.LogCaptureFixture,
) -> None:
    place = await scene()
    first, second = await requests(place, [48, 96])
    # A reason that the thread cannot keep stands for whatever goes wrong in the middle.
    results = await bulk.decide_each(
        place.people["host"], "waitlist", await chosen_of([first, second]), {first: "nul \x00"}
    )
    assert [one.state for one in results] == [None, S.WAITLISTED]
    assert "nothing was done" in str(results[0].refusal)
    assert await state_of(first) == "submitted"
    assert "failed" in caplog.text


async def test_bulk_page_shows_what_fits_keeps_what_was_typed_and_says_how_each_went(application: Litestar) -> None:
    place = await scene()
    first, second, third = await requests(place, [48, 48, 96])
    ticked = [f"{one}.{await sequence_of(one)}" for one in (first, second)]
    async with await browser(application, place.people["host"]) as client:
        page = await client.get("/desk/bookings/choose", params={"chosen": ticked, "action": "decline"})
        assert page.text.count("Is refused") == 1
        assert str(third) not in page.text
        assert re.search(r'value="decline" checked', page.text)
        bad = await send(
            client, "/desk/bookings/choose", {"chosen": ticked, "action": "decline", "reason": "Hej {namn}"}
        )
        assert bad.status_code == 422
        assert "Hej {namn}</textarea>" in bad.text
        assert bad.text.count(" checked") == 3
        done = await send(client, "/desk/bookings/choose", {"chosen": ticked, "action": "approve", "reason": ""})
        assert "“Approve” is done for 1 of 2 requests. For 1 nothing was done" in done.text
        assert f"/desk/bookings/choose?chosen={second}." in done.text
        text = "{environment} är tagen {time}, {contact}."
        left = [f"{second}.{await sequence_of(second)}"]
        await send(client, "/desk/bookings/choose", {"chosen": left, "action": "decline", "reason": text})
        for odd in ({"chosen": ["x"]}, {"chosen": [f"{first}.1; DROP"]}):
            assert (await client.get("/desk/bookings/choose", params=odd)).status_code == 422
        assert "No request is ticked" in (await client.get("/desk/bookings/choose")).text
    (message,), _ = await thread.list_messages(place.people["host"], second)
    assert message.text.startswith(f"Testbädd {place.slug} är tagen ")
    assert "{" not in message.text
    assert await state_of(third) == "submitted"


async def test_bulk_template_is_used_without_javascript_and_given_to_each_in_their_own_language(
    application: Litestar,
) -> None:
    place = await scene()
    host, swede = place.people["host"], place.people["other_firm"]
    (body,) = host.organisations(*host.roles)
    reply_id = await replies.create_reply(
        host, ReplyText(body, ReplyKind.DECLINE, "Tagen", "Hej {contact}!", "Hello {contact}!")
    )
    async with database.transaction():
        await record(SYSTEM, EventType.PERSON_CREATED, place.people["requester"].person_id)
        await database.fetch("UPDATE person SET language = 'en' WHERE id = $1", place.people["requester"].person_id)
    (first,) = await requests(place, [48])
    second = await service.create_booking(
        place.people["requester"], request_for(place.slug, hours_ahead=96), submit=True
    )
    form = {
        "chosen": [f"{one}.{await sequence_of(one)}" for one in (first, second)],
        "action": "decline",
        "template": str(reply_id),
        "reason": "",
    }
    async with await browser(application, host) as client:
        used = await send(client, "/desk/bookings/choose/use-reply", {**form, "reason": "Först:"})
        assert "Först:\n\nHello {contact}!</textarea>" in used.text
        assert used.text.count('name="chosen"') == 2
        done = await send(client, "/desk/bookings/choose", form)
        assert "“Decline” is done for all 2 requests." in done.text
    for booking_id, text in ((first, f"Hej {swede.name}!"), (second, f"Hello {place.people['requester'].name}!")):
        (message,), _ = await thread.list_messages(host, booking_id)
        assert message.text == text


# ---- Two hosts at once ----------------------------------------------------------------------


async def test_second_host_is_told_what_the_first_did_and_nothing_is_overwritten(application: Litestar) -> None:
    place = await scene()
    (booking_id,) = await requests(place, [48])
    body = await database.fetch_one("SELECT accountable_body FROM entry WHERE id = $1", place.environment_id)
    assert body is not None
    second = await factories.person(Role.HOST, organisation_id=body["accountable_body"])
    seen = str(await sequence_of(booking_id))
    async with await browser(application, place.people["host"]) as client:
        assert (
            await send(client, f"/desk/bookings/{booking_id}/decline", {"reason": "Stängt.", "seen": seen})
        ).status_code == 303
    async with await browser(application, second) as client:
        answer = await send(client, f"/desk/bookings/{booking_id}/approve", {"reason": "Välkommen!", "seen": seen})
        assert answer.status_code == 409
        assert f"{place.people['host'].name} declined the request" in answer.text
        assert "Välkommen!</textarea>" in answer.text
        assert "Stängt." in answer.text
    assert await state_of(booking_id) == "declined"


async def test_request_that_was_changed_and_sent_again_is_not_approved_unseen() -> None:
    place = await scene()
    (booking_id,) = await requests(place, [48])
    host, firm = place.people["host"], place.people["other_firm"]
    seen = await sequence_of(booking_id)
    await service.move_booking(host, booking_id, "request_changes", reason="Vad ska ni prova?")
    await service.change_booking(firm, booking_id, replace(request_for(place.slug), purpose="Något helt annat"))
    await service.move_booking(firm, booking_id, "submit")
    with pytest.raises(EditedMeanwhile, match="sent the request again"):
        await service.move_booking(host, booking_id, "approve", seen=seen)
    assert await state_of(booking_id) == "submitted"


async def test_ten_hosts_at_once_and_one_decides() -> None:
    place = await scene()
    host = place.people["host"]
    (booking_id,) = await requests(place, [48])
    seen = await sequence_of(booking_id)
    results = await asyncio.gather(
        *(
            service.move_booking(host, booking_id, action, reason="Därför.", seen=seen)
            for action in ("approve", "decline", "request_changes", "waitlist", "approve") * 2
        ),
        return_exceptions=True,
    )
    assert sum(isinstance(one, BookingState) for one in results) == 1
    assert sum(isinstance(one, EditedMeanwhile) for one in results) == 9
    found, _ = await thread.list_messages(host, booking_id)
    assert len(found) == 1


async def test_desk_is_for_hosts_only(application: Litestar) -> None:
    place = await scene()
    (booking_id,) = await requests(place, [48])
    paths = ["/desk/bookings", f"/desk/bookings/{booking_id}", "/desk/bookings/choose"]
    for name in ROLES:
        async with await browser(application, place.people[name]) as client:
            found = [(await client.get(path)).status_code for path in paths]
            expected = {"host": [200, 200, 200], "other_host": [200, 404, 200]}.get(name, [403, 403, 403])
            assert found == expected, name
            if name != "host":
                for path in ("notes", "messages", "approve", "use-reply"):
                    answer = await send(
                        client, f"/desk/bookings/{booking_id}/{path}", {"note" if path == "notes" else "reason": "x"}
                    )
                    assert answer.status_code in {403, 404}, (name, path)
    assert await state_of(booking_id) == "submitted"
    assert (await thread.list_messages(place.people["host"], booking_id))[1] == 0


async def test_note_is_saved_from_the_desk_and_comes_back_when_it_cannot(application: Litestar) -> None:
    place = await scene()
    (booking_id,) = await requests(place, [48])
    async with await browser(application, place.people["host"]) as client:
        saved = await send(client, f"/desk/bookings/{booking_id}/notes", {"note": "Ring först."})
        assert saved.status_code == 303
        assert "Ring först." in (await client.get(f"/desk/bookings/{booking_id}")).text
        bad = await send(client, f"/desk/bookings/{booking_id}/notes", {"note": "y" * 5001})
        assert bad.status_code == 422
        assert "y" * 5001 in bad.text
        empty = await send(client, f"/desk/bookings/{booking_id}/messages", {"reason": " "})
        assert empty.status_code == 422
        assert "#f-reason" in empty.text
