"""Whole runs: two judges agree on every operation, and nothing that is accepted breaks a rule."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from conformance.engine.pytest_plugin import proof
from conformance.framecast.machines.coverage import unseen
from conformance.framecast.machines.coverage_runs import COUNTS, PAIRS, every_count, every_pair
from conformance.framecast.machines.runner import MACHINES
from conformance.framecast.operations.tables import tables_of

if TYPE_CHECKING:
    from conformance.framecast.machines.machine import Machine
    from conformance.framecast.machines.runner import MachineRunner


def _rules(machine: type[Machine]) -> frozenset[str]:
    return proof.of_tables(tables_of(machine.operations()))


RUNS = [
    pytest.param(each, id=each.__name__, marks=proof.about(_rules(each), wide=True, ends=True))
    for each in MACHINES
]
MOVES = [
    pytest.param(each, id=each, marks=proof.about({f"STATE-{each.upper()}"})) for each in PAIRS
]
CAPS = [pytest.param(each, id=each, marks=proof.about({each})) for each in COUNTS]


@pytest.mark.drawn
@pytest.mark.parametrize("machine", RUNS)
def test_run(machine: type[Machine], runner: MachineRunner) -> None:
    """Operations in any order come to what the model says, and no rule is broken."""
    runner.run(machine)


@pytest.mark.parametrize("machine", MOVES)
def test_pairs(machine: str, runner: MachineRunner) -> None:
    """Every legal pair of a state machine is accepted, and every other one rejected by name."""
    runner.name = machine
    every_pair(machine, runner.new_run)

    assert [] == [edge for edge in unseen(runner.log.edges) if edge.startswith(f"{machine} ")]


@pytest.mark.parametrize("rule", CAPS)
def test_counts(rule: str, runner: MachineRunner) -> None:
    """Below a cap and at it there is room for one more; above it there is none."""
    runner.name = rule
    every_count(rule, runner.new_run())

    assert [] == [edge for edge in unseen(runner.log.edges) if edge.startswith(f"{rule} ")]
