"""The page on which the author of a draft fills in its IP terms, field by field."""

from typing import Any
from uuid import UUID

from litestar import Request, get, post
from litestar.params import FromPath
from litestar.response import Redirect, Template
from litestar.types import ControllerRouterHandler

from registry.agreements import queries, service
from registry.agreements.queries import AgreementView
from registry.errors import FieldError, InvalidInput
from registry.formats import plain_language
from registry.web import language, term_forms
from registry.web.authentication import CurrentActor
from registry.web.rendering import go_to, page

AnyRequest = Request[Any, Any, Any]


@get("/agreements/{agreement_id:uuid}/terms", include_in_schema=False)
async def terms_form(request: AnyRequest, actor: CurrentActor, agreement_id: FromPath[UUID]) -> Template:
    """The terms as they are, to be changed."""
    view = await queries.get_editable(actor, agreement_id)
    return _page(request, view, term_forms.values_of(view.terms))


@post("/agreements/{agreement_id:uuid}/terms", include_in_schema=False)
async def change_terms(request: AnyRequest, actor: CurrentActor, agreement_id: FromPath[UUID]) -> Redirect | Template:
    """Store the terms as a new version; terms that are as they were make none."""
    view = await queries.get_editable(actor, agreement_id)
    values = await term_forms.read_values(request)
    try:
        terms = term_forms.read_terms(values)
        if terms != view.terms:
            await service.add_version(actor, agreement_id, terms=terms)
    except InvalidInput as error:
        return _page(request, view, values, errors=error.errors)
    return go_to(f"/agreements/{agreement_id}", "agreement-changed")


def _page(
    request: AnyRequest, view: AgreementView, values: dict[str, str], errors: list[FieldError] | None = None
) -> Template:
    agreement = view.agreement
    return page(
        request,
        "agreements/edit_terms.html",
        status=422 if errors else 200,
        agreement=agreement,
        groups=term_forms.rows(values, plain_language.public_party(agreement.type)),
        errors=language.say_errors(errors),
        breadcrumbs=[
            ("/agreements", language.gettext("Agreements")),
            (f"/agreements/{agreement.id}", language.in_language(agreement, "title")),
            (None, language.gettext("Change the terms")),
        ],
    )


HANDLERS: list[ControllerRouterHandler] = [terms_form, change_terms]
