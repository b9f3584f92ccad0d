"""IP terms in plain language, from their codes: three lines, a glance, or everything.

The sentences speak to whoever signs up to the agreement ("you"). The public party is the host, or the buyer
in an innovation partnership; choose it with `public_party`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from registry.agreements.codes import TERM_FIELDS, AgreementType, TermGroup, TermStatus, TermValue
from registry.errors import N_, Message, message
from registry.formats.term_sentences import ANSWERS, REASONS, SENTENCES, TOPICS

MONTHS_IN_A_YEAR = 12


@dataclass(frozen=True)
class PublicParty:
    """What the public party is called inside a sentence and first in one."""

    inside: str
    first: str


HOST = PublicParty(N_("the host"), N_("The host"))
BUYER = PublicParty(N_("the buyer"), N_("The buyer"))


def public_party(agreement_type: AgreementType) -> PublicParty:
    """What the public party is called in agreements of a type."""
    return BUYER if agreement_type in {AgreementType.PARTNERSHIP_CONTRACT, AgreementType.LICENCE} else HOST


def _fill(msgid: str, term: TermValue, party: PublicParty) -> Message:
    return message(
        msgid,
        host=message(party.inside),
        Host=message(party.first),
        n=_amount(term),
        text=term.text or "",
    )


def answer(field: str, code: str, party: PublicParty = HOST) -> Message:
    """The short answer that a code of a field gives, for fields that have such answers."""
    return _fill(ANSWERS[field][code], TermValue(field, TermStatus.VALUE, code=code), party)


def _amount(term: TermValue) -> Message | str:
    """A number with its unit; whole years as years."""
    if term.number is None:
        return ""
    unit, n = TERM_FIELDS[term.field].unit, term.number
    if unit == "months" and n and n % MONTHS_IN_A_YEAR == 0:
        unit, n = "years", n // MONTHS_IN_A_YEAR
    one, many = _UNITS[unit]
    return message(one) if n == 1 else message(many, n=n)


_UNITS: Mapping[str, tuple[str, str]] = {
    "years": (N_("one year"), N_("%(n)s years")),
    "months": (N_("one month"), N_("%(n)s months")),
    "days": (N_("one day"), N_("%(n)s days")),
    "percent": (N_("one per cent"), N_("%(n)s per cent")),
}


def sentence(term: TermValue, party: PublicParty = HOST) -> Message:
    """The sentence for one term, whatever its status."""
    if term.status is TermStatus.VALUE:
        return _fill(SENTENCES[term.field][term.code or ""], term, party)
    topic = _fill(TOPICS[term.field], term, party)
    if term.status is TermStatus.NOT_REGULATED:
        return message(N_("The agreement does not say %(topic)s."), topic=topic)
    return message(N_("Legal has not yet reviewed %(topic)s."), topic=topic)


def reason(group: TermGroup) -> Message:
    """Why a group of terms matters."""
    return message(REASONS[group])


@dataclass(frozen=True)
class Sentence:
    """One term in words, with its clause (empty when it has none) and the notes that lawyers wrote."""

    field: str
    status: TermStatus
    text: Message
    clause: str
    note_sv: str
    note_en: str


def full(terms: Mapping[str, TermValue], party: PublicParty = HOST) -> list[tuple[TermGroup, list[Sentence]]]:
    """Every term in words, by group, in the order of `TERM_FIELDS`."""
    found: dict[TermGroup, list[Sentence]] = {}
    for name, field in TERM_FIELDS.items():
        term = _term(terms, name)
        found.setdefault(field.group, []).append(
            Sentence(name, term.status, sentence(term, party), term.clause, term.note_sv, term.note_en)
        )
    return list(found.items())


def _term(terms: Mapping[str, TermValue], name: str) -> TermValue:
    return terms.get(name) or TermValue(name, TermStatus.NOT_REVIEWED)


def _has_value(terms: Mapping[str, TermValue], name: str) -> bool:
    return _term(terms, name).status is TermStatus.VALUE


def summary(terms: Mapping[str, TermValue], party: PublicParty = HOST) -> list[Message]:
    """At most three lines: who owns the results, whether you may publish, and what applies to data and use."""
    lines = [sentence(_term(terms, "results_ownership"), party), _publication(terms, party)]
    last = [sentence(_term(terms, name), party) for name in ("data_owner", "region_rights") if _has_value(terms, name)]
    if not last:
        return [*lines, sentence(_term(terms, "data_owner"), party)]
    return [*lines, last[0] if len(last) == 1 else message(N_("%(first)s %(second)s"), first=last[0], second=last[1])]


def _publication(terms: Mapping[str, TermValue], party: PublicParty) -> Message:
    days = _term(terms, "publication_review_days")
    if _term(terms, "publication").code == "after_review" and days.status is TermStatus.VALUE:
        return _fill(N_("You may publish the results when %(host)s has had %(n)s to read the text."), days, party)
    return sentence(_term(terms, "publication"), party)


@dataclass(frozen=True)
class Glance:
    """A row of "the terms in brief": a question, a short answer, and perhaps a note.

    `mark` says in a word whom the answer favours, and `tone` which symbol stands beside the word (see the macro
    `state`), so that a reader who skims, or sees no colours, gets the same.
    """

    field: str
    question: Message
    answer: Message
    note: Message | None
    tone: str
    mark: Message


# What the codes of the questions below mean for whoever signs up; every other code is shared or has conditions.
_YOURS = frozenset(
    {
        ("results_ownership", "supplier"),
        ("publication", "allowed"),
        ("data_owner", "counterparty"),
        ("region_rights", "none"),
        ("commercialisation", "allowed"),
    }
)
_NOT_YOURS = frozenset(
    {
        ("results_ownership", "buyer"),
        ("publication", "not_allowed"),
        ("data_owner", "region"),
        ("region_rights", "assignment"),
        ("region_rights", "exclusive"),
        ("commercialisation", "not_allowed"),
    }
)


def _mark(term: TermValue) -> tuple[str, Message]:
    """The tone and the word for a term."""
    if term.status is TermStatus.NOT_REGULATED:
        return "neutral", message(N_("Not regulated"))
    if term.status is TermStatus.NOT_REVIEWED:
        return "neutral", message(N_("Not reviewed"))
    if term.number is not None:
        return "info", message(N_("Time limit"))
    if (term.field, term.code) in _YOURS:
        return "good", message(N_("Your right"))
    if (term.field, term.code) in _NOT_YOURS:
        return "bad", message(N_("Not your right"))
    return "waiting", message(N_("Shared, or on conditions"))


# The questions in their order, each with the field that answers it and the fields that a note may come from.
_QUESTIONS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("results_ownership", N_("Who owns the results?"), ("results_share_percent", "background_owner")),
    ("publication", N_("May you publish?"), ("publication_delay_days",)),
    ("data_owner", N_("What happens to the data?"), ("data_access",)),
    ("region_rights", N_("What may %(host)s do with the results?"), ("region_purpose",)),
    ("commercialisation", N_("May you sell what comes out of it?"), ("commercial_return",)),
    ("confidentiality_months", N_("For how long is information confidential?"), ()),
)


def glance(terms: Mapping[str, TermValue], party: PublicParty = HOST) -> list[Glance]:
    """The terms in brief: the questions that most people ask first."""
    return [_row(terms, name, question, notes, party) for name, question, notes in _QUESTIONS]


def _row(
    terms: Mapping[str, TermValue], name: str, question: str, notes: tuple[str, ...], party: PublicParty
) -> Glance:
    term = _term(terms, name)
    tone, mark = _mark(term)
    note = next((sentence(_term(terms, other), party) for other in notes if _has_value(terms, other)), None)
    if term.status is not TermStatus.VALUE:
        answer = message(
            N_("The agreement does not say")
            if term.status is TermStatus.NOT_REGULATED
            else N_("Not yet reviewed by legal")
        )
        return Glance(name, _fill(question, term, party), answer, None, tone, mark)
    if name == "publication" and term.code == "after_review" and _has_value(terms, "publication_review_days"):
        answer = _fill(N_("Yes, after %(n)s"), _term(terms, "publication_review_days"), party)
    else:
        answer = _fill(ANSWERS[name][term.code or ""], term, party)
    return Glance(name, _fill(question, term, party), answer, note, tone, mark)
