"""All facts of tables that no rule states; what mutants and `test_columns.py` try."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from strategies.bypasses import bypasses
from strategies.column_cases import cases
from strategies.every_state import every_state, varied
from strategies.harmless import harmless
from strategies.moments import moments
from strategies.searching import searching
from strategies.spelling import spelling
from strategies.twins import twins
from strategies.written_back import written_back

if TYPE_CHECKING:
    from conformance.engine.cases.scenario import ColumnCase


@cache
def facts() -> tuple[ColumnCase, ...]:
    """Return all of them."""
    return (
        *map(varied, cases()),
        *every_state(),
        *harmless(),
        *spelling(),
        *bypasses(),
        *searching(),
        *written_back(),
        *moments(),
        *twins(),
    )
