"""Whole lives: two judges agree on every operation, and nothing that is accepted breaks a rule."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from conformance.edges import unseen
from conformance.guide import MACHINES
from conformance.machines.tours import COUNTS, PAIRS, every_pair

if TYPE_CHECKING:
    from conformance.guide import Guide
    from conformance.machines.machine import Machine


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.__name__)
def test_life(machine: type[Machine], guide: Guide) -> None:
    """Whatever is done in whatever order becomes what the model says, and no rule is broken."""
    guide.run(machine)


@pytest.mark.parametrize("machine", PAIRS)
def test_pairs(machine: str, guide: Guide) -> None:
    """Every legal pair of a state machine is accepted, and every other one rejected by name."""
    guide.name = machine
    every_pair(machine, guide.new_life)

    assert [] == [edge for edge in unseen(guide.log.edges) if edge.startswith(f"{machine} ")]


@pytest.mark.parametrize("rule", COUNTS)
def test_counts(rule: str, guide: Guide) -> None:
    """Below a cap and at it there is room for one more; above it there is none."""
    guide.name = rule
    COUNTS[rule](guide.new_life())

    assert [] == [edge for edge in unseen(guide.log.edges) if edge.startswith(f"{rule} ")]
