"""What can be asked in an address, on the page and in the API alike."""

import unicodedata
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from registry.agreements.codes import TERM_FIELDS
from registry.entries.codes import Audience, Kind, Perspective, Remuneration, Sector
from registry.errors import N_
from registry.web.input import Input, Line, Whole
from registry.web.input_messages import MessageError
from search.engine import FACETS, LARGEST_PAGE, LONGEST_TEXT, Near, SearchRequest, Sort

USUAL_RADIUS_KM = 25.0
_OWNERS = TERM_FIELDS["results_ownership"].values
_POLES, _DATE_LINE = 90.0, 180.0


def _searchable(value: object) -> object:
    # Nothing is stored and everything is escaped, so a search may hold anything; what cannot be seen is a space.
    if not isinstance(value, str):
        return value
    return "".join(" " if unicodedata.category(character).startswith("C") else character for character in value)


def _owner(code: str) -> str:
    if code not in _OWNERS:
        expected = ", ".join(f"'{owner}'" for owner in _OWNERS)
        raise PydanticCustomError("enum", "unknown", {"expected": expected})
    return code


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


Words = Annotated[str, BeforeValidator(_searchable), Field(max_length=LONGEST_TEXT)]
Owner = Annotated[str, AfterValidator(_owner), Field(json_schema_extra={"enum": list(_OWNERS)})]


class SearchInput(Input):
    """A search. Repeated filters of one name mean or, different names mean and."""

    q: Words = Field("", description='Words in Swedish or English, "a phrase", or -what to leave out.')
    kind: list[Kind] = Field([], max_length=20)
    sector: list[Sector] = Field([], max_length=20)
    municipality: list[Line] = Field([], max_length=50)
    remuneration: list[Remuneration] = Field([], max_length=20)
    results_ownership: list[Owner] = Field([], max_length=20, description="Who owns the results by the offered terms.")
    perspective: list[Perspective] = Field([], max_length=20)
    bookable_by: list[Audience] = Field([], max_length=20)
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

    def to_request(self, language: str) -> SearchRequest:
        """The request for the engine; `language` decides the order of titles."""
        chosen = {name: tuple(dict.fromkeys(str(value) for value in getattr(self, name))) for name in FACETS}
        return SearchRequest(
            text=self.q.strip(),
            filters={name: values for name, values in chosen.items() if values},
            near=near(self.near, self.radius_km or USUAL_RADIUS_KM) if self.near else None,
            sort=self.sort,
            page=self.page,
            page_size=self.page_size,
            language=language,
        )


class SuggestInput(Input):
    """What has been typed so far."""

    q: Words = ""
