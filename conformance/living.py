"""Lives in a run: which edges they saw, what they found, and what the summary says of that.

What leads them is imported where a life is led: whoever only hands tests to others needs none.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

from conformance import reporting
from conformance.verdicts import Finding

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from conformance.guide import Guide
    from conformance.lab import Lab

GUIDE = pytest.StashKey["Guide"]()
PROPERTY = "lives"
PATH = "life"  # in the report, beside the paths of writes


@pytest.fixture
def guide(request: pytest.FixtureRequest, lab: Lab, own_seed: int) -> Guide:
    """Return who leads a test's lives."""
    from conformance.guide import Guide

    stash: pytest.Stash = request.node.stash
    stash[GUIDE] = Guide(lab, own_seed)
    return stash[GUIDE]


def pytest_configure(config: pytest.Config) -> None:
    """Add up what is seen, here or by all workers."""
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(_Sum(), "conformance-lives")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Send what was seen along with the test's report."""
    outcome = yield
    guide = item.stash.get(GUIDE, None)
    if call.when == "call" and guide is not None:
        log = guide.log
        outcome.user_properties.append(
            (
                PROPERTY,
                {
                    "name": guide.name,
                    "edges": dict(log.edges),
                    "operations": dict(log.operations),
                    "steps": log.steps,
                    "accepted": log.accepted,
                    "seconds": log.seconds,
                },
            )
        )
        if call.excinfo is not None and isinstance(call.excinfo.value, Finding):
            reporting.add_finding(outcome, call.excinfo.value, PATH, item)
    return outcome


class _Sum:
    """Adds up what all workers saw; prints it, and fails a whole run that missed an edge."""

    def __init__(self) -> None:
        self._names: set[str] = set()
        self._edges: Counter[str] = Counter()
        self._operations: Counter[str] = Counter()
        self._steps, self._accepted, self._seconds = 0, 0, 0.0

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Add what one test saw."""
        properties: list[tuple[str, Any]] = report.user_properties
        for name, seen in properties:
            if name == PROPERTY and report.when == "call":
                self._names.add(seen["name"])
                self._edges.update(seen["edges"])
                self._operations.update(seen["operations"])
                self._steps += seen["steps"]
                self._accepted += seen["accepted"]
                self._seconds += seen["seconds"]

    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Fail a run of all machines in which an edge was not seen."""
        if exitstatus == pytest.ExitCode.OK and self._missed():
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the matrices, the counts around caps, and how fast the machines were."""
        if not self._names:
            return
        terminalreporter.section("lives")
        for line in self._lines():
            terminalreporter.write_line(line)

    def _lines(self) -> Iterator[str]:
        from conformance import edges
        from conformance.guide import ALL

        yield from edges.matrices(self._edges)
        rate = self._steps / self._seconds if self._seconds else 0.0
        yield (
            f"{self._steps} operations of {len(self._operations)} kinds,"
            f" {self._accepted} accepted; {rate:.0f} a second and worker"
        )
        missed = edges.unseen(self._edges)
        if missed:
            whole = "" if self._names >= ALL else " (not all machines ran)"
            yield f"unseen: {', '.join(missed)}{whole}"

    def _missed(self) -> list[str]:
        """Return the edges that a run of all machines has not seen; the quickest may miss some."""
        if not self._names:
            return []
        from conformance import edges
        from conformance.guide import ALL

        whole = self._names >= ALL and settings.get_current_profile_name() != "quick"
        return edges.unseen(self._edges) if whole else []
