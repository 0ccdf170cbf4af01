"""``python -m conformance migrate``: what is pending, what is recorded, what is refused."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from conformance.commands import command_parser, main
from conformance.engine.deployment import history
from conformance.engine.deployment.migrations import Migration, MigrationError
from tests.support.granting import have_role
from tests.support.migrating import TABLES, Outcome, Project

MIGRATIONS = Path(__file__).parents[3] / "migrations"


def test_pending_files_run_in_order(project: Project) -> None:
    """Each file that has no record is run, said and recorded, in the order of the names."""
    project.write(b="ALTER TABLE a ADD b int")

    assert Outcome(0, "applied a.sql\napplied b.sql\n") == project.migrate()
    assert ["a", "schema_migrations"] == project.query(TABLES)
    assert ["a.sql", "b.sql"] == project.query("SELECT name FROM schema_migrations ORDER BY name")
    assert [hashlib.sha256(b"CREATE TABLE a ()").hexdigest()] == project.query(
        "SELECT sha256 FROM schema_migrations WHERE name = 'a.sql' AND applied_at <= now()"
    )


def test_the_second_run_does_nothing(project: Project) -> None:
    """Where all is recorded nothing is run; a file that is added is run alone."""
    project.migrate()
    again = project.migrate()
    project.write(b="CREATE TABLE b ()")
    added = project.migrate()

    assert Outcome(0, "nothing to do: every file is applied\n") == again
    assert Outcome(0, "applied b.sql\n") == added


def test_the_url_may_be_given(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """An address on the command line goes before the one in the environment."""
    monkeypatch.setenv("DATABASE_URL", "host=/nowhere")

    assert Outcome(0, "applied a.sql\n") == project.migrate(project.url)


def test_the_folder_may_be_given(project: Project) -> None:
    """Migrations are read from the folder that is named."""
    other = project.folder.parent / "other"
    other.mkdir()
    (other / "z.sql").write_text("CREATE TABLE z ()")

    assert Outcome(0, "applied z.sql\n") == project.migrate("--migrations", str(other))
    assert ["schema_migrations", "z"] == project.query(TABLES)


@pytest.mark.parametrize("command", ["gate", "audit", "migrate", "status"])
def test_the_folder_is_the_one_of_the_environment(
    command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The variable that names the schema to the suite names it to these; an option goes first."""
    monkeypatch.setenv("CONFORMANCE_MIGRATIONS", "db/schema")
    parser = command_parser()

    assert Path("db/schema") == parser.parse_args([command]).migrations
    assert Path("x") == parser.parse_args([command, "--migrations", "x"]).migrations


def edit(project: Project) -> None:
    """Change a file that was applied."""
    project.write(a="CREATE TABLE a (b int)")


def remove(project: Project) -> None:
    """Take a file away that was applied."""
    (project.folder / "a.sql").rename(project.folder / "c.sql")


def squeeze_in(project: Project) -> None:
    """Add a file before one that was applied."""
    project.write(_a="CREATE TABLE b ()")


@pytest.mark.parametrize(
    ("change", "fault", "remedy"),
    [
        (
            edit,
            "migrations/a.sql: was edited after it had been applied",
            "restore it, and write the change as a new file",
        ),
        (remove, "a.sql: was applied, but is missing here", "bring the file back"),
        (
            squeeze_in,
            "migrations/_a.sql: is new, but sorts before a.sql, which was applied",
            "give it a name that sorts after",
        ),
    ],
)
def test_history_cannot_change(
    project: Project, change: Callable[[Project], None], fault: str, remedy: str
) -> None:
    """A file that was edited, lost or squeezed in is an error before anything is run."""
    project.migrate()
    project.write(z="CREATE TABLE z ()")
    change(project)

    assert Outcome(1, err=f"migrate: {fault}: {remedy}\n") == project.migrate()
    assert ["a", "schema_migrations"] == project.query(TABLES)


def test_every_fault_of_the_history_is_told() -> None:
    """Faults of several files are one message."""
    files = [Migration(Path(name), name, "", "new") for name in ("a", "b", "d")]

    with pytest.raises(MigrationError) as caught:
        history.pending(files, {"b": "old", "c": "new"})

    assert ["c: was", "a: is ", "b: was"] == [line[:6] for line in str(caught.value).split("\n")]


def test_a_file_that_fails_is_rolled_back_as_a_whole(project: Project) -> None:
    """A file that fails leaves neither a table nor a record; the one before it stays."""
    project.write(b="CREATE TABLE b ();\nCREATE TABLE a ()", c="CREATE TABLE c ()")

    assert (
        Outcome(
            1,
            "applied a.sql\n",
            'migrate: migrations/b.sql:2: relation "a" already exists (42P07)\n'
            "    CREATE TABLE a ()\n"
            "b.sql was rolled back as a whole\n",
        )
        == project.migrate()
    )
    assert ["a", "schema_migrations"] == project.query(TABLES)
    assert ["a.sql"] == project.query("SELECT name FROM schema_migrations")


def test_a_lost_connection_is_no_promise(project: Project) -> None:
    """Where the connection is lost nothing is claimed, and the next run goes by the records."""
    project.write(b="SELECT pg_terminate_backend(pg_backend_pid())")

    lost = project.migrate()
    project.write(b="CREATE TABLE b ()")

    assert (
        Outcome(
            1,
            "applied a.sql\n",
            "migrate: migrations/b.sql:1: terminating connection due to administrator command "
            "(57P01)\n"
            "    SELECT pg_terminate_backend(pg_backend_pid())\n"
            "b.sql may have been rolled back: the next run will tell\n",
        )
        == lost
    )
    assert Outcome(0, "applied b.sql\n") == project.migrate()


def test_a_file_that_was_mended_is_run(project: Project) -> None:
    """A file that failed has no record, so it may be edited and run again."""
    project.write(b="SELECT 1/0")
    project.migrate()
    project.write(b="CREATE TABLE b ()")

    assert Outcome(0, "applied b.sql\n") == project.migrate()


@pytest.mark.parametrize("word", ["BEGIN", "Start", "COMMIT", "rollback", "END", "PREPARE"])
def test_a_file_with_its_own_transaction_is_refused(project: Project, word: str) -> None:
    """A file that would end the transaction is an error before anything is run."""
    project.write(b=f"CREATE TABLE b ();\n{word} TRANSACTION;\nCREATE TABLE c ()")

    assert (
        Outcome(
            1,
            err=f"migrate: migrations/b.sql:2: {word} is not possible in a migration: "
            "each file runs in one transaction, with its record\n",
        )
        == project.migrate()
    )
    assert [] == project.query(TABLES)


def test_words_of_transactions_are_allowed_in_bodies(project: Project) -> None:
    """BEGIN and END of a function's body are no transaction."""
    project.write(b="DO $$\nBEGIN\nEND\n$$;\n-- COMMIT\nCREATE TABLE begin_ ();")

    assert Outcome(0, "applied a.sql\napplied b.sql\n") == project.migrate()


def test_what_needs_to_be_outside_a_transaction_is_told(project: Project) -> None:
    """CREATE INDEX CONCURRENTLY is refused with what to do instead."""
    project.write(a="CREATE TABLE a (b int);\nCREATE INDEX CONCURRENTLY ON a (b)")

    assert (
        Outcome(
            1,
            "",
            "migrate: migrations/a.sql:2: CREATE INDEX CONCURRENTLY cannot run inside a "
            "transaction block (25001)\n"
            "    CREATE INDEX CONCURRENTLY ON a (b)\n"
            "    hint: each file runs in one transaction, where this statement is not possible: "
            "give it a file of its own with the line `-- outside a transaction`, or rewrite it "
            "(CREATE INDEX without CONCURRENTLY)\n"
            "a.sql was rolled back as a whole\n",
        )
        == project.migrate()
    )


def test_the_project_installs_without_a_superuser(project: Project) -> None:
    """A role that may only create in the database installs the project's own schema."""
    have_role(project.url)
    with psycopg.connect(project.url, autocommit=True) as conn:
        conn.execute("GRANT CREATE ON SCHEMA public TO pg_monitor")
        (name,) = conn.execute("SELECT quote_ident(current_database())").fetchone() or ()
        conn.execute(f"GRANT CREATE ON DATABASE {name} TO pg_monitor")
    plain = make_conninfo(project.url, options="-c role=pg_monitor")
    names = sorted(path.name for path in MIGRATIONS.glob("*.sql"))

    outcome = project.migrate(plain, "--migrations", str(MIGRATIONS))

    assert Outcome(0, "".join(f"applied {name}\n" for name in names)) == outcome
    assert ["pg_monitor"] == project.query(
        "SELECT DISTINCT relowner::regrole::text FROM pg_class "
        "WHERE relnamespace = 'public'::regnamespace"
    )


def test_a_second_run_needs_no_right_to_create(project: Project) -> None:
    """Where there is nothing to do, reading the records is enough."""
    project.migrate()
    with psycopg.connect(project.url, autocommit=True) as conn:
        conn.execute("GRANT SELECT ON schema_migrations TO pg_monitor")
    plain = make_conninfo(project.url, options="-c role=pg_monitor")

    assert Outcome(0, "nothing to do: every file is applied\n") == project.migrate(plain)


def test_what_psql_has_run_can_be_recorded(project: Project) -> None:
    """A schema that was made by hand gets its record, without a file being run again."""
    project.write(a="CREATE TABLE users ()", b="CREATE TABLE b ()")
    with psycopg.connect(project.url) as conn:
        conn.execute("CREATE TABLE users ()")
        conn.execute("CREATE TABLE b ()")

    assert Outcome(
        0, "recorded a.sql, and did not run it\nrecorded b.sql, and did not run it\n"
    ) == project.migrate("--record")
    assert ["b", "schema_migrations", "users"] == project.query(TABLES)
    assert Outcome(0, "nothing to do: every file is applied\n") == project.migrate()


def test_what_has_a_record_or_no_schema_is_not_recorded(project: Project) -> None:
    """Where files were not run, or are recorded, a new record would be a lie."""
    absent = "migrate: there is no table public.users, so the files were not run there: "
    there = "migrate: the database has a record already, the last of it a.sql: "
    remedy = "run migrate without --record\n"

    assert Outcome(1, err=f"{absent}{remedy}") == project.migrate("--record")
    assert [] == project.query(TABLES)
    project.migrate()
    project.write(b="CREATE TABLE b ()")
    assert Outcome(1, err=f"{there}{remedy}") == project.migrate("--record")
    assert ["a.sql"] == project.query("SELECT name FROM schema_migrations")


def test_who_may_not_record_is_told(project: Project) -> None:
    """A role that may not create the table of records changes nothing, and is told why."""
    project.write(a="CREATE TABLE users ()")
    with psycopg.connect(project.url, autocommit=True) as conn:
        conn.execute("CREATE TABLE users ()")
    plain = make_conninfo(project.url, options="-c role=pg_monitor")

    assert Outcome(
        1, err="migrate: nothing was recorded: permission denied for schema public\n"
    ) == project.migrate(plain, "--record")


def test_records_of_another_program_are_left_alone(project: Project) -> None:
    """A table of the same name that is not ours is an error, not a place to write to."""
    with psycopg.connect(project.url) as conn:
        conn.execute("CREATE TABLE schema_migrations (version bigint)")

    assert (
        Outcome(
            1,
            err="migrate: the database's table public.schema_migrations belongs to another "
            "program: name another schema for the record with --record-schema\n",
        )
        == project.migrate()
    )


@pytest.mark.parametrize("timeout", ["0", "-1", "nan", "1e9", "5s"])
def test_a_lock_timeout_is_a_number_of_seconds(
    capsys: pytest.CaptureFixture[str], timeout: str
) -> None:
    """A time that PostgreSQL could not wait is a wrong call."""
    with pytest.raises(SystemExit) as exited:
        main(["migrate", "--lock-timeout", timeout])

    assert 2 == exited.value.code
    assert f"{timeout!r} is not a number of seconds above 0\n" in capsys.readouterr().err
