"""Comparing an agreement with another one, with a template, or two of its versions with each other."""

from typing import Any
from uuid import UUID

from litestar import Request, get
from litestar.params import FromPath
from litestar.response import Template
from litestar.types import ControllerRouterHandler

from registry.agreements import queries, versions
from registry.agreements.queries import Comparison
from registry.formats import plain_language
from registry.web import language
from registry.web.agreement_changes import show_side
from registry.web.authentication import CurrentActor
from registry.web.rendering import page

AnyRequest = Request[Any, Any, Any]


@get("/agreements/{agreement_id:uuid}/compare/template", include_in_schema=False)
async def compare_with_own_template(request: AnyRequest, actor: CurrentActor, agreement_id: FromPath[UUID]) -> Template:
    """An agreement beside the template it was made from."""
    found = await queries.compare_with_template(actor, agreement_id)
    return _with_template(request, found, language.gettext("The model"))


@get("/agreements/{agreement_id:uuid}/compare/template/{code:str}", include_in_schema=False)
async def compare_with_template(
    request: AnyRequest, actor: CurrentActor, agreement_id: FromPath[UUID], code: FromPath[str]
) -> Template:
    """An agreement beside any template."""
    found = await queries.compare_with_template(actor, agreement_id, code)
    model = await queries.model(code)
    return _with_template(request, found, language.in_language(model.offered, "title") if model else code)


@get("/agreements/{agreement_id:uuid}/compare/{other_id:uuid}", include_in_schema=False)
async def compare(
    request: AnyRequest, actor: CurrentActor, agreement_id: FromPath[UUID], other_id: FromPath[UUID]
) -> Template:
    """Two agreements side by side, differences first."""
    found = await queries.compare(actor, agreement_id, other_id)
    names = (language.gettext("This agreement"), language.gettext("The other agreement"))
    return _page(request, found, language.gettext("Compare agreements"), names, "a")


@get("/agreements/{agreement_id:uuid}/versions/{older:int}/compare/{newer:int}", include_in_schema=False)
async def compare_versions(
    request: AnyRequest, actor: CurrentActor, agreement_id: FromPath[UUID], older: FromPath[int], newer: FromPath[int]
) -> Template:
    """Two versions of an agreement side by side."""
    found = await versions.compare_versions(actor, agreement_id, older, newer)
    said = language.gettext("Version %(number)s")
    names = (said % {"number": older}, said % {"number": newer})
    return _page(request, found, language.gettext("Compare versions"), names, "a")


def _with_template(request: AnyRequest, found: Comparison, name: str) -> Template:
    names = (language.gettext("This agreement"), name)
    # What the agreement has and the model lacks has been added.
    return _page(request, found, language.gettext("Compare with the model"), names, "b")


def _page(request: AnyRequest, found: Comparison, heading: str, names: tuple[str, str], base: str) -> Template:
    agreement = found.view.agreement
    party = plain_language.public_party(agreement.type)
    use_english = language.current_language() == "en" and found.view.text_en
    return page(
        request,
        "agreements/compare.html",
        found=found,
        agreement=agreement,
        other=found.other.agreement if found.other else None,
        heading=heading,
        a_name=names[0],
        b_name=names[1],
        clauses=found.clauses_en if use_english else found.clauses_sv,
        clause_language="en" if use_english else "sv",
        show_side=lambda pair, side: show_side(pair, side, base),
        sentence=lambda term: language.say(plain_language.sentence(term, party)),
        reason=lambda group: language.say(plain_language.reason(group)),
        breadcrumbs=[
            ("/agreements", language.gettext("Agreements")),
            (f"/agreements/{agreement.id}", language.in_language(agreement, "title")),
            (None, language.gettext("Compare")),
        ],
    )


HANDLERS: list[ControllerRouterHandler] = [
    compare_with_own_template,
    compare_with_template,
    compare,
    compare_versions,
]
