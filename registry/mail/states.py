"""The states of a mail."""

from enum import StrEnum


class MailState(StrEnum):
    """Queued until a server takes it over or refuses it for good."""

    QUEUED = "queued"
    SENT = "sent"
    FAILED = "failed"
