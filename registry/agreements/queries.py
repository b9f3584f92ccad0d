"""Reading agreements. What an actor may not see is not found; reading by staff who are no party is logged."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from registry import database, transitions
from registry.access import Actor, Permission, Role, require_signed_in
from registry.accounts.authorities import signs_for
from registry.agreements import rules
from registry.agreements.clauses import ClausePair, pair_clauses
from registry.agreements.codes import TERM_FIELDS, AgreementType, Severity, SignatureMethod, TermGroup, TermValue
from registry.agreements.marks import Marked
from registry.agreements.offers import (
    Asked,
    MissingAgreement,
    Model,
    OfferedTerms,
    OfferView,
    missing_agreements,
    missing_agreements_of_many,
    model,
    models,
    offered_terms,
    required_for,
    terms_by_id,
)
from registry.agreements.question import LONGEST_QUESTION
from registry.agreements.review_desk import Desk, QueueFilter, Turn, review_desk, review_queue
from registry.agreements.rows import ROW, AgreementRow, PartyView, filled_template, filled_texts, row_of
from registry.agreements.rules import AgreementFacts, Signing
from registry.agreements.search import FoundAgreement, FoundPage, FoundPassage, search_agreements
from registry.agreements.severities import severities
from registry.agreements.states import TRANSITIONS, AgreementState
from registry.agreements.texts import check_hash
from registry.audit.queries import LoggedEvent, events_of
from registry.audit.service import EventType, record
from registry.errors import NotFound, NotPermitted, RuleBroken

# What others find here, though codes.py, rows.py and offers.py hold some of it.
__all__ = [
    "LONGEST_QUESTION",
    "AgreementRow",
    "AgreementView",
    "Asked",
    "Comparison",
    "Desk",
    "FoundAgreement",
    "FoundPage",
    "FoundPassage",
    "Marked",
    "MissingAgreement",
    "Model",
    "OfferView",
    "OfferedTerms",
    "PartyView",
    "QueueFilter",
    "TermValue",
    "Turn",
    "agreements_by_id",
    "compare",
    "compare_with_template",
    "get_agreement",
    "get_editable",
    "list_agreements",
    "missing_agreements",
    "missing_agreements_of_many",
    "model",
    "models",
    "offered_terms",
    "required_for",
    "review_desk",
    "review_queue",
    "search_agreements",
    "visible_agreement",
]


# The same as rules.can_read, for lists. Parameters: reads all without limit; public parties whose agreements
# the actor reads; organisations acted for on either side; committees of an employee; the person.
_VISIBLE = """
($1 OR a.author = $5
 OR EXISTS (SELECT FROM agreement_party p WHERE p.agreement = a.id AND p.role = 'region' AND p.organisation = ANY ($2))
 OR a.state <> 'draft' AND EXISTS (
    SELECT FROM agreement_party p WHERE p.agreement = a.id
    AND (p.organisation = ANY ($3) OR p.organisation = ANY ($4) AND p.role <> 'region')
 ))
"""


def _visibility(actor: Actor) -> tuple[object, ...]:
    return (
        actor.has_unlimited(Permission.AGREEMENT_READ_ALL),
        list(actor.limited_to(Permission.AGREEMENT_READ_ALL)),
        list(actor.organisations(Role.FIRM, Role.PROCUREMENT)),
        list(actor.organisations(Role.EMPLOYEE)),
        actor.person_id,
    )


async def list_agreements(
    actor: Actor,
    *,
    state: AgreementState | None = None,
    type: AgreementType | None = None,  # noqa: A002  # the domain's word
    page: int = 1,
    page_size: int = 50,
) -> tuple[list[AgreementRow], int]:
    """A page of the agreements that the actor may see, newest first, and how many there are.

    Raises:
        NotSignedIn: the actor is a visitor.
    """
    require_signed_in(actor)
    condition = f"{_VISIBLE} AND ($6::text IS NULL OR a.state = $6) AND ($7::text IS NULL OR a.type = $7)"
    values = (*_visibility(actor), state.value if state else None, type.value if type else None)
    rows = await database.fetch(
        ROW.format(more="", where=f"WHERE {condition} ORDER BY a.created_at DESC, a.id LIMIT $8 OFFSET $9"),
        *values,
        page_size,
        (page - 1) * page_size,
    )
    total = await database.fetch_one(f"SELECT count(*) AS n FROM agreement a WHERE {condition}", *values)
    return [row_of(row) for row in rows], total["n"] if total else 0


async def agreements_by_id(actor: Actor, ids: Collection[UUID]) -> dict[UUID, AgreementRow]:
    """Those of these agreements that the actor may see, for pages that link to them; a visitor sees none."""
    if not ids or not (actor.is_signed_in or actor.is_system):
        return {}
    rows = await database.fetch(
        ROW.format(more="", where=f"WHERE {_VISIBLE} AND a.id = ANY ($6)"), *_visibility(actor), list(ids)
    )
    return {row["id"]: row_of(row) for row in rows}


@dataclass(frozen=True)
class VersionView:
    """A version of the text; `created_at` is in UTC."""

    number: int
    sha256: str
    created_at: datetime
    created_by: str
    signatures: int


@dataclass(frozen=True)
class DocumentView:
    """A file that belongs to a version, without its content; `size` in bytes, `added_at` in UTC.

    `text_status` says what came of reading its text, a code of TextStatus; None until somebody has.
    """

    id: UUID
    version_number: int
    filename: str
    media_type: str
    size: int
    sha256: str
    added_at: datetime
    added_by: str
    text_status: str | None


@dataclass(frozen=True)
class AgreementView:
    """A whole agreement as one reader sees it: the current text and terms, what was before, and what can be done.

    `actions` are the steps of the state table that the reader may take now, `signings` the signatures that the
    reader can give or record now; `lacks_authority` says that there would be more, had somebody recorded that the
    reader may sign. `deviates` says that text or terms differ from the template's, `own_title` that
    the title does.
    """

    agreement: AgreementRow
    text_sv: str
    text_en: str
    sha256: str
    terms: Mapping[str, TermValue]
    versions: tuple[VersionView, ...]
    documents: tuple[DocumentView, ...]
    log: tuple[LoggedEvent, ...]
    actions: tuple[str, ...]
    signings: tuple[Signing, ...]
    lacks_authority: bool
    may_edit: bool
    may_add_document: bool
    is_reviewer: bool
    deviates: bool
    own_title: bool

    @property
    def facts(self) -> AgreementFacts:
        return self.agreement.facts()


_INTERNAL = frozenset(
    {
        EventType.AGREEMENT_READ,
        EventType.AGREEMENT_ASSIGNED,
        EventType.AGREEMENT_CHECKED,
        EventType.AGREEMENT_COMMENTED,
    }
)
_TEMPLATE_TEXTS = ", tv.text_sv AS template_text_sv, tv.text_en AS template_text_en, tv.terms AS template_terms_id"


async def get_agreement(actor: Actor, agreement_id: UUID) -> AgreementView:
    """One agreement. A reader who is no party and not its author is staff, and the reading is logged.

    Raises:
        NotSignedIn: the actor is a visitor.
        NotFound: there is none, or the actor may not see it.
    """
    row = await _visible(actor, agreement_id)
    return await _view(actor, row, row_of(row))


async def get_editable(actor: Actor, agreement_id: UUID) -> AgreementView:
    """An agreement that the actor is about to change; raises NotPermitted or RuleBroken where that is not possible."""
    view = await get_agreement(actor, agreement_id)
    if reason := rules.can_edit(actor, view.facts):
        raise NotPermitted(reason)
    if reason := rules.is_editable(actor, view.facts):
        raise RuleBroken(reason)
    return view


async def visible_agreement(actor: Actor, agreement_id: UUID) -> AgreementRow:
    """The row of an agreement, logged and refused as `get_agreement` does."""
    return row_of(await _visible(actor, agreement_id))


async def _visible(actor: Actor, agreement_id: UUID) -> database.Row:
    require_signed_in(actor)
    row = await database.fetch_one(ROW.format(more=_TEMPLATE_TEXTS, where="WHERE a.id = $1"), agreement_id)
    if row is None or not rules.can_read.allows(actor, row_of(row).facts()):
        raise NotFound
    if reads_as_staff(actor, row_of(row).facts()):
        async with database.transaction():
            await record(actor, EventType.AGREEMENT_READ, agreement_id)
    return row


def reads_as_staff(actor: Actor, facts: AgreementFacts) -> bool:
    """Whether a reading has to be logged: the reader is neither party, author nor the registry itself."""
    return not actor.is_system and not (rules.is_author | rules.is_party).allows(actor, facts)


async def _view(actor: Actor, row: Any, agreement: AgreementRow) -> AgreementView:  # noqa: ANN401  # see row_of
    check_hash(row["text_sv"], row["text_en"], row["sha256"])
    facts = agreement.facts()
    terms = await terms_by_id(i for i in (row["terms_id"], row["template_terms_id"]) if i is not None)
    log = await events_of("agreement", agreement.id)
    filled = filled_template(row, agreement)
    possible = rules.signings(actor, facts)
    may_sign = await signs_for(actor.person_id, facts.parties, facts.region, facts.today) if possible else set()
    return AgreementView(
        agreement=agreement,
        text_sv=row["text_sv"],
        text_en=row["text_en"],
        sha256=row["sha256"],
        terms=terms[row["terms_id"]],
        versions=await _versions(agreement.id),
        documents=await _documents(agreement.id),
        # Who of the staff has read it, and how legal goes about it, is for those who watch over that.
        log=tuple(e for e in log if e.type not in _INTERNAL or rules.reads_all.allows(actor, facts)),
        actions=tuple(
            action
            for action in transitions.actions_from(TRANSITIONS, agreement.state)
            if action in rules.can_take and rules.can_take[action].allows(actor, facts)
        ),
        signings=tuple(
            one for one in possible if one.method is not SignatureMethod.SIGNED_IN or one.organisation in may_sign
        ),
        lacks_authority=any(
            one.method is SignatureMethod.SIGNED_IN and one.organisation not in may_sign for one in possible
        ),
        may_edit=(rules.can_edit & rules.is_editable).allows(actor, facts),
        may_add_document=((rules.can_edit | rules.is_reviewer) & rules.takes_documents).allows(actor, facts),
        is_reviewer=rules.is_reviewer.allows(actor, facts),
        deviates=filled is not None
        and ((row["text_sv"], row["text_en"]) != filled or terms[row["terms_id"]] != terms[row["template_terms_id"]]),
        own_title=row["title"] != "",
    )


async def _versions(agreement_id: UUID) -> tuple[VersionView, ...]:
    rows = await database.fetch(
        "SELECT v.number, v.sha256, v.created_at, coalesce(p.name, '') AS created_by,"
        " (SELECT count(*) FROM agreement_signature s WHERE s.version = v.id) AS signatures"
        " FROM agreement_version v LEFT JOIN person p ON p.id = v.created_by WHERE v.agreement = $1"
        " ORDER BY v.number DESC",
        agreement_id,
    )
    return tuple(VersionView(**dict(row)) for row in rows)


async def _documents(agreement_id: UUID) -> tuple[DocumentView, ...]:
    rows = await database.fetch(
        "SELECT d.id, v.number AS version_number, d.filename, d.media_type, d.size, d.sha256, d.added_at,"
        " coalesce(p.name, '') AS added_by, t.status AS text_status"
        " FROM document d JOIN agreement_version v ON v.id = d.version LEFT JOIN document_text t ON t.document = d.id"
        " LEFT JOIN person p ON p.id = d.added_by WHERE v.agreement = $1 ORDER BY d.added_at, d.id",
        agreement_id,
    )
    return tuple(DocumentView(**dict(row)) for row in rows)


@dataclass(frozen=True)
class TermPair:
    """The same field in two sets of terms."""

    group: TermGroup
    field: str
    a: TermValue
    b: TermValue

    @property
    def differs(self) -> bool:
        return (self.a.status, self.a.value) != (self.b.status, self.b.value)


@dataclass(frozen=True)
class Comparison:
    """Two agreements side by side, differences first; `other` is None when the other is the template."""

    view: AgreementView
    other: AgreementView | None
    terms: tuple[TermPair, ...]
    clauses_sv: tuple[ClausePair, ...]
    clauses_en: tuple[ClausePair, ...]
    # How much each field matters; empty where two agreements are compared, for neither is the rule.
    severities: Mapping[str, Severity] = field(default_factory=dict)

    @property
    def differing(self) -> int:
        """How many terms differ."""
        return sum(pair.differs for pair in self.terms)


async def compare(actor: Actor, agreement_id: UUID, other_id: UUID) -> Comparison:
    """Two agreements field by field and clause by clause.

    Raises:
        NotFound: the actor may not see one of them.
    """
    view, other = await get_agreement(actor, agreement_id), await get_agreement(actor, other_id)
    return comparison(view, other, other.terms, (other.text_sv, other.text_en))


async def compare_with_template(actor: Actor, agreement_id: UUID, code: str | None = None) -> Comparison:
    """An agreement and a template filled in for it: the one it was made from, or the newest version of another.

    Raises:
        NotFound: the actor may not see the agreement, it has no template, or there is none with this code.
    """
    row = await _visible(actor, agreement_id)
    agreement = row_of(row)
    view = await _view(actor, row, agreement)
    if code is None:
        filled = filled_template(row, agreement)
        terms = await terms_by_id([row["template_terms_id"]]) if filled else {}
        other: Mapping[str, TermValue] | None = terms.get(row["template_terms_id"])
    else:
        found = await model(code)
        filled = filled_texts(agreement, (found.text_sv, found.text_en)) if found else None
        other = found.offered.terms if found else None
    if filled is None or other is None:
        raise NotFound
    return comparison(view, None, other, filled, await severities())


def comparison(
    view: AgreementView,
    other: AgreementView | None,
    terms: Mapping[str, TermValue],
    texts: tuple[str, str],
    severities: Mapping[str, Severity] | None = None,
) -> Comparison:
    """A comparison of what an agreement says with other terms and texts; what differs and weighs most comes first."""
    order = list(Severity)
    pairs = [TermPair(known.group, name, view.terms[name], terms[name]) for name, known in TERM_FIELDS.items()]
    return Comparison(
        view=view,
        other=other,
        terms=tuple(
            sorted(
                pairs,
                key=lambda pair: (not pair.differs, order.index(severities[pair.field]) if severities else 0),
            )
        ),
        clauses_sv=tuple(pair_clauses(view.text_sv, texts[0])),
        clauses_en=tuple(pair_clauses(view.text_en, texts[1])),
        severities=severities or {},
    )
