"""The codes of saved searches."""

from enum import StrEnum


class Frequency(StrEnum):
    """How often a person gets mail about a saved search. `never` keeps it in the list only."""

    AT_ONCE = "at_once"
    DAILY = "daily"
    NEVER = "never"
