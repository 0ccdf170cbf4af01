"""Cases of what one row says: checks, columns that never change, state machines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hypothesis import strategies as st

from conformance.engine.derived.shapes import (
    GONE,
    NO_OTHERS,
    NO_PARENTS,
    OF_ONE_ROW,
    among,
    inserted,
    never_change,
    tried,
    written,
)
from conformance.engine.sql.writes import Path

if TYPE_CHECKING:
    from conformance.engine.cases.scenario import Scenario, Transaction
    from conformance.engine.derived.shapes import Make, Makes
    from conformance.engine.derived.world import Facts, World
    from conformance.engine.kinds.check import Check, Required
    from conformance.engine.kinds.fixed import Fixed
    from conformance.engine.kinds.transitions import Transitions
    from conformance.engine.sql.writes import Row

NOTHING_CHANGED: Final = "a row that is inserted has not changed"


def of_check(kind: Check, facts: Facts) -> Makes:
    """Return the cases of a condition: each edge by every shape, other columns varied."""
    table = kind.table
    names = {name for row in (*kind.legal, *kind.illegal) for name in row}

    good, bad = kind.legal or ({},), kind.illegal

    def insert(world: World) -> Scenario:
        legal, broken = ([world.row(table, **each) for each in some] for some in (good, bad))
        return tried(
            world,
            [inserted(table, row) for row in legal],
            [inserted(table, row) for row in broken],
        )

    def many(world: World) -> Scenario:
        legal, broken = (
            [among(world, table, world.row(table, **each)) for each in some] for some in (good, bad)
        )
        return tried(world, legal, broken)

    def update(world: World) -> Scenario:
        beside = world.beside(table, names)
        row = world.written(table)
        moves = bool(names & {*world.tables[table].identity})

        def change(to: Row) -> Transaction:
            # A row that gets another key is not found again by the one that it had.
            one = world.written(table) if moves else row
            same = {name: one[name] for name in sorted(names) if name in one}
            return (
                world.changed(table, one, {**beside, **(to or same or world.identity(table, one))}),
            )

        return tried(world, [change(each) for each in good], [change(each) for each in bad])

    if not kind.illegal:
        return {}
    fixed = never_change(facts, table, sorted(names))
    return written(insert, many, fixed or update, OF_ONE_ROW)


def of_required(kind: Required, facts: Facts) -> Makes:
    """Return the cases of columns that are never null: a null in each of them."""
    return of_check(kind.check, facts)


def of_fixed(kind: Fixed, _facts: Facts) -> Makes:
    """Return the cases of columns that never change: each of them, alone and with others."""

    def update(world: World) -> Scenario:
        table = world.draw(st.sampled_from(sorted(kind.columns)))
        columns = kind.columns[table]
        row, beside = world.written(table), world.beside(table, columns)
        same = {each: row[each] for each in columns if each in row}
        others = [world.other_values(table, row, [name]) for name in columns]
        at_once = {name: value for other in others for name, value in other.items()}
        return tried(
            world,
            [(world.changed(table, row, {**same, **beside}),)],
            [(world.changed(table, row, {**beside, **other}),) for other in (*others, at_once)],
        )

    return {
        Path.INSERT: NOTHING_CHANGED,
        Path.INSERT_MANY: NOTHING_CHANGED,
        Path.COPY: NOTHING_CHANGED,
        Path.UPDATE: update,
        Path.ON_CONFLICT: update,
        Path.MERGE: update,
        Path.CTE: update,
        Path.MOVE: "a column that names a parent is changed as any other",
        Path.OTHER: NO_OTHERS,
        Path.DELETE: GONE,
        Path.CASCADE: GONE,
        Path.TRUNCATE: GONE,
    }


def of_transitions(kind: Transitions, _facts: Facts) -> Makes:
    """Return the cases of a state machine: an INSERT in each state, and from each to each."""
    table, column = kind.table, kind.column
    if not column:
        return {}
    others = [state for state in kind.states if state not in kind.starts]
    ways_to = {state: way for state in kind.states if (way := kind.way_to(state))}

    def insert(world: World) -> Scenario:
        legal, broken = (
            [inserted(table, world.row(table, **{column: state})) for state in states]
            for states in (kind.starts, others)
        )
        return tried(world, legal, broken)

    def many(world: World) -> Scenario:
        legal, broken = (
            [among(world, table, world.row(table, **{column: state})) for state in states]
            for states in (kind.starts, others)
        )
        return tried(world, legal, broken)

    def update(world: World) -> Scenario:
        moves: dict[bool, list[Transaction]] = {True: [], False: []}
        for before, way in ways_to.items():
            beside = world.beside(table, {column})
            for after in kind.states:
                row = world.written(table, **{column: way[0]})
                world.given += [world.changed(table, row, {column: step}) for step in way[1:]]
                stays = before == after and before not in kind.again
                is_legal = stays or (before, after) in kind.legal
                change = world.changed(table, row, {**beside, column: after})
                moves[is_legal].append((change,))
        return tried(world, moves[True], moves[False], "every move is legal")

    no_insert = "a row may begin in any state"
    ways: dict[Path, Make | str] = {
        **OF_ONE_ROW,
        Path.MOVE: NO_PARENTS,
    }
    if not others:
        return written(no_insert, no_insert, update, ways)
    return written(insert, many, update, ways)
