"""Bring a database up to date: run the migration files that it has no record of.

Each file runs in one transaction together with its record, in the table ``schema_migrations``.
A session advisory lock keeps two runs apart. A lock timeout keeps a run from waiting long for a
busy table, because every other client of that table would wait behind it.

A schema that psql has made has no such record; `record` makes it.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg import errors
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from conformance import migrations
from conformance.migrations import Migration, MigrationError

Connection = psycopg.Connection[Any]

DEFAULTS = {"connect_timeout": "10", "application_name": "framecast migrate"}  # of the URL

LOCK_KEY = int.from_bytes(b"framecst")  # any number will do that every run agrees on

CREATE_RECORDS = """
    CREATE TABLE IF NOT EXISTS schema_migrations (
        name text PRIMARY KEY,
        sha256 text NOT NULL,
        applied_at timestamptz NOT NULL DEFAULT now()
    )
"""

ADD_RECORD = "INSERT INTO schema_migrations (name, sha256) VALUES (%s, %s)"
IS_INSTALLED = "SELECT to_regclass('public.users') IS NOT NULL"


def migrate(url: str, directory: Path, lock_timeout: float, say: Callable[[str], None]) -> None:
    """Run what is pending, in the order of the files' names, and say so line by line.

    Args:
        url: of the database, as libpq reads it.
        directory: the folder of the files.
        lock_timeout: seconds that each wait for a lock may take.
        say: receives each line of the outcome.

    Raises:
        MigrationError: nothing was run, or the file that it names was not; those before it,
            which have been said, stay applied.
    """
    files = migrations.load(directory)
    with _connected(url) as conn, _locked(conn, lock_timeout):
        todo = pending(files, recorded(conn))
        for migration in todo:
            migrations.refuse_own_transaction(migration)
        if todo:
            conn.execute(CREATE_RECORDS)
        for migration in todo:
            say(f"applied {migration.name} ({_apply(conn, migration, lock_timeout):.2f} s)")
        if not todo:
            say("nothing to do: every file is applied")


def record(url: str, directory: Path, lock_timeout: float, say: Callable[[str], None]) -> None:
    """Record every file as applied, and run none: for a schema that was made without this program.

    Args:
        url: of the database, as libpq reads it.
        directory: the folder of the files that were run there, and of no others.
        lock_timeout: seconds that each wait for a lock may take.
        say: receives each line of the outcome.

    Raises:
        MigrationError: there is no schema, or a record already; nothing was changed.
    """
    files = migrations.load(directory)
    with _connected(url) as conn, _locked(conn, lock_timeout), _recording(), conn.transaction():
        known = recorded(conn)
        if known:
            message = (
                f"the database has a record already, the last of it {max(known)}: "
                "run migrate without --record"
            )
            raise MigrationError(message)
        if not is_installed(conn):
            message = (
                "there is no table public.users, so the files were not run there: "
                "run migrate without --record"
            )
            raise MigrationError(message)
        _limit_waits(conn, lock_timeout)
        conn.execute(CREATE_RECORDS)
        for migration in files:
            conn.execute(ADD_RECORD, (migration.name, migration.sha256))
    for migration in files:
        say(f"recorded {migration.name}, and did not run it")


def is_installed(conn: Connection) -> bool:
    """Tell whether a database has a schema of Framecast, whoever made it."""
    return conn.execute(IS_INSTALLED).fetchone() == (True,)


def recorded(conn: Connection) -> dict[str, str]:
    """Read which files were applied: the SHA-256 of each by its name; changes nothing.

    Raises:
        MigrationError: the table of records is not this program's.
    """
    known = conn.execute("SELECT to_regclass('schema_migrations') IS NOT NULL").fetchone()
    if known == (False,):
        return {}
    try:
        return dict(conn.execute("SELECT name, sha256 FROM schema_migrations").fetchall())
    except errors.UndefinedColumn as error:
        message = (
            "the database's table schema_migrations belongs to another program "
            f"({error.diag.message_primary}): use a database or a search_path of its own"
        )
        raise MigrationError(message) from error


def pending(files: Iterable[Migration], applied: Mapping[str, str]) -> tuple[Migration, ...]:
    """Tell which files have yet to be run, given the SHA-256 of those that were.

    Raises:
        MigrationError: an applied file was edited or is missing, or a new one sorts before it.
    """
    files = tuple(files)
    faults = [
        f"{name}: was applied, but is missing here: bring the file back"
        for name in sorted(applied.keys() - {file.name for file in files})
    ]
    newest = max(applied, default="")
    for file in files:
        if file.name not in applied:
            if file.name < newest:
                faults.append(
                    f"{file.path}: is new, but sorts before {newest}, which was applied: "
                    "give it a name that sorts after"
                )
        elif applied[file.name] != file.sha256:
            faults.append(
                f"{file.path}: was edited after it had been applied: "
                "restore it, and write the change as a new file"
            )
    if faults:
        raise MigrationError("\n".join(faults))
    return tuple(file for file in files if file.name not in applied)


@contextmanager
def _connected(url: str) -> Iterator[Connection]:
    try:
        settings = {**DEFAULTS, **conninfo_to_dict(url), "client_encoding": "utf8"}
        conn = psycopg.connect(make_conninfo("", **settings), autocommit=True)
    except psycopg.ProgrammingError as error:
        message = f"not a database URL, such as postgresql://user@host:5432/name: {_flat(error)}"
        raise MigrationError(message) from error
    except psycopg.OperationalError as error:
        message = f"the database cannot be reached: {_flat(error)}"
        raise MigrationError(message) from error
    with conn:
        yield conn


@contextmanager
def _recording() -> Iterator[None]:
    try:
        yield
    except psycopg.Error as error:
        message = f"nothing was recorded: {error.diag.message_primary or _flat(error)}"
        raise MigrationError(message) from error


def _flat(error: psycopg.Error) -> str:
    return " ".join(str(error).split())


@contextmanager
def _locked(conn: Connection, lock_timeout: float) -> Iterator[None]:
    try:
        with conn.transaction():
            _limit_waits(conn, lock_timeout)
            conn.execute("SELECT pg_advisory_lock(%s)", (LOCK_KEY,))
    except errors.LockNotAvailable as error:
        message = (
            f"another run is migrating this database, and did not end within {lock_timeout:g} s: "
            "wait for it, or give a longer --lock-timeout"
        )
        raise MigrationError(message) from error
    yield  # the lock goes with the session


def _apply(conn: Connection, migration: Migration, lock_timeout: float) -> float:
    """Run one file with its record, and return the seconds that it took."""
    start = time.perf_counter()
    try:
        with migrations.transaction(conn, migration):
            _limit_waits(conn, lock_timeout)
            migrations.run(conn, migration)
            conn.execute(ADD_RECORD, (migration.name, migration.sha256))
    except MigrationError as error:
        # A connection that is lost at COMMIT leaves open what the server made of it.
        lost = "may have been rolled back: the next run will tell"
        outcome = lost if conn.broken else "was rolled back as a whole"
        message = f"{error}\n{migration.name} {outcome}"
        raise MigrationError(message) from error
    return time.perf_counter() - start


def _limit_waits(conn: Connection, lock_timeout: float) -> None:
    milliseconds = str(max(1, round(lock_timeout * 1000)))
    conn.execute("SELECT set_config('lock_timeout', %s, true)", (milliseconds,))
