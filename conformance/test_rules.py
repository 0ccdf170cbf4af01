"""Every rule, from both sides, along every path that could break it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.engine.cases.scenario import OnSchema
from conformance.engine.domain.chosen import RULES, domain
from conformance.engine.pytest_plugin import proof
from conformance.engine.pytest_plugin.profiles import UNCHECKED_WITH_FIXTURES

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.engine.cases.case_runner import CaseRunner
    from conformance.engine.cases.impersonation import Impersonated
    from conformance.engine.database.sandbox import Sandbox
    from conformance.engine.kinds.rule import Rule
    from conformance.engine.sql.writes import Path

WAYS = domain().ways()
TRIED = [
    pytest.param(rule, path, id=f"{rule.token}{path}", marks=proof.about({rule.id}))
    for rule in RULES.values()
    for path, ways in WAYS.get(rule.id, {}).items()
    if not isinstance(ways, str)
]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make a test of each rule and path.

    For a test that is marked with its parameters Hypothesis derives settings from those of the one
    before, and asks the whole chain for its database: seconds, for hundreds.
    """
    metafunc.parametrize(("rule", "path"), TRIED)


@settings(suppress_health_check=UNCHECKED_WITH_FIXTURES)
@given(data=st.data())
def test_rule(
    rule: Rule,
    path: Path,
    case_runner: Callable[[Rule, Path], CaseRunner | Impersonated],
    sandbox: Sandbox,
    data: st.DataObject,
) -> None:
    """Legal writes are accepted up to the edge, and the step over it is rejected by name."""
    ways = WAYS[rule.id][path]
    assert not isinstance(ways, str), ways
    drawn = ways.on(sandbox.owner) if isinstance(ways, OnSchema) else ways
    hostile = domain().settings()
    scenario = data.draw(drawn)
    under = data.draw(hostile) if hostile is not None else ()
    case_runner(rule, path).run(replace(scenario, settings=scenario.settings or under))
