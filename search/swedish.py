"""Swedish words: their base forms, and the parts of compounds, from the word list of the Swedish spelling dictionary.

The list (npm's `dictionary-sv`, in the format of Hunspell) says of each word which endings it takes, whether it may
begin or end a compound and in which form it does. We read just that: suffix rules and compound flags.

Words are in lower case. `bases` and `parts` read them as they are written: `last` is no form of `låsa`, and `smärta`
none of `smart`. People leave out the dots of å, ä and ö, so a word that makes no sense as it stands can be read
without marks, with all of the list folded (`loosely`).
"""

import re
import sys
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from registry import PROJECT_ROOT
from search.folding import fold

_FOLDER = PROJECT_ROOT / "node_modules" / "dictionary-sv"
# Flags of the list, named in its .aff file.
_BEGINS, _MIDDLE, _ENDS, _NEVER_ALONE = "X", "U", "Y", "Z"
# Who does what a verb says is another word than the verb: `användarna` are forms of `användare`, not of `använda`.
_AGENT = "T"
_SHORTEST_PART = 3
_SHORTEST_COMPOUND = 6
# Two letters that begin many compounds; any two letters would split words that are none.
_SHORT_BEGINNINGS = frozenset({"ai", "el", "it", "tv", "vr", "xr"})
# They change the meaning of what follows: what is `upphandlat` has not been `handlat`.
_PARTICLE_LIST = """
upp ned ner för före till sam fram gem åter ut in av på om an över under var mellan från ur bi be ge med
"""
_PARTICLES = frozenset(_PARTICLE_LIST.split()) | frozenset(map(fold, _PARTICLE_LIST.split()))
_MOST_PARTS = 4
# A word of the list is one notion, whatever its letters would allow (`transport` is no `sport`, `lägenhet` no `enhet`),
# unless it is so long that it is a compound which the list happens to have, and one part of it so long that it is
# none by chance.
_SHORTEST_LISTED = 10
_LONG_PART = 5
# What electricity drives is written with these two letters; the list has many of them.
_ELECTRIC = "el"
# Behind the s that only joins words, a shorter last part is an ending (`land-s-kap`).
_SHORTEST_JOINED_PART = 4
# What begins a compound only by a guess, because the list does not say so, has to be longer, or be a noun before a
# long word.
_SHORTEST_GUESS = 4
# They make words of verbs and of other words: what stands before them is no word to search for by itself.
_ENDINGS = ("ande", "ende", "are", "arna", "skap", "het", "ning", "else", "land", "ion")


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
    """`flags` by word, `suffixes` by what they add, and by the form that begins a compound the words it comes from.

    Of several words the likeliest is the first: one that stands alone, and of which the form is only longer (`skydds`
    comes from `skydd` sooner than from `skydda`).
    """

    flags: dict[str, str]
    suffixes: dict[str, list[_Suffix]]
    beginnings: dict[str, tuple[str, ...]]


@lru_cache(maxsize=2)
def _word_list(*, folded: bool) -> _WordList:
    """The list as it is written, or folded."""
    try:
        rules = (_FOLDER / "index.aff").read_text(encoding="utf-8")
        listed = (_FOLDER / "index.dic").read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise WordListMissing(
            "The Swedish word list is missing: run `make setup`, which installs dictionary-sv."
        ) from error
    write = fold if folded else str.lower
    suffixes = _suffixes(rules, write)
    flags: dict[str, str] = {}
    for line in listed.splitlines()[1:]:
        word, _, own = line.partition("/")
        word = write(word)
        # Many words take the same endings: one text for all of them.
        flags[word] = sys.intern(flags.get(word, "") + own.strip())
    by_added: dict[str, list[_Suffix]] = defaultdict(list)
    for suffix in suffixes:
        if not suffix.begins_compounds:
            by_added[suffix.add].append(suffix)
    return _WordList(flags, dict(by_added), _beginnings(flags, [s for s in suffixes if s.begins_compounds]))


def _suffixes(rules: str, write: Callable[[str], str]) -> list[_Suffix]:
    found = []
    for line in rules.splitlines():
        parts = line.split()
        if len(parts) < 5 or parts[0] != "SFX" or parts[2] in {"Y", "N"}:  # noqa: PLR2004  # SFX flag strip add condition
            continue
        add, _, then = parts[3].partition("/")
        found.append(
            _Suffix(
                flag=parts[1],
                strip="" if parts[2] == "0" else write(parts[2]),
                add="" if add == "0" else write(add),
                condition=re.compile(f"(?:{write(parts[4])})$"),
                begins_compounds=_BEGINS in then or _MIDDLE in then,
            )
        )
    return found


def _beginnings(flags: dict[str, str], suffixes: list[_Suffix]) -> dict[str, tuple[str, ...]]:
    by_flag: dict[str, list[_Suffix]] = defaultdict(list)
    for suffix in suffixes:
        by_flag[suffix.flag].append(suffix)
    found: dict[str, dict[str, None]] = defaultdict(dict)
    for word, own in flags.items():
        if _BEGINS in own or _MIDDLE in own:
            found[word][word] = None
        for flag in own:
            for suffix in by_flag.get(flag, ()):
                if word.endswith(suffix.strip) and suffix.condition.search(word):
                    found[word[: len(word) - len(suffix.strip)] + suffix.add][word] = None

    for form, words in found.items():
        words.update(dict.fromkeys(_unlisted(form, flags)))

    def likelihood(form: str, word: str) -> tuple[bool, bool, int]:
        return _NEVER_ALONE in flags.get(word, ""), not form.startswith(word), len(word)

    return {
        form: tuple(words) if len(words) == 1 else tuple(sorted(words, key=lambda word: likelihood(form, word)))
        for form, words in found.items()
    }


def _unlisted(form: str, flags: dict[str, str]) -> list[str]:
    """The words that begin a compound in a form of which the list does not say that it is theirs."""
    # What the s joins: in `ansvarsfråga` and `arbetsplats` the nouns without it.
    nouns = (form[:-1], f"{form[:-1]}e") if form.endswith("s") else ()
    found = [noun for noun in nouns if _ENDS in flags.get(noun, "")]
    if form.endswith("ar") and (f"{form}e" in flags or _AGENT in flags.get(form[:-1], "")):
        found.append(f"{form}e")
    # `bygg` and `mass` are no words of their own but what is left of `bygga` and `massa`.
    if _ENDS not in flags.get(form, "") and f"{form}a" in flags:
        found.append(f"{form}a")
    return found


@lru_cache(maxsize=100_000)
def bases(word: str, *, loosely: bool = False) -> tuple[str, ...]:
    """The words of the list that a word can be a form of; none if it is unknown.

    `bussarna` is a form of `buss`; a word can be a form of several, and its own base form is among them. `loosely`
    takes a folded word and gives folded words.
    """
    words = _word_list(folded=loosely)
    found = [word] if _NEVER_ALONE not in words.flags.get(word, _NEVER_ALONE) else []
    for start in range(max(1, len(word) - 7), len(word) + 1):
        for suffix in words.suffixes.get(word[start:], ()):
            stem = word[:start] + suffix.strip
            if suffix.flag in words.flags.get(stem, "") and suffix.condition.search(stem):
                found.append(f"{stem}re" if suffix.flag == _AGENT and stem.endswith("a") else stem)
    return tuple(dict.fromkeys(found))


def begins(word: str, *, loosely: bool = False) -> tuple[str, ...]:
    """The words that begin a compound in this form: `drönar` comes from `drönare`. None if it begins no compound."""
    return _word_list(folded=loosely).beginnings.get(word, ())


def is_made_of_verb(word: str, *, loosely: bool = False) -> bool:
    """Whether a word says of what a verb does that it can be done: `bokbar` of `boka`. The list has few of them."""
    stem = next((word[: -len(ending)] for ending in ("bar", "bart", "bara") if word.endswith(ending)), "")
    return len(stem) >= _SHORTEST_PART and f"{stem}a" in _word_list(folded=loosely).flags


@lru_cache(maxsize=100_000)
def parts(word: str, *, loosely: bool = False) -> tuple[str, ...]:
    """The words that a compound is put together from; none if it is no compound.

    `elbåtar` is `el` and `båtar`: the last part keeps its ending, the others are in base form. What the list has as
    a word is mostly taken as one notion and not split (see above), and so is what a verb has become (`byggande`).
    Of several ways to split, one whose beginnings are known as such comes first, then the one with the fewest parts,
    then the one with the longest last part. `loosely` takes a folded word and gives folded words.
    """
    found = _split(word, loosely=loosely)
    return (*(bases[0] for bases in found.firsts), found.last) if found else ()


@lru_cache(maxsize=100_000)
def part_bases(word: str, *, loosely: bool = False) -> tuple[tuple[str, ...], ...]:
    """For each part of a compound the words of the list that it can be a form of, the likeliest first."""
    found = _split(word, loosely=loosely)
    return (*found.firsts, _ending_bases(found.last, loosely=loosely)) if found else ()


@dataclass(frozen=True)
class _Way:
    """A way to split a word: the words that each part but the last can be a form of, and the last one as it stands.

    `guessed` counts beginnings that the list does not know as such; `joined` says that an s which belongs to none of
    the words joins the first one to the rest.
    """

    firsts: tuple[tuple[str, ...], ...]
    last: str
    guessed: int
    joined: bool


def _split(word: str, *, loosely: bool) -> _Way | None:
    if len(word) < _SHORTEST_COMPOUND or not word.isalpha():
        return None
    known = bases(word, loosely=loosely)
    ways = _Splitter(loosely=loosely).ways(word, 2 if known else _MOST_PARTS)
    if known:
        ways = [way for way in ways if _is_plain(way, min(map(len, known)))]
    return min(ways, key=lambda way: (way.guessed, len(way.firsts), -len(way.last)), default=None)


def _is_plain(way: _Way, length: int) -> bool:
    """Whether a word of the list (so long in its base form) is clearly the compound that it can be read as."""
    first, last = way.firsts[0][0], way.last
    if way.guessed:
        return False
    if way.joined:
        return len(last) >= _SHORTEST_JOINED_PART
    return first == _ELECTRIC or (length >= _SHORTEST_LISTED and max(len(first), len(last)) >= _LONG_PART)


def _ending_bases(last: str, *, loosely: bool) -> tuple[str, ...]:
    flags = _word_list(folded=loosely).flags
    if _ENDS in flags.get(last, ""):
        return (last,)
    return tuple(base for base in bases(last, loosely=loosely) if _ENDS in flags.get(base, ""))


class _Splitter:
    """Splits words by one of the two lists."""

    def __init__(self, *, loosely: bool) -> None:
        self._loosely = loosely
        self._words = _word_list(folded=loosely)

    def ways(self, word: str, most: int) -> list[_Way]:
        """Every way to split a word into at most so many parts."""
        found: list[_Way] = []
        for cut in range(2, len(word) - _SHORTEST_PART + 1):
            first, rest = word[:cut], word[cut:]
            begins, guessed = self._beginning(first)
            if not begins:
                continue
            is_no_word = _NEVER_ALONE in self._words.flags.get(first, _NEVER_ALONE)
            joined = first.endswith("s") and begins[0] != first and is_no_word
            is_long = len(first) >= _SHORTEST_GUESS or len(rest) >= _LONG_PART
            if self._ends(rest, first) and (is_long or not guessed):
                found.append(_Way((begins,), rest, guessed, joined))
            if most > 2:  # noqa: PLR2004  # two parts are left for what follows
                found += [
                    _Way((begins, *more.firsts), more.last, guessed + more.guessed, joined)
                    for more in self.ways(rest, most - 1)
                ]
        return found

    def _beginning(self, first: str) -> tuple[tuple[str, ...], int]:
        """The base forms of what begins a compound, and 1 for a guess: a whole word, or a verb without its -a."""
        words = self._words
        if first in _PARTICLES:
            return (), 0
        if len(first) < _SHORTEST_PART:
            return ((first,), 0) if first in _SHORT_BEGINNINGS else ((), 0)
        if first in words.beginnings:
            return words.beginnings[first], 0
        if first in words.flags and (len(first) >= _SHORTEST_GUESS or _ENDS in words.flags[first]):
            return (first,), 1
        if len(first) < _SHORTEST_GUESS:
            return (), 0
        verb = f"{first}a"
        return ((verb,), 1) if verb in words.flags else ((), 0)

    def _ends(self, rest: str, first: str) -> bool:
        """Whether a word can end a compound, and is more than the ending of what stands before it."""
        if rest in _ENDINGS or any(self._is_derived(first + rest, ending) for ending in _ENDINGS[:3]):
            return False
        return any(len(base) >= _SHORTEST_PART for base in _ending_bases(rest, loosely=self._loosely))

    def _is_derived(self, word: str, ending: str) -> bool:
        """Whether a word is made of a verb: `byggande` of `bygga`."""
        return word.endswith(ending) and word[: len(word) - len(ending)] + "a" in self._words.flags
