"""Agreements over the API."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from litestar import Request, get, post
from litestar.params import FromPath, JSONBody
from litestar.types import ControllerRouterHandler
from pydantic import Field

from registry.access import Actor, Role
from registry.agreements import queries, rules, service
from registry.agreements.codes import TERM_FIELDS, SignatureMethod, TermStatus, TermValue, ValueKind
from registry.agreements.queries import AgreementRow, AgreementView
from registry.agreements.states import AgreementState
from registry.entries import queries as entries
from registry.errors import N_, invalid
from registry.formats import plain_language
from registry.web import language
from registry.web.authentication import API_PREFIX, CurrentActor
from registry.web.input import Day, Input, Line, LongText, Whole, read_query

AnyRequest = Request[Any, Any, Any]
PATH = f"{API_PREFIX}/agreements"
# An organisation's id, within what the database's integer holds.
OrganisationId = Annotated[Whole, Field(ge=1, le=2_147_483_647)]


# --- What is sent


class TermInput(Input):
    """What the agreement says about one field: a value (a code, a whole number or a text), or a status without one."""

    status: TermStatus = TermStatus.VALUE
    value: Whole | Line | None = None
    clause: Annotated[Line, Field(max_length=20)] = ""
    note_sv: Annotated[LongText, Field(max_length=rules.LONGEST_NOTE)] = ""
    note_en: Annotated[LongText, Field(max_length=rules.LONGEST_NOTE)] = ""


def read_terms(given: Mapping[str, TermInput]) -> dict[str, TermValue]:
    """The terms by field. Whether they fit their fields is for the command to say."""
    terms = {}
    for name, term in given.items():
        kind = TERM_FIELDS[name].kind if name in TERM_FIELDS else ValueKind.TEXT
        terms[name] = TermValue(
            name,
            term.status,
            code=term.value if kind is ValueKind.CODE and isinstance(term.value, str) else None,
            number=term.value if isinstance(term.value, int) else None,
            text=term.value if kind is not ValueKind.CODE and isinstance(term.value, str) else None,
            clause=term.clause,
            note_sv=term.note_sv,
            note_en=term.note_en,
        )
    return terms


class AgreementRequest(Input):
    """A new agreement from a template. Dates are in Europe/Stockholm, both included."""

    template: Line
    organisation: OrganisationId | None = None
    entries: Annotated[list[Line], Field(min_length=1, max_length=50)]
    dnr: Annotated[Line, Field(max_length=rules.LONGEST_DNR)] = ""
    title: Line = ""
    valid_from: Day | None = None
    valid_until: Day | None = None
    framework: bool = False
    # In place of the template's; fields that are not given stay as in the template.
    terms: Annotated[dict[str, TermInput], Field(default_factory=dict)]
    submit: bool = False


class AgreementFilter(Input):
    """Which agreements to list."""

    state: AgreementState | None = None
    page: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    page_size: Annotated[int, Field(ge=1, le=100)] = 20


class Step(Input):
    """A step with its reason."""

    reason: LongText = ""
    version: Annotated[int, Field(ge=1, le=1_000_000)] | None = None


class SignatureRequest(Input):
    """For which party, and how; both can be left out where there is only one possibility."""

    organisation: OrganisationId | None = None
    version: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    method: SignatureMethod = SignatureMethod.SIGNED_IN


# --- What is answered


@dataclass(frozen=True)
class Texts:
    sv: str
    en: str


@dataclass(frozen=True)
class PartyAnswer:
    organisation: int
    role: str
    name: Texts
    signed_at: datetime | None
    method: str | None


@dataclass(frozen=True)
class EntryAnswer:
    slug: str
    title: Texts


@dataclass(frozen=True)
class AgreementListed:
    """An agreement in a list."""

    id: UUID
    type: str
    state: str
    title: Texts
    dnr: str
    framework: bool
    template: str | None
    parties: list[PartyAnswer]
    entries: list[EntryAnswer]
    valid_from: date | None
    valid_until: date | None
    next_actor: str
    created_at: datetime
    submitted_at: datetime | None


@dataclass(frozen=True)
class AgreementPage:
    items: list[AgreementListed]
    total: int
    page: int
    page_size: int


@dataclass(frozen=True)
class TermAnswer:
    """What the agreement says about one field; `value` is a code, a number or a text."""

    status: str
    value: str | int | None
    clause: str
    note: Texts


@dataclass(frozen=True)
class Summary:
    """The terms in plain language, at most three lines."""

    sv: list[str]
    en: list[str]


@dataclass(frozen=True)
class VersionAnswer:
    number: int
    sha256: str
    created_at: datetime


@dataclass(frozen=True)
class DocumentAnswer:
    id: UUID
    filename: str
    media_type: str
    size: int
    sha256: str


@dataclass(frozen=True)
class AgreementAnswer(AgreementListed):
    """A whole agreement: current text and terms, and what the reader may do."""

    reason: str
    next_step: str
    text: Texts
    sha256: str
    terms: dict[str, TermAnswer]
    summary: Summary
    versions: list[VersionAnswer]
    documents: list[DocumentAnswer]
    actions: list[str]


# --- Handlers


@get(PATH, tags=["agreements"])
async def list_all(request: AnyRequest, actor: CurrentActor) -> AgreementPage:
    """The agreements of your organisation and those you wrote; legal and the auditor see all."""
    wanted = read_query(request, AgreementFilter)
    rows, total = await queries.list_agreements(actor, state=wanted.state, page=wanted.page, page_size=wanted.page_size)
    return AgreementPage([AgreementListed(**listed(row)) for row in rows], total, wanted.page, wanted.page_size)


@post(PATH, tags=["agreements"])
async def create(actor: CurrentActor, data: JSONBody[AgreementRequest]) -> AgreementAnswer:
    """Write an agreement from a template for the entries named, and send it to legal if `submit` is true."""
    agreement_id = await service.create_agreement(
        actor,
        organisation_id=data.organisation or _own_organisation(actor),
        template_code=data.template,
        entry_ids=[(await entries.get_entry(actor, slug)).id for slug in data.entries],
        title=data.title,
        dnr=data.dnr,
        valid_from=data.valid_from,
        valid_until=data.valid_until,
        framework=data.framework,
        terms=await _with_the_templates(data) if data.terms else None,
    )
    if data.submit:
        await service.submit(actor, agreement_id)
    return await answer(actor, agreement_id)


async def _with_the_templates(data: AgreementRequest) -> dict[str, TermValue]:
    model = await queries.model(data.template)
    return {**(model.offered.terms if model else {}), **read_terms(data.terms)}


def _own_organisation(actor: Actor) -> int:
    own = actor.organisations(Role.FIRM)
    if len(own) != 1:
        raise invalid("organisation", N_("Say which organisation the agreement is with."))
    return next(iter(own))


@get(f"{PATH}/{{agreement_id:uuid}}", tags=["agreements"])
async def get_one(actor: CurrentActor, agreement_id: FromPath[UUID]) -> AgreementAnswer:
    """An agreement: its parties and signatures, text and terms, and what you may do next."""
    return await answer(actor, agreement_id)


def _step(path: str, action: str, summary: str) -> ControllerRouterHandler:
    """A handler for one step of the state table."""

    @post(
        f"{PATH}/{{agreement_id:uuid}}/{path}",
        name=f"agreement_{action}",
        operation_id=f"agreement_{action}",
        summary=summary,
        status_code=200,
        tags=["agreements"],
    )
    async def step(
        actor: CurrentActor, agreement_id: FromPath[UUID], data: JSONBody[Step | None] = None
    ) -> AgreementAnswer:
        body = data or Step()
        await service.take_step(actor, agreement_id, action, reason=body.reason, read_version=body.version)
        return await answer(actor, agreement_id)

    return step


@post(f"{PATH}/{{agreement_id:uuid}}/sign", status_code=200, tags=["agreements"])
async def sign(
    actor: CurrentActor, agreement_id: FromPath[UUID], data: JSONBody[SignatureRequest | None] = None
) -> AgreementAnswer:
    """Sign the current version for your organisation; legal signs for the public party."""
    body = data or SignatureRequest()
    await service.sign(
        actor, agreement_id, organisation_id=body.organisation, method=body.method, read_version=body.version
    )
    return await answer(actor, agreement_id)


# --- Shaping


async def answer(actor: Actor, agreement_id: UUID) -> AgreementAnswer:
    """A whole agreement, for the handlers here and of its versions."""
    view = await queries.get_agreement(actor, agreement_id)
    return AgreementAnswer(
        **listed(view.agreement),
        reason=view.agreement.decision_reason,
        next_step=language.say(view.agreement.next_step),
        text=Texts(view.text_sv, view.text_en),
        sha256=view.sha256,
        terms={name: term_answer(term) for name, term in view.terms.items()},
        summary=_summary(view),
        versions=[VersionAnswer(one.number, one.sha256, one.created_at) for one in view.versions],
        documents=[
            DocumentAnswer(one.id, one.filename, one.media_type, one.size, one.sha256) for one in view.documents
        ],
        actions=[action.replace("_", "-") for action in view.actions] + (["sign"] if view.signings else []),
    )


def listed(row: AgreementRow) -> dict[str, Any]:
    """The fields of AgreementListed."""
    return {
        "id": row.id,
        "type": row.type.value,
        "state": row.state.value,
        "title": Texts(row.title_sv, row.title_en),
        "dnr": row.dnr,
        "framework": row.framework,
        "template": row.template_code,
        "parties": [
            PartyAnswer(
                party.organisation_id,
                party.role.value,
                Texts(party.name_sv, party.name_en),
                _local(party.signed_at),
                party.method.value if party.method else None,
            )
            for party in row.parties
        ],
        "entries": [EntryAnswer(entry.slug, Texts(entry.title_sv, entry.title_en)) for entry in row.entries],
        "valid_from": row.valid_from,
        "valid_until": row.valid_until,
        "next_actor": row.next_actor.value,
        "created_at": row.created_at.astimezone(rules.STOCKHOLM),
        "submitted_at": _local(row.submitted_at),
    }


def _local(moment: datetime | None) -> datetime | None:
    return moment.astimezone(rules.STOCKHOLM) if moment else None


def term_answer(term: TermValue) -> TermAnswer:
    """A term as it is answered."""
    return TermAnswer(term.status.value, term.value, term.clause, Texts(term.note_sv, term.note_en))


def _summary(view: AgreementView) -> Summary:
    lines = plain_language.summary(view.terms, plain_language.public_party(view.agreement.type))
    return Summary(*([language.say_in(code, line) for line in lines] for code in language.LANGUAGES))


HANDLERS: list[ControllerRouterHandler] = [
    list_all,
    create,
    get_one,
    _step("submit", "submit", "Send the agreement to legal"),
    _step("approve", "approve", "Approve an agreement that somebody else wrote"),
    _step("request-changes", "request_changes", "Send the agreement back and say what has to be changed"),
    _step("terminate", "terminate", "End an agreement that is in force, with the reason"),
    sign,
]
