"""Every guard decides by rows, and by nothing that a session brings along."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from conformance.engine.cases.verdicts import Finding, Verdict
from conformance.engine.domain.chosen import RULES
from conformance.engine.pytest_plugin import proof
from conformance.engine.reading.switches import switches

if TYPE_CHECKING:
    from conformance.engine.postgres.scratch import Database
    from conformance.engine.reading.switches import Switch

EXPECTED = (
    "guards that ask nothing but rows, and of them what the rule needs; what is meant to ask more"
    " is accepted with its reason in the file of --conformance-baseline"
)
BESIDE = "SWITCH"  # in the place of a rule, where none rests on what was found
EACH = [
    pytest.param(rule.id, id=rule.token, marks=proof.about((rule.id,))) for rule in RULES.values()
]


@pytest.fixture(scope="module")
def found(as_written: Database) -> list[Switch]:
    """Return all that decides by something else than rows."""
    with as_written.connect() as connection:
        return switches(connection)


@pytest.mark.parametrize("rule", EACH)
def test_reading(rule: str, found: list[Switch]) -> None:
    """Guards of a rule ask for no setting, name or nesting, and nothing goes around them."""
    _expect_none(rule, [each for each in found if rule in each.rules])


@proof.about(RULES, wide=True)
def test_reading_beside(found: list[Switch]) -> None:
    """Neither does anything else that runs when somebody writes."""
    _expect_none(BESIDE, [each for each in found if not each.rules])


def _expect_none(rule: str, found: list[Switch]) -> None:
    if found:
        worst = min((each.verdict for each in found), key=[*Verdict].index)
        observed = "; ".join(map(str, found))
        raise Finding(rule, worst, expected=EXPECTED, observed=observed, script="", steps=())
