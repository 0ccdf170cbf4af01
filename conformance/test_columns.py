"""Every column, from both sides: what it holds beside the rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from conformance.cases.columns import hold
from conformance.pytest_plugin import proof
from strategies.facts import facts

if TYPE_CHECKING:
    from conformance.database.sandbox import Sandbox
    from strategies.forms import Form


FACTS = [
    pytest.param(form, id=form.name, marks=proof.about(proof.of_form(form), wide=not form.token))
    for form in facts()
]


@pytest.mark.parametrize("form", FACTS)
def test_column(form: Form, sandbox: Sandbox) -> None:
    """A column takes what the domain says that it holds, and refuses what is next to it."""
    hold(sandbox, form)
