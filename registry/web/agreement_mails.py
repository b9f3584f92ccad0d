"""Reminding legal and the parties by mail that an agreement ends."""

from datetime import datetime

from registry import database
from registry.agreements import reminders
from registry.web.mails import send_mail


async def remind_of_ends(now: datetime) -> int:
    """Tell legal and the parties of agreements that end in 90, 30 or 7 days; how many agreements. `now` is in UTC.

    Safe to run again and at the same time: each of the three is told once for each last day.
    """
    told = 0
    for agreement_id in await reminders.due(now):
        # One transaction for each, so that a fault in one holds no other back.
        async with database.transaction():
            ending = await reminders.take(agreement_id, now)
            if ending is None:
                continue
            for reader in ending.readers:
                await send_mail(
                    reader.email,
                    reader.language,
                    "agreement_end",
                    agreement=ending.agreement,
                    days=ending.days_left,
                    is_legal=reader.is_legal,
                )
            told += 1
    return told
