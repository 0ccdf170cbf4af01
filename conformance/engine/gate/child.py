"""A run of pytest that ends when the gate does, however that ends, and cleans up behind itself.

It holds one end of a pipe, and is interrupted when the other end is closed: by the gate, or by the
kernel when the gate was killed. It has a session of its own, so that Ctrl-C reaches it that way
alone: a second interrupt would end its cleaning up.
"""

from __future__ import annotations

import os
import subprocess
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

PIPE = "--gate-pipe"  # of the plugin `outcomes`
BETWEEN = 1.0  # seconds between two ticks
PATIENCE = 60.0  # seconds for it to drop its databases


def run(
    command: Sequence[str],
    timeout: float,
    *,
    folder: Path,
    environ: Mapping[str, str],
    tick: Callable[[], None] = lambda: None,
) -> subprocess.CompletedProcess[str]:
    """Run pytest to its end, and return its exit code and what it printed.

    Args:
        command: which loads the plugin `outcomes`.
        timeout: seconds that it may take.
        folder: where it runs.
        environ: its variables.
        tick: called about once a second meanwhile.

    Raises:
        subprocess.TimeoutExpired: it took longer, and was ended.
    """
    reader, writer = os.pipe()
    with (
        os.fdopen(reader) as theirs,
        os.fdopen(writer, "w") as ours,
        subprocess.Popen(  # noqa: S603 - pytest, on this suite
            [*command, PIPE, str(theirs.fileno())],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=folder,
            env=environ,
            pass_fds=(theirs.fileno(),),
            start_new_session=True,
        ) as process,
    ):
        try:
            said = _said(process, timeout, tick)
        except (subprocess.TimeoutExpired, KeyboardInterrupt):
            ours.close()
            _wait(process)
            raise
    return subprocess.CompletedProcess(process.args, process.returncode, said)


def _said(process: subprocess.Popen[str], timeout: float, tick: Callable[[], None]) -> str:
    """Return what a process has printed when it ends."""
    end = time.monotonic() + timeout
    while True:
        left = end - time.monotonic()
        try:
            said, _ = process.communicate(timeout=min(max(left, 0), BETWEEN))
        except subprocess.TimeoutExpired:
            if left <= BETWEEN:
                raise
            tick()
        else:
            return said


def _wait(process: subprocess.Popen[str]) -> None:
    try:
        process.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
