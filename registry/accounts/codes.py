"""The codes of accounts."""

from enum import StrEnum


class OrganisationKind(StrEnum):
    """What an organisation is. `unit` is part of another organisation."""

    COMMITTEE = "committee"
    REGION_COMPANY = "region_company"
    UNIT = "unit"
    FIRM = "firm"
    UNIVERSITY = "university"
    MUNICIPALITY = "municipality"
    OTHER_REGION = "other_region"
    PUBLIC_BODY = "public_body"
    CONSORTIUM = "consortium"


class FirmSize(StrEnum):
    """Size classes of Commission recommendation 2003/361/EC."""

    MICRO = "micro"
    SMALL = "small"
    MEDIUM = "medium"
    LARGE = "large"
