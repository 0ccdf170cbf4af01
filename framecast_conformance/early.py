"""Signals while modules are imported: they end the process at once, with one line.

An interrupt that is raised there is a traceback of imports, or is lost in them: some of Python's
imports print an error and go on.
"""

from __future__ import annotations

import os
import signal
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
_before: list[Callable[[], None]] = []


def end_at_once(*before: Callable[[], None]) -> None:
    """Let signals end this process where it stands, once some things were done."""
    _before[:] = before
    for number, default in DEFAULTS.items():
        if signal.getsignal(number) in (default, signal.SIG_DFL):
            signal.signal(number, _end)


def restore() -> None:
    """Let signals do what they do of themselves."""
    for number, default in DEFAULTS.items():
        if signal.getsignal(number) is _end:
            signal.signal(number, default)


def _end(number: int, _: FrameType | None) -> None:
    for another in DEFAULTS:
        signal.signal(another, signal.SIG_IGN)
    try:
        for each in _before:
            each()
        os.write(2, SAID.encode())
    finally:  # whatever cannot be written or removed
        os._exit(SHELL_ADDS + number)
