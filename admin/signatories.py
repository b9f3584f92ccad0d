"""Who may sign for an organisation: the list, and recording or ending it."""

from enum import StrEnum
from typing import Annotated, Any

from litestar import Request, get, post
from litestar.params import FromPath
from litestar.response import Redirect, Template
from litestar.types import ControllerRouterHandler

from registry.access import Actor
from registry.accounts import authorities
from registry.agreements.rules import today
from registry.errors import N_, DomainError, FieldError, InvalidInput, NotFound, invalid
from registry.web import language
from registry.web.authentication import CurrentActor
from registry.web.input import BlankIsNone, Day, Input, Line, form_values, parse
from registry.web.labels import options
from registry.web.rendering import go_to, page

AnyRequest = Request[Any, Any, Any]
SIGNATORIES = "/desk/signatories"


class Scope(StrEnum):
    """For whom a person may sign: the own organisation, or every committee and company of the region."""

    OWN = "own"
    PUBLIC = "public"


class AuthorityForm(Input):
    """Who may sign for whom, on what ground, from and until when."""

    email: Line = ""
    scope: Scope = Scope.OWN
    ground: Line = ""
    valid_from: Day
    valid_until: Annotated[Day | None, BlankIsNone] = None


@get(SIGNATORIES, include_in_schema=False)
async def list_page(request: AnyRequest, actor: CurrentActor) -> Template:
    """Who may sign today or later."""
    return await _page(request, actor)


@post(SIGNATORIES, include_in_schema=False)
async def give(request: AnyRequest, actor: CurrentActor) -> Redirect | Template:
    """Record that somebody may sign."""
    # Whoever may not see the list learns nothing about addresses here, either.
    await authorities.list_authorities(actor, today())
    raw = await form_values(request, AuthorityForm)
    try:
        form = parse(AuthorityForm, raw)
        person_id, organisation_id = await authorities.person_to_sign(form.email)
        if form.scope is Scope.OWN and organisation_id is None:
            raise invalid("scope", N_("The person belongs to no organisation."))
        await authorities.give_authority(
            actor,
            person_id,
            organisation_id if form.scope is Scope.OWN else None,
            ground=form.ground,
            valid_from=form.valid_from,
            valid_until=form.valid_until,
        )
    except InvalidInput as error:
        return await _page(request, actor, errors=error.errors, form=raw, status=error.status)
    except DomainError as error:
        return await _page(request, actor, errors=[FieldError("", error.detail)], form=raw, status=error.status)
    return go_to(SIGNATORIES, "authority-stored")


@post(f"{SIGNATORIES}/{{authority_id:int}}/end", include_in_schema=False)
async def end(actor: CurrentActor, authority_id: FromPath[int]) -> Redirect:
    """Let today be the last day."""
    if not 0 < authority_id < 2**31:
        raise NotFound
    await authorities.end_authority(actor, authority_id, today())
    return go_to(SIGNATORIES, "authority-ended")


async def _page(
    request: AnyRequest,
    actor: Actor,
    *,
    errors: list[FieldError] | None = None,
    form: dict[str, Any] | None = None,
    status: int = 200,
) -> Template:
    empty = {"email": "", "scope": "own", "ground": "", "valid_from": today().isoformat(), "valid_until": ""}
    return page(
        request,
        "desk/signatories.html",
        status=status,
        authorities=await authorities.list_authorities(actor, today()),
        today=today(),
        scopes=options("signing_scope"),
        form={**empty, **(form or {})},
        errors=language.say_errors(errors),
        breadcrumbs=[("/desk/agreements", language.gettext("Legal desk")), (None, language.gettext("Right to sign"))],
    )


HANDLERS: list[ControllerRouterHandler] = [list_page, give, end]
