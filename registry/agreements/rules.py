"""May this be done with an agreement, and if not, why; and who acts next."""

import io
import re
import zipfile
from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from registry.access import Actor, Permission, Role, Rule
from registry.agreements.codes import TERM_FIELDS, SignatureMethod, TermStatus, TermValue, ValueKind
from registry.agreements.states import EDITABLE, OVER, SIGNABLE, AgreementState
from registry.entries.almanac import is_working_day
from registry.errors import N_, FieldError, Message, message

STOCKHOLM = ZoneInfo("Europe/Stockholm")
LONGEST_TEXT = 200_000
LONGEST_TITLE = 200
LONGEST_DNR = 60
LARGEST_DOCUMENT = 50 * 1024 * 1024
MOST_DOCUMENTS = 20
PDF = "application/pdf"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
ODT = "application/vnd.oasis.opendocument.text"
SUFFIXES = {PDF: ".pdf", DOCX: ".docx", ODT: ".odt"}
_ALL = 100  # per cent
_LARGEST_NUMBER = 12_000
_LONGEST_VALUE = 200
_LONGEST_CLAUSE = 20
LONGEST_NOTE = 1_000
# An identifier of the SPDX licence list, or several joined: "MIT OR Apache-2.0".
_SPDX = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+-]*( (AND|OR|WITH) [A-Za-z0-9][A-Za-z0-9.+-]*)*")
REVIEW_DAYS = 5  # working days


def review_due(sent: date) -> date:
    """The last day by which legal means to have reviewed what is sent on a day: five working days later."""
    day, left = sent, REVIEW_DAYS
    while left:
        day += timedelta(days=1)
        left -= is_working_day(day)
    return day


def last_day(valid_from: date, months: int) -> date:
    """The last day, included, of so many months from a day: a year from 15 March ends on 14 March."""
    year, month = divmod(valid_from.year * 12 + valid_from.month - 1 + months, 12)
    longest = monthrange(year, month + 1)[1]
    if valid_from.day > longest:
        return date(year, month + 1, longest)
    return date(year, month + 1, valid_from.day) - timedelta(days=1)


def today(now: datetime | None = None) -> date:
    """The date in Europe/Stockholm, now or at `now`."""
    return (now or datetime.now(UTC)).astimezone(STOCKHOLM).date()


class NextActor(StrEnum):
    """Who acts next: whoever signs up to the agreement, legal, or nobody (it follows the dates, or it is over)."""

    FIRM = "firm"
    LEGAL = "legal"
    NOBODY = "nobody"


@dataclass(frozen=True)
class AgreementFacts:
    """What the rules need to know of an agreement. `signed` have signed the current version.

    `writers` have written a version of the text, now or before. `region` are the public parties; `signers`
    those who sign up to it. An agreement of an organisation with itself (an employee who uses an environment of
    the own committee) has only a public party.
    """

    state: AgreementState
    author: int | None
    region: frozenset[int]
    signers: frozenset[int]
    signed: frozenset[int]
    valid_from: date | None
    valid_until: date | None
    today: date
    writers: frozenset[int] = frozenset()

    @property
    def parties(self) -> frozenset[int]:
        return self.region | self.signers

    @property
    def unsigned(self) -> frozenset[int]:
        return self.parties - self.signed


# --- Who


def _reads_all(actor: Actor, agreement: AgreementFacts) -> Message | None:
    if actor.may(Permission.AGREEMENT_READ_ALL, agreement.region):
        return None
    return message(N_("Only the parties, legal and the auditor may read this agreement."))


def _is_author(actor: Actor, agreement: AgreementFacts) -> Message | None:
    if actor.is_system or (actor.is_signed_in and actor.person_id == agreement.author):
        return None
    return message(N_("Only whoever wrote the agreement may do this."))


def acts_for(actor: Actor, agreement: AgreementFacts) -> frozenset[int]:
    """The parties that the actor acts for.

    Firms and procurement officers act for their organisation whichever side it is on. An employee acts for the
    committee or company only where it signs up to an agreement: an environment's agreements with others are not theirs.
    """
    either_side = actor.organisations(Role.FIRM, Role.PROCUREMENT) & agreement.parties
    return either_side | (actor.organisations(Role.EMPLOYEE) & agreement.signers)


def _is_party(actor: Actor, agreement: AgreementFacts) -> Message | None:
    if acts_for(actor, agreement):
        return None
    return message(N_("Only the parties of the agreement may do this."))


def _is_reviewer(actor: Actor, agreement: AgreementFacts) -> Message | None:
    if actor.may(Permission.AGREEMENT_REVIEW, agreement.region):
        return None
    return message(N_("Only legal may do this."))


def _is_not_own(actor: Actor, agreement: AgreementFacts) -> Message | None:
    if actor.is_system:
        return None
    # Whoever wrote any version counts as author, also where somebody else has taken over or changed it since.
    if actor.person_id in {agreement.author, *agreement.writers}:
        return message(N_("You wrote this agreement, so somebody else has to decide on it."))
    # Four eyes: whoever acts for the counterparty does not decide for the public party.
    if acts_for(actor, agreement) & agreement.signers:
        return message(N_("You act for a party of this agreement, so somebody else has to decide on it."))
    return None


def _is_a_person(actor: Actor, _: AgreementFacts) -> Message | None:
    return None if actor.is_signed_in else message(N_("A person has to do this."))


# --- What the agreement allows


def _has_been_sent(_: Actor, agreement: AgreementFacts) -> Message | None:
    if agreement.state is AgreementState.DRAFT:
        return message(N_("The agreement is a draft that has not been sent in."))
    return None


def _has_dates(_: Actor, agreement: AgreementFacts) -> Message | None:
    if agreement.valid_from is None or agreement.valid_until is None:
        return message(N_("Say from when and until when the agreement applies."))
    return None


def _is_not_over(_: Actor, agreement: AgreementFacts) -> Message | None:
    if agreement.valid_until is not None and agreement.valid_until < agreement.today:
        return message(
            N_("The agreement would have ended on %(date)s already. Give it a new period."), date=agreement.valid_until
        )
    return None


def _is_editable(_: Actor, agreement: AgreementFacts) -> Message | None:
    if agreement.state in EDITABLE:
        return None
    return message(N_("The text can be changed while the agreement is a draft or when changes have been requested."))


def _is_in_review(_: Actor, agreement: AgreementFacts) -> Message | None:
    if agreement.state is AgreementState.IN_REVIEW:
        return None
    return message(N_("The checklist is ticked while legal reviews the agreement."))


def _is_with_legal(_: Actor, agreement: AgreementFacts) -> Message | None:
    if agreement.state in {*SIGNABLE, AgreementState.CHANGES_REQUESTED}:
        return None
    return message(N_("Nothing is left to review in this agreement."))


def _takes_documents(actor: Actor, agreement: AgreementFacts) -> Message | None:
    if agreement.state in OVER:
        return message(N_("The agreement is over, so nothing can be added to it."))
    # What is in force is what was signed; before that legal may add the copy signed on paper.
    if agreement.state is AgreementState.IN_FORCE:
        return message(N_("The agreement is in force, so nothing can be added to it. Make a new agreement instead."))
    if is_reviewer.allows(actor, agreement):
        return None
    if agreement.state in EDITABLE or (agreement.state is AgreementState.IN_REVIEW and not agreement.signed):
        return None
    return message(N_("Somebody has signed or approved this version, so only legal adds documents to it."))


reads_all: Rule[AgreementFacts] = Rule(_reads_all)
is_author: Rule[AgreementFacts] = Rule(_is_author)
is_party: Rule[AgreementFacts] = Rule(_is_party)
is_reviewer: Rule[AgreementFacts] = Rule(_is_reviewer)
is_not_own: Rule[AgreementFacts] = Rule(_is_not_own)
has_been_sent: Rule[AgreementFacts] = Rule(_has_been_sent)
has_dates: Rule[AgreementFacts] = Rule(_has_dates)
is_not_over: Rule[AgreementFacts] = Rule(_is_not_over)
is_editable: Rule[AgreementFacts] = Rule(_is_editable)
is_in_review: Rule[AgreementFacts] = Rule(_is_in_review)
is_with_legal: Rule[AgreementFacts] = Rule(_is_with_legal)
is_a_person: Rule[AgreementFacts] = Rule(_is_a_person)
takes_documents: Rule[AgreementFacts] = Rule(_takes_documents)

# A draft is its author's (and legal's) until it has been sent in.
can_read = reads_all | is_author | (is_party & has_been_sent)
can_edit = is_author | (is_party & has_been_sent)
# Who may take which step of the state table. The author never approves (four eyes).
can_take: Mapping[str, Rule[AgreementFacts]] = {
    "submit": can_edit,
    "request_changes": is_reviewer & is_not_own,
    "approve": is_reviewer & is_not_own & is_a_person,
    "terminate": is_reviewer,
}
# Whoever ticks the checklist vouches for the text, so it is not who wrote it.
can_tick = is_reviewer & is_not_own & is_a_person & is_in_review
can_assign = is_reviewer & is_with_legal
can_comment = is_reviewer & is_a_person & has_been_sent
# What must hold of the agreement for the step, besides its state.
is_ready: Mapping[str, Rule[AgreementFacts]] = {
    "submit": has_dates,
    "approve": has_dates & is_not_over,
}
NEEDS_REASON = frozenset({"request_changes", "terminate"})


# --- Signing


@dataclass(frozen=True)
class Signing:
    """That somebody signs an agreement for an organisation."""

    agreement: AgreementFacts
    organisation: int
    method: SignatureMethod


def _may_sign(actor: Actor, signing: Signing) -> Message | None:
    agreement = signing.agreement
    if not actor.is_signed_in:
        return _is_a_person(actor, agreement)
    if signing.organisation not in agreement.parties:
        return message(N_("That organisation is not a party of the agreement."))
    if actor.may(Permission.AGREEMENT_REVIEW, agreement.region):
        # Legal signs for the public party, and records what a counterparty has signed on paper.
        on_paper = signing.method is SignatureMethod.RECORDED_COPY
        if (signing.organisation in agreement.region) is not on_paper:
            return None
    if signing.method is SignatureMethod.SIGNED_IN and signing.organisation in acts_for(actor, agreement):
        return None
    if signing.method is SignatureMethod.RECORDED_COPY:
        return message(N_("Only legal records signatures on paper."))
    return message(N_("You can only sign for an organisation that you act for."))


def _can_be_signed(_: Actor, signing: Signing) -> Message | None:
    agreement = signing.agreement
    if signing.organisation in agreement.signed:
        return message(N_("The organisation has already signed this version."))
    if signing.organisation in agreement.region and agreement.state is not AgreementState.APPROVED:
        return message(N_("The public party signs when legal has approved the agreement."))
    return _is_not_over(_, agreement)


may_sign: Rule[Signing] = Rule(_may_sign)
can_be_signed: Rule[Signing] = Rule(_can_be_signed)


def signings(actor: Actor, agreement: AgreementFacts) -> list[Signing]:
    """The signatures that the actor can give or record now, those in the actor's own name first."""
    if agreement.state not in SIGNABLE:
        return []
    possible = [
        Signing(agreement, organisation, method)
        for method in (SignatureMethod.SIGNED_IN, SignatureMethod.RECORDED_COPY)
        for side in (agreement.signers, agreement.region)
        for organisation in sorted(side)
        if not (method is SignatureMethod.RECORDED_COPY and organisation in agreement.region)
    ]
    return [signing for signing in possible if (may_sign & can_be_signed).allows(actor, signing)]


# --- Who acts next


def next_step(agreement: AgreementFacts) -> tuple[NextActor, Message]:
    """Who acts next on an agreement, and what happens then."""
    if agreement.state is AgreementState.APPROVED:
        if agreement.signers - agreement.signed:
            return NextActor.FIRM, message(N_("Legal has approved the agreement. The counterparty signs next."))
        return NextActor.LEGAL, message(N_("Legal signs for the public party next."))
    if agreement.state is AgreementState.IN_REVIEW and agreement.signers <= agreement.signed and agreement.signers:
        return NextActor.LEGAL, message(
            N_("Legal reviews the agreement. The counterparty has signed; legal's approval and signature complete it.")
        )
    actor, sentence = _NEXT[agreement.state]
    return actor, message(sentence, valid_from=agreement.valid_from, valid_until=agreement.valid_until)


_NEXT: Mapping[AgreementState, tuple[NextActor, str]] = {
    AgreementState.DRAFT: (NextActor.FIRM, N_("The draft has not been sent to legal yet.")),
    AgreementState.IN_REVIEW: (
        NextActor.LEGAL,
        N_("Legal reviews the agreement. The counterparty can sign meanwhile, or wait until it has been approved."),
    ),
    AgreementState.CHANGES_REQUESTED: (
        NextActor.FIRM,
        N_("Legal has asked for changes. Change the agreement or answer, and send it again."),
    ),
    AgreementState.SIGNED: (
        NextActor.NOBODY,
        N_("Everybody has signed. The agreement enters into force by itself on %(valid_from)s."),
    ),
    AgreementState.IN_FORCE: (NextActor.NOBODY, N_("The agreement is in force until and including %(valid_until)s.")),
    AgreementState.EXPIRED: (NextActor.NOBODY, N_("The agreement ended on %(valid_until)s.")),
    AgreementState.TERMINATED: (NextActor.NOBODY, N_("The agreement has been terminated.")),
    AgreementState.SUPERSEDED: (NextActor.NOBODY, N_("A later agreement has taken this one's place.")),
}


# --- Terms


def faults_of_terms(terms: Mapping[str, TermValue]) -> list[FieldError]:
    """What is wrong with a set of terms; the codes and kinds are those of `TERM_FIELDS`."""
    return [
        FieldError(f"terms.{name}", fault) for name, value in terms.items() if (fault := _fault_of_term(name, value))
    ]


def _fault_of_term(name: str, term: TermValue) -> Message | None:
    known = TERM_FIELDS.get(name)
    if known is None or term.field != name:
        return message(N_("There is no term with this name."))
    given = [part for part in (term.code, term.number, term.text) if part is not None]
    if len(term.clause) > _LONGEST_CLAUSE:
        return message(N_("The text is too long: at most %(max_length)s characters."), max_length=_LONGEST_CLAUSE)
    if max(len(term.note_sv), len(term.note_en)) > LONGEST_NOTE:
        return message(N_("The text is too long: at most %(max_length)s characters."), max_length=LONGEST_NOTE)
    if term.status is not TermStatus.VALUE:
        return message(N_("A term that is not regulated or not reviewed has no value.")) if given else None
    if known.kind is ValueKind.CODE:
        ok = given == [term.code] and term.code in known.values
    elif known.kind is ValueKind.NUMBER:
        most = _ALL if known.unit == "percent" else _LARGEST_NUMBER
        ok = given == [term.number] and term.number is not None and 0 <= term.number <= most
    elif name == "open_source_licence" and not _SPDX.fullmatch(term.text or ""):
        return message(N_("Write the licence as its SPDX identifier, for example EUPL-1.2 or MIT."))
    else:
        ok = given == [term.text] and bool(term.text) and len(term.text or "") <= _LONGEST_VALUE
    return None if ok else message(N_("The value does not fit this term."))


# --- Documents


def media_type_of(content: bytes) -> str | None:
    """PDF, DOCX or ODT, judged by the content alone; None for anything else, and for a document with macros."""
    if content.startswith(b"%PDF-") and b"%%EOF" in content[-2048:]:
        return PDF
    if content.startswith(b"PK"):
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                names = set(archive.namelist())
        except (zipfile.BadZipFile, ValueError):
            return None
        if {"[Content_Types].xml", "word/document.xml"} <= names and "word/vbaProject.bin" not in names:
            return DOCX
        # OpenDocument names its type in its first file, unpacked, so that it stands at a known place.
        has_macros = any(name.startswith(("Basic/", "Scripts/")) for name in names)
        if content[30:].startswith(b"mimetype" + ODT.encode()) and "content.xml" in names and not has_macros:
            return ODT
    return None


def is_old_word(content: bytes) -> bool:
    """Whether a file has the container of old Word documents, which DOCX with a password has too."""
    return content.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
