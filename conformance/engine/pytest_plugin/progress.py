"""The time that is left, in the reporter of pytest: ` [ 12%, 2:40 left]` where it says ` [ 12%]`.

A line of tests ends after ten seconds, whether it is full or not, so that a log of a pipeline goes
on where tests take long. With `-q` it ends after thirty, and of many tests a dot is ten that have
passed: a whole green run fits on a screen. Reporters of other plugins, and other styles of
progress, are left alone.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import pytest

from conformance.engine.arguments import duration
from conformance.engine.progress import BETWEEN, FIRST
from conformance.engine.pytest_plugin.limits import TIME
from conformance.engine.pytest_plugin.scope import is_whole

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

NAME: Final = "conformance-progress"  # of the plugin
LEFT = pytest.StashKey["TimeLeft"]()
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
UNKNOWN: Final = 1 / 4  # share of the work that is left from which on nothing is said
AS_BEFORE: Final = 5.0  # seconds of tests that a machine as quick as before counts for
KNOWN: Final = 4  # tests that a measurement counts for beside those of this run
HOUR, MINUTE = 3600, 60


class TimeLeft:
    """Estimate of what a run has left, from what its tests took the last time, and so far.

    A test that ran here before takes as long again, times what the others took longer; another as
    long as those of its module so far. What is known of neither is taken to be as much slower than
    when its module was measured as the others are, if the run is of the whole suite: a choice of
    tests is not like the mean. Where most of the work is not known, nothing is said. What is set
    up, as the server is for the first test, is set up once: no pace follows from it.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic, *, whole: bool = True) -> None:
        """Know of no test yet.

        Args:
            clock: tells seconds, of any beginning.
            whole: whether a module's tests are all of them.
        """
        self.tests = 0  # that were expected
        self.before: dict[str, float] = {}  # seconds of tests that ran before
        self.took: dict[str, float] = {}
        self.limit: float | None = None  # by the clock
        self._clock, self._whole = clock, whole
        self._begun: float | None = None
        self._left: set[str] = set()
        self._running: dict[str, float] = {}
        self._once = 0.0  # seconds

    @property
    def share(self) -> float:
        """The share of the tests that is done."""
        return 1 - len(self._left) / self.tests if self.tests else 0

    def expect(self, tests: Iterable[str]) -> None:
        """Learn which tests there are, by their ids; several workers say the same."""
        self._left = {*map(name_of, tests)}
        self.tests = len(self._left)

    def begin(self, test: str) -> None:
        """Learn that a test begins."""
        now = self._clock()
        self._begun = now if self._begun is None else self._begun
        self._running[name_of(test)] = now

    def add(self, test: str, seconds: float, *, once: bool = False) -> None:
        """Learn what one phase of a test took, and whether others need it as well."""
        if once:
            self._once += seconds
            return
        self.took[name_of(test)] = self.took.get(name_of(test), 0) + seconds

    def end(self, test: str) -> None:
        """Learn that a test is over."""
        self._left.discard(name_of(test))
        self._running.pop(name_of(test), None)

    def seconds(self) -> float | None:
        """Return the seconds that are left; None where it is too early to say, or not known."""
        now, worked = self._clock(), sum(self.took.values())
        if self._begun is None or now - self._begun < FIRST or not (worked or self.before):
            return None
        known, guessed = self._known()
        each = known | guessed
        for test, since in self._running.items():
            each[test] = max(each.get(test, 0) - (now - since), 0)
        work = sum(each.values())
        if work * UNKNOWN < sum(each[test] for test in guessed):
            return None
        running = sum(now - since for since in self._running.values())
        pace = (now - self._begun) / (worked + self._once + running or 1)
        left = max(work * pace, *each.values()) if each else 0.0
        rest = left if self.limit is None else min(left, max(self.limit - now, 0))
        return None if each and not rest else rest

    def _known(self) -> tuple[dict[str, float], dict[str, float]]:
        """Return the seconds of each test that is left: as they are known, and as they are not."""
        both = self.took.keys() & self.before.keys()
        again = AS_BEFORE + sum(self.before[test] for test in both)
        slower = (AS_BEFORE + sum(self.took[test] for test in both)) / again
        done: dict[str, list[float]] = {}
        for test, seconds in self.took.items():
            done.setdefault(_module(test), []).append(seconds)
        worked = sum(map(sum, done.values()))
        measured = sum(SECONDS.get(module, OTHER) * len(some) for module, some in done.items())
        known: dict[str, float] = {}
        guessed: dict[str, float] = {}
        for test in self._left:
            some = done.get(_module(test), [])
            guess = SECONDS.get(_module(test), OTHER) * (worked / measured if measured else 1)
            mean = (sum(some) + KNOWN * guess) / (len(some) + KNOWN)
            if test in self.before:
                known[test] = self.before[test] * slower
            elif self._whole or len(some) >= KNOWN:
                known[test] = mean
            else:
                guessed[test] = mean
        return known, guessed


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
        return f"{share.removesuffix(']')}, {in_digits(seconds)} left]"

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

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Know when each test begins, wherever that is."""
        self._left.begin(nodeid)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Add one phase of one test."""
        self._left.add(report.nodeid, report.duration, once=report.when == "setup")
        if report.when == "call" or (report.when == "setup" and not report.passed):
            self._left.end(report.nodeid)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Keep what each test took, for the next run."""
        cache = session.config.cache if hasattr(session.config, "cache") else None
        if cache is not None and self._left.took:
            seconds = {test: round(each, 2) for test, each in self._left.took.items()}
            cache.set(_kept(session.config), {**self._left.before, **seconds})


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Add the time to pytest's own progress, and on a terminal let it go by."""
    left = TimeLeft(whole=is_whole(config))
    watch = timed(config.pluginmanager.get_plugin("terminalreporter"), left)
    if watch is None:
        return
    if config.getoption(TIME, None):
        left.limit = time.monotonic() + duration(config.getoption(TIME))
    cache = getattr(config, "cache", None)
    left.before = cache.get(_kept(config), {}) if cache is not None else {}
    config.stash[LEFT] = left
    config.pluginmanager.register(watch, NAME)


def time_left(config: pytest.Config) -> float | None:
    """Return the seconds that a run has left; None where that is not known."""
    return config.stash[LEFT].seconds() if LEFT in config.stash else None


def _kept(config: pytest.Config) -> str:
    """Return under which name pytest keeps what tests took, which depends on how much they draw."""
    return f"conformance/seconds/{config.getoption('hypothesis_profile', None) or 'default'}"


def timed(
    reporter: object, left: TimeLeft, clock: Callable[[], float] = time.monotonic
) -> Watch | None:
    """Let a reporter show the time left, if it is pytest's and shows a share.

    Returns:
        The plugin that tells it what is reported.
    """
    if type(reporter) is not pytest.TerminalReporter:
        return None
    if reporter._show_progress_info != "progress":  # noqa: SLF001 - what it has made of options
        return None
    Timed(reporter, left, clock)
    return Watch(left, is_quiet=_is_quiet(reporter.config))


def _is_quiet(config: pytest.Config) -> bool:
    return config.get_verbosity() < 0


def name_of(test: str) -> str:
    """Return what a test is called by wherever its folder lies."""
    file, colons, rest = test.partition("::")
    return f"{file.rpartition('/')[2]}{colons}{rest}"


def _module(test: str) -> str:
    return test.partition("::")[0].removesuffix(".py")


def in_digits(seconds: float) -> str:
    """Return a time as 2:40."""
    minutes, rest = divmod(round(seconds), MINUTE)
    if minutes < MINUTE:
        return f"{minutes}:{rest:02}"
    return f"{minutes // MINUTE}:{minutes % MINUTE:02}:{rest:02}"
