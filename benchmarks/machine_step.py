"""Cost of a machine's step, against the same on a database that does nothing.

Both sides make the same runs, without an explorer: the same seeds, the same draws, the same model,
the same SQL put together and the same rows expected. One carries out each transaction, reads the
rows, asks the violation queries, and empties the database between runs. The other sends an empty
message for each of the other's messages, and takes the model's word for the answers. They take
turns, machine by machine, and the best of each counts: what else goes on in the computer adds to
the rest.

    python -m benchmarks.machine_step
    python -m benchmarks.machine_step --runs 40 --rounds 7

The last line, `ratio: N.NN`, is for all machines together, each with the same number of runs.
"""

from __future__ import annotations

import argparse
import os
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis import settings

from conformance.engine.database.sandbox import Sandbox
from conformance.engine.postgres import Request, provision, scratch
from conformance.engine.pytest_plugin import profiles
from conformance.engine.sql.outcomes import Accepted, Rejected
from conformance.framecast.machines.run import MachineRun
from conformance.framecast.machines.runner import MACHINES, MachineRunner
from conformance.framecast.model import State, rules, view
from conformance.framecast.operations import step
from conformance.framecast.operations.setups import BEGIN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.framecast.machines.machine import Machine
    from conformance.framecast.operations import Step

MIGRATIONS = Path(__file__).parent.parent / "migrations"
REFUSED = Rejected("23514")


class IdleMachine(MachineRun):
    """A run on a database that does nothing."""

    def begin(self, like: str) -> None:
        """Begin with a setup."""
        if like != "nothing":
            first = step(State(), BEGIN, {"like": like})
            self._tell([first])
            self._send_nothing()
            self._note(self.state, [first], Accepted())
            self.state = replace(first.after, tick=self.state.tick + 1)

    def commit(self, steps: Sequence[Step]) -> None:
        """Take the model's word for what becomes of a transaction."""
        before, after = self.state, steps[-1].after
        changed = after.changed_since(before)
        must = rules.broken(after, changed).union(*(each.at_once for each in steps))
        self._tell(steps)
        self._send_nothing()
        self._note(before, steps, REFUSED if must else Accepted())
        if must:
            self._send_nothing()  # ROLLBACK
            return
        self.state = replace(after, tick=before.tick + 1)
        if changed:
            " UNION ALL ".join(map(view.query, sorted(changed)))
            self._send_nothing()
            for table in changed:
                view.rows(self.state, table)
        for _ in ("what was written", "the violation queries"):
            self._send_nothing()

    def _send_nothing(self) -> None:
        self.sandbox.session.connection.execute("")


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
