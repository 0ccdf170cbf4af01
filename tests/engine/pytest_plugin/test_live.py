"""The progress of a run on a terminal, while nothing else is said."""

import os
import pty
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

SLOW: Final = """
import threading

def test_slow():
    threading.Event().wait(4)
"""
LATE: Final = """
import threading

def pytest_sessionfinish():
    threading.Event().wait(3)
"""
RUN: Final = ("-m", "pytest", "-p", "conformance.plugin", "-n0", "test_slow.py")
STARTS: Final = """
import threading
from framecast_conformance import early

early.end_at_once()
threading.Event().wait(2.5)
early.arrive()
print("done")
"""


def shown(folder: Path, *arguments: str, term: str = "xterm") -> str:
    """Return what a process of Python shows on a terminal of 80 columns."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, *arguments],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        cwd=folder,
        env={**os.environ, "TERM": term, "COLUMNS": "80"},
    ):
        os.close(theirs)
        said = b""
        try:
            while part := os.read(ours, 4096):
                said += part
        except OSError:  # as Linux says that nobody writes any more
            pass
    os.close(ours)
    return said.decode()


def test_a_slow_test_is_told_of_each_second(tmp_path: Path) -> None:
    """Share and time stand at the right of the line, move on, and are erased by what follows."""
    (tmp_path / "test_slow.py").write_text(SLOW)
    said = shown(tmp_path, *RUN)
    told = re.findall(r"\x1b7\x1b\[\d+G +(\d:\d\d so far)\x1b8", said)

    assert len({*told}) >= 2
    assert "so far" not in "".join(
        line.rpartition("\x1b8\x1b[K")[2] for line in said.split("\n") if "\x1b[K" in line
    )
    assert "1 passed" in said
    (cached,) = (tmp_path / ".pytest_cache/v/conformance/seconds").iterdir()
    assert '"test_slow.py::test_slow": 4' in cached.read_text()
    assert re.search(r"\d:\d\d left\x1b8", shown(tmp_path, *RUN))


def test_what_comes_after_the_last_test_is_told_of(tmp_path: Path) -> None:
    """Below the line that is full, which the cursor goes back to before pytest sums up."""
    (tmp_path / "conftest.py").write_text(LATE)
    (tmp_path / "test_slow.py").write_text("def test_quick(): ...")
    said = shown(tmp_path, *RUN)

    below = r"\[100%\]\S*\s+100%, \d:\d\d so far"
    assert re.search(rf"(?s){below}.*\x1b\[2K\x1b\[A\x1b\[999C\r\n.*1 passed", said)
    assert "\x1b[A" not in said.rpartition("1 passed")[2]


def test_a_dumb_terminal_is_shown_what_pytest_says(tmp_path: Path) -> None:
    """Where the cursor cannot be moved, it is not."""
    (tmp_path / "test_slow.py").write_text(SLOW)
    assert "\x1b7" not in shown(tmp_path, *RUN, term="dumb")


def test_a_slow_start_is_told_of(tmp_path: Path) -> None:
    """While modules are imported a line says so, and is gone when the process speaks."""
    said = shown(tmp_path, "-c", STARTS)

    assert "starting, 1 s" in said
    assert said.endswith("\r\x1b[Kdone\r\n")
    assert "done\r\n" == shown(tmp_path, "-c", STARTS, term="dumb")
