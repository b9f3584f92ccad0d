"""What people write about procurements, partnerships and phases, and how it is stored."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from registry.entries.service import EntryText
from registry.procurement.codes import InnovationCode, PartnerRole, Procedure


@dataclass(frozen=True)
class ProcurementText:
    """What people write about a procurement.

    `entry.accountable_body` is the buyer; the entry's kind is set by the command. Amounts are in the currency's
    minor unit, `deadline` is a moment with its offset from UTC.
    """

    entry: EntryText
    procedure: Procedure
    dnr: str = ""
    innovation_codes: tuple[InnovationCode, ...] = ()
    cpv: tuple[str, ...] = ()
    need: str = ""
    criteria: str = ""
    estimated_minor: int | None = None
    final_minor: int | None = None
    currency: str = "SEK"
    deadline: datetime | None = None
    notice: str = ""

    def columns(self) -> dict[str, Any]:
        """The values of the table's columns."""
        return {
            "buyer": self.entry.accountable_body,
            "procedure": self.procedure.value,
            "dnr": self.dnr,
            "innovation_codes": [code.value for code in self.innovation_codes],
            "cpv": list(self.cpv),
            "need": self.need,
            "criteria": self.criteria,
            "estimated_minor": self.estimated_minor,
            "final_minor": self.final_minor,
            "currency": self.currency,
            "deadline": self.deadline,
            "notice": self.notice,
        }


@dataclass(frozen=True)
class PhaseText:
    """What people write about a phase. The dates are in Europe/Stockholm, both included; `environments` are ids."""

    title: str
    starts_on: date
    ends_on: date
    targets: str = ""
    remuneration_minor: int | None = None
    currency: str = "SEK"
    environments: tuple[int, ...] = ()
    agreement: UUID | None = None

    def columns(self) -> dict[str, Any]:
        """The values of the table's columns."""
        return {
            "title": self.title,
            "starts_on": self.starts_on,
            "ends_on": self.ends_on,
            "targets": self.targets,
            "remuneration_minor": self.remuneration_minor,
            "currency": self.currency,
            "agreement": self.agreement,
        }


@dataclass(frozen=True)
class PartnershipText:
    """What people write about a partnership; `partners` are organisations by id with their roles.

    `phases` are those that it starts with; later ones have their own commands.
    """

    entry: EntryText
    dnr: str = ""
    procurement: UUID | None = None
    agreement: UUID | None = None
    partners: tuple[tuple[int, PartnerRole], ...] = ()
    performance_level: str = ""
    highest_cost_minor: int | None = None
    currency: str = "SEK"
    phases: tuple[PhaseText, ...] = ()

    def columns(self) -> dict[str, Any]:
        """The values of the table's columns."""
        return {
            "dnr": self.dnr,
            "procurement": self.procurement,
            "agreement": self.agreement,
            "performance_level": self.performance_level,
            "highest_cost_minor": self.highest_cost_minor,
            "currency": self.currency,
        }
