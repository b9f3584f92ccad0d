"""Tables of agreements."""

from uuid import uuid4

from piccolo.columns import (
    UUID,
    Array,
    BigInt,
    BigSerial,
    Boolean,
    Bytea,
    Date,
    ForeignKey,
    Integer,
    LazyTableReference,
    SmallInt,
    Text,
    Timestamptz,
    Varchar,
)
from piccolo.columns.base import OnDelete
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.constraints import Check, Unique
from piccolo.table import Table

from registry.agreements.codes import AgreementType, PartyRole, Severity, SignatureMethod, TermStatus, TextStatus
from registry.agreements.states import AgreementState, OrderState
from registry.database import one_of, some_of
from registry.entries.codes import Audience, Remuneration


class IpTerms(Table):
    """A set of IP terms; its rows are IpTerm. Append-only, because versions refer to it."""

    id = BigSerial(primary_key=True)
    created_at = Timestamptz(default=TimestamptzNow())


class IpTerm(Table):
    """One field of a set of IP terms, by the codes of `TERM_FIELDS`. Append-only."""

    id = BigSerial(primary_key=True)
    terms = ForeignKey(IpTerms, null=False, on_delete=OnDelete.restrict)
    field = Varchar(length=40)
    status = Varchar(length=20, default=TermStatus.NOT_REVIEWED)
    code = Varchar(length=40, null=True, default=None)
    number = Integer(null=True, default=None)
    text = Text(null=True, default=None)
    clause = Varchar(length=20, default="")
    note_sv = Text(default="")
    note_en = Text(default="")

    status_is_known = one_of("status", TermStatus)
    ip_term_once = Unique([terms, field])
    value_where_there_is_one = Check("(status = 'value') = (num_nonnulls(code, number, text) = 1)")
    numbers_are_positive = Check("number >= 0")


class Template(Table):
    """A model agreement of one type. `audience` is whom it is for. Texts are in its versions."""

    id = BigSerial(primary_key=True)
    code = Varchar(length=60, unique=True)
    type = Varchar(length=30)
    audience = Array(base_column=Varchar(length=10))
    title_sv = Text()
    title_en = Text()
    months_valid = SmallInt(default=24)
    example = Boolean(default=True)

    type_is_known = one_of("type", AgreementType)
    audience_is_known = some_of("audience", Audience)
    validity_is_sane = Check("months_valid BETWEEN 1 AND 600")


class TemplateVersion(Table):
    """The text and the terms of a template at one time; append-only. Clauses are `## ` headings in the text."""

    id = BigSerial(primary_key=True)
    template = ForeignKey(Template, null=False, on_delete=OnDelete.restrict)
    number = Integer()
    text_sv = Text()
    text_en = Text(default="")
    terms = ForeignKey(IpTerms, null=False, on_delete=OnDelete.restrict)
    created_at = Timestamptz(default=TimestamptzNow())

    template_version_one_of_each_number = Unique([template, number])


class Offer(Table):
    """The terms an entry offers: a template, and whether it must be in force before a booking is confirmed."""

    id = BigSerial(primary_key=True)
    entry: ForeignKey[Table] = ForeignKey(
        LazyTableReference("Entry", "entries"), null=False, on_delete=OnDelete.cascade
    )
    template = ForeignKey(Template, null=False, on_delete=OnDelete.restrict)
    required = Boolean(default=True)

    offer_once = Unique([entry, template])


class Agreement(Table):
    """An agreement between parties. Its text and terms are in its versions.

    `valid_from` and `valid_until` are dates in Europe/Stockholm, both included. `framework` covers every
    entry for which the public party answers; otherwise AgreementEntry lists what it covers.
    An empty `title` means that of the template, which exists in both languages.
    The secrecy note records a decision under the secrecy act (OSL); the agreement itself creates no secrecy.
    `review_due_on` is the last day (Europe/Stockholm) by which legal means to have reviewed it.
    """

    id = UUID(primary_key=True, default=uuid4)
    type = Varchar(length=30)
    state = Varchar(length=20, default=AgreementState.DRAFT)
    title = Text()
    dnr = Varchar(length=60, default="")
    template_version = ForeignKey(TemplateVersion, on_delete=OnDelete.restrict)
    framework = Boolean(default=False)
    governing_law = Varchar(length=60, default="SE")
    valid_from = Date(null=True, default=None)
    valid_until = Date(null=True, default=None)
    remuneration = Varchar(length=20, null=True, default=None)
    secrecy_ground = Text(default="")
    secrecy_decided_on = Date(null=True, default=None)
    secrecy_decided_by = Text(default="")
    retention_note = Text(default="")
    personal_data_required = Boolean(default=False)
    personal_data_dnr = Varchar(length=60, default="")
    author: ForeignKey[Table] = ForeignKey(
        LazyTableReference("Person", "accounts"), null=False, on_delete=OnDelete.restrict
    )
    decided_by: ForeignKey[Table] = ForeignKey(LazyTableReference("Person", "accounts"), on_delete=OnDelete.restrict)
    decision_reason = Text(default="")
    assigned_to: ForeignKey[Table] = ForeignKey(LazyTableReference("Person", "accounts"), on_delete=OnDelete.set_null)
    review_due_on = Date(null=True, default=None)
    created_at = Timestamptz(default=TimestamptzNow())
    submitted_at = Timestamptz(null=True, default=None)
    decided_at = Timestamptz(null=True, default=None)
    signed_at = Timestamptz(null=True, default=None)
    ended_at = Timestamptz(null=True, default=None)

    type_is_known = one_of("type", AgreementType)
    state_is_known = one_of("state", AgreementState)
    remuneration_is_known = one_of("remuneration", Remuneration)
    starts_before_it_ends = Check("valid_from <= valid_until")
    has_dates_when_approved = Check(
        "state IN ('draft', 'in_review', 'changes_requested') OR (valid_from IS NOT NULL AND valid_until IS NOT NULL)"
    )
    somebody_has_approved = Check("state IN ('draft', 'in_review', 'changes_requested') OR decided_by IS NOT NULL")
    the_author_never_approves = Check("decided_by <> author")


class AgreementParty(Table):
    """A party of an agreement."""

    id = BigSerial(primary_key=True)
    agreement = ForeignKey(Agreement, null=False, on_delete=OnDelete.cascade)
    organisation: ForeignKey[Table] = ForeignKey(
        LazyTableReference("Organisation", "accounts"), null=False, on_delete=OnDelete.restrict
    )
    role = Varchar(length=20)

    role_is_known = one_of("role", PartyRole)
    agreement_party_once = Unique([agreement, organisation])


class AgreementEntry(Table):
    """An entry that an agreement covers."""

    id = BigSerial(primary_key=True)
    agreement = ForeignKey(Agreement, null=False, on_delete=OnDelete.cascade)
    entry: ForeignKey[Table] = ForeignKey(
        LazyTableReference("Entry", "entries"), null=False, on_delete=OnDelete.restrict
    )

    agreement_entry_once = Unique([agreement, entry])


class AgreementVersion(Table):
    """The text and terms of an agreement at one time; append-only. `sha256` is of both texts, see rules."""

    id = BigSerial(primary_key=True)
    agreement = ForeignKey(Agreement, null=False, on_delete=OnDelete.restrict)
    number = Integer()
    text_sv = Text()
    text_en = Text(default="")
    sha256 = Varchar(length=64)
    terms = ForeignKey(IpTerms, null=False, on_delete=OnDelete.restrict)
    created_by: ForeignKey[Table] = ForeignKey(LazyTableReference("Person", "accounts"), on_delete=OnDelete.set_null)
    created_at = Timestamptz(default=TimestamptzNow())

    agreement_version_one_of_each_number = Unique([agreement, number])
    hash_is_of_the_text = Check(
        "sha256 = encode(sha256(convert_to(text_sv || chr(10) || chr(10) || text_en, 'UTF8')), 'hex')"
    )


class ChecklistItem(Table):
    """What legal checks in agreements of one type. A text never changes: an item is retired and another one added.

    A `required` item has to be ticked before an agreement is approved.
    """

    id = BigSerial(primary_key=True)
    type = Varchar(length=30)
    text_sv = Text()
    text_en = Text(default="")
    required = Boolean(default=False)
    created_at = Timestamptz(default=TimestamptzNow())
    retired_at = Timestamptz(null=True, default=None)

    type_is_known = one_of("type", AgreementType)
    has_a_text = Check("text_sv <> ''")


class ChecklistTick(Table):
    """That somebody ticked an item for a version, or took the tick back; the last row counts. Append-only."""

    id = BigSerial(primary_key=True)
    version = ForeignKey(AgreementVersion, null=False, on_delete=OnDelete.restrict)
    item = ForeignKey(ChecklistItem, null=False, on_delete=OnDelete.restrict)
    ticked = Boolean()
    person: ForeignKey[Table] = ForeignKey(
        LazyTableReference("Person", "accounts"), null=False, on_delete=OnDelete.restrict
    )
    at = Timestamptz(default=TimestamptzNow())


class ClauseComment(Table):
    """What legal notes on a clause of a version, for legal only; append-only.

    `clause` is the heading of the clause as it stands in the Swedish text, empty for the whole agreement.
    """

    id = BigSerial(primary_key=True)
    version = ForeignKey(AgreementVersion, null=False, on_delete=OnDelete.restrict)
    clause = Text(default="")
    text = Text()
    author: ForeignKey[Table] = ForeignKey(
        LazyTableReference("Person", "accounts"), null=False, on_delete=OnDelete.restrict
    )
    at = Timestamptz(default=TimestamptzNow())

    says_something = Check("text <> ''")


class AgreementReminder(Table):
    """That legal and the parties have been reminded, so many days before its last day, that an agreement ends."""

    id = BigSerial(primary_key=True)
    agreement = ForeignKey(Agreement, null=False, on_delete=OnDelete.cascade)
    days = SmallInt()
    last_day = Date()
    at = Timestamptz(default=TimestamptzNow())

    agreement_reminder_once = Unique([agreement, days, last_day])


class AgreementSignature(Table):
    """Who signed which version, when, for whom and how; append-only.

    `person` is who signed, or for a copy on paper who recorded it; then `signer_name` is who signed, and `document`
    the signed copy. What an e-signature service hands back has both as well.
    """

    id = BigSerial(primary_key=True)
    version = ForeignKey(AgreementVersion, null=False, on_delete=OnDelete.restrict)
    organisation: ForeignKey[Table] = ForeignKey(
        LazyTableReference("Organisation", "accounts"), null=False, on_delete=OnDelete.restrict
    )
    person: ForeignKey[Table] = ForeignKey(
        LazyTableReference("Person", "accounts"), null=False, on_delete=OnDelete.restrict
    )
    method = Varchar(length=20, default=SignatureMethod.SIGNED_IN)
    sha256 = Varchar(length=64)
    signer_name = Text(default="")
    document: ForeignKey[Table] = ForeignKey(LazyTableReference("Document", "agreements"), on_delete=OnDelete.restrict)
    signed_at = Timestamptz(default=TimestamptzNow())

    method_is_known = one_of("method", SignatureMethod)
    agreement_signature_once = Unique([version, organisation])


class Document(Table):
    """A file that belongs to an agreement version; append-only. The database checks size and SHA-256."""

    id = UUID(primary_key=True, default=uuid4)
    version = ForeignKey(AgreementVersion, null=False, on_delete=OnDelete.restrict)
    filename = Varchar(length=200)
    media_type = Varchar(length=100)
    size = BigInt()
    sha256 = Varchar(length=64)
    content = Bytea()
    added_by: ForeignKey[Table] = ForeignKey(LazyTableReference("Person", "accounts"), on_delete=OnDelete.set_null)
    added_at = Timestamptz(default=TimestamptzNow())

    size_is_of_the_content = Check("size = octet_length(content)")
    hash_is_of_the_content = Check("sha256 = encode(sha256(content), 'hex')")


class SigningOrder(Table):
    """That a version has been sent to an e-signature service for one person to sign for an organisation.

    `reference` is the service's own. A closed order never changes.
    """

    id = UUID(primary_key=True, default=uuid4)
    version = ForeignKey(AgreementVersion, null=False, on_delete=OnDelete.restrict)
    organisation: ForeignKey[Table] = ForeignKey(
        LazyTableReference("Organisation", "accounts"), null=False, on_delete=OnDelete.restrict
    )
    person: ForeignKey[Table] = ForeignKey(
        LazyTableReference("Person", "accounts"), null=False, on_delete=OnDelete.restrict
    )
    service = Varchar(length=40)
    reference = Varchar(length=100)
    state = Varchar(length=20, default=OrderState.ORDERED)
    ordered_at = Timestamptz(default=TimestamptzNow())
    closed_at = Timestamptz(null=True, default=None)
    document = ForeignKey(Document, on_delete=OnDelete.restrict)

    state_is_known = one_of("state", OrderState)
    signing_order_reference_once = Unique([service, reference])
    closed_has_its_time = Check("(state = 'ordered') = (closed_at IS NULL)")
    signed_has_its_copy = Check("(state = 'signed') = (document IS NOT NULL)")


class DocumentText(Table):
    """The text of a document, read from its content by extraction.py; derived, so it can be made anew.

    `pages` is None where the kind of file has none (DOCX); otherwise form feeds part the pages in `text`.
    A document that is broken or too large may hold the part of its text that could be read.
    """

    document = ForeignKey(Document, primary_key=True, null=False, on_delete=OnDelete.restrict)
    status = Varchar(length=20)
    text = Text(default="")
    pages = Integer(null=True, default=None)
    extracted_at = Timestamptz(default=TimestamptzNow())

    status_is_known = one_of("status", TextStatus)
    text_is_where_the_status_says = Check("status IN ('broken', 'too_large') OR (status = 'extracted') = (text <> '')")


class AgreementPassage(Table):
    """A stretch of at most some 2,000 characters of an agreement's newest text or of one of its documents.

    Triggers on agreement_version and document_text write these rows; nothing else does. `vector` (not listed
    here) is generated from the text, see the migration.
    """

    id = BigSerial(primary_key=True)
    agreement = ForeignKey(Agreement, null=False, on_delete=OnDelete.cascade)
    version = ForeignKey(AgreementVersion, on_delete=OnDelete.cascade)
    language = Varchar(length=2, null=True, default=None)
    document = ForeignKey(Document, on_delete=OnDelete.cascade)
    page = Integer(null=True, default=None)
    text = Text()

    is_of_a_version_or_a_document = Check("num_nonnulls(version, document) = 1")


class TermSeverity(Table):
    """How much a deviation from the template matters for a field, where legal has decided; see USUAL_SEVERITIES."""

    field = Varchar(length=40, primary_key=True, default="")
    severity = Varchar(length=10)

    severity_is_known = one_of("severity", Severity)
