"""Amounts of money as people and programs write them, to and from the currency's minor unit."""

import re
from typing import Annotated

from pydantic import BeforeValidator, Field, StringConstraints

from registry.errors import N_
from registry.web.input import Input, Whole
from registry.web.input_messages import MessageError

MINOR_UNITS = 100
LARGEST = 10**15
_SPACES = re.compile(r"[\s\u00a0\u2009\u202f]")
_KRONOR = re.compile(r"(\d{1,13})(?:[.,](\d{1,2}))?")


class Money(Input):
    """An amount in the currency's minor unit (öre for SEK), with the currency's code of ISO 4217."""

    amount_minor: Annotated[Whole, Field(ge=0, le=LARGEST)]
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")] = "SEK"


def to_ore(value: object) -> object:
    """Kronor as people write them (`1 200 000,50`), in öre; blank is None.

    Raises:
        MessageError: it is no amount.
    """
    if value is None or isinstance(value, int):
        return value
    digits = _SPACES.sub("", str(value))
    if not digits:
        return None
    found = _KRONOR.fullmatch(digits)
    if found is None:
        raise MessageError(N_("Write an amount in kronor, for example 1 200 000 or 1 200 000,50."))
    return int(found[1]) * MINOR_UNITS + int((found[2] or "").ljust(2, "0"))


# A form field with an amount in kronor; its value is in öre, or None where it is blank.
Kronor = Annotated[int | None, BeforeValidator(to_ore)]


def written_kronor(ore: int | None) -> str:
    """An amount as it stands in a form field: `1 200 000` or `1 200 000,50`; nothing for None."""
    if ore is None:
        return ""
    kronor, rest = divmod(ore, MINOR_UNITS)
    return f"{kronor:,}".replace(",", " ") + (f",{rest:02d}" if rest else "")
