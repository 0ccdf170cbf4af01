"""Addresses that are mistyped, a pooler in between, old servers, and records elsewhere."""

from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from conformance.engine.audit.target import Limits, TargetError, examine, reading
from conformance.engine.deployment import address
from conformance.engine.deployment.address import AddressError
from conformance.engine.migrate import session
from conformance.engine.postgres import Request
from conformance.engine.postgres.scratch import Database
from conformance.engine.postgres.surroundings import without_password
from tests.support.asking import complaint
from tests.support.migrating import TABLES, Outcome, Project

MISTYPED = [
    "postgresql:/me:sesame@localhost/db",
    "postgresql//me:sesame@localhost/db",
    "me:sesame@localhost/db",
    "host=localhost password=open sesame",
    "postgresql://me:open/sesame@localhost:1/db",
    "postgresql://me:open@sesame@localhost:1/db",
    "postgresql://me:12/sesame@localhost:1/db",
    "postgresql://me:sesame",
    "postgresql://me:open:sesame@localhost:1/db",
    "postgresql://me:open%sesame@localhost:1/db",
    "postgresql://me:sesame@localhost:1/sesame",
    "postgresql+psycopg://me:sesame@localhost:1/db",
    "postgresql://me@localhost:sesame@x/db",
    "postgresql://me:sesame@[::1/db",
    "postgresql://me:open sesame@localhost/db",
    "postgresql://me:open?sesame@localhost/db?x",
]
NO_NUMBER = "its port is no number from 1 to 65535"


@pytest.mark.parametrize("url", MISTYPED)
def test_no_message_holds_the_password(url: str) -> None:
    """However an address is mistyped, no command repeats a part of its password."""
    with pytest.raises(AddressError) as caught:
        address.connect(url, {"connect_timeout": "5"})
    with pytest.raises(TargetError) as seen, reading(url, Limits()):
        pass
    said = (str(caught.value), str(seen.value), complaint(Request(database_url=url)))

    assert [] == [text for text in said if "sesame" in text or "open" in text]
    assert all("\n" not in text for text in said)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("postgres://me@localhost:notaport/db", NO_NUMBER),
        ("postgres://me:sesame@localhost:99999/db", NO_NUMBER),
        ("postgres://me@a:1,b:x/db", NO_NUMBER),
        ("host=localhost port=abc password=sesame", NO_NUMBER),
        ("postgresql://me:sesame", f"{NO_NUMBER}; {address.ENCODE}"),
        ("postgresql://me:open/sesame@localhost:1/db", f"{NO_NUMBER}; {address.ENCODE}"),
        (
            "postgresql://me:100%sesame@localhost/db",
            f'invalid percent-encoded token: "…"; {address.ENCODE}',
        ),
        (
            "mysql://me:sesame@localhost/db",
            "it begins with mysql:, and no database of PostgreSQL does",
        ),
        ("postgresql:/me:sesame@localhost/db", "it does not begin with postgresql://"),
        (" postgresql://me:sesame@localhost/db", "there are blanks around it"),
        ("postgresql://me@localhost/db?sslmod=x", 'invalid URI query parameter: "sslmod"'),
        ("host=localhost prt=1", 'invalid connection option "prt"'),
        ("password=sesame prt=1", 'invalid connection option "…"'),
    ],
)
def test_a_mistyped_address_is_told_by_its_part(url: str, why: str) -> None:
    """One message says what of it cannot be read, and how it is written."""
    with pytest.raises(AddressError) as caught:
        address.connect(url, {"connect_timeout": "5"})

    assert f"not a database URL, such as postgresql://user@host:5432/name: {why}" == str(
        caught.value
    )


def test_an_address_that_cannot_be_read_is_not_shown_in_a_command() -> None:
    """To run tests again, an address is given without its password, or not at all."""
    assert "…" == without_password("mysql://me:sesame@localhost/db")
    assert "user=me host=localhost" == without_password("postgresql://me:sesame@localhost")


def test_what_libpq_says_is_told_else(project: Project) -> None:
    """A host or a database that is not there is named, as long as no password is."""
    url = make_conninfo(project.url, dbname="nowhere", password="sesame")  # noqa: S106 - it must not be shown

    assert 'database "nowhere" does not exist' in project.migrate(url).err


class Pooled(psycopg.Connection[Any]):
    """A session that outlives its client, as that of a pooler does."""

    def close(self) -> None:
        """Leave the session to whoever comes next."""


LEFT = """
    SELECT 'lock ' || locktype FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'advisory'
    UNION ALL SELECT 'statement ' || name FROM pg_prepared_statements
    UNION ALL SELECT 'channel ' || c FROM pg_listening_channels() AS c
    UNION ALL SELECT 'table ' || relname FROM pg_class
    WHERE relpersistence = 't' AND relnamespace = pg_my_temp_schema()
"""
LEAVES = """
    SELECT pg_advisory_lock(7); LISTEN x; PREPARE p AS SELECT 1; CREATE TEMP TABLE left_over ();
    SET timezone = 'Asia/Tokyo';
"""


def test_migrate_leaves_nothing_in_a_pooled_session(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither migrate nor its files leave a lock, a statement or a setting to who comes next."""
    settings = "SELECT name, setting FROM pg_settings WHERE name <> 'lock_timeout' ORDER BY name"
    with psycopg.connect(project.url, application_name="framecast migrate") as fresh:
        expected = fresh.execute(settings).fetchall()
    sessions: list[psycopg.Connection[Any]] = []

    def connect(conninfo: str, **how: Any) -> psycopg.Connection[Any]:
        sessions.append(Pooled.connect(conninfo, **how))
        return sessions[-1]

    for number in range(9):  # psycopg prepares what is run five times
        project.write(**{f"b{number}": LEAVES})
    monkeypatch.setattr(psycopg, "connect", connect)
    ended = project.migrate()

    assert 0 == ended.code, ended.err
    for left in sessions:
        assert [] == left.execute(LEFT).fetchall()
        assert expected == left.execute(settings).fetchall()
        psycopg.Connection.close(left)


def test_a_server_that_is_too_old_is_told(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a major that the schema does not support nothing is run."""
    monkeypatch.setattr(session, "MINIMUM_MAJOR", 99)
    ended = project.migrate()

    assert 1 == ended.code
    assert ended.err.startswith("migrate: its server is PostgreSQL ")
    assert ended.err.endswith(": 99 or newer is needed\n")
    assert [] == project.query(TABLES)


def test_the_record_lies_where_it_is_named(project: Project, empty: Database) -> None:
    """The search_path decides nothing; another schema may be named, by every command."""
    with psycopg.connect(project.url, autocommit=True) as conn:
        conn.execute("CREATE SCHEMA x")
    elsewhere = make_conninfo(project.url, options="-c search_path=x")
    assert Outcome(0, "applied a.sql\n") == project.migrate(elsewhere)
    assert Outcome(0, "nothing to do: every file is applied\n") == project.migrate()
    with psycopg.connect(project.url, autocommit=True) as conn:
        conn.execute("ALTER TABLE public.schema_migrations SET SCHEMA x")
    said = "migrate: the record lies in schema x, and not in public: name it with --record-schema x"

    assert project.migrate().err.startswith(said)
    assert Outcome(0, "nothing to do: every file is applied\n") == project.migrate(
        "--record-schema", "x"
    )
    with reading(empty.conninfo, Limits()) as conn:
        assert ["a.sql"] == list(examine(conn, "x").applied)
        with pytest.raises(TargetError, match="lies in schema x"):
            examine(conn)
