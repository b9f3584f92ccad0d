"""A real SMTP server on loopback that keeps what it is given and refuses what it is told to refuse."""

import time
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope

ACCEPTED = "250 Taken over"


class Postbox:
    """Mails by the address of the recipient. `answers` are given one by one instead of taking a mail over."""

    def __init__(self, port: int, *, password: str | None = None) -> None:
        self.port = port
        self.answers: dict[str, list[str]] = {}
        self._offered: list[tuple[str, EmailMessage, bool]] = []
        demanded = {"auth_required": True, "auth_require_tls": False} if password else {}
        self._controller = Controller(
            self,
            hostname="127.0.0.1",
            port=port,
            authenticator=lambda *args: AuthResult(
                success=args[-1].password == (password or "").encode(), handled=False
            ),
            **demanded,
        )

    def start(self) -> None:
        self._controller.start()

    def stop(self) -> None:
        self._controller.stop()

    async def handle_DATA(self, server: Any, session: Any, envelope: Envelope) -> str:  # noqa: N802  # aiosmtpd's name
        del server, session
        (address,) = envelope.rcpt_tos
        scripted = self.answers.get(address, [])
        answer = scripted.pop(0) if scripted else ACCEPTED
        content = envelope.content
        assert isinstance(content, bytes)
        message = message_from_bytes(content, policy=policy.default)
        self._offered.append((address, message, answer == ACCEPTED))
        return answer

    def offered(self, address: str) -> list[EmailMessage]:
        """Every message that somebody tried to deliver to an address."""
        return [message for to, message, _ in self._offered if to == address]

    def received(self, address: str) -> list[EmailMessage]:
        """The messages that were taken over."""
        return [message for to, message, taken in self._offered if to == address and taken]

    def wait_for(self, address: str, seconds: float = 20) -> EmailMessage:
        """The first message that was taken over, at the latest after so many seconds."""
        deadline = time.monotonic() + seconds
        while not (messages := self.received(address)):
            assert time.monotonic() < deadline, f"no mail to {address}"
            time.sleep(0.05)
        return messages[0]


def part(message: EmailMessage, kind: str) -> str:
    """The text of the `plain` or `html` part."""
    body = message.get_body((kind,))
    assert isinstance(body, EmailMessage)
    text = body.get_content()
    assert isinstance(text, str)
    return text
