"""The message of a mail as it stands on the wire."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from uuid import UUID


@dataclass(frozen=True)
class Attachment:
    """A text file that goes with a mail; `media_type` may have parameters, as in `text/calendar; method=PUBLISH`."""

    filename: str
    media_type: str
    content: str


# One address and nothing that could become a second one or a header.
_ADDRESS = re.compile(r'[^\s<>,;:"()]+@[^\s<>,;:"()]+')


def is_address(text: str) -> bool:
    """Whether a text is one bare address that a message can be sent to."""
    return _ADDRESS.fullmatch(text) is not None


def address_of(sender: str) -> str:
    """The bare address in `Name <address>`, or an empty text."""
    address = parseaddr(sender)[1]
    return address if is_address(address) else ""


def compose(
    *,
    mail_id: UUID,
    sender: str,
    recipient: str,
    language: str,
    subject: str,
    text: str,
    html: str,
    unsubscribe_url: str | None,
    created_at: datetime,
    attachments: Sequence[Attachment] = (),
) -> EmailMessage:
    """A message: plain text, HTML and its attachments. The same mail gets the same Message-ID and Date each time."""
    message = EmailMessage(policy=SMTP)
    message["From"] = sender
    message["To"] = recipient
    message["Subject"] = subject
    message["Date"] = format_datetime(created_at)
    message["Message-ID"] = f"<{mail_id}@{address_of(sender).rpartition('@')[2]}>"
    # Keeps holiday answers from being sent back (RFC 3834).
    message["Auto-Submitted"] = "auto-generated"
    if unsubscribe_url is not None:
        message["List-Unsubscribe"] = f"<{unsubscribe_url}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    # Quoted-printable is within what every server takes, and å, ä and ö do not depend on an extension.
    message.set_content(text, cte="quoted-printable")
    message.add_alternative(html, subtype="html", cte="quoted-printable")
    for one in attachments:
        kind, *parameters = (part.strip() for part in one.media_type.split(";"))
        # Base64 keeps the line ends that calendar programs require.
        message.add_attachment(
            one.content.encode(),
            maintype=kind.partition("/")[0],
            subtype=kind.partition("/")[2],
            cte="base64",
            filename=one.filename,
            params={"charset": "utf-8"} | {name: value for name, _, value in (p.partition("=") for p in parameters)},
        )
    message["Content-Language"] = language  # set earlier it would move into the first part
    return message
