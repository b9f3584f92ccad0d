"""The table of outgoing mail."""

from uuid import uuid4

from piccolo.columns import UUID, BigSerial, ForeignKey, Integer, Text, Timestamptz, Varchar
from piccolo.columns.base import OnDelete
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.constraints import Check
from piccolo.table import Table

from registry.database import one_of
from registry.mail.states import MailState


class Mail(Table):
    """One mail to one address; all times are in UTC.

    It changes nothing that the log is about, so it is not logged; it is removed after a time because it holds
    personal data. `id` is in the Message-ID: a mail that is sent again can be recognised as the same one.
    `unsubscribe_url` becomes List-Unsubscribe, by one click (RFC 8058).
    """

    id = UUID(primary_key=True, default=uuid4)
    recipient = Text()
    language = Varchar(length=2, default="sv")
    subject = Text()
    text = Text()
    html = Text()
    unsubscribe_url = Text(null=True, default=None)
    state = Varchar(length=10, default=MailState.QUEUED)
    attempts = Integer(default=0)
    last_error = Text(default="")
    created_at = Timestamptz(default=TimestamptzNow(), index=True)
    sent_at = Timestamptz(null=True, default=None)

    state_is_known = one_of("state", MailState)
    language_is_known = Check("language IN ('sv', 'en')")
    sent_mail_has_a_time = Check("(state = 'sent') = (sent_at IS NOT NULL)")


class MailAttachment(Table):
    """A text file that goes with a mail; `media_type` may have parameters, as in `text/calendar; method=PUBLISH`."""

    id = BigSerial(primary_key=True)
    mail = ForeignKey(Mail, null=False, index=True, on_delete=OnDelete.cascade)
    filename = Varchar(length=60)
    media_type = Varchar(length=60)
    content = Text()
