"""Comparison of a record of applied files with a folder."""

from collections.abc import Iterable, Mapping
from typing import Any

import psycopg

from conformance.engine.deployment.dialect import undoes
from conformance.engine.deployment.migration import HistoryError, Migration, MigrationError, Wrong
from conformance.engine.domain.chosen import domain

Connection = psycopg.Connection[Any]

MISSING = ("was applied, but is missing here", "bring the file back")
EDITED = (
    "was edited after it had been applied",
    "restore it, and write the change as a new file",
)
UNDONE = (
    "was applied, though its name says that it undoes another",
    "bring back what it has undone, and delete its row from schema_migrations",
)
IS_INSTALLED = "SELECT to_regclass('public.' || quote_ident(%s)) IS NOT NULL"


def is_installed(conn: Connection) -> bool:
    """Tell whether a database has a schema of Framecast, whoever made it."""
    return conn.execute(IS_INSTALLED, [domain().landmark]).fetchone() == (True,)


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


def up_to(files: tuple[Migration, ...], name: str | None) -> tuple[Migration, ...]:
    """Return the files up to one, and that one; all of them where none is named.

    Raises:
        MigrationError: there is no such file.
    """
    if name is None:
        return files
    names = [file.name for file in files]
    for wanted in (name, f"{name}.sql"):
        if wanted in names:
            return files[: names.index(wanted) + 1]
    message = f"there is no file {name} to go up to: name one of the folder's, such as {names[-1]}"
    raise MigrationError(message)
