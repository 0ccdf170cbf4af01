"""Choosers: Hypothesis alone, or an explorer with its number, decides where a run has a choice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from hypothesis import strategies as st

from conformance.framecast.operations import step

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

    from conformance.framecast.machines.exploration import Explorer, Way
    from conformance.framecast.model import State
    from conformance.framecast.operations import Operation, Step

T = TypeVar("T")
NUMBERS = st.integers(0, 2**64 - 1)


class Chooser(Protocol):
    """Decides where there is a choice; one thing leads to as many as one of `follow_ups`."""

    follow_ups: Sequence[int]

    def one(self, values: Sequence[T], label: str) -> T:
        """Return one of some values."""

    def step(self, state: State, ways: Sequence[Way], others: Sequence[Operation] = ()) -> Step:
        """Return a step along one of some ways; instead, one of other operations, if it leads."""


class Drawing:
    """Lets Hypothesis draw each choice."""

    follow_ups: Sequence[int] = (0, 1, 2, 3)

    def __init__(self, data: st.DataObject) -> None:
        """Draw from this."""
        self._data = data

    def one(self, values: Sequence[T], label: str) -> T:
        """Draw one of some values."""
        return self._data.draw(st.sampled_from(values), label)

    def step(self, state: State, ways: Sequence[Way], others: Sequence[Operation] = ()) -> Step:
        """Draw a way and its arguments."""
        del others
        operation, choices = ways[0] if len(ways) == 1 else self.one(ways, "then")
        arguments: dict[str, Any] = {n: self.one(each, n) for n, each in choices.items()}
        return step(state, operation, arguments)


class Guided:
    """Lets Hypothesis draw a number, and an explorer make of it what leads somewhere new."""

    # Whoever looks for what is new has less need to stay where they are.
    follow_ups: Sequence[int] = (0, 1)

    def __init__(self, explorer: Explorer, data: st.DataObject) -> None:
        """Draw the number."""
        self._explorer = explorer
        self._random: Random = explorer.random(data.draw(NUMBERS, "number"))

    def one(self, values: Sequence[T], label: str) -> T:
        """Choose one of some values."""
        del label
        return self._random.choice(values)

    def turn(self, turns: Sequence[T], own: T) -> T:
        """Choose what has been done least; `own`, if it is among that."""
        return self._explorer.turn(self._random, turns, own)

    def step(self, state: State, ways: Sequence[Way], others: Sequence[Operation] = ()) -> Step:
        """Choose what leads somewhere new."""
        return self._explorer.chosen(self._random, state, ways, others)
