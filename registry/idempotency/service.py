"""Claiming a key, answering again, and forgetting keys after a day.

The idea is that of the IETF's draft on the header Idempotency-Key (draft-ietf-httpapi-idempotency-key-header).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

from asyncpg import LockNotAvailableError

from registry import database
from registry.errors import N_, DomainError, message

KEPT_FOR = timedelta(hours=24)
# So long a request waits for another one with the same key, in seconds.
LONGEST_WAIT = 5


class KeyReused(DomainError):
    """The key has been used for something else."""

    status: ClassVar[int] = 422
    type: ClassVar[str] = "idempotency-key-reused"
    title: ClassVar[str] = N_("The key has been used already")


class StillWorking(DomainError):
    """Another request with the same key is being worked on."""

    type: ClassVar[str] = "idempotency-key-in-use"
    title: ClassVar[str] = N_("The same request is being worked on")


@dataclass(frozen=True)
class Asked:
    """What a request with a key asks for: the method and whole address, and the SHA-256 of its body."""

    person_id: int
    key: str
    address: str
    body_sha256: str


@dataclass(frozen=True)
class Answer:
    """How a request was answered."""

    status: int
    media_type: str
    language: str
    body: bytes


async def claim(asked: Asked) -> Answer | None:
    """Claim a key in the running transaction; the stored answer where the same request has been answered.

    Whoever comes second with a key waits for the first one's commit, and is then told its answer; or, where the
    first one came to nothing, takes its place.

    Raises:
        KeyReused: the key was used for another address or body.
        StillWorking: the first one takes longer than five seconds.
        RuntimeError: outside a transaction.
    """
    await database.fetch(
        "DELETE FROM idempotency_key WHERE person = $1 AND key = $2 AND created_at < now() - $3::interval",
        asked.person_id,
        asked.key,
        KEPT_FOR,
    )
    await database.connection().execute(f"SET LOCAL lock_timeout = '{LONGEST_WAIT}s'")
    try:
        is_new = await database.fetch_one(
            "INSERT INTO idempotency_key (person, key, address, body_sha256) VALUES ($1, $2, $3, $4)"
            " ON CONFLICT (person, key) DO NOTHING RETURNING id",
            asked.person_id,
            asked.key,
            asked.address,
            asked.body_sha256,
        )
    except LockNotAvailableError as error:
        raise StillWorking(message(N_("Wait a little and send it again with the same key."))) from error
    await database.connection().execute("SET LOCAL lock_timeout TO DEFAULT")
    return None if is_new else await _stored(asked)


async def _stored(asked: Asked) -> Answer:
    row = await database.fetch_one(
        "SELECT * FROM idempotency_key WHERE person = $1 AND key = $2", asked.person_id, asked.key
    )
    if row is None or (row["address"], row["body_sha256"]) != (asked.address, asked.body_sha256):
        raise KeyReused(message(N_("The key was sent before with another request. Use a new key for a new request.")))
    return Answer(row["status"], row["media_type"], row["language"], row["body"])


async def keep(asked: Asked, answer: Answer) -> None:
    """Store the answer to a request whose key has been claimed in the running transaction."""
    await database.fetch(
        "UPDATE idempotency_key SET status = $3, media_type = $4, language = $5, body = $6"
        " WHERE person = $1 AND key = $2",
        asked.person_id,
        asked.key,
        answer.status,
        answer.media_type,
        answer.language,
        answer.body,
    )


async def remove_old_keys(now: datetime) -> None:
    """Forget keys that are older than a day. `now` is in UTC."""
    await database.fetch("DELETE FROM idempotency_key WHERE created_at < $1", now - KEPT_FOR)
