"""The state machines of the domain, by name, and the state that a row of each is in."""

from __future__ import annotations

from typing import Any

from conformance.engine.kinds.transitions import Transitions
from conformance.framecast.rules import RULES

MOVES = {
    rule.removeprefix("STATE-").lower(): each.kind
    for rule, each in RULES.items()
    if isinstance(each.kind, Transitions)
}


def state_of(row: Any, day: int, was: Any = None) -> str:
    """Return the state of a row of one of the machines, by the clock's day.

    An invitation both accepted and revoked, which no rule allows, is what it was not before: see
    `was`.
    """
    if hasattr(row, "tier"):
        return str(row.tier)
    if hasattr(row, "accepted"):
        if was is not None and None not in (row.accepted, row.revoked):
            return "revoked" if row.accepted == was.accepted else "accepted"
        if row.accepted is not None:
            return "accepted"
        if row.revoked is not None:
            return "revoked"
        return "open" if row.expires > day else "expired"
    return str(row.status)


def refused(machine: str, before: str | None, after: str) -> frozenset[str]:
    """Return the rule that a move breaks, if it is none that the machine allows."""
    if before == after or (before, after) in MOVES[machine].legal:
        return frozenset()
    return frozenset({f"STATE-{machine.upper()}"})
