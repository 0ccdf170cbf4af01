"""Signals while a command or a run is being imported: one line, and the signal's exit code."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import IO, Final

import pytest

ROOT: Final = Path(__file__).parents[2]
PYTHON: Final = (sys.executable, "-P")
SCRIPT: Final = str(Path(sys.executable).parent / "framecast-conformance")
PYTEST: Final = ("conformance", "-n0", "-q", "-p", "no:cacheprovider")
# How each is started, and a module that it imports for its own sake.
STARTS: Final = {
    "module": ((sys.executable, "-m", "conformance", "rules"), "psycopg"),
    "script": ((SCRIPT, "rules"), "psycopg"),
    "test": ((SCRIPT, "test", *PYTEST[1:]), "_pytest.nodes"),
    "pytest": ((*PYTHON, "-m", "pytest", *PYTEST), "hypothesis._settings"),
}


def started(command: tuple[str, ...]) -> subprocess.Popen[str]:
    """Start a command that tells of each module that it has imported."""
    environment = os.environ | {"PYTHONPROFILEIMPORTTIME": "1"}
    return subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=-1, stderr=-1, text=True, start_new_session=True
    )


def _wait_for(module: str, lines: IO[str]) -> None:
    assert any(line.rstrip().endswith(f" {module}") for line in lines)


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("start", STARTS)
def test_an_early_signal_is_no_traceback(
    start: str, number: signal.Signals, code: int, times: int
) -> None:
    """A signal ends the imports of a command without a traceback, however that is started."""
    command, module = STARTS[start]
    with started(command) as process:
        assert process.stderr is not None
        _wait_for(module, process.stderr)
        for _ in range(times):
            os.killpg(process.pid, number)
        rest = [each for each in process.stderr if not each.startswith("import time:")]

    # Before anything of the suite is imported, the system ends it, and says nothing.
    assert code == (process.returncode if process.returncode > 0 else 128 - process.returncode)
    assert rest in ([], ["interrupted\n"])


def test_an_early_signal_leaves_no_report_of_an_earlier_run(tmp_path: Path) -> None:
    """An interrupted run leaves no older report, which would say that all is held."""
    report = tmp_path / "report.json"
    report.write_text("{}")
    command, module = STARTS["pytest"]
    with started((*command, f"--conformance-report={report}")) as process:
        assert process.stderr is not None
        _wait_for(module, process.stderr)
        process.send_signal(signal.SIGTERM)

    assert (143, False) == (process.returncode, report.exists())


def test_an_ignored_signal_stays_ignored() -> None:
    """A command that `nohup` started goes on when its terminal goes."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        process = started(STARTS["module"][0])
    finally:
        signal.signal(signal.SIGHUP, before)
    with process:
        assert process.stderr is not None
        _wait_for("psycopg", process.stderr)
        process.send_signal(signal.SIGHUP)
        said = process.communicate()[0]

    assert (0, True) == (process.returncode, "INV-T2" in said)
