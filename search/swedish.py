"""Swedish words: their base forms, and the parts of compounds, from the word list of the Swedish spelling dictionary.

The list (npm's `dictionary-sv`, in the format of Hunspell) says of each word which endings it takes, whether it may
begin or end a compound and in which form it does. We read just that: suffix rules and compound flags.

Everything here is folded (lower case, å and ä as a, ö as o), because people leave the dots out.
"""

import re
from collections import defaultdict
from dataclasses import dataclass
from functools import lru_cache

from registry import PROJECT_ROOT
from search.folding import fold

_FOLDER = PROJECT_ROOT / "node_modules" / "dictionary-sv"
# Flags of the list, named in its .aff file.
_BEGINS, _MIDDLE, _ENDS, _NEVER_ALONE = "X", "U", "Y", "Z"
_SHORTEST_PART = 3
_SHORTEST_COMPOUND = 6
# Two letters that begin many compounds; any two letters would split words that are none.
_SHORT_BEGINNINGS = frozenset({"ai", "ar", "el", "it", "tv", "vr", "xr"})
# They change the meaning of what follows: what is `upphandlat` has not been `handlat`.
_PARTICLE_LIST = "upp ned ner for fore till sam fram gem ater ut in av pa om an over under var mellan fran ur bi be ge"
_PARTICLES = frozenset(_PARTICLE_LIST.split())
_MOST_PARTS = 4
# A longer word that begins compounds is a compound itself more often than not.
_LONGEST_NOTION = 8


class WordListMissing(Exception):
    """The word list is not installed; the text says what to do."""


@dataclass(frozen=True)
class _Suffix:
    flag: str
    strip: str
    add: str
    condition: re.Pattern[str]
    begins_compounds: bool


@dataclass(frozen=True)
class _WordList:
    """`flags` by word, `suffixes` by what they add, and by the form that begins a compound the words it comes from."""

    flags: dict[str, str]
    suffixes: dict[str, list[_Suffix]]
    beginnings: dict[str, str]


@lru_cache(maxsize=1)
def _word_list() -> _WordList:
    try:
        rules = (_FOLDER / "index.aff").read_text(encoding="utf-8")
        listed = (_FOLDER / "index.dic").read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise WordListMissing(
            "The Swedish word list is missing: run `make setup`, which installs dictionary-sv."
        ) from error
    suffixes = _suffixes(rules)
    flags: dict[str, str] = {}
    for line in listed.splitlines()[1:]:
        word, _, own = line.partition("/")
        word = fold(word)
        flags[word] = flags.get(word, "") + own.strip()
    by_added: dict[str, list[_Suffix]] = defaultdict(list)
    for suffix in suffixes:
        if not suffix.begins_compounds:
            by_added[suffix.add].append(suffix)
    return _WordList(flags, dict(by_added), _beginnings(flags, [s for s in suffixes if s.begins_compounds]))


def _suffixes(rules: str) -> list[_Suffix]:
    found = []
    for line in rules.splitlines():
        parts = line.split()
        if len(parts) < 5 or parts[0] != "SFX" or parts[2] in {"Y", "N"}:  # noqa: PLR2004  # SFX flag strip add condition
            continue
        add, _, then = parts[3].partition("/")
        found.append(
            _Suffix(
                flag=parts[1],
                strip="" if parts[2] == "0" else fold(parts[2]),
                add="" if add == "0" else fold(add),
                condition=re.compile(f"(?:{fold(parts[4])})$"),
                begins_compounds=_BEGINS in then or _MIDDLE in then,
            )
        )
    return found


def _beginnings(flags: dict[str, str], suffixes: list[_Suffix]) -> dict[str, str]:
    by_flag: dict[str, list[_Suffix]] = defaultdict(list)
    for suffix in suffixes:
        by_flag[suffix.flag].append(suffix)
    found: dict[str, str] = {}
    for word, own in flags.items():
        if _BEGINS in own or _MIDDLE in own:
            found.setdefault(word, word)
        for flag in own:
            for suffix in by_flag.get(flag, ()):
                if word.endswith(suffix.strip) and suffix.condition.search(word):
                    found.setdefault(word[: len(word) - len(suffix.strip)] + suffix.add, word)
    return found


@lru_cache(maxsize=100_000)
def bases(word: str) -> tuple[str, ...]:
    """The words of the list that a folded word can be a form of; none if it is unknown.

    `bussarna` is a form of `buss`; a word can be a form of several, and its own base form is among them.
    """
    words = _word_list()
    found = [word] if _NEVER_ALONE not in words.flags.get(word, _NEVER_ALONE) else []
    for start in range(max(1, len(word) - 7), len(word) + 1):
        for suffix in words.suffixes.get(word[start:], ()):
            stem = word[:start] + suffix.strip
            if suffix.flag in words.flags.get(stem, "") and suffix.condition.search(stem):
                found.append(stem)
    return tuple(dict.fromkeys(found))


@lru_cache(maxsize=100_000)
def parts(word: str) -> tuple[str, ...]:
    """The words that a folded compound is put together from; none if it is no compound.

    `elbatar` is `el` and `batar`: the last part keeps its ending, the others are in base form. What the list has as
    a word that begins other compounds itself (`sjukhus`) is taken as one notion and not split. Of several ways to
    split, one whose beginnings are known as such comes first, then the one with the fewest parts, then the one with
    the longest last part.
    """
    if len(word) < _SHORTEST_COMPOUND or not word.isalpha() or _is_one_notion(word):
        return ()
    ways = _ways(word, _MOST_PARTS)
    return min(ways, key=lambda way: (way.guessed, len(way.parts), -len(way.parts[-1]))).parts if ways else ()


@dataclass(frozen=True)
class _Way:
    """A way to split a word; `guessed` counts beginnings that the list does not know as such."""

    parts: tuple[str, ...]
    guessed: int


def _is_one_notion(word: str) -> bool:
    flags = _word_list().flags
    return any(_BEGINS in flags[base] and len(base) <= _LONGEST_NOTION for base in bases(word))


def _ways(word: str, most: int) -> list[_Way]:
    found: list[_Way] = []
    for cut in range(2, len(word) - _SHORTEST_PART + 1):
        begins, guessed = _beginning(word[:cut])
        if not begins:
            continue
        rest = word[cut:]
        if _ends_compounds(rest):
            found.append(_Way((begins, rest), guessed))
        if most > 2:  # noqa: PLR2004  # two parts are left for what follows
            found += [_Way((begins, *more.parts), guessed + more.guessed) for more in _ways(rest, most - 1)]
    return found


def _beginning(first: str) -> tuple[str, int]:
    """The base form of what begins a compound, and 1 if that is a guess: a whole word, or a verb without its -a."""
    words = _word_list()
    if first in _PARTICLES:
        return "", 0
    if len(first) < _SHORTEST_PART:
        return (first, 0) if first in _SHORT_BEGINNINGS else ("", 0)
    if first in words.beginnings:
        return words.beginnings[first], 0
    if first in words.flags:
        return first, 1
    verb = f"{first}a"
    return (verb, 1) if len(first) > _SHORTEST_PART and verb in words.flags else ("", 0)


def _ends_compounds(rest: str) -> bool:
    flags = _word_list().flags
    return any(_ENDS in flags[base] and len(base) >= _SHORTEST_PART for base in bases(rest))
