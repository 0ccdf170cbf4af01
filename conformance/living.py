"""Lives in a run: who leads them, which edges they saw, and what the summary says of that."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import Phase, seed, settings
from hypothesis.stateful import get_state_machine_test

from conformance import edges, profiles
from conformance.machines.deliveries import DeliveryAndEventLife
from conformance.machines.everything import WholeLife
from conformance.machines.jobs import CreditLife, JobLife, ProjectLife
from conformance.machines.keys import KeyAndAssetLife
from conformance.machines.life import Life, Log
from conformance.machines.memberships import MembershipLife
from conformance.machines.shortening import shortest
from conformance.machines.tours import COUNTS, PAIRS
from conformance.verdicts import Finding

if TYPE_CHECKING:
    from collections.abc import Generator

    from conformance.lab import Lab
    from conformance.machines.machine import Machine

GUIDE = pytest.StashKey["Guide"]()
PROPERTY = "lives"
WITHOUT_SHRINK = tuple(phase for phase in profiles.PHASES if phase is not Phase.shrink)
MACHINES: tuple[type[Machine], ...] = (
    MembershipLife,
    JobLife,
    ProjectLife,
    CreditLife,
    KeyAndAssetLife,
    DeliveryAndEventLife,
    WholeLife,
)
# What a run must have run for its edges to be complete.
ALL = frozenset({*(machine.__name__ for machine in MACHINES), *PAIRS, *COUNTS})


class Guide:
    """Leads the lives of one test on one database, and notes what they saw in `log`."""

    def __init__(self, lab: Lab, number: int | str | None = None) -> None:
        """Lead lives on a lab; with a number, those that the same number led before."""
        self.log = Log()
        self.name = ""  # of the machine or the tour
        self.number = number
        self._lab = lab

    def new_life(self) -> Life:
        """Return a life that begins with an empty database."""
        return Life(self._lab, self.log)

    def run(self, machine: type[Machine], how: settings | None = None) -> None:
        """Let Hypothesis lead as many lives as the profile says, or as `how` does.

        It does not shrink what it found: see `shortening`.

        Raises:
            Finding: The shortest life that finds what one of them found.
        """
        self.name = machine.__name__
        machine.lab, machine.log = self._lab, self.log
        how = settings(how or profiles.machines(), phases=WITHOUT_SHRINK)
        test = get_state_machine_test(machine, settings=how)
        if self.number is not None:
            test = seed(self.number)(test)
        try:
            test()
        except Finding as finding:
            raise shortest(finding, self.log.failed, self.new_life) from None


@pytest.fixture
def guide(request: pytest.FixtureRequest, lab: Lab, run_seed: int | str) -> Guide:
    """Return who leads a test's lives."""
    stash: pytest.Stash = request.node.stash
    stash[GUIDE] = Guide(lab, run_seed)
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
            number = item.config.getoption("hypothesis_seed", None) or guide.number
            outcome.longrepr = (
                f"{call.excinfo.value}\nreplay: pytest {item.nodeid!r} --hypothesis-seed={number}"
            )
    return outcome


class _Sum:
    """Adds up what all workers saw; prints it, and fails a whole run that missed an edge."""

    def __init__(self) -> None:
        self._log = Log()
        self._names: set[str] = set()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Add what one test saw."""
        properties: list[tuple[str, Any]] = report.user_properties
        for name, seen in properties:
            if name == PROPERTY and report.when == "call":
                self._names.add(seen["name"])
                self._log.edges.update(seen["edges"])
                self._log.operations.update(seen["operations"])
                self._log.steps += seen["steps"]
                self._log.accepted += seen["accepted"]
                self._log.seconds += seen["seconds"]

    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Fail a run of all machines in which an edge was not seen."""
        if exitstatus == pytest.ExitCode.OK and self._missed():
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the matrices, the counts around caps, and how fast the machines were."""
        log = self._log
        if not self._names:
            return
        terminalreporter.section("lives")
        for line in edges.matrices(log.edges):
            terminalreporter.write_line(line)
        rate = log.steps / log.seconds if log.seconds else 0.0
        terminalreporter.write_line(
            f"{log.steps} operations of {len(Counter(log.operations))} kinds,"
            f" {log.accepted} accepted; {rate:.0f} a second and worker"
        )
        missed = edges.unseen(log.edges)
        if missed:
            whole = "" if self._names >= ALL else " (not all machines ran)"
            terminalreporter.write_line(f"unseen: {', '.join(missed)}{whole}")

    def _missed(self) -> list[str]:
        whole = self._names >= ALL and settings.get_current_profile_name() != "quick"
        return edges.unseen(self._log.edges) if whole else []
