"""Seconds from the command line to the first finding, after an edit that weakens a rule.

Each of a fixed sample of mutants is put behind the migrations as an edit would be, and the suite is
asked what changed: `pytest conformance --changed DIR --only-changed -x`, as a user would type it. A
mutant of which this says nothing is named: that is what the rules of the changed objects alone
would have missed. Mutants that are known to be equivalent, or not to be noticed, are left out.

    python -m benchmarks.first_verdict
    python -m benchmarks.first_verdict --sample 20

The last line, `median N s`, is over all that were noticed.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from conformance.engine.mutants import equivalent, kept, unseen
from conformance.engine.postgres import Request, provision, scratch

if TYPE_CHECKING:
    from conformance.engine.mutants.mutant import Mutant

ROOT = Path(__file__).parent.parent
MIGRATIONS = ROOT / "migrations"
SAMPLE, SEED = 200, 20261128
LONGEST = 600  # seconds for one of them
# A test failed: at the end of the run, or, with several workers, before it.
FOUND = (pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.INTERRUPTED)
ASKED = ("-m", "pytest", "conformance", "--only-changed", "-x", "-q", "-p", "no:cacheprovider")


class Tried(NamedTuple):
    """A mutant, how long the command took, and whether it failed, as it should."""

    mutant: str
    seconds: float
    noticed: bool


def chosen(number: int, seed: int) -> list[Mutant]:
    """Return a sample of the mutants that the suite is known to notice."""
    with provision(Request.read({}, os.environ)) as server, scratch.opened(server) as made:
        template = made.template(MIGRATIONS)
        with made.cloned(template, "schema") as database, database.connect() as connection:
            every = kept.mutants(connection)
    left_out = {*equivalent.reasons(equivalent.read(), [each.id for each in every]), *unseen.read()}
    some = [each for each in every if each.id not in left_out]
    return random.Random(seed).sample(some, min(number, len(some)))  # noqa: S311 - no secret


def tried(mutant: Mutant, folder: Path, seed: int) -> Tried:
    """Put a mutant behind the migrations, and run the suite on what it changed."""
    edited = Path(shutil.copytree(MIGRATIONS, folder / "edited"))
    statements = "".join(f"{statement};\n" for statement in mutant.sql)
    (edited / "900_edit.sql").write_text(statements, encoding="utf-8")
    asked = ("--changed", str(MIGRATIONS), "--migrations", str(edited))
    began = time.monotonic()
    done = subprocess.run(  # noqa: S603 - this Python, and words of ours
        [sys.executable, *ASKED, *asked, f"--hypothesis-seed={seed}"],
        cwd=ROOT,
        capture_output=True,
        timeout=LONGEST,
        check=False,
    )
    seconds = time.monotonic() - began
    if done.returncode not in (*FOUND, 0):
        sys.exit(f"{mutant.id}: the suite ended with {done.returncode}:\n{done.stdout.decode()}")
    return Tried(mutant.id, seconds, done.returncode in FOUND)


def main() -> None:
    """Try a sample, and print how long it took until each was noticed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--sample", type=int, default=SAMPLE, help="how many mutants")
    parser.add_argument("--seed", type=int, default=SEED, help="what draws them")
    options = parser.parse_args()
    done = []
    for mutant in chosen(options.sample, options.seed):
        with tempfile.TemporaryDirectory() as folder:
            done.append(tried(mutant, Path(folder), options.seed))
        word = "noticed" if done[-1].noticed else "not noticed"
        print(f"{done[-1].seconds:6.1f} s  {word}  {done[-1].mutant}", flush=True)
    seconds = sorted(each.seconds for each in done if each.noticed)
    missed = len(done) - len(seconds)
    print(f"{len(seconds)} noticed, {missed} missed by the rules of what changed")
    if seconds:
        late = seconds[int(len(seconds) * 0.9)]
        print(f"nine of ten within {late:.1f} s")
        print(f"median {statistics.median(seconds):.1f} s")


if __name__ == "__main__":
    main()
