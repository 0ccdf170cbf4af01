"""Replayable record of a run, for shortening."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from conformance.framecast.operations.operation import Operation

if TYPE_CHECKING:
    from conformance.framecast.model import State
    from conformance.framecast.operations.operation import Step

# One operation, with each argument's value, its place among what it was chosen from (-1 for a value
# that was not), and how many those were.
RecordedStep: TypeAlias = tuple[Operation, Mapping[str, tuple[Any, int, int]]]
RunRecord: TypeAlias = tuple[tuple[RecordedStep, ...], ...]  # by transactions


def recorded(state: State, each: Step) -> RecordedStep:
    """Return an operation that was done in a state, such that it can be done in another."""
    places = {}
    for name, value in each.arguments.items():
        choices = list(each.operation.takes[name](state))
        at = choices.index(value) if value in choices else -1
        places[name] = (value, at, len(choices))
    return each.operation, places
