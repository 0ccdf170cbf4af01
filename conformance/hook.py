"""``python -m conformance.hook``: the suite on the folder migrations of the repository we are in.

For pre-commit, which installs the suite elsewhere. Arguments are pytest's.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

SUITE = Path(__file__).parent
OWN = ("-p", "conformance.plugin", "-p", "no:cacheprovider")


def arguments(here: Path, given: list[str]) -> list[str]:
    """Return what pytest is run with, from a folder, with what was given beside.

    The migrations of that folder are meant, unless others are named.
    """
    named = any(each.split("=")[0] == "--migrations" for each in given)
    migrations = [] if named else [f"--migrations={here / 'migrations'}"]
    return [str(SUITE), f"--rootdir={here}", *OWN, *migrations, *given]


if __name__ == "__main__":
    # A process of its own, as pytest warns of each package of a plugin that is imported before it.
    pytest = (sys.executable, "-P", "-m", "pytest")
    os.execv(sys.executable, [*pytest, *arguments(Path.cwd(), sys.argv[1:])])  # noqa: S606 - as said
