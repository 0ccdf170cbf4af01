"""Contents of migration files, and the files of a folder that are migrations."""

import hashlib
from pathlib import Path

import pytest

from conformance.engine.deployment import dialect, history, migrations, reach
from conformance.engine.deployment.migrations import Migration, MigrationError
from conformance.engine.postgres.scratch import Scratch
from tests.support.migrating import TABLES, Outcome, Project

INNER = "EXECUTE 'COPY t FROM PROGRAM ''id''';"


def file(sql: str) -> Migration:
    """Make a migration that lies nowhere."""
    return Migration(Path("migrations/a.sql"), "a.sql", sql, "")


@pytest.mark.parametrize(
    ("sql", "what"),
    [
        ("SELECT 1;\nCOPY t FROM PROGRAM 'env'", "2: COPY FROM PROGRAM"),
        ("COPY (SELECT ')' FROM t) TO '/tmp/x'", "1: COPY TO a file"),
        ("DO $$ BEGIN\n COPY t FROM PROGRAM 'id'; END $$", "2: COPY FROM PROGRAM"),
        (f"DO $a$ BEGIN\n\n{INNER} END $a$", "3: COPY FROM PROGRAM"),
        ("DO 'BEGIN EXECUTE format(''COPY %I FROM %L'', 1, 2); END'", "1: COPY FROM a file"),
        ("SELECT pg_catalog.PG_READ_FILE('a')", "1: pg_read_file()"),
        ("SELECT lo_import('/etc/passwd')", "1: lo_import()"),
        (
            "SELECT pg_create_physical_replication_slot('kept', true)",
            "1: pg_create_physical_replication_slot()",
        ),
        ("SELECT pg_terminate_backend(7)", "1: pg_terminate_backend()"),
        (r"DO $$ BEGIN EXECUTE E'COPY t TO PROG\x52AM ''cat'''; END $$", "1: COPY TO PROGRAM"),
        (r"DO $$ BEGIN EXECUTE U&'COPY t TO \0050ROGRAM ''cat'''; END $$", "1: COPY TO PROGRAM"),
        ("DO $$ BEGIN EXECUTE 'COPY t TO PROG'\n'RAM ''cat'''; END $$", "1: COPY TO PROGRAM"),
        ("DO $$ BEGIN EXECUTE 'SELECT pg_re'\n'ad_file(''x'')'; END $$", "1: pg_read_file()"),
        (
            "DO $$ BEGIN EXECUTE U&'COPY t TO PROG!0052AM ''cat''' UESCAPE '!'; END $$",
            "1: COPY TO PROGRAM",
        ),
        ("SELECT U&\"pg!005fread_file\" UESCAPE '!' (7)", "1: pg_read_file()"),
        ('SELECT U&"pg\\005fread_file"(7)', "1: pg_read_file()"),
        ("SELECT * FROM dblink('host=x', 'SELECT 1') AS t (a int)", "1: dblink()"),
        ("CREATE EXTENSION IF NOT EXISTS file_fdw", "1: the extension file_fdw"),
        ('CREATE EXTENSION "plpython3u"', "1: the extension plpython3u"),
        ("CREATE FUNCTION f() RETURNS int LANGUAGE plperlu AS '1'", "1: the language plperlu"),
        ("CREATE FUNCTION f() RETURNS int AS 'libc', 'system' LANGUAGE C", "1: the language c"),
        ("CREATE SERVER s FOREIGN DATA WRAPPER w", "1: CREATE SERVER"),
        ("ALTER SYSTEM SET archive_command = 'id'", "1: ALTER SYSTEM"),
        ("LOAD 'x'", "1: LOAD"),
        ("GRANT pg_read_server_files TO a", "1: the role pg_read_server_files"),
    ],
)
def test_what_reaches_the_machine_is_refused(sql: str, what: str) -> None:
    """A statement that reads files, runs programs or asks other servers is named with its line."""
    error = reach.refusal(file(sql))

    assert error is not None
    assert str(error).startswith(f"migrations/a.sql:{what} would reach the server's machine: ")
    assert "\n" not in str(error)
    assert what.startswith(f"{error.line}: ")


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT copy FROM t WHERE load > 1",
        "CREATE EXTENSION citext",
        "COMMENT ON TABLE t IS 'COPY from the program, load or http'",
        "REVOKE pg_execute_server_program FROM a",
        "-- COPY t FROM PROGRAM 'id'\nSELECT 1",
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "COPY t FROM STDIN",
    ],
)
def test_what_stays_in_the_database_is_no_matter(sql: str) -> None:
    """Words that only look alike are not refused."""
    assert reach.refusal(file(sql)) is None


def test_what_reaches_the_machine_is_not_run_on_a_scratch_server(
    scratch: Scratch, folder: Path
) -> None:
    """A scratch server, whose role is a superuser, does not see such a file."""
    (folder / "a.sql").write_text("CREATE TABLE t (a text);\nCOPY t FROM PROGRAM 'env';")
    with pytest.raises(MigrationError, match=r"a[.]sql:2: COPY FROM PROGRAM would reach"):
        scratch.template(folder)


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("\\restrict abc\nSELECT 1", "1: \\restrict is a command of psql, and no SQL: take that"),
        ("SELECT 1;\n\\i x.sql", "2: \\i is a command of psql, and no SQL: put the other file's"),
        ("SELECT 1 \\gset", "1: \\gset is a command of psql, and no SQL: write it in SQL"),
        (
            "-- x\nCOPY t FROM stdin;\nit's\t$$\n\\.\n",
            "2: COPY FROM STDIN takes its rows from",
        ),
        (
            "-- migrate:up\nCREATE TABLE a ();\n-- migrate:down\nDROP TABLE a",
            "3: what follows -- migrate:down undoes the file",
        ),
        ("-- +goose Down\nDROP TABLE a", "1: what follows -- +goose Down undoes the file"),
    ],
)
def test_parts_for_other_programs_are_refused(project: Project, sql: str, said: str) -> None:
    """Parts for psql or another runner are named with their line, before anything is run."""
    project.write(b=sql)
    ended = project.migrate()

    assert (1, "") == (ended.code, ended.out)
    assert ended.err.startswith(f"migrate: migrations/b.sql:{said}"), ended.err
    assert [] == project.query(TABLES)


@pytest.mark.parametrize(
    "sql", [r"SELECT E'\a', '\i'", "SELECT '\n-- migrate:down\n'; SELECT 1", "-- +goose Down\n"]
)
def test_words_of_other_programs_in_strings_are_no_matter(sql: str) -> None:
    """A string may hold anything, and half a file with no statement undoes nothing."""
    assert dialect.refusal(file(sql)) is None


@pytest.mark.parametrize(
    "name", ["b.down.sql", "b.DOWN.SQL", "down.sql", "U2__b.sql", "b.undo.sql"]
)
def test_a_file_that_undoes_another_is_not_run(project: Project, name: str) -> None:
    """A file that undoes another, as other runners keep it, is no migration."""
    (project.folder / name).write_text("DROP TABLE a")
    project.write(shutdown="CREATE TABLE s ()", U_users="CREATE TABLE u ()")

    assert (
        Outcome(0, "applied U_users.sql\napplied a.sql\napplied shutdown.sql\n")
        == project.migrate()
    )
    assert ["a", "s", "schema_migrations", "u"] == project.query(TABLES)


def test_files_in_folders_below_are_named(project: Project) -> None:
    """They may undo others, or be meant to run: each is named, and none is run."""
    for name in ("down/1.sql", "sub/x.SQL", *(f"sub/deep/{number}.sql" for number in range(4))):
        (project.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (project.folder / name).write_text("CREATE TABLE below ()")

    named = "down/1.sql, sub/deep/0.sql, sub/deep/1.sql, sub/deep/2.sql, sub/deep/3.sql and 1 more"
    assert Outcome(0, f"not read, in folders below: {named}\napplied a.sql\n") == project.migrate()
    assert ["a", "schema_migrations"] == project.query(TABLES)


def test_a_file_that_has_undone_another_is_told(project: Project) -> None:
    """Where an earlier version has run such a file, it is not asked for as if it were missing."""
    project.migrate()
    (project.folder / "a.down.sql").write_text("DROP TABLE a")
    with pytest.raises(MigrationError, match="its name says that it undoes another"):
        history.pending(migrations.load(project.folder), {"a.down.sql": "x"})


@pytest.mark.parametrize("content", ["SELECT 1;\n\nSELECT 2;\n", "SELECT 1;\r\n\r\nSELECT 2;\r\n"])
@pytest.mark.parametrize("recorded", ["SELECT 1;\n\nSELECT 2;\n", "SELECT 1;\r\n\r\nSELECT 2;\r\n"])
def test_line_endings_are_no_edit(folder: Path, content: str, recorded: str) -> None:
    """A checkout with other line endings holds the same files, whoever has recorded them."""
    (folder / "a.sql").write_bytes(content.encode())
    [read] = migrations.load(folder)
    digest = hashlib.sha256(recorded.encode()).hexdigest()

    assert () == history.pending([read], {"a.sql": digest})
    assert "SELECT 1;\n\nSELECT 2;\n" == read.sql
    assert hashlib.sha256(b"SELECT 1;\n\nSELECT 2;\n").hexdigest() == read.sha256
    with pytest.raises(MigrationError, match="was edited"):
        history.pending([read], {"a.sql": hashlib.sha256(b"SELECT 1;\nSELECT 2;\n").hexdigest()})
