"""A pytest plugin that writes which tests failed, and what each said first; the gate loads it.

The verdicts on rules are in the suite's own report. Tests of whole lives and raids are about all
rules at once; what they find is told here.
"""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Register where the failures go."""
    parser.getgroup("conformance").addoption(
        "--gate-outcomes", metavar="FILE", help="write failed tests as JSON to this file"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Gather failures, here or of all workers."""
    if config.getoption("--gate-outcomes") and not hasattr(config, "workerinput"):
        config.pluginmanager.register(_Failures(config.getoption("--gate-outcomes")))


class _Failures:
    """Gathers the first line of what each failed test said."""

    def __init__(self, file: str) -> None:
        self._file = Path(file)
        self._failed: dict[str, str] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Add one test, if it failed in any of its phases."""
        if report.failed:
            self._failed.setdefault(report.nodeid, headline(report.longreprtext))

    def pytest_sessionfinish(self) -> None:
        """Write them."""
        self._file.write_text(json.dumps(self._failed))


def headline(text: str) -> str:
    """Return the line that says most of a failure: a finding's first, or else the last.

    A finding prints rule and verdict, then what was expected; a worker puts its own name above.
    """
    lines = text.strip().splitlines() or ["failed"]
    for line, below in pairwise(lines):
        if below.startswith("  expected: "):
            return line
    return lines[-1]
