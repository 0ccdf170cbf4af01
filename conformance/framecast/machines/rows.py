"""Comparison of a database's rows with the model's, kept as SQL.

A difference that breaks no rule of the catalogue is found by no query of its own. What shows it
again without the model is a claim: a statement that fails where the rows are others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.engine.cases.steps import ACCEPTED, LEGAL, Step
from conformance.engine.sql.outcomes import Accepted
from conformance.engine.sql.writes import Statement
from conformance.framecast.model import view

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from conformance.engine.database.sandbox import Sandbox
    from conformance.framecast.model import State

# Fails where the rows of a table are not these.
CLAIM = """DO $claim$
BEGIN
    ASSERT NOT EXISTS (
        ({there} EXCEPT {model}) UNION ALL ({model} EXCEPT {there})
    ), 'rows of {table} are not as they should be';
END;
$claim$"""


def claim(state: State, table: str, without: Collection[int] = ()) -> Statement:
    """Return a statement that fails where a table's rows are not the model's.

    Columns that cannot be read are left out.
    """
    rows = ", ".join(f"'{_quoted(row)}'" for row in sorted(view.rows(state, table, without)))
    model = f"SELECT '{table}', unnest(ARRAY[{rows}]::text[])"
    return Statement(CLAIM.format(there=view.query(table, without), model=model, table=table))


def way_to_difference(sandbox: Sandbox, claimed: Statement) -> tuple[Step, ...]:
    """Return what a database went through, and the claim that fails at the end of it."""
    return (*map(Step, _accepted(sandbox)), Step((claimed,), ACCEPTED))


def way_to_acceptance(sandbox: Sandbox, claims: Iterable[Statement]) -> tuple[Step, ...]:
    """Return the same, where the last transaction should have been refused, but by no rule.

    Whoever refuses it names a key or a form, which an expectation cannot: so what is claimed is
    that it has left the rows as they were.
    """
    *way, last = _accepted(sandbox)
    return (*map(Step, way), Step(last, LEGAL), Step(tuple(claims), ACCEPTED))


def _accepted(sandbox: Sandbox) -> list[tuple[Statement, ...]]:
    """Return the transactions that led here: what was rejected left nothing behind."""
    return [body for body, outcome in sandbox.session.history if isinstance(outcome, Accepted)]


def _quoted(text: str) -> str:
    return text.replace("'", "''")
