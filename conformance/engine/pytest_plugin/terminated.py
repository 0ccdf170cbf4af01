"""End of a run by SIGTERM, as pipelines cancel a job: what Ctrl-C does, reports included.

A pipeline waits some ten seconds, and then kills. So workers are told at once, and those that do
not end soon are not waited for.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import pytest

from conformance.engine.ending import interrupt_in
from framecast_conformance.early import SAID

if TYPE_CHECKING:
    from types import FrameType, TracebackType

WAIT: Final = 3  # seconds for workers to end


class TerminatedError(KeyboardInterrupt):
    """SIGTERM, which ends a run as Ctrl-C does."""


def listen(config: pytest.Config, *, worker: bool) -> None:
    """Let SIGTERM end this process's run, once; a worker's by SIGINT too, and once by either."""
    if threading.current_thread() is threading.main_thread():
        numbers = (signal.SIGTERM, signal.SIGINT) if worker else (signal.SIGTERM,)
        ends = _Ends(config, numbers)
        config.pluginmanager.register(ends, "conformance-terminated")
        config.add_cleanup(ends.restore)
        if not worker:
            sys.excepthook = _in_one_line


def _in_one_line(
    kind: type[BaseException], error: BaseException, traceback: TracebackType | None
) -> None:
    """Say an interrupt of what pytest does before and after its session, which it does not take."""
    if not issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, traceback)
        return
    sys.stderr.write(SAID)
    sys.stderr.flush()
    if issubclass(kind, TerminatedError):  # Python ends by SIGINT otherwise
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTERM)


class _Ends:
    def __init__(self, config: pytest.Config, numbers: tuple[signal.Signals, ...]) -> None:
        self._config = config
        self._workers: list[int] = []
        self._process = os.getpid()
        self._came: TerminatedError | None = None
        self._before = {number: signal.signal(number, self._end) for number in numbers}

    def _end(self, number: int, _frame: FrameType | None) -> None:
        if os.getpid() != self._process:  # a fork, which has no run of its own
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
            return
        self._ignore()
        message = f"the run was ended by {signal.Signals(number).name}"
        self._came = TerminatedError(message)
        raise self._came

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_makereport(self, call: pytest.CallInfo[None]) -> None:
        """End the run where a test met an interrupt, whatever error its cleaning up has made of it.

        A signal may cost a test its connection, and the tests after it theirs.
        """
        error = call.excinfo.value if call.excinfo else None
        interrupt = self._came or (error and interrupt_in(error))
        if interrupt:
            raise interrupt

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Know the process of a worker of pytest-xdist."""
        if node.gateway.spec.popen:
            self._workers.append(node.gateway._rinfo().pid)  # noqa: SLF001 - as pytest-cov asks it

    @pytest.hookimpl(tryfirst=True)
    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Let what ends come to its end, and end the workers, whichever signal it was."""
        # pytest shows where it came, and knows no frame without a line, as Python's own have at
        # the end of a function.
        excinfo.traceback = excinfo.traceback.filter(
            lambda entry: entry._rawentry.tb_lineno is not None  # noqa: SLF001 - as said
        )
        self._ignore()
        leads = self._config.pluginmanager.get_plugin("dsession")
        if leads is not None:
            leads.nodemanager.EXIT_TIMEOUT = WAIT
        for worker in self._workers:
            with suppress(ProcessLookupError):
                os.kill(worker, signal.SIGTERM)

    def restore(self) -> None:
        """Let signals do what they did before the run."""
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _ignore(self) -> None:
        # A handler that does nothing: Python prints a traceback of a signal that has come already
        # when it is told to ignore it, as SIGTERM has where a terminal sends SIGINT to all.
        for number in self._before:
            signal.signal(number, _pass)


def _pass(_number: int, _frame: FrameType | None) -> None:
    """Let a signal change nothing."""
