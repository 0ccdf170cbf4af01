"""Findings of runs are files: listed, found from anywhere, replayed, and dropped when stale."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from conformance.commands import main
from conformance.engine.cases.steps import Step
from conformance.engine.cases.verdicts import SEVERAL, Finding, Verdict
from conformance.engine.findings import replaying, store
from conformance.engine.findings.errors import UnknownFindingError, UnreadableFindingError
from conformance.engine.findings.kept import Kept, Seen, read
from conformance.engine.postgres import Server
from conformance.engine.sql.writes import Statement
from conformance.framecast.application import APPLICATION
from tests.support.kept import kept
from tests.support.recording import FINDING, HEAD, run_in

ROOT = Path(__file__).parents[3]
HOLE = "ALTER TABLE teams DROP CONSTRAINT inv_t6__teams_credits_not_negative;\n"
LEDGER_HOLE = "ALTER TABLE accounts DROP CONSTRAINT acc_2__accounts_currency_is_three_capitals;\n"
ACCOUNT = "INSERT INTO accounts (owner, code, currency) VALUES ('a', 'A', 'eur')"
# Stands for psql: writes down what it sees.
PSQL = """#!{python}
import pathlib, psycopg, sys
with psycopg.connect(sys.argv[1]) as connection:
    seen = connection.execute("SELECT min(credits) FROM teams").fetchone()
pathlib.Path("{seen}").write_text(str(seen))
"""
FAILS = """
@pytest.mark.rules("INV-U5")
def test_race(case_runner):
    raise found("INV-U5")
"""


def test_what_is_written_is_read(folder: Path) -> None:
    """A file holds all of a finding, beside its script, and git does not see it."""
    one = kept(folder, role="framecast_app", request=("--postgres=16",))
    store.write(folder / store.FOLDER, [one])

    (again,) = store.inside(folder / store.FOLDER)
    assert one == again
    assert again.script is not None
    assert "SELECT 1;\n" == again.script.read_text()
    assert "*\n" == (folder / ".conformance" / ".gitignore").read_text()
    later = replace(one, first="2026-12-01T12:00:00", last="2026-12-01T12:00:00")
    store.write(folder / store.FOLDER, [later])
    (seen_twice,) = store.inside(folder / store.FOLDER)
    assert (one.first, later.last) == (seen_twice.first, seen_twice.last)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"version": 9, "run": {}}', '{"version": 1}'])
def test_other_files_are_no_findings(content: str, folder: Path) -> None:
    """A file of another form is named in one message, and is not listed."""
    path = folder / "x.json"
    path.write_text(content)

    with pytest.raises(UnreadableFindingError, match=r"x\.json"):
        read(path)
    assert [] == store.inside(folder)


def test_a_finding_is_found_by_any_name_from_anywhere(folder: Path, tmp_path: Path) -> None:
    """By its id, its beginning in any case, or its file; from below, and from other folders."""
    one, other = kept(folder), kept(folder, "INV-U5")
    store.write(folder / store.FOLDER, [one, other])

    dashed = one.seen.id.upper().replace("_", "-")
    for name in (
        one.seen.id,
        dashed,
        "INV-T6--",
        "INV_T6",
        "inv-t6__",
        str(folder / store.FOLDER / one.seen.id),
    ):
        for directory in (folder, folder / "below", tmp_path):
            wanted = f"{name}.json" if "/" in name else name
            assert one == store.find(wanted, directory)
    with pytest.raises(UnknownFindingError, match=f"several .*{other.seen.id}"):
        store.find("inv_", folder)
    with pytest.raises(UnknownFindingError, match="did you mean inv_t6__"):
        store.find("inv_t66", tmp_path)


def test_a_finding_of_another_machine_asks_for_migrations(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without the folder of then, as of a pipeline's artifact, the option is named."""
    store.write(folder / store.FOLDER, [kept(folder, migrations="/builds/ours/db")])
    monkeypatch.chdir(folder)

    assert 2 == main(["replay", "inv_t6"])
    said = "the migrations of then, /builds/ours/db, are not here: name some by --migrations DIR"
    assert f"replay: {said}\n" == capsys.readouterr().err


def test_findings_are_listed(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """All of the nearest folder, or of a rule, typed in any way; elsewhere, where some are."""
    store.write(folder / store.FOLDER, [kept(folder), kept(folder, "INV-U5")])
    monkeypatch.chdir(folder / "below")

    assert 0 == main(["findings"])
    *lines, count = capsys.readouterr().out.splitlines()
    heads = [line for line in lines if not line.startswith(" ")]  # what does not fit comes below
    assert ["inv_t6__", "inv_u5__"] == [line[:8] for line in heads]
    assert count.startswith("2 findings in ")
    assert 0 == main(["findings", "--rule", "inv-t6"])
    assert capsys.readouterr().out.splitlines()[-1].startswith("1 finding of INV-T6 in ")
    assert 1 == main(["findings", "--rule", "INV-T66"])
    assert "did you mean INV-T6" in capsys.readouterr().err
    assert 2 == main(["replay", "inv_t7"])
    assert "there is no finding 'inv_t7'" in capsys.readouterr().err
    monkeypatch.chdir(folder.parent)
    assert 0 == main(["findings"])
    said = f"nothing is kept here\n2 in {folder / store.FOLDER}\n"
    assert said == capsys.readouterr().out


def test_a_run_keeps_what_it_finds(folder: Path) -> None:
    """A run writes what the tests of its workers find, and says how to replay it."""
    option = "--conformance-findings=.conformance/findings"
    done = run_in(folder, HEAD + FINDING + FAILS, option, "-n1", "--hypothesis-seed=7")
    (one,) = store.inside(folder / store.FOLDER)

    assert f"kept: framecast-conformance replay {one.seen.id}" in done.output
    assert f"findings: try one again: framecast-conformance replay {one.seen.id}" in done.output
    assert ("INV-U5", "test_race", 7) == (one.seen.rule, one.seen.test, one.run.seed)
    assert str(folder / "migrations") == one.run.migrations
    (rule,) = done.report["rules"]
    assert [one.seen.id] == [each["finding"] for each in rule["failures"]]


def test_a_report_names_no_finding_that_is_not_kept(folder: Path) -> None:
    """Where no file is written, or there are too many, no form leads to one."""
    option = "--conformance-findings=.conformance/findings"
    most = "import conformance.engine.pytest_plugin.findings as keeping\nkeeping.MOST = 0\n"
    for head, given in (("", "--conformance-findings=none"), (most, option)):
        done = run_in(folder, head + HEAD + FINDING + FAILS, given, "-n0")
        (rule,) = done.report["rules"]
        assert [True] == ["finding" not in each for each in rule["failures"]]


@pytest.fixture
def holed(folder: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> tuple[Kept, list[str]]:
    """Keep a finding on a schema that has it; lend the options of its replay, elsewhere."""
    (folder / "migrations").mkdir()
    for file in (ROOT / "migrations").glob("*.sql"):
        (folder / "migrations" / file.name).symlink_to(file)
    (folder / "migrations" / "900_hole.sql").write_text(HOLE)
    one = kept(folder)
    store.write(folder / store.FOLDER, [one])
    monkeypatch.chdir("/")
    return one, ["replay", one.seen.id[:9], "--database-url", server.conninfo]


def test_a_finding_is_replayed(
    holed: tuple[Kept, list[str]], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Its steps fail on the schema that it was found on; on one that is mended, its test passes."""
    one, command = holed
    # Found by another installation of the suite, which is still there.
    other = tmp_path / "site-packages" / "conformance"
    other.mkdir(parents=True)
    for name in ("__init__.py", "test_rules.py"):
        shutil.copy(ROOT / "conformance" / name, other)
    found = replace(one, seen=replace(one.seen, file=str(other / "test_rules.py")))
    store.write(Path(one.run.folder) / store.FOLDER, [found])

    assert 1 == main(command)
    assert "FAILED: step 2 of 2: expected refused by INV-T6; accepted" in capfd.readouterr().out
    Path(one.run.migrations, "900_hole.sql").unlink()
    assert 0 == main(command)
    out = capfd.readouterr().out
    assert "FIXED: step 2 of 2: " in out
    assert "1 passed" in out
    assert "report: " not in out


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
    monkeypatch.setattr(replaying, "_psql", lambda _: str(psql))
    for stream in (sys.stdin, sys.stdout):
        monkeypatch.setattr(stream, "isatty", lambda: True, raising=False)
    assert 0 == main([*command, "--to", "2"])
    assert "(0,)" == seen.read_text()
    assert "step 1 of 2: accepted" in capsys.readouterr().out


def test_a_race_does_not_stop_at_a_step(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is said that it takes several sessions, and which file tells what each of them did."""
    one = kept(folder)
    seen = replace(one.seen, steps=(), script=f"{SEVERAL}\n-- ann leaves\n")
    store.write(folder / store.FOLDER, [replace(one, seen=seen)])
    monkeypatch.chdir(folder)

    assert 2 == main(["replay", one.seen.id, "--to", "1"])
    said = capsys.readouterr().err
    assert f"{one.seen.id} is of several sessions, of which none stops alone" in said
    assert f"{one.seen.id}.sql says what each did" in said


def test_a_step_that_was_accepted_did_not_fail(
    holed: tuple[Kept, list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    """Of the steps that are shown, the last alone is called the one that failed."""
    _, command = holed
    said = {1: "-- step 1 of 2:\n", 2: "-- step 2 of 2, which failed:\n"}
    for number, words in said.items():
        assert 0 == main([*command, "--to", str(number)])
        assert words in capsys.readouterr().out


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
    monkeypatch.setattr(replaying, "_psql", lambda _: str(psql))
    pipe, ours = os.pipe()
    os.write(ours, b"SELECT 7;\n")
    os.close(ours)
    with open(pipe) as given:  # noqa: PTH123 - of no path
        monkeypatch.setattr(sys, "stdin", given)
        assert (2 if code else 0) == main([*command, "--to", "2"])

    assert "--set=ON_ERROR_STOP=1\nSELECT 7;\n" == seen.read_text()
    assert bool(code) == ("psql ended with 3" in capsys.readouterr().err)


def test_a_replay_writes_as_who_wrote(
    holed: tuple[Kept, list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    """A finding of a role is replayed as that role, and a role that is gone is named."""
    one, command = holed
    found, no_role = (APPLICATION, "FAILED: step 2 of 2", 1), ("nobody", "has no such role", 2)
    for role, said, code in (found, no_role):
        as_role = replace(one, run=replace(one.run, role=role))
        store.write(Path(one.run.folder) / store.FOLDER, [as_role])
        assert code == main(command)
        shown = capsys.readouterr()
        assert said in shown.out + shown.err


def test_a_replay_knows_its_domain(holed: tuple[Kept, list[str]], tmp_path: Path) -> None:
    """A finding of another domain is replayed with that one's rules, from another folder."""
    one, (_, _, *server) = holed
    ledger = shutil.copytree(ROOT / "examples" / "ledger" / "migrations", tmp_path / "ledger")
    (ledger / "900_hole.sql").write_text(LEDGER_HOLE)
    finding = Finding("ACC-2", Verdict.BROKEN, expected="no", observed="accepted", script="")
    steps = (Step((Statement(ACCOUNT),), ("ACC-2",)),)
    place = (ROOT / "conformance" / "test_rules.py", "test_rule[acc_2__insert]")
    run = replace(one.run, domain="examples.ledger", migrations=str(ledger), folder=str(ROOT))
    other = Kept(Seen.of(finding, steps, "insert", place), run, one.first, one.last)
    store.write(Path(one.run.folder) / store.FOLDER, [other])

    command = (sys.executable, "-m", "conformance", "replay", "acc_2__", *server)
    done = subprocess.run(command, cwd="/", capture_output=True, text=True, check=False)

    assert 1 == done.returncode, done.stdout + done.stderr
    assert "FAILED: step 1 of 1: expected refused by ACC-2; accepted" in done.stdout


def test_a_schema_elsewhere_is_named(
    holed: tuple[Kept, list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    """A replay on another folder than it was found on tries that one, and its file stays."""
    one, command = holed
    document = json.loads((Path(one.run.folder) / store.FOLDER / f"{one.seen.id}.json").read_text())
    assert str(Path(one.run.folder, "migrations")) == document["run"]["migrations"]

    assert 2 == main([*command, "--migrations", "/nowhere"])
    assert "/nowhere" in capsys.readouterr().err
