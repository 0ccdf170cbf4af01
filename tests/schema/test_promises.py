"""What this schema promises beside the domain holds in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from conformance.engine.cases.columns import hold
from strategies.promises import promises

if TYPE_CHECKING:
    from conformance.engine.cases.scenario import ColumnCase
    from conformance.engine.database.sandbox import Sandbox


@pytest.mark.parametrize("case", tuple(promises()), ids=lambda case: case.name)
def test_a_promise_is_kept(case: ColumnCase, sandbox: Sandbox) -> None:
    """What an application's clock says is taken, and what is filled in fits it."""
    hold(sandbox, case)
