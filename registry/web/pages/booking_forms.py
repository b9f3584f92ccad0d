"""The forms of a booking request, step by step: what is typed, and the request that it makes."""

from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Annotated, Any

from pydantic import Field

from registry.bookings import requests
from registry.bookings.codes import EmployerRole, PersonalData
from registry.bookings.queries import BookingView
from registry.bookings.requests import BookingText, OwnInnovation
from registry.entries.codes import Perspective
from registry.errors import FieldError, InvalidInput
from registry.web import language
from registry.web.calendar import stockholm
from registry.web.input import BlankIsNone, Day, Input, Line, LongText, parse
from registry.web.pages.booking_plans import (
    MoreTimes,
    Places,
)


class NewBooking(Places):
    """The address of a new booking."""

    environment: Line
    starts_at: Line = ""
    ends_at: Line = ""
    week: Annotated[date | None, BlankIsNone] = None


class TimeForm(MoreTimes):
    """Step 1; local date and times in Europe/Stockholm. `end_date` is for bookings over several days."""

    environment: Line = ""
    date: Day
    starts: time
    end_date: Annotated[Day | None, BlankIsNone] = None
    ends: time
    wait: bool = False


class TestForm(Input):
    purpose: LongText = ""
    trl: Annotated[Annotated[int, Field(ge=1, le=9)] | None, BlankIsNone] = None
    participants: Annotated[Annotated[int, Field(ge=1, le=100_000)] | None, BlankIsNone] = None
    personal_data: PersonalData = PersonalData.NONE
    ethics_reference: Annotated[Line, Field(max_length=60)] = ""
    accessibility_needs: LongText = ""
    own_innovation: bool = False
    employer_role: Annotated[EmployerRole | None, BlankIsNone] = None
    innovation_project: LongText = ""
    innovation_contribution: LongText = ""
    innovation_funding: LongText = ""


class BenefitForm(Input):
    operational_benefit: LongText = ""
    user_benefit: LongText = ""
    perspectives: Annotated[list[Perspective], Field(max_length=4)] = Field(default_factory=list)


FORMS: dict[str, type[Input]] = {"time": TimeForm, "test": TestForm, "benefit": BenefitForm}


def when_of(raw: dict[str, Any]) -> tuple[datetime, datetime]:
    """What was typed in the time step, in UTC; raises InvalidInput."""
    return moments(parse(TimeForm, raw))


def moments(form: TimeForm) -> tuple[datetime, datetime]:
    """The times of a form in UTC. Raises InvalidInput where they do not exist or the end is not after the start."""
    end_day = form.end_date or (form.date + timedelta(days=1) if form.ends == time(0) else form.date)
    starts_at, ends_at = stockholm("starts", form.date, form.starts), stockholm("ends", end_day, form.ends)
    if ends_at <= starts_at:
        raise InvalidInput([FieldError("ends", requests.END_AFTER_START)])
    return starts_at, ends_at


def prefilled(wanted: NewBooking) -> dict[str, Any]:
    """The fields of the time step that an address asks for; none where its times are no times."""
    try:
        starts_at, ends_at = datetime.fromisoformat(wanted.starts_at), datetime.fromisoformat(wanted.ends_at)
        if starts_at.tzinfo is None or ends_at.tzinfo is None:
            return {}
        return local_values(starts_at, ends_at)
    except (ValueError, OverflowError):
        return {}


def local_values(starts_at: datetime, ends_at: datetime) -> dict[str, Any]:
    """Times as the fields of a form, in Europe/Stockholm."""
    first, last = language.local(starts_at), language.local(ends_at)
    return {
        "date": first.date().isoformat(),
        "starts": f"{first:%H:%M}",
        "end_date": last.date().isoformat() if last.date() != first.date() else "",
        "ends": f"{last:%H:%M}",
    }


def values_of(view: BookingView) -> dict[str, Any]:
    """A stored request as the fields of its steps, times in Europe/Stockholm."""
    booking = view.booking
    times = local_values(booking.starts_at, booking.ends_at) if booking.starts_at else {}
    return {**booking.row, "own_innovation": booking.employer_role is not None, **times}


def text_of(view: BookingView) -> BookingText:
    """A stored request as a text that can be changed."""
    booking = view.booking
    return BookingText(
        environments=tuple(one.slug for one in booking.environments),
        starts_at=booking.starts_at,
        ends_at=booking.ends_at,
        purpose=booking.purpose,
        operational_benefit=booking.operational_benefit,
        user_benefit=booking.user_benefit,
        perspectives=tuple(Perspective(code) for code in booking.perspectives),
        trl=booking.trl,
        participants=booking.participants,
        personal_data=PersonalData(booking.personal_data),
        ethics_reference=booking.ethics_reference,
        accessibility_needs=booking.accessibility_needs,
        own_innovation=OwnInnovation(
            EmployerRole(booking.employer_role),
            booking.innovation_project,
            booking.innovation_contribution,
            booking.innovation_funding,
        )
        if booking.employer_role
        else None,
        example=booking.example,
    )


def changed_text(view: BookingView, step: str, raw: dict[str, Any]) -> BookingText:
    """The request with what was typed in one step; what the step leaves blank but needs is an error."""
    text = text_of(view)
    if step == "time":
        starts_at, ends_at = moments(parse(TimeForm, raw))
        return replace(text, starts_at=starts_at, ends_at=ends_at)
    if step == "test":
        test = parse(TestForm, raw)
        _require(test, "purpose")
        return replace(text, **_tested(test))
    benefit = parse(BenefitForm, raw)
    _require(benefit, "operational_benefit", "user_benefit")
    return replace(text, **{**benefit.model_dump(), "perspectives": tuple(benefit.perspectives)})


def _tested(test: TestForm) -> dict[str, Any]:
    """The fields of the step, with the innovation as one of them where it is the employee's own."""
    values = test.model_dump()
    mine = {name: values.pop(f"innovation_{name}") for name in ("project", "contribution", "funding")}
    role = values.pop("employer_role")
    if test.own_innovation:
        _require(test, "employer_role", "innovation_contribution")
        return {**values, "own_innovation": OwnInnovation(role, **mine)}
    return {**values, "own_innovation": None}


def _require(form: Input, *names: str) -> None:
    blank = [FieldError(name, requests.MISSING) for name in names if not getattr(form, name)]
    if blank:
        raise InvalidInput(blank)
