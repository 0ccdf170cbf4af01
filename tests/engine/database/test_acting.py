"""A run as a role: what it has no right to is refused for that, and nothing else is."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from conformance.engine.cases.case_runner import CaseRunner
from conformance.engine.cases.scenario import Fact, Scenario
from conformance.engine.cases.verdicts import Finding, Standing, Tally, Verdict
from conformance.engine.database.acting import RoleError
from conformance.engine.database.sandbox import Sandbox
from conformance.engine.database.session import Session
from conformance.engine.postgres.scratch import Database, Scratch, Template
from conformance.engine.privileges.missing import PRIVILEGE, lacks
from conformance.engine.sql.outcomes import Rejected
from conformance.engine.sql.writes import Insert, Row, Statement, Truncate
from conformance.engine.sql.writes import Path as Way
from conformance.framecast.application import APPLICATION
from conformance.framecast.machines.hostile import HostileRunner
from conformance.framecast.machines.log import Log
from conformance.framecast.machines.run import MachineRun
from conformance.framecast.operations import teams, users
from conformance.framecast.operations.clock import PASS
from conformance.framecast.rules import RULES
from strategies.hostility import Attack, HostileRun, HostileStatement, Part
from strategies.world import World
from tests.support.granting import planted

ROOT: Final = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def sandbox(scratch: Scratch, template: Template) -> Iterator[Sandbox]:
    """Lend a database, to be written as the role."""
    with (
        scratch.cloned(template, "role") as database,
        Sandbox(database.conninfo, APPLICATION) as sandbox,
    ):
        yield sandbox


def role_case_runner(sandbox: Sandbox, scenario: Scenario, rule: str) -> tuple[Tally, Verdict]:
    """Return what is counted of a scenario, and the verdict on its rule."""
    case_runner = CaseRunner(sandbox, RULES[rule], Way.INSERT)
    standing = Standing({"insert": case_runner.tally})
    try:
        case_runner.run(scenario)
    except Finding as finding:
        standing.failures.append(finding.as_dict())
    return case_runner.tally, standing.verdict


def kept(table: str, **columns: object) -> tuple[Insert]:
    """Return a transaction that writes the schema's own table."""
    row: Row = columns
    return (Insert(table, (row,)),)


GUARD: Final = kept("framecast.user_guards", user_id="00000000-0000-0000-0000-000000000001")


def test_a_missing_privilege_counts_as_refused(sandbox: Sandbox) -> None:
    """A violation that the role has no right to try is a side that was seen."""
    world = World()
    legal = (Insert("users", (world.a_starter(),)),)

    tally, verdict = role_case_runner(sandbox, Scenario((), (legal,), (GUARD,)), "OWN-1")

    assert Tally(accepted=1, rejected=1, denied=1) == tally
    assert Verdict.HELD == verdict


def test_the_owner_does_what_is_legal_and_not_permitted(sandbox: Sandbox) -> None:
    """A legal write that the role has no right to is refused, then done, and facts are asked."""
    world = World()
    legal = ((Insert("users", (world.a_starter(),)),), (Truncate(("users",)),))
    facts = (Fact("SELECT count(*) FROM public.users", 0, side=False),)

    tally, verdict = role_case_runner(sandbox, Scenario((), legal, (), facts), "INV-U2")

    assert Tally(accepted=1, rejected=1, named=1, not_permitted=1) == tally
    assert Verdict.HELD == verdict


@pytest.mark.parametrize(
    ("sql", "scenario", "verdict"),
    [
        (
            "GRANT TRUNCATE ON ALL TABLES IN SCHEMA public, framecast TO framecast_app",
            Scenario((), ((Truncate(("system_assets",)),),)),
            Verdict.BROKEN,
        ),
        (
            "REVOKE INSERT (email) ON public.users FROM framecast_app",
            Scenario((), ((Insert("users", (World().a_starter(),)),),)),
            Verdict.UNPROVEN,
        ),
        (
            "REVOKE INSERT (credits) ON public.users FROM framecast_app",
            Scenario((), (), ((Insert("users", (World().a_starter(credits=-1),)),),)),
            Verdict.UNNAMED,
        ),
    ],
    ids=["a right too many", "a right too few", "a right too few for a violation"],
)
def test_a_planted_right_changes_the_verdict(
    sql: str, scenario: Scenario, verdict: Verdict, scratch: Scratch, tmp_path: Path
) -> None:
    """A statement is refused for want of a privilege exactly where one is missing."""
    with (
        scratch.cloned(planted(scratch, tmp_path, sql), "planted") as database,
        Sandbox(database.conninfo, APPLICATION) as sandbox,
    ):
        assert verdict == role_case_runner(sandbox, scenario, "INV-U5")[1]


@pytest.mark.parametrize(
    ("sql", "statement", "verdict"),
    [
        ("GRANT DELETE ON public.usage TO framecast_app", "DELETE FROM public.usage", "broken"),
        (
            "REVOKE DELETE ON public.teams FROM framecast_app",
            "DELETE FROM public.teams WHERE false",
            "unnamed",
        ),
    ],
)
def test_a_hostile_run_finds_a_planted_right(
    sql: str, statement: str, verdict: str, scratch: Scratch, tmp_path: Path
) -> None:
    """Raw writes, too, are refused for want of a right exactly where one is missing."""
    hostile_statement = HostileStatement("delete", "usage", Statement(statement))
    hostile_run = HostileRun("nothing", (), (Attack((Part((hostile_statement,)),)),))
    with (
        scratch.cloned(planted(scratch, tmp_path, sql), "planted") as database,
        Sandbox(database.conninfo, APPLICATION) as sandbox,
        pytest.raises(Finding) as caught,
    ):
        HostileRunner(sandbox).run(hostile_run)

    assert ("HOSTILE", verdict) == (caught.value.rule, str(caught.value.verdict))


def test_a_run_misses_a_right(scratch: Scratch, tmp_path: Path) -> None:
    """An operation of the product that its role may not do is a finding."""
    sql = "REVOKE UPDATE (name) ON public.users FROM framecast_app"
    with (
        scratch.cloned(planted(scratch, tmp_path, sql), "planted") as database,
        Sandbox(database.conninfo, APPLICATION) as sandbox,
    ):
        run = MachineRun(sandbox, Log())
        run.do(users.SIGN_UP, {"email": "one@example.com"})
        with pytest.raises(Finding) as caught:
            run.do(users.RENAME, {"user": 1})

    assert Verdict.OVERBLOCKED == caught.value.verdict
    assert PRIVILEGE in caught.value.observed


def test_a_run_knows_missing_privileges(sandbox: Sandbox) -> None:
    """Operations without a privilege are refused, and time passes without any."""
    run = MachineRun(sandbox, Log())
    run.do(users.SIGN_UP_AS_CREATOR, {"email": "one@example.com", "team": True})
    before = run.state
    (team,) = before.teams
    run.do(teams.CHANGE_SLUG, {"team": team})
    assert before == run.state

    run.do(PASS, {"days": 1})
    assert before.day + 1 == run.state.day


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("INSERT INTO public.users (id, email) VALUES ('1', 'a')", []),
        ("INSERT INTO users (id, updated_at) VALUES ('1', DEFAULT)", []),
        ("INSERT INTO memberships (user_tier) VALUES ('a')", []),
        ("INSERT INTO memberships (extra) VALUES ('a')", ["INSERT of memberships.extra"]),
        (
            "INSERT INTO users (id) VALUES ('1') ON CONFLICT (id) DO UPDATE SET extra = true",
            ["UPDATE of users.extra"],
        ),
        (
            "WITH w AS (UPDATE system_assets SET name = 'x' RETURNING 1) TABLE w",
            ["UPDATE of system_assets", "UPDATE of system_assets.name"],
        ),
        (
            "MERGE INTO usage USING (VALUES (1)) AS s (x) ON true WHEN MATCHED THEN DELETE",
            ["DELETE of usage"],
        ),
        ("COPY public.projects (id, owner) FROM STDIN", []),
        ("TRUNCATE public.jobs CASCADE", ["TRUNCATE of jobs"]),
        ("SELECT framecast.lock_users('{}')", ["EXECUTE of lock_users"]),
        ("SELECT public.delete_old_job_events()", []),
        ("SELECT count(*) FROM framecast.team_guards", ["USAGE of framecast"]),
        ("SET LOCAL session_replication_role = replica", ["SET of session_replication_role"]),
        ("COMMIT", []),
        ("no SQL at all", []),
    ],
)
def test_what_a_statement_lacks(sql: str, expected: list[str]) -> None:
    """The rights that a statement needs are read from it, whatever carries the write."""
    assert expected == list(lacks(sql))


def test_the_role_cannot_become_its_owner(sandbox: Sandbox) -> None:
    """A session as the role is that role's: it cannot take back what it gave up."""
    outcome = sandbox.session.send(Statement("SET ROLE postgres"))

    assert isinstance(outcome, Rejected)
    assert PRIVILEGE == outcome.sqlstate


def test_an_unknown_role_is_one_message(database: Database) -> None:
    """A role that there is not is an error that names it."""
    with pytest.raises(RoleError, match="'nobody_at_all': the server has no such role"):
        Session(database.conninfo, "nobody_at_all")


def test_a_run_as_an_unknown_role_ends_with_one_message() -> None:
    """A run as a role that the migrations do not make ends before the first test."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "conformance/test_role.py", "--role", "nobody"),
            *("-p", "no:cacheprovider"),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (4, "") == (done.returncode, done.stdout.partition("ERROR")[2])
    assert "--role 'nobody': the server has no such role" in done.stderr
