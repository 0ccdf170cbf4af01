"""Reports of a run that was refused before it began, in place of those of an earlier run.

pytest ends a run whose command line it does not take before it asks any hook. All that it does then
is to clean up.
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from framecast_conformance import installed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

OPTION = "--conformance-report"
PREFIX = re.compile(
    r"^(?:python -m )?[\w.-]+(?: test)?: error: "
)  # of a message, by how pytest was started
BEGUN = pytest.StashKey[bool]()  # whether the run has come so far that it has a report of its own


def watch(manager: pytest.PytestPluginManager) -> None:
    """Write that a run was refused into the reports that it was asked for, if it will be."""
    config = manager.get_plugin("pytestconfig")
    if isinstance(config, pytest.Config) and BEGUN not in config.stash:
        config.stash[BEGUN] = False
        config.add_cleanup(lambda: _replace(config))


def remove() -> None:
    """Remove the reports of an earlier run that this process's arguments name: it has none yet."""
    for each in _named(sys.argv[1:]):
        Path(each).unlink(missing_ok=True)


def _replace(config: pytest.Config) -> None:
    error = sys.exception()
    if error is None or config.stash[BEGUN] or hasattr(config, "workerinput"):
        return
    targets = [*map(Path, _asked(config))]
    if not targets:
        return
    installed.prefer()
    try:
        # It knows all rules, and nothing but a run of the suite is to load them.
        from conformance.engine.report import refusal  # noqa: PLC0415 - as said
    except ImportError:  # a namesake of the suite is loaded
        for target in targets:
            target.unlink(missing_ok=True)
    else:
        refusal.write(_said(error), targets)


def _asked(config: pytest.Config) -> list[str]:
    """Return the files that a command line names, whatever else is wrong with it."""
    known = getattr(config, "known_args_namespace", None)
    named: list[str] | None = getattr(known, "conformance_report", None)
    return named or _named(config.invocation_params.args)


def _named(arguments: Iterable[str | os.PathLike[str]]) -> list[str]:
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    parser.add_argument(OPTION, action="append", default=[], dest="files")
    given = [*shlex.split(os.environ.get("PYTEST_ADDOPTS", "")), *arguments]
    with suppress(argparse.ArgumentError):
        return [*parser.parse_known_args([*map(str, given)])[0].files]
    return []


def _said(error: BaseException) -> str:
    """Return why a run was refused, without the usage of the command and where pytest looked."""
    return "\n".join(_lines(str(error))) or type(error).__name__


def _lines(text: str) -> Iterator[str]:
    for line in text.splitlines():
        if not line.startswith(("usage: ", "  inifile: ", "  rootdir: ")):
            yield PREFIX.sub("", line)
