"""A pytest plugin that writes what became of a run's tests; loaded by the runs under many seeds."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis import is_hypothesis_test

from conformance.engine.gate.outcomes import headline
from conformance.engine.report.sections import ADDED_UP, TALLY, TRANSITIONS

if TYPE_CHECKING:
    import pytest

OUTCOMES = "--seeds-outcomes"
DRAWN_ONLY = "--seeds-drawn-only"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Register what is written, and what is left out."""
    group = parser.getgroup("conformance")
    group.addoption(OUTCOMES, metavar="FILE", help="write counts and failures as JSON to this file")
    group.addoption(
        DRAWN_ONLY, action="store_true", help="leave out tests that are the same under every seed"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Gather outcomes, here or of all workers."""
    if config.getoption(OUTCOMES):
        config.stash[ADDED_UP] = True
    if config.getoption(OUTCOMES) and not hasattr(config, "workerinput"):
        config.pluginmanager.register(_Outcomes(config.getoption(OUTCOMES)))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what draws nothing, where that was asked for."""
    if config.getoption(DRAWN_ONLY):
        config.hook.pytest_deselected(items=[item for item in items if not draws(item)])
        items[:] = [item for item in items if draws(item)]


def draws(item: pytest.Item) -> bool:
    """Return whether what a test tries depends on the seed."""
    test = getattr(item, "obj", None)
    return is_hypothesis_test(test) or item.get_closest_marker("drawn") is not None


class _Outcomes:
    """Counts tests by outcome, and notes the first line of what each failed test said."""

    def __init__(self, file: str) -> None:
        self._file = Path(file)
        self._counts: Counter[str] = Counter()
        self._failures: dict[str, str] = {}
        self._tally: Counter[str] = Counter()
        self._transitions: set[str] = set()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Add one phase of a test; all but the call itself count only where they fail."""
        if report.when == "call" or report.failed:
            self._counts[report.outcome if report.when == "call" else "error"] += 1
        for name, seen in report.user_properties:
            if name == TALLY and isinstance(seen, dict):
                self._tally.update(seen)
            elif name == TRANSITIONS and isinstance(seen, list):
                self._transitions.update(seen)
        if report.failed:
            self._failures.setdefault(report.nodeid, headline(report.longreprtext))

    def pytest_sessionfinish(self, exitstatus: int) -> None:
        """Write them."""
        counts = {name: self._counts[name] for name in ("passed", "failed", "error")}
        found = {
            "exit": int(exitstatus),
            "counts": counts,
            "failures": self._failures,
            "tally": self._tally,
            "transitions": sorted(self._transitions),
        }
        self._file.write_text(json.dumps(found))
