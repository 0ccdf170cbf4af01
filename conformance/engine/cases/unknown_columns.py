"""Columns that a schema has and the domain does not know, varied over the values of their types.

An engineer adds a column, and a check that lets pass what has it. Nobody who knows the domain alone
writes that column. So a scenario is tried again with rows that hold each of some values there, and
with violations that change it: a rule that does not speak of a column is broken whatever is in it.
What else such a value comes to is no matter: it may be illegal for reasons of the schema's own.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final
from zlib import crc32

from conformance.engine.cases.scenario import ViolatesSeveral
from conformance.engine.sql.writes import Insert, PlainWrite, Update

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conformance.engine.cases.scenario import Scenario, Transaction
    from conformance.engine.database.unknown_columns import Spare, Value
    from conformance.engine.sql.writes import Write

# How many of all variants of a scenario are tried.
MOST: Final = 6


def variants(spare: Spare, scenario: Scenario) -> Iterator[Scenario]:
    """Return scenarios in which a column holds a value from the start, or gets it at the end.

    Of many some, which are the same whenever the scenario is.
    """
    if not spare.values:
        return
    every = [
        vary(scenario, value)
        for table in sorted(_tables(scenario))
        for value in spare.values.get(table, ())
        for vary in (_held, _changed)
    ]
    first = crc32(repr(scenario).encode()) if len(every) > MOST else 0
    for number in range(min(len(every), MOST)):
        yield every[(first + number) % len(every)]


def _held(scenario: Scenario, value: Value) -> Scenario:
    """Let the column hold the value in every row."""

    def held(write: Write) -> Write:
        if isinstance(write, Insert) and write.table == value.table:
            return replace(write, rows=tuple({value.column: value.value, **r} for r in write.rows))
        return PlainWrite(held(write.write)) if isinstance(write, PlainWrite) else write

    return _mapped(scenario, held, in_given=True)


def _changed(scenario: Scenario, value: Value) -> Scenario:
    """Let violations give the column the value, beside what they change."""

    def changed(write: Write) -> Write:
        if isinstance(write, Update) and write.table == value.table:
            return replace(write, changes={value.column: value.value, **write.changes})
        if isinstance(write, Insert) and write.table == value.table:
            return replace(write, rows=tuple({value.column: value.value, **r} for r in write.rows))
        return PlainWrite(changed(write.write)) if isinstance(write, PlainWrite) else write

    return _mapped(scenario, changed, in_given=False)


def _mapped(scenario: Scenario, of: Callable[[Write], Write], *, in_given: bool) -> Scenario:
    def each(transaction: Transaction) -> Transaction:
        return tuple(map(of, transaction))

    broken = tuple(
        replace(one, writes=each(one.writes)) if isinstance(one, ViolatesSeveral) else each(one)
        for one in scenario.broken
    )
    if not in_given:
        return replace(scenario, broken=broken)
    return replace(
        scenario,
        given=tuple(map(each, scenario.given)),
        legal=tuple(map(each, scenario.legal)),
        broken=broken,
        within=tuple(replace(one, writes=each(one.writes)) for one in scenario.within),
        beside=tuple(replace(one, writes=each(one.writes)) for one in scenario.beside),
    )


def _tables(scenario: Scenario) -> set[str]:
    transactions = [
        *scenario.given,
        *scenario.legal,
        *(one.writes if isinstance(one, ViolatesSeveral) else one for one in scenario.broken),
    ]
    return {
        inner.table
        for transaction in transactions
        for write in transaction
        for inner in (write.write if isinstance(write, PlainWrite) else write,)
        if isinstance(inner, Insert | Update)
    }
