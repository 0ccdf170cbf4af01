"""The report of a run that was refused before it began: its error, and nothing else."""

from __future__ import annotations

import platform
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import pytest

from conformance.engine.report import forms, rules
from conformance.engine.report.document import ReportError
from conformance.engine.report.record import COUNTED

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

UNKNOWN: Final = ("server", "major", "role", "migrations", "commit")


def write(said: str, targets: Iterable[Path]) -> None:
    """Replace reports by that of the refused run; a file that no report may be in stays."""
    found = document(said)
    for target in targets:
        try:
            forms.write(found, target)
        except ReportError:  # which is why the run was refused
            continue


def document(said: str) -> dict[str, Any]:
    """Return the report of a run that was refused."""
    of_run = {
        "whole": False,
        "exit_status": int(pytest.ExitCode.USAGE_ERROR),
        "begun": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": 0.0,
        "counts": dict.fromkeys(COUNTED, 0),
        **dict.fromkeys(UNKNOWN),
        "profile": "none",
        "seed": "none",
        "versions": {"python": platform.python_version(), "pytest": pytest.__version__},
        "suite": "",
        "errors": [{"said": said}],
    }
    return rules.document({}, of_run, {"beside": [], "failed": [], "missed": []})
