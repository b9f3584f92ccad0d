"""The forms of the procurement desk: what they take, and the values they show."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, BeforeValidator, Field

from registry.entries.codes import Kind, Sector, Track
from registry.entries.service import EntryText
from registry.errors import N_, FieldError, InvalidInput, invalid, message
from registry.procurement.codes import InnovationCode, PartnerRole, PhaseDecision, Procedure, Purchase
from registry.procurement.service import PartnershipText, PhaseText, ProcurementText
from registry.procurement.views import EntryHead, PartnershipView, PhaseView, ProcurementView
from registry.web import language
from registry.web.amounts import Kronor, written_kronor
from registry.web.api.procurement_bodies import Dnr, OrganisationId
from registry.web.input import BlankIsNone, Day, Input, Line, LongText, RequiredLine
from registry.web.input_messages import MessageError

FEWEST_PARTNER_ROWS = 4
MOST_CODES = 50
_CPV_DIGITS = 8


def _cpv_codes(text: object) -> object:
    if not isinstance(text, str):
        return text
    codes = tuple(dict.fromkeys(text.replace(",", " ").replace(";", " ").split()))
    if len(codes) > MOST_CODES or any(not _is_cpv(code) for code in codes):
        raise MessageError(
            N_("Write CPV codes of eight digits with a space or comma between them, for example 33100000.")
        )
    return codes


def _is_cpv(code: str) -> bool:
    digits, dash, check = code.partition("-")
    return digits.isascii() and digits.isdigit() and len(digits) == _CPV_DIGITS and (not dash or len(check) == 1)


def _no_offset(value: time | None) -> time | None:
    return value.replace(tzinfo=None) if value else None


CpvCodes = Annotated[tuple[str, ...], BeforeValidator(_cpv_codes)]
LocalTime = Annotated[time | None, BlankIsNone, AfterValidator(_no_offset)]
OptionalDay = Annotated[Day | None, BlankIsNone]
OptionalId = Annotated[UUID | None, BlankIsNone]
EnvironmentId = Annotated[int, Field(ge=1, le=2**63 - 1)]
EnvironmentIds = Annotated[list[EnvironmentId], Field(default_factory=list, max_length=50)]


class EntryForm(Input):
    """What both forms say about the entry. `version` is what was read, for edits."""

    title_sv: Line = ""
    title_en: Line = ""
    summary_sv: LongText = ""
    summary_en: LongText = ""
    primary_sector: Sector
    sectors: list[Sector] = Field(default_factory=list, max_length=4)
    track: Track
    dnr: Dnr = ""
    version: int = 0
    submit: bool = False

    def entry(self, kind: Kind, body: int, before: EntryText | None) -> EntryText:
        """The text of the entry; what this form does not hold stays as it was."""
        if not self.title_sv and not self.title_en:
            raise invalid("title_sv", N_("Write a title, in Swedish or English."))
        values: dict[str, Any] = {
            "title_sv": self.title_sv,
            "title_en": self.title_en,
            "summary_sv": self.summary_sv,
            "summary_en": self.summary_en,
            "primary_sector": self.primary_sector,
            "sectors": tuple(dict.fromkeys((self.primary_sector, *self.sectors))),
            "track": self.track,
            "accountable_body": body,
        }
        return replace(before, **values) if before else EntryText(kind=kind, **values)


class ProcurementForm(EntryForm):
    """A procurement; the deadline is a date and a time of day in Europe/Stockholm, amounts are in kronor."""

    buyer: OrganisationId
    procedure: Procedure
    innovation_codes: list[InnovationCode] = Field(default_factory=list, max_length=4)
    cpv: CpvCodes = ()
    need: LongText = ""
    criteria: LongText = ""
    estimated: Kronor = None
    final: Kronor = None
    deadline_date: OptionalDay = None
    deadline_time: LocalTime = None

    def text(self, before: EntryText | None = None, currency: str = "SEK") -> ProcurementText:
        """What is to be stored."""
        return ProcurementText(
            entry=self.entry(Kind.INNOVATION_PROCUREMENT, self.buyer, before),
            procedure=self.procedure,
            dnr=self.dnr,
            innovation_codes=tuple(dict.fromkeys(self.innovation_codes)),
            cpv=self.cpv,
            need=self.need,
            criteria=self.criteria,
            estimated_minor=self.estimated,
            final_minor=self.final,
            currency=currency,
            deadline=_deadline(self.deadline_date, self.deadline_time),
        )


def _deadline(day: date | None, at: time | None) -> datetime | None:
    if day is None and at is None:
        return None
    if day is None:
        raise invalid("deadline_date", N_("Give the date as well as the time."))
    if at is None:
        raise invalid("deadline_time", N_("Give the time as well as the date."))
    moment = datetime.combine(day, at, language.STOCKHOLM)
    if language.local(moment.astimezone(UTC)).time() != at:
        raise invalid("deadline_time", N_("This time does not exist: the clocks go forward that night."))
    return moment


class PhaseForm(Input):
    """A phase; the dates are in Europe/Stockholm, both included."""

    title: RequiredLine
    targets: LongText = ""
    starts_on: Day
    ends_on: Day
    remuneration: Kronor = None
    environments: EnvironmentIds
    agreement: OptionalId = None

    def text(self, currency: str = "SEK") -> PhaseText:
        """What is to be stored."""
        return PhaseText(
            title=self.title,
            starts_on=self.starts_on,
            ends_on=self.ends_on,
            targets=self.targets,
            remuneration_minor=self.remuneration,
            currency=currency,
            environments=tuple(dict.fromkeys(self.environments)),
            agreement=self.agreement,
        )


class PartnershipForm(EntryForm):
    """A partnership; the rows of partners are two lists side by side, a row without an organisation counts as empty."""

    accountable_body: OrganisationId
    procurement: OptionalId = None
    agreement: OptionalId = None
    partner_organisation: list[Annotated[OrganisationId | None, BlankIsNone]] = Field(
        default_factory=list, max_length=60
    )
    partner_role: list[PartnerRole] = Field(default_factory=list, max_length=60)
    performance_level: LongText = ""
    highest_cost: Kronor = None

    def text(
        self, before: EntryText | None = None, phases: tuple[PhaseText, ...] = (), currency: str = "SEK"
    ) -> PartnershipText:
        """What is to be stored."""
        return PartnershipText(
            entry=self.entry(Kind.INNOVATION_PARTNERSHIP, self.accountable_body, before),
            dnr=self.dnr,
            procurement=self.procurement,
            agreement=self.agreement,
            partners=tuple((organisation, role) for _, organisation, role in self.partner_rows()),
            performance_level=self.performance_level,
            highest_cost_minor=self.highest_cost,
            currency=currency,
            phases=phases,
        )

    def partner_rows(self) -> list[tuple[int, int, PartnerRole]]:
        """The filled rows: place on the form, organisation and role."""
        if len(self.partner_role) != len(self.partner_organisation):
            raise invalid("partner_role.0", N_("Choose a role for each partner."))
        return [
            (row, organisation, role)
            for row, (organisation, role) in enumerate(zip(self.partner_organisation, self.partner_role, strict=True))
            if organisation is not None
        ]


class NewPartnershipForm(PartnershipForm):
    """A new partnership, with its first phase where one is given."""

    phase_title: Line = ""
    phase_targets: LongText = ""
    phase_starts_on: OptionalDay = None
    phase_ends_on: OptionalDay = None
    phase_remuneration: Kronor = None
    phase_environments: EnvironmentIds
    phase_agreement: OptionalId = None

    def first_phase(self) -> tuple[PhaseText, ...]:
        """The phase, or none where its title, targets and dates are all blank."""
        needed = {
            "phase_title": self.phase_title,
            "phase_starts_on": self.phase_starts_on,
            "phase_ends_on": self.phase_ends_on,
        }
        others = (self.phase_targets, self.phase_remuneration, self.phase_environments, self.phase_agreement)
        if not any(needed.values()) and not any(others):
            return ()
        missing = [name for name, value in needed.items() if not value]
        if self.phase_starts_on is None or self.phase_ends_on is None or missing:
            text = message(N_("A phase needs a title, a first day and a last day."))
            raise InvalidInput([FieldError(name, text) for name in missing])
        phase = PhaseText(
            title=self.phase_title,
            starts_on=self.phase_starts_on,
            ends_on=self.phase_ends_on,
            targets=self.phase_targets,
            remuneration_minor=self.phase_remuneration,
            environments=tuple(dict.fromkeys(self.phase_environments)),
            agreement=self.phase_agreement,
        )
        return (phase,)


class StageForm(Input):
    action: Line
    reason: LongText = ""


class DecisionForm(Input):
    decision: PhaseDecision
    reasons: LongText = ""


class PurchaseForm(Input):
    purchase: Purchase


def on_form(errors: Sequence[FieldError], raw: Mapping[str, Any]) -> list[FieldError]:
    """The errors with the names that the fields have on the form of a partnership; `raw` is what was sent."""
    rows = [row for row, value in enumerate(raw.get("partner_organisation", [])) if str(value).strip()]
    return [replace(fault, field=_name_on_form(fault.field, rows)) for fault in errors]


def _name_on_form(name: str, rows: Sequence[int]) -> str:
    parts = name.split(".")
    if parts[0] == "partners" and parts[1:2] and int(parts[1]) < len(rows):
        return f"partner_{parts[2] if parts[2:] else 'organisation'}.{rows[int(parts[1])]}"
    return f"phase_{parts[2]}" if parts[0] == "phases" and parts[2:] else name


# ---- Values for showing a form


def _entry_values(entry: EntryHead) -> dict[str, Any]:
    return {
        "title_sv": entry.title_sv,
        "title_en": entry.title_en,
        "summary_sv": entry.summary_sv,
        "summary_en": entry.summary_en,
        "primary_sector": entry.primary_sector,
        "sectors": entry.sectors,
        "track": entry.track,
    }


def procurement_values(procurement: ProcurementView) -> dict[str, Any]:
    """The values of a procurement, for its form."""
    content = procurement.content
    deadline = language.local(procurement.deadline) if procurement.deadline else None
    return {
        **_entry_values(procurement.entry),
        "version": procurement.version,
        "buyer": procurement.entry.body_id,
        "dnr": procurement.dnr,
        "procedure": procurement.procedure.value,
        "innovation_codes": procurement.innovation_codes,
        "cpv": ", ".join(procurement.cpv),
        "need": content.need if content else "",
        "criteria": content.criteria if content else "",
        "estimated": written_kronor(content.estimated_minor) if content else "",
        "final": written_kronor(content.final_minor) if content else "",
        "deadline_date": deadline.date().isoformat() if deadline else "",
        "deadline_time": deadline.strftime("%H:%M") if deadline else "",
    }


def partnership_values(partnership: PartnershipView) -> dict[str, Any]:
    """The values of a partnership, for its form."""
    content = partnership.content
    partners = content.partners if content else []
    return {
        **_entry_values(partnership.entry),
        "version": partnership.version,
        "accountable_body": partnership.entry.body_id,
        "dnr": partnership.dnr,
        "procurement": str(partnership.procurement_id or ""),
        "agreement": str(content.agreement.id) if content and content.agreement else "",
        "partner_organisation": [str(partner.organisation_id) for partner in partners],
        "partner_role": [partner.role.value for partner in partners],
        "performance_level": content.performance_level if content else "",
        "highest_cost": written_kronor(content.highest_cost_minor) if content else "",
    }


def phase_values(phase: PhaseView) -> dict[str, Any]:
    """The values of a phase, for its form."""
    content = phase.content
    return {
        "title": phase.title,
        "starts_on": phase.starts_on.isoformat(),
        "ends_on": phase.ends_on.isoformat(),
        "targets": content.targets if content else "",
        "remuneration": written_kronor(content.remuneration_minor) if content else "",
        "environments": [str(environment.entry_id) for environment in phase.environments],
        "agreement": str(content.agreement.id) if content and content.agreement else "",
    }


def partner_rows(values: dict[str, Any]) -> list[tuple[int, str, str]]:
    """The rows of partners on the form, with some empty ones: place, organisation, role."""
    organisations: Collection[Any] = values["partner_organisation"]
    roles = list(values["partner_role"])
    filled = list(organisations)
    rows = max(FEWEST_PARTNER_ROWS, len(filled) + (1 if all(filled) else 0))
    return [
        (
            row,
            str(filled[row]) if row < len(filled) else "",
            str(roles[row]) if row < len(roles) else PartnerRole.PARTNER.value,
        )
        for row in range(rows)
    ]
