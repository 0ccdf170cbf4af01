"""Ways to migrate: up to a file, in one transaction, again after a lock, only what was let pass."""

import json
from pathlib import Path

import psycopg
import pytest

from conformance.commands import main
from conformance.engine.postgres import Server
from tests.support.migrating import TABLES, Outcome, Project

NAMES = "SELECT name FROM schema_migrations ORDER BY name"
HASTY = ("--lock-timeout", "0.05")


@pytest.fixture
def three(project: Project) -> Project:
    """Write three files."""
    project.write(b="CREATE TABLE b ()", c="CREATE TABLE c ()")
    return project


@pytest.mark.parametrize("name", ["b", "b.sql"])
def test_files_are_run_up_to_one(three: Project, name: str) -> None:
    """The files up to one are run, and the rest when that is asked for."""
    assert Outcome(0, "applied a.sql\napplied b.sql\n") == three.migrate("--to", name)
    assert Outcome(0, "nothing to do\n") == three.migrate("--to", "a")
    assert Outcome(0, "applied c.sql\n") == three.migrate()
    assert "there is no file d to go up to" in three.migrate("--to", "d").err


def test_a_dry_run_runs_nothing(three: Project) -> None:
    """A dry run names what would run, refuses what would be refused, and changes nothing."""
    assert Outcome(0, "would apply a.sql\nwould apply b.sql\n") == three.migrate(
        "--dry-run", "--to", "b"
    )
    three.write(c="COMMIT")
    assert "c.sql:1: COMMIT is not possible" in three.migrate("--dry-run").err
    assert [] == three.query(TABLES)


def test_all_files_in_one_transaction(three: Project) -> None:
    """Where the last one fails none is applied, and where none does all are recorded."""
    three.write(c="SELECT 1/0")
    failed = three.migrate("--single-transaction")
    none = three.query(TABLES)
    three.write(c="CREATE TABLE c ()")

    assert (1, "", []) == (failed.code, failed.out, none)
    assert "migrations/c.sql:1: division by zero" in failed.err
    assert "the transaction of 3 files was rolled back as a whole" in failed.err
    assert Outcome(0, "applied a.sql\napplied b.sql\napplied c.sql\n") == three.migrate(
        "--single-transaction"
    )
    assert ["a.sql", "b.sql", "c.sql"] == three.query(NAMES)


def test_a_file_that_met_a_lock_is_tried_again(
    project: Project, watcher: psycopg.Connection[object]
) -> None:
    """A lock timeout is tried again, after a pause that grows, as often as was asked for."""
    project.migrate()
    project.write(b="ALTER TABLE a ADD b int")
    with watcher.transaction():
        watcher.execute("SELECT FROM a")
        busy = project.migrate(*HASTY, "--retries", "1")
    project.write(c="SELECT 1/0")
    wrong = project.migrate("--retries", "5")

    assert (1, "b.sql met a lock, and was rolled back: tried again in 1 s (1 of 1)\n") == (
        busy.code,
        busy.out,
    )
    assert "canceling statement due to lock timeout" in busy.err
    assert (1, "applied b.sql\n") == (wrong.code, wrong.out)


def report(project: Project, **changes: object) -> str:
    """Write what the gate would about the files as they are."""
    from conformance.engine.deployment import migrations  # noqa: PLC0415 - of one test

    pending = {file.name: file.sha256 for file in migrations.load(project.folder)}
    document = {"holds": True, "files": {"applied": {}, "pending": pending}, **changes}
    path = project.folder.parent / "gate.json"
    path.write_text(json.dumps(document))
    return str(path)


def test_only_what_the_gate_let_pass_is_run(three: Project) -> None:
    """Without a report that holds and is of these files and this database, nothing is run."""
    passed = report(three)
    three.write(c="CREATE TABLE other ()")
    changed = three.migrate("--gated", passed)
    three.write(c="CREATE TABLE c ()")
    closed = three.migrate("--gated", report(three, holds=False))
    elsewhere = three.migrate("--gated", report(three, files={"applied": {"x.sql": "y"}}))
    absent = three.migrate("--gated", "nowhere.json")

    assert [] == three.query(TABLES)
    assert "migrations/c.sql: was changed since, so the gate has not let it pass" in changed.err
    assert "the gate is closed" in closed.err
    assert "is of a database with other files applied" in elsewhere.err
    assert "nowhere.json: is no report of the gate (FileNotFoundError)" in absent.err
    assert 0 == three.migrate("--gated", report(three)).code


def test_what_was_run_is_written(three: Project, tmp_path: Path) -> None:
    """The files, their digests and times are JSON; an old report is gone where a run fails."""
    written = tmp_path / "applied.json"
    three.migrate("--json", str(written))
    document = json.loads(written.read_text())
    three.write(d="SELECT 1/0")
    three.migrate("--json", str(written))

    assert ["a.sql", "b.sql", "c.sql"] == [each["name"] for each in document["applied"]]
    assert {"name", "sha256", "seconds"} == set(document["applied"][0])
    assert not written.exists()


def status(*arguments: str) -> int:
    """Run the command."""
    return main(["status", *arguments])


def test_the_status_is_told(three: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """Each file is applied, with when, by whom and how long it took, or pending."""
    three.migrate("--to", "b")
    code = status()
    *files, counts = capsys.readouterr().out.splitlines()
    (who,) = three.query("SELECT current_user")

    assert (0, "status: 2 applied, 1 pending") == (code, counts)
    assert ["a.sql  applied", "b.sql  applied", "c.sql  pending"] == [each[:14] for each in files]
    assert f", by {who}, 0." in files[0]


def test_what_is_wrong_is_told_by_the_status(
    three: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    """Edited, missing and late files are named, with an exit code; and so they are as JSON."""
    three.migrate("--to", "b")
    three.write(b="CREATE TABLE other ()", _z="SELECT 1")
    (three.folder / "a.sql").unlink()

    file = three.folder / "status.json"
    file.write_text("of an earlier run")
    assert 1 == status("--json", str(file))
    said = capsys.readouterr().out
    assert "_z.sql  out of order" in said
    assert 1 == status("--json")
    printed = capsys.readouterr().out
    assert printed == file.read_text()
    assert {
        "_z.sql": "out of order",
        "a.sql": "missing",
        "b.sql": "edited",
        "c.sql": "pending",
    } == {each["name"]: each["state"] for each in json.loads(printed)["files"]}
    assert 3 == status("host=/nowhere")


def test_an_older_record_is_completed(three: Project) -> None:
    """A record that did not say who and how long is kept, and says so from then on."""
    three.migrate("--to", "a")
    with psycopg.connect(three.url) as conn:
        conn.execute("ALTER TABLE schema_migrations DROP applied_by, DROP seconds")

    assert 0 == three.migrate().code
    assert [True, False, False] == three.query(
        "SELECT seconds IS NULL FROM schema_migrations ORDER BY name"
    )


def test_a_record_is_of_what_was_run(project: Project, server: Server) -> None:
    """An object that the files make and the database lacks is named, and nothing is recorded."""
    scratch = ("--record", "--scratch-url", server.conninfo)
    project.write(a="CREATE TABLE users (id int)", b="CREATE TABLE b (c int CHECK (c > 0))")
    with psycopg.connect(project.url) as conn:
        conn.execute("CREATE TABLE users (id int); CREATE TABLE mine ()")
    whole = project.migrate(*scratch)
    part = project.migrate(*scratch, "--to", "a")

    assert (1, "") == (whole.code, whole.out)
    assert whole.err.startswith(
        "migrate: nothing was recorded: the database is not what b.sql and those before it make: "
        "relation public.b is missing; column public.b.c is missing; "
    )
    assert Outcome(0, "recorded a.sql, and did not run it\n") == part
    assert ["a.sql"] == project.query(NAMES)
