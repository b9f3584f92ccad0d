"""The page of an entry, and its published versions."""

from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

from babel.dates import get_day_names
from litestar import Request, get
from litestar.params import FromPath
from litestar.response import Template
from litestar.types import ControllerRouterHandler

from registry.access import Actor, Permission, Role
from registry.agreements import queries as agreements
from registry.agreements.codes import TermGroup, TermStatus
from registry.agreements.queries import OfferedTerms
from registry.bookings import outcomes
from registry.bookings import queries as bookings
from registry.bookings.rules import Interval
from registry.entries import queries as entries
from registry.entries.calendars import Opening, Season
from registry.entries.codes import Audience
from registry.entries.queries import EntryView
from registry.formats import plain_language
from registry.formats.plain_language import Glance, Sentence
from registry.procurement import queries as procurement
from registry.web import language
from registry.web.authentication import CurrentActor
from registry.web.calendar import day_rows, new_booking_url
from registry.web.rendering import page

AnyRequest = Request[Any, Any, Any]
NEXT_TIMES = 3


@dataclass(frozen=True)
class BookingPanel:
    """When an environment is free: the next times with their addresses, and the rows of a week for `timetable`."""

    next_times: list[tuple[Interval, str]]
    week: list[dict[str, Any]]
    href: str


@dataclass(frozen=True)
class OfferInWords:
    """Offered terms in plain language: in brief, and everything."""

    offer: OfferedTerms
    glance: list[Glance]
    everything: list[tuple[TermGroup, list[Sentence]]]


@get("/entries/{slug:str}", include_in_schema=False)
async def entry_page(request: AnyRequest, actor: CurrentActor, slug: FromPath[str]) -> Template:
    """One entry: what it offers, on which terms, who is responsible, and when it is free."""
    entry = await entries.get_entry(actor, slug)
    return page(
        request,
        "entries/entry.html",
        entry=entry,
        offers=_in_words(await agreements.offered_terms(entry.id), actor),
        related=await entries.related_entries(actor, entry.id),
        outcomes=await outcomes.published_on(entry.id),
        versions=await entries.versions(entry.id),
        booking=await _booking_panel(entry),
        hours=opening_lines(entry.opening_hours),
        seasons=_coming_seasons(entry),
        procurement=await procurement.procurement_of_entry(actor, entry.id),
        partnership=await procurement.partnership_of_entry(actor, entry.id),
        breadcrumbs=[("/search", language.gettext("Search")), (None, language.in_language(entry, "title"))],
    )


@get("/entries/{slug:str}/versions", include_in_schema=False)
async def versions_page(request: AnyRequest, actor: CurrentActor, slug: FromPath[str]) -> Template:
    """The published versions of an entry, newest first. Who published them is shown to staff only."""
    entry = await entries.get_entry(actor, slug)
    return page(
        request,
        "entries/versions.html",
        entry=entry,
        versions=await entries.versions(entry.id),
        shows_people=actor.may(Permission.ENTRY_READ_STAFF),
        breadcrumbs=[
            ("/search", language.gettext("Search")),
            (f"/entries/{entry.slug}", language.in_language(entry, "title")),
            (None, language.gettext("Versions")),
        ],
    )


async def _booking_panel(entry: EntryView) -> BookingPanel | None:
    """None where nothing can be booked."""
    if not entry.is_environment or not entry.bookable_by or entry.ended:
        return None
    times = await bookings.next_free(entry, entry.shortest, NEXT_TIMES)
    first_day = language.local(times[0][0] if times else datetime.now(UTC)).date()
    return BookingPanel(
        next_times=[(interval, new_booking_url(entry, interval[0])) for interval in times],
        week=day_rows([entry], await bookings.timetables([entry], first_day, 7)),
        href=f"/bookings/new?environment={entry.slug}",
    )


def _coming_seasons(entry: EntryView) -> list[tuple[Season, list[tuple[str, str]]]]:
    """The seasons that are not over, with their hours for reading."""
    today = datetime.now(language.STOCKHOLM).date()
    return [
        (season, opening_lines(list(season.openings)))
        for season in entry.calendar.seasons
        if season.every_year or season.last_day >= today
    ]


def _in_words(offers: list[OfferedTerms], actor: Actor) -> list[OfferInWords]:
    """First what says who owns the results and is meant for a reader like this one."""
    reader = Audience.EMPLOYEE if Role.EMPLOYEE in actor.roles else Audience.EXTERNAL

    def place(offer: OfferedTerms) -> tuple[bool, bool]:
        return offer.terms["results_ownership"].status is not TermStatus.VALUE, reader not in offer.audience

    return [
        OfferInWords(offer, plain_language.glance(offer.terms, party), plain_language.full(offer.terms, party))
        for offer in sorted(offers, key=place)
        for party in [plain_language.public_party(offer.type)]
    ]


def opening_lines(openings: list[Opening]) -> list[tuple[str, str]]:
    """Opening hours for reading, days in a row with the same hours together: `mån–fre`, `08.00–17.00`."""
    names = get_day_names("abbreviated", locale=language.current_language())
    by_day = [
        (day, ", ".join(f"{language.show_time(o.opens)}–{_closing(o)}" for o in openings if o.weekday == day))
        for day in range(1, 8)
    ]
    lines = []
    for hours, group in groupby(by_day, key=lambda pair: pair[1]):
        days = [names[day - 1] for day, _ in group]
        if hours:
            lines.append((days[0] if len(days) == 1 else f"{days[0]}–{days[-1]}", hours))
    return lines


def _closing(opening: Opening) -> str:
    midnight = opening.closes.hour == opening.closes.minute == 0
    sign = "." if language.current_language() == "sv" else ":"
    return f"24{sign}00" if midnight else language.show_time(opening.closes)


HANDLERS: list[ControllerRouterHandler] = [entry_page, versions_page]
