"""Commands on accounts."""

import asyncio
import secrets
from datetime import UTC, datetime, timedelta
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from asyncpg import UniqueViolationError

from registry import database
from registry.access import SYSTEM, Actor, Role
from registry.accounts import rules
from registry.accounts.codes import FirmSize, OrganisationKind
from registry.accounts.queries import actor_of_email, hash_token
from registry.accounts.tables import ApiToken, Organisation, Person, RoleAssignment, Session, SignInAttempt
from registry.audit.service import EventType, record
from registry.errors import N_, DomainError, FieldError, InvalidInput, NotFound, TooManyAttempts, invalid, message

_hasher = PasswordHasher()  # argon2id with the library's current parameters


@cache
def _no_password() -> str:
    """A hash that no password matches."""
    return _hasher.hash(secrets.token_hex(16))


class WrongPassword(DomainError):
    """The e-mail address or the password is wrong; which of them is not told."""

    status = 422
    type = "wrong-password"
    title = N_("You could not be signed in")


async def create_organisation(
    actor: Actor,
    *,
    kind: OrganisationKind,
    name_sv: str,
    name_en: str = "",
    org_number: str | None = None,
    parent_id: int | None = None,
    size: FirmSize | None = None,
) -> int:
    """Create an organisation and return its id. The number is stored as it is usually written, `232100-0016`.

    Raises:
        InvalidInput: the number is neither a Swedish organisation number nor a VAT number of an EU country.
    """
    number = rules.written_number(org_number) if org_number else None
    if org_number and number is None:
        raise invalid(
            "org_number", N_("“%(number)s” is not an organisation number. Check the digits."), number=org_number
        )
    async with database.transaction():
        row = await Organisation.insert(
            Organisation(
                kind=kind.value,
                name_sv=name_sv,
                name_en=name_en,
                org_number=number,
                parent=parent_id,
                size=size.value if size else None,
            )
        ).returning(Organisation.id)
        organisation_id: int = row[0]["id"]
        await record(actor, EventType.ORGANISATION_CREATED, organisation_id, {"kind": kind.value})
    return organisation_id


async def create_person(
    actor: Actor,
    *,
    email: str,
    name: str,
    roles: list[tuple[Role, int | None]],
    password: str | None = None,
    organisation_id: int | None = None,
    language: str = "sv",
) -> int:
    """Create an account with its roles, each limited to an organisation or None, and return its id.

    Raises:
        InvalidInput: the address is taken or malformed, or the password is too weak.
    """
    address = email.strip().lower()
    if "@" not in address[1:-1]:
        raise invalid("email", N_("“%(email)s” is not an e-mail address."), email=email)
    if password is not None and (weak := rules.password_is_good(password)):
        raise InvalidInput([FieldError("password", weak)])
    hashed = await asyncio.to_thread(_hasher.hash, password) if password is not None else None
    try:
        async with database.transaction():
            row = await Person.insert(
                Person(email=address, name=name, password_hash=hashed, organisation=organisation_id, language=language)
            ).returning(Person.id)
            person_id: int = row[0]["id"]
            await record(actor, EventType.PERSON_CREATED, person_id)
            for role, limit in roles:
                await _grant(actor, person_id, role, limit)
    except UniqueViolationError as error:
        raise invalid("email", N_("There is already an account with this address.")) from error
    return person_id


async def _grant(actor: Actor, person_id: int, role: Role, organisation_id: int | None) -> None:
    await RoleAssignment.insert(RoleAssignment(person=person_id, role=role.value, organisation=organisation_id))
    await record(actor, EventType.ROLE_GRANTED, person_id, {"role": role.value, "organisation": organisation_id})


async def sign_in(email: str, password: str, *, hours: int) -> str:
    """Check a password and open a session of so many hours; returns the token for the cookie.

    Raises:
        TooManyAttempts: too many failures for this address lately.
        WrongPassword: the address or the password is wrong.
    """
    address = email.strip().lower()[:254]
    # The attempt counts before the password is looked at, so that many at once are not all tried.
    await _count_attempt(address)
    row = await database.fetch_one("SELECT id, password_hash FROM person WHERE email = $1 AND active", address)
    # An unknown address takes as long as a known one, so that nobody learns which addresses exist.
    stored = row["password_hash"] if row else None
    stored = await asyncio.to_thread(_no_password) if stored is None else stored
    if not await asyncio.to_thread(_matches, str(stored), password) or row is None:
        async with database.transaction():
            await record(SYSTEM, EventType.SIGN_IN_FAILED, row["id"] if row else 0)
        raise WrongPassword(message(N_("The e-mail address or the password is wrong. Check both and try again.")))
    await SignInAttempt.delete().where(SignInAttempt.email == address)
    return await open_session(row["id"], hours=hours)


async def _count_attempt(address: str) -> None:
    await database.fetch(
        "DELETE FROM sign_in_attempt WHERE at < now() - make_interval(mins => $1)", rules.LOCKOUT_MINUTES
    )
    await SignInAttempt.insert(SignInAttempt(email=address))
    attempts = await database.fetch_one("SELECT count(*) AS n FROM sign_in_attempt WHERE email = $1", address)
    if attempts and attempts["n"] > rules.FAILURES_BEFORE_LOCKOUT:
        raise TooManyAttempts(
            message(
                N_("There have been too many attempts with this address. Try again in %(n)s minutes."),
                n=rules.LOCKOUT_MINUTES,
            )
        )


def _matches(stored: str, password: str) -> bool:
    try:
        return _hasher.verify(stored, password[: rules.LONGEST_PASSWORD])
    except (VerificationError, InvalidHashError):
        return False


async def open_session(person_id: int, *, hours: int) -> str:
    """Open a session for a person who has proved who they are; returns the token for the cookie."""
    token = secrets.token_urlsafe(32)
    async with database.transaction():
        await database.fetch("DELETE FROM session WHERE expires_at < now()")
        await Session.insert(
            Session(
                token_hash=hash_token(token),
                person=person_id,
                expires_at=datetime.now(UTC) + timedelta(hours=hours),
            )
        )
        await record(Actor(person_id=person_id), EventType.SIGNED_IN, person_id)
    return token


async def sign_out(actor: Actor, token: str) -> None:
    """Close a session."""
    async with database.transaction():
        await Session.delete().where(Session.token_hash == hash_token(token))
        await record(actor, EventType.SIGNED_OUT, actor.person_id)


async def create_token(actor: Actor, email: str, *, label: str = "") -> str:
    """Create a bearer token for the API and return it; it cannot be read again.

    Raises:
        NotFound: there is no active account with this address.
    """
    owner = await actor_of_email(email)
    if owner is None:
        raise NotFound(message(N_("There is no account with the address %(email)s."), email=email))
    token = secrets.token_urlsafe(32)
    async with database.transaction():
        await ApiToken.insert(ApiToken(token_hash=hash_token(token), person=owner.person_id, label=label))
        await record(actor, EventType.TOKEN_CREATED, owner.person_id)
    return token
