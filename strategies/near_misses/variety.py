"""The rest of every row and statement varied, in all scenarios of all rules.

A rule that an engineer lifts by another column, for one label or where something is null, is only
found by a row that has that, and by a statement that changes that as well. So what a scenario
writes gets columns that it says nothing of, others in the place of those that are only as usual,
and a violation is tried again beside changes that are of no matter to any rule: it is a violation
still.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Final

from hypothesis import strategies as st

from conformance.engine.cases.scenario import Plain, Scenario, ViolatesSeveral
from conformance.engine.sql.writes import Insert, Update
from conformance.framecast.rules import RULES
from strategies.near_misses.filling import Filling, chosen, formed
from strategies.near_misses.histories import history
from strategies.near_misses.values import CHANGED, MOVES, UNASKED

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from conformance.engine.cases.scenario import Transaction
    from conformance.engine.sql.writes import Row, Write
    from strategies.near_misses.values import Values
    from strategies.near_misses.ways import Draw, Scenarios

# How much of what may vary does: the more, the likelier.
WIDTHS: Final = ("none", "one", "half", "half", "all", "all")
NUMBERS: Final = 9_999
# Where a scenario has so many violations, none of them is tried in all sets of columns.
MANY: Final = 20
SETS: Final = 3
# What such a change may break as well: a finished job stays as it is, but for its refund, and an
# event wholly.
ALSO: Final = {"jobs": frozenset({"STATE-JOB"}), "job_events": frozenset({"IMM-1"})}
ANY: Final = frozenset(RULES)
UNASKED_COLUMNS: Final = frozenset(column for each in UNASKED.values() for column in each)


@st.composite
def varied(draw: Draw, scenarios: Scenarios, rule: str = "") -> Scenario:
    """Draw a scenario, vary the rest of its rows, and try its violations in other ways.

    Each violation is tried in one set of columns of each way; where there are few, one in all.
    """
    plain = draw(scenarios)
    first = draw(st.integers(0, NUMBERS))
    past = history(plain, first)
    scenario = replace(plain, past=past)
    filling = Filling(
        replace(plain, given=(*plain.given, past)) if past else plain,
        first,
        draw(st.sampled_from(WIDTHS)),
    )
    mixed = [
        one if isinstance(one, ViolatesSeveral) else ViolatesSeveral(one, frozenset())
        for one in scenario.broken
    ]
    ways = _ways(filling, first, rule)
    few = [draw(st.sampled_from(mixed))] if 0 < len(mixed) < MANY else []
    more = [each for way in ways for one in few for each in way.sets(one)]
    more += [
        sets[(first + number) % len(sets)]
        for way in ways
        for number, one in enumerate(mixed)
        if one not in few and (sets := way.sets(one))
    ]
    return replace(
        scenario,
        given=tuple(filling.given(each) for each in scenario.given),
        past=filling.given(past),
        legal=tuple(filling.legal(each) for each in scenario.legal),
        broken=(
            *(replace(one, writes=filling.usual(one.writes)) for one in mixed),
            *more,
        ),
        within=tuple(replace(one, writes=filling.usual(one.writes)) for one in scenario.within),
        beside=tuple(replace(one, writes=filling.usual(one.writes)) for one in scenario.beside),
        plain=Plain(plain),
    )


def _ways(filling: Filling, first: int, rule: str) -> list[_Again]:
    """Return the ways to try a violation again: of IMM-1, also beside moves to another state."""
    moved = (False, True) if rule == "IMM-1" else (False,)
    return [
        _Again(filling, first, rule, is_before=before, is_moved=move)
        for move in moved
        for before in (False, True)
    ]


@cache
def _changed(rule: str) -> Mapping[str, Mapping[str, Values]]:
    """Return what an update may change as well and break a rule still."""
    asked = frozenset(re.findall(r"\w+", RULES[rule].violations)) if rule else UNASKED_COLUMNS
    more = {
        table: {column: values for column, values in columns.items() if column not in asked}
        for table, columns in UNASKED.items()
    }
    return {table: {**columns, **more.get(table, {})} for table, columns in CHANGED.items()}


class _Again:
    """One way to try violations again: beside other changes or after them, in other rows."""

    def __init__(
        self, filling: Filling, first: int, rule: str, *, is_before: bool, is_moved: bool
    ) -> None:
        self._filling, self._first, self._is_before = filling, first, is_before
        self._changed = _changed(rule)
        self._changes: Callable[[Update, int], Row] = self._move if is_moved else self._change
        self._is_moved = is_moved

    def sets(self, broken: ViolatesSeveral) -> list[ViolatesSeveral]:
        """Return a violation with each of some sets of other columns, as far as they differ."""
        found: list[ViolatesSeveral] = []
        usual = self._filling.usual(broken.writes)
        for number in range(SETS):
            writes = tuple(each for write in usual for each in self._varied(write, number))
            if writes not in (usual, *(each.writes for each in found)):
                also = frozenset(broken.also) | self._also(writes)
                found.append(replace(broken, writes=writes, also=also))
        return found

    def _also(self, writes: Sequence[Write]) -> frozenset[str]:
        if self._is_moved:
            return ANY
        tables = {write.table for write in writes if isinstance(write, Update)}
        return frozenset[str]().union(*(ALSO.get(table, frozenset()) for table in tables))

    def _varied(self, write: Write, number: int) -> Transaction:
        if isinstance(write, Update) and (changes := self._changes(write, number)):
            if self._is_before:
                return (replace(write, changes=changes), write)
            return (replace(write, changes={**changes, **write.changes}),)
        if isinstance(write, Insert):
            return (self._filling.inserted(write, number),)
        return (write,)

    def _change(self, write: Update, number: int) -> Row:
        return _formed(
            {
                column: chosen(values, number, self._first, write.table, column)
                for column, values in self._changed.get(write.table, {}).items()
            },
            write,
        )

    def _move(self, write: Update, number: int) -> Row:
        moves = MOVES.get(write.table, ({},))
        return chosen(moves, number, self._first, write.table)


def _formed(changes: Mapping[str, object], write: Update) -> Row:
    """Make texts that are unique of forms, and leave out those where many rows would share one."""
    return {
        column: formed(value, write.key["id"]) if "id" in write.key else value
        for column, value in changes.items()
        if "id" in write.key or "{}" not in str(value)
    }
