"""Time limit of a run: what it did not come to is `not run`, and the run fails."""

from __future__ import annotations

import time
from typing import Final

import pytest

from conformance.arguments import duration

OPTION: Final = "--max-time"
BEGUN = pytest.StashKey[float]()
SESSION = pytest.StashKey[pytest.Session]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Register the limit."""
    parser.getgroup("conformance").addoption(
        OPTION,
        metavar="N",
        type=duration,
        help="begin no further test after N seconds (or 90s, 15m, 2h); rules that have not been "
        "proven by then are not run, and the run fails",
    )


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Start the clock."""
    session.config.stash[SESSION] = session
    session.config.stash[BEGUN] = time.monotonic()


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Watch the clock where the run is led, and not in its workers."""
    if config.getoption(OPTION) is not None and not hasattr(config, "workerinput"):
        config.pluginmanager.register(_Clock(config), "conformance-clock")


class _Clock:
    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._limit: float = config.getoption(OPTION)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """End the run after a test, if its time is over."""
        if report.when != "teardown":
            return
        # Where there are workers, pytest-xdist has a word of its own for it.
        leads = self._config.pluginmanager.get_plugin("dsession") or self._config.stash[SESSION]
        if not leads.shouldstop and self._since() >= self._limit:
            leads.shouldstop = f"{OPTION}: {self._limit:g} s are over"

    def _since(self) -> float:
        return time.monotonic() - self._config.stash[BEGUN]
