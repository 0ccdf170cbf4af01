"""Progress: the share that is done, and the time that is left, on a terminal and in a pipe."""

import os
import pty
import re
import subprocess
import sys
from typing import Final

import pytest

from conformance.engine.progress import Progress

# Says how far something has come that takes two seconds, and prints a result meanwhile.
WORK: Final = """
import threading
from conformance.engine.progress import Progress

with Progress() as show:
    for done in range(1, 9):
        show("shards [1]", done, 20)
        threading.Event().wait(0.05)
    print("a result", flush=True)
    threading.Event().wait(0.3)
"""


def test_where_there_is_no_terminal_lines_come_now_and_then(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """In a pipe a long silence is broken by a line, and what is quick says nothing."""
    now = 0.0
    with Progress(lambda: now) as show:
        for now, what in (  # noqa: B007 - the clock shows it
            (1.0, "one"),
            (3.0, "two"),
            (12.0, "three"),
            (13.0, "four"),
        ):
            show(what)

    assert "progress: two\nprogress: four\n" == capsys.readouterr().err


def test_a_line_has_the_share_and_the_time_left(capsys: pytest.CaptureFixture[str]) -> None:
    """The time that is left is that of the pace so far; another total begins another pace."""
    now = 0.0
    with Progress(lambda: now) as show:
        for now, done in ((1.0, 1), (21.0, 2), (41.0, 3), (2041.0, 13)):  # noqa: B007 - as above
            show("mutants", done, 23)
        for now, done in ((3000.0, 0), (3010.0, 30), (3020.0, 60)):  # noqa: B007 - as above
            show("tests", done, 90)

    assert [
        "progress: mutants: 2 of 23 (9 %), about 7 min left",
        "progress: mutants: 3 of 23 (13 %), about 7 min left",
        "progress: mutants: 13 of 23 (57 %), about 28 min left",
        "progress: tests: 0 of 90 (0 %)",
        "progress: tests: 30 of 90 (33 %), about 20 s left",
        "progress: tests: 60 of 90 (67 %), about 10 s left",
    ] == capsys.readouterr().err.splitlines()


def test_what_was_prepared_is_part_of_the_pace(capsys: pytest.CaptureFixture[str]) -> None:
    """A run that begins late, and quickly, is not said to end at once."""
    now = 0.0
    with Progress(lambda: now) as show:
        for now, done in ((3.9, 0.1), (4.0, 0.2)):  # noqa: B007 - the clock shows it
            show("seeds", done, 2)
        now = 14.0
        show("seeds", 0.4, 2)

    assert [
        "progress: seeds: 0.1 of 2 (5 %), about 74 s left",
        "progress: seeds: 0.4 of 2 (20 %), about 56 s left",
    ] == capsys.readouterr().err.splitlines()


def test_a_time_is_not_less_than_one_unit_takes(capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever was reckoned; and where that is nothing, nobody knows."""
    now = 0.0
    with Progress(lambda: now) as show:
        for now, done, left in ((1.0, 1, 9.0), (41.0, 2, 3.0), (52.0, 2, 0.0)):  # noqa: B007 - as above
            show("mutants", done, 20, left)

    assert [
        "progress: mutants: 2 of 20 (10 %), about 40 s left",
        "progress: mutants: 2 of 20 (10 %)",
    ] == capsys.readouterr().err.splitlines()


def on_a_terminal(term: str, *, piped: bool = False) -> tuple[str, str]:
    """Return what the work shows on a terminal, and what it prints into a pipe beside it."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", WORK],
        stderr=theirs,
        stdout=subprocess.PIPE if piped else theirs,
        text=True,
        env={**os.environ, "TERM": term, "COLUMNS": "60"},
    ) as process:
        os.close(theirs)
        shown = b""
        try:
            while part := os.read(ours, 4096):
                shown += part
        except OSError:  # as Linux says that nobody writes any more
            pass
        printed = process.stdout.read() if process.stdout else ""
    os.close(ours)
    assert 0 == process.returncode, shown
    return shown.decode(), printed


def test_a_terminal_has_a_bar() -> None:
    """A bar with the share is drawn, results stand above it, and nothing of it is left."""
    shown, _ = on_a_terminal("xterm")

    assert "shards [1]" in shown
    assert "40%" in shown
    assert re.search(r"about \d s left", shown)
    assert "a result\r\n" in shown
    assert "\x1b[2K" in shown.rpartition("40%")[2]


def test_results_go_where_they_are_sent() -> None:
    """With a bar on the terminal, the output that is piped holds the results and nothing else."""
    shown, printed = on_a_terminal("xterm", piped=True)

    assert "40%" in shown
    assert "a result\n" == printed


def test_a_dumb_terminal_has_no_bar() -> None:
    """Where lines cannot be rewritten, none is."""
    shown, _ = on_a_terminal("dumb")

    assert "a result\r\n" == shown
