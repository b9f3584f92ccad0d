"""Search inside agreements and their documents over the API, for legal."""

from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from litestar import Request, get
from litestar.types import ControllerRouterHandler
from markupsafe import Markup, escape
from pydantic import Field

from registry.agreements import queries
from registry.agreements.codes import AgreementType
from registry.agreements.queries import LONGEST_QUESTION, FoundAgreement, FoundPassage, Marked
from registry.agreements.states import AgreementState
from registry.errors import N_, invalid
from registry.web import language
from registry.web.api.agreements import PATH, AgreementListed, listed
from registry.web.authentication import CurrentActor
from registry.web.input import Input, Whole, read_query
from registry.web.openapi import reads_query

AnyRequest = Request[Any, Any, Any]


class AgreementQuestion(Input):
    """What is asked of the agreements, on the page and in the API alike."""

    q: Annotated[str, Field(max_length=LONGEST_QUESTION)] = Field(
        "", description='Words in Swedish or English, "a phrase", OR, or -what to leave out.'
    )
    type: AgreementType | None = None
    state: AgreementState | None = None
    page: Whole = Field(1, ge=1, le=100_000)


class PagedQuestion(AgreementQuestion):
    """The same, with the size of a page."""

    page_size: Whole = Field(20, ge=1, le=100)


@dataclass(frozen=True)
class PassageAnswer:
    """An excerpt as HTML in which only `mark` is a tag, and where it is: in a version's text or in a document."""

    text: str
    version: int | None
    language: str | None
    document: UUID | None
    filename: str | None
    page: int | None


@dataclass(frozen=True)
class AgreementFound(AgreementListed):
    """An agreement in a list, with at most three excerpts."""

    passages: list[PassageAnswer]


@dataclass(frozen=True)
class AgreementsFound:
    items: list[AgreementFound]
    total: int
    page: int
    page_size: int


@get(f"{PATH}/search", tags=["agreements"], operation_class=reads_query(PagedQuestion))
async def search_agreements(request: AnyRequest, actor: CurrentActor) -> AgreementsFound:
    """Search inside agreements and their documents; for legal only, and every search is logged."""
    asked = read_query(request, PagedQuestion)
    found = await queries.search_agreements(
        actor,
        asked.q,
        type=asked.type,
        state=asked.state,
        page=asked.page,
        page_size=asked.page_size,
        language=language.current_language(),
    )
    if found is None:
        raise invalid("q", N_("Write at least one word to look for."))
    return AgreementsFound([_found(one) for one in found.items], found.total, asked.page, asked.page_size)


def _found(one: FoundAgreement) -> AgreementFound:
    return AgreementFound(**listed(one.agreement), passages=[_passage(passage) for passage in one.passages])


def _passage(one: FoundPassage) -> PassageAnswer:
    return PassageAnswer(_html(one.text), one.version_number, one.language, one.document_id, one.filename, one.page)


def _html(text: Marked) -> str:
    return "".join(
        Markup("<mark>{}</mark>").format(piece.text) if piece.is_match else escape(piece.text) for piece in text
    )


HANDLERS: list[ControllerRouterHandler] = [search_agreements]
