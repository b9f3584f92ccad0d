"""Saves searches, publishes what they find, and reads what has been mailed, for tests."""

import json
from datetime import datetime
from typing import Any

from registry import database
from registry.access import Actor
from search import alerts, saved
from search.codes import Frequency
from tests.factories_search import entry


async def keep(
    actor: Actor, query: str, frequency: Frequency = Frequency.AT_ONCE, *, name: str = "Bussar", language: str = "sv"
) -> int:
    return await saved.save_search(actor, name=name, query=query, frequency=frequency, language=language)


async def publish(**text: Any) -> int:
    """A published entry as the job INDEX_ENTRY leaves it, and saved searches have looked at it."""
    entry_id, _ = await entry(**text)
    await alerts.handle_match({"entry_id": entry_id})
    return entry_id


async def mails(actor: Actor) -> list[dict[str, Any]]:
    """What has been written to a person, oldest first."""
    return [
        dict(row)
        for row in await database.fetch("SELECT * FROM mail WHERE recipient = $1 ORDER BY created_at", actor.email)
    ]


async def wait_is_over(search_id: int) -> None:
    await database.fetch("UPDATE saved_search SET last_mailed_at = now() - interval '1 hour' WHERE id = $1", search_id)


async def told(search_id: int) -> set[int]:
    rows = await database.fetch("SELECT entry FROM saved_search_hit WHERE search = $1", search_id)
    return {row["entry"] for row in rows}


async def daily_jobs(now: datetime) -> set[int]:
    """The searches that the clock has told at a moment; nobody else does these jobs."""
    async with database.transaction():
        before = await database.fetch_one("SELECT coalesce(max(id), 0) AS id FROM pgqueuer")
        assert before is not None
        await alerts.tell_daily(now)
        rows = await database.fetch(
            "DELETE FROM pgqueuer WHERE entrypoint = 'tell_saved_search' AND id > $1 RETURNING payload", before["id"]
        )
    return {json.loads(row["payload"])["search_id"] for row in rows}
