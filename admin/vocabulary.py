"""The vocabulary desk: what things are called in the search, and what is narrower than what."""

from functools import partial
from typing import Annotated, Any

from litestar import Request, get, post
from litestar.params import FromPath
from litestar.response import Redirect, Template
from litestar.types import ControllerRouterHandler
from pydantic import Field

from admin.sent_forms import NOT_SENT, Sent, or_again, parse_form
from registry.access import Actor, Permission, require
from registry.entries.codes import Sector
from registry.errors import EditedMeanwhile, NotFound
from registry.web import language
from registry.web.authentication import CurrentActor
from registry.web.input import Input, Line, LongText, Whole, form_values, read_query
from registry.web.labels import options
from registry.web.rendering import go_to, page
from search import concepts, vocabulary
from search.concepts import ConceptName, ConceptView
from search.vocabulary import GENERAL, ConceptText

AnyRequest = Request[Any, Any, Any]
DESK = "/desk/vocabulary"
PAGE_SIZE = 50
LARGEST_ID = 2**63 - 1
# Rows of the form that are free for further broader concepts.
FREE_ROWS = 2


class DeskFilter(Input):
    """What the list shows. `sector` is a code or `general`."""

    q: Line = ""
    sector: str | None = None
    page: Annotated[Whole, Field(ge=1, le=1_000_000)] = 1


class ConceptForm(Input):
    """A concept: terms one on each line, the name first; broader concepts by key or term."""

    version: Whole = 0
    sv: LongText = ""
    en: LongText = ""
    sectors: list[Sector] = Field(default_factory=list, max_length=4)
    broader: list[Line] = Field(default_factory=list, max_length=30)

    def text(self) -> ConceptText:
        """What has been written, for the commands."""
        return ConceptText(
            sv=tuple(self.sv.split("\n")),
            en=tuple(self.en.split("\n")),
            sectors=tuple(dict.fromkeys(self.sectors)),
            broader=tuple(self.broader),
        )


@get(DESK, include_in_schema=False)
async def desk(request: AnyRequest, actor: CurrentActor) -> Template:
    """The concepts, to look through and search in."""
    wanted = read_query(request, DeskFilter, ignore_unknown=True)
    sector = wanted.sector if wanted.sector in {GENERAL, *Sector} else None
    rows, total = await concepts.concepts(
        actor,
        text=" ".join(wanted.q.split()),
        sector=sector,
        language=language.current_language(),
        page=wanted.page,
        page_size=PAGE_SIZE,
    )
    return page(
        request,
        "desk/vocabulary.html",
        rows=rows,
        total=total,
        words=wanted.q,
        sector=sector or "",
        sector_choices=[*options("sector"), (GENERAL, language.gettext("All areas"))],
        may_edit=actor.may(Permission.VOCABULARY_EDIT),
        page_number=wanted.page,
        pages=-(-total // PAGE_SIZE),
        breadcrumbs=[(None, language.gettext("Vocabulary"))],
    )


@get(f"{DESK}/new", include_in_schema=False)
async def new_page(request: AnyRequest, actor: CurrentActor) -> Template:
    """The form of a new concept."""
    require(actor, Permission.VOCABULARY_EDIT)
    return await _form(request, actor, None, NOT_SENT)


@post(f"{DESK}/new", include_in_schema=False)
async def create(request: AnyRequest, actor: CurrentActor) -> Redirect | Template:
    """Create a concept."""
    require(actor, Permission.VOCABULARY_EDIT)
    raw = await form_values(request, ConceptForm)

    async def act() -> Redirect:
        concept_id = await vocabulary.create_concept(actor, parse_form(ConceptForm, raw).text())
        return go_to(f"{DESK}/{concept_id}", "concept-created")

    return await or_again(raw, act, partial(_form, request, actor, None))


@get(f"{DESK}/{{concept_id:int}}", include_in_schema=False)
async def concept_page(request: AnyRequest, actor: CurrentActor, concept_id: FromPath[int]) -> Template:
    """A concept: for those who may, in a form."""
    return await _form(request, actor, await _concept(actor, concept_id), NOT_SENT)


@post(f"{DESK}/{{concept_id:int}}", include_in_schema=False)
async def change(request: AnyRequest, actor: CurrentActor, concept_id: FromPath[int]) -> Redirect | Template:
    """Change a concept."""
    require(actor, Permission.VOCABULARY_EDIT)
    raw = await form_values(request, ConceptForm)
    before = await _concept(actor, concept_id)

    async def act() -> Redirect:
        form = parse_form(ConceptForm, raw)
        await vocabulary.change_concept(actor, concept_id, form.text(), read_version=form.version)
        return go_to(f"{DESK}/{concept_id}", "concept-changed")

    return await or_again(raw, act, partial(_form, request, actor, before))


@get(f"{DESK}/{{concept_id:int}}/remove", include_in_schema=False)
async def remove_page(request: AnyRequest, actor: CurrentActor, concept_id: FromPath[int]) -> Template:
    """What removing a concept means, before it is done."""
    require(actor, Permission.VOCABULARY_EDIT)
    found = await _concept(actor, concept_id)
    title = language.gettext("Remove the concept “%(name)s”") % {"name": language.in_language(found.name, "name")}
    return page(
        request,
        "desk/vocabulary_remove.html",
        concept=found,
        title=title,
        breadcrumbs=[*_trail(found), (None, language.gettext("Remove"))],
    )


@post(f"{DESK}/{{concept_id:int}}/remove", include_in_schema=False)
async def remove(actor: CurrentActor, concept_id: FromPath[int]) -> Redirect:
    """Remove a concept."""
    require(actor, Permission.VOCABULARY_EDIT)
    await vocabulary.remove_concept(actor, (await _concept(actor, concept_id)).name.id)
    return go_to(DESK, "concept-removed")


async def _concept(actor: Actor, concept_id: int) -> ConceptView:
    require(actor, Permission.VOCABULARY_READ)
    if not 0 < concept_id <= LARGEST_ID:
        raise NotFound
    return await concepts.concept(actor, concept_id, language=language.current_language())


async def _form(request: AnyRequest, actor: Actor, found: ConceptView | None, sent: Sent) -> Template:
    form = sent.values(ConceptForm, _values(found))
    edited_meanwhile = found is not None and sent.status == EditedMeanwhile.status
    if found and edited_meanwhile:
        form["version"] = found.version
    return page(
        request,
        "desk/vocabulary_concept.html",
        status=sent.status,
        concept=found,
        form=form,
        # What stands in the form is compared with what somebody else has saved, and saved again knowingly.
        edited_meanwhile=edited_meanwhile,
        broader_rows=[*(text for text in form["broader"] if text), *[""] * FREE_ROWS],
        choices=choices(await concepts.concept_names(actor, language.current_language()), but=found),
        sector_choices=options("sector"),
        may_edit=actor.may(Permission.VOCABULARY_EDIT),
        title=language.in_language(found.name, "name") if found else language.gettext("New concept"),
        # A fault in one row of several (`broader.1`) is shown at the field that they belong to.
        errors=[{**fault, "field": fault["field"].partition(".")[0]} for fault in sent.shown],
        breadcrumbs=_trail(found) if found else [*_trail(None), (None, language.gettext("New concept"))],
    )


def choices(names: list[ConceptName], *, but: ConceptView | None = None) -> list[tuple[str, str]]:
    """The concepts that can be chosen, as key and what they are called in both languages."""
    return [
        (name.key, " / ".join(part for part in (name.name_sv, name.name_en) if part))
        for name in names
        if but is None or name.id != but.name.id
    ]


def _values(found: ConceptView | None) -> dict[str, Any]:
    if found is None:
        return {"version": 0, "sv": "", "en": "", "sectors": [], "broader": []}
    return {
        "version": found.version,
        "sv": "\n".join(found.sv),
        "en": "\n".join(found.en),
        "sectors": [sector.value for sector in found.sectors],
        "broader": [name.key for name in found.broader],
    }


def _trail(found: ConceptView | None) -> list[tuple[str | None, str]]:
    trail: list[tuple[str | None, str]] = [(DESK, language.gettext("Vocabulary"))]
    if found:
        trail.append((f"{DESK}/{found.name.id}", language.in_language(found.name, "name")))
    return trail


HANDLERS: list[ControllerRouterHandler] = [desk, new_page, create, concept_page, change, remove_page, remove]
