"""The states of a booking and the one table of allowed transitions."""

from collections.abc import Mapping
from enum import StrEnum


class BookingState(StrEnum):
    DRAFT = "draft"
    SUBMITTED = "submitted"
    CHANGES_REQUESTED = "changes_requested"
    WAITLISTED = "waitlisted"
    APPROVED = "approved"
    CONFIRMED = "confirmed"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    OUTCOME_RECORDED = "outcome_recorded"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    CANCELLED = "cancelled"
    NO_SHOW = "no_show"


_S = BookingState
TRANSITIONS: Mapping[str, Mapping[BookingState, BookingState]] = {
    "submit": {_S.DRAFT: _S.SUBMITTED, _S.CHANGES_REQUESTED: _S.SUBMITTED, _S.WAITLISTED: _S.SUBMITTED},
    "approve": {_S.SUBMITTED: _S.APPROVED},
    "decline": {_S.SUBMITTED: _S.DECLINED},
    "request_changes": {_S.SUBMITTED: _S.CHANGES_REQUESTED},
    "waitlist": {_S.SUBMITTED: _S.WAITLISTED},
    "withdraw": {
        _S.DRAFT: _S.WITHDRAWN,
        _S.SUBMITTED: _S.WITHDRAWN,
        _S.CHANGES_REQUESTED: _S.WITHDRAWN,
        _S.WAITLISTED: _S.WITHDRAWN,
        _S.APPROVED: _S.WITHDRAWN,
    },
    "confirm": {_S.APPROVED: _S.CONFIRMED},
    "lapse": {_S.APPROVED: _S.SUBMITTED},
    "cancel": {_S.CONFIRMED: _S.CANCELLED},
    "start": {_S.CONFIRMED: _S.IN_PROGRESS},
    "no_show": {_S.CONFIRMED: _S.NO_SHOW},
    "complete": {_S.IN_PROGRESS: _S.COMPLETED},
    "outcome": {_S.COMPLETED: _S.OUTCOME_RECORDED},
}

# A booking in one of these holds its time; the database refuses any other that clashes.
HOLDING = frozenset({_S.APPROVED, _S.CONFIRMED, _S.IN_PROGRESS})


class AssessmentState(StrEnum):
    """The states of an IP assessment."""

    OPEN = "open"
    DECIDED = "decided"


ASSESSMENT_TRANSITIONS: Mapping[str, Mapping[AssessmentState, AssessmentState]] = {
    "decide": {AssessmentState.OPEN: AssessmentState.DECIDED},
    "reopen": {AssessmentState.DECIDED: AssessmentState.OPEN},
}
