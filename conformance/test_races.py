"""Several sessions at once: every end is one that some serial order could have had."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance import profiles
from conformance.races.classics import CLASSICS
from conformance.races.explorer import PAIRS, races

if TYPE_CHECKING:
    from conformance.races.racer import Racer


@pytest.mark.parametrize("name", CLASSICS)
def test_classic(name: str, racer: Racer) -> None:
    """The race that everybody knows keeps its law, in all its interleavings at all levels."""
    racer.run_all(CLASSICS[name])


@pytest.mark.parametrize("pair", PAIRS)
@profiles.races()
@given(data=st.data())
def test_drawn(pair: str, racer: Racer, data: st.DataObject) -> None:
    """Whatever several sessions do at once, it is as if one had come after the other."""
    race, orders = data.draw(races(*PAIRS[pair]))
    racer.run_some(race, orders, pair)
