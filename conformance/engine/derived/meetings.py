"""Transactions of two sessions that meet: what follows from a rule's kind, on whatever schema."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from hypothesis import strategies as st

from conformance.engine.derived.caps import parent_of
from conformance.engine.derived.floors import gone, peopled
from conformance.engine.derived.keys import key_given
from conformance.engine.derived.parents import child, key_of, named
from conformance.engine.derived.shapes import Derived, carried, given_of, inserted, never_change
from conformance.engine.kinds.at_least import AtLeast
from conformance.engine.kinds.at_most import AtMost
from conformance.engine.kinds.keys import Excludes, References, Unique
from conformance.engine.sql.writes import Delete

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conformance.engine.cases.scenario import Transaction
    from conformance.engine.derived.world import Facts, World
    from conformance.engine.kinds.kind import Kind
    from conformance.engine.sql.writes import Row

    Meet: TypeAlias = "Callable[[World], Meeting]"


@dataclass(frozen=True, slots=True)
class Meeting:
    """Two transactions, each of which is legal alone, and what is there before them.

    Attributes:
        given: what is written before.
        sides: what each session writes.
    """

    given: Transaction
    sides: tuple[Transaction, Transaction]


def of_any_schema(facts: Facts, make: Meet) -> Derived[Meeting]:
    """Return the meetings that are made on whatever schema there is.

    Args:
        facts: what every legal row must heed.
        make: makes one.
    """

    def carry(world: World) -> Meeting:
        made = make(world)
        world.given = []
        one, other = (carried(world, side) for side in made.sides)
        needed = given_of(world, world.given)
        return Meeting((*needed, *given_of(world, made.given)), (one, other))

    return Derived(facts, carry)


def of_kind(kind: Kind | None, facts: Facts) -> Meet | None:
    """Return what makes meetings of a rule; None where nothing of it needs two sessions."""
    match kind:
        case AtMost():
            return lambda world: _last_place(world, kind, facts)
        case AtLeast():
            return lambda world: _last_ones(world, kind)
        case Unique() | Excludes():
            return lambda world: _one_key(world, kind)
        case References():
            return lambda world: _child_and_parent(world, kind)
    return None


def _last_place(world: World, kind: AtMost, facts: Facts) -> Meeting:
    """Let two sessions take the last place, each by a way that is drawn."""
    mine = parent_of(world, kind)
    # What comes back is written first, while there is room for it.
    sides = [world.draw(st.sampled_from([*_ways_in(world, kind, facts, mine)]))() for _ in "12"]
    for _ in range(kind.most - 1):
        world.written(kind.table, **mine)
    return Meeting(tuple(world.given), (sides[0], sides[1]))


def _ways_in(
    world: World, kind: AtMost, facts: Facts, mine: dict[str, object]
) -> Iterator[Callable[[], Transaction]]:
    table = kind.table

    def insert() -> Transaction:
        return inserted(table, world.row(table, **mine))

    def come_back() -> Transaction:
        out, back = world.draw(st.sampled_from(kind.back))
        row = world.written(table, **mine)
        world.given.append(world.changed(table, row, out))
        return (world.changed(table, row, back),)

    def move() -> Transaction:
        row: Row = world.written(table, **parent_of(world, kind))
        return (world.changed(table, row, mine),)

    yield insert
    if kind.back:
        yield come_back
    if not never_change(facts, table, [kind.parent]):
        yield move


def _last_ones(world: World, kind: AtLeast) -> Meeting:
    """Let two sessions take away a row each, where one may go; by a way that is drawn."""
    _, rows = peopled(world, kind, kind.least + 1)

    def leave(row: Row) -> Transaction:
        out = world.draw(st.sampled_from((None, *kind.out)))
        return gone(world, kind, row) if out is None else (world.changed(kind.table, row, out),)

    return Meeting(tuple(world.given), (leave(rows[0]), leave(rows[1])))


def _one_key(world: World, kind: Unique | Excludes) -> Meeting:
    """Let two sessions insert rows with one key."""
    given = {**key_given(world, kind), **(world.draw(st.sampled_from(kind.inside or ({},))))}
    one, other = (world.row(kind.table, **given) for _ in "12")
    sides = inserted(kind.table, one), inserted(kind.table, other)
    return Meeting(tuple(world.given), sides)


def _child_and_parent(world: World, kind: References) -> Meeting:
    """Let a session insert a row, while another deletes its parent."""
    row = child(world, kind)
    gone = (Delete(kind.parent, named(key_of(world, kind), row)),)
    return Meeting(tuple(world.given), (inserted(kind.table, row), gone))
