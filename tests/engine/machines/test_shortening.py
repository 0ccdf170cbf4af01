"""Runs that failed are made as short as they can be, in few attempts."""

from __future__ import annotations

from typing import Any

import pytest

from conformance.engine.cases.verdicts import Finding, Verdict
from conformance.engine.machines.shortening import shortest

FINDING = Finding(rule="INV-T2", verdict=Verdict.BROKEN, expected="", observed="", script="")


@pytest.mark.parametrize("needed", [{3}, {0, 59}, {*range(50, 60)}, {*range(0, 60, 4), 59}])
def test_what_nothing_needs_is_left_out(needed: set[int]) -> None:
    """Each step that is left is needed, and few attempts led there."""
    attempts = 0

    def again(record: Any) -> Any:
        nonlocal attempts
        attempts += 1
        done = {step for transaction in record for step in transaction}
        return (FINDING, record) if needed <= done else None

    kept: list[Any] = []

    def last(record: Any) -> Any:
        kept[:] = [record]
        return again(record)

    run = tuple((2 * each, 2 * each + 1) for each in range(30))
    assert shortest(FINDING, run, last) == FINDING

    assert needed == {step for transaction in kept[0] for step in transaction}
    assert attempts <= 3 * len(run)
