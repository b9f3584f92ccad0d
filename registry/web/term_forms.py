"""The form in which a lawyer or author fills in the IP terms: one choice a field, its clause and notes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any

from litestar import Request
from pydantic import Field

from registry.agreements import rules
from registry.agreements.codes import TERM_FIELDS, TermField, TermStatus, TermValue, ValueKind
from registry.errors import N_, FieldError, InvalidInput, message
from registry.formats import plain_language
from registry.web import language
from registry.web.input import Input, Line, PlainText, parse
from registry.web.labels import label

_PARTS = ("choice", "value", "clause", "note_sv", "note_en")


class TermForm(Input):
    """One field. `choice` is a status, or for fields with codes the code; `value` the number or the text."""

    choice: Line = TermStatus.NOT_REVIEWED.value
    value: Line = ""
    clause: Annotated[Line, Field(max_length=20)] = ""
    note_sv: Annotated[PlainText, Field(max_length=rules.LONGEST_NOTE)] = ""
    note_en: Annotated[PlainText, Field(max_length=rules.LONGEST_NOTE)] = ""


@dataclass(frozen=True)
class TermRow:
    """A field as the form shows it: its choices as whole sentences, and what is chosen; `kind` and `unit` as stored."""

    name: str
    kind: str
    unit: str
    choices: tuple[tuple[str, str], ...]
    values: Mapping[str, Any]


def values_of(terms: Mapping[str, TermValue]) -> dict[str, str]:
    """The terms as the form holds them, by `field.part`."""
    values: dict[str, str] = {}
    for name, term in terms.items():
        is_code = term.code is not None
        shown = term.number if term.number is not None else term.text
        values |= {
            f"{name}.choice": str(term.code if is_code else term.status.value),
            f"{name}.value": "" if shown is None else str(shown),
            f"{name}.clause": term.clause,
            f"{name}.note_sv": term.note_sv,
            f"{name}.note_en": term.note_en,
        }
    return values


def rows(values: Mapping[str, Any], party: plain_language.PublicParty) -> list[tuple[str, list[TermRow]]]:
    """The fields of the form by group, in the order of `TERM_FIELDS`."""
    groups: dict[str, list[TermRow]] = {}
    for name, field in TERM_FIELDS.items():
        filled = {part: values.get(f"{name}.{part}", "") for part in _PARTS}
        row = TermRow(name, field.kind.value, field.unit, tuple(_choices(name, field, party)), filled)
        groups.setdefault(field.group.value, []).append(row)
    return list(groups.items())


def _choices(name: str, field: TermField, party: plain_language.PublicParty) -> Iterable[tuple[str, str]]:
    for code in field.values:
        said = plain_language.sentence(TermValue(name, TermStatus.VALUE, code=code), party)
        yield code, language.say(said)
    if field.kind is not ValueKind.CODE:
        yield TermStatus.VALUE.value, label("value", "term_status")
    yield TermStatus.NOT_REGULATED.value, label("not_regulated", "term_status")
    yield TermStatus.NOT_REVIEWED.value, label("not_reviewed", "term_status")


async def read_values(request: Request[Any, Any, Any]) -> dict[str, str]:
    """What was sent, by `field.part`; names that are no part of the form are left out."""
    form = await request.form()
    known = {f"{name}.{part}" for name in TERM_FIELDS for part in _PARTS}
    return {name: value for name, value in form.multi_items() if name in known and isinstance(value, str)}


def read_terms(values: Mapping[str, str]) -> dict[str, TermValue]:
    """The terms that were sent.

    Raises:
        InvalidInput: with one error for each part that is wrong, named as in the form.
    """
    terms, faults = dict[str, TermValue](), list[FieldError]()
    for name, field in TERM_FIELDS.items():
        sent = {part: values[f"{name}.{part}"] for part in _PARTS if f"{name}.{part}" in values}
        try:
            terms[name] = _term(name, field, parse(TermForm, sent))
        except InvalidInput as error:
            faults += [FieldError(f"{name}.{fault.field}", fault.message) for fault in error.errors]
    faults += [
        FieldError(f"{fault.field.removeprefix('terms.')}.{_part(fault.field)}", fault.message)
        for fault in rules.faults_of_terms(terms)
    ]
    if faults:
        raise InvalidInput(faults)
    return terms


def _part(field: str) -> str:
    is_code = TERM_FIELDS[field.removeprefix("terms.")].kind is ValueKind.CODE
    return "choice" if is_code else "value"


def _term(name: str, field: TermField, form: TermForm) -> TermValue:
    empty = TermValue(name, TermStatus.VALUE, clause=form.clause, note_sv=form.note_sv, note_en=form.note_en)
    if form.choice in {TermStatus.NOT_REGULATED, TermStatus.NOT_REVIEWED}:
        return replace(empty, status=TermStatus(form.choice))
    if field.kind is ValueKind.CODE:
        return replace(empty, code=form.choice)
    if field.kind is ValueKind.TEXT:
        return replace(empty, text=form.value)
    if not (form.value.isascii() and form.value.isdigit()):
        raise InvalidInput([FieldError("value", message(N_("Write a whole number, with digits only.")))])
    return replace(empty, number=int(form.value[:9]))
