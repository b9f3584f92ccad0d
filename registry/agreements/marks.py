"""Where in a text the words of a question are: PostgreSQL says it, here it becomes pieces and excerpts."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from registry import database
from registry.agreements.question import WORD

# Stand-ins for the ends of a match. They are private-use characters, which the passages never hold.
_START, _STOP = "\ue000", "\ue001"
_OPTIONS = f"StartSel={_START}, StopSel={_STOP}, HighlightAll=true"
_MARKED = f"""
SELECT t.text, ARRAY[
    ts_headline('swedish', t.text, $2::tsquery, '{_OPTIONS}'),
    ts_headline('english', t.text, $2::tsquery, '{_OPTIONS}'),
    ts_headline('simple', fold_text(t.text), $2::tsquery, '{_OPTIONS}')
] AS marked
FROM unnest($1::text[]) AS t(text)
"""
_EXCERPT = 280
_BEFORE = 60
Span = tuple[int, int]


@dataclass(frozen=True)
class Piece:
    """A stretch of a text, and whether it is what was asked for. Plain text: whoever shows it escapes it."""

    text: str
    is_match: bool


Marked = tuple[Piece, ...]


async def spans_of(texts: Collection[str], asked: Sequence[tuple[str, int]]) -> Mapping[str, list[Span]]:
    """Where each text matches, as (start, stop) in characters.

    `asked` are tsqueries in PostgreSQL's own form, each with how many words have to stand beside each other.
    """
    spans: dict[str, list[Span]] = {text: [] for text in texts}
    words = [f"({query})" for query, count in asked if count == 1]
    phrases = [one for one in asked if one[1] > 1]
    for query, count in [(" | ".join(words), 1), *phrases] if words else phrases:
        for row in await database.fetch(_MARKED, list(texts), query):
            text = row["text"]
            found = _merged([span for one in row["marked"] for span in _spans(text, one)])
            spans[text] += found if count == 1 else _phrases(text, found, count)
    return {text: _merged(found) for text, found in spans.items()}


def _merged(spans: Iterable[Span]) -> list[Span]:
    """In order, and joined where they overlap."""
    merged: list[Span] = []
    for start, stop in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(stop, merged[-1][1]))
        else:
            merged.append((start, stop))
    return merged


def _phrases(text: str, spans: Iterable[Span], count: int) -> list[Span]:
    """The stretches of so many marked words on end: PostgreSQL marks the words of a phrase wherever they stand."""
    runs: list[Span] = []
    for start, stop in spans:
        if runs and not WORD.search(text, runs[-1][1], start):
            runs[-1] = (runs[-1][0], stop)
        else:
            runs.append((start, stop))
    return [(start, stop) for start, stop in runs if len(WORD.findall(text, start, stop)) >= count]


def _spans(text: str, marked: str) -> list[Span]:
    """The places of the stand-ins, counted in the text without them."""
    # A text that somebody wrote with these characters in it is left unmarked rather than marked wrongly.
    if _START in text or _STOP in text:
        return []
    spans, place, opened = list[Span](), 0, 0
    for character in marked:
        if character == _START:
            opened = place
        elif character == _STOP:
            spans.append((opened, place))
        else:
            place += 1
    return spans if place == len(text) else []


def pieces(text: str, spans: Sequence[Span]) -> Marked:
    """The whole text in pieces."""
    parts, place = list[Piece](), 0
    for start, stop in spans:
        parts += [Piece(text[place:start], is_match=False), Piece(text[start:stop], is_match=True)]
        place = stop
    parts.append(Piece(text[place:], is_match=False))
    return tuple(part for part in parts if part.text)


def excerpt(text: str, spans: Sequence[Span]) -> Marked:
    """The stretch of some 280 characters with most matches, whole words, with dots where it leaves out some."""
    start = _densest(spans)
    stop = min(start + _EXCERPT, len(text))
    start, stop = _at_word(text, start), _at_word(text, stop)
    inside = [(max(a, start) - start, min(b, stop) - start) for a, b in spans if a < stop and b > start]
    before, after = ("… " if start else ""), (" …" if stop < len(text) else "")
    return tuple(
        piece
        for piece in (
            Piece(before, is_match=False),
            *pieces(text[start:stop].rstrip(), inside),
            Piece(after, is_match=False),
        )
        if piece.text
    )


def _densest(spans: Sequence[Span]) -> int:
    starts = [max(0, span[0] - _BEFORE) for span in spans] or [0]
    return max(starts, key=lambda start: sum(start <= a and b <= start + _EXCERPT for a, b in spans))


def _at_word(text: str, place: int) -> int:
    """The beginning of the word that a place is in, or the end of the text."""
    if place in {0, len(text)}:
        return place
    space = text.rfind(" ", 0, place)
    return place if space < 0 or place - space > _BEFORE else space + 1
