"""Several sessions at once: every end is one that some serial order could have had."""

from __future__ import annotations

from itertools import cycle, product
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.engine.pytest_plugin import profiles, proof
from conformance.framecast.known_races import KNOWN_RACES
from conformance.framecast.operations.tables import tables_of
from conformance.framecast.races.conflicts import LEVELS, ORDERS, SETUPS, conflicts
from conformance.framecast.races.explorer import PAIRS, races
from conformance.framecast.races.locking import near_order

if TYPE_CHECKING:
    from conformance.framecast.races.runner import RaceRunner


KNOWN = [
    pytest.param(name, id=name, marks=proof.about(each.rules, near=near_order(each.rules)))
    for name, each in KNOWN_RACES.items()
]
DRAWN = [
    pytest.param(
        pair,
        id=pair,
        marks=proof.about(
            proof.of_tables(tables_of(each for _, each in theme.operations)), wide=True
        ),
    )
    for pair, (theme, _) in PAIRS.items()
]


@pytest.mark.parametrize("name", KNOWN)
def test_known_race(name: str, race_runner: RaceRunner) -> None:
    """The race that everybody knows keeps its invariant, in all its interleavings at all levels."""
    race_runner.run_all(KNOWN_RACES[name])


@pytest.mark.parametrize("pair", DRAWN)
@profiles.races()
@given(data=st.data())
def test_drawn(pair: str, race_runner: RaceRunner, data: st.DataObject) -> None:
    """Several sessions at once come to what one after the other could have come to."""
    race, orders = data.draw(races(*PAIRS[pair], race_runner.limits))
    race_runner.run_some(race, orders, pair)


@proof.about_none()
def test_conflicts(race_runner: RaceRunner) -> None:
    """What is legal alone and not after something else is not accepted beside that either."""
    known = [each for name in SETUPS for each in conflicts(name)]
    for conflict, (levels, order) in zip(known, cycle(product(LEVELS, ORDERS)), strict=False):
        chosen = order if order in conflict.orders else conflict.orders[0]
        race_runner.run_some(conflict.race(levels, at_once=False), [chosen], "conflicts")
