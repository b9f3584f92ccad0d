"""Applies a concept's table of allowed transitions; the tables themselves are in each concept's `states.py`."""

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from registry.errors import N_, TransitionNotAllowed, message

S = TypeVar("S", bound=StrEnum)


def apply(table: Mapping[str, Mapping[S, S]], action: str, state: S) -> S:
    """The state that `action` leads to from `state`.

    Raises:
        TransitionNotAllowed: the table has no such step; names the state and the states it would work in.
    """
    steps = table[action]
    if state not in steps:
        raise TransitionNotAllowed(
            message(
                N_("“%(action)s” is not possible while the state is “%(state)s”. It is possible in: %(allowed)s."),
                action=action.replace("_", "-"),
                state=state.value,
                allowed=", ".join(source.value for source in steps),
            ),
            state=state.value,
            allowed_in=[source.value for source in steps],
        )
    return steps[state]


def actions_from(table: Mapping[str, Mapping[S, S]], state: S) -> list[str]:
    """The actions that the table has from `state`, in the table's order."""
    return [action for action, steps in table.items() if state in steps]
