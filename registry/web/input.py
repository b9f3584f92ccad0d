"""Reading what people send: types for text, and models from forms and query strings.

Text is plain text: HTML, control characters and characters that turn the reading direction are refused.
"""

import re
import unicodedata
from collections.abc import Iterable
from datetime import date, datetime
from typing import Annotated, Any, TypeVar

import nh3
from litestar import Request
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, StringConstraints, ValidationError
from pydantic_core import PydanticCustomError

from registry.errors import N_, FieldError, InvalidInput, message
from registry.web.input_messages import explain

EARLIEST_YEAR, LATEST_YEAR = 2000, 2200
_DIRECTION_MARKS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_TAG = re.compile(r"<[a-zA-Z/!?]")


class Input(BaseModel):
    """Base of all input models: unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True, hide_input_in_errors=True)


def _plain(text: str) -> str:
    text = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))
    for character in text:
        if character in _DIRECTION_MARKS or (
            unicodedata.category(character) in {"Cc", "Cs"} and character not in "\n\t"
        ):
            raise PydanticCustomError("control_character", "control character")
    if _TAG.search(text) or nh3.is_html(text):
        raise PydanticCustomError("html", "html")
    return text


def _one_line(text: str) -> str:
    if "\n" in text or "\t" in text:
        raise PydanticCustomError("several_lines", "several lines")
    return text


def _blank_to_none(value: object) -> object:
    return None if isinstance(value, str) and not value.strip() else value


def _only_text(value: object) -> object:
    # Pydantic would read a bare number as seconds since 1970.
    is_number = isinstance(value, str) and value.strip().lstrip("+-").replace(".", "", 1).isdigit()
    if is_number or not isinstance(value, str | datetime):
        raise PydanticCustomError("datetime_type", "no time")
    return value


def _with_offset(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise PydanticCustomError("no_offset", "no offset")
    if not EARLIEST_YEAR <= value.year <= LATEST_YEAR:
        raise PydanticCustomError("year_out_of_range", "year")
    return value


def _only_text_or_date(value: object) -> object:
    if not isinstance(value, str | date):
        raise PydanticCustomError("date_type", "no date")
    return value


def _in_range(value: date) -> date:
    if not EARLIEST_YEAR <= value.year <= LATEST_YEAR:
        raise PydanticCustomError("year_out_of_range", "year")
    return value


def _whole(value: object) -> object:
    if isinstance(value, bool | float):
        raise PydanticCustomError("int_type", "no whole number")
    return value


PlainText = Annotated[str, AfterValidator(_plain)]
Line = Annotated[str, StringConstraints(max_length=200), AfterValidator(_plain), AfterValidator(_one_line)]
RequiredLine = Annotated[
    str, StringConstraints(min_length=1, max_length=200), AfterValidator(_plain), AfterValidator(_one_line)
]
LongText = Annotated[str, StringConstraints(max_length=5000), AfterValidator(_plain)]
RequiredText = Annotated[str, StringConstraints(min_length=1, max_length=5000), AfterValidator(_plain)]
# A blank form field means "not given".
BlankIsNone = BeforeValidator(_blank_to_none)
# A point in time with its offset from UTC (ISO 8601).
Moment = Annotated[datetime, BeforeValidator(_only_text), AfterValidator(_with_offset)]
# A date (ISO 8601).
Day = Annotated[date, BeforeValidator(_only_text_or_date), AfterValidator(_in_range)]
# A whole number; true, false and fractions are refused.
Whole = Annotated[int, BeforeValidator(_whole)]

M = TypeVar("M", bound=BaseModel)


def parse(model: type[M], values: dict[str, Any]) -> M:
    """Validate `values` against a model.

    Raises:
        InvalidInput: with one error for each field that is wrong.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise invalid_input(error.errors(include_url=False, include_input=False)) from error


def invalid_input(faults: list[Any]) -> InvalidInput:
    """An InvalidInput from Pydantic's list of errors."""
    return InvalidInput(
        [FieldError(".".join(str(part) for part in fault["loc"]) or "body", explain(fault)) for fault in faults]
    )


async def read_form(request: Request[Any, Any, Any], model: type[M]) -> M:
    """The form of a request as a model. Fields that the model declares as lists take every value of their name.

    Raises:
        InvalidInput: with one error for each field that is wrong.
    """
    return parse(model, await form_values(request, model))


async def form_values(request: Request[Any, Any, Any], model: type[BaseModel]) -> dict[str, Any]:
    """The raw values of a form, for a model and for showing them again."""
    form = await request.form()
    return _by_name(list(form.multi_items()), model)


def read_query(request: Request[Any, Any, Any], model: type[M], *, ignore_unknown: bool = False) -> M:
    """The query string of a request as a model; blank values count as not given, `lang` and `notice` are the site's.

    A page that people share ignores unknown names, because others add their own to addresses.

    Raises:
        InvalidInput: with one error for each field that is wrong.
    """
    return read_pairs(request.query_params.multi_items(), model, ignore_unknown=ignore_unknown)


def read_pairs(pairs: Iterable[tuple[str, str]], model: type[M], *, ignore_unknown: bool = False) -> M:
    """Names and values of a query string that does not come with a request; otherwise as `read_query`."""
    given = [(name, value) for name, value in pairs if value.strip() != ""]
    if ignore_unknown:
        known = {field.alias or name for name, field in model.model_fields.items()}
        given = [(name, value) for name, value in given if name in known]
    return parse(model, _by_name(given, model))


def _by_name(pairs: list[tuple[str, Any]], model: type[BaseModel]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, value in pairs:
        if name in {"_csrf_token", "lang", "notice"}:
            continue
        field = model.model_fields.get(name)
        if field is not None and "list" in str(field.annotation):
            values.setdefault(name, []).append(value)
        elif name in values:
            raise InvalidInput([FieldError(name, message(N_("“%(name)s” is given more than once."), name=name))])
        else:
            values[name] = value
    return values
