"""The pages of saved searches: the list, saving, changing, and stopping the mails."""

from collections.abc import Sequence
from typing import Annotated, Any

from litestar import Request, get, post
from litestar.params import FromPath
from litestar.response import Redirect, Template
from litestar.types import ControllerRouterHandler
from pydantic import StringConstraints

from registry.access import Actor
from registry.errors import FieldError, InvalidInput, RuleBroken
from registry.web import language
from registry.web.authentication import CurrentActor
from registry.web.input import Input, Line, read_form
from registry.web.labels import options
from registry.web.rendering import go_to, page
from search import saved
from search.codes import Frequency
from search.filters import in_words
from search.places import Place, places
from search.saved import LONGEST_NAME, LONGEST_QUERY, SavedSearchView

AnyRequest = Request[Any, Any, Any]
PATH = "/saved-searches"


class SaveForm(Input):
    name: Line = ""
    # A query string; it is read again as a search before it is stored.
    query: Annotated[str, StringConstraints(max_length=LONGEST_QUERY)] = ""
    frequency: Frequency = Frequency.DAILY


class ChangeForm(Input):
    name: Line = ""
    frequency: Frequency


@get(PATH, include_in_schema=False)
async def list_page(request: AnyRequest, actor: CurrentActor) -> Template:
    """The reader's saved searches."""
    searches = await saved.saved_searches(actor)
    known = await places(actor)
    return page(
        request,
        "search/saved.html",
        searches=[(search, _in_words(search, known)) for search in searches],
        breadcrumbs=_crumbs(),
    )


@post(PATH, include_in_schema=False)
async def save(request: AnyRequest, actor: CurrentActor) -> Redirect | Template:
    """Save the search that a search page shows."""
    form = await read_form(request, SaveForm)
    try:
        await saved.save_search(
            actor,
            name=form.name,
            query=form.query,
            frequency=form.frequency,
            language=language.current_language(),
        )
    except (InvalidInput, RuleBroken) as error:
        return _save_page(request, form, error)
    return go_to(PATH, "search-saved")


@get(f"{PATH}/{{search_id:int}}", include_in_schema=False)
async def change_page(request: AnyRequest, actor: CurrentActor, search_id: FromPath[int]) -> Template:
    """Rename a search, change how often its news are mailed, or remove it."""
    search = await saved.get_saved_search(actor, search_id)
    return await _change_page(request, actor, search, name=search.name, frequency=search.frequency)


@post(f"{PATH}/{{search_id:int}}", include_in_schema=False)
async def change(request: AnyRequest, actor: CurrentActor, search_id: FromPath[int]) -> Redirect | Template:
    """Change a search."""
    search = await saved.get_saved_search(actor, search_id)
    form = await read_form(request, ChangeForm)
    try:
        await saved.change_saved_search(actor, search_id, name=form.name, frequency=form.frequency)
    except InvalidInput as error:
        return await _change_page(request, actor, search, name=form.name, frequency=form.frequency, error=error)
    return go_to(PATH, "search-changed")


@post(f"{PATH}/{{search_id:int}}/remove", include_in_schema=False)
async def remove(actor: CurrentActor, search_id: FromPath[int]) -> Redirect:
    """Remove a search."""
    await saved.remove_saved_search(actor, search_id)
    return go_to(PATH, "search-removed")


@get(f"{PATH}/stop/{{token:str}}", include_in_schema=False)
async def stop_page(request: AnyRequest, token: FromPath[str]) -> Template:
    """Ask before the mails stop: programs that check mails for harm open the addresses in them."""
    search = await saved.search_of_token(token)
    return _stop_page(request, search, stopped=search.frequency is Frequency.NEVER)


@post(f"{PATH}/stop/{{token:str}}", include_in_schema=False, status_code=200, exclude_from_csrf=True)
async def stop(request: AnyRequest, token: FromPath[str]) -> Template:
    """Stop the mails of a search without a sign-in: the token is the proof, as mail programs need it (RFC 8058)."""
    return _stop_page(request, await saved.stop_mails(token), stopped=True)


def _in_words(search: SavedSearchView, known: Sequence[Place]) -> str:
    try:
        return in_words(search.asked, known)
    except InvalidInput:
        return language.gettext("This search uses a filter that no longer exists.")


def _save_page(request: AnyRequest, form: SaveForm, error: InvalidInput | RuleBroken) -> Template:
    faults = error.errors if isinstance(error, InvalidInput) else [FieldError("", error.detail)]
    fields = {"name", "frequency"}
    return page(
        request,
        "search/save.html",
        status=error.status,
        form=form,
        frequencies=options("mail_frequency"),
        # What is wrong with the search itself has no field here; the way back to the search is on the page.
        errors=[
            {"field": fault.field if fault.field in fields else "", "message": language.say(fault.message)}
            for fault in faults
        ],
        breadcrumbs=_crumbs(language.gettext("Save this search")),
    )


async def _change_page(
    request: AnyRequest,
    actor: Actor,
    search: SavedSearchView,
    *,
    name: str,
    frequency: Frequency,
    error: InvalidInput | None = None,
) -> Template:
    return page(
        request,
        "search/saved_change.html",
        status=error.status if error else 200,
        search=search,
        searches_for=_in_words(search, await places(actor)),
        name=name,
        frequency=frequency,
        frequencies=options("mail_frequency"),
        longest_name=LONGEST_NAME,
        errors=language.say_errors(error.errors) if error else [],
        breadcrumbs=_crumbs(search.name),
    )


def _stop_page(request: AnyRequest, search: SavedSearchView, *, stopped: bool) -> Template:
    return page(
        request,
        "search/saved_stop.html",
        search=search,
        stopped=stopped,
        breadcrumbs=_crumbs(language.gettext("Stop the mails")),
    )


def _crumbs(*labels: str) -> list[tuple[str | None, str]]:
    first = language.gettext("Saved searches")
    return [(PATH, first), (None, labels[0])] if labels else [(None, first)]


HANDLERS: list[ControllerRouterHandler] = [list_page, save, change_page, change, remove, stop_page, stop]
