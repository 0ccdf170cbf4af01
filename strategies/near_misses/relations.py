"""The usual ways to try rules on two rows: that no two share something, that a parent exists."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from uuid import UUID

from hypothesis import strategies as st

from conformance.engine.cases.scenario import Fact, Scenario, ViolatesSeveral, Ways
from conformance.engine.sql.writes import Delete, Insert, Path, Row, Update
from strategies.near_misses.rest import rest
from strategies.near_misses.ways import (
    ONE_ROW,
    ConcurrentCheck,
    Draw,
    Maker,
    alone,
    besides,
    by_shape,
    fixed,
    one_row,
    scenarios,
)
from strategies.neighbours import LONG, WILD, long_twins, neighbours
from strategies.replacing import replaced

if TYPE_CHECKING:
    from collections.abc import Callable

    from hypothesis.strategies import SearchStrategy

    from strategies.world import World

# Of texts that no two rows share; a key may be asked of short ones alone, or of long ones.
LENGTHS: Final = (0, 0, 64, LONG)


def unique(
    table: str,
    make: Maker | tuple[Maker, ...],
    same: Callable[[Row, Row], Row],
    *,
    near: Callable[[Row], Row] | None = None,
    text: str = "",
    twins: tuple[Row, ...] = (),
    immutable: bool = False,
    keys: Callable[[int], SearchStrategy[Row]] = lambda _: st.just({}),
    beside: ConcurrentCheck = alone,
    ends: tuple[Row, ...] = (),
) -> Ways:
    """Return ways for a rule that no two rows share something, whatever that is, and else hold.

    Args:
        table: the rule's table.
        make: makes a legal row, different from all others; of several, any may make one.
        same: takes two rows, and returns columns with which the second would share it with the
            first.
        near: takes a row, and returns columns with which another nearly shares it with that row.
        text: a column of any text that is all they may not share: then its neighbours are near.
        twins: columns that nearly share it with each other, where it is no such text.
        immutable: whether IMM-1 refuses an update of those columns as well.
        keys: takes a serial, and draws of those columns what no row of another serial has.
        beside: what has to be written with a row.
        ends: what may become of the row that is there first.
    """
    makes = make if isinstance(make, tuple) else (make,)

    def any_row(world: World, draw: Draw) -> Row:
        wild = {text: draw(_wild(world.serial()))} if text else {}
        own = draw(keys(world.serial()))
        return {**draw(st.sampled_from(makes))(world), **own, **wild, **draw(rest(table))}

    def nearby(first: Row) -> list[Row]:
        if text:
            near_texts = neighbours(str(first[text]))
            return [{text: each} for each in near_texts if len(each) <= LONG]
        return [near(first) if near else {}]

    def given(world: World, draw: Draw) -> Row:
        row = world.insert(table, any_row(world, draw))
        world.given.extend(beside(world, row))
        end = draw(st.sampled_from(({}, *ends)))
        world.given += [Update(table, {"id": row["id"]}, end, row)] if end else []
        return row

    def shares(world: World, first: Row, draw: Draw) -> Row:
        bad = any_row(world, draw)
        return {**bad, **same(first, bad)}

    @scenarios
    def inserts(world: World, draw: Draw) -> Scenario:
        first = given(world, draw)
        alike = [{text: each} for each in long_twins()] if text else twins
        good = [{**any_row(world, draw), **each} for each in (*nearby(first), *alike)]
        bad = shares(world, first, draw)
        with_good = [write for row in good for write in beside(world, row)]
        with_bad = beside(world, bad)
        return Scenario(
            given=(tuple(world.given),),
            legal=((*with_good, Insert(table, tuple(good))),),
            broken=((*with_bad, Insert(table, (bad,))),),
        )

    @scenarios
    def inserts_many(world: World, draw: Draw) -> Scenario:
        first = any_row(world, draw)
        bad = shares(world, first, draw)
        rows = (first, bad) if draw(st.booleans()) else (bad, first)
        others = any_row(world, draw), any_row(world, draw)
        with_rows = [write for row in rows for write in beside(world, row)]
        with_others = [write for row in others for write in beside(world, row)]
        return Scenario(
            given=(tuple(world.given),),
            legal=((*with_others, Insert(table, others)),),
            broken=((*with_rows, Insert(table, rows)),),
        )

    @scenarios
    def updates(world: World, draw: Draw) -> Scenario:
        first, second = given(world, draw), given(world, draw)
        key = {"id": second["id"]}
        shared = same(first, second)
        own = {name: second[name] for name in shared}
        legal = [own] if immutable else [own, *nearby(first)]
        over = Update(table, key, shared, second)
        return Scenario(
            given=(tuple(world.given),),
            legal=tuple((Update(table, key, each, second),) for each in legal if each),
            broken=(fixed(over) if immutable else (over,),),
        )

    return by_shape(insert=inserts, insert_many=inserts_many, update=updates, reasons=ONE_ROW)


def _wild(serial: int) -> SearchStrategy[str]:
    """Texts of all lengths that hold what is wild in patterns, no two serials' alike."""
    text = f"{WILD}{serial}"
    return st.sampled_from(LENGTHS).map(lambda length: text + "x" * (length - len(text)))


def parent(
    table: str,
    make: Maker,
    column: str,
    parent_table: str,
    *,
    cascades: bool,
    immutable: bool = True,
    also: frozenset[str] = frozenset(),
    naming: Callable[[UUID], Row] = lambda _: {},
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
        naming: returns what else of a row names the parent with an id.
    """
    dangling = one_row(
        table,
        make,
        legal=st.just({}),
        broken=st.integers(0xDEAD, 0xDEAF)
        .map(lambda n: UUID(int=n))
        .map(lambda absent: {column: absent, **naming(absent)}),
        no_update="another parent is tried on its own",
        also=also,
    )

    @scenarios
    def moves(world: World, draw: Draw) -> Scenario:
        row = world.insert(table, make(world))
        absent = {column: UUID(int=draw(st.integers(0xDEAD, 0xDEAF)))}
        over = Update(table, {"id": row["id"]}, absent, row)
        return Scenario(
            given=(tuple(world.given),),
            legal=((Update(table, {"id": row["id"]}, {column: row[column]}, row),),),
            broken=(fixed(over, also=also) if immutable else ViolatesSeveral((over,), also),),
        )

    @scenarios
    def others(world: World, _draw: Draw) -> Scenario:
        row = world.insert(table, make(world))
        alone = world.starter() if parent_table == "users" else None
        held = {"id": row[column]}
        # Who comes back under the id is somebody else, and made nothing.
        back = {**held, "email": "back@example.com"}
        return Scenario(
            given=(tuple(world.given),),
            legal=(
                ((replaced("users", alone),), (Delete("users", {"id": alone["id"]}),))
                if alone
                else ()
            ),
            # Who made it for a team owns that team as well.
            broken=tuple(
                ViolatesSeveral((gone,), frozenset({"INV-T2"} if "team_id" in row else ()))
                for gone in (
                    Delete(parent_table, held),
                    *([replaced("users", back)] if alone else ()),
                )
            ),
        )

    @scenarios
    def cascade(world: World, _draw: Draw) -> Scenario:
        row = world.insert(table, make(world))
        return Scenario(
            given=(tuple(world.given),),
            legal=((Delete(parent_table, {"id": row[column]}),),),
            facts=(
                Fact(
                    f"SELECT count(*) FROM public.{table} WHERE id = '{row['id']}'", 0, side=False
                ),
            ),
        )

    return {
        **besides(dangling, update=moves),
        Path.MOVE: moves,
        Path.OTHER: "tried as a cascade" if cascades else others,
        Path.CASCADE: cascade if cascades else "the row holds its parent back: tried as other",
        Path.TRUNCATE: "a parent is truncated with all that refers to it, or not at all",
    }
