"""Timeouts on a busy machine: they are tried again, compared, and blamed on no file."""

import dataclasses
from pathlib import Path

import pytest

from conformance.engine.audit.findings import Fault, Section
from conformance.engine.cases.verdicts import NOT_RUN
from conformance.engine.database.session import PATIENCE, TIMEOUTS
from conformance.engine.deployment import migrations
from conformance.engine.gate import compare, kept, suite
from conformance.engine.gate.outcomes import TIMED_OUT
from conformance.engine.gate.result import Result, Run
from conformance.engine.postgres import Request, Server
from conformance.engine.progress import Watch
from conformance.framecast.rules import RULES

MIGRATIONS = Path(__file__).parents[3] / "migrations"
RACE = "lock_order__others_work_while_one_is_erased"
HELD = dict.fromkeys(RULES, "held")
TEST = f"conformance/test_races.py::test_known_race[{RACE}]"
NOTHING = Run(Request(), 180000, "quick", 600)


def late(*tests: str) -> Result:
    """Return what a run says in which some tests about PRIVACY-3 met a timeout."""
    return Result(
        {**HELD, "PRIVACY-3": "unproven"},
        {"PRIVACY-3": ["no answer"]},
        tests={"PRIVACY-3": list(tests)},
        slow=list(tests),
        failing=list(tests),
    )


def test_a_race_without_an_answer_is_tried_with_more_time(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A race that a slow machine canceled passes with more time, and its rules are held."""
    asked: list[str] = []
    really = suite._run

    def slowly(
        command: list[str],
        timeout: float,
        written: tuple[Path, ...],
        watch: Watch,
        patience: str = "0.0002",
    ) -> None:
        asked.append(patience)
        really([*command, "-k", RACE, "-n", "0"], timeout, written, watch, patience)

    monkeypatch.setattr(suite, "_run", slowly)
    monkeypatch.setattr(suite, "RULES", {})
    how = Run(Request(database_url=server.conninfo), server.version, "quick", 300)
    result = suite.run(migrations.load(MIGRATIONS), how)

    assert ["0.0002", suite.LONGER] == asked
    assert ([], {}) == (result.slow, result.failed)


def test_patience_makes_timeouts_longer() -> None:
    """Without it, a statement may take 20 seconds."""
    assert "CONFORMANCE_PATIENCE" == PATIENCE
    assert "SET statement_timeout = '20000ms'; SET lock_timeout = '10000ms'" == TIMEOUTS


def test_what_passes_with_more_time_is_forgiven(monkeypatch: pytest.MonkeyPatch) -> None:
    """A rule is held where only tests that met a timeout said otherwise, and pass since."""
    answers = [late(TEST), Result(HELD)]
    monkeypatch.setattr(suite, "_attempt", lambda *_: answers.pop(0))
    result = suite.run([], NOTHING)

    assert (HELD, {}, []) == (result.verdicts, result.failures, result.slow)
    both = late(TEST)
    both.tests["PRIVACY-3"].append("another")
    both.forgive([TEST])
    assert "unproven" == both.verdicts["PRIVACY-3"]


def test_a_schema_that_was_to_be_is_known_when_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run's answers are in the cache, as long as all tests of it had an answer."""
    answers = [Result(HELD), late(TEST), late(TEST)]
    monkeypatch.setattr(suite, "_attempt", lambda *_: answers.pop(0))
    other = dataclasses.replace(NOTHING, profile="default")

    suite.run([], NOTHING)
    assert (Result(HELD), True) == suite.run_once([], NOTHING)
    assert [TEST] == suite.run([], other).slow
    with pytest.raises(IndexError):
        suite.run_once([], other)


def test_a_run_that_was_stopped_for_nothing_is_done_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where all that failed passes with more time, what the run did not come to is run as well."""
    stopped = late(TEST)
    stopped.verdicts["INV-T6"] = NOT_RUN
    answers = [stopped, Result(HELD), Result(HELD)]
    few: list[bool] = []

    def attempt(_files: object, how: Run, *_: object) -> Result:
        few.append(how.few)
        return answers.pop(0)

    monkeypatch.setattr(suite, "_attempt", attempt)
    result = suite.run([], dataclasses.replace(NOTHING, few=True))

    assert (HELD, [True, True, False]) == (result.verdicts, few)


def test_what_was_wrong_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """The cache answers for a schema on which all was right, whatever its comments are."""
    wrong = Result({**HELD, "INV-T6": "broken"})
    answers = [wrong, Result(HELD)]
    monkeypatch.setattr(suite, "_attempt", lambda *_: answers.pop(0))
    how = dataclasses.replace(NOTHING, version=170000)
    one, same, other = (
        [dataclasses.replace(migrations.load(MIGRATIONS)[0], sql=text)]
        for text in ("SELECT 1;", "-- waives INV-T6: a reason\nSELECT  1 ;", "SELECT 2;")
    )

    assert (wrong, False) == suite.run_once(one, how)
    assert wrong == kept.known(one, how)
    assert (Result(HELD), False) == suite.run_once(one, how)
    assert (Result(HELD), True) == suite.run_once(same, how)
    assert None is kept.known(other, how)


def test_of_the_schema_as_it_is_what_failed_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """A rule was held before where the tests that fail now pass on the schema as it is."""
    before = Result({"INV-T6": "broken", "INV-U5": "unproven"}, failing=["a"])
    asked: list[list[str]] = []

    def attempt(_files: object, _how: object, tests: list[str]) -> Result:
        asked.append(tests)
        return before

    monkeypatch.setattr(suite, "_attempt", attempt)
    result = suite.of_tests([], NOTHING, {"INV-T6": ["a"], "INV-U5": ["b"]})

    assert [["a", "b"]] == asked
    assert {"INV-T6": "broken", "INV-U5": "held"} == result.verdicts


def test_of_many_that_hang_few_are_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the first of them fail with more time too, the others are not waited for."""
    tests = [f"t{number}" for number in range(9)]
    runs: list[list[str]] = []

    def attempt(_files: object, _how: object, some: list[str]) -> Result:
        runs.append(list(some))
        return late(*some)

    monkeypatch.setattr(suite, "_attempt", attempt)

    assert tests == suite.again([], NOTHING, tests)
    assert [tests[: suite.FEW]] == runs


@pytest.mark.parametrize(("found", "asked"), [(0, False), (1, True)])
def test_what_the_schema_as_it_is_cannot_tell_is_not_asked(found: int, asked: bool) -> None:
    """A timeout on both schemas closes the gate as unasked, unless something else is wrong."""
    wrong = [Fault("INV-T6", "broken", "mend")] * found
    section = Section(6, "verdicts", "x", asked=True, faults=wrong)
    compare.set_apart(section, ["PRIVACY-3"], [TEST])

    assert asked == section.asked
    fault = section.faults[-1]
    assert ("PRIVACY-3", compare.UNANSWERED) == (fault.about, fault.what)
    assert (f"test_races.py::test_known_race[{RACE}]",) == fault.keys


@pytest.mark.parametrize(
    ("text", "met"),
    [
        ("observed: 'a' has none: inconclusive (57014: canceling statement)", True),
        ("psycopg.errors.QueryCanceled: canceling statement", True),
        ("observed: inconclusive (40P01: deadlock detected)", False),
        ("INV-T6 is broken", False),
    ],
)
def test_timeouts_are_told_apart(text: str, met: bool) -> None:
    """A failure is one of time by what it prints of its outcome."""
    assert met == (TIMED_OUT.search(text) is not None)
