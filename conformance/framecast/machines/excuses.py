"""Reasons for a refusal that lie in the schema or in objects of others, and tell of no rule."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.engine.cases import derived_values
from conformance.engine.catalogue.misfits import another_key
from conformance.engine.domain.chosen import RULES
from conformance.framecast.machines.named import names

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.engine.database.sandbox import Sandbox
    from conformance.engine.sql.outcomes import Rejected
    from conformance.engine.sql.writes import Statement


def untaken(
    sandbox: Sandbox,
    body: Sequence[Statement],
    outcome: Rejected,
    may: frozenset[str],
    must: frozenset[str],
) -> str:
    """Say why the schema cannot take a transaction, or ''.

    Args:
        sandbox: where it was refused.
        body: its statements.
        outcome: what became of it.
        may: the rules that it may break.
        must: those that must refuse it.
    """
    types = frozenset().union(*(RULES[each].types for each in may if each in RULES))
    other = another_key(outcome, may) if must else ""
    because = f"because of {other}: {outcome}" if other else ""
    sql = "".join(each.script() for each in body)
    return sandbox.misfits.told(outcome, sql, types) or because


def innocent(
    sandbox: Sandbox, body: Sequence[Statement], outcome: Rejected, may: frozenset[str]
) -> str:
    """Say what refused a transaction, if no rule of its name is to blame; or ''; as `untaken`."""
    if any(names(outcome, rule) for rule in may):
        return ""
    other = sandbox.another_object(outcome, may)
    if not other:
        made_by = derived_values.maker(sandbox, outcome, body)
        other = made_by.name if made_by and (made_by.is_broken or not may) else ""
    return f"because of {other}: {outcome}" if other else ""
