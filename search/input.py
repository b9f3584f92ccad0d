"""What can be asked in an address, on the page and in the API alike."""

import re
import unicodedata
from datetime import date
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, JsonValue, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from registry.access import Actor
from registry.agreements.codes import TERM_FIELDS, AgreementType
from registry.entries.codes import Audience, Kind, Perspective, Remuneration, Sector
from registry.errors import N_
from registry.web.input import Input, Line, Whole
from registry.web.input_messages import MessageError
from search.document import NO_AGREEMENT
from search.engine import FACETS, LARGEST_PAGE, LONGEST_TEXT, Near, SearchRequest, Sort
from search.queries import audiences_of

USUAL_RADIUS_KM = 25.0
_WEEK = re.compile(r"[0-9]{4}-W(?:0[1-9]|[1-4][0-9]|5[0-3])")
_POLES, _DATE_LINE = 90.0, 180.0
BAD_WEEK = N_("Write a week as year and number, for example 2026-W49.")
# No environment takes bookings from this audience.
NOBODY = "nobody"


def _searchable(value: object) -> object:
    # Nothing is stored and everything is escaped, so a search may hold anything; what cannot be seen is a space.
    if not isinstance(value, str):
        return value
    return "".join(" " if unicodedata.category(character).startswith("C") else character for character in value)


def _only(*codes: str) -> AfterValidator:
    """A code of a list that is no enumeration; others are refused with the list."""

    def check(code: str) -> str:
        if code not in codes:
            raise PydanticCustomError("enum", "unknown", {"expected": ", ".join(f"'{one}'" for one in codes)})
        return code

    return AfterValidator(check)


def _listed(*codes: str) -> dict[str, JsonValue]:
    return {"enum": list(codes)}


def _week(text: str) -> str:
    if not _WEEK.fullmatch(text):
        raise MessageError(BAD_WEEK)
    return text


def last_day(week: str) -> date | None:
    """The Sunday of a week as it is written (ISO 8601); None if no calendar has that week."""
    year, _, number = week.partition("-W")
    try:
        return date.fromisocalendar(int(year), int(number), 7)
    except (ValueError, OverflowError):
        return None


def _place(text: str) -> str:
    near(text, USUAL_RADIUS_KM)
    return text


def near(text: str, radius_km: float) -> Near:
    """A place as `latitude,longitude` in degrees, with a radius in kilometres.

    Raises:
        MessageError: it is not written so, or not on earth.
    """
    try:
        latitude, longitude = (float(part) for part in text.split(","))
    except ValueError:
        latitude = longitude = float("nan")
    if not (abs(latitude) <= _POLES and abs(longitude) <= _DATE_LINE):
        raise MessageError(N_("Write latitude and longitude in degrees with a comma between, for example 59.35,18.07."))
    return Near(latitude, longitude, radius_km)


# The length next to the type, so that a text that is too long is told of as a text.
Words = Annotated[str, Field(max_length=LONGEST_TEXT), BeforeValidator(_searchable)]
_OWNERS = TERM_FIELDS["results_ownership"].values
_PUBLICATION = TERM_FIELDS["publication"].values
_DATA_OWNERS = TERM_FIELDS["data_owner"].values
_AGREEMENTS = (*(kind.value for kind in AgreementType), NO_AGREEMENT)
Owner = Annotated[str, _only(*_OWNERS), Field(json_schema_extra=_listed(*_OWNERS))]
Publication = Annotated[str, _only(*_PUBLICATION), Field(json_schema_extra=_listed(*_PUBLICATION))]
DataOwner = Annotated[str, _only(*_DATA_OWNERS), Field(json_schema_extra=_listed(*_DATA_OWNERS))]
RequiredAgreement = Annotated[str, _only(*_AGREEMENTS), Field(json_schema_extra=_listed(*_AGREEMENTS))]


class SearchInput(Input):
    """A search. Repeated filters of one name mean or, different names mean and."""

    q: Words = Field("", description='Words in Swedish or English, "a phrase", or -what to leave out.')
    kind: list[Kind] = Field([], max_length=20)
    sector: list[Sector] = Field([], max_length=20)
    municipality: list[Line] = Field([], max_length=50)
    remuneration: list[Remuneration] = Field([], max_length=20)
    results_ownership: list[Owner] = Field([], max_length=20, description="Who owns the results by the offered terms.")
    publication: list[Publication] = Field([], max_length=20, description="Whether results may be published.")
    data_owner: list[DataOwner] = Field([], max_length=20, description="Who owns the data of a test.")
    required_agreement: list[RequiredAgreement] = Field(
        [], max_length=20, description="What has to be in force before a booking; `none` for what needs no agreement."
    )
    perspective: list[Perspective] = Field([], max_length=20)
    bookable_by: list[Audience] = Field([], max_length=20)
    bookable_by_me: bool = Field(default=False, description="Only what the reader may book.")
    free_week: Annotated[Line, AfterValidator(_week)] | None = Field(
        None, description="Only what has a free time in this week (ISO 8601, Europe/Stockholm), for example 2026-W49."
    )
    near: Annotated[Line, AfterValidator(_place)] | None = Field(None, description="Latitude,longitude in degrees.")
    radius_km: float | None = Field(None, gt=0, le=2000, description=f"With near; {USUAL_RADIUS_KM:.0f} if left out.")
    sort: Sort = Sort.RELEVANCE
    page: Whole = Field(1, ge=1, le=100_000)
    page_size: Whole = Field(20, ge=1, le=LARGEST_PAGE)

    @field_validator("radius_km")
    @classmethod
    def _radius_has_a_centre(cls, radius_km: float | None, values: ValidationInfo) -> float | None:
        if radius_km is not None and values.data.get("near", "wrong") is None:
            raise MessageError(N_("A radius needs a place: give near as well."))
        return radius_km

    @field_validator("sort")
    @classmethod
    def _distance_has_a_place(cls, sort: Sort, values: ValidationInfo) -> Sort:
        if sort is Sort.DISTANCE and values.data.get("near", "wrong") is None:
            raise MessageError(N_("Ordering by distance needs a place: give near as well."))
        return sort

    def to_request(self, actor: Actor, language: str) -> SearchRequest:
        """The request for the engine, as the actor asks it; `language` decides the order of titles."""
        chosen = {name: tuple(dict.fromkeys(str(value) for value in getattr(self, name))) for name in FACETS}
        return SearchRequest(
            text=self.q,
            filters={name: values for name, values in chosen.items() if values},
            near=near(self.near, self.radius_km or USUAL_RADIUS_KM) if self.near else None,
            audiences=audiences_of(actor) or (NOBODY,) if self.bookable_by_me else (),
            free_week=self.free_week,
            sort=self.sort,
            page=self.page,
            page_size=self.page_size,
            language=language,
        )


class SuggestInput(Input):
    """What has been typed so far."""

    q: Words = ""
