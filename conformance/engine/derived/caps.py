"""Cases of caps: one below, at, and one above, by every way into the set that counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import strategies as st

from conformance.engine.derived.shapes import (
    GONE,
    NO_OTHERS,
    inserted,
    never_change,
    tried,
    written,
)
from conformance.engine.sql.writes import Insert, Path

if TYPE_CHECKING:
    from conformance.engine.cases.scenario import Scenario
    from conformance.engine.derived.shapes import Make, Makes
    from conformance.engine.derived.world import Facts, World
    from conformance.engine.kinds.at_most import AtMost
    from conformance.engine.sql.writes import Row

NO_WAY_BACK = "no change makes a row count that did not: the rule names none (back=…)"


def of_at_most(kind: AtMost, facts: Facts) -> Makes:
    """Return the cases of a cap."""
    table, most = kind.table, kind.most

    def filled(world: World, count: int) -> tuple[Row, Row]:
        """Write rows that count for a parent, and some that do not; return two parents.

        A parent is what the rows have in common: a column, or more where a key has more.
        """
        mine, theirs = parent_of(world, kind), parent_of(world, kind)
        for out in kind.out:
            if world.draw(st.booleans()):
                row = world.written(table, **mine)
                world.given.append(world.changed(table, row, out))
        for _ in range(count):
            world.written(table, **mine)
        world.written(table, **theirs)
        return mine, theirs

    def insert(world: World) -> Scenario:
        mine, theirs = filled(world, most - 1)
        last, over = world.row(table, **mine), world.row(table, **mine)
        legal = [inserted(table, last), inserted(table, world.row(table, **theirs))]
        if kind.out:
            out = world.draw(st.sampled_from(kind.out))
            freed = world.changed(table, last, out)
            legal.append((freed, Insert(table, (world.row(table, **mine),))))
        return tried(world, legal, [inserted(table, over)])

    def many(world: World) -> Scenario:
        mine, theirs = filled(world, max(most - 2, 0))
        last = [world.row(table, **mine) for _ in range(min(most, 2))]
        over = [world.row(table, **mine), world.row(table, **theirs)]
        mixed = world.draw(st.permutations(over))
        return tried(world, [inserted(table, *last)], [inserted(table, *mixed)])

    def update(world: World) -> Scenario:
        mine, _ = filled(world, most - 1)
        out, back = world.draw(st.sampled_from(kind.back))
        rows = [world.written(table, **mine) for _ in range(1)]
        world.given.append(world.changed(table, rows[0], out))
        rows.append(world.written(table, **mine))
        world.given.append(world.changed(table, rows[1], out))
        first, second = rows
        return tried(
            world,
            [(world.changed(table, first, back),)],
            [(world.changed(table, second, back),)],
        )

    def move(world: World) -> Scenario:
        mine, theirs = filled(world, most - 1)
        strays = [world.written(table, **theirs) for _ in range(min(2, most))]
        return tried(
            world,
            [(world.changed(table, strays[0], mine),)],
            [(world.changed(table, strays[-1], mine),)] if most > 1 else [],
        )

    back: Make | str = update if kind.back else NO_WAY_BACK
    fixed = never_change(facts, table, [kind.parent])
    return written(
        insert,
        many,
        back,
        {
            Path.MOVE: fixed or move,
            Path.OTHER: NO_OTHERS,
            Path.DELETE: GONE,
            Path.CASCADE: GONE,
            Path.TRUNCATE: GONE,
        },
    )


def parent_of(world: World, kind: AtMost) -> dict[str, object]:
    """Return what rows of one parent have in common; the parent itself is written."""
    key = world.key_of(kind.table, kind.parent)
    if key is None:
        return {kind.parent: world.value(kind.table, kind.parent)}
    parent = world.written(key.parent)
    return {ours: parent[theirs] for ours, theirs in key.columns.items()}
