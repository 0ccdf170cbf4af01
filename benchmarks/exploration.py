"""Exploration by guided and unguided runs: transitions seen, and operations up to a finding.

Both ways make the same runs on the same database with the same judges; one prefers operations that
the model says lead somewhere new, and begins where other runs have come to. First each machine is
run on the schema as it is: how many different transitions are seen in so many operations, and how
many of them are new in each quarter of these. Then each planted fault is put behind the migrations,
and its machine is run with one seed after another, until it finds that. What is not found within
the default profile's runs counts as never.

    python -m benchmarks.exploration
    python -m benchmarks.exploration --operations 500 --seeds 3 --machine Credit --fault refund
    python -m benchmarks.exploration --operations 0 --seeds 20

`transitions` and `findings` begin the last line of each part.
"""

from __future__ import annotations

import argparse
import math
import os
import shutil
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis import settings

from benchmarks.planted_sequences import FAULTS
from conformance.engine.database.sandbox import Sandbox
from conformance.engine.postgres import Request, provision, scratch
from conformance.engine.pytest_plugin import profiles
from conformance.framecast.machines.run import MachineRun
from conformance.framecast.machines.runner import MACHINES, MachineRunner

if TYPE_CHECKING:
    from conformance.engine.cases.verdicts import Finding
    from conformance.engine.postgres.scratch import Scratch
    from conformance.framecast.machines.machine import Machine

MIGRATIONS = Path(__file__).parent.parent / "migrations"
LEAST = 20  # operations of a run, at least
WAYS = {"unguided": False, "guided": True}


class FoundError(Exception):
    """A run has found something, after so many operations of all runs."""

    def __init__(self, operations: int) -> None:
        """Say after how many."""
        super().__init__(operations)
        self.operations = operations


class SeekingRun(MachineRun):
    """A run that ends at once when it has found something, and is not shortened."""

    def _finding(self, *_args: object, **_named: object) -> Finding:
        raise FoundError(self.log.steps)


def how(runs: int) -> settings:
    """Return how a machine is run so often."""
    return settings(
        settings.get_profile("default"),
        max_examples=runs,
        stateful_step_count=profiles.RUN,
        database=None,
    )


def explore(
    machine: type[Machine], sandbox: Sandbox, seed: int, operations: int, *, guided: bool
) -> tuple[list[int], float]:
    """Return the transitions that were new in each quarter, and milliseconds an operation."""
    machine.run_of = MachineRun
    runner = MachineRunner(sandbox, seed)
    began = time.process_time()
    runner.run(machine, how(math.ceil(operations / LEAST)), guided=guided)
    took = time.process_time() - began
    archive = runner.log.archive
    assert archive is not None
    archive.news = [at for at in archive.news if at <= operations]
    archive.done = operations
    return archive.curve(), 1000 * took / runner.log.steps


def seek(machine: type[Machine], sandbox: Sandbox, seed: int, *, guided: bool) -> float:
    """Return the operations until something is found, within the default profile; or infinity."""
    machine.run_of = SeekingRun
    try:
        MachineRunner(sandbox, seed).run(machine, how(profiles.MACHINES["default"]), guided=guided)
    except FoundError as found:
        return found.operations
    finally:
        machine.run_of = MachineRun
    return math.inf


def explore_all(made: Scratch, options: argparse.Namespace) -> None:
    """Print what each machine has seen, both ways."""
    worst = math.inf
    with (
        made.cloned(made.template(MIGRATIONS), "explored") as database,
        Sandbox(database.conninfo) as sandbox,
    ):
        for machine in MACHINES:
            if options.machine not in machine.__name__:
                continue
            seen = {}
            for way, guided in WAYS.items():
                new, cost = explore(
                    machine, sandbox, options.seed, options.operations, guided=guided
                )
                seen[way] = sum(new)
                rate = 1000 * seen[way] / options.operations
                told = ", ".join(map(str, new))
                print(
                    f"{machine.__name__:<24} {way:<9} {rate:4.0f} in a thousand operations;"
                    f" new in each quarter: {told}; {cost:.2f} ms of a core each here",
                    flush=True,
                )
            ratio = seen["guided"] / seen["unguided"]
            worst = min(worst, ratio)
            print(f"{machine.__name__:<24} {ratio:.2f} times as many")
    print(f"transitions: {worst:.2f} times as many, or more")


def seek_all(made: Scratch, options: argparse.Namespace) -> None:
    """Print how soon each planted fault is found, both ways."""
    found: dict[str, list[float]] = {way: [] for way in WAYS}
    worse = []
    for fault, planted in FAULTS.items():
        if options.fault not in fault:
            continue
        medians = {}
        with tempfile.TemporaryDirectory() as folder:
            schema = Path(shutil.copytree(MIGRATIONS, Path(folder) / "migrations"))
            (schema / "999_fault.sql").write_text(planted.sql, encoding="utf-8")
            template = made.template(schema)
        with made.cloned(template, "fault") as database, Sandbox(database.conninfo) as sandbox:
            for way, guided in WAYS.items():
                counts = [
                    seek(planted.machine, sandbox, options.seed + number, guided=guided)
                    for number in range(options.seeds)
                ]
                found[way] += counts
                medians[way] = statistics.median(counts)
                print(
                    f"{fault:<20} {way:<9} after {medians[way]:.0f} operations, at most"
                    f" {max(counts):.0f}; not found {counts.count(math.inf)} times",
                    flush=True,
                )
        if medians["guided"] > medians["unguided"]:
            worse.append(fault)
    before, after = (statistics.median(counts) for counts in found.values())
    print(
        f"findings: after {after:.0f} operations, unguided {before:.0f}"
        f" ({after / before:.2f}); worse: {', '.join(worse) or 'none'}"
    )


def main() -> None:
    """Explore, then seek, and print what came of it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--operations", type=int, default=4000, help="of each machine and way")
    parser.add_argument("--seeds", type=int, default=20, help="of each planted fault and way")
    parser.add_argument("--seed", type=int, default=1, help="the first of them")
    parser.add_argument("--machine", default="", help="only those with this in their name")
    parser.add_argument("--fault", default="", help="only those with this in their name")
    options = parser.parse_args()
    profiles.register()
    with provision(Request.read({}, os.environ)) as server, scratch.opened(server) as made:
        if options.operations:
            explore_all(made, options)
        if options.seeds:
            seek_all(made, options)


if __name__ == "__main__":
    main()
