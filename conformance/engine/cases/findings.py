"""The findings of all examples of one test: the worst is looked for until the budget is spent.

A test that ended with its first finding would hide a worse one: a check that is renamed and
weakened is refused under a strange name in one example, and lets a violation pass in the next. So
at first no example raises anything: what it meets is kept, by its cause, and the test goes on. When
all examples are spent, the worst of what was kept is sought in the same examples again, so that it
is made as small as anything that Hypothesis finds.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from conformance.engine.cases.verdicts import Finding, Verdict
from conformance.engine.domain.chosen import RULES
from conformance.engine.sql.outcomes import INCONCLUSIVE

if TYPE_CHECKING:
    from collections.abc import Iterable

ORDER = tuple(Verdict)  # the worst first


class Sort(NamedTuple):
    """A kind of finding: findings of one sort are the same, and one of them is reported."""

    rule: str
    verdict: Verdict
    cause: str


@dataclass(slots=True)
class Findings:
    """Findings along one path of one rule.

    Attributes:
        rule: the rule that is tried.
        is_patient: whether nothing ends an example.
        sought: what ends an example then; None for whatever is found.
        kept: of each sort the finding with the shortest script.
    """

    rule: str
    is_patient: bool = False
    sought: Sort | None = None
    kept: dict[Sort, Finding] = field(default_factory=dict)

    def wait(self) -> None:
        """Let nothing end an example."""
        self.is_patient = True

    def seek_worst(self) -> None:
        """Let nothing end an example but the worst of what was kept."""
        self.is_patient, self.sought = False, sort_of(self.worst())

    def meet(self, findings: Iterable[Finding]) -> None:
        """Keep what one example came to.

        Raises:
            Finding: What is sought is among it: the worst of that.
        """
        met = list(findings)
        for finding in met:
            known = self.kept.setdefault(sort_of(finding), finding)
            if len(finding.script) < len(known.script):
                self.kept[sort_of(finding)] = finding
        sought = [finding for finding in met if self.is_sought(finding)]
        if sought:
            raise min(sought, key=self._badness)

    def is_sought(self, finding: Finding) -> bool:
        """Return whether a finding ends its example."""
        return not self.is_patient and self.sought in (None, sort_of(finding))

    def worst(self) -> Finding:
        """Return the worst finding kept: of several that are as bad, one of the tried rule.

        Raises:
            ValueError: Nothing was.
        """
        return min(self.kept.values(), key=self._badness)

    def beside(self, told: Finding) -> list[Finding]:
        """Return what was kept of other sorts than the finding that a test ended with."""
        others = (each for sort, each in self.kept.items() if sort != sort_of(told))
        return sorted(others, key=self._badness)

    def _badness(self, finding: Finding) -> tuple[int, bool, str, str]:
        others = finding.rule != self.rule
        return ORDER.index(finding.verdict), others, finding.rule, finding.cause


def sort_of(finding: Finding) -> Sort:
    """Return the sort that a finding is of."""
    return Sort(finding.rule, finding.verdict, finding.cause)


def is_strange(finding: Finding) -> bool:
    """Return whether something else than the rule refused, and did not just run out of time."""
    refused = finding.verdict in (Verdict.UNNAMED, Verdict.UNPROVEN)
    if refused and finding.cause not in RULES and finding.cause not in INCONCLUSIVE:
        return True
    return is_in_anothers_name(finding)


def is_in_anothers_name(finding: Finding) -> bool:
    """Return whether another rule refused, in its own name, what this one forbids."""
    return finding.verdict is Verdict.UNNAMED and finding.cause in RULES


def because_of_another(finding: Finding) -> Finding:
    """Return what a violation leaves unproven that another rule refused, for what it held else."""
    return Finding(
        finding.rule,
        Verdict.UNPROVEN,
        expected=finding.expected,
        observed=f"because of {finding.cause}: {finding.observed}",
        script=finding.script,
        steps=finding.steps,
        cause=finding.cause,
    )
