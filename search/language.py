"""Words as the index and the questions see them: folding, beginnings, endings, order and the words for codes.

The stemming is PostgreSQL's own (`swedish`, `english`). What it leaves out is here: people leave out the dots
of å, ä and ö, Swedish puts words together, and its stemmer keeps most definite endings.
"""

import re
import unicodedata
from dataclasses import dataclass

_WORD = re.compile(r"[^\W_]+")
_EXCLUDED = re.compile(r'(?:^|(?<=\s))-("[^"]*"?|[^\s"]+)')
# Endings of definite and plural nouns, longest first; what is left has to be a word of some length.
_DEFINITE = ("arnas", "ernas", "ornas", "arna", "erna", "orna", "ens", "ets", "ans", "en", "et", "an", "ns", "ts", "n")
_SHORTEST_STEM = 5
_SHORTEST_BEGINNING = 3
_SHORTEST_ENDING = 5
_SHORTEST_TELLING = 5
# Swedish sorts å, ä and ö after z; these three characters follow z in ASCII.
_AFTER_Z = str.maketrans({"å": "{", "ä": "|", "æ": "|", "ö": "}", "ø": "}"})

# What people call the kinds and sectors, so that "testbädd" or "hospital" finds them without the word in the text.
KIND_WORDS = {
    "testbed": ("testbädd testmiljö", "testbed test environment"),
    "demo_environment": ("demomiljö demonstrationsmiljö", "demo environment demonstration"),
    "innovation_procurement": ("innovationsupphandling upphandling", "innovation procurement"),
    "innovation_partnership": ("innovationspartnerskap partnerskap", "innovation partnership"),
}
SECTOR_WORDS = {
    "healthcare": ("vård sjukvård hälsa", "healthcare health care"),
    "transport": ("trafik kollektivtrafik mobilitet", "transport public transport mobility"),
    "culture": ("kultur", "culture"),
    "environment": ("miljö klimat", "environment climate"),
}


def fold(text: str) -> str:
    """Lower case without marks: `Strålterapi` becomes `stralterapi`."""
    apart = unicodedata.normalize("NFKD", text.lower())
    return "".join(character for character in apart if not unicodedata.combining(character))


def words(text: str) -> list[str]:
    """The words of a text in lower case, with their marks."""
    return _WORD.findall(unicodedata.normalize("NFC", text).lower())


def order_key(title: str, language: str) -> str:
    """A key that sorts by code point as the language sorts: in Swedish å, ä and ö come after z, in English not."""
    lowered = unicodedata.normalize("NFC", title).lower()
    return fold(lowered.translate(_AFTER_Z) if language == "sv" else lowered)


def plain_words(text: str) -> str:
    """The folded words of a text, and the endings of its long words.

    The endings let a question find the later part of a compound: `sjukhus` in `universitetssjukhuset`.
    """
    folded = dict.fromkeys(fold(word) for word in words(text))
    endings = {
        word[start:]: None
        for word in folded
        for start in range(_SHORTEST_BEGINNING, len(word) - _SHORTEST_ENDING + 1)
        if word.isalpha()
    }
    return " ".join([*folded, *(ending for ending in endings if ending not in folded)])


@dataclass(frozen=True)
class Question:
    """What a person wrote in the search box, ready for PostgreSQL.

    `text` is for `websearch_to_tsquery`; `head` is the text before the last word. `last` and `all_words` are
    written in the syntax of `to_tsquery` and find beginnings of words. `excluded` are words and phrases that
    stood after a minus sign.
    """

    text: str = ""
    head: str = ""
    last: str = ""
    all_words: str = ""
    excluded: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        return not self.text and not self.excluded


def ask(text: str) -> Question:
    """Read what a person wrote: words, "phrases in quotes", OR, and -what to leave out."""
    excluded = tuple(part.strip('" ') for part in _EXCLUDED.findall(text))
    wanted = " ".join(_EXCLUDED.sub(" ", text).split())
    found = [word for word in words(wanted) if word != "or"]
    # A phrase is meant exactly, so beginnings of its words do not count.
    if not found or '"' in wanted:
        return Question(text=wanted, excluded=tuple(part for part in excluded if part))
    return Question(
        text=wanted,
        head=" ".join(found[:-1]),
        last=_beginnings(found[-1]),
        all_words=" & ".join(_beginnings(word) for word in found),
        excluded=tuple(part for part in excluded if part),
    )


def ask_for_some(text: str) -> Question | None:
    """The same, where any of several words is enough; None where that is no other question.

    Short words would find nearly everything, so only the longer ones count as they stand.
    """
    if '"' in text or _EXCLUDED.search(text):
        return None
    found = [word for word in words(text) if word != "or"]
    if len(found) <= 1:
        return None
    telling = [word for word in found if len(word) >= _SHORTEST_TELLING]
    return Question(text=" or ".join(found), all_words=" | ".join(_beginnings(word) for word in telling))


def ask_for_titles(text: str) -> str:
    """A question in the syntax of `to_tsquery` for titles whose words begin with the words of the text."""
    return " & ".join(f"'{fold(word)}':*A" for word in words(text))


def _beginnings(word: str) -> str:
    forms = [word, fold(word)]
    stem = _without_definite_ending(word)
    forms += [stem, fold(stem)]
    mark = ":*" if len(word) >= _SHORTEST_BEGINNING else ""
    return "(" + " | ".join(f"'{form}'{mark}" for form in dict.fromkeys(forms)) + ")"


def _without_definite_ending(word: str) -> str:
    for ending in _DEFINITE:
        if word.endswith(ending) and len(word) - len(ending) >= _SHORTEST_STEM:
            return word[: -len(ending)]
    return word
