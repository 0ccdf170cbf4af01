"""Every function that a rule rests on is what it declares: its volatility and the like."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from conformance.engine.cases.verdicts import Finding, Verdict
from conformance.engine.domain.chosen import RULES
from conformance.engine.pytest_plugin import proof
from conformance.engine.reading.functions import mismatches

if TYPE_CHECKING:
    from conformance.engine.postgres.scratch import Database
    from conformance.engine.reading.functions import Mismatch

EXPECTED = "functions that do what they declare, and no more"
BESIDE = "FUNCTION"  # in the place of a rule, where none rests on a function


@pytest.fixture(scope="module")
def found(as_written: Database) -> list[Mismatch]:
    """Return all functions that are not what they declare."""
    with as_written.connect() as connection:
        return mismatches(connection)


EACH = [
    pytest.param(rule.id, id=rule.token, marks=proof.about((rule.id,))) for rule in RULES.values()
]


@pytest.mark.parametrize("rule", EACH)
def test_functions(rule: str, found: list[Mismatch]) -> None:
    """The functions that a rule rests on are what they declare."""
    _expect_none(rule, [each for each in found if rule in each.rules])


@proof.about(RULES, wide=True)
def test_other_functions(found: list[Mismatch]) -> None:
    """So are those that no rule rests on."""
    _expect_none(BESIDE, [each for each in found if not each.rules])


def _expect_none(rule: str, found: list[Mismatch]) -> None:
    if found:
        observed = "; ".join(map(str, found))
        raise Finding(
            rule, Verdict.BROKEN, expected=EXPECTED, observed=observed, script="", steps=()
        )
