"""Storing a mail with the change that it tells of, and sending it after the commit."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from registry import database
from registry.jobs.service import Job, TryAgainLater, enqueue
from registry.mail import smtp
from registry.mail.message import Attachment, compose, is_address
from registry.mail.queries import attachments_of
from registry.mail.smtp import Refused, Unavailable
from registry.mail.states import MailState
from registry.mail.tables import Mail, MailAttachment
from registry.settings import load_settings

KEPT_FOR = timedelta(days=90)
LONGEST_TRYING = timedelta(days=2)
_FIRST_PAUSE = timedelta(seconds=2)
_LONGEST_PAUSE = timedelta(hours=1)
_LONGEST_REASON = 500


async def send(
    *,
    recipient: str,
    language: str,
    subject: str,
    text: str,
    html: str,
    unsubscribe_url: str | None = None,
    attachments: Sequence[Attachment] = (),
) -> UUID:
    """Store a mail and have it sent once the running transaction commits; returns its id.

    `language` is `sv` or `en`. With `unsubscribe_url` a mail program can offer to stop such mails by one click;
    the address then has to answer a POST without a sign-in.

    Raises:
        RuntimeError: outside a transaction.
    """
    database.current_transaction()
    rows = await Mail.insert(
        Mail(
            recipient=recipient,
            language=language,
            subject=" ".join(subject.split()),
            text=text,
            html=html,
            unsubscribe_url=unsubscribe_url,
        )
    ).returning(Mail.id)
    mail_id: UUID = rows[0]["id"]
    if attachments:
        await MailAttachment.insert(*[MailAttachment(mail=mail_id, **asdict(one)) for one in attachments])
    await enqueue(Job.SEND_MAIL, mail_id=mail_id)
    return mail_id


async def handle_send_mail(payload: Mapping[str, Any]) -> None:
    """The job SEND_MAIL: `{"mail_id": …}`. A mail that is sent or failed stays so.

    Without REGISTRY_SMTP_URL nothing is sent, and the mail stays queued.

    Raises:
        TryAgainLater: the server does not take it now.
    """
    if load_settings().smtp_server is not None:
        await _deliver(UUID(str(payload["mail_id"])), datetime.now(UTC))


async def _deliver(mail_id: UUID, now: datetime) -> None:
    pause = None
    async with database.transaction():
        # The lock makes a second worker wait, and then see that the mail is sent.
        row = await database.fetch_one("SELECT * FROM mail WHERE id = $1 FOR UPDATE", mail_id)
        if row is None or row["state"] != MailState.QUEUED:
            return
        try:
            await _hand_over(row)
        except Refused as refusal:
            await _note(mail_id, MailState.FAILED, str(refusal), now)
        except Unavailable as fault:
            if now - row["created_at"] > LONGEST_TRYING:
                await _note(mail_id, MailState.FAILED, f"Given up after two days: {fault}", now)
            else:
                await _note(mail_id, MailState.QUEUED, str(fault), now)
                pause = min(_FIRST_PAUSE * 2 ** min(row["attempts"], 20), _LONGEST_PAUSE)
        else:
            await _note(mail_id, MailState.SENT, "", now)
    # After the commit, so that the attempt is counted.
    if pause is not None:
        raise TryAgainLater(pause)


async def _hand_over(row: database.Row) -> None:
    if not is_address(row["recipient"]):
        raise Refused("The recipient's address is not an e-mail address.")
    settings = load_settings()
    message = compose(
        mail_id=row["id"],
        sender=settings.mail_from,
        recipient=row["recipient"],
        language=row["language"],
        subject=row["subject"],
        text=row["text"],
        html=row["html"],
        unsubscribe_url=row["unsubscribe_url"],
        created_at=row["created_at"],
        attachments=await attachments_of(row["id"]),
    )
    await smtp.deliver(settings, message, row["recipient"])


async def _note(mail_id: UUID, state: MailState, reason: str, now: datetime) -> None:
    await database.fetch(
        "UPDATE mail SET state = $2, attempts = attempts + 1, last_error = $3, sent_at = $4 WHERE id = $1",
        mail_id,
        state.value,
        reason[:_LONGEST_REASON],
        now if state is MailState.SENT else None,
    )


async def remove_old_mails(now: datetime) -> None:
    """Remove mails that are older than 90 days: they hold personal data and have been read. `now` is in UTC."""
    await database.fetch("DELETE FROM mail WHERE created_at < $1", now - KEPT_FOR)
