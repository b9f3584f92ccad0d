"""The changed words of a clause as HTML: `ins` and `del`, which are underlined and struck through and have names."""

from markupsafe import Markup

from registry.agreements.clauses import ChangeKind, ClausePair
from registry.web.language import gettext

_NAMED = '<span class="visually-hidden">[{}: </span>{}<span class="visually-hidden">]</span>'
_REMOVED = Markup(f"<del>{_NAMED}</del>")  # noqa: S704  # constants of ours
_ADDED = Markup(f"<ins>{_NAMED}</ins>")  # noqa: S704  # the same


def show_side(pair: ClausePair, side: str, base: str) -> Markup:
    """One side of a pair of clauses (`a` or `b`): what the other lacks is removed if the side is the base, else added.

    All of it is escaped. Line ends stay, the style sheet shows them.
    """
    own = ChangeKind.REMOVED if side == "a" else ChangeKind.ADDED
    frame, name = (_REMOVED, gettext("removed")) if side == base else (_ADDED, gettext("added"))
    parts = [
        frame.format(name, change.text) if change.kind is own else Markup.escape(change.text)
        for change in pair.changes
        if change.kind in {own, ChangeKind.SAME}
    ]
    return Markup('<div class="changes">{}</div>').format(Markup("").join(parts))
