"""What must hold for accounts, as pure functions."""

from stdnum.eu import vat
from stdnum.exceptions import ValidationError
from stdnum.se import orgnr

from registry.errors import N_, Message, message

SHORTEST_PASSWORD = 12
LONGEST_PASSWORD = 1000
FAILURES_BEFORE_LOCKOUT = 10
LOCKOUT_MINUTES = 15


def password_is_good(password: str) -> Message | None:
    """None, or why a password is refused (length counts, as NIST SP 800-63B advises)."""
    if len(password) < SHORTEST_PASSWORD:
        return message(N_("The password is too short: use at least %(n)s characters."), n=SHORTEST_PASSWORD)
    if len(password) > LONGEST_PASSWORD:
        return message(N_("The password is too long: use at most %(n)s characters."), n=LONGEST_PASSWORD)
    return None


def written_number(number: str) -> str | None:
    """An organisation's number as it is usually written; None where its form or its check digit is wrong.

    Swedish numbers get their hyphen (`232100-0016`). Organisations of other EU countries have their VAT number with
    the country's letters (`DE136695976`).
    """
    try:
        return str(orgnr.format(orgnr.validate(number)))
    except ValidationError:
        pass
    try:
        return str(vat.validate(number))
    except ValidationError:
        return None
