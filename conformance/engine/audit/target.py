"""The database in use: one repeatable-read, read-only transaction on it, within limits.

Whatever is asked there takes ACCESS SHARE locks only, which no writer waits for. It gives up rather
than wait long itself, and says so.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import IsolationLevel, errors
from psycopg.sql import SQL

from conformance.engine.audit.owner import Owner, owner_of
from conformance.engine.deployment import stand_ins
from conformance.engine.deployment.address import AddressError, connect
from conformance.engine.deployment.history import is_installed
from conformance.engine.deployment.migrations import MigrationError
from conformance.engine.deployment.record import HOME, Record
from conformance.engine.postgres.request import MINIMUM_MAJOR

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Connection = psycopg.Connection[Any]

IDLE = 60.0  # seconds that the transaction may wait for this program between two questions
# Of the URL. A network that is dead is noticed after a minute, also in the middle of a query.
DEFAULTS = {
    "connect_timeout": "10",
    "application_name": "framecast audit",
    "keepalives": "1",
    "keepalives_idle": "30",  # seconds
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "60000",  # milliseconds
}
# For the transaction alone: a pooler may give the session to an application afterwards.
SETTINGS = {
    "row_security": "off",  # an error where rows would be hidden, instead of silence
    "search_path": "public, pg_temp",
    "work_mem": "64MB",  # of each session: a hash of all users fits
    "jit": "off",
    # Indexes have in order what is compared or grouped: that is faster than any hash of it.
    "random_page_cost": "1.1",
    "cpu_tuple_cost": "0.0005",
    "enable_hashagg": "off",
    "max_parallel_workers_per_gather": "0",  # several sessions share the work instead
}
FACTS = """
    SELECT current_setting('server_version_num')::integer, current_setting('server_version'),
        current_database(), current_user::text
"""
# Roles that do not come with every server.
ROLES = "SELECT rolname::text FROM pg_roles WHERE rolname !~ '^pg_'"


class TargetError(Exception):
    """The database could not be asked; its text says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Time limits there, in seconds: for one statement, for one wait for a lock."""

    statement: float = 600.0
    lock: float = 5.0


@dataclass(frozen=True, slots=True)
class Target:
    """A database under audit, as it describes itself.

    Attributes:
        version: the server's `server_version_num`, such as 180006.
        release: the same for people, such as 18.6.
        database, role: their names.
        installed: whether there is a schema of Framecast.
        applied: the SHA-256 of each migration that the record has, by the file's name.
        owner: the role that is to migrate it, by default the owner of its tables; None where there
            is none.
        roles, extensions: what others may have made there, with ways to store a table; files may
            name it.
    """

    version: int
    release: str
    database: str
    role: str
    installed: bool
    applied: Mapping[str, str]
    owner: Owner | None = None
    roles: frozenset[str] = field(default=frozenset(), compare=False)
    extensions: frozenset[str] = field(default=frozenset(), compare=False)

    @property
    def major(self) -> int:
        """The server's major version, such as 18."""
        return self.version // 10_000

    def __str__(self) -> str:
        """Return it in one line."""
        return f"{self.database} on PostgreSQL {self.release}, as {self.role}"


@contextmanager
def reading(url: str, limits: Limits, snapshot: str | None = None) -> Iterator[Connection]:
    """Open one repeatable-read, read-only transaction, which ends with the block.

    Args:
        url: of the database.
        limits: how long anything may take.
        snapshot: one that another transaction has exported; it sees what that sees.

    Raises:
        TargetError: it cannot be reached, or did not answer within the limits.
    """
    conn = _connected(url)
    try:
        conn.isolation_level = IsolationLevel.REPEATABLE_READ
        conn.read_only = True
        with conn.transaction():
            if snapshot is not None:
                conn.execute(SQL("SET TRANSACTION SNAPSHOT {}").format(snapshot))
            for name, value in {**_timeouts(limits), **SETTINGS}.items():
                conn.execute("SELECT set_config(%s, %s, true)", (name, value))
            yield conn
    except psycopg.Error as error:
        raise TargetError(reason(error, limits)) from error
    finally:
        conn.close()


def examine(conn: Connection, schema: str = HOME, migrates_as: str | None = None) -> Target:
    """Ask a database what it is.

    Args:
        conn: in a transaction of `reading`.
        schema: where the record of migrations lies.
        migrates_as: the role that is to migrate it; by default the owner of most tables.

    Raises:
        TargetError: its server is too old, or its record of migrations is another program's.
    """
    version, release, database, role = conn.execute(FACTS).fetchall()[0]
    if version < MINIMUM_MAJOR * 10_000:
        message = f"its server is PostgreSQL {release}: {MINIMUM_MAJOR} or newer is needed"
        raise TargetError(message)
    installed = is_installed(conn)
    try:
        applied = Record(schema).read(conn)
    except MigrationError as error:
        raise TargetError(str(error)) from error
    owner = owner_of(conn, migrates_as)
    if owner is None and migrates_as is not None:
        message = f"there is no role {migrates_as}, which is to migrate it"
        raise TargetError(message)
    roles, extensions = (
        frozenset(name for (name,) in conn.execute(query).fetchall())
        for query in (ROLES, stand_ins.FOUND)
    )
    release = release.split()[0]
    return Target(version, release, database, role, installed, applied, owner, roles, extensions)


def reason(error: psycopg.Error, limits: Limits) -> str:
    """Say why a database could not be asked, and what to do."""
    said = " ".join((error.diag.message_primary or str(error)).split())
    if isinstance(error, errors.QueryCanceled):
        return (
            f"a statement took longer than {limits.statement:g} s ({said}): "
            "give a longer --statement-timeout, or ask when the server has less to do"
        )
    if isinstance(error, errors.LockNotAvailable):
        return (
            f"somebody held a lock for longer than {limits.lock:g} s ({said}): "
            "ask again when it is free, or give a longer --lock-timeout"
        )
    if isinstance(error, errors.InsufficientPrivilege):
        return f"{said}: connect as a role that may read all tables, such as their owner"
    if isinstance(error, psycopg.OperationalError) and error.sqlstate is None:
        return f"the database cannot be reached: {said}"
    return f"{said} ({error.sqlstate})"


def _connected(url: str) -> Connection:
    try:
        return connect(url, DEFAULTS)
    except AddressError as error:
        raise TargetError(str(error)) from None


def _timeouts(limits: Limits) -> dict[str, str]:
    return {
        "statement_timeout": _milliseconds(limits.statement),
        "lock_timeout": _milliseconds(limits.lock),
        "idle_in_transaction_session_timeout": _milliseconds(IDLE),
    }


def _milliseconds(seconds: float) -> str:
    return str(max(1, round(seconds * 1000)))
