"""Raids in a run: who carries them out, and what the summary says of them.

What carries them out is imported where that is done, as for lives.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from conformance import reporting
from conformance.verdicts import Finding

if TYPE_CHECKING:
    from collections.abc import Generator

    from conformance.lab import Lab
    from conformance.machines.hostile import Raider, Tally

RAIDER = pytest.StashKey["Raider"]()
PROPERTY = "raids"
PATH = "raid"  # in the report, beside the paths of writes


@pytest.fixture
def raider(request: pytest.FixtureRequest, lab: Lab) -> Raider:
    """Return who raids this worker's database: one for all examples of a test."""
    from conformance.gaps import Gaps
    from conformance.machines.hostile import Raider

    stash: pytest.Stash = request.node.stash
    if RAIDER not in stash:
        stash[RAIDER] = Raider(lab, Gaps())
    return stash[RAIDER]


def pytest_configure(config: pytest.Config) -> None:
    """Add up what is seen, here or by all workers."""
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(_Sum(), "conformance-raids")


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """End a test that found nothing worse with what it could not try."""
    called = yield
    raider = pyfuncitem.stash.get(RAIDER, None)
    if raider is not None and raider.gaps is not None:
        raider.gaps.settle()
    return called


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Send what was counted along with the test's report."""
    outcome = yield
    raider = item.stash.get(RAIDER, None)
    if call.when == "call" and raider is not None:
        outcome.user_properties.append((PROPERTY, raider.tally.as_dict()))
        finding = call.excinfo.value if call.excinfo is not None else None
        if isinstance(finding, Finding):
            reporting.add_finding(outcome, finding, PATH, item)
    return outcome


class _Sum:
    """Adds up the tallies of all workers, and prints them."""

    def __init__(self) -> None:
        self._tally: Tally | None = None

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Add the tally of one test."""
        properties: list[tuple[str, Any]] = report.user_properties
        for name, seen in properties:
            if name == PROPERTY:
                from conformance.machines.hostile import Tally

                self._tally = self._tally or Tally()
                self._tally.add(seen)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say how many raids there were, how fast, and how many statements were accepted."""
        if self._tally is not None:
            terminalreporter.section("raids")
            for line in self._tally.lines():
                terminalreporter.write_line(line)
