"""Raw writes by somebody who knows the schema: nothing that is accepted breaks a rule."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.engine.domain.chosen import COLUMNS, RULES
from conformance.engine.pytest_plugin import profiles, proof
from strategies.hostility import BOOKS, hostile_runs

if TYPE_CHECKING:
    from conformance.framecast.machines.hostile import HostileRunner

# What most of a hostile run is about: a table of the domain, what is none of it, or all tables
# alike.
TABLES = {**{table: {table} for table in COLUMNS}, BOOKS: proof.other_tables()}
FOCUSES = [
    *(
        pytest.param(focus, id=focus, marks=proof.about(proof.of_tables(tables), wide=True))
        for focus, tables in TABLES.items()
    ),
    pytest.param("everything", id="everything", marks=proof.about(RULES, wide=True)),
]


@pytest.mark.parametrize("focus", FOCUSES)
@profiles.hostile_runs()
@given(data=st.data())
def test_hostile(focus: str, hostile_runner: HostileRunner, data: st.DataObject) -> None:
    """Accepted writes break no rule, and every refusal names what refused it."""
    hostile_runner.run(data.draw(hostile_runs(hostile_runner.shape, focus)))
