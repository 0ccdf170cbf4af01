"""The verdicts of a run: one line a rule on the terminal, and the same as JSON.

The report knows every way to try every rule: it is imported when there is something to report.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from conformance import replay
from conformance.catalogue import RULES
from conformance.fixtures import TRIAL
from conformance.plugin import STAGE, runs_tests
from conformance.postgres import ProvisionError
from conformance.roles import role_of
from conformance.verdicts import Finding, Standing, Tally, Verdict

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

STANDINGS = pytest.StashKey[dict[str, Standing]]()
PROPERTY = "conformance"
OPTION = "--conformance-report"
RULE_TESTS = Path(__file__).with_name("test_rules.py")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Register where the report goes."""
    parser.getgroup("conformance").addoption(
        OPTION, metavar="FILE", help="write the verdicts as JSON to this file"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Gather what is seen, here or by all workers."""
    config.stash[STANDINGS] = {}
    if not hasattr(config, "workerinput"):
        _expect_writable(config)
        config.pluginmanager.register(Ledger(config), "conformance-ledger")


def _expect_writable(config: pytest.Config) -> None:
    """End the run before it begins if its report could not be written."""
    named = config.getoption(OPTION)
    if not named:
        return
    target = Path(named)
    there = target.exists()
    try:
        target.open("a", encoding="utf-8").close()
        if not there:
            target.unlink()
    except OSError as error:
        message = f"{OPTION}: cannot write {named}: {error.strerror}"
        raise pytest.UsageError(message) from None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Send what was counted, and what was found, along with the test's report."""
    outcome = yield
    trial = item.stash.get(TRIAL, None)
    if call.when != "call" or trial is None:
        return outcome
    tally = trial.tally
    seen: dict[str, Any] = {
        "rule": trial.rule.id,
        "path": str(trial.path),
        "tally": list(tally.counts),
        "reason": trial.reason,
    }
    if call.excinfo is not None:
        finding = _finding(call.excinfo.value, trial.rule.id)
        others = trial.findings.beside(finding)
        if finding is call.excinfo.value:
            outcome.longrepr = _told(finding, item, others)
        for each in (finding, *others):
            failure = {**each.as_dict(), "path": seen["path"], "test": item.nodeid}
            if each.rule == trial.rule.id and "failure" not in seen:
                seen["failure"] = failure
            else:
                more = {"rule": each.rule, "path": seen["path"], "tally": [0], "failure": failure}
                outcome.user_properties.append((PROPERTY, more))
        # Where only others were found at fault, nothing was proven of the rule on trial.
        about = {**finding.as_dict(), "path": seen["path"], "test": item.nodeid}
        seen.setdefault(
            "failure", {**about, "rule": trial.rule.id, "verdict": str(Verdict.UNPROVEN)}
        )
    outcome.user_properties.append((PROPERTY, seen))
    return outcome


def add_finding(outcome: pytest.TestReport, finding: Finding, path: str, item: pytest.Item) -> None:
    """Send what a test of no rule in particular found, and show how to run it again.

    Args:
        outcome: the test's report.
        finding: what it found.
        path: what stands for the write path in the report.
        item: the test.
    """
    outcome.longrepr = _told(finding, item)
    for rule in (finding.rule, *finding.also):
        failure = {**finding.as_dict(), "rule": rule, "path": path, "test": item.nodeid}
        seen = {"rule": rule, "path": path, "tally": [0, 0, 0], "failure": failure}
        outcome.user_properties.append((PROPERTY, seen))


def _told(finding: Finding, item: pytest.Item, others: Sequence[Finding] = ()) -> str:
    """Return a finding in words, with a line for what else was found, and how to run it again."""
    also = [f"also found: {each.rule} is {each.verdict}: {each.observed}" for each in others]
    return "\n".join([str(finding), *also, f"replay: {replay.command(item)}"])


def _finding(error: BaseException, rule: str) -> Finding:
    """Return the finding that ended a test; of any other error, that nothing was proven."""
    if isinstance(error, Finding):
        return error
    return Finding(
        rule,
        Verdict.UNPROVEN,
        expected="an answer of the database",
        observed=f"{type(error).__name__}: {error}",
        script="",
    )


class Ledger:
    """Gathers what the tests of all workers report."""

    def __init__(self, config: pytest.Config) -> None:
        """Gather into the run's standings."""
        self._standings = config.stash[STANDINGS]
        self._beside: list[dict[str, Any]] = []
        self._whole = _is_whole(config)
        self._written = ""  # what became of the report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Add one test's counts and findings."""
        properties: list[tuple[str, Any]] = report.user_properties
        for name, seen in properties:
            if name != PROPERTY:
                continue
            rule = seen["rule"]
            if rule not in RULES:
                self._beside.append(seen["failure"])
                continue
            standing = self._standings.setdefault(rule, Standing())
            standing.paths.setdefault(seen["path"], Tally()).add(Tally(*seen["tally"]))
            if seen.get("reason"):
                standing.reasons[seen["path"]] = seen["reason"]
            failure = seen.get("failure")
            if failure and failure["rule"] != rule:
                if failure["rule"] in RULES:
                    self._standings.setdefault(failure["rule"], Standing()).failures.append(failure)
                else:
                    self._beside.append(failure)
                failure = {**failure, "verdict": str(Verdict.UNPROVEN)}  # of the rule on trial
            if failure:
                standing.failures.append(failure)

    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Fail a run in which a rule was not held, whatever its tests said; write the report."""
        judged = self._judged()
        unheld = any(standing.verdict is not Verdict.HELD for standing in judged.values())
        if exitstatus == pytest.ExitCode.OK and (unheld or self._beside):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        target = session.config.getoption(OPTION)
        if target and runs_tests(session.config):
            from conformance import report

            text = report.as_json(judged, _about(session.config), self._beside)
            try:
                Path(target).write_text(text, encoding="utf-8")
            except OSError as error:  # it has become full, or is gone, since the run began
                self._written = f"report: cannot write {target}: {error.strerror}"
                session.exitstatus = session.exitstatus or pytest.ExitCode.TESTS_FAILED
            else:
                self._written = f"report: {target}"

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print one line a rule, and what was found beside them; say where the report is."""
        judged = self._judged()
        if judged or self._beside:
            from conformance import report

            terminalreporter.section("rules")
            for line in report.lines(judged, self._beside):
                terminalreporter.write_line(line)
        if self._written:
            terminalreporter.write_line(self._written)

    def _judged(self) -> dict[str, Standing]:
        """Return the standings of the rules of this run, in the order of the catalogue.

        A run of the whole suite is about all rules, those that no test tried included.
        """
        if not self._whole and not self._standings:
            return {}
        from conformance import report

        if self._whole:
            return {rule: self._standings.get(rule, Standing()) for rule in report.ORDER}
        return {rule: self._standings[rule] for rule in report.ORDER if rule in self._standings}


def _about(config: pytest.Config) -> dict[str, Any]:
    """Return what the run stood on: no server, if none was asked for or there was none."""
    stage, role = config.stash[STAGE], role_of(config)
    if stage.begun:
        with suppress(ProvisionError):
            server = stage.server()
            return {"server": server.origin, "major": server.major, "role": role}
    return {"server": None, "major": None, "role": role}


def _is_whole(config: pytest.Config) -> bool:
    """Whether a run was asked for all tests of rules, and not for some of them."""
    some = ("keyword", "markexpr", "deselect", "lf", "stepwise", "collectonly")
    if any(config.getoption(name, default=None) for name in some):
        return False
    asked = (Path(config.invocation_params.dir, each).resolve() for each in config.args)
    return any(RULE_TESTS.is_relative_to(path) for path in asked)
