"""What codes are called, in the reader's language: `label(code, group)`; as a filter `code | label("sector")`."""

from collections.abc import Mapping

from registry.errors import N_
from registry.web.language import gettext
from registry.web.term_labels import TERM_LABELS

LABELS: Mapping[str, Mapping[str, str]] = {
    **TERM_LABELS,
    "kind": {
        "testbed": N_("Testbed"),
        "demo_environment": N_("Demo environment"),
        "innovation_procurement": N_("Innovation procurement"),
        "innovation_partnership": N_("Innovation partnership"),
    },
    "sector": {
        "healthcare": N_("Healthcare"),
        "transport": N_("Transport"),
        "culture": N_("Culture"),
        "environment": N_("Environment"),
    },
    "perspective": {
        "everyday_services": N_("Everyday services"),
        "quality": N_("Quality"),
        "efficiency": N_("Efficiency"),
        "insight": N_("Insight"),
    },
    "specialisation": {
        "life_science": N_("Life science"),
        "ict_tech": N_("ICT and tech"),
        "industrial_transition": N_("Industrial transition"),
        "climate_cities": N_("Climate and sustainable cities"),
    },
    "track": {
        "internal": N_("The region's own operations"),
        "regional_development": N_("Regional development"),
    },
    "entry_status": {
        "draft": N_("Draft"),
        "in_review": N_("In review"),
        "changes_requested": N_("Changes requested"),
        "published": N_("Published"),
        "archived": N_("Archived"),
    },
    "visibility": {"public": N_("Everybody"), "staff": N_("Staff")},
    "audience": {"external": N_("External organisations"), "employee": N_("Employees")},
    "remuneration": {
        "free": N_("Free of charge"),
        "fixed": N_("Fixed price"),
        "hourly": N_("Price per hour"),
        "shared_cost": N_("Shared costs"),
        "by_agreement": N_("By agreement"),
    },
    "relation": {
        "uses": N_("Uses"),
        "used_by": N_("Is used by"),
        "led_to": N_("Led to"),
        "result_of": N_("Came out of"),
        "related": N_("Related"),
        "whole": N_("Is a part of"),
        "part": N_("Has the part"),
    },
    "organisation_kind": {
        "committee": N_("Committee"),
        "region_company": N_("Company of the region"),
        "unit": N_("Unit"),
        "firm": N_("Firm"),
        "university": N_("University"),
        "municipality": N_("Municipality"),
        "other_region": N_("Other region"),
        "public_body": N_("Public body"),
        "consortium": N_("Consortium"),
    },
    "role": {
        "firm": N_("Firm"),
        "employee": N_("Employee"),
        "host": N_("Host"),
        "procurement": N_("Procurement officer"),
        "legal": N_("Legal"),
        "coordinator": N_("Coordinator"),
        "auditor": N_("Auditor"),
    },
    "demo_account": {
        "firm": N_("Firm Alfa"),
        "firm2": N_("Firm Beta"),
        "employee": N_("Employee"),
        "host": N_("Host"),
        "procurement": N_("Procurement officer"),
        "legal": N_("Legal"),
        "coordinator": N_("Coordinator"),
        "auditor": N_("Auditor"),
    },
    "agreement_type": {
        "nda": N_("Non-disclosure agreement"),
        "test": N_("Test agreement"),
        "collaboration": N_("Collaboration agreement"),
        "framework": N_("Framework agreement"),
        "data_processing": N_("Data-processing agreement"),
        "licence": N_("Licence"),
        "partnership_contract": N_("Partnership contract"),
    },
    "agreement_state": {
        "draft": N_("Draft"),
        "in_review": N_("In review"),
        "changes_requested": N_("Changes requested"),
        "approved": N_("Approved, waits for signatures"),
        "signed": N_("Signed"),
        "in_force": N_("In force"),
        "expired": N_("Expired"),
        "terminated": N_("Terminated"),
        "superseded": N_("Superseded"),
    },
    "party_role": {
        "region": N_("Public party"),
        "counterparty": N_("Counterparty"),
        "partner": N_("Partner"),
    },
    "booking_state": {
        "draft": N_("Draft"),
        "submitted": N_("Sent, waits for the host"),
        "changes_requested": N_("Sent back with questions"),
        "waitlisted": N_("On the waiting list"),
        "approved": N_("Approved, waits for agreements"),
        "confirmed": N_("Confirmed"),
        "in_progress": N_("In progress"),
        "completed": N_("Completed"),
        "outcome_recorded": N_("Outcome recorded"),
        "declined": N_("Declined"),
        "withdrawn": N_("Withdrawn"),
        "cancelled": N_("Cancelled"),
        "no_show": N_("Nobody came"),
    },
    "booking_action": {
        "submit": N_("Send the request"),
        "approve": N_("Approve"),
        "decline": N_("Decline"),
        "request_changes": N_("Send back with a question"),
        "waitlist": N_("Put on the waiting list"),
        "withdraw": N_("Withdraw"),
        "confirm": N_("Confirm"),
        "lapse": N_("Let the approval lapse"),
        "cancel": N_("Cancel"),
        "start": N_("Check in"),
        "no_show": N_("Nobody came"),
        "complete": N_("Complete"),
        "outcome": N_("Record the outcome"),
    },
    "personal_data": {
        "none": N_("No personal data"),
        "personal": N_("Personal data"),
        "patient": N_("Patient data"),
    },
    "outcome": {
        "introduce": N_("Introduce"),
        "iterate": N_("Try again with changes"),
        "stop": N_("Stop"),
        "spread": N_("Spread to more places"),
    },
    "procedure": {
        "open": N_("Open procedure"),
        "restricted": N_("Restricted procedure"),
        "negotiated": N_("Negotiated procedure"),
        "competitive_dialogue": N_("Competitive dialogue"),
        "innovation_partnership": N_("Innovation partnership"),
        "design_contest": N_("Design contest"),
        "pre_commercial": N_("Pre-commercial procurement"),
        "direct": N_("Direct award"),
    },
    "innovation_code": {
        "mar-nov": N_("New to the market"),
        "proc-innov": N_("Innovative process"),
        "prod-innov": N_("Innovative product or service"),
        "rd-act": N_("Research and development"),
    },
    "stage": {
        "need": N_("Need"),
        "market_dialogue": N_("Market dialogue"),
        "preparation": N_("Preparation"),
        "published": N_("Published"),
        "evaluation": N_("Evaluation"),
        "awarded": N_("Awarded"),
        "contract": N_("Contract"),
        "follow_up": N_("Follow-up"),
        "cancelled": N_("Discontinued"),
    },
    "stage_action": {
        "open_dialogue": N_("Open the market dialogue"),
        "prepare": N_("Begin preparation"),
        "publish": N_("Publish"),
        "evaluate": N_("Begin evaluation"),
        "award": N_("Award"),
        "sign_contract": N_("Sign the contract"),
        "follow_up": N_("Begin follow-up"),
        "cancel": N_("Discontinue"),
    },
    "partner_role": {
        "buyer": N_("Buyer"),
        "partner": N_("Partner"),
        "subcontractor": N_("Subcontractor"),
        "user": N_("User"),
    },
    "phase_decision": {
        "continue": N_("Continue"),
        "reduce_partners": N_("Continue with fewer partners"),
        "terminate": N_("End the partnership"),
    },
    "purchase": {
        "undecided": N_("Not decided"),
        "purchased": N_("Purchased"),
        "not_purchased": N_("Not purchased"),
    },
    "results_ownership": {
        "buyer": N_("The region"),
        "supplier": N_("You"),
        "each_own": N_("Each party owns its own"),
        "joint": N_("Jointly owned"),
        "inventor": N_("The inventor"),
    },
}


def label(code: str, group: str) -> str:
    """The label of a code of a group; a code without one is shown as it is."""
    return gettext(LABELS[group].get(code, code))


def options(group: str) -> list[tuple[str, str]]:
    """All codes of a group with their labels, for a field to choose from."""
    return [(code, gettext(text)) for code, text in LABELS[group].items()]
