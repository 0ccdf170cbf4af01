"""The verdicts of a run: what its tests send along, and the recorder that gathers it.

The report knows every way to try every rule: it is imported when there is something to report.
"""

from __future__ import annotations

import os
import stat
from io import UnsupportedOperation
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from conformance.engine.pytest_plugin import findings, proof, replay
from conformance.engine.pytest_plugin.fixtures import CASE_RUNNER
from conformance.engine.pytest_plugin.report import BASELINE, DESELECTED, PARTS, Recorder, unheard
from conformance.engine.report import causes, forms
from conformance.engine.report.document import ReportError
from conformance.engine.report.record import PROPERTY

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from conformance.engine.cases.verdicts import Finding

OPTION = "--conformance-report"
BASELINE_OPTION = "--conformance-baseline"
BASELINE_VARIABLE = "CONFORMANCE_BASELINE"
# What stands for the write path in the report, by the file of a test that is of none.
PATHS = {
    "test_machines": "life",
    "test_derived_machines": "life",
    "test_races": "race",
    "test_meeting_rules": "race",
    "test_hostile": "raid",
    "test_columns": "column",
    "test_patterns": "column",
    "test_corpus": "regression",
    "test_role": "right",
}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Register where the report goes."""
    parser.getgroup("conformance").addoption(
        OPTION,
        metavar="FILE",
        action="append",
        help="write the verdicts to this file, in the form that its ending asks for: .json, .xml "
        "(JUnit), .html, .md, .sarif; may be given several times",
    )
    parser.getgroup("conformance").addoption(
        BASELINE_OPTION,
        metavar="FILE",
        help="accept the failures that this file names, each with a reason and an end: they are "
        f"shown, and do not fail the run ({BASELINE_VARIABLE})",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Gather what is seen, here or by all workers."""
    config.stash[DESELECTED] = []
    if not hasattr(config, "workerinput"):
        _read_baseline(config)
        _expect_writable(config)
        config.pluginmanager.register(Recorder(config), "conformance-recorder")


def pytest_deselected(items: Sequence[pytest.Item]) -> None:
    """Remember the tests that were left out."""
    if items:
        items[0].config.stash[DESELECTED] += items


@pytest.hookimpl(tryfirst=True)
def pytest_collection(session: pytest.Session) -> None:
    """End a run whose output nobody can read, such as on a full disk: its header stands there."""
    if hasattr(session.config, "workerinput"):
        return
    shown = session.config.get_terminal_writer()
    try:
        number = shown._file.fileno()  # noqa: SLF001 - pytest has no other way to say it
        is_device = stat.S_ISCHR(os.fstat(number).st_mode) and not os.isatty(number)
        shown.write("\n" if is_device else "", flush=True)
    except UnsupportedOperation:  # it is kept in memory
        return
    except OSError as error:
        raise unheard(session.config, error) from None


@pytest.hookimpl(trylast=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Tell which tests there are, while none has run."""
    config = session.config
    left = config.stash[DESELECTED]
    found = proof.parts_of(session.items, left)
    told: dict[str, Any] = getattr(config, "workerinput", {})
    if "parts" in told:
        found.write(Path(told["parts"]))
    else:
        config.stash[PARTS] = found


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Send what was counted, and what was found, along with the test's report."""
    outcome = yield
    cause = causes.of_call(call) if outcome.failed else None
    case_runner = item.stash.get(CASE_RUNNER, None)
    path = str(case_runner.path) if case_runner else PATHS.get(item.path.stem, item.path.stem)
    if cause is not None and call.excinfo is not None:
        outcome.user_properties.append(causes.as_property(cause, call.when))
        found = list(causes.findings(call.excinfo.value))
        others = found[1:]
        if call.when == "call" and case_runner is not None:
            others += (
                case_runner.findings.beside(found[0])
                if found
                else case_runner.findings.kept.values()
            )
        if found:
            outcome.longrepr = _told(found[0], item, others)
        for finding in (*found[:1], *others):
            _send(outcome, finding, path, item)
    if call.when == "call" and case_runner is not None:
        tally = list(case_runner.tally.counts)
        seen = {
            "rule": case_runner.rule.id,
            "path": path,
            "tally": tally,
            "reason": case_runner.reason,
        }
        if case_runner.impersonated is not None:
            seen["as_role"] = list(case_runner.impersonated.tally.counts)
        outcome.user_properties.append((PROPERTY, seen))
    return outcome


def add_finding(outcome: pytest.TestReport, finding: Finding, path: str, item: pytest.Item) -> None:
    """Send what a test found, and show how to run it again.

    Args:
        outcome: the test's report.
        finding: what it found.
        path: the write path that was tried, or what stands for it in the report.
        item: the test.
    """
    outcome.longrepr = _told(finding, item)
    _send(outcome, finding, path, item)


def _send(outcome: pytest.TestReport, finding: Finding, path: str, item: pytest.Item) -> None:
    kept = findings.seen(finding, path, item)
    if kept is not None:
        outcome.user_properties.append((findings.PROPERTY, kept.as_dict()))
    for rule in (finding.rule, *finding.also):
        failure: dict[str, Any] = {
            **finding.as_dict(),
            "rule": rule,
            "path": path,
            "test": item.nodeid,
        }
        if finding.timeline is not None:
            failure["timeline"] = finding.timeline
        if kept is not None:
            failure["finding"] = kept.id
        seen = {"rule": rule, "path": path, "tally": [0, 0, 0], "failure": failure}
        outcome.user_properties.append((PROPERTY, seen))


def _read_baseline(config: pytest.Config) -> None:
    """Read which failures are accepted; end the run before it begins if that cannot be read."""
    named = config.getoption(BASELINE_OPTION) or os.environ.get(BASELINE_VARIABLE)
    if not named:
        return
    from conformance.engine.report.baseline import Baseline, BaselineError

    try:
        config.stash[BASELINE] = Baseline.read(Path(config.invocation_params.dir, named))
    except BaselineError as error:
        message = f"{BASELINE_OPTION}: {error}"
        raise pytest.UsageError(message) from None


def _expect_writable(config: pytest.Config) -> None:
    """End the run before it begins if its report could not be written, or has no such form."""
    for named in config.getoption(OPTION) or ():
        target = Path(named)
        there = target.exists()
        try:
            forms.format_of(target)
            _write_and_take_back(target)
            if not there:
                target.unlink()
        except OSError as error:
            message = f"{OPTION}: cannot write {named}: {error.strerror}"
            raise pytest.UsageError(message) from None
        except ReportError as error:
            message = f"{OPTION}: {error}"
            raise pytest.UsageError(message) from None


def _write_and_take_back(target: Path) -> None:
    """Write a byte to a file and leave it as it was; raises OSError where it takes none."""
    with target.open("ab", buffering=0) as file:
        before = file.tell()
        file.write(b"\n")
        if target.is_file():
            file.truncate(before)


def _told(finding: Finding, item: pytest.Item, others: Sequence[Finding] = ()) -> str:
    """Return a finding in words, with a line for what else was found, and how to run it again."""
    also = [f"also found: {each.rule} is {each.verdict}: {each.observed}" for each in others]
    kept = findings.seen(finding, "", item)
    short = [f"kept: framecast-conformance replay {kept.id}"] if kept else []
    short += filter(None, [findings.unable(item.config)])
    return "\n".join([str(finding), *also, f"replay: {replay.command(item)}", *short])
