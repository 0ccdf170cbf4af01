"""What a step of a machine costs, against the same on a database that does nothing.

Both sides lead the same lives: the same seeds, the same draws, the same model. One carries out each
transaction, compares the rows, asks the oracles, and empties the database between lives. The other
sends one empty message in the place of all that, and takes the model's word for the answer. They
take turns, machine by machine, and the best of each counts: what else goes on in the computer adds
to the rest.

    python -m benchmarks.machine_step
    python -m benchmarks.machine_step --lives 40 --rounds 7

The last line, `ratio: N.NN`, is for all machines together, each with the same number of lives.
"""

from __future__ import annotations

import argparse
import os
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis import settings

from conformance import profiles
from conformance.lab import Lab
from conformance.living import MACHINES, Guide
from conformance.machines.life import Life
from conformance.model import rules
from conformance.operations.preludes import begin
from conformance.postgres import Request, provision, scratch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.machines.machine import Machine
    from conformance.operations import Step

MIGRATIONS = Path(__file__).parent.parent / "migrations"


class IdleLife(Life):
    """A life on a database that does nothing."""

    def begin(self, like: str) -> None:
        """Begin with a prelude."""
        if like != "nothing":
            self.commit([begin(like)])

    def commit(self, steps: Sequence[Step]) -> None:
        """Take the model's word for what becomes of a transaction."""
        before, after = self.state, steps[-1].after
        broken = rules.broken(after, after.changed_since(before))
        self.lab.session.connection.execute("")
        if not broken.union(*(each.at_once for each in steps)):
            self.state = replace(after, tick=before.tick + 1)
        self.log.steps += len(steps)


def measure(machine: type[Machine], lab: Lab, life: type[Life], number: int, lives: int) -> float:
    """Return the seconds that a step took on average, everything included."""
    machine.life_of = life
    guide = Guide(lab, number)
    how = settings(
        settings.get_profile("default"),
        max_examples=lives,
        stateful_step_count=profiles.LIFE,
        database=None,
    )
    begun = time.perf_counter()
    guide.run(machine, how)
    return (time.perf_counter() - begun) / guide.log.steps


def main() -> None:
    """Measure all machines, and print a line each and the ratio."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--lives", type=int, default=20, help="of each machine and round")
    parser.add_argument("--rounds", type=int, default=5, help="of which the best counts")
    options = parser.parse_args()
    profiles.register()
    whole, idle = 0.0, 0.0
    with provision(Request.read({}, os.environ)) as server, scratch.opened(server) as made:
        database = made.clone(made.template(MIGRATIONS), "steps")
        with Lab(database.conninfo) as lab:
            for machine in MACHINES:
                times: dict[type[Life], list[float]] = {Life: [], IdleLife: []}
                for _ in range(options.rounds):
                    for life, taken in times.items():
                        taken.append(measure(machine, lab, life, 0, options.lives))
                best = {life: min(taken) * 1000 for life, taken in times.items()}
                print(
                    f"{machine.__name__:<22} {best[Life]:6.2f} ms a step,"
                    f" {best[IdleLife]:6.2f} ms on a database that does nothing"
                )
                whole, idle = whole + best[Life], idle + best[IdleLife]
    print(f"ratio: {whole / idle:.2f}")


if __name__ == "__main__":
    main()
