"""Keys of pytest's stash, by which a run keeps its state in its configuration."""

from __future__ import annotations

import pytest

from conformance.engine.pytest_plugin.environment import Environment

PLUGIN = "conformance.plugin"
ENVIRONMENT = pytest.StashKey[Environment]()
SEED = pytest.StashKey[int]()
SHOWN = pytest.StashKey[bool]()
LOOKS_ONLY = ("collectonly", "showfixtures", "show_fixtures_per_test", "setupplan")


def runs_tests(config: pytest.Config) -> bool:
    """Return whether a run does more than look."""
    return not any(config.getoption(name, default=False) for name in LOOKS_ONLY)
