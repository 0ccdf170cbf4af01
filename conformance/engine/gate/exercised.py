"""Parts of pending files that a rehearsal has tried: statements that met rows, functions that ran.

What no state has a row for was not tried, and what it takes later nobody knows. What ran and was
not read, since it was called by a way that does not show, may take rows that nobody asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import psycopg
from pglast import ast

from conformance.engine.gate import affected_rows, data_loss, row_changes
from conformance.engine.gate.called import Bodies

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from conformance.engine.audit.target import Connection
    from conformance.engine.deployment.migrations import Migration
    from conformance.engine.gate.row_changes import RowChange

TRACK: Final = "SET track_functions = 'all'"  # until the file's settings are taken back
CALLS: Final = "SELECT funcname::text, calls FROM pg_stat_user_functions"
UNMET: Final = "{} rows of {}, of which no state has one: what it would take was not tried"
RAN: Final = "runs {}(), by a way that was not read: which rows of {} that takes, nobody asked"


class Exercise:
    """Record of what some files do to rows in one state after another."""

    def __init__(self, files: Sequence[Migration]) -> None:
        """Begin; the files are read when there is a first state."""
        self._files = files
        self._bodies: Bodies | None = None
        self._unmet: list[tuple[RowChange, str]] = []  # with what selects its rows
        self._calls: dict[str, int] = {}

    def begin(self, conn: Connection, file: Migration) -> None:
        """Note the statements of a file that meet rows, before it is run."""
        if self._bodies is None:
            self._bodies = Bodies(self._files, conn)
            changes = row_changes.of_files(self._files, bodies=self._bodies)
            self._unmet = [(each, query) for each in changes if (query := _query(conn, each))]
        self._bodies.conn = conn
        self._unmet = [
            (change, query)
            for change, query in self._unmet
            if change.file != file.name or not _meets(conn, query)
        ]
        self._calls = _calls(conn)
        conn.execute(TRACK)

    def ran(self, conn: Connection) -> Iterator[tuple[str, str]]:
        """Yield the tables of whose rows what ran, and was not read, takes some; and in words."""
        bodies, before = self._bodies, self._calls
        for name, calls in _calls(conn).items() if bodies else ():
            is_own = bodies is not None and name in bodies.own and calls > before.get(name, 0)
            if bodies is None or not is_own or bodies.read & {name, *bodies.of(name)}:
                continue
            for table in row_changes.of_function(name, bodies):
                told = table.replace('"', "").removeprefix("public.")
                yield told, RAN.format(name, told or "which table")

    def unmet(self) -> Iterator[tuple[RowChange, str]]:
        """Yield the statements that have met no row in any state, in words."""
        for change, _ in self._unmet:
            yield change, UNMET.format(change.does, change.relation)


def _query(conn: Connection, change: RowChange) -> str:
    """Return what selects the rows that a statement takes of a table that is there; '' for none.

    Keys that a file inserts are its own, and a table that it empties says so itself.
    """
    columns = dict(conn.execute(data_loss.COLUMNS, (change.table,)).fetchall())
    if not columns or change.takes_all or isinstance(change.node, ast.InsertStmt):
        return ""
    try:
        return affected_rows.query(change, columns)
    except ValueError:  # the target's own rows are asked, too, which says so
        return ""


def _meets(conn: Connection, query: str) -> bool:
    try:
        with conn.transaction():
            return bool(conn.execute(f"{query} LIMIT 1".encode()).rowcount)
    except psycopg.Error:
        return False


def _calls(conn: Connection) -> dict[str, int]:
    """Return how often functions were called in a database, by their names."""
    conn.execute("SELECT pg_stat_force_next_flush()")
    return dict(conn.execute(CALLS).fetchall())
