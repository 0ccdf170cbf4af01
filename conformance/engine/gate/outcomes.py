"""A pytest plugin that writes which tests failed, and what each said first; the gate loads it.

The verdicts on rules are in the suite's own report. Tests of whole runs and hostile runs are about
all rules at once; what they find is told here. It also ends the run when the gate is gone.
"""

from __future__ import annotations

import json
import os
import re
import signal
import threading
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from conformance.engine.gate.child import PIPE
from conformance.engine.pytest_plugin import limits
from conformance.engine.pytest_plugin.progress import time_left
from conformance.engine.sql.outcomes import TIMED_OUT as TIMEOUTS

if TYPE_CHECKING:
    from collections.abc import Sequence

# How an outcome prints a timeout, and how psycopg calls one that no outcome was made of.
TIMED_OUT = re.compile(
    rf"inconclusive \((?:{'|'.join(sorted(TIMEOUTS))}):|\b(?:QueryCanceled|LockNotAvailable)\b"
)

EARLY = "--gate-early"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Register where the failures go."""
    group = parser.getgroup("conformance")
    group.addoption(
        "--gate-outcomes", metavar="FILE", help="write failed tests as JSON to this file"
    )
    group.addoption(
        "--gate-progress",
        metavar="FILE",
        help="write there how many tests are done, of how many, and "
        "the seconds that are left, or 0",
    )
    group.addoption(
        EARLY, action="store_true", help="end with the file of tests in which the first has failed"
    )
    group.addoption(
        PIPE, metavar="N", type=int, help="be interrupted when this file descriptor ends"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Gather failures, here or of all workers, and watch over the gate."""
    if hasattr(config, "workerinput"):
        return
    pipe = config.getoption(PIPE)
    if pipe is not None:
        threading.Thread(target=_end_with, args=(pipe,), daemon=True).start()
    if config.getoption("--gate-outcomes"):
        config.pluginmanager.register(_Failures(config.getoption("--gate-outcomes")))
    if config.getoption("--gate-progress"):
        config.pluginmanager.register(_Progress(config, config.getoption("--gate-progress")))
    if config.getoption(EARLY):
        config.pluginmanager.register(_Early(config))


def _end_with(pipe: int) -> None:
    os.read(pipe, 1)  # returns when nobody can write to it any more
    os.kill(os.getpid(), signal.SIGINT)


class _Failures:
    """Gathers the first line of what each failed test said, and which met a timeout."""

    def __init__(self, file: str) -> None:
        self._file = Path(file)
        self._failed: dict[str, str] = {}
        self._slow: dict[str, None] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Add one test, if it failed in any of its phases."""
        if report.failed:
            self._failed.setdefault(report.nodeid, headline(report.longreprtext))
            if TIMED_OUT.search(report.longreprtext):
                self._slow[report.nodeid] = None

    def pytest_sessionfinish(self) -> None:
        """Write them."""
        self._file.write_text(json.dumps({"failed": self._failed, "slow": list(self._slow)}))


class _Progress:
    """Counts the tests that are done, here or by all workers."""

    def __init__(self, config: pytest.Config, file: str) -> None:
        self._config, self._file = config, Path(file)
        self._done = self._total = 0

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Learn how many tests there are; where there are workers, they say so."""
        self._total = max(self._total, len(session.items))

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: Sequence[str]) -> None:
        """Learn it of a worker."""
        self._total = len(ids)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count one test."""
        if report.when == "teardown":
            self._done += 1
            left = time_left(self._config)
            self._file.write_text(f"{self._done} {self._total} {left or 0:.1f}")


class _Early:
    """Ends the run with the file of tests in which one has failed: dearer ones come after it.

    A timeout is no reason: it may be the machine's.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._left: Counter[str] = Counter()
        self._has_failed = False

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Learn how many tests each file has; where there are workers, they say so."""
        self._count([item.nodeid for item in session.items])

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: Sequence[str]) -> None:
        """Learn it of a worker."""
        self._count(ids)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take one test off its file, and end the run where that was the last of it."""
        self._has_failed |= report.failed and not TIMED_OUT.search(report.longreprtext)
        if report.when == "teardown":
            file = _file(report.nodeid)
            self._left[file] -= 1
            if self._has_failed and not self._left[file]:
                limits.stop(self._config, f"{EARLY}: {file} has found something")

    def _count(self, ids: Sequence[str]) -> None:
        self._left = self._left or Counter(map(_file, ids))


def _file(test: str) -> str:
    return test.partition("::")[0]


def headline(text: str) -> str:
    """Return the line that says most of a failure: a finding's first, or else the last.

    A finding prints rule and verdict, then what was expected; a worker puts its own name above.
    """
    lines = text.strip().splitlines() or ["failed"]
    for line, below in pairwise(lines):
        if below.startswith("  expected: "):
            return line
    return lines[-1]
