"""What the API takes about procurements and partnerships."""

from typing import Annotated, Self
from uuid import UUID

from pydantic import Field, StringConstraints, model_validator

from registry.accounts.codes import OrganisationKind
from registry.entries.codes import Sector, Track
from registry.errors import N_
from registry.procurement.codes import InnovationCode, PartnerRole, PhaseDecision, Procedure
from registry.procurement.states import Stage
from registry.web.amounts import Money
from registry.web.input import Day, Input, Line, LongText, Moment, RequiredLine, RequiredText, Whole
from registry.web.input_messages import MessageError

Dnr = Annotated[Line, Field(max_length=60)]
OrganisationId = Annotated[Whole, Field(ge=1, le=2**31 - 1)]
Cpv = Annotated[str, StringConstraints(pattern=r"^\d{8}(-\d)?$")]
Sectors = Annotated[list[Sector], Field(min_length=1, max_length=4)]


class TitleBody(Input):
    """A title in Swedish, English or both."""

    sv: Line = ""
    en: Line = ""

    @model_validator(mode="after")
    def _has_one(self) -> Self:
        if not self.sv and not self.en:
            raise MessageError(N_("Write a title, in Swedish or English."))
        return self


class SummaryBody(Input):
    """A summary in Swedish, English or both."""

    sv: LongText = ""
    en: LongText = ""


class ProcurementBody(Input):
    """An innovation procurement. The first sector is the main one; `submit` sends the entry to review at once."""

    title: TitleBody
    summary: SummaryBody = SummaryBody()
    sectors: Sectors
    track: Track
    buyer: OrganisationId
    dnr: Dnr = ""
    procedure: Procedure
    innovation_codes: list[InnovationCode] = Field(default_factory=list, max_length=4)
    cpv: list[Cpv] = Field(default_factory=list, max_length=50)
    need: LongText = ""
    criteria: LongText = ""
    estimated_value: Money | None = None
    deadline: Moment | None = None
    submit: bool = False


class PartnerBody(Input):
    organisation: OrganisationId
    role: PartnerRole


class PhaseBody(Input):
    """A phase; the dates are in Europe/Stockholm, both included, and `environments` are slugs."""

    title: RequiredLine
    targets: LongText = ""
    starts_on: Day
    ends_on: Day
    remuneration: Money | None = None
    environments: list[Line] = Field(default_factory=list, max_length=50)
    agreement: UUID | None = None


class PartnershipBody(Input):
    """An innovation partnership. The first sector is the main one; `submit` sends the entry to review at once."""

    title: TitleBody
    summary: SummaryBody = SummaryBody()
    sectors: Sectors
    track: Track
    accountable_body: OrganisationId
    dnr: Dnr = ""
    procurement: UUID | None = None
    agreement: UUID | None = None
    partners: list[PartnerBody] = Field(default_factory=list, max_length=50)
    performance_level: LongText = ""
    highest_cost: Money | None = None
    phases: list[PhaseBody] = Field(default_factory=list, max_length=20)
    submit: bool = False


class DecisionBody(Input):
    decision: PhaseDecision
    reasons: RequiredText


class StepBody(Input):
    """The reason is needed for cancelling, and public."""

    reason: LongText = ""


class Paging(Input):
    page: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    page_size: Annotated[int, Field(ge=1, le=100)] = 20


class ProcurementFilter(Paging):
    stage: Stage | None = None


class OrganisationFilter(Paging):
    kind: list[OrganisationKind] | None = None
    page_size: Annotated[int, Field(ge=1, le=500)] = 100
