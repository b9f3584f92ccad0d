"""Handing a message to the mail server, and what its answers mean."""

from email.message import EmailMessage

import aiosmtplib
from aiosmtplib.errors import (
    SMTPAuthenticationError,
    SMTPException,
    SMTPRecipientsRefused,
    SMTPResponseException,
)

from registry.mail.message import address_of
from registry.settings import Settings

_SECONDS = 20.0
_FIRST_PERMANENT = 500


class Refused(Exception):
    """The server will never take this mail; the text is its reason."""


class Unavailable(Exception):
    """The server cannot be reached or does not take the mail now; the text says why."""


async def deliver(settings: Settings, message: EmailMessage, recipient: str) -> None:
    """Hand a message to the server of REGISTRY_SMTP_URL.

    Raises:
        Refused: a permanent refusal (5xx, RFC 5321 section 4.2.1).
        Unavailable: anything else; worth another try.
    """
    server = settings.smtp_server
    if server is None:
        raise Unavailable("REGISTRY_SMTP_URL is not set.")
    try:
        await aiosmtplib.send(
            message,
            sender=address_of(settings.mail_from),
            recipients=[recipient],
            hostname=server.host,
            port=server.port,
            username=server.user,
            password=server.password,
            use_tls=server.use_tls,
            start_tls=server.start_tls,
            timeout=_SECONDS,
        )
    except SMTPAuthenticationError as error:
        # Our own password is wrong: a fault of the settings, which somebody mends, not of this mail.
        raise Unavailable(f"The server refused to sign us in: {error.code} {error.message}") from error
    except SMTPResponseException as error:
        raise _judged(error) from error
    except SMTPRecipientsRefused as error:
        raise _judged(error.recipients[0]) from error
    except (SMTPException, OSError) as error:
        raise Unavailable(f"The server cannot be reached or broke off: {error}") from error


def _judged(error: SMTPResponseException) -> Refused | Unavailable:
    text = f"{error.code} {error.message}"
    return Refused(text) if error.code >= _FIRST_PERMANENT else Unavailable(text)
