"""Rows that are replaced under their own id: nothing that is accepted breaks a rule."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from conformance.engine.domain.chosen import COLUMNS
from conformance.engine.pytest_plugin import proof
from strategies.replacements import replacements

if TYPE_CHECKING:
    from conformance.framecast.machines.hostile import HostileRunner


@pytest.mark.parametrize(
    "table",
    [
        pytest.param(table, id=table, marks=proof.about(proof.of_tables({table}), wide=True))
        for table in COLUMNS
    ],
)
def test_replaced_in_one_statement(table: str, hostile_runner: HostileRunner) -> None:
    """A row that goes and comes back in one statement meets every rule that speaks of it."""
    for hostile_run in replacements(table, hostile_runner.shape.deferrable):
        hostile_runner.run(hostile_run)
    assert hostile_runner.tally.hostile_runs
