"""``python -m conformance gate`` on a target that migrations made, before the next runs."""

import functools
import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType

import psycopg
import pytest

from conformance.engine.audit import enforcement
from conformance.engine.audit.findings import Section
from conformance.engine.audit.target import TargetError
from conformance.engine.deployment.migrations import Migration
from conformance.engine.gate import rehearsal, suite
from conformance.engine.gate.result import Result, Run
from conformance.engine.migrate import runner
from conformance.engine.postgres import Request, Server
from conformance.engine.postgres.scratch import Database, Scratch, Template
from conformance.framecast import states
from conformance.framecast.application import APPLICATION
from conformance.framecast.rules import RULES
from tests.support.gating import CLEAN, WEAKER, outcomes, run
from tests.support.migrating import Outcome

BROKE = {
    "users": "INSERT INTO users (id, email, tier, credits) VALUES "
    "('00000000-0000-0000-0000-00000000000a', 'a@example.com', 'starter', -1)",
    "teams": "INSERT INTO teams (id, name, slug, credits) VALUES "
    "('00000000-0000-0000-0000-00000000000b', 'b', 'b', -1)",
}
HELD = Result(dict.fromkeys(RULES, "held"))


@pytest.fixture
def unproven(
    target: Database, schema: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Outcome]:
    """Return what runs the gate without the suite, as if that had found every rule held."""
    monkeypatch.setattr(suite, "run", lambda _files, _how: HELD)
    monkeypatch.setattr(suite, "run_once", lambda _files, _how: (HELD, False))
    return functools.partial(run, target.conninfo, schema, server)


@pytest.mark.parametrize(("held", "code"), [(True, 1), (False, 0)])
def test_a_waiver_does_not_excuse_what_another_file_breaks(
    held: bool,
    code: int,
    unproven: Callable[..., Outcome],
    pending: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A rule that is held after the file with its waiver is broken by another one, and is named."""
    other = pending.with_name("901_other.sql")
    names: list[list[str]] = []

    def ran(files: Sequence[Migration], how: Run) -> Result:
        names.append([how.role, *[file.name for file in files][3:]])
        broken = len(names[-1]) == 3 or not held
        seen = Result({**HELD.verdicts, "INV-T6": "broken"}, tests={"INV-T6": ["a test"]})
        return seen if broken else HELD

    asked = Section(rehearsal.NUMBER, rehearsal.TITLE, asked=True)
    monkeypatch.setattr(rehearsal, "rehearse", lambda *_, **__: asked)
    monkeypatch.setattr(suite, "run", ran)
    monkeypatch.setattr(suite, "run_once", lambda *each: (ran(*each), False))
    monkeypatch.setattr(suite, "of_tests", lambda *_: HELD)
    pending.write_text("-- waives INV-T6: teams may borrow\nSELECT 1;\n")
    other.write_text(
        "-- waives RIGHT rule r on public.teams: nobody makes one\n"
        "CREATE RULE r AS ON INSERT TO teams DO INSTEAD NOTHING;\n"
    )
    ended = unproven()
    other.unlink()

    assert code == ended.code, ended.out
    both, first = [pending.name, other.name], [pending.name]
    assert [["", *both], [APPLICATION, *both], ["", *first], [APPLICATION, *first]] == names
    assert held == ("held after that file: another one breaks it" in ended.out)


def test_an_edited_file_closes_the_gate(
    target: Database, schema: Path, tmp_path: Path, server: Server
) -> None:
    """When an applied file was edited, nothing can be rebuilt; the data are audited anyway."""
    edited = shutil.copytree(schema, tmp_path / "migrations")
    with (edited / "002_job_sequence_functions.sql").open("a") as file:
        file.write("-- too late\n")
    ended = run(target.conninfo, edited, server)

    assert 1 == ended.code
    assert "was edited after it had been applied" in ended.out
    assert {
        1: "ok",
        2: "1 finding",
        **dict.fromkeys(range(3, 7), "not asked"),
        7: "ok",
        8: "1 finding",
    } == outcomes(ended.out)


def test_an_unreachable_target_closes_the_gate(schema: Path, server: Server) -> None:
    """Where nobody answers, nothing is asked, and nothing is right."""
    ended = run("host=/nowhere", schema, server)

    assert 3 == ended.code  # could not ask
    assert {1: "1 finding", **dict.fromkeys(range(2, 9), "not asked")} == outcomes(ended.out)


def test_a_schema_without_a_record_closes_the_gate(
    scratch: Scratch, template: Template, schema: Path, server: Server
) -> None:
    """A schema that psql has made does not say what is pending: that has to be recorded first."""
    with scratch.cloned(template, "unrecorded") as database:
        ended = run(database.conninfo, schema, server)

    assert 1 == ended.code
    assert "it has a schema, and no record of which files made it" in ended.out


GUTTED = "its record has 3 files as applied, and there is no table public.users: restore"


def test_a_gutted_target_is_not_right(
    scratch: Scratch, empty_template: Template, schema: Path, server: Server
) -> None:
    """A record of files whose tables are gone is no new database: gate and audit stay closed."""
    with scratch.cloned(empty_template, "gutted") as database:
        runner.migrate(database.conninfo, schema, 5, lambda _line: None)
        with database.connect() as connection:
            connection.execute("DROP SCHEMA framecast CASCADE")
            connection.execute("DROP TABLE users, teams CASCADE")
        ended = run(database.conninfo, schema, server, "--suite-timeout", "0.01")
        audited = run(database.conninfo, schema, server, command="audit")

    assert (1, 1) == (ended.code, audited.code)
    assert ("1 finding", "not asked") == (outcomes(ended.out)[7], outcomes(ended.out)[8])
    assert GUTTED in ended.out
    assert GUTTED in audited.out


def test_a_first_file_without_tables_is_no_schema_yet(
    scratch: Scratch, empty_template: Template, folder: Path, server: Server
) -> None:
    """Where what is applied makes no table, that there is none is as it should be."""
    (folder / "000_types.sql").write_text("CREATE TYPE public.pair AS (a int, b int);")
    with scratch.cloned(empty_template, "begun") as database:
        runner.migrate(database.conninfo, folder, 5, lambda _line: None)
        ended = run(database.conninfo, folder, server, "--suite-timeout", "0.01")

    assert ("ok", "ok") == (outcomes(ended.out)[7], outcomes(ended.out)[8]), ended.out


def dying(scratch: Scratch, *_arguments: object, **_named: object) -> None:
    """Lose a connection to the scratch server, as when it is killed."""
    with psycopg.connect(scratch.server.conninfo) as connection:
        connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")


@pytest.mark.parametrize(
    ("module", "name", "found"),
    [
        (rehearsal, "rehearse", {5: "1 finding"}),
        (
            enforcement,
            "expected_of",
            {4: "1 finding", 5: "not asked", 6: "not asked", 8: "1 finding"},
        ),
    ],
)
def test_a_scratch_server_that_dies_is_a_finding(  # noqa: PLR0913, PLR0917 - three are a case
    module: ModuleType,
    name: str,
    found: dict[int, str],
    unproven: Callable[..., Outcome],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where the scratch server fails, its section says so, and all others are reported."""
    monkeypatch.setattr(module, name, dying)
    report = tmp_path / "gate.json"
    ended = unproven("--json", str(report), "--keep-going")

    assert 3 == ended.code  # could not ask
    assert {**dict.fromkeys(range(1, 9), "ok"), **found} == outcomes(ended.out), ended.out
    assert "scratch server: terminating connection due to administrator" in ended.out
    document = json.loads(report.read_text())
    assert 8 == len(document["sections"])
    assert {"001_initial_schema.sql", "003_roles.sql"} <= set(document["files"]["applied"])
    assert {"database", "release", "role"} == set(document["target"])


def test_a_scratch_server_that_dies_leaves_the_audit(
    target: Database, schema: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a scratch server the audit still asks the data."""
    monkeypatch.setattr(enforcement, "expected_of", dying)
    ended = run(target.conninfo, schema, server, command="audit")

    assert {7: "ok", 8: "1 finding"} == outcomes(ended.out), ended.out
    assert "comparison: not possible: terminating connection due to administrator" in ended.out


@pytest.mark.parametrize("given", [("--seed", "17"), ()])
def test_the_rehearsal_shows_its_seed(
    given: tuple[str, ...],
    unproven: Callable[..., Outcome],
    pending: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The random runs can be made again: their seed is shown, and may be given."""
    pending.write_text(CLEAN)
    seeds: list[int] = []

    def reached(_alive: Database, seed: int, _say: object, _keys: object) -> tuple[()]:
        seeds.append(seed)
        return ()

    monkeypatch.setattr(states, "reached", reached)
    ended = unproven(*given)

    [seed] = seeds
    assert f"note: the random runs among them are drawn with --seed {seed}\n" in ended.out
    assert not given or seed == int(given[-1])


def test_what_the_scratch_server_was_built_without_settles_nothing(
    target: Database, schema: Path, pending: Path, server: Server
) -> None:
    """A server without ICU says nothing of a file that needs it, but which server to name."""
    pending.write_text("DO $$ BEGIN RAISE 'ICU is not supported in this build'; END $$")
    ended = run(target.conninfo, schema, server)

    assert 3 == ended.code
    assert "900_next.sql:1: ICU is not supported in this build" in ended.out
    assert "-> it was built without that: name one that was built as the target is" in ended.out


def test_a_suite_that_takes_too_long_settles_nothing(
    schema: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run of the suite that is cut off, or does not start, says nothing of any rule."""
    how = Run(Request(database_url=server.conninfo), server.version, "quick", 0.01)
    with pytest.raises(TargetError, match=r"longer than 0[.]01 s"):
        suite.run((), how)
    monkeypatch.setattr(suite, "SUITE", schema)
    patient = Run(how.request, how.version, how.profile, 60)
    with pytest.raises(TargetError, match=r"did not run \(exit code"):
        suite.run((), patient)


def unasked(_files: object, _how: object) -> Result:
    """Fail a test that runs the suite where it should not."""
    message = "the suite was run"
    raise AssertionError(message)


@pytest.mark.parametrize(
    ("content", "found", "said"),
    [
        (
            "ALTER TABLE public.teams\n    ADD COLUM motto text;\n",
            {3: "1 finding", 4: "not asked", 5: "1 finding", 6: "not asked"},
            '900_next.sql:2: syntax error at or near "text" (42601)',
        ),
        (
            "SELECT 1;\nCOPY public.teams (slug) FROM PROGRAM 'env';\n",
            {2: "1 finding", 4: "not asked", 5: "not asked", 6: "not asked"},
            "900_next.sql:2: COPY FROM PROGRAM would reach the server's machine: a migration",
        ),
        (
            "SELECT 1;\n\\i next.sql\n",
            {2: "1 finding", 4: "not asked", 5: "not asked", 6: "not asked"},
            "900_next.sql:2: \\i is a command of psql, and no SQL",
        ),
    ],
)
def test_what_cannot_be_run_is_told_at_once(  # noqa: PLR0913, PLR0917 - three are a case
    content: str,
    found: dict[int, str],
    said: str,
    target: Database,
    schema: Path,
    pending: Path,
    server: Server,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """No suite is run, and no state reached, for a file that is no migration."""
    monkeypatch.setattr(suite, "run", unasked)
    monkeypatch.setattr(suite, "run_once", unasked)
    pending.write_text(content)
    ended = run(target.conninfo, schema, server)
    seen = outcomes(ended.out)

    assert 1 == ended.code
    assert found == {number: seen[number] for number in found}, ended.out
    assert ("ok", "ok") == (seen[7], seen[8])
    assert f"     {said}" in ended.out


def test_an_old_report_is_not_left_standing(
    schema: Path, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a run does not come to its end, there is no report of an earlier one."""
    report = tmp_path / "gate.json"
    report.write_text('{"holds": true}')
    monkeypatch.setattr(rehearsal, "TITLE", "unused")
    ended = run("host=x", schema / "nowhere", server, "--json", str(report))

    assert (1, False) == (ended.code, report.exists())


def test_what_an_applied_file_waives_may_be_broken(
    scratch: Scratch, empty_template: Template, schema: Path, pending: Path, server: Server
) -> None:
    """Rows that break a rule which an applied file gave up are a note, as is that it is off."""
    pending.write_text(WEAKER)
    with scratch.cloned(empty_template, "waived") as database:
        runner.migrate(database.conninfo, schema, 5, lambda _line: None)
        for table in ("users", "teams"):
            with database.connect() as connection:
                connection.execute("SET session_replication_role = replica")
                connection.execute(BROKE[table])
        ended = run(database.conninfo, schema, server, command="audit")

    assert "note: INV-U5 is broken by 1 row, as 900_next.sql:1 waives INV-U5: users" in ended.out
    assert "INV-T6: broken by 1 row" in ended.out
    assert "note: INV-U5 is off there: the applied files do not make inv_u5__users" in ended.out


def test_rows_of_the_target_that_would_fail_close_the_gate(
    unproven: Callable[..., Outcome],
    target: Database,
    pending: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The demands of a pending file are asked of the target's own rows, whose keys are shown."""
    asked = Section(rehearsal.NUMBER, rehearsal.TITLE, asked=True)
    monkeypatch.setattr(rehearsal, "rehearse", lambda *_, **__: asked)
    pending.write_text("ALTER TABLE teams ADD CONSTRAINT named CHECK (name <> 'b');")
    with target.connect() as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute(BROKE["teams"].replace("-1", "1"))
    ended = unproven()
    with target.connect() as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("DELETE FROM teams")

    assert "constraint named on public.teams: 1 row of public.teams would fail it" in ended.out
    assert "00000000-0000-0000-0000-00000000000b" in ended.out
