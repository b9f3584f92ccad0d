"""The codes of procurements and innovation partnerships."""

from enum import StrEnum


class Procedure(StrEnum):
    """Procurement procedures of directive 2014/24/EU, and pre-commercial procurement, which is outside it."""

    OPEN = "open"
    RESTRICTED = "restricted"
    NEGOTIATED = "negotiated"
    COMPETITIVE_DIALOGUE = "competitive_dialogue"
    INNOVATION_PARTNERSHIP = "innovation_partnership"
    DESIGN_CONTEST = "design_contest"
    PRE_COMMERCIAL = "pre_commercial"
    DIRECT = "direct"


class InnovationCode(StrEnum):
    """The eForms codelist `innovative-acquisition`."""

    MAR_NOV = "mar-nov"
    PROC_INNOV = "proc-innov"
    PROD_INNOV = "prod-innov"
    RD_ACT = "rd-act"


class PartnerRole(StrEnum):
    BUYER = "buyer"
    PARTNER = "partner"
    SUBCONTRACTOR = "subcontractor"
    USER = "user"


class PhaseDecision(StrEnum):
    """What may be decided after a phase (directive 2014/24/EU, article 31.2)."""

    CONTINUE = "continue"
    REDUCE_PARTNERS = "reduce_partners"
    TERMINATE = "terminate"


class Purchase(StrEnum):
    """Whether the developed solution was bought."""

    UNDECIDED = "undecided"
    PURCHASED = "purchased"
    NOT_PURCHASED = "not_purchased"
