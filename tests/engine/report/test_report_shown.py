"""End of a run and contents of its report: each thing once, in the terminal's width."""

from __future__ import annotations

import shlex
import subprocess
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from tests.support.recording import FAILS, FINDING, HEAD, PARTS, Ended, run_in
from tests.support.reports import RACE, TIMELINES

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT: Final = Path(__file__).parents[3]
DOCS: Final = (ROOT / "docs" / "report.md").read_text()


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Ended]:
    """Return what runs a suite of a few tests with the plugin."""
    return partial(run_in, tmp_path)


def test_a_failure_that_many_share_is_printed_once(run: Callable[..., Ended]) -> None:
    """Seven tests whose setup fails alike are one cause with their number and a few names."""
    done = run(HEAD + PARTS["setup"])

    assert "failures: 7 tests, 1 cause" in done.output
    assert "7 tests: LookupError: no harness" in done.output
    assert 1 == done.output.count('raise LookupError("no harness")')
    assert 4 == done.output.count("test_fake.py::test_race[")
    assert "and 3 more" in done.output
    assert "short test summary" not in done.output
    assert ["INV-U5", "selected:", "failed:", "report:"] == [
        row.split()[0] for row in done.rows[:-1]
    ]
    assert " passed, 7 errors in " in done.rows[-1]


def test_verdicts_come_after_their_reasons(run: Callable[..., Ended]) -> None:
    """Why a rule is unproven is told before the verdicts, which are the last that is read."""
    before, _, table = run(HEAD + PARTS["setup"]).output.rpartition(" rules ===")

    assert "unproven: INV-U5\n  because of 7 tests: LookupError: no harness\n" in before
    assert "because" not in table


def test_lines_are_as_wide_as_the_terminal(run: Callable[..., Ended]) -> None:
    """In a pipe no line of the verdicts has more than 80 columns, unless all is asked for."""
    wide = HEAD.replace("INV-U5", "CARD-5")
    long = wide + PARTS["setup"].replace("no harness", "no harness " * 20).replace(
        "INV-U5", "CARD-5"
    )
    _, _, shown = run(long).output.rpartition(" unproven ===")
    assert "because of 7 tests: LookupError: no harness" in shown
    assert [] == [line for line in shown.splitlines() if len(line) > 80]
    assert "card_5__jobs_team_has_at_most_5_active" in run(wide, "-v").output


def test_a_tests_name_is_not_folded(run: Callable[..., Ended]) -> None:
    """What a run was asked for is wrapped between its words, so that a name can be copied."""
    name = f"test_{'long_' * 20}name or test_rule"
    _, _, shown = run(HEAD, "-k", name).output.rpartition("selected: ")
    assert f"-k\n    '{name}'\n    test_fake.py\n" in shown


def test_a_quiet_run_shows_what_is_not_held(run: Callable[..., Ended]) -> None:
    """With -q a rule that is held has no line of its own, and one that is not has."""
    in_part = "held in what was selected, and not tried whole: INV-U5 along 1 of 7 write paths"
    told = [in_part, "selected: test_fake.py", "1 held", "report: report.json"]
    assert told == run(HEAD, "-q").rows[:-1]
    rows = run(HEAD + FAILS, "-q").rows
    assert rows[0].startswith("INV-U5 unproven ")


def test_the_report_has_what_its_documentation_says(run: Callable[..., Ended]) -> None:
    """Every key that a report has is in docs/report.md, and every key there is in a report."""
    done = run(HEAD + FINDING + FAILS)
    keys = {
        *done.report,
        *done.report["counts"],
        *done.report["versions"],
        *done.report["verdicts"],
    }
    rule, failed = done.report["rules"][0], done.report["failed"][0]
    keys |= {*rule, *rule["failures"][0], *failed, "id", "dirty", "reason"}
    documented = {
        name.strip("` ")
        for line in DOCS.partition("## The JSON")[2].splitlines()
        if line.startswith("| `")
        for name in line.split("|")[1].split(",")
    }

    assert set() == {key for key in keys if f"`{key}`" not in DOCS}
    # Of a run without a role, a server, coverage or races that keeps no finding, and of a rule
    # without states and races that the migrations do not have.
    none = {
        "finding",
        "timeline",
        "denied",
        "withheld",
        "as_role",
        "objects",
        "coverage",
        "machine",
        "levels",
        "place",
    }
    assert none == documented - keys
    assert 64 == len(done.report["suite"])


def test_a_failure_of_several_sessions_has_their_timeline(run: Callable[..., Ended]) -> None:
    """A timeline is data for whoever draws it; a failure of one session has none."""
    raised = f"""{FINDING}
import pytest

@pytest.mark.rules("INV-U5")
@pytest.mark.parametrize("timeline", [{TIMELINES[RACE]}, None])
def test_race(timeline):
    finding = found("INV-U5")
    finding.timeline = timeline
    raise finding
"""
    failures = run(raised).report["rules"][0]["failures"]
    assert [TIMELINES[RACE], None] == [each.get("timeline") for each in failures]


def test_the_report_says_what_of_a_run_was_left_out(run: Callable[..., Ended]) -> None:
    """Tests that were deselected are counted, in one process as by workers."""
    for workers in ("-n0", "-n1"):
        counts = run(HEAD + FAILS, "-k", "test_rule", workers).report["counts"]
        assert (1, 0, 1) == (counts["passed"], counts["failed"], counts["deselected"])


@pytest.mark.parametrize(
    ("given", "selected"),
    [
        (("-k", "test_rule"), ["-k", "test_rule"]),
        (("--rule", "inv-u5"), ["--rule", "inv-u5"]),
        (("--rule=INV-U5", "-k", "not race"), ["--rule", "INV-U5", "-k", "not race"]),
        (("--deselect", "test_fake.py::test_race"), ["--deselect", "test_fake.py::test_race"]),
        (("--ignore-glob=x*", "-m", "rules"), ["-m", "rules", "--ignore-glob", "x*"]),
    ],
)
def test_the_report_says_what_was_selected(
    given: tuple[str, ...], selected: list[str], run: Callable[..., Ended]
) -> None:
    """As it was given, in one process as by workers; the terminal says it before the counts."""
    for workers in ("-n0", "-n1"):
        done = run(HEAD + FAILS, *given, workers)
        assert selected == done.report["selected"][: len(selected)]
        assert ["test_fake.py"] == done.report["selected"][len(selected) :]
        (line,) = (row for row in done.rows if row.startswith("selected: "))
        assert f"selected: {shlex.join(done.report['selected'])}" == line


def test_the_report_names_the_commit(run: Callable[..., Ended], tmp_path: Path) -> None:
    """The commit of the migrations is told, and whether they are dirty; without git, none."""
    assert run(HEAD).report["commit"] is None
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b.co"]
    for arguments in (["init", "-q"], ["add", "migrations"], ["commit", "-q", "-m", "one"]):
        subprocess.run([*git, *arguments], cwd=tmp_path, check=True)
    clean = run(HEAD).report["commit"]
    (tmp_path / "migrations" / "002.sql").write_text("SELECT 1;\n")
    dirty = run(HEAD).report

    assert (40, False, True) == (len(clean["id"]), clean["dirty"], dirty["commit"]["dirty"])
    assert ["001.sql", "002.sql"] == list(dirty["migrations"])
