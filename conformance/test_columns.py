"""Every column, from both sides: what it holds beside the rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from conformance.engine.cases.columns import hold
from conformance.engine.pytest_plugin import proof
from strategies.facts import facts

if TYPE_CHECKING:
    from conformance.engine.cases.scenario import ColumnCase
    from conformance.engine.database.sandbox import Sandbox


FACTS = [
    pytest.param(
        case,
        id=case.name,
        marks=proof.about(
            proof.of_form(case), wide=not case.token, near=proof.of_tables(case.tables)
        ),
    )
    for case in facts()
]


@pytest.mark.parametrize("case", FACTS)
def test_column(case: ColumnCase, sandbox: Sandbox) -> None:
    """A column takes what the domain says that it holds, and refuses what is next to it."""
    hold(sandbox, case)
