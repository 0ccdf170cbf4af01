"""The pytest plugin: what a run shows, what its tests get, and how it ends when it cannot run."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from conformance.engine.postgres import Server, provision
from conformance.engine.postgres.scratch import PREFIX
from conformance.engine.pytest_plugin.keys import ENVIRONMENT
from tests.support.waiting import until

ROOT = Path(__file__).parents[3]
USAGE_ERROR = 4

TESTS = {
    "needs": """
        def test_database(database, template, server, scratch):
            with database.connect() as connection:
                connection.execute("INSERT INTO items VALUES (1)")
            with scratch.cloned(template) as clone, clone.connect() as connection:
                assert connection.execute("SELECT FROM items").rowcount == 0
            print("database", database.name, server.version)
    """,
    "other": """
        def test_other(database):
            print("database", database.name)
    """,
    "pure": """
        def test_pure():
            pass
    """,
    "waits": """
        import sys

        def test_waits(database):
            print("database", database.name, flush=True)
            with database.connect() as connection:
                connection.execute("SELECT pg_sleep(60)")
    """,
}


@pytest.fixture(scope="module")
def given(pytestconfig: pytest.Config) -> Iterator[Server]:
    """Start a server that no other test sweeps."""
    with provision(pytestconfig.stash[ENVIRONMENT].request) as server:
        yield server


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    """Make a folder with migrations and no tests."""
    (tmp_path / "migrations").mkdir()
    (tmp_path / "migrations" / "001.sql").write_text("CREATE TABLE items (item_id int);\n")
    (tmp_path / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n")
    return tmp_path


def write(suite: Path, *names: str) -> None:
    """Write test files."""
    for name in names:
        lines = TESTS[name].splitlines()
        text = "\n".join(line.removeprefix(" " * 8) for line in lines)
        (suite / f"test_{name}.py").write_text(text)


def command(*options: str) -> list[str]:
    """Return the command that runs pytest with the plugin."""
    return [sys.executable, "-m", "pytest", "-rP", "-p", "conformance.plugin", *options]


def run(
    suite: Path, *options: str, environ: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the tests of a folder."""
    return subprocess.run(
        command(*options),
        capture_output=True,
        text=True,
        check=False,
        cwd=suite,
        env={**os.environ, **(environ or {})},
    )


def databases(output: str) -> list[str]:
    """Return the names of the databases that tests have printed."""
    return [line.split()[1] for line in output.splitlines() if line.startswith("database ")]


def scratch_databases(server: Server, prefix: str = PREFIX) -> list[str]:
    """List the scratch databases on a server."""
    query = "SELECT datname FROM pg_database WHERE starts_with(datname, %s)"
    with psycopg.connect(server.conninfo) as connection:
        return [name for (name,) in connection.execute(query, [prefix])]


def test_a_run_has_a_header_and_a_database(suite: Path) -> None:
    """A run shows what it stands on, and its tests get a database with the migrations."""
    write(suite, "needs", "pure")
    (suite / "migrations" / "down").mkdir()
    (suite / "migrations" / "down" / "001.sql").write_text("DROP TABLE a;\n")

    done = run(suite)

    assert 0 == done.returncode, done.stdout + done.stderr
    assert "2 passed" in done.stdout
    lines = done.stdout.splitlines()
    assert "not read, in folders below: down/001.sql" in lines
    assert f"migrations: {suite}/migrations" in lines
    assert [True, True, True] == [
        any(line.startswith(start) for line in lines)
        for start in ("server: PostgreSQL 1", "psycopg 3.", "profile default, 10 examples, ")
    ]


def test_each_worker_has_its_own_database(suite: Path) -> None:
    """Under pytest-xdist the workers share a server, and nothing else."""
    write(suite, "needs", "other")

    done = run(suite, "-n2", "--dist=each")

    assert 0 == done.returncode, done.stdout + done.stderr
    assert "4 passed" in done.stdout
    assert "server: PostgreSQL " in done.stdout
    used = databases(done.stdout)
    assert (4, 2) == (len(used), len(set(used)))


def test_workers_bring_nothing_of_their_own(given: Server, tmp_path: Path) -> None:
    """Of a run of the suite the first process makes the template, and each worker copies it."""
    before, seen = set(scratch_databases(given)), set()
    output = tmp_path / "output"
    with (
        output.open("w") as said,
        subprocess.Popen(
            command("-n2", f"--database-url={given.conninfo}", "conformance/test_corpus.py"),
            stdout=said,
            stderr=subprocess.STDOUT,
            cwd=ROOT,
        ) as process,
    ):
        while process.poll() is None:
            seen.update(scratch_databases(given))

    ended = output.read_text()
    assert re.search(r"\d+ passed in ", ended), ended
    assert not re.search(r"\d+ (failed|error)", ended), ended
    made = [name.removeprefix(PREFIX).split("_", 2) for name in seen - before]
    assert 1 == len({run for run, _, _ in made}), made
    assert {"main", "gw0", "gw1"} == {process for _, process, _ in made}
    assert {"1_template"} == {which for _, process, which in made if process == "main"}


def test_a_run_without_workers_needs_no_xdist(suite: Path) -> None:
    """The plugin works where pytest-xdist does not."""
    write(suite, "needs")

    done = run(suite, "-p", "no:xdist")

    assert 0 == done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("option", ["--help", "--collect-only", "--setup-plan"])
def test_looking_starts_no_server(option: str, suite: Path) -> None:
    """Options that only look start no server, and show no error of one."""
    write(suite, "needs")

    done = run(suite, option, f"--postgres-bin={suite}")

    assert 0 == done.returncode, done.stdout + done.stderr
    if option == "--help":
        options = ("--database-url", "--postgres-image", "--postgres-bin", "--postgres=N")
        assert [] == [name for name in options if name not in done.stdout]
        assert "CONFORMANCE_MIGRATIONS" in done.stdout


def test_a_pure_test_starts_no_server(suite: Path) -> None:
    """A run of which no test asks for the server has none; deselected tests do not count."""
    write(suite, "needs", "pure")

    done = run(suite, "-k", "pure", f"--postgres-bin={suite}")

    assert 0 == done.returncode, done.stdout + done.stderr
    assert "server: " not in done.stdout


def test_the_suite_itself_has_its_server_in_the_header() -> None:
    """For the suite the server is started before anything is collected, and shown first."""
    done = run(ROOT, "conformance", "-k", "nothing_has_this_name", "-p", "no:cacheprovider")

    before_collection, _, _ = done.stdout.partition("collected ")
    assert "server: PostgreSQL " in before_collection


def test_variables_are_as_good_as_options(suite: Path, given: Server) -> None:
    """A run can be set up by environment variables alone."""
    write(suite, "other")
    (suite / "migrations").rename(suite / "elsewhere")

    environ = {
        "CONFORMANCE_DATABASE_URL": given.conninfo,
        "CONFORMANCE_MIGRATIONS": str(suite / "elsewhere"),
    }
    done = run(suite, environ=environ)

    assert 0 == done.returncode, done.stdout + done.stderr
    assert "given server" in done.stdout
    (used,) = databases(done.stdout)
    assert used not in scratch_databases(given)


WRONG: dict[str, tuple[tuple[str, ...], str]] = {
    "no address": (("--database-url=mysql://localhost/db",), "it begins with mysql:"),
    "unreachable": (("--database-url=host=/nowhere",), "cannot connect to the server"),
    "too old": (("--postgres=14",), "PostgreSQL 14 is too old: 15 or newer is needed"),
    "conflict": (("--postgres=16", "--postgres-image=postgres:16"), "exclude each other"),
    "no migrations": (("--migrations=.",), "holds no *.sql file"),
    "among workers": (("-n2", "--postgres-bin=/nowhere"), "no program postgres in /nowhere"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_run_ends_with_one_message(case: str, suite: Path) -> None:
    """Bad input ends the run with one message, no traceback, and the exit code of misuse."""
    options, expected = WRONG[case]
    write(suite, "needs", "other")

    done = run(suite, *options)

    output = done.stdout + done.stderr
    assert USAGE_ERROR == done.returncode, output
    assert expected in output
    assert (1, 0) == (output.count("ERROR: "), output.count("Traceback"))


def test_a_failed_migration_ends_with_one_message(suite: Path, given: Server) -> None:
    """A migration that fails is one message with file, line and statement, and leaves nothing."""
    write(suite, "needs")
    (suite / "migrations" / "002.sql").write_text("\nCREATE TABLE items ();\n")
    before = scratch_databases(given)

    done = run(suite, f"--database-url={given.conninfo}")

    output = done.stdout + done.stderr
    assert USAGE_ERROR == done.returncode, output
    assert '002.sql:2: relation "items" already exists (42P07)\n    CREATE TABLE items ()' in output
    assert (1, 0) == (output.count("ERROR: "), output.count("Traceback"))
    assert before == scratch_databases(given)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_run_leaves_nothing(
    number: signal.Signals, suite: Path, given: Server
) -> None:
    """After an interrupt the scratch databases are gone; after SIGKILL the next run drops them."""
    write(suite, "waits")
    url = f"--database-url={given.conninfo}"
    with subprocess.Popen(
        command("-s", url), stdout=subprocess.PIPE, cwd=suite, text=True
    ) as process:
        assert process.stdout is not None
        ours = next(
            filter(None, (re.search(PREFIX + "[0-9a-f]{12}", line) for line in process.stdout))
        )[0]
        process.send_signal(number)
        process.communicate()
    if number == signal.SIGKILL:
        assert [] != scratch_databases(given, ours)
        (suite / "test_waits.py").unlink()
        write(suite, "other")
        (suite / "migrations" / "002.sql").write_text("CREATE TABLE more ();\n")
        assert until(lambda: 0 == run(suite, url).returncode and not scratch_databases(given, ours))
    assert [] == scratch_databases(given, ours)


@pytest.mark.parametrize("workers", [(), ("-n1",)])
def test_a_run_that_sigterm_ends_leaves_nothing(
    workers: tuple[str, ...], suite: Path, given: Server
) -> None:
    """No database is left and no role, whether workers had them or not."""
    write(suite, "waits")
    (suite / "migrations" / "002.sql").write_text("CREATE ROLE framecast_app NOLOGIN;\n")
    test = suite / "test_waits.py"
    test.write_text(test.read_text().replace('print("', 'open("reached", "w").close(); print("'))
    roles = "SELECT rolname FROM pg_roles WHERE rolname LIKE 'framecast%' ORDER BY 1"
    with psycopg.connect(given.conninfo, autocommit=True) as connection:
        before = connection.execute(roles).fetchall()
        with subprocess.Popen(
            command(*workers, f"--database-url={given.conninfo}"),
            stdout=subprocess.DEVNULL,
            cwd=suite,
        ) as process:
            assert until((suite / "reached").exists)
            assert scratch_databases(given)
            process.terminate()
            assert pytest.ExitCode.INTERRUPTED == process.wait(30)
        assert before == connection.execute(roles).fetchall()
    assert [] == scratch_databases(given)


def test_a_role_without_rights_ends_with_one_message(suite: Path, given: Server) -> None:
    """A role that may not create databases is told how to be allowed."""
    write(suite, "needs")
    with psycopg.connect(given.conninfo, autocommit=True) as connection:
        connection.execute("CREATE ROLE framecast_guest LOGIN")
        try:
            url = make_conninfo(given.conninfo, user="framecast_guest")
            done = run(suite, f"--database-url={url}")
        finally:
            connection.execute("DROP ROLE framecast_guest")

    assert USAGE_ERROR == done.returncode
    assert 'ALTER ROLE "framecast_guest" CREATEDB' in done.stderr
