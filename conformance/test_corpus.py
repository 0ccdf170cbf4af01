"""Failures that were found once do not come back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from conformance.engine.pytest_plugin import proof
from conformance.engine.pytest_plugin.regressions import REPLAYED, folder_of
from conformance.engine.regressions import entries
from conformance.engine.regressions.entries import Replay, Status

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conformance.engine.database.sandbox import Sandbox


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make a test of each file of the corpus."""
    files = sorted(folder_of(metafunc.config).glob("*.json"))
    some = [pytest.param(each, id=each.stem, marks=proof.about(_rules(each))) for each in files]
    metafunc.parametrize("file", some)


def _rules(file: Path) -> frozenset[str]:
    """Return the rule of a regression; of one that cannot be read, what its name says."""
    try:
        return frozenset({entries.read(file).rule})
    except (entries.UnreadableEntryError, OSError):
        return proof.of_token(file.name)


def test_corpus(file: Path, sandbox: Sandbox, record_property: Callable[[str, Any], None]) -> None:
    """A failure of old no longer happens."""
    try:
        replay = entries.replay(sandbox, entries.read(file))
    except (entries.UnreadableEntryError, OSError) as error:
        replay = Replay(Status.ERROR, str(error))
    status, reason = str(replay.status), replay.reason
    record_property(REPLAYED, {"file": file.name, "status": status, "reason": reason})

    assert status == Status.FIXED, reason
