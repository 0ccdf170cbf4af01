"""Cases of what one row says: checks, columns that never change, state machines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hypothesis import strategies as st

from conformance.derived.shapes import (
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
from conformance.sql.writes import Path, Row, Update

if TYPE_CHECKING:
    from conformance.cases.scenario import Scenario, Transaction
    from conformance.derived.shapes import Make, Makes
    from conformance.derived.world import Facts, World
    from conformance.kinds.check import Check
    from conformance.kinds.fixed import Fixed
    from conformance.kinds.transitions import Transitions

NOTHING_CHANGED: Final = "a row that is inserted has not changed"


def of_check(kind: Check, facts: Facts) -> Makes:
    """Return the cases of a condition: each edge by every shape, other columns varied."""
    table = kind.table
    names = {name for row in (*kind.legal, *kind.illegal) for name in row}

    def both(world: World) -> tuple[Row, Row]:
        return world.draw(st.sampled_from(kind.legal or ({},))), world.draw(
            st.sampled_from(kind.illegal)
        )

    def insert(world: World) -> Scenario:
        good, bad = both(world)
        legal, broken = world.row(table, **good), world.row(table, **bad)
        return tried(world, [inserted(table, legal)], [inserted(table, broken)])

    def many(world: World) -> Scenario:
        good, bad = both(world)
        legal = among(world, table, world.row(table, **good))
        broken = among(world, table, world.row(table, **bad))
        return tried(world, [legal], [broken])

    def update(world: World) -> Scenario:
        good, bad = both(world)
        row, beside = world.written(table), world.beside(table, names)
        good = good or {name: row[name] for name in sorted(names) if name in row}
        legal, broken = (world.changed(table, row, {**beside, **each}) for each in (good, bad))
        return tried(world, [(legal,)], [(broken,)])

    if not kind.illegal:
        return {}
    fixed = never_change(facts, table, sorted(names))
    return written(insert, many, fixed or update, OF_ONE_ROW)


def of_fixed(kind: Fixed, _facts: Facts) -> Makes:
    """Return the cases of columns that never change: each of them, alone and with others."""

    def update(world: World) -> Scenario:
        table = world.draw(st.sampled_from(sorted(kind.columns)))
        columns = kind.columns[table]
        row, beside = world.written(table), world.beside(table, columns)
        same = {each: row[each] for each in columns if each in row}
        some = world.draw(st.lists(st.sampled_from(columns), min_size=1, max_size=2, unique=True))
        other = {name: world.other_values(table, row, [name])[name] for name in some}
        return tried(
            world,
            [(world.changed(table, row, {**same, **beside}),)],
            [(world.changed(table, row, {**beside, **other}),)],
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

    def started(world: World, many: bool) -> Scenario:  # noqa: FBT001 - of one or of many rows
        first, other = (world.draw(st.sampled_from(some)) for some in (kind.starts, others))
        good, bad = (world.row(table, **{column: state}) for state in (first, other))
        if many:
            return tried(world, [among(world, table, good)], [among(world, table, bad)])
        return tried(world, [inserted(table, good)], [inserted(table, bad)])

    def insert(world: World) -> Scenario:
        return started(world, many=False)

    def many(world: World) -> Scenario:
        return started(world, many=True)

    def update(world: World) -> Scenario:
        reached = {state: way for state in kind.states if (way := kind.way_to(state))}
        state = world.draw(st.sampled_from(sorted(reached)))
        beside = world.beside(table, {column})
        moves: dict[bool, list[Transaction]] = {True: [], False: []}
        before: list[Update] = []
        for after in kind.states:
            if after == state and state not in kind.again:
                continue
            row = world.written(table, **{column: reached[state][0]})
            before += [world.changed(table, row, {column: step}) for step in reached[state][1:]]
            is_legal = (state, after) in kind.legal
            moves[is_legal].append((world.changed(table, row, {**beside, column: after}),))
        unmoved = world.written(table, **{column: reached[state][0]})
        before += [world.changed(table, unmoved, {column: step}) for step in reached[state][1:]]
        world.given += before
        stays = (world.changed(table, unmoved, {**beside, column: state}),)
        return tried(world, [stays, *moves[True]], moves[False], "every move from here is legal")

    no_insert = "a row may begin in any state"
    ways: dict[Path, Make | str] = {
        **OF_ONE_ROW,
        Path.MOVE: NO_PARENTS,
    }
    if not others:
        return written(no_insert, no_insert, update, ways)
    return written(insert, many, update, ways)
