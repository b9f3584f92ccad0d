"""What a term of the vocabulary may be."""

import unicodedata
from collections.abc import Iterable, Sequence

from registry.errors import N_, FieldError, InvalidInput, Message, message
from search.language import tells, words

TERM_LANGUAGES = ("sv", "en")
SHORTEST_TERM, LONGEST_TERM = 2, 80
# More words than these nobody writes one after the other, so the search does not look for them.
LONGEST_TERM_WORDS = 5
MOST_TERMS = 50


def checked_terms(sv: Iterable[str], en: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """The terms of a concept by language: trimmed, in Unicode's form NFC, each once.

    Raises:
        InvalidInput: for the fields `sv` and `en`: none at all, too many, or one that is too short or too long.
    """
    terms = {"sv": _each_once(sv), "en": _each_once(en)}
    faults = [
        FieldError(code, fault)
        for code, many in terms.items()
        for fault in (_too_many(many), *map(_fault, many))
        if fault
    ]
    if not faults and not any(terms.values()):
        faults.append(FieldError("sv", message(N_("Write at least one term, in Swedish or English."))))
    if faults:
        raise InvalidInput(faults)
    return terms


def _each_once(terms: Iterable[str]) -> tuple[str, ...]:
    found: dict[str, str] = {}
    for term in terms:
        clean = unicodedata.normalize("NFC", " ".join(term.split()))
        if clean:
            found.setdefault(clean.casefold(), clean)
    return tuple(found.values())


def _too_many(terms: Sequence[str]) -> Message | None:
    if len(terms) <= MOST_TERMS:
        return None
    return message(N_("There are too many terms: at most %(most)s in each language."), most=MOST_TERMS)


def _fault(term: str) -> Message | None:
    if len(term) > LONGEST_TERM:
        sentence = N_("“%(term)s …” is too long: a term has at most %(most)s characters.")
        return message(sentence, term=term[:40], most=LONGEST_TERM)
    if len(term) < SHORTEST_TERM:
        return message(N_("“%(term)s” is too short: a term has at least two characters."), term=term)
    written = words(term)
    if len(written) > LONGEST_TERM_WORDS:
        sentence = N_("“%(term)s” has too many words to be found: a term has at most %(most)s.")
        return message(sentence, term=term, most=LONGEST_TERM_WORDS)
    if not any(map(tells, written)):
        return message(
            N_("“%(term)s” would be found everywhere or nowhere: a term needs a word that says something."), term=term
        )
    return None
