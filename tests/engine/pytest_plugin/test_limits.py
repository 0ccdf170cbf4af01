"""The time limit of a run."""

import shlex
from pathlib import Path

import pytest

from tests.support.recording import HEAD, run_in

SLOW = f"""{HEAD}
import threading

@pytest.mark.parametrize("number", range(9))
@pytest.mark.rules("INV-U5")
def test_race(number):
    threading.Event().wait(0.5)
"""


@pytest.mark.parametrize("workers", [0, 2])
def test_what_time_did_not_allow_is_not_run(workers: int, tmp_path: Path) -> None:
    """After the limit no test begins; the rule is not run, the report partial, the run fails."""
    ended = run_in(tmp_path, SLOW, "--max-time", "0.1s", f"-n{workers}")

    assert pytest.ExitCode.INTERRUPTED == ended.code
    assert "not run" == ended.verdict("INV-U5")
    assert not ended.report["whole"]
    assert 0 < ended.report["counts"]["passed"] < 10
    assert "--max-time 0.1s is over" in ended.output


def test_a_run_that_came_to_nothing_says_so(tmp_path: Path) -> None:
    """No rule is said not to be held that none has tried; the unit of the time is as given."""
    ended = run_in(tmp_path, SLOW, "--max-time", "0.002m", "-n0")

    assert "failed: it ended before any rule was tried to its end. 1 not run" in ended.output
    assert "--max-time 0.002m is over: give it longer" in ended.output
    assert "--max-time 0.002m" in shlex.join(ended.report["selected"])


def test_a_run_within_its_time_is_as_without(tmp_path: Path) -> None:
    """A limit that is not reached changes nothing; the run says how much time it has left."""
    ended = run_in(tmp_path, SLOW, "--max-time", "1h", "-n0", "-v")

    assert 10 == ended.report["counts"]["passed"]
    assert "[ 90%, 0:01 left]" in ended.output or "[ 90%, 0:00 left]" in ended.output


@pytest.mark.parametrize("text", ["0", "-1", "soon", "m", "nan"])
def test_a_limit_that_is_none_is_one_message(text: str, tmp_path: Path) -> None:
    """A text that is no time is refused before anything is tried."""
    ended = run_in(tmp_path, SLOW, f"--max-time={text}", "-n0")

    assert pytest.ExitCode.USAGE_ERROR == ended.code
    said = f"'{text}' is not a time, such as 90, 90s, 15m or 2h"
    assert said in ended.output
    assert [said in each["said"] for each in ended.report["errors"]] == [True]
    assert ended.report["rules"] == []


FAILING = f"""{HEAD}
@pytest.mark.parametrize("number", range(9))
@pytest.mark.rules("INV-U5")
def test_race(number):
    raise LookupError("no harness" if number < 4 else "no server")
"""


@pytest.mark.parametrize("workers", [0, 1])
def test_causes_are_counted_and_not_tests(workers: int, tmp_path: Path) -> None:
    """After so many causes no test begins, though one of them fails many; the run says why."""
    ended = run_in(tmp_path, FAILING, "--max-failures", "2", f"-n{workers}", "--color=yes")

    assert ended.code in {pytest.ExitCode.INTERRUPTED, pytest.ExitCode.TESTS_FAILED}
    assert 5 + workers >= ended.report["counts"]["failed"] >= 5
    assert "--max-failures: 2 found" in ended.output
    assert "\x1b[33munproven\x1b[0m" in ended.output


MANY = f"""{HEAD}
import threading

@pytest.mark.parametrize("number", range(200))
@pytest.mark.rules("INV-U5")
def test_race(number):
    threading.Event().wait(0.02)
    assert number
"""


@pytest.mark.parametrize("limit", ["--max-time=0.1s", "--max-failures=1", "--maxfail=1"])
def test_workers_end_with_the_run(
    limit: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that was given half of all tests begins none of them after the limit."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    ended = run_in(tmp_path, MANY, limit, "-n2", "--dist=worksteal")

    assert 0 < ended.report["counts"]["passed"] < 150
    assert ended.report["counts"]["not_run"] > 50
    assert [] == list(tmp_path.glob("framecast-conformance-run-*"))
