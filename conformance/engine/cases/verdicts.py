"""Verdicts on rules, and the one kind of failure that the suite reports."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from conformance.engine.sql.folding import folded

if TYPE_CHECKING:
    from conformance.engine.cases.steps import Step
    from conformance.engine.races.schedule import Schedule
    from conformance.engine.report.form import Timeline


class Verdict(StrEnum):
    """Verdict of a run on a rule, the worst first."""

    BROKEN = "broken"  # a violation was accepted
    OVERBLOCKED = "overblocked"  # a legal write was refused
    UNNAMED = "unnamed"  # a violation was refused without naming the rule
    UNPROVEN = "unproven"  # not seen on both sides
    HELD = "held"


# What the script of a finding begins with that one session cannot show.
SEVERAL: Final = "-- Several sessions at once"
NOT_RUN = "not run"  # in the place of a verdict, where a run ended before it came to a rule


class Finding(AssertionError):  # noqa: N818 - no error of the program, but what it found
    """A failure of the schema: one class for all, equal by rule, so that shrinking stays on one.

    Attributes:
        rule: the id of the rule that failed.
        verdict: how it failed.
        expected, observed: in words.
        script: SQL that psql runs on a fresh installation to show it; of several sessions, which
            begins with SEVERAL, who did what in which order.
        steps: the same as data, the last of which failed; () where steps cannot show it, None
            where what the database went through since it was empty shows it.
        also: the ids of further rules of which the same is true.
        cause: what is the same where many cases fail alike, such as the object that refused; or ''.
        role: who does the steps, where that is not who writes in the run; or ''.
        timeline: who did what in which order, as a report has it; None where it is of one session.
        schedule: the same, to do it again.
    """

    def __init__(  # noqa: PLR0913 - five things to say, in keywords, and how to do it again
        self,
        rule: str,
        verdict: Verdict,
        *,
        expected: str,
        observed: str,
        script: str,
        steps: tuple[Step, ...] | None = None,
        also: tuple[str, ...] = (),
        cause: str = "",
        role: str = "",
    ) -> None:
        """Say what failed, how, and how to see it."""
        super().__init__(rule, verdict, expected, observed, script)
        self.rule = rule
        self.verdict = verdict
        self.expected = expected
        self.observed = observed
        self.script = script
        self.steps = steps
        self.also = also
        self.cause = cause
        self.role = role
        self.schedule: Schedule | None = None
        self.timeline: Timeline | None = None

    def __eq__(self, other: object) -> bool:
        """Two findings are the same when they are about the same rule."""
        return isinstance(other, Finding) and self.rule == other.rule

    def __hash__(self) -> int:
        """Hash by rule."""
        return hash(self.rule)

    def __str__(self) -> str:
        """Print rule, verdict, expected, observed, and the SQL that shows it."""
        rules = ", ".join((self.rule, *self.also))
        told = (
            f"{rules} {'are' if self.also else 'is'} {self.verdict}\n"
            f"  expected: {self.expected}\n"
            f"  observed: {self.observed}\n"
        )
        if not self.script:  # such as of what could not be tried
            return told.rstrip("\n")
        return f"{told}  {shown_by(self.script)}:\n\n{folded(self.script)}"

    def as_dict(self) -> dict[str, str]:
        """Return plain values, for the report and for travel between processes."""
        return {
            "rule": self.rule,
            "verdict": str(self.verdict),
            "expected": self.expected,
            "observed": self.observed,
            "script": self.script,
        }


def shown_by(script: str) -> str:
    """Return what the script of a finding is, in words."""
    if script.startswith(SEVERAL):
        return "several sessions show it, in this order"
    return "on a fresh installation, psql shows it with"


@dataclass(slots=True)
class Tally:
    """Counts of how often a rule was tried along one path.

    `accepted`: legal writes that were accepted, or facts that granted. `rejected`: violations that
    were refused, or facts that denied; `named`: those of them that named the rule itself.

    In a run as a role: `denied`: violations that the role has no right to try, and that were
    refused for that; `not_permitted`: legal writes of which the same is true.
    """

    accepted: int = 0
    rejected: int = 0
    named: int = 0
    denied: int = 0
    not_permitted: int = 0

    def add(self, other: Tally) -> None:
        """Add the counts of another tally."""
        self.accepted += other.accepted
        self.rejected += other.rejected
        self.named += other.named
        self.denied += other.denied
        self.not_permitted += other.not_permitted

    @property
    def any(self) -> bool:
        """Return whether there is anything in it."""
        return any(self.counts)

    @property
    def counts(self) -> tuple[int, ...]:
        """The counts in the order in which a tally is made of them."""
        return (self.accepted, self.rejected, self.named, self.denied, self.not_permitted)


@dataclass(slots=True)
class Standing:
    """Standing of one rule in a run: its tallies, verdict and reasons.

    Attributes:
        paths: the counts by path.
        failures: what failed, and what could not run.
        reasons: by path, why a schema cannot express it.
        unreached: parts of its proof that the run did not come to.
        as_role: the counts of what was tried once more as the application's role.
        tests: how many tests of the rule alone were selected.
        left: how many were left out.
    """

    paths: dict[str, Tally] = field(default_factory=dict)
    failures: list[dict[str, Any]] = field(default_factory=list)
    reasons: dict[str, str] = field(default_factory=dict)
    unreached: int = 0
    as_role: Tally = field(default_factory=Tally)
    tests: int = 0
    left: int = 0

    @property
    def total(self) -> Tally:
        """The counts of all paths together."""
        total = Tally()
        for tally in self.paths.values():
            total.add(tally)
        return total

    @property
    def verdict(self) -> Verdict:
        """The worst of the failures; without one, held if both sides were seen and named.

        What a role has no right to do is a side that was seen.
        """
        for verdict in Verdict:
            if any(failure["verdict"] == verdict for failure in self.failures):
                return verdict
        total = self.total
        legal, illegal = total.accepted or total.not_permitted, total.named or total.denied
        proven = legal and illegal and not self.unreached
        return Verdict.HELD if proven else Verdict.UNPROVEN

    @property
    def word(self) -> str:
        """The verdict in a word; that there is none yet, where the run ended too early for one."""
        return NOT_RUN if self.unreached and not self.failures else str(self.verdict)
