"""Search inside agreements and their documents, for legal."""

from typing import Any

from litestar import Request, get
from litestar.response import Template
from litestar.types import ControllerRouterHandler

from registry.access import Permission, require
from registry.agreements import queries
from registry.agreements.queries import FoundPage
from registry.errors import FieldError, InvalidInput
from registry.web import language
from registry.web.agreement_status import tone
from registry.web.api.agreement_search import AgreementQuestion
from registry.web.authentication import CurrentActor
from registry.web.input import read_query
from registry.web.labels import options
from registry.web.rendering import page

AnyRequest = Request[Any, Any, Any]
PAGE_SIZE = 20


@get("/desk/agreements/search", include_in_schema=False)
async def search_page(request: AnyRequest, actor: CurrentActor) -> Template:
    """Words in, agreements out, with the passages in which the words are; without words, how to ask."""
    require(actor, Permission.AGREEMENT_SEARCH)
    try:
        asked = read_query(request, AgreementQuestion)
        found = await queries.search_agreements(
            actor,
            asked.q,
            type=asked.type,
            state=asked.state,
            page=asked.page,
            page_size=PAGE_SIZE,
            language=language.current_language(),
        )
    except InvalidInput as error:
        # What is too long stays in its field, so that it can be shortened.
        words = request.query_params.get("q", "")[:1000]
        return _page(request, AgreementQuestion.model_construct(q=words), None, errors=error.errors)
    return _page(request, asked, found)


def _page(
    request: AnyRequest,
    asked: AgreementQuestion,
    found: FoundPage | None,
    errors: list[FieldError] | None = None,
) -> Template:
    return page(
        request,
        "desk/legal_search.html",
        status=InvalidInput.status if errors else 200,
        asked=asked,
        found=found,
        tone=tone,
        types=options("agreement_type"),
        states=options("agreement_state"),
        pages=-(-found.total // PAGE_SIZE) if found else 0,
        errors=language.say_errors(errors),
        breadcrumbs=[
            ("/desk/agreements", language.gettext("Legal desk")),
            (None, language.gettext("Search in agreements")),
        ],
    )


HANDLERS: list[ControllerRouterHandler] = [search_page]
