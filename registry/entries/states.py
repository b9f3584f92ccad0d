"""The states of an entry and the one table of allowed transitions."""

from collections.abc import Mapping
from enum import StrEnum


class EntryStatus(StrEnum):
    DRAFT = "draft"
    IN_REVIEW = "in_review"
    CHANGES_REQUESTED = "changes_requested"
    PUBLISHED = "published"
    ARCHIVED = "archived"


_S = EntryStatus
TRANSITIONS: Mapping[str, Mapping[EntryStatus, EntryStatus]] = {
    "submit": {_S.DRAFT: _S.IN_REVIEW, _S.CHANGES_REQUESTED: _S.IN_REVIEW},
    "request_changes": {_S.IN_REVIEW: _S.CHANGES_REQUESTED},
    "publish": {_S.IN_REVIEW: _S.PUBLISHED},
    "archive": {_S.PUBLISHED: _S.ARCHIVED},
}
