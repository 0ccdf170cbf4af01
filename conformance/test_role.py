"""Powers that the application's role lacks, tried on everything that the server lists."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from conformance.engine.cases.verdicts import Finding, Verdict
from conformance.engine.database import acting
from conformance.engine.domain.chosen import RULES
from conformance.engine.privileges.differing import differing
from conformance.engine.pytest_plugin import proof
from conformance.engine.pytest_plugin.role import further, proven_role
from conformance.framecast.powers import KINDS, Powers, declared

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.engine.postgres.scratch import Scratch, Template

RIGHT = "RIGHT"  # stands for a rule in the report

# A right too many, such as to disable a trigger, is one to break any rule.
pytestmark = proof.about(RULES, wide=True)


@pytest.fixture(scope="module")
def powers(
    pytestconfig: pytest.Config, scratch: Scratch, template: Template
) -> Iterator[Powers | str]:
    """Return what tries the role's powers, on a database of its own; or what hinders it."""
    role = proven_role(pytestconfig)
    assert role is not None, "these tests are left out of a run that proves no role"
    with scratch.cloned(template, "powers") as database:
        hindrance = acting.hindrance(database.conninfo, role)
        if hindrance:
            yield hindrance
            return
        with Powers(database.conninfo, role, further(pytestconfig)) as powers:
            yield powers


@pytest.mark.parametrize("kind", KINDS)
def test_powerless(kind: str, powers: Powers | str) -> None:
    """Every power of a kind is refused for want of a right."""
    able = _able(powers)
    attempts = able.attempts(kind)
    allowed = able.allowed(attempts)

    assert attempts
    if allowed:
        more = f", and {len(allowed) - 1} more" if allowed[1:] else ""
        expected = f"refused for want of a right: {allowed[0].splitlines()[0]}"
        raise _finding(Verdict.BROKEN, expected, f"{allowed[0]}{more}")


def test_rights(powers: Powers | str) -> None:
    """The role's rights are those that are written down, column by column, and no others."""
    able, meant = _able(powers), declared()
    granted, lacking = able.granted() | able.to_come(), able.lacking()
    if granted != meant or lacking:
        absent = able.absent()
        many, few = sorted(granted - meant), sorted((meant - granted - absent.keys()) | lacking)
        if not many and not few:
            there = "; ".join(sorted({absent[right] for right in meant - granted}))
            raise _finding(Verdict.UNPROVEN, "the rights that are written down", there)
        observed = differing({"too many": many, "too few": few})
        verdict = Verdict.BROKEN if many else Verdict.OVERBLOCKED
        raise _finding(verdict, "the rights that are written down", observed)


def _able(powers: Powers | str) -> Powers:
    """Return what tries a role; where nothing can be tried, nothing is proven of it."""
    if isinstance(powers, str):
        expected = "the application's role, to be tried (--role none leaves it out)"
        raise _finding(Verdict.UNPROVEN, expected, powers)
    return powers


def _finding(verdict: Verdict, expected: str, observed: str) -> Finding:
    return Finding(RIGHT, verdict, expected=expected, observed=observed, script="", steps=())
