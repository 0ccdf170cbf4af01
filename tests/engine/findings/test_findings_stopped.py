"""A replay that stops before a step: psql sees what was committed until then."""

import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from conformance.commands import main
from conformance.engine.cases.verdicts import SEVERAL
from conformance.engine.database.sandbox import Sandbox
from conformance.engine.findings import stopping, store
from conformance.engine.findings.kept import Kept
from conformance.engine.postgres.scratch import Scratch, Template
from conformance.engine.races.driver import Driver
from conformance.engine.races.orders import following
from conformance.engine.races.schedule import Line, Schedule, lines_of
from conformance.engine.sql.outcomes import Accepted
from tests.support.kept import kept

# Stands for psql: writes down what it sees.
PSQL = """#!{python}
import pathlib, psycopg, sys
with psycopg.connect(sys.argv[1]) as connection:
    seen = connection.execute("SELECT min(credits) FROM teams").fetchone()
pathlib.Path("{seen}").write_text(str(seen))
"""


def test_a_replay_stops_before_a_step(
    holed: tuple[Kept, list[str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """In a terminal psql opens on the database as it was then; elsewhere the way there is said."""
    _, command = holed
    assert 0 == main([*command, "--to", "2"])
    out = capsys.readouterr().out
    assert "this is no terminal" in out
    assert "INSERT INTO memberships" in out.partition("-- step 2 of 2")[0]
    assert 2 == main([*command, "--to", "3"])
    assert "has 2 steps: --to takes 1 to 2" in capsys.readouterr().err

    psql, seen = tmp_path / "psql", tmp_path / "seen"
    psql.write_text(PSQL.format(python=sys.executable, seen=seen))
    psql.chmod(0o755)
    monkeypatch.setattr(stopping, "_psql", lambda _: str(psql))
    for stream in (sys.stdin, sys.stdout):
        monkeypatch.setattr(stream, "isatty", lambda: True, raising=False)
    assert 0 == main([*command, "--to", "2"])
    assert "(0,)" == seen.read_text()
    assert "step 1 of 2: accepted" in capsys.readouterr().out


def test_a_finding_without_steps_does_not_stop(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is said that it has none, as of a fact that no transaction shows."""
    one = kept(folder)
    store.write(folder / store.FOLDER, [replace(one, seen=replace(one.seen, steps=()))])
    monkeypatch.chdir(folder)

    assert 2 == main(["replay", one.seen.id, "--to", "1"])
    assert f"{one.seen.id} has no steps: replay it without --to" in capsys.readouterr().err


def test_a_step_that_was_accepted_did_not_fail(
    holed: tuple[Kept, list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    """Of the steps that are shown, the last alone is called the one that failed."""
    _, command = holed
    said = {1: "-- step 1 of 2:\n", 2: "-- step 2 of 2, which failed:\n"}
    for number, words in said.items():
        assert 0 == main([*command, "--to", str(number)])
        assert words in capsys.readouterr().out


BEGIN = "BEGIN ISOLATION LEVEL READ COMMITTED"
WRITE = "UPDATE teams SET credits = credits + 1"
TWO_WRITE = [[("write", f"{BEGIN}; {WRITE}"), ("commit", "COMMIT")]] * 2
# Before which step how many credits are committed, and what is said.
STOPS = {
    1: (0, "no transaction is open"),
    2: (0, "  ann\nstep 2 of 5 would be, by bob:"),
    3: (0, "  ann\n  bob, which waits for ann\nstep 3 of 5 would be, by ann:\n\nCOMMIT;"),
    4: (0, "step 4 comes of step 3, before which this stops"),
    5: (1, "  bob\nstep 5 of 5 would be, by bob:\n\nCOMMIT;"),
}


@pytest.mark.parametrize("code", [0, 3])
def test_psql_reads_what_is_given(
    code: int,
    holed: tuple[Kept, list[str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """SQL from a pipe is run before the step; an error in it is one of the command."""
    _, command = holed
    psql, seen = tmp_path / "psql", tmp_path / "seen"
    psql.write_text(f"#!/bin/sh\necho $1 > {seen}; cat >> {seen}; exit {code}\n")
    psql.chmod(0o755)
    monkeypatch.setattr(stopping, "_psql", lambda _: str(psql))
    pipe, ours = os.pipe()
    os.write(ours, b"SELECT 7;\n")
    os.close(ours)
    with open(pipe) as given:  # noqa: PTH123 - of no path
        monkeypatch.setattr(sys, "stdin", given)
        assert (2 if code else 0) == main([*command, "--to", "2"])

    assert "--set=ON_ERROR_STOP=1\nSELECT 7;\n" == seen.read_text()
    assert bool(code) == ("psql ended with 3" in capsys.readouterr().err)


@pytest.fixture
def raced(holed: tuple[Kept, list[str]], scratch: Scratch, template: Template) -> list[str]:
    """Keep a race, in which a session waits for another's commit; lend the words of its replay."""
    one, command = holed
    setup = one.seen.steps[0].sql
    with (
        scratch.cloned(template, "raced") as database,
        Sandbox(database.conninfo) as sandbox,
        Driver(database.conninfo, sessions=2) as driver,
    ):
        sandbox.reset()
        assert isinstance(sandbox.run_as_owner(setup), Accepted)
        trace = driver.run(TWO_WRITE, following([0, 1, 0, 1]))
    schedule = Schedule.of((each.sql for each in setup), ("ann", "bob"), trace)
    seen = replace(one.seen, steps=(), script=f"{SEVERAL}\n-- both\n", schedule=schedule)
    store.write(Path(one.run.folder) / store.FOLDER, [replace(one, seen=seen)])
    return command


@pytest.mark.parametrize("number", STOPS)
def test_a_race_stops_before_a_step(
    number: int,
    raced: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Psql sees what is committed then; it is said whose transactions are open, and who waits."""
    committed, said = STOPS[number]
    monkeypatch.setattr(stopping, "_given", lambda: "SELECT 'credits', credits FROM teams")
    assert 0 == main([*raced, "--to", str(number)])
    out = capfd.readouterr().out
    assert said in out
    assert f" credits  | {committed:>7}\n" in out
    assert 2 == main([*raced, "--to", "6"])
    assert "has 5 steps: --to takes 1 to 5" in capfd.readouterr().err


def test_a_race_that_goes_otherwise_is_told(
    raced: list[str],
    holed: tuple[Kept, list[str]],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """On another schema, whose trigger refuses a step, psql does not open on another state."""
    refusal = """
CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no'; END; $$;
CREATE TRIGGER no BEFORE UPDATE ON teams FOR EACH ROW EXECUTE FUNCTION no();
"""
    Path(holed[0].run.migrations, "901_no.sql").write_text(refusal)
    monkeypatch.setattr(stopping, "_given", lambda: "SELECT 1")

    assert 2 == main([*raced, "--to", "5"])
    shown = capfd.readouterr()
    assert "no" in shown.out
    assert "in 5 tries the race did not go as it went" in shown.err


def test_a_race_in_which_another_was_first_is_tried_again(
    raced: list[str], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Which of several goes on first, the server decides: psql opens where it was as it was."""
    others: list[tuple[Line, ...]] = [(), ()]
    monkeypatch.setattr(
        stopping, "lines_of", lambda trace: others.pop() if others else lines_of(trace)
    )
    monkeypatch.setattr(stopping, "_given", lambda: "SELECT 'looked'")

    assert 0 == main([*raced, "--to", "5"])
    assert 1 == capfd.readouterr().out.count(" looked\n")
    assert [] == others
