"""As many workers as there are cores, for a run of the whole suite or of all its own tests.

Whoever names a rule, a test or a number of workers gets what was asked for: for a few tests, one
process is done before others have started.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable

SUITE = Path(__file__).resolve().parents[2]
WHOLE = (SUITE, SUITE.parent / "tests")
# Options of a run that is about some of the tests, or that wants to be one process.
ALONE = (
    "keyword",
    "markexpr",
    "collectonly",
    "usepdb",
    "lf",
    "failedfirst",
    "stepwise",
    "setupplan",
)

# What has failed before, then what is quick, so that a weaker rule is known soon. The few that take
# seconds each come before the many races: a worker that began one last would work on alone.
ORDER = (
    "test_corpus",
    "test_functions",
    "test_reading",
    "test_enforcement",
    "test_patterns",
    "test_role",
    "test_strangers",
    "test_columns",
    "test_rules",
    "test_derived_machines",
    "test_machines",
    "test_hostile",
    "test_replacements",
    "test_meetings",
    "test_meeting_rules",
    "test_races",
)


def arguments(options: argparse.Namespace, directory: Path) -> list[str]:
    """Return what to add to the command line of a run: nothing, or the number of workers.

    Args:
        options: pytest's own, as far as they are known before plugins are loaded.
        directory: where the command was given.
    """
    if getattr(options, "numprocesses", 0) is not None or getattr(options, "dist", "no") != "no":
        return []
    if any(getattr(options, name, None) for name in ALONE):
        return []
    asked = paths(options.file_or_dir, directory, pyargs=getattr(options, "pyargs", False))
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    if not set(WHOLE).intersection(asked) or not cores or cores == 1:
        return []
    return ["--numprocesses", str(cores), "--dist", "worksteal"]


def is_one() -> bool:
    """Return whether this process is a worker of pytest-xdist, before its configuration says so.

    Its variable alone is no sign: processes that a worker's tests start inherit it. But those are
    given a file or a module, and a worker a line of Python.
    """
    return "PYTEST_XDIST_WORKER" in os.environ and sys.argv[0] == "-c"


def names_suite(arguments: Iterable[str], directory: Path, *, pyargs: bool = False) -> bool:
    """Return whether a run in a directory asks for the suite, or for tests of it."""
    return any(path.is_relative_to(SUITE) for path in paths(arguments, directory, pyargs=pyargs))


def paths(arguments: Iterable[str], directory: Path, *, pyargs: bool = False) -> list[Path]:
    """Return the files and folders that a run in a directory asks for.

    Args:
        arguments: of its command line, without options.
        directory: where it was called.
        pyargs: whether they may be names of packages, as `--pyargs conformance`.
    """
    found = []
    for each in arguments:
        name = each.split("::", maxsplit=1)[0]
        first, *rest = name.split(".")
        if pyargs and first == SUITE.name and os.sep not in name:
            folder = SUITE.joinpath(*rest)
            found.append(folder if folder.is_dir() else folder.with_suffix(".py"))
        else:
            found.append(Path(directory, name).resolve())
    return found


def place(module: Path) -> int:
    """Return when the tests of a module run; those of others run before the suite."""
    return ORDER.index(module.stem) if module.parent == SUITE and module.stem in ORDER else -1
