"""The usual ways to try a rule, for rules of the usual kinds.

Each function returns, for every write path, scenarios or the reason why the path cannot break such
a rule. A rule of another kind writes its own, with `along` for the shapes that carry one write.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from conformance.scenario import Fact, Scenario, Ways
from conformance.writes import Delete, Insert, Path, Row, Update
from strategies.enums import ENUMS, broken_labels
from strategies.world import World

if TYPE_CHECKING:
    from collections.abc import Mapping

# Makes a row that is not inserted yet, with its parents among what is given.
Maker: TypeAlias = Callable[[World], Row]
Scenarios: TypeAlias = SearchStrategy[Scenario]

Draw: TypeAlias = st.DrawFn


def scenarios(build: Callable[[World, Draw], Scenario]) -> Scenarios:
    """Turn a function that builds a scenario in a new world into the strategy of all it builds."""

    @st.composite
    def built(draw: Draw) -> Scenario:
        return build(World(), draw)

    return built()


# The shapes that can carry an INSERT, and an UPDATE.
INSERTING = (Path.INSERT, Path.INSERT_MANY, Path.MERGE, Path.CTE, Path.COPY)
UPDATING = (Path.UPDATE, Path.ON_CONFLICT, Path.MERGE, Path.CTE)

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
) -> Scenarios | None:
    """Return those of the scenarios whose last writes the path can carry; None for none."""
    carried = [
        scenarios
        for scenarios, shapes in ((insert, INSERTING), (update, UPDATING))
        if scenarios is not None and path in shapes
    ]
    return st.one_of(*carried) if carried else None


def by_shape(
    *,
    insert: Scenarios | None = None,
    insert_many: Scenarios | None = None,
    update: Scenarios | None = None,
    reasons: Mapping[Path, str],
    **others: Scenarios,
) -> Ways:
    """Return ways from scenarios whose last writes are plain inserts and updates.

    `others` are scenarios for paths by name (`delete=…`, `other=…`). A path with neither needs a
    reason; it is an error (KeyError) to forget one.
    """
    ways: dict[Path, Scenarios | str] = {}
    for path in Path:
        if path.value in others:
            ways[path] = others[path.value]
        elif path is Path.INSERT_MANY and insert_many is not None:
            ways[path] = insert_many
        else:
            carried = along(path, insert=insert, update=update)
            ways[path] = reasons[path] if carried is None else carried
    return ways


def one_row(
    table: str,
    make: Maker,
    *,
    legal: SearchStrategy[Any],
    broken: SearchStrategy[Any],
    no_update: str = "",
    also: frozenset[str] = frozenset(),
    prepare: Callable[[World, Row], None] | None = None,
) -> Ways:
    """Return ways for a rule that one row keeps or breaks alone.

    Args:
        table: the rule's table.
        make: makes a legal row.
        legal: columns at the edge of the rule, as rows.
        broken: columns one step over it, as rows.
        no_update: why no update can break the rule, where that is so.
        also: other rules that the broken rows break.
        prepare: brings a row that has been inserted into the state in which it is updated.
    """

    @scenarios
    def inserts(world: World, draw: Draw) -> Scenario:
        good, bad = make(world), make(world)
        return Scenario(
            given=(tuple(world.given),),
            legal=((Insert(table, ({**good, **draw(legal)},)),),),
            broken=((Insert(table, ({**bad, **draw(broken)},)),),),
            also=also,
        )

    @scenarios
    def inserts_many(world: World, draw: Draw) -> Scenario:
        good = [{**make(world), **draw(legal)} for _ in range(2)]
        bad = [{**make(world), **draw(legal)}, {**make(world), **draw(broken)}]
        if draw(st.booleans()):
            bad.reverse()
        return Scenario(
            given=(tuple(world.given),),
            legal=((Insert(table, tuple(good)),),),
            broken=((Insert(table, tuple(bad)),),),
            also=also,
        )

    @scenarios
    def updates(world: World, draw: Draw) -> Scenario:
        row = make(world)
        world.insert(table, row)
        if prepare is not None:
            prepare(world, row)
        key = {"id": row["id"]}
        return Scenario(
            given=(tuple(world.given),),
            legal=((Update(table, key, draw(legal), row),),),
            broken=((Update(table, key, draw(broken), row),),),
            also=also,
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

    Options are those of `one_row`; `legal` are the labels that a row may have here.
    """
    legal = options.pop("legal", st.sampled_from(ENUMS[enum]))
    return one_row(
        table,
        make,
        legal=legal.map(lambda text: {column: text}),
        broken=broken_labels(enum).map(lambda text: {column: text}),
        **options,
    )


def unique(
    table: str,
    make: Maker,
    same: Callable[[Row, Row], Row],
    *,
    near: Callable[[Row], Row] | None = None,
    immutable: bool = False,
) -> Ways:
    """Return ways for a rule that no two rows share something.

    Args:
        table: the rule's table.
        make: makes a legal row, different from all others.
        same: takes two rows, and returns columns with which the second would share it with the
            first.
        near: takes a row, and returns columns with which another nearly shares it with that row.
        immutable: whether IMM-1 refuses an update of those columns as well.
    """

    def pair(world: World, first: Row) -> tuple[Row, Row]:
        good, bad = make(world), make(world)
        return {**good, **(near(first) if near else {})}, {**bad, **same(first, bad)}

    @scenarios
    def inserts(world: World, _: Draw) -> Scenario:
        first = world.insert(table, make(world))
        good, bad = pair(world, first)
        return Scenario(
            given=(tuple(world.given),),
            legal=((Insert(table, (good,)),),),
            broken=((Insert(table, (bad,)),),),
        )

    @scenarios
    def inserts_many(world: World, draw: Draw) -> Scenario:
        first = make(world)
        good, bad = pair(world, first)
        rows = (first, bad) if draw(st.booleans()) else (bad, first)
        return Scenario(
            given=(tuple(world.given),),
            legal=((Insert(table, (make(world), make(world))),),),
            broken=((Insert(table, rows),),),
        )

    @scenarios
    def updates(world: World, _: Draw) -> Scenario:
        first, second = world.insert(table, make(world)), world.insert(table, make(world))
        key = {"id": second["id"]}
        legal = {} if immutable or near is None else near(first)
        return Scenario(
            given=(tuple(world.given),),
            legal=((Update(table, key, legal, second),),) if legal else (),
            broken=((Update(table, key, same(first, second), second),),),
            also=frozenset({"IMM-1"}) if immutable else frozenset(),
        )

    return by_shape(insert=inserts, insert_many=inserts_many, update=updates, reasons=ONE_ROW)


def parent(
    table: str,
    make: Maker,
    column: str,
    parent_table: str,
    *,
    cascades: bool,
    immutable: bool = True,
    also: frozenset[str] = frozenset(),
) -> Ways:
    """Return ways for a rule that a row's parent exists.

    Args:
        table: the table of the row.
        make: makes a legal row; its parents are given.
        column: the column that names the parent.
        parent_table: the parent's table.
        cascades: whether the row goes with its parent; otherwise it holds its parent back.
        immutable: whether IMM-1 refuses another parent as well.
        also: other rules that a row without its parent breaks.
    """
    dangling = one_row(
        table,
        make,
        legal=st.just({}),
        broken=st.integers(0xDEAD, 0xDEAF).map(lambda n: {column: UUID(int=n)}),
        no_update="tried as a move to another parent",
        also=also,
    )

    @scenarios
    def moves(world: World, draw: Draw) -> Scenario:
        row = world.insert(table, make(world))
        absent = {column: UUID(int=draw(st.integers(0xDEAD, 0xDEAF)))}
        return Scenario(
            given=(tuple(world.given),),
            legal=((Update(table, {"id": row["id"]}, {column: row[column]}, row),),),
            broken=((Update(table, {"id": row["id"]}, absent, row),),),
            also=also | ({"IMM-1"} if immutable else frozenset()),
        )

    @scenarios
    def others(world: World, _: Draw) -> Scenario:
        row = world.insert(table, make(world))
        alone = world.starter() if parent_table == "users" else None
        gone = Delete(parent_table, {"id": row[column]})
        return Scenario(
            given=(tuple(world.given),),
            legal=((Delete("users", {"id": alone["id"]}),),) if alone else (),
            broken=((gone,),),
            also=also | HOLDERS,
        )

    @scenarios
    def cascade(world: World, _: Draw) -> Scenario:
        row = world.insert(table, make(world))
        return Scenario(
            given=(tuple(world.given),),
            legal=((Delete(parent_table, {"id": row[column]}),),),
            facts=(
                Fact(f"SELECT count(*) FROM public.{table} WHERE id = '{row['id']}'", 0),  # noqa: S608 — an id of ours
            ),
        )

    return {
        **dangling,
        Path.MOVE: moves,
        Path.OTHER: "tried as a cascade" if cascades else others,
        Path.CASCADE: cascade if cascades else "the row holds its parent back: tried as other",
    }


# Rules that also hold on to users who own a team, made something or are the last of their team.
HOLDERS = frozenset({"INV-T2", "INV-U2", "INV-I6", "INV-P3", "INV-J13", "INV-AF5", "INV-W5"})
