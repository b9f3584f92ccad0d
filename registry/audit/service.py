"""Writing to the log."""

import json
from collections.abc import Mapping
from enum import StrEnum

from registry import database
from registry.access import Actor


class EventType(StrEnum):
    """What can happen, as `subject.what`."""

    SIGNED_IN = "person.signed_in"
    SIGN_IN_FAILED = "person.sign_in_failed"
    SIGNED_OUT = "person.signed_out"
    PERSON_CREATED = "person.created"
    ROLE_GRANTED = "person.role_granted"
    ROLE_WITHDRAWN = "person.role_withdrawn"
    AUTHORITY_GIVEN = "person.authority_given"
    AUTHORITY_ENDED = "person.authority_ended"
    TOKEN_CREATED = "person.token_created"  # noqa: S105  # the name of an event
    TOKEN_REVOKED = "person.token_revoked"  # noqa: S105  # the name of an event
    NOTICES_CHOSEN = "person.notices_chosen"
    ORGANISATION_CREATED = "organisation.created"
    ENTRY_CREATED = "entry.created"
    ENTRY_CHANGED = "entry.changed"
    ENTRY_STATUS_CHANGED = "entry.status_changed"
    ENTRY_CONFIRMED = "entry.confirmed"
    ENTRY_RELATED = "entry.related"
    ENVIRONMENT_CHANGED = "environment.changed"
    TEMPLATE_CREATED = "template.created"
    TEMPLATE_VERSION_CREATED = "template.version_created"
    TERMS_OFFERED = "entry.terms_offered"
    AGREEMENT_CREATED = "agreement.created"
    AGREEMENT_CHANGED = "agreement.changed"
    AGREEMENT_STATE_CHANGED = "agreement.state_changed"
    AGREEMENT_SIGNED_BY_PARTY = "agreement.signed_by_party"
    SIGNING_ORDERED = "agreement.signing_ordered"
    SIGNING_CLOSED = "agreement.signing_closed"
    AGREEMENT_REMINDED = "agreement.reminded"
    AGREEMENT_READ = "agreement.read"
    AGREEMENT_SEARCHED = "agreement.searched"
    AGREEMENT_ASSIGNED = "agreement.assigned"
    AGREEMENT_CHECKED = "agreement.checked"
    AGREEMENT_COMMENTED = "agreement.commented"
    CHECKLIST_CHANGED = "checklist.changed"
    DOCUMENT_ADDED = "agreement.document_added"
    SEVERITIES_CHANGED = "term_severity.changed"
    DOCUMENT_DAMAGED = "agreement.document_damaged"
    BOOKING_CREATED = "booking.created"
    BOOKING_CHANGED = "booking.changed"
    BOOKING_STATE_CHANGED = "booking.state_changed"
    BOOKING_READ = "booking.read"
    SERIES_CREATED = "booking_series.created"
    SERIES_CHANGED = "booking_series.changed"
    SERIES_READ = "booking_series.read"
    BOOKING_MESSAGE_SENT = "booking.message_sent"
    BOOKING_NOTED = "booking.noted"
    REPLY_TEMPLATE_CREATED = "reply_template.created"
    REPLY_TEMPLATE_CHANGED = "reply_template.changed"
    REPLY_TEMPLATE_REMOVED = "reply_template.removed"
    IP_OPENED = "booking.ip_assessment_opened"
    IP_DECIDED = "booking.ip_assessment_decided"
    IP_REOPENED = "booking.ip_assessment_reopened"
    CALENDAR_MADE = "calendar.made"
    CALENDAR_REVOKED = "calendar.revoked"
    BOOKING_OFFERED = "booking.offered"
    BOOKING_MOVE_ASKED = "booking.move_asked"
    BOOKING_MOVE_ANSWERED = "booking.move_answered"
    BOOKING_MOVED = "booking.moved"
    OUTCOME_RECORDED = "booking.outcome_recorded"
    OUTCOME_TEXT_WRITTEN = "booking.outcome_text_written"
    OUTCOME_TEXT_AGREED = "booking.outcome_text_agreed"
    OUTCOME_PUBLISHED = "booking.outcome_published"
    OUTCOME_REMOVED = "booking.outcome_removed"
    PROCUREMENT_CREATED = "procurement.created"
    PROCUREMENT_CHANGED = "procurement.changed"
    PROCUREMENT_STAGE_CHANGED = "procurement.stage_changed"
    PROCUREMENT_READ = "procurement.read"
    PARTNERSHIP_CREATED = "partnership.created"
    PARTNERSHIP_CHANGED = "partnership.changed"
    PHASE_ADDED = "partnership.phase_added"
    PHASE_DECIDED = "partnership.phase_decided"
    CONCEPT_CREATED = "vocabulary.concept_created"
    CONCEPT_CHANGED = "vocabulary.concept_changed"
    CONCEPT_REMOVED = "vocabulary.concept_removed"
    VOCABULARY_LOADED = "vocabulary.loaded"
    SAVED_SEARCH_CREATED = "saved_search.created"
    SAVED_SEARCH_CHANGED = "saved_search.changed"
    SAVED_SEARCH_REMOVED = "saved_search.removed"


_INSERT = """
INSERT INTO audit_event (actor_id, actor_name, type, subject_kind, subject_id, entry_id, data)
VALUES ($1, $2, $3, $4, $5, $6, $7::jsonb)
"""


async def record(
    actor: Actor,
    event: EventType,
    subject_id: object,
    data: Mapping[str, object] | None = None,
    *,
    entry_id: int | None = None,
) -> None:
    """Write one event in the running transaction, so that change and log stand or fall together.

    `data` holds codes and identifiers, never personal or confidential text; times in it are ISO 8601 in UTC.
    `entry_id` names the entry that the event concerns, where there is one.
    """
    await database.fetch(
        _INSERT,
        actor.person_id,
        "" if actor.is_signed_in else actor.name,
        event.value,
        event.value.split(".", maxsplit=1)[0],
        str(subject_id),
        entry_id,
        json.dumps(dict(data or {}), ensure_ascii=False, default=str),
    )
