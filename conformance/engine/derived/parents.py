"""Cases of parents that go, or get another key: what becomes of the rows that name them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from conformance.engine.cases.scenario import Fact
from conformance.engine.derived.catalogue import ForeignKey, always
from conformance.engine.derived.shapes import BY_THE_SERVER, inserted, never_change, tried
from conformance.engine.sql.names import quoted
from conformance.engine.sql.writes import Delete, Path, Truncate, Update, literal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.engine.cases.scenario import Scenario, Transaction
    from conformance.engine.derived.shapes import Makes
    from conformance.engine.derived.world import Facts, World
    from conformance.engine.kinds.keys import References
    from conformance.engine.sql.writes import Row

STAYS: Final = ("no action", "restrict")
CASCADE: Final = "cascade"
HELD_BY_OTHERS: Final = "rows of another table, which it may not be without, hold the parent too"
TAKEN: Final = "the schema takes its rows along"


def of_parent(kind: References, facts: Facts) -> Makes:
    """Return the cases in which the parent goes, or gets another key."""
    parent = kind.parent

    def delete(world: World) -> Scenario:
        row, free = written_child(world, kind), world.written(parent)
        key = key_of(world, kind)
        gone: Transaction = (Delete(parent, world.identity(parent, free)),)
        taken = (Delete(parent, named(key, row)),)
        held = {table for table, other in _floors(world, parent) if not other.takes_along}
        if held:  # none is without rows that hold it
            gone = inserted(parent, world.row(parent))
        if held - {kind.table}:
            return tried(world, [gone], [], HELD_BY_OTHERS)
        if kind.on_delete in STAYS or not (kind.on_delete or key.takes_along):
            return tried(world, [gone], [taken])
        told = facts_of(world, kind, row, kind.on_delete, None)
        return tried(world, [gone, taken], [], TAKEN, told)

    def rekey(world: World) -> Scenario:
        if always(world.tables, parent, [kind.theirs]):
            return tried(world, [], [], BY_THE_SERVER)
        row, free = written_child(world, kind), world.written(parent)
        key = key_of(world, kind)
        theirs = key.columns[kind.column]
        away = world.other_values(parent, free, (theirs,))
        other = world.other_values(parent, {theirs: row[kind.column]}, (theirs,))
        taken = (Update(parent, named(key, row), other),)
        loose: Transaction = (Update(parent, world.identity(parent, free), away),)
        held = {table for table, other in _floors(world, parent) if not other.follows}
        if held:
            loose = inserted(parent, world.row(parent))
        if held - {kind.table}:
            return tried(world, [loose], [], HELD_BY_OTHERS)
        if kind.on_update in STAYS or not (kind.on_update or key.follows):
            return tried(world, [loose], [taken])
        told = facts_of(world, kind, row, kind.on_update, other[theirs])
        return tried(world, [loose, taken], [], TAKEN, told)

    never = never_change(facts, parent, [kind.theirs])
    return {
        Path.OTHER: never or rekey,
        Path.DELETE: delete,
        Path.CASCADE: "what goes with its parent refers to nothing",
        Path.TRUNCATE: partial(_truncate, kind),
    }


def _truncate(kind: References, world: World) -> Scenario:
    written_child(world, kind)
    # What may not be without the rows that are taken along goes with them.
    others = {
        each.parent
        for some in world.facts.floors.values()
        for each in some
        if each.table == kind.table
    }
    tables = (kind.parent, *sorted(others - {kind.parent}))
    return tried(world, [(Truncate(tables),)], [], "TRUNCATE takes along what refers")


def _floors(world: World, parent: str) -> Iterator[tuple[str, ForeignKey]]:
    """Return the tables whose rows a parent may not be without, with their keys."""
    for floor in world.facts.floors.get(parent, ()):
        key = world.key_of(floor.table, floor.column)
        yield (
            floor.table,
            key or ForeignKey({floor.column: floor.key}, parent, takes_along=True, follows=True),
        )


def facts_of(
    world: World, kind: References, row: Row, action: str, key: object
) -> tuple[Fact, ...]:
    """Return what is there of a row once its parent went or got another key; () if none says.

    Args:
        world: of the row.
        kind: what names the parent.
        row: the row, as it was.
        action: what the rule declares.
        key: the parent's new key; None where it went.
    """
    there = {
        name: value
        for name, value in world.identity(kind.table, row).items()
        if name not in kind.columns
    }
    if not action or not there:  # a row that its parent alone tells from others
        return ()
    table = quoted(kind.table)
    where = " AND ".join(f"{quoted(name)} = {literal(value)}" for name, value in there.items())
    if action == CASCADE and key is None:
        return (Fact(f"SELECT count(*) FROM {table} WHERE {where}", 0),)
    column = quoted(kind.column)
    now = f"{column} = {literal(key)}" if action == CASCADE else f"{column} IS NULL"
    if action == "set default":
        return ()
    return (Fact(f"SELECT count(*) FROM {table} WHERE {where} AND {now}", 1),)


def key_of(world: World, kind: References) -> ForeignKey:
    """Return the key that a rule speaks of, whether the schema has it or not."""
    exact = (key for key in world.keys_of(kind.table) if key.columns == kind.columns)
    found = next(exact, None) or world.key_of(kind.table, kind.column)
    return found or ForeignKey(kind.columns, kind.parent)


def child(world: World, kind: References) -> Row:
    """Return a row that is not written and names a parent that is."""
    return world.row(kind.table, **world.parent_of(key_of(world, kind)))


def written_child(world: World, kind: References) -> Row:
    """Return a row that is written and names a parent."""
    return world.written(kind.table, **world.parent_of(key_of(world, kind)))


def named(key: ForeignKey, row: Row) -> Row:
    """Return what tells the parent of a row from others."""
    return {theirs: row[ours] for ours, theirs in key.columns.items()}
