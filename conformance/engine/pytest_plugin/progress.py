"""The time that is left, in the reporter of pytest: ` [ 12%, 2:40 left]` where it says ` [ 12%]`.

A line of tests ends after ten seconds, whether it is full or not, so that a log of a pipeline goes
on where tests take long. With `-q` it ends after thirty, and of many tests a dot is ten that have
passed: a whole green run fits on a screen. Reporters of other plugins, and other styles of
progress, are left alone.
"""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING, Final

import pytest

from conformance.engine.progress import BETWEEN, FIRST

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

NAME: Final = "conformance-progress"  # of the plugin
LONGEST: Final = ", 59:59 left"
# Seconds of a test, where those of a module are not as long as others: only the ratios matter. From
# `pytest conformance --hypothesis-profile quick`, 2026-11-29; machines as in the default profile.
SECONDS: Final = {
    "test_corpus": 0.04,
    "test_functions": 0.01,
    "test_reading": 0.01,
    "test_columns": 0.04,
    "test_patterns": 0.01,
    "test_hostile": 0.6,
    "test_races": 0.9,
    "test_machines": 0.9,
    "test_replacements": 1.6,
    "test_meetings": 3.4,
}
OTHER: Final = 0.2
MANY, AT_ONCE = 500, 10  # tests of a quiet run from which on a dot is so many
PATIENT: Final = 3  # times as long as otherwise, until a quiet run ends a line
KNOWN: Final = 4  # tests that a measurement counts for beside those of this run
HOUR, MINUTE = 3600, 60


class TimeLeft:
    """Estimate of what a run has left, from what the tests of each module took so far.

    Quick tests come first: the pace so far would promise too much. A module that has not begun is
    taken to be as much slower than it was when it was measured as the others are. What is set up,
    as the server is for the first test, is set up once: no pace follows from it.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Know of no test yet.

        Args:
            clock: tells seconds, of any beginning.
        """
        self.tests = 0  # that were expected
        self._clock = clock
        self._begun: float | None = None
        self._left: Counter[str] = Counter()
        self._done: Counter[str] = Counter()
        self._took: dict[str, float] = {}
        self._once = 0.0  # seconds

    def expect(self, tests: Iterable[str]) -> None:
        """Learn which tests there are, by their ids; several workers say the same."""
        self._left = Counter(map(_module, tests))
        self.tests = self._left.total()

    def begin(self) -> None:
        """Learn that a test begins."""
        if self._begun is None:
            self._begun = self._clock()

    def add(self, test: str, seconds: float, *, once: bool = False) -> None:
        """Learn what one phase of a test took, and whether others need it as well."""
        if once:
            self._once += seconds
            return
        module = _module(test)
        self._took[module] = self._took.get(module, 0) + seconds

    def end(self, test: str) -> None:
        """Learn that a test is over."""
        self._left[_module(test)] -= 1
        self._done[_module(test)] += 1

    def seconds(self) -> float | None:
        """Return the seconds that are left; None where it is too early to say."""
        worked = sum(self._took.values())
        if self._begun is None or not worked or self._clock() - self._begun < FIRST:
            return None
        measured = sum(SECONDS.get(each, OTHER) * n for each, n in self._done.items())
        slower = worked / measured if measured else 1
        work = 0.0
        for module, count in self._left.items():
            before = SECONDS.get(module, OTHER) * slower
            took = self._took.get(module, 0) + KNOWN * before
            work += count * took / (self._done[module] + KNOWN)
        return work * (self._clock() - self._begun) / (worked + self._once)


class Timed:
    """Adds the time that is left to what a reporter of pytest says of the progress."""

    def __init__(
        self, reporter: pytest.TerminalReporter, left: TimeLeft, clock: Callable[[], float]
    ) -> None:
        """Put itself between the reporter and what it writes."""
        self._left, self._clock = left, clock
        self._shown = clock()
        self._between = BETWEEN * (PATIENT if _is_quiet(reporter.config) else 1)
        self._message = reporter._get_progress_information_message  # noqa: SLF001 - there is no hook
        self._fill = reporter._write_progress_information_filling_space  # noqa: SLF001 - as above
        self._edge = reporter._write_progress_information_if_past_edge  # noqa: SLF001 - as above
        reporter._screen_width -= len(LONGEST)  # noqa: SLF001 - where a line of tests ends
        vars(reporter).update(
            _get_progress_information_message=self.message,
            _write_progress_information_if_past_edge=self.end_of_line,
        )
        self._reporter = reporter

    def message(self) -> str:
        """Return the share that is done, and the time left."""
        self._shown = self._clock()
        share, seconds = self._message(), self._left.seconds()
        if seconds is None or not share.endswith("%]") or share.endswith("100%]"):
            return share
        return f"{share.removesuffix(']')}, {_in_digits(seconds)} left]"

    def end_of_line(self) -> None:
        """End the line of tests where it is full, or has stood for long."""
        if self._clock() - self._shown < self._between:
            self._edge()
        else:
            self._fill()
            if self._reporter.showfspath:
                self._reporter.currentfspath = None  # the next line begins with the file again
            else:
                self._reporter.write_line("")


class Watch:
    """Tells what is left of what the processes of a run report."""

    def __init__(self, left: TimeLeft, *, is_quiet: bool = False) -> None:
        """Tell it this, and whether many tests are a dot."""
        self._left = left
        self._is_quiet = is_quiet
        self._passed = 0

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Learn of the tests, where they run here."""
        if session.items:
            self._left.expect(item.nodeid for item in session.items)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: Iterable[str]) -> None:
        """Learn of them of a worker."""
        self._left.expect(ids)

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(
        self, report: pytest.CollectReport | pytest.TestReport
    ) -> tuple[str, str, str] | None:
        """Write a dot for some tests that passed, where it is quiet and there are many."""
        if not (self._is_quiet and report.when == "call" and report.passed):
            return None
        if self._left.tests < MANY or hasattr(report, "wasxfail"):
            return None
        self._passed += 1
        return "passed", "" if self._passed % AT_ONCE else ".", "PASSED"

    def pytest_runtest_logstart(self) -> None:
        """Start the clock when the first test begins, wherever that is."""
        self._left.begin()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Add one phase of one test."""
        self._left.add(report.nodeid, report.duration, once=report.when == "setup")
        if report.when == "call" or (report.when == "setup" and not report.passed):
            self._left.end(report.nodeid)


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Add the time to pytest's own progress."""
    watch = timed(config.pluginmanager.get_plugin("terminalreporter"))
    if watch is not None:
        config.pluginmanager.register(watch, NAME)


def timed(reporter: object, clock: Callable[[], float] = time.monotonic) -> Watch | None:
    """Let a reporter show the time left, if it is pytest's and shows a share.

    Returns:
        The plugin that tells it what is reported.
    """
    if type(reporter) is not pytest.TerminalReporter:
        return None
    if reporter._show_progress_info != "progress":  # noqa: SLF001 - what it has made of options
        return None
    left = TimeLeft(clock)
    Timed(reporter, left, clock)
    return Watch(left, is_quiet=_is_quiet(reporter.config))


def _is_quiet(config: pytest.Config) -> bool:
    return config.get_verbosity() < 0


def _module(test: str) -> str:
    return test.split("::", maxsplit=1)[0].rpartition("/")[2].removesuffix(".py")


def _in_digits(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), MINUTE)
    if minutes < MINUTE:
        return f"{minutes}:{rest:02}"
    return f"{minutes // MINUTE}:{minutes % MINUTE:02}:{rest:02}"
