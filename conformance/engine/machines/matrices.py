"""Matrices of what runs of machines have seen: moves of states, and counts around caps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.engine.domain.chosen import RULES
from conformance.engine.kinds.at_most import AtMost
from conformance.engine.kinds.transitions import Transitions

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from conformance.engine.kinds.transitions import Pair


def name_of(rule: str) -> str:
    """Return what edges call a rule on states."""
    return rule.removeprefix("STATE-").lower()


def rule_of(name: str) -> str:
    """Return the rule that edges call so."""
    return next(rule for rule in RULES if name_of(rule) == name)


def moves_of_rules() -> dict[str, Transitions]:
    """Return the state machines of this process's domain, by their names in edges."""
    return {
        name_of(rule.id): rule.kind for rule in RULES.values() if isinstance(rule.kind, Transitions)
    }


def caps() -> dict[str, AtMost]:
    """Return the caps of this process's domain by their rules; of equal ones the last rule's."""
    return {
        rule: kind
        for kind, rule in {each.kind: each.id for each in RULES.values()}.items()
        if isinstance(kind, AtMost)
    }


def matrices(seen: Mapping[str, int]) -> Iterator[str]:
    """Return the matrices as lines: how often each pair was seen; `!` marks those not legal."""
    for machine, moves in moves_of_rules().items():
        width = max(map(len, moves.states)) + 1
        yield f"{machine:<11} " + "".join(f"{state:>{width}}" for state in moves.states)
        pairs = set(moves.pairs())
        for before in (None, *moves.states):
            cells = (
                _cell(seen, machine, moves, (before, after)) if (before, after) in pairs else "·"
                for after in moves.states
            )
            yield f"{before or 'new':>11} " + "".join(f"{cell:>{width}}" for cell in cells)
    for rule, cap in caps().items():
        counts = (f"{count}: {seen.get(f'{rule} {count}', 0)}" for count in cap.near)
        yield f"{rule:<11} " + ", ".join(counts) + "!"


def _cell(seen: Mapping[str, int], machine: str, moves: Transitions, pair: Pair) -> str:
    before, after = pair
    count = seen.get(f"{machine} {before or 'new'}>{after}", 0)
    return f"{count}" if pair in moves.legal else f"{count}!"
