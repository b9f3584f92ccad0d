"""Telling people of what is new in their saved searches: at once when an entry has been indexed, or daily."""

import logging
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from registry import database
from registry.access import Actor
from registry.accounts.queries import actor_of_person, hash_token
from registry.errors import InvalidInput
from registry.jobs.service import Job, TryAgainLater, enqueue
from registry.settings import load_settings
from registry.web import language
from registry.web.mails import send_mail
from search import queries, saved
from search.codes import Frequency
from search.found import Found
from search.postgres import PostgresEngine
from search.saved import SavedSearchView

# A mail lists so many entries and leads to the rest.
MOST_IN_A_MAIL = 20
# Mail at once is one mail in so long a time at most; what comes meanwhile is in the next one.
SHORTEST_PAUSE = timedelta(minutes=1)
_DAILY_HOUR = 8
_FRIDAY = 5
log = logging.getLogger(__name__)

# Searches that want news at once and have not been told of the entry.
_WAITING_FOR = """
SELECT s.id FROM saved_search s JOIN person p ON p.id = s.person
WHERE s.frequency = 'at_once' AND p.active
  AND NOT EXISTS (SELECT FROM saved_search_hit h WHERE h.search = s.id AND h.entry = $1)
ORDER BY s.id
"""


async def handle_match(payload: Mapping[str, Any]) -> None:
    """The job MATCH_SAVED_SEARCHES: `{"entry_id": …}`, after the entry has been indexed."""
    entry_id = int(payload["entry_id"])
    for row in await database.fetch(_WAITING_FOR, entry_id):
        try:
            await tell(row["id"], because_of=entry_id)
        except TryAgainLater:
            # A job of its own, so that this search does not keep the others waiting.
            async with database.transaction():
                await enqueue(Job.TELL_SAVED_SEARCH, search_id=row["id"])


async def handle_tell(payload: Mapping[str, Any]) -> None:
    """The job TELL_SAVED_SEARCH: `{"search_id": …}`.

    Raises:
        TryAgainLater: the latest mail was a moment ago.
    """
    await tell(int(payload["search_id"]))


async def tell_daily(now: datetime) -> None:
    """Have every search with daily mail told of its news, if it is a weekday between 8 and 9 in Stockholm.

    The worker's clock is in UTC and calls this at each hour that can be 8 in Stockholm. `now` is in UTC.
    """
    local = language.local(now)
    if local.isoweekday() > _FRIDAY or local.hour != _DAILY_HOUR:
        return
    async with database.transaction():
        rows = await database.fetch(
            "SELECT s.id FROM saved_search s JOIN person p ON p.id = s.person"
            " WHERE s.frequency = 'daily' AND p.active ORDER BY s.id"
        )
        # A job each, so that one that fails does not keep the others waiting.
        for row in rows:
            await enqueue(Job.TELL_SAVED_SEARCH, search_id=row["id"])


async def tell(search_id: int, *, because_of: int | None = None) -> None:
    """Mail a person what their search finds now and has not been told yet; nothing where that is nothing.

    With `because_of` only if the search finds that entry. One mail then holds all that is new, so many entries
    that come at the same time make one mail.

    Raises:
        TryAgainLater: the search has mail at once and the latest was a moment ago.
    """
    async with database.transaction():
        search = await saved.locked(search_id)
        if search is None or search.frequency is Frequency.NEVER:
            return
        actor = await actor_of_person(search.person_id)
        if actor is None:
            return
        try:
            if because_of is not None and not await _finds(actor, search, because_of):
                return
            _keep_the_pause(search, datetime.now(UTC))
            news = await saved.untold(actor, search)
        except InvalidInput:
            log.warning("Saved search %s uses a value that no longer exists", search_id)
            return
        if news:
            await saved.count_as_told(search_id, news)
            await _mail(actor.email, search, news)


def _keep_the_pause(search: SavedSearchView, now: datetime) -> None:
    if search.frequency is Frequency.AT_ONCE and search.last_mailed_at is not None:
        left = search.last_mailed_at + SHORTEST_PAUSE - now
        if left > timedelta(0):
            raise TryAgainLater(left)


async def _finds(actor: Actor, search: SavedSearchView, entry_id: int) -> bool:
    asked = search.asked.to_request(actor, search.language)
    result = await queries.find(
        actor, replace(asked, sure_only=True, only=entry_id, page=1, page_size=1), PostgresEngine()
    )
    return bool(result.items)


async def _mail(address: str, search: SavedSearchView, news: list[Found]) -> None:
    token = saved.stop_token(search.id)
    await database.fetch(
        "UPDATE saved_search SET token_hash = $2, last_mailed_at = now() WHERE id = $1", search.id, hash_token(token)
    )
    stop_url = f"{load_settings().base_url.rstrip('/')}/saved-searches/stop/{token}"
    await send_mail(
        address,
        search.language,
        "saved_search",
        unsubscribe_url=stop_url,
        search=search,
        news=news[:MOST_IN_A_MAIL],
        total=len(news),
        stop_url=stop_url,
    )
