"""The schema in databases that are not as most are: it is the same, or refused in one line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from tests.framecast.races.test_key_order import MIGRATIONS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.engine.postgres.scratch import Scratch, Template

DEFINITIONS: Final = """
SELECT 'check', conname::text, pg_get_constraintdef(oid) FROM pg_constraint
UNION ALL SELECT 'trigger', tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
UNION ALL SELECT 'function', p.oid::regprocedure::text, p.prosrc FROM pg_proc AS p
WHERE p.pronamespace = 'framecast'::regnamespace
UNION ALL SELECT 'comment', '', description FROM pg_description
UNION ALL SELECT 'index', indexname, indexdef FROM pg_indexes WHERE schemaname <> 'pg_catalog'
UNION ALL SELECT 'default', adrelid::regclass::text, pg_get_expr(adbin, adrelid) FROM pg_attrdef
ORDER BY 1, 2, 3
"""


@pytest.fixture
def odd(scratch: Scratch) -> Iterator[str]:
    """The name of a database that a test may make; it is dropped afterwards."""
    name = f"framecast_conformance_{scratch.token}_odd"
    with psycopg.connect(scratch.server.conninfo, autocommit=True) as connection:
        yield name
        connection.execute(f"DROP DATABASE IF EXISTS {name}".encode())


def made(scratch: Scratch, name: str, how: str) -> str:
    """Make a database, and return how to connect to it."""
    with psycopg.connect(scratch.server.conninfo, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE template0 {how}".encode())
    return make_conninfo(scratch.server.conninfo, dbname=name)


def test_another_syntax_of_strings_changes_nothing(
    scratch: Scratch, template: Template, odd: str
) -> None:
    """Where a backslash is taken for itself in strings, and where it is not, all is the same."""
    conninfo = made(scratch, odd, "")
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute("SET standard_conforming_strings = off")
        for file in sorted(MIGRATIONS.glob("*.sql")):
            connection.execute(file.read_bytes())
    with (
        scratch.cloned(template, "usual") as database,
        database.connect() as usual,
        psycopg.connect(conninfo) as other,
    ):
        expected = usual.execute(DEFINITIONS).fetchall()
        assert len(expected) > 300
        assert expected == other.execute(DEFINITIONS).fetchall()


@pytest.mark.parametrize("client", ["UTF8", "LATIN1"])
def test_another_encoding_is_refused(client: str, scratch: Scratch, odd: str) -> None:
    """A database that lacks characters is refused at once, by what it is, and stays empty."""
    conninfo = made(scratch, odd, "ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'")
    first = (MIGRATIONS / "001_initial_schema.sql").read_bytes().partition(b"\n$$;\n")
    with psycopg.connect(conninfo, autocommit=True, client_encoding=client) as connection:
        with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState) as refused:
            connection.execute(b"".join(first[:2]))
        assert "in LATIN1" in str(refused.value.diag.message_primary)
        assert [(0,)] == connection.execute(
            "SELECT count(*) FROM pg_namespace WHERE nspname = 'framecast'"
        ).fetchall()


def test_another_locale_changes_nothing(scratch: Scratch, odd: str) -> None:
    """Another locale's characters, spaces and capitals make no row legal, or illegal."""
    unicode = "LOCALE_PROVIDER builtin BUILTIN_LOCALE" if scratch.server.major >= 17 else "LOCALE"
    outcomes = []
    for how in ("LOCALE 'C'", f"{unicode} 'C.UTF-8' LC_COLLATE 'C' LC_CTYPE 'C.UTF-8'"):
        conninfo = made(scratch, odd, how)
        with psycopg.connect(conninfo, autocommit=True) as connection:
            for file in sorted(MIGRATIONS.glob("*.sql")):
                connection.execute(file.read_bytes())
            outcomes.append([refused(connection, *each) for each in SPELT])
        with psycopg.connect(scratch.server.conninfo, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {odd}".encode())

    assert outcomes[0] == outcomes[1]
    assert len({*outcomes[0]}) > 3


# Statements, each with a text to put in.
URLS: Final = (
    "INSERT INTO webhooks (team_id, created_by, url, events, secret)"
    " VALUES (gen_random_uuid(), gen_random_uuid(), %s, '{job.failed}', 's')"
)
NAMES: Final = "INSERT INTO teams (name) VALUES (%s) RETURNING slug"
EMAILS: Final = 'INSERT INTO users (email) VALUES (%s) RETURNING lower(email COLLATE "C")'
SPELT: Final = tuple(
    (statement, text.format(letter))
    for statement, texts in (
        (NAMES, ("{}", "a{}b")),
        (EMAILS, ("{}@example.com", "a@{}.com")),
        (URLS, ("https://{}/", "https://a{}b/", "https://a/{}")),
    )
    for text in texts
    for letter in " \t\u0085\u00a0\u1680\u2003\u2028\u3000\u200bI\u0130\u0131\u212aA\u00e9\u00df"
)


def refused(connection: psycopg.Connection[object], statement: str, text: str) -> str:
    """Return by what a statement is refused; or what it returns."""
    with connection.transaction(force_rollback=True):
        try:
            cursor = connection.execute(statement.encode(), [text])
        except psycopg.IntegrityError as error:
            return error.diag.constraint_name or ""
        return str(cursor.fetchall()) if cursor.description else ""
