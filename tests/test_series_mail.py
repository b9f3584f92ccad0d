"""What people are told of a series: one mail with one line, one file for the calendar; and one IP assessment."""

from datetime import UTC, datetime, timedelta

import pytest

from registry import database
from registry.access import Actor, Role
from registry.bookings import assessments, series, series_view, service
from registry.bookings.codes import EmployerRole, Frequency, IpFinding
from registry.bookings.recurrence import SeriesRule
from registry.bookings.requests import OwnInnovation
from registry.errors import RuleBroken
from registry.web.notice_mails import send_waiting
from tests import factories, factories_agreements
from tests.factories_bookings import scene
from tests.factories_series import sent, states, weekly_text

# A worker would send the mails that are looked for here.
pytestmark = pytest.mark.usefixtures("no_other_worker")


async def mails_to(actor: Actor) -> list[database.Row]:
    assert actor.person_id is not None
    before = {row["id"] for row in await database.fetch("SELECT id FROM mail WHERE recipient = $1", actor.email)}
    await send_waiting(actor.person_id, datetime.now(UTC))
    rows = await database.fetch("SELECT * FROM mail WHERE recipient = $1", actor.email)
    return [row for row in rows if row["id"] not in before]


async def forget_pauses() -> None:
    await database.fetch("UPDATE notice SET mailed_at = mailed_at - interval '1 hour' WHERE mailed_at IS NOT NULL")


async def attached(mail: database.Row) -> list[str]:
    rows = await database.fetch("SELECT content FROM mail_attachment WHERE mail = $1 ORDER BY id", mail["id"])
    return [row["content"] for row in rows]


async def test_series_is_told_in_one_line_of_one_mail() -> None:
    place = await scene()
    made = await sent(place, 6)
    (mail,) = await mails_to(place.people["host"])
    title = await database.fetch_one("SELECT title_sv FROM entry WHERE id = $1", place.environment_id)
    assert title is not None
    assert mail["subject"] == f"Ny bokningsförfrågan: {title['title_sv']}"
    assert "och 5 tider till, den sista" in mail["text"]
    assert mail["text"].count("/desk/bookings/") == 1
    (receipt,) = await mails_to(place.people["requester"])
    assert f"/bookings/series/{made.id}" in receipt["text"]


async def test_confirmed_series_comes_as_one_file_with_an_event_for_each_booking() -> None:
    place = await scene()
    made = await sent(place, 6)
    await mails_to(place.people["requester"])
    await series.move_series(place.people["host"], made.id, "approve")
    await forget_pauses()
    (mail,) = await mails_to(place.people["requester"])
    (file,) = await attached(mail)
    assert file.count("BEGIN:VEVENT") == 6
    for booking_id in made.changed:
        assert f"UID:booking-{booking_id}@registry" in file


async def test_cancelled_bookings_are_a_file_each_as_calendars_need_it() -> None:
    place = await scene()
    made = await sent(place, 3)
    await series.move_series(place.people["host"], made.id, "approve")
    await mails_to(place.people["requester"])
    await series.move_series(place.people["host"], made.id, "cancel", since=made.changed[1], reason="Rebuilding")
    await forget_pauses()
    (mail,) = await mails_to(place.people["requester"])
    files = await attached(mail)
    assert [file.count("BEGIN:VEVENT") for file in files] == [1, 1]
    assert "Rebuilding" in mail["text"]
    assert "och 1 tid till" in mail["text"]


async def test_agreement_is_prepared_for_the_whole_series_which_it_then_confirms_at_once() -> None:
    case = await factories_agreements.case()
    requester = case.member
    host = await factories.person(Role.HOST, organisation_id=case.body)
    text, rule = weekly_text(case.slug), SeriesRule(Frequency.WEEKLY, count=5)
    made = await series.create_series(requester, text, rule, submit=True)
    view = await series_view.get_series(requester, made.id)
    # One agreement, valid until the last of the bookings is over.
    assert len({missing.agreement_id for found in view.missing.values() for missing in found}) == 1
    assert all(missing.on_its_way for found in view.missing.values() for missing in found)
    await series.move_series(host, made.id, "approve")
    assert await states(made.id) == ["approved"] * 5
    assert len(await mails_to(requester)) == 1
    today = datetime.now(UTC).date()
    agreement_id = await factories_agreements.in_force(
        case.firm, case.entry_id, case.template, valid_from=today, valid_until=today + timedelta(days=365)
    )
    assert await service.confirm_covered(agreement_id=agreement_id) == 5
    await forget_pauses()
    assert len(await mails_to(requester)) == 1


async def test_legal_assesses_an_own_innovation_once_for_the_whole_series() -> None:
    place = await scene()
    text = weekly_text(place.slug)
    mine = OwnInnovation(EmployerRole.HOSPITAL_STAFF, contribution="Everything")
    made = await series.create_series(
        place.people["employee"],
        type(text)(**{**vars(text), "own_innovation": mine}),
        SeriesRule(Frequency.WEEKLY, count=5),
        submit=True,
    )
    legal = place.people["legal"]
    ours = [case for case in await assessments.assessment_queue(legal) if case[1].series == made.id]
    assert len(ours) == 1
    first = ours[0][0].booking_id
    await assessments.decide(legal, first, finding=IpFinding.EMPLOYER, reasons="Made at work", blocks=True)
    for booking_id in made.changed:
        assert await assessments.is_blocked(booking_id)
    with pytest.raises(RuleBroken):
        await series.move_series(place.people["host"], made.id, "approve")
    await assessments.reopen(legal, first)
    assert not any([await assessments.is_blocked(booking_id) for booking_id in made.changed])
