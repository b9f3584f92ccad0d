"""The stages of a procurement and the one table of allowed transitions."""

from collections.abc import Mapping
from enum import StrEnum


class Stage(StrEnum):
    NEED = "need"
    MARKET_DIALOGUE = "market_dialogue"
    PREPARATION = "preparation"
    PUBLISHED = "published"
    EVALUATION = "evaluation"
    AWARDED = "awarded"
    CONTRACT = "contract"
    FOLLOW_UP = "follow_up"
    CANCELLED = "cancelled"


_S = Stage
TRANSITIONS: Mapping[str, Mapping[Stage, Stage]] = {
    "open_dialogue": {_S.NEED: _S.MARKET_DIALOGUE},
    "prepare": {_S.NEED: _S.PREPARATION, _S.MARKET_DIALOGUE: _S.PREPARATION},
    "publish": {_S.PREPARATION: _S.PUBLISHED},
    "evaluate": {_S.PUBLISHED: _S.EVALUATION},
    "award": {_S.EVALUATION: _S.AWARDED},
    "sign_contract": {_S.AWARDED: _S.CONTRACT},
    "follow_up": {_S.CONTRACT: _S.FOLLOW_UP},
    "cancel": {
        _S.NEED: _S.CANCELLED,
        _S.MARKET_DIALOGUE: _S.CANCELLED,
        _S.PREPARATION: _S.CANCELLED,
        _S.PUBLISHED: _S.CANCELLED,
        _S.EVALUATION: _S.CANCELLED,
        _S.AWARDED: _S.CANCELLED,
    },
}

# From these stages on, tender contents and bidders are no longer for the procurement team only.
OPEN_STAGES = frozenset({_S.AWARDED, _S.CONTRACT, _S.FOLLOW_UP})
