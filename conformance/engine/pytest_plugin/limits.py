"""Limits of a run, in time and in failures: what it did not come to is `not run`, and fails it."""

from __future__ import annotations

import shutil
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest

from conformance.engine.arguments import duration, positive
from conformance.engine.report import causes

TIME: Final = "--max-time"
FAILURES: Final = "--max-failures"
BEGUN = pytest.StashKey[float]()
SESSION = pytest.StashKey[pytest.Session]()
ENDED = "ended"  # what a worker is given: a file that is there as soon as the run is to end


def pytest_addoption(parser: pytest.Parser) -> None:
    """Register the limits."""
    group = parser.getgroup("conformance")
    group.addoption(
        TIME,
        metavar="N",
        type=_time,
        help="begin no further test after N seconds (or 90s, 15m, 2h); rules that have not been "
        "proven by then are not run, and the run fails",
    )
    group.addoption(
        FAILURES,
        metavar="N",
        type=positive,
        help="begin no further test when tests have failed for N different causes, however many "
        "tests each of them fails (--maxfail counts tests); what a baseline accepts is none",
    )


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Start the clock."""
    session.config.stash[SESSION] = session
    session.config.stash[BEGUN] = time.monotonic()


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Watch the limits where the run is led; its workers look whether it is to end."""
    given: dict[str, Any] | None = getattr(config, "workerinput", None)
    if given is None:
        config.pluginmanager.register(_Limits(config), "conformance-limits")
    elif ENDED in given:
        config.pluginmanager.register(_Worker(config, Path(given[ENDED])))


def _time(text: str) -> str:
    """Return a time as it was given, with its unit: workers are told no other types."""
    duration(text)
    return text if text[-1].isalpha() else f"{text}s"


class _Worker:
    """Begins no further test of those that a worker of pytest-xdist has been given."""

    def __init__(self, config: pytest.Config, ended: Path) -> None:
        self._config, self._ended = config, ended

    def pytest_runtest_logfinish(self) -> None:
        """Look after each test."""
        if self._ended.exists():
            self._config.stash[SESSION].shouldstop = "the run is to end"


class _Limits:
    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._given: str | None = config.getoption(TIME)
        self._time = duration(self._given) if self._given else None
        self._most: int | None = config.getoption(FAILURES)
        self._causes: set[str] = set()
        self._folder: Path | None = None  # where workers look

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tell a worker where to look: it was given many tests, and would run all of them."""
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="framecast-conformance-run-"))
        node.workerinput[ENDED] = str(self._folder / ENDED)

    def pytest_sessionfinish(self) -> None:
        """Leave nothing behind."""
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """End the run after a test, if its time is over, or enough has failed."""
        if report.failed and not self._is_accepted(report):
            self._causes.add(causes.of_report(report).key)
        if report.when != "teardown":
            return
        if self._time is not None and self._since() >= self._time:
            stop(self._config, f"{TIME} {self._given} is over: give it longer, or fewer rules")
        elif self._most is not None and len(self._causes) >= self._most:
            stop(self._config, f"{FAILURES}: {self._most} found")
        if self._folder is not None and _leads(self._config).shouldstop:  # also by --maxfail
            (self._folder / ENDED).touch()

    def _is_accepted(self, report: pytest.TestReport) -> bool:
        """Return whether a baseline accepts all that a test found."""
        # Their modules are plugins, or theirs, and load after this one.
        from conformance.engine.pytest_plugin.report import BASELINE
        from conformance.engine.report.record import PROPERTY

        baseline = self._config.stash.get(BASELINE, None)
        properties: list[tuple[str, Any]] = report.user_properties
        seen = (each for name, each in properties if name == PROPERTY)
        failures = [each["failure"] for each in seen if "failure" in each]
        return baseline is not None and baseline.accepts(failures, datetime.now(UTC).date())

    def _since(self) -> float:
        return time.monotonic() - self._config.stash[BEGUN]


def stop(config: pytest.Config, why: str) -> None:
    """Begin no further test."""
    leads = _leads(config)
    leads.shouldstop = leads.shouldstop or why


def _leads(config: pytest.Config) -> Any:
    """Return what leads a run: where there are workers, pytest-xdist has one of its own."""
    return config.pluginmanager.get_plugin("dsession") or config.stash[SESSION]
