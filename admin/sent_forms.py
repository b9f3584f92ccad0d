"""Forms that come back: shown again with what was typed and what is in the way."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from litestar.response import Redirect, Template
from pydantic import BaseModel

from registry.errors import DomainError, FieldError, InvalidInput
from registry.web import language
from registry.web.input import parse

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True)
class Sent:
    """What was typed (nothing before the form has been sent), what is wrong, and the status to answer with.

    `problem` is the type of the error where a rule was in the way, `extra` what that error carries.
    """

    raw: dict[str, Any] | None = None
    errors: tuple[FieldError, ...] = ()
    status: int = 200
    problem: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def shown(self) -> list[dict[str, str]]:
        """The errors in the reader's language; those about the whole form have no field."""
        return language.say_errors(self.errors)

    def values(self, model: type[BaseModel], before: dict[str, Any] | None = None) -> dict[str, Any]:
        """The values to show: as typed, or those from before, or blanks."""
        if self.raw is None and before is not None:
            return before
        blanks = {name: [] if "list" in str(one.annotation) else "" for name, one in model.model_fields.items()}
        typed = {name: value for name, value in (self.raw or {}).items() if isinstance(value, (str, list))}
        return {**blanks, **typed}


NOT_SENT = Sent()


def parse_form(model: type[M], raw: dict[str, Any]) -> M:
    """The form as a model; what has to be filled in and is blank counts as missing.

    Raises:
        InvalidInput: with one error for each field that is wrong.
    """
    blank = {name for name, one in model.model_fields.items() if one.is_required() and raw.get(name) == ""}
    return parse(model, {name: value for name, value in raw.items() if name not in blank})


async def or_again(
    raw: dict[str, Any], act: Callable[[], Awaitable[Redirect | Template]], again: Callable[[Sent], Awaitable[Template]]
) -> Redirect | Template:
    """Act on a form; where input is wrong or a rule is in the way, the form again."""
    try:
        return await act()
    except InvalidInput as error:
        return await again(Sent(raw, tuple(error.errors), error.status))
    except DomainError as error:
        if error.status != DomainError.status:
            raise
        return await again(Sent(raw, (FieldError("", error.detail),), error.status, error.type, error.extra))
