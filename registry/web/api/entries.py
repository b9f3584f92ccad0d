"""One whole entry over the API; the list of entries is the search."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from litestar import get
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler

from registry.agreements import queries as agreements
from registry.agreements.queries import OfferedTerms
from registry.bookings import outcomes
from registry.bookings.outcomes import PublishedOutcome
from registry.entries import queries as entries
from registry.entries.queries import EntryLink, EntryView
from registry.formats import plain_language
from registry.web import language
from registry.web.api.booking_step_shapes import effects_shape
from registry.web.authentication import API_PREFIX, CurrentActor


@dataclass(frozen=True)
class Texts:
    """A text in Swedish and English; either may be empty."""

    sv: str
    en: str


@dataclass(frozen=True)
class Responsibility:
    """Who answers for the entry. An answer comes within `answer_days` working days, where one can ask."""

    accountable_body: str
    unit: str
    track: str
    contact_function: str
    contact_email: str
    answer_days: int | None


@dataclass(frozen=True)
class Place:
    """Where it is; latitude and longitude in degrees (WGS 84)."""

    address: str
    municipality: str
    latitude: float | None
    longitude: float | None


@dataclass(frozen=True)
class OpeningOnWeekday:
    """Opening hours on a weekday (1 is Monday) in Europe/Stockholm; `closes` 00:00 is midnight."""

    weekday: int
    opens: str
    closes: str


@dataclass(frozen=True)
class Price:
    """What a booking costs; the amount is in the currency's minor unit."""

    model: str
    amount_minor: int | None
    currency: str
    note: Texts


@dataclass(frozen=True)
class EnvironmentBlock:
    """What a testbed or demo environment has beside. Durations in minutes, lead time in hours, horizon in days."""

    offer: Texts
    equipment: Texts
    requirements: Texts
    accessibility: Texts
    needs_ethics_approval: bool
    parent: str | None
    capacity: int
    bookable_by: list[str]
    price: Price
    shortest: int
    longest: int
    buffer_before: int
    buffer_after: int
    lead_time_hours: int
    horizon_days: int
    step: int
    approval_days: int
    offer_hours: int
    most_participants: int | None
    trl_lowest: int | None
    trl_highest: int | None


@dataclass(frozen=True)
class TermsOffered:
    """An agreement that the entry offers; `summary` is its terms in plain language, line by line."""

    template: str
    version: int
    type: str
    title: Texts
    audience: list[str]
    required: bool
    results_ownership: str | None
    summary: dict[str, list[str]]


@dataclass(frozen=True)
class AgreementRequired:
    """An agreement that must be in force for bookers of these audiences before a booking is confirmed."""

    template: str
    type: str
    title: Texts
    audience: list[str]


@dataclass(frozen=True)
class RelatedEntry:
    """An entry that belongs together with this one; the relation is read from this entry."""

    relation: str
    slug: str
    kind: str
    title: Texts


@dataclass(frozen=True)
class OutcomeShown:
    """An outcome that its parties have published; when the test ended, and its effect in each perspective."""

    decision: str
    ended_at: datetime
    text: Texts
    effects: list[dict[str, str]]


@dataclass(frozen=True)
class WholeEntry:
    """A whole entry. `example_fields` names what has been made up for the demo."""

    id: int
    slug: str
    kind: str
    status: str
    ended: bool
    title: Texts
    summary: Texts
    description: Texts
    sectors: list[str]
    perspectives: list[str]
    specialisations: list[str]
    keywords: list[str]
    municipality: str
    accountable_body: str
    track: str
    responsibility: Responsibility
    place: Place
    environment: EnvironmentBlock | None
    opening_hours: list[OpeningOnWeekday]
    terms_offered: list[TermsOffered]
    agreements_required: list[AgreementRequired]
    related_entries: list[RelatedEntry]
    outcomes: list[OutcomeShown]
    link: str
    source: str
    published_at: datetime | None
    confirmed_at: datetime | None
    example_fields: list[str]


@get(f"{API_PREFIX}/entries/{{slug:str}}", tags=["entries"])
async def get_entry(actor: CurrentActor, slug: FromPath[str]) -> WholeEntry:
    """One whole entry: what it is, who answers for it, where, when and on which terms."""
    entry = await entries.get_entry(actor, slug)
    offers = await agreements.offered_terms(entry.id)
    related = await entries.related_entries(actor, entry.id)
    return _whole(entry, offers, related, await outcomes.published_on(entry.id))


def _whole(
    entry: EntryView, offers: list[OfferedTerms], related: list[EntryLink], published: list[PublishedOutcome]
) -> WholeEntry:
    names = ("id", "slug", "kind", "status", "ended", "municipality", "track", "link", "source")
    lists = ("sectors", "perspectives", "specialisations", "keywords", "example_fields")
    copied: dict[str, Any] = {name: entry.row[name] for name in (*names, "published_at", "confirmed_at")}
    return WholeEntry(
        **copied | {name: list(entry.row[name]) for name in lists},
        title=_texts(entry, "title"),
        summary=_texts(entry, "summary"),
        description=_texts(entry, "description"),
        accountable_body=language.in_language(entry.row, "body_name"),
        responsibility=Responsibility(
            accountable_body=language.in_language(entry.row, "body_name"),
            unit=language.in_language(entry.row, "unit_name"),
            track=entry.track,
            contact_function=entry.contact_function,
            contact_email=entry.contact_email,
            answer_days=entry.answer_within,
        ),
        place=Place(entry.address, entry.municipality, entry.latitude, entry.longitude),
        environment=_environment(entry, related) if entry.is_environment else None,
        opening_hours=[
            OpeningOnWeekday(opening.weekday, f"{opening.opens:%H:%M}", f"{opening.closes:%H:%M}")
            for opening in entry.opening_hours
        ],
        terms_offered=[_terms(offer) for offer in offers],
        agreements_required=[_required(offer) for offer in offers if offer.required],
        related_entries=[
            RelatedEntry(link.relation, link.slug, link.kind, Texts(link.title_sv, link.title_en)) for link in related
        ],
        outcomes=[
            OutcomeShown(
                one.decision.value,
                one.ended_at.astimezone(language.STOCKHOLM),
                Texts(one.text_sv, one.text_en),
                effects_shape(one.effects),
            )
            for one in published
        ],
    )


def _environment(entry: EntryView, related: list[EntryLink]) -> EnvironmentBlock:
    copied = (
        "needs_ethics_approval",
        "capacity",
        "shortest",
        "longest",
        "buffer_before",
        "buffer_after",
        "lead_time_hours",
        "horizon_days",
        "step",
        "approval_days",
        "offer_hours",
        "most_participants",
        "trl_lowest",
        "trl_highest",
    )
    return EnvironmentBlock(
        **{name: entry.row[name] for name in copied},
        offer=_texts(entry, "offer"),
        equipment=_texts(entry, "equipment"),
        requirements=_texts(entry, "requirements"),
        accessibility=_texts(entry, "accessibility"),
        # The related entries hold the whole only where the actor may see it.
        parent=next((link.slug for link in related if link.relation == "whole"), None),
        bookable_by=list(entry.bookable_by),
        price=Price(entry.remuneration, entry.price_minor, entry.currency, _texts(entry, "price_note")),
    )


def _terms(offer: OfferedTerms) -> TermsOffered:
    lines = plain_language.summary(offer.terms, plain_language.public_party(offer.type))
    return TermsOffered(
        template=offer.template_code,
        version=offer.version_number,
        type=offer.type.value,
        title=Texts(offer.title_sv, offer.title_en),
        audience=[audience.value for audience in offer.audience],
        required=offer.required,
        results_ownership=offer.terms["results_ownership"].code,
        summary={code: [language.say_in(code, line) for line in lines] for code in language.LANGUAGES},
    )


def _required(offer: OfferedTerms) -> AgreementRequired:
    return AgreementRequired(
        template=offer.template_code,
        type=offer.type.value,
        title=Texts(offer.title_sv, offer.title_en),
        audience=[audience.value for audience in offer.audience],
    )


def _texts(entry: EntryView, field: str) -> Texts:
    return Texts(entry.row[f"{field}_sv"] or "", entry.row[f"{field}_en"] or "")


HANDLERS: list[ControllerRouterHandler] = [get_entry]
