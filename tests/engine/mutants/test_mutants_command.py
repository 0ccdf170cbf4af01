"""The command that tries mutants: what it says, keeps and ends with."""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import pytest

from conformance.commands import main
from conformance.engine.mutants import pool
from conformance.engine.mutants.command import _rest
from conformance.engine.mutants.errors import StuckError
from conformance.engine.mutants.mutant import Mutant
from conformance.engine.mutants.mutant_run import MutantRun
from conformance.engine.mutants.pool import FORMER, Workers
from conformance.engine.postgres.scratch import Scratch, Template
from conformance.engine.report import forms
from conformance.engine.report.forms import extras
from tests.support.outputs import without_progress
from tests.support.reports import whole

ROOT: Final = Path(__file__).parents[3]
NEUTRAL = Mutant("users", "neutral", "", ("SELECT 1",))


def command(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run the command."""
    return subprocess.run(
        [sys.executable, "-m", "conformance", "mutants", *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )


def test_the_command_kills_the_mutants_of_a_rule(tmp_path: Path) -> None:
    """All mutants of INV-U5 are killed; the matrix says by what, and the last line is the score."""
    file = tmp_path / "kills.json"
    done = command("inv_u5__", "--workers", "1", "--json", str(file))
    assert 0 == done.returncode, done.stdout + done.stderr
    matrix = json.loads(file.read_text())["mutants"]
    assert {"killed"} == {each["status"] for each in matrix}
    assert {"INV-U5"} == {each["killed_by"]["rule"] for each in matrix}
    last = done.stdout.splitlines()[-1]
    assert f"score: {len(matrix)} of {len(matrix)} killed, 0 equivalent" == last


def test_the_command_fails_with_what_is_not_decided(tmp_path: Path) -> None:
    """A mutant that no phase of some notices is shown with its SQL; other phases may notice it."""
    file = tmp_path / "kills.json"
    some = ("--workers", "1", "--phases", "rules", "--json", str(file))
    done = command("users.users_name_at_most_100_characters/check-dropped", *some)
    assert 1 == done.returncode
    assert "DROP CONSTRAINT users_name_at_most_100_characters" in done.stdout
    assert "\nNOT DECIDED users.users_name" in done.stdout
    assert "score: 0 of 1 killed, 0 equivalent, 1 not decided" == done.stdout.splitlines()[-1]
    said = "mutants: 1 not decided, tried by nothing but: rules"
    assert said == without_progress(done.stderr).strip()
    matrix = json.loads(file.read_text())
    assert ["rules"] == matrix["phases"]
    assert ["not decided"] == [each["status"] for each in matrix["mutants"]]

    page = forms.render(whole(), "html", extras.read_mutants(file))
    assert "Not decided: only some phases tried 1 of these (rules)" in page
    again = command("--again", str(file), "--list")
    assert matrix["mutants"][0]["id"] in again.stdout


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("nobody__",), "no mutant concerns 'nobody__'"),
        (("--phases", "guessing"), "there is no phase 'guessing'"),
        (("--again", "nothing.json"), "nothing.json holds no kill matrix"),
    ],
)
def test_wrong_arguments_end_in_one_message(arguments: tuple[str, ...], complaint: str) -> None:
    """Wrong arguments end in one line, without a traceback; progress may come before."""
    done = command(*arguments)
    assert 1 == done.returncode
    *before, last = done.stderr.strip().splitlines()
    assert complaint in last
    assert all(line.startswith("progress: ") for line in before), done.stderr


def test_phases_have_their_former_names_too() -> None:
    """A command that names phases as they were called before runs them."""
    former = pool.named([*FORMER])

    assert ["coverage runs", "hostile runs", "machine runs"] == [phase.name for phase in former]


@pytest.mark.parametrize(
    ("sample", "score", "status"),
    [((), "score: 1 of 1 killed, 0 equivalent", 1), (("--sample", "1"), "0 of 1 killed, 1 eq", 0)],
)
def test_what_is_recorded_is_tried_with_all_phases(
    tmp_path: Path, sample: tuple[str, ...], score: str, status: int
) -> None:
    """A wrong record is found by a later phase than the first; a sample alone spares it that."""
    wrong = "users.users_name_at_most_100_characters/check-dropped"
    record = tmp_path / "equivalent.toml"
    record.write_text(f'[[equivalent]]\nmutants = ["{wrong}/*"]\nreason = "nobody has a name"\n')
    code = (
        "import pathlib, sys; from conformance.engine.mutants import equivalent;"
        f"read = equivalent.read; equivalent.read = lambda: read(pathlib.Path({str(record)!r}));"
        "from conformance.commands import main; sys.exit(main())"
    )
    arguments = ("mutants", wrong, "--workers", "1", "--phases", "rules,columns", *sample)
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert status == done.returncode, done.stdout + done.stderr
    assert score in done.stdout.splitlines()[-1]
    assert bool(status) == ("WRONGLY RECORDED" in done.stdout)


class Interrupted(Workers):
    """Workers that try the first mutant, and then are interrupted."""

    def attempt(self, tasks: Sequence[tuple[Mutant, tuple[str, ...]]]) -> Iterator[MutantRun]:
        """Try one."""
        yield from super().attempt(tasks[:1])
        raise KeyboardInterrupt


def test_an_interrupted_run_keeps_what_was_tried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Ctrl-C leaves a matrix with all that was tried until then, from which --again goes on."""
    file = tmp_path / "kills.json"
    monkeypatch.setattr(pool, "Workers", Interrupted)
    arguments = ["mutants", "inv_u5__", "--workers", "1", "--json", str(file)]
    assert 130 == main(arguments)
    statuses = [each["status"] for each in json.loads(file.read_text())["mutants"]]
    assert 1 == statuses.count("killed")
    monkeypatch.undo()
    capsys.readouterr()
    assert 0 == main([*arguments, "--again", str(file)])
    left = statuses.count("untried")
    assert f"score: {left} of {left} killed, 0 equivalent" == _last(capsys.readouterr().out)


def _last(text: str) -> str:
    return text.splitlines()[-1]


def test_workers_that_do_not_answer_are_told(
    scratch: Scratch, template: Template, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where nothing is done any more, the run ends with one message."""
    monkeypatch.setattr(pool, "PATIENCE", 0.001)
    with Workers(1, scratch, template) as workers, pytest.raises(StuckError, match="is stuck"):
        workers.look([NEUTRAL])


def test_what_is_done_before_mutants_are_tried_is_told(
    scratch: Scratch, template: Template
) -> None:
    """The numbers of mutants applied and of rules tried are said as it goes on."""
    told: list[tuple[object, ...]] = []
    with Workers(1, scratch, template) as workers:
        workers.look([NEUTRAL], lambda *words: told.append(words))
        workers.baseline(["INV-U5", "INV-U6"], lambda *words: told.append(words))

    assert ("mutants applied", 1, 1) == told[0]
    assert [("rules tried on the schema itself", done, 2) for done in (1, 2)] == told[1:]


def test_time_left_is_that_of_each_kind() -> None:
    """Mutants on record take all phases, and come last: of none of them tried, nobody knows."""
    tasks = {False: 10, True: 3}

    assert 0 == _rest(tasks, {False: [1.0, 3.0], True: []})
    assert 4 * 2 + 2 * 30 == _rest(tasks, {False: [2.0] * 6, True: [30.0]})
    assert 0 == _rest(tasks, {False: [2.0] * 10, True: [30.0] * 3})
