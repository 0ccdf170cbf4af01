"""Cases of floors: as many as there must be, and one fewer, by every way out of what counts."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from hypothesis import strategies as st

from conformance.engine.derived.shapes import inserted, never_change, tried, written
from conformance.engine.sql.writes import Delete, Insert, Path, Truncate

if TYPE_CHECKING:
    from conformance.engine.cases.scenario import Scenario, Transaction
    from conformance.engine.derived.shapes import Makes
    from conformance.engine.derived.world import Facts, World
    from conformance.engine.kinds.at_least import AtLeast
    from conformance.engine.sql.writes import Row

NO_WAY_OUT: Final = "no change makes a row cease to count: the rule names none (out=…)"
NOT_TAKEN: Final = "no other parent takes its rows along"
OTHER_KEY: Final = "a parent that gets another key is a matter of the key of its rows"


def of_at_least(kind: AtLeast, facts: Facts) -> Makes:
    """Return the cases of a floor."""
    if kind.among and not kind.needy:
        return {}

    def update(world: World) -> Scenario:
        spare, needed = _two(world, kind)
        out = world.draw(st.sampled_from(kind.out))
        change = {**world.beside(kind.table, {*out, *kind.inside, kind.column}), **out}
        legal, broken = ((world.changed(kind.table, row, change),) for row in (spare, needed))
        return tried(world, [legal], [broken])

    def move(world: World) -> Scenario:
        spare, needed = _two(world, kind)
        other, _ = peopled(world, kind, kind.least)
        to = {kind.column: other[kind.key]}
        legal, broken = ((world.changed(kind.table, row, to),) for row in (spare, needed))
        return tried(world, [legal], [broken])

    def delete(world: World) -> Scenario:
        spare, needed = _two(world, kind)
        return tried(world, [gone(world, kind, spare)], [gone(world, kind, needed)])

    return written(
        partial(_insert, kind),
        partial(_many, kind),
        update if kind.out else NO_WAY_OUT,
        {
            Path.MOVE: never_change(facts, kind.table, [kind.column]) or move,
            Path.OTHER: OTHER_KEY,
            Path.DELETE: delete,
            Path.CASCADE: partial(_cascade, kind),
            Path.TRUNCATE: partial(_truncate, kind),
        },
    )


def _insert(kind: AtLeast, world: World) -> Scenario:
    return tried(world, [_enough(kind, world)], [(_alone(kind, world),)])


def _many(kind: AtLeast, world: World) -> Scenario:
    lacking, row = _alone(kind, world), world.row(kind.parent, **kind.needy)
    enough = (world.row(kind.table, **kind.named(row)) for _ in range(kind.least))
    brings = Insert(kind.table, (*lacking.brings[0].rows, *enough))
    rows = world.draw(st.permutations((*lacking.rows, row)))
    pair = inserted(kind.parent, *(world.row(kind.parent, **kind.needy) for _ in "12"))
    return tried(world, [pair], [(Insert(kind.parent, tuple(rows), brings=(brings,)),)])


def _cascade(kind: AtLeast, world: World) -> Scenario:
    keys = world.tables[kind.table].keys
    others = [key for key in keys if key.takes_along and key.parent != kind.parent]
    if not others:
        return tried(world, [], [], NOT_TAKEN)
    key, rows = world.draw(st.sampled_from(others)), _two(world, kind)
    legal, broken = (
        (Delete(key.parent, {theirs: row[ours] for ours, theirs in key.columns.items()}),)
        for row in rows
    )
    return tried(world, [legal], [broken])


def _truncate(kind: AtLeast, world: World) -> Scenario:
    peopled(world, kind, kind.least)
    return tried(world, [_enough(kind, world)], [(Truncate((kind.table,)),)])


def _enough(kind: AtLeast, world: World) -> Transaction:
    """Return the transaction that inserts a parent, with what it may not be without."""
    return inserted(kind.parent, world.row(kind.parent, **kind.needy))


def _alone(kind: AtLeast, world: World) -> Insert:
    """Return a parent that comes with one row too few."""
    row = world.row(kind.parent, **kind.needy)
    few = tuple(world.row(kind.table, **kind.named(row)) for _ in range(kind.least - 1))
    return Insert(kind.parent, (row,), brings=(Insert(kind.table, few),))


def _two(world: World, kind: AtLeast) -> list[Row]:
    """Write a parent with one row more than it must have; return two of its rows."""
    return peopled(world, kind, kind.least + 1)[1][:2]


def peopled(world: World, kind: AtLeast, count: int) -> tuple[Row, list[Row]]:
    """Write a parent together with so many rows that count; return it, and them."""
    row = world.row(kind.parent, **kind.needy)
    rows = [world.row(kind.table, **kind.named(row)) for _ in range(count)]
    brings = (Insert(kind.table, tuple(rows)),)
    world.given.append(Insert(kind.parent, (row,), brings=brings))
    return row, rows


def gone(world: World, kind: AtLeast, row: Row) -> Transaction:
    """Return the transaction that deletes a row that counts."""
    return (Delete(kind.table, world.identity(kind.table, row)),)
