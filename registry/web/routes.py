"""All handlers of the public and signed-in site."""

from litestar.types import ControllerRouterHandler

from registry.web import feeds, system
from registry.web.api import agreement_search as agreement_search_api
from registry.web.api import agreement_versions as agreement_version_api
from registry.web.api import agreements as agreement_api
from registry.web.api import booking_steps as booking_step_api
from registry.web.api import bookings as booking_api
from registry.web.api import calendar_editing as calendar_editing_api
from registry.web.api import calendars as calendar_api
from registry.web.api import entries as entry_api
from registry.web.api import messages as message_api
from registry.web.api import procurement as procurement_api
from registry.web.api import series as series_api
from registry.web.pages import account as account_pages
from registry.web.pages import agreement_comparison as agreement_comparison_pages
from registry.web.pages import agreement_files as agreement_file_pages
from registry.web.pages import agreement_terms as agreement_term_pages
from registry.web.pages import agreements as agreement_pages
from registry.web.pages import booking_steps as booking_step_pages
from registry.web.pages import bookings as booking_pages
from registry.web.pages import calendar_feeds as calendar_feed_pages
from registry.web.pages import calendars as calendar_pages
from registry.web.pages import demo_mails
from registry.web.pages import entries as entry_pages
from registry.web.pages import procurement as procurement_pages
from registry.web.pages import series as series_pages
from registry.web.pages import session as session_pages
from registry.web.pages import start as start_pages


def handlers() -> list[ControllerRouterHandler]:
    """The handlers, pages first."""
    return [
        *system.HANDLERS,
        *start_pages.HANDLERS,
        *session_pages.HANDLERS,
        *entry_pages.HANDLERS,
        *calendar_pages.HANDLERS,
        *booking_pages.HANDLERS,
        *booking_step_pages.HANDLERS,
        *series_pages.HANDLERS,
        *agreement_pages.HANDLERS,
        *agreement_comparison_pages.HANDLERS,
        *agreement_file_pages.HANDLERS,
        *agreement_term_pages.HANDLERS,
        *procurement_pages.HANDLERS,
        *account_pages.HANDLERS,
        *calendar_feed_pages.HANDLERS,
        *feeds.HANDLERS,
        *demo_mails.HANDLERS,
        *entry_api.HANDLERS,
        *booking_api.HANDLERS,
        *booking_step_api.HANDLERS,
        *series_api.HANDLERS,
        *message_api.HANDLERS,
        *calendar_api.HANDLERS,
        *calendar_editing_api.HANDLERS,
        *agreement_api.HANDLERS,
        *agreement_version_api.HANDLERS,
        *agreement_search_api.HANDLERS,
        *procurement_api.HANDLERS,
    ]
