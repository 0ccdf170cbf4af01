"""The signals that end a command, as Ctrl-C does: what it made goes with it."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from framecast_conformance.early import SHELL_ADDS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ENDING: Final = (signal.SIGTERM, signal.SIGHUP)


class EndedError(KeyboardInterrupt):
    """A signal that ends a process, other than Ctrl-C's."""

    def __init__(self, number: int) -> None:
        """Keep which it was, as a shell says it."""
        super().__init__()
        self.code = SHELL_ADDS + number


@contextmanager
def interrupting() -> Iterator[None]:
    """Let signals that end us interrupt what runs; elsewhere than in the main thread, do nothing.

    Those that are ignored stay so: a command under `nohup` outlives its terminal.

    Raises:
        EndedError: One came.
    """
    process = os.getpid()

    def end(number: int, _: object) -> None:
        if os.getpid() == process:
            raise EndedError(number)
        signal.signal(number, signal.SIG_DFL)  # a fork, which has nothing to give back
        os.kill(os.getpid(), number)

    is_main = threading.current_thread() is threading.main_thread()
    handlers: dict[signal.Signals, Any] = dict.fromkeys(ENDING, end)
    handlers[signal.SIGINT] = signal.default_int_handler
    heard = [each for each in handlers if is_main and signal.getsignal(each) != signal.SIG_IGN]
    before = {number: signal.signal(number, handlers[number]) for number in heard}
    try:
        yield
    finally:
        _restore(before)


@contextmanager
def deaf() -> Iterator[None]:
    """Wait for what is being ended, however often it is said again."""
    before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, *ENDING)}
    try:
        yield
    finally:
        _restore(before)


def interrupt_in(error: BaseException) -> KeyboardInterrupt | None:
    """Return the interrupt that an error came of, in cleaning up after it; None if of none."""
    if isinstance(error, KeyboardInterrupt):
        return error
    inner = error.exceptions if isinstance(error, BaseExceptionGroup) else ()
    before = (each for each in (error.__context__, *inner) if each is not None)
    return next((found for each in before if (found := interrupt_in(each))), None)


def _restore(before: Mapping[signal.Signals, Any]) -> None:
    for number, handler in before.items():
        signal.signal(number, handler)
