"""The corpus in a run: replayed first, added to when something new fails, and summed up."""

from __future__ import annotations

import os
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from conformance.engine.cases.steps import ACCEPTED, LEGAL, Expectation, Step, of_history
from conformance.engine.cases.verdicts import Finding, Verdict
from conformance.engine.domain.chosen import RULES
from conformance.engine.pytest_plugin.keys import ENVIRONMENT
from conformance.engine.pytest_plugin.role import role_of
from conformance.engine.regressions import entries
from conformance.engine.regressions.entries import Entry, Status
from conformance.engine.report import sections
from conformance.engine.sql.outcomes import Accepted

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from conformance.engine.database.sandbox import Sandbox

OPTION = "--conformance-corpus"
FOLDER = Path(__file__).parents[2] / "corpus"
REPLAYED, ADDED = "corpus replayed", "corpus added"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Register where the corpus is."""
    parser.getgroup("conformance").addoption(
        OPTION,
        metavar="DIR",
        help="replay, and add to, the failures in this folder (default: the suite's own)",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Sum up here what is seen here or by all workers."""
    sections.add(config, _Summary())


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Keep a failure that is new, unless this is CI."""
    outcome = yield
    if call.when != "call" or call.excinfo is None or os.environ.get("CI"):
        return outcome
    finding = call.excinfo.value
    folder = _writable(item.config)
    if isinstance(finding, Finding) and folder is not None:
        path = _keep(finding, folder, item)
        if path is not None:
            outcome.user_properties.append((ADDED, str(path)))
    return outcome


def folder_of(config: pytest.Config) -> Path:
    """Return the folder of the corpus."""
    named = config.getoption(OPTION)
    return Path(config.invocation_params.dir, named) if named else FOLDER


def _writable(config: pytest.Config) -> Path | None:
    """Return the folder to add to.

    What fails on another schema, or for a role, says nothing of this one and its owner: it is kept
    where that was asked for.
    """
    folder = folder_of(config)
    own = config.stash[ENVIRONMENT].migrations.resolve() == FOLDER.parents[1] / "migrations"
    own = own and role_of(config) is None
    asked = config.getoption(OPTION) is not None
    return folder if (own or asked) and os.access(folder, os.W_OK) else None


def _keep(finding: Finding, folder: Path, item: pytest.Item) -> Path | None:
    steps = steps_of(finding, item)
    if not steps:
        return None
    note = f"{finding.verdict}. expected: {finding.expected}. observed: {finding.observed}"
    found = datetime.now(UTC).date().isoformat()
    with suppress(OSError):  # a folder that has become full or is gone loses no verdict
        return entries.write(folder, Entry(finding.rule, found, note, steps))
    return None


def steps_of(finding: Finding, item: pytest.Item) -> tuple[Step, ...]:
    """Return the steps that show a finding: its own, or what the test's database went through."""
    if finding.role:  # they would be done again as the owner
        return ()
    if finding.steps is not None:
        return finding.steps
    sandbox: Sandbox | None = getattr(item, "funcargs", {}).get("sandbox")
    if sandbox is None:
        return ()
    return of_history(sandbox.session.history, _expectation(finding, sandbox))


def _expectation(finding: Finding, sandbox: Sandbox) -> Expectation:
    if finding.verdict in (Verdict.OVERBLOCKED, Verdict.UNPROVEN):
        return ACCEPTED
    if finding.rule not in RULES:  # nothing that could be expected to refuse it by name
        return LEGAL
    accepted = isinstance(sandbox.session.history[-1][1], Accepted)
    if finding.verdict is Verdict.BROKEN and (not accepted or sandbox.violations()):
        return LEGAL
    return (finding.rule,)


class _Summary:
    """Counts what became of regressions, and says where they grew."""

    title = "regressions"

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._fixed: list[str] = []
        self._lines: list[str] = []

    def note(self, report: pytest.TestReport) -> None:
        """Note one test's share."""
        for seen in sections.carried(report, REPLAYED):
            self._counts[seen["status"]] += 1
            to = self._fixed if seen["status"] == Status.FIXED else self._lines
            to.append("{status:<7} {file}: {reason}".format(**seen))
        for seen in sections.carried(report, ADDED):
            self._lines.append(f"NEW     {seen}")

    def brief(self) -> Iterator[str]:
        """Return a line for each that is not fixed, or is new; then how many have each status."""
        if self._fixed or self._lines:
            yield from sorted(self._lines)
            yield ", ".join(f"{self._counts[status]} {status}" for status in Status)

    def lines(self) -> Iterator[str]:
        """Return a line for each that is fixed."""
        yield from sorted(self._fixed)

    def missed(self) -> list[str]:
        """Return nothing: every regression is a test of its own."""
        return []
