"""What mails about bookings say: for each event and each part a heading and what it means."""

from collections.abc import Mapping

from registry.bookings.codes import NoticeEvent, Part
from registry.errors import N_

_E, _P = NoticeEvent, Part
# Every heading ends with the environment, so that a list of subjects can be read.
HEADINGS: Mapping[tuple[NoticeEvent, Part], str] = {
    (_E.SUBMITTED, _P.REQUESTER): N_("Your booking request has been sent: %(environment)s"),
    (_E.SUBMITTED, _P.HOST): N_("New booking request: %(environment)s"),
    (_E.CHANGES_REQUESTED, _P.REQUESTER): N_("The host asks you to change your request: %(environment)s"),
    (_E.WAITLISTED, _P.REQUESTER): N_("You are on the waiting list: %(environment)s"),
    (_E.DECLINED, _P.REQUESTER): N_("Your request was declined: %(environment)s"),
    (_E.APPROVED, _P.REQUESTER): N_("Approved, but agreements are missing: %(environment)s"),
    (_E.APPROVED, _P.LEGAL): N_("A booking waits for an agreement: %(environment)s"),
    (_E.CONFIRMED, _P.REQUESTER): N_("Your booking is confirmed: %(environment)s"),
    (_E.CONFIRMED, _P.HOST): N_("A booking is confirmed: %(environment)s"),
    (_E.CANCELLED, _P.REQUESTER): N_("Your booking was cancelled: %(environment)s"),
    (_E.CANCELLED, _P.HOST): N_("A booking was cancelled: %(environment)s"),
    (_E.WITHDRAWN, _P.REQUESTER): N_("Your request was withdrawn: %(environment)s"),
    (_E.WITHDRAWN, _P.HOST): N_("A request was withdrawn: %(environment)s"),
    (_E.NO_SHOW, _P.REQUESTER): N_("Nobody came: %(environment)s"),
    (_E.NO_SHOW, _P.HOST): N_("Nobody came: %(environment)s"),
    (_E.COMPLETED, _P.REQUESTER): N_("Record what the test showed: %(environment)s"),
    (_E.COMPLETED, _P.HOST): N_("Record what the test showed: %(environment)s"),
    (_E.OUTCOME_RECORDED, _P.REQUESTER): N_("The outcome is recorded: %(environment)s"),
    (_E.OUTCOME_RECORDED, _P.HOST): N_("The outcome is recorded: %(environment)s"),
    (_E.OUTCOME_RECORDED, _P.COORDINATOR): N_("The outcome is recorded: %(environment)s"),
    (_E.LAPSES_SOON, _P.REQUESTER): N_("Your approval lapses soon: %(environment)s"),
    (_E.LAPSES_SOON, _P.HOST): N_("An approval lapses soon: %(environment)s"),
    (_E.LAPSED, _P.REQUESTER): N_("Your approval has lapsed: %(environment)s"),
    (_E.LAPSED, _P.HOST): N_("An approval has lapsed: %(environment)s"),
    (_E.TOMORROW, _P.REQUESTER): N_("Reminder of your booking: %(environment)s"),
    (_E.TOMORROW, _P.HOST): N_("Reminder of a booking: %(environment)s"),
    (_E.MOVED, _P.REQUESTER): N_("Your booking has a new time: %(environment)s"),
    (_E.MOVED, _P.HOST): N_("A booking has a new time: %(environment)s"),
    (_E.HANDED_OVER, _P.REQUESTER): N_("You have taken over a booking: %(environment)s"),
    (_E.HANDED_OVER, _P.FORMER): N_("A colleague has taken over your booking: %(environment)s"),
    (_E.HANDED_OVER, _P.HOST): N_("A booking has a new contact: %(environment)s"),
    (_E.MESSAGE, _P.REQUESTER): N_("The host has written to you: %(environment)s"),
    (_E.MESSAGE, _P.HOST): N_("The requester has written to you: %(environment)s"),
    (_E.IP_OPENED, _P.LEGAL): N_("An IP assessment waits for you: %(environment)s"),
    (_E.IP_DECIDED, _P.REQUESTER): N_("The IP assessment of your innovation is decided: %(environment)s"),
    (_E.IP_DECIDED, _P.HOST): N_("Legal has stopped a booking: %(environment)s"),
    (_E.AGREEMENT_LOST, _P.REQUESTER): N_("Your booking has lost its agreement: %(environment)s"),
    (_E.AGREEMENT_LOST, _P.HOST): N_("A booking has lost its agreement: %(environment)s"),
    (_E.AGREEMENT_LOST, _P.LEGAL): N_("A booking has lost its agreement: %(environment)s"),
    (_E.AGREEMENT_ENDS, _P.REQUESTER): N_("An agreement ends before your booking does: %(environment)s"),
    (_E.AGREEMENT_ENDS, _P.HOST): N_("An agreement ends before a booking does: %(environment)s"),
    (_E.AGREEMENT_ENDS, _P.LEGAL): N_("An agreement ends before a booking does: %(environment)s"),
    (_E.AGREEMENT_BACK, _P.REQUESTER): N_("The agreement for your booking is in force again: %(environment)s"),
    (_E.AGREEMENT_BACK, _P.HOST): N_("The agreement for a booking is in force again: %(environment)s"),
    (_E.AGREEMENT_BACK, _P.LEGAL): N_("The agreement for a booking is in force again: %(environment)s"),
    (_E.OFFERED, _P.REQUESTER): N_("The time you wait for is free: %(environment)s"),
    (_E.OFFER_LAPSED, _P.REQUESTER): N_("Your offer has lapsed: %(environment)s"),
    (_E.WAIT_ENDED, _P.REQUESTER): N_("The time you waited for did not become free: %(environment)s"),
    (_E.OFFER_ACCEPTED, _P.REQUESTER): N_("You have accepted the time: %(environment)s"),
    (_E.OFFER_ACCEPTED, _P.HOST): N_("New booking request from the waiting list: %(environment)s"),
    (_E.MOVE_ASKED, _P.HOST): N_("A requester asks to move a booking: %(environment)s"),
    (_E.MOVE_REFUSED, _P.REQUESTER): N_("Your booking stays at its time: %(environment)s"),
    (_E.OUTCOME_PROPOSED, _P.REQUESTER): N_("May this be published about your test? %(environment)s"),
    (_E.OUTCOME_AGREED, _P.HOST): N_("You can publish an outcome: %(environment)s"),
    (_E.OUTCOME_PUBLISHED, _P.REQUESTER): N_("The outcome of your test is published: %(environment)s"),
    (_E.OUTCOME_REMOVED, _P.REQUESTER): N_("The outcome of your test is no longer published: %(environment)s"),
    (_E.OUTCOME_REMOVED, _P.HOST): N_("An outcome is no longer published: %(environment)s"),
}

_RECORD = N_("The test is done. Write what it showed and what was decided, so that others can learn from it.")
_LOST = N_(
    "The booking %(interval)s for %(organisation)s keeps its time, and the host decides about it. The test cannot begin"
    " until these agreements are in force:"
)
_ENDS = N_(
    "An agreement ends on %(day)s, but the booking for %(organisation)s goes on until %(end)s. Until then these"
    " agreements have to be in force:"
)
_BACK = N_("All agreements for the booking %(interval)s are in force.")
_OUTCOME = N_("%(organisation)s tested here %(interval)s. Decision: %(decision)s.")
_REMOVED = N_("The text about the test %(interval)s is no longer on the environment's page.")
TEXTS: Mapping[tuple[NoticeEvent, Part], str] = {
    (_E.SUBMITTED, _P.REQUESTER): N_("You have asked for %(interval)s. The host decides, and you get mail then."),
    (_E.SUBMITTED, _P.HOST): N_("%(organisation)s asks for %(interval)s. The requester waits for your decision."),
    (_E.CHANGES_REQUESTED, _P.REQUESTER): N_("Read the host's message, change the request and send it again."),
    (_E.WAITLISTED, _P.REQUESTER): N_(
        "The time %(interval)s is taken. You get mail if it becomes free and it is your turn."
    ),
    (_E.DECLINED, _P.REQUESTER): N_(
        "You asked for %(interval)s. You can look for another time here, or for another environment."
    ),
    (_E.APPROVED, _P.REQUESTER): N_(
        "The time %(interval)s is held for you until %(until)s. The booking is confirmed by itself when"
        " these agreements are in"
        " force:"
    ),
    (_E.APPROVED, _P.LEGAL): N_(
        "%(organisation)s has an approved booking %(interval)s. It lapses on %(until)s unless these agreements are in"
        " force:"
    ),
    (_E.CONFIRMED, _P.REQUESTER): N_("The time is yours: %(interval)s. The attached file puts it into your calendar."),
    (_E.CONFIRMED, _P.HOST): N_(
        "%(organisation)s comes %(interval)s. The attached file puts the booking into your calendar."
    ),
    (_E.CANCELLED, _P.REQUESTER): N_(
        "The time %(interval)s is no longer yours. The attached file takes the booking out of your calendar."
    ),
    (_E.CANCELLED, _P.HOST): N_(
        "%(organisation)s no longer comes %(interval)s, and the time is free for others. The attached file takes the"
        " booking out of your calendar."
    ),
    (_E.WITHDRAWN, _P.REQUESTER): N_("A colleague has withdrawn the request for %(interval)s."),
    (_E.WITHDRAWN, _P.HOST): N_("%(organisation)s no longer asks for %(interval)s. You need not do anything."),
    (_E.NO_SHOW, _P.REQUESTER): N_(
        "The host has recorded that nobody came %(interval)s. The rest of the time is free for others. Talk to the"
        " host if this is wrong."
    ),
    (_E.NO_SHOW, _P.HOST): N_("Nobody from %(organisation)s came %(interval)s. The rest of the time is free."),
    (_E.COMPLETED, _P.REQUESTER): _RECORD,
    (_E.COMPLETED, _P.HOST): _RECORD,
    (_E.OUTCOME_RECORDED, _P.REQUESTER): _OUTCOME,
    (_E.OUTCOME_RECORDED, _P.HOST): _OUTCOME,
    (_E.OUTCOME_RECORDED, _P.COORDINATOR): _OUTCOME,
    (_E.LAPSES_SOON, _P.REQUESTER): N_(
        "The time %(interval)s is held for you until %(until)s. After that others can have the time, unless"
        " these agreements"
        " are in force:"
    ),
    (_E.LAPSES_SOON, _P.HOST): N_(
        "The time %(interval)s is held for %(organisation)s until %(until)s. After that the request waits"
        " for your decision"
        " again, unless these agreements are in force:"
    ),
    (_E.LAPSED, _P.REQUESTER): N_(
        "The agreements were not in force in time, so others can have %(interval)s. Your request remains, and the host"
        " decides on it again."
    ),
    (_E.LAPSED, _P.HOST): N_(
        "The agreements were not in force in time, so %(interval)s is free. The request from %(organisation)s waits for"
        " your decision again."
    ),
    (_E.TOMORROW, _P.REQUESTER): N_("Your booking begins soon: %(interval)s. Cancel if you cannot come."),
    (_E.TOMORROW, _P.HOST): N_("%(organisation)s comes %(interval)s."),
    (_E.MOVED, _P.REQUESTER): N_(
        "It was to begin %(about)s. The new time is %(interval)s. If it does not suit you, you can ask for another"
        " time or cancel on the booking's page."
    ),
    (_E.MOVED, _P.HOST): N_("%(organisation)s was to come %(about)s. The new time is %(interval)s."),
    (_E.HANDED_OVER, _P.REQUESTER): N_(
        "A colleague has handed over the booking %(interval)s to you. From now on you get mail about it."
    ),
    (_E.HANDED_OVER, _P.FORMER): N_("%(requester)s now has the booking %(interval)s and gets mail about it."),
    (_E.MESSAGE, _P.REQUESTER): N_(
        "It is about your booking %(interval)s. Answer on the booking's page; nobody reads answers to this mail."
    ),
    (_E.MESSAGE, _P.HOST): N_(
        "%(organisation)s has written about %(interval)s. Answer at the desk; nobody reads answers to this mail."
    ),
    (_E.IP_OPENED, _P.LEGAL): N_(
        "%(requester)s at %(organisation)s has asked to test an innovation of their own here %(interval)s. Assess who"
        " has the rights to it."
    ),
    (_E.IP_DECIDED, _P.REQUESTER): N_("Legal has assessed the rights to your innovation. Read the decision below."),
    (_E.IP_DECIDED, _P.HOST): N_(
        "The booking %(interval)s for %(organisation)s cannot go on because of the IP assessment. You decide what"
        " happens to the time."
    ),
    (_E.AGREEMENT_LOST, _P.REQUESTER): N_(
        "An agreement that your booking %(interval)s needs is no longer in force. You keep the time for now, and the"
        " host decides about it. The test cannot begin until these agreements are in force. On the booking's page you"
        " can have new ones prepared:"
    ),
    (_E.AGREEMENT_LOST, _P.HOST): _LOST,
    (_E.AGREEMENT_LOST, _P.LEGAL): _LOST,
    (_E.AGREEMENT_ENDS, _P.REQUESTER): N_(
        "Your agreement ends on %(day)s, but your booking goes on until %(end)s. You need a new one, which you can"
        " have prepared on the booking's page:"
    ),
    (_E.AGREEMENT_ENDS, _P.HOST): _ENDS,
    (_E.AGREEMENT_ENDS, _P.LEGAL): _ENDS,
    (_E.AGREEMENT_BACK, _P.REQUESTER): _BACK,
    (_E.AGREEMENT_BACK, _P.HOST): _BACK,
    (_E.AGREEMENT_BACK, _P.LEGAL): _BACK,
    (_E.OFFERED, _P.REQUESTER): N_(
        "%(interval)s has become free and is held for you until %(about)s. Accept or decline it before then."
        " Otherwise it goes to the next in line."
    ),
    (_E.OFFER_LAPSED, _P.REQUESTER): N_(
        "You did not answer in time, so %(interval)s has gone to the next in line and your request has left the"
        " waiting list. You can look for another time."
    ),
    (_E.WAIT_ENDED, _P.REQUESTER): N_(
        "Nobody gave back %(interval)s, so your request has left the waiting list. You can look for another time."
    ),
    (_E.OFFER_ACCEPTED, _P.REQUESTER): N_(
        "%(interval)s is held for you until the host has decided. You get mail then."
    ),
    (_E.OFFER_ACCEPTED, _P.HOST): N_(
        "%(organisation)s has waited for %(interval)s and accepted it when it became free. The time is held until you"
        " decide."
    ),
    (_E.MOVE_ASKED, _P.HOST): N_(
        "%(organisation)s has %(interval)s and asks for %(wanted)s instead. The booking keeps its time until you"
        " decide."
    ),
    (_E.MOVE_REFUSED, _P.REQUESTER): N_(
        "The host does not move the booking. You keep %(interval)s. If you cannot come then, cancel, and look for"
        " another time."
    ),
    (_E.OUTCOME_PROPOSED, _P.REQUESTER): N_(
        "The host has written a text about your test %(interval)s. Nothing is published unless you agree to it on"
        " the booking's page."
    ),
    (_E.OUTCOME_AGREED, _P.HOST): N_(
        "%(organisation)s agrees to a text about the test %(interval)s. Publish it from the booking's page."
    ),
    (_E.OUTCOME_PUBLISHED, _P.REQUESTER): N_(
        "The text that you agreed to is now on the environment's page. You can take your consent back at any time on"
        " the booking's page."
    ),
    (_E.OUTCOME_REMOVED, _P.REQUESTER): _REMOVED,
    (_E.OUTCOME_REMOVED, _P.HOST): _REMOVED,
    (_E.HANDED_OVER, _P.HOST): N_("%(requester)s at %(organisation)s is now the contact for %(interval)s."),
}
# After these the mail lists the agreements that are missing.
LISTS_MISSING = frozenset({_E.APPROVED, _E.LAPSES_SOON, _E.AGREEMENT_LOST, _E.AGREEMENT_ENDS})
