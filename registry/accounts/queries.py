"""Reading accounts."""

import hashlib
from dataclasses import dataclass

from registry import database
from registry.access import VISITOR, Actor, Grant, Role
from registry.accounts.codes import OrganisationKind


@dataclass(frozen=True)
class OrganisationView:
    """An organisation as lists show it."""

    id: int
    kind: OrganisationKind
    name_sv: str
    name_en: str
    org_number: str | None
    parent_id: int | None

    def name(self, language: str) -> str:
        """The name in a language, or the Swedish one."""
        return self.name_en if language == "en" and self.name_en else self.name_sv


def hash_token(token: str) -> str:
    """The SHA-256 of a session's or API token, which is what is stored (tokens are random, so no salt is needed)."""
    return hashlib.sha256(token.encode()).hexdigest()


_ACTOR = """
SELECT p.id, p.name, p.email, p.language,
       coalesce(array_agg(r.role ORDER BY r.id) FILTER (WHERE r.id IS NOT NULL), '{{}}') AS roles,
       coalesce(array_agg(r.organisation ORDER BY r.id) FILTER (WHERE r.id IS NOT NULL), '{{}}') AS organisations
FROM person p LEFT JOIN role_assignment r ON r.person = p.id
WHERE p.active AND {condition}
GROUP BY p.id
"""
_BY_SESSION = _ACTOR.format(
    condition="p.id = (SELECT person FROM session WHERE token_hash = $1 AND expires_at > now())"
)
_BY_TOKEN = _ACTOR.format(
    condition="p.id = (SELECT person FROM api_token WHERE token_hash = $1 AND revoked_at IS NULL)"
)
_BY_EMAIL = _ACTOR.format(condition="p.email = $1")
_BY_ID = _ACTOR.format(condition="p.id = $1")


async def actor_of_session(token: str) -> Actor:
    """The person signed in with a session cookie; a visitor when the session is unknown or over."""
    return await _actor(_BY_SESSION, hash_token(token)) or VISITOR


async def actor_of_token(token: str) -> Actor | None:
    """The person an API token belongs to, or None when it is unknown or revoked."""
    return await _actor(_BY_TOKEN, hash_token(token))


async def actor_of_email(email: str) -> Actor | None:
    """The person with an e-mail address, or None."""
    return await _actor(_BY_EMAIL, email.strip().lower())


async def actor_of_person(person_id: int) -> Actor | None:
    """The person with an id, as they may act now; None when there is none or the account is closed."""
    return await _actor(_BY_ID, person_id)


async def _actor(sql: str, value: str | int) -> Actor | None:
    row = await database.fetch_one(sql, value)
    if row is None:
        return None
    grants = frozenset(
        Grant(Role(role), organisation) for role, organisation in zip(row["roles"], row["organisations"], strict=True)
    )
    return Actor(person_id=row["id"], name=row["name"], email=row["email"], language=row["language"], grants=grants)


_ORGANISATION = "SELECT id, kind, name_sv, name_en, org_number, parent AS parent_id FROM organisation"


async def organisations(*, kinds: list[OrganisationKind] | None = None) -> list[OrganisationView]:
    """Organisations by name, all or those of some kinds."""
    rows = await database.fetch(
        f"{_ORGANISATION} WHERE $1::text[] IS NULL OR kind = ANY ($1) ORDER BY name_sv",
        None if kinds is None else [kind.value for kind in kinds],
    )
    return [_organisation(row) for row in rows]


async def organisations_by_id(ids: set[int]) -> dict[int, OrganisationView]:
    """Organisations by id."""
    rows = await database.fetch(f"{_ORGANISATION} WHERE id = ANY ($1)", list(ids))
    return {row["id"]: _organisation(row) for row in rows}


def _organisation(row: database.Row) -> OrganisationView:
    return OrganisationView(
        id=row["id"],
        kind=OrganisationKind(row["kind"]),
        name_sv=row["name_sv"],
        name_en=row["name_en"],
        org_number=row["org_number"],
        parent_id=row["parent_id"],
    )
