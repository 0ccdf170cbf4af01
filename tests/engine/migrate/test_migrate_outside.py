"""Files that run outside a transaction: an index that is built while others write, and resumed."""

import psycopg
import pytest

from conformance.engine.deployment import migrations
from conformance.engine.gate import lint
from conformance.engine.postgres.scratch import Scratch
from tests.support.migrating import Outcome, Project

MARK = "-- outside a transaction: writers need not wait\n"
BUILD = f"{MARK}CREATE UNIQUE INDEX CONCURRENTLY once ON t (lower(a)) WHERE b > 0;\n"
TABLE = "CREATE TABLE t (a text, b integer); INSERT INTO t VALUES ('x', 1), ('X', 1)"
VALID = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('once')"
NAMES = "SELECT name FROM schema_migrations ORDER BY name"


@pytest.fixture
def built(project: Project) -> Project:
    """Write a table, and an index that cannot be unique yet."""
    project.write(a=TABLE, b=BUILD)
    return project


def test_an_index_is_built_while_others_write(built: Project) -> None:
    """A file that says so is one statement without a transaction, and is recorded."""
    built.write(a="CREATE TABLE t (a text, b integer)")
    ended = built.migrate()

    assert Outcome(0, "applied a.sql\n", "") == Outcome(ended.code, ended.out[:14], ended.err)
    assert "b.sql (" in ended.out
    assert ended.out.endswith("s, outside a transaction)\n")
    assert ([True], ["a.sql", "b.sql"]) == (built.query(VALID), built.query(NAMES))
    assert Outcome(0, "nothing to do: every file is applied\n") == built.migrate()


def test_an_invalid_index_is_built_anew(built: Project) -> None:
    """Where the building failed, the index that is left is dropped, and the file is run again."""
    failed = built.migrate()
    left = built.query(VALID)
    with psycopg.connect(built.url) as conn:
        conn.execute("DELETE FROM t WHERE a = 'X'")
    again = built.migrate()

    assert (1, [False]) == (failed.code, left)
    assert "could not create unique index" in failed.err
    assert failed.err.endswith("b.sql runs outside a transaction: run it again\n")
    assert (0, [True]) == (again.code, built.query(VALID))
    assert ["a.sql", "b.sql"] == built.query(NAMES)


def test_an_index_that_is_there_is_recorded(built: Project) -> None:
    """Where a run ended before it could record the index, the next one knows it by what it is."""
    built.write(a="CREATE TABLE t (a text, b integer)")
    built.migrate("--to", "a")
    with psycopg.connect(built.url) as conn:
        conn.execute("CREATE UNIQUE INDEX once ON t USING btree (lower(a)) WHERE (b > 0)")

    assert Outcome(0, "applied b.sql (was there, and is recorded)\n") == built.migrate()


def test_another_index_of_that_name_is_no_such_index(built: Project) -> None:
    """An index that is not unique, or of something else, is not taken for it."""
    built.write(a="CREATE TABLE t (a text, b integer)")
    built.migrate("--to", "a")
    with psycopg.connect(built.url) as conn:
        conn.execute("CREATE INDEX once ON t (lower(a)) WHERE b > 0")
    ended = built.migrate()

    assert (1, ["a.sql"]) == (ended.code, built.query(NAMES))
    assert "migrations/b.sql: there is an index once already, and it is another one" in ended.err


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (f"{BUILD}SELECT 1", "holds 2 statements: give each a file"),
        (f"{MARK}CREATE DATABASE reports", "a migration stays within its database"),
        (f"{MARK}CREATE TABLE b ()", "needs no `-- outside a transaction`"),
        (f"{MARK}CREATE INDEX CONCURRENTLY ON a (b)", "without a name"),
        (MARK, "holds 0 statements"),
    ],
)
def test_one_statement_that_needs_it(project: Project, content: str, said: str) -> None:
    """A file that could not be resumed, or need not be outside, is refused before anything runs."""
    project.write(b=content)
    ended = project.migrate()

    assert (1, "", []) == (ended.code, ended.out, project.query(TABLES))
    assert said in ended.err


TABLES = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"


def test_it_is_not_in_one_transaction_with_others(built: Project) -> None:
    """All files in one transaction is not possible with one that is outside."""
    ended = built.migrate("--single-transaction")

    assert (1, []) == (ended.code, built.query(TABLES))
    assert "runs outside a transaction, and so not in one with others" in ended.err


def test_words_in_strings_say_nothing(project: Project) -> None:
    """A string that holds the line does not put a file outside."""
    project.write(a=f"CREATE TABLE a (b text DEFAULT '\n{MARK}'); SELECT 1")

    assert 0 == project.migrate().code


def test_a_scratch_server_runs_it_as_well(scratch: Scratch, built: Project) -> None:
    """The suite and the gate install such files like `migrate` does."""
    built.write(a="CREATE TABLE t (a text, b integer)")
    with scratch.cloned(scratch.template(built.folder)) as database, database.connect() as conn:
        assert [(True,)] == conn.execute(VALID).fetchall()


def test_the_linter_knows_that_there_is_no_transaction(built: Project) -> None:
    """Squawk, which asks for CONCURRENTLY, does not forbid it there."""
    pending = [file for file in migrations.load(built.folder) if file.name == "b.sql"]
    section = lint.lint(pending, 18)

    assert [] == [fault.what for fault in section.faults if "transaction" in fault.what]
