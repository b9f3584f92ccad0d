"""Saved searches: what a person keeps, and how often news of it are mailed."""

import hashlib
import hmac
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from urllib.parse import parse_qsl

from registry import database
from registry.access import Actor, require_signed_in
from registry.accounts.queries import hash_token
from registry.audit.service import EventType, record
from registry.errors import N_, NotFound, RuleBroken, invalid, message
from registry.settings import load_settings
from registry.web.input import read_pairs
from registry.web.language import local
from search import queries
from search.addresses import SearchAddress
from search.codes import Frequency
from search.engine import LARGEST_PAGE, Sort
from search.found import Found
from search.input import BAD_WEEK, SearchInput, last_day
from search.postgres import PostgresEngine
from search.tables import SavedSearch

MOST_SAVED = 50
LONGEST_NAME = 100
LONGEST_QUERY = 8000


@dataclass(frozen=True)
class SavedSearchView:
    """A saved search; `query` is a query string of `/search`, times are in UTC."""

    id: int
    person_id: int
    name: str
    query: str
    frequency: Frequency
    language: str
    created_at: datetime
    last_mailed_at: datetime | None

    @property
    def href(self) -> str:
        """Where the search is run."""
        return f"/search?{self.query}" if self.query else "/search"

    @property
    def asked(self) -> SearchInput:
        """The search itself.

        Raises:
            InvalidInput: it uses a value that no longer exists.
        """
        return read_pairs(parse_qsl(self.query), SearchInput)


_COLUMNS = "id, person AS person_id, name, query, frequency, language, created_at, last_mailed_at"


async def saved_searches(actor: Actor) -> list[SavedSearchView]:
    """The actor's searches, by name.

    Raises:
        NotSignedIn: a visitor has none.
    """
    require_signed_in(actor)
    rows = await database.fetch(
        f"SELECT {_COLUMNS} FROM saved_search WHERE person = $1 ORDER BY lower(name), id", actor.person_id
    )
    return [_view(row) for row in rows]


async def get_saved_search(actor: Actor, search_id: int) -> SavedSearchView:
    """One of the actor's searches.

    Raises:
        NotSignedIn; NotFound: there is none, or it is somebody else's.
    """
    require_signed_in(actor)
    row = await database.fetch_one(
        f"SELECT {_COLUMNS} FROM saved_search WHERE id = $1 AND person = $2", search_id, actor.person_id
    )
    if row is None:
        raise NotFound
    return _view(row)


async def locked(search_id: int) -> SavedSearchView | None:
    """A search whoever it belongs to, locked until the running transaction ends; None when it has been removed."""
    row = await database.fetch_one(f"SELECT {_COLUMNS} FROM saved_search WHERE id = $1 FOR UPDATE", search_id)
    return None if row is None else _view(row)


async def save_search(actor: Actor, *, name: str, query: str, frequency: Frequency, language: str) -> int:
    """Keep a search and return its id. Whatever it finds now counts as told, so that mails hold what is new.

    `query` is the query string of a search page; `language` (`sv` or `en`) is the language of the mails.

    Raises:
        NotSignedIn; InvalidInput: the name or the search is malformed.
        RuleBroken: the actor has saved this search before, or has too many.
    """
    require_signed_in(actor)
    name = _good_name(name)
    kept = SearchAddress.of(parse_qsl(query)).canonical()
    if len(kept) > LONGEST_QUERY:
        raise invalid("query", N_("The search is too long to be saved. Use fewer words and filters."))
    _require_time_left(read_pairs(parse_qsl(kept), SearchInput))
    async with database.transaction():
        await _require_room(actor, kept)
        rows = await SavedSearch.insert(
            SavedSearch(person=actor.person_id, name=name, query=kept, frequency=frequency.value, language=language)
        ).returning(SavedSearch.id)
        search_id: int = rows[0]["id"]
        await record(actor, EventType.SAVED_SEARCH_CREATED, search_id, {"frequency": frequency.value})
        await count_as_told(search_id, await untold(actor, await get_saved_search(actor, search_id)))
    return search_id


def _require_time_left(asked: SearchInput) -> None:
    """A search for a week that is over would never tell of anything."""
    if not asked.free_week:
        return
    end = last_day(asked.free_week)
    if end is None:
        raise invalid("query", BAD_WEEK)
    if end < local(datetime.now(UTC)).date():
        sentence = N_(
            "The week that you search in is over. Choose a later one, or any week, and save the search again."
        )
        raise invalid("query", sentence)


async def _require_room(actor: Actor, query: str) -> None:
    # The lock keeps the count right when somebody saves twice at the same moment.
    await database.fetch("SELECT 1 FROM person WHERE id = $1 FOR NO KEY UPDATE", actor.person_id)
    same = await database.fetch_one(
        "SELECT name FROM saved_search WHERE person = $1 AND query = $2", actor.person_id, query
    )
    if same is not None:
        raise RuleBroken(message(N_("You have already saved this search, as “%(name)s”."), name=same["name"]))
    count = await database.fetch_one("SELECT count(*) AS n FROM saved_search WHERE person = $1", actor.person_id)
    if count and count["n"] >= MOST_SAVED:
        raise RuleBroken(
            message(
                N_("You have %(n)s saved searches, which is the most there can be. Remove one first."), n=MOST_SAVED
            )
        )


async def change_saved_search(actor: Actor, search_id: int, *, name: str, frequency: Frequency) -> None:
    """Rename a search, or change how often its news are mailed.

    Who begins to get mail is told of what is new from then on.

    Raises:
        NotSignedIn, NotFound; InvalidInput: the name is malformed.
    """
    name = _good_name(name)
    async with database.transaction():
        before = await get_saved_search(actor, search_id)
        await SavedSearch.update({SavedSearch.name: name, SavedSearch.frequency: frequency.value}).where(
            SavedSearch.id == search_id
        )
        changed = {"frequency": frequency.value, "renamed": name != before.name}
        await record(actor, EventType.SAVED_SEARCH_CHANGED, search_id, changed)
        if before.frequency is Frequency.NEVER and frequency is not Frequency.NEVER:
            await count_as_told(search_id, await untold(actor, before))


async def remove_saved_search(actor: Actor, search_id: int) -> None:
    """Remove a search and what it has been told.

    Raises:
        NotSignedIn, NotFound.
    """
    async with database.transaction():
        await get_saved_search(actor, search_id)
        await SavedSearch.delete().where(SavedSearch.id == search_id)
        await record(actor, EventType.SAVED_SEARCH_REMOVED, search_id)


def stop_token(search_id: int) -> str:
    """The token in mails that stops them. It follows from the secret key, so that every mail has the same one."""
    key = load_settings().secret_key.get_secret_value().encode()
    return hmac.new(key, f"stop saved search {search_id}".encode(), hashlib.sha256).hexdigest()


async def search_of_token(token: str) -> SavedSearchView:
    """The search whose mails a token stops.

    Raises:
        NotFound: no search has this token (any more).
    """
    row = await database.fetch_one(f"SELECT {_COLUMNS} FROM saved_search WHERE token_hash = $1", hash_token(token))
    if row is None:
        raise NotFound(message(N_("This address does not stop any mails. The search may have been removed.")))
    return _view(row)


async def stop_mails(token: str) -> SavedSearchView:
    """Stop the mails of a search; whoever has the token acts for the person. Doing it twice does no harm.

    Raises:
        NotFound: no search has this token (any more).
    """
    async with database.transaction():
        search = await search_of_token(token)
        if search.frequency is not Frequency.NEVER:
            await SavedSearch.update({SavedSearch.frequency: Frequency.NEVER.value}).where(SavedSearch.id == search.id)
            owner = Actor(person_id=search.person_id)
            data = {"frequency": Frequency.NEVER.value, "by": "link"}
            await record(owner, EventType.SAVED_SEARCH_CHANGED, search.id, data)
    return search


async def untold(actor: Actor, search: SavedSearchView) -> list[Found]:
    """What a search finds for the actor now and has not been told yet, newest first.

    Raises:
        InvalidInput: the search uses a value that no longer exists.
    """
    rows = await database.fetch("SELECT entry FROM saved_search_hit WHERE search = $1", search.id)
    told = {row["entry"] for row in rows}
    asked = search.asked.to_request(actor, search.language)
    request = replace(asked, sure_only=True, sort=Sort.NEWEST, page=1, page_size=LARGEST_PAGE)
    found: dict[int, Found] = {}
    while True:
        result = await queries.find(actor, request, PostgresEngine())
        if not result.items:
            break
        found |= {hit.id: hit for hit in result.items}
        if request.page * request.page_size >= result.total:
            break
        request = replace(request, page=request.page + 1)
    return [hit for hit in found.values() if hit.id not in told]


async def count_as_told(search_id: int, hits: list[Found]) -> None:
    """Never tell a search of these entries (again)."""
    await database.fetch(
        "INSERT INTO saved_search_hit (search, entry) SELECT $1, e.id FROM entry e WHERE e.id = ANY ($2)"
        " ON CONFLICT DO NOTHING",
        search_id,
        [hit.id for hit in hits],
    )


def _good_name(name: str) -> str:
    name = " ".join(name.split())
    if not name:
        raise invalid("name", N_("Give the search a name."))
    if len(name) > LONGEST_NAME:
        raise invalid("name", N_("The name is too long: use at most %(n)s characters."), n=LONGEST_NAME)
    return name


def _view(row: database.Row) -> SavedSearchView:
    return SavedSearchView(
        id=row["id"],
        person_id=row["person_id"],
        name=row["name"],
        query=row["query"],
        frequency=Frequency(row["frequency"]),
        language=row["language"],
        created_at=row["created_at"],
        last_mailed_at=row["last_mailed_at"],
    )
