"""Raids in a run: who carries them out, and what the summary says of them.

What carries them out is imported where that is done, as for runs.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

import pytest

from conformance.report import sections

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from conformance.database.sandbox import Sandbox
    from conformance.machines.hostile import Raider, Tally

RAIDER = pytest.StashKey["Raider"]()
PROPERTY = "raids"


@pytest.fixture
def raider(request: pytest.FixtureRequest, sandbox: Sandbox) -> Raider:
    """Return who raids this worker's database: one for all examples of a test."""
    from conformance.cases.gaps import Gaps
    from conformance.machines.hostile import Raider

    stash: pytest.Stash = request.node.stash
    if RAIDER not in stash:
        stash[RAIDER] = Raider(sandbox, Gaps())
    return stash[RAIDER]


def pytest_configure(config: pytest.Config) -> None:
    """Add up what is seen, here or by all workers."""
    sections.add(config, _Sum())


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """Show what was found by as little as it takes, or else what could not be tried."""
    from conformance.cases.verdicts import Finding
    from conformance.machines.essentials import essentials

    try:
        called = yield
    except Finding as finding:
        raider = pyfuncitem.stash.get(RAIDER, None)
        if raider is None:
            raise
        raise essentials(finding, raider) from None
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
    return outcome


class _Sum:
    """Adds up the tallies of all workers."""

    title = "hostile runs"

    def __init__(self) -> None:
        self._tally: Tally | None = None

    def note(self, report: pytest.TestReport) -> None:
        """Add the tally of one test."""
        for seen in sections.carried(report, PROPERTY):
            from conformance.machines.hostile import Tally

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
