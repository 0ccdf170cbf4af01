"""The time left that a run of pytest shows beside its share, on a terminal and in a pipe."""

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Final, Literal

import pytest

from conformance.engine.pytest_plugin.progress import (
    KNOWN,
    MANY,
    NAME,
    SECONDS,
    TimeLeft,
    Watch,
    name_of,
    timed,
)

Phase = Literal["setup", "call", "teardown"]
WIDTH: Final = 60
PHASES: Final[tuple[Phase, ...]] = ("setup", "call", "teardown")


class Clock:
    """A clock that the test moves."""

    now = 0.0

    def __call__(self) -> float:
        """Return its time."""
        return self.now


def ids(module: str, count: int) -> list[str]:
    """Return ids of tests of a module."""
    return [f"conformance/{module}.py::test_it[{number}]" for number in range(count)]


def test_time_left_is_that_of_the_work_that_is_left() -> None:
    """Where the slow tests come last, the pace of the quick ones is not promised; workers share."""
    clock = Clock()
    left = TimeLeft(clock)
    quick, slow = ids("test_reading", 100), ids("test_races", 100)
    left.expect(quick + slow)
    left.begin(quick[0])
    for test in quick:
        clock.now += 0.05
        left.add(test, 0.1)
        left.end(test)

    slower = 0.1 / SECONDS["test_reading"]
    assert pytest.approx(100 * SECONDS["test_races"] * slower / 2) == left.seconds()


def test_what_is_set_up_once_is_no_pace() -> None:
    """A server that takes long to start is not expected to start again for every test."""
    clock = Clock()
    left = TimeLeft(clock)
    tests = [*ids("test_corpus", 10), *ids("test_races", 100)]
    left.expect(tests)
    left.begin(tests[0])
    clock.now += 20
    left.add(tests[0], 20, once=True)
    for test in tests[:10]:
        clock.now += SECONDS["test_corpus"]
        left.add(test, SECONDS["test_corpus"])
        left.end(test)

    assert pytest.approx(100 * SECONDS["test_races"]) == left.seconds()


def test_time_left_learns_from_what_it_sees() -> None:
    """Times of a module's tests count for more than what was measured once; nothing is 0."""
    clock = Clock()
    left = TimeLeft(clock)
    tests = ids("test_theirs", 100)
    left.expect(tests)
    left.begin(tests[0])
    assert left.seconds() is None
    for test in tests[:50]:
        clock.now += 2
        left.add(test, 2)
        left.end(test)
    assert pytest.approx(100, rel=0.01) == left.seconds()
    for test in tests[50:]:
        clock.now += 2
        left.add(test, 2)
        left.end(test)

    assert 0 == left.seconds()


def test_time_left_is_that_of_the_last_run() -> None:
    """A test that ran here before takes as long again; nothing ends before what is running."""
    clock = Clock()
    left = TimeLeft(clock, whole=False)
    quick, (slow,) = ids("test_theirs", 20), ids("test_other", 1)
    left.before = {name_of(test): 0.5 for test in quick} | {name_of(slow): 30.0}
    left.expect([*quick, slow])
    left.begin(quick[0])
    for test in quick[:10]:
        left.begin(test)
        clock.now += 0.25
        left.add(test, 0.5)
        left.end(test)

    assert pytest.approx(30) == left.seconds()
    left.begin(slow)
    clock.now += 10
    assert 20 <= (left.seconds() or 0) < 21
    left.limit = clock.now + 1
    assert pytest.approx(1) == left.seconds()


def test_what_is_not_known_is_not_said() -> None:
    """Of a choice of tests the first ones say nothing of others, until these have been seen."""
    clock = Clock()
    left = TimeLeft(clock, whole=False)
    tests = [*ids("test_reading", 10), *ids("test_races", 10)]
    left.expect(tests)
    for number, test in enumerate(tests):
        left.begin(test)
        clock.now += 3
        left.add(test, 3)
        left.end(test)
        is_known = 10 + KNOWN <= number + 1 < len(tests)
        assert is_known == (left.seconds() not in (None, 0.0)), number


@contextmanager
def instead(config: pytest.Config, watch: Watch | None) -> Iterator[None]:
    """Have a run ask this of its dots; None for nothing."""
    own = config.pluginmanager.unregister(name=NAME)
    if watch is not None:
        config.pluginmanager.register(watch, NAME)
    yield
    if watch is not None:
        config.pluginmanager.unregister(watch)
    if own is not None:
        config.pluginmanager.register(own, NAME)


@pytest.fixture(params=[1, 2 * MANY])
def shown(
    request: pytest.FixtureRequest, pytestconfig: pytest.Config, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., list[str]]]:
    """Return what shows a run of so many tests, that take so many seconds each.

    The run that it is called in, of few tests or of many, is not asked of its dots.
    """
    left = TimeLeft()
    left.expect(ids("test_ours", request.param))
    ours = Watch(left, is_quiet=True)
    monkeypatch.setattr(pytestconfig.option, "verbose", 0)
    monkeypatch.setattr(pytestconfig.option, "capture", "fd")
    monkeypatch.setenv("COLUMNS", str(WIDTH))

    def show(count: int, seconds: float, *, files: bool = False) -> list[str]:
        clock, to = Clock(), io.StringIO()
        reporter = pytest.TerminalReporter(pytestconfig, to)
        monkeypatch.setattr(reporter, "_session", SimpleNamespace(testscollected=count))
        watch = timed(reporter, TimeLeft(clock), clock)
        assert watch is not None
        reporter.showfspath = files  # not where there are workers
        tests = ids("test_theirs", count)
        watch.pytest_xdist_node_collection_finished(tests)
        for test in tests:
            watch.pytest_runtest_logstart(test)
            reporter.pytest_runtest_logstart(test, (test.partition("::")[0], 0, test))
            clock.now += seconds
            for phase in PHASES:
                took = seconds if phase == "call" else 0.0
                report = pytest.TestReport(
                    test, (test, 0, test), {}, "passed", None, phase, duration=took
                )
                watch.pytest_runtest_logreport(report)
                reporter.pytest_runtest_logreport(report)
        reporter._write_progress_information_filling_space()
        return to.getvalue().splitlines()

    with instead(pytestconfig, ours), instead(pytestconfig, None):
        yield show


def test_a_run_shows_it_beside_the_share(shown: Callable[..., list[str]]) -> None:
    """Each line of tests ends within the width with share and time left; the last is 100 %."""
    first, *_, last = lines = shown(100, 0.2)

    assert first.endswith(" [ 40%, 0:12 left]")
    assert first.startswith("." * 40 + " ")
    assert last.endswith(" [100%]")
    assert [] == [line for line in lines if len(line) >= WIDTH]


def test_a_line_ends_where_tests_take_long(shown: Callable[..., list[str]]) -> None:
    """After ten seconds a line ends, full or not: a log goes on, and says how long it may take."""
    lines = shown(10, 400)

    assert 10 == len(lines)
    named = [" ".join(line.split()) for line in shown(10, 400, files=True)]
    assert 10 == sum("test_theirs.py . [" in line for line in named)
    assert ". [ 10%, 1:00:00 left]" == " ".join(lines[0].split())
    assert ". [ 90%, 6:40 left]" == " ".join(lines[8].split())


def test_what_is_quick_shows_the_share_alone(shown: Callable[..., list[str]]) -> None:
    """A run of a moment is as pytest shows it."""
    assert [] == [line for line in shown(100, 0.001) if "left" in line]


def test_reporters_of_others_are_left_alone() -> None:
    """Where a plugin has a reporter of its own, nothing of it is changed."""
    theirs = SimpleNamespace()

    assert timed(theirs, TimeLeft()) is None
    assert {} == vars(theirs)


@pytest.mark.parametrize(("count", "dots"), [(600, 60), (400, 400)])
def test_a_quiet_run_of_many_has_a_dot_for_ten(count: int, dots: int) -> None:
    """Where there are many tests and it is quiet, ten that passed are a dot; else pytest says."""
    left = TimeLeft()
    tests = ids("test_theirs", count)
    left.expect(tests)
    watch = Watch(left, is_quiet=True)

    def status(outcome: Literal["passed", "failed"], test: str) -> tuple[str, str, str] | None:
        report = pytest.TestReport(test, (test, 0, test), {}, outcome, None, "call")
        return watch.pytest_report_teststatus(report)

    said = [status("passed", test) or ("passed", ".", "PASSED") for test in tests]
    assert dots == sum(letter == "." for _, letter, _ in said)
    assert count == sum(category == "passed" for category, *_ in said)
    assert status("failed", tests[0]) is None
    assert (
        Watch(left).pytest_report_teststatus(
            pytest.TestReport("it", ("it", 0, "it"), {}, "passed", None, "call")
        )
        is None
    )
