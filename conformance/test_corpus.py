"""Failures that were found once do not come back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance import corpus
from conformance.corpus import Replay, Status
from conformance.regressions import REPLAYED, folder_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest

    from conformance.lab import Lab


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make a test of each file of the corpus."""
    files = sorted(folder_of(metafunc.config).glob("*.json"))
    metafunc.parametrize("file", files, ids=lambda file: file.stem)


def test_corpus(file: Path, lab: Lab, record_property: Callable[[str, Any], None]) -> None:
    """A failure of old no longer happens."""
    try:
        replay = corpus.replay(lab, corpus.read(file))
    except (corpus.UnreadableEntryError, OSError) as error:
        replay = Replay(Status.ERROR, str(error))
    status, reason = str(replay.status), replay.reason
    record_property(REPLAYED, {"file": file.name, "status": status, "reason": reason})

    assert status == Status.FIXED, reason
