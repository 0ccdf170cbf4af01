"""Record of the tests of a run, and of what they make of each rule."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from conformance.engine.cases.verdicts import Standing, Tally, Verdict
from conformance.engine.domain.chosen import RULES
from conformance.engine.report import causes
from conformance.engine.report.parts import Part, Parts

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    import pytest

    from conformance.engine.report.causes import Cause

PROPERTY = "conformance"  # what a report carries: a rule, a path, their tally, maybe a failure
MOST_NAMED = 5  # rules that one reason leaves unproven
RAN = "every part of its proof to run"
COUNTED = ("passed", "failed", "errors", "skipped", "deselected", "not_run")


class Failed(NamedTuple):
    """A test, or a file of tests, that failed: its report, why, and in which phase."""

    test: str
    when: str
    cause: Cause
    report: pytest.TestReport | pytest.CollectReport

    def as_dict(self, rules: tuple[str, ...]) -> dict[str, Any]:
        """Return it as the report of the run has it."""
        return {
            "test": self.test,
            "when": self.when,
            "kind": self.cause.kind,
            "said": self.cause.said,
            "rules": list(rules),
        }


@dataclass(slots=True)
class Reason:
    """The tests that failed for one reason, in their order, and rules that this leaves unproven."""

    tests: dict[str, None] = field(default_factory=dict)
    rules: dict[str, None] = field(default_factory=dict)


@dataclass(slots=True)
class Record:
    """All that was seen in one run, here or by workers.

    Attributes:
        failed: the tests that failed, and the phases in which they did.
        skipped: the tests that chose not to run, and why.
        done: the tests that came to their end.
        counts: tests by what became of them.
        beside: once it is judged, the failures that are no rule's.
        reasons: why parts of a proof did not come to their end, each with the tests and the rules.
    """

    failed: list[Failed] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    done: set[str] = field(default_factory=set)
    counts: Counter[str] = field(default_factory=Counter)
    beside: list[dict[str, Any]] = field(default_factory=list)
    reasons: dict[str, Reason] = field(default_factory=dict)
    _standings: dict[str, Standing] = field(default_factory=dict)
    _failures: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def note(self, report: pytest.TestReport) -> None:
        """Add what one phase of a test said."""
        if report.when == "call":  # the phases of a test carry the same properties, or more
            self._note_seen(report)
        elif report.failed:
            self._note_failures(report)
        if report.failed:
            when = report.when if report.when in {"setup", "call", "teardown"} else "crash"
            self.failed.append(Failed(report.nodeid, when, causes.of_report(report), report))
            self.counts["failed" if when in {"call", "crash"} else "errors"] += 1
        elif report.skipped:
            self.counts["skipped"] += 1
            if not hasattr(report, "wasxfail"):
                self.skipped[report.nodeid] = _reason(report)
        elif report.when == "call":
            self.counts["passed"] += 1
        if report.when in {"teardown", "???"}:
            self.done.add(report.nodeid)

    def note_collection(self, report: pytest.CollectReport) -> None:
        """Add a file of tests that could not be read."""
        if report.failed:
            self.failed.append(
                Failed(report.nodeid, "collection", causes.of_report(report), report)
            )
            self.counts["errors"] += 1

    def judge(self, parts: Parts, *, whole: bool) -> dict[str, Standing]:
        """Return the standings of the rules that a run was about, in the order of the catalogue.

        Args:
            parts: its tests.
            whole: whether it was about all rules, those that no test tried included.
        """
        self._blame()
        for failed in self.failed:
            self._leave_unproven(failed, parts)
        for test, reason in self.skipped.items():
            for rule in parts.tests.get(test, Part()).rules:
                self._unproven(rule, test, "skipped", reason)
        unreached = set(parts.tests) - self.done
        for test in unreached:
            for rule in parts.tests[test].rules:
                self._standing(rule).unreached += 1
        self.counts["not_run"] = len(unreached)
        self.counts["deselected"] = parts.deselected
        for rule in (one for part in parts.tests.values() if not part.wide for one in part.rules):
            self._standing(rule).tests += 1
        for rule, number in parts.left.items():
            self._standing(rule).left = number
        about = {rule for part in parts.tests.values() if part.own for rule in part.rules}
        about |= {rule for rule, seen in self._standings.items() if seen.total.any or _blamed(seen)}
        about |= {*self._found_unproven(parts)}
        judged = {rule: self._standing(rule) for rule in RULES if whole or rule in about}
        if not parts.tests:  # nobody came so far as to know them
            for standing in judged.values():
                standing.unreached += 1
        return judged

    def _found_unproven(self, parts: Parts) -> Iterator[str]:
        """Return the rules that a test of theirs found to be unproven, such as a race that hangs.

        A test of many rules says so of those too that nobody asked for.
        """
        for test, failure in self._failures:
            part = parts.tests.get(test, Part())
            if not part.wide and failure["rule"] in part.rules:
                yield failure["rule"]

    def _note_seen(self, report: pytest.TestReport) -> None:
        for seen in _seen(report):
            tally = Tally(*seen["tally"])
            if seen["rule"] in RULES and (tally.any or "failure" not in seen):
                standing = self._standing(seen["rule"])
                standing.paths.setdefault(seen["path"], Tally()).add(tally)
                standing.as_role.add(Tally(*seen.get("as_role", ())))
                if seen.get("reason"):
                    standing.reasons[seen["path"]] = seen["reason"]
        self._note_failures(report)

    def _note_failures(self, report: pytest.TestReport) -> None:
        for seen in _seen(report):
            if "failure" in seen:
                self._failures.append((report.nodeid, seen["failure"]))

    def _blame(self) -> None:
        """Give each finding to the rule that it names."""
        for test, failure in self._failures:
            if failure["rule"] in RULES:
                self._standing(failure["rule"]).failures.append(failure)
                if failure["verdict"] == Verdict.UNPROVEN:
                    said = causes.reason(failure["observed"])
                    reason = self.reasons.setdefault(said, Reason())
                    reason.tests[test] = reason.rules[failure["rule"]] = None
            else:
                self.beside.append(failure)

    def _leave_unproven(self, failed: Failed, parts: Parts) -> None:
        """Say of each rule what part of its proof did not come to its end, and why."""
        part = parts.tests.get(failed.test, Part())
        rules = tuple(RULES) if failed.when == "collection" else part.rules
        if failed.cause.kind == causes.ERROR or (part.ends and self._lacked(failed.test)):
            for rule in rules:
                self._unproven(rule, failed.test, failed.when, failed.cause.shared)
        elif failed.cause.kind == causes.FAILURE and part.wide:
            self.beside.append(_failure("FAILURE", failed.test, failed.when, failed.cause.said))
        elif not part.wide:
            blamed = {failure["rule"] for test, failure in self._failures if test == failed.test}
            for rule in set(rules) - blamed if not blamed & set(rules) else ():
                self._unproven(rule, failed.test, failed.when, failed.cause.shared)

    def _lacked(self, test: str) -> bool:
        """Return whether a test found that the schema lacks something which it needs."""
        return any(
            failure["verdict"] == Verdict.UNPROVEN and causes.lacking(failure["observed"])
            for name, failure in self._failures
            if name == test
        )

    def forget_all_but(self, kept: Collection[str]) -> None:
        """Let failures name no finding but those that are kept, which `replay` can read."""
        for _, failure in self._failures:
            if failure.get("finding", "") not in kept:
                failure.pop("finding", None)

    def unproven(self, judged: Mapping[str, Standing]) -> Iterator[str]:
        """Return why rules that were judged are unproven, a line a reason."""
        for said, reason in self.reasons.items():
            rules = [rule for rule in reason.rules if rule in judged]
            if rules:
                more = f" and {len(rules) - MOST_NAMED} more" if len(rules) > MOST_NAMED else ""
                count = len(reason.tests)
                where = f"{count} tests" if count > 1 else next(iter(reason.tests))
                yield f"unproven: {', '.join(rules[:MOST_NAMED])}{more}"
                yield f"  because of {where}: {said}"

    def _unproven(self, rule: str, test: str, when: str, said: str) -> None:
        reason = self.reasons.setdefault(causes.reason(said), Reason())
        reason.tests[test] = reason.rules[rule] = None
        failures = self._standing(rule).failures
        if not any(each["test"] == test for each in failures):
            failures.append(_failure(rule, test, when, said))

    def _standing(self, rule: str) -> Standing:
        return self._standings.setdefault(rule, Standing())


def _seen(report: pytest.TestReport) -> Iterator[dict[str, Any]]:
    properties: list[tuple[str, Any]] = report.user_properties
    return (seen for name, seen in properties if name == PROPERTY)


def _failure(rule: str, test: str, when: str, said: str) -> dict[str, Any]:
    """Return a failure that says that a part of a proof did not come to its end."""
    return {
        "rule": rule,
        "verdict": str(Verdict.UNPROVEN),
        "expected": RAN,
        "observed": f"{when} of {test}: {said}",
        "script": "",
        "path": when,
        "test": test,
    }


def _blamed(standing: Standing) -> bool:
    """Return whether it was found that the rule fails, and not only that it is unproven."""
    return any(failure["verdict"] != Verdict.UNPROVEN for failure in standing.failures)


def _reason(report: pytest.TestReport) -> str:
    longrepr = report.longrepr
    return str(longrepr[2]) if isinstance(longrepr, tuple) else str(longrepr)
