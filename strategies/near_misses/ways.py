"""The usual ways to try a rule, for rules of the usual kinds.

Each function returns, for every write path, scenarios or the reason why the path cannot break such
a rule. A rule of another kind writes its own, with `along` for the shapes that carry one write.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Set as AbstractSet
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from conformance.engine.cases.scenario import Scenario, ViolatesSeveral, Ways
from conformance.engine.sql.writes import Insert, Path, RawSql, Row, Update, Write, carries
from strategies.conflicts import proposed
from strategies.enums import ENUMS, broken_labels
from strategies.near_misses.values import STATES
from strategies.world import World

if TYPE_CHECKING:
    from collections.abc import Mapping

# Makes a row that is not inserted yet, with its parents among what is given.
Maker: TypeAlias = Callable[[World], Row]
# Returns what has to be written in the same transaction as a row, before it.
ConcurrentCheck: TypeAlias = Callable[[World, Row], tuple[Write, ...]]
Scenarios: TypeAlias = SearchStrategy[Scenario]

Draw: TypeAlias = st.DrawFn


def scenarios(build: Callable[[World, Draw], Scenario]) -> Scenarios:
    """Turn a function that builds a scenario in a new world into the strategy of all it builds."""
    return _built(build)


@st.composite
def _built(draw: Draw, build: Callable[[World, Draw], Scenario]) -> Scenario:
    return build(World(), draw)


def alone(_world: World, _row: Row) -> tuple[Write, ...]:
    """Return nothing: most rows can stand alone."""
    return ()


def fixed(*writes: Write, also: AbstractSet[str] = frozenset()) -> ViolatesSeveral:
    """Return a transaction that changes what a row is about, which IMM-1 may refuse as well."""
    return ViolatesSeveral(
        writes, also | {"IMM-1"}, "IMM-1 refuses every change of what a row is about"
    )


def replayed(insert: Insert, action: str = "DO NOTHING") -> RawSql:
    """Return an insert that would rather do something else than meet a row with one of its keys."""
    return proposed(insert, action)


# How many rows a scenario breaks a rule on one row with: some are legal to a guard that is nearly
# right, such as one month of all that there are not.
STEPS_OVER = 4

# The shapes that can carry an INSERT, an UPDATE and a DELETE.
INSERTING = (Path.INSERT, Path.INSERT_MANY, Path.MERGE, Path.CTE, Path.COPY)
UPDATING = (Path.UPDATE, Path.ON_CONFLICT, Path.MERGE, Path.CTE)
DELETING = (Path.DELETE, Path.MERGE, Path.CTE)

ONE_ROW = {
    Path.MOVE: "no parent takes part in the rule",
    Path.OTHER: "no other table takes part in the rule",
    Path.DELETE: "a row that is gone breaks nothing",
    Path.CASCADE: "a row that is gone breaks nothing",
    Path.TRUNCATE: "rows that are gone break nothing",
}


def along(
    path: Path,
    *,
    insert: Scenarios | None = None,
    update: Scenarios | None = None,
    delete: Scenarios | None = None,
) -> Scenarios | None:
    """Return those of the scenarios whose last writes the path can carry; None for none.

    Of scenarios of the right kind, those are left out that have a write which the path cannot
    carry, such as an expression in a COPY.
    """
    carried = [
        scenarios
        for scenarios, shapes in (
            (insert, INSERTING),
            (update, UPDATING),
            (delete, DELETING),
        )
        if scenarios is not None and path in shapes
    ]
    return st.one_of(*carried).filter(partial(is_carried, path)) if carried else None


def is_carried(path: Path, scenario: Scenario) -> bool:
    """Return whether a path can carry the last write of each transaction that is tried."""
    over = (each.writes if isinstance(each, ViolatesSeveral) else each for each in scenario.broken)
    return all(carries(path, body[-1]) for body in (*scenario.legal, *over))


def by_shape(
    *,
    insert: Scenarios | None = None,
    insert_many: Scenarios | None = None,
    update: Scenarios | None = None,
    delete: Scenarios | None = None,
    reasons: Mapping[Path, str],
    **others: Scenarios,
) -> Ways:
    """Return ways from scenarios whose last writes are plain inserts, updates and deletes.

    `others` are scenarios for paths by name (`move=…`, `other=…`). A path with neither needs a
    reason; it is an error (KeyError) to forget one.
    """
    ways: dict[Path, Scenarios | str] = {}
    for path in Path:
        if path.value in others:
            ways[path] = others[path.value]
        elif path is Path.INSERT_MANY and insert_many is not None:
            ways[path] = insert_many
        else:
            carried = along(path, insert=insert, update=update, delete=delete)
            ways[path] = reasons[path] if carried is None else carried
    return ways


def either(*several: Ways) -> Ways:
    """Return ways that try a path in all the ways that are given; with the first reason if none."""
    ways: dict[Path, Scenarios | str] = {}
    for path in Path:
        tried = [each[path] for each in several]
        strategies = [each for each in tried if not isinstance(each, str)]
        ways[path] = st.one_of(*strategies) if strategies else tried[0]
    return ways


def besides(
    ways: Ways,
    *,
    insert: Scenarios | None = None,
    update: Scenarios | None = None,
    delete: Scenarios | None = None,
) -> Ways:
    """Return ways with more scenarios, whose last writes are one plain insert, update or delete."""

    def both(path: Path) -> Scenarios | str:
        way = ways[path]
        more = along(path, insert=insert, update=update, delete=delete)
        if more is None or path is Path.INSERT_MANY:
            return way
        return more if isinstance(way, str) else st.one_of(way, more)

    return {path: both(path) for path in Path}


def one_row(
    table: str,
    make: Maker,
    *,
    legal: SearchStrategy[Any],
    broken: SearchStrategy[Any],
    no_update: str = "",
    also: AbstractSet[str] | Callable[[Row], AbstractSet[str]] = frozenset(),
    because: str = "",
    prepare: Callable[[World, Row], None] | None = None,
    beside: ConcurrentCheck = alone,
    immutable: bool = False,
) -> Ways:
    """Return ways for a rule that one row keeps or breaks alone.

    Args:
        table: the rule's table.
        make: makes a legal row.
        legal: columns at the edge of the rule, as rows.
        broken: columns one step over it, as rows.
        no_update: why no update can break the rule, where that is so.
        also: other rules that the broken rows break, or what says that of some broken columns.
        because: why some of those columns always break them.
        prepare: brings a row that has been inserted into the state in which it is updated; else
            that is drawn, where the table has states, and the rule says nothing of them.
        beside: what has to be written with a row.
        immutable: whether IMM-1 refuses an update of those columns as well.
    """

    def over(columns: Row, *writes: Write) -> ViolatesSeveral:
        return ViolatesSeveral(writes, also(columns) if callable(also) else also, because)

    @scenarios
    def inserts(world: World, draw: Draw) -> Scenario:
        good, bad = make(world), make(world)
        with_good, with_bad = beside(world, good), beside(world, bad)
        several = [draw(broken) for _ in range(STEPS_OVER)]
        return Scenario(
            given=(tuple(world.given),),
            legal=((*with_good, Insert(table, ({**good, **draw(legal)},))),),
            broken=tuple(
                over(columns, *with_bad, Insert(table, ({**bad, **columns},)))
                for number, columns in enumerate(several)
                if columns not in several[:number]
            ),
        )

    @scenarios
    def inserts_many(world: World, draw: Draw) -> Scenario:
        good = [{**make(world), **draw(legal)} for _ in range(2)]
        columns = draw(broken)
        bad = [{**make(world), **draw(legal)}, {**make(world), **columns}]
        if draw(st.booleans()):
            bad.reverse()
        with_good = [write for row in good for write in beside(world, row)]
        with_bad = [write for row in bad for write in beside(world, row)]
        return Scenario(
            given=(tuple(world.given),),
            legal=((*with_good, Insert(table, tuple(good))),),
            broken=(over(columns, *with_bad, Insert(table, tuple(bad))),),
        )

    @scenarios
    def updates(world: World, draw: Draw) -> Scenario:
        row = world.insert(table, make(world))
        world.given.extend(beside(world, row))
        key, columns, good = {"id": row["id"]}, draw(broken), draw(legal)
        same = {name: row[name] for name in ("id", *columns) if name in row}
        write = Update(table, key, columns, row)
        state = draw(st.sampled_from(({}, *STATES.get(table, ()))))
        if prepare is not None:
            prepare(world, row)
        elif state and state.keys().isdisjoint({*columns, *good}):
            world.given.append(Update(table, key, state, row))
        return Scenario(
            given=(tuple(world.given),),
            legal=((Update(table, key, same if immutable else good, row),),),
            broken=(fixed(write) if immutable else over(columns, write),),
        )

    reasons = {**ONE_ROW, Path.UPDATE: no_update, Path.ON_CONFLICT: no_update}
    return by_shape(
        insert=inserts,
        insert_many=inserts_many,
        update=None if no_update else updates,
        reasons=reasons,
    )


def label(table: str, make: Maker, column: str, enum: str, **options: Any) -> Ways:
    """Return ways for a column that holds a label of an enum type.

    Options are those of `one_row`; `legal` are the labels that a row may have here, `broken` texts
    that are none. `also` are rules on the moves of a status: no move leads to what is no state.
    """
    legal = options.pop("legal", st.sampled_from(ENUMS[enum]))
    broken = options.pop("broken", broken_labels(enum))
    if "also" in options:
        options["because"] = "what is no state is none that a row begins in or moves to"
    return one_row(
        table,
        make,
        legal=legal.map(lambda text: {column: text}),
        broken=broken.map(lambda text: {column: text}),
        **options,
    )
