"""Findings of runs are files: listed, found from anywhere, replayed, and dropped when stale."""

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from conformance.commands import main
from conformance.engine.cases.steps import Step
from conformance.engine.cases.verdicts import Finding, Verdict
from conformance.engine.findings import store
from conformance.engine.findings.errors import (
    UnknownFindingError,
    UnreadableFindingError,
)
from conformance.engine.findings.kept import Kept, Seen, read
from conformance.engine.sql.writes import Statement
from conformance.framecast.application import APPLICATION
from tests.support.kept import kept
from tests.support.recording import FINDING, HEAD, run_in

ROOT = Path(__file__).parents[3]
LEDGER_HOLE = "ALTER TABLE accounts DROP CONSTRAINT acc_2__accounts_currency_is_three_capitals;\n"
ACCOUNT = "INSERT INTO accounts (owner, code, currency) VALUES ('a', 'A', 'eur')"
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
    with pytest.raises(store.SeveralFindingsError) as several:
        store.find("inv_", folder)
    assert [one, other] == several.value.found
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
    assert 2 == main(["replay", "inv"])
    listed = capsys.readouterr()
    assert sorted(lines) == sorted(listed.out.splitlines())
    assert "replay: 2 findings are called 'inv': name more of the id of one\n" == listed.err
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
