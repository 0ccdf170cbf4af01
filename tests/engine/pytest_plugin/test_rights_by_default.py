"""A run that names no role proves the application's role as well."""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from conformance.engine.cases.case_runner import CaseRunner
from conformance.engine.cases.impersonation import EVERY, Impersonated
from conformance.engine.cases.scenario import Scenario
from conformance.engine.cases.verdicts import Finding, Verdict
from conformance.engine.database import acting
from conformance.engine.database.sandbox import Sandbox
from conformance.engine.postgres import Server, provision
from conformance.engine.postgres.scratch import Scratch, Template, opened
from conformance.engine.pytest_plugin.keys import ENVIRONMENT
from conformance.engine.sql.writes import Insert
from conformance.engine.sql.writes import Path as Way
from conformance.framecast.application import APPLICATION
from conformance.framecast.powers import Powers, declared
from conformance.framecast.rules import RULES
from strategies.world import World
from tests.support.granting import MIGRATIONS, planted

ROOT: Final = Path(__file__).parents[3]
UNPROVEN: Final = "RIGHT is unproven expected: the rights that are written down observed:"
# Rights that engineers give away, or take, and what a default run says of it.
PLANTED: Final = {
    "a column given": (
        "GRANT UPDATE (name) ON public.system_assets TO framecast_app;",
        "test_role.py",
        "too many: UPDATE system_assets.name",
    ),
    "a table given to all": (
        "GRANT DELETE ON public.api_keys TO PUBLIC;",
        "test_role.py",
        "DELETE FROM public.api_keys: accepted",
    ),
    "a column taken": (
        "REVOKE UPDATE (revoked_at) ON public.api_keys FROM framecast_app;",
        "test_role.py",
        "too few: UPDATE api_keys.revoked_at",
    ),
    "tables to come given": (
        "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO framecast_app;",
        "test_role.py",
        "too many: SELECT on tables to come",
    ),
    **{
        f"{kind} to come given to all{where and ' here'}": (
            f"ALTER DEFAULT PRIVILEGES {where} GRANT {right} ON {kind} TO PUBLIC;",
            "test_role.py",
            f"too many: {right} on {kind.lower()} to come by everybody",
        )
        for kind, right, where in (
            ("TABLES", "SELECT", ""),
            ("TABLES", "INSERT", "IN SCHEMA public"),
            ("SEQUENCES", "USAGE", ""),
            ("FUNCTIONS", "EXECUTE", "IN SCHEMA framecast"),
            ("SCHEMAS", "CREATE", ""),
        )
    },
    "a type taken": (
        "REVOKE USAGE ON TYPE public.user_tier FROM PUBLIC;",
        "test_role.py",
        "too few: USAGE user_tier",
    ),
    "a setting given": (
        "GRANT SET ON PARAMETER session_replication_role TO PUBLIC;",
        "test_role.py",
        "SET session_replication_role",
    ),
    **{
        f"a role with {attribute}": (
            f"ALTER ROLE framecast_app {attribute};",
            "test_role.py",
            f"too many: {power} by framecast_app",
        )
        for attribute, power in {
            "LOGIN": "log in",
            "CREATEDB": "make databases",
            "CREATEROLE": "make roles",
            "REPLICATION": "replicate",
            "BYPASSRLS": "pass row security",
            "SET search_path = pg_temp": "begin with search_path=pg_temp",
        }.items()
    },
    # What the schema does not have, nobody can be asked for.
    "a column under another name": (
        "ALTER TABLE public.teams RENAME COLUMN credits TO balance;",
        "test_role.py",
        f"{UNPROVEN} there is no column teams.credits",
    ),
    "a table that is gone": (
        "DROP TABLE public.system_assets;",
        "test_role.py",
        f"{UNPROVEN} there is no table system_assets",
    ),
    "a function that is gone": (
        "DROP FUNCTION public.api_key_is_valid;",
        "test_role.py",
        f"{UNPROVEN} there is no function api_key_is_valid",
    ),
    "a column under another name, and a column given": (
        (
            "ALTER TABLE public.teams RENAME COLUMN credits TO balance;"
            "GRANT UPDATE (name) ON public.system_assets TO framecast_app;"
        ),
        "test_role.py",
        "too many: UPDATE system_assets.name",
    ),
    "a caller's rights": (
        "ALTER FUNCTION framecast.tg_jobs__may_be_made() SECURITY INVOKER;",
        "test_rules.py",
        f"as {APPLICATION}: rejected by no constraint",
    ),
    "no role at all": (
        "DROP OWNED BY framecast_app;",
        "test_role.py",
        "'framecast_app': the schema under test grants it nothing",
    ),
}


def run(folder: Path, sql: str, module: str, *options: str) -> tuple[int, str]:
    """Run tests of the suite on the migrations with another one after them, naming no role."""
    schema = Path(shutil.copytree(ROOT / "migrations", folder / "migrations"))
    (schema / "999_planted.sql").write_text(sql)
    command = (
        *(sys.executable, "-m", "pytest", "-c", ROOT / "pyproject.toml", "-n", "0", "-q"),
        *("-p", "no:cacheprovider", "--hypothesis-profile", "quick", "--migrations", schema),
        *(*options, ROOT / "conformance" / module),
    )
    done = subprocess.run(
        list(map(str, command)), capture_output=True, text=True, check=False, cwd=folder
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("planted", PLANTED)
def test_a_right_is_proven_without_asking(planted: str, tmp_path: Path) -> None:
    """A default run fails for a right too many, too few, or where there is no role."""
    sql, module, told = PLANTED[planted]
    code, output = run(tmp_path, sql, module, "-k", "card_5__insert or test_role")

    assert 1 == code, output
    assert told in " ".join(output.split()), output


def test_what_everybody_has_anyway_is_no_right_too_many(tmp_path: Path) -> None:
    """Default privileges that say what PostgreSQL does by itself give nobody anything."""
    sql = """
    ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
    ALTER DEFAULT PRIVILEGES GRANT EXECUTE ON FUNCTIONS TO PUBLIC, pg_monitor;
    """
    code, output = run(tmp_path, sql, "test_role.py")

    assert 0 == code, output


def test_the_owner_alone_may_be_tried(tmp_path: Path) -> None:
    """A run that is told to prove no role writes as the owner, and proves nothing of rights."""
    sql = "DROP OWNED BY framecast_app;"
    code, output = run(tmp_path, sql, "test_rules.py", "--role", "none", "-k", "inv_u5__insert")
    none, nothing = run(tmp_path / "again", sql, "test_role.py", "--role", "none")

    assert (0, 5) == (code, none), output + nothing


def some_users() -> Scenario:
    """Return a scenario that is no more than a user with credits, and one with less than none."""
    world = World()
    good, bad = world.a_starter(credits=0), world.a_starter(credits=-1)
    return Scenario((), ((Insert("users", (good,)),),), ((Insert("users", (bad,)),),))


def test_the_first_and_some_later_ones_are_tried_again(
    scratch: Scratch, template: Template, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first scenario is tried as the role too, and one in so many; the owner's are counted."""
    wrote: list[str | None] = []
    tried = CaseRunner.run

    def noted(case_runner: CaseRunner, scenario: Scenario) -> None:
        wrote.append(sandbox.role)
        tried(case_runner, scenario)

    monkeypatch.setattr(CaseRunner, "run", noted)
    with scratch.cloned(template, "twice") as database, Sandbox(database.conninfo) as sandbox:
        case_runner = CaseRunner(sandbox, RULES["INV-U5"], Way.INSERT)
        both = Impersonated(case_runner, sandbox, APPLICATION)
        for _ in range(EVERY + 1):
            both.run(some_users())

    assert [None, APPLICATION, *[None] * EVERY, APPLICATION] == wrote
    assert EVERY + 1 == case_runner.tally.accepted == case_runner.tally.named


def test_what_fails_as_the_role_fails_again(scratch: Scratch, tmp_path: Path) -> None:
    """Once the role has failed it is tried each time, and what is shown says who writes."""
    template = planted(scratch, tmp_path, "REVOKE INSERT ON public.users FROM framecast_app")
    with scratch.cloned(template, "less") as database, Sandbox(database.conninfo) as sandbox:
        both = Impersonated(CaseRunner(sandbox, RULES["INV-U5"], Way.INSERT), sandbox, APPLICATION)
        found: list[Finding] = []
        for _ in range(2):
            with pytest.raises(Finding) as caught:
                both.run(some_users())
            found.append(caught.value)

    assert [Verdict.UNPROVEN] * 2 == [each.verdict for each in found]
    assert found[0].observed.startswith(f"as {APPLICATION}: rejected by no constraint")
    assert f"SET ROLE {APPLICATION};\nBEGIN;\nINSERT INTO public.users" in found[0].script


def test_who_makes_the_role_may_try_it(pytestconfig: pytest.Config) -> None:
    """A role that is no superuser, and makes the application's, proves its rights as well."""
    with provision(pytestconfig.stash[ENVIRONMENT].request) as server:
        with psycopg.connect(server.conninfo, autocommit=True) as connection:
            connection.execute("CREATE ROLE plain LOGIN CREATEDB CREATEROLE")
        plain = make_conninfo(server.conninfo, user="plain")
        given = Server(plain, server.version, server.origin, superuser=False, owned=False)
        with opened(given) as run, run.cloned(run.template(MIGRATIONS)) as database:
            assert "" == acting.hindrance(database.conninfo, APPLICATION)
            with Powers(database.conninfo, APPLICATION) as powers:
                assert [] == powers.allowed(powers.attempts("become"))
                assert declared() == powers.granted()


def test_a_schema_that_is_silent_hinders(scratch: Scratch, empty_template: Template) -> None:
    """A role of the server that a schema grants nothing is none of that schema's."""
    with scratch.cloned(empty_template, "silent") as database:
        assert "grants it nothing" in acting.hindrance(database.conninfo, APPLICATION)
        assert "no such role" in acting.hindrance(database.conninfo, "nobody_at_all")
