"""How the search is: what the entries, the documents and Meilisearch's index say of each other, and what to do."""

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from registry import database
from registry.jobs.service import Job
from registry.settings import load_settings
from search import compare, index_settings, index_tasks, sync
from search.engine import EngineAway, SearchRequest, Trouble
from search.meilisearch import MeilisearchEngine, in_thread
from search.postgres import PostgresEngine

# The version of Meilisearch that the tests run with.
TESTED_VERSION = "1.21"
# So many entries are named of each kind of difference, and so many derived anew where not all are asked for.
NAMED = 5
SAMPLE = 200
_STEP = 100


class Difference(StrEnum):
    """What can be other than it should be."""

    DOCUMENTS_OLD = "documents_old"
    DOCUMENTS_WRONG = "documents_wrong"
    CHANGES_WAITING = "changes_waiting"
    JOBS_FAILED = "jobs_failed"
    PUSHES_WAITING = "pushes_waiting"
    UNREACHABLE = "unreachable"
    REFUSED = "refused"
    INDEX_MISSING = "index_missing"
    INDEX_BROKEN = "index_broken"
    OTHER_VERSION = "other_version"
    SETTINGS_DIFFER = "settings_differ"
    NOT_IN_INDEX = "not_in_index"
    OLD_IN_INDEX = "old_in_index"
    TOO_MANY_IN_INDEX = "too_many_in_index"


_WORKER = "`registry worker` does it within a minute; see that it runs, or run `registry search reindex`."
ADVICE = {
    Difference.DOCUMENTS_OLD: _WORKER,
    Difference.DOCUMENTS_WRONG: "Run `registry search reindex --anew`.",
    Difference.CHANGES_WAITING: "`registry worker` takes them up within seconds; see that it runs.",
    Difference.JOBS_FAILED: "The log of `registry worker` says why. Run `registry search reindex` once that is mended.",
    Difference.PUSHES_WAITING: "`registry worker` pushes them within a minute; see that it and Meilisearch run.",
    Difference.UNREACHABLE: "Start Meilisearch, or check REGISTRY_MEILISEARCH_URL. Search goes on in PostgreSQL, and "
    "`registry worker` brings the index up to date when it is back. A Meilisearch that does not start because its "
    "data folder is of another version or damaged may begin with an empty one: all comes from the database.",
    Difference.REFUSED: "Check REGISTRY_MEILISEARCH_KEY: it has to be the master key, or a key for every action and "
    "index. Search goes on in PostgreSQL.",
    Difference.INDEX_MISSING: "Search goes on in PostgreSQL. " + _WORKER,
    Difference.INDEX_BROKEN: "Search goes on in PostgreSQL. Run `registry search reindex`. If that does not help, stop "
    "Meilisearch, empty its data folder, start it and run it again: all comes from the database.",
    Difference.OTHER_VERSION: "It may work. If searches fail or results look wrong, use the tested version.",
    Difference.SETTINGS_DIFFER: _WORKER,
    Difference.NOT_IN_INDEX: _WORKER,
    Difference.OLD_IN_INDEX: _WORKER,
    Difference.TOO_MANY_IN_INDEX: _WORKER,
}


@dataclass(frozen=True)
class Finding:
    """Something that is other than it should be: what, how often, the first few by name, and what to do."""

    difference: Difference
    text: str
    advice: str
    count: int = 1
    names: Sequence[str] = ()


@dataclass
class Status:
    """How the search is. Ages are in seconds, None where nothing waits; `indexed` is None without an index.

    `compared` says how many documents were derived anew for comparison, `engine` which engine is meant to answer.
    """

    engine: str
    entries: int
    documents: int
    compared: int = 0
    waiting_jobs: int = 0
    oldest_job: float | None = None
    waiting_pushes: int = 0
    oldest_push: float | None = None
    index: str | None = None
    indexed: int | None = None
    server_version: str | None = None
    tested_version: str = TESTED_VERSION
    findings: list[Finding] = field(default_factory=list)

    @property
    def is_well(self) -> bool:
        return not self.findings

    async def add(self, difference: Difference, text: str, entry_ids: Sequence[int | str] = ()) -> None:
        """Add a finding about some entries, or about the whole."""
        names = await _names(entry_ids[:NAMED])
        self.findings.append(Finding(difference, text, ADVICE[difference], len(entry_ids) or 1, names))


async def look(*, deep: bool = False, progress: Callable[[int, int], object] | None = None) -> Status:
    """Compare entries, documents and index; nothing is changed.

    Documents are compared with what would be derived now: of SAMPLE entries drawn at random, or of all if `deep`.
    `progress` is told (done, of how many) of that.
    """
    row = await database.fetch_one(
        "SELECT (SELECT count(*) FROM entry WHERE status = 'published') AS entries,"
        " (SELECT count(*) FROM search_document) AS documents"
    )
    if row is None:
        raise LookupError
    configured = index_tasks.is_configured()
    engine = MeilisearchEngine.name if configured else PostgresEngine.name
    status = Status(engine, row["entries"], row["documents"])
    await _look_at_documents(status, deep=deep, progress=progress or (lambda _done, _total: None))
    await _look_at_lag(status)
    if configured:
        status.index = load_settings().meilisearch_index
        try:
            await _look_at_index(status, status.index)
        except EngineAway as error:
            await status.add(_TROUBLES[error.trouble], _troubled(status.index, error))
    return status


async def _look_at_documents(status: Status, *, deep: bool, progress: Callable[[int, int], object]) -> None:
    if old := await sync.outdated():
        await status.add(
            Difference.DOCUMENTS_OLD,
            f"{_many(len(old), 'document')} missing, too many, or derived in an older way",
            old,
        )
    rows = await database.fetch("SELECT id FROM entry WHERE status = 'published' ORDER BY id")
    told = set(old)
    ids = [row["id"] for row in rows if row["id"] not in told]
    if not deep and len(ids) > SAMPLE:
        ids = random.sample(ids, SAMPLE)
    wrong: list[int] = []
    for start in range(0, len(ids), _STEP):
        wrong += await sync.otherwise_derived(ids[start : start + _STEP])
        progress(min(start + _STEP, len(ids)), len(ids))
    status.compared = len(ids)
    if wrong := [id for id in wrong if id not in await _changed_since(wrong)]:
        of = "" if deep or status.compared == status.entries else f" (of {status.compared} that were compared)"
        await status.add(
            Difference.DOCUMENTS_WRONG, f"{_many(len(wrong), 'document')} other than the entry says{of}", wrong
        )


async def _changed_since(entry_ids: Sequence[int]) -> set[int]:
    """Those of the entries that a waiting job is about: they are told of as waiting."""
    if not entry_ids:
        return set()
    rows = await database.fetch(
        "SELECT DISTINCT (convert_from(payload, 'UTF8')::jsonb->>'entry_id')::bigint AS id FROM pgqueuer"
        " WHERE entrypoint = $1 AND status IN ('queued', 'picked')",
        Job.INDEX_ENTRY.value,
    )
    return {row["id"] for row in rows} & set(entry_ids)


async def _look_at_lag(status: Status) -> None:
    jobs = await database.fetch(
        "SELECT (convert_from(payload, 'UTF8')::jsonb->>'entry_id')::bigint AS id, status IN ('queued', 'picked') AS"
        " waits, extract(epoch FROM now() - created) AS age FROM pgqueuer WHERE entrypoint = $1"
        " AND status IN ('queued', 'picked', 'exception', 'failed') ORDER BY created",
        Job.INDEX_ENTRY.value,
    )
    if waiting := [job for job in jobs if job["waits"]]:
        status.waiting_jobs, status.oldest_job = len(waiting), float(waiting[0]["age"])
    ids = _each(job["id"] for job in waiting)
    late = [
        id for start in range(0, len(ids), _STEP) for id in await sync.otherwise_derived(ids[start : start + _STEP])
    ]
    if late:
        await status.add(Difference.CHANGES_WAITING, f"{_many(len(late), 'entry')} changed later than indexed", late)
    if failed := _each(job["id"] for job in jobs if not job["waits"]):
        await status.add(Difference.JOBS_FAILED, f"{_many(len(failed), 'entry')} could not be derived", failed)
    if not index_tasks.is_configured():
        return
    pushes = await database.fetch(
        "SELECT entry, extract(epoch FROM now() - asked_at) AS age FROM search_push ORDER BY asked_at"
    )
    if pushes:
        status.waiting_pushes, status.oldest_push = len(pushes), float(pushes[0]["age"])
        await status.add(
            Difference.PUSHES_WAITING,
            f"{_many(len(pushes), 'change')} not pushed to Meilisearch yet, the oldest for"
            f" {seconds(status.oldest_push)}",
            [row["entry"] for row in pushes],
        )


async def _look_at_index(status: Status, index: str) -> None:
    """Raises EngineAway."""
    version = await in_thread(lambda engine: engine.get_version())
    status.server_version = version["pkgVersion"]
    if status.server_version.split(".")[:2] != TESTED_VERSION.split("."):
        await status.add(
            Difference.OTHER_VERSION,
            f"The server is Meilisearch {status.server_version}, and this program is tested with {TESTED_VERSION}",
        )
    status.indexed = await index_tasks.indexed_documents()
    if differing := await index_settings.differing_settings():
        await status.add(
            Difference.SETTINGS_DIFFER, f"The index “{index}” has other settings: {', '.join(sorted(differing))}"
        )
    found = await compare.compare(index)
    for difference, ids, text in (
        (Difference.NOT_IN_INDEX, found.missing, "missing in the index"),
        (Difference.OLD_IN_INDEX, found.outdated, "in the index as they were before"),
        (Difference.TOO_MANY_IN_INDEX, found.surplus, "in the index, but not in the database"),
    ):
        if ids:
            await status.add(difference, f"{_many(len(ids), 'document')} {text}", ids)
    if not differing:
        # What reads and counts well may still not answer.
        await MeilisearchEngine(index).search(SearchRequest())


_TROUBLES = {
    Trouble.UNREACHABLE: Difference.UNREACHABLE,
    Trouble.REFUSED: Difference.REFUSED,
    Trouble.INDEX_MISSING: Difference.INDEX_MISSING,
    Trouble.BROKEN: Difference.INDEX_BROKEN,
}


def _troubled(index: str, error: EngineAway) -> str:
    if error.trouble is Trouble.INDEX_MISSING:
        return f"Meilisearch has no index “{index}”"
    return f"The index “{index}” cannot be used: {error}" if error.trouble is Trouble.BROKEN else str(error)


def _each(ids: Iterable[int]) -> list[int]:
    return list(dict.fromkeys(ids))


def _many(count: int, what: str) -> str:
    if count == 1:
        return f"1 {what}"
    return f"{count} {what[:-1]}ies" if what.endswith("y") else f"{count} {what}s"


def seconds(age: float) -> str:
    """An age in words."""
    return f"{age:.0f} seconds" if age < 120 else f"{age / 60:.0f} minutes"  # noqa: PLR2004  # two minutes


async def _names(entry_ids: Sequence[int | str]) -> list[str]:
    """The slugs of entries with their ids; the id alone where there is no such entry."""
    numbers = [id for id in entry_ids if isinstance(id, int)]
    rows = await database.fetch("SELECT id, slug FROM entry WHERE id = ANY ($1::bigint[])", numbers)
    slugs = {row["id"]: row["slug"] for row in rows}
    return [f"{slugs[id]} ({id})" if id in slugs else f"no entry ({id})" for id in entry_ids]
