"""Hostile runs in a run: who carries them out, and what the summary says of them.

What carries them out is imported where that is done, as for runs.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

import pytest

from conformance.engine.report import sections

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from conformance.engine.database.sandbox import Sandbox
    from conformance.framecast.machines.hostile import HostileRunner, Tally

HOSTILE_RUNNER = pytest.StashKey["HostileRunner"]()
PROPERTY = "hostile_runs"


@pytest.fixture
def hostile_runner(request: pytest.FixtureRequest, sandbox: Sandbox) -> HostileRunner:
    """Return the hostile runner of this worker: one for all examples of a test."""
    from conformance.engine.cases.gaps import Gaps
    from conformance.framecast.machines.hostile import HostileRunner

    stash: pytest.Stash = request.node.stash
    if HOSTILE_RUNNER not in stash:
        stash[HOSTILE_RUNNER] = HostileRunner(sandbox, Gaps())
    return stash[HOSTILE_RUNNER]


def pytest_configure(config: pytest.Config) -> None:
    """Add up what is seen, here or by all workers."""
    sections.add(config, _Sum())


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """Show what was found by as little as it takes, or else what could not be tried."""
    from conformance.engine.cases.verdicts import Finding
    from conformance.framecast.machines.essentials import essentials

    try:
        called = yield
    except Finding as finding:
        hostile_runner = pyfuncitem.stash.get(HOSTILE_RUNNER, None)
        if hostile_runner is None:
            raise
        raise essentials(finding, hostile_runner) from None
    hostile_runner = pyfuncitem.stash.get(HOSTILE_RUNNER, None)
    if hostile_runner is not None and hostile_runner.gaps is not None:
        hostile_runner.gaps.settle()
    return called


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Send what was counted along with the test's report."""
    outcome = yield
    hostile_runner = item.stash.get(HOSTILE_RUNNER, None)
    if call.when == "call" and hostile_runner is not None:
        outcome.user_properties.append((PROPERTY, hostile_runner.tally.as_dict()))
        if sections.ADDED_UP in item.config.stash:
            written = {"hostile statements": hostile_runner.tally.statements}
            outcome.user_properties.append((sections.TALLY, written))
    return outcome


class _Sum:
    """Adds up the tallies of all workers."""

    title = "hostile runs"

    def __init__(self) -> None:
        self._tally: Tally | None = None

    def note(self, report: pytest.TestReport) -> None:
        """Add the tally of one test."""
        for seen in sections.carried(report, PROPERTY):
            from conformance.framecast.machines.hostile import Tally

            self._tally = self._tally or Tally()
            self._tally.add(seen)

    def brief(self) -> Iterator[str]:
        """Say how many there were, how fast, and how much was accepted."""
        if self._tally is not None:
            yield next(self._tally.lines())

    def lines(self) -> Iterator[str]:
        """Return a line a kind of statement, then what refused most."""
        if self._tally is not None:
            yield from islice(self._tally.lines(), 1, None)

    def missed(self) -> list[str]:
        """Return nothing: what is drawn is left to luck."""
        return []
