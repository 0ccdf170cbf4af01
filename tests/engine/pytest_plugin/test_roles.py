"""The application's role: what its migration makes of a server, and what a run as it finds."""

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from conformance.engine.database.sandbox import Sandbox
from conformance.engine.database.session import Session
from conformance.engine.deployment.migrations import MigrationError, install, load
from conformance.engine.postgres import Server, provision
from conformance.engine.postgres.scratch import Scratch, Template, opened
from conformance.engine.pytest_plugin.keys import ENVIRONMENT
from conformance.engine.sql.outcomes import Accepted
from conformance.framecast.application import APPLICATION
from conformance.framecast.powers import Powers, declared
from conformance.framecast.rules import RULES
from strategies.world import World
from tests.support.granting import have_role, planted

ROOT: Final = Path(__file__).parents[3]
MIGRATIONS: Final = ROOT / "migrations"
TEMPORARY: Final = """
    DO $$
    BEGIN
        EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO PUBLIC', current_database());
    END;
    $$
"""
SINCE_MAINTAIN: Final = 17
BEFORE: Final = """
    GRANT CREATE ON SCHEMA public TO plain, framecast_app WITH GRANT OPTION;
    ALTER DEFAULT PRIVILEGES FOR ROLE plain IN SCHEMA public GRANT ALL ON TABLES TO framecast_app;
    CREATE TABLE public.untouched (id integer);
    CREATE TABLE public.before (id integer, other integer);
    GRANT SELECT (id), UPDATE (other) ON public.before TO framecast_app;
    CREATE SEQUENCE public.counting;
    GRANT ALL ON SEQUENCE public.counting TO framecast_app;
    CREATE FUNCTION public.one() RETURNS integer LANGUAGE sql RETURN 1;
    REVOKE EXECUTE ON FUNCTION public.one() FROM PUBLIC;
    GRANT EXECUTE ON FUNCTION public.one() TO framecast_app
"""
BODIES: Final = "SELECT string_agg(prosrc, ' ') FROM pg_proc WHERE proname LIKE 'tg\\_%'"
ENFORCING: Final = """
    SELECT conname FROM pg_constraint WHERE position('__' in conname) > 0
    UNION SELECT substr(tgname, 6) FROM pg_trigger WHERE position('__' in tgname) > 0
    UNION SELECT relname FROM pg_class WHERE relkind = 'i' AND position('__' in relname) > 0
"""


@pytest.fixture
def alone(pytestconfig: pytest.Config) -> Iterator[Server]:
    """Start a server on which nobody has made the role."""
    with provision(pytestconfig.stash[ENVIRONMENT].request) as server:
        yield server


@contextmanager
def made(server: Server, name: str, owner: str = "") -> Iterator[str]:
    """Make an empty database, and its owner if one is named; return how its owner connects."""
    with psycopg.connect(server.conninfo, autocommit=True) as connection:
        if owner:
            connection.execute(f"CREATE ROLE {owner} LOGIN".encode())
        end = f" OWNER {owner}" if owner else ""
        connection.execute(f"CREATE DATABASE {name}{end} TEMPLATE template0".encode())
    user = {"user": owner} if owner else {}
    yield make_conninfo(server.conninfo, dbname=name, **user)


def installed(conninfo: str) -> None:
    """Install the project's migrations."""
    with psycopg.connect(conninfo, autocommit=True) as connection:
        install(connection, load(MIGRATIONS))


@pytest.fixture(scope="module")
def sandbox(scratch: Scratch, template: Template) -> Iterator[Sandbox]:
    """Lend a database, to be written as the role."""
    with (
        scratch.cloned(template, "role") as database,
        Sandbox(database.conninfo, APPLICATION) as sandbox,
    ):
        yield sandbox


# The migration


def test_the_first_two_files_hold_every_rule(scratch: Scratch, tmp_path: Path) -> None:
    """The files before the role's are complete: all that enforces a rule is there, and works."""
    for file in load(MIGRATIONS)[:2]:
        shutil.copy(file.path, tmp_path)
    names = {
        name.removeprefix("trigger ").rpartition(".")[2]
        for rule in RULES.values()
        for name in rule.enforced_by
        if "__" in name
    }
    with scratch.cloned(scratch.template(tmp_path), "two") as database:
        with Session(database.conninfo) as session:
            there = {str(name) for (name,) in session.fetch(ENFORCING)}
            ((bodies,),) = session.fetch(BODIES)  # where one trigger holds several rules
            assert [] == [name for name in names - there if f"'{name}'" not in str(bodies)]
        with Sandbox(database.conninfo) as sandbox:
            world = World()
            world.team()
            assert Accepted() == sandbox.session.transact(world.given)
            assert {} == sandbox.violations()


def test_a_second_database_finds_the_role(alone: Server) -> None:
    """A second database of a cluster takes the role that is there, and grants it the same."""
    found = []
    for name in ("one", "two"):
        with made(alone, name) as conninfo:
            installed(conninfo)
            with Powers(conninfo, APPLICATION) as powers:
                found.append(powers.granted())

    assert [declared(), declared()] == found


def test_what_an_extension_brings_is_its_own(alone: Server) -> None:
    """Functions of an extension are no rights of ours, and nobody tries to call them."""
    with made(alone, "one") as conninfo:
        installed(conninfo)
        with psycopg.connect(conninfo, autocommit=True) as connection:
            connection.execute("CREATE EXTENSION citext")
            connection.execute(
                "CREATE AGGREGATE public.total(integer) (sfunc = int4pl, stype = integer);"
                "REVOKE EXECUTE ON FUNCTION public.total(integer) FROM PUBLIC"
            )
        with Powers(conninfo, APPLICATION) as powers:
            assert declared() == powers.granted()
            for kind in ("call", "function"):
                assert [] == powers.allowed(powers.attempts(kind))


def test_two_databases_migrate_at_once(alone: Server) -> None:
    """Two sessions that both find no role both end with the same one."""
    with made(alone, "one") as one, made(alone, "two") as two, ThreadPoolExecutor(2) as pool:
        list(pool.map(installed, (one, two)))
        with Powers(one, APPLICATION) as here, Powers(two, APPLICATION) as there:
            assert [declared(), declared()] == [here.granted(), there.granted()]


def test_who_may_not_make_roles_is_told(alone: Server) -> None:
    """Without the role, and the right to make it, nothing is changed; with the role all is well."""
    with made(alone, "plain", owner="plain") as conninfo:
        with pytest.raises(MigrationError) as caught:
            installed(conninfo)
        assert "role framecast_app is missing, and plain may not create roles" in str(caught.value)
        assert "CREATE ROLE framecast_app NOLOGIN" in str(caught.value)

        have_role(alone.conninfo)
        with psycopg.connect(conninfo, autocommit=True) as connection:
            install(connection, load(MIGRATIONS)[2:])
        with Powers(make_conninfo(alone.conninfo, dbname="plain"), APPLICATION) as powers:
            assert declared() == powers.granted()


@pytest.mark.parametrize("whom", [APPLICATION, "PUBLIC"])
def test_what_was_given_by_default_is_taken_back(whom: str, alone: Server) -> None:
    """A role that default privileges have given everything ends with what is declared."""
    have_role(alone.conninfo)
    with made(alone, "one") as conninfo:
        with psycopg.connect(conninfo, autocommit=True) as connection:
            for kind in ("TABLES", "SEQUENCES", "FUNCTIONS", "TYPES", "SCHEMAS"):
                connection.execute(
                    f"ALTER DEFAULT PRIVILEGES GRANT ALL ON {kind} TO {whom}".encode()
                )
        installed(conninfo)
        with Powers(conninfo, APPLICATION) as powers:
            assert declared() == powers.granted()


def test_the_role_begins_with_nothing(alone: Server) -> None:
    """Rights to columns, sequences, schemas and later tables go too, whoever owns them."""
    have_role(alone.conninfo)
    with made(alone, "one", owner="plain") as conninfo:
        owners = make_conninfo(alone.conninfo, dbname="one")
        with psycopg.connect(owners, autocommit=True) as connection:
            connection.execute(BEFORE)
        installed(owners)
        with psycopg.connect(conninfo, autocommit=True) as connection:
            connection.execute("CREATE TABLE public.later (id integer)")
        with Powers(owners, APPLICATION) as powers:
            assert declared() == powers.granted()


def test_what_others_have_given_is_told(alone: Server) -> None:
    """A grant that the migrating role cannot take back is a warning that says what to run."""
    have_role(alone.conninfo)
    told: list[str] = []
    with made(alone, "one", owner="plain") as conninfo:
        with psycopg.connect(make_conninfo(alone.conninfo, dbname="one")) as connection:
            connection.execute("CREATE TABLE public.theirs (id integer)")
            connection.execute("GRANT UPDATE (id) ON public.theirs TO framecast_app")
        with psycopg.connect(conninfo, autocommit=True) as connection:
            connection.add_notice_handler(lambda each: told.append(each.message_hint or ""))
            install(connection, load(MIGRATIONS))

    assert ["let whoever gave it run REVOKE ALL ON TABLE theirs FROM framecast_app CASCADE"] == told


@pytest.mark.parametrize(
    "more",
    [
        "ALTER ROLE framecast_app SUPERUSER",
        "ALTER ROLE framecast_app CREATEROLE",
        "ALTER ROLE framecast_app BYPASSRLS",
        "GRANT pg_read_all_data TO framecast_app",
    ],
)
def test_a_role_with_more_power_is_refused(more: str, alone: Server) -> None:
    """A role of that name that may do more by itself is no role for an application."""
    have_role(alone.conninfo)
    with made(alone, "one") as conninfo:
        with psycopg.connect(conninfo, autocommit=True) as connection:
            connection.execute(more.encode())
        with pytest.raises(MigrationError, match="may do more than an application should"):
            installed(conninfo)


def test_triggers_run_as_their_owner(sandbox: Sandbox) -> None:
    """Every trigger function of the schema has its owner's rights, and a search_path of its own."""
    loose = sandbox.owner.fetch(
        "SELECT oid::regprocedure::text FROM pg_proc WHERE prorettype = 'trigger'::regtype"
        " AND pronamespace IN ('public'::regnamespace, 'framecast'::regnamespace)"
        " AND NOT (prosecdef AND coalesce(proconfig::text LIKE '%search_path=%', false))"
    )
    assert [] == loose


def test_the_role_goes_with_the_run_that_made_it(alone: Server) -> None:
    """On a given server a run leaves no role behind, and takes none away that somebody uses."""
    given = Server(alone.conninfo, alone.version, alone.origin, superuser=True, owned=False)
    with opened(given) as run:
        run.template(MIGRATIONS)
        assert [(APPLICATION,)] == _roles(alone)
    assert [] == _roles(alone)

    with made(alone, "theirs") as conninfo:
        with opened(given) as run:
            run.template(MIGRATIONS)
            installed(conninfo)
        assert [(APPLICATION,)] == _roles(alone)


def _roles(server: Server) -> list[tuple[Any, ...]]:
    with psycopg.connect(server.conninfo) as connection:
        query = "SELECT rolname FROM pg_roles WHERE rolname = %s"
        return connection.execute(query, [APPLICATION]).fetchall()


# Powers


@pytest.mark.parametrize(
    ("sql", "kind"),
    [
        ("GRANT TRUNCATE ON public.users TO framecast_app", "table"),
        ("GRANT MAINTAIN ON public.jobs TO framecast_app", "table"),
        ("GRANT UPDATE (name) ON public.system_assets TO PUBLIC", "write"),
        ("GRANT DELETE ON public.usage TO framecast_app", "write"),
        (
            "CREATE FUNCTION public.extra(integer) RETURNS integer LANGUAGE sql IMMUTABLE RETURN 1",
            "call",
        ),
        ("GRANT CREATE ON SCHEMA public TO framecast_app", "schema"),
        (
            TEMPORARY,
            "server",
        ),
    ],
)
def test_a_planted_right_is_found(sql: str, kind: str, scratch: Scratch, tmp_path: Path) -> None:
    """A right too many is found both ways: by trying, and in the list of rights."""
    if "MAINTAIN" in sql and scratch.server.major < SINCE_MAINTAIN:
        return
    with (
        scratch.cloned(planted(scratch, tmp_path, sql), "planted") as database,
        Powers(database.conninfo, APPLICATION) as powers,
    ):
        assert [] != powers.allowed(powers.attempts(kind))
        assert set() != powers.granted() - declared()


@pytest.mark.parametrize(
    ("given", "right", "since"),
    [
        ("REFERENCES ON public.jobs", "REFERENCES jobs", 15),
        ("REFERENCES (id) ON public.jobs", "REFERENCES jobs.id", 15),
        ("TRIGGER ON public.jobs", "TRIGGER jobs", 15),
        ("MAINTAIN ON public.jobs", "MAINTAIN jobs", SINCE_MAINTAIN),
        ("USAGE ON SEQUENCE public.counting", "USAGE counting", 15),
        ("UPDATE (status) ON public.jobs", "UPDATE jobs.status to grant", 15),
        ("EXECUTE ON FUNCTION public.erase_user(uuid)", "EXECUTE erase_user to grant", 15),
        ("USAGE ON SCHEMA public", "USAGE public to grant", 15),
    ],
)
def test_every_right_has_a_name(
    given: str, right: str, since: int, scratch: Scratch, template: Template
) -> None:
    """Every right that a major knows is in the list, at the table or at its columns."""
    if scratch.server.major < since:
        return
    with scratch.cloned(template, "rights") as database, database.connect() as connection:
        connection.execute("CREATE SEQUENCE public.counting")
        option = " WITH GRANT OPTION" if right.endswith(" to grant") else ""
        connection.execute(f"GRANT {given} TO framecast_app{option}".encode())
        with Powers(database.conninfo, APPLICATION) as powers:
            assert {right} == powers.granted() - declared()
