"""The suite as the application's role: what is asked of it, and what its answers come to."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import pytest

from conformance.engine.audit.description import Description
from conformance.engine.deployment import migrations
from conformance.engine.deployment.migrations import Migration
from conformance.engine.gate import influence, kept, suite, trial
from conformance.engine.gate.files import Files
from conformance.engine.gate.proof import Proof
from conformance.engine.gate.result import Result, Run
from conformance.engine.gate.suite import SUITE
from conformance.engine.postgres import Request
from conformance.engine.postgres.scratch import Scratch
from conformance.engine.progress import Watch
from conformance.framecast.application import APPLICATION
from conformance.framecast.rules import RULES

MIGRATIONS = Path(__file__).parents[3] / "migrations"
HALT = """
    CREATE FUNCTION halt() RETURNS trigger LANGUAGE plpgsql SET search_path = ''
    AS $$ BEGIN RETURN NEW; END $$;
    CREATE TRIGGER t BEFORE INSERT ON webhooks FOR EACH ROW EXECUTE FUNCTION halt();
"""
KEY = """
    CREATE OR REPLACE FUNCTION framecast.email_key(p_email text) RETURNS text LANGUAGE sql
    IMMUTABLE STRICT PARALLEL SAFE SET search_path = '' RETURN lower(p_email);
"""
DOMAIN = """
    CREATE DOMAIN d AS text CHECK (framecast.email_key(VALUE) <> '');
    ALTER TABLE users ADD COLUMN x d;
"""
COLUMN = """
    ALTER TABLE teams ADD COLUMN motto text; GRANT UPDATE (motto) ON teams TO framecast_app;
"""
HELD = Result(dict.fromkeys(RULES, "held"))
HOW = Run(Request(), 180000, "quick", 600)
LATE = Result(
    {**HELD.verdicts, "INV-T6": "unproven"},
    {"INV-T6": ["rejected by no constraint"]},
    tests={"INV-T6": ["a test"]},
)
WRONG = Result(
    {**HELD.verdicts, "INV-U5": "broken"},
    {"INV-U5": ["accepted"]},
    tests={"INV-U5": ["one", "two"]},
)
GIVEN = ("privilege", f"SELECT on public.teams to {APPLICATION}")
STOP = "CREATE TRIGGER stop BEFORE UPDATE ON public.teams FOR EACH ROW EXECUTE FUNCTION public.s()"
STEPS: list[Description] = [{GIVEN: ""}, {GIVEN: "", ("trigger", "stop on public.teams"): STOP}]


def asked(
    scratch: Scratch,
    folder: Path,
    answers: dict[str, Result],
    monkeypatch: pytest.MonkeyPatch,
    steps: list[Description],
) -> tuple[Proof, list[str], list[tuple[int, dict[str, list[str]]]]]:
    """Ask the suite, which has an answer for the owner, '', and for the role."""
    roles: list[str] = []

    def ran(_files: Sequence[Migration], how: Run) -> Result:
        roles.append(how.role)
        return dataclasses.replace(answers[how.role])

    def as_it_is(some: Sequence[Migration], _how: Run, tests: dict[str, list[str]]) -> Result:
        again.append((len(some), tests))
        return HELD

    again: list[tuple[int, dict[str, list[str]]]] = []
    monkeypatch.setattr(suite, "run_once", lambda *each: (ran(*each), False))
    monkeypatch.setattr(suite, "of_tests", as_it_is)
    (folder / "a.sql").write_text("SELECT 1")
    (folder / "b.sql").write_text("SELECT 1")
    files = migrations.load(folder)
    proof = Proof(scratch, Files(files[:1], files[1:]), steps, HOW)
    proof.ask()
    return proof, roles, again


@pytest.mark.parametrize(
    ("owner", "role", "steps", "as_whom", "about"),
    [
        (HELD, HELD, STEPS, ["", APPLICATION], []),
        (HELD, LATE, STEPS, ["", APPLICATION], ["INV-T6"]),
        (WRONG, LATE, STEPS, [""], ["INV-U5"]),
        (HELD, LATE, [{}, {("trigger", "stop on public.teams"): STOP}], [""], []),
        (
            HELD,
            LATE,
            [{GIVEN: ""}, {GIVEN: "", ("column", "public.teams.x"): "int DEFAULT 1"}],
            [""],
            [],
        ),
        (HELD, LATE, [{GIVEN: ""}, {GIVEN: "", ("column", "public.teams.x"): "text"}], [], []),
        (HELD, LATE, STEPS[:1] * 2, [], []),
    ],
)
def test_the_role_is_asked_where_the_owner_finds_nothing(  # noqa: PLR0913, PLR0917 - a table
    scratch: Scratch,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    owner: Result,
    role: Result,
    steps: list[Description],
    as_whom: list[str],
    about: list[str],
) -> None:
    """A rule that fails as the application's role alone is one that was held and no longer is."""
    answers = {"": owner, APPLICATION: role}
    proof, roles, again = asked(scratch, folder, answers, monkeypatch, steps)
    section = proof.section()

    assert as_whom == roles
    assert about == [fault.about for fault in section.faults]
    tests = {"INV-T6": "a test", "INV-U5": "one"}
    assert again == [(1, {each: [tests[each]]}) for each in about]  # of one file of the two
    if role is LATE and about == ["INV-T6"]:
        assert (f"as {APPLICATION}: rejected by no constraint",) == section.faults[0].keys
        assert "unproven, and it was held before" in section.faults[0].what


@pytest.mark.parametrize("profile", ["quick", "thorough"])
def test_the_whole_suite_runs_as_the_role(profile: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of it but what is about several sessions, and thoroughly that as well."""
    commands: list[list[str]] = []

    def run(command: list[str], _timeout: float, written: tuple[Path, ...], _watch: Watch) -> None:
        commands.append(command)
        written[0].write_text('{"rules": []}')
        written[1].write_text('{"failed": {}, "slow": []}')

    monkeypatch.setattr(suite, "_run", run)
    monkeypatch.setattr(suite, "RULES", {})
    suite.run([], dataclasses.replace(HOW, profile=profile, role=APPLICATION))
    [command] = commands
    left_out = {Path(each.partition("=")[2]) for each in command if each.startswith("--ignore=")}

    assert APPLICATION == command[command.index("--role") + 1]
    assert str(SUITE) in command
    assert left_out <= set(SUITE.glob("test_*.py"))
    assert (profile == "quick") == bool(left_out)
    assert not left_out & {SUITE / f"test_{name}.py" for name in ("rules", "role", "machines")}
    assert kept._key([], HOW) != kept._key([], dataclasses.replace(HOW, role=APPLICATION))


@pytest.mark.parametrize(
    ("script", "minds", "tables"),
    [
        ("ALTER TABLE teams ADD CONSTRAINT c CHECK (char_length(slug) < 90) NOT VALID", False, ""),
        ("CREATE INDEX ON users (lower(email))", False, ""),
        ("ALTER TABLE jobs ADD COLUMN of uuid REFERENCES users", False, ""),
        (COLUMN, False, ""),
        ("ALTER TYPE job_status ADD VALUE 'lost'", False, ""),
        (
            "ALTER TABLE users ADD CONSTRAINT c CHECK (framecast.email_key(email) <> '')",
            True,
            "users",
        ),
        ("ALTER TABLE teams ADD COLUMN by text DEFAULT session_user", True, "teams"),
        (
            "CREATE SEQUENCE s; ALTER TABLE teams ADD COLUMN n int DEFAULT nextval('s')",
            True,
            "teams",
        ),
        (DOMAIN, True, "users"),
        (HALT, True, "webhooks"),
        (KEY, True, "users invitations"),
        ("ALTER TABLE users ENABLE ROW LEVEL SECURITY", True, None),
        # Whoever logs in has that, and the suite takes the role by SET ROLE.
        ("ALTER ROLE framecast_app SET statement_timeout = '5s'", False, ""),
        ("ALTER ROLE ALL SET statement_timeout = '5s'", True, None),
    ],
)
def test_what_asks_who_writes_is_tried_as_the_role(
    scratch: Scratch, folder: Path, script: str, minds: bool, tables: str | None
) -> None:
    """A change that calls nothing of ours is the same for all; one that does reaches its tables."""
    (folder / "a.sql").write_text(script)
    files = Files(migrations.load(MIGRATIONS), migrations.load(folder))
    attempt = trial.tried(scratch, files, None)
    rules = influence.near(attempt.steps) if minds else frozenset()

    assert attempt.fault is None
    assert minds == influence.minds_who_writes(attempt.steps)
    assert (tables is None) == (rules is None)
    near = {rule.id for rule in RULES.values() if {*(tables or "").split()} & {*rule.tables}}
    assert near <= (rules or near)
    assert len(rules or "") < len(RULES)
