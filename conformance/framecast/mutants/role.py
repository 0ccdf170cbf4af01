"""Trying a mutant as the application's role: its rights, its powers, its writes."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from conformance.engine.cases.verdicts import Finding, Verdict
from conformance.engine.domain.chosen import RULES, domain
from conformance.engine.mutants.habits import RIGHTS
from conformance.engine.mutants.parts import Part, as_role, near_misses
from conformance.engine.mutants.privileges import OPERATORS
from conformance.framecast.powers import KINDS, Powers, declared

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.engine.mutants.mutant import Mutant

ROUNDS = (1, 3)


def parts(mutant: Mutant) -> Iterator[Part]:
    """Everything that is about a role, on a mutant of rights; the others change none."""
    if mutant.operator not in OPERATORS and mutant.habit != RIGHTS:
        return
    yield Part("the role's rights", _rights, _powers)
    done = 0
    for upto in ROUNDS:
        yield from near_misses(mutant.rules, done, upto, as_role)
        done = upto
    for kind in KINDS:
        yield Part(f"the role's powers over each {kind}", partial(_nothing, kind), _powers)
    beside = [
        rule.id
        for rule in RULES.values()
        if rule.id not in mutant.rules and set(rule.tables) & set(mutant.tables)
    ]
    yield from near_misses(beside, 0, 1, as_role)


def _powers(conninfo: str) -> Powers:
    """Open what tries a role: without a sandbox, whose books everybody may write."""
    return Powers(conninfo, domain().application)


def _rights(powers: Powers) -> None:
    granted, meant = powers.granted() | powers.to_come(), declared()
    if granted != meant:
        observed = f"too many {sorted(granted - meant)}, too few {sorted(meant - granted)}"
        raise _finding(observed)


def _nothing(kind: str, powers: Powers) -> None:
    """Try all powers of a kind, each of which must be refused."""
    allowed = powers.allowed(powers.attempts(kind))
    if allowed:
        raise _finding(allowed[0])


def _finding(observed: str) -> Finding:
    expected = "the rights that are declared"
    return Finding(
        domain().application, Verdict.BROKEN, expected=expected, observed=observed, script=""
    )
