"""The usual ways to try rules on two times of a row, whatever the clock on the wall shows."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from hypothesis import strategies as st

from conformance.engine.cases.scenario import Scenario, Ways
from conformance.engine.sql.writes import Insert, Path, Row, Update
from strategies.instants import (
    FUTURE_START,
    TICK,
    TURN,
    disordered_pairs,
    future_timestamps,
    ordered_pairs,
)
from strategies.near_misses.ways import (
    ConcurrentCheck,
    Draw,
    Maker,
    Scenarios,
    alone,
    besides,
    fixed,
    one_row,
    scenarios,
)
from strategies.session_settings import REPEATS

if TYPE_CHECKING:
    from datetime import datetime

    from strategies.world import World


def created_before_updated(table: str, make: Maker, beside: ConcurrentCheck = alone) -> Ways:
    """Return ways for a rule that a row was not created after it was updated.

    An update cannot break it, as the database sets updated_at: what is given for it is legal, and
    does not stay. Even on a row that was created later than this transaction began, by its clock.
    """
    pairs = st.one_of(ordered_pairs(strict=False), future_timestamps().map(lambda at: (at, at)))
    ways = one_row(
        table,
        make,
        legal=pairs.map(stamps),
        broken=disordered_pairs(strict=False).map(stamps),
        immutable=True,
        beside=beside,
    )

    @scenarios
    def updates(world: World, draw: Draw) -> Scenario:
        created, updated = draw(pairs)
        row = {**make(world), "created_at": created, "updated_at": updated}
        writes = (*beside(world, row), Insert(table, (row,)))
        key = {"id": row["id"]}
        later = {"created_at": max(created, FUTURE_START) + TICK, "updated_at": created}
        return Scenario(
            given=(tuple(world.given), writes),
            legal=((Update(table, key, {"updated_at": created - TICK}, row),),),
            broken=(fixed(Update(table, key, later, row)),),
        )

    ways = {**ways, **dict.fromkeys((Path.UPDATE, Path.ON_CONFLICT), updates)}
    return besides(ways, insert=at_the_turn((table, make, stamps, beside)))


Stamped: TypeAlias = tuple[
    str, Maker, Callable[[tuple["datetime", "datetime"]], Row], ConcurrentCheck
]


def at_the_turn(*rows: Stamped) -> Scenarios:
    """Insert rows with two times in order, where clocks on the wall turn it round; then reversed.

    Args:
        rows: each its table, what makes it, what returns its columns for two instants, and what is
            written before it.
    """

    @scenarios
    def built(world: World, draw: Draw) -> Scenario:
        later = TURN + draw(st.sampled_from((TICK, TICK * 1000)))
        legal, broken = [], []
        for table, make, stamps, beside in draw(st.permutations(rows)):
            good, bad = make(world), make(world)
            good, bad = {**good, **stamps((TURN, later))}, {**bad, **stamps((later, TURN))}
            legal.append((*beside(world, good), Insert(table, (good,))))
            broken.append((*beside(world, bad), Insert(table, (bad,))))
        return Scenario(
            given=(tuple(world.given),),
            legal=tuple(legal),
            broken=tuple(broken),
            settings=(("TimeZone", REPEATS),),
        )

    return built


def stamps(pair: tuple[datetime, datetime]) -> Row:
    """Return when a row was made, and when it was updated."""
    return dict(zip(("created_at", "updated_at"), pair, strict=True))
