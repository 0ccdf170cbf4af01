"""The rules that hold always, as predicates on a state of the model.

They stand with the rules. Rules on writes and transitions compare two states, and stand with the
operations that may break them. What a table asks beside the rules (a key, a form) has a name of its
own: `KEY jobs`, `CHECK users`.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, TypeAlias

from conformance.engine.kinds.keys import References, Unique
from conformance.framecast.rules import RULES

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.framecast.model.state import State

    Predicate: TypeAlias = Callable[[State], bool]

BESIDE: dict[str, Unique | References] = {
    "KEY jobs": Unique("jobs", ("triggered_by", "idempotency_key"), ("user", "key")),
    "REFERENCE job_events": References("job_events", "job_id", "jobs", "job"),
}
ALWAYS: dict[str, tuple[frozenset[str], Predicate]] = {
    **{
        rule.id: (frozenset(rule.tables), rule.model)
        for rule in RULES.values()
        if rule.model is not None
    },
    **{name: (frozenset(kind.tables), kind.is_broken) for name, kind in BESIDE.items()},
}


def broken(state: State, *tables: frozenset[str]) -> frozenset[str]:
    """Return the rules that a state breaks, of those that speak of some tables of each set."""
    return frozenset(rule for rule, is_broken in _about(tables) if is_broken(state))


@cache
def _about(tables: tuple[frozenset[str], ...]) -> list[tuple[str, Predicate]]:
    """Return what is asked of a state of the rules that speak of some tables of each set."""
    return [
        (rule, is_broken)
        for rule, (speaks_of, is_broken) in ALWAYS.items()
        if not any(map(speaks_of.isdisjoint, tables))
    ]
