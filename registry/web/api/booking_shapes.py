"""What bookings and series of them look like over the API."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Annotated, Any

from pydantic import Field

from registry.agreements.queries import MissingAgreement
from registry.bookings import rules
from registry.bookings.codes import Frequency, MonthlyBy
from registry.bookings.look_ahead import Verdict, said
from registry.bookings.recurrence import SeriesRule
from registry.bookings.series_view import SeriesView
from registry.web import language
from registry.web.input import Day, Input, Whole
from registry.web.problems import spoken


class SeriesInput(Input):
    """How a booking comes back, from its first time until a day (included) or for a number of times.

    `weekdays` are 1 (Monday) to 7, for daily and weekly series. `exceptions` are days left out; `count` counts them.
    """

    frequency: Frequency
    interval: Whole = 1
    weekdays: Annotated[list[Whole], Field(max_length=7)] = Field(default_factory=list)
    monthly_by: MonthlyBy = MonthlyBy.DATE
    until: Day | None = None
    count: Whole | None = None
    exceptions: Annotated[list[Day], Field(max_length=200)] = Field(default_factory=list)


def rule_from(data: SeriesInput) -> SeriesRule:
    """What was sent as a rule."""
    return SeriesRule(
        frequency=data.frequency,
        every=data.interval,
        weekdays=frozenset(data.weekdays),
        monthly_by=data.monthly_by,
        until=data.until,
        count=data.count,
        exceptions=frozenset(data.exceptions),
    )


def iso(moment: datetime | None) -> str | None:
    """A moment in ISO 8601 with its offset in Europe/Stockholm."""
    return moment.astimezone(rules.STOCKHOLM).isoformat() if moment else None


def missing_agreements(found: Iterable[MissingAgreement]) -> list[dict[str, Any]]:
    """The agreements that a booking lacks, and who acts next."""
    return [
        {
            "type": missing.type.value,
            "template": missing.template_code,
            "title": {"sv": missing.title_sv, "en": missing.title_en},
            "entry": missing.entry_id,
            "agreement_id": str(missing.agreement_id) if missing.agreement_id else None,
            "state": missing.state.value if missing.state else None,
            "next_actor": missing.next_actor,
            "explanation": language.say(missing.explanation),
        }
        for missing in found
    ]


def whole_series(view: SeriesView) -> dict[str, Any]:
    """A series with its occurrences, and which of them each action can be taken on."""
    rule = view.rule
    return {
        "id": str(view.id),
        "rule": {
            "frequency": rule.frequency.value,
            "interval": rule.every,
            "weekdays": sorted(rule.weekdays),
            "monthly_by": rule.monthly_by.value if rule.frequency is Frequency.MONTHLY else None,
            "until": rule.until.isoformat() if rule.until else None,
            "count": rule.count,
            "exceptions": [day.isoformat() for day in sorted(rule.exceptions)],
        },
        "items": [
            {
                "id": str(booking.id),
                "number": booking.occurrence,
                "state": booking.state,
                "starts_at": iso(booking.starts_at),
                "ends_at": iso(booking.ends_at),
                "missing_agreements": missing_agreements(view.missing[booking.id]),
            }
            for booking in view.bookings
        ],
        "left_out": [
            {
                "day": one.day.isoformat(),
                "starts_at": iso(one.starts_at),
                "ends_at": iso(one.ends_at),
                "forecast": one.forecast.value,
            }
            for one in view.left_out
        ],
        "actions": {action.replace("_", "-"): [str(id) for id in ids] for action, ids in view.actions.items()},
    }


def verdicts(found: Sequence[Verdict]) -> Any:  # noqa: ANN401  # JSON
    """What is to be expected of each time."""
    return spoken([said(verdict) for verdict in found])


def months(found: Sequence[date]) -> list[str]:
    """Months in ISO 8601: `2027-02`."""
    return [f"{month:%Y-%m}" for month in found]
