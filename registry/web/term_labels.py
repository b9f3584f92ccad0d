"""What the fields, groups and statuses of IP terms are called, and what belongs to signatures."""

from collections.abc import Mapping

from registry.errors import N_

TERM_LABELS: Mapping[str, Mapping[str, str]] = {
    "term_group": {
        "background": N_("What the parties bring with them"),
        "results": N_("Results"),
        "region_rights": N_("The public party's rights"),
        "commercialisation": N_("Selling the results"),
        "sideground": N_("What is made alongside, and improvements"),
        "data": N_("Data and personal data"),
        "publication": N_("Publishing"),
        "confidentiality": N_("Confidentiality"),
        "patents": N_("Patents and open source"),
        "liability": N_("Liability, and what applies afterwards"),
        "employees": N_("Employees' inventions"),
    },
    "term_field": {
        "background_listed": N_("List of background"),
        "background_owner": N_("Owner of background"),
        "background_use_during": N_("Use of background during the work"),
        "background_use_after": N_("Use of background after the work"),
        "results_ownership": N_("Owner of results"),
        "results_share_percent": N_("Share of results"),
        "region_rights": N_("Right to use the results"),
        "region_purpose": N_("Purpose"),
        "region_field": N_("Field of use"),
        "region_territory": N_("Territory"),
        "region_term_months": N_("Duration of the right"),
        "region_sublicensing": N_("Right to let others use"),
        "region_modify": N_("Right to change"),
        "region_source_code": N_("Source code"),
        "commercialisation": N_("Right to sell"),
        "commercial_return": N_("Payment on sales"),
        "commercial_deadline_months": N_("Deadline for the market"),
        "march_in": N_("Taking over unused rights"),
        "sideground_owner": N_("Owner of what is made alongside"),
        "improvements_owner": N_("Owner of improvements"),
        "data_owner": N_("Owner of data"),
        "data_access": N_("Access to data"),
        "data_portability": N_("Taking data along"),
        "personal_data": N_("Controller of personal data"),
        "publication": N_("Right to publish"),
        "publication_review_days": N_("Time to read before publishing"),
        "publication_delay_days": N_("Delay of publishing"),
        "confidentiality_months": N_("Duration of confidentiality"),
        "patent_filing": N_("Who applies for patents"),
        "patent_costs": N_("Who pays for patents"),
        "open_source_licence": N_("Open-source licence"),
        "liability": N_("Liability"),
        "warranty": N_("Warranties"),
        "survival_months": N_("What applies afterwards"),
        "termination_effect": N_("Rights when the agreement ends"),
        "employee_inventions": N_("Employees' inventions"),
        "assignment_obtained": N_("Written assignments"),
    },
    "term_status": {
        "value": N_("Regulated"),
        "not_regulated": N_("Not regulated"),
        "not_reviewed": N_("Not reviewed"),
    },
    "severity": {
        "high": N_("Serious deviation"),
        "medium": N_("Deviation to consider"),
        "low": N_("Minor deviation"),
    },
    "term_unit": {
        "months": N_("months"),
        "days": N_("days"),
        "percent": N_("per cent"),
    },
    "signature_method": {
        "e_signature": N_("signed through an e-signature service"),
        "signed_in": N_("Signed in the registry"),
        "recorded_copy": N_("Signed on paper"),
    },
    "agreement_action": {
        "submit": N_("Send to legal"),
        "request_changes": N_("Ask for changes"),
        "approve": N_("Approve"),
        "sign": N_("Sign"),
        "terminate": N_("Terminate"),
    },
    "agreement_event": {
        "agreement.created": N_("Created"),
        "agreement.changed": N_("A new version was made"),
        "agreement.state_changed": N_("New state"),
        "agreement.signed_by_party": N_("Signed by a party"),
        "agreement.read": N_("Read by staff"),
        "agreement.document_added": N_("Document added"),
        "agreement.document_damaged": N_("Document found damaged"),
    },
    "document_text": {
        "empty": N_("This document has no text, perhaps because it is scanned: it cannot be found by its words."),
        "encrypted": N_(
            "The text of this document could not be read (it is protected): it cannot be found by its words."
        ),
        "broken": N_("This document is broken: it cannot be found by all of its words, perhaps by none."),
        "too_large": N_(
            "This document is too large to read whole: it cannot be found by all of its words, perhaps by none."
        ),
        "damaged": N_(
            "This document is not the one that was added: it cannot be found by its words. Tell the innovation unit."
        ),
    },
    "next_actor": {
        "firm": N_("The counterparty acts next"),
        "legal": N_("Legal acts next"),
        "nobody": N_("Nobody has to act"),
    },
}
