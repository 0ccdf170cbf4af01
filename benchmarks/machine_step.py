"""Cost of a machine's step, against the same on a database that does nothing.

Both sides make the same runs, without an explorer: the same seeds, the same draws, the same model,
the same SQL put together and the same rows expected. One carries out each transaction, reads the
rows, asks the violation queries, and empties the database between runs. The other sends an empty
message instead, and takes the model's word for the answers. They take turns, machine by machine,
and the best of each counts: what else goes on in the computer adds to the rest.

    python -m benchmarks.machine_step
    python -m benchmarks.machine_step --runs 40 --rounds 7

The last line, `ratio: N.NN`, is for all machines together, each with the same number of runs.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis import settings

from conformance.engine.database.sandbox import Sandbox
from conformance.engine.database.session import Started
from conformance.engine.database.under_way import Answer, UnderWay
from conformance.engine.domain.chosen import RULES
from conformance.engine.postgres import Request, provision, scratch
from conformance.engine.pytest_plugin import profiles
from conformance.engine.sql.outcomes import Accepted, Rejected
from conformance.framecast.machines.named import PLAIN
from conformance.framecast.machines.run import MachineRun
from conformance.framecast.machines.runner import MACHINES, MachineRunner
from conformance.framecast.model import State
from conformance.framecast.operations import step
from conformance.framecast.operations.setups import BEGIN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.engine.sql.outcomes import Outcome
    from conformance.engine.sql.writes import Statement
    from conformance.framecast.machines.machine import Machine
    from conformance.framecast.operations import Step

MIGRATIONS = Path(__file__).parent.parent / "migrations"


class Nothing(Started):
    """A transaction of which a database does nothing, and becomes what the model says."""

    def __init__(self, run: IdleMachine, body: Sequence[Statement], outcome: Outcome) -> None:
        """Send an empty message instead of it."""
        session = run.sandbox.session
        self._outcome = outcome
        super().__init__(session, session.history, body, UnderWay(session.connection, ""))

    def end(self) -> tuple[Outcome, list[Answer]]:
        """Wait for the answer, and take the outcome for it; nothing has broken a rule."""
        super().end()
        return self._outcome, [[]]


class IdleMachine(MachineRun):
    """A run on a database that does nothing."""

    def begin(self, like: str) -> None:
        """Begin with a setup."""
        if like != "nothing":
            self.commit([step(State(), BEGIN, {"like": like})])

    def _send(
        self, steps: Sequence[Step], changed: frozenset[str], must: frozenset[str]
    ) -> Started:
        body = self._tell(steps)
        if must:
            return Nothing(self, body, _refused_by(min(must)))
        self.sandbox.asking()
        self._rows.asking(sorted(changed))
        return Nothing(self, body, Accepted())

    def _expect_the_same(
        self, steps: Sequence[Step], changed: frozenset[str], answers: Sequence[Answer]
    ) -> None:
        del steps, answers
        for table in changed:
            self._rows.of(self.state, table)


def _refused_by(name: str) -> Rejected:
    """Return a refusal in the name of a rule, or of what a table asks beside the rules."""
    kind, _, table = name.partition(" ")
    if table:
        return Rejected(PLAIN[kind], table=table)
    return Rejected(PLAIN["CHECK"], f"{RULES[name].token}idle")


def measure(
    machine: type[Machine], sandbox: Sandbox, run: type[MachineRun], number: int, runs: int
) -> float:
    """Return the seconds that a step took on average, everything included."""
    machine.run_of = run
    runner = MachineRunner(sandbox, number)
    how = settings(
        settings.get_profile("default"),
        max_examples=runs,
        stateful_step_count=profiles.RUN,
        database=None,
    )
    begun = time.perf_counter()
    # An explorer begins where others came to, which costs a database more than a message.
    runner.run(machine, how, guided=False)
    return (time.perf_counter() - begun) / runner.log.steps


def main() -> None:
    """Measure all machines, and print a line each and the ratio."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--runs", type=int, default=20, help="of each machine and round")
    parser.add_argument("--rounds", type=int, default=5, help="of which the best counts")
    options = parser.parse_args()
    profiles.register()
    whole, idle = 0.0, 0.0
    with provision(Request.read({}, os.environ)) as server, scratch.opened(server) as made:
        database = made.clone(made.template(MIGRATIONS), "steps")
        with Sandbox(database.conninfo) as sandbox:
            for machine in MACHINES:
                times: dict[type[MachineRun], list[float]] = {MachineRun: [], IdleMachine: []}
                for _ in range(options.rounds):
                    for run, taken in times.items():
                        taken.append(measure(machine, sandbox, run, 0, options.runs))
                best = {run: min(taken) * 1000 for run, taken in times.items()}
                print(
                    f"{machine.__name__:<22} {best[MachineRun]:6.2f} ms a step,"
                    f" {best[IdleMachine]:6.2f} ms on a database that does nothing"
                )
                whole, idle = whole + best[MachineRun], idle + best[IdleMachine]
    print(f"ratio: {whole / idle:.2f}")


if __name__ == "__main__":
    main()
