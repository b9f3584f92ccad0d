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
    "waitlist": {
        _S.DRAFT: _S.WAITLISTED,
        _S.SUBMITTED: _S.WAITLISTED,
        _S.CHANGES_REQUESTED: _S.WAITLISTED,
    },
    "accept_offer": {_S.WAITLISTED: _S.SUBMITTED},
    "decline_offer": {_S.WAITLISTED: _S.WITHDRAWN},
    "leave_line": {_S.WAITLISTED: _S.WITHDRAWN},
    # A confirmed booking that is moved is confirmed anew, if its agreements cover the new time too.
    "move": {_S.SUBMITTED: _S.SUBMITTED, _S.APPROVED: _S.APPROVED, _S.CONFIRMED: _S.APPROVED},
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
    "end_early": {_S.IN_PROGRESS: _S.COMPLETED},
    "complete": {_S.IN_PROGRESS: _S.COMPLETED},
    "outcome": {_S.COMPLETED: _S.OUTCOME_RECORDED},
}

# A booking in one of these holds its time; the database refuses any other that clashes.
HOLDING = frozenset({_S.APPROVED, _S.CONFIRMED, _S.IN_PROGRESS})
# A booking in one of these holds its time too, as long as `hold_until` is set: it has been offered time that became
# free, or has accepted it. See docs/decisions/0012-waitlist.md.
HOLDING_BY_OFFER = frozenset({_S.WAITLISTED, _S.SUBMITTED})


class MoveState(StrEnum):
    """The states of a requester's wish to move an approved or confirmed booking."""

    ASKED = "asked"
    AGREED = "agreed"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


MOVE_TRANSITIONS: Mapping[str, Mapping[MoveState, MoveState]] = {
    "agree": {MoveState.ASKED: MoveState.AGREED},
    "refuse": {MoveState.ASKED: MoveState.REFUSED},
    "withdraw": {MoveState.ASKED: MoveState.WITHDRAWN},
}


class AssessmentState(StrEnum):
    """The states of an IP assessment."""

    OPEN = "open"
    DECIDED = "decided"


ASSESSMENT_TRANSITIONS: Mapping[str, Mapping[AssessmentState, AssessmentState]] = {
    "decide": {AssessmentState.OPEN: AssessmentState.DECIDED},
    "reopen": {AssessmentState.DECIDED: AssessmentState.OPEN},
}
