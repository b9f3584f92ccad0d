"""What must hold for accounts, as pure functions."""

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
