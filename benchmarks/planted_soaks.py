"""Planted races, each given to a soak: whether load alone finds it, and how soon.

    python -m benchmarks.planted_soaks [--seconds 60] [--seed 1] [NAME…]

Prints a line for each fault: what the soak found of it and after how many seconds, or nothing. The
known races find all of them in a second each, whatever the machine; a soak depends on who meets
whom, and so on the machine and its load.
"""

import argparse
import os
import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.planted_races import FAULTS, Planted
from conformance.engine.console import say
from conformance.engine.postgres import Request, provision, scratch
from conformance.engine.postgres.scratch import Scratch
from conformance.framecast.soak.run import Plan, Report, Soak

MIGRATIONS = Path(__file__).parents[1] / "migrations"
CLIENTS = 8
CHECK_EVERY = 1.0  # seconds


def main(arguments: list[str]) -> int:
    """Soak the chosen faults; return 1 if one was not found.

    Args:
        arguments: of the command line.
    """
    parser = argparse.ArgumentParser(prog="python -m benchmarks.planted_soaks")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--verbose", action="store_true", help="tell what was found in full")
    parser.add_argument("names", nargs="*", metavar="NAME", help="parts of names of faults")
    options = parser.parse_args(arguments)
    missed = 0
    with (
        provision(Request.read({}, os.environ)) as server,
        scratch.opened(server) as made,
        TemporaryDirectory() as folder,
    ):
        for number, (name, planted) in enumerate(FAULTS.items()):
            if options.names and not any(each in name for each in options.names):
                continue
            plan = Plan(options.seconds, CLIENTS, options.seed, check_every=CHECK_EVERY)
            report = soaked(made, planted, Path(folder, str(number)), plan)
            found = ", ".join(
                f"{kind}: {subject} ({count})"
                for (kind, subject), count in report.shared.faults.counts.items()
            )
            missed += not found
            say(f"{name:<36} {report.seconds:>5.1f} s  {found or 'nothing'}")
            if options.verbose:
                say("\n".join(map(str, report.shared.faults.kept)))
    return min(missed, 1)


def soaked(made: Scratch, planted: Planted, folder: Path, plan: Plan) -> Report:
    """Let clients work on the schema with a fault in it."""
    migrations = Path(shutil.copytree(MIGRATIONS, folder))
    (migrations / "999_fault.sql").write_text(planted.sql)
    with made.cloned(made.template(migrations), "soak") as database:
        return Soak(database, plan).run()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
