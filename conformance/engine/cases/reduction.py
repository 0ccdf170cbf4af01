"""The smallest script that shows a finding: what it can do without is left out.

A scenario is drawn with the past of its rows, neighbours and the legal write at the edge, which
most violations do not need. What a finding's steps did is done again without what speaks of rows
that its last step does not refer to, without half of its statements, without a few, without all
that speak of one row; while the last step still breaks the same rule, what was left out stays out.
"""

from __future__ import annotations

import re
import time
from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from conformance.engine.cases.attempt import shown_as, transaction_script
from conformance.engine.cases.steps import ACCEPTED, LEGAL
from conformance.engine.cases.verdicts import Finding, Verdict
from conformance.engine.sql.outcomes import Accepted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import TypeAlias

    from conformance.engine.cases.steps import Step
    from conformance.engine.database.sandbox import Sandbox

    Steps: TypeAlias = Sequence[Step]
    Place: TypeAlias = tuple[int, int]  # a step, and a statement of it

SECONDS: Final = 6.0  # for all findings of a process: where hundreds are broken, some are long
TOGETHER: Final = 4  # up to so many statements may need each other, wherever they begin
ID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Reducer:
    """Makes the steps of findings fewer, as long as there is time."""

    def __init__(self, seconds: float = SECONDS) -> None:
        """Take so many seconds for all of them."""
        self._left = seconds

    def smallest(self, finding: Finding, sandbox: Sandbox) -> Finding:
        """Return the same finding, with as few steps as show it.

        Only what a violation query shows can be judged without the case that was tried.
        """
        steps = tuple(finding.steps or ())
        if finding.verdict is not Verdict.BROKEN or not steps or steps[-1].expect != LEGAL:
            return finding
        begun = time.monotonic()
        with sandbox.acting_as(finding.role) if finding.role else nullcontext():
            shorter = self._shorter(finding.rule, steps, sandbox, begun + self._left)
            self._left -= time.monotonic() - begun
            return finding if shorter == steps else _with(finding, shorter, sandbox)

    def _shorter(self, rule: str, steps: Steps, sandbox: Sandbox, end: float) -> tuple[Step, ...]:
        """Return the steps without what could be left out before the end."""

        def is_shown(by: Steps) -> bool:
            return bool(by) and time.monotonic() < end and _is_broken(rule, by, sandbox)

        if not is_shown(steps):
            return tuple(steps)
        places = [(at, which) for at, step in enumerate(steps) for which in range(len(step.sql))]

        def without(some: set[Place]) -> bool:
            left = [each for each in places if each not in some]
            if left == places or not is_shown(_kept(steps, left)):
                return False
            places[:] = left
            return True

        without({each for each in places if each[0] < len(steps) - 1})
        for some in _of_others(steps, places):
            without(some)
        size = len(places)
        while size > 1:
            size = max(size // 2, TOGETHER) if size > TOGETHER else size - 1
            for first in range(len(places) - size, -1, -size if size > TOGETHER else -1):
                without({*places[first : first + size]})
        for some in (*_by_rows(steps, places), *({each} for each in reversed(places))):
            without(some)
        return _kept(steps, places)


def _of_others(steps: Steps, places: Sequence[Place]) -> Iterator[set[Place]]:
    """Yield what speaks of rows that the last step's rows do not refer to: all of it, then less.

    The first id of a statement is that of the row which it is about.
    """
    ids = {each: _ids(steps, each) for each in places}
    needed = {one for (at, _), found in ids.items() if at == len(steps) - 1 for one in found}
    while (
        parents := {one for found in ids.values() if found and found[0] in needed for one in found}
        - needed
    ):
        needed |= parents
    yield {
        each
        for each, (first, *others) in ((each, found) for each, found in ids.items() if found)
        if first not in needed and not (others and needed.issuperset(others))
    }
    yield {each for each, found in ids.items() if found and needed.isdisjoint(found)}


def _by_rows(steps: Steps, places: Sequence[Place]) -> list[set[Place]]:
    """Return the statements that speak of each row, the most first."""
    about: dict[str, set[Place]] = {}
    for at, which in places:
        for found in _ids(steps, (at, which)):
            about.setdefault(found, set()).add((at, which))
    return sorted(about.values(), key=len, reverse=True)


def _ids(steps: Steps, place: Place) -> list[str]:
    at, which = place
    statement = steps[at].sql[which]
    return ID.findall(f"{statement.sql}{statement.data or ''}")


def _kept(steps: Steps, places: Sequence[Place]) -> tuple[Step, ...]:
    """Return steps with some of their statements, none of which has no statement; () for no end."""
    kept = [
        replace(step, sql=tuple(sql))
        for at, step in enumerate(steps)
        if (sql := [each for which, each in enumerate(step.sql) if (at, which) in places])
    ]
    return tuple(kept) if places and places[-1][0] == len(steps) - 1 else ()


def _is_broken(rule: str, steps: Steps, sandbox: Sandbox) -> bool:
    """Do steps on an emptied database; return whether the last one, and no other, broke a rule."""
    sandbox.reset()
    broken: dict[str, list[str]] = {}
    for step in steps:
        as_owner = step is not steps[-1] and _is_owners(step, sandbox)
        run = sandbox.run_as_owner if as_owner else sandbox.session.run
        if broken or not isinstance(run(step.sql), Accepted):
            return False
        broken = sandbox.new_violations()
    return rule in broken


def _is_owners(step: Step, sandbox: Sandbox) -> bool:
    """Return whether the owner does a step, which the role that acts has no right to."""
    return bool(sandbox.missing_privilege(step.sql))


def _with(finding: Finding, steps: Steps, sandbox: Sandbox) -> Finding:
    """Return a finding that other steps show."""
    *before, last = (
        shown_as(
            None if step is not steps[-1] and _is_owners(step, sandbox) else sandbox.role,
            transaction_script(step.sql),
        )
        for step in steps
    )
    script = "".join(f"{each}-- {ACCEPTED}\n\n" for each in before)
    return Finding(
        finding.rule,
        finding.verdict,
        expected=finding.expected,
        observed=finding.observed,
        script=f"{script}{last}-- {finding.observed}\n\n",
        steps=tuple(steps),
        also=finding.also,
        cause=finding.cause,
        role=finding.role,
    )
