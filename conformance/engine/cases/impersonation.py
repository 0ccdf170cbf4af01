"""Scenarios tried a second time as the application's role, beside those that its owner writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.engine.cases.case_runner import CaseRunner
from conformance.engine.cases.verdicts import Finding

if TYPE_CHECKING:
    from conformance.engine.cases.scenario import Scenario
    from conformance.engine.database.sandbox import Sandbox

# One scenario in so many: what the role has no right to is mostly refused before a rule is asked.
EVERY = 10


class Impersonated:
    """A case runner as the owner, some of whose scenarios are tried as a role too.

    The first is, so that no rule and path is without one. Once the role has failed, each is: then
    what is made smaller fails for as long as the role does.
    """

    def __init__(self, case_runner: CaseRunner, sandbox: Sandbox, role: str) -> None:
        """Try what the case runner tries; the case runner alone counts."""
        self._case_runner = case_runner
        self._sandbox = sandbox
        self._role = role
        self._again = CaseRunner(sandbox, case_runner.rule, case_runner.path)
        case_runner.impersonated = self._again
        self._runs = 0
        self._has_failed = False

    def run(self, scenario: Scenario) -> None:
        """Try a scenario as the owner, then as the role where it is its turn.

        Raises:
            Finding: The schema did not do what the rule asks of either, and that is what is sought.
        """
        self._case_runner.run(scenario)
        self._runs += 1
        if self._case_runner.met:  # what the owner meets, the role would meet again
            return
        if self._has_failed or self._runs % EVERY == 1:
            try:
                with self._sandbox.acting_as(self._role):
                    self._again.run(scenario)
            except Finding as finding:
                self._has_failed = True
                told = self._as_role(finding)
            else:
                return
            self._case_runner.findings.meet([told])

    def _as_role(self, finding: Finding) -> Finding:
        return Finding(
            finding.rule,
            finding.verdict,
            expected=finding.expected,
            observed=f"as {self._role}: {finding.observed}",
            script=finding.script,
            steps=finding.steps,
            cause=f"as {self._role}: {finding.cause}",
            role=self._role,
        )
