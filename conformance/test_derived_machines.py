"""Runs of whatever a schema's tables allow: no rule is broken, and nothing else is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from conformance.engine.domain.chosen import RULES, domain
from conformance.engine.pytest_plugin import profiles, proof

if TYPE_CHECKING:
    from conformance.engine.derived.machine_runner import DerivedRunner
    from conformance.engine.derived.world import Facts

FACTS = domain().facts
TABLES = dict.fromkeys(table for rule in RULES.values() for table in rule.tables)


@pytest.mark.drawn
@pytest.mark.parametrize(
    ("table", "facts"),
    [
        pytest.param(
            each, FACTS, id=each, marks=proof.about(proof.of_tables({each}), wide=True, ends=True)
        )
        for each in TABLES
        if FACTS is not None
    ],
)
def test_run(table: str, facts: Facts, derived_runner: DerivedRunner) -> None:
    """Operations in any order break no rule, and what breaks none is accepted."""
    derived_runner.run(table, facts, profiles.machines_of_tables())
