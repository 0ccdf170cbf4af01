"""All facts of tables that no rule states; what mutants and `test_columns.py` try."""

from __future__ import annotations

from functools import cache

from strategies.bypasses import bypasses
from strategies.forms import Form, forms
from strategies.harmless import harmless
from strategies.searching import searching
from strategies.spelling import spelling


@cache
def facts() -> tuple[Form, ...]:
    """Return all of them."""
    return (*forms(), *harmless(), *spelling(), *bypasses(), *searching())
