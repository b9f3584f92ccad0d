"""Commands on agreements, by the module that holds them; other concepts find them here."""

from registry.agreements.checklists import add_item, retire_item
from registry.agreements.documents import add_document, read_document
from registry.agreements.drafts import add_version, create_agreement, open_missing
from registry.agreements.extraction import extract_document, extract_left, handle_extract_job
from registry.agreements.review import assign, comment, tick
from registry.agreements.signing import order_signature, record_copy, settle_order
from registry.agreements.steps import (
    approve,
    follow_dates,
    follow_dates_today,
    request_changes,
    sign,
    submit,
    take_step,
    terminate,
)
from registry.agreements.templates import create_template, offer_terms

__all__ = [
    "add_document",
    "add_item",
    "add_version",
    "approve",
    "assign",
    "comment",
    "create_agreement",
    "create_template",
    "extract_document",
    "extract_left",
    "follow_dates",
    "follow_dates_today",
    "handle_extract_job",
    "offer_terms",
    "open_missing",
    "order_signature",
    "read_document",
    "record_copy",
    "request_changes",
    "retire_item",
    "settle_order",
    "sign",
    "submit",
    "take_step",
    "terminate",
    "tick",
]
