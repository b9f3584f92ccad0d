"""The form of an environment's entry: what it takes, and the values it shows."""

from collections.abc import Mapping
from dataclasses import asdict, fields
from datetime import time
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from admin.hours_forms import WEEK, HoursForm, hour_values
from registry.entries.calendars import Opening
from registry.entries.codes import (
    Audience,
    Kind,
    Perspective,
    Remuneration,
    Sector,
    Specialisation,
    Track,
    Visibility,
)
from registry.entries.queries import EntryView
from registry.entries.service import EntryText, EnvironmentText
from registry.errors import N_, invalid
from registry.web.amounts import Kronor, written_kronor
from registry.web.api.procurement_bodies import OrganisationId
from registry.web.input import BlankIsNone, Input, Line, LongText

KINDS = (Kind.TESTBED, Kind.DEMO_ENVIRONMENT)


def _with_point(value: object) -> object:
    """A number with a decimal comma is understood too."""
    return value.replace(",", ".") if isinstance(value, str) else value


Minutes = Annotated[int, Field(ge=0, le=525_600)]
Latitude = Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False), BeforeValidator(_with_point)]
Longitude = Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False), BeforeValidator(_with_point)]
Trl = Annotated[Annotated[int, Field(ge=1, le=9)] | None, BlankIsNone]


class EnvironmentForm(HoursForm):
    """An environment and its entry. Durations are in the units of the table, the price in kronor."""

    version: int = 0
    kind: Kind
    title_sv: Line = ""
    title_en: Line = ""
    summary_sv: LongText = ""
    summary_en: LongText = ""
    description_sv: LongText = ""
    description_en: LongText = ""
    primary_sector: Sector
    sectors: list[Sector] = Field(default_factory=list, max_length=4)
    perspectives: list[Perspective] = Field(default_factory=list, max_length=4)
    specialisations: list[Specialisation] = Field(default_factory=list, max_length=4)
    accountable_body: OrganisationId
    unit: Annotated[OrganisationId | None, BlankIsNone] = None
    track: Track
    contact_function: Line = ""
    contact_email: Annotated[Line, Field(max_length=254, pattern=r"^([^@\s]+@[^@\s]+)?$")] = ""
    answer_days: Annotated[int, Field(ge=1, le=60)] = 5
    address: Line = ""
    municipality: Line = ""
    latitude: Annotated[Latitude | None, BlankIsNone] = None
    longitude: Annotated[Longitude | None, BlankIsNone] = None
    visibility: Visibility = Visibility.PUBLIC
    offer_sv: LongText = ""
    offer_en: LongText = ""
    equipment_sv: LongText = ""
    equipment_en: LongText = ""
    capacity: Annotated[int, Field(ge=1, le=1000)] = 1
    buffer_before: Annotated[int, Field(ge=0, le=10_080)] = 0
    buffer_after: Annotated[int, Field(ge=0, le=10_080)] = 0
    shortest: Minutes = 60
    longest: Minutes = 480
    lead_time_hours: Annotated[int, Field(ge=0, le=8760)] = 24
    horizon_days: Annotated[int, Field(ge=1, le=1830)] = 365
    offer_hours: Annotated[int, Field(ge=1, le=336)] = 24
    step: Annotated[int, Field(ge=0, le=1440)] = 0
    bookable_by: list[Audience] = Field(default_factory=list, max_length=2)
    remuneration: Remuneration = Remuneration.BY_AGREEMENT
    price: Kronor = None
    price_note_sv: LongText = ""
    price_note_en: LongText = ""
    requirements_sv: LongText = ""
    requirements_en: LongText = ""
    needs_ethics_approval: bool = False
    accessibility_sv: LongText = ""
    accessibility_en: LongText = ""
    trl_lowest: Trl = None
    trl_highest: Trl = None

    def entry_text(self, before: EntryText | None) -> EntryText:
        """The text of the entry; what this form does not hold stays as it was."""
        if self.kind not in KINDS:
            raise invalid("kind", N_("Choose a testbed or a demo environment."))
        if not self.title_sv and not self.title_en:
            raise invalid("title_sv", N_("Write a title, in Swedish or English."))
        values = asdict(before) if before else {}
        own = {f.name for f in fields(EntryText)} & set(EnvironmentForm.model_fields)
        values |= {name: _tupled(getattr(self, name)) for name in own}
        values["sectors"] = tuple(dict.fromkeys((self.primary_sector, *self.sectors)))
        return EntryText(**values)

    def environment_text(self, before: EnvironmentText | None) -> EnvironmentText:
        """What the environment adds; what this form does not hold stays as it was."""
        values = {f.name: getattr(before, f.name) for f in fields(EnvironmentText)} if before else {}
        own = {f.name for f in fields(EnvironmentText)} & set(EnvironmentForm.model_fields)
        values |= {name: _tupled(getattr(self, name)) for name in own}
        return EnvironmentText(**{**values, "price_minor": self.price, "opening_hours": self.openings()})


class ReviewForm(Input):
    review_message: LongText = ""


def new_values() -> dict[str, Any]:
    """The values of the form of a new environment: the table's own defaults, and office hours on weekdays."""
    text = asdict(EnvironmentText())
    hours = [Opening(day, time(8), time(17)) for day in WEEK if day <= 5]  # noqa: PLR2004  # Friday
    return {
        **{name: _shown(text[name]) if name in text else "" for name in EnvironmentForm.model_fields},
        **{name: [] for name in ("sectors", "perspectives", "specialisations")},
        "kind": Kind.TESTBED.value,
        "visibility": Visibility.PUBLIC.value,
        "answer_days": 5,
        "needs_ethics_approval": "",
        **hour_values(hours),
    }


def entry_values(entry: EntryView) -> dict[str, Any]:
    """The values of an environment's entry, for its form."""
    row: Mapping[str, Any] = entry.row
    return {
        **{name: _shown(row[name]) for name in EnvironmentForm.model_fields if name in row},
        "price": written_kronor(row["price_minor"]),
        "needs_ethics_approval": "true" if row["needs_ethics_approval"] else "",
        **hour_values(entry.opening_hours),
    }


def _tupled(value: object) -> object:
    return tuple(dict.fromkeys(value)) if isinstance(value, list) else value


def _shown(value: object) -> object:
    if isinstance(value, (list, tuple)):
        return [str(getattr(part, "value", part)) for part in value]
    return "" if value is None else getattr(value, "value", value)
