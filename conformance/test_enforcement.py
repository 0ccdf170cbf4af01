"""Every constraint that enforces a rule does so for all rows, those from before among them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from conformance.engine.cases.verdicts import Finding
from conformance.engine.domain.chosen import RULES
from conformance.engine.pytest_plugin import proof
from conformance.engine.reading.enforced import Idle, about, idle

if TYPE_CHECKING:
    from conformance.engine.postgres.scratch import Database

EXPECTED = "a constraint that holds for every row"
EACH = [
    pytest.param(rule.id, id=rule.token, marks=proof.about((rule.id,))) for rule in RULES.values()
]


@pytest.fixture(scope="module")
def found(database: Database) -> list[Idle]:
    """Return the constraints that do not."""
    with database.connect() as connection:
        return idle(connection)


@pytest.mark.parametrize("rule", EACH)
def test_enforcement(rule: str, found: list[Idle]) -> None:
    """No constraint of the rule is left unasked, or unasked of what was there before it."""
    some = [*about(RULES[rule], found)]
    if some:
        verdict = min((each.verdict for each in some), key=[*type(some[0].verdict)].index)
        observed = "; ".join(map(str, some))
        raise Finding(rule, verdict, expected=EXPECTED, observed=observed, script="", steps=())
