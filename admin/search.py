"""The desk of the search: what people ask for, what they do not find, and putting their words into the vocabulary."""

import csv
import io
from datetime import date, timedelta
from functools import partial
from typing import Annotated, Any, Literal

from litestar import Request, Response, get, post
from litestar.response import Redirect, Template
from litestar.types import ControllerRouterHandler
from pydantic import BeforeValidator

from admin.sent_forms import NOT_SENT, Sent, or_again, parse_form
from admin.vocabulary import DESK as VOCABULARY
from admin.vocabulary import choices
from registry.access import Actor, Permission, require
from registry.errors import N_, FieldError, InvalidInput, invalid
from registry.web import language
from registry.web.authentication import CurrentActor
from registry.web.input import Input, Line, RequiredLine, form_values, read_query
from registry.web.rendering import go_to, page
from search import concepts, questions, statistics, vocabulary
from search.questions import LEAST_ASKED, Listing, Question
from search.terms import TERM_LANGUAGES
from search.vocabulary import ConceptText

AnyRequest = Request[Any, Any, Any]
DESK = "/desk/search"
PERIODS = (7, 30, 90, 365)
USUAL_PERIOD = 30
# What a spreadsheet would take for a formula.
_FORMULA = ("=", "+", "-", "\t")


def _known_period(value: object) -> object:
    """The number of days; the usual period where the address names another."""
    known = {str(days): days for days in PERIODS}
    return known.get(str(value), USUAL_PERIOD)


class PeriodFilter(Input):
    """So many days back, today included."""

    days: Annotated[int, BeforeValidator(_known_period)] = USUAL_PERIOD

    @property
    def since(self) -> date:
        return statistics.today() - timedelta(days=self.days - 1)


class AskedTerm(Input):
    """A question that is to become a term."""

    q: Line = ""
    language: str = ""


class TermForm(Input):
    """A term, and the concept that it goes to: an existing one, named by its key or a term, or a new one."""

    term: RequiredLine
    language: Literal["sv", "en"]
    target: Literal["existing", "new"] = "existing"
    concept: Line = ""


@get(DESK, include_in_schema=False)
async def desk(request: AnyRequest, actor: CurrentActor) -> Template:
    """What people have asked for, and what came of it."""
    wanted = read_query(request, PeriodFilter, ignore_unknown=True)
    totals = await questions.totals(actor, wanted.since)
    return page(
        request,
        "desk/search.html",
        days=wanted.days,
        since=wanted.since,
        periods=PERIODS,
        totals=totals,
        places=_places(totals.clicked_at),
        listings={listing.value: await questions.questions(actor, wanted.since, listing) for listing in Listing},
        least=LEAST_ASKED,
        may_edit=actor.may(Permission.VOCABULARY_EDIT),
        breadcrumbs=[(None, language.gettext("Search statistics"))],
    )


def _places(clicked_at: list[int]) -> list[tuple[str, int, int]]:
    """The places with their clicks and their width in per cent of the longest bar; the last stands for all later."""
    longest = max(clicked_at, default=0)
    named = [str(number) for number in range(1, len(clicked_at))]
    if not longest:
        return []
    return [
        (name, clicks, round(100 * clicks / longest))
        for name, clicks in zip([*named, language.gettext("Later")], clicked_at, strict=True)
    ]


@get(f"{DESK}/questions.csv", include_in_schema=False)
async def download(request: AnyRequest, actor: CurrentActor) -> Response[str]:
    """The questions of the period that are shown, and the rarer ones as a sum, as CSV (RFC 4180, UTF-8)."""
    wanted = read_query(request, PeriodFilter, ignore_unknown=True)
    rows = await questions.questions(actor, wanted.since, Listing.ASKED, most=questions.LARGEST_FILE)
    totals = await questions.totals(actor, wanted.since)
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(["question", "language", "searches", "without_hits", "last_hits", "clicks", "mean_place"])
    writer.writerows(_line(row) for row in rows)
    rare = language.gettext("(asked fewer than %(least)s times, all together)") % {"least": LEAST_ASKED}
    writer.writerow([rare, "", totals.rare_searches, "", "", "", ""])
    name = f"search-{wanted.since.isoformat()}-{statistics.today().isoformat()}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(file.getvalue(), media_type="text/csv; charset=utf-8", headers=headers)


def _line(row: Question) -> list[object]:
    question = f"'{row.question}" if row.question.startswith(_FORMULA) else row.question
    mean = "" if row.mean_place is None else round(row.mean_place, 1)
    return [question, row.language, row.searches, row.without_hits, row.last_hits, row.clicks, mean]


@get(f"{DESK}/add", include_in_schema=False)
async def add_page(request: AnyRequest, actor: CurrentActor) -> Template:
    """The form that puts a question into the vocabulary."""
    require(actor, Permission.VOCABULARY_EDIT)
    wanted = read_query(request, AskedTerm, ignore_unknown=True)
    code = wanted.language if wanted.language in TERM_LANGUAGES else language.current_language()
    before = {"term": wanted.q, "language": code, "target": "existing", "concept": ""}
    return await _add_form(request, actor, before, NOT_SENT)


@post(f"{DESK}/add", include_in_schema=False)
async def add(request: AnyRequest, actor: CurrentActor) -> Redirect | Template:
    """Add a term to a concept, or make a concept of it."""
    require(actor, Permission.VOCABULARY_EDIT)
    raw = await form_values(request, TermForm)

    async def act() -> Redirect:
        form = parse_form(TermForm, raw)
        if form.target == "existing" and not form.concept:
            raise invalid("concept", N_("Write the key or a term of the concept, or make a new one."))
        try:
            return await _add(actor, form)
        except InvalidInput as error:
            # The commands name the language of a faulty term; here it is the one field.
            faults = [FieldError("term" if f.field in TERM_LANGUAGES else f.field, f.message) for f in error.errors]
            raise InvalidInput(faults) from error

    return await or_again(raw, act, partial(_add_form, request, actor, {}))


async def _add(actor: Actor, form: TermForm) -> Redirect:
    if form.target == "new":
        terms = {form.language: (form.term,)}
        concept_id = await vocabulary.create_concept(actor, ConceptText(sv=terms.get("sv", ()), en=terms.get("en", ())))
        return go_to(f"{VOCABULARY}/{concept_id}", "concept-created")
    (concept_id,) = await vocabulary.named([form.concept], "concept")
    await vocabulary.add_term(actor, concept_id, form.language, form.term)
    return go_to(f"{VOCABULARY}/{concept_id}", "term-added")


async def _add_form(request: AnyRequest, actor: Actor, before: dict[str, Any], sent: Sent) -> Template:
    title = language.gettext("Add to the vocabulary")
    return page(
        request,
        "desk/search_add.html",
        status=sent.status,
        form=sent.values(TermForm, before),
        choices=choices(await concepts.concept_names(actor, language.current_language())),
        title=title,
        errors=sent.shown,
        breadcrumbs=[(DESK, language.gettext("Search statistics")), (None, title)],
    )


HANDLERS: list[ControllerRouterHandler] = [desk, download, add_page, add]
