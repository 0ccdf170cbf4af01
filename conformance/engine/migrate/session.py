"""Sessions that migrate: how they connect, and how they keep each other out."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import errors

from conformance.engine.deployment import address
from conformance.engine.deployment.address import AddressError
from conformance.engine.deployment.migration import MigrationError
from conformance.engine.postgres.request import MINIMUM_MAJOR

Connection = psycopg.Connection[Any]

DEFAULTS = {"connect_timeout": "10", "application_name": "framecast migrate"}  # of the URL
LOCK_KEY = int.from_bytes(b"framecst")  # any number will do that every run agrees on


class UnreachableError(MigrationError):
    """A database that nobody can ask anything."""


@contextmanager
def connected(url: str) -> Iterator[Connection]:
    """Connect to a database of a major that the schema supports.

    Raises:
        UnreachableError: nobody answers there.
        MigrationError: its server is too old.
    """
    try:
        conn = address.connect(url, DEFAULTS)
    except AddressError as error:
        raise UnreachableError(str(error)) from None
    with conn:
        if conn.info.server_version < MINIMUM_MAJOR * 10_000:
            release = conn.info.parameter_status("server_version") or conn.info.server_version
            message = f"its server is PostgreSQL {release}: {MINIMUM_MAJOR} or newer is needed"
            raise MigrationError(message)
        yield conn


def lock(conn: Connection, lock_timeout: float) -> None:
    """Keep other runs out until the transaction ends.

    A lock of the session would stay behind where a pooler gives that to somebody else.

    Raises:
        MigrationError: another run holds it.
    """
    limit_waits(conn, lock_timeout)
    try:
        conn.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK_KEY,))
    except errors.LockNotAvailable as error:
        message = (
            f"another run is migrating this database, and did not end within {lock_timeout:g} s: "
            "wait for it, or give a longer --lock-timeout"
        )
        raise MigrationError(message) from error


def limit_waits(conn: Connection, lock_timeout: float) -> None:
    """Limit each wait for a lock, until the transaction ends."""
    milliseconds = str(max(1, round(lock_timeout * 1000)))
    conn.execute("SELECT set_config('lock_timeout', %s, true)", (milliseconds,))
