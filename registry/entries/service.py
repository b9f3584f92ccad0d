"""Commands on entries: each one locks, checks, writes, logs and enqueues."""

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from enum import StrEnum
from typing import Any, cast
from uuid import UUID

from asyncpg import CheckViolationError, ExclusionViolationError, UniqueViolationError
from piccolo.columns import Column

from registry import database, transitions
from registry.access import Actor, require_signed_in
from registry.accounts.queries import organisations_by_id
from registry.audit.service import EventType, record
from registry.entries import queries, rules
from registry.entries.calendars import Opening
from registry.entries.codes import (
    ENVIRONMENT_KINDS,
    Audience,
    Kind,
    Perspective,
    Relation,
    Remuneration,
    Sector,
    Specialisation,
    Track,
    Visibility,
)
from registry.entries.queries import facts_of
from registry.entries.states import TRANSITIONS, EntryStatus
from registry.entries.tables import Entry, EntryRelation, EntryVersion, Environment, OpeningHours
from registry.errors import (
    N_,
    BookingsInTheWay,
    EditedMeanwhile,
    NotFound,
    NotPermitted,
    invalid,
    message,
)
from registry.jobs.service import Job, enqueue, enqueue_many


@dataclass(frozen=True)
class EntryText:
    """What people write about an entry; the fields are those of the table."""

    kind: Kind
    primary_sector: Sector
    accountable_body: int
    track: Track
    title_sv: str = ""
    title_en: str = ""
    summary_sv: str = ""
    summary_en: str = ""
    description_sv: str = ""
    description_en: str = ""
    sectors: tuple[Sector, ...] = ()
    perspectives: tuple[Perspective, ...] = ()
    specialisations: tuple[Specialisation, ...] = ()
    keywords: tuple[str, ...] = ()
    unit: int | None = None
    contact_function: str = ""
    contact_email: str = ""
    answer_days: int = 5
    address: str = ""
    municipality: str = ""
    latitude: float | None = None
    longitude: float | None = None
    link: str = ""
    source: str = ""
    ended: bool = False
    visibility: Visibility = Visibility.PUBLIC
    example_fields: tuple[str, ...] = ()


@dataclass(frozen=True)
class EnvironmentText:
    """What an environment adds to its entry; units as in the table (minutes, hours, days, minor units)."""

    parent: int | None = None
    offer_sv: str = ""
    offer_en: str = ""
    equipment_sv: str = ""
    equipment_en: str = ""
    capacity: int = 1
    buffer_before: int = 0
    buffer_after: int = 0
    shortest: int = 60
    longest: int = 480
    lead_time_hours: int = 24
    horizon_days: int = 365
    approval_days: int = 30
    offer_hours: int = 24
    step: int = 0
    bookable_by: tuple[Audience, ...] = ()
    remuneration: Remuneration = Remuneration.BY_AGREEMENT
    price_minor: int | None = None
    currency: str = "SEK"
    price_note_sv: str = ""
    price_note_en: str = ""
    most_participants: int | None = None
    requirements_sv: str = ""
    requirements_en: str = ""
    needs_ethics_approval: bool = False
    accessibility_sv: str = ""
    accessibility_en: str = ""
    trl_lowest: int | None = None
    trl_highest: int | None = None
    opening_hours: tuple[Opening, ...] = field(default=())


async def create_entry(
    actor: Actor, text: EntryText, environment: EnvironmentText | None = None, *, slug: str | None = None
) -> int:
    """Create an entry as a draft and return its id.

    Raises:
        NotPermitted: the actor may not edit entries of this body.
        InvalidInput: a value breaks a rule of the table.
    """
    require_signed_in(actor)
    facts = rules.EntryFacts(
        EntryStatus.DRAFT,
        text.visibility,
        frozenset(x for x in (text.accountable_body, text.unit) if x is not None),
        actor.person_id,
        text.kind,
    )
    if reason := rules.can_edit(actor, facts):
        raise NotPermitted(reason)
    await _require_own_body(actor, text)
    try:
        async with database.transaction():
            chosen = slug or await _free_slug(text.title_sv or text.title_en)
            rows = await Entry.insert(Entry(**_columns(text), slug=chosen, created_by=actor.person_id)).returning(
                Entry.id
            )
            entry_id: int = rows[0]["id"]
            if text.kind in ENVIRONMENT_KINDS:
                await _insert_environment(entry_id, environment or EnvironmentText())
            await record(actor, EventType.ENTRY_CREATED, entry_id, {"kind": text.kind.value}, entry_id=entry_id)
    except CheckViolationError as error:
        raise _check_error(error) from error
    return entry_id


async def change_entry(actor: Actor, entry_id: int, text: EntryText, *, read_version: int) -> None:
    """Change an entry's text. A published entry gets a new version at once.

    Raises:
        EditedMeanwhile: somebody changed it after the actor read `read_version`.
        NotFound, NotPermitted, InvalidInput.
    """
    try:
        async with database.transaction():
            row = await locked(actor, entry_id)
            if reason := rules.can_edit(actor, facts_of(row)):
                raise NotPermitted(reason)
            if row["version"] != read_version:
                raise EditedMeanwhile(
                    message(N_("The entry has been changed since you opened it. Load it again and redo your change."))
                )
            if (row["accountable_body"], row["unit"]) != (text.accountable_body, text.unit):
                await _require_own_body(actor, text)
            values = _columns(text)
            changed = sorted(name for name, value in values.items() if _differs(row[name], value))
            await Entry.update(cast("dict[Column | str, Any]", {**values, "version": read_version + 1})).where(
                Entry.id == entry_id
            )
            await record(actor, EventType.ENTRY_CHANGED, entry_id, {"fields": changed}, entry_id=entry_id)
            if row["status"] == EntryStatus.PUBLISHED:
                await _store_version(actor, entry_id)
            await enqueue(Job.INDEX_ENTRY, entry_id=entry_id)
    except CheckViolationError as error:
        raise _check_error(error) from error


async def change_environment(
    actor: Actor, entry_id: int, environment: EnvironmentText, *, read_version: int | None = None
) -> None:
    """Change what can be booked and how. The database refuses it where approved bookings would no longer fit.

    `read_version` is the version of the entry that the actor has read, where the entry is not changed along with it.

    Raises:
        EditedMeanwhile: somebody changed the entry or its calendar after the actor read it.
        BookingsInTheWay: with the ids of the bookings that do not fit or that they clash with.
        NotFound, NotPermitted, InvalidInput.
    """
    try:
        async with database.transaction():
            row = await locked(actor, entry_id)
            if reason := rules.can_edit(actor, facts_of(row)):
                raise NotPermitted(reason)
            if read_version is not None:
                await count_version(entry_id, row["version"], read_version)
            before = await queries.site_of(entry_id)
            await Environment.update(cast("dict[Column | str, Any]", _environment_columns(environment))).where(
                Environment.id == entry_id
            )
            # Seasons have hours of their own, which stay.
            await OpeningHours.delete().where((OpeningHours.environment == entry_id) & (OpeningHours.season.is_null()))
            await _insert_hours(entry_id, environment.opening_hours)
            await record(actor, EventType.ENVIRONMENT_CHANGED, entry_id, entry_id=entry_id)
            if row["status"] == EntryStatus.PUBLISHED:
                await _store_version(actor, entry_id)
            # When a whole and its parts are free depends on each other, in the old tree and in the new one.
            site = {entry_id, *before, *await queries.site_of(entry_id)}
            await enqueue_many(Job.INDEX_ENTRY, ({"entry_id": one} for one in sorted(site)))
            # With more capacity or shorter buffers there may be room for who waits.
            await enqueue(Job.OFFER_FREE_TIME, environment_id=entry_id)
    except ExclusionViolationError as error:
        raise BookingsInTheWay([UUID(text) for text in (error.detail or "").split(",") if text]) from error
    except CheckViolationError as error:
        raise _check_error(error) from error


async def move_entry(actor: Actor, entry_id: int, action: str, *, review_message: str = "") -> EntryStatus:
    """Take a step of the state table: submit, request_changes, publish or archive.

    Raises:
        TransitionNotAllowed: not from this status.
        NotFound, NotPermitted; InvalidInput: changes are requested without saying which.
    """
    async with database.transaction():
        row = await locked(actor, entry_id)
        facts = facts_of(row)
        if await _has_written(actor, entry_id):
            facts = replace(facts, created_by=actor.person_id)
        if reason := rules.can_take[action](actor, facts):
            raise NotPermitted(reason)
        status = transitions.apply(TRANSITIONS, action, EntryStatus(row["status"]))
        if action == "request_changes" and not review_message:
            raise invalid("review_message", N_("Write what has to be changed."))
        await database.fetch(
            "UPDATE entry SET status = $2::text, review_message = $3,"
            " published_at = CASE WHEN $2::text = 'published' THEN coalesce(published_at, now()) ELSE published_at END,"
            " confirmed_at = CASE WHEN $2::text = 'published' THEN now() ELSE confirmed_at END WHERE id = $1",
            entry_id,
            status.value,
            review_message,
        )
        await record(
            actor,
            EventType.ENTRY_STATUS_CHANGED,
            entry_id,
            {"from": row["status"], "to": status.value},
            entry_id=entry_id,
        )
        if status is EntryStatus.PUBLISHED:
            await _store_version(actor, entry_id)
        await enqueue(Job.INDEX_ENTRY, entry_id=entry_id)
    return status


async def relate_entries(actor: Actor, entry_id: int, other_id: int, relation: Relation) -> None:
    """Say that one entry relates to another; saying it twice changes nothing."""
    async with database.transaction():
        row = await locked(actor, entry_id)
        if reason := rules.can_edit(actor, facts_of(row)):
            raise NotPermitted(reason)
        known = await EntryRelation.exists().where(
            (EntryRelation.entry == entry_id)
            & (EntryRelation.other == other_id)
            & (EntryRelation.relation == relation.value)
        )
        if not known:
            await EntryRelation.insert(EntryRelation(entry=entry_id, other=other_id, relation=relation.value))
            await record(
                actor,
                EventType.ENTRY_RELATED,
                entry_id,
                {"other": other_id, "relation": relation.value},
                entry_id=entry_id,
            )


async def unrelate_entries(actor: Actor, entry_id: int, other_id: int, relation: Relation) -> None:
    """Take back that one entry relates to another; where it does not, nothing changes."""
    async with database.transaction():
        row = await locked(actor, entry_id)
        if reason := rules.can_edit(actor, facts_of(row)):
            raise NotPermitted(reason)
        gone = await database.fetch(
            "DELETE FROM entry_relation WHERE entry = $1 AND other = $2 AND relation = $3 RETURNING id",
            entry_id,
            other_id,
            relation.value,
        )
        if gone:
            data = {"other": other_id, "relation": relation.value, "ended": True}
            await record(actor, EventType.ENTRY_RELATED, entry_id, data, entry_id=entry_id)


def text_of(row: Mapping[str, Any]) -> EntryText:
    """What is written about an entry, from its row; for changing some of it."""
    return EntryText(**{f.name: _typed(f.name, row[f.name]) for f in fields(EntryText)})


def environment_text_of(row: Mapping[str, Any], opening_hours: Sequence[Opening]) -> EnvironmentText:
    """What an environment adds, from its row; for changing some of it."""
    named = [f.name for f in fields(EnvironmentText) if f.name != "opening_hours"]
    return EnvironmentText(**{name: _typed(name, row[name]) for name in named}, opening_hours=tuple(opening_hours))


_CODES: Mapping[str, type[StrEnum]] = {
    "kind": Kind,
    "primary_sector": Sector,
    "track": Track,
    "visibility": Visibility,
    "sectors": Sector,
    "perspectives": Perspective,
    "specialisations": Specialisation,
    "bookable_by": Audience,
    "remuneration": Remuneration,
}


def _typed(name: str, value: Any) -> Any:  # noqa: ANN401  # a column may hold any type
    code = _CODES.get(name, str)
    if isinstance(value, list):
        return tuple(code(part) for part in value)
    return code(value) if name in _CODES else value


async def _require_own_body(actor: Actor, text: EntryText) -> None:
    """Nobody makes an organisation accountable that their role does not cover, unless as the body of their own unit."""
    facts = rules.EntryFacts(
        EntryStatus.DRAFT, text.visibility, frozenset({text.accountable_body}), actor.person_id, text.kind
    )
    if rules.can_edit(actor, facts) is None:
        return
    units = await organisations_by_id({text.unit} if text.unit is not None else set())
    if any(unit.parent_id == text.accountable_body for unit in units.values()):
        return
    raise invalid("accountable_body", N_("Choose an organisation that your role covers as the accountable body."))


async def _has_written(actor: Actor, entry_id: int) -> bool:
    """Whether the actor has written any of the entry's text, so that somebody else has to decide on it."""
    row = await database.fetch_one(
        "SELECT EXISTS (SELECT FROM audit_event WHERE subject_kind IN ('entry', 'environment') AND subject_id = $1"
        " AND actor_id = $2 AND type IN ('entry.created', 'entry.changed', 'environment.changed')) AS written",
        str(entry_id),
        actor.person_id,
    )
    return row is not None and bool(row["written"])


async def count_version(entry_id: int, stored: int, read: int | None) -> None:
    """Count the version of a locked entry up, since its calendar changes.

    Raises:
        EditedMeanwhile: another version was read; None was given where nothing is replaced.
    """
    if read is not None and stored != read:
        raise EditedMeanwhile(
            message(
                N_(
                    "Somebody else has changed the calendar since you opened it, and nothing of theirs has been"
                    " overwritten. Compare with what is stored now, and save again if yours is to replace it."
                )
            )
        )
    await database.fetch("UPDATE entry SET version = version + 1 WHERE id = $1", entry_id)


async def locked(actor: Actor, entry_id: int) -> database.Row:
    """The row of an entry, locked until the transaction ends; raises NotFound as `get_entry` does."""
    row = await database.fetch_one("SELECT * FROM entry WHERE id = $1 FOR UPDATE", entry_id)
    if row is None or not rules.can_read.allows(actor, facts_of(row)):
        raise NotFound
    return row


def _columns(text: EntryText) -> dict[str, Any]:
    values = {f.name: _stored(getattr(text, f.name)) for f in fields(text)}
    if text.primary_sector.value not in values["sectors"]:
        values["sectors"] = [text.primary_sector.value, *values["sectors"]]
    return values


def _environment_columns(environment: EnvironmentText) -> dict[str, Any]:
    return {f.name: _stored(getattr(environment, f.name)) for f in fields(environment) if f.name != "opening_hours"}


def _stored(value: Any) -> Any:  # noqa: ANN401  # a column may hold any type
    if isinstance(value, tuple):
        return [getattr(part, "value", part) for part in value]
    return getattr(value, "value", value)


def _differs(old: object, new: object) -> bool:
    return (list(old) if isinstance(old, (list, tuple)) else old) != new


async def _insert_environment(entry_id: int, environment: EnvironmentText) -> None:
    await Environment.insert(Environment(id=entry_id, **_environment_columns(environment)))
    await _insert_hours(entry_id, environment.opening_hours)


async def _insert_hours(entry_id: int, hours: tuple[Opening, ...]) -> None:
    if hours:
        await OpeningHours.insert(*[OpeningHours(environment=entry_id, **asdict(opening)) for opening in hours])


async def _store_version(actor: Actor, entry_id: int) -> None:
    row = await database.fetch_one(
        "SELECT to_jsonb(e) AS entry, to_jsonb(v) AS environment,"
        " coalesce((SELECT max(number) FROM entry_version WHERE entry = e.id), 0) + 1 AS number"
        " FROM entry e LEFT JOIN environment v ON v.id = e.id WHERE e.id = $1",
        entry_id,
    )
    if row is None:
        raise NotFound
    snapshot = {"entry": json.loads(row["entry"]), "environment": json.loads(row["environment"] or "null")}
    await EntryVersion.insert(
        EntryVersion(entry=entry_id, number=row["number"], snapshot=json.dumps(snapshot), published_by=actor.person_id)
    )


async def _free_slug(title: str) -> str:
    ascii_title = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    stem = re.sub(r"[^a-z0-9]+", "-", ascii_title).strip("-")[:80] or "post"
    rows = await database.fetch("SELECT slug FROM entry WHERE slug = $1 OR slug LIKE $1 || '-%'", stem)
    taken = {row["slug"] for row in rows}
    number = 2
    slug = stem
    while slug in taken:
        slug = f"{stem}-{number}"
        number += 1
    return slug


def _check_error(error: CheckViolationError | UniqueViolationError) -> Exception:
    name = getattr(error, "constraint_name", "") or ""
    field_name, sentence = _CHECKS.get(name, ("body", N_("A value is outside what is possible.")))
    return invalid(field_name, sentence)


_CHECKS = {
    "has_a_title": ("title_sv", N_("Write a title, in Swedish or English.")),
    "place_is_on_earth": ("latitude", N_("Give both latitude and longitude, in degrees.")),
    "step_is_sane": ("step", N_("The step must be between 0 and 1440 minutes.")),
    "lengths_are_sane": ("shortest", N_("The shortest booking must be at least 5 minutes and not exceed the longest.")),
    "trl_range": ("trl_lowest", N_("Give both ends of the range, from 1 to 9, the lowest first.")),
    "environments_form_a_tree": ("parent", N_("An environment cannot be a part of itself.")),
    "a_whole_has_capacity_one": ("capacity", N_("An environment with parts is booked as a whole: its capacity is 1.")),
    "not_its_own_parent": ("parent", N_("An environment cannot be a part of itself.")),
}
