"""While modules are imported: signals end the process at once, and a terminal is told to wait.

An interrupt that is raised there is a traceback of imports, or is lost in them: some of Python's
imports print an error and go on.
"""

from __future__ import annotations

import os
import signal
import threading
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

SAID: Final = "interrupted\n"
SHELL_ADDS: Final = 128  # to the number of the signal that has ended a command
# What a process does of itself; signals that are ignored, or somebody else's, stay so.
DEFAULTS: Final[dict[int, Any]] = {
    signal.SIGINT: signal.default_int_handler,
    signal.SIGTERM: signal.SIG_DFL,
    signal.SIGHUP: signal.SIG_DFL,
}
ERASED: Final = b"\r\x1b[K"  # the line that the cursor is in
_before: list[Callable[[], None]] = []
_over = threading.Event()
_waits: list[threading.Thread] = []


def end_at_once(*before: Callable[[], None]) -> None:
    """Let signals end this process where it stands, once some things were done."""
    if not _waits and os.isatty(2) and os.environ.get("TERM") not in {"dumb", "unknown"}:
        _over.clear()
        _waits.append(threading.Thread(target=_tell, daemon=True))
        _waits[0].start()
    _before[:] = before
    for number, default in DEFAULTS.items():
        if signal.getsignal(number) in (default, signal.SIG_DFL):
            signal.signal(number, _end)


def restore() -> None:
    """Let signals do what they do of themselves."""
    arrive()
    for number, default in DEFAULTS.items():
        if signal.getsignal(number) is _end:
            signal.signal(number, default)


def arrive() -> None:
    """Say no more that this process is starting: it speaks for itself."""
    while _waits:
        _over.set()
        _waits.pop().join()


def _tell() -> None:
    """Say each second that the process is starting; leave nothing of it."""
    seconds = 0
    while not _over.wait(1):
        seconds += 1
        os.write(2, ERASED + b"starting, %d s" % seconds)
    os.write(2, ERASED if seconds else b"")


def _end(number: int, _: FrameType | None) -> None:
    for another in DEFAULTS:
        signal.signal(another, signal.SIG_IGN)
    try:
        for each in _before:
            each()
        os.write(2, (ERASED if _waits else b"") + SAID.encode())
    finally:  # whatever cannot be written or removed
        os._exit(SHELL_ADDS + number)
