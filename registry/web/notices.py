"""What a page says after an action sent the reader to it, by code; the code is in the address."""

from registry.errors import N_

NOTICES: dict[str, tuple[str, str]] = {
    "signed-in": ("success", N_("You are signed in.")),
    "signed-out": ("success", N_("You are signed out.")),
    "draft-saved": ("success", N_("The draft is saved.")),
    "booking-sent": ("success", N_("Your booking request has been sent. The host answers next.")),
    "booking-changed": ("success", N_("The booking has been updated.")),
    "agreement-changed": ("success", N_("The agreement has been updated.")),
    "agreement-created": ("success", N_("The agreement has been created.")),
    "agreement-sent": ("success", N_("The agreement has been sent to legal, who reviews it next.")),
    "agreement-signed": ("success", N_("The signature has been stored. The page shows who acts next.")),
    "agreement-in-force": (
        "success",
        N_("Everybody has signed and the agreement is in force. Bookings that waited for it confirm by themselves."),
    ),
    "document-added": ("success", N_("The document has been added.")),
    "entry-changed": ("success", N_("The entry has been updated.")),
    "entry-created": ("success", N_("The entry has been created.")),
    "procurement-changed": ("success", N_("The procurement has been updated.")),
    "procurement-created": ("success", N_("The procurement has been logged.")),
    "partnership-created": ("success", N_("The innovation partnership has been logged.")),
    "partnership-changed": ("success", N_("The innovation partnership has been updated.")),
    "phase-added": ("success", N_("The phase has been added.")),
    "phase-decided": ("success", N_("The decision has been recorded.")),
    "entry-submitted": ("success", N_("The entry has been sent to the innovation unit for review.")),
    "concept-created": ("success", N_("The concept has been created. The search uses it within a minute.")),
    "concept-changed": ("success", N_("The concept has been updated. The search uses it within a minute.")),
    "concept-removed": ("success", N_("The concept has been removed.")),
    "term-added": ("success", N_("The term has been added. The search uses it within a minute.")),
    "search-saved": ("success", N_("The search is saved. Mail tells you of what is new from now on, if you chose it.")),
    "search-changed": ("success", N_("The saved search has been changed.")),
    "search-removed": ("success", N_("The saved search has been removed.")),
    "calendar-revoked": ("success", N_("The calendar address no longer works.")),
    "notices-chosen": ("success", N_("Your choice is saved.")),
    "entry-decided": ("success", N_("The decision on the entry has been recorded.")),
}
