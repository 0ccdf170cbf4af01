"""Cases of keys: no two rows alike, parents that are there, and columns that say what they say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.derived.catalogue import ForeignKey
from conformance.derived.shapes import (
    GONE,
    OF_ONE_ROW,
    among,
    inserted,
    never_change,
    tried,
    written,
)
from conformance.sql.writes import Delete, Insert, Path, Row, Truncate, Update

if TYPE_CHECKING:
    from conformance.cases.scenario import Scenario
    from conformance.derived.shapes import Makes
    from conformance.derived.world import Facts, World
    from conformance.kinds.keys import References, Unique
    from conformance.kinds.same_as import SameAs


def of_unique(kind: Unique, facts: Facts) -> Makes:
    """Return the cases of a key: the same by every shape, and all of it but one column the same."""
    table, columns = kind.table, kind.columns

    def pair(world: World) -> tuple[Row, list[Row], Row]:
        """Return a row that is there, its legal neighbours, and its twin."""
        one = world.written(table)
        key = {name: one[name] for name in columns}
        near = []
        for name in columns:
            other = world.other_values(table, one, [name])
            near.append(world.row(table, **{**key, **other}))
        return one, near, world.row(table, **key)

    def insert(world: World) -> Scenario:
        _, near, twin = pair(world)
        return tried(world, [inserted(table, each) for each in near], [inserted(table, twin)])

    def many(world: World) -> Scenario:
        _, near, twin = pair(world)
        new = world.row(table)
        again = world.row(table, **{name: new[name] for name in columns})
        legal = (Insert(table, (*near, world.row(table))),)
        return tried(world, [legal], [inserted(table, new, again), among(world, table, twin)])

    def update(world: World) -> Scenario:
        one, other = world.written(table), world.written(table)
        key = {name: one[name] for name in columns}
        beside = world.beside(table, columns)
        free = world.other_values(table, other, columns)
        return tried(
            world,
            [
                (world.changed(table, one, {**beside, **key}),),
                (world.changed(table, other, {**beside, **free}),),
            ],
            [(world.changed(table, other, {**beside, **key}),)],
        )

    return written(insert, many, never_change(facts, table, columns) or update, OF_ONE_ROW)


def of_references(kind: References, facts: Facts) -> Makes:
    """Return the cases of a parent: one that is not there, and one that goes."""
    table, column, parent = kind.table, kind.column, kind.parent

    def orphan(world: World) -> Row:
        row = world.row(table)
        return {**row, column: world.value(parent, _key(world, kind).columns[column])}

    def insert(world: World) -> Scenario:
        legal, broken = world.row(table), orphan(world)
        return tried(world, [inserted(table, legal)], [inserted(table, broken)])

    def many(world: World) -> Scenario:
        legal, broken = among(world, table, world.row(table)), among(world, table, orphan(world))
        return tried(world, [legal], [broken])

    def update(world: World) -> Scenario:
        row = world.written(table)
        beside = world.beside(table, (column,))
        moved = world.other_values(table, row, [*_key(world, kind).columns])
        lost = {column: world.value(parent, _key(world, kind).columns[column])}
        return tried(
            world,
            [(world.changed(table, row, {**beside, **moved}),)],
            [(world.changed(table, row, {**beside, **lost}),)],
        )

    fixed = never_change(facts, table, [column])
    return written(
        insert, many, fixed or update, {Path.MOVE: fixed or update, **_of_parent(kind, facts)}
    )


def _of_parent(kind: References, facts: Facts) -> Makes:
    """Return the cases in which the parent goes, or gets another key."""
    table, column, parent = kind.table, kind.column, kind.parent

    def delete(world: World) -> Scenario:
        row, free = world.written(table), world.written(parent)
        key = _key(world, kind)
        named = (
            {"id": row[column]}
            if key.columns[column] == "id"
            else {theirs: row[ours] for ours, theirs in key.columns.items()}
        )
        gone, taken = (Delete(parent, {"id": free["id"]}),), (Delete(parent, named),)
        if key.takes_along:
            return tried(world, [gone, taken], [], "the schema takes its rows along")
        return tried(world, [gone], [taken])

    def rekey(world: World) -> Scenario:
        row, free = world.written(table), world.written(parent)
        key = _key(world, kind)
        theirs = key.columns[column]

        def to_another(whose: object) -> tuple[Update]:
            return (Update(parent, {theirs: whose}, {theirs: world.value(parent, theirs)}),)

        away, taken = to_another(free[theirs]), to_another(row[column])
        if key.follows:
            return tried(world, [away, taken], [], "the schema takes its rows along")
        return tried(world, [away], [taken])

    def truncate(world: World) -> Scenario:
        world.written(table)
        return tried(world, [(Truncate((parent,)),)], [], "TRUNCATE takes along what refers")

    return {
        Path.OTHER: never_change(facts, parent, ["id"]) or rekey,
        Path.DELETE: delete,
        Path.CASCADE: "what goes with its parent refers to nothing",
        Path.TRUNCATE: truncate,
    }


def _key(world: World, kind: References) -> ForeignKey:
    key = world.key_of(kind.table, kind.column)
    return key or ForeignKey({kind.column: "id"}, kind.parent)


def of_same_as(kind: SameAs, facts: Facts) -> Makes:
    """Return the cases of a column that repeats what the parent says: both sides changed."""
    table, column = kind.table, kind.column

    def apart(world: World) -> Row:
        row = world.row(table)
        return {**row, column: world.value(kind.parent, kind.theirs, (row[column],))}

    def insert(world: World) -> Scenario:
        legal, broken = world.row(table), apart(world)
        return tried(world, [inserted(table, legal)], [inserted(table, broken)])

    def many(world: World) -> Scenario:
        legal, broken = among(world, table, world.row(table)), among(world, table, apart(world))
        return tried(world, [legal], [broken])

    def update(world: World) -> Scenario:
        row = world.written(table)
        moved = world.other_values(table, row, (kind.via, column))
        lost = {column: world.value(kind.parent, kind.theirs, (row[column],))}
        return tried(
            world,
            [(world.changed(table, row, moved),)],
            [(world.changed(table, row, lost),)],
        )

    def other(world: World) -> Scenario:
        row, free = world.written(table), world.written(kind.parent)

        def renamed(whose: object, before: object) -> tuple[Update]:
            value = world.value(kind.parent, kind.theirs, (before,))
            return (Update(kind.parent, {"id": whose}, {kind.theirs: value}),)

        return tried(
            world,
            [renamed(free["id"], free[kind.theirs])],
            [renamed(row[kind.via], row[column])],
        )

    fixed = never_change(facts, table, (kind.via, column))
    fixed_there = never_change(facts, kind.parent, (kind.theirs,))
    return {
        **written(insert, many, fixed or update, {Path.MOVE: fixed or update}),
        Path.OTHER: fixed_there or other,
        Path.DELETE: GONE,
        Path.CASCADE: GONE,
        Path.TRUNCATE: GONE,
    }
