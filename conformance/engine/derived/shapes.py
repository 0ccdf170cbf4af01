"""Scenarios for the shapes of statements: what each has in common, whatever the rule's kind."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, Generic, TypeAlias, TypeVar

from hypothesis import strategies as st

from conformance.engine.cases.scenario import Scenario
from conformance.engine.derived.catalogue import tables_of
from conformance.engine.derived.world import World
from conformance.engine.sql.writes import Insert, Path, PlainWrite, Row, Update, Write

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from hypothesis.strategies import SearchStrategy

    from conformance.engine.cases.scenario import Asked, Fact, Transaction
    from conformance.engine.derived.catalogue import Table
    from conformance.engine.derived.world import Draw, Facts

    Make: TypeAlias = Callable[[World], Scenario]
    # For each path, how a scenario is made, or why the path cannot break the rule.
    Makes: TypeAlias = Mapping[Path, Make | str]

GONE: Final = "a row that is gone breaks nothing"
NO_PARENTS: Final = "its parents are no part of it"
BY_THE_SERVER: Final = "the server alone says what it is: it is GENERATED ALWAYS"
NO_OTHERS: Final = "no row of another table is part of it"
# What a rule on one row's own columns has to say of the paths that do not write such a row.
OF_ONE_ROW: Final[Mapping[Path, str]] = {
    Path.MOVE: NO_PARENTS,
    Path.OTHER: NO_OTHERS,
    Path.DELETE: GONE,
    Path.CASCADE: GONE,
    Path.TRUNCATE: GONE,
}


T = TypeVar("T")


@dataclass(slots=True, eq=False)
class Derived(Generic[T]):
    """Scenarios, or meetings, that are made on whatever schema there is.

    Attributes:
        facts: what every legal row must heed.
        make: makes one.
    """

    facts: Facts
    make: Callable[[World], T]
    _made: dict[Asked, SearchStrategy[T]] = field(default_factory=dict)

    def on(self, schema: Asked) -> SearchStrategy[T]:
        """Return those for the schema of a database."""
        if schema not in self._made:
            self._made.clear()  # what others were made of is not asked again
            self._made[schema] = st.composite(self._of)(tables_of(schema))
        return self._made[schema]

    def _of(self, draw: Draw, tables: Mapping[str, Table]) -> T:
        return self.make(World(tables, self.facts, draw))


def written(
    insert: Make | str, many: Make | str, update: Make | str, also: Mapping[Path, Make | str]
) -> Makes:
    """Return a way for each path that writes rows.

    Args:
        insert: inserts a row.
        many: inserts several by one statement.
        update: changes one.
        also: the other paths.
    """
    either = _either(insert, update)
    return {
        Path.INSERT: insert,
        Path.INSERT_MANY: many,
        Path.COPY: insert,
        Path.MERGE: either,
        Path.CTE: either,
        Path.UPDATE: update,
        Path.ON_CONFLICT: update,
        **also,
    }


def tried(
    world: World,
    legal: Iterable[Transaction],
    broken: Iterable[Transaction],
    because: str = "",
    facts: tuple[Fact, ...] = (),
) -> Scenario:
    """Return a scenario that begins with what its world has been given.

    Args:
        world: all that it needs is in there.
        legal: what must be accepted.
        broken: what must be refused.
        because: why there may be nothing of that.
        facts: what is true once the legal ones are in.
    """
    accepted, refused = ([carried(world, each) for each in some] for some in (legal, broken))
    given = given_of(world, world.given)
    return Scenario(
        (given,) if given else (),
        tuple(accepted),
        tuple(refused),
        facts,
        because="" if refused else because,
    )


def carried(world: World, writes: Iterable[Write]) -> Transaction:
    """Return writes such that rows bring what they must, and a key that the server makes is ours.

    What the rows that they bring need is added to what the world was given.
    """
    return tuple(_carried(world, each) for each in writes)


def given_of(world: World, writes: Iterable[Write]) -> Transaction:
    """Return what is written before, likewise, with what that needs; the world is left nothing."""
    world.given = []
    done: list[Write] = []
    for each in writes:
        one = _carried(world, each)
        done += [*given_of(world, world.given), one]
    return tuple(done)


def _carried(world: World, write: Write) -> Write:
    if isinstance(write, PlainWrite):
        return PlainWrite(_carried(world, write.write))
    if isinstance(write, Insert):
        return _whole(world, write)
    if isinstance(write, Update):
        return replace(write, overriding=_is_overriding(world, write.table))
    return write


def _whole(world: World, write: Insert) -> Insert:
    """Return an insert with all that its rows may not be without, and so on."""
    brings = tuple(_whole(world, each) for each in (*write.brings, *_brought(world, write)))
    return replace(write, overriding=_is_overriding(world, write.table), brings=brings)


def _is_overriding(world: World, table: str) -> bool:
    return any(each.always for each in world.tables[table].columns.values())


def _brought(world: World, write: Insert) -> Iterator[Insert]:
    """Return rows that those of an insert may not be without, and that it does not bring yet."""
    for floor in world.facts.floors.get(write.table, ()):
        if not any(each.table == floor.table for each in write.brings):
            asking = [row for row in write.rows if floor.key in row and floor.asks(row)]
            rows = [world.row(floor.table, **floor.named(row)) for row in asking * floor.least]
            yield Insert(floor.table, tuple(rows))


def among(world: World, table: str, row: Row) -> Transaction:
    """Return one statement that inserts a row among legal ones, at a place that is drawn."""
    rows = world.draw(st.permutations((row, world.row(table), world.row(table))))
    return (Insert(table, tuple(rows)),)


def inserted(table: str, *rows: Row) -> Transaction:
    """Return a transaction of one statement that inserts rows."""
    return (Insert(table, rows),)


def never_change(facts: Facts, table: str, columns: Iterable[str]) -> str:
    """Return why some columns cannot be changed, or ''."""
    fixed = facts.fixed.get(table, {})
    some = [f"{each} never changes ({fixed[each]})" for each in columns if each in fixed]
    return ", ".join(some)


def _either(one: Make | str, other: Make | str) -> Make | str:
    makes: Sequence[Make] = [each for each in (one, other) if not isinstance(each, str)]
    if not makes:
        return one
    return lambda world: world.draw(st.sampled_from(makes))(world)
