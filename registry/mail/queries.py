"""Reading what has been mailed; for the demo and for tests."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from registry import database
from registry.errors import NotFound
from registry.mail.message import Attachment
from registry.mail.states import MailState


@dataclass(frozen=True)
class MailView:
    """A mail; times are in UTC."""

    id: UUID
    recipient: str
    language: str
    subject: str
    text: str
    html: str
    unsubscribe_url: str | None
    state: MailState
    attempts: int
    last_error: str
    created_at: datetime
    sent_at: datetime | None


_COLUMNS = ", ".join(MailView.__annotations__)


async def newest(*, page: int = 1, page_size: int = 50) -> tuple[list[MailView], int]:
    """A page of all mails, newest first, and how many there are. Only the demo shows them."""
    rows = await database.fetch(
        f"SELECT {_COLUMNS} FROM mail ORDER BY created_at DESC, id LIMIT $1 OFFSET $2",
        page_size,
        (page - 1) * page_size,
    )
    total = await database.fetch_one("SELECT count(*) AS n FROM mail")
    return [_view(row) for row in rows], total["n"] if total else 0


async def get_mail(mail_id: UUID) -> MailView:
    """One mail.

    Raises:
        NotFound: there is none with this id.
    """
    row = await database.fetch_one(f"SELECT {_COLUMNS} FROM mail WHERE id = $1", mail_id)
    if row is None:
        raise NotFound
    return _view(row)


async def attachments_of(mail_id: UUID) -> list[Attachment]:
    """The files that go with a mail, in their order."""
    rows = await database.fetch(
        "SELECT filename, media_type, content FROM mail_attachment WHERE mail = $1 ORDER BY id", mail_id
    )
    return [Attachment(**dict(row)) for row in rows]


def _view(row: database.Row) -> MailView:
    return MailView(**{name: row[name] for name in row.keys()} | {"state": MailState(row["state"])})  # noqa: SIM118
