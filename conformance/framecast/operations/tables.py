"""Tables that operations write, as the model shows it: each is done where it first can be."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from conformance.engine.sql.writes import Delete, Insert, Update
from conformance.framecast.model import State
from conformance.framecast.operations import OPERATIONS
from conformance.framecast.operations.setups import BY_NAME, Builder, Setup

if TYPE_CHECKING:
    from collections.abc import Iterable

    from conformance.framecast.operations import Operation


def tables_of(operations: Iterable[Operation]) -> frozenset[str]:
    """Return the tables that any of these operations writes; what a deletion takes along is none.

    Of a function that is called, they are the tables that it changes.
    """
    written = _written()
    return frozenset(table for each in operations for table in written.get(each.name, ()))


@cache
def _written() -> dict[str, frozenset[str]]:
    """Return the tables of each operation, by its name."""
    written: dict[str, frozenset[str]] = {}
    states = [_beginning(setup) for setup in BY_NAME.values()]
    for _ in range(2):  # what needs a row that no beginning has is possible after another operation
        later: list[State] = []
        for operation in OPERATIONS.values():
            state = next((each for each in states if operation.possible(each)), None)
            if state is not None and not written.get(operation.name):
                after, written[operation.name] = _done(operation, state)
                later.append(after)
        states = later
    return written


def _beginning(setup: Setup) -> State:
    builder = Builder(State())
    setup(builder)
    return builder.state


def _done(operation: Operation, state: State) -> tuple[State, frozenset[str]]:
    """Do an operation with the first of all choices; return the state after it, and its tables."""
    act = operation.act(state, **{name: take(state)[0] for name, take in operation.takes.items()})
    tables = {write.table for write in act.writes if isinstance(write, Insert | Update | Delete)}
    if any(not isinstance(write, Insert | Update | Delete) for write in act.writes):
        tables |= act.after.changed_since(state)
    return act.after, frozenset(tables)
