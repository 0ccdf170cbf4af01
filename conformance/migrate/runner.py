"""Bring a database up to date: run the migration files that it has no record of.

Each file runs in one transaction together with its record, in the table ``schema_migrations``.
An advisory lock keeps two runs apart, file by file. A lock timeout keeps a run from waiting long
for a busy table, because every other client of that table would wait behind it.

A schema that psql has made has no such record; `record` makes it.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg import errors

from conformance.deployment import address
from conformance.deployment.address import AddressError
from conformance.deployment.dialect import undoes
from conformance.deployment.migration import HistoryError, Wrong
from conformance.deployment.record import HOME, Record
from conformance.migrate import migrations
from conformance.migrate.migrations import Migration, MigrationError
from conformance.postgres.request import MINIMUM_MAJOR

Connection = psycopg.Connection[Any]

DEFAULTS = {"connect_timeout": "10", "application_name": "framecast migrate"}  # of the URL

LOCK_KEY = int.from_bytes(b"framecst")  # any number will do that every run agrees on

MISSING = ("was applied, but is missing here", "bring the file back")
EDITED = (
    "was edited after it had been applied",
    "restore it, and write the change as a new file",
)
UNDONE = (
    "was applied, though its name says that it undoes another",
    "bring back what it has undone, and delete its row from schema_migrations",
)
IS_INSTALLED = "SELECT to_regclass('public.users') IS NOT NULL"


def migrate(
    url: str,
    directory: Path,
    lock_timeout: float,
    say: Callable[[str], None],
    schema: str = HOME,
) -> None:
    """Run what is pending, in the order of the files' names, and say so line by line.

    Args:
        url: of the database, as libpq reads it.
        directory: the folder of the files.
        lock_timeout: seconds that each wait for a lock may take.
        say: receives each line of the outcome.
        schema: where the record lies.

    Raises:
        MigrationError: nothing was run, or the file that it names was not; those before it,
            which have been said, stay applied.
    """
    files, record = migrations.load(directory), Record(schema)
    with _connected(url) as conn:
        todo = pending(files, record.read(conn))
        for migration in todo:
            migrations.refuse_foreign_parts(migration)
        applied = False
        for migration in todo:
            seconds = _apply(conn, migration, files, record, lock_timeout)
            if seconds is not None:
                say(f"applied {migration.name} ({seconds:.2f} s)")
                applied = True
        if not applied:
            say("nothing to do: every file is applied")


def record(
    url: str,
    directory: Path,
    lock_timeout: float,
    say: Callable[[str], None],
    schema: str = HOME,
) -> None:
    """Record every file as applied, and run none: for a schema that was made without this program.

    Args:
        url: of the database, as libpq reads it.
        directory: the folder of the files that were run there, and of no others.
        lock_timeout: seconds that each wait for a lock may take.
        say: receives each line of the outcome.
        schema: where the record is to lie.

    Raises:
        MigrationError: there is no schema, or a record already; nothing was changed.
    """
    files, place = migrations.load(directory), Record(schema)
    with _connected(url) as conn, _recording(), conn.transaction():
        _lock(conn, lock_timeout)
        known = place.read(conn)
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
        place.create(conn)
        for migration in files:
            place.add(conn, migration)
    for migration in files:
        say(f"recorded {migration.name}, and did not run it")


def is_installed(conn: Connection) -> bool:
    """Tell whether a database has a schema of Framecast, whoever made it."""
    return conn.execute(IS_INSTALLED).fetchone() == (True,)


def pending(files: Iterable[Migration], applied: Mapping[str, str]) -> tuple[Migration, ...]:
    """Tell which files have yet to be run, given the SHA-256 of those that were.

    Raises:
        HistoryError: an applied file was edited or is missing, or a new one sorts before it.
    """
    files = tuple(files)
    faults = [
        Wrong(name, *(UNDONE if undoes(name) else MISSING))
        for name in sorted(applied.keys() - {file.name for file in files})
    ]
    newest = max(applied, default="")
    for file in files:
        if file.name not in applied:
            if file.name < newest:
                what = f"is new, but sorts before {newest}, which was applied"
                faults.append(Wrong(str(file.path), what, "give it a name that sorts after"))
        elif not file.is_recorded_as(applied[file.name]):
            faults.append(Wrong(str(file.path), *EDITED))
    if faults:
        raise HistoryError(faults)
    return tuple(file for file in files if file.name not in applied)


@contextmanager
def _connected(url: str) -> Iterator[Connection]:
    try:
        conn = address.connect(url, DEFAULTS)
    except AddressError as error:
        raise MigrationError(str(error)) from None
    with conn:
        if conn.info.server_version < MINIMUM_MAJOR * 10_000:
            release = conn.info.parameter_status("server_version") or conn.info.server_version
            message = f"its server is PostgreSQL {release}: {MINIMUM_MAJOR} or newer is needed"
            raise MigrationError(message)
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


def _lock(conn: Connection, lock_timeout: float) -> None:
    """Keep other runs out until the transaction ends.

    A lock of the session would stay behind where a pooler gives that to somebody else.
    """
    _limit_waits(conn, lock_timeout)
    try:
        conn.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK_KEY,))
    except errors.LockNotAvailable as error:
        message = (
            f"another run is migrating this database, and did not end within {lock_timeout:g} s: "
            "wait for it, or give a longer --lock-timeout"
        )
        raise MigrationError(message) from error


def _apply(
    conn: Connection,
    migration: Migration,
    files: Sequence[Migration],
    record: Record,
    lock_timeout: float,
) -> float | None:
    """Run one file with its record, and return the seconds that it took.

    Returns:
        None where another run has applied it meanwhile.
    """
    start = None
    try:
        with migrations.transaction(conn, migration):
            _lock(conn, lock_timeout)
            known = record.read(conn)
            if migration not in pending(files, known):
                return None
            start = time.perf_counter()
            record.create(conn)
            migrations.run(conn, migration)
            record.add(conn, migration)
    except MigrationError as error:
        if start is None:
            raise
        # A connection that is lost at COMMIT leaves open what the server made of it.
        lost = "may have been rolled back: the next run will tell"
        outcome = lost if conn.broken else "was rolled back as a whole"
        message = f"{error}\n{migration.name} {outcome}"
        raise MigrationError(message) from error
    return time.perf_counter() - start


def _limit_waits(conn: Connection, lock_timeout: float) -> None:
    milliseconds = str(max(1, round(lock_timeout * 1000)))
    conn.execute("SELECT set_config('lock_timeout', %s, true)", (milliseconds,))
