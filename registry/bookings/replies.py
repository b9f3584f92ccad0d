"""Replies that hosts keep for use again: templates with places for what differs from booking to booking."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from asyncpg import UniqueViolationError

from registry import database
from registry.access import Actor, Permission, require
from registry.audit.service import EventType, record
from registry.bookings.codes import ReplyKind
from registry.bookings.tables import ReplyTemplate
from registry.errors import N_, EditedMeanwhile, FieldError, InvalidInput, Message, NotFound, invalid, message

# What a text may hold in braces: `{environment}` and so on.
PLACEHOLDERS = ("environment", "time", "organisation", "contact")
_PLACE = re.compile(r"\{([^{}]*)\}")
LONGEST_TEXT = 4000


@dataclass(frozen=True)
class ReplyText:
    """What a template says. One of the two texts may be blank; then the other is used for everybody."""

    owner: int
    kind: ReplyKind
    title: str
    text_sv: str = ""
    text_en: str = ""


@dataclass(frozen=True)
class ReplyView:
    """A template with the names of the body or unit that keeps it."""

    row: dict[str, Any]

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  # a column may hold any type
        try:
            return self.row[name]
        except KeyError:
            raise AttributeError(name) from None

    def text_in(self, language: str) -> str:
        """Its text in a language, `sv` or `en`, or else in the other."""
        first, second = ("text_en", "text_sv") if language == "en" else ("text_sv", "text_en")
        text: str = self.row[first] or self.row[second]
        return text


def unknown_place(text: str) -> str | None:
    """The first thing in braces that is no placeholder, or a brace that stands alone; None where all is well."""
    for found in _PLACE.finditer(text):
        if found[1] not in PLACEHOLDERS:
            return found[0]
    rest = _PLACE.sub("", text)
    return next((brace for brace in "{}" if brace in rest), None)


def unknown_message(found: str) -> Message:
    """What somebody is told who has written such a thing."""
    return message(
        N_("“%(found)s” is not something that can be filled in. You can use: %(places)s."),
        found=found,
        places=", ".join(f"{{{name}}}" for name in PLACEHOLDERS),
    )


def fill(text: str, values: Mapping[str, str]) -> str:
    """Put values into the places of a text, in one pass: what a value holds is never a place itself."""
    return _PLACE.sub(lambda found: values.get(found[1], found[0]), text)


async def create_reply(actor: Actor, text: ReplyText) -> int:
    """Keep a new template; returns its id.

    Raises:
        NotSignedIn, NotPermitted: the actor hosts nothing of that body or unit.
        InvalidInput: something is missing or too long, a place is unknown, or the title is taken.
    """
    require(actor, Permission.BOOKING_DECIDE, [text.owner])
    _check(text)
    try:
        async with database.transaction():
            rows = await ReplyTemplate.insert(
                ReplyTemplate(
                    owner=text.owner,
                    kind=text.kind.value,
                    title=text.title,
                    text_sv=text.text_sv,
                    text_en=text.text_en,
                )
            ).returning(ReplyTemplate.id)
            reply_id: int = rows[0]["id"]
            await record(actor, EventType.REPLY_TEMPLATE_CREATED, reply_id, {"owner": text.owner})
    except UniqueViolationError as error:
        raise _title_taken() from error
    return reply_id


async def change_reply(actor: Actor, reply_id: int, text: ReplyText, *, read_version: int) -> None:
    """Change a template; what was filled in from it before stays as it is.

    Raises:
        NotSignedIn; NotFound: there is none that the actor may change. NotPermitted: the new owner is not theirs.
        EditedMeanwhile: somebody has changed it since; InvalidInput as for a new one.
    """
    require(actor, Permission.BOOKING_DECIDE, [text.owner])
    _check(text)
    try:
        async with database.transaction():
            before = await _locked(actor, reply_id)
            if before["version"] != read_version:
                raise EditedMeanwhile(
                    message(N_("Somebody has changed the template since you opened it. Nothing has been overwritten."))
                )
            await database.fetch(
                "UPDATE reply_template SET owner = $2, kind = $3, title = $4, text_sv = $5, text_en = $6,"
                " version = version + 1 WHERE id = $1",
                reply_id,
                text.owner,
                text.kind.value,
                text.title,
                text.text_sv,
                text.text_en,
            )
            await record(actor, EventType.REPLY_TEMPLATE_CHANGED, reply_id, {"owner": text.owner})
    except UniqueViolationError as error:
        raise _title_taken() from error


async def remove_reply(actor: Actor, reply_id: int) -> None:
    """Remove a template.

    Raises:
        NotSignedIn, NotPermitted; NotFound: there is none that the actor may change.
    """
    require(actor, Permission.BOOKING_DECIDE)
    async with database.transaction():
        before = await _locked(actor, reply_id)
        await database.fetch("DELETE FROM reply_template WHERE id = $1", reply_id)
        await record(actor, EventType.REPLY_TEMPLATE_REMOVED, reply_id, {"owner": before["owner"]})


async def get_reply(actor: Actor, reply_id: int) -> ReplyView:
    """A template that the actor may change.

    Raises:
        NotSignedIn, NotPermitted; NotFound: there is none that the actor may change.
    """
    require(actor, Permission.BOOKING_DECIDE)
    found = await _views("r.id = $1", reply_id)
    if not found or not actor.may(Permission.BOOKING_DECIDE, [found[0].owner]):
        raise NotFound
    return found[0]


async def list_replies(actor: Actor) -> list[ReplyView]:
    """The templates that the actor may change.

    Raises:
        NotSignedIn, NotPermitted: the actor hosts nothing.
    """
    require(actor, Permission.BOOKING_DECIDE)
    return await _views(
        "$1 OR r.owner = ANY ($2)",
        actor.has_unlimited(Permission.BOOKING_DECIDE),
        list(actor.limited_to(Permission.BOOKING_DECIDE)),
    )


async def replies_for(actor: Actor, booking_ids: Sequence[UUID]) -> list[ReplyView]:
    """The templates of the bodies and units that answer for the environments of these bookings.

    Raises:
        NotSignedIn, NotPermitted: the actor hosts nothing.
    """
    require(actor, Permission.BOOKING_DECIDE)
    return await _views(
        "r.owner IN (SELECT unnest(ARRAY[e.accountable_body, e.unit]) FROM booking_environment be"
        " JOIN entry e ON e.id = be.environment WHERE be.booking = ANY ($1))",
        list(booking_ids),
    )


async def owners_for(actor: Actor) -> list[dict[str, Any]]:
    """The bodies and units for which the actor may keep templates: those that answer for some environment."""
    rows = await database.fetch(
        "SELECT o.id, o.name_sv, o.name_en FROM organisation o WHERE ($1 OR o.id = ANY ($2)) AND EXISTS ("
        " SELECT FROM entry e JOIN environment v ON v.id = e.id WHERE o.id IN (e.accountable_body, e.unit))"
        " ORDER BY o.name_sv, o.id",
        actor.has_unlimited(Permission.BOOKING_DECIDE),
        list(actor.limited_to(Permission.BOOKING_DECIDE)),
    )
    return [dict(row) for row in rows]


async def languages_of(booking_ids: Sequence[UUID]) -> dict[UUID, str]:
    """In which language the requester of each booking is written to."""
    rows = await database.fetch(
        "SELECT b.id, p.language FROM booking b JOIN person p ON p.id = b.requester WHERE b.id = ANY ($1)",
        list(booking_ids),
    )
    return {row["id"]: row["language"] for row in rows}


async def _views(condition: str, *values: object) -> list[ReplyView]:
    rows = await database.fetch(
        "SELECT r.*, o.name_sv AS owner_name_sv, o.name_en AS owner_name_en FROM reply_template r"
        f" JOIN organisation o ON o.id = r.owner WHERE {condition} ORDER BY r.kind, r.title, r.id LIMIT 500",
        *values,
    )
    return [ReplyView(dict(row)) for row in rows]


async def _locked(actor: Actor, reply_id: int) -> Mapping[str, Any]:
    row = await database.fetch_one("SELECT * FROM reply_template WHERE id = $1 FOR UPDATE", reply_id)
    if row is None or not actor.may(Permission.BOOKING_DECIDE, [row["owner"]]):
        raise NotFound
    return dict(row)


def _title_taken() -> InvalidInput:
    return invalid("title", N_("There is a template of this kind with this title already. Choose another title."))


def _check(text: ReplyText) -> None:
    faults = []
    if not text.title.strip():
        faults.append(FieldError("title", message(N_("Give the template a title."))))
    if not text.text_sv.strip() and not text.text_en.strip():
        faults.append(FieldError("text_sv", message(N_("Write the text in Swedish, in English or in both."))))
    for name, value in (("text_sv", text.text_sv), ("text_en", text.text_en)):
        if len(value) > LONGEST_TEXT:
            faults.append(
                FieldError(name, message(N_("The text is too long: at most %(most)s characters."), most=LONGEST_TEXT))
            )
        if (found := unknown_place(value)) is not None:
            faults.append(FieldError(name, unknown_message(found)))
    if faults:
        raise InvalidInput(faults)
