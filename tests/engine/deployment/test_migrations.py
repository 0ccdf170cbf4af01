"""Reading and running migration files: order, transactions, and messages that find the mistake."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import errors

from conformance.engine.deployment import dialect, migrations
from conformance.engine.deployment.migrations import MigrationError
from conformance.engine.deployment.statements import statements
from conformance.engine.postgres.scratch import Database

TABLES = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY 1"


@pytest.fixture
def conn(empty: Database) -> Iterator[psycopg.Connection[Any]]:
    """Connect to a database with nothing in it."""
    with empty.connect() as connection:
        yield connection


def write(folder: Path, **files: str) -> None:
    """Write files of SQL by their names, such as ``a`` for ``a.sql``."""
    for name, sql in files.items():
        (folder / f"{name}.sql").write_bytes(sql.encode())


def tables(conn: psycopg.Connection[Any]) -> list[str]:
    """List the tables of schema public."""
    return [name for (name,) in conn.execute(TABLES)]


def failure(conn: psycopg.Connection[Any], folder: Path) -> str:
    """Install a folder, and return the message of its error, with paths below the folder."""
    with pytest.raises(MigrationError) as caught:
        migrations.install(conn, migrations.load(folder))
    error = caught.value
    message = str(error).replace(f"{folder}/", "")
    assert error.path is not None
    name = error.path.name
    assert message.startswith((f"{name}:{error.line}: ", f"{name}: "))
    return message


def test_files_are_read_in_the_order_of_their_names(folder: Path) -> None:
    """All *.sql files of a folder are read, by name, and nothing else is."""
    write(folder, **{"010_b": "B", "002_c": "C", "1_a": "A"})
    (folder / "README.md").write_text("no SQL")

    read = migrations.load(folder)

    assert ["002_c.sql", "010_b.sql", "1_a.sql"] == [file.name for file in read]
    assert ["C", "B", "A"] == [file.sql for file in read]
    assert [folder / file.name for file in read] == [file.path for file in read]


def test_a_file_is_known_by_its_bytes(folder: Path) -> None:
    """The hash is that of the file as it lies on disk, of which a byte order mark is no SQL."""
    content = "\ufeffSELECT 'é';\n".encode()
    (folder / "a.sql").write_bytes(content)

    (read,) = migrations.load(folder)

    assert hashlib.sha256(content).hexdigest() == read.sha256
    assert "SELECT 'é';\n" == read.sql


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"SELECT 1;\nSELECT '\xe9';", "{}/a.sql:2: is not UTF-8 (byte 0xe9): save it as UTF-8"),
        (b"SELECT 1;\n\n\0", "{}/a.sql:3: holds a NUL byte: it is not plain SQL"),
        (None, "{}/a.sql: cannot be read: Is a directory"),
    ],
)
def test_a_file_that_is_no_text_is_named(folder: Path, content: bytes | None, message: str) -> None:
    """A file that cannot be read as text is an error that says which, where and why."""
    if content is None:
        (folder / "a.sql").mkdir()
    else:
        (folder / "a.sql").write_bytes(content)

    with pytest.raises(MigrationError) as caught:
        migrations.load(folder)

    assert message.format(folder) == str(caught.value)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("migrations", "holds no *.sql file: nothing to install"),
        ("other", "does not exist: name one that holds *.sql files, by --migrations DIR"),
        ("file", "is not a folder: name one that holds *.sql files, by --migrations DIR"),
    ],
)
def test_a_folder_without_migrations_is_an_error(folder: Path, name: str, reason: str) -> None:
    """A folder that is empty, missing or no folder is an error that says so."""
    (folder.parent / "file").write_text("")
    named = folder.parent / name

    with pytest.raises(MigrationError) as caught:
        migrations.load(named)

    assert f"migrations folder {named} {reason}" == str(caught.value)
    near = folder.parent / "db" / "migrations"
    near.mkdir(parents=True)
    (near / "001.sql").write_text("SELECT 1")
    if "DIR" in reason:
        with pytest.raises(MigrationError, match=f"did you mean {near}"):
            migrations.load(named)


BODY = "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE 1 WHEN 1 THEN 2 END; SELECT 3; END"


@pytest.mark.parametrize(
    "wanted",
    [
        ["SELECT 1", "SELECT ';'", "SELECT $$;$$"],
        [BODY, "SELECT 1"],
        ["CREATE RULE r AS ON DELETE TO a DO (SELECT 1; SELECT 2)", "SELECT ')'"],
        ["SELECT 1 -- one; two\n + 1", "SELECT /* ; */ 2"],
    ],
)
def test_a_wrong_script_is_split_like_a_right_one(wanted: list[str]) -> None:
    """Statements are found with the parser, and also where another one is beyond it."""
    script = "-- héad;\n;\n" + ";\n/* next */ ".join(wanted) + ";\n"

    split = statements(script)

    assert wanted == [statement.text for statement in split]
    assert wanted == [script[s.start : s.start + len(s.text)] for s in split]
    assert [script[: s.start].count("\n") + 1 for s in split] == [s.line for s in split]
    assert split == statements(f"{script}SELEC 2")[:-1]
    assert "SELEC 2" == statements(f"{script}SELEC 2")[-1].text


def test_a_script_that_cannot_be_scanned_gives_no_statements() -> None:
    """Where even a quote is open, nothing is guessed."""
    assert () == statements("SELECT 1; SELECT 'open")


def test_files_are_installed_in_order(conn: psycopg.Connection[Any], folder: Path) -> None:
    """A later file builds on an earlier one, and the connection is left as it was."""
    write(folder, a="CREATE TABLE a (b int)", b="ALTER TABLE a ADD c int; CREATE VIEW d AS TABLE a")

    migrations.install(conn, migrations.load(folder))

    assert ["a", "d"] == tables(conn)
    assert psycopg.pq.TransactionStatus.IDLE == conn.info.transaction_status


@pytest.mark.parametrize("nothing", ["", "-- a comment\n", ";;"])
def test_a_file_of_nothing_is_installed(
    conn: psycopg.Connection[Any], folder: Path, nothing: str
) -> None:
    """A file without a statement is no error."""
    write(folder, a=nothing)

    migrations.install(conn, migrations.load(folder))

    assert [] == tables(conn)


def test_a_file_that_fails_leaves_nothing_behind(
    conn: psycopg.Connection[Any], folder: Path
) -> None:
    """Files before the one that fails stay; of that one nothing does, and none comes after."""
    write(folder, a="CREATE TABLE a ()", b="CREATE TABLE b (); SELECT 1/0", c="CREATE TABLE c ()")

    message = failure(conn, folder)

    assert "b.sql:1: division by zero (22012)\n    SELECT 1/0" == message
    assert ["a"] == tables(conn)


LONG = "CREATE TABLE a (\n  b int,\n  c int,\n  d int,\n  e int,\n  f int,\n  g nope,\n  h int\n)"

# What is wrong: the file, and the lines of the message, of which all but the first are indented.
FAILURES = {
    "when it is run": (
        "-- é\nCREATE TABLE a ();\n\n  -- again\n  CREATE TABLE a ();\nSELECT 1;",
        ['a.sql:5: relation "a" already exists (42P07)', "CREATE TABLE a ()"],
    ),
    "when it is looked up": (
        "CREATE TABLE a ();\nSELECT b\nFROM nope;",
        ['a.sql:3: relation "nope" does not exist (42P01)', "SELECT b", "FROM nope"],
    ),
    "when it is read": (
        "CREATE TABLE é ();\nSELECT 'é',\n1 1;\nSELECT 1;",
        ['a.sql:3: syntax error at or near "1" (42601)', "SELECT 'é',", "1 1"],
    ),
    "which is not even SQL": (
        "SELECT 1;\n\\restrict abc\n",
        [
            (
                "a.sql:2: \\restrict is a command of psql, and no SQL: "
                "take that line out, which pg_dump writes for psql alone"
            ),
        ],
    ),
    "with an open quote": (
        "SELECT 1;\n  SELECT 'abc",
        ['a.sql:2: unterminated quoted string at or near "\'abc" (42601)', "  SELECT 'abc"],
    ),
    "late in a long statement": (
        f"SELECT 1;\n{LONG};",
        [
            'a.sql:8: type "nope" does not exist (42704)',
            *("CREATE TABLE a (", "...", "  g nope,", "..."),
        ],
    ),
    "early in a long statement": (
        LONG.replace("b int", "b nope"),
        [
            'a.sql:2: type "nope" does not exist (42704)',
            *(
                "CREATE TABLE a (",
                "  b nope,",
                "  c int,",
                "  d int,",
                "  e int,",
                "  f int,",
                "...",
            ),
        ],
    ),
    "after the end of a long statement": (
        LONG.replace("nope", "int").removesuffix("\n)") + "\n\n-- no more\n",
        [
            "a.sql:11: syntax error at end of input (42601)",
            *("CREATE TABLE a (", "...", "-- no more"),
        ],
    ),
    "with another system's ends of lines": (
        "SELECT 1;\r\nSELECT 1,\r\n1/0;\r\n",
        ["a.sql:2: division by zero (22012)", "SELECT 1,", "1/0"],
    ),
    "in a long line": (
        f"SELECT 1/0, '{'x' * 200}'",
        ["a.sql:1: division by zero (22012)", f"SELECT 1/0, '{'x' * 84}..."],
    ),
    "with detail and hint": (
        "DO $$BEGIN RAISE 'no' USING DETAIL = 'why', HINT = 'how'; END$$",
        [
            "a.sql:1: no (P0001)",
            "DO $$BEGIN RAISE 'no' USING DETAIL = 'why', HINT = 'how'; END$$",
            "detail: why",
            "hint: how",
            "where: PL/pgSQL function inline_code_block line 1 at RAISE",
        ],
    ),
    "at commit": (
        "CREATE TABLE a (b int UNIQUE INITIALLY DEFERRED);\nINSERT INTO a VALUES (1), (1)",
        [
            'a.sql: duplicate key value violates unique constraint "a_b_key" (23505)',
            "detail: Key (b)=(1) already exists.",
        ],
    ),
    "with the connection": (
        "SELECT 1;\nSELECT pg_terminate_backend(pg_backend_pid())",
        [
            "a.sql:2: terminating connection due to administrator command (57P01)",
            "SELECT pg_terminate_backend(pg_backend_pid())",
        ],
    ),
    "from the client": (
        "SELECT 1;\nCOPY pg_class FROM STDIN",
        [f"a.sql:2: {dialect.DATA}"],
    ),
    "to the client": (
        "SELECT 1;\nCOPY pg_class TO STDOUT",
        [f"a.sql:2: {migrations.NO_CLIENT}", "COPY pg_class TO STDOUT"],
    ),
    "outside transactions": (
        "CREATE TABLE a (b int);\nCREATE INDEX CONCURRENTLY ON a (b)",
        [
            "a.sql:2: CREATE INDEX CONCURRENTLY cannot run inside a transaction block (25001)",
            "CREATE INDEX CONCURRENTLY ON a (b)",
            f"hint: {migrations.HINTS[errors.ActiveSqlTransaction]}",
        ],
    ),
}


@pytest.mark.parametrize("failing", FAILURES)
def test_an_error_is_found(empty: Database, folder: Path, failing: str) -> None:
    """A message gives file, line, the server's error and the part of the statement at fault."""
    sql, lines = FAILURES[failing]
    write(folder, a=sql)

    with empty.connect() as conn:
        assert "\n    ".join(lines) == failure(conn, folder)

    with empty.connect() as conn:
        assert [] == tables(conn)


def test_a_character_outside_the_connections_encoding_is_named(
    empty: Database, folder: Path
) -> None:
    """Text that the connection cannot carry is an error of its own, not a broken letter."""
    write(folder, a="SELECT 1;\nSELECT '√';")

    with psycopg.connect(empty.conninfo, autocommit=True, client_encoding="latin1") as conn:
        message = failure(conn, folder)

    assert (
        "a.sql:2: the connection's encoding, iso8859-1, has no '√': set client_encoding=utf8"
        == message
    )


def test_a_file_begins_with_the_connections_settings(
    conn: psycopg.Connection[Any], folder: Path
) -> None:
    """A setting of one file is gone in the next, as it would be under psql -f."""
    write(
        folder,
        a="SET search_path = ''; SET client_encoding = latin1; SET ROLE pg_monitor",
        b="CREATE TABLE b AS SELECT 'é' AS letter, current_user = session_user AS self",
    )

    migrations.install(conn, migrations.load(folder))

    assert [("é", True)] == conn.execute("SELECT letter, self FROM b").fetchall()


@pytest.mark.parametrize(
    ("script", "line", "word"),
    [
        ("BEGIN;\nCREATE TABLE a ();\nCOMMIT;\nCREATE TABLE b ();", 1, "BEGIN"),
        ("CREATE TABLE a ();\ncommit;", 2, "commit"),
        ("CREATE TABLE a ();\nROLLBACK;\nnonsense;", 2, "ROLLBACK"),
        ("BEGIN;\nnonsense;", 1, "BEGIN"),
        ("START TRANSACTION;\nEND;", 1, "START"),
    ],
)
def test_a_file_holds_no_transactions_of_its_own(
    conn: psycopg.Connection[Any], folder: Path, script: str, line: int, word: str
) -> None:
    """A file that was written for psql, with BEGIN or COMMIT, is refused as `migrate` does."""
    write(folder, a=script)

    with pytest.raises(MigrationError) as refused:
        migrations.install(conn, migrations.load(folder))

    assert str(refused.value) == (
        f"{folder / 'a.sql'}:{line}: {word} is not possible in a migration: "
        "each file runs in one transaction, with its record"
    )


@pytest.mark.parametrize("name", ["002.SQL", "002.Sql"])
def test_a_file_under_another_name_is_named(folder: Path, name: str) -> None:
    """A file whose name is nearly a migration's is refused, and not passed over."""
    write(folder, a="SELECT 1")
    (folder / name).write_text("SELECT 2")

    with pytest.raises(MigrationError, match="its name does not end in") as refused:
        migrations.load(folder)

    assert str(folder / name) in str(refused.value)
