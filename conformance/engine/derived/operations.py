"""Operations that follow from a schema and its rules, as writes.

What is drawn for a column is legal, what another row has, at the edge of a rule, null, lost or far
away; what becomes of that is for the run to judge.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hypothesis import strategies as st

from conformance.engine.derived.fresh import NoValueError
from conformance.engine.domain.chosen import RULES
from conformance.engine.kinds.at_least import AtLeast
from conformance.engine.kinds.at_most import AtMost
from conformance.engine.kinds.check import Check, Required
from conformance.engine.kinds.keys import Excludes, References, Unique
from conformance.engine.sql.writes import Delete, Insert, Update

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import TypeAlias

    from conformance.engine.derived.world import World
    from conformance.engine.sql.writes import Row, Write

    # What makes the writes of an operation; none where there is nothing to do it to.
    Does: TypeAlias = Callable[[World, str], list[Write]]

MOST: Final = 20  # rows that one statement inserts
FAR: Final[Mapping[str, tuple[object, ...]]] = {
    "N": (0, -1, 1, 32767),
    "S": ("", " ", "a" * 300, "É"),
    "D": ("-infinity", "infinity", "2000-02-29"),
    "A": ("{}",),
}


def expect(world: World, write: Write) -> None:
    """Let what follows in the transaction know of a write."""
    match write:
        case Insert(table, rows):
            world.there[table].extend(rows)
        case Update(table, key, changes):
            world.there[table] = [
                {**row, **changes} if _has(row, key) else row for row in world.there[table]
            ]
        case Delete(table, key):
            world.there[table] = [row for row in world.there[table] if not _has(row, key)]


def _has(row: Row, key: Row) -> bool:
    return all(str(row.get(name)) == str(value) for name, value in key.items())


def insert(world: World, table: str) -> list[Write]:
    """Insert a row, which is legal but for a change that one in four has."""
    row = world.row(table)
    if world.draw(st.sampled_from((True, False, False, False))):
        row = {**row, **_changes(world, table, row)}
    return [Insert(table, (row,))]


def insert_several(world: World, table: str) -> list[Write]:
    """Insert rows that share what caps and keys count them by, as many as a cap has room for."""
    caps = [
        each.kind
        for each in RULES.values()
        if isinstance(each.kind, AtMost) and each.kind.table == table
    ]
    sizes = {2, 3, *(n for cap in caps for n in (cap.most - 1, cap.most) if 1 < n <= MOST)}
    first = world.row(table)
    shared = [
        {},
        *(
            {name: first[name] for name in key.columns if name in first}
            for key in world.keys_of(table)
        ),
    ]
    shared += [{cap.parent: first[cap.parent]} for cap in caps if cap.parent in first]
    same = world.draw(st.sampled_from(shared))
    count = world.draw(st.sampled_from(sorted(sizes)))
    return [Insert(table, (first, *(world.row(table, **same) for _ in range(count - 1))))]


def update(world: World, table: str) -> list[Write]:
    """Change a column of a row, or two."""
    if not world.there.get(table):
        return []
    row = world.pick(table)
    changes = _changes(world, table, row)
    if world.draw(st.sampled_from((True, False, False))):
        changes = {**changes, **_changes(world, table, row)}
    return [world.changed(table, row, changes)] if changes else []


def move(world: World, table: str) -> list[Write]:
    """Move a row to another state; change it where it has none."""
    kinds = [kind for kind in world.facts.moves if kind.table == table]
    if not kinds or not world.there.get(table):
        return update(world, table)
    kind, row = world.draw(st.sampled_from(kinds)), world.pick(table)
    after = [new for old, new in kind.legal if old == row.get(kind.column)]
    state = world.draw(st.sampled_from(sorted(after) * 2 + list(kind.states)))
    return [world.changed(table, row, {kind.column: state})]


def delete(world: World, table: str) -> list[Write]:
    """Delete a row."""
    if not world.there.get(table):
        return []
    return [Delete(table, world.identity(table, world.pick(table)))]


DOES: Final[tuple[Does, ...]] = (insert, insert_several, update, move, delete)
FOLLOW_UPS: Final[tuple[Does, ...]] = (update, update, update, move, move, insert, delete)


def _changes(world: World, table: str, row: Row) -> Row:
    """Return values for columns of a row: legal, as another row has them, at an edge, or far."""
    makes = (_other, _other, _as_another, _as_another, _edge, _far, _null, _lost)
    try:
        made: Row = world.draw(st.sampled_from(makes))(world, table, row)
        return made or _other(world, table, row)
    except NoValueError:  # of a column that has one legal value, or a type of which we make none
        return {}


def _free(world: World, table: str) -> list[str]:
    """Return the columns that may be changed: a key only where a rule speaks of it."""
    known = world.tables[table]
    ruled = {*world.facts.shared_by_none(table), *world.facts.fixed.get(table, ())}
    kept = known.named - ruled
    return [
        each.name for each in known.columns.values() if not each.always and each.name not in kept
    ]


def _other(world: World, table: str, row: Row) -> Row:
    column = world.draw(st.sampled_from(_free(world, table) or [""]))
    return world.other_values(table, row, [column]) if column else {}


def _as_another(world: World, table: str, _row: Row) -> Row:
    """Return what another row has in a column, or in all columns of a key."""
    free = _free(world, table)
    groups: list[tuple[str, ...]] = [(name,) for name in free]
    groups += [tuple(key.columns) for key in world.keys_of(table)]
    groups += [each.columns for each in world.facts.unique.get(table, ())]
    groups = [names for names in groups if {*names} <= {*free}]
    if not world.there.get(table) or not groups:
        return {}
    other, names = world.pick(table), world.draw(st.sampled_from(groups))
    return {name: other[name] for name in names if name in other}


def _edge(world: World, table: str, _row: Row) -> Row:
    """Return values that a rule names: on either side of its edge, or in and out of what counts."""
    some: list[Mapping[str, object]] = []
    for each in RULES.values():
        match each.kind:
            case Check() | AtMost() | AtLeast() if each.kind.table != table:
                continue
            case Check(legal=legal, illegal=illegal):
                some += (*legal, *illegal)
            case AtLeast(out=out):
                some += out
            case AtMost(out=out, back=back):
                some += (*out, *(row for _, row in back))
            case Unique() | Excludes() if each.kind.table == table:
                some += (*each.kind.inside, *each.kind.outside)
    edge: Mapping[str, object] = world.draw(st.sampled_from(some or [{}]))
    return edge


def _far(world: World, table: str, _row: Row) -> Row:
    known = world.tables[table].columns
    far = [
        (name, value)
        for name in _free(world, table)
        for value in FAR.get(known[name].category, ())
        if world.key_of(table, name) is None
    ]
    return dict([world.draw(st.sampled_from(far))]) if far else {}


def _null(world: World, table: str, _row: Row) -> Row:
    """Return a null for a column that takes one, or of which a rule says that it takes none."""
    known = world.tables[table].columns
    required = {
        name
        for each in RULES.values()
        if isinstance(each.kind, Required) and each.kind.table == table
        for name in each.kind.columns
    }
    names = [name for name in _free(world, table) if known[name].nullable or name in required]
    return {world.draw(st.sampled_from(names)): None} if names else {}


def _lost(world: World, table: str, row: Row) -> Row:
    """Return a name of a parent that is not there, where a rule asks that it is."""
    keys = [
        world.key_of(table, each.kind.column)
        for each in RULES.values()
        if isinstance(each.kind, References) and each.kind.table == table
    ]
    some = [key for key in keys if key is not None and {*key.columns} <= row.keys()]
    return world.lost(world.draw(st.sampled_from(some)), row) if some else {}
