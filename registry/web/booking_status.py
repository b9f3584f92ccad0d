"""Where a booking stands, in words: the steps done and to come, and who acts next."""

from typing import Any

from registry.bookings.queries import BookingView
from registry.bookings.states import BookingState
from registry.errors import N_, Message, message
from registry.web.labels import label
from registry.web.language import gettext, say, show_datetime, show_interval

_S = BookingState
# The way of a request that goes well, and the state in which each step is done.
_WAY = (
    (_S.SUBMITTED, N_("Sent")),
    (_S.APPROVED, N_("Approved by the host")),
    (_S.CONFIRMED, N_("Agreements in force, booking confirmed")),
    (_S.COMPLETED, N_("Test carried out")),
    (_S.OUTCOME_RECORDED, N_("Outcome recorded")),
)
_ORDER = (
    _S.DRAFT,
    _S.SUBMITTED,
    _S.APPROVED,
    _S.CONFIRMED,
    _S.IN_PROGRESS,
    _S.COMPLETED,
    _S.OUTCOME_RECORDED,
)
STATE_TONES = {
    _S.DRAFT: "neutral",
    _S.SUBMITTED: "waiting",
    _S.CHANGES_REQUESTED: "waiting",
    _S.WAITLISTED: "waiting",
    _S.APPROVED: "waiting",
    _S.CONFIRMED: "good",
    _S.IN_PROGRESS: "good",
    _S.COMPLETED: "good",
    _S.OUTCOME_RECORDED: "good",
    _S.DECLINED: "bad",
    _S.WITHDRAWN: "neutral",
    _S.CANCELLED: "bad",
    _S.NO_SHOW: "bad",
}


def tone(state: str) -> str:
    """How a state is shown: neutral, waiting, good or bad."""
    return STATE_TONES[BookingState(state)]


def timeline(view: BookingView, *, for_host: bool = False) -> list[dict[str, Any]]:
    """The steps for the macro `timeline`: those done with their times, the present one, those to come."""
    reached = {event.data.get("to"): event.at for event in view.events if event.data.get("to")}
    state = BookingState(view.booking.state)
    if state not in _ORDER:
        done = [_done(code, text, reached) for code, text in _WAY if code.value in reached]
        when = reached.get(state.value)
        end = {
            "label": label(state.value, "booking_state"),
            "status": "current",
            "detail": view.booking.reason,
            "when": show_datetime(when) if when else "",
        }
        return [*done, end]
    steps = []
    for code, text in _WAY:
        if _ORDER.index(code) <= _ORDER.index(state):
            steps.append(_done(code, text, reached))
        else:
            is_next = not any(step["status"] == "current" for step in steps)
            steps.append(
                {
                    "label": gettext(text),
                    "status": "current" if is_next else "waiting",
                    "detail": say(next_step(view, for_host=for_host)) if is_next else "",
                    "when": "",
                }
            )
    return steps


def _done(code: BookingState, text: str, reached: dict[Any, Any]) -> dict[str, Any]:
    when = reached.get(code.value)
    return {"label": gettext(text), "status": "done", "detail": "", "when": show_datetime(when) if when else ""}


_NEXT = {
    _S.DRAFT: N_("You have not sent the request yet. Fill in what is missing and send it."),
    _S.SUBMITTED: N_("The host decides. You are told here."),
    _S.CHANGES_REQUESTED: N_("The host has asked for something. Change the request and send it again."),
    _S.WAITLISTED: N_("The time is taken. You get mail if it becomes free and it is your turn."),
    _S.CONFIRMED: N_("The time is yours: %(interval)s."),
    _S.IN_PROGRESS: N_("The test is under way. Complete the booking when you are done."),
    _S.COMPLETED: N_("Record what the test showed and what was decided."),
    _S.OUTCOME_RECORDED: N_("Everything is done."),
    _S.DECLINED: N_("The host declined the request. You can look for another time or environment."),
    _S.WITHDRAWN: N_("The request was withdrawn."),
    _S.CANCELLED: N_("The booking was cancelled, and the time is free again."),
    _S.NO_SHOW: N_("Nobody came, and the rest of the time is free again."),
}


_NEXT_FOR_HOST = {
    _S.SUBMITTED: N_("The requester waits for your decision."),
    _S.CHANGES_REQUESTED: N_("You have sent the request back. The requester changes it and sends it again."),
    _S.WAITLISTED: N_("The request waits in case the time becomes free."),
    _S.CONFIRMED: N_("The time is booked: %(interval)s. Check in when the test begins."),
    _S.IN_PROGRESS: N_("The test is under way. Complete the booking when it is done."),
}


# A request that has been offered time that became free, or has accepted it; told to the requester or to the host.
_NEXT_WHEN_OFFERED = {
    (_S.WAITLISTED, False): N_("The time has become free and is held for you until %(until)s. Accept or decline it."),
    (_S.WAITLISTED, True): N_("The time has been offered to this request, which has until %(until)s to answer."),
    (_S.SUBMITTED, False): N_("The host decides. The time is held for you meanwhile."),
    (_S.SUBMITTED, True): N_("The requester has waited for this time, which is held until you decide."),
}


def next_step(view: BookingView, *, for_host: bool = False) -> Message:
    """What happens next and who does it, told to the requester or to the host."""
    state = BookingState(view.booking.state)
    if view.booking.hold_until and (state, for_host) in _NEXT_WHEN_OFFERED:
        return message(_NEXT_WHEN_OFFERED[state, for_host], until=show_datetime(view.booking.hold_until))
    if for_host and state in _NEXT_FOR_HOST:
        return message(_NEXT_FOR_HOST[state], interval=show_interval(view.booking.starts_at, view.booking.ends_at))
    if state is _S.APPROVED:
        if view.missing and view.is_own:
            return view.missing[0].explanation
        if view.missing:
            return message(N_("The booking waits for agreements. It is confirmed by itself when they are in force."))
        return message(N_("All agreements are in force. The booking is confirmed within a minute."))
    times = show_interval(view.booking.starts_at, view.booking.ends_at) if state is _S.CONFIRMED else ""
    return message(_NEXT[state], interval=times)
