"""The versions of agreements over the API: new ones, and comparing them with each other, others and templates."""

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from litestar import get, post
from litestar.params import FromPath, JSONBody
from litestar.types import ControllerRouterHandler
from pydantic import Field

from registry.agreements import queries, rules, service, versions
from registry.agreements.clauses import ClausePair
from registry.agreements.queries import Comparison, TermPair
from registry.web.api.agreements import PATH, AgreementAnswer, TermAnswer, TermInput, answer, read_terms, term_answer
from registry.web.authentication import CurrentActor
from registry.web.input import Day, Input, Line, PlainText


class VersionRequest(Input):
    """What changes; what is left out stays. Of the terms, those that are given change."""

    title: Line | None = None
    dnr: Annotated[Line, Field(max_length=rules.LONGEST_DNR)] | None = None
    valid_from: Day | None = None
    valid_until: Day | None = None
    text_sv: Annotated[PlainText, Field(max_length=rules.LONGEST_TEXT)] | None = None
    text_en: Annotated[PlainText, Field(max_length=rules.LONGEST_TEXT)] | None = None
    terms: Annotated[dict[str, TermInput], Field(default_factory=dict)]


@dataclass(frozen=True)
class TermPairAnswer:
    """The same field on both sides; `severity` is what a deviation from a template weighs, else null."""

    field: str
    differs: bool
    severity: str | None
    a: TermAnswer
    b: TermAnswer


@dataclass(frozen=True)
class ChangeAnswer:
    """A stretch of words: `same`, only in `a` (`removed`) or only in `b` (`added`)."""

    kind: str
    text: str


@dataclass(frozen=True)
class ClauseAnswer:
    """The same clause on both sides, null where one lacks it; `changes` is empty where nothing differs."""

    heading: str
    differs: bool
    a: str | None
    b: str | None
    changes: list[ChangeAnswer]


@dataclass(frozen=True)
class ComparisonAnswer:
    """Two sides, differences first. `a` and `b` are agreements; for versions and templates `b` is the same as `a`."""

    a: UUID
    b: UUID
    terms: list[TermPairAnswer]
    clauses_sv: list[ClauseAnswer]
    clauses_en: list[ClauseAnswer]


@post(f"{PATH}/{{agreement_id:uuid}}/versions", tags=["agreements"])
async def add_version(
    actor: CurrentActor, agreement_id: FromPath[UUID], data: JSONBody[VersionRequest]
) -> AgreementAnswer:
    """Change a draft, or an agreement that was sent back, by a new version of it."""
    terms = None
    if data.terms:
        terms = {**(await queries.get_editable(actor, agreement_id)).terms, **read_terms(data.terms)}
    await service.add_version(
        actor,
        agreement_id,
        title=data.title,
        dnr=data.dnr,
        valid_from=data.valid_from,
        valid_until=data.valid_until,
        text_sv=data.text_sv,
        text_en=data.text_en,
        terms=terms,
    )
    return await answer(actor, agreement_id)


@get(f"{PATH}/{{agreement_id:uuid}}/compare/{{other_id:uuid}}", tags=["agreements"])
async def compare(actor: CurrentActor, agreement_id: FromPath[UUID], other_id: FromPath[UUID]) -> ComparisonAnswer:
    """Two agreements field by field and clause by clause, differences first."""
    return _answer(await queries.compare(actor, agreement_id, other_id), other_id)


@get(f"{PATH}/{{agreement_id:uuid}}/compare/template", tags=["agreements"])
async def compare_with_own_template(actor: CurrentActor, agreement_id: FromPath[UUID]) -> ComparisonAnswer:
    """An agreement (`a`) and the template it was made from, filled in for it (`b`)."""
    return _answer(await queries.compare_with_template(actor, agreement_id), agreement_id)


@get(f"{PATH}/{{agreement_id:uuid}}/compare/template/{{code:str}}", tags=["agreements"])
async def compare_with_template(
    actor: CurrentActor, agreement_id: FromPath[UUID], code: FromPath[str]
) -> ComparisonAnswer:
    """An agreement (`a`) and any template, filled in for it (`b`)."""
    return _answer(await queries.compare_with_template(actor, agreement_id, code), agreement_id)


@get(f"{PATH}/{{agreement_id:uuid}}/versions/{{older:int}}/compare/{{newer:int}}", tags=["agreements"])
async def compare_versions(
    actor: CurrentActor, agreement_id: FromPath[UUID], older: FromPath[int], newer: FromPath[int]
) -> ComparisonAnswer:
    """Two versions of one agreement, the older as `a`."""
    return _answer(await versions.compare_versions(actor, agreement_id, older, newer), agreement_id)


def _answer(found: Comparison, other_id: UUID) -> ComparisonAnswer:
    return ComparisonAnswer(
        a=found.view.agreement.id,
        b=other_id,
        terms=[_pair(found, pair) for pair in found.terms],
        clauses_sv=[_clause(pair) for pair in found.clauses_sv],
        clauses_en=[_clause(pair) for pair in found.clauses_en],
    )


def _pair(found: Comparison, pair: TermPair) -> TermPairAnswer:
    severity = found.severities[pair.field].value if found.severities else None
    return TermPairAnswer(pair.field, pair.differs, severity, term_answer(pair.a), term_answer(pair.b))


def _clause(pair: ClausePair) -> ClauseAnswer:
    return ClauseAnswer(
        pair.heading,
        pair.differs,
        pair.a.text if pair.a else None,
        pair.b.text if pair.b else None,
        [ChangeAnswer(one.kind.value, one.text) for one in pair.changes] if pair.differs else [],
    )


HANDLERS: list[ControllerRouterHandler] = [
    add_version,
    compare,
    compare_with_own_template,
    compare_with_template,
    compare_versions,
]
