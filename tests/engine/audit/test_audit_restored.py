"""A database that came back from pg_dump: PostgreSQL prints and orders what it had otherwise."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from conformance.engine.audit import enforcement
from conformance.engine.audit.canonical import same
from conformance.engine.audit.description import Description
from conformance.engine.audit.target import Limits, reading
from conformance.engine.deployment import migrations
from conformance.engine.postgres import Request, binaries, provision
from conformance.engine.postgres.scratch import Database, opened
from tests.support.outputs import without_progress

pytestmark = pytest.mark.usefixtures("roles_alone")
MIGRATIONS = Path(__file__).parents[3] / "migrations"
CHECK = "CHECK (({}))"
FUNCTION = "CREATE FUNCTION f(a boolean) RETURNS boolean LANGUAGE sql IMMUTABLE RETURN ({})"


@pytest.fixture(params=[15, 18])
def restored(
    request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[tuple[Database, Description]]:
    """Dump a new installation, and restore it; say what the migrations make as well."""
    bin_dir = binaries.embedded()
    assert bin_dir
    (tmp_path / "001.sql").write_text("SELECT;\n")
    with provision(Request(major=request.param)) as server, opened(server) as scratch:
        expected = enforcement.expected_of(scratch, migrations.load(MIGRATIONS))
        source = scratch.clone(scratch.template(MIGRATIONS), "source")
        done = _run([str(bin_dir / "pg_dump"), "--dbname", source.conninfo])
        # Of the newest major, which older servers do not know.
        dump = done.replace("SET transaction_timeout = 0;\n", "")
        with scratch.cloned(scratch.template(tmp_path), "restored") as database:
            psql = [str(bin_dir / "psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1"]
            _run([*psql, database.conninfo], dump)
            yield database, expected


def _run(command: list[str], given: str = "") -> str:
    done = subprocess.run(command, input=given, capture_output=True, text=True, check=False)
    assert (0, "") == (done.returncode, without_progress(done.stderr))
    return done.stdout


def test_what_is_restored_is_as_it_should_be(restored: tuple[Database, Description]) -> None:
    """A dump that was restored differs in nothing but what everybody may do in a new database."""
    database, expected = restored
    with reading(database.conninfo, Limits()) as connection:
        (fault,) = enforcement.inspect(connection, expected).faults
    assert fault.about == "privilege TEMPORARY on the database to PUBLIC"

    with database.connect() as connection:
        connection.execute(f"REVOKE TEMPORARY ON DATABASE {database.name} FROM PUBLIC".encode())
    with reading(database.conninfo, Limits()) as connection:
        assert [] == enforcement.inspect(connection, expected).faults


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("a OR b OR c", "(a OR b) OR c", True),
        ("a OR b OR c", "a OR (b OR c)", True),
        ("a AND b AND (c OR d)", "(a AND b) AND (c OR d)", True),
        ("a OR (b AND c)", "(a OR b) AND c", False),
        ("a OR b OR c", "a OR b", False),
        ("NOT (a OR b OR c)", "NOT ((a OR b) OR c)", True),
        ("NOT (a OR b)", "(NOT a) OR b", False),
        ("NOT (NOT a)", "NOT a", False),
        ("a OR b", "b OR a", False),
    ],
)
def test_what_is_the_same_in_other_words(one: str, other: str, alike: bool) -> None:
    """Brackets that change nothing are nothing; all others are."""
    assert alike == same("constraint", CHECK.format(one), CHECK.format(other))
    assert alike == same("function", FUNCTION.format(one), FUNCTION.format(other))


def test_line_endings_are_no_drift() -> None:
    """A function that was made of a checkout with other line endings is the same."""
    assert same("function", "BEGIN\r\n    RETURN 1;\r\nEND", "BEGIN\n    RETURN 1;\nEND")
    assert not same("function", "BEGIN\r\n    RETURN 1;\r\nEND", "BEGIN\n    RETURN 2;\nEND")
