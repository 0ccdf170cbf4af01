"""All machines, and the runner that makes as many runs of one as a profile asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import Phase, seed, settings
from hypothesis.errors import InvalidDefinition
from hypothesis.stateful import get_state_machine_test

from conformance.engine.cases.gaps import Gaps
from conformance.engine.cases.verdicts import Finding
from conformance.engine.machines.shortening import shortest
from conformance.engine.pytest_plugin import profiles
from conformance.framecast.machines.coverage_runs import COUNTS, PAIRS
from conformance.framecast.machines.deliveries import DeliveryAndEventMachine
from conformance.framecast.machines.everything import WholeMachine
from conformance.framecast.machines.exploration import Archive
from conformance.framecast.machines.jobs import CreditMachine, JobMachine, ProjectMachine
from conformance.framecast.machines.keys import KeyAndAssetMachine
from conformance.framecast.machines.log import Log
from conformance.framecast.machines.memberships import MembershipMachine
from conformance.framecast.machines.repeating import in_parts, repeating
from conformance.framecast.machines.run import MachineRun

if TYPE_CHECKING:
    from conformance.engine.database.sandbox import Sandbox
    from conformance.framecast.machines.machine import Machine

WITHOUT_SHRINK = tuple(phase for phase in profiles.PHASES if phase is not Phase.shrink)
ROUND = 5  # runs, in which what is known stays as it is
MACHINES: tuple[type[Machine], ...] = (
    MembershipMachine,
    JobMachine,
    ProjectMachine,
    CreditMachine,
    KeyAndAssetMachine,
    DeliveryAndEventMachine,
    WholeMachine,
)
# What a run must have run for its edges to be complete.
ALL = frozenset({*(machine.__name__ for machine in MACHINES), *PAIRS, *COUNTS})


class MachineRunner:
    """Makes the runs of one test on one database, and notes what they saw in `log`."""

    def __init__(self, sandbox: Sandbox, number: int | str | None = None) -> None:
        """Make runs on a sandbox; with a number, the same as that number made before."""
        self.log = Log()
        self.name = ""  # of the machine or the coverage run
        self.number = number
        self._sandbox = sandbox

    def new_run(self) -> MachineRun:
        """Return a run that begins with an empty database."""
        return MachineRun(self._sandbox, self.log)

    def run(
        self, machine: type[Machine], how: settings | None = None, *, guided: bool = True
    ) -> None:
        """Let Hypothesis make as many runs as the profile says, or as `how` does.

        It does not shrink what it found: see `shortening`.

        They go on without what the schema cannot take, and prefer what leads somewhere new, unless
        they are not guided.

        Raises:
            Finding: The shortest run that finds what one of them found; or what could not be done.
        """
        self.name = machine.__name__
        self.log.gaps = gaps = Gaps()
        self.log.archive = archive = Archive(leads=guided)
        machine.sandbox, machine.log = self._sandbox, self.log
        how = settings(how or profiles.machines(), phases=WITHOUT_SHRINK)
        try:
            self._make_runs(machine, how, archive)
        except Finding as finding:
            raise self.shortened(finding) from None
        except InvalidDefinition:
            if not gaps.reasons:  # else nothing is left to do, because of what could not be made
                raise
        finally:
            self.log.gaps = None
        self.log.left_out.note(gaps)
        gaps.settle()

    def shortened(self, finding: Finding) -> Finding:
        """Return the same finding from a run that is as short as can be, its setup too."""
        make = repeating(finding, self.new_run)
        finding = shortest(finding, self.log.failed, make)
        record = self.log.failed
        finding, record = make(in_parts(record)) or (finding, record)
        return shortest(finding, record, make)

    def _make_runs(self, machine: type[Machine], how: settings, archive: Archive) -> None:
        """Make runs round after round, each of which knows what the ones before it have found."""
        size = ROUND if archive.leads else how.max_examples
        for number, left in enumerate(range(how.max_examples, 0, -size)):
            archive.begin_round(f"{self.number} {number}")
            few = settings(how, max_examples=min(size, left))
            test = get_state_machine_test(machine, settings=few)
            if self.number is not None:
                test = seed(f"{self.number} {number}" if number else self.number)(test)
            test()
