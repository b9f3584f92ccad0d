"""The filters of a search in words: what can be chosen, and what is chosen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from textwrap import shorten

from registry.agreements.codes import TERM_FIELDS
from registry.bookings.queries import WEEKS_AHEAD
from registry.errors import N_, Message
from registry.formats.plain_language import answer
from registry.web import language
from registry.web.labels import LABELS, label
from search.addresses import SearchAddress
from search.document import NO_AGREEMENT
from search.engine import FACETS, Near
from search.input import USUAL_RADIUS_KM, SearchInput, near
from search.language import order_key
from search.places import Place, place_at
from search.queries import SearchResult

# What each filter is called, and the group of labels for its values (a municipality is its own label, and the terms
# of agreements are told as on the page of an entry).
_FILTERS: Mapping[str, tuple[str, str | None]] = {
    "kind": (N_("Kind"), "kind"),
    "sector": (N_("Sector"), "sector"),
    "municipality": (N_("Municipality"), None),
    "results_ownership": (N_("Who owns the results?"), "results_ownership"),
    "publication": (N_("May you publish?"), None),
    "data_owner": (N_("What happens to the data?"), None),
    "required_agreement": (N_("Agreements that are needed"), "agreement_type"),
    "remuneration": (N_("What it costs"), "remuneration"),
    "bookable_by": (N_("Who may book"), "audience"),
    "perspective": (N_("Perspective"), "perspective"),
}
# What the other things are called that an address can ask for.
_OTHERS: Mapping[str, str] = {
    "sort": N_("Order by"),
    "free_week": N_("Free in a week"),
    "near": N_("Near a municipality"),
    "radius_km": N_("Within"),
    "bookable_by_me": N_("May be booked by me"),
}
_TERMS = ("publication", "data_owner")
# The filters in the order that the page shows them: the name of the section, and its filters with counts.
_SECTIONS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("what", "", ("kind", "sector")),
    (
        "terms",
        N_("Terms"),
        ("results_ownership", "publication", "data_owner", "required_agreement", "remuneration"),
    ),
    ("booking", N_("Booking"), ("bookable_by",)),
    ("place", N_("Place"), ("municipality",)),
    ("more", N_("More"), ("perspective",)),
)
_OPEN_AT_FIRST = ("kind", "sector", "results_ownership", "remuneration")
# Everything that narrows a search down, beside its words.
NARROWING = (*FACETS, "bookable_by_me", "free_week", "near", "radius_km")
RADII_KM = (10.0, 25.0, 50.0, 100.0)
# A longer list shows so many of its values at first.
_SHOWN_AT_FIRST = 8
_LONGEST_LIST = 10


@dataclass(frozen=True)
class FacetValue:
    value: str
    label: str
    count: int
    checked: bool


@dataclass(frozen=True)
class FacetGroup:
    """A filter with the values that can be chosen; `more` are those of a long list that few look for."""

    name: str
    legend: str
    values: Sequence[FacetValue]
    more: Sequence[FacetValue]
    is_open: bool


@dataclass(frozen=True)
class FilterSection:
    """Filters that belong together; the first section has no legend."""

    name: str
    legend: str
    groups: Sequence[FacetGroup]


@dataclass(frozen=True)
class ActiveFilter:
    """A filter that is on: `legend` and `value` in words (one of them may say all), and the search without it.

    `near` is the position of a search near a place, as its address has it, and empty for other filters.
    """

    legend: str
    value: str
    href: str = ""
    near: str = ""

    @property
    def label(self) -> str:
        """The filter as one reads it: “Kind: Testbed”, “May you publish? Yes”."""
        return _after_legend(self.legend, self.value) if self.legend else self.value


def _after_legend(legend: str, text: str) -> str:
    return f"{legend}{'' if legend.endswith('?') else ':'} {text}"


def sections(asked: SearchInput, result: SearchResult) -> list[FilterSection]:
    """The filters with the counts of a result, in the order of the page."""
    return [
        FilterSection(
            name,
            language.gettext(legend),
            [group for group in (_group(filter_name, asked, result) for filter_name in names) if group],
        )
        for name, legend, names in _SECTIONS
    ]


def _group(name: str, asked: SearchInput, result: SearchResult) -> FacetGroup | None:
    chosen = {str(value) for value in getattr(asked, name)}
    counts = result.facets[name]
    values = [
        FacetValue(value, value_label(name, value), counts[value], value in chosen) for value in _in_order(name, counts)
    ]
    if not values:
        return None
    first, more = _split(values)
    is_open = bool(chosen) or name in _OPEN_AT_FIRST
    return FacetGroup(name, language.gettext(_FILTERS[name][0]), first, more, is_open)


def _in_order(name: str, counts: Mapping[str, int]) -> list[str]:
    """Codes in the order of their list, other values by count."""
    group = _FILTERS[name][1]
    if name in _TERMS:
        return [code for code in TERM_FIELDS[name].values if code in counts]
    if group is None:
        return list(counts)
    return [code for code in (*LABELS[group], NO_AGREEMENT) if code in counts]


def _split(values: Sequence[FacetValue]) -> tuple[Sequence[FacetValue], Sequence[FacetValue]]:
    """What a list shows at first: the most frequent and the chosen values; and the others by name."""
    if len(values) <= _LONGEST_LIST:
        return values, ()
    first = [value for place, value in enumerate(values) if place < _SHOWN_AT_FIRST or value.checked]
    code = language.current_language()
    more = [value for value in values if value not in first]
    return first, sorted(more, key=lambda value: order_key(value.label, code))


def value_label(name: str, value: str) -> str:
    """What a value of a filter is called."""
    if name in _TERMS:
        return language.say(answer(name, value))
    if name == "required_agreement" and value == NO_AGREEMENT:
        return language.gettext("None")
    group = _FILTERS[name][1]
    return value if group is None else label(value, group)


def active_filters(asked: SearchInput, address: SearchAddress, places: Sequence[Place]) -> list[ActiveFilter]:
    """The filters that are on, each with the address of the same search without it."""
    active = [
        ActiveFilter(
            language.gettext(legend), value_label(name, str(value)), str(address.without_value(name, str(value)))
        )
        for name, (legend, _) in _FILTERS.items()
        for value in getattr(asked, name)
    ]
    if asked.bookable_by_me:
        words = language.gettext("May be booked by me")
        active.append(ActiveFilter("", words, str(address.without("bookable_by_me"))))
    if asked.free_week:
        words = language.show_week(asked.free_week)
        active.append(ActiveFilter(language.gettext("Has a free time"), words, str(address.without("free_week"))))
    if asked.near:
        words = _near_words(asked, places)
        active.append(ActiveFilter("", words, str(address.without("near", "radius_km")), asked.near))
    return active


def fault_in_words(name: str, value: str, fault: Message) -> str:
    """What is wrong with a value of an address, with what people call the filter and without any codes but theirs."""
    legend = language.gettext(_FILTERS[name][0] if name in _FILTERS else _OTHERS.get(name, ""))
    if not legend:
        return language.say(fault)
    if "expected" in fault.values:
        sentence = language.gettext("“%(value)s” is not among what there is to choose from under “%(filter)s”.")
        return sentence % {"value": value, "filter": legend}
    return _after_legend(legend, language.say(fault))


def _near_words(asked: SearchInput, places: Sequence[Place]) -> str:
    place = place_at(_near(asked), places)
    where = place.name if place else language.gettext("a position")
    return language.gettext("Near %(place)s, within %(km)s") % {"place": where, "km": _km(chosen_radius(asked))}


def near_me_words(asked: SearchInput) -> str:
    """What a search near a position is called for the person whose position it is."""
    return language.gettext("Near me, within %(km)s") % {"km": _km(chosen_radius(asked))}


def _km(radius: float) -> str:
    return f"{language.show_number(radius, 0 if radius == int(radius) else 1)} km"


def in_words(asked: SearchInput, places: Sequence[Place]) -> str:
    """The words and filters of a search, for reading."""
    parts = [language.gettext("“%(words)s”") % {"words": asked.q.strip()}] if asked.q.strip() else []
    parts += [one.label for one in active_filters(asked, SearchAddress(), places)]
    return ", ".join(parts) or language.gettext("Everything in the registry")


def suggested_name(asked: SearchInput, places: Sequence[Place], longest: int) -> str:
    """What a search may be called when it is saved: its words and the values of its filters."""
    parts = [asked.q.strip(), *(one.value for one in active_filters(asked, SearchAddress(), places))]
    name = ", ".join(part for part in parts if part) or language.gettext("Everything in the registry")
    return shorten(name, longest, placeholder=" …")


def week_options(chosen: str | None, now: datetime) -> list[tuple[str, str]]:
    """The weeks (ISO 8601) in which a free time can be looked for, and one that is chosen already, in words.

    `now` is in UTC; weeks begin on Monday in Europe/Stockholm.
    """
    today = language.local(now).date()
    monday = today - timedelta(days=today.weekday())
    weeks = [_week(monday + timedelta(weeks=number)) for number in range(WEEKS_AHEAD)]
    return [(week, language.show_week(week)) for week in ([chosen] if chosen and chosen not in weeks else []) + weeks]


def _week(monday: date) -> str:
    year, week, _ = monday.isocalendar()
    return f"{year}-W{week:02}"


def place_options(asked: SearchInput, places: Sequence[Place]) -> list[tuple[str, str]]:
    """Places to search near, with the one that is chosen as the address has it."""
    options = [(place.value, place.name) for place in places]
    if not asked.near:
        return options
    chosen = place_at(_near(asked), places)
    if chosen is None:
        return [(asked.near, language.gettext("The position you chose")), *options]
    return [(asked.near if place is chosen else place.value, place.name) for place in places]


def radius_options(asked: SearchInput) -> list[tuple[str, str]]:
    """Radii to choose from, and the one that is chosen already."""
    radii = sorted({*RADII_KM, chosen_radius(asked)})
    return [(f"{radius:g}", _km(radius)) for radius in radii]


def chosen_radius(asked: SearchInput) -> float:
    """The radius that a search near a place has or would have, in kilometres."""
    return asked.radius_km or USUAL_RADIUS_KM


def _near(asked: SearchInput) -> Near:
    return near(asked.near or "", chosen_radius(asked))
