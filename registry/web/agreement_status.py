"""Where an agreement stands, in words: the steps done and to come; and its text as a page shows it."""

from datetime import datetime
from typing import Any

from markupsafe import Markup

from registry.agreements.codes import PartyRole
from registry.agreements.queries import AgreementRow
from registry.agreements.states import OVER, AgreementState
from registry.agreements.texts import Block, BlockKind, blocks
from registry.web.labels import label
from registry.web.language import gettext, in_language, show_date, show_datetime

_S = AgreementState
_TONES = {
    _S.DRAFT: "neutral",
    _S.IN_REVIEW: "waiting",
    _S.CHANGES_REQUESTED: "waiting",
    _S.APPROVED: "waiting",
    _S.SIGNED: "info",
    _S.IN_FORCE: "good",
    _S.EXPIRED: "neutral",
    _S.TERMINATED: "bad",
    _S.SUPERSEDED: "neutral",
}
_APPROVED = frozenset({_S.APPROVED, _S.SIGNED, _S.IN_FORCE, *OVER})


def tone(state: str) -> str:
    """How a state is shown: neutral, waiting, info, good or bad."""
    return _TONES[AgreementState(state)]


def timeline(row: AgreementRow) -> list[dict[str, Any]]:
    """The steps for the macro `timeline`: sent, approved, signed by each party, in force, and perhaps ended."""
    sent = row.state is not _S.DRAFT
    approved = row.state in _APPROVED
    in_force = row.state is _S.IN_FORCE or row.state in OVER
    steps = [
        _step(gettext("Sent to legal"), done=sent, when=_when(row.submitted_at)),
        _step(
            gettext("Approved by legal"),
            done=approved,
            when=_when(row.decided_at) if approved else None,
            detail=gettext("Sent back with a question") if row.state is _S.CHANGES_REQUESTED else None,
        ),
        # Those who sign up first: they may sign while legal reviews.
        *(
            _step(
                gettext("Signed by %(name)s") % {"name": in_language(party, "name")},
                done=party.signed_at is not None,
                when=_when(party.signed_at),
                detail=label(party.method.value, "signature_method") if party.method else None,
            )
            for party in sorted(row.parties, key=lambda party: party.role is PartyRole.REGION)
        ),
        _step(
            gettext("In force"),
            done=in_force,
            when=show_date(row.valid_from) if row.valid_from else None,
            detail=_until(row) if row.state not in OVER else None,
        ),
    ]
    if row.state in OVER:
        steps.append(
            _step(label(row.state.value, "agreement_state"), done=True, when=_when(row.ended_at or row.signed_at))
        )
    return _with_current(steps)


def _when(moment: datetime | None) -> str | None:
    return show_datetime(moment) if moment else None


def _until(row: AgreementRow) -> str | None:
    return gettext("until and including %(date)s") % {"date": show_date(row.valid_until)} if row.valid_until else None


def _step(text: str, *, done: bool, when: str | None = None, detail: str | None = None) -> dict[str, Any]:
    return {"label": text, "status": "done" if done else "waiting", "when": when, "detail": detail}


def _with_current(steps: list[dict[str, Any]]) -> list[dict[str, Any]]:
    for step in steps:
        if step["status"] == "waiting":
            step["status"] = "current"
            break
    return steps


def show_text(text: str) -> Markup:
    """The text of an agreement as HTML: headings (`#`, `##`), lists (`- `) and paragraphs. All of it is escaped."""
    return Markup("\n").join(_html(block) for block in blocks(text))


def _html(block: Block) -> Markup:
    if block.kind is BlockKind.LIST:
        items = Markup("").join(Markup("<li>{}</li>").format(line) for line in block.lines)
        return Markup("<ul>{}</ul>").format(items)
    frames = {BlockKind.TITLE: "<h3>{}</h3>", BlockKind.HEADING: "<h4>{}</h4>", BlockKind.PARAGRAPH: "<p>{}</p>"}
    return Markup(frames[block.kind]).format(Markup("<br>").join(block.lines))  # noqa: S704  # ours, and it escapes
