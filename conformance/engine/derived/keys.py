"""Cases of keys: no two rows alike, parents that are there, and columns that say what they say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hypothesis import strategies as st

from conformance.engine.derived import parents
from conformance.engine.derived.catalogue import always
from conformance.engine.derived.parents import child, key_of, written_child
from conformance.engine.derived.shapes import (
    BY_THE_SERVER,
    GONE,
    OF_ONE_ROW,
    among,
    inserted,
    never_change,
    tried,
    written,
)
from conformance.engine.kinds.keys import Excludes
from conformance.engine.sql.writes import Insert, Path, Row, Update

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from conformance.engine.cases.scenario import Scenario
    from conformance.engine.derived.shapes import Makes
    from conformance.engine.derived.world import Facts, World
    from conformance.engine.kinds.keys import References, Unique
    from conformance.engine.kinds.same_as import SameAs

# Text types that tell upper case from lower.
PLAIN: Final = ("text", "varchar", "bpchar")


def of_unique(kind: Unique | Excludes, facts: Facts) -> Makes:
    """Return the cases of a key: the same by every shape, and all of it but one column the same."""
    table, columns = kind.table, kind.columns

    def pair(world: World) -> tuple[Row, list[Row], Row]:
        """Return a row that is there, its legal neighbours, and its twin."""
        first, second = world.draw(st.sampled_from(({}, *kind.alike))) or ({}, {})
        given = {**key_given(world, kind), **_some(world, kind.inside), **first}
        one = world.written(table, **given)
        key = {name: one[name] for name in columns if name in one}
        near = _neighbours(world, kind, facts, one, key)
        return one, near, world.row(table, **{**key, **_some(world, kind.inside), **second})

    def insert(world: World) -> Scenario:
        _, near, twin = pair(world)
        return tried(world, [inserted(table, each) for each in near], [inserted(table, twin)])

    def many(world: World) -> Scenario:
        _, near, twin = pair(world)
        new = world.row(table, **{**key_given(world, kind), **_some(world, kind.inside)})
        again = world.row(
            table, **{name: new[name] for name in columns if name in new}, **_same(kind, new)
        )
        legal = (Insert(table, (*near, world.row(table))),)
        return tried(world, [legal], [inserted(table, new, again), among(world, table, twin)])

    def update(world: World) -> Scenario:
        if always(world.tables, table, columns):
            return tried(world, [], [], BY_THE_SERVER)
        inside = _some(world, kind.inside)
        one = world.written(table, **{**key_given(world, kind), **inside})
        other = world.written(table, **{**key_given(world, kind), **inside})
        key = {name: one[name] for name in columns if name in one}
        beside = world.beside(table, (*columns, *inside))
        free = world.other_values(table, other, columns)
        legal = [
            (world.changed(table, one, {**beside, **key}),),
            (world.changed(table, other, {**beside, **free}),),
        ]
        other = {**other, **{name: free[name] for name in free if name in other}}
        broken = [(world.changed(table, other, {**beside, **key}),)]
        if kind.outside:
            out = world.written(table, **{**key, **_some(world, kind.outside)})
            broken.append((world.changed(table, out, inside),))
        return tried(world, legal, broken)

    return written(insert, many, never_change(facts, table, columns) or update, OF_ONE_ROW)


def _neighbours(
    world: World, kind: Unique | Excludes, facts: Facts, one: Row, key: Row
) -> list[Row]:
    """Return legal rows that share all of a key but one part, or that the rule leaves out."""
    table, columns, near = kind.table, kind.columns, list[Row]()
    for name in columns:
        other = {**key, **world.other_values(table, one, [name]), **_some(world, kind.inside)}
        apart = _apart(world, kind, facts, [each for each in columns if each != name])
        if apart is not None:
            near.append(world.row(table, **{**other, **apart}))
    cased = _in_another_case(world, kind, key)
    if cased:
        near.append(world.row(table, **{**key, **_some(world, kind.inside), **cased}))
    if kind.outside:
        near.append(world.row(table, **{**key, **_some(world, kind.outside)}))
    return near


def _in_another_case(world: World, kind: Unique | Excludes, key: Row) -> Row:
    """Return a text of a key in capitals, where nothing says how it looks: that is another key."""
    if isinstance(kind, Excludes) or kind.by:
        return {}
    for name in kind.columns:
        value = key.get(name)
        plain = world.tables[kind.table].columns[name].type in PLAIN
        free = plain and f"{kind.table}.{name}" not in world.facts.values
        if isinstance(value, str) and free and world.key_of(kind.table, name) is None:
            return {name: value.swapcase()}
    return {}


def _some(world: World, rows: tuple[Mapping[str, object], ...]) -> Row:
    return world.draw(st.sampled_from(rows)) if rows else {}


def key_given(world: World, kind: Unique | Excludes) -> dict[str, object]:
    """Return what a row needs for its key to be whole: no column of it is null."""
    given: dict[str, object] = {}
    for name in kind.columns:
        key = world.key_of(kind.table, name)
        if name in given:
            continue
        if key is None:
            given[name] = world.value(kind.table, name)
        else:
            given |= world.parent_of(key)
    return given


def _same(kind: Unique | Excludes, row: Row) -> dict[str, object]:
    """Return what makes the rule speak of a row as it speaks of another one."""
    names = {name for each in kind.inside for name in each} - {*kind.columns}
    return {name: row[name] for name in sorted(names) if name in row}


def _apart(
    world: World, kind: Unique | Excludes, facts: Facts, shared: Sequence[str]
) -> Row | None:
    """Return what keeps a row that shares some columns with another from meeting other keys.

    None where it meets one in any case.
    """
    given: dict[str, object] = {}
    for each in facts.unique.get(kind.table, ()):
        if each is kind or not {*each.columns} <= {*shared}:
            continue
        if not each.outside:
            return None
        given |= world.draw(st.sampled_from(each.outside))
    return given


def of_references(kind: References, facts: Facts) -> Makes:
    """Return the cases of a parent: one that is not there, and one that goes."""
    table, column = kind.table, kind.column

    def orphan(world: World) -> Row:
        row = child(world, kind)
        return {**row, **world.lost(key_of(world, kind), row)}

    def insert(world: World) -> Scenario:
        legal, broken = child(world, kind), orphan(world)
        return tried(world, [inserted(table, legal)], [inserted(table, broken)])

    def many(world: World) -> Scenario:
        legal, broken = among(world, table, child(world, kind)), among(world, table, orphan(world))
        return tried(world, [legal], [broken])

    def update(world: World) -> Scenario:
        row = written_child(world, kind)
        beside = world.beside(table, (column,))
        moved = world.other_values(table, row, [*key_of(world, kind).columns])
        lost = world.lost(key_of(world, kind), row)
        now = {**row, **moved}
        return tried(
            world,
            [(world.changed(table, row, {**beside, **moved}),)],
            [(world.changed(table, now, {**beside, **lost}),)],
        )

    fixed = never_change(facts, table, [column])
    return written(
        insert,
        many,
        fixed or update,
        {Path.MOVE: fixed or update, **parents.of_parent(kind, facts)},
    )


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
