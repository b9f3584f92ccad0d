"""Reminders 90, 30 and 7 days before an agreement ends: once each, to legal and the parties."""

import asyncio
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

import pytest

from registry import database
from registry.access import Role
from registry.agreements import queries, service
from registry.agreements.states import AgreementState
from registry.web.agreement_mails import remind_of_ends
from tests import factories, factories_agreements
from tests.factories_agreements import LAST, STOCKHOLM, Case, agreement_in

S = AgreementState
# Long enough for all three; the agreements of other tests end elsewhere or are reminded of as well.
START, END = date(2041, 1, 1), date(2041, 12, 31)


def before(days: int, *, hour: int = 8) -> datetime:
    """A moment so many days before END."""
    return datetime.combine(END - timedelta(days=days), time(hour), STOCKHOLM).astimezone(UTC)


async def ends(case: Case) -> UUID:
    """An agreement of the case that is in force from START to END."""
    return await factories_agreements.in_force(
        case.firm,
        case.entry_id,
        case.template,
        valid_from=START,
        valid_until=END,
        now=datetime(2041, 2, 1, tzinfo=UTC),
    )


async def mails_to(email: str) -> list[database.Row]:
    return await database.fetch("SELECT * FROM mail WHERE recipient = $1 ORDER BY created_at", email)


async def days_told(agreement_id: UUID) -> list[int]:
    rows = await database.fetch("SELECT days FROM agreement_reminder WHERE agreement = $1 ORDER BY id", agreement_id)
    return [row["days"] for row in rows]


async def test_each_mark_is_told_once_as_time_passes() -> None:
    case = await factories_agreements.case()
    agreement_id = await ends(case)
    for days, told in ((91, []), (90, [90]), (89, [90]), (31, [90]), (30, [90, 30]), (8, [90, 30]), (7, [90, 30, 7])):
        await remind_of_ends(before(days))
        await remind_of_ends(before(days, hour=9))
        assert await days_told(agreement_id) == told
    await remind_of_ends(before(0))
    await remind_of_ends(before(-1))
    assert await days_told(agreement_id) == [90, 30, 7]
    assert len(await mails_to(case.member.email)) == 3


async def test_after_a_standstill_only_the_nearest_mark_is_told() -> None:
    case = await factories_agreements.case()
    agreement_id = await ends(case)
    await remind_of_ends(before(5))
    await remind_of_ends(before(4))
    assert await days_told(agreement_id) == [7]
    (mail,) = await mails_to(case.member.email)
    assert "5 dagar" in mail["text"]


async def test_workers_at_once_tell_once() -> None:
    case = await factories_agreements.case()
    agreement_id = await ends(case)
    await asyncio.gather(*(remind_of_ends(before(30)) for _ in range(4)))
    assert await days_told(agreement_id) == [30]
    assert len(await mails_to(case.member.email)) == 1


async def test_legal_and_the_parties_are_told_and_nobody_else() -> None:
    case = await factories_agreements.case()
    agreement_id = await ends(case)
    limited = await factories.person(Role.LEGAL, organisation_id=case.body)
    colleague = await factories.person(Role.FIRM, organisation_id=case.firm)
    others = [
        await factories.person(Role.LEGAL, organisation_id=await factories.organisation()),
        await factories.person(Role.FIRM, organisation_id=await factories.organisation()),
        await factories.person(Role.HOST, organisation_id=case.body),
    ]
    await remind_of_ends(before(7))
    for reader, words in ((limited, "bygger på det"), (case.legal, "bygger på det"), (colleague, "i god tid")):
        mails = [one for one in await mails_to(reader.email) if str(agreement_id) in one["text"]]
        assert len(mails) == 1
        assert words in mails[0]["text"]
        assert "7 dagar" in mails[0]["html"]
    for other in others:
        assert not any(str(agreement_id) in one["text"] for one in await mails_to(other.email))
    log = (await queries.get_agreement(case.member, agreement_id)).log
    assert [event.data["days"] for event in log if event.type == "agreement.reminded"] == [7]


@pytest.mark.parametrize("state", [S.APPROVED, S.SIGNED, S.TERMINATED])
async def test_what_is_not_in_force_is_not_told(state: S) -> None:
    case = await factories_agreements.case()
    agreement_id = await agreement_in(case, state)
    await remind_of_ends(datetime.combine(LAST - timedelta(days=7), time(8), STOCKHOLM))
    assert await days_told(agreement_id) == []


async def test_terminated_meanwhile_is_not_told_again() -> None:
    case = await factories_agreements.case()
    agreement_id = await ends(case)
    await remind_of_ends(before(90))
    await service.terminate(case.legal, agreement_id, "Slut.")
    await remind_of_ends(before(30))
    assert await days_told(agreement_id) == [90]
