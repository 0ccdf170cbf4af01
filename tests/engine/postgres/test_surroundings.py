"""Settings of the user's shell, role and server reach no session of a run."""

import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from conformance.engine.postgres import Request, provision
from conformance.engine.postgres.scratch import PREFIX
from conformance.engine.postgres.server import examine
from conformance.engine.postgres.surroundings import PINNED, withdrawn
from conformance.framecast.application import APPLICATION
from tests.support.starting import run as run_one

ROOT: Final = Path(__file__).parents[3]
# What a shell may have set for another database.
SHELL: Final = {
    "PGCLIENTENCODING": "SQL_ASCII",
    "PGOPTIONS": "-c search_path=nowhere -c datestyle=German -c default_transaction_read_only=on",
    "PGTZ": "Asia/Kathmandu",
    "PGDATESTYLE": "German",
    "PGSERVICE": "nowhere",
    "PGTARGETSESSIONATTRS": "standby",
    "PGDATABASE": "nowhere",
    "PGAPPNAME": "elsewhere",
}
ASCII: Final = (
    "CREATE DATABASE ascii ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0",
    "UPDATE pg_database SET encoding = 0 WHERE datname = 'template0'",
    "CREATE ROLE tester LOGIN CREATEDB CREATEROLE",
    "ALTER ROLE tester SET timezone = 'Asia/Kathmandu'",
    "ALTER ROLE tester SET datestyle = 'German'",
    "ALTER ROLE tester SET search_path = nowhere",
)
ONE: Final = ("conformance/test_rules.py", "-k", "inv_u5__insert", "-n", "0")
run = partial(run_one, ONE)


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Start a server in SQL_ASCII, with a role that has settings of its own."""
    with provision(Request()) as server:
        with psycopg.connect(server.conninfo, autocommit=True) as connection:
            for statement in ASCII:
                connection.execute(statement)
        yield make_conninfo(server.conninfo, dbname="ascii", user="tester")


def left(address: str) -> list[Any]:
    """Return the databases and roles of runs that have ended."""
    with psycopg.connect(address) as connection:
        return connection.execute(
            "SELECT datname FROM pg_database WHERE starts_with(datname, %s)"
            " UNION ALL SELECT rolname FROM pg_roles WHERE rolname = %s",
            [PREFIX, APPLICATION],
        ).fetchall()


def bare(address: str) -> str:
    """Return an address that leaves everything open but where the server is."""
    parts = psycopg.conninfo.conninfo_to_dict(address)
    return make_conninfo(
        "", **{name: str(parts[name]) for name in ("host", "port", "user", "dbname")}
    )


def test_a_server_and_a_shell_in_ascii(address: str) -> None:
    """A run on a server in SQL_ASCII, from a shell for another one, is green and leaves nothing."""
    for _ in range(2):
        done = run(f"--database-url={bare(address)}", **SHELL)

        assert 0 == done.returncode, done.stdout + done.stderr
        assert " passed" in done.stdout
        assert [] == left(address)


def test_a_shell_for_another_server() -> None:
    """A run on a server of its own is not led astray by a shell for another one."""
    done = run(**SHELL)

    assert 0 == done.returncode, done.stdout + done.stderr


def test_a_run_that_does_not_begin_leaves_nothing(address: str, tmp_path: Path) -> None:
    """Where the migrations fail, databases and the role that they made are gone again."""
    for file in (ROOT / "migrations").glob("*.sql"):
        (tmp_path / file.name).write_text(file.read_text())
    (tmp_path / "999_wrong.sql").write_text("SELECT nonsense;\n")

    done = run(f"--database-url={bare(address)}", f"--migrations={tmp_path}", **SHELL)

    assert pytest.ExitCode.USAGE_ERROR == done.returncode, done.stdout + done.stderr
    assert "999_wrong.sql" in done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert [] == left(address)


def test_a_session_begins_with_what_is_stated(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the shell nor the role's own settings decide what a session begins with."""
    for name, value in SHELL.items():
        monkeypatch.setenv(name, value)
    with withdrawn(Request(database_url=bare(address))) as request:
        server = examine(str(request.database_url), "here", place="here", owned=False)
        with psycopg.connect(server.conninfo) as connection:
            for name, value in PINNED.items():
                shown = connection.execute(f"SHOW {name}").fetchone()
                assert (value.replace("\\", ""),) == tuple(
                    each.replace(", ", ",") for each in shown or ()
                )
            assert "utf-8" == connection.info.encoding


def test_the_shell_may_name_the_server(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The shell's variables say where and as whom, as far as an address leaves that open."""
    parts = psycopg.conninfo.conninfo_to_dict(address)
    monkeypatch.setenv("PGHOST", str(parts["host"]))
    monkeypatch.setenv("PGUSER", "tester")
    monkeypatch.setenv("PGTZ", "Asia/Kathmandu")
    with withdrawn(Request(database_url="dbname=ascii")) as request:
        server = examine(str(request.database_url), "here", place="here", owned=False)

    assert not server.superuser


def test_the_shell_has_its_variables_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Withdrawn variables are there again afterwards, and not before."""
    monkeypatch.setenv("PGTZ", "Asia/Kathmandu")
    with withdrawn(Request()):
        assert "PGTZ" not in os.environ
    assert "Asia/Kathmandu" == os.environ["PGTZ"]


def test_a_read_only_server_is_refused_at_once(address: str) -> None:
    """A server that takes no writes is one line, with the code of misuse, before any test."""
    with psycopg.connect(make_conninfo(address, user="postgres"), autocommit=True) as connection:
        connection.execute("ALTER ROLE tester SET default_transaction_read_only = on")
        try:
            done = run(f"--database-url={bare(address)}")
        finally:
            connection.execute("ALTER ROLE tester RESET default_transaction_read_only")

    assert pytest.ExitCode.USAGE_ERROR == done.returncode, done.stdout + done.stderr
    assert 1 == (done.stdout + done.stderr).count("ERROR: ")
    assert "the server is read-only" in done.stderr
    assert "Traceback" not in done.stdout + done.stderr
