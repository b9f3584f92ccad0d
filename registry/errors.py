"""Named domain errors, each with its HTTP status and problem type, in words that can be translated."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar
from uuid import UUID


def N_(msgid: str) -> str:  # noqa: N802  # the name that gettext tools look for
    """Mark a text for translation; it is translated where it is shown."""
    return msgid


@dataclass(frozen=True)
class Message:
    """A sentence for a person: an English text with `%(name)s` places, and the values for them.

    A value may itself be a Message; it is translated along with the sentence.
    """

    msgid: str
    values: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.msgid % self.values if self.values else self.msgid


def message(msgid: str, **values: object) -> Message:
    """Short for `Message(msgid, values)`."""
    return Message(msgid, values)


@dataclass(frozen=True)
class Bilingual:
    """What people have written in Swedish, English or both, as a value in a Message; the reader gets their own."""

    sv: str
    en: str

    def __str__(self) -> str:
        return self.en or self.sv


@dataclass(frozen=True)
class FieldError:
    """What is wrong with one field of what a person sent."""

    field: str
    message: Message


class DomainError(Exception):
    """Something a person wanted could not be done. `status` is the HTTP status, `type` the problem type."""

    status: ClassVar[int] = 409
    type: ClassVar[str] = "rule"
    title: ClassVar[str] = N_("That is not possible")

    def __init__(self, detail: Message, **extra: object) -> None:
        super().__init__(str(detail))
        self.detail = detail
        self.extra = extra


class RuleBroken(DomainError):
    """A rule of the domain says no; the detail says why and what to do."""


class NotFound(DomainError):
    """There is no such thing, or the person may not know of it (the two answer alike)."""

    status = 404
    type = "not-found"
    title = N_("Not found")

    def __init__(self, detail: Message | None = None) -> None:
        super().__init__(detail or message(N_("There is nothing here that you can see.")))


class NotSignedIn(DomainError):
    """The action needs an account."""

    status = 401
    type = "not-signed-in"
    title = N_("You are not signed in")

    def __init__(self) -> None:
        super().__init__(message(N_("Sign in and try again.")))


class NotPermitted(DomainError):
    """The person may see the thing but not do this to it."""

    status = 403
    type = "not-permitted"
    title = N_("You may not do this")


class TransitionNotAllowed(DomainError):
    """The state table has no such step from the present state."""

    type = "transition-not-allowed"
    title = N_("That step is not possible now")


class TimeTaken(DomainError):
    """The database refused a booking because the time is taken. `alternatives` are free intervals."""

    type = "time-taken"
    title = N_("The time is taken")

    def __init__(self, detail: Message, alternatives: Sequence[Mapping[str, object]]) -> None:
        super().__init__(detail, alternatives=list(alternatives))


class BookingsInTheWay(RuleBroken):
    """The database refused a change because approved bookings would no longer fit; `bookings` says which.

    The ids become who, when and where in bookings/service.py, as far as the reader may know.
    """

    type = "bookings-in-the-way"

    def __init__(self, ids: Sequence[UUID], bookings: Sequence[Mapping[str, object]] = ()) -> None:
        super().__init__(
            message(
                N_("Approved bookings stand in the way of this change. Move or cancel them first, then try again.")
            ),
            bookings=list(bookings),
        )
        self.ids = list(ids)


class EditedMeanwhile(DomainError):
    """Somebody else changed the thing after the person read it."""

    type = "edited-meanwhile"
    title = N_("Somebody else has changed this")


class VersionDiffers(EditedMeanwhile):
    """The same, where the request itself named the version that it was made from (RFC 9110)."""

    status = 412


class VersionMissing(DomainError):
    """A change that replaces something has to name the version that was read (RFC 6585)."""

    status = 428
    type = "version-missing"
    title = N_("Say what you have read")

    def __init__(self) -> None:
        super().__init__(
            message(N_("Read what is stored, and send its ETag as If-Match, so that you overwrite nobody."))
        )


class InvalidInput(DomainError):
    """What was sent cannot be understood or is over a limit; nothing was stored."""

    status = 422
    type = "invalid-input"
    title = N_("Something in what you sent is wrong")

    def __init__(self, errors: Sequence[FieldError]) -> None:
        super().__init__(message(N_("Correct what is marked and send again. Nothing has been stored.")))
        self.errors = list(errors)


class TooManyAttempts(DomainError):
    """Too many failed attempts to sign in."""

    status = 429
    type = "too-many-attempts"
    title = N_("Too many attempts")


def invalid(field_name: str, msgid: str, **values: object) -> InvalidInput:
    """An InvalidInput about one field."""
    return InvalidInput([FieldError(field_name, message(msgid, **values))])
