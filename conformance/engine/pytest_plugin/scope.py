"""Scope of a run: the whole suite, all rules, or some tests."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from conformance.engine.pytest_plugin import workers

if TYPE_CHECKING:
    import pytest

SUITE = Path(__file__).resolve().parents[2]
RULE_TESTS = SUITE / "test_rules.py"
# Options that leave tests out.
SOME = (
    *("keyword", "markexpr", "deselect", "lf", "stepwise", "collectonly"),
    *("ignore", "ignore_glob", "only_changed"),
)


def is_whole(config: pytest.Config) -> bool:
    """Return whether a run was asked for all tests of the suite."""
    return _asks_for(config, SUITE)


def about_all(config: pytest.Config) -> bool:
    """Return whether a run is about all rules, those that no test tries included."""
    return _asks_for(config, RULE_TESTS)


def _asks_for(config: pytest.Config, wanted: Path) -> bool:
    if any(config.getoption(name, default=None) for name in SOME):
        return False
    pyargs = bool(config.getoption("pyargs", default=False))
    files = [each for each in config.args if "::" not in each]  # which names tests of a file
    asked = workers.paths(files, config.invocation_params.dir, pyargs=pyargs)
    return any(wanted.is_relative_to(path) for path in asked)
