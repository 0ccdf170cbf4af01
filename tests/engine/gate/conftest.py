"""Fixtures of the gate's tests."""

from pathlib import Path

import pytest

from conformance.engine.gate import kept


@pytest.fixture(scope="session")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a folder for verdicts that tests have made up, or that are about few rules."""
    return tmp_path_factory.mktemp("verdicts")


@pytest.fixture(autouse=True)
def _kept_apart(verdicts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep no such verdict where a gate of somebody's would find it."""
    monkeypatch.setattr(kept, "cache", lambda: verdicts)
