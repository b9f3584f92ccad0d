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


class EffectLevel(StrEnum):
    """What a test showed in one of the strategy's perspectives, against how it was before."""

    BETTER = "better"
    NO_DIFFERENCE = "no_difference"
    WORSE = "worse"
    NOT_MEASURED = "not_measured"


class NoticeEvent(StrEnum):
    """What people are told of by mail. Where a state of the same name exists, the event is that it was reached."""

    SUBMITTED = "submitted"
    CHANGES_REQUESTED = "changes_requested"
    WAITLISTED = "waitlisted"
    DECLINED = "declined"
    APPROVED = "approved"
    CONFIRMED = "confirmed"
    CANCELLED = "cancelled"
    WITHDRAWN = "withdrawn"
    NO_SHOW = "no_show"
    COMPLETED = "completed"
    OUTCOME_RECORDED = "outcome_recorded"
    LAPSES_SOON = "lapses_soon"
    LAPSED = "lapsed"
    TOMORROW = "tomorrow"
    MOVED = "moved"
    HANDED_OVER = "handed_over"
    AGREEMENT_LOST = "agreement_lost"
    AGREEMENT_ENDS = "agreement_ends"
    AGREEMENT_BACK = "agreement_back"
    IP_OPENED = "ip_opened"
    IP_DECIDED = "ip_decided"
    OFFERED = "offered"
    OFFER_LAPSED = "offer_lapsed"
    WAIT_ENDED = "wait_ended"
    OFFER_ACCEPTED = "offer_accepted"
    MOVE_ASKED = "move_asked"
    MOVE_REFUSED = "move_refused"
    OUTCOME_PROPOSED = "outcome_proposed"
    OUTCOME_AGREED = "outcome_agreed"
    OUTCOME_PUBLISHED = "outcome_published"
    OUTCOME_REMOVED = "outcome_removed"
    MESSAGE = "message"


class Part(StrEnum):
    """As what somebody is told of a booking. `former` has just handed it over."""

    REQUESTER = "requester"
    FORMER = "former"
    HOST = "host"
    LEGAL = "legal"
    COORDINATOR = "coordinator"


class NoticePace(StrEnum):
    """How often a person gets mail about bookings; `needed` is at once, and only what they have to act on."""

    AT_ONCE = "at_once"
    DAILY = "daily"
    NEEDED = "needed"


class FeedKind(StrEnum):
    """What a calendar address gives: one's own bookings, an organisation's, or those in an environment."""

    OWN = "own"
    ORGANISATION = "organisation"
    ENVIRONMENT = "environment"


class EmployerRole(StrEnum):
    """As what the region employs somebody who books for an innovation of their own: the law differs."""

    HOSPITAL_STAFF = "hospital_staff"
    UNIVERSITY_TEACHER = "university_teacher"
    DUAL_POST = "dual_post"
    OTHER = "other"


class IpFinding(StrEnum):
    """What legal finds about the rights to an employee's innovation."""

    EMPLOYEE = "employee"
    EMPLOYER = "employer"
    AGREEMENT = "agreement"
    NOT_COVERED = "not_covered"


class Frequency(StrEnum):
    """How often a series of bookings comes back."""

    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"


class MonthlyBy(StrEnum):
    """What a monthly series keeps of its first day: the date, or the weekday counted from either end of the month."""

    DATE = "date"
    WEEKDAY = "weekday"
    LAST_WEEKDAY = "last_weekday"


class Forecast(StrEnum):
    """What is to be expected of a time that somebody wants to book."""

    FITS = "fits"
    TAKEN = "taken"
    CLOSED = "closed"
    TOO_SOON = "too_soon"
    TOO_FAR = "too_far"
    NO_SUCH_TIME = "no_such_time"
    NOT_BOOKABLE = "not_bookable"


class Side(StrEnum):
    """From which side of a booking a message comes."""

    REQUESTER = "requester"
    HOST = "host"


class ReplyKind(StrEnum):
    """What a host's reply template is for."""

    DECLINE = "decline"
    CHANGES = "changes"
    MESSAGE = "message"


class Waits(StrEnum):
    """Why a booking waits for its host, in the order in which a host is shown them."""

    DECIDE = "decide"
    MOVE = "move"
    AGREEMENT_LOST = "agreement_lost"
    CHECK_IN = "check_in"
    COMPLETE = "complete"
    OUTCOME = "outcome"
