"""Migration files: read from a folder, and run on a server, each in one transaction.

A file goes to the server as one string, in one round trip. When it fails, the number of results
that came before the error, or the position that the server reports, tells which statement it was.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
from psycopg import errors, generators, pq

from conformance.engine.deployment import dialect, outside, reach
from conformance.engine.deployment.dialect import undoes
from conformance.engine.deployment.migration import Migration, MigrationError
from conformance.engine.deployment.statements import Statement, statements
from conformance.engine.deployment.tokens import line_of

SHOWN_LINES = 6  # of a failed statement: enough to recognise it
SHOWN_COLUMNS = 100
MOST_BELOW = 5  # files of folders below that are named

# What a file may leave in its session, which a pooler gives to somebody else afterwards.
RESET = """
    RESET SESSION AUTHORIZATION; RESET ROLE; RESET ALL; UNLISTEN *; DEALLOCATE ALL; DISCARD TEMP;
    SELECT pg_advisory_unlock_all()
"""

HINTS: dict[type[psycopg.Error], str] = {
    errors.ActiveSqlTransaction: (
        "each file runs in one transaction, where this statement is not possible: "
        "give it a file of its own with the line `-- outside a transaction`, or rewrite it "
        "(CREATE INDEX without CONCURRENTLY)"
    ),
    errors.LockNotAvailable: (
        "another session holds a lock that this needs: "
        "run again when it has ended, or wait longer with --lock-timeout"
    ),
}

# What a server says of what it was built without, whatever the file is.
LACKS = re.compile(r'not supported in this build|unsupported XML feature|collation "[^"]*-x-icu"')
NO_TRANSACTION = "a migration neither begins nor ends a transaction: each file runs in one"
NO_CLIENT = "COPY from STDIN or to STDOUT is not possible in a migration: use INSERT"

ENDS_TRANSACTION = re.compile(
    r"(BEGIN|START|COMMIT|END|ROLLBACK|ABORT)\b|PREPARE\s+TRANSACTION", re.IGNORECASE
)
# What the server calls such statements when it has carried them out.
ENDED = (b"BEGIN", b"START TRANSACTION", b"COMMIT", b"ROLLBACK", b"PREPARE TRANSACTION")

# results after which libpq expects data, not another statement
COPIES = (pq.ExecStatus.COPY_IN, pq.ExecStatus.COPY_OUT, pq.ExecStatus.COPY_BOTH)


def load(directory: Path) -> tuple[Migration, ...]:
    """Read every ``*.sql`` file of a folder, in the order of their names.

    Files that undo others by their names, such as ``x.down.sql``, are left out.

    Raises:
        MigrationError: the folder is missing or holds no such file, or one cannot be read.
    """
    if not directory.is_dir():
        reason = "is not a folder" if directory.exists() else "does not exist"
        wanted = "name one that holds *.sql files, by --migrations DIR"
        message = f"migrations folder {directory} {reason}: {wanted}{_near(directory)}"
        raise MigrationError(message)
    try:
        every = [path for path in directory.iterdir() if path.suffix.lower() == ".sql"]
    except OSError as error:
        message = f"migrations folder {directory} cannot be read: {error.strerror}"
        raise MigrationError(message) from error
    named = [path for path in every if not undoes(path.name)]
    paths = sorted((path for path in named if path.suffix == ".sql"), key=lambda path: path.name)
    odd = sorted(path for path in named if path.suffix != ".sql")
    if odd:
        message = f"{odd[0]} is not read, since its name does not end in .sql: rename it"
        raise MigrationError(message, odd[0])
    if not paths:
        message = f"migrations folder {directory} holds no *.sql file: nothing to install"
        raise MigrationError(message)
    return tuple(map(_read, paths))


def _near(directory: Path) -> str:
    """Return a question that names folders of migrations beside one that is none; '' for none."""
    near = [each for each in directory.parent.glob("*/migrations") if any(each.glob("*.sql"))]
    return f": did you mean {' or '.join(map(str, sorted(near)))}?" if near else ""


def digest(directory: Path) -> str:
    """Return the digest of all migrations in a folder; '' where there are none."""
    try:
        files = [f"{each.name} {each.sha256}" for each in load(directory)]
    except MigrationError:
        return ""
    return hashlib.sha256("\n".join(files).encode()).hexdigest()


def left_out(directory: Path) -> list[str]:
    """Return the files of a folder that are not run, since they undo others by their names."""
    return sorted(path.name for path in directory.glob("*.sql") if undoes(path.name))


def below(directory: Path) -> list[str]:
    """Return a line that names the SQL files in folders below a folder, of which none is run."""
    found = sorted(
        str(path.relative_to(directory))
        for path in directory.rglob("*")
        if path.suffix.lower() == ".sql" and path.parent != directory
    )
    more = f" and {len(found) - MOST_BELOW} more" if len(found) > MOST_BELOW else ""
    return [f"not read, in folders below: {', '.join(found[:MOST_BELOW])}{more}"] if found else []


def install(conn: psycopg.Connection[Any], migrations: Iterable[Migration]) -> None:
    """Run the files, each in one transaction of its own.

    The connection must be outside a transaction. Every file begins with the settings that the
    connection was opened with, as under ``psql -f``: what was SET since is RESET after each.

    Raises:
        MigrationError: a file reaches beyond the database, or a statement of it failed; it has left
            nothing behind.
    """
    for migration in migrations:
        refuse_reach(migration)
        if outside.says_so(migration):
            outside.refuse(migration)
            outside.run(conn, migration, run)
            continue
        try:
            with transaction(conn, migration):
                run(conn, migration)
        except MigrationError:
            refuse_foreign_parts(migration)  # which is worth more than what came of it
            raise


def refuse_reach(migration: Migration) -> None:
    """Refuse a file that reaches beyond the database: to files, programs or other servers.

    Raises:
        MigrationError: it does.
    """
    if error := reach.refusal(migration):
        raise error


def refuse_foreign_parts(migration: Migration) -> None:
    """Refuse a file with parts for psql or another runner, or with transactions of its own.

    Raises:
        MigrationError: it has one.
    """
    if error := dialect.refusal(migration):
        raise error
    for statement in statements(migration.sql):
        if ENDS_TRANSACTION.match(statement.text):
            what = (
                f"{statement.text.split()[0]} is not possible in a migration: "
                "each file runs in one transaction, with its record"
            )
            raise MigrationError.at(migration.path, statement.line, what)


@contextmanager
def transaction(conn: psycopg.Connection[Any], migration: Migration) -> Iterator[None]:
    """Open the transaction of one file; what it meets besides the file's own errors names the file.

    Raises:
        MigrationError: it could not begin or commit (a deferred check, a lost connection).
    """
    try:
        with conn.transaction():
            yield
    except psycopg.Error as error:
        lines = (f"{migration.path}: {_reason(error)}", *_notes(error))
        raise MigrationError("\n    ".join(lines), migration.path) from error


def run(conn: psycopg.Connection[Any], migration: Migration) -> None:
    """Run one file inside the transaction that is open, and take back what it left in its session.

    Raises:
        MigrationError: a statement failed; the transaction can only be rolled back. Where the
            statement was a COPY from STDIN or to STDOUT, the connection is closed.
    """
    try:
        script = migration.sql.encode(conn.info.encoding)
    except UnicodeEncodeError as error:
        what = (
            f"the connection's encoding, {conn.info.encoding}, "
            f"has no {error.object[error.start]!r}: set client_encoding=utf8"
        )
        line = line_of(migration.sql, error.start)
        raise MigrationError.at(migration.path, line, what) from error
    conn.pgconn.send_query(script)
    results = conn.wait(generators.execute(conn.pgconn))
    last = results[-1]
    if last.status in COPIES:
        conn.close()
        failed = _nth(migration.sql, len(results) - 1)
        raise _failed(migration, failed, NO_CLIENT)
    if last.status == pq.ExecStatus.FATAL_ERROR:
        cause = errors.error_from_result(last, encoding=conn.info.encoding)
        raise _failure(migration, cause, preceding=len(results) - 1) from cause
    for number, result in enumerate(results):
        if result.command_status in ENDED:
            refuse_foreign_parts(migration)
            raise _failed(migration, _nth(migration.sql, number), NO_TRANSACTION)
    conn.execute(RESET, prepare=False)


def _read(path: Path) -> Migration:
    try:
        content = path.read_bytes()
        sql = content.decode("utf-8-sig")
    except OSError as error:
        message = f"{path}: cannot be read: {error.strerror}"
        raise MigrationError(message, path) from error
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        byte = f"byte 0x{content[error.start]:02x}"
        what = f"is not UTF-8 ({byte}): save it as UTF-8"
        raise MigrationError.at(path, line, what) from error
    if "\0" in sql:
        what = "holds a NUL byte: it is not plain SQL"
        raise MigrationError.at(path, line_of(sql, sql.index("\0")), what)
    lines = content.replace(b"\r\n", b"\n")
    digest, *further = (
        hashlib.sha256(form).hexdigest() for form in (lines, content, lines.replace(b"\n", b"\r\n"))
    )
    return Migration(path, path.name, sql.replace("\r\n", "\n"), digest, frozenset(further))


def _failure(migration: Migration, error: psycopg.Error, preceding: int) -> MigrationError:
    """Say what failed, given how many statements of the file had succeeded."""
    diag = error.diag
    if diag.statement_position:
        failed = _around(migration.sql, int(diag.statement_position) - 1)
    else:
        failed = _nth(migration.sql, preceding)
    return _failed(migration, failed, _reason(error), _notes(error))


def _reason(error: psycopg.Error) -> str:
    text = error.diag.message_primary or str(error).strip()
    return f"{text} ({error.sqlstate or 'connection lost'})"


def _notes(error: psycopg.Error) -> list[str]:
    """List what else there is to say of an error, in lines."""
    diag = error.diag
    notes = [("detail", diag.message_detail), ("hint", diag.message_hint), ("where", diag.context)]
    notes += [("hint", hint) for kind, hint in HINTS.items() if isinstance(error, kind)]
    return [line for title, note in notes if note for line in f"{title}: {note}".splitlines()]


def _failed(
    migration: Migration, failed: Statement, reason: str, notes: Iterable[str] = ()
) -> MigrationError:
    told = "\n    ".join((reason, *_shortened(failed), *notes))
    return MigrationError.at(migration.path, failed.line, told)


def _shortened(failed: Statement) -> list[str]:
    """Show the head of a statement, and the line that failed if that comes later."""
    lines = [
        line if len(line) <= SHOWN_COLUMNS else line[: SHOWN_COLUMNS - 3] + "..."
        for line in map(str.rstrip, failed.text.split("\n"))
    ]
    last = len(lines) - 1
    offset = min(failed.offset, last)
    if last < SHOWN_LINES:
        return lines
    if offset < SHOWN_LINES:
        return [*lines[:SHOWN_LINES], "..."]
    return [lines[0], "...", lines[offset], *(["..."] if offset < last else [])]


def _nth(sql: str, number: int) -> Statement:
    found = statements(sql)
    return found[number] if number < len(found) else Statement(0, 1, "")


def _around(sql: str, index: int) -> Statement:
    """Find the statement that an index lies in, and which line of it that is."""
    line = line_of(sql, index)
    for statement in reversed(statements(sql)):
        if statement.start <= index:
            return replace(statement, line=line, offset=line - statement.line)
    return Statement(index, line, sql.split("\n")[line - 1].rstrip())


__all__ = [
    "Migration",
    "MigrationError",
    "below",
    "install",
    "left_out",
    "load",
    "refuse_foreign_parts",
    "refuse_reach",
    "run",
    "transaction",
]
