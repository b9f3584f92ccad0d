"""The codes of bookings."""

from enum import StrEnum


class PersonalData(StrEnum):
    """Whether the test processes personal data, and of the most sensitive kind."""

    NONE = "none"
    PERSONAL = "personal"
    PATIENT = "patient"


class OutcomeDecision(StrEnum):
    """What was decided after a test."""

    INTRODUCE = "introduce"
    ITERATE = "iterate"
    STOP = "stop"
    SPREAD = "spread"
