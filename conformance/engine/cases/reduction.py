"""The smallest script that shows a finding: what it can do without is left out.

A scenario is drawn with the past of its rows, neighbours and the legal write at the edge, which
most violations do not need. What a finding's steps did is done again without a transaction, then
without a statement; while the last step still breaks the same rule, what was left out stays out.
"""

from __future__ import annotations

import time
from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING, Final

from conformance.engine.cases.attempt import transaction_script
from conformance.engine.cases.steps import ACCEPTED, LEGAL
from conformance.engine.cases.verdicts import Finding, Verdict
from conformance.engine.sql.outcomes import Accepted

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TypeAlias

    from conformance.engine.cases.steps import Step
    from conformance.engine.database.sandbox import Sandbox

    Steps: TypeAlias = Sequence[Step]

SECONDS: Final = 3.0  # for all findings of a process: where hundreds are broken, some are long
ACTING: Final = "SET ROLE "
TOGETHER: Final = (3, 1)  # statements that may need each other, as a user, a team and its member do


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
        if sandbox.role is not None or ACTING in finding.script:
            return finding
        begun = time.monotonic()
        shorter = self._shorter(finding.rule, steps, sandbox, begun + self._left)
        self._left -= time.monotonic() - begun
        return finding if shorter == steps else _with(finding, shorter)

    def _shorter(self, rule: str, steps: Steps, sandbox: Sandbox, end: float) -> tuple[Step, ...]:
        """Return the steps without what could be left out before the end."""

        def is_shown(by: Steps) -> bool:
            return time.monotonic() < end and _is_broken(rule, by, sandbox)

        *before, last = steps
        if not is_shown(steps):
            return tuple(steps)
        if is_shown((last,)):
            before = []
        for at in reversed(range(len(before))):
            if is_shown((*before[:at], *before[at + 1 :], last)):
                del before[at]
        kept = [*before, last]
        for at, together in product(reversed(range(len(kept))), TOGETHER):
            for first in reversed(range(len(kept[at].sql) - together + 1)):
                sql = (*kept[at].sql[:first], *kept[at].sql[first + together :])
                less = replace(kept[at], sql=sql)
                if sql and is_shown((*kept[:at], less, *kept[at + 1 :])):
                    kept[at] = less
        return tuple(kept)


def _is_broken(rule: str, steps: Steps, sandbox: Sandbox) -> bool:
    """Do steps on an emptied database; return whether the last one, and no other, broke a rule."""
    sandbox.reset()
    broken: dict[str, list[str]] = {}
    for step in steps:
        if broken or not isinstance(sandbox.session.run(step.sql), Accepted):
            return False
        broken = sandbox.new_violations()
    return rule in broken


def _with(finding: Finding, steps: Steps) -> Finding:
    """Return a finding that other steps show."""
    *before, last = (transaction_script(step.sql) for step in steps)
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
    )
