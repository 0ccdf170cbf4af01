"""Who leads lives: the machines, and what leads one of them through as many as a profile asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import Phase, seed, settings
from hypothesis.errors import InvalidDefinition
from hypothesis.stateful import get_state_machine_test

from conformance.cases.gaps import Gaps
from conformance.cases.verdicts import Finding
from conformance.machines.coverage_runs import COUNTS, PAIRS
from conformance.machines.deliveries import DeliveryAndEventLife
from conformance.machines.everything import WholeLife
from conformance.machines.jobs import CreditLife, JobLife, ProjectLife
from conformance.machines.keys import KeyAndAssetLife
from conformance.machines.memberships import MembershipLife
from conformance.machines.run import Life, Log
from conformance.machines.shortening import shortest
from conformance.pytest_plugin import profiles

if TYPE_CHECKING:
    from conformance.database.sandbox import Sandbox
    from conformance.machines.machine import Machine

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

    def __init__(self, sandbox: Sandbox, number: int | str | None = None) -> None:
        """Lead lives on a sandbox; with a number, those that the same number led before."""
        self.log = Log()
        self.name = ""  # of the machine or the tour
        self.number = number
        self._sandbox = sandbox

    def new_life(self) -> Life:
        """Return a life that begins with an empty database."""
        return Life(self._sandbox, self.log)

    def run(self, machine: type[Machine], how: settings | None = None) -> None:
        """Let Hypothesis lead as many lives as the profile says, or as `how` does.

        It does not shrink what it found: see `shortening`.

        They go on without what the schema cannot take.

        Raises:
            Finding: The shortest life that finds what one of them found; or what could not be done.
        """
        self.name = machine.__name__
        self.log.gaps = gaps = Gaps()
        machine.sandbox, machine.log = self._sandbox, self.log
        how = settings(how or profiles.machines(), phases=WITHOUT_SHRINK)
        test = get_state_machine_test(machine, settings=how)
        if self.number is not None:
            test = seed(self.number)(test)
        try:
            test()
        except Finding as finding:
            raise shortest(finding, self.log.failed, self.new_life) from None
        except InvalidDefinition:
            if not gaps.reasons:  # else nothing is left to do, because of what could not be made
                raise
        finally:
            self.log.gaps = None
        self.log.left_out.note(gaps)
        gaps.settle()
