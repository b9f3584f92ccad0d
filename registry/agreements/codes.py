"""The codes of agreements and of the terms on intellectual property (IP)."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class AgreementType(StrEnum):
    NDA = "nda"
    TEST = "test"
    COLLABORATION = "collaboration"
    FRAMEWORK = "framework"
    DATA_PROCESSING = "data_processing"
    LICENCE = "licence"
    PARTNERSHIP_CONTRACT = "partnership_contract"


class PartyRole(StrEnum):
    """`region` is the public party that offers the agreement, `counterparty` whoever signs up to it."""

    REGION = "region"
    COUNTERPARTY = "counterparty"
    PARTNER = "partner"


class SignatureMethod(StrEnum):
    """How a party signed: by a signed-in person, on paper that staff recorded, or through an e-signature service."""

    SIGNED_IN = "signed_in"
    RECORDED_COPY = "recorded_copy"
    E_SIGNATURE = "e_signature"


class TextStatus(StrEnum):
    """What came of reading the text of a document: `empty` has none (scanned), `damaged` is not what was added."""

    EXTRACTED = "extracted"
    EMPTY = "empty"
    ENCRYPTED = "encrypted"
    BROKEN = "broken"
    TOO_LARGE = "too_large"
    DAMAGED = "damaged"


class TermStatus(StrEnum):
    """Whether a term has a value; a blank would mean all three."""

    VALUE = "value"
    NOT_REGULATED = "not_regulated"
    NOT_REVIEWED = "not_reviewed"


class TermGroup(StrEnum):
    """The eleven groups of IP terms."""

    BACKGROUND = "background"
    RESULTS = "results"
    REGION_RIGHTS = "region_rights"
    COMMERCIALISATION = "commercialisation"
    SIDEGROUND = "sideground"
    DATA = "data"
    PUBLICATION = "publication"
    CONFIDENTIALITY = "confidentiality"
    PATENTS = "patents"
    LIABILITY = "liability"
    EMPLOYEES = "employees"


class ValueKind(StrEnum):
    """What a term's value is: one of listed codes, a whole number, or a short text."""

    CODE = "code"
    NUMBER = "number"
    TEXT = "text"


@dataclass(frozen=True)
class TermField:
    """One field of the IP terms: its group, the kind of its value, and for codes the allowed ones.

    Numbers are whole; `unit` says of what (`months`, `days`, `percent`). `results_share_percent` is the
    counterparty's share of results that are owned together.
    """

    group: TermGroup
    kind: ValueKind
    values: tuple[str, ...] = ()
    unit: str = ""


_G = TermGroup
_PARTIES = ("region", "counterparty", "each_own", "joint")
_YES_NO = ("yes", "no")


def _code(group: TermGroup, *values: str) -> TermField:
    return TermField(group, ValueKind.CODE, values)


def _number(group: TermGroup, unit: str) -> TermField:
    return TermField(group, ValueKind.NUMBER, unit=unit)


def _text(group: TermGroup) -> TermField:
    return TermField(group, ValueKind.TEXT)


TERM_FIELDS: Mapping[str, TermField] = {
    "background_listed": _code(_G.BACKGROUND, *_YES_NO),
    "background_owner": _code(_G.BACKGROUND, "each_own", "region", "counterparty"),
    "background_use_during": _code(_G.BACKGROUND, "free", "on_request", "none"),
    "background_use_after": _code(_G.BACKGROUND, "free", "fair_terms", "none"),
    "results_ownership": _code(_G.RESULTS, "buyer", "supplier", "each_own", "joint", "inventor"),
    "results_share_percent": _number(_G.RESULTS, "percent"),
    "region_rights": _code(_G.REGION_RIGHTS, "assignment", "exclusive", "non_exclusive", "use_only", "none"),
    "region_purpose": _code(_G.REGION_RIGHTS, "own_operations", "public_sector", "any"),
    "region_field": _text(_G.REGION_RIGHTS),
    "region_territory": _code(_G.REGION_RIGHTS, "sweden", "eu", "worldwide"),
    "region_term_months": _number(_G.REGION_RIGHTS, "months"),
    "region_sublicensing": _code(_G.REGION_RIGHTS, "other_regions", "none", "free"),
    "region_modify": _code(_G.REGION_RIGHTS, *_YES_NO),
    "region_source_code": _code(_G.REGION_RIGHTS, "source_code", "escrow", "none"),
    "commercialisation": _code(_G.COMMERCIALISATION, "allowed", "with_consent", "not_allowed"),
    "commercial_return": _code(_G.COMMERCIALISATION, "none", "royalty", "price_reduction"),
    "commercial_deadline_months": _number(_G.COMMERCIALISATION, "months"),
    "march_in": _code(_G.COMMERCIALISATION, *_YES_NO),
    "sideground_owner": _code(_G.SIDEGROUND, *_PARTIES),
    "improvements_owner": _code(_G.SIDEGROUND, *_PARTIES),
    "data_owner": _code(_G.DATA, *_PARTIES),
    "data_access": _code(_G.DATA, "during_test", "during_and_after", "none"),
    "data_portability": _code(_G.DATA, *_YES_NO),
    "personal_data": _code(_G.DATA, "none", "region_controller", "counterparty_controller", "joint_controllers"),
    "publication": _code(_G.PUBLICATION, "allowed", "after_review", "with_consent", "not_allowed"),
    "publication_review_days": _number(_G.PUBLICATION, "days"),
    "publication_delay_days": _number(_G.PUBLICATION, "days"),
    "confidentiality_months": _number(_G.CONFIDENTIALITY, "months"),
    "patent_filing": _code(_G.PATENTS, "region", "counterparty", "owner", "joint"),
    "patent_costs": _code(_G.PATENTS, "region", "counterparty", "owner", "shared"),
    "open_source_licence": _text(_G.PATENTS),
    "liability": _code(_G.LIABILITY, "capped", "unlimited", "excluded"),
    "warranty": _code(_G.LIABILITY, "as_is", "limited", "full"),
    "survival_months": _number(_G.LIABILITY, "months"),
    "termination_effect": _code(_G.LIABILITY, "rights_end", "rights_remain"),
    "employee_inventions": _code(_G.EMPLOYEES, "lau_applies", "teacher_exemption", "assignment"),
    "assignment_obtained": _code(_G.EMPLOYEES, *_YES_NO),
}


class Severity(StrEnum):
    """How much it matters that a term is not as the template says; the most serious first."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


# What holds until legal decides otherwise for a field; the fields that are not named are `medium`.
USUAL_SEVERITIES: Mapping[str, Severity] = {
    **dict.fromkeys(
        (
            "results_ownership",
            "region_rights",
            "data_owner",
            "personal_data",
            "confidentiality_months",
            "liability",
            "employee_inventions",
            "assignment_obtained",
        ),
        Severity.HIGH,
    ),
    **dict.fromkeys(
        (
            "background_listed",
            "region_field",
            "commercial_deadline_months",
            "data_portability",
            "publication_delay_days",
            "patent_costs",
        ),
        Severity.LOW,
    ),
}


@dataclass(frozen=True)
class TermValue:
    """What a set of IP terms says about one field: a value (exactly one of code, number, text), or that it has none."""

    field: str
    status: TermStatus
    code: str | None = None
    number: int | None = None
    text: str | None = None
    clause: str = ""
    note_sv: str = ""
    note_en: str = ""

    @property
    def value(self) -> str | int | None:
        """The code, number or text; None without a value."""
        return next((part for part in (self.code, self.number, self.text) if part is not None), None)
