"""Scratch databases: isolated, sealed, recognisable, and gone at the end."""

import dataclasses
import secrets
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import psycopg
import pytest
from psycopg import errors
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from conformance.engine.deployment.migrations import MigrationError
from conformance.engine.postgres import ProvisionError, Request, Server, provision, roles, seed
from conformance.engine.postgres.scratch import PREFIX, Database, Scratch, Template, joined, opened
from conformance.engine.pytest_plugin.keys import ENVIRONMENT
from tests.support.waiting import PATIENCE, until

NAMES = "SELECT datname FROM pg_database WHERE starts_with(datname, %s) ORDER BY datname"


@pytest.fixture(scope="module")
def given(pytestconfig: pytest.Config) -> Iterator[Server]:
    """Start a server that no other test sweeps, and show it as one that is not ours."""
    with provision(pytestconfig.stash[ENVIRONMENT].request) as server:
        yield dataclasses.replace(server, owned=False)


@pytest.fixture
def items(folder: Path) -> Path:
    """Write a schema of one table."""
    (folder / "001_items.sql").write_text("CREATE TABLE items (item_id bigint PRIMARY KEY);\n")
    return folder


@pytest.fixture
def items_template(scratch: Scratch, items: Path) -> Template:
    """Make a template of one table."""
    return scratch.template(items)


def names(server: Server, prefix: str = PREFIX) -> list[str]:
    """List the databases of a server whose names begin alike."""
    with psycopg.connect(server.conninfo, autocommit=True) as connection:
        return [name for (name,) in connection.execute(NAMES, [prefix])]


def count(database: Database) -> int:
    """Count the items in a database."""
    with database.connect() as connection:
        return connection.execute("SELECT FROM items").rowcount


def insert(database: Database) -> None:
    """Add an item to a database."""
    with database.connect() as connection:
        connection.execute("INSERT INTO items VALUES (1)")


@contextmanager
def role(server: Server, attributes: str) -> Iterator[Server]:
    """Lend a server as a new role sees it."""
    name = f"framecast_{secrets.token_hex(6)}"
    with psycopg.connect(server.conninfo, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {name} LOGIN {attributes}".encode())
        try:
            with provision(Request(database_url=make_conninfo(server.conninfo, user=name))) as seen:
                yield seen
        finally:
            connection.execute(f"DROP ROLE {name}".encode())


def test_a_clone_is_isolated(scratch: Scratch, items_template: Template) -> None:
    """Rows written to a clone are neither in another clone nor in a later one."""
    with scratch.cloned(items_template) as one, scratch.cloned(items_template) as other:
        insert(one)
        with scratch.cloned(items_template) as later:
            assert [1, 0, 0] == [count(database) for database in (one, other, later)]


def test_a_template_is_sealed(scratch: Scratch, items_template: Template, server: Server) -> None:
    """No role can connect to a template, not even a superuser."""
    conninfo = make_conninfo(server.conninfo, dbname=items_template.name)

    with pytest.raises(psycopg.OperationalError, match="not currently accepting connections"):
        psycopg.connect(conninfo)
    assert items_template.name in names(server, f"{PREFIX}{scratch.token}_")


def test_a_template_is_made_once_for_what_is_in_the_folder(scratch: Scratch, items: Path) -> None:
    """The same files give the same template, and changed files another."""
    first = scratch.template(items)
    again = scratch.template(items)
    (items / "002_more.sql").write_text("CREATE TABLE more ();\n")

    assert first == again
    assert first != scratch.template(items)


def test_a_changed_clone_becomes_a_template(scratch: Scratch, items_template: Template) -> None:
    """A clone that was changed can be sealed, and cloned itself."""
    database = scratch.clone(items_template)
    insert(database)

    with scratch.cloned(scratch.seal(database)) as clone:
        assert 1 == count(clone)
    with pytest.raises(psycopg.OperationalError, match="not currently accepting connections"):
        database.connect()
    scratch.drop(database)


def test_a_failed_migration_leaves_no_template(scratch: Scratch, items: Path) -> None:
    """When a migration fails, its message comes through and the database is dropped."""
    before = names(scratch.server, scratch._prefix)
    (items / "002_broken.sql").write_text("CREATE TABLE items ();\n")

    with pytest.raises(MigrationError, match=r'002_broken.sql:1: relation "items" already exists'):
        scratch.template(items)

    assert before == names(scratch.server, scratch._prefix)


def test_a_clone_is_dropped_with_its_sessions(scratch: Scratch, items_template: Template) -> None:
    """A clone is dropped although somebody is connected to it."""
    with scratch.cloned(items_template) as database:
        lingering = database.connect()
    with lingering, pytest.raises(errors.AdminShutdown):
        lingering.execute("SELECT")
    assert database.name not in names(scratch.server)


def test_a_label_becomes_part_of_the_name(scratch: Scratch, items_template: Template) -> None:
    """A label is made fit for a name, and cut to what a name can hold."""
    with scratch.cloned(items_template, 'Cap "one" too high: ' + "x" * 99) as database:
        assert "_cap_one_too_high_x" in database.name
        assert 63 == len(database.name)
        assert 0 == count(database)


def test_a_run_drops_everything(given: Server, items: Path) -> None:
    """At the end of a run its databases are gone, also those of a worker that vanished."""
    with opened(given) as run:
        template = run.template(items)
        run.clone(template)
        vanished = Scratch(given, run.token, "gw1")
        vanished.clone(template)
        with joined(given, run.token, "gw0") as worker:
            worker.clone(template)
            assert 4 == len(names(given, f"{PREFIX}{run.token}"))
        assert 3 == len(names(given, f"{PREFIX}{run.token}"))
    assert [] == names(given, f"{PREFIX}{run.token}")
    vanished.close()


def test_what_a_worker_still_makes_is_dropped(given: Server, items: Path) -> None:
    """A worker that is left alone in the middle of making a database leaves none behind."""
    making = threading.Event()

    def work(worker: Scratch, template: Template) -> None:
        with suppress(psycopg.OperationalError):
            while worker.clone(template):
                making.set()

    with opened(given) as run:
        template = run.template(items)
        alone = Scratch(given, run.token, "gw0")
        thread = threading.Thread(target=work, args=(alone, template))
        thread.start()
        assert making.wait(PATIENCE)
    thread.join()
    alone.close()
    assert [] == names(given, f"{PREFIX}{run.token}")


def test_a_run_that_lost_its_session_says_so(given: Server, items: Path) -> None:
    """A run that cannot drop what it made says so as an error; the next run drops it."""
    with ExitStack() as stack:
        run = stack.enter_context(opened(given))
        run.template(items)
        with psycopg.connect(given.conninfo, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(%s, 10000)", [run._admin.info.backend_pid]
            )
        with pytest.raises(errors.AdminShutdown):
            stack.close()
    with opened(given):
        assert [] == names(given, f"{PREFIX}{run.token}")


KILLED = """
import os, signal, sys
from pathlib import Path
from conformance.engine.postgres import Request, provision
from conformance.engine.postgres.scratch import opened
with provision(Request(database_url=sys.argv[1])) as server, opened(server) as run:
    run.clone(run.template(Path(sys.argv[2])))
    print(run.token, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_the_next_run_drops_what_a_killed_one_left(given: Server, items: Path) -> None:
    """Databases of a run that was killed are dropped by the next; all others stay."""
    command = [sys.executable, "-c", KILLED, given.conninfo, str(items)]
    killed = subprocess.run(command, capture_output=True, text=True, check=False)
    left = f"{PREFIX}{killed.stdout.strip()}_"
    assert 2 == len(names(given, left))
    others = [f"{PREFIX}notes", f"{PREFIX}0123456789ab", f"not_{PREFIX}0123456789ab_main_1_own"]
    with psycopg.connect(given.conninfo, autocommit=True) as connection:
        for other in others:
            connection.execute(f"CREATE DATABASE {other}".encode())
        try:
            with opened(given) as alive:
                mine = alive.clone(alive.template(items))
                assert until(lambda: _swept(given, left))
                assert 0 == count(mine)
                assert others[1::-1] == [name for name in names(given) if name in others]
                assert [others[2]] == names(given, others[2])
        finally:
            for other in others:
                connection.execute(f"DROP DATABASE {other}".encode())


def _swept(server: Server, prefix: str) -> bool:
    """Run once more, for the server may need a moment to notice that the killed run is gone."""
    with opened(server):
        return not names(server, prefix)


def test_no_superuser_is_needed(given: Server, items: Path) -> None:
    """A role that may create databases, and nothing else, is enough."""
    with role(given, "CREATEDB") as seen:
        assert (False, False) == (seen.superuser, seen.owned)
        with opened(seen) as run, run.cloned(run.template(items)) as database:
            insert(database)
            assert 1 == count(database)


def test_the_databases_of_another_role_are_left_alone(given: Server, items: Path) -> None:
    """A role sweeps only what it may drop, and a leftover of another role is no error."""
    with opened(given) as other:
        template = other.template(items)
        other._admin.execute("SELECT pg_advisory_unlock_all()")
        with role(given, "CREATEDB") as seen, opened(seen):
            assert template.name in names(given)


def test_a_role_that_may_not_create_databases_is_one_message(given: Server, items: Path) -> None:
    """Where the right to create databases is lost on the way, that is one message."""
    with role(given, "CREATEDB") as seen, opened(seen) as run:
        with psycopg.connect(given.conninfo, autocommit=True) as connection:
            role_name = conninfo_to_dict(seen.conninfo)["user"]
            connection.execute(f"ALTER ROLE {role_name} NOCREATEDB".encode())
        with pytest.raises(ProvisionError, match="cannot create a scratch database: permission"):
            run.template(items)


def test_databases_are_utf8_on_a_server_that_is_not(
    items: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Scratch databases hold any text, whatever encoding the server's own databases have."""
    latin = [option.replace("UTF8", "LATIN1") for option in seed.INITDB]
    monkeypatch.setattr(seed, "INITDB", latin)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    with (
        provision(Request()) as server,
        opened(server) as run,
        run.cloned(run.template(items)) as database,
        database.connect() as connection,
    ):
        shown = connection.execute("SHOW server_encoding").fetchone()
    assert ("UTF8",) == shown


def test_roles_of_others_stay(scratch: Scratch, template: Template) -> None:
    """Of the roles that appear while files are tried, only those go that the files name."""
    ours, other = (f"framecast_conformance_{each}_{scratch.token}" for each in ("ours", "other"))
    with scratch.cloned(template, "roles") as database, database.connect() as connection:
        with scratch.lent(template, f"CREATE ROLE {ours}"):
            for name in (ours, other):
                connection.execute(f"CREATE ROLE {name}".encode())
        query = "SELECT rolname FROM pg_roles WHERE rolname = ANY (%s)"
        left = connection.execute(query, [[ours, other]]).fetchall()
        connection.execute(f"DROP ROLE {other}".encode())

    assert [(other,)] == left


def test_a_role_has_its_name_again(scratch: Scratch, template: Template) -> None:
    """A file that renames a role leaves others theirs, on a server that they share."""
    old, new = (f"framecast_conformance_{each}_{scratch.token}" for each in ("old", "new"))
    with scratch.cloned(template, "roles") as database, database.connect() as connection:
        connection.execute(f"CREATE ROLE {old}".encode())
        with scratch.lent(template, f"ALTER ROLE {old} RENAME TO {new}"):
            connection.execute(f"ALTER ROLE {old} RENAME TO {new}".encode())
        query = "SELECT rolname FROM pg_roles WHERE rolname = ANY (%s)"
        left = connection.execute(query, [[old, new]]).fetchall()
        connection.execute(f"DROP ROLE IF EXISTS {old}, {new}".encode())

    assert [(old,)] == left


@pytest.mark.parametrize(
    ("script", "setting"),
    [
        ("ALTER ROLE ALL SET {} = 'migrations'", "search_path of every role"),
        ("ALTER ROLE ALL RESET ALL", "search_path of every role"),
        ("ALTER ROLE {role} SET {} = 'migrations'", "search_path of {role}"),
        ("ALTER ROLE {role} CREATEROLE NOCREATEDB", None),
        ("GRANT pg_monitor TO {role}", None),
    ],
)
def test_what_migrations_make_of_roles_ends_with_the_run(
    given: Server, tmp_path: Path, script: str, setting: str | None
) -> None:
    """A server that somebody gave has the roles that it had, with their attributes and settings."""
    with (
        role(given, "CREATEDB") as seen,
        psycopg.connect(given.conninfo, autocommit=True) as connection,
    ):
        name = str(conninfo_to_dict(seen.conninfo)["user"])
        for who in (name, "ALL"):
            connection.execute(f"ALTER ROLE {who} SET search_path = public, pg_temp".encode())
        before = roles.facts(connection)
        (tmp_path / "1.sql").write_text(script.format("search_path", role=name))
        with opened(given) as run:
            run.template(tmp_path)
            meanwhile = roles.facts(connection)
        after = roles.facts(connection)
        connection.execute("ALTER ROLE ALL RESET ALL")

    assert before != meanwhile
    assert before == after
    if setting is not None:
        assert "public, pg_temp" == after["setting", setting.format(role=name)][0]
