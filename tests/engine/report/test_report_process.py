"""Runs that do not go well: nothing of a proof is lost, nothing is hidden."""

from __future__ import annotations

from functools import partial
from itertools import product
from typing import TYPE_CHECKING, Final

import pytest

from tests.support.recording import FAILS, FINDING, HEAD, PARTS, Ended, run_in

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

WORKERS: Final = [(phase, ("-n1",)) for phase in ("setup", "teardown", "crash")]
BROKEN_FAILURES: Final = """
from conformance.engine.report.terminal import Terminal
Terminal._cause = lambda *_, **__: 1 / 0
"""
INTERRUPTED: Final = """
@pytest.mark.rules("INV-U6")
def test_other(case_runner):
    raise KeyboardInterrupt

@pytest.mark.rules("INV-U6")
def test_last():
    pass
"""
KILLED: Final = """
import signal

@pytest.mark.rules("INV-U6")
def test_other():
    {what}

@pytest.mark.rules("INV-U6")
def test_next(case_runner):
    pass

@pytest.mark.rules("INV-U1")
def test_last(case_runner):
    pass
"""


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Ended]:
    """Return what runs a suite of a few tests with the plugin."""
    return partial(run_in, tmp_path)


def test_a_run_that_goes_well_holds(run: Callable[..., Ended]) -> None:
    """Where every part of a proof has run, the rule is held, and the run passes."""
    done = run(HEAD)

    assert (0, "held") == (done.code, done.verdict("INV-U5")), done.output
    assert 0 == done.report["exit_status"]


@pytest.mark.parametrize(
    ("phase", "options"),
    [*((phase, ("-n0",)) for phase in PARTS if phase != "crash"), *WORKERS],
)
def test_a_part_that_could_not_run_leaves_its_rule_unproven(
    phase: str, options: tuple[str, ...], run: Callable[..., Ended]
) -> None:
    """An error in setup, call or teardown, a crash and a skip: unproven, and it is said why."""
    done = run(HEAD + PARTS[phase], *options)

    assert (1, "unproven") == (done.code, done.verdict("INV-U5")), done.output
    assert "CARD-1" not in {each["id"] for each in done.report["rules"]}
    (rule,) = done.report["rules"]
    failure = rule["failures"][0]
    assert (phase, "unproven") == (failure["path"], failure["verdict"])
    reason = "crashed while running" if phase == "crash" else "no harness"
    assert reason in failure["observed"]
    _, _, said = done.output.partition(" unproven ===")
    assert reason in said, done.output
    assert 1 == done.report["exit_status"]


def test_a_file_that_cannot_be_read_is_an_error_of_the_run(run: Callable[..., Ended]) -> None:
    """A collection that fails is told, and counted, and proves nothing."""
    done = run(HEAD + "raise LookupError('no harness')", "-n0")

    assert done.code
    assert 1 == done.report["counts"]["errors"]
    assert ["collection"] == [each["when"] for each in done.report["failed"]]
    assert "no harness" in done.output
    assert not done.report["whole"]


def test_a_failing_test_leaves_its_rule_unproven(run: Callable[..., Ended]) -> None:
    """A test about a rule that fails without a finding leaves the rule unproven."""
    done = run(HEAD + FAILS)

    assert "unproven" == done.verdict("INV-U5")
    assert "failure" == done.report["failed"][0]["kind"]
    assert ["INV-U5"] == done.report["failed"][0]["rules"]


def test_a_test_of_many_rules_blames_the_one_that_it_found(run: Callable[..., Ended]) -> None:
    """A finding of a wide test about one rule, or none, says nothing of the others."""
    one = '\n@pytest.mark.rules("INV-U5", wide=True)\ndef test_all():\n    raise found("%s")\n'
    blamed, beside = run(HEAD + FINDING + one % "INV-U6"), run(HEAD + FINDING + one % "HOSTILE")

    assert ("held", "broken") == (blamed.verdict("INV-U5"), blamed.verdict("INV-U6"))
    assert "held" == beside.verdict("INV-U5")
    assert ["HOSTILE"] == [each["rule"] for each in beside.report["beside"]]
    assert 1 == beside.code


def test_a_test_of_one_rule_that_finds_another_proves_nothing(run: Callable[..., Ended]) -> None:
    """Where a test of one rule ends because of something else, its own rule is unproven."""
    for other in ("INV-U6", "SERIAL ORDER"):
        one = f'\n@pytest.mark.rules("INV-U5")\ndef test_race():\n    raise found("{other}")\n'
        done = run(HEAD + FINDING + one)
        assert "unproven" == done.verdict("INV-U5"), done.output


def test_a_finding_is_no_traceback(run: Callable[..., Ended]) -> None:
    """A finding is printed in its own words, whatever test it comes from, a fixture's too."""
    one = """
@pytest.fixture
def harness():
    raise found("INV-U5")

def test_race(harness):
    pass

@pytest.mark.rules("INV-U5")
def test_other():
    raise ExceptionGroup("two", [found("INV-U5", Verdict.UNNAMED), found("INV-U5")])
"""
    done = run(HEAD + FINDING + one)

    assert "broken" == done.verdict("INV-U5"), done.output
    assert "INV-U5 is broken\n  expected: no\n  observed: yes" in done.output
    assert "replay: " in done.output
    for word in ("Error", "Traceback", "def test_", ".py:", "raise "):
        assert word not in done.output.replace("test_fake.py::", ""), done.output


@pytest.mark.parametrize(
    ("how", "workers"),
    [  # what a worker has before it, it may begin after `--max-failures`
        *product(["-x", "--maxfail=1"], ["-n0", "-n1"]),
        ("--max-failures=1", "-n0"),
    ],
)
def test_a_run_that_stops_early_is_a_part(
    how: str, workers: str, run: Callable[..., Ended]
) -> None:
    """A run that stops at a failure counts what it did not reach, and is not whole."""
    done = run(HEAD + INTERRUPTED.replace("KeyboardInterrupt", "OSError"), workers, how)

    assert done.code, done.output
    assert ("held", "unproven") == (done.verdict("INV-U5"), done.verdict("INV-U6")), done.output
    # Where something is wrong, what is held is counted, and not listed.
    assert ["INV-U6"] == [row.split()[0] for row in done.rows if row.startswith("INV-U")]
    assert "failed: 1 rule is not held. 1 held, 1 unproven" in done.rows
    assert (1, False) == (done.report["counts"]["not_run"], done.report["whole"])
    assert done.report["exit_status"] == done.code
    assert "errors" not in done.report
    limit = "--max-failures" if how == "--max-failures=1" else "--maxfail"
    assert [limit, "1", "test_fake.py"] == done.report["selected"]


def test_a_rule_that_was_not_reached_has_its_own_word(run: Callable[..., Ended]) -> None:
    """A row of a rule that a run did not come to reads 'not run', and is counted as such."""
    done = run(HEAD + INTERRUPTED, "-n0")

    assert ("held", "not run") == (done.verdict("INV-U5"), done.verdict("INV-U6")), done.output
    assert 1 == done.report["verdicts"]["not run"]
    assert any(row.startswith("INV-U6 not run ") for row in done.rows), done.output
    why = "failed: an error ended the run; 1 rule not tried to the end. "
    assert why + "1 held, 1 not run" in done.rows


@pytest.mark.parametrize(
    ("what", "tests"),
    [
        ("Ctrl-C", KILLED.format(what="os.kill(os.getppid(), signal.SIGINT); signal.pause()")),
        ("SIGTERM", KILLED.format(what="os.kill(os.getppid(), signal.SIGTERM); signal.pause()")),
        ("a crash", KILLED.format(what="os._exit(3)")),
    ],
)
def test_what_workers_did_not_reach_is_not_run(
    what: str, tests: str, run: Callable[..., Ended]
) -> None:
    """Tests that workers had before them when they were ended are known, and not run."""
    done = run(HEAD + tests, "-n1", "--max-worker-restart=0")

    assert done.code, done.output
    verdicts = [done.verdict(rule) for rule in ("INV-U5", "INV-U6", "INV-U1")]
    assert verdicts == ["held", "unproven" if what == "a crash" else "not run", "not run"], verdicts
    assert not done.report["whole"]
    assert "INTERNALERROR" not in done.output


@pytest.mark.parametrize("workers", ["-n0", "-n1"])
def test_sigterm_ends_a_run_as_ctrl_c_does(
    workers: str, run: Callable[..., Ended], tmp_path: Path
) -> None:
    """What was reached is reported, the rest not run; workers are told before they are killed."""
    sends = f"os.kill(os.{'getpid' if workers == '-n0' else 'getppid'}(), signal.SIGTERM)"
    waits = f"""
    try:
        {sends}
        signal.pause()
    except KeyboardInterrupt:
        os.kill(os.getpid(), signal.SIGTERM)  # as a pipeline says it again
        open("told", "w").close()
        raise
"""
    done = run(HEAD + KILLED.format(what=waits), workers)

    assert pytest.ExitCode.INTERRUPTED == done.code == done.report["exit_status"], done.output
    verdicts = [done.verdict(rule) for rule in ("INV-U5", "INV-U6", "INV-U1")]
    assert ["held", "not run", "not run"] == verdicts
    assert (1, 3) == tuple(done.report["counts"][each] for each in ("passed", "not_run"))
    (error,) = done.report["errors"]
    assert error["said"].endswith("the run was ended by SIGTERM")
    assert (tmp_path / "told").exists()


@pytest.mark.parametrize("number", ["SIGTERM", "SIGINT"])
@pytest.mark.parametrize("how", ["plain", "drawn"])
def test_an_error_of_cleaning_up_hides_no_signal(
    number: str, how: str, run: Callable[..., Ended]
) -> None:
    """A connection that a signal has cost a test is no failure of its rule, nor of the next."""
    ends = f"""
    global sent
    try:
        if not sent:
            sent = True
            os.kill(os.getpid(), signal.{number})
            signal.pause()
    finally:
        raise OSError("the connection is closed")
"""
    given = ""
    if how == "drawn":
        given = "@hypothesis.given(hypothesis.strategies.integers())\ndef test_other(number):"
    tests = KILLED.format(what=ends).replace("def test_other():", given or "def test_other():")
    done = run(f"{HEAD}\nimport hypothesis, os\nsent = False\n{tests}", "-n0")

    assert pytest.ExitCode.INTERRUPTED == done.code == done.report["exit_status"], done.output
    verdicts = [done.verdict(rule) for rule in ("INV-U5", "INV-U6", "INV-U1")]
    assert ["held", "not run", "not run"] == verdicts, done.output
    assert (1, 0, 3) == tuple(
        done.report["counts"][each] for each in ("passed", "failed", "not_run")
    )


@pytest.mark.parametrize("part", ["note", "brief", "lines", "missed"])
def test_no_summary_hides_a_verdict(part: str, run: Callable[..., Ended]) -> None:
    """An error in any part of any summary is one line, fails the run, and hides nothing else."""
    plant = f"""
@pytest.fixture(scope="session", autouse=True)
def planted(pytestconfig):
    from conformance.engine.report.sections import SECTIONS
    assert 6 == len(pytestconfig.stash[SECTIONS].each)
    for each in pytestconfig.stash[SECTIONS].each:
        def fail(*_):
            return 1 / 0
        setattr(each, "{part}", fail)
"""
    done = run(HEAD + plant, "-n0", "-v")

    assert 1 == done.code, done.output
    assert "held" == done.verdict("INV-U5")
    for title in ("regressions", "machines", "races", "hostile runs"):
        line = f"summary of {title} failed: ZeroDivisionError: division by zero"
        assert 1 == done.output.count(line), done.output
        assert line in done.report["missed"]
    assert any(row.endswith(". 1 held") for row in done.rows), done.output


@pytest.mark.parametrize(
    ("title", "plant"),
    [
        (
            "rules",
            "from conformance.engine.report import rules\nrules.lines = lambda *_, **__: 1 / 0\n",
        ),
        (
            "the report",
            "from conformance.engine.pytest_plugin import about\nabout.about = lambda _: 1 / 0\n",
        ),
        ("failures", BROKEN_FAILURES),
    ],
)
def test_neither_verdicts_nor_failures_nor_the_report_hide_each_other(
    title: str, plant: str, run: Callable[..., Ended], tmp_path: Path
) -> None:
    """An error in what is said of rules, of failures or in the report hides none of the others."""
    (tmp_path / "report.json").write_text('{"rules": []}')
    done = run(HEAD + plant + (FAILS if title == "failures" else ""), "-n0")

    assert 1 == done.code, done.output
    assert f"summary of {title} failed: ZeroDivisionError: division by zero" in done.output
    assert "INTERNALERROR" not in done.output
    if title != "rules":
        assert any(row.startswith("INV-U5 ") for row in done.rows), done.output
    if title != "the report":
        assert done.verdict("INV-U5")
