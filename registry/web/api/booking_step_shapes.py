"""What requests about waiting, moving and outcomes look like, and what an answer says of them."""

from decimal import Decimal
from typing import Annotated, Any

from pydantic import Field

from registry.bookings import rules
from registry.bookings.codes import EffectLevel, OutcomeDecision
from registry.bookings.outcomes import Effect, Outcome
from registry.bookings.queries import BookingView
from registry.entries.codes import Perspective
from registry.web.booking_steps import BookingSteps
from registry.web.input import Input, Line, LongText, Moment, Whole


class Move(Input):
    """A new time, and other environments of the same host where they are to change too.

    `reason` is needed of a host. With `sequence`, the version that was read, a move of another version is refused.
    """

    starts_at: Moment
    ends_at: Moment
    environments: Annotated[list[Line], Field(max_length=20)] = Field(default_factory=list)
    reason: LongText = ""
    sequence: Whole | None = None


class Answer(Input):
    """An answer with its reason."""

    reason: LongText = ""


class EffectInput(Input):
    """What a test showed in one perspective, and a sentence about it (needed unless it was not measured)."""

    perspective: Perspective
    level: EffectLevel
    text: LongText = ""


class OutcomeInput(Input):
    """What a test showed and what was decided; `hours` is how long the environment was really used."""

    decision: OutcomeDecision | None = None
    reason: LongText = ""
    effects: Annotated[list[EffectInput], Field(max_length=4)] = Field(default_factory=list)
    hours: Annotated[Decimal, Field(ge=0, le=10_000, decimal_places=1)] | None = None

    def outcome(self) -> Outcome:
        """The outcome as the command takes it."""
        return Outcome(
            self.decision,
            self.reason,
            tuple(Effect(one.perspective, one.level, one.text) for one in self.effects),
            self.hours,
        )


class PublicText(Input):
    """What everybody may read about an outcome, in Swedish, English or both."""

    sv: LongText = ""
    en: LongText = ""


def steps_shape(view: BookingView, steps: BookingSteps) -> dict[str, Any]:
    """What an answer about a booking says beside its columns; times are ISO 8601 with offset."""
    booking = view.booking
    found: dict[str, Any] = {
        "sequence": booking.sequence,
        "ended_at": _iso(booking.ended_at),
        "waitlist": {"place": steps.place, "offered_until": _iso(steps.offered_until)} if steps.place else None,
        "line": [
            {
                "id": str(one.id),
                "organisation": {"sv": one.organisation_name_sv, "en": one.organisation_name_en},
                "starts_at": _iso(one.starts_at),
                "ends_at": _iso(one.ends_at),
                "submitted_at": _iso(one.submitted_at),
                "offered_until": _iso(one.hold_until),
            }
            for one in steps.line
        ],
        "move_request": {
            "environments": [one.slug for one in steps.wish.environments],
            "starts_at": _iso(steps.wish.starts_at),
            "ends_at": _iso(steps.wish.ends_at),
            "reason": steps.wish.reason,
            "asked_at": _iso(steps.wish.asked_at),
        }
        if steps.wish
        else None,
    }
    if booking.outcome_decision:
        found["outcome"] = _outcome(view, steps)
    return found


def _outcome(view: BookingView, steps: BookingSteps) -> dict[str, Any]:
    booking, text = view.booking, steps.publication
    return {
        "decision": booking.outcome_decision,
        "text": booking.outcome_text,
        "hours": float(booking.outcome_hours) if booking.outcome_hours is not None else None,
        "effects": effects_shape(steps.effects),
        "publication": {
            "text": {"sv": text.text_sv, "en": text.text_en},
            "agreed_at": _iso(text.agreed_at),
            "published_at": _iso(text.published_at),
        }
        if text
        else None,
    }


def effects_shape(effects: list[Effect]) -> list[dict[str, str]]:
    """Effects as JSON."""
    return [{"perspective": one.perspective.value, "level": one.level.value, "text": one.text} for one in effects]


def _iso(moment: Any) -> str | None:  # noqa: ANN401  # a column that may hold a moment
    return moment.astimezone(rules.STOCKHOLM).isoformat() if moment else None
