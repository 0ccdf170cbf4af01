"""The share that is done and the time that is left, on a terminal, while nothing else is said.

It stands at the right of the line that pytest writes, is written anew each second, and leaves
nothing behind: what a log shows is pytest's own.
"""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING, Any, Final

import pytest

from conformance.engine.pytest_plugin.progress import LEFT, in_digits

if TYPE_CHECKING:
    from collections.abc import Generator

    from conformance.engine.pytest_plugin.progress import TimeLeft

SILENT: Final = 0.9  # seconds
LONGEST: Final = len(" 100%, 59:59 so far")
TOUCHED: Final = b"\x1b[K"  # what is right of the cursor is erased
ABOVE: Final = b"\x1b[2K\x1b[A\x1b[999C"  # so is a line, and the cursor at the end of that above


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Begin where a terminal can move its cursor, and pytest shows a share there."""
    moves = os.environ.get("TERM") not in {"dumb", "unknown"} and os.isatty(1)
    if moves and LEFT in config.stash:
        live = Live(config.stash[LEFT], os.dup(1), config.get_terminal_writer())
        config.pluginmanager.register(live, "conformance-live")
        config.add_cleanup(live.end)
        live.start()


class Live:
    """Writes on the terminal itself: what a test writes is captured."""

    def __init__(self, left: TimeLeft, terminal: int, writer: Any) -> None:
        """Write it to a file descriptor, which is closed at the end, where a writer leaves room."""
        self._left, self._terminal, self._writer = left, terminal, writer
        self._began = self._said = time.monotonic()
        self._shown = False
        self._over = threading.Event()
        self._one = threading.Lock()
        self._thread = threading.Thread(target=self._tell, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def end(self) -> None:
        """End, and leave nothing."""
        self.erase()
        self._over.set()
        self._thread.join()
        os.close(self._terminal)

    # Registered last, it comes before pytest's reporter, and after what tests wait for.
    @pytest.hookimpl(optionalhook=True)
    def erase(self) -> None:
        """Make room for what pytest is about to write."""
        with self._one:
            if self._shown:
                os.write(self._terminal, ABOVE if self._left.share == 1 else TOUCHED)
            self._said, self._shown = time.monotonic(), False

    pytest_collection_finish = erase
    pytest_xdist_setupnodes = erase
    pytest_xdist_newgateway = erase
    pytest_testnodeready = erase
    pytest_xdist_node_collection_finished = erase
    pytest_runtest_logstart = erase
    pytest_runtest_logreport = erase
    pytest_internalerror = erase
    pytest_keyboard_interrupt = erase

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_sessionfinish(self) -> Generator[None]:
        """Say nothing more from where pytest begins to sum up."""
        try:
            yield
        finally:
            self._over.set()
            self.erase()

    def _tell(self) -> None:
        while not self._over.wait(1):
            with self._one:
                if time.monotonic() - self._said >= SILENT and not self._over.is_set():
                    self._show()

    def _show(self) -> None:
        line = self._writer._current_line.rpartition("\r")[2]  # noqa: SLF001 - pytest has no other way to say it
        place = self._writer.fullwidth - LONGEST
        if self._left.share == 1:  # pytest has ended its line, and sums up
            text = ("\r" if self._shown else "\r\n") + self._text()
        elif len(line) < place:
            text = f"\x1b7\x1b[{place}G{self._text():>{LONGEST}}\x1b8"
        else:
            return
        os.write(self._terminal, text.encode())
        self._shown = True

    def _text(self) -> str:
        share = f"{self._left.share:.0%}, " if self._left.share else ""
        seconds = self._left.seconds()
        if not seconds:
            return f"{share}{in_digits(time.monotonic() - self._began)} so far"
        return f"{share}{in_digits(seconds)} left"
